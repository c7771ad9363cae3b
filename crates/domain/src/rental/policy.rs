//! What cancelling costs: terms as data, and the fee as a pure function of them.
//!
//! The structure is the published `cancelStrategyStruct`, tiers of a percentage by hours before
//! pick-up, widened to what rental companies really promise. How it is read is *inferred*: a tier
//! holds while **at least** its hours are left, and after pick-up time nobody showed up.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::order::Prices;
use crate::{Fen, Instant};

/// Most tiers of one set of terms; the longest published has five.
pub const TIERS_MAX: usize = 24;
/// Most hours before pick-up that a tier or a check may name: a year.
pub const HOURS_MAX: u32 = 24 * 366;

/// A rental's cancellation policy, as it stood when it was booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The usual terms.
    pub terms: Terms,
    /// The terms of a rental in a peak period, where they differ.
    #[serde(default)]
    pub peak: Option<Terms>,
}

/// What cancelling costs, and whether it can be done at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// `supportCancel`.
    #[serde(default = "yes")]
    pub cancellable: bool,
    /// `cancelRules`; one of them names 0 hours. Empty is free of charge until pick-up.
    #[serde(default)]
    pub tiers: Vec<Tier>,
    /// What is charged after pick-up time. Inferred: everything, unless the terms say otherwise.
    #[serde(default = "everything")]
    pub no_show: Charge,
    /// For how long after booking cancelling is free whatever the tiers say.
    #[serde(default)]
    pub free_minutes_after_booking: u32,
    /// `manualCheckTime`: within so many hours of pick-up a person must look at it. Inferred: then
    /// there is no quote.
    #[serde(default)]
    pub manual_check_hours: u32,
}

const fn yes() -> bool {
    true
}

const fn everything() -> Charge {
    Charge::Percent { percent: 100, of: Base::Total }
}

/// What is charged while at least so many hours are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Hours before pick-up.
    pub hours: u32,
    /// What is charged.
    pub charge: Charge,
}

/// What is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charge {
    /// Nothing.
    Free,
    /// A percentage, rounded half up to the fen.
    Percent {
        /// 0 to 100.
        percent: u8,
        /// Of what.
        of: Base,
    },
    /// The first day: rent, handling and added services.
    FirstDay,
    /// A fixed amount.
    Fixed {
        /// How much.
        fee_fen: Fen,
    },
}

/// What a percentage is taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// Rent, handling and added services.
    Total,
    /// The rent alone.
    Rent,
    /// Rent and handling: the published standard price.
    Standard,
}

/// Terms break a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTerms {
    /// More than a hundred percent, or a negative amount.
    #[error("a charge is below nothing or above 100 percent")]
    Charge,
    /// No tier for the last hours, two for the same, or too many.
    #[error("tiers name different hours, at most {TIERS_MAX} of them, and one names 0")]
    Tiers,
    /// Further ahead than a rental can be booked.
    #[error("hours are at most {HOURS_MAX}")]
    Hours,
}

impl Policy {
    /// Checks every rule a policy keeps.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), BadTerms> {
        [Some(&self.terms), self.peak.as_ref()].into_iter().flatten().try_for_each(Terms::check)
    }

    /// The terms of a rental, in a peak period or not.
    pub fn terms_of(&self, in_peak: bool) -> &Terms {
        self.peak.as_ref().filter(|_| in_peak).unwrap_or(&self.terms)
    }
}

impl Terms {
    fn check(&self) -> Result<(), BadTerms> {
        let charges = self.tiers.iter().map(|tier| tier.charge).chain([self.no_show]);
        for charge in charges {
            match charge {
                Charge::Percent { percent: 101.., .. } => return Err(BadTerms::Charge),
                Charge::Fixed { fee_fen } if fee_fen < Fen::ZERO => return Err(BadTerms::Charge),
                Charge::Percent { .. } | Charge::Fixed { .. } | Charge::FirstDay | Charge::Free => {
                }
            }
        }
        let mut hours: Vec<_> = self.tiers.iter().map(|tier| tier.hours).collect();
        hours.sort_unstable();
        let repeated = hours.windows(2).any(|pair| pair[0] == pair[1]);
        let uncovered = hours.first().is_some_and(|least| *least != 0);
        if repeated || uncovered || hours.len() > TIERS_MAX {
            return Err(BadTerms::Tiers);
        }
        let furthest = hours.last().copied().unwrap_or(0).max(self.manual_check_hours);
        if furthest > HOURS_MAX { Err(BadTerms::Hours) } else { Ok(()) }
    }

    /// The rule that applies at `now` and the last moment at which it does.
    pub(super) fn rule(&self, booked_at: Instant, pick_up: Instant, now: Instant) -> Ruling {
        let minutes = self.free_minutes_after_booking;
        let free_until = later(booked_at, SignedDuration::from_mins(i64::from(minutes)));
        if minutes > 0 && now <= free_until && now <= pick_up {
            let until = Some(free_until.min(pick_up));
            return Ruling { rule: Rule::FreeWindow { minutes }, until };
        }
        if now > pick_up {
            return Ruling { rule: Rule::NoShow(self.no_show), until: None };
        }
        let starts = |hours: u32| earlier(pick_up, hours);
        let applies = |tier: &&Tier| now <= starts(tier.hours);
        let tier = self.tiers.iter().filter(applies).max_by_key(|tier| tier.hours);
        match tier {
            Some(tier) => Ruling { rule: Rule::Tier(*tier), until: Some(starts(tier.hours)) },
            None => Ruling {
                rule: Rule::Tier(Tier { hours: 0, charge: Charge::Free }),
                until: Some(pick_up),
            },
        }
    }

    /// The last moment at which nobody need look at a cancel; none when nobody ever need.
    pub(super) fn unchecked_until(&self, pick_up: Instant) -> Option<Instant> {
        (self.manual_check_hours > 0).then(|| earlier(pick_up, self.manual_check_hours))
    }
}

/// A rule, and how long it is the one.
pub(super) struct Ruling {
    pub rule: Rule,
    pub until: Option<Instant>,
}

/// Why a cancel costs what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nothing has been paid.
    Unpaid,
    /// The merchant has not accepted yet.
    Unconfirmed,
    /// Booked a moment ago.
    FreeWindow {
        /// For how long after booking.
        minutes: u32,
    },
    /// So many hours before pick-up.
    Tier(Tier),
    /// Pick-up time has passed.
    NoShow(Charge),
}

impl Rule {
    /// What it charges.
    pub const fn charge(self) -> Charge {
        match self {
            Self::Unpaid | Self::Unconfirmed | Self::FreeWindow { .. } => Charge::Free,
            Self::Tier(tier) => tier.charge,
            Self::NoShow(charge) => charge,
        }
    }
}

impl Charge {
    /// What it is taken of; `None` when the prices do not add up in 64 bits.
    pub(super) fn base(self, prices: &Prices) -> Option<Fen> {
        match self {
            Self::Free | Self::Percent { of: Base::Total, .. } => prices.total(),
            Self::Percent { of: Base::Rent, .. } => Some(prices.rent_fen),
            Self::Percent { of: Base::Standard, .. } => prices.rent_fen.plus(prices.handling_fen),
            Self::FirstDay => Some(prices.first_day_fen),
            Self::Fixed { fee_fen } => Some(fee_fen),
        }
    }

    /// The percentage of its base.
    pub const fn percent(self) -> u8 {
        match self {
            Self::Free => 0,
            Self::Percent { percent, .. } => percent,
            Self::FirstDay | Self::Fixed { .. } => 100,
        }
    }

    /// The amount, before any cap; `None` when it does not fit.
    pub(super) fn amount(self, prices: &Prices) -> Option<Fen> {
        const HALF: i64 = 50;
        const WHOLE: i64 = 100;
        let Fen(base) = self.base(prices)?;
        if i64::from(self.percent()) == WHOLE {
            return Some(Fen(base));
        }
        base.checked_mul(i64::from(self.percent()))?.checked_add(HALF).map(|sum| Fen(sum / WHOLE))
    }
}

fn later(instant: Instant, by: SignedDuration) -> Instant {
    instant.checked_add(by).unwrap_or(Instant::MAX)
}

fn earlier(instant: Instant, hours: u32) -> Instant {
    instant.checked_sub(SignedDuration::from_hours(i64::from(hours))).unwrap_or(Instant::MIN)
}
