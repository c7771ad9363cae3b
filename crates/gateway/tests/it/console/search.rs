//! Finding an order by whatever somebody has of it.

use domain::account::Role;
use domain::flight::TicketNumber;

use super::{Browser, between, record_lines};
use crate::app::{App, key};

/// The orders that a page lists.
fn found(page: &str) -> Vec<String> {
    let links = between(page, "href=\"/console/orders/", "\"");
    links.into_iter().filter(|link| !link.is_empty()).map(str::to_owned).collect()
}

#[test]
fn an_order_is_found_by_every_number_it_is_known_by() {
    let app = App::start();
    let browser = Browser::of(&app, Role::Viewer);
    let order = app.order(&key("test", "jianhang001", "1234"));
    let ticketed = order.ticketed().unwrap();
    let ticket: TicketNumber = ticketed.tickets[2].number.clone();
    let platform = order.booking.btrip_order_id.to_string();
    let change = ticketed.changes[0].request.btrip_sub_order_id.to_string();
    let request = r#"{"out_relation_order_id":"demo-receipts","tes_head_id":"3021342135","ticket_no_list":["781-2500000001"],"cwt_account_no":"12342134"}"#;
    let posted = app.call(
        "alibaba.happytrip.flight.order.itinerary.postback",
        &[("flight_itinerary_request", request)],
    );
    assert!(posted.body().contains("\"ht_success\":true"), "{}", posted.body());
    let flight = "flight/test/jianhang001/1234";
    let rental = "rental/test/80001/fz1234567";
    let receipts = "receipts/test/12342134/demo-receipts";
    let train = "train/test/-/demo-rail-refunding";
    #[rustfmt::skip]
    let numbers = [
        ("the platform's number", platform.as_str(), flight),
        ("the distributor's number", "1234", flight),
        ("the platform's number of a change", &change, flight),
        ("a ticket as it is printed", &ticket.to_string(), flight),
        ("a ticket without its hyphen", &ticket.to_string().replace('-', ""), flight),
        ("a path", flight, flight),
        ("with blanks around it", " 1234 ", flight),
        ("the platform's number of a rental", "fz1234567", rental),
        ("the distributor's number of a rental", "gaode123456", rental),
        ("the supplier's number", "demo-receipts", receipts),
        ("a ticket whose receipt was reported", "781-2500000001", receipts),
        ("the platform's number of a rail order", "demo-rail-refunding", train),
        ("the supplier's number of a rail order", "demo-rail-refunding-supplier", train),
        ("the number of a refund", "demo-refund-1", train),
    ];
    for (what, number, expected) in numbers {
        let page = browser.page(&format!("/console?q={}", top::form::escape(number)));
        assert_eq!(found(&page), [expected], "{what}");
        let title = "class=\"mono\" href=\"/console/orders/";
        assert!(page.contains(title), "{what}");
    }
    for nothing in ["99999", "flight/test/jianhang001/none", "nonsense/a/b/c", "%", "' OR 1=1"] {
        let page = browser.page(&format!("/console?q={}", top::form::escape(nothing)));
        assert!(page.contains("没有找到订单。"), "{nothing}");
    }
    let too_long = browser.get(&format!("/console?q={}", "9".repeat(257)));
    assert_eq!(too_long.status, 400);
}

#[test]
fn one_number_of_two_distributors_finds_both() {
    let app = App::start();
    app.add_app("bank", |_| {});
    app.import(|order| {
        order["booking"]["key"]["app"] = "bank".into();
        order["booking"]["key"]["dis_order_id"] = "1234".into();
    });
    app.import(|order| order["booking"]["key"]["dis_order_id"] = "1234".into());
    let page = Browser::of(&app, Role::Viewer).page("/console?q=1234");
    assert_eq!(
        found(&page),
        ["flight/bank/corp001/1234", "flight/test/corp001/1234", "flight/test/jianhang001/1234"]
    );
}

#[test]
fn a_request_id_leads_to_its_call() {
    let app = App::start();
    let page = Browser::of(&app, Role::Viewer).page("/console?q=abc123def456");
    assert!(page.contains("href=\"/console/calls/abc123def456\""));
}

#[test]
fn a_person_is_found_by_document_or_phone_and_that_is_on_record_without_the_number() {
    let app = App::start();
    let browser = Browser::of(&app, Role::Operator);
    app.import(|order| {
        order["booking"]["travellers"][0]["document"]["number"] = "E1234567(8)".into();
        order["booking"]["travellers"][0]["phone"] = "13912345678".into();
    });
    let look = |by: &str, value: &str| {
        let reply = browser.post("/console/people", &[("by", by), ("value", value)]);
        assert_eq!(reply.status, 200, "{}", reply.body());
        assert!(!reply.body().contains(value), "what was looked for is not repeated");
        found(reply.body())
    };
    let imported = ["flight/test/corp001/imported"];
    assert_eq!(look("document", "e1234567 8"), imported);
    assert_eq!(look("phone", "+86 139-1234-5678"), imported);
    assert_eq!(look("phone", "13912345679"), [""; 0]);
    let lines = record_lines(&app);
    let subject =
        |line: &str| line.strip_prefix("console:operator find-person ").unwrap().to_owned();
    let subjects: Vec<_> = lines[..3].iter().map(|line| subject(line)).collect();
    assert!(subjects[2].starts_with("document/") && subjects[1].starts_with("phone/"));
    assert_ne!(subjects[0], subjects[1], "two people are two");
    // The same person is the same on record, however the number is written.
    look("phone", "13912345678");
    assert_eq!(subject(&record_lines(&app)[0]), subjects[1]);
    for line in record_lines(&app) {
        assert!(!line.contains("1391234") && !line.contains("1234567"), "{line}");
    }
    for (by, value) in [("document", " - "), ("name", "张三"), ("phone", "")] {
        assert_eq!(browser.post("/console/people", &[("by", by), ("value", value)]).status, 400);
    }
}
