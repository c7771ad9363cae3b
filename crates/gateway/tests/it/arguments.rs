//! What is wrong with a method's own parameters: 40, 41, and the service's rejection.

use serde_json::Value;

use crate::app::{App, CANCEL, Form, WRAPPER};

fn rejected(app: &App, rq: &str) -> String {
    app.call(CANCEL, &[(WRAPPER, rq)]).text()
}

fn error(code: u16, msg: &str) -> String {
    format!(r#"{{"error_response":{{"code":{code},"msg":"{msg}","request_id":"RID"}}}}"#)
}

fn invalid_parameter(code: u16, path: &str) -> String {
    format!(
        r#"{{"error_response":{{"code":{code},"msg":"Remote service error","sub_code":"isv.invalid-parameter","sub_msg":"非法参数: {path}","request_id":"RID"}}}}"#
    )
}

#[test]
fn an_absent_wrapper_is_a_missing_argument() {
    let app = App::start();
    let missing = error(40, &format!("Missing required arguments:{WRAPPER}"));
    assert_eq!(app.call(CANCEL, &[]).text(), missing);
    assert_eq!(rejected(&app, ""), missing);
    assert_eq!(rejected(&app, "  "), missing);
    assert_eq!(rejected(&app, "null"), missing);
}

#[test]
fn what_is_not_json_or_of_the_wrong_type_is_an_invalid_argument() {
    let app = App::start();
    let whole = error(41, &format!("Invalid arguments:{WRAPPER}"));
    for rq in ["{", "{'sub_channel':'corp001'}", "[]", "\"text\"", "1", "true", "{}x"] {
        assert_eq!(rejected(&app, rq), whole, "{rq}");
    }
    let member = error(41, &format!("Invalid arguments:{WRAPPER}.sub_channel"));
    for value in ["true", "[]", "{}", "[\"corp001\"]", "1e300"] {
        let rq = format!(r#"{{"sub_channel":{value},"dis_order_id":"1"}}"#);
        assert_eq!(rejected(&app, &rq), member, "{rq}");
    }
    // Deeper than any parser should follow.
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(rejected(&app, &deep), whole);
}

#[test]
fn a_number_where_a_string_belongs_is_read_as_one() {
    let app = App::start();
    app.import(|order| order["booking"]["key"]["dis_order_id"] = "20260301".into());
    let answer = rejected(&app, r#"{"sub_channel":"corp001","dis_order_id":20260301,"x":[{}]}"#);
    assert!(answer.contains(r#""result_code":0"#), "{answer}");
}

#[test]
fn a_missing_empty_or_malformed_member_is_rejected_by_the_service() {
    let app = App::start();
    let channel = invalid_parameter(50, &format!("{WRAPPER}.sub_channel"));
    let order = invalid_parameter(50, &format!("{WRAPPER}.dis_order_id"));
    let long = format!(r#"{{"sub_channel":"corp001","dis_order_id":"{}"}}"#, "9".repeat(65));
    #[rustfmt::skip]
    let table = [
        (r#"{}"#,                                                     &channel),
        (r#"{"dis_order_id":"1"}"#,                                   &channel),
        (r#"{"sub_channel":"","dis_order_id":"1"}"#,                  &channel),
        (r#"{"sub_channel":null,"dis_order_id":"1"}"#,                &channel),
        (r#"{"sub_channel":"corp001"}"#,                              &order),
        (r#"{"sub_channel":"corp001","dis_order_id":" "}"#,           &order),
        (r#"{"sub_channel":"corp001","dis_order_id":"a\u0000b"}"#,    &order),
        (long.as_str(),                                               &order),
    ];
    for (rq, expected) in table {
        assert_eq!(&rejected(&app, rq), expected, "{rq}");
    }
}

#[test]
fn of_two_violations_the_kind_checked_first_is_answered() {
    let app = App::start();
    // Both are of one kind, so the first is named; neither hides the other from the log.
    let two = rejected(&app, r#"{"sub_channel":"","dis_order_id":"a\u0000b"}"#);
    assert_eq!(two, invalid_parameter(50, &format!("{WRAPPER}.sub_channel")));
    // The first member is missing, the second of the wrong type: types are checked first.
    let answer = rejected(&app, r#"{"dis_order_id":true}"#);
    assert_eq!(answer, error(41, &format!("Invalid arguments:{WRAPPER}.dis_order_id")));
}

#[test]
fn the_code_of_a_remote_service_error_is_a_setting() {
    let app = App::with(&["--remote-error-code", "15"]);
    let channel = invalid_parameter(15, &format!("{WRAPPER}.sub_channel"));
    assert_eq!(rejected(&app, "{}"), channel);
    let xml = app.call_as(Form::Xml, CANCEL, &[(WRAPPER, "{}")]).text();
    assert!(xml.contains("<code>15</code><msg>Remote service error</msg>"), "{xml}");
}

#[test]
fn our_own_fault_says_nothing_about_its_cause() {
    let app = App::start();
    // A document that no longer opens, as after a disk error.
    let path = app.context().settings.data.file();
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute("UPDATE aggregate SET document = x'00' WHERE id = '1234'", []).unwrap();
    let rq = r#"{"sub_channel":"jianhang001","dis_order_id":"1234"}"#;
    let expected = r#"{"error_response":{"code":50,"msg":"Remote service error","sub_code":"isp.unknown-error","request_id":"RID"}}"#;
    assert_eq!(rejected(&app, rq), expected);
    // The rest of the world goes on.
    let other = rejected(&app, r#"{"sub_channel":"corp001","dis_order_id":"demo-payable"}"#);
    let other: Value = serde_json::from_str(&other).unwrap();
    let result = &other["alitrip_btrip_flight_distribution_order_cancel_response"]["result"];
    assert_eq!(result["success"], true);
}
