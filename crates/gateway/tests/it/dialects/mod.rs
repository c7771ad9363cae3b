//! The SDKs that are in no registry: what each sends, byte for byte, and how each reads what comes
//! back. Together with uploads as the clients of the registries send them.
//!
//! The requests are files in `tests/requests`, whose README says where the bytes of each come from.

mod mistakes;
pub mod parsers;

use std::io::Read;

use flate2::read::GzDecoder;
use top::sign::Secret;
use top::{Params, SignMethod};

use crate::app::{App, Form, NOW_TEXT, Reply, at};
use crate::clients::request::{Place, Request};
use crate::clients::requests;
use crate::program::Program;

/// Every kept request, with its name.
fn kept() -> Vec<(String, Request)> {
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(requests()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "http") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            kept.push((name, Request::parse(&std::fs::read(&path).unwrap())));
        }
    }
    kept.sort_by(|(a, _), (b, _)| a.cmp(b));
    kept
}

/// The kept request of that name.
fn request(name: &str) -> Request {
    let found = kept().into_iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("{name}")).1
}

fn uploads() -> Vec<(String, Request)> {
    kept().into_iter().filter(|(name, _)| name.starts_with("upload-")).collect()
}

/// The moment at which a kept request was sent.
fn sent_at(request: &Request) -> domain::Instant {
    let text = request.value("timestamp");
    match text.parse::<i64>() {
        Ok(ms) => domain::Instant::from_millisecond(ms).unwrap(),
        Err(_) => at(&format!("{}+08:00", text.replace(' ', "T"))),
    }
}

/// The same request sent now: only its time and its signature differ.
fn fresh(request: &Request) -> Request {
    let now = gateway::Clock::System.now();
    let old = request.value("timestamp");
    let timestamp = match old.parse::<i64>() {
        Ok(_) => now.as_millisecond().to_string(),
        Err(_) => top::Date::at_platform(now.as_second()).to_string(),
    };
    signed(&request.with("timestamp", &timestamp), "test")
}

/// The same request with the signature that its SDK would have given it.
fn signed(request: &Request, secret: &str) -> Request {
    let method: SignMethod = request.value("sign_method").parse().unwrap();
    let said = request.said();
    let signed = said.iter().filter(|said| said.name != "sign" && said.place != Place::File);
    // .NET and Java never send what is empty; the others send and sign it.
    let pairs =
        signed.map(|said| (said.name.as_str().into(), said.value.as_str().into())).collect();
    let body = if request.is_signed_whole() { request.body.as_slice() } else { b"" };
    let sign = Secret::new(secret).sign(method, Params::from_pairs(pairs).iter(), body);
    request.with("sign", &sign)
}

/// A reply without its compression, which must have been asked for.
fn opened(request: &Request, reply: Reply) -> Reply {
    let asked = request.header("accept-encoding").is_some_and(|coding| coding.contains("gzip"));
    let is_compressed = reply.header("content-encoding") == Some("gzip");
    assert_eq!(is_compressed, asked);
    let mut bytes = reply.bytes.clone();
    if is_compressed {
        bytes.clear();
        GzDecoder::new(reply.bytes.as_slice()).read_to_end(&mut bytes).unwrap();
    }
    Reply { bytes, ..reply }
}

/// The form of answer that a request asks for.
fn form(request: &Request) -> Form {
    let simplify = request.find("simplify").map(|said| said.value);
    match request.find("format").map(|said| said.value).as_deref() {
        Some("json") if simplify.as_deref() == Some("true") => Form::Simplified,
        Some("json") => Form::Json,
        _ => Form::Xml,
    }
}

/// Every kept request cancels the same order, which is ticketed.
fn refusal(form: Form) -> &'static str {
    match form {
        Form::Json => {
            r#"{"alitrip_btrip_flight_distribution_order_cancel_response":{"result":{"module":{"fail_code":"1001","fail_reason":"已出票不可取消","order_status":"5"},"result_code":1001,"result_msg":"取消失败","success":false},"request_id":"RID"}}"#
        }
        Form::Simplified => {
            r#"{"result":{"module":{"fail_code":"1001","fail_reason":"已出票不可取消","order_status":"5"},"result_code":1001,"result_msg":"取消失败","success":false},"request_id":"RID"}"#
        }
        Form::Xml => {
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?><alitrip_btrip_flight_distribution_order_cancel_response><result><module><fail_code>1001</fail_code><fail_reason>已出票不可取消</fail_reason><order_status>5</order_status></module><result_code>1001</result_code><result_msg>取消失败</result_msg><success>false</success></result><request_id>RID</request_id></alitrip_btrip_flight_distribution_order_cancel_response><!--top.tripwright-->"
        }
    }
}

fn is_served(request: &Request, reply: Reply) -> bool {
    opened(request, reply).text() == refusal(form(request))
}

fn is_unsigned(request: &Request, reply: Reply) -> bool {
    opened(request, reply).text().contains("Invalid signature")
}

#[test]
fn every_kept_request_says_where_its_bytes_come_from() {
    let readme = std::fs::read_to_string(requests().join("README.md")).unwrap();
    let kept = kept();
    assert_eq!(kept.len(), 17);
    for (name, _) in &kept {
        assert!(readme.contains(&format!("| `{name}` |")), "{name}");
    }
    assert_eq!(readme.matches("| `").count(), kept.len(), "a row too many");
}

#[test]
fn every_dialect_is_served_byte_for_byte_as_it_was_sent() {
    let app = App::start();
    for (name, request) in kept() {
        app.context().clock.set(sent_at(&request));
        assert!(is_served(&request, request.send(app.address())), "{name}");
    }
}

#[test]
fn every_dialect_is_served_by_the_program_at_its_own_time() {
    let program = Program::serve(&[]);
    for (name, request) in kept() {
        let fresh = fresh(&request);
        assert_eq!(fresh.raw().len(), request.raw().len(), "{name}");
        assert!(is_served(&request, fresh.send(program.address())), "{name}");
    }
}

#[test]
fn in_every_dialect_text_parts_are_signed_and_files_are_not() {
    let app = App::start();
    for (name, request) in uploads() {
        app.context().clock.set(sent_at(&request));
        let file = request.find("image").unwrap();
        assert_eq!(file.place, Place::File, "{name}");
        let other_file = request.with("image", &file.value.to_uppercase().replace('票', "飘"));
        assert_ne!(other_file.body, request.body, "{name}");
        assert!(is_served(&request, other_file.send(app.address())), "{name}");
        let memo = request.value("memo");
        let other_memo = request.with("memo", &memo.replace("a+b", "a+c"));
        assert!(is_unsigned(&request, other_memo.send(app.address())), "{name}");
    }
}

#[test]
fn kept_requests_were_sent_at_the_demo_worlds_time_or_caught_since() {
    for (name, request) in kept() {
        let is_transcribed = request.value("timestamp") == NOW_TEXT;
        assert!(is_transcribed || sent_at(&request) > at("2026-11-01T00:00:00Z"), "{name}");
    }
}
