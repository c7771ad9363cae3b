//! What third-party mocks and gateways of the platform get wrong, one test each, so that none of it
//! can come here. Where an SDK is what would suffer, its own rule of reading decides.

use gateway::demo;
use serde_json::{Value, json};
use top::answer::success;
use top::sign::Secret;
use top::{Format, Params, SignMethod, Spec, Wire, batch, form};

use super::parsers::{self, Typed};
use super::{fresh, is_served, is_unsigned, opened, request, signed, uploads};
use crate::alitrip_btrip_supplychain_train_callback_refund as refund;
use crate::app::{App, CANCEL, Form, NOW_TEXT, Reply, WRAPPER, public};
use crate::clients::request::Place;
use crate::program::Program;

const DETAIL: &str = "alitrip.btrip.flight.distribution.change.detail";
const QUOTE: &str = "alitrip.rentcar.btb.order.cancelcheck";
const POSTBACK: &str = "alibaba.happytrip.flight.order.itinerary.postback";

fn spec(method: &str) -> &'static Spec {
    trip_api::SPECS.iter().find(|spec| spec.name == method).unwrap()
}

/// A call of every method that is served, and of every one that can be one that is refused.
fn calls() -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let order = |id: &str| json!({"sub_channel": "corp001", "dis_order_id": id});
    let change = |id: &str| json!({"dis_order_id": "1234", "sub_channel": "jianhang001", "dis_sub_order_id": id});
    let rental =
        |id: &str| json!({"order_id": id, "out_order_id": "gaode123456", "channel_id": "80001"});
    let receipts = |ticket: &str| {
        json!({
            "out_relation_order_id": "123421342134", "tes_head_id": "3021342134",
            "ticket_no_list": [ticket], "cwt_account_no": "12342134",
        })
    };
    let mut other = refund::page();
    other["order_id"] = "987654321".into();
    let rent = "rent_car_b2b_check_cancel_order_req";
    let wrapped = [
        (CANCEL, WRAPPER, order("demo-payable")),
        (CANCEL, WRAPPER, order("test0087771")),
        (CANCEL, WRAPPER, order("没有")),
        (DETAIL, WRAPPER, change("1234")),
        (DETAIL, WRAPPER, change("没有")),
        (QUOTE, rent, rental("fz1234567")),
        (QUOTE, rent, rental("没有")),
        (POSTBACK, "flight_itinerary_request", receipts("23142134")),
        (POSTBACK, "flight_itinerary_request", receipts("票")),
        (refund::METHOD, refund::WRAPPER, refund::page()),
        (refund::METHOD, refund::WRAPPER, other),
        // Rejected: a member is missing, and the parameter itself.
        (CANCEL, WRAPPER, json!({"sub_channel": "corp001"})),
        (CANCEL, "nothing", json!({})),
    ];
    let mut calls = vec![("taobao.time.get", vec![]), ("taobao.appip.get", vec![])];
    calls.extend(wrapped.map(|(method, name, rq)| (method, vec![(name, rq.to_string())])));
    calls
}

/// What all of them are answered, in one form.
fn answers(app: &App, form: Form) -> Vec<(&'static str, Reply)> {
    let answer = |(method, params): (&'static str, Vec<(&'static str, String)>)| {
        let params: Vec<_> = params.iter().map(|(name, value)| (*name, value.as_str())).collect();
        (method, app.call_as(form, method, &params))
    };
    calls().into_iter().map(answer).collect()
}

/// Public parameters of a cancel that is refused, in JSON, with others in their place.
fn cancel(others: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let mut params = public(CANCEL);
    params.push(("format", "json".into()));
    params.push((WRAPPER, r#"{"sub_channel":"corp001","dis_order_id":"test0087771"}"#.into()));
    params.retain(|(name, _)| others.iter().all(|(other, _)| other != name));
    params.extend(others.iter().map(|(name, value)| (*name, (*value).to_owned())));
    params
}

// 1
#[test]
fn the_response_root_drops_a_leading_taobao_and_nothing_else() {
    let app = App::start();
    for (method, reply) in answers(&app, Form::Json) {
        let answer = reply.json();
        let root = parsers::node_root(method);
        let name = answer.as_object().unwrap().keys().next().unwrap();
        assert!([root.as_str(), "error_response"].contains(&name.as_str()), "{name}");
        assert!(!reply.body().contains("taobao_"), "{}", reply.body());
    }
    assert_eq!(app.call("taobao.time.get", &[]).json()["time_get_response"]["time"], NOW_TEXT);
}

// 2
#[test]
fn errors_are_http_200_and_a_ban_is_in_the_answer_alone() {
    let app = App::start();
    app.add_app("few", |app| app.quota.calls_per_day = Some(0));
    for (others, code) in [
        (vec![("app_key", "nobody")], 29),
        (vec![("method", "nope")], 22),
        (vec![("timestamp", "then")], 31),
        (vec![("session", "nobody's")], 27),
        (vec![(WRAPPER, "{")], 41),
        (vec![(WRAPPER, "{}")], 50),
    ] {
        let reply = app.send_signed(&cancel(&others), "test");
        assert_eq!(
            (reply.status, reply.json()["error_response"]["code"].as_u64()),
            (200, Some(code))
        );
    }
    let as_few = cancel(&[("app_key", "few"), ("session", "few-session")]);
    let reply = app.send_signed(&as_few, "few-secret");
    assert_eq!((reply.status, reply.header("retry-after")), (200, None));
    let ban = &reply.json()["error_response"]["sub_msg"];
    assert_eq!(ban, "This ban will last for 54000 more seconds");
}

/// Lists of both kinds, to be answered with nothing, one and two in them.
#[derive(Debug, Clone, PartialEq, Wire)]
struct Lists {
    /// 航班
    ///
    /// Flights.
    flight_info_list: Vec<OrderFlightInfo>,
    /// 票号
    ///
    /// Numbers.
    ticket_no_list: Vec<String>,
}

/// One element.
#[derive(Debug, Clone, PartialEq, Wire)]
struct OrderFlightInfo {
    /// 航司
    ///
    /// Carrier.
    airline_code: String,
}

// 3
#[test]
fn a_list_is_wrapped_by_the_type_of_its_elements_however_many_there_are() {
    let flight = || OrderFlightInfo { airline_code: "MU".into() };
    let written = |format, count| {
        let lists = Lists {
            flight_info_list: std::iter::repeat_with(flight).take(count).collect(),
            ticket_no_list: vec!["781".to_owned(); count],
        };
        success(format, "x", &lists, "1", "")
    };
    let members = |flights: &str, tickets: &str| {
        format!(r#""flight_info_list":{flights},"ticket_no_list":{tickets},"request_id":"1""#)
    };
    let one = r#"{"airline_code":"MU"}"#;
    let wrapped = |flights: &str, tickets: &str| {
        let flights = format!(r#"{{"order_flight_info":[{flights}]}}"#);
        format!(
            r#"{{"x_response":{{{}}}}}"#,
            members(&flights, &format!(r#"{{"string":[{tickets}]}}"#))
        )
    };
    assert_eq!(
        written(Format::Json, 0),
        format!(r#"{{"x_response":{{{}}}}}"#, members("{}", "{}"))
    );
    assert_eq!(written(Format::Json, 1), wrapped(one, "\"781\""));
    assert_eq!(written(Format::Json, 2), wrapped(&format!("{one},{one}"), "\"781\",\"781\""));
    assert_eq!(written(Format::SimplifiedJson, 0), format!("{{{}}}", members("[]", "[]")));
    let bare = members(&format!("[{one}]"), "[\"781\"]");
    assert_eq!(written(Format::SimplifiedJson, 1), format!("{{{bare}}}"));
    assert!(written(Format::Xml, 0).contains(
        "<flight_info_list list=\"true\"></flight_info_list><ticket_no_list list=\"true\"></ticket_no_list>"
    ));
    assert!(written(Format::Xml, 1).contains(
        "<flight_info_list list=\"true\"><order_flight_info><airline_code>MU</airline_code></order_flight_info></flight_info_list>"
    ));
    // The SDK would be left without them if they came as the mistakes have it.
    let spec = Spec { response: <Lists as top::Composite>::OBJECT, ..*spec("taobao.time.get") };
    let good = written(Format::Json, 1);
    assert_eq!(parsers::wrapped_json(Typed::Java, &spec, &good), Ok(()));
    for (from, to) in [
        (r#"{"string":["781"]}"#, r#"["781"]"#),
        (r#"{"string":["781"]}"#, r#"{"string":"781"}"#),
        (r#""order_flight_info""#, r#""flight_info""#),
    ] {
        let mistaken = good.replace(from, to);
        assert!(parsers::wrapped_json(Typed::Java, &spec, &mistaken).is_err(), "{mistaken}");
        assert!(parsers::wrapped_json(Typed::DotNet, &spec, &mistaken).is_err(), "{mistaken}");
    }
}

// 4
#[test]
fn an_answer_is_one_line_that_begins_and_ends_with_itself() {
    let app = App::start();
    for form in [Form::Json, Form::Simplified, Form::Xml] {
        for (method, reply) in answers(&app, form) {
            let body = reply.body();
            assert!(!body.contains(['\n', '\r', '\t', '\u{feff}']), "{body}");
            let (begins, ends) = if form == Form::Xml { ("<?xml ", "-->") } else { ("{\"", "}") };
            assert!(body.starts_with(begins) && body.ends_with(ends), "{body}");
            for blank in ["\": ", ", \"", "{ ", " }", "> <", "/>"] {
                assert!(!body.contains(blank), "{body}");
            }
            if form == Form::Xml {
                assert_eq!(parsers::typed_xml(spec(method), body), Ok(()), "{body}");
            }
        }
    }
    // Go cuts 18 bytes off the front of an error and one off its end.
    let error = app.call_as(Form::Simplified, CANCEL, &[]);
    assert_eq!(parsers::go(spec(CANCEL), error.body()), Ok(()));
    let mistaken = [format!("{}\n", error.body()), error.body().replacen('{', "{ ", 1)];
    for mistaken in mistaken {
        assert!(parsers::go(spec(CANCEL), &mistaken).is_err(), "{mistaken:?}");
    }
    let clock = app.call_as(Form::Xml, "taobao.time.get", &[]);
    let padded = clock.body().replace(NOW_TEXT, &format!("\n{NOW_TEXT}\n"));
    for mistaken in [format!("\u{feff}{}", clock.body()), padded] {
        assert!(parsers::typed_xml(spec("taobao.time.get"), &mistaken).is_err(), "{mistaken}");
    }
}

// 5
#[test]
fn chinese_is_sent_as_it_is_since_java_misreads_the_letters_of_an_escape() {
    let app = App::start();
    let mut chinese = 0;
    for form in [Form::Json, Form::Simplified] {
        for (_, reply) in answers(&app, form) {
            let body = reply.body();
            assert!(!body.contains("\\u"), "{body}");
            assert_eq!(parsers::java_text(body), body);
            chinese += usize::from(!body.is_ascii());
        }
    }
    assert!(chinese > 20);
    assert_eq!(parsers::java_text(r#""\u4e2d""#), "\"㨙\"");
    assert_eq!(parsers::java_text(r#""\u0031""#), "\"1\"");
    assert_eq!(parsers::java_text(r#""\\u4e2d""#), r#""\\u4e2d""#);
}

// 6
#[test]
fn nothing_is_null_and_every_member_has_its_declared_type() {
    let app = App::start();
    for (method, reply) in answers(&app, Form::Json) {
        for sdk in [Typed::Java, Typed::DotNet] {
            assert_eq!(parsers::wrapped_json(sdk, spec(method), reply.body()), Ok(()), "{sdk:?}");
        }
        let root = parsers::php(reply.body()).unwrap();
        assert!(root.contains_key("request_id"), "{root:?}");
    }
    for (method, reply) in answers(&app, Form::Simplified) {
        assert_eq!(parsers::go(spec(method), reply.body()), Ok(()), "{}", reply.body());
    }
    let refused = app.cancel_as(Form::Simplified, "corp001", "test0087771").body().to_owned();
    for (from, to) in [
        ("\"result_code\":1001", "\"result_code\":\"1001\""),
        ("\"success\":false", "\"success\":\"false\""),
        ("\"order_status\":\"5\"", "\"order_status\":5"),
        ("\"result_msg\":\"取消失败\"", "\"result_msg\":null"),
        (
            "\"order_status\":\"5\"",
            "\"order_status\":\"5\",\"cancel_time\":\"2026-03-01T09:00:00\"",
        ),
    ] {
        let mistaken = refused.replace(from, to);
        assert!(parsers::go(spec(CANCEL), &mistaken).is_err(), "{mistaken}");
    }
    let wrapped = app.cancel("corp001", "test0087771").body().to_owned();
    let mistaken = wrapped.replace("\"order_status\":\"5\"", "\"cancel_time\":\"\"");
    assert!(parsers::wrapped_json(Typed::Java, spec(CANCEL), &mistaken).is_err());
    let mistaken = r#"{"error_response":{"code":"25","msg":"Invalid signature","request_id":"1"}}"#;
    assert!(parsers::go(spec(CANCEL), mistaken).is_err());
}

// 7
#[test]
fn public_parameters_are_taken_from_the_query_or_the_body_as_each_sdk_has_them() {
    let app = App::start();
    for (name, place) in [
        ("java-2017", Place::Query),
        ("java-2020", Place::Query),
        ("java-2020-json-body", Place::Query),
        ("php-2018", Place::Query),
        ("php-new", Place::Query),
        ("go-2022", Place::Query),
        ("dotnet-2023", Place::Form),
        ("upload-java-2020", Place::Query),
        ("upload-dotnet-2023", Place::Part),
    ] {
        let request = request(name);
        for public in ["app_key", "method", "timestamp", "sign", "session"] {
            assert_eq!(request.find(public).unwrap().place, place, "{name} {public}");
        }
        assert!(is_served(&request, request.send(app.address())), "{name}");
    }
}

// 8
#[test]
fn the_signature_covers_every_parameter_decoded_wherever_it_stands_and_no_file() {
    let app = App::start();
    // The memo is declared by no method, and differs from itself encoded. .NET escapes in lower case.
    for name in ["java-2020", "php-2018", "go-2022", "dotnet-2023", "upload-java-2020"] {
        let request = request(name);
        assert!(request.value("memo").contains("a+b%&=c*~"), "{name}");
        assert!(is_served(&request, request.send(app.address())), "{name}");
        // A public parameter of no other consequence.
        let partner = request.value("partner_id").replace('s', "z");
        let other = request.with("partner_id", &partner);
        assert!(is_unsigned(&request, other.send(app.address())), "{name}");
    }
    let body = request("java-2020-json-body");
    let mut other = body.clone();
    other.body = crate::clients::request::replace(&body.body, "东".as_bytes(), "西".as_bytes());
    assert!(is_unsigned(&body, other.send(app.address())));
    for (name, request) in uploads() {
        app.context().clock.set(super::sent_at(&request));
        let file = request.value("image").replace('t', "d").replace('票', "飘");
        let other = request.with("image", &file);
        assert!(is_served(&request, other.send(app.address())), "{name}");
    }
}

// 9
#[test]
fn milliseconds_are_a_timestamp_and_a_date_is_chinas_wherever_the_server_stands() {
    let variables = [("TZ", "America/New_York")];
    let program = Program::serve_in(tempfile::tempdir().unwrap(), &[], &variables);
    for name in ["java-2020", "upload-taobao-sdk-python3"] {
        let request = fresh(&request(name));
        assert!(is_served(&request, request.send(program.address())), "{name}");
    }
    // New York's own time of day is a dozen hours off.
    let request = request("java-2020");
    let now = gateway::Clock::System.now().as_second() - 13 * 3600;
    let local =
        signed(&request.with("timestamp", &top::Date::at_platform(now).to_string()), "test");
    let reply = opened(&local, local.send(program.address()));
    assert!(reply.text().contains("Invalid timestamp"), "{}", reply.body());
}

// 10
#[test]
fn hmac_is_over_md5_and_hmac_sha256_is_its_own_method() {
    let app = App::start();
    for (name, method) in [
        ("java-2017", "hmac"),
        ("dotnet-2023", "hmac"),
        ("java-2020", "hmac-sha256"),
        ("go-2022", "hmac-sha256"),
        ("php-2018", "md5"),
    ] {
        let request = request(name);
        assert_eq!(request.value("sign_method"), method, "{name}");
        assert!(is_served(&request, request.send(app.address())), "{name}");
    }
    // The same parameters under HMAC-SHA1, by openssl, as some take `hmac` to mean.
    let request = request("java-2017");
    let mut said = request.said();
    said.retain(|said| said.name != "sign");
    said.sort_by(|a, b| a.name.cmp(&b.name));
    let text: String = said.into_iter().map(|said| said.name + &said.value).collect();
    let sha1 = openssl_hmac("sha1", &text);
    let mut mistaken = request.clone();
    mistaken.head = request.head.replace(&request.value("sign"), &sha1);
    assert!(is_unsigned(&mistaken, mistaken.send(app.address())));
    assert_eq!(openssl_hmac("md5", &text), request.value("sign"));
}

/// What openssl makes of a text under the demo app's secret.
fn openssl_hmac(digest: &str, text: &str) -> String {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", &format!("-{digest}"), "-hmac", "test", "-r"]);
    let mut child = openssl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    output.split(' ').next().unwrap().to_uppercase()
}

// 11
#[test]
fn xml_is_the_default_and_true_alone_simplifies_and_never_an_error() {
    let app = App::start();
    let ask = |others: &[(&'static str, &str)]| {
        let mut params = cancel(&[("format", "json")]);
        params.retain(|(name, _)| *name != "format");
        params.extend(others.iter().map(|(name, value)| (*name, (*value).to_owned())));
        app.send_signed(&params, "test").body().to_owned()
    };
    assert!(ask(&[]).starts_with("<?xml "));
    assert!(ask(&[("format", "json")]).starts_with("{\"alitrip_"));
    let simplified = ask(&[("format", "json"), ("simplify", "true")]);
    assert_eq!(parsers::go(spec(CANCEL), &simplified), Ok(()));
    // The new PHP SDK says 1 and takes the last member for the root.
    let numbered = ask(&[("format", "json"), ("simplify", "1")]);
    assert!(parsers::php(&numbered).unwrap().contains_key("result"));
    assert!(parsers::php(&simplified).is_err());
    let error = ask(&[("format", "json"), ("simplify", "true"), ("session", "")]);
    let mistaken = ask(&[("format", "json"), ("simplify", "true"), (WRAPPER, "")]);
    for error in [error, mistaken] {
        assert!(error.starts_with("{\"") && parsers::go(spec(CANCEL), &error) == Ok(()), "{error}");
    }
    let error = app.send_signed(&cancel(&[("simplify", "true"), ("session", "")]), "test");
    assert!(error.body().starts_with(r#"{"error_response":{"code":26,"#), "{}", error.body());
}

// 12
#[test]
fn the_request_id_is_the_last_member_inside_the_root() {
    let app = App::start();
    for (method, reply) in answers(&app, Form::Json) {
        assert!(reply.text().ends_with(r#","request_id":"RID"}}"#), "{method}: {}", reply.body());
    }
    for (method, reply) in answers(&app, Form::Simplified) {
        let end = reply.text();
        let is_error = end.starts_with(r#"{"error_response""#);
        let expected = if is_error { r#""request_id":"RID"}}"# } else { r#""request_id":"RID"}"# };
        assert!(end.ends_with(expected), "{method}: {end}");
    }
    for (method, reply) in answers(&app, Form::Xml) {
        let root = parsers::xml(reply.body()).unwrap();
        assert_eq!(root.children.last().unwrap().name, "request_id", "{method}");
    }
}

// 13
#[test]
fn an_object_is_one_json_text_however_it_is_escaped_and_a_list_in_it_an_array() {
    let app = App::start();
    let ask = |params: &[(&str, &str)]| app.call(CANCEL, params).body().to_owned();
    // PHP escapes every slash and letter, Python puts blanks, Go escapes < and >.
    for rq in [
        r#"{"dis_order_id":"a\/b","sub_channel":"corp001"}"#,
        r#"{"dis_order_id": "\u8ba2\u5355", "sub_channel": "corp001"}"#,
        r#"{"dis_order_id":"\u003ca\u003e\u0026","sub_channel":"corp001"}"#,
        r#"{"dis_order_id":87771,"sub_channel":"corp001"}"#,
    ] {
        assert!(ask(&[(WRAPPER, rq)]).contains("订单不存在"), "{rq}");
    }
    let nested = [
        ("param_btrip_flight_order_operate_common_rq[sub_channel]", "corp001"),
        ("param_btrip_flight_order_operate_common_rq.dis_order_id", "test0087771"),
    ];
    assert!(ask(&nested).contains("Missing required arguments"));
    let ask = |tickets: Value| {
        let rq = json!({
            "out_relation_order_id": "123421342134", "tes_head_id": "3021342134",
            "cwt_account_no": "12342134", "ticket_no_list": tickets,
        });
        app.call(POSTBACK, &[("flight_itinerary_request", &rq.to_string())]).json()
    };
    let answer = ask(json!(["781,782"]));
    let root = &answer["alibaba_happytrip_flight_order_itinerary_postback_response"];
    let content: Value = serde_json::from_str(root["content"].as_str().unwrap()).unwrap();
    assert_eq!(content, json!({"tickets": [{"ticket_no": "781,782", "result": "refused"}]}));
    assert_eq!(ask(json!("781,782"))["error_response"]["code"], 41);
}

// 14
#[test]
fn gzip_is_sent_to_those_who_ask_and_the_charset_is_always_named() {
    let app = App::start();
    for (name, request) in super::kept() {
        app.context().clock.set(super::sent_at(&request));
        let reply = request.send(app.address());
        assert!(reply.header("content-type").unwrap().ends_with(";charset=UTF-8"), "{name}");
        // Whether it was compressed is compared with whether that was asked for.
        let opened = opened(&request, reply.clone());
        let characters = opened.body().encode_utf16().count().to_string();
        assert_eq!(reply.header("top-bodylength"), Some(characters.as_str()), "{name}");
    }
    assert_eq!(request("php-2018").header("accept-encoding"), None);
    assert_eq!(request("java-2020").header("accept-encoding"), Some("gzip"));
}

// 15
#[test]
fn a_batch_is_text_parted_as_its_request_signed_once_answered_in_order_and_refused_whole() {
    let app = App::start();
    let calls = ["method=taobao.time.get", "method=nope", "method=taobao.time.get&sign=WRONG"];
    let body = calls.join(batch::SEPARATOR);
    let send = |secret: &str| {
        let mut query = public("");
        query.retain(|(name, _)| *name != "method");
        query.push(("format", "json".into()));
        let pairs = query.iter().map(|(name, value)| ((*name).into(), value.as_str().into()));
        let params = Params::from_pairs(pairs.collect());
        let sign = Secret::new(secret).sign(SignMethod::Md5, params.iter(), body.as_bytes());
        let query = form::encode(params.iter().chain([("sign", sign.as_str())]));
        let head = format!("POST /router/batch?{query} HTTP/1.1\r\nContent-Type: text/plain\r\n");
        app.send(&head, body.as_bytes())
    };
    let reply = send(demo::SECRET);
    let parts: Vec<Value> = reply
        .body()
        .split(batch::SEPARATOR)
        .map(|part| serde_json::from_str(part).unwrap())
        .collect();
    // The call's own signature is nobody's business: the batch has one.
    let told: Vec<_> = parts
        .iter()
        .map(|part| (&part["time_get_response"]["time"], &part["error_response"]["code"]))
        .collect();
    let (time, nothing) = (json!(NOW_TEXT), Value::Null);
    assert_eq!(told, [(&time, &nothing), (&nothing, &json!(22)), (&time, &nothing)]);
    let refused = send("wrong");
    assert_eq!(refused.json()["error_response"]["code"], 25);
    assert!(!refused.body().contains(batch::SEPARATOR), "{}", refused.body());
}

// 16
#[test]
fn a_value_the_service_rejects_has_50_as_published_or_15_as_live() {
    for (flags, code) in [(vec![], 50), (vec!["--remote-error-code", "15"], 15)] {
        let app = App::with(&flags);
        let reply = app.call(CANCEL, &[(WRAPPER, r#"{"sub_channel":"corp001"}"#)]);
        assert_eq!(
            reply.text(),
            format!(
                r#"{{"error_response":{{"code":{code},"msg":"Remote service error","sub_code":"isv.invalid-parameter","sub_msg":"非法参数: {WRAPPER}.dis_order_id","request_id":"RID"}}}}"#
            )
        );
    }
}

#[test]
fn the_published_examples_are_shapes_and_not_data() {
    let app = App::start();
    // Numbers whose examples are `demo`, `00000000` and `{}` on the page are numbers here.
    let rq = r#"{"dis_order_id":"1234","sub_channel":"jianhang001","dis_sub_order_id":"1234"}"#;
    let reply = app.call_as(Form::Simplified, DETAIL, &[(WRAPPER, rq)]);
    let module = &reply.json()["result"]["module"];
    assert!(module["btrip_order_id"].as_i64().unwrap() > 0);
    assert!(module["traveler_info_list"][0]["open_ticket_status"].is_i64());
    assert_eq!(module["flight_info_list"].as_array().unwrap().len(), 1);
}

// 17
#[test]
fn codes_and_bans_are_in_the_platforms_own_english() {
    let app = App::start();
    app.add_app("few", |app| app.quota.calls_per_second = Some(0));
    app.add_app("clock", |app| {
        let only = ["taobao.time.get".to_owned()].into();
        app.methods = domain::access::Entitlement::Only(only);
    });
    let error = |others: &[(&'static str, &str)], secret: &str| {
        app.send_signed(&cancel(others), secret).json()["error_response"].take()
    };
    let mut seen = Vec::new();
    for (others, secret) in [
        (vec![("app_key", "few"), ("session", "few-session")], "few-secret"),
        (vec![("app_key", "clock"), ("session", "clock-session")], "clock-secret"),
        (vec![("app_key", "nobody")], "test"),
        (vec![("session", "nobody's")], "test"),
        (vec![], "wrong"),
        (vec![(WRAPPER, "")], "test"),
        (vec![(WRAPPER, "{}")], "test"),
    ] {
        let error = error(&others, secret);
        let (msg, sub) = (error["msg"].as_str().unwrap(), error["sub_code"].as_str());
        seen.push(format!("{} {msg} {}", error["code"], sub.unwrap_or("-")));
    }
    assert_eq!(
        seen,
        [
            "7 App Call Limited accesscontrol.limited-by-app-api-access-count",
            "11 Insufficient isv permissions isv.permission-api-package-limit",
            "29 Invalid app Key isv.appkey-not-exists",
            "27 Invalid session invalid-sessionkey",
            "25 Invalid signature -",
            &format!("40 Missing required arguments:{WRAPPER} -"),
            "50 Remote service error isv.invalid-parameter",
        ]
    );
    let ban = error(&[("app_key", "few"), ("session", "few-session")], "few-secret");
    assert_eq!(ban["sub_msg"], "This ban will last for 1 more seconds");
}

// 18
#[test]
fn every_way_of_writing_multipart_is_read() {
    let app = App::start();
    let mut ways = [false; 6];
    for (name, request) in uploads() {
        app.context().clock.set(super::sent_at(&request));
        assert!(is_served(&request, request.send(app.address())), "{name}");
        let body = String::from_utf8_lossy(&request.body);
        ways[0] |= body.starts_with("\r\n--");
        ways[1] |= body.starts_with("--");
        ways[2] |= body.ends_with("--");
        ways[3] |= body.contains("Content-Disposition:form-data;name=");
        ways[4] |= body.contains("Content-Disposition: file;");
        ways[5] |= body.contains("filename=\"image\" \r\n");
    }
    assert_eq!(ways, [true; 6], "a way of writing is in none of the kept uploads");
}

#[test]
fn the_kept_signatures_are_those_of_the_demo_app() {
    for (name, request) in super::kept() {
        assert_eq!(signed(&request, "test").raw(), request.raw(), "{name}");
        assert_ne!(signed(&request, "other").raw(), request.raw(), "{name}");
    }
}
