//! Orders: listed, drawn, revealed and advanced.

use std::collections::BTreeSet;

use domain::account::Role;
use domain::flight::{ChangeState, Closing, Order, State};
use domain::rental::{Rental, RentalState};
use domain::train::TrainOrder;
use domain::{Fen, Instant};
use gateway::family::Path;
use serde_json::json;

use super::{Browser, PASSWORD, add_account, between, record_lines};
use crate::app::{App, NOW, at, key, payable};

/// How many orders the demo world has.
const DEMO_ORDERS: usize = 44;
/// What of the demo world is about people.
const PERSONAL: [&str; 8] = [
    "张三",
    "李四",
    "999999199001010016",
    "999999198505050025",
    "13800000001",
    "13800000002",
    "432524100011191212",
    "1667xx77xxx",
];
/// The page's own example has a passenger who is called by a number, which may be part of others.
const PERSONAL_CELLS: [&str; 2] = [">123123<", ">1231232<"];
/// Most bytes of a page with everything it loads, before compression.
const PAGE_BYTES_MAX: usize = 150_000;

/// The addresses of all orders, as the list has them page by page.
fn all(browser: &Browser<'_>, list: &str) -> Vec<String> {
    let (mut addresses, mut next) = (Vec::new(), Some(list.to_owned()));
    while let Some(path) = next {
        let page = browser.page(&path);
        let links = between(&page, "<a class=\"mono\" href=\"", "\"");
        assert!(links.len() <= 50);
        addresses.extend(links.into_iter().map(str::to_owned));
        let link = between(&page, "rel=\"next\" href=\"", "\"");
        next = link.first().map(|link| link.replace("&#38;", "&"));
    }
    addresses
}

#[test]
fn every_order_is_listed_once_and_by_family_and_app() {
    let app = App::start();
    let browser = Browser::of(&app, Role::Viewer);
    for number in 0..60 {
        app.import(|order| {
            order["booking"]["key"]["dis_order_id"] = format!("more/{number} 票?").into();
        });
    }
    let addresses = all(&browser, "/console/orders");
    let different: BTreeSet<_> = addresses.iter().collect();
    assert_eq!((addresses.len(), different.len()), (DEMO_ORDERS + 60, DEMO_ORDERS + 60));
    let of = |kind: &str| all(&browser, &format!("/console/orders?kind={kind}")).len();
    let counts = ["flight", "receipts", "rental", "train"].map(of);
    assert_eq!(counts, [23 + 60, 4, 11, 6]);
    app.add_app("bank", |_| {});
    app.import(|order| order["booking"]["key"]["app"] = "bank".into());
    let of_bank = all(&browser, "/console/orders?app=bank");
    assert_eq!(of_bank, ["/console/orders/flight/bank/corp001/imported"]);
    assert!(all(&browser, "/console/orders?app=ban").is_empty());
    // Numbers with slashes and blanks have pages too.
    assert!(
        browser
            .page("/console/orders/flight/test/corp001/more%2F7%20%E7%A5%A8%3F")
            .contains("more/7 票?")
    );
    for missing in
        ["flight/test/corp001/none", "flight/test/other/1234", "boat/test/-/1", "flight/a%2Fb/c/d"]
    {
        assert_eq!(browser.get(&format!("/console/orders/{missing}")).status, 404, "{missing}");
    }
    assert_eq!(browser.get("/console/orders?after=nonsense").status, 404);
}

#[test]
fn every_demo_order_has_a_page_in_both_languages_that_names_nobody() {
    let app = App::start();
    let browser = Browser::of(&app, Role::Operator);
    let shared: usize = ["style.css", "console.css", "htmx.min.js", "icon.svg"]
        .map(|name| browser.page(&format!("/assets/{name}")).len())
        .iter()
        .sum();
    let addresses = all(&browser, "/console/orders");
    assert_eq!(addresses.len(), DEMO_ORDERS);
    for address in addresses {
        let (chinese, english) = (
            browser.page(&format!("{address}?lang=zh")),
            browser.page(&format!("{address}?lang=en")),
        );
        assert!(chinese.contains("<h2>时间线</h2>") && english.contains("<h2>Timeline</h2>"));
        assert!(chinese.contains("lang=\"zh-CN\"") && english.contains("lang=\"en\""));
        for page in [chinese, english] {
            for personal in PERSONAL.iter().chain(&PERSONAL_CELLS) {
                assert!(!page.contains(personal), "{address}: {personal}");
            }
            assert_eq!(page.matches("<h1").count(), 1, "{address}");
            assert_eq!(
                page.matches("aria-current=\"step\"").count(),
                page.matches("<ol class=\"way\"").count()
            );
            assert!(page.len() + shared < PAGE_BYTES_MAX, "{address}: {}", page.len());
        }
    }
}

/// The sums of a page, by title: what stands in its rows, and what stands under the line.
fn sheets(page: &str) -> Vec<(String, i64, i64)> {
    let fen = |text: &str| -> i64 {
        let (yuan, cents) = text.split_once('.').unwrap_or_else(|| panic!("{text}"));
        assert_eq!(cents.len(), 2, "{text}");
        format!("{yuan}{cents}").parse().unwrap()
    };
    let tables = between(page, "<table class=\"sheet\">", "</table>");
    let read = |table: &str| {
        let title = between(table, "<caption>", "</caption>")[0].to_owned();
        let (body, foot) = table.split_once("<tfoot>").unwrap();
        let last = |row: &str| fen(between(row, "<td class=\"number\">", "</td>").last().unwrap());
        let rows = between(body, "<tr><th scope=\"row\">", "</tr>");
        (title, rows.into_iter().map(last).sum(), last(foot))
    };
    tables.into_iter().map(read).collect()
}

/// Every sum of an order as the domain has it, in the order of the page.
fn sums(app: &App, path: &Path, now: Instant) -> Vec<i64> {
    let (store, key) = (&app.context().store, path.key());
    let read = &app.runtime;
    let sums = match path.kind {
        "flight" => {
            sums_of_flight(&read.block_on(store.get::<Order>(&key)).unwrap().unwrap().at(now))
        }
        "rental" => sums_of_rental(&read.block_on(store.get::<Rental>(&key)).unwrap().unwrap()),
        "train" => {
            let order: TrainOrder = read.block_on(store.get(&key)).unwrap().unwrap();
            let prices = order.booking.legs.iter().flat_map(|leg| &leg.tickets);
            let prices = Fen::total(prices.map(|ticket| ticket.price_fen)).unwrap();
            let changes = order.changes.iter().map(|change| {
                let new = change.leg.tickets.iter().map(|ticket| ticket.price_fen.0).sum::<i64>();
                let old =
                    change.given_up.iter().map(|seat| order.ticket(*seat).unwrap().price_fen.0);
                Fen(new - old.sum::<i64>())
            });
            [vec![prices], changes.collect(), vec![order.refunded_fen()]].concat()
        }
        _ => Vec::new(),
    };
    sums.into_iter().map(|fen| fen.0).collect()
}

fn sums_of_flight(order: &Order) -> Vec<Fen> {
    let changes = order.ticketed().map_or(&[][..], |ticketed| &ticketed.changes);
    let priced = changes.iter().filter_map(|change| change.priced()?.total());
    let kept = match &order.state {
        State::Ticketing { payment } | State::TicketingConfirmed { payment } => payment.amount_fen,
        State::Ticketed(ticketed) => ticketed.payment.amount_fen,
        State::Closed {
            by: Closing::TicketingFailed { .. } | Closing::Cancelled { .. }, ..
        } => Fen(0),
        _ => Fen(0),
    };
    let of_changes =
        changes.iter().filter(|change| !matches!(change.state, ChangeState::Closed { .. }));
    let of_changes = of_changes.filter_map(|change| change.payment()).map(|paid| paid.amount_fen.0);
    let kept = Fen(kept.0 + of_changes.sum::<i64>());
    [order.booking.total()].into_iter().flatten().chain(priced).chain([kept]).collect()
}

fn sums_of_rental(rental: &Rental) -> Vec<Fen> {
    let kept = match &rental.state {
        RentalState::Cancelled { fee_fen, .. } => *fee_fen,
        RentalState::Refused { .. } => Fen(0),
        _ => rental.payment().map_or(Fen(0), |payment| payment.amount_fen),
    };
    vec![rental.booking.prices.total().unwrap(), kept]
}

#[test]
fn the_amounts_of_every_demo_order_add_up_to_what_the_rules_say() {
    let app = App::start();
    let browser = Browser::of(&app, Role::Viewer);
    // One with a fee, so that what went back is not all or nothing.
    let fee = json!({"command": "settle-refund", "refund_id": "demo-refund-1", "tickets": [
        {"seat": {"leg": 0, "ticket": 0}, "refunded": true, "refund_fen": 44_240, "cost_fen": 11_060},
        {"seat": {"leg": 0, "ticket": 1}, "refunded": true, "refund_fen": 55_300, "cost_fen": 0},
    ]});
    Browser::of(&app, Role::Operator).advance(
        "train/test/-/demo-rail-refunding",
        "settle-refund",
        &fee.to_string(),
    );
    let mut checked = BTreeSet::new();
    for address in all(&browser, "/console/orders") {
        let path: Path = address.strip_prefix("/console/orders/").unwrap().parse().unwrap();
        let page = browser.page(&address);
        let sheets = sheets(&page);
        for (title, rows, total) in &sheets {
            assert_eq!(rows, total, "{address}: {title}");
        }
        let totals: Vec<_> = sheets.iter().map(|(_, _, total)| *total).collect();
        assert_eq!(totals, sums(&app, &path, at(NOW)), "{address}");
        checked.extend(totals.iter().map(|total| (path.kind, *total)));
    }
    for known in [
        ("flight", 240_000),
        ("flight", 35_000),
        ("flight", 275_000),
        ("rental", 77_000),
        ("train", 99_540),
    ] {
        assert!(checked.contains(&known), "{known:?} of {checked:?}");
    }
}

impl Browser<'_> {
    fn advance(&self, path: &str, command: &str, facts: &str) -> crate::app::Reply {
        let form = [("command", command), ("facts", facts)];
        self.post(&format!("/console/orders/{path}/advance"), &form)
    }
}

#[test]
fn a_cancel_on_the_wire_stands_in_the_timeline_with_its_request() {
    let app = App::start();
    let answer = app.cancel("corp001", "demo-payable").json();
    let response = &answer["alitrip_btrip_flight_distribution_order_cancel_response"];
    let request_id = response["request_id"].as_str().unwrap();
    let page = Browser::of(&app, Role::Viewer)
        .page("/console/orders/flight/test/corp001/demo-payable?lang=en");
    let story = page.split("<ol class=\"timeline\">").nth(1).unwrap();
    let first = between(story, "<li>", "</li>")[0].split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        first,
        format!(
            "<p><time>2026-03-01 09:00:00 +08:00</time> <strong>cancel</strong> \
             <span class=\"quiet\">by</span> test <span class=\"quiet\">on request</span> \
             <a class=\"mono\" href=\"/console/calls/{request_id}\">{request_id}</a></p>"
        )
    );
    let way = between(&page, "<ol class=\"way\"", "</ol>")[0];
    let classes = between(way, "<li class=\"", "\"");
    let codes = between(way, "<span class=\"code\">", "</span>");
    let drawn: Vec<_> = codes.into_iter().zip(classes).collect();
    assert_eq!(drawn, [("0", "passed"), ("10", "current")]);
}

#[test]
fn the_way_shows_what_was_passed_and_what_can_still_come() {
    let app = App::start();
    let browser = Browser::of(&app, Role::Operator);
    let drawn = |path: &str| {
        let page = browser.page(&format!("/console/orders/{path}"));
        let way = between(&page, "<ol class=\"way\"", "</ol>")[0].to_owned();
        let pairs = between(&way, "<span class=\"code\">", "</span>");
        let marks = between(&way, "<li class=\"", "\"");
        let pairs = pairs.iter().zip(marks).map(|(code, mark)| format!("{code}{}", &mark[..1]));
        pairs.collect::<Vec<_>>().join(" ")
    };
    // p passed, c current, o neither.
    for (path, expected) in [
        ("flight/test/corp001/demo-initial", "0c 1o 31o 32o 4o 28o 5o"),
        ("flight/test/corp001/demo-payable", "0p 1o 31o 32c 4o 28o 5o"),
        ("flight/test/corp001/demo-payable-confirmed", "0p 1p 31p 32c 4o 28o 5o"),
        ("flight/test/corp001/demo-ticketed", "0p 1o 31o 32p 4p 28o 5c"),
        ("flight/test/corp001/demo-pay-timeout", "0p 32p 10c"),
        ("flight/test/corp001/demo-ticketing-failed", "0p 32p 4p 10c"),
        ("flight/test/corp001/demo-failed", "0p -1c"),
        ("rental/test/80001/demo-rental-in-use", "0p 10p 22p 111o 121c 122o 123o"),
        ("rental/test/80001/demo-rental-cancelled", "0p 10p 131c"),
        ("rental/test/80001/demo-rental-closed-by-buyer", "0p 60c"),
        ("receipts/test/12342134/demo-receipts-approving", "-1o 0c 1o"),
        ("train/test/-/demo-rail-refunded", "12p 30p 33o 31c"),
    ] {
        assert_eq!(drawn(path), expected, "{path}");
    }
    // What the journal has seen is passed, too.
    let path = "flight/test/corp001/demo-initial";
    for (command, facts) in [
        ("begin", ""),
        ("submit", ""),
        ("confirm", ""),
        ("pay", r#"{"alipay_trade_no":"1"}"#),
        ("confirm-ticketing", ""),
    ] {
        assert_eq!(browser.advance(path, command, facts).status, 303, "{command}");
    }
    assert_eq!(drawn(path), "0p 1p 31p 32p 4p 28c 5o");
    let change = browser.page("/console/orders/flight/test/corp001/demo-change-refused-paid");
    let way = between(&change, "<ol class=\"way\"", "</ol>")[1];
    assert_eq!(between(way, "<span class=\"code\">", "</span>"), ["1", "4", "5", "3"]);
}

#[test]
fn refunds_and_receipts_have_ways_of_their_own() {
    let app = App::start();
    let browser = Browser::of(&app, Role::Operator);
    // The ways beside the order's own: its title, and each state with the first letter of its mark.
    let drawn = |path: &str| -> Vec<String> {
        let page = browser.page(&format!("/console/orders/{path}?lang=en"));
        let ways = page.split("<h2 id=\"way-").skip(2);
        let draw = |way: &str| {
            let title = way.split_once('>').unwrap().1.split("</h2>").next().unwrap();
            let list = way.split("</ol>").next().unwrap();
            let stages = between(list, "<li class=\"", "</li>");
            let stage = |stage: &&str| {
                let label = stage.split('>').nth(1).unwrap().split('<').next().unwrap();
                format!("{} {}", &stage[..1], label)
            };
            format!("{title}: {}", stages.iter().map(stage).collect::<Vec<_>>().join(", "))
        };
        ways.map(draw).collect()
    };
    let request = r#"{"out_relation_order_id":"demo-receipts","tes_head_id":"3021342135","ticket_no_list":["781-2500000001"],"cwt_account_no":"12342134"}"#;
    let method = "alibaba.happytrip.flight.order.itinerary.postback";
    app.call(method, &[("flight_itinerary_request", request)]);
    let receipts = "receipts/test/12342134/demo-receipts";
    assert_eq!(
        drawn(receipts),
        [
            "Ticket 7812500000001: p receipt awaited, c receipt reported",
            "Ticket 7812500000002: c receipt awaited, o receipt reported",
        ]
    );
    for number in ["781-2500000001", "781-2500000002"] {
        let facts = json!({"number": number, "state": "void"}).to_string();
        assert_eq!(browser.advance(receipts, "end-ticket", &facts).status, 303);
    }
    assert_eq!(
        drawn(receipts),
        [
            "Ticket 7812500000001: p receipt awaited, p receipt reported, c to be reversed",
            "Ticket 7812500000002: p receipt awaited, c void",
        ]
    );
    let asked = ["Refund demo-refund-1: c asked for, o reported"];
    assert_eq!(drawn("train/test/-/demo-rail-refunding"), asked);
    let reported = ["Refund demo-refund-2: p asked for, c reported"];
    assert_eq!(drawn("train/test/-/demo-rail-refunded"), reported);
}

#[test]
fn a_rental_shows_its_policy_and_what_a_cancel_would_cost_now() {
    let app = App::start();
    add_account(&app, "lin", Role::Viewer);
    let rows = |path: &str, title: &str| -> Vec<String> {
        // Nobody stays signed in for a year.
        let mut viewer = Browser::new(&app);
        viewer.sign_in("lin", PASSWORD);
        let page = viewer.page(&format!("/console/orders/rental/test/80001/{path}?lang=en"));
        let table = page.split(&format!("<h2>{title}</h2>")).nth(1).unwrap();
        let table = table.split("</table>").next().unwrap().to_owned();
        let rows = between(&table, "<tr><th scope=\"row\">", "</td></tr>");
        let plain = |row: &str| {
            let (name, rest) = row.split_once("</th>").unwrap();
            format!("{name}: {}", rest.split('>').nth(1).unwrap())
        };
        rows.into_iter().map(plain).collect()
    };
    assert_eq!(
        rows("fz1234567", "Cancellation policy, as at booking"),
        [
            "at least 72 hours before pick-up: 0% · the total",
            "at least 48 hours before pick-up: 10% · the total",
            "at least 24 hours before pick-up: 20% · the total",
            "at least 2 hours before pick-up: 30% · the total",
            "at least 0 hours before pick-up: 50% · the total",
            "after pick-up time: 100% · the total",
        ]
    );
    let now = "If it were cancelled now";
    let quoted = ["Fee: 0.00", "Taken of: 770.00", "Holds until: 2026-03-01 09:15:00 +08:00"];
    assert_eq!(rows("fz1234567", now), quoted);
    app.set_clock("2027-02-27T03:00:00Z");
    assert_eq!(rows("fz1234567", now)[0], "Fee: 154.00");
    assert_eq!(rows("demo-rental-in-use", now), ["Cannot be cancelled: in use"]);
}

#[test]
fn what_is_personal_is_shown_once_to_who_says_why_and_on_record_before() {
    let app = App::start();
    let address = "/console/orders/train/test/-/demo-rail-partly-refunded";
    let reveal = format!("{address}/reveal");
    let viewer = Browser::of(&app, Role::Viewer);
    assert_eq!(viewer.post(&reveal, &[("reason", "curiosity")]).status, 403);
    let operator = Browser::of(&app, Role::Operator);
    for reason in ["", "  a ", &"x".repeat(501)] {
        let reply = operator.post(&reveal, &[("reason", reason)]);
        assert_eq!(reply.status, 400);
        assert!(reply.body().contains("请填写查看原因（3 至 500 字）。"));
    }
    let missing = "/console/orders/train/test/-/none/reveal";
    assert_eq!(operator.post(missing, &[("reason", "because")]).status, 404);
    assert!(!record_lines(&app).iter().any(|line| line.contains("reveal")), "nothing was seen yet");

    let shown = operator.post(&reveal, &[("reason", "客户来电 <核对>")]);
    assert_eq!(shown.status, 200);
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    for personal in ["张三", "李四", "999999199001010016", "13800000002", "车票已使用"] {
        assert!(shown.body().contains(personal), "{personal}");
    }
    let record = &record_lines(&app)[0];
    let expected = "console:operator reveal train/test/-/demo-rail-partly-refunded 客户来电 <核对>";
    assert_eq!(record, expected);
    let audit = operator.page("/console/audit");
    assert!(audit.contains("客户来电 &#60;核对&#62;"), "{audit}");
    assert!(audit.contains(&format!("href=\"{address}\"")));
    assert!(!operator.page(address).contains("张三"), "not remembered");
    let back = operator.get(&format!("{reveal}?lang=en"));
    assert_eq!(back.header("location"), Some(format!("{address}?lang=en").as_str()));
}

#[test]
fn what_cannot_be_put_on_record_is_not_shown() {
    let app = App::start();
    let operator = Browser::of(&app, Role::Operator);
    let database = rusqlite::Connection::open(app.folder.path().join("tripwright.db")).unwrap();
    let trigger = "CREATE TRIGGER no_audit BEFORE INSERT ON aggregate WHEN NEW.kind = 'audit' \
                   BEGIN SELECT RAISE(ABORT, 'no room'); END";
    database.execute_batch(trigger).unwrap();
    let address = "/console/orders/train/test/-/demo-rail-refunded/reveal";
    let reply = operator.post(address, &[("reason", "because")]);
    assert_eq!(reply.status, 500);
    let body = reply.body();
    assert!(!body.contains("张三") && !body.contains("no room"), "{body}");
    let person = [("by", "phone"), ("value", "13800000001")];
    let reply = operator.post("/console/people", &person);
    assert_eq!(reply.status, 500);
    assert!(!reply.body().contains("demo-rail"), "{}", reply.body());
}

#[test]
fn personal_data_in_the_story_is_masked_until_it_is_revealed() {
    let app = App::start();
    let operator = Browser::of(&app, Role::Operator);
    let path = "train/test/-/demo-rail-refunding";
    let facts = json!({"refund_id": "demo-refund-1", "tickets": [
        {"seat": {"leg": 0, "ticket": 0}, "refunded": true, "refund_fen": 55_300, "cost_fen": 0},
        {"seat": {"leg": 0, "ticket": 1}, "refunded": false, "refund_fen": 0, "cost_fen": 0,
         "fail_code": "1", "fail_reason": "欧阳不在册本人未到"},
    ]});
    let reply = operator.advance(path, "settle-refund", &facts.to_string());
    assert_eq!(reply.status, 303, "{}", reply.body());
    let address = format!("/console/orders/{path}");
    let page = operator.page(&address);
    assert!(!page.contains("欧阳不在册"));
    let mask = "&#34;fail_reason&#34;: &#34;***&#34;";
    assert!(page.contains(mask), "{page}");
    let shown = operator.post(&format!("{address}/reveal"), &[("reason", "because")]);
    assert_eq!(shown.body().matches("欧阳不在册本人未到").count(), 2, "in the table and the story");
}

#[test]
fn an_order_is_advanced_by_the_rules_and_refusals_are_in_their_words() {
    let app = App::start();
    let operator = Browser::of(&app, Role::Operator);
    let path = "flight/test/corp001/demo-payable";
    let address = format!("/console/orders/{path}");
    let facts = r#"{"alipay_trade_no": "t-1"}"#;
    let paid = operator.advance(path, "pay", facts);
    let done = format!("{address}?done=taken");
    assert_eq!((paid.status, paid.header("location")), (303, Some(done.as_str())));
    assert!(operator.page(&done).contains("已完成。"));
    let again = operator.advance(path, "pay", facts);
    assert_eq!(again.header("location"), Some(format!("{address}?done=already").as_str()));
    let key = key("test", "corp001", "demo-payable");
    assert_eq!(app.story(&key), ["pay by console:operator", "import by demo"]);
    let advance = format!("console:operator advance {path}");
    assert_eq!(record_lines(&app)[..2], [advance.clone(), advance]);

    for (command, facts, words) in [
        (
            "pay",
            r#"{"alipay_trade_no": "t-2"}"#,
            "a flight order that is paid, ticketing in progress cannot pay",
        ),
        ("cancel", "", "the order is being ticketed"),
        (
            "ticket",
            r#"{"tickets": ["781-2400000000", "781-2400099999"]}"#,
            "ticket 781-2400000000 already belongs to flight test0087771 of the same owner",
        ),
        ("pay", r#"{"trade": 1}"#, "transition: missing field `alipay_trade_no`"),
        ("cancel", r#"{"why": 1}"#, "transition.why means nothing here"),
        ("fly", "", "transition.command: expected one of"),
    ] {
        let refused = operator.advance(path, command, facts);
        assert_eq!(refused.status, 400, "{command}");
        assert!(refused.body().contains("规则不允许："));
        let escaped = words.replace('\'', "&#39;");
        assert!(refused.body().contains(&escaped), "{command}: {}", refused.body());
    }
    for nonsense in ["[]", "{", "\"pay\""] {
        let refused = operator.advance(path, "pay", nonsense);
        assert!(refused.body().contains("参数须为 JSON 对象。"), "{nonsense}");
    }
    assert_eq!(app.story(&key).len(), 2, "nothing else happened");
    assert_eq!(operator.advance("flight/test/corp001/none", "pay", facts).status, 404);
}

#[test]
fn every_transition_there_is_can_be_chosen_and_its_example_is_understood() {
    let app = App::start();
    let operator = Browser::of(&app, Role::Operator);
    for path in [
        "flight/test/corp001/demo-ticketed",
        "rental/test/80001/demo-rental-unpaid",
        "receipts/test/12342134/demo-receipts",
        "train/test/-/demo-rail-ticketed",
    ] {
        let page = operator.page(&format!("/console/orders/{path}"));
        let select = between(&page, "<select id=\"command\"", "</select>")[0];
        let offered: BTreeSet<_> = between(select, "<option value=\"", "\"").into_iter().collect();
        let refused = operator.advance(path, "fly", "");
        // The complaint names them all.
        let complaint = between(refused.body(), "role=\"alert\">", "</p>")[0].to_owned();
        let known: BTreeSet<_> = complaint.split('`').skip(1).step_by(2).collect();
        assert_eq!(offered, known, "{path}");
        let examples = between(&page, "<dl class=\"examples\">", "</dl>")[0];
        for (name, facts) in between(examples, "<dt><code>", "</code>").into_iter().zip(between(
            examples,
            "<pre tabindex=\"0\">",
            "</pre>",
        )) {
            let facts = facts.replace("&#34;", "\"");
            let reply = operator.advance(path, name, &facts);
            let body = reply.body();
            // It is refused by the rules at most, not for its form.
            assert!(!body.contains("transition") || reply.status == 303, "{name}: {body}");
        }
    }
}

#[test]
fn orders_are_brought_in_from_a_form_each_for_itself() {
    let app = App::start();
    let operator = Browser::of(&app, Role::Operator);
    let mut bad = payable("bad");
    bad["booking"]["segments"] = json!([]);
    let orders = json!([payable("new-1"), bad, payable("new-1"), {"kind": "boat", "booking": {}}]);
    let reply = operator.post("/console/import", &[("orders", &orders.to_string())]);
    assert_eq!(reply.status, 200);
    let list = between(reply.body(), "<ol class=\"outcomes\">", "</ol>")[0].to_owned();
    let lines: Vec<_> = between(&list, "</span> ", "</li>").into_iter().map(str::trim).collect();
    assert_eq!(
        lines,
        ["已导入", "an order has 1 to 8 segments", "已存在", "boat is no kind of order"]
    );
    assert!(list.contains("href=\"/console/orders/flight/test/corp001/new-1\""));
    assert_eq!(record_lines(&app)[0], "console:operator import flight/test/corp001/new-1");
    assert_eq!(app.story(&key("test", "corp001", "new-1")), ["import by console:operator"]);
    let reply = operator.post("/console/import", &[("orders", "no json")]);
    assert_eq!(reply.status, 400);
    assert!(reply.body().contains("not JSON"), "{}", reply.body());
    let many = json!(vec![payable("x"); 201]).to_string();
    let reply = operator.post("/console/import", &[("orders", &many)]);
    assert!(reply.body().contains("一次最多导入 200 个订单"), "{}", reply.body());
}
