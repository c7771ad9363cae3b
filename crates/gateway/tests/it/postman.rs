//! The Postman collection: what Postman's own reader makes of it, and what the gateway answers when its own
//! runner sends it.

use std::process::Command;

use serde_json::{Value, json};

use crate::app::{App, send};
use crate::openapi::{checked, checkers, document};
use crate::program::Program;

#[test]
fn postmans_own_reader_reads_the_collection_whole() {
    let app = App::start();
    let collection = document(&app, "/docs/postman.json");
    let read = checked("collection.js", &collection);
    assert_eq!(read["name"], "Tripwright");
    let (items, written) =
        (read["items"].as_array().unwrap(), collection["item"].as_array().unwrap());
    assert_eq!((items.len(), written.len()), (trip_api::SPECS.len(), trip_api::SPECS.len()));
    for ((item, written), spec) in items.iter().zip(written).zip(trip_api::SPECS) {
        assert_eq!(item["name"], format!("{} {}", spec.title.zh, spec.name));
        assert_eq!(
            (item["method"].as_str(), item["url"].as_str()),
            (Some("POST"), Some("{{url}}"))
        );
        assert_eq!(item["mode"], "urlencoded");
        assert_eq!(item["description"], written["request"]["description"]);
        let form = written["request"]["body"]["urlencoded"].as_array().unwrap().iter();
        let form =
            form.map(|param| json!([param["key"], param["value"], param["disabled"] == true]));
        assert_eq!(item["form"], form.collect::<Value>());
    }
    assert_eq!(
        read["variables"],
        json!({
            "url": "http://t/router/rest", "app_key": "test", "secret": "test",
            "session": gateway::demo::SESSION, "sign_method": "hmac-sha256",
        })
    );
    assert_eq!(read["scripts"][0][0], "prerequest");
    // A form that the reader does not take for one is one that the comparison notices.
    let mut spoiled = collection.clone();
    spoiled["item"][2]["request"]["body"]["urlencoded"] = json!([]);
    assert_ne!(checked("collection.js", &spoiled)["items"], read["items"]);
}

/// Runs a collection as Postman's command line does: the name and the answer of each request.
fn run(collection: &Value, variables: &[(&str, &str)]) -> Vec<(String, Value)> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("collection.json"), collection.to_string()).unwrap();
    let mut newman = Command::new(checkers().join(".bin/newman"));
    newman.args(["run", "collection.json", "--reporters", "json"]);
    newman.args(["--reporter-json-export", "report.json"]).current_dir(folder.path());
    for (name, value) in variables {
        newman.args(["--env-var", &format!("{name}={value}")]);
    }
    let output = newman.env("NO_PROXY", "127.0.0.1").output().unwrap();
    let report = std::fs::read_to_string(file("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["run"]["failures"], json!([]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    executions(&report)
}

fn executions(report: &Value) -> Vec<(String, Value)> {
    let executions = report["run"]["executions"].as_array().unwrap().iter();
    executions
        .map(|execution| {
            let bytes = execution["response"]["stream"]["data"].as_array().unwrap().iter();
            let bytes: Vec<_> = bytes.map(|byte| byte.as_u64().unwrap() as u8).collect();
            let answer = serde_json::from_slice(&bytes).unwrap();
            (execution["item"]["name"].as_str().unwrap().to_owned(), answer)
        })
        .collect()
}

#[test]
fn every_request_of_the_collection_is_signed_and_answered_however_it_signs() {
    let program = Program::serve(&[]);
    let address = program.address();
    let reply = send(address, "GET /docs/postman.json HTTP/1.1\r\n", b"");
    let mut collection = reply.json();
    // The test's own request calls the host `t`; a browser's names the address.
    assert_eq!(collection["variable"][0]["value"], "http://t/router/rest");
    collection["variable"][0]["value"] = program.url.clone().into();
    for sign_method in ["md5", "hmac", "hmac-sha256"] {
        let answers = run(&collection, &[("sign_method", sign_method)]);
        assert_eq!(answers.len(), trip_api::SPECS.len());
        for ((name, answer), spec) in answers.iter().zip(trip_api::SPECS) {
            assert!(name.ends_with(spec.name), "{name}");
            let root = answer.as_object().unwrap().keys().next().unwrap();
            // Only these have a parameter that nobody can give an example of.
            if spec.name.contains(".auth.token.") {
                assert_eq!(answer["error_response"]["code"], 40, "{answer}");
            } else {
                assert_eq!(*root, spec.root(), "{answer}");
            }
        }
        let of = |name: &str| &answers.iter().find(|(known, _)| known.ends_with(name)).unwrap().1;
        let refund = of(".train.callback.refund");
        let refund = &refund["alitrip_btrip_supplychain_train_callback_refund_response"];
        assert_eq!(
            (&refund["result_code"], &refund["result_msg"]),
            (&json!("200"), &json!("成功"))
        );
        let cancel =
            &of(".order.cancel")["alitrip_btrip_flight_distribution_order_cancel_response"];
        assert_eq!(cancel["result"]["module"]["fail_reason"], "已出票不可取消");
    }
    for (_, answer) in run(&collection, &[("secret", "wrong")]) {
        assert_eq!(answer["error_response"]["code"], 25, "{answer}");
    }
}

#[test]
fn in_production_the_collection_knows_nobody() {
    let app = App::with(&["--production"]);
    let collection = document(&app, "/docs/postman.json");
    let variables = collection["variable"].as_array().unwrap().iter();
    let values: Vec<_> = variables.map(|variable| variable["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["http://t/router/rest", "", "", "", "hmac-sha256"]);
    assert!(!collection.to_string().contains(gateway::demo::SESSION));
}
