//! What each client sends, read off a request that was caught on its way; and what it cannot do.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::Client;
use super::matrix::call;
use super::request::{Place, Request, replace};
use crate::app::{CANCEL, WRAPPER};
use crate::program::Program;

/// What a client has been seen to send.
pub struct Sent {
    cells: Vec<String>,
    /// What it cannot do, or does unlike the others: each was tried.
    pub quirks: Vec<&'static str>,
}

impl Sent {
    pub const HEADS: [&str; 6] =
        ["sign_method", "timestamp", "public parameters", "partner_id", "asks for gzip", "files"];

    pub fn cells(&self) -> &[String] {
        &self.cells
    }
}

/// A call that is refused for its order's state, with a memo that every mistake would spoil.
fn refused(url: &str) -> Value {
    let rq = json!({"sub_channel": "corp001", "dis_order_id": "test0087771"});
    call(url, CANCEL, json!({ WRAPPER: rq.to_string(), "memo": "订单 a+b%&=c😀" }))
}

/// The same with a file, which no published method has, beside it.
fn with_file(url: &str) -> Value {
    let mut call = refused(url);
    call["file"] = json!({"name": "image", "filename": "行程单.txt", "text": "电子客票\r\n--\r\n"});
    call
}

/// The same for clients that cannot send a letter of Chinese beside a file, as [`quirks`] shows.
fn with_latin_file(url: &str) -> Value {
    let mut call = with_file(url);
    call["params"]["memo"] = "order a+b%&=c".into();
    call["file"]["filename"] = "receipt a.txt".into();
    call["file"]["text"] = "ticket\r\n--\r\n".into();
    call
}

/// Lets a client make a call to us and returns what it sent, byte for byte.
fn caught(client: &Client, with: fn(&str) -> Value) -> Request {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/router/rest", listener.local_addr().unwrap());
    let catching = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut raw = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "ended early: {}", String::from_utf8_lossy(&raw));
            raw.extend_from_slice(&buffer[..read]);
            if !raw.windows(4).any(|window| window == b"\r\n\r\n") {
                continue;
            }
            let request = Request::parse(&raw);
            let length = request.header("content-length").unwrap().parse().unwrap();
            if request.body.len() >= length {
                break;
            }
        }
        let body = r#"{"error_response":{"code":10,"msg":"caught"}}"#;
        let head =
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/javascript;charset=UTF-8";
        let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).unwrap();
        Request::parse(&raw)
    });
    client.call_all(&[with(&url)]);
    catching.join().unwrap()
}

/// Reads off what a client sends, and tries what it cannot.
pub fn of(client: &Client, program: &Program) -> Sent {
    let request = caught(client, refused);
    let timestamp = request.value("timestamp");
    let is_ms = timestamp.len() == 13 && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let place = match request.find("sign").unwrap().place {
        Place::Query => "in the query",
        Place::Form => "in the form",
        Place::Part | Place::File => panic!("{}", request.head),
    };
    let gzip = request.header("accept-encoding").is_some_and(|coding| coding.contains("gzip"));
    let partner = request.find("partner_id").map_or("–".into(), |said| said.value);
    let cells = vec![
        request.value("sign_method"),
        if is_ms { "epoch ms" } else { "local time" }.into(),
        place.into(),
        partner,
        if gzip { "yes" } else { "no" }.into(),
        files(client, program),
    ];
    Sent { cells, quirks: quirks(client, program) }
}

/// Whether a client sends files, and how; the bytes are kept.
fn files(client: &Client, program: &Program) -> String {
    if matches!(client.name, "node-taobao-topclient" | "pytaobao") {
        return "none".into();
    }
    let is_latin = matches!(client.name, "taobao-sdk-python3" | "py-taobao-open");
    let upload = if is_latin { with_latin_file } else { with_file };
    let request = caught(client, upload);
    keep(client, &request);
    let served = client.call_all(&[upload(&program.url)]).remove(0).to_string();
    assert!(served.contains(r#""fail_code":"1001""#), "{}: {served}", client.name);
    let place = request.find("sign").unwrap().place;
    let is_inside = place == Place::Part;
    format!("multipart, sign in {}", if is_inside { "a part" } else { "the query" })
}

/// What cannot be done with a client, tried.
fn quirks(client: &Client, program: &Program) -> Vec<&'static str> {
    const ONE_METHOD: &str = "there is no setting for another sign_method";
    const NO_FILE: &str = "there is no way to send a file";
    const RETURNED: &str = "of an error with a sub_code it keeps that alone; one without is **returned** as if it were an answer";
    const TEXT_FILE: &str = "a file must be opened as text: bytes end in its own AttributeError";
    const PRINTED_FILE: &str =
        "a file must be opened as text: bytes are sent as Python prints them, `b'…'`";
    const LATIN: &str =
        "beside a file no letter outside Latin-1 can be sent: its own UnicodeEncodeError";
    const LOST_ID: &str = "the request id of an error is lost";
    const NO_HMAC: &str =
        "its `hmac` setting ends in its own UnboundLocalError, so it signs with md5 only";
    const AS_JSON: &str = "an object as a parameter is sent as JSON";
    const AS_OBJECT: &str = "an object as a parameter is sent as JSON but signed as `[object Object]`, so it is refused with 25: give it the text";

    let try_out = |call: Value| client.call_all(&[call]).remove(0);
    let failed = |call: Value| try_out(call)["failed"].as_str().unwrap().to_owned();
    let url = program.url.as_str();
    let object = || {
        let rq = json!({"sub_channel": "corp001", "dis_order_id": "test0087771"});
        try_out(call(url, CANCEL, json!({ WRAPPER: rq })))
    };
    let mut binary = with_latin_file(url);
    binary["file"]["binary"] = true.into();
    match client.name {
        "node-taobao-topclient" => {
            assert_eq!(object()["ok"]["result"]["result_code"], 1001);
            vec![AS_JSON, ONE_METHOD, NO_FILE]
        }
        "topsdk" => {
            assert_eq!(object()["error"]["code"], 25);
            vec![AS_OBJECT, ONE_METHOD]
        }
        "taobaopy" => vec![ONE_METHOD],
        "taobao-sdk-python3" => {
            assert_eq!(failed(binary), "'bytes' object has no attribute 'encode'");
            assert!(failed(with_file(url)).contains("latin-1"));
            vec![TEXT_FILE, LATIN, LOST_ID, ONE_METHOD]
        }
        "py-taobao-open" => {
            let sent = caught(client, |url| {
                let mut call = with_latin_file(url);
                call["file"]["binary"] = true.into();
                call
            });
            assert_eq!(sent.value("image"), r"b'ticket\r\n--\r\n'");
            assert!(failed(with_file(url)).contains("latin-1"));
            vec![PRINTED_FILE, LATIN, LOST_ID, ONE_METHOD]
        }
        "pytaobao" => {
            let mut hmac = refused(url);
            hmac["sign_method"] = "hmac".into();
            assert!(failed(hmac).contains("'ary'"));
            vec![RETURNED, NO_HMAC, NO_FILE]
        }
        other => panic!("{other}"),
    }
}

/// Where caught and transcribed requests are.
pub fn requests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requests")
}

/// Compares an upload with the one that is kept, but for what is new every time; or keeps it.
fn keep(client: &Client, request: &Request) {
    let path = requests().join(format!("upload-{}.http", client.name));
    if std::env::var_os(super::matrix::ACCEPT).is_some() {
        std::fs::write(&path, request.raw()).unwrap();
    }
    let kept = Request::parse(&std::fs::read(&path).unwrap());
    let shown = |request: &Request| String::from_utf8_lossy(&masked(request)).into_owned();
    assert_eq!(shown(request), shown(&kept), "{}", path.display());
}

/// A request without what is new every time: port, boundary, time and signature.
fn masked(request: &Request) -> Vec<u8> {
    let fixed = request.with("timestamp", &"1".repeat(request.value("timestamp").len()));
    let fixed = fixed.with("sign", &"5".repeat(request.value("sign").len()));
    let host = request.header("host").unwrap();
    let raw = replace(&fixed.raw(), host.as_bytes(), b"gateway");
    replace(&raw, request.boundary().unwrap().as_bytes(), b"boundary")
}
