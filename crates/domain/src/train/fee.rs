//! The railway's refund fee, for comparison: the railway decides, a difference is only noted.
//!
//! Tiers of 5, 10 and 20 percent are published; from when it is free, and the least fee of 2 yuan,
//! are common knowledge of the trade (*inferred*).

use jiff::civil::Date;

use crate::{Fen, Instant};

/// Hours from the refund to departure, from the largest, and the percentage from there on.
const TIERS: [(i64, i64); 3] = [(8 * 24, 0), (48, 5), (24, 10)];
/// From there on, and after departure, when only a person can still refund.
const LAST_PERCENT: i64 = 20;
/// A changed ticket's, in the season.
const SEASON_PERCENT: i64 = 20;
/// The tier that a change cannot get around.
const HELD_PERCENT: i64 = 5;
/// The least fee there is, when there is one at all.
const LEAST_FEN: i64 = 200;
/// Fees are in steps of half a yuan.
const STEP_FEN: i64 = 50;
const SECONDS_PER_HOUR: i64 = 3600;

/// Spring Festival travel seasons (春运), from 15 days before the new year to 24 after it. Inferred. A
/// later season needs a row here before it can be remarked on.
const SEASONS: [(Date, Date); 3] = [
    (Date::constant(2025, 1, 14), Date::constant(2025, 2, 22)),
    (Date::constant(2026, 2, 2), Date::constant(2026, 3, 13)),
    (Date::constant(2027, 1, 22), Date::constant(2027, 3, 2)),
];

/// A journey, as far as its fee depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journey {
    /// When it departs.
    pub departs: Instant,
    /// The day of travel, by the station's clock.
    pub day: Date,
    /// When it was changed to this one, and when the one given up would have departed.
    pub changed: Option<(Instant, Instant)>,
}

/// The percentage for a refund asked for at `now`.
pub fn percent(now: Instant, journey: Journey) -> i64 {
    let tier = tier(now, journey.departs);
    match journey.changed {
        Some(_) if in_season(journey.day) => SEASON_PERCENT,
        // A change to a far-off train does not get around the fee (*inferred*).
        Some((at, given_up)) if tier == 0 && self::tier(at, given_up) == HELD_PERCENT => {
            HELD_PERCENT
        }
        _ => tier,
    }
}

fn tier(now: Instant, departs: Instant) -> i64 {
    let left = departs.as_second() - now.as_second();
    let tier = TIERS.iter().find(|(hours, _)| left >= hours * SECONDS_PER_HOUR);
    tier.map_or(LAST_PERCENT, |(_, percent)| *percent)
}

fn in_season(day: Date) -> bool {
    SEASONS.iter().any(|(from, to)| (*from..=*to).contains(&day))
}

/// The fee at a percentage: rounded to half yuan, at least 2 yuan, never above the price.
pub fn fee(price: Fen, percent: i64) -> Option<Fen> {
    if percent == 0 {
        return Some(Fen::ZERO);
    }
    let hundredfold = price.0.checked_mul(percent)?;
    let steps = hundredfold.checked_add(STEP_FEN * 100 / 2)? / (STEP_FEN * 100);
    Some(Fen((steps * STEP_FEN).max(LEAST_FEN).min(price.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_price_pays_its_fee() {
        #[rustfmt::skip]
        let table = [
            (1_000,   200,   200,    200),
            (1_500,   200,   200,    300),
            (2_450,   200,   250,    500),
            (4_500,   250,   450,    900),
            (5_400,   250,   550,    1_100),
            (5_500,   300,   550,    1_100),
            (10_600,  550,   1_050,  2_100),
            (15_650,  800,   1_550,  3_150),
            (55_300,  2_750, 5_550,  11_050),
            (66_200,  3_300, 6_600,  13_250),
            (174_800, 8_750, 17_500, 34_950),
            (150,     150,   150,    150),
        ];
        for (price, five, ten, twenty) in table {
            let fees = [5, 10, 20].map(|percent| fee(Fen(price), percent));
            assert_eq!(fees, [Some(Fen(five)), Some(Fen(ten)), Some(Fen(twenty))], "{price}");
            assert_eq!(fee(Fen(price), 0), Some(Fen(0)));
        }
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn journey(departs: &str, changed: Option<(&str, &str)>) -> Journey {
        let departs = at(departs);
        let day = crate::time::platform_clock(departs).date();
        Journey { departs, day, changed: changed.map(|(when, from)| (at(when), at(from))) }
    }

    #[test]
    fn the_tiers_hold_on_both_sides_of_every_boundary() {
        let journey = journey("2026-06-10T00:00:00Z", None);
        let before = |seconds: i64| {
            let now = journey.departs.as_second() - seconds;
            percent(Instant::from_second(now).unwrap(), journey)
        };
        for (hours, at, after) in [(192, 0, 5), (48, 5, 10), (24, 10, 20), (0, 20, 20)] {
            assert_eq!((before(hours * 3600), before(hours * 3600 - 1)), (at, after), "{hours}");
        }
    }

    #[test]
    fn a_changed_ticket_in_the_spring_festival_season_pays_the_most_whenever() {
        let early = at("2026-01-01T00:00:00Z");
        let changed = Some(("2025-12-01T00:00:00Z", "2026-02-01T00:00:00Z"));
        for (departs, expected) in [
            ("2026-02-01T15:59:59Z", 0), // the last second of the day before it, by the station's clock
            ("2026-02-01T16:00:00Z", 20),
            ("2026-03-13T15:59:59Z", 20),
            ("2026-03-13T16:00:00Z", 0),
            ("2025-02-01T00:00:00Z", 20),
            ("2027-02-10T00:00:00Z", 20),
        ] {
            assert_eq!(percent(early, journey(departs, changed)), expected, "{departs}");
        }
        assert_eq!(percent(early, journey("2026-02-10T00:00:00Z", None)), 0);
    }

    #[test]
    fn a_change_to_a_far_off_train_does_not_get_around_the_fee() {
        let now = at("2026-06-01T00:00:00Z");
        let changed = |given_up| {
            let changed = Some(("2026-06-01T00:00:00Z", given_up));
            percent(now, journey("2026-07-01T00:00:00Z", changed))
        };
        assert_eq!(changed("2026-06-05T00:00:00Z"), 5);
        assert_eq!(changed("2026-06-09T00:00:00Z"), 0);
    }
}
