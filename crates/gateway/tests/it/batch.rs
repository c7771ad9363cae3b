//! `/router/batch`: many calls in one request, one sign over all, one answer for each.

use std::io::Read as _;

use domain::access::{Entitlement, Quota};
use flate2::read::GzDecoder;
use gateway::demo;
use serde_json::{Value, json};
use top::sign::Secret;
use top::{Params, SignMethod, form};

use crate::alitrip_btrip_supplychain_train_callback_refund as refund;
use crate::app::{App, CANCEL, NOW_TEXT, Reply, WRAPPER, key};

const SEPARATOR: &str = "\r\n-S-\r\n";
const TEXT: &str = "Content-Type: text/plain;charset=UTF-8\r\n";

/// Every request id of an answer, once checked, written as `RID`.
fn without_ids(body: &str) -> String {
    let mut text = String::new();
    let mut rest = body;
    let marks = [r#""request_id":""#, "<request_id>"];
    while let Some(at) = marks.iter().filter_map(|m| Some(rest.find(m)? + m.len())).min() {
        let end = at + rest[at..].find(['"', '<']).unwrap();
        assert_eq!(rest[at..end].len(), 12, "{rest}");
        text += &rest[..at];
        text += "RID";
        rest = &rest[end..];
    }
    text + rest
}

/// Takes an answer apart as the Java SDK does: empty parts at the end vanish.
fn parted<'a>(body: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts: Vec<_> = body.split(separator).collect();
    while parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    parts
}

/// A call of a batch.
fn item(params: &[(&str, &str)]) -> String {
    form::encode(params.iter().copied())
}

fn cancel_of(dis_order_id: &str) -> String {
    let rq = json!({"sub_channel": "corp001", "dis_order_id": dis_order_id}).to_string();
    item(&[("method", CANCEL), (WRAPPER, &rq)])
}

/// A batch of the demo app, signed as every client signs it.
struct Batch<'a> {
    query: Vec<(&'a str, &'a str)>,
    head: String,
    separator: &'a str,
}

impl<'a> Batch<'a> {
    fn new() -> Self {
        Self::of(demo::APP_KEY, demo::SESSION)
    }

    fn of(app_key: &'a str, session: &'a str) -> Self {
        let query = vec![
            ("app_key", app_key),
            ("format", "json"),
            ("session", session),
            ("sign_method", "md5"),
            ("timestamp", NOW_TEXT),
            ("v", "2.0"),
        ];
        Self { query, head: TEXT.to_owned(), separator: SEPARATOR }
    }

    fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.query.retain(|(other, _)| *other != name);
        self.query.push((name, value));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.query.retain(|(other, _)| *other != name);
        self
    }

    fn parted_by(mut self, separator: &'a str) -> Self {
        self.head += &format!("top-api-separator: {separator}\r\n");
        Self { separator, ..self }
    }

    fn send(&self, app: &App, items: &[String], secret: &str) -> Reply {
        self.send_body(app, &items.join(self.separator), secret)
    }

    fn send_body(&self, app: &App, body: &str, secret: &str) -> Reply {
        self.send_signed_as(app, body, body, secret)
    }

    /// Sends a body under the signature of another.
    fn send_signed_as(&self, app: &App, body: &str, signed: &str, secret: &str) -> Reply {
        let pairs = self.query.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
        let params = Params::from_pairs(pairs);
        let sign = Secret::new(secret).sign(SignMethod::Md5, params.iter(), signed.as_bytes());
        let query = form::encode(params.iter().chain([("sign", sign.as_str())]));
        let head = format!("POST /router/batch?{query} HTTP/1.1\r\n{}", self.head);
        app.send(&head, body.as_bytes())
    }

    /// The answers to a batch of the demo app.
    fn ask(&self, app: &App, items: &[String]) -> Vec<String> {
        let reply = self.send(app, items, demo::SECRET);
        assert_eq!(reply.status, 200);
        parted(&without_ids(reply.body()), self.separator).into_iter().map(str::to_owned).collect()
    }

    /// The one complaint about a batch as a whole.
    fn refused(&self, app: &App, items: &[String]) -> String {
        self.send(app, items, demo::SECRET).text()
    }
}

fn error(code: u16, msg: &str) -> String {
    format!(r#"{{"error_response":{{"code":{code},"msg":"{msg}","request_id":"RID"}}}}"#)
}

const CANCELLED: &str = r#"{"alitrip_btrip_flight_distribution_order_cancel_response":{"result":{"module":{"cancel_time":"2026-03-01 09:00:00","order_status":"10"},"result_code":0,"result_msg":"成功","success":true},"request_id":"RID"}}"#;
const REFUSED: &str = r#"{"alitrip_btrip_flight_distribution_order_cancel_response":{"result":{"module":{"fail_code":"1001","fail_reason":"已出票不可取消","order_status":"5"},"result_code":1001,"result_msg":"取消失败","success":false},"request_id":"RID"}}"#;
const TIME: &str = r#"{"time_get_response":{"time":"2026-03-01 09:00:00","request_id":"RID"}}"#;

#[test]
fn the_java_sdks_batch_of_two_cancels_is_answered_in_order_and_one_refusal_is_alone() {
    let app = App::start();
    // As `BatchTaobaoClient` writes it: the common method is said once for all, and again in each call.
    let head = "POST /router/batch?app_key=test&v=2.0&sign=F444F44544066E8CA7EC8DA1CFEAE1BF&\
        timestamp=2026-03-01+09%3A00%3A00&partner_id=top-sdk-java-20170428&\
        session=6100demo0tripwright0sandbox0session0000002088000000000001&format=json&\
        sign_method=hmac HTTP/1.1\r\nContent-Type: text/plain;charset=UTF-8\r\n\
        Accept: text/xml,text/javascript\r\nUser-Agent: top-sdk-java\r\nAccept-Encoding: gzip\r\n";
    let body = "#PUBLIC#method=alitrip.btrip.flight.distribution.order.cancel\r\n-S-\r\n\
        param_btrip_flight_order_operate_common_rq=%7B%22dis_order_id%22%3A%22demo-payable%22%2C\
        %22sub_channel%22%3A%22corp001%22%7D&method=alitrip.btrip.flight.distribution.order.cancel\
        \r\n-S-\r\n\
        param_btrip_flight_order_operate_common_rq=%7B%22dis_order_id%22%3A%22test0087771%22%2C\
        %22sub_channel%22%3A%22corp001%22%7D&method=alitrip.btrip.flight.distribution.order.cancel";
    let reply = app.send(head, body.as_bytes());
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("text/javascript;charset=UTF-8"));
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(reply.bytes.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(reply.header("top-bodylength"), Some(&*text.encode_utf16().count().to_string()));
    assert_eq!(without_ids(&text), format!("{CANCELLED}\r\n-S-\r\n{REFUSED}"));
    let story = app.story(&key("test", "corp001", "demo-payable"));
    assert_eq!(story, ["cancel by test", "import by demo"]);
}

#[test]
fn a_third_party_go_clients_batch_with_an_ampersand_before_each_call_is_answered_as_xml() {
    let app = App::start();
    let head = "POST /router/batch?app_key=test&format=xml&\
        session=6100demo0tripwright0sandbox0session0000002088000000000001&sign_method=md5&\
        timestamp=2026-03-01+09%3A00%3A00&v=2.0&sign=A2FF4D25767CBDC3923B62E547611D07 HTTP/1.1\r\n\
        User-Agent: Go-http-client/1.1\r\nContent-Type: text/plain;charset=UTF-8\r\n";
    let body = "param_btrip_flight_order_operate_common_rq=%7B%22sub_channel%22%3A%22corp001%22%2C\
        %22dis_order_id%22%3A%22demo-payable%22%7D&method=alitrip.btrip.flight.distribution.order.cancel\
        \r\n-S-\r\n&method=taobao.time.get\r\n-S-\r\n\
        &param_btrip_flight_order_operate_common_rq=%7B%22sub_channel%22%3A%22corp001%22%2C\
        %22dis_order_id%22%3A%22test0087771%22%7D&method=alitrip.btrip.flight.distribution.order.cancel";
    let reply = app.send(head, body.as_bytes());
    assert_eq!(reply.header("content-type"), Some("text/xml;charset=UTF-8"));
    assert_eq!(
        without_ids(reply.body()),
        "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\
         <alitrip_btrip_flight_distribution_order_cancel_response><result><module>\
         <cancel_time>2026-03-01 09:00:00</cancel_time><order_status>10</order_status></module>\
         <result_code>0</result_code><result_msg>成功</result_msg><success>true</success></result>\
         <request_id>RID</request_id></alitrip_btrip_flight_distribution_order_cancel_response>\
         <!--top.tripwright-->\r\n-S-\r\n\
         <?xml version=\"1.0\" encoding=\"utf-8\" ?><time_get_response>\
         <time>2026-03-01 09:00:00</time><request_id>RID</request_id></time_get_response>\
         <!--top.tripwright-->\r\n-S-\r\n\
         <?xml version=\"1.0\" encoding=\"utf-8\" ?>\
         <alitrip_btrip_flight_distribution_order_cancel_response><result><module>\
         <fail_code>1001</fail_code><fail_reason>已出票不可取消</fail_reason>\
         <order_status>5</order_status></module><result_code>1001</result_code>\
         <result_msg>取消失败</result_msg><success>false</success></result>\
         <request_id>RID</request_id></alitrip_btrip_flight_distribution_order_cancel_response>\
         <!--top.tripwright-->"
    );
}

#[test]
fn what_is_public_is_a_default_and_each_failure_is_its_own() {
    let app = App::start();
    app.add_app("bank", |app| app.methods = Entitlement::Only([CANCEL.to_owned()].into()));
    let public = "#PUBLIC#method=taobao.time.get&fields=time".to_owned();
    let missing = error(26, "Missing session");
    let invalid = r#"{"error_response":{"code":27,"msg":"Invalid session","sub_code":"invalid-sessionkey","sub_msg":"SessionKey非法","request_id":"RID"}}"#;
    let items = [
        public.clone(),
        "N".to_owned(),
        cancel_of("demo-payable") + "&session=somebodys",
        cancel_of("demo-payable") + "&target_app_key=1&session=",
        item(&[("method", "taobao.nope")]),
        item(&[("method", CANCEL)]),
        "method=%FF".to_owned(),
        item(&[("method", CANCEL), (WRAPPER, "{")]),
        String::new(),
        cancel_of("demo-payable"),
    ];
    assert_eq!(
        Batch::new().ask(&app, &items),
        [
            TIME,
            invalid,
            CANCELLED,
            &error(22, "Invalid method"),
            &error(40, &format!("Missing required arguments:{WRAPPER}")),
            &error(47, "Invalid encoding"),
            &error(41, &format!("Invalid arguments:{WRAPPER}")),
            TIME,
            CANCELLED,
        ]
    );
    // Without a session for all, each call brings its own or has none.
    let own = cancel_of("demo-payable") + "&session=" + demo::SESSION;
    let answers = Batch::new().without("session").ask(&app, &[own, cancel_of("demo-payable")]);
    assert_eq!(answers, [CANCELLED, missing.as_str()]);
    // What an app may not call, it may not in a batch.
    let reply = Batch::of("bank", "bank-session").send(
        &app,
        &["method=taobao.time.get".to_owned(), cancel_of("none")],
        "bank-secret",
    );
    let body = without_ids(reply.body());
    let parts = parted(&body, SEPARATOR);
    assert_eq!(
        parts[0],
        r#"{"error_response":{"code":11,"msg":"Insufficient isv permissions","sub_code":"isv.permission-api-package-limit","request_id":"RID"}}"#
    );
    assert!(parts[1].contains(r#""result_code":2001"#), "{body}");
    let unnamed = Batch::new().ask(&app, &["a=1".to_owned(), "N".to_owned()]);
    let missing = r#"{"error_response":{"code":21,"msg":"Missing method","sub_msg":"http传入的参数加入method字段","request_id":"RID"}}"#;
    assert_eq!(unnamed, [missing, missing]);
    // A client has been seen to name it in the query.
    let named = Batch::new().with("method", "taobao.time.get").ask(&app, &["N".to_owned()]);
    assert_eq!(named, [TIME]);
}

#[test]
fn calls_have_their_effects_in_the_order_they_stand_in() {
    let one_or_both = [&[(0, true), (1, false)], &[(0, true), (1, true)]];
    let mut results = Vec::new();
    for order in [[0, 1], [1, 0]] {
        let app = App::start();
        let known = refund::load(&app, "demo-rail-refunding");
        // Two reports of one refund contradict each other: whichever comes first holds.
        let items = order.map(|at| {
            let report = refund::report(&known, "demo-refund-1", one_or_both[at]).to_string();
            item(&[("method", refund::METHOD), (refund::WRAPPER, &report)])
        });
        for answer in Batch::new().ask(&app, &items) {
            let answer: Value = serde_json::from_str(&answer).unwrap();
            let root = &answer["alitrip_btrip_supplychain_train_callback_refund_response"];
            results.push(root["result_code"].as_str().unwrap().to_owned());
        }
        results.push(refund::load(&app, "demo-rail-refunding").refunded_fen().0.to_string());
    }
    assert_eq!(results, ["200", "409", "55300", "200", "409", "110600"]);
}

#[test]
fn each_call_of_a_batch_counts_as_one() {
    let app = App::start();
    app.add_app("few", |app| {
        app.quota = Quota { calls_per_day: Some(2), calls_per_second: None };
    });
    let time = item(&[("method", "taobao.time.get")]);
    let reply = Batch::of("few", "few-session").send(
        &app,
        &[time.clone(), item(&[("method", CANCEL)]), time.clone(), time],
        "few-secret",
    );
    let body = without_ids(reply.body());
    let limited = r#"{"error_response":{"code":7,"msg":"App Call Limited","sub_code":"accesscontrol.limited-by-app-access-count","sub_msg":"This ban will last for 54000 more seconds","request_id":"RID"}}"#;
    let missing = error(40, &format!("Missing required arguments:{WRAPPER}"));
    assert_eq!(parted(&body, SEPARATOR), [TIME, &missing, limited, limited]);
}

#[test]
fn a_batch_that_is_wrong_as_a_whole_has_one_answer_and_no_effect() {
    let app = App::start();
    let items = [cancel_of("demo-payable"), cancel_of("test0087771")];
    let unknown = r#"{"error_response":{"code":29,"msg":"Invalid app Key","sub_code":"isv.appkey-not-exists","request_id":"RID"}}"#;
    for (batch, expected) in [
        (Batch::new().without("app_key"), error(28, "Missing app Key")),
        (Batch::new().with("app_key", "nobody"), unknown.to_owned()),
        (Batch::new().without("v"), error(32, "Missing version")),
        (Batch::new().with("timestamp", "2026-03-01 01:00:00"), error(31, "Invalid timestamp")),
        (Batch::new().with("sign_method", "sha1"), error(25, "Invalid signature")),
        (Batch::new().parted_by(&"-".repeat(65)), error(41, "Invalid arguments:top-api-separator")),
        (Batch::new().parted_by("q7"), error(41, "Invalid arguments:top-api-separator")),
        (Batch::new().parted_by("\""), error(41, "Invalid arguments:top-api-separator")),
        (Batch::new().parted_by("票"), error(41, "Invalid arguments:top-api-separator")),
    ] {
        assert_eq!(batch.refused(&app, &items), expected, "{:?}", batch.query);
    }
    let signed_otherwise = Batch::new().send(&app, &items, "wrong").text();
    assert_eq!(signed_otherwise, error(25, "Invalid signature"));
    for (body, expected) in [
        ("", error(40, "Missing required arguments:body")),
        ("#PUBLIC#method=taobao.time.get", error(40, "Missing required arguments:body")),
        (&vec!["N"; 21].join(SEPARATOR), error(41, "Invalid arguments:body, more than 20 calls")),
    ] {
        assert_eq!(Batch::new().send_body(&app, body, demo::SECRET).text(), expected);
    }
    // One sign over the query and the body: a body that was changed on the way is not what was signed.
    let sent = cancel_of("demo-payable");
    let forged = Batch::new().send_signed_as(&app, &sent, &cancel_of("test0087771"), demo::SECRET);
    assert_eq!(forged.text(), error(25, "Invalid signature"));
    for verb in ["GET", "PUT"] {
        let reply = app.send(&format!("{verb} /router/batch?format=json HTTP/1.1\r\n"), b"");
        assert_eq!(reply.text(), error(9, "Http action not allowed"), "{verb}");
    }
    let files = "POST /router/batch?format=json HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=B\r\n";
    let reply =
        app.send(files, b"--B\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\nv\r\n--B--");
    assert_eq!(reply.text(), error(41, "Invalid arguments:body"));
    let story = app.story(&key("test", "corp001", "demo-payable"));
    assert_eq!(story, ["import by demo"]);
}

#[test]
fn a_batch_is_as_long_as_the_setting_says_and_no_longer() {
    let app = App::with(&["--batch-calls-max", "2"]);
    let time = || item(&[("method", "taobao.time.get")]);
    assert_eq!(Batch::new().ask(&app, &[time(), time()]), [TIME, TIME]);
    let refused = Batch::new().refused(&app, &[time(), time(), time()]);
    assert_eq!(refused, error(41, "Invalid arguments:body, more than 2 calls"));
}

#[test]
fn calls_are_parted_by_the_separator_that_a_header_names_and_answers_too() {
    let app = App::start();
    let items = ["method=taobao.time.get".to_owned(), "method=taobao.nope".to_owned()];
    let expected = [TIME.to_owned(), error(22, "Invalid method")];
    for separator in ["%7Bvillatheme%7D", "-S-", "||", "###", " * ", "<>"] {
        let batch = Batch::new().parted_by(separator);
        let batch = Batch { separator: separator.trim(), ..batch };
        assert_eq!(batch.ask(&app, &items), expected, "{separator}");
    }
    let simplified = Batch::new().with("simplify", "true").ask(&app, &items);
    let simple = r#"{"time":"2026-03-01 09:00:00","request_id":"RID"}"#;
    assert_eq!(simplified, [simple, &error(22, "Invalid method")]);
    // One whose separator stands in an answer would be taken for two: what it did is done, and said alone.
    let batch = Batch::new().parted_by("成功");
    assert_eq!(batch.refused(&app, &items), error(41, "Invalid arguments:top-api-separator"));
    let batch = Batch::new().parted_by("09:00");
    let answers = batch.ask(&app, &["method=taobao.time.get".into(), "method=taobao.nope".into()]);
    let unusable = error(41, "Invalid arguments:top-api-separator");
    assert_eq!(answers, [unusable, error(22, "Invalid method")]);
}
