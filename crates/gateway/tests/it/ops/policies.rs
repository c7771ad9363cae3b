//! Cancellation policies as data.

use serde_json::{Value, json};

use super::{Ops, problem, told};
use crate::app::App;

fn policy(percent: u8) -> Value {
    json!({"terms": {"tiers": [{"hours": 0, "charge": {"percent": {"percent": percent, "of": "total"}}}]}})
}

fn rental(id: &str, policy: &str) -> Value {
    json!({
        "kind": "rental",
        "booking": {
            "key": {"app": "test", "channel_id": "80001", "order_id": id},
            "out_order_id": format!("{id}-out"),
            "pick_up": "2026-06-01T08:00:00", "give_back": "2026-06-03T08:00:00",
            "prices": {"rent_fen": 60_000, "first_day_fen": 30_000},
            "policy": policy,
        },
    })
}

#[test]
fn a_booking_that_names_a_policy_keeps_it_as_it_stood_then() {
    let app = App::start();
    let ops = Ops::of(&app);
    let path = "/policies/test/80001/standard%2Fterms";
    let put = |percent| ops.ask("PUT", path, &[], &policy(percent));
    let written = told(&put(30), 201);
    assert_eq!(
        (&written["name"], &written["withdrawn_at"]),
        (&json!("standard/terms"), &Value::Null)
    );
    assert_eq!(told(&put(30), 200), written, "the same again changes nothing");
    let book = |id: &str| ops.post("/orders", &rental(id, "standard/terms"));
    let percent = |reply: &Value| {
        reply["order"]["booking"]["policy"]["terms"]["tiers"][0]["charge"]["percent"]["percent"]
            .clone()
    };
    assert_eq!(percent(&told(&book("r-1"), 201)), 30);
    assert_eq!(told(&put(50), 200)["changed_at"], "2026-03-01T01:00:00Z");
    assert_eq!(percent(&told(&book("r-1"), 200)), 30, "the same booking, as it was");
    assert_eq!(percent(&told(&book("r-2"), 201)), 50);
    // What it costs follows from the policy it has.
    let cost = |id: &str| {
        let path = format!("/orders/rental/test/80001/{id}/transitions");
        told(&ops.post(&path, &json!({"command": "pay", "trade_no": "t"})), 200);
        told(&ops.post(&path, &json!({"command": "accept"})), 200);
        let cancelled = told(&ops.post(&path, &json!({"command": "cancel"})), 200);
        cancelled["order"]["state"]["cancelled"]["fee_fen"].clone()
    };
    assert_eq!((cost("r-1"), cost("r-2")), (json!(18_000), json!(30_000)));

    let withdrawn = told(&ops.post(&format!("{path}/withdraw"), &json!({})), 200);
    assert_eq!(withdrawn["withdrawn_at"], "2026-03-01T01:00:00Z");
    assert_eq!(told(&ops.post(&format!("{path}/withdraw"), &json!({})), 200), withdrawn);
    assert_eq!(told(&ops.get(path), 200), withdrawn);
    let (status, _, refused) = problem(&book("r-3"));
    assert_eq!(
        (status, &refused["detail"]),
        (409, &json!("the channel has no policy standard/terms"))
    );
    assert_eq!(told(&put(50), 200)["withdrawn_at"], Value::Null, "written anew it is back");
    assert_eq!(percent(&told(&book("r-3"), 201)), 50);
}

#[test]
fn policies_are_a_channels_own_and_keep_their_rules() {
    let app = App::start();
    let ops = Ops::of(&app);
    for name in ["b", "a", "c"] {
        told(&ops.ask("PUT", &format!("/policies/test/80001/{name}"), &[], &policy(10)), 201);
    }
    let names = |page: &Value| -> Vec<_> {
        page["policies"].as_array().unwrap().iter().map(|policy| policy["name"].clone()).collect()
    };
    let first = told(&ops.get("/policies/test/80001?limit=2"), 200);
    assert_eq!(names(&first), ["a", "b"]);
    let next = first["next"].as_str().unwrap();
    let rest = told(&ops.get(&format!("/policies/test/80001?limit=2&cursor={next}")), 200);
    assert_eq!((names(&rest), &rest["next"]), (vec![json!("c")], &Value::Null));
    assert_eq!(told(&ops.get("/policies/test/80002"), 200)["policies"], json!([]));
    assert_eq!(problem(&ops.get("/policies/test/80002/a")).0, 404);
    assert_eq!(problem(&ops.post("/policies/test/80002/a/withdraw", &json!({}))).0, 404);
    let mut elsewhere = rental("r-1", "a");
    elsewhere["booking"]["key"]["channel_id"] = "80002".into();
    assert_eq!(problem(&ops.post("/orders", &elsewhere)).0, 409);
    let put = |policy: Value| problem(&ops.ask("PUT", "/policies/test/80001/bad", &[], &policy));
    let against = put(json!({"terms": {"tiers": [{"hours": 24, "charge": "free"}]}}));
    assert_eq!(against.0, 409);
    assert_eq!(
        against.2["detail"],
        "tiers name different hours, at most 24 of them, and one names 0"
    );
    assert_eq!(put(policy(101)).0, 409);
    let misspelt = put(json!({"terms": {"canceled": true}}));
    assert_eq!(
        (misspelt.0, &misspelt.2["errors"][0]["path"]),
        (422, &json!("policy.terms.canceled"))
    );
    assert_eq!(problem(&ops.get("/policies/test/80001/bad")).0, 404, "nothing was written");
}
