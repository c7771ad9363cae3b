//! `taobao.top.auth.token.create`

use serde_json::{Value, json};

use crate::app::{App, Form};
use crate::oauth::{code, opens, text};

pub const METHOD: &str = "taobao.top.auth.token.create";

/// What an answer's JSON text says.
pub fn result(answer: &Value, root: &str) -> Value {
    serde_json::from_str(text(&answer[root], "token_result")).unwrap()
}

/// Checks a token's members, all that differ from one to the next being as they should be.
pub fn check(app: &App, mut result: Value, refresh_seconds: i64) {
    assert_eq!(opens(app, text(&result, "access_token")), 0);
    for name in [
        "access_token",
        "refresh_token",
        "taobao_user_id",
        "sub_taobao_user_id",
        "open_uid",
        "taobao_open_uid",
    ] {
        assert!(text(&result, name).len() >= 16, "{name}");
        result[name] = "…".into();
    }
    let now_ms = app.context().clock.now().as_millisecond();
    let (day, until) = (86_400, now_ms + 86_400_000);
    let expected = json!({
        "access_token": "…", "token_type": "Bearer", "expires_in": day, "expire_time": until,
        "refresh_token": "…", "re_expires_in": refresh_seconds,
        "refresh_token_valid_time": now_ms + refresh_seconds * 1000,
        "r1_expires_in": day, "r2_expires_in": day, "w1_expires_in": day, "w2_expires_in": day,
        "r1_valid": until, "r2_valid": until, "w1_valid": until, "w2_valid": until,
        "taobao_user_nick": "%E5%95%86%E5%AE%B6%E6%B5%8B%E8%AF%95%E5%B8%90%E5%8F%B717",
        "taobao_user_id": "…",
        "sub_taobao_user_nick": "%E5%95%86%E5%AE%B6%E6%B5%8B%E8%AF%95%E5%B8%90%E5%8F%B717%3A%E5%B0%8F%E4%BA%8C",
        "sub_taobao_user_id": "…", "open_uid": "…", "taobao_open_uid": "…",
    });
    assert_eq!(result, expected);
}

#[test]
fn a_code_becomes_tokens_once_and_the_signature_stands_for_the_secret() {
    let app = App::start();
    let given = app.call(METHOD, &[("code", &code(&app, &[])), ("uuid", "u-1"), ("session", "")]);
    assert!(given.text().starts_with(
        r#"{"top_auth_token_create_response":{"token_result":"{\"access_token\":\"6200"#
    ));
    check(&app, result(&given.json(), "top_auth_token_create_response"), 7_776_000);
    let xml = app.call_as(Form::Xml, METHOD, &[("code", &code(&app, &[]))]).text();
    let start = "<?xml version=\"1.0\" encoding=\"utf-8\" ?><top_auth_token_create_response><token_result>{&quot;access_token&quot;:&quot;6200";
    assert!(xml.starts_with(start), "{xml}");
    let end = "}</token_result><request_id>RID</request_id></top_auth_token_create_response><!--top.tripwright-->";
    assert!(xml.ends_with(end), "{xml}");
}

#[test]
fn a_code_that_opens_nothing_is_an_invalid_parameter_and_one_that_comes_back_ends_what_it_gave() {
    let app = App::start();
    app.add_app("shop", |_| {});
    let refused = r#"{"error_response":{"code":50,"msg":"Remote service error","sub_code":"isv.invalid-parameter","sub_msg":"非法参数: code","request_id":"RID"}}"#;
    let code = code(&app, &[]);
    let create = |code: &str| app.call(METHOD, &[("code", code)]);
    for wrong in ["nonsense", &code[1..], "票票票票票票票票票票票票票"] {
        assert_eq!(create(wrong).text(), refused, "{wrong}");
    }
    let missing = r#"{"error_response":{"code":40,"msg":"Missing required arguments:code","request_id":"RID"}}"#;
    assert_eq!(app.call(METHOD, &[]).text(), missing);
    let given = result(&create(&code).json(), "top_auth_token_create_response");
    assert_eq!(opens(&app, text(&given, "access_token")), 0);
    assert_eq!(create(&code).text(), refused);
    assert_eq!(opens(&app, text(&given, "access_token")), 27);
}
