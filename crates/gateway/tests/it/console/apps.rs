//! Apps, sessions and keys.

use domain::account::Role;

use super::{Browser, add_account, between, record_lines, shown_once};
use crate::app::{App, CANCEL, NOW_TEXT, Reply, WRAPPER};
use crate::program::Program;
use gateway::demo;

const APP: &[(&str, &str)] = &[
    ("app_key", "bank"),
    ("methods", "alitrip.btrip.flight.distribution.order.cancel"),
    ("sub_channels", "corp001\r\n corp-二 \r\n\r\n"),
    ("redirect_uris", "https://bank.example/cb"),
    ("calls_per_day", "100"),
];

/// A cancel by the app `bank`.
fn call(app: &App, secret: &str, session: &str) -> Reply {
    let request = r#"{"sub_channel":"corp001","dis_order_id":"none"}"#;
    let params = [
        ("method", CANCEL),
        ("app_key", "bank"),
        ("session", session),
        ("timestamp", NOW_TEXT),
        ("v", "2.0"),
        ("sign_method", "md5"),
        ("format", "json"),
        (WRAPPER, request),
    ];
    app.send_signed(&params.map(|(name, value)| (name, value.to_owned())), secret)
}

#[test]
fn an_app_and_a_session_made_here_work_on_the_wire_until_they_are_taken_back() {
    let app = App::start();
    let browser = Browser::admin(&app);
    let made = browser.post("/console/apps", APP);
    assert_eq!(made.status, 200, "{}", made.body());
    let secret = shown_once(made.body());
    let page = browser.page("/console/apps/bank");
    assert!(
        page.contains("corp-二\ncorp001") && page.contains("https://bank.example/cb"),
        "{page}"
    );
    let again = browser.post("/console/apps", APP);
    assert_eq!(again.status, 400);
    assert!(again.body().contains("there is an app bank already"), "{}", again.body());

    let act = |form: &[(&str, &str)]| browser.post("/console/apps/bank", form);
    let session = shown_once(act(&[("what", "add-session"), ("days", "7")]).body());
    assert!(call(&app, &secret, &session).body().contains("\"result_code\":2001"));
    // Nothing of either is shown again.
    let page = browser.page("/console/apps/bank");
    assert!(!page.contains(&secret) && !page.contains(&session));
    assert!(page.contains(&format!("{}…", &session[..8])), "{page}");

    let other = shown_once(act(&[("what", "renew-secret")]).body());
    assert!(call(&app, &secret, &session).body().contains("\"code\":25"), "the old one is out");
    assert!(call(&app, &other, &session).body().contains("\"result_code\":2001"));
    let handle = between(&page, "name=\"session\" value=\"", "\"");
    assert_eq!(handle.len(), 1);
    assert_eq!(act(&[("what", "revoke-session"), ("session", handle[0])]).status, 303);
    assert!(call(&app, &other, &session).body().contains("\"code\":27"), "the session is over");
    assert_eq!(act(&[("what", "revoke-session"), ("session", "0123")]).status, 404);
    assert_eq!(act(&[("what", "revoke")]).status, 303);
    assert!(call(&app, &other, &session).body().contains("\"code\":29"), "the app is unknown");

    let beginning: String = session.chars().take(8).collect();
    assert_eq!(
        record_lines(&app)[..5],
        [
            "console:demo app-revoke app/bank".to_owned(),
            format!("console:demo session-revoke app/bank/session/{beginning}…"),
            "console:demo app-secret app/bank".to_owned(),
            format!("console:demo session-add app/bank/session/{beginning}…"),
            "console:demo app-add app/bank".to_owned(),
        ]
    );
}

#[test]
fn an_app_is_changed_as_its_form_says_and_refusals_name_what_is_wrong() {
    let app = App::start();
    let browser = Browser::admin(&app);
    browser.post("/console/apps", APP);
    let act = |more: &[(&str, &str)]| {
        let form = [&[("what", "change"), ("methods", "all")], more].concat();
        browser.post("/console/apps/bank", &form)
    };
    assert_eq!(act(&[("channels", "80002"), ("calls_per_second", "5")]).status, 303);
    let page = browser.page("/console/apps/bank?lang=en");
    let cells = between(&page, "<td class=\"mono lines\">", "</td>");
    assert_eq!(cells, ["all", "", "80002", "", "", ""]);
    assert!(page.contains("<th scope=\"row\">Calls in one second</th><td>5</td>"));
    assert!(page.contains("<th scope=\"row\">Calls in one day</th><td>no limit</td>"));
    let wrong = [
        (("redirect_uris", "javascript:alert(1)"), "redirect_uris: is no redirect address"),
        (("sub_channels", "a/b"), "sub_channels: has a character that an identifier cannot have"),
        (("calls_per_day", "many"), "限额须为数字，或留空。"),
    ];
    for ((name, value), complaint) in wrong {
        let reply = act(&[(name, value)]);
        assert_eq!(reply.status, 400);
        assert!(reply.body().contains(complaint), "{}", reply.body());
    }
    let unknown = [("what", "change"), ("methods", "no.such.method")];
    let reply = browser.post("/console/apps/bank", &unknown);
    assert!(reply.body().contains("there is no method no.such.method"), "{}", reply.body());
    // What was refused is not on record.
    let changes = record_lines(&app).iter().filter(|line| line.contains("app-change")).count();
    assert_eq!(changes, 1);
    assert_eq!(browser.get("/console/apps/none").status, 404);
    assert_eq!(browser.get("/console/apps/a%2Fb").status, 404);
}

#[test]
fn no_page_of_an_app_shows_a_secret() {
    let app = App::start();
    add_account(&app, "wang", Role::Admin);
    let browser = Browser::admin(&app);
    let key = browser.page("/console/keys?lang=en");
    assert!(key.contains("seals") && key.contains("tripwright key rotate"), "{key}");
    for path in ["/console/apps", "/console/apps/test", "/console/keys", "/console/accounts"] {
        let page = browser.page(path);
        for secret in [demo::SM4_KEY, demo::SESSION, "$argon2id$"] {
            assert!(!page.contains(secret), "{path}: {secret}");
        }
    }
    assert!(browser.page("/console/apps/test").contains("demo ecb/pkcs7/hex"));
}

#[test]
fn what_the_command_line_does_to_apps_sessions_and_keys_is_on_record_too() {
    let program = Program::serve(&[]);
    program.run(&["app", "add", "bank", "--sub-channel", "corp001"]);
    program.run(&["app", "change", "bank", "--channel", "80002"]);
    let session = program.run(&["session", "add", "bank", "--days", "3"]);
    let token = session.trim().strip_prefix("session ").unwrap().to_owned();
    program.run(&["session", "revoke", "bank", &token]);
    program.run(&["session", "invite", "bank", "--nick", "lin"]);
    program.run(&["app", "revoke", "bank"]);
    program.run(&["key", "rotate"]);
    let admin = program.lines[2].strip_prefix("admin http://").unwrap().parse().unwrap();
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    let login = format!("POST /console/login HTTP/1.1\r\n{kind}");
    let reply = crate::app::send(admin, &login, b"name=demo&password=demo");
    let cookie = reply.header("set-cookie").unwrap().split(';').next().unwrap();
    let page = format!("GET /console/audit HTTP/1.1\r\nCookie: {cookie}\r\n");
    let page = crate::app::send(admin, &page, b"").body().to_owned();
    let actions = between(&page, "<th scope=\"row\">", "</th>");
    assert_eq!(
        actions,
        [
            "sign-in",
            "key-rotate",
            "app-revoke",
            "session-invite",
            "session-revoke",
            "session-add",
            "app-change",
            "app-add"
        ]
    );
    assert_eq!(page.matches("<td>command line</td>").count(), 7);
    assert!(page.contains(&format!("app/bank/session/{}…", &token[..8])), "{page}");
    assert!(!page.contains(&token));
}
