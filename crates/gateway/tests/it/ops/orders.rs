//! Orders: brought in, read, listed, found, revealed, advanced.

use domain::account::Role;
use gateway::{audit, flight};
use serde_json::{Value, json};

use super::{Ops, problem, told};
use crate::app::{App, key, payable};

const PAYABLE: &str = "/orders/flight/test/corp001/demo-payable";

#[test]
fn a_flight_order_lives_its_whole_life_over_the_operations_api() {
    let app = App::start();
    let ops = Ops::of(&app);
    let mut new = payable("ops-1");
    new["history"] = json!([]);
    let created = ops.post("/orders", &new);
    let order = told(&created, 201);
    assert_eq!(
        (&order["kind"], &order["app"], &order["scope"], &order["id"], &order["status"]),
        (
            &json!("flight"),
            &json!("test"),
            &json!("corp001"),
            &json!("ops-1"),
            &json!({"order_status": 0, "pay_status": 0, "label": "initial"})
        )
    );
    let place = created.header("location").unwrap().strip_prefix("/ops/v1").unwrap();
    assert_eq!(place, "/orders/flight/test/corp001/ops-1");
    assert_eq!(told(&ops.get(place), 200), order);
    assert_eq!(told(&ops.post("/orders", &new), 200), order, "the same booking is the same order");
    let mut other = new.clone();
    other["booking"]["settle_type"] = "corporate_monthly".into();
    let (status, name, taken) = problem(&ops.post("/orders", &other));
    assert_eq!((status, name.as_str()), (409, "conflict"));
    assert_eq!(taken["detail"], "there is another order flight/test/corp001/ops-1");

    let transitions = format!("{place}/transitions");
    let steps = [
        (json!({"command": "confirm"}), 32),
        (json!({"command": "pay", "alipay_trade_no": "t-1"}), 4),
        (json!({"command": "ticket", "tickets": ["781-2345678999"]}), 5),
    ];
    for (command, status) in &steps {
        let moved = told(&ops.post(&transitions, command), 200);
        assert_eq!(
            (&moved["outcome"], &moved["status"]["order_status"]),
            (&json!("done"), &json!(status))
        );
        let again = told(&ops.post(&transitions, command), 200);
        assert_eq!(again["outcome"], "already", "{command} twice is once");
        assert_eq!(again["order"], told(&ops.get(place), 200)["order"]);
    }
    let (status, name, refused) = problem(&ops.post(&transitions, &json!({"command": "cancel"})));
    assert_eq!((status, name.as_str()), (409, "conflict"));
    assert_eq!(refused["detail"], "the order is ticketed", "the rules' own words");

    let story = told(&ops.get(&format!("{place}/journal?limit=3")), 200);
    let what = |story: &Value| -> Vec<_> {
        let entries = story["entries"].as_array().unwrap().iter();
        entries.map(|e| (e["version"].clone(), e["what"].clone(), e["actor"].clone())).collect()
    };
    let by = |version: i64, what: &str| (json!(version), json!(what), json!("ops:demo"));
    assert_eq!(what(&story), [by(4, "ticket"), by(3, "pay"), by(2, "confirm")]);
    let next = story["next"].as_str().unwrap();
    let rest = told(&ops.get(&format!("{place}/journal?limit=3&cursor={next}")), 200);
    assert_eq!((what(&rest), &rest["next"]), (vec![by(1, "import")], &Value::Null));

    let path = "/search?app=test&scope=corp001&number=781-2345678999";
    let found = told(&ops.get(path), 200);
    assert_eq!(found["orders"][0]["id"], "ops-1");
    assert_eq!(found["orders"].as_array().unwrap().len(), 1);
    let elsewhere = path.replace("corp001", "jianhang001");
    assert_eq!(told(&ops.get(&elsewhere), 200)["orders"], json!([]));
    assert_audited(
        &app,
        &[
            ("advance", "flight/test/corp001/ops-1"),
            ("advance", "flight/test/corp001/ops-1"),
            ("advance", "flight/test/corp001/ops-1"),
            ("import", "flight/test/corp001/ops-1"),
        ],
    );
}

/// Everything that is in the audit, whatever the order of one moment.
fn assert_audited(app: &App, expected: &[(&str, &str)]) {
    let actions = app.runtime.block_on(audit::list(&app.context().store, None, 100)).unwrap();
    let mut done: Vec<_> =
        actions.iter().map(|(_, action)| (action.what.as_str(), action.subject.as_str())).collect();
    let mut expected = expected.to_vec();
    done.sort_unstable();
    expected.sort_unstable();
    assert_eq!(done, expected);
    assert!(actions.iter().all(|(_, action)| action.actor == "ops:demo"));
}

#[test]
fn orders_of_the_other_families_are_advanced_by_their_own_transitions() {
    let app = App::start();
    let ops = Ops::of(&app);
    let steps = [
        ("rental/test/80001/demo-rental-unpaid", json!({"command": "pay", "trade_no": "t"}), 10),
        ("rental/test/80001/demo-rental-unpaid", json!({"command": "accept"}), 22),
        ("rental/test/80001/demo-rental-unpaid", json!({"command": "cancel"}), 131),
        (
            "receipts/test/12342134/demo-receipts-approving",
            json!({"command": "decide-travel", "status": "rejected"}),
            2,
        ),
        ("train/test/-/demo-rail-ticketed", json!({"command": "ask-refund"}), 30),
    ];
    for (order, command, status) in steps {
        let moved = told(&ops.post(&format!("/orders/{order}/transitions"), &command), 200);
        assert_eq!(moved["status"]["order_status"], status, "{command}");
        assert_eq!(moved["outcome"], "done");
        let shown = told(&ops.get(&format!("/orders/{order}")), 200);
        assert_eq!((&shown["status"], &shown["order"]), (&moved["status"], &moved["order"]));
    }
    // A number that no order has, a command of another family.
    let nobody =
        ops.post("/orders/train/test/-/nobody/transitions", &json!({"command": "ask-refund"}));
    assert_eq!(problem(&nobody).0, 404);
    let foreign =
        ops.post("/orders/train/test/-/123456789/transitions", &json!({"command": "pay"}));
    let (status, _, told) = problem(&foreign);
    assert_eq!(status, 422);
    assert_eq!(told["errors"][0]["path"], "transition.command");
    assert!(told["errors"][0]["detail"].as_str().unwrap().contains("`ask-refund`"), "{told}");
}

#[test]
fn a_cancel_by_wire_and_one_by_the_operations_api_end_in_the_same_document() {
    let app = App::start();
    let (wire, ops) = (key("test", "corp001", "by-wire"), key("test", "corp001", "by-ops"));
    for id in ["by-wire", "by-ops"] {
        app.import(|order| {
            order["booking"]["key"]["dis_order_id"] = id.into();
            order["booking"]["btrip_order_id"] = if id == "by-ops" { 7 } else { 8 }.into();
        });
    }
    assert!(app.cancel("corp001", "by-wire").text().contains(r#""success":true"#));
    let path = "/orders/flight/test/corp001/by-ops/transitions";
    told(&Ops::of(&app).post(path, &json!({"command": "cancel"})), 200);
    let mut by_wire = app.order(&wire);
    let by_ops = app.order(&ops);
    by_wire.booking.key = by_ops.booking.key.clone();
    by_wire.booking.btrip_order_id = by_ops.booking.btrip_order_id;
    assert_eq!(by_wire, by_ops);
    assert_eq!(app.story(&wire)[0], "cancel by test");
    assert_eq!(app.story(&ops)[0], "cancel by ops:demo");
}

#[test]
fn personal_data_is_masked_until_it_is_revealed_with_a_reason_that_stands_in_the_audit() {
    let app = App::start();
    let ops = Ops::with_role(&app, Role::Operator);
    let masked = ops.get(PAYABLE);
    let order = told(&masked, 200);
    let traveller = &order["order"]["booking"]["travellers"][0];
    assert_eq!(
        (&traveller["name"], &traveller["document"]["number"]),
        (&json!("***"), &json!("***"))
    );
    assert_eq!(traveller["phone"], "***");
    for known in ["张三", "999999199001010016", "13800000001", "$pii"] {
        assert!(!masked.body().contains(known), "{known}");
    }
    let reveal = format!("{PAYABLE}/reveal");
    for no_reason in [
        json!({}),
        json!({"reason": ""}),
        json!({"reason": " "}),
        json!({"reason": "x".repeat(501)}),
    ] {
        assert_eq!(problem(&ops.post(&reveal, &no_reason)).0, 422);
    }
    let story =
        |app: &App| app.runtime.block_on(audit::list(&app.context().store, None, 9)).unwrap();
    assert!(story(&app).is_empty(), "nothing was revealed");
    let shown = ops.post(&reveal, &json!({"reason": "改签电话 call of 3 May"}));
    let shown = told(&shown, 200);
    let traveller = &shown["order"]["booking"]["travellers"][0];
    assert_eq!(traveller["name"], "张三");
    assert_eq!(traveller["document"]["number"], "999999199001010016");
    assert_eq!(shown["status"], order["status"]);
    let actions = story(&app);
    let (_, action) = &actions[0];
    assert_eq!((actions.len(), action.what.as_str()), (1, "reveal"));
    assert_eq!(action.actor, "ops:a-operator");
    assert_eq!(action.subject, "flight/test/corp001/demo-payable");
    assert_eq!(action.reason.as_ref().unwrap().expose(), "改签电话 call of 3 May");
    assert_eq!(
        problem(&ops.post("/orders/flight/test/corp001/nobody/reveal", &json!({"reason": "x"}))).0,
        404
    );
    assert_eq!(story(&app).len(), 1);
}

#[test]
fn a_list_has_every_order_exactly_once_while_others_are_added() {
    let app = App::start();
    let ops = Ops::of(&app);
    let all = |query: &str, meanwhile: &dyn Fn(usize)| -> Vec<String> {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        for page in 0.. {
            let listed = told(&ops.get(&format!("/orders?limit=7{query}{cursor}")), 200);
            for order in listed["orders"].as_array().unwrap() {
                let part = |name: &str| order[name].as_str().unwrap().to_owned();
                seen.push([part("kind"), part("app"), part("scope"), part("id")].join("/"));
                assert!(order["status"]["label"].is_string(), "{order}");
            }
            meanwhile(page);
            let Some(next) = listed["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        seen
    };
    let before = all("", &|_| ());
    let mut sorted = before.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(before, sorted, "in order, each once");
    let add = |page: usize| {
        for id in [format!("aaa-{page}"), format!("zzz-{page}")] {
            app.import(|order| order["booking"]["key"]["dis_order_id"] = id.as_str().into());
        }
    };
    let during = all("", &add);
    let mut once = during.clone();
    once.dedup();
    assert_eq!(during, once);
    assert!(before.iter().all(|order| during.contains(order)), "none was passed over");
    assert!(during.len() > before.len());
    // What is asked for and nothing else, whatever lies beside it.
    app.add_app("test2", |_| ());
    app.import(|order| order["booking"]["key"]["app"] = "test2".into());
    let of = |query: &str| all(query, &|_| ());
    let everything = of("");
    for (query, beginning) in [
        ("&kind=rental", "rental/"),
        ("&app=test", ""),
        ("&app=test2", "flight/test2/"),
        ("&kind=flight&app=test&scope=corp001", "flight/test/corp001/"),
        ("&app=test&scope=80001", "rental/test/80001/"),
    ] {
        let expected: Vec<_> = everything
            .iter()
            .filter(|order| match beginning {
                "" => order.split('/').nth(1) == Some("test"),
                _ => order.starts_with(beginning),
            })
            .cloned()
            .collect();
        assert!(!expected.is_empty());
        assert_eq!(of(query), expected, "{query}");
    }
    // Any position is one.
    assert_eq!(told(&ops.get("/orders?cursor=_w&limit=1"), 200)["next"], Value::Null);
    for bad in
        ["limit=0", "limit=201", "limit=x", "cursor=!", "kind=plane", "color=red", "app=a%2Fb"]
    {
        assert_eq!(problem(&ops.get(&format!("/orders?{bad}"))).0, 422, "{bad}");
    }
}

#[test]
fn an_order_whose_number_is_anything_printable_has_an_address() {
    let app = App::start();
    let ops = Ops::of(&app);
    let strange = "a/b c%2F票?#&;=+😀..";
    let mut new = payable(strange);
    new["booking"]["key"]["sub_channel"] = "渠道 1".into();
    let created = ops.post("/orders", &new);
    assert_eq!(told(&created, 201)["id"], strange);
    let place = created.header("location").unwrap().strip_prefix("/ops/v1").unwrap();
    assert!(place.is_ascii() && place.matches('/').count() == 5, "{place}");
    let read = told(&ops.get(place), 200);
    assert_eq!((&read["id"], &read["scope"]), (&json!(strange), &json!("渠道 1")));
    let cancelled = ops.post(&format!("{place}/transitions"), &json!({"command": "cancel"}));
    assert_eq!(told(&cancelled, 200)["status"]["order_status"], 10);
    assert_eq!(told(&ops.get(&format!("{place}/journal")), 200)["entries"][0]["what"], "cancel");
}

#[test]
fn a_booking_of_another_form_is_told_where_and_what_is_expected() {
    let app = App::start();
    let ops = Ops::of(&app);
    let complaint = |edit: &dyn Fn(&mut Value)| {
        let mut order = payable("bad");
        edit(&mut order);
        let (status, name, told) = problem(&ops.post("/orders", &order));
        let error = &told["errors"][0];
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        (status, name, text("path"), text("detail"))
    };
    let invalid = |path: &str, detail: &str| (422, "invalid".into(), path.into(), detail.into());
    assert_eq!(
        complaint(&|order| order["booking"]["travellers"][0]["name"] = 7.into()),
        invalid("booking.travellers[0].name", "expected a text"),
    );
    assert_eq!(
        complaint(&|order| order["booking"]["setle_type"] = "x".into()),
        invalid("booking.setle_type", "means nothing here"),
    );
    assert_eq!(
        complaint(&|order| order["kind"] = "plane".into()),
        invalid("kind", "expected flight, receipts, rental, train"),
    );
    assert_eq!(complaint(&|order| order["extra"] = 1.into()).2, "body.extra",);
    let (status, name, ..) =
        complaint(&|order| order["booking"]["segments"][0]["fare"]["oil_fen"] = (-1).into());
    assert_eq!((status, name.as_str()), (409, "conflict"), "of its form, against the rules");
    let stored = app.runtime.block_on(async {
        let key = flight::key(&key("test", "corp001", "bad"));
        app.context().store.get::<Value>(&key).await.unwrap()
    });
    assert!(stored.is_none());
}
