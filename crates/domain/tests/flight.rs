//! The flight rules: every state against every command, and what must hold whatever happens.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use domain::flight::code::{
    AgentPassengerType, CancelFailure, ChangeApplyStatus, ChangePayStatus, ChangeStatus,
    CouponStatus, Direction, DocumentType, OrderPayStatus, OrderStatus, PassengerType, ResultCode,
    SettleType,
};
use domain::flight::{
    Booking, CancelPolicy, CancelRefusal, ChangeState, Closing, Command, Flyer, Order, Party,
    Refusal, State, Traveller,
};
use domain::{Fen, Instant, Step};
use proptest::prelude::*;

const POLICY: CancelPolicy = CancelPolicy { while_ticketing: false };

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// Midday of the day on which everything here happens.
fn now() -> Instant {
    at("2026-03-01T04:00:00Z")
}

fn booking() -> Booking {
    serde_json::from_value(serde_json::json!({
        "key": {"app": "test", "sub_channel": "corp001", "dis_order_id": "d-1"},
        "btrip_order_id": 1_000_000_001,
        "booked_at": "2026-03-01T03:00:00Z",
        "segments": [{
            "flight_no": "MU5101",
            "from": {"airport_code": "SHA", "terminal": "T2"},
            "to": {"airport_code": "PEK"},
            "departs": "2026-03-10T08:00:00",
            "arrives": "2026-03-10T10:15:00",
            "cabin": "Y",
            "cabin_class": "Y",
            "fare": {"ticket_fen": 113000, "build_fen": 5000, "oil_fen": 2000},
        }],
        "travellers": [
            {"user_id": "u1", "name": "张三", "passenger_type": "adult", "phone": "13900000001",
             "document": {"document_type": "id_card", "number": "999999199001010016"}},
            {"user_id": "u2", "name": "李四", "passenger_type": "child",
             "document": {"document_type": "id_card", "number": "999999201501010016"}},
        ],
        "settle_type": "corporate_monthly",
    }))
    .unwrap()
}

/// Puts `null` instead of every member of one of these names, wherever it stands.
fn leave_out(names: &[&str], json: &mut serde_json::Value) {
    match json {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                if names.contains(&name.as_str()) {
                    *value = serde_json::Value::Null;
                }
                leave_out(names, value);
            }
        }
        serde_json::Value::Array(values) => {
            values.iter_mut().for_each(|value| leave_out(names, value));
        }
        _ => {}
    }
}

#[test]
fn a_party_is_who_flies_on_the_order_it_is_read_from() {
    for (name, order) in orders().into_iter().chain(changes()) {
        let mut json = serde_json::to_value(&order).unwrap();
        let whole = serde_json::from_value::<Order<Party>>(json.clone()).unwrap();
        leave_out(Party::WITHOUT, &mut json);
        let part = serde_json::from_value::<Order<Party>>(json).unwrap();
        assert_eq!(part, whole, "{name}");
        assert_eq!(part.state, order.state, "{name}");
        assert_eq!(part.booking.btrip_order_id, order.booking.btrip_order_id, "{name}");
        let flyers = order.booking.travellers.into_iter().map(|traveller| {
            let Traveller { user_id, name, passenger_type, .. } = traveller;
            Flyer { user_id, name, passenger_type }
        });
        assert_eq!(part.booking.travellers, flyers.collect::<Vec<_>>(), "{name}");
    }
}

fn command(json: serde_json::Value) -> Command {
    serde_json::from_value(json).unwrap()
}

fn tickets(first: u64) -> serde_json::Value {
    serde_json::json!([format!("781-{first:010}"), format!("781-{:010}", first + 1)])
}

/// An order that has gone through `commands`, all at [`now`].
fn order_after(commands: &[serde_json::Value]) -> Order {
    let mut order = Order::new(booking()).unwrap();
    for json in commands {
        let step = order.perform(command(json.clone()), POLICY, now());
        order = step.unwrap_or_else(|refusal| panic!("{json}: {refusal}")).into_state();
    }
    order
}

fn plain(name: &str) -> serde_json::Value {
    serde_json::json!({ "command": name })
}

fn pay() -> serde_json::Value {
    serde_json::json!({"command": "pay", "alipay_trade_no": "t-1"})
}

fn ticket() -> serde_json::Value {
    serde_json::json!({"command": "ticket", "tickets": tickets(1)})
}

fn with_reason(name: &str) -> serde_json::Value {
    serde_json::json!({"command": name, "reason": "no seats"})
}

/// One order in each state, by the name the tables below use.
fn orders() -> Vec<(&'static str, Order)> {
    let confirmed = plain("confirm");
    let mut timed_out = order_after(std::slice::from_ref(&confirmed));
    if let State::Payable { until, .. } = &mut timed_out.state {
        *until = now();
    }
    vec![
        ("failed", order_after(&[with_reason("fail")])),
        ("initial", order_after(&[])),
        ("not submitted", order_after(&[plain("begin")])),
        ("awaiting", order_after(&[plain("begin"), plain("submit")])),
        ("payable", order_after(std::slice::from_ref(&confirmed))),
        ("ticketing", order_after(&[confirmed.clone(), pay()])),
        ("confirmed", order_after(&[confirmed.clone(), pay(), plain("confirm-ticketing")])),
        ("ticketed", order_after(&[confirmed.clone(), pay(), ticket()])),
        ("cancelled", order_after(&[plain("cancel")])),
        ("timed out", timed_out),
        ("not issued", order_after(&[confirmed, pay(), with_reason("fail-ticketing")])),
    ]
}

/// What a cell of a table says: the codes after the step, `=` when nothing moved, or `.` when the
/// rules refused.
fn cell(step: Result<Step<Order>, Refusal>) -> String {
    match step {
        Ok(Step::Taken(order)) => {
            format!("{},{}", order.status().code(), order.pay_status().code())
        }
        Ok(Step::Already(_)) => "=".into(),
        Err(_) => ".".into(),
    }
}

/// Every transition of an order, in the order of the table's columns.
fn order_commands() -> [serde_json::Value; 10] {
    [
        plain("begin"),
        plain("submit"),
        plain("confirm"),
        with_reason("fail"),
        pay(),
        plain("confirm-ticketing"),
        ticket(),
        with_reason("fail-ticketing"),
        plain("cancel"),
        apply(),
    ]
}

#[test]
fn every_order_state_answers_every_command() {
    let commands = order_commands();
    #[rustfmt::skip]
    let table = [
        //                 begin  submit  confirm  fail    pay    confirm-t  ticket  fail-t   cancel  apply
        ("failed",        [".",   ".",    ".",     "=",    ".",   ".",       ".",    ".",     ".", "."]),
        ("initial",       ["1,0", ".",    "32,0",  "-1,0", ".",   ".",       ".",    ".",     "10,11", "."]),
        ("not submitted", ["=",   "31,0", ".",     "-1,0", ".",   ".",       ".",    ".",     "10,11", "."]),
        ("awaiting",      [".",   "=",    "32,13", "-1,0", ".",   ".",       ".",    ".",     "10,11", "."]),
        ("payable",       [".",   ".",    "=",     ".",    "4,1", ".",       ".",    ".",     "10,11", "."]),
        ("ticketing",     [".",   ".",    ".",     ".",    "=",   "28,1",    "5,5",  "10,3",  ".", "."]),
        ("confirmed",     [".",   ".",    ".",     ".",    "=",   "=",       "5,5",  "10,3",  ".", "."]),
        ("ticketed",      [".",   ".",    ".",     ".",    "=",   ".",       "=",    ".",     ".", "5,5"]),
        ("cancelled",     [".",   ".",    ".",     ".",    ".",   ".",       ".",    ".",     "=", "."]),
        ("timed out",     [".",   ".",    ".",     ".",    ".",   ".",       ".",    ".",     ".", "."]),
        ("not issued",    [".",   ".",    ".",     ".",    "=",   ".",       ".",    "=",     ".", "."]),
    ];
    let orders = orders();
    assert_eq!(orders.len(), table.len());
    for ((state, order), (row, cells)) in orders.into_iter().zip(table) {
        assert_eq!(state, row);
        for (json, expected) in commands.iter().zip(cells) {
            let step = order.clone().perform(command(json.clone()), POLICY, now());
            assert_eq!(cell(step), expected, "{state} × {json}");
        }
    }
}

#[test]
fn every_order_state_shows_its_published_codes() {
    let codes: Vec<_> = orders()
        .into_iter()
        .map(|(name, order)| {
            let order = order.at(now());
            (name, order.status().code(), order.pay_status().code())
        })
        .collect();
    assert_eq!(
        codes,
        [
            ("failed", -1, 0),
            ("initial", 0, 0),
            ("not submitted", 1, 0),
            ("awaiting", 31, 0),
            ("payable", 32, 0),
            ("ticketing", 4, 1),
            ("confirmed", 28, 1),
            ("ticketed", 5, 5),
            ("cancelled", 10, 11),
            ("timed out", 10, 11),
            ("not issued", 10, 3),
        ]
    );
}

#[test]
fn a_cancel_is_refused_with_the_reason_that_is_true() {
    let refusals: Vec<_> = orders()
        .into_iter()
        .filter_map(|(name, order)| order.cancel(POLICY, now()).err().map(|why| (name, why)))
        .collect();
    assert_eq!(
        refusals,
        [
            ("failed", CancelRefusal::Closed),
            ("ticketing", CancelRefusal::TicketingInProgress),
            ("confirmed", CancelRefusal::Ticketed),
            ("ticketed", CancelRefusal::Ticketed),
            ("timed out", CancelRefusal::Closed),
            ("not issued", CancelRefusal::Closed),
        ]
    );
    let codes = refusals.map_codes();
    assert_eq!(codes, [1003, 1002, 1001, 1001, 1003, 1003]);
}

trait MapCodes {
    fn map_codes(&self) -> Vec<i64>;
}

impl MapCodes for Vec<(&str, CancelRefusal)> {
    fn map_codes(&self) -> Vec<i64> {
        self.iter().map(|(_, refusal)| refusal.code().code()).collect()
    }
}

#[test]
fn the_policy_switch_lets_a_paid_order_go_and_gives_the_money_back() {
    let (_, order) = orders().swap_remove(5);
    let policy = CancelPolicy { while_ticketing: true };
    let order = order.cancel(policy, now()).unwrap().into_state();
    assert_eq!((order.status().code(), order.pay_status().code()), (10, 3));
    let State::Closed { by: Closing::Cancelled { refunded: Some(payment) }, .. } = order.state
    else {
        panic!("not cancelled with a refund");
    };
    assert_eq!(payment.amount_fen, Fen(240_000));
}

#[test]
fn cancelling_twice_is_cancelling_once() {
    let first = order_after(&[plain("confirm")]).cancel(POLICY, now()).unwrap().into_state();
    let later = at("2026-03-02T00:00:00Z");
    let second = first.clone().cancel(POLICY, later).unwrap();
    assert_eq!(second, Step::Already(first));
}

#[test]
fn an_unpaid_order_closes_itself_at_its_deadline_and_not_before() {
    let order = order_after(&[plain("confirm")]);
    let just_before = at("2026-03-01T04:29:59Z");
    let deadline = at("2026-03-01T04:30:00Z");
    assert_eq!(order.clone().at(just_before).status(), OrderStatus::Payable);
    let closed = order.clone().at(deadline);
    assert_eq!(closed.state, State::Closed { at: deadline, by: Closing::PayTimeout });
    assert_eq!(closed.clone().at(at("2027-01-01T00:00:00Z")), closed);
    assert_eq!(order.cancel(POLICY, deadline), Err(CancelRefusal::Closed));
}

#[test]
fn the_deadline_is_never_after_the_departure() {
    let boarding = at("2026-03-09T23:50:00Z");
    let order = Order::new(booking()).unwrap();
    let order = order.perform(command(plain("confirm")), POLICY, boarding).unwrap().into_state();
    let State::Payable { until, .. } = order.state else { panic!("not payable") };
    assert_eq!(until, at("2026-03-10T00:00:00Z"));
}

#[test]
fn a_deadline_that_is_asked_for_is_bounded_by_the_departure_and_never_past() {
    let with = |until: &str| {
        let json = serde_json::json!({"command": "confirm", "until": until});
        Order::new(booking()).unwrap().perform(command(json), POLICY, now())
    };
    let State::Payable { until, .. } = with("2099-01-01T00:00:00Z").unwrap().into_state().state
    else {
        panic!("not payable");
    };
    assert_eq!(until, at("2026-03-10T00:00:00Z"));
    assert_eq!(with("2020-01-01T00:00:00Z"), Err(Refusal::Deadline));

    // A change is paid before the flight that it gives up departs, not only before the new one.
    let ticketed = ticketed_and(&[]);
    let boarding = at("2026-03-09T23:50:00Z");
    let priced = command(in_change("price-change"));
    let order = ticketed.perform(priced, POLICY, boarding).unwrap().into_state();
    let change = order.change(&"c-1".parse().unwrap()).unwrap();
    assert_eq!(change.priced().unwrap().pay_by, Some(at("2026-03-10T00:00:00Z")));
}

#[test]
fn the_same_command_with_other_facts_is_not_the_same() {
    let other = |json: serde_json::Value, commands: &[serde_json::Value]| {
        order_after(commands).perform(command(json), POLICY, now()).is_err()
    };
    let confirmed = plain("confirm");
    let until = serde_json::json!({"command": "confirm", "until": "2026-03-05T00:00:00Z"});
    assert!(other(until, std::slice::from_ref(&confirmed)));
    let reason = |name: &str| serde_json::json!({"command": name, "reason": "something else"});
    assert!(other(reason("fail"), &[with_reason("fail")]));
    let failed = [confirmed.clone(), pay(), with_reason("fail-ticketing")];
    assert!(other(reason("fail-ticketing"), &failed));
    let trade = serde_json::json!({"command": "pay", "alipay_trade_no": "t-9"});
    assert!(other(trade, &[confirmed, pay()]));
}

#[test]
fn a_change_that_came_to_nothing_goes_on_showing_the_ticket_held_then() {
    let refused = ticketed_and(&["refuse-change"]);
    let mut second = apply();
    second["dis_sub_order_id"] = "c-2".into();
    second["btrip_sub_order_id"] = 2_000_000_002_i64.into();
    let mut order = refused;
    for mut json in
        [second, in_change("price-change"), in_change("pay-change"), in_change("reissue")]
    {
        json["dis_sub_order_id"] = "c-2".into();
        order = order.perform(command(json), POLICY, now()).unwrap().into_state();
    }
    let ticketed = order.ticketed().unwrap();
    let shown = |id: &str| {
        let change = order.change(&id.parse().unwrap()).unwrap();
        let ticket = ticketed.ticket_in(change, 0).unwrap();
        (ticket.number.to_string(), ticket.status.code())
    };
    assert_eq!(shown("c-1"), ("781-0000000002".to_owned(), 6));
    assert_eq!(shown("c-2"), ("781-0000000009".to_owned(), 0));
    // What was given up can be given up no more.
    let mut third = apply();
    third["dis_sub_order_id"] = "c-3".into();
    third["btrip_sub_order_id"] = 2_000_000_003_i64.into();
    let refused = order.perform(command(third), POLICY, now()).unwrap_err();
    assert!(matches!(refused, Refusal::NoSuchFlight(_)), "{refused}");
}

fn apply() -> serde_json::Value {
    serde_json::json!({
        "command": "apply-change",
        "dis_sub_order_id": "c-1",
        "btrip_sub_order_id": 2_000_000_001,
        "voluntary": true,
        "reason": "工作需要",
        "travellers": ["u2"],
        "flights": [{
            "flight": {
                "flight_no": "MU5103",
                "from": {"airport_code": "SHA"},
                "to": {"airport_code": "PEK"},
                "departs": "2026-03-10T12:00:00",
                "arrives": "2026-03-10T14:15:00",
                "cabin": "B",
                "cabin_class": "Y",
                "fare": {"ticket_fen": 133000, "build_fen": 5000, "oil_fen": 2000},
            },
            "last_flight_no": "MU5101",
            "last_cabin": "Y",
        }],
        "settle_type": "corporate_monthly",
    })
}

fn in_change(name: &str) -> serde_json::Value {
    let mut json = serde_json::json!({"command": name, "dis_sub_order_id": "c-1"});
    match name {
        "price-change" => json["fees"] = serde_json::json!([fee(20_000, 15_000)]),
        "pay-change" => json["alipay_trade_no"] = "t-2".into(),
        "reissue" => json["tickets"] = serde_json::json!(["781-0000000009"]),
        "refuse-change" => json["reason"] = "no seats".into(),
        _ => {}
    }
    json
}

fn fee(handling_fen: i64, upgrade_fen: i64) -> serde_json::Value {
    serde_json::json!({"handling_fen": handling_fen, "upgrade_fen": upgrade_fen})
}

fn ticketed_and(more: &[&str]) -> Order {
    let mut commands = vec![plain("confirm"), pay(), ticket(), apply()];
    commands.extend(more.iter().map(|name| in_change(name)));
    order_after(&commands)
}

/// One order per change state.
fn changes() -> Vec<(&'static str, Order)> {
    let paid = ["price-change", "pay-change"];
    let mut free = vec![plain("confirm"), pay(), ticket()];
    let mut involuntary = apply();
    involuntary["voluntary"] = false.into();
    let mut no_fee = in_change("price-change");
    no_fee["fees"] = serde_json::json!([fee(0, 0)]);
    free.extend([involuntary, no_fee]);
    let mut timed_out = ticketed_and(&["price-change"]);
    if let State::Ticketed(ticketed) = &mut timed_out.state
        && let ChangeState::ToPay { until, .. } = &mut ticketed.changes[0].state
    {
        *until = now();
    }
    vec![
        ("applied", ticketed_and(&[])),
        ("to pay", ticketed_and(&["price-change"])),
        ("reissuing", ticketed_and(&paid)),
        ("free", order_after(&free)),
        ("changed", ticketed_and(&["price-change", "pay-change", "reissue"])),
        ("refused", ticketed_and(&["refuse-change"])),
        ("refused paid", ticketed_and(&["price-change", "pay-change", "refuse-change"])),
        ("dropped", ticketed_and(&["cancel-change"])),
        ("timed out", timed_out),
    ]
}

#[test]
fn every_change_state_answers_every_command() {
    let names = ["price-change", "pay-change", "reissue", "refuse-change", "cancel-change"];
    #[rustfmt::skip]
    let table = [
        //               price   pay     reissue refuse  cancel
        ("applied",      ["4,1", ".",    ".",    "3,5",  "3,5"]),
        ("to pay",       ["=",   "5,2",  ".",    "3,5",  "3,5"]),
        ("reissuing",    ["=",   "=",    "2,3",  "3,4",  "."]),
        ("free",         [".",   ".",    "2,3",  "3,5",  "."]),
        ("changed",      [".",   "=",    "=",    ".",    "."]),
        ("refused",      [".",   ".",    ".",    "=",    "."]),
        ("refused paid", [".",   "=",    ".",    "=",    "."]),
        ("dropped",      [".",   ".",    ".",    ".",    "="]),
    ];
    for ((state, order), (row, cells)) in changes().into_iter().zip(table) {
        assert_eq!(state, row);
        for (name, expected) in names.iter().zip(cells) {
            let step = order.clone().perform(command(in_change(name)), POLICY, now());
            let found = match step {
                Ok(Step::Taken(order)) => {
                    let change = order.change(&"c-1".parse().unwrap()).unwrap();
                    format!("{},{}", change.status().code(), change.pay_status().code())
                }
                Ok(Step::Already(_)) => "=".into(),
                Err(_) => ".".into(),
            };
            assert_eq!(found, expected, "{state} × {name}");
        }
    }
}

#[test]
fn the_two_encoders_of_a_change_status_are_kept_apart() {
    let codes: Vec<_> = changes()
        .into_iter()
        .map(|(name, order)| {
            let order = order.at(now());
            let change = order.change(&"c-1".parse().unwrap()).unwrap();
            let (detail, apply) = (change.status().code(), change.apply_status().code());
            (name, detail, apply, change.pay_status().code())
        })
        .collect();
    assert_eq!(
        codes,
        [
            ("applied", 1, 0, 0),
            ("to pay", 4, 1, 1),
            ("reissuing", 5, 2, 2),
            ("free", 5, 2, 2),
            ("changed", 2, 3, 3),
            ("refused", 3, 4, 5),
            ("refused paid", 3, 4, 4),
            ("dropped", 3, 4, 5),
            ("timed out", 3, 4, 5),
        ]
    );
}

#[test]
fn a_reissue_exchanges_the_old_coupon_and_opens_the_new_one() {
    let order = ticketed_and(&["price-change", "pay-change", "reissue"]);
    let ticketed = order.ticketed().unwrap();
    let shown: Vec<_> = ticketed
        .tickets
        .iter()
        .map(|t| (t.number.to_string(), t.traveller, t.status.code()))
        .collect();
    assert_eq!(
        shown,
        [
            ("781-0000000001".into(), 0, 0),
            ("781-0000000002".into(), 1, 6),
            ("781-0000000009".into(), 1, 0),
        ]
    );
    let change = "c-1".parse().unwrap();
    let shown = ticketed.ticket_in(order.change(&change).unwrap(), 0).unwrap();
    assert_eq!(shown.number.to_string(), "781-0000000009");
    let before = ticketed_and(&["price-change"]);
    let held = before.ticketed().unwrap().ticket_in(before.change(&change).unwrap(), 0);
    let held = held.unwrap().number.to_string();
    assert_eq!(held, "781-0000000002");
}

#[test]
fn an_unpaid_change_closes_itself_at_its_deadline() {
    let order = ticketed_and(&["price-change"]).at(at("2026-03-01T04:30:00Z"));
    let change = order.change(&"c-1".parse().unwrap()).unwrap();
    assert_eq!((change.status().code(), change.pay_status().code()), (3, 5));
    assert!(matches!(change.state, ChangeState::Closed { .. }));
    assert_eq!(change.priced().unwrap().total(), Some(Fen(35_000)));
}

#[test]
fn a_change_that_makes_no_sense_is_refused_and_changes_nothing() {
    let ticketed = [plain("confirm"), pay(), ticket()];
    let with = |edit: fn(&mut serde_json::Value)| {
        let mut json = apply();
        edit(&mut json);
        order_after(&ticketed).perform(command(json), POLICY, now()).unwrap_err().to_string()
    };
    assert_eq!(
        with(|c| c["travellers"] = serde_json::json!(["u9"])),
        "traveller u9 is not on the order"
    );
    assert_eq!(
        with(|c| c["travellers"] = serde_json::json!([])),
        "a change names at least one traveller and 1 to 8 flights"
    );
    assert_eq!(
        with(|c| c["flights"][0]["last_flight_no"] = "CA1".into()),
        "flight CA1 in that class is not what every traveller holds"
    );

    assert_eq!(
        with(|c| c["travellers"] = serde_json::json!(["u2", "u2"])),
        "traveller u2 is listed twice"
    );
    assert_eq!(
        with(|c| c["btrip_sub_order_id"] = (-5).into()),
        "btrip_sub_order_id is taken, or not between 1 and 2^53 - 1"
    );
    assert_eq!(
        with(|c| c["flights"][0]["flight"]["fare"]["ticket_fen"] = (-1).into()),
        "a fare is negative or too large"
    );
    assert_eq!(
        with(|c| c["flights"][0]["flight"]["arrives"] = "2026-03-10T12:00:00".into()),
        "flight MU5103 does not arrive after it departs"
    );
    assert_eq!(
        with(|c| c["flights"][0]["last_cabin"] = "F".into()),
        "flight MU5101 in that class is not what every traveller holds"
    );

    let applied = ticketed_and(&[]);
    let mut again = apply();
    assert!(matches!(
        applied.clone().perform(command(again.clone()), POLICY, now()),
        Ok(Step::Already(_))
    ));
    again["reason"] = "something else".into();
    assert_eq!(
        applied.clone().perform(command(again.clone()), POLICY, now()).unwrap_err().to_string(),
        "the order has another change c-1"
    );
    again["dis_sub_order_id"] = "c-2".into();
    again["btrip_sub_order_id"] = 2_000_000_002_i64.into();
    assert_eq!(
        applied.perform(command(again), POLICY, now()).unwrap_err().to_string(),
        "traveller u2 is in another change that is still open"
    );
}

#[test]
fn fees_must_be_one_for_each_traveller_and_never_negative() {
    let order = ticketed_and(&[]);
    for fees in [
        serde_json::json!([]),
        serde_json::json!([fee(1, 1), fee(1, 1)]),
        serde_json::json!([fee(-1, 0)]),
    ] {
        let mut json = in_change("price-change");
        json["fees"] = fees;
        assert_eq!(order.clone().perform(command(json), POLICY, now()), Err(Refusal::Fees));
    }
}

#[test]
fn tickets_must_be_one_for_each_traveller_and_never_used_before() {
    let paid = order_after(&[plain("confirm"), pay()]);
    for numbers in [
        serde_json::json!([]),
        serde_json::json!(["781-0000000001"]),
        serde_json::json!(["781-0000000001", "7810000000001"]),
    ] {
        let json = serde_json::json!({"command": "ticket", "tickets": numbers});
        let refused = paid.clone().perform(command(json), POLICY, now());
        assert_eq!(refused, Err(Refusal::Tickets { expected: 2 }));
    }
    let mut json = in_change("reissue");
    json["tickets"] = serde_json::json!(["781-0000000001"]);
    let reissuing = ticketed_and(&["price-change", "pay-change"]);
    let refused = reissuing.perform(command(json), POLICY, now());
    assert_eq!(refused, Err(Refusal::Tickets { expected: 1 }));
}

#[test]
fn a_booking_that_breaks_a_rule_is_no_order() {
    let with = |edit: fn(&mut Booking)| {
        let mut booking = booking();
        edit(&mut booking);
        Order::new(booking).unwrap_err().to_string()
    };
    assert_eq!(with(|b| b.segments.clear()), "an order has 1 to 8 segments");
    assert_eq!(with(|b| b.travellers.clear()), "an order has 1 to 9 travellers");
    assert_eq!(
        with(|b| b.travellers[1].user_id = b.travellers[0].user_id.clone()),
        "traveller u1 is listed twice"
    );
    assert_eq!(
        with(|b| b.btrip_order_id = 1 << 53),
        "btrip_order_id is not between 1 and 2^53 - 1"
    );
    assert_eq!(with(|b| b.segments[0].fare.oil_fen = Fen(-1)), "a fare is negative or too large");
    assert_eq!(
        with(|b| b.segments[0].fare.oil_fen = Fen(i64::MAX)),
        "a fare is negative or too large"
    );
    assert_eq!(
        with(|b| b.segments[0].arrives = b.segments[0].departs),
        "flight MU5101 does not arrive after it departs"
    );
}

#[test]
fn an_order_survives_its_document() {
    for (name, order) in orders().into_iter().chain(changes()) {
        let json = serde_json::to_string(&order).unwrap();
        let again: Order = serde_json::from_str(&json).unwrap();
        assert_eq!(again, order, "{name}");
        assert!(!format!("{order:?}").contains("张三"), "{name} shows a name");
    }
}

/// Documents as they have been stored. When their form must change, add another and keep these.
#[test]
fn every_document_ever_stored_still_reads() {
    let flight: Order = serde_json::from_str(include_str!("documents/flight-1.json")).unwrap();
    let change = flight.change(&"c-1".parse().unwrap()).unwrap();
    assert_eq!((flight.status(), change.status()), (OrderStatus::Ticketed, ChangeStatus::Changed));
    // A newer program may have added to it.
    let mut newer: serde_json::Value =
        serde_json::from_str(include_str!("documents/flight-1.json")).unwrap();
    newer["booking"]["purpose"] = "training".into();
    newer["booking"]["segments"][0]["aircraft"] = "A320".into();
    assert_eq!(serde_json::from_value::<Order>(newer).unwrap(), flight);
}

#[test]
fn known_codes_bring_their_names_and_unknown_ones_ask_for_them() {
    let segment = &booking().segments[0];
    assert_eq!(segment.airline.short_name, "东航");
    assert_eq!(segment.from.city, "上海");
    let unknown = serde_json::json!({"airport_code": "ZZZ"});
    let error = serde_json::from_value::<domain::flight::Endpoint>(unknown).unwrap_err();
    assert_eq!(error.to_string(), "airport ZZZ is not known here: give its names too");
}

#[test]
fn no_code_stands_twice_in_a_list_and_every_row_has_both_labels() {
    fn check<T: Copy>(list: &str, all: &[T], row: fn(T) -> domain::code::Code) {
        let mut codes: Vec<_> = all.iter().map(|entry| row(*entry).code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all.len(), "{list}");
        for entry in all {
            assert!(!row(*entry).zh.is_empty() && !row(*entry).en.is_empty(), "{list}");
        }
    }
    check("order status", OrderStatus::ALL, OrderStatus::row);
    check("order pay status", OrderPayStatus::ALL, OrderPayStatus::row);
    check("change status", ChangeStatus::ALL, ChangeStatus::row);
    check("change apply status", ChangeApplyStatus::ALL, ChangeApplyStatus::row);
    check("change pay status", ChangePayStatus::ALL, ChangePayStatus::row);
    check("settle type", SettleType::ALL, SettleType::row);
    check("passenger type", PassengerType::ALL, PassengerType::row);
    check("agent passenger type", AgentPassengerType::ALL, AgentPassengerType::row);
    check("direction", Direction::ALL, Direction::row);
    check("document type", DocumentType::ALL, DocumentType::row);
    check("coupon status", CouponStatus::ALL, CouponStatus::row);
    check("result code", ResultCode::ALL, ResultCode::row);
    check("cancel failure", CancelFailure::ALL, CancelFailure::row);
}

fn any_command() -> impl Strategy<Value = serde_json::Value> {
    let in_changes = [
        in_change("price-change"),
        in_change("pay-change"),
        in_change("reissue"),
        in_change("refuse-change"),
        in_change("cancel-change"),
    ];
    prop::sample::select([&order_commands()[..], &in_changes].concat())
}

proptest! {
    /// Whatever comes, in whatever order, however often and whenever: what is over stays over, what
    /// is done twice is done once, and a change's amounts add up.
    #[test]
    fn final_states_stay_and_nothing_happens_twice(
        start in prop::sample::select(orders().into_iter().chain(changes()).collect::<Vec<_>>()),
        commands in prop::collection::vec((any_command(), 0_i64..600), 0..20),
    ) {
        // From any state there is, so that the late ones are seen as often as the early ones.
        let (_, mut order) = start;
        let mut clock = now();
        for (json, seconds) in commands {
            clock = clock.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
            let before = order.clone().at(clock);
            let Ok(step) = order.clone().perform(command(json.clone()), POLICY, clock) else {
                continue;
            };
            if matches!(before.status(), OrderStatus::Closed | OrderStatus::Error) {
                prop_assert_eq!(step.state(), &before);
            }
            let after = step.into_state();
            let again = after.clone().perform(command(json), POLICY, clock);
            prop_assert_eq!(again, Ok(Step::Already(after.clone())));
            for change in after.ticketed().into_iter().flat_map(|ticketed| &ticketed.changes) {
                if let Some(priced) = change.priced() {
                    let parts = priced.handling().unwrap().plus(priced.upgrade().unwrap());
                    prop_assert_eq!(priced.total(), parts);
                }
                if let Some(payment) = change.payment() {
                    prop_assert_eq!(Some(payment.amount_fen), change.priced().unwrap().total());
                }
            }
            order = after;
        }
    }
}
