//! What the pages print, run as printed.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use gateway::demo;
use gateway::docs::notes::{ENTRIES, Entry};
use gateway::docs::samples;
use serde_json::Value;
use top::{Object, Session, Shape};

use super::java::{self, camel};
use super::{consent, page, text};
use crate::clients::{node_modules, python_home};
use crate::program::Program;
use crate::sdk;

/// The printed text of this id on a method's page.
fn printed(page: &str, id: &str) -> String {
    let start = format!("id=\"sample-{id}\"><code>");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no {id} in {page}"));
    text(rest.split_once("</code></pre>").unwrap().0)
}

/// Every method with its page in Chinese or English.
fn pages(program: &Program) -> Vec<(&'static Entry, String)> {
    let with_page = |(at, entry): (usize, &'static Entry)| {
        let lang = ["zh", "en"][at % 2];
        (entry, page(program, &format!("/docs/{}?lang={lang}", entry.spec.name)))
    };
    ENTRIES.iter().enumerate().map(with_page).collect()
}

/// Feeds a program to an interpreter and returns what it printed; in a time zone of its own.
fn run(mut interpreter: Command, program: &str) -> String {
    interpreter.env("NO_PROXY", "127.0.0.1").env("TZ", "UTC").env("NODE_NO_WARNINGS", "1");
    interpreter.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = interpreter.spawn().unwrap();
    child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{program}\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The same with every value replaced by what kind of value it is.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), shape(value))).collect()
        }
        Value::Array(elements) => elements.iter().map(shape).collect(),
        Value::String(_) => "text".into(),
        Value::Number(_) => "number".into(),
        Value::Bool(truth) => (*truth).into(),
        Value::Null => panic!("the wire knows no null"),
    }
}

/// Runs the sample of every method and compares its answers with those that its page shows.
fn answered(id: &str, interpreter: impl Fn() -> Command, hands_over: impl Fn(&Value) -> Value) {
    let program = Program::serve(&[]);
    for (entry, page) in pages(&program) {
        let (code, refresh) = tokens(&program, entry);
        // The two things that only the reader has.
        let sample = printed(&page, id).replace("YOUR_CODE", &code);
        let sample = sample.replace("YOUR_REFRESH_TOKEN", &refresh);
        assert!(!sample.contains("YOUR_"), "{sample}");
        let answer = run(interpreter(), &sample);
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"));
        let shown: Value = serde_json::from_str(entry.answers.json).unwrap();
        assert_eq!(shape(&answer), shape(&hands_over(&shown)), "{id} {}", entry.spec.name);
    }
}

/// A code and a refresh token, where the method needs one.
fn tokens(program: &Program, entry: &Entry) -> (String, String) {
    if !entry.spec.name.contains(".token.") {
        return Default::default();
    }
    let code = consent(program.address());
    let (_, answer) =
        program.call("taobao.top.auth.token.create", &["--param", &format!("code={code}")]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let tokens = answer["top_auth_token_create_response"]["token_result"].as_str().unwrap();
    let tokens: Value = serde_json::from_str(tokens).unwrap();
    (consent(program.address()), tokens["refresh_token"].as_str().unwrap().to_owned())
}

#[test]
fn every_curl_sample_is_answered_as_its_page_shows() {
    answered("curl", || Command::new("sh"), Value::clone);
}

#[test]
fn every_python_sample_is_answered_as_its_page_shows() {
    answered("python", || Command::new(python_home().join("bin/python")), Value::clone);
}

#[test]
fn every_node_sample_is_answered_as_its_page_shows() {
    let node = || {
        let mut node = Command::new("node");
        node.env("NODE_PATH", node_modules());
        node
    };
    // The client returns what is in the root.
    answered("node", node, |answer| answer.as_object().unwrap().values().next().unwrap().clone());
}

#[test]
fn every_rust_sample_is_the_example_that_runs() {
    let folder = sdk::examples();
    let program = Program::serve(&[]);
    for (entry, page) in pages(&program) {
        let stem = entry.spec.name.replace('.', "_");
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../top-client/examples/{stem}.rs"));
        assert_eq!(printed(&page, "rust"), std::fs::read_to_string(file).unwrap());
        // Cargo has built it already, elsewhere.
        let cargo = format!("cargo run -p top-client --example {stem}");
        let commands = printed(&page, "rust-run");
        assert!(commands.ends_with(&format!("\n{cargo}\n")), "{commands}");
        let built = folder.join(&stem);
        let said = run(Command::new("sh"), &commands.replace(&cargo, built.to_str().unwrap()));
        let is_asking = entry.spec.name.contains(".token.");
        assert_eq!(said.contains("run this again"), is_asking, "{said}");
        assert!(!said.contains("no change") && !said.contains("no quote"), "{said}");
    }
}

#[test]
fn every_java_sample_compiles_against_a_class_with_the_declared_setters_and_no_others() {
    let program = Program::serve(&[]);
    let folder = tempfile::tempdir().unwrap();
    java::write_sdk(folder.path(), trip_api::SPECS);
    let mut files = Vec::new();
    for (entry, page) in pages(&program) {
        let sample = printed(&page, "java");
        for name in needed(&entry.spec.request) {
            assert!(sample.contains(&format!(".set{}(", camel(name))), "{name}: {sample}");
        }
        let with_session = sample.contains("client.execute(req, sessionKey)");
        assert_eq!(with_session, entry.spec.session == Session::Required);
        let file = folder.path().join(format!("{}Sample.java", java::class(entry.spec.name)));
        std::fs::write(&file, sample).unwrap();
        files.push(file);
    }
    let mut javac = Command::new("javac");
    javac
        .args(["-encoding", "UTF-8", "-Xlint:all,-serial", "-Werror", "-sourcepath"])
        .arg(folder.path());
    let output = javac.arg("-d").arg(folder.path().join("out")).args(&files).output();
    let output = output.expect("javac; the README's test command installs what is missing");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(files.len(), trip_api::SPECS.len());
}

#[test]
fn every_c_sample_compiles_and_hands_the_sdk_what_the_wire_needs() {
    let program = Program::serve(&[]);
    let standins = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/docs/standins");
    let folder = tempfile::tempdir().unwrap();
    for (entry, page) in pages(&program) {
        let (source, built) = (folder.path().join("sample.c"), folder.path().join("sample"));
        std::fs::write(&source, printed(&page, "c")).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-I"]).arg(&standins);
        cc.args([&source, &standins.join("topsdk.c")]).arg("-o").arg(&built);
        let output = cc.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

        let (url, key, secret) = (&program.url, demo::APP_KEY, demo::SECRET);
        let mut expected = format!("client={url} {key} {secret}\nmethod={}\n", entry.spec.name);
        for (name, value) in samples::params(entry.spec) {
            expected.push_str(&format!("{name}={value}\n"));
        }
        let has_session = entry.spec.session == Session::Required;
        let session = if has_session { demo::SESSION } else { "-" };
        expected.push_str(&format!("session={session}\nret code:0\n"));
        assert_eq!(run(Command::new(&built), ""), expected);
    }
}

#[test]
fn every_php_sample_is_php_and_names_what_the_method_needs() {
    let program = Program::serve(&[]);
    for (entry, page) in pages(&program) {
        let sample = printed(&page, "php");
        let mut php = Command::new("php");
        php.arg("-l");
        assert!(run(php, &sample).contains("No syntax errors detected"), "{sample}");
        let class = java::class(entry.spec.name);
        assert!(sample.contains(&format!("$req = new {class}Request;")), "{sample}");
        for (depth, name) in needed_by_depth(&entry.spec.request) {
            let setter = if depth == 0 {
                format!("$req->set{}(", camel(name))
            } else {
                format!("->{name} = ")
            };
            assert!(sample.contains(&setter), "{setter} {sample}");
        }
    }
}

#[test]
fn every_dotnet_sample_names_what_the_method_needs() {
    let program = Program::serve(&[]);
    for (entry, page) in pages(&program) {
        let sample = printed(&page, "dotnet");
        let class = java::class(entry.spec.name);
        let execute =
            if entry.spec.session == Session::Required { "req, sessionKey" } else { "req" };
        let call = format!("{class}Response rsp = client.Execute({execute});");
        assert!(
            sample.contains(&format!("{class}Request req = new {class}Request();")),
            "{sample}"
        );
        assert!(sample.contains(&call), "{sample}");
        for (depth, name) in needed_by_depth(&entry.spec.request) {
            let field = entry.spec.request.fields.iter().find(|field| field.name == name);
            let as_json = depth == 0 && field.unwrap().shape.travels_as_json();
            let setter = format!(".{}{} = ", camel(name), if as_json { "_" } else { "" });
            assert!(sample.contains(&setter), "{setter} {sample}");
        }
    }
}

/// Every required member, however deep, and whatever holds one, be it called optional.
fn needed(object: &Object) -> Vec<&'static str> {
    needed_by_depth(object).into_iter().map(|(_, name)| name).collect()
}

fn needed_by_depth(object: &Object) -> Vec<(usize, &'static str)> {
    let mut needed = Vec::new();
    for field in object.fields {
        let within = match field.shape {
            Shape::Object(nested) | Shape::List(&Shape::Object(nested)) => needed_by_depth(nested),
            _ => Vec::new(),
        };
        if field.required || !within.is_empty() {
            needed.push((0, field.name));
        }
        needed.extend(within.into_iter().map(|(depth, name)| (depth + 1, name)));
    }
    needed
}
