//! The OpenAPI document: valid for its public validator, and true of what the gateway takes and answers.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::app::{App, CANCEL, public};
use crate::clients::node_packages;

/// npm's checkers of the documents that the documentation centre offers.
const CHECKERS: [&str; 4] =
    ["@redocly/cli@2.77.0", "ajv@8.20.0", "newman@6.2.2", "postman-collection@5.3.1"];
/// Every rule there is, but for one: the platform answers errors with 200.
const RULES: &str = "extends: [recommended-strict]\nrules:\n  operation-4xx-response: off\n";

/// Where they are installed.
pub fn checkers() -> PathBuf {
    node_packages("documents", &CHECKERS)
}

pub fn document(app: &App, path: &str) -> Value {
    let host = app.address();
    let reply = app.send(&format!("GET {path} HTTP/1.1\r\nX-Reached-At: {host}\r\n"), b"");
    assert_eq!(reply.status, 200, "{}", reply.body());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    reply.json()
}

/// Feeds a script of ours, which uses public checkers, and returns what it says.
pub fn checked(script: &str, input: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/documents").join(script);
    let mut node = Command::new("node");
    node.arg(script).env("NODE_PATH", checkers()).env("NODE_NO_WARNINGS", "1");
    node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = node.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{errors}"))
}

/// The rules of the public linter that a document breaks.
fn broken_rules(document: &Value) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("openapi.json"), document.to_string()).unwrap();
    std::fs::write(folder.path().join("redocly.yaml"), RULES).unwrap();
    let mut redocly = Command::new(checkers().join(".bin/redocly"));
    redocly.args(["lint", "--format", "json", "openapi.json"]).current_dir(folder.path());
    // It asks nobody and tells nobody.
    redocly.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    let output = redocly.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_str(&said)
        .unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    let problems = report["problems"].as_array().unwrap();
    let rule = |problem: &Value| {
        format!("{}: {}", problem["ruleId"].as_str().unwrap(), problem["message"].as_str().unwrap())
    };
    assert_eq!(output.status.success(), problems.is_empty(), "{said}");
    problems.iter().map(rule).collect()
}

#[test]
fn the_openapi_document_breaks_no_rule_of_the_public_linter() {
    let app = App::start();
    let good = document(&app, "/docs/openapi.json");
    assert_eq!(broken_rules(&good), [""; 0]);
    // And the linter would say so.
    let path = format!("/router/rest#method={CANCEL}");
    let spoil = |spoil: &dyn Fn(&mut Value)| {
        let mut document = good.clone();
        spoil(&mut document);
        broken_rules(&document).join("\n")
    };
    let said = spoil(&|document| {
        document["info"].as_object_mut().unwrap().remove("title");
    });
    assert!(said.contains("struct: The field `title` must be present"), "{said}");
    let said = spoil(&|document| {
        document["paths"][&path]["post"]["responses"]["200"]["content"]["text/javascript"]["schema"]
            ["oneOf"][1]["$ref"] = "#/components/schemas/Nothing".into();
    });
    assert!(said.contains("no-unresolved-refs"), "{said}");
    let said = spoil(&|document| {
        let content = &mut document["paths"][&path]["post"]["requestBody"]["content"];
        let form = &mut content["application/x-www-form-urlencoded"];
        form["example"].as_object_mut().unwrap().remove("sign");
    });
    assert!(said.contains("no-invalid-media-type-examples"), "{said}");
}

#[test]
fn every_call_and_answer_of_the_sandbox_fits_the_openapi_document() {
    let app = App::start();
    let document = document(&app, "/docs/openapi.json");
    let mut calls = Vec::new();
    for spec in trip_api::SPECS {
        let operation = &document["paths"][format!("/router/rest#method={}", spec.name)]["post"];
        assert_eq!(operation["x-top-method"], spec.name);
        let content = &operation["requestBody"]["content"]["application/x-www-form-urlencoded"];
        let request = content["example"].clone();
        let texts: Vec<_> = spec
            .request
            .fields
            .iter()
            .filter_map(|field| {
                let value = request.get(field.name)?;
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                Some((field.name, text))
            })
            .collect();
        let params: Vec<_> = texts.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let answer = app.call(spec.name, &params).json();
        let refused = [public(spec.name), vec![("format", "json".to_owned())]].concat();
        let refused = app.send_signed(&refused, "wrong").json();
        assert!(refused["error_response"].is_object(), "{refused}");
        for answer in [answer, refused] {
            calls.push(json!({"method": spec.name, "request": request, "answer": answer}));
        }
    }
    let served = calls.iter().filter(|call| call["answer"].get("error_response").is_none()).count();
    assert_eq!(served, trip_api::SPECS.len() - 2, "all but the two of tokens");
    let wrong = checked("fits.js", &json!({"document": document, "calls": calls}));
    assert_eq!(wrong, json!(vec![[json!([]), json!([])]; calls.len()]));

    // A list without its wrapper, a member nobody described, a parameter that is missing.
    let detail = "alitrip.btrip.flight.distribution.change.detail";
    let call = calls.iter().find(|call| call["method"] == detail).unwrap();
    let spoil = |place: &str, value: Value| {
        let mut call = call.clone();
        *call.pointer_mut(place).unwrap() = value;
        checked("fits.js", &json!({"document": document, "calls": [call]}))[0].clone()
    };
    let module = "/answer/alitrip_btrip_flight_distribution_change_detail_response/result/module";
    assert_ne!(spoil(&format!("{module}/flight_info_list"), json!([]))[1], json!([]));
    assert_ne!(spoil(&format!("{module}/status"), json!("2"))[1], json!([]));
    assert_ne!(spoil(module, json!({"surplus": 1}))[1], json!([]));
    let rq = json!({"sub_channel": "corp001"});
    assert_ne!(spoil(&format!("/request/{}", crate::app::WRAPPER), rq)[0], json!([]));
}

#[test]
fn the_openapi_document_says_what_the_declarations_say() {
    let app = App::start();
    let document = document(&app, "/docs/openapi.json");
    assert_eq!(document["openapi"], "3.1.1");
    assert_eq!(document["servers"][0]["url"], "http://t", "as the browser reached it");
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), trip_api::SPECS.len());
    let schema = |stem: &str, name: &str| {
        let schema = document["components"]["schemas"][format!("{stem}.{name}")].clone();
        assert!(schema.is_object(), "{stem}.{name}");
        schema
    };
    for spec in trip_api::SPECS {
        let stem = spec.name.replace('.', "_");
        let call = schema(&stem, "Call");
        for field in spec.request.fields {
            assert!(call["properties"][field.name].is_object(), "{stem} {}", field.name);
            let required = call["required"].as_array().unwrap();
            assert_eq!(required.contains(&field.name.into()), field.required, "{}", field.name);
        }
        let needs_session = call["required"].as_array().unwrap().contains(&"session".into());
        assert_eq!(needs_session, spec.session == top::Session::Required);
        objects(&spec.request, &mut |object| {
            same_fields(&schema(&stem, object.name), object, true)
        });
        objects(&spec.response, &mut |object| {
            let mut schema = schema(&stem, object.name);
            if object.name == spec.response.name {
                schema["properties"].as_object_mut().unwrap().remove("request_id").unwrap();
            }
            same_fields(&schema, object, false);
        });
    }
    let passenger = schema("alitrip_btrip_supplychain_train_callback_refund", "PassengerInfo");
    assert_eq!(
        passenger["properties"]["passenger_name"],
        json!({
            "type": "string", "examples": ["123123"], "x-privacy": "sealed",
            "description": "乘客姓名,SM4加密\n\nName, SM4.",
        })
    );
}

/// Visits every object below a parameter or a root.
fn objects(object: &top::Object, visit: &mut dyn FnMut(&top::Object)) {
    for field in object.fields {
        let mut shape = &field.shape;
        while let top::Shape::List(element) = shape {
            shape = element;
        }
        if let top::Shape::Object(object) = shape {
            visit(object);
            objects(object, visit);
        }
    }
}

fn same_fields(schema: &Value, object: &top::Object, in_request: bool) {
    let mut names: Vec<_> = object.fields.iter().map(|field| field.name).collect();
    names.sort_unstable();
    let described: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(described, names, "{}", object.name);
    let required = object.fields.iter().filter(|field| field.required).map(|field| field.name);
    let expected = if in_request { json!(required.collect::<Vec<_>>()) } else { Value::Null };
    assert_eq!(schema["required"], expected, "{}", object.name);
}
