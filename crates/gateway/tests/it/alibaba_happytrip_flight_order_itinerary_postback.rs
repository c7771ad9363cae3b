//! `alibaba.happytrip.flight.order.itinerary.postback`

use std::sync::Barrier;

use domain::itinerary::{Receipts, ReceiptsKey};
use gateway::receipts;
use serde_json::{Value, json};

use crate::app::{App, Form, Reply, public};

const METHOD: &str = "alibaba.happytrip.flight.order.itinerary.postback";
const ROOT: &str = "alibaba_happytrip_flight_order_itinerary_postback_response";
const WRAPPER: &str = "flight_itinerary_request";

fn request(order: &str, travel: &str, tickets: &[&str]) -> Value {
    json!({
        "out_relation_order_id": order, "tes_head_id": travel, "ticket_no_list": tickets,
        "cwt_account_no": "12342134",
    })
}

fn post(app: &App, request: &Value) -> Value {
    let answer = app.call(METHOD, &[(WRAPPER, &request.to_string())]).json();
    let mut members = answer[ROOT].as_object().unwrap().clone();
    members.remove("request_id");
    Value::Object(members)
}

fn rows(results: &[(&str, &str, &str)]) -> String {
    let row = |(given, number, result): &(&str, &str, &str)| json!({"ticket_no": given, "number": number, "result": result});
    json!({"tickets": results.iter().map(row).collect::<Vec<_>>()}).to_string()
}

fn taken(results: &[(&str, &str, &str)]) -> Value {
    json!({"ht_success": true, "ht_error_code": "0", "content": rows(results)})
}

fn refused(code: &str, msg: &str, results: &[(&str, &str, &str)]) -> Value {
    json!({"ht_success": false, "ht_error_code": code, "error_msg": msg, "content": rows(results)})
}

fn page() -> Value {
    let mut request = request("123421342134", "3021342134", &["23142134"]);
    request["emp_no"] = "322558".into();
    request["ht_user_id"] = "123421".into();
    request
}

#[test]
fn the_pages_example_is_taken_with_the_pages_structure_in_every_format() {
    let app = App::start();
    let call = |form| app.call_as(form, METHOD, &[(WRAPPER, &page().to_string())]).text();
    let content = r#"{\"tickets\":[{\"number\":\"23142134\",\"result\":\"synced\",\"ticket_no\":\"23142134\"}]}"#;
    let members = format!(
        r#""ht_success":true,"ht_error_code":"0","content":"{content}","request_id":"RID""#
    );
    assert_eq!(call(Form::Json), format!(r#"{{"{ROOT}":{{{members}}}}}"#));
    assert_eq!(call(Form::Simplified), format!("{{{members}}}"));
    let content = content.replace("\\\"", "&quot;");
    assert_eq!(
        call(Form::Xml),
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?><{ROOT}><ht_success>true</ht_success>\
             <ht_error_code>0</ht_error_code><content>{content}</content>\
             <request_id>RID</request_id></{ROOT}><!--top.tripwright-->"
        )
    );
}

fn story(app: &App, order: &str) -> Vec<String> {
    let key = receipts::key(&ReceiptsKey {
        app: "test".parse().unwrap(),
        cwt_account_no: "12342134".parse().unwrap(),
        out_relation_order_id: order.parse().unwrap(),
    });
    let store = &app.context().store;
    let entries = app.runtime.block_on(store.journal(&key)).unwrap();
    entries.into_iter().map(|entry| entry.what).collect()
}

#[test]
fn posting_twice_is_posting_once_and_a_superset_adds() {
    let app = App::start();
    let one = request("demo-receipts", "3021342135", &["781-2500000001"]);
    let first = ("781-2500000001", "7812500000001", "synced");
    assert_eq!(post(&app, &one), taken(&[first]));
    assert_eq!(post(&app, &one), taken(&[first]));
    assert_eq!(story(&app, "demo-receipts"), ["postback", "import"]);

    let both = request("demo-receipts", "3021342135", &["781 2500000001", "7812500000002"]);
    let again = ("781 2500000001", "7812500000001", "synced");
    assert_eq!(post(&app, &both), taken(&[again, ("7812500000002", "7812500000002", "synced")]));
    assert_eq!(story(&app, "demo-receipts"), ["postback", "postback", "import"]);
}

#[test]
fn a_conjunction_stands_for_all_its_tickets_and_a_number_counts_once() {
    let app = App::start();
    let given = "781-2500000001-02";
    let request = request("demo-receipts", "3021342135", &[given, "7812500000001"]);
    let rows = [(given, "7812500000001", "synced"), (given, "7812500000002", "synced")];
    assert_eq!(post(&app, &request), taken(&rows));
}

#[test]
fn every_refusal_names_its_reason_and_takes_nothing() {
    let app = App::start();
    let good = ("781-2500000001", "7812500000001", "synced");
    let mut other_person = request("demo-receipts", "3021342135", &["781-2500000001"]);
    other_person["emp_no"] = "1".into();
    #[rustfmt::skip]
    let table = [
        (request("demo-receipts", "3021342199", &["781-2500000001"]),
         refused("HT-2003", "订单不属于该差旅单", &[(good.0, good.1, "refused")])),
        (request("demo-receipts-approving", "3021342136", &["781-2500000003"]),
         refused("HT-2002", "差旅单不存在或未审批通过", &[("781-2500000003", "7812500000003", "refused")])),
        (request("demo-receipts", "3021342135", &["781-2500000001", "781-2599999999"]),
         refused("HT-2004", "票号不属于该订单", &[good, ("781-2599999999", "7812599999999", "refused")])),
        (request("demo-receipts-refunded", "3021342137", &["781-2500000004", "781-2500000005"]),
         refused("HT-2005", "票号已退票、作废或换开", &[("781-2500000004", "7812500000004", "refused"), ("781-2500000005", "7812500000005", "synced")])),
        (other_person,
         refused("HT-2007", "工号或用户id不匹配", &[(good.0, good.1, "refused")])),
    ];
    for (request, expected) in table {
        assert_eq!(post(&app, &request), expected, "{request}");
    }
    assert_eq!(story(&app, "demo-receipts"), ["import"]);
    assert_eq!(story(&app, "demo-receipts-refunded"), ["import"]);

    let bad = request("demo-receipts", "3021342135", &["781-2500000001", "票"]);
    let content = json!({"tickets": [
        {"ticket_no": "781-2500000001", "result": "not_judged"}, {"ticket_no": "票", "result": "refused"},
    ]});
    assert_eq!(
        post(&app, &bad),
        json!({"ht_success": false, "ht_error_code": "HT-1002", "error_msg": "票号格式错误", "content": content.to_string()})
    );
    let many: Vec<_> = (0..51).map(|serial| format!("781-{serial:010}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(
        post(&app, &request("demo-receipts", "3021342135", &many)),
        json!({"ht_success": false, "ht_error_code": "HT-1003", "error_msg": "票号数量超出限制"})
    );
    let mut account = request("demo-receipts", "3021342135", &["781-2500000001"]);
    account["cwt_account_no"] = "99999999".into();
    assert_eq!(
        post(&app, &account),
        json!({"ht_success": false, "ht_error_code": "HT-2006", "error_msg": "CWT账号不存在或无权限"})
    );
}

#[test]
fn an_empty_list_or_member_is_rejected_by_the_service() {
    let app = App::start();
    for (member, value, path) in [
        ("ticket_no_list", json!([]), "ticket_no_list"),
        ("ticket_no_list", json!([""]), "ticket_no_list[0]"),
        ("tes_head_id", json!(""), "tes_head_id"),
        ("cwt_account_no", Value::Null, "cwt_account_no"),
    ] {
        let mut request = page();
        request[member] = value;
        let answer = app.call(METHOD, &[(WRAPPER, &request.to_string())]).text();
        let expected = format!(
            r#"{{"error_response":{{"code":50,"msg":"Remote service error","sub_code":"isv.invalid-parameter","sub_msg":"非法参数: {WRAPPER}.{path}","request_id":"RID"}}}}"#
        );
        assert_eq!(answer, expected);
    }
}

/// An order of the demo app with these tickets.
fn import(app: &App, id: &str, tickets: &[&str]) {
    app.import(|order| {
        let ticket = |number: &&str| json!({"number": number, "traveller": {"emp_no": "1"}});
        *order = json!({
            "kind": "receipts",
            "booking": {
                "key": {"app": "test", "cwt_account_no": "12342134", "out_relation_order_id": id},
                "travel_request": {"tes_head_id": "t-1", "status": "approved"},
                "tickets": tickets.iter().map(ticket).collect::<Vec<_>>(),
            },
        });
    });
}

fn load(app: &App, id: &str) -> Receipts {
    let key = receipts::key(&ReceiptsKey {
        app: "test".parse().unwrap(),
        cwt_account_no: "12342134".parse().unwrap(),
        out_relation_order_id: id.parse().unwrap(),
    });
    app.runtime.block_on(app.context().store.get(&key)).unwrap().unwrap()
}

#[test]
fn a_postback_and_its_order_may_come_in_either_order() {
    let app = App::start();
    let tickets = ["781-3000000001", "781-3000000002"];
    let pending = |given| (given, "7813000000001", "pending");
    let early = request("early", "t-1", &tickets[..1]);
    assert_eq!(post(&app, &early), taken(&[pending(tickets[0])]));
    assert_eq!(post(&app, &early), taken(&[pending(tickets[0])]));
    import(&app, "early", &tickets);
    assert_eq!(story(&app, "early"), ["import", "postback"]);

    let others = ["781-3000000003", "781-3000000004"];
    import(&app, "late", &others);
    post(&app, &request("late", "t-1", &others[..1]));
    let bound = |id: &str| load(&app, id).synced().count();
    assert_eq!((bound("early"), bound("late")), (1, 1));
    assert!(load(&app, "early").parked.is_empty());
    // What waited is known from now on, and so is what it holds.
    assert_eq!(post(&app, &early), taken(&[(tickets[0], "7813000000001", "synced")]));
}

#[test]
fn parking_is_a_setting() {
    let app = App::with(&["--park-early-receipts=false"]);
    let early = request("early", "t-1", &["781-3000000001"]);
    assert_eq!(
        post(&app, &early),
        refused("HT-2001", "订单不存在", &[("781-3000000001", "7813000000001", "refused")])
    );
    assert_eq!(story(&app, "early"), [""; 0]);
}

#[test]
fn a_ticket_is_bound_to_one_order_of_its_owner_and_no_other_owner_learns_of_it() {
    let app = App::start();
    let ticket = ["781-3000000001"];
    import(&app, "first", &ticket);
    import(&app, "second", &ticket);
    let row = |result| [(ticket[0], "7813000000001", result)];
    assert_eq!(post(&app, &request("first", "t-1", &ticket)), taken(&row("synced")));
    let refused = refused("HT-3001", "票号已绑定其他订单", &row("refused"));
    assert_eq!(post(&app, &request("second", "t-1", &ticket)), refused);

    app.add_app("other", |app| app.cwt_accounts = ["12342134".parse().unwrap()].into());
    let mut params = public(METHOD);
    params.retain(|(name, _)| !matches!(*name, "app_key" | "session"));
    let theirs = request("third", "t-1", &ticket).to_string();
    params.extend([("app_key", "other".into()), ("format", "json".into()), (WRAPPER, theirs)]);
    let reply: Reply = app.send_signed(&params, "other-secret");
    assert!(reply.text().contains(r#"\"pending\""#), "{}", reply.body());
}

#[test]
fn of_two_orders_that_claim_one_ticket_at_once_one_gets_it() {
    let app = App::start();
    for round in 0..10 {
        let ticket = format!("781-{round:010}");
        let ids = [format!("a-{round}"), format!("b-{round}")];
        ids.iter().for_each(|id| import(&app, id, &[&ticket]));
        let start = Barrier::new(2);
        let won: Vec<bool> = std::thread::scope(|scope| {
            let call = |id: String| {
                let (start, app, ticket) = (&start, &app, &ticket);
                scope.spawn(move || {
                    start.wait();
                    post(app, &request(&id, "t-1", &[ticket]))["ht_success"] == true
                })
            };
            let callers: Vec<_> = ids.iter().cloned().map(call).collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{round}");
    }
}

#[test]
fn only_a_lenient_app_may_number_tickets_as_the_page_does() {
    let app = App::start();
    app.add_app("strict", |app| app.cwt_accounts = ["12342134".parse().unwrap()].into());
    let mut params = public(METHOD);
    params.retain(|(name, _)| *name != "app_key");
    params.extend([("app_key", "strict".into()), (WRAPPER, page().to_string())]);
    let answer = app.send_signed(&params, "strict-secret").text();
    assert!(answer.contains("<ht_error_code>HT-1002</ht_error_code>"), "{answer}");
}
