//! `taobao.top.auth.token.refresh`

use crate::app::{App, Form};
use crate::oauth::{code, opens, text};
use crate::taobao_top_auth_token_create::{METHOD as CREATE, check, result};

const METHOD: &str = "taobao.top.auth.token.refresh";

#[test]
fn a_refresh_token_becomes_new_tokens_and_the_old_ones_end() {
    let app = App::start();
    let given = app.call(CREATE, &[("code", &code(&app, &[]))]).json();
    let given = result(&given, "top_auth_token_create_response");
    app.set_clock("2026-03-01T01:00:10Z");
    let refresh = |token: &str| app.call(METHOD, &[("refresh_token", token)]);
    let newer = refresh(text(&given, "refresh_token"));
    assert!(newer.text().starts_with(
        r#"{"top_auth_token_refresh_response":{"token_result":"{\"access_token\":\"6200"#
    ));
    let newer = result(&newer.json(), "top_auth_token_refresh_response");
    check(&app, newer.clone(), 7_776_000 - 10);
    assert_eq!(opens(&app, text(&given, "access_token")), 27);
    // Much later the old one is somebody else's.
    app.set_clock("2026-03-01T01:02:00Z");
    let refused = r#"{"error_response":{"code":50,"msg":"Remote service error","sub_code":"isv.invalid-parameter","sub_msg":"非法参数: refresh_token","request_id":"RID"}}"#;
    assert_eq!(refresh("nonsense").text(), refused);
    assert_eq!(opens(&app, text(&newer, "access_token")), 0);
    assert_eq!(refresh(text(&given, "refresh_token")).text(), refused);
    assert_eq!(opens(&app, text(&newer, "access_token")), 27);
    let xml = app.call_as(Form::Xml, METHOD, &[]).text();
    assert!(
        xml.contains("<code>40</code><msg>Missing required arguments:refresh_token</msg>"),
        "{xml}"
    );
}
