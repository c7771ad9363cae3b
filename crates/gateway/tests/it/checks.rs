//! The platform's checks: each with its code and words, in their order, in the format asked for.

use serde_json::json;

use crate::app::{App, CANCEL, Form, Reply, WRAPPER, public, sign_md5};

type Params = Vec<(&'static str, String)>;

fn with(name: &'static str, value: &str) -> Params {
    let mut params = without(name);
    params.push((name, value.to_owned()));
    params
}

fn without(name: &str) -> Params {
    let mut params = public(CANCEL);
    params.push(("format", "json".to_owned()));
    let rq = json!({"sub_channel": "corp001", "dis_order_id": "test0087771"}).to_string();
    params.push((WRAPPER, rq));
    params.retain(|(other, _)| *other != name);
    params
}

fn error(code: u16, msg: &str) -> String {
    format!(r#"{{"error_response":{{"code":{code},"msg":"{msg}","request_id":"RID"}}}}"#)
}

fn sub_error(code: u16, msg: &str, sub_code: &str, sub_msg: Option<&str>) -> String {
    let sub_msg = sub_msg.map_or(String::new(), |text| format!(r#","sub_msg":"{text}""#));
    format!(
        r#"{{"error_response":{{"code":{code},"msg":"{msg}","sub_code":"{sub_code}"{sub_msg},"request_id":"RID"}}}}"#
    )
}

fn invalid_session() -> String {
    sub_error(27, "Invalid session", "invalid-sessionkey", Some("SessionKey非法"))
}

#[test]
fn every_platform_check_answers_with_its_own_code_and_words() {
    let app = App::start();
    let unknown_app = sub_error(29, "Invalid app Key", "isv.appkey-not-exists", None);
    let missing_method = r#"{"error_response":{"code":21,"msg":"Missing method","sub_msg":"http传入的参数加入method字段","request_id":"RID"}}"#;
    #[rustfmt::skip]
    let table: [(Params, String); 17] = [
        (without("app_key"),                error(28, "Missing app Key")),
        (with("app_key", "nobody"),         unknown_app.clone()),
        (with("app_key", "../../etc"),      unknown_app),
        (without("method"),                 missing_method.into()),
        (with("method", ""),                missing_method.into()),
        (with("method", "taobao.nope"),     error(22, "Invalid method")),
        (without("v"),                      error(32, "Missing version")),
        (with("v", "two"),                  error(33, "Invalid version")),
        (with("v", "1.0"),                  error(34, "Unsupported version")),
        (without("timestamp"),              error(30, "Missing timestamp")),
        (with("timestamp", "yesterday"),    error(31, "Invalid timestamp")),
        (with("timestamp", "2026-02-30 09:00:00"), error(31, "Invalid timestamp")),
        (with("sign_method", "sha1"),       error(25, "Invalid signature")),
        (without("session"),                error(26, "Missing session")),
        (with("session", " "),              error(26, "Missing session")),
        (with("session", "nope"),           invalid_session()),
        (with("format", "json2"),           "xml".into()),
    ];
    for (params, expected) in table {
        let reply = app.send_signed(&params, "test");
        if expected == "xml" {
            let xml = "<?xml version=\"1.0\" encoding=\"utf-8\" ?><error_response><code>23</code>\
                       <msg>Invalid format</msg><request_id>RID</request_id></error_response>\
                       <!--top.tripwright-->";
            assert_eq!(reply.text(), xml);
            continue;
        }
        assert_eq!(reply.text(), expected, "{params:?}");
    }
}

#[test]
fn a_wrong_or_missing_signature_is_refused() {
    let app = App::start();
    let unsigned = |sign: Option<&str>| -> Reply {
        let params = without("sign");
        let mut pairs: Vec<_> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
        pairs.extend(sign.map(|sign| ("sign", sign)));
        app.post_form(&top::form::encode(pairs))
    };
    assert_eq!(unsigned(None).text(), error(24, "Missing signature"));
    assert_eq!(unsigned(Some("")).text(), error(24, "Missing signature"));
    let zeros = "0".repeat(32);
    for wrong in ["0", zeros.as_str(), "票"] {
        assert_eq!(unsigned(Some(wrong)).text(), error(25, "Invalid signature"));
    }
    assert_eq!(app.send_signed(&without(""), "wrong").text(), error(25, "Invalid signature"));
}

#[test]
fn the_timestamp_may_be_ten_minutes_off_and_no_more_in_either_form() {
    let app = App::start();
    let ok = |timestamp: &str| {
        let reply = app.send_signed(&with("timestamp", timestamp), "test").text();
        let refused = reply == error(31, "Invalid timestamp");
        assert!(refused || reply.contains("result_code"), "{reply}");
        !refused
    };
    assert!(ok("2026-03-01 08:50:00") && ok("2026-03-01 09:10:00"));
    assert!(!ok("2026-03-01 08:49:59") && !ok("2026-03-01 09:10:01"));
    // The same moment in UTC is eight hours off.
    assert!(!ok("2026-03-01 01:00:00"));
    let now_ms = 1_772_326_800_000_i64;
    assert!(ok(&(now_ms - 600_000).to_string()) && ok(&(now_ms + 600_000).to_string()));
    assert!(!ok(&(now_ms - 600_001).to_string()) && !ok(&(now_ms + 600_001).to_string()));
    assert!(!ok(&(now_ms / 1000).to_string()));
}

#[test]
fn every_sign_method_is_taken_and_an_unnamed_one_is_md5() {
    let app = App::start();
    for method in top::SignMethod::ALL {
        let params = with("sign_method", &method.to_string());
        let pairs = params.iter().map(|(n, v)| ((*n).into(), v.as_str().into())).collect();
        let sorted = top::Params::from_pairs(pairs);
        let sign = top::sign::Secret::new("test").sign(method, sorted.iter(), b"");
        for sign in [sign.clone(), sign.to_lowercase()] {
            let form = top::form::encode(sorted.iter().chain([("sign", sign.as_str())]));
            assert!(app.post_form(&form).text().contains("result_code"), "{method}");
        }
    }
    let unnamed = app.send_signed(&without("sign_method"), "test");
    assert!(unnamed.text().contains("result_code"));
}

#[test]
fn empty_values_may_be_signed_or_not_and_unknown_parameters_must_be() {
    let app = App::start();
    let mut params = with("memo", "");
    params.push(("unknown", "票".into()));
    assert!(app.send_signed(&params, "test").text().contains("result_code"));

    let pairs: Vec<_> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let skipping: Vec<_> = pairs.iter().copied().filter(|(_, v)| !v.is_empty()).collect();
    let send = |sign: &str| {
        let signed = pairs.iter().copied().chain([("sign", sign)]);
        app.post_form(&top::form::encode(signed)).text()
    };
    assert!(send(&sign_md5(&skipping, "test")).contains("result_code"));
    let without_unknown: Vec<_> = pairs.iter().copied().filter(|(n, _)| *n != "unknown").collect();
    assert_eq!(send(&sign_md5(&without_unknown, "test")), error(25, "Invalid signature"));
}

#[test]
fn a_session_opens_only_its_own_app_and_only_while_it_lasts() {
    let app = App::start();
    app.add_app("other", |_| {});
    assert_eq!(
        app.send_signed(&with("session", "other-session"), "test").text(),
        invalid_session()
    );

    let mut theirs = with("app_key", "other");
    theirs.retain(|(name, _)| !matches!(*name, "session" | "timestamp"));
    theirs.push(("session", "other-session".into()));
    let at = |timestamp: &str| {
        let mut params = theirs.clone();
        params.push(("timestamp", timestamp.to_owned()));
        app.send_signed(&params, "other-secret").text()
    };
    assert!(at("2026-03-01 09:00:00").contains("result_code"));
    app.set_clock("2026-03-02T01:00:00Z");
    assert_eq!(at("2026-03-02 09:00:00"), invalid_session());
}

#[test]
fn an_app_calls_only_what_it_is_entitled_to() {
    let app = App::start();
    app.add_app("clock", |app| {
        let only = ["taobao.time.get".to_owned()].into();
        app.methods = domain::access::Entitlement::Only(only);
    });
    let mut params = with("app_key", "clock");
    let denied =
        sub_error(11, "Insufficient isv permissions", "isv.permission-api-package-limit", None);
    assert_eq!(app.send_signed(&params, "clock-secret").text(), denied);
    params.retain(|(name, _)| *name != "method");
    params.push(("method", "taobao.time.get".into()));
    assert!(app.send_signed(&params, "clock-secret").text().contains("time_get_response"));
}

#[test]
fn a_used_up_quota_is_answered_as_flow_control() {
    let app = App::start();
    app.add_app("few", |app| app.quota.calls_per_day = Some(2));
    app.add_app("slow", |app| app.quota.calls_per_second = Some(1));
    let call = |key: &str| {
        let mut params = with("app_key", key);
        params.retain(|(name, _)| *name != "session");
        params.push(("session", format!("{key}-session")));
        app.send_signed(&params, &format!("{key}-secret")).text()
    };
    assert!(call("few").contains("result_code") && call("few").contains("result_code"));
    let day = Some("This ban will last for 54000 more seconds");
    let by_day = "accesscontrol.limited-by-app-access-count";
    assert_eq!(call("few"), sub_error(7, "App Call Limited", by_day, day));

    assert!(call("slow").contains("result_code"));
    let second = Some("This ban will last for 1 more seconds");
    let by_second = "accesscontrol.limited-by-app-api-access-count";
    assert_eq!(call("slow"), sub_error(7, "App Call Limited", by_second, second));
}

#[test]
fn of_several_faults_the_one_checked_first_is_answered() {
    let app = App::start();
    app.add_app("limited", |app| {
        let only = ["taobao.time.get".to_owned(), CANCEL.to_owned()].into();
        app.methods = domain::access::Entitlement::Only(only);
        app.quota.calls_per_day = Some(0);
    });
    // Everything is wrong; each step mends what the last answer complained of.
    let mut params: Vec<(&str, &str)> =
        vec![("format", "yaml"), ("sign", "X"), ("sign_method", "none"), (WRAPPER, "{")];
    let mut codes = Vec::new();
    let mends: [&[(&str, &str)]; 12] = [
        &[],
        &[("format", "json")],
        &[("app_key", "nobody")],
        &[("app_key", "limited")],
        &[("method", "nope")],
        &[("method", "alitrip.btrip.flight.distribution.change.detail")],
        &[("v", "1.0")],
        &[("v", "2.0")],
        &[("timestamp", "2026-03-01 10:00:00")],
        &[("timestamp", "2026-03-01 09:00:00")],
        &[("sign_method", "md5")],
        &[("sign", "")],
    ];
    let mut ask = |params: &[(&str, &str)]| {
        let body = app.post_form(&top::form::encode(params.iter().copied())).body().to_owned();
        let at = body.find("code").unwrap();
        let digits: String = body[at..]
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        codes.push(digits.parse::<u16>().unwrap());
    };
    for mend in mends {
        for (name, value) in mend {
            params.retain(|(other, _)| other != name);
            params.push((name, value));
        }
        ask(&params);
    }
    let signed = |params: &mut Vec<(&str, &str)>| {
        params.retain(|(name, _)| *name != "sign");
        sign_md5(params, "limited-secret")
    };
    for mend in [("", ""), ("method", CANCEL), ("session", "nope"), ("session", "limited-session")]
    {
        params.retain(|(other, _)| *other != mend.0);
        params.extend((!mend.0.is_empty()).then_some(mend));
        let sign = signed(&mut params);
        let mut all = params.clone();
        all.push(("sign", &sign));
        ask(&all);
    }
    app.add_app("limited", |_| {});
    for rq in ["", "{", r#"{"sub_channel":true}"#, "{}"] {
        params.retain(|(name, _)| *name != WRAPPER);
        params.push((WRAPPER, rq));
        let sign = signed(&mut params);
        let mut all = params.clone();
        all.push(("sign", &sign));
        ask(&all);
    }
    let expected = [23, 28, 29, 21, 22, 32, 34, 30, 31, 25, 25, 24, 11, 26, 27, 7, 40, 41, 41, 50];
    assert_eq!(codes, expected);
}

#[test]
fn an_error_is_complained_of_in_the_format_asked_for() {
    let app = App::start();
    let call = |form: Form| {
        let mut params = without("session");
        params.retain(|(name, _)| *name != "format");
        params.extend(form.params().iter().map(|(n, v)| (*n, (*v).to_owned())));
        app.send_signed(&params, "test")
    };
    assert_eq!(
        call(Form::Xml).text(),
        "<?xml version=\"1.0\" encoding=\"utf-8\" ?><error_response><code>26</code>\
         <msg>Missing session</msg><request_id>RID</request_id></error_response>\
         <!--top.tripwright-->"
    );
    assert_eq!(call(Form::Xml).header("content-type"), Some("text/xml;charset=UTF-8"));
    assert_eq!(call(Form::Json).text(), error(26, "Missing session"));
    assert_eq!(call(Form::Json).header("content-type"), Some("text/javascript;charset=UTF-8"));
    assert_eq!(call(Form::Simplified).text(), error(26, "Missing session"));
    assert_eq!(
        call(Form::Simplified).header("content-type"),
        call(Form::Json).header("content-type")
    );
}

#[test]
fn only_the_word_true_simplifies_and_only_json() {
    let app = App::start();
    let call = |simplify: &str, format: &str| {
        let mut params = with("simplify", simplify);
        params.retain(|(name, _)| *name != "format");
        params.push(("format", format.to_owned()));
        app.send_signed(&params, "test").body().to_owned()
    };
    assert!(call("true", "json").starts_with(r#"{"result":"#));
    assert!(call("TRUE", "json").starts_with(r#"{"result":"#));
    for not in ["1", "false", "yes"] {
        assert!(call(not, "json").starts_with(r#"{"alitrip_"#), "{not}");
    }
    assert!(call("true", "xml").starts_with("<?xml"));
}
