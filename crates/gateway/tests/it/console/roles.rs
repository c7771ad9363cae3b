//! Who reaches what: every route with every role.

use domain::account::Role::{self, Admin, Operator, Viewer};

use super::{Browser, between};
use crate::app::App;
use crate::tidy::sources;

/// What is asked, by which role it may be, and what comes of it then.
type Row = (&'static str, &'static str, &'static str, Role, u16);

const ORDER: &str = "/console/orders/flight/test/corp001/demo-ticketed";

#[rustfmt::skip]
const ROUTES: &[Row] = &[
    ("GET",  "/console", "", Viewer, 200),
    ("GET",  "/console?q=1234", "", Viewer, 200),
    ("GET",  "/console/me", "", Viewer, 200),
    ("POST", "/console/me", "old=a&new=b&again=b", Viewer, 400),
    ("GET",  "/console/orders", "", Viewer, 200),
    ("GET",  "/console/orders/flight/test/corp001/demo-ticketed", "", Viewer, 200),
    ("GET",  "/console/orders/flight/test/corp001/demo-ticketed/reveal", "", Viewer, 303),
    ("GET",  "/console/orders/flight/test/corp001/demo-ticketed/advance", "", Viewer, 303),
    ("GET",  "/console/people", "", Viewer, 303),
    ("GET",  "/console/apps", "", Viewer, 200),
    ("GET",  "/console/apps/test", "", Viewer, 200),
    ("GET",  "/console/keys", "", Viewer, 200),
    ("POST", "/console/orders/flight/test/corp001/demo-ticketed/reveal", "reason=because", Operator, 200),
    ("POST", "/console/orders/flight/test/corp001/demo-ticketed/advance", "command=pay&facts=", Operator, 400),
    ("POST", "/console/people", "by=phone&value=13800000001", Operator, 200),
    ("GET",  "/console/import", "", Operator, 200),
    ("POST", "/console/import", "orders=[]", Operator, 200),
    ("GET",  "/console/audit", "", Operator, 200),
    ("GET",  "/console/accounts", "", Admin, 200),
    ("POST", "/console/accounts", "what=role&name=viewer&role=viewer", Admin, 303),
    ("POST", "/console/apps", "app_key=new&methods=", Admin, 400),
    ("POST", "/console/apps/test", "what=add-session&days=0", Admin, 400),
];

/// Those that nobody need be signed in for.
const OPEN: [&str; 3] = ["/", "/console/login", "/console/logout"];

#[test]
fn every_route_is_reached_by_the_roles_it_is_for_and_by_no_others() {
    let app = App::start();
    let browsers = Role::ALL.map(|role| (role, Browser::of(&app, role)));
    for (verb, path, form, needed, expected) in ROUTES {
        let nobodys = Browser::new(&app).ask(verb, path, "", form);
        let location = nobodys.header("location").unwrap_or_default();
        assert_eq!(nobodys.status, 303, "{verb} {path} by nobody");
        assert!(location.starts_with("/console/login"), "{verb} {path} by nobody: {location}");
        for (role, browser) in &browsers {
            let reply = browser.ask(verb, path, "", form);
            let who = role.name();
            if role < needed {
                assert_eq!(reply.status, 403, "{verb} {path} by {who}");
                assert!(reply.body().contains("您的角色无权这样做"), "{verb} {path} by {who}");
            } else {
                assert_eq!(reply.status, *expected, "{verb} {path} by {who}: {}", reply.body());
                let location = reply.header("location").unwrap_or_default();
                assert!(!location.starts_with("/console/login"), "{verb} {path} by {who}");
            }
        }
    }
}

#[test]
fn every_route_of_the_console_stands_in_the_table() {
    let (_, text) =
        sources().into_iter().find(|(path, _)| path.ends_with("src/console/mod.rs")).unwrap();
    let mut count = 0;
    for part in text.split(".route(").skip(1) {
        let path = between(part, "\"", "\"")[0];
        if OPEN.contains(&path) {
            continue;
        }
        let handlers = part.split("\n        .").next().unwrap();
        for (verb, mark) in [("GET", "get("), ("POST", "post(")] {
            if handlers.contains(mark) {
                let is_it = |row: &&Row| row.0 == verb && is_of(row.1, path);
                assert!(ROUTES.iter().any(|row| is_it(&row)), "{verb} {path}");
                count += 1;
            }
        }
    }
    assert!(count >= 20, "{count} routes were found");
}

/// Whether an address is one of a route's.
fn is_of(address: &str, route: &str) -> bool {
    let address = address.split('?').next().unwrap().split('/');
    let (address, route): (Vec<_>, Vec<_>) = (address.collect(), route.split('/').collect());
    let same = |(here, there): (&&str, &&str)| here == there || there.starts_with('{');
    address.len() == route.len() && address.iter().zip(&route).all(same)
}

#[test]
fn the_navigation_and_the_pages_offer_only_what_the_role_may_do() {
    let app = App::start();
    let rooms = ["orders", "calls", "charts", "apps", "keys", "audit", "accounts"];
    for (role, reached) in [(Viewer, 5), (Operator, 6), (Admin, 7)] {
        let browser = Browser::of(&app, role);
        let home = browser.page("/console");
        let nav = between(&home, "<nav", "</nav>")[0];
        let links = between(nav, "href=\"/console/", "\"");
        assert_eq!(links, [&rooms[..reached], &["me"]].concat(), "{}", role.name());
        let order = browser.page(ORDER);
        assert_eq!(order.contains("/reveal\""), role >= Operator);
        assert_eq!(order.contains("/advance\""), role >= Operator);
        assert_eq!(home.contains("/console/people"), role >= Operator);
        assert_eq!(browser.page("/console/orders").contains("/console/import"), role >= Operator);
        assert_eq!(browser.page("/console/apps/test").contains("revoke-session"), role >= Admin);
        assert_eq!(browser.page("/console/apps").contains("<form"), role >= Admin);
    }
}

#[test]
fn every_room_speaks_the_language_that_was_chosen_and_no_other() {
    let app = App::start();
    let admin = Browser::admin(&app);
    let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    let rooms = [
        ("/console?q=none", "控制台", "Console"),
        ("/console/orders", "订单", "Orders"),
        ("/console/apps", "应用", "Apps"),
        ("/console/apps/test", "test", "test"),
        ("/console/keys", "加密个人信息的密钥", "The keys that seal personal data"),
        ("/console/audit", "审计", "Audit"),
        ("/console/accounts", "账号", "Accounts"),
        ("/console/me", "demo", "demo"),
        ("/console/login", "登录控制台", "Sign in to the console"),
        ("/console/none", "没有这个页面", "There is no such page"),
    ];
    for (path, chinese, english) in rooms {
        let mark = if path.contains('?') { '&' } else { '?' };
        for (lang, title) in [("zh", chinese), ("en", english)] {
            let page = admin.get(&format!("{path}{mark}lang={lang}"));
            let page = page.body();
            let heading = between(page, "<h1>", "</h1>")[0];
            assert!(heading.contains(title), "{path} {lang}: {heading}");
            let main = between(page, "<main", "</main>")[0];
            assert!(lang == "zh" || !main.contains(is_chinese), "{path}: {main}");
            assert_eq!(page.matches("<h1").count(), 1, "{path}");
            let labels = main.matches("<label").count();
            let inputs = ["<input", "<select", "<textarea"].map(|tag| main.matches(tag).count());
            let hidden = main.matches("type=\"hidden\"").count();
            assert_eq!(
                labels,
                inputs.iter().sum::<usize>() - hidden,
                "{path}: an input has no label"
            );
            assert!(!page.contains("style=") && !page.contains("onclick"), "{path}");
        }
    }
    let icon = admin.get("/console/none");
    assert!(icon.body().contains("class=\"brand\" href=\"/console\""), "{}", icon.body());
}
