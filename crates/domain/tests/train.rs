//! Rail refunds: every check of a callback in its turn, and that orders of arrival do not matter.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use domain::train::code::TrainStatus;
use domain::train::{
    BadTrain, Callback, CallbackRefusal, CallbackTicket, CallbackTrain, Field, LEGS_MAX,
    OFFLINE_MAX, Personal, RefundState, Seat, TICKETS_MAX, TrainBooking, TrainCommand, TrainOrder,
    TrainRefusal,
};
use domain::{Fen, Instant, Parted, Pii, Step};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: &str = "2026-05-01T00:00:00Z";
const ID_CARDS: [&str; 3] = ["999999199001010016", "999999198505050025", "110101199003077571"];

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn ticket(leg: usize, person: usize) -> Value {
    json!({
        "passenger": {
            "passenger_id": format!("p-{person}"), "name": format!("旅客{person}"),
            "id_type": "id_card", "id_no": ID_CARDS[person], "mobile": "13800000001",
        },
        "passenger_ticket_no": format!("E{leg}"), "coach_no": "05", "seat_no": format!("0{person}A"),
        "seat_type": "O", "seat_name": "二等座", "ticket_type": "adult", "price_fen": 55_300,
    })
}

/// There and back, three people each way.
fn booking(edit: impl FnOnce(&mut Value)) -> Result<TrainBooking, serde_json::Error> {
    let stations = [json!({"code": "BJP", "name": "北京"}), json!({"code": "SHH", "name": "上海"})];
    let leg = |leg: usize, day: u8| {
        json!({
            "train_no": format!("G{}", leg + 1), "from": stations[leg], "to": stations[1 - leg],
            "departs": format!("2026-06-{day:02}T08:00:00"),
            "arrives": format!("2026-06-{day:02}T13:00:00"),
            "tickets": (0..3).map(|person| ticket(leg, person)).collect::<Vec<_>>(),
        })
    };
    let mut booking = json!({
        "key": {"app": "rail", "order_id": "o-1"}, "supplier_order_id": "s-1",
        "ticket_no": "E1", "booked_at": "2026-04-01T00:00:00Z", "legs": [leg(0, 10), leg(1, 12)],
    });
    edit(&mut booking);
    serde_json::from_value(booking)
}

fn order() -> TrainOrder {
    TrainOrder::new(booking(|_| {}).unwrap()).unwrap()
}

fn seat(leg: usize, ticket: usize) -> Seat {
    Seat { leg, ticket }
}

fn command(value: Value) -> TrainCommand {
    serde_json::from_value(value).unwrap()
}

fn perform(order: TrainOrder, value: Value) -> Result<Step<TrainOrder>, TrainRefusal> {
    order.perform(command(value), at(NOW))
}

/// An order with refund `r-1` of these seats asked for.
fn asked(seats: &[Seat]) -> TrainOrder {
    let ask = json!({"command": "ask-refund", "refund_id": "r-1", "seats": seats});
    perform(order(), ask).unwrap().into_state()
}

fn clear(text: &str) -> Field {
    Field::Clear(Pii::new(text.to_owned()))
}

/// The supplier's report on these seats, refunded or failed, as the order's facts have it.
fn callback(order: &TrainOrder, results: &[(Seat, bool)]) -> Callback {
    let mut trains: Vec<(usize, CallbackTrain)> = Vec::new();
    for (seat, refunded) in results {
        let leg = order.legs().nth(seat.leg).unwrap();
        let known = order.ticket(*seat).unwrap();
        let ticket = CallbackTicket {
            passenger_ticket_no: known.passenger_ticket_no.to_string(),
            coach_no: known.coach_no.clone(),
            seat_no: known.seat_no.clone(),
            seat_type: known.seat_type.clone(),
            seat_name: known.seat_name.clone(),
            ticket_type: known.ticket_type.code(),
            ticket_price: known.price_fen,
            ticket_status: if *refunded { 31 } else { 32 },
            refund_price: if *refunded { known.price_fen } else { Fen::ZERO },
            refund_cost: Fen::ZERO,
            refund_rate: Some(0),
            fail_code: (!refunded).then(|| "3001".to_owned()),
            fail_reason: (!refunded).then(|| "车票已使用".to_owned()),
            passenger: Personal {
                passenger_name: clear(known.passenger.name.expose()),
                passenger_mobile: clear("13800000001"),
                passenger_id_no: clear(known.passenger.id_no.expose()),
                passenger_id_type: clear("0"),
                country_code: Field::Absent,
                sex: clear("0"),
                passenger_id: clear(known.passenger.passenger_id.expose()),
                valid_date_start: Field::Absent,
                birth_date: Field::Absent,
                valid_date_end: Field::Absent,
            },
        };
        match trains.iter_mut().find(|(known, _)| *known == seat.leg) {
            Some((_, train)) => train.tickets.push(ticket),
            None => trains.push((
                seat.leg,
                CallbackTrain {
                    train_no: leg.train_no.clone(),
                    from: leg.from.clone(),
                    to: leg.to.clone(),
                    train_date: leg.departs.date(),
                    start_time: leg.departs,
                    arrive_time: leg.arrives,
                    tickets: vec![ticket],
                },
            )),
        }
    }
    let (some, all) = (results.iter().any(|r| r.1), results.iter().all(|r| r.1));
    let mut callback = Callback {
        refund_id: "r-1".parse().unwrap(),
        supplier_order_id: "s-1".into(),
        ticket_no: "E1".into(),
        order_status: if all {
            31
        } else if some {
            33
        } else {
            32
        },
        refund_total: Fen::ZERO,
        refund_cost: Fen::ZERO,
        refund_rate: Some(0),
        trains: trains.into_iter().map(|(_, train)| train).collect(),
    };
    add_up(&mut callback);
    callback
}

fn add_up(callback: &mut Callback) {
    let tickets = callback.trains.iter().flat_map(|train| &train.tickets);
    callback.refund_total = Fen::total(tickets.clone().map(|t| t.refund_price)).unwrap();
    callback.refund_cost = Fen::total(tickets.map(|t| t.refund_cost)).unwrap();
}

/// Reports it, its content told apart as the gateway does.
fn report(
    order: TrainOrder,
    callback: &Callback,
) -> Result<(Step<TrainOrder>, Vec<String>), CallbackRefusal> {
    let (step, remarks) = order.report(callback, &callback.content(), false, false, at(NOW))?;
    Ok((step, remarks.iter().map(|remark| remark.spot.fact.to_owned()).collect()))
}

fn taken(order: TrainOrder, callback: &Callback) -> TrainOrder {
    match report(order, callback).unwrap() {
        (Step::Taken(order), _) => order,
        (Step::Already(_), _) => panic!("nothing was taken"),
    }
}

/// The code and the places found fault with.
fn refused(order: &TrainOrder, callback: &Callback) -> (i64, Vec<String>) {
    let refusal = report(order.clone(), callback).unwrap_err();
    let spot = |problem: &domain::train::Problem| {
        let place = [problem.spot.train, problem.spot.ticket];
        let place: String = place.iter().flatten().map(|at| format!("{at}.")).collect();
        format!("{place}{}", problem.spot.fact)
    };
    (refusal.code.code(), refusal.problems.iter().map(spot).collect())
}

/// What one edit of a good callback is refused for.
fn edited(edit: impl FnOnce(&mut Callback)) -> (i64, Vec<String>) {
    let order = asked(&[seat(0, 0), seat(0, 1)]);
    let mut callback = callback(&order, &[(seat(0, 0), true), (seat(0, 1), true)]);
    edit(&mut callback);
    refused(&order, &callback)
}

fn fault(code: i64, spots: &[&str]) -> (i64, Vec<String>) {
    (code, spots.iter().map(|spot| (*spot).to_owned()).collect())
}

fn first(callback: &mut Callback) -> &mut CallbackTicket {
    &mut callback.trains[0].tickets[0]
}

#[test]
fn check_1_a_callback_that_contradicts_itself_is_malformed() {
    let other_day = edited(|c| c.trains[0].train_date = "2026-06-11".parse().unwrap());
    assert_eq!(other_day, fault(400, &["0.train_date"]));
    let at_once = edited(|c| c.trains[0].arrive_time = c.trains[0].start_time);
    assert_eq!(at_once, fault(400, &["0.arrive_time"]));
    let empty = edited(|c| c.trains.clear());
    assert_eq!(empty, fault(400, &["refund_train_details"]));
    let empty = edited(|c| c.trains[0].tickets.clear());
    assert_eq!(empty, fault(400, &["refund_train_details"]));
    let long = edited(|c| c.trains = vec![c.trains[0].clone(); LEGS_MAX + 1]);
    assert_eq!(long, fault(400, &["refund_train_details"]));
    let many = edited(|c| c.trains[0].tickets = vec![first(c).clone(); TICKETS_MAX + 1]);
    assert_eq!(many, fault(400, &["refund_train_details"]));
}

#[test]
fn check_2_an_order_of_other_numbers_is_not_found() {
    let edits = edited(|c| {
        c.supplier_order_id = "s-2".into();
        c.ticket_no = "E2".into();
    });
    assert_eq!(edits, fault(404, &["supplier_order_id", "ticket_no"]));
}

#[test]
fn check_3_the_same_again_is_the_same_and_anything_else_is_refused() {
    let order = asked(&[seat(0, 0)]);
    let good = callback(&order, &[(seat(0, 0), true)]);
    let done = taken(order, &good);
    assert_eq!(report(done.clone(), &good), Ok((Step::Already(done.clone()), vec![])));
    let failed = callback(&done, &[(seat(0, 0), false)]);
    assert_eq!(refused(&done, &failed), fault(409, &["refund_id"]));
    let mut other_phone = good;
    first(&mut other_phone).passenger.passenger_mobile = clear("13800000002");
    assert_eq!(refused(&done, &other_phone), fault(409, &["refund_id"]));
}

#[test]
fn check_4_a_train_must_be_the_orders_and_its_stations_called_what_they_are() {
    let other = edited(|c| c.trains[0].train_no = "G9".into());
    assert_eq!(other, fault(404, &["0.train_no"]));
    let other = edited(|c| c.trains[0].to.code = "AOH".into());
    assert_eq!(other, fault(404, &["0.train_no"]));
    let other = edited(|c| {
        c.trains[0].train_date = "2026-06-11".parse().unwrap();
        c.trains[0].start_time = "2026-06-11T08:00:00".parse().unwrap();
        c.trains[0].arrive_time = "2026-06-11T13:00:00".parse().unwrap();
    });
    assert_eq!(other, fault(404, &["0.train_no"]));
    let misnamed = edited(|c| {
        c.trains[0].from.name = "北京南".into();
        c.trains[0].to.name = "上海虹桥".into();
    });
    assert_eq!(misnamed, fault(400, &["0.from_station_name", "0.to_station_name"]));
}

#[test]
fn check_5_each_ticket_is_the_orders_asked_for_and_as_it_was_issued() {
    for edit in [
        (|t| t.passenger_ticket_no = "E9".into()) as fn(&mut CallbackTicket),
        |t| t.coach_no = "06".into(),
        |t| t.seat_no = "09F".into(),
    ] {
        let foreign = edited(|c| edit(first(c)));
        assert_eq!(foreign, fault(404, &["0.0.passenger_ticket_no"]));
    }
    let other = edited(|c| first(c).passenger.passenger_id = clear("p-9"));
    assert_eq!(other, fault(404, &["0.0.passenger_id"]));
    let twice = edited(|c| {
        let second = c.trains[0].tickets[1].clone();
        c.trains[0].tickets.push(second);
    });
    assert_eq!(twice, fault(400, &["0.2.passenger_ticket_no"]));
    let lacking = edited(|c| _ = c.trains[0].tickets.pop());
    assert_eq!(lacking, fault(400, &["refund_train_details"]));
    let order = asked(&[seat(0, 0)]);
    let more = callback(&order, &[(seat(0, 0), true), (seat(0, 1), true)]);
    assert_eq!(refused(&order, &more), fault(400, &["0.1.passenger_ticket_no"]));
    let edits = edited(|c| first(c).seat_name = "一等座".into());
    assert_eq!(edits, fault(400, &["0.0.seat_name"]));
    let edits = edited(|c| {
        first(c).seat_type = "M".into();
        first(c).seat_name = "一等座".into();
        first(c).ticket_type = 0;
    });
    assert_eq!(edits, fault(400, &["0.0.seat_type", "0.0.ticket_type"]));
    let edits = edited(|c| first(c).ticket_price = Fen(55_400));
    assert_eq!(edits, fault(422, &["0.0.ticket_price"]));
}

#[test]
fn a_seat_type_is_read_in_either_case_and_no_seat_is_sold_as_several() {
    let order = asked(&[seat(0, 0)]);
    let mut lower = callback(&order, &[(seat(0, 0), true)]);
    first(&mut lower).seat_type = "o".into();
    taken(order, &lower);
    for code in ["1", "O", "W"] {
        let standing = booking(|b| {
            b["legs"][0]["tickets"][0]["seat_type"] = code.into();
            b["legs"][0]["tickets"][0]["seat_name"] = "无座".into();
        });
        assert!(TrainOrder::new(standing.unwrap()).is_ok(), "{code}");
    }
}

#[test]
fn check_6_what_does_not_open_or_makes_no_sense_is_named_and_not_shown() {
    let closed = edited(|c| first(c).passenger.passenger_id = Field::Unopened);
    assert_eq!(closed, fault(401, &["0.0.passenger_id"]));
    let nonsense = edited(|c| {
        let person = &mut first(c).passenger;
        person.passenger_name = clear("\u{7}\u{1}");
        person.passenger_mobile = clear("1667xx77xxx");
        person.passenger_id_no = clear("999999199001010016\u{e000}");
        person.passenger_id_type = clear("99");
        person.country_code = clear("C");
        person.sex = clear("2");
        person.valid_date_start = clear("2026-13-01");
        person.birth_date = clear("20260101");
        person.passenger_id = clear("\u{8}");
        person.valid_date_end = clear("tomorrow");
    });
    let facts = [
        "passenger_name",
        "passenger_mobile",
        "passenger_id_no",
        "passenger_id_type",
        "country_code",
        "sex",
        "passenger_id",
        "valid_date_start",
        "birth_date",
        "valid_date_end",
    ];
    let expected: Vec<_> = facts.iter().map(|fact| format!("0.0.{fact}")).collect();
    assert_eq!(nonsense, (401, expected));
}

#[test]
fn check_6_the_passenger_must_be_the_orders() {
    let other = edited(|c| {
        first(c).passenger.passenger_name = clear("别人");
        first(c).passenger.passenger_id_no = clear("110101199003077571");
    });
    assert_eq!(other, fault(400, &["0.0.passenger_name", "0.0.passenger_id_no"]));
    let other = edited(|c| {
        let person = &mut first(c).passenger;
        person.passenger_id_type = clear("4");
        (person.country_code, person.birth_date) = (clear("HK"), clear("1990-01-01"));
        person.valid_date_end = clear("2030-01-01");
    });
    assert_eq!(other, fault(400, &["0.0.passenger_id_type"]));
}

#[test]
fn the_checks_go_in_their_order_and_the_first_that_finds_anything_answers() {
    let order = asked(&[seat(0, 0), seat(0, 1)]);
    let good = callback(&order, &[(seat(0, 0), true), (seat(0, 1), true)]);
    type Edit = fn(&mut Callback);
    // Each breaks one check, and none of those before it.
    #[rustfmt::skip]
    let breaks: [(Edit, i64); 10] = [
        (|c| c.trains[0].arrive_time = c.trains[0].start_time, 400),
        (|c| c.supplier_order_id = "s-2".into(), 404),
        (|c| c.refund_id = "r-0".parse().unwrap(), 409),
        (|c| c.trains[0].train_no = "G9".into(), 404),
        (|c| c.trains[0].from.name = "北京南".into(), 400),
        (|c| first(c).seat_no = "09F".into(), 404),
        (|c| first(c).seat_name = "一等座".into(), 400),
        (|c| first(c).passenger.passenger_name = Field::Unopened, 401),
        (|c| c.refund_cost = Fen(1), 422),
        (|c| c.order_status = 33, 400),
    ];
    // What a third check meets: a refund that is final.
    let done = json!({"command": "ask-refund", "refund_id": "r-0", "seats": [seat(1, 0)]});
    let order = perform(order, done).unwrap().into_state();
    let mut other = callback(&order, &[(seat(1, 0), true)]);
    other.refund_id = "r-0".parse().unwrap();
    let order = taken(order, &other);
    for (from, (_, code)) in breaks.iter().enumerate() {
        let mut callback = good.clone();
        breaks[from..].iter().for_each(|(edit, _)| edit(&mut callback));
        let (found, spots) = refused(&order, &callback);
        assert_eq!(found, *code, "check {from}: {spots:?}");
        let alone = {
            let mut callback = good.clone();
            breaks[from].0(&mut callback);
            refused(&order, &callback)
        };
        assert_eq!((found, spots), alone, "check {from} names what is its own, and all of it");
    }
    assert!(report(order, &good).is_ok());
}

#[test]
fn a_refund_of_another_order_is_not_found() {
    let order = order();
    let callback = callback(&order, &[(seat(0, 0), true)]);
    let refusal = order.report(&callback, "h", true, false, at(NOW)).unwrap_err();
    assert_eq!(refusal.code.code(), 404);
    assert_eq!(refusal.problems[0].spot.fact, "refund_id");
}

#[test]
fn what_a_callback_says_is_written_as_it_always_was() {
    // Databases keep what was made of it: written otherwise, the same callback again would be another.
    let mut said = callback(&asked(&[seat(0, 0)]), &[(seat(0, 0), true)]);
    let ticket = first(&mut said).clone();
    said.trains[0].tickets.push(CallbackTicket { fail_code: None, refund_rate: None, ..ticket });
    first(&mut said).passenger.sex = Field::Unopened;
    let person = "8:+旅客012:+1380000000119:+9999991990010100162:+01:-";
    let seat = "2:E02:053:00A1:O9:二等座1:15:553002:315:553001:0";
    assert_eq!(
        said.content(),
        [
            "3:r-13:s-12:E12:315:553001:02:+0",
            "361:2:G13:BJP6:北京3:SHH6:上海10:2026-06-1019:2026-06-10T08:00:00",
            "19:2026-06-10T13:00:00",
            &format!("133:{seat}1:-1:-1:-{person}2:+04:+p-01:-1:-1:-"),
            &format!("133:{seat}2:+01:-1:-{person}1:?4:+p-01:-1:-1:-"),
        ]
        .concat()
    );
}

#[test]
fn every_word_of_a_callback_counts_when_two_are_compared() {
    let order = asked(&[seat(0, 0)]);
    let good = callback(&order, &[(seat(0, 0), true)]);
    #[rustfmt::skip]
    let edits: [fn(&mut Callback); 12] = [
        |c| c.trains[0].from.name = "x".into(),
        |c| c.trains[0].to.name = "x".into(),
        |c| c.trains[0].arrive_time = c.trains[0].start_time,
        |c| c.refund_rate = None,
        |c| c.order_status = 32,
        |c| first(c).refund_rate = None,
        |c| first(c).fail_reason = Some(String::new()),
        |c| first(c).seat_type = "o".into(),
        |c| first(c).passenger.country_code = clear(""),
        |c| first(c).passenger.country_code = Field::Unopened,
        |c| first(c).passenger.sex = clear("1"),
        |c| { let ticket = first(c).clone(); c.trains[0].tickets.push(ticket); },
    ];
    let mut known = vec![good.content()];
    for edit in edits {
        let mut other = good.clone();
        edit(&mut other);
        assert!(!known.contains(&other.content()), "{:?}", other.trains[0].tickets[0]);
        known.push(other.content());
    }
}

#[test]
fn tickets_without_a_seat_are_told_apart_by_their_passengers() {
    let standing = booking(|b| {
        for at in 0..3 {
            let ticket = &mut b["legs"][0]["tickets"][at];
            (ticket["seat_name"], ticket["seat_no"]) = ("无座".into(), "00".into());
        }
    });
    let order = TrainOrder::new(standing.unwrap()).unwrap();
    let ask =
        json!({"command": "ask-refund", "refund_id": "r-1", "seats": [seat(0, 2), seat(0, 1)]});
    let order = perform(order, ask).unwrap().into_state();
    let mut two = callback(&order, &[(seat(0, 2), true), (seat(0, 1), true)]);
    let closed = &mut first(&mut two).passenger.passenger_id;
    let id = std::mem::replace(closed, Field::Unopened);
    assert_eq!(refused(&order, &two), fault(401, &["0.0.passenger_id"]));
    first(&mut two).passenger.passenger_id = id;
    let order = taken(order, &two);
    assert_eq!(order.ticket_status(seat(0, 1)), Some(TrainStatus::Refunded));
    assert_eq!(order.ticket_status(seat(0, 0)), Some(TrainStatus::Ticketed));
    let doubled = booking(|b| {
        b["legs"][0]["tickets"][0]["seat_name"] = "无座".into();
        b["legs"][0]["tickets"][2]["seat_no"] = "01A".into();
    });
    assert_eq!(TrainOrder::new(doubled.unwrap()), Err(BadTrain::Repeated("G1".into())));
}

#[test]
fn a_report_that_comes_before_its_application_is_taken_when_that_comes() {
    let early = callback(&order(), &[(seat(0, 0), true), (seat(0, 1), true)]);
    let parked = taken(order(), &early);
    let ask = |seats: Value| json!({"command": "ask-refund", "refund_id": "r-1", "seats": seats});
    let other = perform(parked.clone(), ask(json!([seat(0, 0)])));
    assert_eq!(other, Err(TrainRefusal::OtherRefund("r-1".parse().unwrap())));
    let both = ask(json!([seat(0, 1), seat(0, 0)]));
    let order = perform(parked, both).unwrap().into_state();
    assert_eq!(order.refunded_fen(), Fen(110_600));
    assert!(matches!(order.refunds[0].state, RefundState::Reported { .. }));
    assert_eq!(report(order.clone(), &early).unwrap().0, Step::Already(order));
}

#[test]
fn a_fee_is_judged_by_what_was_given_up_for_the_ticket() {
    // Four days before the train that is given up, to one that is far off.
    let mut leg = serde_json::to_value(&booking(|_| {}).unwrap().legs[0]).unwrap();
    (leg["departs"], leg["arrives"]) = ("2026-07-15T08:00:00".into(), "2026-07-15T13:00:00".into());
    leg["tickets"].as_array_mut().unwrap().truncate(1);
    let change = json!({"command": "change-tickets", "seats": [seat(0, 0)], "leg": leg});
    let day = at("2026-06-06T00:00:00Z");
    let order = order().perform(command(change), day).unwrap().into_state();
    let ask = json!({"command": "ask-refund", "refund_id": "r-1", "seats": [seat(2, 0)]});
    let order = order.perform(command(ask), day).unwrap().into_state();
    let mut callback = callback(&order, &[(seat(2, 0), true)]);
    assert_eq!(report(order.clone(), &callback).unwrap().1, ["refund_cost", "refund_rate"]);
    let ticket = first(&mut callback);
    (ticket.refund_price, ticket.refund_cost) = (Fen(52_550), Fen(2_750));
    (ticket.refund_rate, callback.refund_rate) = (None, Some(9));
    add_up(&mut callback);
    // Rates that are not given are not compared.
    assert_eq!(report(order, &callback).unwrap().1, [""; 0]);
}

#[test]
fn check_6_a_document_other_than_an_id_card_needs_country_birth_and_expiry() {
    let passport = booking(|b| {
        let passenger = &mut b["legs"][0]["tickets"][0]["passenger"];
        passenger["id_type"] = "passport".into();
        passenger["id_no"] = "E12345678".into();
    });
    let order = TrainOrder::new(passport.unwrap()).unwrap();
    let ask = json!({"command": "ask-refund", "refund_id": "r-1", "seats": [seat(0, 0)]});
    let order = perform(order, ask).unwrap().into_state();
    let mut callback = callback(&order, &[(seat(0, 0), true)]);
    first(&mut callback).passenger.passenger_id_type = clear("1");
    let missing = ["0.0.country_code", "0.0.birth_date", "0.0.valid_date_end"];
    assert_eq!(refused(&order, &callback), fault(400, &missing));
    let person = &mut first(&mut callback).passenger;
    (person.country_code, person.birth_date) = (clear("FR"), clear("1990-01-01"));
    person.valid_date_end = clear("2030-01-01");
    taken(order, &callback);
}

#[test]
fn check_6_an_id_cards_last_character_is_checked_unless_lenient() {
    let wrong = booking(|b| {
        b["legs"][0]["tickets"][0]["passenger"]["id_no"] = "432524100011191212".into();
    });
    let order = TrainOrder::new(wrong.unwrap()).unwrap();
    let ask = json!({"command": "ask-refund", "refund_id": "r-1", "seats": [seat(0, 0)]});
    let order = perform(order, ask).unwrap().into_state();
    let callback = callback(&order, &[(seat(0, 0), true)]);
    assert_eq!(refused(&order, &callback), fault(400, &["0.0.passenger_id_no"]));
    assert!(order.report(&callback, "h", false, true, at(NOW)).is_ok());
}

#[test]
fn check_7_the_amounts_add_up_for_each_ticket_and_for_the_callback() {
    let edits = edited(|c| {
        first(c).refund_price = Fen(55_299);
        add_up(c);
    });
    assert_eq!(edits, fault(422, &["0.0.refund_price"]));
    let edits = edited(|c| {
        c.refund_total = Fen(1);
        c.refund_cost = Fen(1);
    });
    assert_eq!(edits, fault(422, &["refund_total", "refund_cost"]));
    let failed = edited(|c| {
        let ticket = first(c);
        ticket.ticket_status = 32;
        (ticket.fail_code, ticket.fail_reason) = (Some("3001".into()), Some("原因".into()));
        c.order_status = 33;
    });
    assert_eq!(failed, fault(422, &["0.0.refund_price"]));
    let vast = edited(|c| {
        (first(c).refund_price, first(c).refund_cost) = (Fen(i64::MAX), Fen(i64::MAX));
    });
    assert_eq!(vast, fault(422, &["0.0.refund_price", "refund_total", "refund_cost"]));
}

#[test]
fn check_8_the_statuses_agree_and_a_failure_says_why() {
    assert_eq!(edited(|c| c.order_status = 33), fault(400, &["order_status"]));
    let odd = edited(|c| first(c).ticket_status = 30);
    assert_eq!(odd, fault(400, &["0.0.ticket_status"]));
    let order = asked(&[seat(0, 0)]);
    let mut failed = callback(&order, &[(seat(0, 0), false)]);
    first(&mut failed).fail_code = None;
    first(&mut failed).fail_reason = Some(" ".into());
    assert_eq!(refused(&order, &failed), fault(400, &["0.0.fail_code", "0.0.fail_reason"]));
}

#[test]
fn check_9_a_callback_updates_its_tickets_and_no_other() {
    let seats = [seat(0, 0), seat(1, 0), seat(1, 2)];
    let order = asked(&seats);
    assert_eq!(order.status(), TrainStatus::Refunding);
    let results = [(seats[0], true), (seats[1], false), (seats[2], true)];
    let order = taken(order.clone(), &callback(&order, &results));
    let statuses = |order: &TrainOrder| -> Vec<i64> {
        let seats = (0..2).flat_map(|leg| (0..3).map(move |ticket| seat(leg, ticket)));
        seats.map(|seat| order.ticket_status(seat).unwrap().code()).collect()
    };
    assert_eq!(statuses(&order), [31, 12, 12, 12, 12, 31]);
    assert_eq!(order.status(), TrainStatus::PartlyRefunded);
    assert_eq!(order.refunded_fen(), Fen(110_600));

    // What failed can be asked for again, with the rest; what is refunded cannot.
    let again = json!({"command": "ask-refund", "refund_id": "r-2", "seats": [seats[0]]});
    assert_eq!(perform(order.clone(), again), Err(TrainRefusal::NotLive(seats[0])));
    let rest = json!({"command": "ask-refund", "refund_id": "r-2"});
    let order = perform(order, rest).unwrap().into_state();
    let rest = [(0, 1), (0, 2), (1, 0), (1, 1)].map(|(leg, ticket)| (seat(leg, ticket), true));
    let mut second = callback(&order, &rest);
    second.refund_id = "r-2".parse().unwrap();
    let order = taken(order, &second);
    assert_eq!((statuses(&order), order.status()), (vec![31; 6], TrainStatus::Refunded));
    assert_eq!(order.refunded_fen(), Fen(6 * 55_300));
}

#[test]
fn check_10_a_refund_nobody_asked_for_waits_for_a_person() {
    let order = order();
    let offline = callback(&order, &[(seat(0, 0), true)]);
    let parked = taken(order.clone(), &offline);
    assert_eq!(parked.status(), TrainStatus::Ticketed);
    assert_eq!(report(parked.clone(), &offline).unwrap().0, Step::Already(parked.clone()));
    let other = callback(&order, &[(seat(0, 1), true)]);
    assert_eq!(refused(&parked, &other), fault(409, &["refund_id"]));

    let review = |name: &str| json!({"command": name, "refund_id": "r-1"});
    let accepted = perform(parked.clone(), review("accept-offline")).unwrap().into_state();
    assert_eq!(accepted.ticket_status(seat(0, 0)), Some(TrainStatus::Refunded));
    let again = perform(accepted.clone(), review("accept-offline"));
    assert_eq!(again, Ok(Step::Already(accepted.clone())));
    assert_eq!(report(accepted.clone(), &offline).unwrap().0, Step::Already(accepted.clone()));
    let late = perform(accepted, review("reject-offline"));
    assert_eq!(late, Err(TrainRefusal::WrongState("r-1".parse().unwrap(), "accepted")));
    let rejected = perform(parked, review("reject-offline")).unwrap().into_state();
    assert_eq!(rejected.ticket_status(seat(0, 0)), Some(TrainStatus::Ticketed));
    assert_eq!(rejected.refunded_fen(), Fen::ZERO);

    let failed = callback(&order, &[(seat(0, 0), false)]);
    assert_eq!(refused(&order, &failed), fault(400, &["0.0.ticket_status"]));
}

#[test]
fn a_person_cannot_take_a_refund_at_the_station_of_a_ticket_that_is_refunded() {
    let order = asked(&[seat(0, 0)]);
    let mut offline = callback(&order, &[(seat(0, 0), true)]);
    offline.refund_id = "r-2".parse().unwrap();
    let order = taken(order, &offline);
    let order = taken(order.clone(), &callback(&order, &[(seat(0, 0), true)]));
    let accept = json!({"command": "accept-offline", "refund_id": "r-2"});
    assert_eq!(perform(order, accept), Err(TrainRefusal::NotLive(seat(0, 0))));
}

#[test]
fn an_order_is_told_of_only_so_many_refunds_at_a_station() {
    let mut order = order();
    for number in 0..OFFLINE_MAX {
        let mut offline = callback(&order, &[(seat(0, 0), true)]);
        offline.refund_id = format!("off-{number}").parse().unwrap();
        order = taken(order, &offline);
    }
    let one_more = callback(&order, &[(seat(0, 0), true)]);
    assert_eq!(refused(&order, &one_more), fault(409, &["refund_id"]));
    // Those that were looked at count, and what is asked for has room of its own.
    let reject = json!({"command": "reject-offline", "refund_id": "off-0"});
    let order = perform(order, reject).unwrap().into_state();
    assert_eq!(refused(&order, &one_more), fault(409, &["refund_id"]));
    let ask = json!({"command": "ask-refund", "refund_id": "r-1", "seats": [seat(0, 0)]});
    taken(perform(order, ask).unwrap().into_state(), &one_more);
}

/// The first ticket moved to a later and cheaper train.
fn changed(price_fen: i64) -> TrainOrder {
    let mut leg = serde_json::to_value(&booking(|_| {}).unwrap().legs[0]).unwrap();
    leg["train_no"] = "G11".into();
    leg["departs"] = "2026-06-15T08:00:00".into();
    leg["arrives"] = "2026-06-15T13:00:00".into();
    leg["tickets"].as_array_mut().unwrap().truncate(1);
    leg["tickets"][0]["price_fen"] = price_fen.into();
    leg["tickets"][0]["passenger_ticket_no"] = "E7".into();
    let change = json!({"command": "change-tickets", "seats": [seat(0, 0)], "leg": leg});
    let order = perform(order(), change.clone()).unwrap().into_state();
    assert_eq!(perform(order.clone(), change.clone()), Ok(Step::Already(order.clone())));
    let mut again = change;
    again["seats"] = json!([seat(2, 0)]);
    assert_eq!(perform(order.clone(), again), Err(TrainRefusal::ChangedBefore));
    order
}

#[test]
fn what_was_booked_and_the_rest_make_the_whole_order_as_it_is_written() {
    let ask = json!({"command": "ask-refund", "refund_id": "r-1", "seats": [seat(2, 0)]});
    let order = perform(changed(30_000), ask).unwrap().into_state();
    let booking = serde_json::to_string(&order.booking).unwrap();
    let rest = serde_json::to_string(&order.rest()).unwrap();
    let whole = serde_json::to_string(&order).unwrap();
    assert_eq!(whole, format!("{{\"booking\":{booking},{}", &rest[1..]));
}

#[test]
fn after_a_change_the_new_ticket_is_refunded_and_the_one_given_up_is_not() {
    let order = changed(55_300);
    assert_eq!(order.ticket_status(seat(0, 0)), None);
    let old = callback(&order, &[(seat(0, 0), true)]);
    assert_eq!(refused(&order, &old), fault(409, &["0.0.passenger_ticket_no"]));
    let ask = json!({"command": "ask-refund", "refund_id": "r-1", "seats": [seat(0, 0)]});
    assert_eq!(perform(order.clone(), ask), Err(TrainRefusal::NotLive(seat(0, 0))));
    let ask = json!({"command": "ask-refund", "refund_id": "r-1", "seats": [seat(2, 0)]});
    let order = perform(order, ask).unwrap().into_state();
    let order = taken(order.clone(), &callback(&order, &[(seat(2, 0), true)]));
    assert_eq!(order.ticket_status(seat(2, 0)), Some(TrainStatus::Refunded));
}

#[test]
fn a_change_with_a_difference_in_price_loosens_the_tickets_sum_and_not_what_was_paid() {
    let order = changed(30_000);
    let ask = json!({"command": "ask-refund", "refund_id": "r-1", "seats": [seat(2, 0)]});
    let order = perform(order, ask).unwrap().into_state();
    let with = |price, refund, cost| {
        let mut callback = callback(&order, &[(seat(2, 0), true)]);
        let ticket = first(&mut callback);
        (ticket.ticket_price, ticket.refund_price, ticket.refund_cost) =
            (Fen(price), Fen(refund), Fen(cost));
        add_up(&mut callback);
        callback
    };
    for (price, refund, cost) in
        [(30_000, 30_000, 0), (55_300, 30_000, 1_000), (30_000, 29_000, 500)]
    {
        assert!(
            report(order.clone(), &with(price, refund, cost)).is_ok(),
            "{price} {refund} {cost}"
        );
    }
    let above = with(55_300, 55_300, 1);
    assert_eq!(refused(&order, &above), fault(422, &["0.0.refund_price"]));
    // No more goes back than the ticket costs now, whatever it cost before.
    for (price, refund) in [(55_300, 30_001), (30_000, 30_001)] {
        let too_much = with(price, refund, price.max(refund) - refund);
        assert_eq!(refused(&order, &too_much), fault(422, &["0.0.refund_price"]));
    }
}

#[test]
fn the_railways_table_of_fees_is_remarked_on_and_never_refuses() {
    // The journey is 40 days off: free. A fee of 5 percent is odd, and so is the rate.
    let order = asked(&[seat(0, 0)]);
    let mut callback = callback(&order, &[(seat(0, 0), true)]);
    let ticket = first(&mut callback);
    (ticket.refund_price, ticket.refund_cost, ticket.refund_rate) =
        (Fen(52_550), Fen(2_750), Some(5));
    callback.refund_rate = Some(10);
    callback.trains[0].start_time = "2026-06-10T07:55:00".parse().unwrap();
    callback.trains[0].arrive_time = "2026-06-10T12:55:00".parse().unwrap();
    add_up(&mut callback);
    let (step, remarks) = report(order.clone(), &callback).unwrap();
    assert!(matches!(step, Step::Taken(_)));
    assert_eq!(remarks, ["refund_cost", "refund_rate", "refund_rate", "start_time", "arrive_time"]);

    // Three days off, asked for in time: 5 percent is right.
    let ask = json!({"command": "ask-refund", "refund_id": "r-1", "seats": [seat(0, 0)]});
    let late =
        self::order().perform(command(ask), at("2026-06-06T00:00:00Z")).unwrap().into_state();
    callback.trains[0].start_time = "2026-06-10T08:00:00".parse().unwrap();
    callback.trains[0].arrive_time = "2026-06-10T13:00:00".parse().unwrap();
    callback.refund_rate = Some(5);
    assert_eq!(report(late, &callback).unwrap().1, [""; 0]);
}

#[test]
fn the_back_office_settles_what_the_supplier_does_not() {
    let order = asked(&[seat(0, 1), seat(0, 0)]);
    let result = |ticket, refund_fen, cost_fen| json!({"seat": seat(0, ticket), "refunded": true, "refund_fen": refund_fen, "cost_fen": cost_fen});
    let settle = |tickets: Value| json!({"command": "settle-refund", "refund_id": "r-1", "tickets": tickets});
    let bad = settle(json!([result(0, 55_300, 1), result(1, 55_300, 0)]));
    assert_eq!(perform(order.clone(), bad), Err(TrainRefusal::Amounts));
    let negative = settle(json!([result(0, 55_400, -100), result(1, 55_300, 0)]));
    assert_eq!(perform(order.clone(), negative), Err(TrainRefusal::Amounts));
    let lacking = settle(json!([result(0, 55_300, 0)]));
    assert_eq!(perform(order.clone(), lacking), Err(TrainRefusal::OtherTickets));
    let good = settle(json!([result(1, 55_300, 0), result(0, 55_000, 300)]));
    let settled = perform(order, good.clone()).unwrap().into_state();
    assert_eq!(settled.refunded_fen(), Fen(110_300));
    assert_eq!(perform(settled.clone(), good), Ok(Step::Already(settled.clone())));
    let other = settle(json!([result(1, 55_300, 0), result(0, 55_300, 0)]));
    assert_eq!(
        perform(settled.clone(), other),
        Err(TrainRefusal::WrongState("r-1".parse().unwrap(), "reported"))
    );
    // The supplier's own report comes too late.
    let late = callback(&settled, &[(seat(0, 0), true), (seat(0, 1), true)]);
    assert_eq!(refused(&settled, &late), fault(409, &["refund_id"]));
}

#[test]
fn asking_twice_is_asking_once() {
    let order = asked(&[seat(0, 0)]);
    let ask = |seats: Value| json!({"command": "ask-refund", "refund_id": "r-1", "seats": seats});
    assert_eq!(perform(order.clone(), ask(json!([seat(0, 0)]))), Ok(Step::Already(order.clone())));
    let other = Err(TrainRefusal::OtherRefund("r-1".parse().unwrap()));
    assert_eq!(perform(order.clone(), ask(json!([seat(0, 1)]))), other);
    for seats in [json!([seat(0, 0)]), json!([seat(0, 1), seat(0, 1)]), json!([seat(7, 0)])] {
        let mut more = ask(seats);
        more["refund_id"] = "r-2".into();
        assert!(matches!(perform(order.clone(), more), Err(TrainRefusal::NotLive(_))));
    }
}

#[test]
fn a_booking_that_breaks_a_rule_is_no_order() {
    let bad = |edit: fn(&mut Value)| TrainOrder::new(booking(edit).unwrap()).unwrap_err();
    assert_eq!(bad(|b| b["legs"] = json!([])), BadTrain::Legs);
    assert_eq!(bad(|b| b["legs"][0]["tickets"] = json!([])), BadTrain::Tickets);
    assert_eq!(
        bad(|b| b["legs"][0]["tickets"] = json!(vec![ticket(0, 0); 501])),
        BadTrain::Tickets
    );
    let twice = bad(|b| b["legs"][1] = b["legs"][0].clone());
    assert_eq!(twice, BadTrain::Repeated("G1".into()));
    let twice = bad(|b| b["legs"][0]["tickets"][1]["seat_no"] = "00A".into());
    assert_eq!(twice, BadTrain::Repeated("G1".into()));
    let twice = bad(|b| {
        b["legs"][0]["tickets"][1]["passenger"]["passenger_id"] = "p-0".into();
    });
    assert_eq!(twice, BadTrain::Repeated("G1".into()));
    assert_eq!(bad(|b| b["legs"][0]["tickets"][0]["price_fen"] = json!(-1)), BadTrain::Price);
    assert_eq!(
        bad(|b| {
            b["legs"][0]["tickets"][0]["price_fen"] = i64::MAX.into();
        }),
        BadTrain::Price
    );
    let backwards = bad(|b| b["legs"][0]["arrives"] = "2026-06-10T08:00:00".into());
    assert_eq!(backwards, BadTrain::Schedule("G1".into()));
    let seat = bad(|b| b["legs"][0]["tickets"][0]["seat_name"] = "硬卧".into());
    assert_eq!(seat, BadTrain::Seat("O".into(), "硬卧".into()));
    let station = bad(|b| b["legs"][0]["from"]["name"] = "上海".into());
    assert_eq!(station, BadTrain::Station("BJP".into(), "上海".into()));
    let station = bad(|b| b["legs"][0]["from"]["code"] = "bjp".into());
    assert_eq!(station, BadTrain::Station("bjp".into(), "北京".into()));
}

/// A refund asked for and reported on, one for each ticket, failed or with a fee.
fn one_each(fees: &[Option<i64>]) -> (TrainOrder, Vec<Callback>) {
    let mut order = order();
    let mut callbacks = Vec::new();
    for (at, fee) in fees.iter().enumerate() {
        let seat = seat(at / 3, at % 3);
        let refund_id = format!("r-{at}");
        // The last two are not asked for: they wait for a person.
        if at + 2 < fees.len() {
            let ask = json!({"command": "ask-refund", "refund_id": refund_id, "seats": [seat]});
            order = perform(order, ask).unwrap().into_state();
        }
        // At a station only what was refunded is reported.
        let fee = if at + 2 < fees.len() { *fee } else { fee.or(Some(0)) };
        let mut callback = callback(&order, &[(seat, fee.is_some())]);
        callback.refund_id = refund_id.parse().unwrap();
        if let Some(fee) = fee {
            first(&mut callback).refund_price = Fen(55_300 - fee);
            first(&mut callback).refund_cost = Fen(fee);
            add_up(&mut callback);
        }
        callbacks.push(callback);
    }
    (order, callbacks)
}

proptest! {
    #[test]
    fn any_permutation_of_callbacks_ends_in_the_same_state_and_the_amounts_add_up(
        fees in proptest::collection::vec(proptest::option::of(0..=55_300i64), 2..=6),
        shuffle in proptest::collection::vec(any::<prop::sample::Index>(), 12),
    ) {
        let (order, callbacks) = one_each(&fees);
        let straight = callbacks.iter().fold(order.clone(), taken);
        // Any order, some of them several times.
        let drawn = shuffle.iter().map(|index| index.get(&callbacks));
        let shuffled = drawn.chain(&callbacks).fold(order, |order, callback| {
            report(order, callback).unwrap().0.into_state()
        });
        prop_assert_eq!(&shuffled, &straight);
        let sum: i64 = fees[..fees.len() - 2].iter().flatten().map(|fee| 55_300 - fee).sum();
        prop_assert_eq!(straight.refunded_fen(), Fen(sum));
        let reports = straight.refunds.iter().filter_map(|refund| refund.state.report());
        for result in reports.flat_map(|report| &report.tickets) {
            let whole = if result.refunded { 55_300 } else { 0 };
            prop_assert_eq!(result.refund_fen.0 + result.cost_fen.0, whole);
        }
    }

    #[test]
    fn replays_never_change_anything_however_tickets_are_ordered(
        fees in proptest::collection::vec(proptest::option::of(0..=55_300i64), 2..=5),
        swap in any::<bool>(),
    ) {
        let seats: Vec<_> = (0..fees.len()).map(|at| seat(at / 3, at % 3)).collect();
        let order = asked(&seats);
        let results: Vec<_> = seats.iter().zip(&fees).map(|(s, fee)| (*s, fee.is_some())).collect();
        let good = callback(&order, &results);
        let done = taken(order, &good);
        let mut again = good;
        again.trains.iter_mut().for_each(|train| train.tickets.reverse());
        if swap {
            again.trains.reverse();
        }
        prop_assert_eq!(report(done.clone(), &again).unwrap().0, Step::Already(done.clone()));
        again.refund_cost = Fen(1);
        let refusal = report(done, &again).unwrap_err();
        prop_assert_eq!(refusal.code.code(), 409);
    }
}

#[test]
fn an_order_survives_being_stored() {
    let order = taken(asked(&[seat(0, 0)]), &callback(&order(), &[(seat(0, 0), true)]));
    let stored = serde_json::to_value(&order).unwrap();
    let again: TrainOrder = serde_json::from_value(stored).unwrap();
    assert_eq!(again, order);
    assert!(matches!(again.refunds[0].state, RefundState::Reported { .. }));
}
