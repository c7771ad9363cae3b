//! Accounts, as admins keep them.

use domain::account::Role;

use super::{Browser, between, record_lines, shown_once};
use crate::app::App;

fn act(browser: &Browser<'_>, form: &[(&str, &str)]) -> crate::app::Reply {
    browser.post("/console/accounts", form)
}

#[test]
fn an_account_is_made_with_a_password_that_is_shown_once() {
    let app = App::start();
    let admin = Browser::admin(&app);
    let add = [("what", "add"), ("name", "lin"), ("role", "viewer")];
    let made = act(&admin, &add);
    let password = shown_once(made.body());
    assert!(!admin.page("/console/accounts").contains(&password));
    let mut lin = Browser::new(&app);
    assert_eq!(lin.sign_in("lin", &password).status, 303);
    assert_eq!(lin.get("/console/audit").status, 403);

    let refused = act(&admin, &add);
    assert!(refused.body().contains("已有同名账号。"), "{}", refused.body());
    let bad = act(&admin, &[("what", "add"), ("name", "a b"), ("role", "viewer")]);
    assert!(bad.body().contains("账号名须为 1 至 64 个字母、数字、- 或 _。"));

    // A new role holds for browsers that are signed in.
    let role = [("what", "role"), ("name", "lin"), ("role", "operator")];
    assert_eq!(act(&admin, &role).status, 303);
    assert_eq!(lin.get("/console/audit").status, 200);

    let renewed = act(&admin, &[("what", "password"), ("name", "lin")]);
    let renewed = shown_once(renewed.body());
    assert_eq!(lin.get("/console").status, 303, "signed out");
    assert_eq!(lin.sign_in("lin", &renewed).status, 303);

    assert_eq!(act(&admin, &[("what", "close"), ("name", "lin")]).status, 303);
    assert_eq!(lin.get("/console").status, 303);
    assert_eq!(lin.sign_in("lin", &renewed).status, 403);
    let lines = record_lines(&app);
    let lines: Vec<_> = lines.iter().filter(|line| line.contains(" account-")).collect();
    assert_eq!(
        lines,
        [
            "console:demo account-close account/lin",
            "console:demo account-password account/lin",
            "console:demo account-role account/lin",
            "console:demo account-add account/lin",
        ]
    );
}

#[test]
fn a_token_is_shown_once_and_can_be_taken_back() {
    let app = App::start();
    let admin = Browser::admin(&app);
    let made = act(&admin, &[("what", "token"), ("name", "demo"), ("label", "back office")]);
    let token = shown_once(made.body());
    let store = &app.context().store;
    let operator = app.runtime.block_on(gateway::account::of_token(store, &token)).unwrap();
    assert_eq!(operator.unwrap().role, Role::Admin);
    let page = admin.page("/console/accounts");
    assert!(page.contains("back office") && !page.contains(&token));
    // Behind the demo operator's own.
    let hash = *between(&page, "name=\"token\" value=\"", "\"").last().unwrap();
    assert_eq!(
        act(&admin, &[("what", "take-back"), ("name", "demo"), ("token", hash)]).status,
        303
    );
    assert!(app.runtime.block_on(gateway::account::of_token(store, &token)).unwrap().is_none());
    let unlabelled = act(&admin, &[("what", "token"), ("name", "demo"), ("label", " ")]);
    assert_eq!(unlabelled.status, 400);
    assert_eq!(
        record_lines(&app)[..2],
        [
            "console:demo account-token-revoke account/demo",
            "console:demo account-token account/demo"
        ]
    );
}

#[test]
fn nobody_takes_their_own_rights_away_so_that_an_admin_is_left() {
    let app = App::start();
    let admin = Browser::admin(&app);
    for form in [
        &[("what", "close"), ("name", "demo")][..],
        &[("what", "role"), ("name", "demo"), ("role", "viewer")],
        &[("what", "password"), ("name", "demo")],
    ] {
        let reply = act(&admin, form);
        assert_eq!(reply.status, 400);
        assert!(reply.body().contains("不能修改自己的角色"), "{}", reply.body());
    }
    let missing = act(&admin, &[("what", "close"), ("name", "nobody")]);
    assert!(missing.body().contains("there is no account nobody"), "{}", missing.body());
}
