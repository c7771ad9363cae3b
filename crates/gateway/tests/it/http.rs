//! HTTP: every place a parameter can stand in, every header that matters, every limit.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use gateway::server::Limits;
use top::sign::Secret;
use top::{Params, SignMethod, form};

use crate::app::{App, CANCEL, Reply, WRAPPER, parse, public, sign_md5};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\n";

/// A signed cancel of the page's order, with Chinese, signs and an emoji in a value of its own.
fn signed() -> Vec<(&'static str, String)> {
    let mut params = public(CANCEL);
    params.push(("format", "json".into()));
    params.push(("memo", "订单 a+b%&=c😀".into()));
    let rq = r#"{"sub_channel":"corp001","dis_order_id":"test0087771"}"#;
    params.push((WRAPPER, rq.to_owned()));
    let pairs: Vec<_> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let sign = sign_md5(&pairs, "test");
    params.push(("sign", sign));
    params
}

fn encode(params: &[(&'static str, String)]) -> String {
    form::encode(params.iter().map(|(name, value)| (*name, value.as_str())))
}

fn is_served(reply: &Reply) -> bool {
    reply.text().contains(r#""fail_code":"1001""#)
}

#[test]
fn parameters_are_read_wherever_they_stand() {
    let app = App::start();
    let params = signed();
    let (in_query, in_body) = params.split_at(5);
    let (all, query, body) = (encode(&params), encode(in_query), encode(in_body));
    for path in ["/router/rest", "/top/router/rest"] {
        let post = |query: &str, body: &str| {
            app.send(&format!("POST {path}?{query} HTTP/1.1\r\n{FORM}"), body.as_bytes())
        };
        assert!(is_served(&post("", &all)), "body");
        assert!(is_served(&post(&all, "")), "query");
        assert!(is_served(&post(&query, &body)), "split");
        assert!(is_served(&app.send(&format!("GET {path}?{all} HTTP/1.1\r\n"), b"")), "get");
        let get = format!("GET {path}?{query} HTTP/1.1\r\n{FORM}");
        assert!(is_served(&app.send(&get, body.as_bytes())), "get with a body");
    }
    let spaced = all.replace("%20", "+");
    assert!(is_served(&app.post_form(&spaced)), "plus for a blank");
    let untyped = app.send("POST /router/rest HTTP/1.1\r\n", all.as_bytes());
    assert!(is_served(&untyped), "no content type");
    let lower = "POST /router/rest HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    assert!(is_served(&app.send(lower, all.as_bytes())), "lower-case header");
}

#[test]
fn multipart_text_parts_are_signed_and_files_are_not() {
    let app = App::start();
    let params = signed();
    let mut body = String::from("\r\n");
    for (name, value) in &params[3..] {
        body.push_str(&format!(
            "--1081066450016\r\nContent-Disposition:form-data;name=\"{name}\"\r\n\
             Content-Type:text/plain\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(
        "--1081066450016\r\nContent-Disposition:form-data;name=\"image\";filename=\"a b.png\"\r\n\
         Content-Type:image/png\r\n\r\n\u{0}\u{1}\r\n--1081066450016--\r\n",
    );
    let query = encode(&params[..3]);
    let head = format!(
        "POST /router/rest?{query} HTTP/1.1\r\n\
         Content-Type: multipart/form-data;charset=UTF-8;boundary=1081066450016\r\n"
    );
    assert!(is_served(&app.send(&head, body.as_bytes())));
}

#[test]
fn a_json_xml_or_text_body_is_signed_and_otherwise_ignored() {
    let app = App::start();
    let body = r#"{"任何":"东西"}"#;
    for content_type in ["application/json;charset=utf-8", "text/xml;charset=utf-8", "text/plain"] {
        let mut params = signed();
        params.pop();
        let pairs = params.iter().map(|(n, v)| ((*n).into(), v.as_str().into())).collect();
        let sorted = Params::from_pairs(pairs);
        let sign =
            |body: &str| Secret::new("test").sign(SignMethod::Md5, sorted.iter(), body.as_bytes());
        let send = |sign: String| {
            let query = form::encode(sorted.iter().chain([("sign", sign.as_str())]));
            let head =
                format!("POST /router/rest?{query} HTTP/1.1\r\nContent-Type: {content_type}\r\n");
            app.send(&head, body.as_bytes())
        };
        assert!(is_served(&send(sign(body))), "{content_type}");
        assert!(send(sign("")).text().contains("Invalid signature"), "{content_type}");
    }
}

#[test]
fn the_head_is_the_platforms() {
    let app = App::start();
    let reply = app.call("taobao.time.get", &[]);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("text/javascript;charset=UTF-8"));
    assert_eq!(reply.header("vary"), Some("Accept-Encoding"));
    assert_eq!(reply.header("content-encoding"), None);
    let characters = reply.body().encode_utf16().count().to_string();
    assert_eq!(reply.header("top-bodylength"), Some(characters.as_str()));
    assert!(!reply.body().ends_with('\n') && !reply.body().contains(['\n', '\r']));
}

#[test]
fn an_answer_is_compressed_only_when_asked() {
    let app = App::start();
    let body = encode(&signed());
    let ask = |accept: &str| {
        app.send(&format!("POST /router/rest HTTP/1.1\r\n{FORM}{accept}"), body.as_bytes())
    };
    for accept in ["", "Accept-Encoding: identity\r\n", "Accept-Encoding: gzip;q=0\r\n"] {
        assert!(is_served(&ask(accept)), "{accept}");
    }
    let compressed = ask("Accept-Encoding: gzip, deflate\r\n");
    assert_eq!(compressed.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(compressed.bytes.as_slice()).read_to_string(&mut text).unwrap();
    assert!(text.contains("已出票不可取消"));
    // The length is that of what was compressed, in Java's characters.
    let characters = text.encode_utf16().count().to_string();
    assert_eq!(compressed.header("top-bodylength"), Some(characters.as_str()));
}

#[test]
fn other_paths_are_not_found_and_other_verbs_not_allowed() {
    let app = App::start();
    for path in ["/router", "/router/rest/", "/router/batch2", "/console", "/metrics", "/docsx"] {
        let reply = app.send(&format!("GET {path} HTTP/1.1\r\n"), b"");
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.body().starts_with("no such path (request_id "), "{}", reply.body());
    }
    assert_eq!(app.send("CONNECT t:80 HTTP/1.1\r\n", b"").status, 404);
    for verb in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let reply = app.send(&format!("{verb} /router/rest?format=json HTTP/1.1\r\n"), b"");
        assert_eq!(
            reply.text(),
            r#"{"error_response":{"code":9,"msg":"Http action not allowed","request_id":"RID"}}"#
        );
    }
}

#[test]
fn a_body_that_is_too_large_is_answered_and_the_connection_closed() {
    let app = App::with(&["--body-bytes-max", "1000"]);
    let expected =
        r#"{"error_response":{"code":41,"msg":"Invalid arguments:body","request_id":"RID"}}"#;
    let head = format!("POST /router/rest?format=json HTTP/1.1\r\n{FORM}");
    let fits = app.send(&head, &[b'a'; 1000]);
    assert!(fits.text().contains("Missing app Key"), "{}", fits.body());
    // Far more than the kernel buffers: a client that writes before it reads still gets to read.
    for length in [1001, 20 * 1024 * 1024] {
        let reply = app.send(&head, &vec![b'a'; length]);
        assert_eq!(reply.text(), expected);
        assert_eq!(reply.header("connection"), Some("close"));
    }
    let mut stream = TcpStream::connect(app.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let chunked = format!("{head}Host: t\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.write_all(chunked.as_bytes()).unwrap();
    for _ in 0..11 {
        stream.write_all(format!("64\r\n{}\r\n", "a".repeat(100)).as_bytes()).unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).unwrap();
    assert_eq!(parse(&raw).text(), expected);
}

#[test]
fn what_is_not_utf8_is_named_in_the_format_asked_for_wherever_that_stood() {
    let app = App::start();
    let expected = r#"{"error_response":{"code":47,"msg":"Invalid encoding","request_id":"RID"}}"#;
    let gbk = "Content-Type: application/x-www-form-urlencoded;charset=GBK\r\n";
    for (query, content_type, body) in [
        ("format=json", FORM, "a=%D6%D0"),
        ("format=json&a=%D6%D0", FORM, ""),
        ("", FORM, "a=%D6%D0&format=json"),
        ("format=json", gbk, "a=1"),
        ("", gbk, "a=%D6%D0&format=json"),
    ] {
        let head = format!("POST /router/rest?{query} HTTP/1.1\r\n{content_type}");
        assert_eq!(app.send(&head, body.as_bytes()).text(), expected, "{query} {body}");
    }
    // Even before the verb, and that before the format.
    let put = app.send("PUT /router/rest?format=json&a=%D6%D0 HTTP/1.1\r\n", b"");
    assert_eq!(put.text(), expected);
    let put = app.send("PUT /router/rest?format=yaml HTTP/1.1\r\n", b"").text();
    assert!(put.contains("<code>9</code>"), "{put}");
}

#[test]
fn too_many_parameters_are_a_body_that_nobody_reads() {
    let app = App::start();
    let body = format!("format=json&{}", "a=1&".repeat(100_000));
    assert_eq!(
        app.post_form(&body).text(),
        r#"{"error_response":{"code":41,"msg":"Invalid arguments:body","request_id":"RID"}}"#
    );
}

fn limits(edit: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    edit(&mut limits);
    limits
}

fn connect(app: &App) -> TcpStream {
    let stream = TcpStream::connect(app.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Reads until the server closes the connection.
fn drain(mut stream: TcpStream) -> Vec<u8> {
    let mut raw = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut raw);
    raw
}

#[test]
fn a_head_that_dribbles_and_a_connection_that_idles_are_closed() {
    let app = App::limited(&[], limits(|limits| limits.head = Duration::from_millis(300)));
    assert_eq!(drain(connect(&app)), b"", "nothing was sent");
    let mut dribbling = connect(&app);
    dribbling.write_all(b"GET /healthz HTTP/1.1\r\nHost:").unwrap();
    assert_eq!(drain(dribbling), b"", "half a head");
    let mut idle = connect(&app);
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n").unwrap();
    assert!(drain(idle).ends_with(b"ok\n"), "answered, then idle");
}

#[test]
fn each_head_of_a_connection_has_its_own_time() {
    const HEAD: Duration = Duration::from_millis(1200);
    let app = App::limited(&[], limits(|limits| limits.head = HEAD));
    let mut stream = connect(&app);
    // Longer than one head may take, together, and each well within it.
    for call in 0..6 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n").unwrap();
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).unwrap();
        assert!(buffer[..read].ends_with(b"ok\n"), "call {call}");
        std::thread::sleep(HEAD / 4);
    }
    let asked = Instant::now();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n").unwrap();
    assert!(drain(stream).ends_with(b"ok\n"), "answered, then idle");
    assert!(asked.elapsed() >= HEAD, "closed after {:?}", asked.elapsed());
}

#[test]
fn a_body_that_does_not_arrive_is_given_up() {
    let app = App::limited(&[], limits(|limits| limits.body = Duration::from_millis(300)));
    let mut slow = connect(&app);
    slow.write_all(b"POST /router/rest HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\na=")
        .unwrap();
    assert_eq!(drain(slow), b"");
}

#[test]
fn bodies_that_are_promised_and_do_not_come_take_no_room_from_others() {
    let app = App::limited(&[], limits(|limits| limits.body = Duration::from_secs(10)));
    let head = b"POST /router/rest HTTP/1.1\r\nHost: t\r\nConnection: close\r\n";
    let promise = |length: &[u8]| {
        let mut stream = connect(&app);
        stream.write_all(&[head, length, b"\r\n\r\n"].concat()).unwrap();
        stream
    };
    // More than all the room there is, if a promise took any.
    let mut promised: Vec<_> = (0..70).map(|_| promise(b"Transfer-Encoding: chunked")).collect();
    promised.extend((0..70).map(|_| promise(b"Content-Length: 4194304")));
    let reply = app.call("taobao.time.get", &[]);
    assert!(reply.text().starts_with(r#"{"time_get_response":"#), "{}", reply.text());
    // And they were still being waited for.
    let mut first = promised.swap_remove(0);
    first.write_all(b"0\r\n\r\n").unwrap();
    assert!(drain(first).starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[test]
fn a_client_that_never_reads_loses_its_place_and_others_wait_their_turn() {
    let flags = ["--connections-max", "1"];
    let app = App::limited(&flags, limits(|limits| limits.write = Duration::from_millis(300)));
    let mut greedy = connect(&app);
    // The answers, some 25 MB, are more than all buffers between us hold.
    greedy
        .write_all(&b"GET /docs/catalogue.json HTTP/1.1\r\nHost: t\r\n\r\n".repeat(2000))
        .unwrap();
    let reply = app.send("GET /healthz HTTP/1.1\r\n", b"");
    assert_eq!(reply.body(), "ok\n");
    drop(greedy);
}

#[test]
fn a_client_that_closes_its_side_still_gets_its_answer() {
    let app = App::start();
    for id in ["demo-payable", "demo-payable-confirmed", "demo-initial"] {
        let rq = format!(r#"{{"sub_channel":"corp001","dis_order_id":"{id}"}}"#);
        let mut params = public(CANCEL);
        params.extend([("format", "json".into()), (WRAPPER, rq)]);
        let pairs: Vec<_> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let sign = sign_md5(&pairs, "test");
        params.push(("sign", sign));
        let body = encode(&params);
        let mut stream = connect(&app);
        let head = format!(
            "POST /router/rest HTTP/1.1\r\nHost: t\r\n{FORM}Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let reply = parse(&drain(stream)).text();
        assert!(reply.contains(r#""success":true"#), "{id}: {reply}");
    }
}

#[test]
fn one_connection_serves_many_calls_and_a_call_may_wait_to_be_told_to_go_on() {
    let app = App::start();
    let body = encode(&signed());
    let mut stream = TcpStream::connect(app.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut buffer = vec![0; 16 * 1024];
    for _ in 0..3 {
        let head = format!(
            "POST /router/rest HTTP/1.1\r\nHost: t\r\n{FORM}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let read = stream.read(&mut buffer).unwrap();
        assert!(buffer[..read].starts_with(b"HTTP/1.1 100 Continue"));
        stream.write_all(body.as_bytes()).unwrap();
        let mut raw = Vec::new();
        while !raw.ends_with(b"}}") {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0);
            raw.extend(&buffer[..read]);
        }
        assert!(is_served(&parse(&raw)));
    }
}

#[test]
fn health_readiness_and_the_catalogue_are_served_where_they_belong() {
    let app = App::start();
    let (gateway, admin) = (app.address(), app.running().admin);
    for address in [gateway, admin] {
        let get = |path: &str| crate::app::send(address, &format!("GET {path} HTTP/1.1\r\n"), b"");
        assert_eq!(get("/healthz").body(), "ok\n");
        assert_eq!(get("/readyz").body(), "ready\n");
        assert_eq!(get("/docs/catalogue.json").status, if address == gateway { 200 } else { 404 });
        assert_eq!(get("/router/rest").status, if address == gateway { 200 } else { 404 });
    }
    let docs = app.send("GET /docs/catalogue.json HTTP/1.1\r\n", b"").json();
    let methods: Vec<_> =
        docs["methods"].as_array().unwrap().iter().map(|m| m["method"].as_str().unwrap()).collect();
    assert_eq!(methods, trip_api::SPECS.iter().map(|spec| spec.name).collect::<Vec<_>>());
}
