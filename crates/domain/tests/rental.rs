//! Car rental: every state against every command, and what real companies' terms come to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use domain::rental::{
    BadRental, Charge, NotCancellable, Quote, Rental, RentalBooking, RentalCommand, RentalRefusal,
    Rule,
};
use domain::{Fen, Instant, Step};
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Booked on the first, picked up on the tenth at ten in the morning, China's time.
const BOOKED: &str = "2026-03-01T00:00:00Z";
const PICK_UP: &str = "2026-03-10T02:00:00Z";

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// A moment so many hours before pick-up.
fn hours_before(hours: i64) -> Instant {
    at(PICK_UP).checked_sub(SignedDuration::from_hours(hours)).unwrap()
}

fn just_after(instant: Instant) -> Instant {
    instant.checked_add(SignedDuration::from_millis(1)).unwrap()
}

fn booking(policy: Value) -> RentalBooking {
    serde_json::from_value(json!({
        "key": {"app": "test", "channel_id": "80001", "order_id": "fz1"},
        "out_order_id": "gaode1",
        "booked_at": BOOKED,
        "pick_up": "2026-03-10T10:00:00",
        "give_back": "2026-03-13T10:00:00",
        "prices": {
            "rent_fen": 60_000, "handling_fen": 2_000, "services_fen": 15_001,
            "first_day_fen": 27_000,
        },
        "policy": policy,
    }))
    .unwrap()
}

fn accepted(booking: RentalBooking) -> Rental {
    let pay = RentalCommand::Pay { trade_no: "t".into(), amount_fen: None };
    let mut rental = Rental::new(booking).unwrap();
    for command in [pay, RentalCommand::Accept] {
        rental = rental.perform(command, at(BOOKED)).unwrap().into_state();
    }
    rental
}

fn fee(policy: Value, now: Instant) -> i64 {
    accepted(booking(policy)).quote(now).unwrap().fee_fen.0
}

fn percent(hours: u32, percent: u8, of: &str) -> Value {
    json!({"hours": hours, "charge": {"percent": {"percent": percent, "of": of}}})
}

fn tiers(tiers: Vec<Value>) -> Value {
    json!({"terms": {"tiers": tiers}})
}

/// The documented structure: at least 72 hours free, then 10, 20, 30 and 50 percent.
fn fliggy() -> Value {
    let rows = [(72, 0), (48, 10), (24, 20), (2, 30), (0, 50)];
    tiers(rows.map(|(hours, share)| percent(hours, share, "total")).into())
}

#[test]
fn the_documented_tiers_hold_on_both_sides_of_every_boundary() {
    // 10 % of 770.01 yuan is 77.001, rounded half up to 77.00.
    let (ten, twenty, thirty, half, all) = (7_700, 15_400, 23_100, 38_501, 77_001);
    for (hours, at_boundary, after) in
        [(72, 0, ten), (48, ten, twenty), (24, twenty, thirty), (2, thirty, half), (0, half, all)]
    {
        assert_eq!(fee(fliggy(), hours_before(hours)), at_boundary, "{hours}");
        assert_eq!(fee(fliggy(), just_after(hours_before(hours))), after, "{hours}");
    }
}

#[test]
fn ehi_charges_a_share_of_the_base_fee_and_more_at_pick_up() {
    let ehi = json!({"terms": {
        "tiers": [
            {"hours": 12, "charge": "free"},
            percent(2, 10, "standard"),
            percent(0, 20, "standard"),
        ],
        "no_show": {"percent": {"percent": 30, "of": "standard"}},
    }});
    let table = [(12, 0), (11, 6_200), (2, 6_200), (1, 12_400), (-1, 18_600)];
    for (hours, expected) in table {
        assert_eq!(fee(ehi.clone(), hours_before(hours)), expected, "{hours}");
    }
}

#[test]
fn zuzuches_partner_gives_back_a_share_of_the_rent() {
    let partner = tiers(vec![
        percent(24, 0, "rent"),
        percent(6, 20, "rent"),
        percent(1, 50, "rent"),
        percent(0, 70, "rent"),
    ]);
    for (hours, expected) in
        [(24, 0), (23, 12_000), (6, 12_000), (5, 30_000), (1, 30_000), (0, 42_000)]
    {
        assert_eq!(fee(partner.clone(), hours_before(hours)), expected, "{hours}");
    }
}

#[test]
fn reocar_charges_the_first_day() {
    let reocar = tiers(vec![
        json!({"hours": 2, "charge": "free"}),
        json!({"hours": 0, "charge": "first_day"}),
    ]);
    assert_eq!(fee(reocar.clone(), hours_before(2)), 0);
    assert_eq!(fee(reocar, just_after(hours_before(2))), 27_000);
}

#[test]
fn a_fixed_amount_is_charged_as_it_is() {
    let fixed = tiers(vec![json!({"hours": 0, "charge": {"fixed": {"fee_fen": 5_000}}})]);
    assert_eq!(fee(fixed, hours_before(100)), 5_000);
    // However large: what was paid is the most there is.
    let most = tiers(vec![json!({"hours": 0, "charge": {"fixed": {"fee_fen": i64::MAX}}})]);
    assert_eq!(fee(most, hours_before(100)), 77_001);
}

#[test]
fn a_peak_period_has_its_own_terms() {
    let policy = json!({
        "terms": {"tiers": [{"hours": 0, "charge": "free"}]},
        "peak": {"cancellable": false},
    });
    let mut peak = booking(policy.clone());
    peak.in_peak = true;
    assert_eq!(fee(policy, hours_before(100)), 0);
    assert_eq!(accepted(peak).quote(hours_before(100)), Err(NotCancellable::Terms));

    let dearer = json!({
        "terms": {"tiers": [{"hours": 0, "charge": "free"}]},
        "peak": {"tiers": [{"hours": 0, "charge": "first_day"}]},
    });
    let mut peak = booking(dearer);
    peak.in_peak = true;
    let quote = accepted(peak).quote(hours_before(100)).unwrap();
    assert_eq!((quote.fee_fen, quote.in_peak), (Fen(27_000), true));
}

#[test]
fn cancelling_is_free_for_a_while_after_booking_whatever_the_tiers_say() {
    let policy = json!({"terms": {
        "tiers": [{"hours": 0, "charge": "first_day"}],
        "free_minutes_after_booking": 30,
    }});
    let until = at("2026-03-01T00:30:00Z");
    let just_before = until.checked_sub(SignedDuration::from_millis(1)).unwrap();
    let rental = accepted(booking(policy));
    let quote = rental.quote(just_before).unwrap();
    assert_eq!((quote.fee_fen, quote.rule), (Fen(0), Rule::FreeWindow { minutes: 30 }));
    assert_eq!(quote.expires_at, until);
    assert_eq!(rental.quote(until).unwrap(), quote);
    assert_eq!(rental.quote(just_after(until)).unwrap().fee_fen, Fen(27_000));
}

#[test]
fn after_pick_up_time_nobody_showed_up_and_everything_is_charged_unless_the_terms_differ() {
    let late = just_after(at(PICK_UP));
    assert_eq!(fee(fliggy(), at(PICK_UP)), 38_501);
    assert_eq!(fee(fliggy(), late), 77_001);
    let mild = json!({"terms": {"no_show": {"fixed": {"fee_fen": 100}}}});
    assert_eq!(fee(mild, late), 100);
}

#[test]
fn terms_may_forbid_cancelling_or_ask_for_a_person() {
    let forbidden = accepted(booking(json!({"terms": {"cancellable": false}})));
    assert_eq!(forbidden.quote(hours_before(100)), Err(NotCancellable::Terms));
    let checked = accepted(booking(json!({"terms": {"manual_check_hours": 4}})));
    assert_eq!(checked.quote(hours_before(4)).unwrap().fee_fen, Fen(0));
    assert_eq!(checked.quote(just_after(hours_before(4))), Err(NotCancellable::NeedsAPerson));
    let close = hours_before(4).checked_sub(SignedDuration::from_mins(3)).unwrap();
    assert_eq!(checked.quote(close).unwrap().expires_at, hours_before(4));
}

#[test]
fn a_fee_is_never_above_what_was_paid() {
    let pay = RentalCommand::Pay { trade_no: "t".into(), amount_fen: Some(Fen(10_000)) };
    let rental = Rental::new(booking(fliggy())).unwrap();
    let rental = rental.perform(pay, at(BOOKED)).unwrap().into_state();
    let rental = rental.perform(RentalCommand::Accept, at(BOOKED)).unwrap().into_state();
    let quote = rental.quote(hours_before(1)).unwrap();
    assert_eq!((quote.fee_fen, quote.base_fen, quote.is_capped), (Fen(10_000), Fen(77_001), true));
}

#[test]
fn a_payment_is_something_and_the_same_one_again_says_the_same() {
    let pay = |amount_fen| RentalCommand::Pay { trade_no: "t".into(), amount_fen };
    let rental = Rental::new(booking(fliggy())).unwrap();
    for amount_fen in [-1, 0, 77_002] {
        let refused = rental.clone().perform(pay(Some(Fen(amount_fen))), at(BOOKED));
        assert_eq!(refused, Err(RentalRefusal::Amount), "{amount_fen}");
    }
    let paid = rental.perform(pay(None), at(BOOKED)).unwrap().into_state();
    for amount_fen in [None, Some(Fen(77_001))] {
        let again = paid.clone().perform(pay(amount_fen), at(BOOKED));
        assert_eq!(again, Ok(Step::Already(paid.clone())));
    }
    assert!(paid.perform(pay(Some(Fen(1))), at(BOOKED)).is_err());
}

#[test]
fn a_quote_holds_a_quarter_of_an_hour_and_never_past_the_next_boundary() {
    let rental = accepted(booking(fliggy()));
    let early = hours_before(100);
    let quarter = SignedDuration::from_mins(15);
    assert_eq!(rental.quote(early).unwrap().expires_at, early.checked_add(quarter).unwrap());
    let close = hours_before(72).checked_sub(SignedDuration::from_mins(5)).unwrap();
    assert_eq!(rental.quote(close).unwrap().expires_at, hours_before(72));
}

#[test]
fn what_is_unpaid_or_unconfirmed_costs_nothing() {
    let rental = Rental::new(booking(json!({"terms": {"cancellable": false}}))).unwrap();
    assert_eq!(rental.quote(at(BOOKED)).unwrap().rule, Rule::Unpaid);
    let pay = RentalCommand::Pay { trade_no: "t".into(), amount_fen: None };
    let paid = rental.perform(pay, at(BOOKED)).unwrap().into_state();
    let quote = paid.quote(at(BOOKED)).unwrap();
    assert_eq!((quote.rule, quote.fee_fen), (Rule::Unconfirmed, Fen(0)));
}

/// One rental in each state, at its code.
fn rentals() -> Vec<(i64, Rental)> {
    use RentalCommand as C;
    let pay = || C::Pay { trade_no: "t".into(), amount_fen: None };
    let after = |commands: Vec<RentalCommand>| {
        let mut rental = Rental::new(booking(fliggy())).unwrap();
        for command in commands {
            rental = rental.perform(command, at(BOOKED)).unwrap().into_state();
        }
        (rental.status().code(), rental)
    };
    vec![
        after(vec![]),
        after(vec![pay()]),
        after(vec![pay(), C::Accept]),
        after(vec![pay(), C::Accept, C::Prepare]),
        after(vec![pay(), C::Accept, C::PickUp]),
        after(vec![pay(), C::Accept, C::PickUp, C::GiveBack]),
        after(vec![pay(), C::Accept, C::PickUp, C::GiveBack, C::Complete]),
        after(vec![pay(), C::Accept, C::Cancel]),
        after(vec![C::Cancel]),
        after(vec![pay(), C::Refuse]),
        after(vec![pay(), C::Close]),
    ]
}

#[test]
fn every_rental_state_answers_every_command() {
    use RentalCommand as C;
    let pay = C::Pay { trade_no: "t".into(), amount_fen: None };
    let commands = [
        pay,
        C::Accept,
        C::Prepare,
        C::Refuse,
        C::PickUp,
        C::GiveBack,
        C::Complete,
        C::Cancel,
        C::Close,
    ];
    #[rustfmt::skip]
    let table = [
        //     pay   accept prepare refuse pick-up back   complete cancel close
        (0,   ["10", ".",   ".",    ".",   ".",    ".",   ".",     "60",  "65"]),
        (10,  ["=",  "22",  ".",    "63",  ".",    ".",   ".",     "131", "65"]),
        (22,  ["=",  "=",   "111",  ".",   "121",  ".",   ".",     "131", "65"]),
        (111, ["=",  ".",   "=",    ".",   "121",  ".",   ".",     "131", "65"]),
        (121, ["=",  ".",   ".",    ".",   "=",    "122", ".",     ".",   "65"]),
        (122, ["=",  ".",   ".",    ".",   ".",    "=",   "123",   ".",   "65"]),
        (123, ["=",  ".",   ".",    ".",   ".",    ".",   "=",     ".",   "."]),
        (131, ["=",  ".",   ".",    ".",   ".",    ".",   ".",     "=",   "."]),
        (60,  [".",  ".",   ".",    ".",   ".",    ".",   ".",     "=",   "."]),
        (63,  ["=",  ".",   ".",    "=",   ".",    ".",   ".",     ".",   "."]),
        (65,  ["=",  ".",   ".",    ".",   ".",    ".",   ".",     ".",   "="]),
    ];
    for ((code, rental), (row, cells)) in rentals().into_iter().zip(table) {
        assert_eq!(code, row);
        for (command, expected) in commands.iter().zip(cells) {
            let found = match rental.clone().perform(command.clone(), at(BOOKED)) {
                Ok(Step::Taken(rental)) => rental.status().code().to_string(),
                Ok(Step::Already(_)) => "=".to_owned(),
                Err(_) => ".".to_owned(),
            };
            assert_eq!(found, expected, "{code} × {}", command.name());
        }
    }
}

#[test]
fn a_rental_is_quotable_in_four_states_and_in_no_other() {
    for (code, rental) in rentals() {
        let quotable = rental.quote(at(BOOKED)).is_ok();
        assert_eq!(quotable, [0, 10, 22, 111].contains(&code), "{code}");
    }
}

#[test]
fn the_fee_of_a_cancel_is_the_one_quoted_at_that_moment() {
    let rental = accepted(booking(fliggy()));
    let now = hours_before(30);
    let quoted = rental.quote(now).unwrap().fee_fen;
    let cancelled = rental.perform(RentalCommand::Cancel, now).unwrap().into_state();
    let json = serde_json::to_value(&cancelled).unwrap();
    assert_eq!(json["state"]["cancelled"]["fee_fen"], quoted.0);
}

#[test]
fn a_booking_or_policy_that_breaks_a_rule_is_no_rental() {
    let with = |policy: Value| Rental::new(booking(policy)).unwrap_err().to_string();
    let rule = "tiers name different hours, at most 24 of them, and one names 0";
    assert_eq!(with(tiers(vec![percent(5, 10, "total")])), rule);
    assert_eq!(with(tiers(vec![percent(0, 10, "total"), percent(0, 20, "total")])), rule);
    let charge = "a charge is below nothing or above 100 percent";
    assert_eq!(with(tiers(vec![percent(0, 101, "total")])), charge);
    let negative = json!({"hours": 0, "charge": {"fixed": {"fee_fen": -1}}});
    assert_eq!(with(tiers(vec![negative])), charge);
    assert_eq!(
        with(tiers(vec![percent(0, 1, "rent"), percent(9_999, 1, "rent")])),
        "hours are at most 8784"
    );

    let mut backwards = booking(fliggy());
    backwards.give_back = backwards.pick_up;
    assert_eq!(Rental::new(backwards), Err(BadRental::Schedule));
    for (rent, first) in [(-1, 0), (i64::MAX, 0), (1, 100_000)] {
        let mut priced = booking(fliggy());
        (priced.prices.rent_fen, priced.prices.first_day_fen) = (Fen(rent), Fen(first));
        assert_eq!(Rental::new(priced), Err(BadRental::Prices));
    }
}

/// Documents as they have been stored. When their form must change, add another and keep these.
#[test]
fn every_document_ever_stored_still_reads() {
    let rental: Rental = serde_json::from_str(include_str!("documents/rental-1.json")).unwrap();
    assert_eq!(rental.status().code(), 131);
}

proptest! {
    /// Later is never cheaper, where the terms themselves grow; and no fee leaves its bounds.
    #[test]
    fn a_quote_of_growing_tiers_never_falls_with_time(
        mut steps in prop::collection::vec((0_u32..200, 0_u8..=100), 0..6),
        first in -300_i64..300,
        later in 0_i64..300,
        paid in 0_i64..77_001,
    ) {
        steps.push((0, 100));
        steps.sort_unstable();
        steps.dedup_by_key(|step| step.0);
        let mut shares: Vec<_> = steps.iter().map(|step| step.1).collect();
        shares.sort_unstable_by(|a, b| b.cmp(a));
        let rows = steps.iter().zip(shares).map(|(step, share)| percent(step.0, share, "total"));
        let rental = Rental::new(booking(tiers(rows.collect()))).unwrap();
        let pay = RentalCommand::Pay { trade_no: "t".into(), amount_fen: Some(Fen(paid)) };
        let rental = rental.perform(pay, at(BOOKED)).unwrap().into_state();
        let rental = rental.perform(RentalCommand::Accept, at(BOOKED)).unwrap().into_state();
        let quote = |hours: i64| -> Quote { rental.quote(hours_before(hours)).unwrap() };
        let (earlier, then) = (quote(first), quote(first - later));
        prop_assert!(earlier.fee_fen <= then.fee_fen);
        prop_assert!(earlier.fee_fen >= Fen::ZERO && then.fee_fen <= Fen(paid));
        prop_assert_eq!(quote(first), earlier);
        let is_a_share = matches!(earlier.rule.charge(), Charge::Percent { .. });
        prop_assert!(is_a_share);
    }
}
