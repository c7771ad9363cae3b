//! A rental order, its transitions, and the quote for cancelling it.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::code::RentalStatus;
use super::policy::{BadTerms, Policy, Rule};
use crate::id::{AppKey, ChannelId, OutOrderId, RentalOrderId};
use crate::time::{PLATFORM_OFFSET_MINUTES, moment};
use crate::{Civil, Fen, Instant, Step};

/// How long a quote holds at the most; shorter when another rule begins to apply before. Inferred.
pub const QUOTE_HOLDS: SignedDuration = SignedDuration::from_mins(15);

/// Which rental, of whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RentalKey {
    /// The distributor's app.
    pub app: AppKey,
    /// The channel it was booked through.
    pub channel_id: ChannelId,
    /// The platform's order number.
    pub order_id: RentalOrderId,
}

/// A rental order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rental {
    /// What was booked.
    pub booking: RentalBooking,
    /// How far it has come.
    pub state: RentalState,
}

/// The facts of a rental that no transition changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RentalBooking {
    /// Whose, and which.
    pub key: RentalKey,
    /// The distributor's own order number.
    pub out_order_id: OutOrderId,
    /// When it was booked.
    pub booked_at: Instant,
    /// When the car is picked up, by the clock at the store.
    pub pick_up: Civil,
    /// When it is given back, by the clock at the store.
    pub give_back: Civil,
    /// How far the store's clock is ahead of UTC.
    #[serde(default = "platform_offset")]
    pub utc_offset_minutes: i16,
    /// What it costs.
    pub prices: Prices,
    /// Whether it lies in a peak period.
    #[serde(default)]
    pub in_peak: bool,
    /// What cancelling costs, as it stood at booking.
    pub policy: Policy,
}

const fn platform_offset() -> i16 {
    PLATFORM_OFFSET_MINUTES
}

/// What a rental costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// The rent of all days.
    pub rent_fen: Fen,
    /// The handling fee (手续费).
    #[serde(default)]
    pub handling_fen: Fen,
    /// The added services.
    #[serde(default)]
    pub services_fen: Fen,
    /// The first day: its rent, the handling fee and its added services.
    pub first_day_fen: Fen,
}

impl Prices {
    /// Everything; `None` when it does not fit.
    pub fn total(&self) -> Option<Fen> {
        Fen::total([self.rent_fen, self.handling_fen, self.services_fen])
    }
}

/// A booking breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRental {
    /// A price below nothing, a first day above everything, or a sum that does not fit.
    #[error("a price is negative, too large, or the first day's is above the whole")]
    Prices,
    /// Given back before it is picked up, or outside the calendar.
    #[error("the car is not given back after it is picked up")]
    Schedule,
    /// The policy.
    #[error(transparent)]
    Terms(#[from] BadTerms),
}

/// How far a rental has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RentalState {
    /// To be paid.
    Unpaid,
    /// Paid; the merchant has not answered.
    AwaitingMerchant {
        /// How it was paid.
        payment: RentalPayment,
    },
    /// The merchant has accepted.
    Accepted {
        /// How it was paid.
        payment: RentalPayment,
    },
    /// The car is ready.
    AwaitingPickUp {
        /// How it was paid.
        payment: RentalPayment,
    },
    /// The car is out.
    InUse {
        /// How it was paid.
        payment: RentalPayment,
    },
    /// The car is back.
    Settling {
        /// How it was paid.
        payment: RentalPayment,
    },
    /// Over, as it should be.
    Completed {
        /// How it was paid.
        payment: RentalPayment,
    },
    /// The distributor cancelled it.
    Cancelled {
        /// When.
        at: Instant,
        /// What it cost.
        fee_fen: Fen,
        /// How it had been paid, when it had.
        payment: Option<RentalPayment>,
    },
    /// The merchant refused it; everything went back.
    Refused {
        /// When.
        at: Instant,
        /// What went back.
        payment: RentalPayment,
    },
    /// Customer service closed it.
    ClosedByService {
        /// When.
        at: Instant,
        /// How it had been paid, when it had.
        payment: Option<RentalPayment>,
    },
}

/// A payment for a rental.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RentalPayment {
    /// When.
    pub at: Instant,
    /// Its trade number.
    pub trade_no: String,
    /// How much, promotions taken off.
    pub amount_fen: Fen,
}

/// A transition by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum RentalCommand {
    /// The distributor pays: 0 → 10.
    Pay {
        /// The payment's trade number.
        trade_no: String,
        /// How much; everything, if not given. Less is a promotion.
        #[serde(default)]
        amount_fen: Option<Fen>,
    },
    /// The merchant accepts: 10 → 22.
    Accept,
    /// The car is ready: 22 → 111.
    Prepare,
    /// The merchant refuses: 10 → 63.
    Refuse,
    /// The car is picked up: 22 or 111 → 121.
    PickUp,
    /// The car is given back: 121 → 122.
    GiveBack,
    /// All is settled: 122 → 123.
    Complete,
    /// The distributor cancels, for the fee that is quoted at that moment: 0 → 60; 10, 22, 111 → 131.
    Cancel,
    /// Customer service closes it: any that is not over → 65.
    Close,
}

impl RentalCommand {
    /// The name it is called by, which is also what the journal says.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pay { .. } => "pay",
            Self::Accept => "accept",
            Self::Prepare => "prepare",
            Self::Refuse => "refuse",
            Self::PickUp => "pick-up",
            Self::GiveBack => "give-back",
            Self::Complete => "complete",
            Self::Cancel => "cancel",
            Self::Close => "close",
        }
    }
}

/// The rules say no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RentalRefusal {
    /// The transition does not start from this state.
    #[error("a rental that is {state} cannot {command}")]
    State {
        /// The state it is in.
        state: &'static str,
        /// What was asked.
        command: &'static str,
    },
    /// It cannot be cancelled.
    #[error("the rental cannot be cancelled: {0}")]
    NotCancellable(#[from] NotCancellable),
    /// The payment is below nothing or above the price.
    #[error("a payment is more than nothing and at most the price")]
    Amount,
}

/// What cancelling would cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// The fee: never negative, never above what was paid.
    pub fee_fen: Fen,
    /// What the charge is taken of.
    pub base_fen: Fen,
    /// Why.
    pub rule: Rule,
    /// Whether the terms of a peak period applied.
    pub in_peak: bool,
    /// Whether the charge was more than what was paid.
    pub is_capped: bool,
    /// The last moment at which it holds.
    pub expires_at: Instant,
}

/// Why there is no quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCancellable {
    /// It has come too far, or is over.
    #[error("it is {}", .0.row().en)]
    State(RentalStatus),
    /// The terms do not allow it.
    #[error("its terms do not allow it")]
    Terms,
    /// A person must look at it.
    #[error("so close to pick-up a person must look at it")]
    NeedsAPerson,
    /// The stored prices do not add up; they were checked, so this does not happen.
    #[error("its prices do not add up")]
    Prices,
}

impl Rental {
    /// A new rental.
    ///
    /// # Errors
    /// The booking breaks a rule.
    pub fn new(booking: RentalBooking) -> Result<Self, BadRental> {
        let Prices { rent_fen, handling_fen, services_fen, first_day_fen } = booking.prices;
        let parts = [rent_fen, handling_fen, services_fen, first_day_fen];
        // A hundredfold must fit too, for percentages.
        let total = booking.prices.total().filter(|total| total.times(100).is_some());
        let total = total.ok_or(BadRental::Prices)?;
        if parts.iter().any(|part| *part < Fen::ZERO) || first_day_fen > total {
            return Err(BadRental::Prices);
        }
        let offset = booking.utc_offset_minutes;
        let moments = (moment(booking.pick_up, offset), moment(booking.give_back, offset));
        if !matches!(moments, (Some(pick_up), Some(give_back)) if pick_up < give_back) {
            return Err(BadRental::Schedule);
        }
        booking.policy.check()?;
        Ok(Self { booking, state: RentalState::Unpaid })
    }

    /// Its status code.
    pub fn status(&self) -> RentalStatus {
        match &self.state {
            RentalState::Unpaid => RentalStatus::Unpaid,
            RentalState::AwaitingMerchant { .. } => RentalStatus::AwaitingMerchant,
            RentalState::Accepted { .. } => RentalStatus::Accepted,
            RentalState::AwaitingPickUp { .. } => RentalStatus::AwaitingPickUp,
            RentalState::InUse { .. } => RentalStatus::InUse,
            RentalState::Settling { .. } => RentalStatus::Settling,
            RentalState::Completed { .. } => RentalStatus::Completed,
            // Inferred: the trade's code for one that was never paid, the supplier's otherwise.
            RentalState::Cancelled { payment: None, .. } => RentalStatus::ClosedByBuyer,
            RentalState::Cancelled { payment: Some(_), .. } => RentalStatus::Cancelled,
            RentalState::Refused { .. } => RentalStatus::RefusedBySeller,
            RentalState::ClosedByService { .. } => RentalStatus::ClosedByService,
        }
    }

    /// How it was paid, when it was.
    pub fn payment(&self) -> Option<&RentalPayment> {
        match &self.state {
            RentalState::Unpaid => None,
            RentalState::AwaitingMerchant { payment }
            | RentalState::Accepted { payment }
            | RentalState::AwaitingPickUp { payment }
            | RentalState::InUse { payment }
            | RentalState::Settling { payment }
            | RentalState::Completed { payment }
            | RentalState::Refused { payment, .. } => Some(payment),
            RentalState::Cancelled { payment, .. }
            | RentalState::ClosedByService { payment, .. } => payment.as_ref(),
        }
    }

    /// What cancelling would cost at `now`. Asking changes nothing.
    ///
    /// # Errors
    /// It cannot be cancelled, and why.
    pub fn quote(&self, now: Instant) -> Result<Quote, NotCancellable> {
        let holds = now.checked_add(QUOTE_HOLDS).unwrap_or(Instant::MAX);
        let total = self.booking.prices.total().ok_or(NotCancellable::Prices)?;
        let free = |rule| Quote {
            fee_fen: Fen::ZERO,
            base_fen: total,
            rule,
            in_peak: self.booking.in_peak,
            is_capped: false,
            expires_at: holds,
        };
        let paid = match &self.state {
            RentalState::Unpaid => return Ok(free(Rule::Unpaid)),
            RentalState::AwaitingMerchant { .. } => return Ok(free(Rule::Unconfirmed)),
            RentalState::Accepted { payment } | RentalState::AwaitingPickUp { payment } => {
                payment.amount_fen
            }
            RentalState::InUse { .. }
            | RentalState::Settling { .. }
            | RentalState::Completed { .. }
            | RentalState::Cancelled { .. }
            | RentalState::Refused { .. }
            | RentalState::ClosedByService { .. } => {
                return Err(NotCancellable::State(self.status()));
            }
        };
        let terms = self.booking.policy.terms_of(self.booking.in_peak);
        let pick_up = self.pick_up_at().ok_or(NotCancellable::Prices)?;
        let ruling = terms.rule(self.booking.booked_at, pick_up, now);
        let mut unchecked_until = None;
        if !matches!(ruling.rule, Rule::FreeWindow { .. }) {
            if !terms.cancellable {
                return Err(NotCancellable::Terms);
            }
            unchecked_until = terms.unchecked_until(pick_up);
            if unchecked_until.is_some_and(|until| now > until) {
                return Err(NotCancellable::NeedsAPerson);
            }
        }
        let charge = ruling.rule.charge();
        let prices = &self.booking.prices;
        let amount = charge.amount(prices).ok_or(NotCancellable::Prices)?;
        Ok(Quote {
            fee_fen: amount.min(paid),
            base_fen: charge.base(prices).ok_or(NotCancellable::Prices)?,
            rule: ruling.rule,
            in_peak: self.booking.in_peak && self.booking.policy.peak.is_some(),
            is_capped: amount > paid,
            expires_at: [ruling.until, unchecked_until]
                .into_iter()
                .flatten()
                .fold(holds, Instant::min),
        })
    }

    /// Performs a transition by name.
    ///
    /// # Errors
    /// The rules refuse it; the rental is as it was.
    pub fn perform(
        self,
        command: RentalCommand,
        now: Instant,
    ) -> Result<Step<Self>, RentalRefusal> {
        use RentalCommand as C;
        use RentalState as S;
        let name = command.name();
        let state = match (self.state.clone(), command) {
            (S::Unpaid, C::Pay { trade_no, amount_fen }) => {
                let price = self.booking.prices.total().ok_or(RentalRefusal::Amount)?;
                let amount_fen = amount_fen.unwrap_or(price);
                let is_something = amount_fen > Fen::ZERO || price == Fen::ZERO;
                if !is_something || !(Fen::ZERO..=price).contains(&amount_fen) {
                    return Err(RentalRefusal::Amount);
                }
                S::AwaitingMerchant { payment: RentalPayment { at: now, trade_no, amount_fen } }
            }
            (_, C::Pay { trade_no, amount_fen })
                if self.payment().is_some_and(|payment| {
                    payment.trade_no == trade_no
                        && amount_fen.or(self.booking.prices.total()) == Some(payment.amount_fen)
                }) =>
            {
                return Ok(Step::Already(self));
            }
            (S::AwaitingMerchant { payment }, C::Accept) => S::Accepted { payment },
            (S::AwaitingMerchant { payment }, C::Refuse) => S::Refused { at: now, payment },
            (S::Accepted { payment }, C::Prepare) => S::AwaitingPickUp { payment },
            (S::Accepted { payment } | S::AwaitingPickUp { payment }, C::PickUp) => {
                S::InUse { payment }
            }
            (S::InUse { payment }, C::GiveBack) => S::Settling { payment },
            (S::Settling { payment }, C::Complete) => S::Completed { payment },
            (S::Accepted { .. }, C::Accept)
            | (S::Refused { .. }, C::Refuse)
            | (S::AwaitingPickUp { .. }, C::Prepare)
            | (S::InUse { .. }, C::PickUp)
            | (S::Settling { .. }, C::GiveBack)
            | (S::Completed { .. }, C::Complete)
            | (S::Cancelled { .. }, C::Cancel)
            | (S::ClosedByService { .. }, C::Close) => return Ok(Step::Already(self)),
            (_, C::Cancel) => {
                let fee_fen = self.quote(now)?.fee_fen;
                S::Cancelled { at: now, fee_fen, payment: self.payment().cloned() }
            }
            (
                S::Unpaid
                | S::AwaitingMerchant { .. }
                | S::Accepted { .. }
                | S::AwaitingPickUp { .. }
                | S::InUse { .. }
                | S::Settling { .. },
                C::Close,
            ) => S::ClosedByService { at: now, payment: self.payment().cloned() },
            (_, _) => {
                let state = self.status().row().en;
                return Err(RentalRefusal::State { state, command: name });
            }
        };
        Ok(Step::Taken(Self { state, ..self }))
    }

    fn pick_up_at(&self) -> Option<Instant> {
        moment(self.booking.pick_up, self.booking.utc_offset_minutes)
    }
}
