//! The OpenAPI document and the page that shows it; and schemathesis, which holds us to what it says.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::app::{App, send};
use crate::clients::schemathesis;
use crate::program::Program;

/// How many examples schemathesis draws for each operation; more are drawn by `dev/long`.
const EXAMPLES: &str = "10";

fn document(app: &App) -> Value {
    let reply = send(app.running().admin, "GET /ops/v1/openapi.json HTTP/1.1\r\n", b"");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    reply.json()
}

/// How many operations are documented.
pub fn operations(app: &App) -> usize {
    let document = document(app);
    let paths = document["paths"].as_object().unwrap().values();
    paths.map(|verbs| verbs.as_object().unwrap().len()).sum()
}

fn references<'d>(tree: &'d Value, found: &mut BTreeSet<&'d str>) {
    match tree {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|child| references(child, found));
        }
        Value::Array(elements) => elements.iter().for_each(|child| references(child, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_document_refers_to_nothing_that_is_not_in_it_and_has_nothing_that_nobody_refers_to() {
    let app = App::start();
    let document = document(&app);
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        let reference = format!("#/components/schemas/{name}");
        assert!(found.contains(reference.as_str()), "nobody refers to {name}");
    }
    for verbs in document["paths"].as_object().unwrap().values() {
        for operation in verbs.as_object().unwrap().values() {
            assert!(operation["summary"].is_string() && operation["operationId"].is_string());
            assert!(
                operation["responses"]["401"].is_object()
                    && operation["responses"]["500"].is_object()
            );
        }
    }
}

#[test]
fn the_manual_is_in_the_program_and_loads_nothing_from_elsewhere() {
    let app = App::start();
    let get = |path: &str| send(app.running().admin, &format!("GET {path} HTTP/1.1\r\n"), b"");
    assert_eq!(get("/ops/v1/docs").header("location"), Some("/ops/v1/docs/"));
    let page = get("/ops/v1/docs/");
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self';"), "no script in the page's text: {policy}");
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        assert!(page.body().contains(file));
        let file = get(&format!("/ops/v1/docs/{file}"));
        assert_eq!((file.status, file.bytes.is_empty()), (200, false));
    }
    let begins = get("/ops/v1/docs/swagger-initializer.js");
    assert!(begins.body().contains("/ops/v1/openapi.json"), "{}", begins.body());
    assert_eq!(super::problem(&get("/ops/v1/docs/nothing")).0, 404);
}

#[test]
fn schemathesis_finds_nothing() {
    let program = Program::serve(&[]);
    let line = |name: &str| {
        let line = program.lines.iter().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().to_owned()
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/ops");
    let examples = std::env::var("TRIPWRIGHT_TEST_EXAMPLES");
    let mut run = Command::new(schemathesis().join("bin/schemathesis"));
    run.args(["run", &format!("{}/ops/v1/openapi.json", line("admin "))]);
    run.args(["--header", &format!("Authorization: Bearer {}", line("ops_token "))]);
    run.args(["--seed", "20260301", "--generation-database", "none", "--no-color"]);
    // A machine that builds something else beside takes its time for a commit.
    run.args(["--request-timeout", "60"]);
    run.args(["--max-examples", examples.as_deref().unwrap_or(EXAMPLES)]);
    run.env("SCHEMATHESIS_HOOKS", folder.join("hooks.py")).env("NO_PROXY", "127.0.0.1");
    let output = run.current_dir(program.folder.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("Tested: 22"), "{told}");
    for phase in ["Examples", "Coverage", "Fuzzing", "Stateful"] {
        assert!(told.contains(&format!("✅ {phase}")), "{told}");
    }
    let log = program.log();
    assert!(!log.contains("ERROR"), "{log}");
}
