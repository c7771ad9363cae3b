//! The answers that pages show are those of the demo world to the pages' own examples. `dev/answers` writes them.

use std::path::{Path, PathBuf};

use gateway::demo;
use gateway::docs::notes::ENTRIES;
use gateway::docs::samples;

use super::consent;
use crate::app::{App, public};
use crate::clients::ACCEPT;

/// What is new every time, and what stands for it: the number of a request, those of orders, keyed hashes, tokens.
const NEW_EVERY_TIME: &[(&str, &str)] = &[
    ("request_id", "zzp0c5fj10y3"),
    ("btrip_order_id", "100000000000001"),
    ("btrip_sub_order_id", "100000000000002"),
    ("quote_id", "5f3b0c9d8e7a6f41"),
    ("access_token", "6100access"),
    ("refresh_token", "6101refresh"),
    ("taobao_user_id", "2088000000000017"),
    ("open_uid", "AAExample"),
    ("taobao_open_uid", "AAExample"),
];

const FORMATS: [(&str, &[(&str, &str)]); 3] = [
    ("xml", &[("format", "xml")]),
    ("json", &[("format", "json")]),
    ("simplified.json", &[("format", "json"), ("simplify", "true")]),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/docs/answers")
}

/// The answer with fixed values for what is new every time, in an element, a member, or a member of JSON in a
/// text, where quotation marks are escaped.
fn fixed(answer: &str) -> String {
    let mut text = answer.to_owned();
    for (name, value) in NEW_EVERY_TIME {
        for start in [
            format!("<{name}>"),
            format!("\"{name}\":\""),
            format!("\"{name}\":"),
            format!("\\\"{name}\\\":\\\""),
            format!("&quot;{name}&quot;:&quot;"),
        ] {
            let Some(at) = text.find(&start).map(|at| at + start.len()) else { continue };
            let is_value = |letter: char| letter.is_ascii_alphanumeric();
            let length = text[at..].find(|letter| !is_value(letter)).unwrap();
            if length > 0 {
                text.replace_range(at..at + length, value);
            }
        }
    }
    text
}

/// Compares an answer with the one that is kept, or keeps it.
fn check(file: &str, answer: &str) {
    let path = folder().join(file);
    if std::env::var_os(ACCEPT).is_some() {
        std::fs::write(&path, answer).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert_eq!(kept, answer, "{file}: bash dev/answers writes it anew");
}

fn refresh_token(app: &App) -> String {
    let code = consent(app.address());
    let answer = app.call("taobao.top.auth.token.create", &[("code", &code)]).json();
    let tokens = answer["top_auth_token_create_response"]["token_result"].as_str().unwrap();
    let tokens: serde_json::Value = serde_json::from_str(tokens).unwrap();
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

#[test]
fn the_answers_that_pages_show_are_the_demo_worlds_own() {
    // Each format has a world of its own: what a call changes is not yet changed for the next.
    for (name, format) in FORMATS {
        let app = App::start();
        for entry in ENTRIES {
            let mut all = public(entry.spec.name);
            all.extend(format.iter().map(|(name, value)| (*name, (*value).to_owned())));
            for (name, value) in samples::params(entry.spec) {
                let value = match value.as_str() {
                    "YOUR_CODE" => consent(app.address()),
                    "YOUR_REFRESH_TOKEN" => refresh_token(&app),
                    _ => value,
                };
                all.push((name, value));
            }
            let answer = fixed(app.send_signed(&all, demo::SECRET).body());
            assert!(!answer.contains("error_response"), "{}: {answer}", entry.spec.name);
            check(&format!("{}.{name}", entry.spec.name.replace('.', "_")), &answer);
        }
    }
}

#[test]
fn the_error_on_a_page_is_one_that_its_method_gets_from_this_server() {
    for code in ["50", "15"] {
        let app = App::with(&["--remote-error-code", code]);
        let page = |method: &str| {
            let reply = app.send(&format!("GET /docs/{method} HTTP/1.1\r\n"), b"");
            reply.body().replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"")
        };
        let with_parameters = page(crate::app::CANCEL);
        assert!(with_parameters.contains(&format!("<code>{code}</code>")), "{with_parameters}");
        assert!(with_parameters.contains("<sub_msg>非法参数</sub_msg>"));
        let without = page("taobao.time.get");
        assert!(without.contains("<msg>Invalid signature</msg>"), "{without}");
        assert!(!without.contains("isv.invalid-parameter</sub_code>"));
    }
}
