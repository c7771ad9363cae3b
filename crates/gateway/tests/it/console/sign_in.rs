//! Signing in, and out.

use gateway::console::{FREE_OF_ADDRESS, FREE_OF_NAME};

use super::{Browser, PASSWORD, add_account, between, record_lines};
use crate::app::App;
use domain::account::Role;

#[test]
fn signing_in_leads_back_to_the_page_that_was_asked_for_with_a_cookie_no_script_reads() {
    let app = App::start();
    let mut browser = Browser::new(&app);
    let asked = browser.get("/console/orders?kind=flight&app=a%26b");
    assert_eq!(asked.status, 303);
    let login = asked.header("location").unwrap().to_owned();
    assert_eq!(login, "/console/login?to=%2Fconsole%2Forders%3Fkind%3Dflight%26app%3Da%2526b");
    let form = browser.page(&login);
    let to = "/console/orders?kind=flight&amp;app=a%26b".replace("&amp;", "&#38;");
    assert_eq!(between(&form, "name=\"to\" value=\"", "\""), [to]);

    let to = "/console/orders?kind=flight&app=a%26b";
    let given = [("name", "demo"), ("password", "demo"), ("to", to)];
    let reply = browser.post("/console/login", &given);
    assert_eq!((reply.status, reply.header("location")), (303, Some(to)));
    let cookie = reply.header("set-cookie").unwrap();
    let (pair, flags) = cookie.split_once(';').unwrap();
    assert!(pair.starts_with("tripwright_console=demo."), "{pair}");
    assert_eq!(flags, " Path=/; HttpOnly; SameSite=Lax");
    browser.cookie = Some(pair.to_owned());
    assert!(browser.page("/console").contains("demo · admin"));

    let left = browser.post("/console/logout", &[]);
    assert_eq!((left.status, left.header("location")), (303, Some("/console/login")));
    let gone = "tripwright_console=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0";
    assert_eq!(left.header("set-cookie"), Some(gone));
    assert_eq!(browser.get("/console").status, 303, "the cookie opens nothing any more");
    assert_eq!(
        record_lines(&app),
        ["console:demo sign-out console", "console:demo sign-in console"]
    );
}

#[test]
fn nobody_is_led_to_another_place_after_signing_in() {
    let app = App::start();
    for to in ["//evil.example", "https://evil.example/console", "/console\\evil", "/docs", ""] {
        let given = [("name", "demo"), ("password", "demo"), ("to", to)];
        let reply = Browser::new(&app).post("/console/login", &given);
        assert_eq!(reply.header("location"), Some("/console"), "{to}");
    }
}

#[test]
fn where_a_browser_came_by_https_its_cookie_is_bound_to_that() {
    let app = App::start();
    let browser = Browser::new(&app);
    let form = "name=demo&password=demo";
    let ways = [
        "X-Forwarded-Proto: https\r\n",
        "Forwarded: for=10.0.0.1;proto=https\r\n",
        "Origin: https://t\r\n",
    ];
    for way in ways {
        let reply = browser.ask("POST", "/console/login", way, form);
        let cookie = reply.header("set-cookie").unwrap_or_else(|| panic!("{way}{}", reply.head));
        let (pair, flags) = cookie.split_once(';').unwrap();
        assert!(pair.starts_with("__Host-tripwright_console=demo."), "{pair}");
        assert_eq!(flags, " Path=/; HttpOnly; SameSite=Lax; Secure");
        let own = format!("Cookie: {pair}\r\nX-Forwarded-Proto: https\r\n");
        assert_eq!(browser.ask("GET", "/console", &own, "").status, 200);
        // The same in a cookie that another host or the line could have set counts for nothing there.
        let others = own.replace("__Host-", "");
        assert_eq!(browser.ask("GET", "/console", &others, "").status, 303);
    }
}

#[test]
fn forms_of_other_sites_are_refused() {
    let app = App::start();
    let browser = Browser::admin(&app);
    let address = "/console/orders/flight/test/corp001/demo-payable/advance";
    let form = "command=cancel&facts=";
    for other in [
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
    ] {
        assert_eq!(browser.ask("POST", address, other, form).status, 403, "{other}");
        let login = "name=demo&password=demo";
        assert_eq!(browser.ask("POST", "/console/login", other, login).status, 403, "{other}");
    }
    let page = browser.page("/console/orders/flight/test/corp001/demo-payable?lang=en");
    assert!(page.contains("32 · payable"), "nothing was cancelled");
    let own = "Sec-Fetch-Site: same-origin\r\nOrigin: http://t\r\n";
    assert_eq!(browser.ask("POST", address, own, form).status, 303);
}

#[test]
fn whoever_fails_too_often_has_to_wait_and_is_told_for_how_long() {
    let app = App::start();
    let mut browser = Browser::new(&app);
    for _ in 0..FREE_OF_NAME {
        let reply = browser.sign_in("demo", "hunter2-was-typed");
        assert_eq!(reply.status, 403);
        assert!(reply.body().contains("账号或密码不正确。"), "{}", reply.body());
    }
    let reply = browser.sign_in("demo", "demo");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("2")));
    assert!(reply.body().contains("失败次数过多，请等待后再试。秒数：2"), "{}", reply.body());
    app.set_clock("2026-03-01T01:00:01Z");
    assert_eq!(browser.sign_in("demo", "wrong again").status, 403);
    assert_eq!(browser.sign_in("demo", "demo").header("retry-after"), Some("3"));
    app.set_clock("2026-03-01T01:00:03Z");
    assert_eq!(browser.sign_in("demo", "demo").status, 303);
    // What failed is on record, with the account, and without what was typed.
    let failed = "console sign-in-failed account/demo".to_owned();
    let mut expected = vec!["console:demo sign-in console".to_owned()];
    expected.extend(vec![failed; FREE_OF_NAME as usize + 1]);
    assert_eq!(record_lines(&app), expected);
}

#[test]
fn what_is_typed_where_no_account_is_found_is_kept_nowhere() {
    let app = App::start();
    let mut browser = Browser::new(&app);
    for name in ["my-password-in-the-wrong-field", "with spaces; and more"] {
        assert_eq!(browser.sign_in(name, "typed-as-password").status, 403);
    }
    let failed = "console sign-in-failed console";
    assert_eq!(record_lines(&app), [failed, failed]);
    let page = Browser::admin(&app).page("/console/audit");
    for typed in ["my-password-in-the-wrong-field", "with spaces", "typed-as-password"] {
        assert!(!page.contains(typed), "{typed}");
    }
}

#[test]
fn an_address_that_tries_many_names_has_to_wait_whatever_the_name() {
    let app = App::start();
    let mut browser = Browser::new(&app);
    for name in 0..FREE_OF_ADDRESS {
        assert_eq!(browser.sign_in(&format!("nobody{name}"), "x").status, 403);
    }
    assert_eq!(browser.sign_in("demo", "demo").status, 429);
}

#[test]
fn everybody_changes_their_own_password_who_knows_the_old_one() {
    let app = App::start();
    add_account(&app, "lin", Role::Viewer);
    let mut browser = Browser::new(&app);
    browser.sign_in("lin", PASSWORD);
    let change = |old: &str, new: &str, again: &str| {
        browser.post("/console/me", &[("old", old), ("new", new), ("again", again)])
    };
    let new = "another horse, another battery";
    assert!(change("wrong", new, new).body().contains("原密码不正确。"));
    assert!(
        change(PASSWORD, "short", "short").body().contains("新密码须为 12 个字符至 512 字节。")
    );
    assert!(change(PASSWORD, new, "different").body().contains("两次输入的新密码不同。"));
    assert_eq!(browser.get("/console").status, 200);
    let reply = change(PASSWORD, new, new);
    assert_eq!(reply.header("location"), Some("/console/login?changed=1"));
    assert_eq!(browser.get("/console").status, 303, "every browser is signed out");
    assert!(browser.page("/console/login?changed=1").contains("密码已修改，请用新密码登录。"));
    assert_eq!(browser.sign_in("lin", PASSWORD).status, 403);
    assert_eq!(browser.sign_in("lin", new).status, 303);
    assert_eq!(
        record_lines(&app)[..4],
        [
            "console:lin sign-in console",
            "console sign-in-failed account/lin",
            "console:lin account-password account/lin",
            "console:lin password-failed account/lin",
        ]
    );
}
