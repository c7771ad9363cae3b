//! Every way in which a request fails is told as a problem, and tells nothing of what is inside.

use serde_json::json;

use super::{Ops, problem};
use crate::app::{App, payable, send};

/// Verb, path, headers, body; the status and the problem that it must be.
type Case<'c> = (&'c str, &'c str, &'c [(&'c str, &'c str)], &'c [u8], u16, &'c str);

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[test]
fn whatever_is_wrong_is_told_as_a_problem() {
    let app = App::with(&["--body-bytes-max", "20000"]);
    let ops = Ops::of(&app);
    let order = "/orders/flight/test/corp001/demo-payable";
    let transitions = format!("{order}/transitions");
    let large = json!({"command": "fail", "reason": "x".repeat(20_000)}).to_string();
    let text = ("Content-Type", "text/plain");
    let cases: [Case<'_>; 17] = [
        ("GET", "", &[], b"", 404, "not-found"),
        ("POST", "/", &[], b"", 405, "method-not-allowed"),
        ("GET", "/nothing", &[], b"", 404, "not-found"),
        ("GET", "/orders/flight/test/corp001/nobody", &[], b"", 404, "not-found"),
        ("GET", "/orders/plane/test/corp001/demo-payable", &[], b"", 404, "not-found"),
        ("GET", "/orders/flight/te%20st/corp001/demo-payable", &[], b"", 404, "not-found"),
        ("GET", "/orders/flight/test/corp001/%ff", &[], b"", 400, "unreadable"),
        ("DELETE", order, &[], b"", 405, "method-not-allowed"),
        ("PUT", "/orders", &[JSON, ("Idempotency-Key", "k")], b"{}", 405, "method-not-allowed"),
        ("POST", &transitions, &[text], b"{}", 415, "media-type"),
        ("POST", &transitions, &[], b"{}", 415, "media-type"),
        ("POST", &transitions, &[JSON], b"{", 400, "unreadable"),
        ("POST", &transitions, &[JSON], b"\xff", 400, "unreadable"),
        ("POST", &transitions, &[JSON], large.as_bytes(), 413, "too-large"),
        ("POST", &transitions, &[JSON], b"{}", 422, "invalid"),
        ("POST", &transitions, &[JSON], br#"{"command":"fly"}"#, 422, "invalid"),
        ("POST", &transitions, &[JSON], br#"{"command":"submit"}"#, 409, "conflict"),
    ];
    for (verb, path, headers, body, status, name) in cases {
        let reply = ops.send(verb, path, headers, body);
        let (got, called, told) = problem(&reply);
        assert_eq!((got, called.as_str()), (status, name), "{verb} {path}: {told}");
        let is_named = reply.header("x-request-id") == told["request_id"].as_str();
        assert!(is_named || status == 413, "{}", reply.head);
        assert_eq!(reply.header("allow").is_some(), status == 405, "{}", reply.head);
        assert_eq!(told["errors"].is_array(), status == 422, "{told}");
    }
    assert_eq!(ops.send("DELETE", order, &[], b"").header("allow"), Some("GET,HEAD"));
}

#[test]
fn nobody_gets_in_without_a_token_that_is_known() {
    let app = App::start();
    let admin = app.running().admin;
    let token = gateway::demo::OPS_TOKEN;
    for authorization in [
        String::new(),
        format!("Authorization: Basic {token}\r\n"),
        format!("Authorization: {token}\r\n"),
        format!("Authorization: Bearer {token}x\r\n"),
        "Authorization: Bearer demo.\r\n".to_owned(),
        "Authorization: Bearer nobody.secret\r\n".to_owned(),
        "Authorization: Bearer \r\n".to_owned(),
        format!("Cookie: tripwright_console={token}\r\n"),
    ] {
        for path in ["/orders", "/nothing", "/orders/flight/test/corp001/demo-payable"] {
            let reply = send(admin, &format!("GET /ops/v1{path} HTTP/1.1\r\n{authorization}"), b"");
            let (status, name, _) = problem(&reply);
            assert_eq!((status, name.as_str()), (401, "unauthorized"), "{authorization}{path}");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"tripwright\""));
        }
    }
    // What clients reach knows nothing of it.
    let head = format!("GET /ops/v1/orders HTTP/1.1\r\nAuthorization: Bearer {token}\r\n");
    assert_eq!(app.send(&head, b"").status, 404);
}

#[test]
fn a_fault_is_told_by_its_request_id_alone() {
    let app = App::start();
    let ops = Ops::of(&app);
    let database = rusqlite::Connection::open(app.folder.path().join("tripwright.db")).unwrap();
    let damage = "UPDATE aggregate SET document = '{\"booking\":7}' WHERE id = 'demo-payable'";
    assert!(database.execute(damage, []).unwrap() > 0);
    let order = "/orders/flight/test/corp001/demo-payable";
    for reply in [
        ops.get(order),
        ops.post(&format!("{order}/transitions"), &json!({"command": "cancel"})),
        ops.post(&format!("{order}/reveal"), &json!({"reason": "x"})),
    ] {
        let (status, name, mut told) = problem(&reply);
        assert_eq!((status, name.as_str()), (500, "fault"));
        told["request_id"].take();
        assert_eq!(
            told,
            json!({
                "type": "urn:tripwright:problem:fault", "title": "Something went wrong here",
                "status": 500, "request_id": null,
            })
        );
    }
    let listed = ops.get("/orders?kind=flight&app=test&scope=corp001&limit=200");
    assert_eq!(listed.status, 200);
    let orders = listed.json()["orders"].as_array().unwrap().clone();
    let damaged = orders.iter().find(|order| order["id"] == "demo-payable").unwrap();
    assert!(damaged["status"].is_null(), "one that cannot be read hides no other");
    assert!(orders.iter().filter(|order| order["status"].is_null()).count() == 1);
}

#[test]
fn a_number_that_is_another_orders_is_a_conflict() {
    let app = App::start();
    let ops = Ops::of(&app);
    let ticketed = |id: &str| {
        let mut order = payable(id);
        let more = [
            json!({"do": {"command": "pay", "alipay_trade_no": "t"}}),
            json!({"do": {"command": "ticket", "tickets": ["781-1111111111"]}}),
        ];
        order["history"].as_array_mut().unwrap().extend(more);
        ops.post("/orders", &order)
    };
    assert_eq!(ticketed("one").status, 201);
    let (status, _, told) = problem(&ticketed("other"));
    assert_eq!(status, 409);
    assert_eq!(
        told["detail"],
        "ticket 781-1111111111 already belongs to flight one of the same owner"
    );
}
