//! Change orders (改签): another flight for some travellers of a ticketed order.

use serde::{Deserialize, Serialize};

use super::booking::{FlightNo, Segment};
use super::code::{ChangeApplyStatus, ChangePayStatus, ChangeStatus, SettleType};
use super::command::Refusal;
use super::order::{Payment, pay_deadline};
use super::ticket::TicketNumber;
use crate::id::{DisSubOrderId, UserId};
use crate::{Fen, Instant, Step};

/// Most change orders of one order. A ticket is rarely changed twice; each one grows the document.
pub const CHANGES_MAX: usize = 32;

/// What a distributor asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeRequest {
    /// The distributor's own change order number.
    pub dis_sub_order_id: DisSubOrderId,
    /// The platform's change order number.
    pub btrip_sub_order_id: i64,
    /// Whether the traveller wants it; an airline's schedule change costs nothing.
    pub voluntary: bool,
    /// Why.
    pub reason: String,
    /// Who changes.
    pub travellers: Vec<UserId>,
    /// To which flights.
    pub flights: Vec<ChangedFlight>,
    /// Who pays.
    pub settle_type: SettleType,
    /// Refund and change conditions of the new ticket.
    #[serde(default)]
    pub conditions: Option<String>,
    /// What the distributor attached, as JSON text.
    #[serde(default)]
    pub extra: Option<String>,
}

/// A new flight and the one it replaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangedFlight {
    /// The new flight.
    pub flight: Segment,
    /// The flight before.
    pub last_flight_no: FlightNo,
    /// The booking class before.
    pub last_cabin: String,
}

/// A change order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What was asked for.
    pub request: ChangeRequest,
    /// When.
    pub applied_at: Instant,
    /// The ticket each traveller held then, in the order of the request.
    pub held: Vec<TicketNumber>,
    /// How far it has come.
    pub state: ChangeState,
}

/// How far a change has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// Asked for; the fees are not known yet.
    Applied,
    /// The fees are known; to be paid in time.
    ToPay {
        /// What it costs.
        priced: Priced,
        /// It closes itself at this moment.
        until: Instant,
    },
    /// The airline is at it.
    Reissuing {
        /// What it costs.
        priced: Priced,
        /// How it was paid; a free change is not.
        payment: Option<Payment>,
    },
    /// New tickets are out.
    Changed {
        /// When.
        at: Instant,
        /// What it cost.
        priced: Priced,
        /// How it was paid; a free change was not.
        payment: Option<Payment>,
    },
    /// It came to nothing.
    Closed {
        /// When.
        at: Instant,
        /// Why.
        by: ChangeClosing,
        /// What it would have cost, when that was known.
        priced: Option<Priced>,
        /// How it had been paid, when it had.
        payment: Option<Payment>,
    },
}

/// What a change costs, fixed when the airline has answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priced {
    /// Per traveller, in the order of the request.
    pub fees: Vec<ChangeFee>,
    /// The last moment to pay; `None` when there is nothing to pay.
    pub pay_by: Option<Instant>,
}

/// What the change of one traveller costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeFee {
    /// The airline's handling fee.
    pub handling_fen: Fen,
    /// The fare difference; a cheaper flight gives nothing back.
    pub upgrade_fen: Fen,
}

/// Why a change came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeClosing {
    /// The airline or agent refused it; what was paid goes back.
    Refused {
        /// Why.
        reason: String,
    },
    /// Nobody paid in time.
    PayTimeout,
    /// The distributor dropped it.
    Cancelled,
}

impl Priced {
    /// The handling fees together; `None` when they do not fit.
    pub fn handling(&self) -> Option<Fen> {
        Fen::total(self.fees.iter().map(|fee| fee.handling_fen))
    }

    /// The fare differences together; `None` when they do not fit.
    pub fn upgrade(&self) -> Option<Fen> {
        Fen::total(self.fees.iter().map(|fee| fee.upgrade_fen))
    }

    /// Everything together; `None` when it does not fit.
    pub fn total(&self) -> Option<Fen> {
        self.handling()?.plus(self.upgrade()?)
    }
}

impl Change {
    /// `status` as change.detail codes it.
    pub fn status(&self) -> ChangeStatus {
        match self.state {
            ChangeState::Applied => ChangeStatus::Initial,
            ChangeState::ToPay { .. } => ChangeStatus::ToPay,
            ChangeState::Reissuing { .. } => ChangeStatus::Paid,
            ChangeState::Changed { .. } => ChangeStatus::Changed,
            ChangeState::Closed { .. } => ChangeStatus::Closed,
        }
    }

    /// `status` as change.apply codes it. The same order shows different numbers in the two.
    pub fn apply_status(&self) -> ChangeApplyStatus {
        match self.state {
            ChangeState::Applied => ChangeApplyStatus::Initial,
            ChangeState::ToPay { .. } => ChangeApplyStatus::ToPay,
            ChangeState::Reissuing { .. } => ChangeApplyStatus::Paid,
            ChangeState::Changed { .. } => ChangeApplyStatus::Changed,
            ChangeState::Closed { .. } => ChangeApplyStatus::Closed,
        }
    }

    /// `pay_status`.
    pub fn pay_status(&self) -> ChangePayStatus {
        match &self.state {
            ChangeState::Applied => ChangePayStatus::Initial,
            ChangeState::ToPay { .. } => ChangePayStatus::ToPay,
            ChangeState::Reissuing { .. } => ChangePayStatus::Paid,
            ChangeState::Changed { .. } => ChangePayStatus::Transferred,
            ChangeState::Closed { payment: Some(_), .. } => ChangePayStatus::PaidClosed,
            ChangeState::Closed { payment: None, .. } => ChangePayStatus::UnpaidClosed,
        }
    }

    /// What it costs, once that is known.
    pub fn priced(&self) -> Option<&Priced> {
        match &self.state {
            ChangeState::Applied => None,
            ChangeState::ToPay { priced, .. }
            | ChangeState::Reissuing { priced, .. }
            | ChangeState::Changed { priced, .. } => Some(priced),
            ChangeState::Closed { priced, .. } => priced.as_ref(),
        }
    }

    /// How it was paid, when it was.
    pub fn payment(&self) -> Option<&Payment> {
        match &self.state {
            ChangeState::Applied | ChangeState::ToPay { .. } => None,
            ChangeState::Reissuing { payment, .. }
            | ChangeState::Changed { payment, .. }
            | ChangeState::Closed { payment, .. } => payment.as_ref(),
        }
    }

    /// Whether it may still become something.
    pub fn is_open(&self) -> bool {
        match self.state {
            ChangeState::Applied | ChangeState::ToPay { .. } | ChangeState::Reissuing { .. } => {
                true
            }
            ChangeState::Changed { .. } | ChangeState::Closed { .. } => false,
        }
    }

    /// Whether it is not paid and its time is up.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        matches!(&self.state, ChangeState::ToPay { until, .. } if now >= *until)
    }

    /// The change as it stands at `now`: an unpaid one closes itself when its time is up.
    pub(super) fn at(self, now: Instant) -> Self {
        let is_overdue = self.is_overdue(now);
        let state = match self.state {
            ChangeState::ToPay { priced, until } if is_overdue => ChangeState::Closed {
                at: until,
                by: ChangeClosing::PayTimeout,
                priced: Some(priced),
                payment: None,
            },
            other => other,
        };
        Self { state, ..self }
    }

    /// Fills in the fees. A change that costs nothing goes straight to the airline. `departs` is when
    /// the flight that is given up does.
    pub(super) fn price(
        self,
        fees: Vec<ChangeFee>,
        until: Option<Instant>,
        departs: Option<Instant>,
        now: Instant,
    ) -> Result<Step<Self>, Refusal> {
        if self.priced().is_some_and(|priced| priced.fees == fees) && self.is_open() {
            return Ok(Step::Already(self));
        }
        let ChangeState::Applied = self.state else {
            return Err(self.refused("price-change"));
        };
        let priced = Priced { fees, pay_by: None };
        let one_each = priced.fees.len() == self.request.travellers.len();
        let never_negative = priced
            .fees
            .iter()
            .all(|fee| fee.handling_fen >= Fen::ZERO && fee.upgrade_fen >= Fen::ZERO);
        let total = priced.total().filter(|_| one_each && never_negative).ok_or(Refusal::Fees)?;
        let state = if total == Fen::ZERO {
            ChangeState::Reissuing { priced, payment: None }
        } else if self.request.voluntary {
            let new = self.request.flights.iter().filter_map(|f| f.flight.departs_at());
            let until = pay_deadline(until, new.chain(departs), now)?;
            ChangeState::ToPay { priced: Priced { pay_by: Some(until), ..priced }, until }
        } else {
            return Err(Refusal::Fees);
        };
        Ok(Step::Taken(Self { state, ..self }))
    }

    /// Records the payment.
    pub(super) fn pay(self, trade_no: String, now: Instant) -> Result<Step<Self>, Refusal> {
        if self.payment().is_some_and(|payment| payment.alipay_trade_no == trade_no) {
            return Ok(Step::Already(self));
        }
        let ChangeState::ToPay { priced, .. } = &self.state else {
            return Err(self.refused("pay-change"));
        };
        let amount_fen = priced.total().ok_or(Refusal::Fees)?;
        let payment = Payment { at: now, alipay_trade_no: trade_no, amount_fen };
        let state = ChangeState::Reissuing { priced: priced.clone(), payment: Some(payment) };
        Ok(Step::Taken(Self { state, ..self }))
    }

    /// The new tickets are out.
    pub(super) fn reissued(self, now: Instant) -> Result<Self, Refusal> {
        match self.state {
            ChangeState::Reissuing { priced, payment } => {
                Ok(Self { state: ChangeState::Changed { at: now, priced, payment }, ..self })
            }
            _ => Err(self.refused("reissue")),
        }
    }

    /// Closes it for `by`; what was paid goes back.
    pub(super) fn close(self, by: ChangeClosing, now: Instant) -> Result<Step<Self>, Refusal> {
        let cancelling = by == ChangeClosing::Cancelled;
        let (priced, payment) = match &self.state {
            ChangeState::Closed { by: earlier, .. } if *earlier == by => {
                return Ok(Step::Already(self));
            }
            ChangeState::Applied => (None, None),
            ChangeState::ToPay { priced, .. } => (Some(priced.clone()), None),
            ChangeState::Reissuing { priced, payment } if !cancelling => {
                (Some(priced.clone()), payment.clone())
            }
            ChangeState::Reissuing { .. }
            | ChangeState::Changed { .. }
            | ChangeState::Closed { .. } => {
                let command = if cancelling { "cancel-change" } else { "refuse-change" };
                return Err(self.refused(command));
            }
        };
        let state = ChangeState::Closed { at: now, by, priced, payment };
        Ok(Step::Taken(Self { state, ..self }))
    }

    fn refused(&self, command: &'static str) -> Refusal {
        Refusal::State { what: "change order", state: self.status().row().en, command }
    }
}
