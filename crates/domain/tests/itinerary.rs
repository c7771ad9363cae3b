//! Itinerary receipts: every rule of a postback, and that order of arrival does not matter.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use domain::itinerary::code::{PostbackCode, TicketState, TravelStatus};
use domain::itinerary::{
    BadReceipts, PARKED_MAX, Person, Postback, Receipts, ReceiptsCommand, ReceiptsKey,
    ReceiptsOrder, Reported, TicketNo, Verdict,
};
use domain::{Instant, Step};
use proptest::prelude::*;
use serde_json::{Value, json};

const NUMBERS: [&str; 3] = ["7812345678901", "7812345678902", "7812345678903"];

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn number(text: &str) -> TicketNo {
    TicketNo::try_from(text.to_owned()).unwrap()
}

fn key() -> ReceiptsKey {
    serde_json::from_value(json!({
        "app": "cwt", "cwt_account_no": "12342134", "out_relation_order_id": "o-1",
    }))
    .unwrap()
}

fn order(edit: impl FnOnce(&mut Value)) -> ReceiptsOrder {
    let ticket = |number: &str| json!({"number": number, "traveller": {"emp_no": "322558", "ht_user_id": "123421"}});
    let mut order = json!({
        "booked_at": "2026-03-01T00:00:00Z",
        "travel_request": {"tes_head_id": "t-1", "status": "approved"},
        "submitter": {"emp_no": "900001"},
        "tickets": NUMBERS.map(ticket),
    });
    edit(&mut order);
    serde_json::from_value(order).unwrap()
}

fn receipts() -> Receipts {
    Receipts::new(key(), order(|_| {})).unwrap()
}

fn postback(numbers: &[&str]) -> Postback {
    let reported = |text: &&str| Reported { given: (*text).to_owned(), number: number(text) };
    Postback {
        at: at("2026-03-02T00:00:00Z"),
        tes_head_id: "t-1".parse().unwrap(),
        tickets: numbers.iter().map(reported).collect(),
        person: Person { emp_no: None, ht_user_id: None },
    }
}

fn synced(receipts: &Receipts) -> Vec<String> {
    receipts.synced().map(ToString::to_string).collect()
}

fn refusal(receipts: Receipts, postback: Postback, elsewhere: &[TicketNo]) -> (i64, Vec<bool>) {
    let refusal = receipts.post(postback, elsewhere).unwrap_err();
    let refused = refusal.verdicts.iter().map(|v| matches!(v, Verdict::Refused(_))).collect();
    (refusal.code.code(), refused)
}

#[test]
fn the_same_list_again_is_the_same_success_and_a_superset_adds() {
    let (first, verdicts) = receipts().post(postback(&NUMBERS[..1]), &[]).unwrap();
    assert_eq!(verdicts, [Verdict::Synced]);
    let Step::Taken(first) = first else { panic!("nothing was taken") };
    assert_eq!(synced(&first), &NUMBERS[..1]);

    let mut later = postback(&NUMBERS[..1]);
    later.at = at("2026-03-09T00:00:00Z");
    let (again, verdicts) = first.clone().post(later, &[]).unwrap();
    assert_eq!((again, verdicts), (Step::Already(first.clone()), vec![Verdict::Synced]));

    let (more, _) = first.post(postback(&NUMBERS[..2]), &[]).unwrap();
    let Step::Taken(more) = more else { panic!("nothing was added") };
    assert_eq!(synced(&more), &NUMBERS[..2]);
}

#[test]
fn a_postback_for_another_travel_request_is_refused() {
    let mut other = postback(&NUMBERS[..1]);
    other.tes_head_id = "t-2".parse().unwrap();
    assert_eq!(refusal(receipts(), other, &[]), (2003, vec![true]));
}

#[test]
fn a_travel_request_that_is_not_approved_takes_no_receipts() {
    for status in ["approving", "rejected"] {
        let order = order(|order| order["travel_request"]["status"] = status.into());
        let receipts = Receipts::new(key(), order).unwrap();
        assert_eq!(refusal(receipts, postback(&NUMBERS[..1]), &[]), (2002, vec![true]));
    }
    let undecided = order(|order| order["travel_request"]["status"] = "approving".into());
    let receipts = Receipts::new(key(), undecided).unwrap();
    let decide = ReceiptsCommand::DecideTravel { status: TravelStatus::Approved };
    let receipts =
        receipts.perform(decide.clone(), at("2026-03-01T12:00:00Z")).unwrap().into_state();
    assert!(receipts.clone().post(postback(&NUMBERS), &[]).is_ok());
    assert!(matches!(receipts.perform(decide, at("2026-03-01T12:00:00Z")), Ok(Step::Already(_))));
}

#[test]
fn a_foreign_ticket_refuses_the_whole_list_and_says_which_it_is() {
    let mixed = postback(&[NUMBERS[0], "7819999999999"]);
    assert_eq!(refusal(receipts(), mixed, &[]), (2004, vec![false, true]));
}

#[test]
fn a_dead_ticket_is_refused_but_a_receipt_reported_before_stays() {
    let ended_at = at("2026-03-01T12:00:00Z");
    for state in [TicketState::Refunded, TicketState::Void, TicketState::Exchanged] {
        let end = || ReceiptsCommand::EndTicket { number: number(NUMBERS[0]), state };
        let ended = receipts().perform(end(), ended_at).unwrap().into_state();
        assert_eq!(refusal(ended, postback(&NUMBERS[..2]), &[]), (2005, vec![true, false]));

        let (reported, _) = receipts().post(postback(&NUMBERS[..1]), &[]).unwrap();
        let ended = reported.into_state().perform(end(), ended_at).unwrap().into_state();
        let ticket = &ended.order.as_ref().unwrap().tickets[0];
        assert!(ticket.receipt.as_ref().unwrap().to_be_reversed);
        let (again, _) = ended.clone().post(postback(&NUMBERS[..1]), &[]).unwrap();
        assert_eq!(again, Step::Already(ended.clone()));
        // Nothing moves on from an end.
        assert!(matches!(ended.clone().perform(end(), ended_at), Ok(Step::Already(_))));
        let other =
            ReceiptsCommand::EndTicket { number: number(NUMBERS[0]), state: TicketState::Live };
        assert!(ended.perform(other, ended_at).is_err());
    }
}

#[test]
fn a_person_who_is_named_must_be_the_traveller_or_the_submitter() {
    let named = |emp_no: Option<&str>, ht_user_id: Option<&str>| {
        let mut postback = postback(&NUMBERS[..1]);
        postback.person = Person {
            emp_no: emp_no.map(|text| text.parse().unwrap()),
            ht_user_id: ht_user_id.map(|text| text.parse().unwrap()),
        };
        receipts().post(postback, &[]).map(|_| ()).map_err(|refusal| refusal.code)
    };
    assert_eq!(named(Some("322558"), Some("123421")), Ok(()));
    assert_eq!(named(None, Some("123421")), Ok(()));
    assert_eq!(named(Some("900001"), None), Ok(()));
    for (emp_no, ht_user_id) in [("1", "123421"), ("322558", "1"), ("900001", "123421")] {
        let refused = named(Some(emp_no), Some(ht_user_id));
        assert_eq!(refused, Err(PostbackCode::OtherPerson), "{emp_no} {ht_user_id}");
    }
}

#[test]
fn a_ticket_bound_to_another_order_is_refused() {
    let elsewhere = [number(NUMBERS[1])];
    let refused = refusal(receipts(), postback(&NUMBERS[..2]), &elsewhere);
    assert_eq!(refused, (3001, vec![false, true]));
}

#[test]
fn a_postback_that_comes_first_waits_and_is_bound_when_the_order_appears() {
    let (waiting, verdicts) = Receipts::awaited(key()).post(postback(&NUMBERS[..2]), &[]).unwrap();
    assert_eq!(verdicts, [Verdict::Pending, Verdict::Pending]);
    let waiting = waiting.into_state();
    let (again, _) = waiting.clone().post(postback(&NUMBERS[..2]), &[]).unwrap();
    assert_eq!(again, Step::Already(waiting.clone()));
    let (bound, refused) = waiting.clone().appear(order(|_| {}), &[]);
    assert!(refused.is_empty() && bound.parked.is_empty());
    let (after, _) = receipts().post(postback(&NUMBERS[..2]), &[]).unwrap();
    assert_eq!(bound, after.into_state());

    let (refused_all, refused) = waiting.appear(
        order(|order| {
            order["travel_request"]["tes_head_id"] = "t-2".into();
        }),
        &[],
    );
    assert_eq!(refused[0].code, PostbackCode::OtherTravel);
    assert!(synced(&refused_all).is_empty() && refused_all.parked.is_empty());
}

#[test]
fn what_was_said_to_be_pending_waits_on_until_its_travel_request_is_approved() {
    let now = at("2026-03-05T00:00:00Z");
    let waiting = Receipts::awaited(key()).post(postback(&NUMBERS[..2]), &[]).unwrap().0;
    for status in ["approving", "rejected"] {
        let undecided = order(|order| order["travel_request"]["status"] = status.into());
        let (unbound, refused) = waiting.clone().into_state().appear(undecided, &[]);
        assert!(refused.is_empty() && synced(&unbound).is_empty());
        assert_eq!(unbound.parked.len(), 1);
        let approve = ReceiptsCommand::DecideTravel { status: TravelStatus::Approved };
        let bound = unbound.perform(approve, now).unwrap().into_state();
        assert_eq!(synced(&bound), &NUMBERS[..2]);
        assert!(bound.parked.is_empty());
    }
}

#[test]
fn a_receipt_reported_before_its_ticket_ended_is_taken_when_the_order_appears_after() {
    let end = |now: &str| {
        let state = TicketState::Refunded;
        let end = ReceiptsCommand::EndTicket { number: number(NUMBERS[0]), state };
        let ended = receipts().perform(end, at(now)).unwrap().into_state();
        let waiting = Receipts::awaited(key()).post(postback(&NUMBERS[..1]), &[]).unwrap().0;
        waiting.into_state().appear(ended.order.unwrap(), &[])
    };
    let (bound, refused) = end("2026-03-03T00:00:00Z");
    assert!(refused.is_empty());
    let ticket = bound.order.unwrap().tickets.remove(0);
    assert!(ticket.receipt.unwrap().to_be_reversed);

    let (unbound, refused) = end("2026-03-01T00:00:00Z");
    assert_eq!(refused[0].code, PostbackCode::DeadTicket);
    assert!(synced(&unbound).is_empty());
}

#[test]
fn one_list_written_in_many_ways_waits_once() {
    let waiting = Receipts::awaited(key()).post(postback(&NUMBERS), &[]).unwrap().0.into_state();
    let mut turned = postback(&NUMBERS);
    turned.tickets.rotate_left(1);
    turned.tickets[0].given = "781 2345678902".to_owned();
    let (again, _) = waiting.clone().post(turned, &[]).unwrap();
    assert_eq!(again, Step::Already(waiting));
}

#[test]
fn only_so_many_postbacks_wait_for_one_order() {
    let mut waiting = Receipts::awaited(key());
    for serial in 0..PARKED_MAX {
        let one = postback(&[&format!("78100000000{serial:02}")]);
        waiting = waiting.post(one, &[]).unwrap().0.into_state();
    }
    assert_eq!(refusal(waiting, postback(&NUMBERS[..1]), &[]), (1004, vec![true]));
}

#[test]
fn an_order_has_each_ticket_once_and_no_receipt_by_booking() {
    let twice = order(|order| order["tickets"][1] = order["tickets"][0].clone());
    assert_eq!(Receipts::new(key(), twice), Err(BadReceipts::Tickets));
    let none = order(|order| order["tickets"] = json!([]));
    assert_eq!(Receipts::new(key(), none), Err(BadReceipts::Tickets));
    let receipt = json!({"at": "2026-03-01T00:00:00Z", "given": "x", "to_be_reversed": false});
    let booked = order(|order| order["tickets"][0]["receipt"] = receipt);
    assert_eq!(Receipts::new(key(), booked), Err(BadReceipts::Receipts));
}

/// Documents as they have been stored. When their form must change, add another and keep these.
#[test]
fn every_document_ever_stored_still_reads() {
    let stored: Receipts = serde_json::from_str(include_str!("documents/receipts-1.json")).unwrap();
    assert_eq!(synced(&stored), &NUMBERS[..2]);
}

/// Something that happens to an order: a postback with these tickets, or the end of one ticket.
#[derive(Debug, Clone)]
enum Event {
    Post(Vec<&'static str>),
    End(&'static str),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let list = prop::sample::subsequence(NUMBERS.to_vec(), 1..=3).prop_shuffle();
    let event = prop_oneof![
        3 => list.prop_map(Event::Post),
        1 => prop::sample::select(NUMBERS.to_vec()).prop_map(Event::End),
    ];
    prop::collection::vec(event, 1..8)
}

/// The moment of the event at this position, and how its tickets are spelt.
fn moment(position: usize) -> Instant {
    at(&format!("2026-03-02T00:00:{position:02}Z"))
}

fn post(receipts: Receipts, list: &[&str], position: usize) -> Receipts {
    let mut postback = postback(list);
    postback.at = moment(position);
    for ticket in &mut postback.tickets {
        ticket.given = format!("{} spelt {position}", ticket.given);
    }
    match receipts.clone().post(postback, &[]) {
        Ok((step, _)) => step.into_state(),
        // As the supplier was told.
        Err(_) => receipts,
    }
}

fn end(receipts: Receipts, ticket: &str, position: usize) -> Receipts {
    let end = ReceiptsCommand::EndTicket { number: number(ticket), state: TicketState::Refunded };
    receipts.perform(end, moment(position)).unwrap().into_state()
}

proptest! {
    /// Whenever the order is brought in, with what had become of its tickets by then, everything ends
    /// as if it had been there from the start.
    #[test]
    fn it_does_not_matter_when_the_order_appears(events in events(), appears in 0_usize..8) {
        let mut straight = receipts();
        let mut waiting = Receipts::awaited(key());
        let mut order = receipts();
        for (position, event) in events.iter().enumerate() {
            if position == appears {
                waiting = waiting.appear(order.order.clone().unwrap(), &[]).0;
            }
            straight = match event {
                Event::Post(list) => post(straight, list, position),
                Event::End(ticket) => end(straight, ticket, position),
            };
            match event {
                Event::Post(list) => waiting = post(waiting, list, position),
                Event::End(ticket) if position < appears => order = end(order, ticket, position),
                Event::End(ticket) => waiting = end(waiting, ticket, position),
            }
        }
        if events.len() <= appears {
            waiting = waiting.appear(order.order.unwrap(), &[]).0;
        }
        prop_assert_eq!(waiting, straight);
    }
}
