//! `/authorize`, `/token`, `/logoff`: from a person's consent to tokens, and to their end.

use domain::grant::RedirectUri;
use gateway::demo;
use serde_json::{Value, json};
use top::form;

use crate::app::{App, CANCEL, Reply, WRAPPER, public, send};
use crate::program::Program;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const NICK: &str = "商家测试帐号17:小二";

/// What an app asks the demo world for.
pub fn wish() -> Vec<(&'static str, &'static str)> {
    vec![
        ("response_type", "code"),
        ("client_id", demo::APP_KEY),
        ("redirect_uri", demo::REDIRECT_URI),
        ("state", "s 1&<票>"),
        ("view", "web"),
    ]
}

fn with<'p>(
    params: Vec<(&'p str, &'p str)>,
    more: &[(&'p str, &'p str)],
) -> Vec<(&'p str, &'p str)> {
    let mut params: Vec<_> = params;
    params.retain(|(name, _)| !more.iter().any(|(other, _)| name == other));
    params.extend(more.iter().filter(|(_, value)| *value != "-"));
    params
}

fn get(app: &App, path: &str, params: &[(&str, &str)]) -> Reply {
    let query = form::encode(params.iter().copied());
    app.send(&format!("GET {path}?{query} HTTP/1.1\r\n"), b"")
}

fn post(app: &App, path: &str, params: &[(&str, &str)]) -> Reply {
    let body = form::encode(params.iter().copied());
    app.send(&format!("POST {path} HTTP/1.1\r\n{FORM}"), body.as_bytes())
}

/// The parameters that somebody is sent back with; the address before them is checked.
fn sent_back(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!((reply.status, reply.body()), (303, ""), "{}", reply.head);
    let location = reply.header("location").unwrap();
    let query = location.strip_prefix(demo::REDIRECT_URI).unwrap().strip_prefix('?').unwrap();
    let mut pairs = Vec::new();
    form::decode_into(query.as_bytes(), &mut pairs).unwrap();
    pairs.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// The code that a person's consent gives.
pub fn code(app: &App, more: &[(&str, &str)]) -> String {
    let press = [("decision", "allow"), ("nick", NICK)];
    let reply = post(app, "/authorize", &with(with(wish(), &press), more));
    let back = sent_back(&reply);
    assert_eq!(back[0].0, "code", "{back:?}");
    assert_eq!(back[1], ("state".to_owned(), "s 1&<票>".to_owned()));
    back[0].1.clone()
}

fn token(app: &App, params: &[(&str, &str)]) -> (u16, Value) {
    let reply = post(app, "/token", params);
    assert_eq!(reply.header("content-type"), Some("application/json;charset=UTF-8"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    (reply.status, reply.json())
}

/// The demo app's own credentials and more.
fn own<'p>(more: &[(&'p str, &'p str)]) -> Vec<(&'p str, &'p str)> {
    with(vec![("client_id", demo::APP_KEY), ("client_secret", demo::SECRET)], more)
}

fn redeem(app: &App, code: &str, more: &[(&str, &str)]) -> (u16, Value) {
    let params = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", demo::REDIRECT_URI),
    ];
    token(app, &with(own(&params), more))
}

fn refresh(app: &App, refresh_token: &str) -> (u16, Value) {
    token(app, &own(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]))
}

fn invalid_code(code: &str) -> (u16, Value) {
    let why = format!("authorize code {code} invalidate,please authorize again.");
    (400, json!({"error": "invalid_client", "error_description": why}))
}

fn complaint(error: &str, description: &str) -> (u16, Value) {
    (400, json!({"error": error, "error_description": description}))
}

fn invalid_refresh() -> (u16, Value) {
    complaint("invalid_grant", "refresh token is invalid or expired,please authorize again.")
}

pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// The code of the answer to a call with this session: 0 when it opens what it should.
pub fn opens(app: &App, session: &str) -> i64 {
    let cx = app.context();
    // As every gateway does a few times a second.
    app.runtime.block_on(cx.access.refresh(&cx.store)).unwrap();
    let mut params = public(CANCEL);
    params.retain(|(name, _)| *name != "session");
    let rq = json!({"sub_channel": "corp001", "dis_order_id": "none"}).to_string();
    params.extend([("session", session.to_owned()), ("format", "json".to_owned()), (WRAPPER, rq)]);
    let answer = app.send_signed(&params, demo::SECRET).json();
    let error = answer["error_response"]["code"].as_i64();
    error.unwrap_or_else(|| {
        let root = &answer["alitrip_btrip_flight_distribution_order_cancel_response"];
        assert_eq!(root["result"]["result_code"], 2001, "{answer}");
        0
    })
}

#[test]
fn a_persons_consent_becomes_tokens_that_open_what_a_session_opens() {
    let app = App::start();
    let code = code(&app, &[]);
    let (status, mut given) = redeem(&app, &code, &[]);
    assert_eq!(status, 200, "{given}");
    let session = text(&given, "access_token").to_owned();
    assert!(session.starts_with("6200") && session.len() == 60, "{session}");
    assert_eq!(opens(&app, &session), 0);
    // The token ends with the number of who allowed it.
    let user_id = text(&given, "sub_taobao_user_id").to_owned();
    assert!(user_id.len() == 16 && session.ends_with(&user_id), "{session} {user_id}");
    assert_ne!(text(&given, "taobao_user_id"), user_id);
    assert_eq!(text(&given, "open_uid").len(), 32);
    assert_eq!(given["open_uid"], given["taobao_open_uid"]);
    for name in [
        "access_token",
        "refresh_token",
        "taobao_user_id",
        "sub_taobao_user_id",
        "open_uid",
        "taobao_open_uid",
    ] {
        given[name] = "…".into();
    }
    let expected = json!({
        "access_token": "…", "token_type": "Bearer", "expires_in": 86_400,
        "refresh_token": "…", "re_expires_in": 7_776_000,
        "r1_expires_in": 86_400, "r2_expires_in": 86_400, "w1_expires_in": 86_400, "w2_expires_in": 86_400,
        "taobao_user_nick": "%E5%95%86%E5%AE%B6%E6%B5%8B%E8%AF%95%E5%B8%90%E5%8F%B717",
        "taobao_user_id": "…",
        "sub_taobao_user_nick": "%E5%95%86%E5%AE%B6%E6%B5%8B%E8%AF%95%E5%B8%90%E5%8F%B717%3A%E5%B0%8F%E4%BA%8C",
        "sub_taobao_user_id": "…", "open_uid": "…", "taobao_open_uid": "…",
    });
    assert_eq!(given, expected);
    // It ends by itself.
    app.set_clock("2026-03-02T00:59:59Z");
    let known = |token: &str| {
        let store = &app.context().store;
        let session = app.runtime.block_on(store.session(&"test".parse().unwrap(), token));
        session.unwrap().unwrap().is_open(app.context().clock.now())
    };
    assert!(known(&session));
    app.set_clock("2026-03-02T01:00:00Z");
    assert!(!known(&session));
}

#[test]
fn the_consent_page_says_who_asks_for_what_and_runs_nothing() {
    let app = App::start();
    let reply = get(&app, "/authorize", &wish());
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("text/html;charset=UTF-8"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    let policy = reply.header("content-security-policy").unwrap();
    let (before, after) = policy.split_once("'sha256-").unwrap();
    assert_eq!(before, "default-src 'none'; style-src ");
    let (hash, after) = after.split_once("'; ").unwrap();
    assert_eq!(hash.len(), 44);
    assert_eq!(
        after,
        "form-action 'self' http://localhost:3000; frame-ancestors 'none'; base-uri 'none'"
    );
    let body = reply.body();
    assert!(body.starts_with("<!doctype html><html lang=\"zh-CN\">") && !body.contains("script"));
    let (_, content) = body.split_once("<main>").unwrap();
    assert_eq!(
        content,
        "<h1>应用 test 请求您的授权<span lang=\"en\">The app test asks for your consent</span></h1>\
         <p>授权后，它可以以您的名义调用：<span lang=\"en\">It could then call in your name:</span></p>\
         <ul><li>商旅机票改签详情接口<span lang=\"en\">Read a flight change order</span></li>\
         <li>商旅机票分销-取消订单<span lang=\"en\">Cancel a distributed flight order</span></li>\
         <li>商旅火车票退票回调<span lang=\"en\">Report the result of a rail refund</span></li></ul>\
         <p>令牌有效期 24 小时。完成后返回 <code>http://localhost:3000/callback</code>\
         <span lang=\"en\">Its token lasts 24 h. You will be sent back there.</span></p>\
         <form method=\"post\" action=\"/authorize\">\
         <input type=\"hidden\" name=\"response_type\" value=\"code\">\
         <input type=\"hidden\" name=\"client_id\" value=\"test\">\
         <input type=\"hidden\" name=\"redirect_uri\" value=\"http://localhost:3000/callback\">\
         <input type=\"hidden\" name=\"state\" value=\"s 1&amp;&lt;票&gt;\">\
         <label for=\"who\">账号（沙箱：任意名称）<span lang=\"en\">Account (sandbox: any name will do)</span></label>\
         <input id=\"who\" name=\"nick\" value=\"沙箱测试帐号01\" autocomplete=\"off\" required>\
         <p class=\"buttons\"><button name=\"decision\" value=\"allow\">授权<span lang=\"en\">Allow</span></button>\
         <button name=\"decision\" value=\"deny\" formnovalidate>拒绝<span lang=\"en\">Deny</span></button></p>\
         </form></main></body></html>\n"
    );
    // Looking is not allowing, and nobody is nobody.
    let pressed = with(wish(), &[("decision", "allow"), ("nick", "a")]);
    assert!(get(&app, "/authorize", &pressed).body().contains("<form"));
    let long = "名".repeat(65);
    for nick in ["", " ", "a\nb", &long] {
        let nobody =
            post(&app, "/authorize", &with(wish(), &[("decision", "allow"), ("nick", nick)]));
        assert_eq!(nobody.status, 400);
        assert!(nobody.body().contains("Please fill this in first."), "{nick}");
    }
}

#[test]
fn nobody_is_sent_anywhere_but_where_the_app_registered_letter_for_letter() {
    let app = App::start();
    let address = demo::REDIRECT_URI;
    let (longer, slash) = (format!("{address}/x"), format!("{address}/"));
    let (query, upper) = (format!("{address}?x=1"), address.to_uppercase());
    for uri in [
        "-",
        "https://evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        &longer,
        &slash,
        &query,
        &upper,
    ] {
        for decision in ["-", "allow", "deny"] {
            let params =
                with(wish(), &[("redirect_uri", uri), ("decision", decision), ("nick", "a")]);
            for reply in [get(&app, "/authorize", &params), post(&app, "/authorize", &params)] {
                assert_eq!((reply.status, reply.header("location")), (400, None), "{uri}");
                assert!(
                    reply.body().contains("redirect_uri is not one that the app has registered")
                );
                assert!(!reply.body().contains("evil"), "{uri}");
            }
        }
    }
    for client_id in ["-", "nobody", "../x"] {
        let reply = get(&app, "/authorize", &with(wish(), &[("client_id", client_id)]));
        assert_eq!((reply.status, reply.header("location")), (400, None), "{client_id}");
        assert!(reply.body().contains("There is no such app"));
    }
}

#[test]
fn what_is_wrong_with_the_wish_goes_back_to_the_app_with_its_state() {
    let app = App::start();
    let long = "s".repeat(1025);
    let challenge = "c".repeat(43);
    for (more, error) in [
        (vec![("response_type", "-")], "invalid_request"),
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("code_challenge", "short")], "invalid_request"),
        (vec![("code_challenge_method", "S256")], "invalid_request"),
        (
            vec![("code_challenge", &challenge), ("code_challenge_method", "s256")],
            "invalid_request",
        ),
        (vec![("decision", "deny")], "access_denied"),
        (vec![("decision", "perhaps")], "access_denied"),
    ] {
        let reply = post(&app, "/authorize", &with(wish(), &more));
        let state = ("state".to_owned(), "s 1&<票>".to_owned());
        assert_eq!(sent_back(&reply), [("error".to_owned(), error.to_owned()), state], "{more:?}");
    }
    let reply = get(&app, "/authorize", &with(wish(), &[("state", &long)]));
    assert_eq!(sent_back(&reply), [("error".to_owned(), "invalid_request".to_owned())]);
    // An address with a query of its own keeps it, and one state is not two headers.
    app.add_app("shop", |app| {
        app.redirect_uris = ["https://shop.example/cb?a=1".parse().unwrap()].into();
    });
    let shop = [("client_id", "shop"), ("redirect_uri", "https://shop.example/cb?a=1")];
    let press = [("state", "x\r\nSet-Cookie: a=b"), ("decision", "deny")];
    let reply = post(&app, "/authorize", &with(with(wish(), &shop), &press));
    assert_eq!(
        reply.header("location"),
        Some("https://shop.example/cb?a=1&error=access_denied&state=x%0D%0ASet-Cookie%3A%20a%3Db")
    );
    assert_eq!(reply.header("set-cookie"), None);
    // Another app's address is not this one's.
    let other = with(wish(), &[("redirect_uri", "https://shop.example/cb?a=1")]);
    assert_eq!(get(&app, "/authorize", &other).status, 400);
}

#[test]
fn what_a_wish_says_is_text_on_the_page_and_never_markup() {
    let app = App::start();
    let state = "\"><script>alert(1)</script><input value='";
    let reply = get(&app, "/authorize", &with(wish(), &[("state", state)]));
    assert!(!reply.body().contains("<script"), "{}", reply.body());
    let escaped = "value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;input value=&apos;\"";
    assert!(reply.body().contains(escaped), "{}", reply.body());
}

#[test]
fn a_code_is_good_once_and_one_that_comes_back_ends_all_that_came_of_it() {
    let app = App::start();
    let first = code(&app, &[]);
    let (status, given) = redeem(&app, &first, &[]);
    assert_eq!(status, 200);
    let (_, other) = redeem(&app, &code(&app, &[]), &[]);
    let (_, newer) = refresh(&app, text(&given, "refresh_token"));
    assert_eq!(opens(&app, text(&newer, "access_token")), 0);
    for _ in 0..2 {
        assert_eq!(redeem(&app, &first, &[]), invalid_code(&first));
        assert_eq!(opens(&app, text(&newer, "access_token")), 27);
        assert_eq!(refresh(&app, text(&newer, "refresh_token")), invalid_refresh());
    }
    // What another consent gave is another matter.
    assert_eq!(opens(&app, text(&other, "access_token")), 0);
    // Nine minutes and 59 seconds, and no more.
    let (late, in_time) = (code(&app, &[]), code(&app, &[]));
    app.set_clock("2026-03-01T01:09:59Z");
    assert_eq!(redeem(&app, &in_time, &[]).0, 200);
    app.set_clock("2026-03-01T01:10:00Z");
    assert_eq!(redeem(&app, &late, &[]), invalid_code(&late));
}

#[test]
fn refreshing_ends_what_was_before_and_a_stolen_refresh_token_ends_everything() {
    let app = App::start();
    let (_, first) = redeem(&app, &code(&app, &[]), &[]);
    app.set_clock("2026-03-01T01:05:00Z");
    let (status, second) = refresh(&app, text(&first, "refresh_token"));
    assert_eq!((status, &second["expires_in"]), (200, &json!(86_400)));
    // The person is asked again when the first consent says so, however often it is refreshed.
    assert_eq!(second["re_expires_in"], 7_776_000 - 300);
    assert_ne!(first["access_token"], second["access_token"]);
    assert_eq!(opens(&app, text(&first, "access_token")), 27);
    assert_eq!(opens(&app, text(&second, "access_token")), 0);
    // A client whose answer was lost asks again, and is answered.
    app.set_clock("2026-03-01T01:06:00Z");
    let (status, third) = refresh(&app, text(&first, "refresh_token"));
    assert_eq!(status, 200, "{third}");
    assert_eq!(opens(&app, text(&second, "access_token")), 27);
    assert_eq!(opens(&app, text(&third, "access_token")), 0);
    // Later it is somebody else.
    app.set_clock("2026-03-01T01:06:01Z");
    assert_eq!(refresh(&app, text(&first, "refresh_token")), invalid_refresh());
    assert_eq!(opens(&app, text(&third, "access_token")), 27);
    assert_eq!(refresh(&app, text(&third, "refresh_token")), invalid_refresh());
}

#[test]
fn what_cannot_be_refreshed_any_more_says_so() {
    let app = App::with(&["--token-seconds", "600", "--refresh-token-seconds", "0"]);
    let (_, given) = redeem(&app, &code(&app, &[]), &[]);
    assert_eq!((&given["expires_in"], &given["re_expires_in"]), (&json!(600), &json!(0)));
    assert_eq!(refresh(&app, text(&given, "refresh_token")), invalid_refresh());
    assert_eq!(opens(&app, text(&given, "access_token")), 0);
}

#[test]
fn every_wrong_request_for_tokens_is_a_400_that_says_why_and_uses_nothing_up() {
    let app = App::start();
    app.add_app("shop", |app| app.redirect_uris = [demo::REDIRECT_URI.parse().unwrap()].into());
    let code = code(&app, &[]);
    let unknown =
        complaint("invalid_client", "client_id is unknown or client_secret is not its own");
    let mismatch =
        complaint("invalid_client", "application callback can not match the redirect_uri");
    let other = format!("{}x", demo::REDIRECT_URI);
    for (more, expected) in [
        (vec![("client_secret", "wrong")], unknown.clone()),
        (vec![("client_secret", "-")], unknown.clone()),
        (vec![("client_id", "nobody")], unknown.clone()),
        (vec![("client_id", "-")], unknown),
        (vec![("grant_type", "-")], complaint("invalid_request", "grant_type is missing")),
        (
            vec![("grant_type", "password")],
            complaint("unsupported_grant_type", "give authorization_code or refresh_token"),
        ),
        (vec![("code", "-")], complaint("invalid_request", "code is missing")),
        (vec![("redirect_uri", "-")], complaint("invalid_request", "redirect_uri is missing")),
        (vec![("redirect_uri", &other)], mismatch),
        (vec![("code", "nonsense")], invalid_code("nonsense")),
        (vec![("code", "票\"\\<")], invalid_code("票\"\\<")),
        (vec![("code", &code[..code.len() - 1])], invalid_code(&code[..code.len() - 1])),
        (vec![("client_id", "shop"), ("client_secret", "shop-secret")], invalid_code(&code)),
        (
            vec![("code_verifier", "v")],
            complaint("invalid_grant", "code_verifier does not fit the code_challenge"),
        ),
    ] {
        assert_eq!(redeem(&app, &code, &more), expected, "{more:?}");
    }
    for (refresh_token, expected) in [
        ("-", complaint("invalid_request", "refresh_token is missing")),
        ("nonsense", invalid_refresh()),
        (&code, invalid_refresh()),
    ] {
        let params = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        assert_eq!(token(&app, &own(&params)), expected, "{refresh_token}");
    }
    let query = form::encode([("client_id", "test"), ("client_secret", "test")]);
    let got = app.send(&format!("GET /token?{query} HTTP/1.1\r\n"), b"");
    assert_eq!((got.status, got.json()), complaint("invalid_request", "use POST"));
    let unreadable = app.send(&format!("POST /token HTTP/1.1\r\n{FORM}"), b"code=%FF");
    let why = "the parameters cannot be read";
    assert_eq!((unreadable.status, unreadable.json()), complaint("invalid_request", why));
    assert_eq!(redeem(&app, &code, &[]).0, 200);
}

#[test]
fn a_code_that_was_tied_to_a_verifier_is_worthless_without_it() {
    // RFC 7636, appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let s256 = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let app = App::start();
    let unproven = complaint("invalid_grant", "code_verifier does not fit the code_challenge");
    for (challenge, method) in [(s256, "S256"), (verifier, "plain"), (verifier, "-")] {
        let code = code(&app, &[("code_challenge", challenge), ("code_challenge_method", method)]);
        for wrong in ["-", "short", s256, &verifier.replace('d', "e")] {
            assert_eq!(redeem(&app, &code, &[("code_verifier", wrong)]), unproven, "{wrong}");
        }
        assert_eq!(redeem(&app, &code, &[("code_verifier", verifier)]).0, 200, "{method}");
    }
    // The method of the catalogue has no way to prove anything.
    let code = code(&app, &[("code_challenge", s256), ("code_challenge_method", "S256")]);
    let answer = app.call("taobao.top.auth.token.create", &[("code", &code)]).json();
    assert_eq!(answer["error_response"]["sub_code"], "isv.invalid-parameter");
}

#[test]
fn in_production_only_who_was_invited_can_consent_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_in(folder, &[], &[]);
    let uri = "https://shop.example/cb";
    let added =
        program.run(&["app", "add", "shop", "--redirect-uri", uri, "--sub-channel", "corp001"]);
    assert!(program.run(&["app", "list"]).lines().any(|line| line.ends_with(uri)));
    let invited = program.run(&["session", "invite", "shop", "--nick", "某公司"]);
    let passcode = invited.strip_prefix("passcode ").unwrap().trim().to_owned();
    let secret = added.lines().find_map(|line| line.strip_prefix("secret ")).unwrap().to_owned();
    // The same data, served for real.
    let (folder, _) = program.terminate();
    let key = std::fs::read_to_string(folder.path().join("data/key")).unwrap();
    let variables = [("TRIPWRIGHT_KEY", key.trim()), ("RUST_LOG", "info")];
    let production = Program::serve_production_in(folder, &variables);
    let authorize = |more: &[(&str, &str)]| {
        let params =
            with(wish(), &[("client_id", "shop"), ("redirect_uri", uri), ("decision", "allow")]);
        let body = form::encode(with(params, more));
        let head = format!("POST /authorize HTTP/1.1\r\n{FORM}");
        send(production.address(), &head, body.as_bytes())
    };
    let named = authorize(&[("nick", NICK)]);
    assert_eq!(named.status, 400);
    assert!(named.body().contains("name=\"passcode\"") && !named.body().contains("name=\"nick\""));
    let wrong = authorize(&[("passcode", &passcode.replace(|c: char| c.is_ascii_digit(), "x"))]);
    assert!(wrong.body().contains("This passcode is not right, or was used before."));
    let allowed = authorize(&[("passcode", &format!(" {passcode} "))]);
    let location = allowed.header("location").unwrap();
    let code = location.split(['=', '&']).nth(1).unwrap();
    assert_eq!(authorize(&[("passcode", &passcode)]).status, 400);
    let body = form::encode([
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", uri),
        ("client_id", "shop"),
        ("client_secret", &secret),
    ]);
    let head = format!("POST /token HTTP/1.1\r\n{FORM}");
    let given = send(production.address(), &head, body.as_bytes()).json();
    assert_eq!(text(&given, "taobao_user_nick"), "%E6%9F%90%E5%85%AC%E5%8F%B8");
}

#[test]
fn a_token_that_is_taken_back_cannot_be_refreshed_and_no_secret_is_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    // As much log as there can be.
    let program = Program::serve_in(folder, &[], &[("RUST_LOG", "trace")]);
    let press = with(wish(), &[("decision", "allow"), ("nick", "不愿透露姓名的人")]);
    let ask = |path: &str, params: &[(&str, &str)]| {
        let body = form::encode(params.iter().copied());
        send(program.address(), &format!("POST {path} HTTP/1.1\r\n{FORM}"), body.as_bytes())
    };
    let consent = ask("/authorize", &press);
    let code = consent.header("location").unwrap().split(['=', '&']).nth(1).unwrap().to_owned();
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", demo::REDIRECT_URI),
    ];
    let given = ask("/token", &own(&redeem)).json();
    let (access, secret) = (text(&given, "access_token"), text(&given, "refresh_token"));
    let refresh = |token| own(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
    let newer = ask("/token", &refresh(secret)).json();
    let (newer_access, newer_secret) =
        (text(&newer, "access_token"), text(&newer, "refresh_token"));
    assert!(program.run(&["session", "list", "test"]).contains("open"));
    program.run(&["session", "revoke", "test", newer_access]);
    assert_eq!(ask("/token", &refresh(newer_secret)).json()["error"], "invalid_grant");
    let invited = program.run(&["session", "invite", "test", "--nick", "不愿透露姓名的人"]);
    let passcode = invited.strip_prefix("passcode ").unwrap().trim().to_owned();
    // One that went to the wrong person is taken back, as often as one likes.
    for _ in 0..2 {
        assert_eq!(program.run(&["session", "revoke", "test", &passcode]), "revoked\n");
    }
    let nobodys = program.try_run(&["session", "revoke", "test", "0000nothing0"], "");
    assert!(String::from_utf8_lossy(&nobodys.stderr).contains("test has no such token"));
    let log = program.log();
    assert!(
        log.contains("outcome=\"tokens given\"") && log.contains("path=\"/authorize\""),
        "{log}"
    );
    let mut all = vec![log.into_bytes()];
    for entry in std::fs::read_dir(program.folder.path().join("data")).unwrap() {
        all.push(std::fs::read(entry.unwrap().path()).unwrap());
    }
    assert!(all.iter().map(Vec::len).sum::<usize>() > 100_000);
    // The name as it was sent, too.
    let (name, sent) = ("不愿透露姓名的人", form::escape("不愿透露姓名的人"));
    let secrets =
        [&code, access, secret, newer_access, newer_secret, &passcode, name, sent.as_str()];
    for clear in secrets {
        let found =
            |bytes: &&Vec<u8>| bytes.windows(clear.len()).any(|part| part == clear.as_bytes());
        assert!(all.iter().find(found).is_none(), "{clear} is in the clear");
    }
}

#[test]
fn a_revocation_that_was_cut_short_is_completed_by_whoever_comes_with_what_was_revoked() {
    let app = App::start();
    let (_, given) = redeem(&app, &code(&app, &[]), &[]);
    let (first, secret) = (text(&given, "access_token"), text(&given, "refresh_token"));
    let (_, newer) = refresh(&app, secret);
    let (second, newer_secret) = (text(&newer, "access_token"), text(&newer, "refresh_token"));
    // As a kill between two commits leaves it: what has ended, or is about to, is open.
    let open_again = |token: &str| {
        let store = &app.context().store;
        let key = demo::APP_KEY.parse().unwrap();
        let session = app.runtime.block_on(store.session(&key, token)).unwrap().unwrap();
        let session = domain::access::Session { revoked_at: None, ..session };
        app.runtime.block_on(store.put_session(&session)).unwrap();
        assert_eq!(opens(&app, token), 0);
    };
    open_again(first);
    let (status, newest) = refresh(&app, newer_secret);
    assert_eq!((status, opens(&app, first), opens(&app, second)), (200, 27, 27));
    let newest_secret = text(&newest, "refresh_token");
    let third = text(&newest, "access_token");
    let now = app.context().clock.now();
    app.context().clock.set(now.checked_add(jiff::SignedDuration::from_mins(5)).unwrap());
    assert_eq!(refresh(&app, secret), invalid_refresh());
    assert_eq!(opens(&app, third), 27);
    open_again(third);
    assert_eq!(refresh(&app, newest_secret), invalid_refresh());
    assert_eq!(opens(&app, third), 27);
}

#[test]
fn asking_for_tokens_counts_against_the_apps_quota() {
    let app = App::start();
    app.add_app("few", |app| app.quota.calls_per_day = Some(1));
    let ask = || {
        let credentials = [("client_id", "few"), ("client_secret", "few-secret")];
        let more = [("grant_type", "refresh_token"), ("refresh_token", "nonsense")];
        token(&app, &[credentials, more].concat())
    };
    assert_eq!(ask(), invalid_refresh());
    let why = "This ban will last for 54000 more seconds";
    assert_eq!(ask(), complaint("temporarily_unavailable", why));
}

#[test]
fn logging_off_says_goodbye_and_admins_have_none_of_these_pages() {
    let app = App::start();
    let reply = get(&app, "/logoff", &[("client_id", "test"), ("view", "web")]);
    assert_eq!(reply.status, 200);
    assert!(reply.body().contains("您已退出") && reply.body().contains("You are signed out."));
    assert_eq!(get(&app, "/logoff", &[("client_id", "nobody")]).status, 400);
    for path in ["/authorize", "/token", "/logoff"] {
        let reply = send(app.running().admin, &format!("GET {path} HTTP/1.1\r\n"), b"");
        assert_eq!(reply.status, 404, "{path}");
    }
    // Bodies have the limits that they have everywhere.
    let head = format!("POST /authorize HTTP/1.1\r\n{FORM}");
    let large = app.send(&head, &vec![b'a'; 4 * 1024 * 1024 + 1]);
    assert_eq!((large.status, large.header("connection")), (400, Some("close")));
}

#[test]
fn an_address_that_could_be_two_things_is_not_registered() {
    let refused = |uri: &str| uri.parse::<RedirectUri>().is_err();
    let long = format!("https://a/{}", "a".repeat(512));
    for uri in [
        "",
        "a.example/cb",
        "ftp://a.example/",
        "https://",
        "https:///cb",
        "javascript:alert(1)",
        "https://user@a.example/",
        "https://a.example/#f",
        "https://a.example/ b",
        "https://a.example/\"",
        "https://a.example/;x",
        "https://a.example\\b/",
        "https://票.example/",
        "https://a.example/\r\nX: y",
        &long,
    ] {
        assert!(refused(uri), "{uri}");
    }
    for uri in [
        "http://localhost:3000/callback",
        "https://[::1]:8443/a/b?c=d&e=%E7%A5%A8",
        "https://a.example",
    ] {
        assert!(!refused(uri), "{uri}");
    }
}
