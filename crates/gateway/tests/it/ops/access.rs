//! Who may do what: roles; and apps and sessions, whose changes hold at once.

use domain::account::Role;
use gateway::{account, demo};
use serde_json::{Value, json};

use super::{Ops, problem, told};
use crate::app::{App, CANCEL, NOW_TEXT, Reply, WRAPPER, at, payable, sign_md5};
use domain::Pii;

#[test]
fn each_role_reaches_as_far_as_it_reaches() {
    let app = App::start();
    let callers = Role::ALL.map(|role| (role, Ops::with_role(&app, role)));
    let order = "/orders/flight/test/corp001/demo-payable";
    let empty = json!({});
    let routes = [
        ("GET", "/orders".to_owned(), empty.clone(), Role::Viewer),
        ("GET", order.to_owned(), empty.clone(), Role::Viewer),
        ("GET", format!("{order}/journal"), empty.clone(), Role::Viewer),
        ("GET", "/search?app=test&scope=corp001&number=1".to_owned(), empty.clone(), Role::Viewer),
        ("GET", "/policies/test/80001".to_owned(), empty.clone(), Role::Viewer),
        ("GET", "/policies/test/80001/x".to_owned(), empty.clone(), Role::Viewer),
        ("GET", "/apps".to_owned(), empty.clone(), Role::Viewer),
        ("GET", "/apps/test".to_owned(), empty.clone(), Role::Viewer),
        ("GET", "/apps/test/sessions".to_owned(), empty.clone(), Role::Viewer),
        ("POST", "/orders".to_owned(), payable("role"), Role::Operator),
        ("POST", format!("{order}/reveal"), json!({"reason": "test"}), Role::Operator),
        ("POST", format!("{order}/transitions"), json!({"command": "begin"}), Role::Operator),
        (
            "POST",
            "/orders/rental/test/80001/x/transitions".to_owned(),
            empty.clone(),
            Role::Operator,
        ),
        (
            "POST",
            "/orders/receipts/test/80001/x/transitions".to_owned(),
            empty.clone(),
            Role::Operator,
        ),
        ("POST", "/orders/train/test/-/x/transitions".to_owned(), empty.clone(), Role::Operator),
        ("PUT", "/policies/test/80001/x".to_owned(), json!({"terms": {}}), Role::Admin),
        ("POST", "/policies/test/80001/x/withdraw".to_owned(), empty.clone(), Role::Admin),
        ("POST", "/apps".to_owned(), json!({"app_key": "test"}), Role::Admin),
        ("PATCH", "/apps/test".to_owned(), empty.clone(), Role::Admin),
        ("POST", "/apps/nobody/revoke".to_owned(), empty.clone(), Role::Admin),
        ("POST", "/apps/test/sessions".to_owned(), empty.clone(), Role::Admin),
        ("POST", "/apps/test/sessions/0/revoke".to_owned(), empty, Role::Admin),
    ];
    let documented = super::document::operations(&app);
    assert_eq!(routes.len(), documented, "a route is missing from this table");
    for (verb, path, body, needed) in &routes {
        for (role, ops) in &callers {
            let reply = ops.ask(verb, path, &[], body);
            if role >= needed {
                assert!(
                    ![401, 403, 405].contains(&reply.status),
                    "{verb} {path}: {}",
                    reply.body()
                );
                continue;
            }
            // Before anything else about it is looked at.
            for body in [body, &json!(7)] {
                let (status, name, told) = problem(&ops.ask(verb, path, &[], body));
                assert_eq!((status, name.as_str()), (403, "forbidden"), "{verb} {path} {role:?}");
                let detail = format!("It takes the role {}.", needed.name());
                assert_eq!(told["detail"], detail.as_str());
            }
        }
    }
}

#[test]
fn a_closed_account_and_a_token_that_was_taken_back_call_no_more() {
    let app = App::start();
    let ops = Ops::of(&app);
    assert_eq!(ops.get("/apps").status, 200);
    let cause = store::Cause { at: at(crate::app::NOW), actor: "t".into(), request_id: "t".into() };
    app.runtime.block_on(async {
        let (store, name) = (&app.context().store, demo::ACCOUNT.parse().unwrap());
        // Whoever has only another password still lets everybody in who has the demo token.
        let edit = |mut account: domain::account::Account| {
            account.password = Pii::new("$argon2id$other".into());
            Ok(account)
        };
        account::change(store, &name, "test", &cause, edit).await.unwrap();
        assert!(demo::lets_anybody_operate(store).await.unwrap());
        let edit = |mut account: domain::account::Account| {
            account.closed_at = Some(cause.at);
            Ok(account)
        };
        account::change(store, &name, "test", &cause, edit).await.unwrap();
        assert!(!demo::lets_anybody_operate(store).await.unwrap());
    });
    let refused = ops.get("/apps");
    assert_eq!(problem(&refused).0, 401);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"tripwright\""));
}

/// A cancel of an order that is not there, as an app: its answer says whether the app is known.
fn calls(app: &App, key: &str, secret: &str, session: &str) -> String {
    let rq = json!({"sub_channel": "corp009", "dis_order_id": "nobody"}).to_string();
    let params = [
        ("method", CANCEL),
        ("app_key", key),
        ("session", session),
        ("timestamp", NOW_TEXT),
        ("v", "2.0"),
        ("sign_method", "md5"),
        ("format", "json"),
        (WRAPPER, &rq),
    ];
    let sign = sign_md5(&params, secret);
    let signed = params.into_iter().chain([("sign", sign.as_str())]);
    let reply: Reply = app.post_form(&top::form::encode(signed));
    let answer = reply.json();
    let error = &answer["error_response"];
    match error["sub_code"].as_str() {
        Some(sub_code) => sub_code.to_owned(),
        None if error.is_object() => error["msg"].as_str().unwrap().to_owned(),
        None => "served".to_owned(),
    }
}

#[test]
fn an_app_lives_its_whole_life_and_every_change_holds_at_once() {
    let app = App::start();
    let ops = Ops::of(&app);
    let new = json!({
        "app_key": "bank", "methods": ["all"], "sub_channels": ["corp009"],
        "redirect_uris": ["https://bank.example/cb"], "quota": {"calls_per_day": 50},
    });
    let created = ops.post("/apps", &new);
    let added = told(&created, 201);
    assert_eq!(created.header("location"), Some("/ops/v1/apps/bank"));
    let secret = added["secret"].as_str().unwrap();
    let read = told(&ops.get("/apps/bank"), 200);
    let facts = json!({
        "app_key": "bank", "revoked_at": null, "methods": ["all"], "sub_channels": ["corp009"],
        "channels": [], "cwt_accounts": [], "redirect_uris": ["https://bank.example/cb"],
        "sm4_keys": [], "lenient": false, "quota": {"calls_per_day": 50, "calls_per_second": null},
    });
    assert_eq!(read, facts, "and no secret");
    assert_eq!(problem(&ops.post("/apps", &new)).0, 409);
    assert_eq!(told(&ops.get("/apps"), 200)["apps"][0], facts);

    let made = told(&ops.post("/apps/bank/sessions", &json!({"days": 1})), 201);
    let token = made["token"].as_str().unwrap();
    assert_eq!(made["expires_at"], "2026-03-02T01:00:00Z");
    assert_eq!(calls(&app, "bank", secret, token), "served");
    let listed = ops.get("/apps/bank/sessions");
    let session = told(&listed, 200)["sessions"][0].clone();
    assert!(!listed.body().contains(token), "only how it begins");
    assert_eq!(session["beginning"], format!("{}…", &token[..8]).as_str());
    assert_eq!((&session["id"], &session["is_open"]), (&made["id"], &json!(true)));

    let change = |edit: Value| told(&ops.ask("PATCH", "/apps/bank", &[], &edit), 200);
    let changed = change(json!({"methods": ["taobao.time.get"], "quota": {"calls_per_day": null}}));
    assert_eq!(changed["methods"], json!(["taobao.time.get"]));
    assert_eq!(changed["quota"], json!({"calls_per_day": null, "calls_per_second": null}));
    assert_eq!(changed["sub_channels"], facts["sub_channels"], "what is not named stays");
    assert_eq!(calls(&app, "bank", secret, token), "isv.permission-api-package-limit");
}

#[test]
fn a_session_and_an_app_that_are_revoked_are_out_at_once() {
    let app = App::start();
    let ops = Ops::of(&app);
    let added =
        told(&ops.post("/apps", &json!({"app_key": "bank", "sub_channels": ["corp009"]})), 201);
    let secret = added["secret"].as_str().unwrap();
    let made = told(&ops.post("/apps/bank/sessions", &json!({})), 201);
    let token = made["token"].as_str().unwrap();
    assert_eq!(calls(&app, "bank", secret, token), "served");
    let path = format!("/apps/bank/sessions/{}/revoke", made["id"].as_str().unwrap());
    let revoked = told(&ops.post(&path, &json!({})), 200);
    assert_eq!(
        (&revoked["is_open"], &revoked["revoked_at"]),
        (&json!(false), &json!("2026-03-01T01:00:00Z"))
    );
    assert_eq!(told(&ops.post(&path, &json!({})), 200), revoked, "twice is once");
    assert_eq!(calls(&app, "bank", secret, token), "invalid-sessionkey");
    let revoked = told(&ops.post("/apps/bank/revoke", &json!({})), 200);
    assert_eq!(revoked["revoked_at"], "2026-03-01T01:00:00Z");
    assert_eq!(calls(&app, "bank", secret, token), "isv.appkey-not-exists");
    for nobody in ["/apps/nobody/revoke", "/apps/nobody/sessions", "/apps/bank/sessions/0/revoke"] {
        assert_eq!(problem(&ops.post(nobody, &json!({}))).0, 404, "{nobody}");
    }
    for bad in [json!({"days": 0}), json!({"days": 3651}), json!({"day": 1})] {
        assert_eq!(problem(&ops.post("/apps/test/sessions", &bad)).0, 422, "{bad}");
    }
    for bad in [
        json!({"methods": ["no.such.method"]}),
        json!({"sub_channels": ["a/b"]}),
        json!({"redirect_uris": ["javascript:alert(1)"]}),
        json!({"quota": {"calls_per_week": 1}}),
    ] {
        assert_eq!(problem(&ops.ask("PATCH", "/apps/test", &[], &bad)).0, 422, "{bad}");
    }
}
