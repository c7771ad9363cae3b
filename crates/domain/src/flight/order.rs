//! A flight order and its transitions.

use std::borrow::Cow;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::booking::{Booking, SEGMENTS_MAX, Segment, is_platform_number};
use super::change::{CHANGES_MAX, Change, ChangeRequest, ChangeState};
use super::code::{CancelFailure, CouponStatus, OrderPayStatus, OrderStatus};
use super::command::Refusal;
use super::ticket::{Ticket, TicketNumber};
use crate::id::{DisSubOrderId, UserId};
use crate::{Fen, Instant, Step, repeats};

/// How long an order or change may stay unpaid when nobody says otherwise. Inferred: 20 to 30
/// minutes is what the trade does.
pub const PAY_WINDOW: SignedDuration = SignedDuration::from_mins(30);

/// A flight order; with a [`Party`](super::Party) instead of the booking, as much of it as a change's detail shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order<B = Booking> {
    /// What was booked.
    pub booking: B,
    /// How far it has come.
    pub state: State,
}

/// How far an order has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It could not be created.
    Failed {
        /// When that was known.
        at: Instant,
        /// Why.
        reason: String,
    },
    /// Just there.
    Initial,
    /// Taken down, not submitted.
    NotSubmitted,
    /// Submitted; the seller has not confirmed.
    AwaitingConfirmation,
    /// To be paid in time.
    Payable {
        /// It closes itself at this moment.
        until: Instant,
        /// Whether a seller confirmed it, rather than the platform at once.
        seller_confirmed: bool,
    },
    /// Paid; tickets are being issued.
    Ticketing {
        /// How it was paid.
        payment: Payment,
    },
    /// Paid; the seller is about to issue.
    TicketingConfirmed {
        /// How it was paid.
        payment: Payment,
    },
    /// Tickets are out.
    Ticketed(Ticketed),
    /// Over.
    Closed {
        /// When.
        at: Instant,
        /// Why.
        by: Closing,
    },
}

/// What exists once tickets are out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticketed {
    /// When the first ones were issued.
    pub at: Instant,
    /// How the order was paid.
    pub payment: Payment,
    /// Every ticket ever issued, oldest first.
    pub tickets: Vec<Ticket>,
    /// Its change orders, oldest first.
    pub changes: Vec<Change>,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// When.
    pub at: Instant,
    /// Its trade number at the payment service.
    pub alipay_trade_no: String,
    /// How much.
    pub amount_fen: Fen,
}

/// Why an order is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// The distributor cancelled it.
    Cancelled {
        /// What goes back, if it had been paid.
        refunded: Option<Payment>,
    },
    /// Nobody paid in time.
    PayTimeout,
    /// No ticket could be issued; what was paid went back.
    TicketingFailed {
        /// What went back.
        refunded: Payment,
        /// Why.
        reason: String,
    },
}

/// What a distributor may cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CancelPolicy {
    /// Whether an order that is paid but not yet with the airline may be cancelled. Inferred: off.
    pub while_ticketing: bool,
}

/// A cancel is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CancelRefusal {
    /// Tickets are out or about to be: refund or change instead.
    #[error("the order is ticketed")]
    Ticketed,
    /// Paid and on its way.
    #[error("the order is being ticketed")]
    TicketingInProgress,
    /// Over already, and not by a cancel.
    #[error("the order is closed")]
    Closed,
}

impl CancelRefusal {
    /// Its code on the wire.
    pub const fn code(self) -> CancelFailure {
        match self {
            Self::Ticketed => CancelFailure::Ticketed,
            Self::TicketingInProgress => CancelFailure::TicketingInProgress,
            Self::Closed => CancelFailure::Closed,
        }
    }
}

/// What can be said of an order, and done with it, whatever was booked.
impl State {
    /// The member of an order's document that holds it.
    pub const MEMBER: &'static str = "state";

    /// The state as it is at `now`.
    pub fn at(self, now: Instant) -> Self {
        match self {
            Self::Payable { until, .. } if now >= until => {
                Self::Closed { at: until, by: Closing::PayTimeout }
            }
            Self::Ticketed(mut ticketed) => {
                ticketed.changes = ticketed.changes.into_iter().map(|c| c.at(now)).collect();
                Self::Ticketed(ticketed)
            }
            other => other,
        }
    }

    /// `order_status`.
    pub fn status(&self) -> OrderStatus {
        match self {
            Self::Failed { .. } => OrderStatus::Error,
            Self::Initial => OrderStatus::Initial,
            Self::NotSubmitted => OrderStatus::NotSubmitted,
            Self::AwaitingConfirmation => OrderStatus::AwaitingConfirmation,
            Self::Payable { .. } => OrderStatus::Payable,
            Self::Ticketing { .. } => OrderStatus::Ticketing,
            Self::TicketingConfirmed { .. } => OrderStatus::TicketingConfirmed,
            Self::Ticketed(_) => OrderStatus::Ticketed,
            Self::Closed { .. } => OrderStatus::Closed,
        }
    }

    /// When the distributor cancelled the order, if that is how it ended.
    pub fn cancelled_at(&self) -> Option<Instant> {
        match self {
            Self::Closed { at, by: Closing::Cancelled { .. } } => Some(*at),
            _ => None,
        }
    }

    /// Cancels the order: before ticketing only, and once.
    ///
    /// # Errors
    /// It is ticketed, being ticketed, or over in another way.
    pub fn cancel(self, policy: CancelPolicy, now: Instant) -> Result<Step<Self>, CancelRefusal> {
        let state = self.at(now);
        let refunded = match &state {
            Self::Closed { by: Closing::Cancelled { .. }, .. } => return Ok(Step::Already(state)),
            Self::Initial
            | Self::NotSubmitted
            | Self::AwaitingConfirmation
            | Self::Payable { .. } => None,
            Self::Ticketing { payment } if policy.while_ticketing => Some(payment.clone()),
            Self::Ticketing { .. } => return Err(CancelRefusal::TicketingInProgress),
            Self::TicketingConfirmed { .. } | Self::Ticketed(_) => {
                return Err(CancelRefusal::Ticketed);
            }
            Self::Failed { .. }
            | Self::Closed { by: Closing::PayTimeout | Closing::TicketingFailed { .. }, .. } => {
                return Err(CancelRefusal::Closed);
            }
        };
        Ok(Step::Taken(Self::Closed { at: now, by: Closing::Cancelled { refunded } }))
    }
}

impl<B> Order<B> {
    /// The change of this number, as it stands at `now`.
    pub fn change_at(&self, id: &DisSubOrderId, now: Instant) -> Option<Cow<'_, Change>> {
        let change = self.change(id)?;
        Some(match change.is_overdue(now) {
            true => Cow::Owned(change.clone().at(now)),
            false => Cow::Borrowed(change),
        })
    }

    /// The change of this number, as it was written last.
    pub fn change(&self, id: &DisSubOrderId) -> Option<&Change> {
        self.ticketed()?.changes.iter().find(|change| change.request.dis_sub_order_id == *id)
    }

    /// What exists once tickets are out.
    pub fn ticketed(&self) -> Option<&Ticketed> {
        match &self.state {
            State::Ticketed(ticketed) => Some(ticketed),
            _ => None,
        }
    }
}

impl Order {
    /// A new order.
    ///
    /// # Errors
    /// The booking breaks a rule.
    pub fn new(booking: Booking) -> Result<Self, super::booking::BadBooking> {
        booking.check()?;
        Ok(Self { booking, state: State::Initial })
    }

    /// The order as it stands at `now`: what nobody paid in time has closed itself. No timer does
    /// this; every load does.
    pub fn at(self, now: Instant) -> Self {
        Self { state: self.state.at(now), ..self }
    }

    /// `order_status`.
    pub fn status(&self) -> OrderStatus {
        self.state.status()
    }

    /// `pay_status`.
    pub fn pay_status(&self) -> OrderPayStatus {
        match &self.state {
            State::Failed { .. }
            | State::Initial
            | State::NotSubmitted
            | State::AwaitingConfirmation
            | State::Payable { seller_confirmed: false, .. } => OrderPayStatus::Initial,
            State::Payable { seller_confirmed: true, .. } => OrderPayStatus::SellerConfirmed,
            State::Ticketing { .. } | State::TicketingConfirmed { .. } => OrderPayStatus::Frozen,
            State::Ticketed(_) => OrderPayStatus::Transferred,
            State::Closed { by, .. } => match by {
                Closing::Cancelled { refunded: None } | Closing::PayTimeout => {
                    OrderPayStatus::TradeClosed
                }
                Closing::Cancelled { refunded: Some(_) } | Closing::TicketingFailed { .. } => {
                    OrderPayStatus::Unfrozen
                }
            },
        }
    }

    /// Cancels the order: before ticketing only, and once.
    ///
    /// # Errors
    /// It is ticketed, being ticketed, or over in another way.
    pub fn cancel(self, policy: CancelPolicy, now: Instant) -> Result<Step<Self>, CancelRefusal> {
        let Self { booking, state } = self;
        Ok(match state.cancel(policy, now)? {
            Step::Taken(state) => Step::Taken(Self { booking, state }),
            Step::Already(state) => Step::Already(Self { booking, state }),
        })
    }

    pub(super) fn begin(self, now: Instant) -> Result<Step<Self>, Refusal> {
        let order = self.at(now);
        match order.state {
            State::Initial => Ok(order.moved(State::NotSubmitted)),
            State::NotSubmitted => Ok(Step::Already(order)),
            _ => Err(order.refused("begin")),
        }
    }

    pub(super) fn submit(self, now: Instant) -> Result<Step<Self>, Refusal> {
        let order = self.at(now);
        match order.state {
            State::NotSubmitted => Ok(order.moved(State::AwaitingConfirmation)),
            State::AwaitingConfirmation => Ok(Step::Already(order)),
            _ => Err(order.refused("submit")),
        }
    }

    pub(super) fn confirm(
        self,
        until: Option<Instant>,
        now: Instant,
    ) -> Result<Step<Self>, Refusal> {
        let order = self.at(now);
        let seller_confirmed = match order.state {
            State::Initial => false,
            State::AwaitingConfirmation => true,
            State::Payable { until: known, .. } if until.is_none_or(|until| until == known) => {
                return Ok(Step::Already(order));
            }
            _ => return Err(order.refused("confirm")),
        };
        let until = pay_deadline(until, order.booking.departs_at(), now)?;
        Ok(order.moved(State::Payable { until, seller_confirmed }))
    }

    pub(super) fn fail(self, reason: String, now: Instant) -> Result<Step<Self>, Refusal> {
        let order = self.at(now);
        match order.state {
            State::Initial | State::NotSubmitted | State::AwaitingConfirmation => {
                Ok(order.moved(State::Failed { at: now, reason }))
            }
            State::Failed { reason: ref known, .. } if *known == reason => Ok(Step::Already(order)),
            _ => Err(order.refused("fail")),
        }
    }

    pub(super) fn pay(self, trade_no: String, now: Instant) -> Result<Step<Self>, Refusal> {
        let order = self.at(now);
        match &order.state {
            State::Payable { .. } => {
                let amount_fen = order.booking.total().ok_or(Refusal::Amount)?;
                let payment = Payment { at: now, alipay_trade_no: trade_no, amount_fen };
                Ok(order.moved(State::Ticketing { payment }))
            }
            State::Ticketing { payment }
            | State::TicketingConfirmed { payment }
            | State::Ticketed(Ticketed { payment, .. })
            | State::Closed {
                by:
                    Closing::TicketingFailed { refunded: payment, .. }
                    | Closing::Cancelled { refunded: Some(payment) },
                ..
            } if payment.alipay_trade_no == trade_no => Ok(Step::Already(order)),
            _ => Err(order.refused("pay")),
        }
    }

    pub(super) fn confirm_ticketing(self, now: Instant) -> Result<Step<Self>, Refusal> {
        let order = self.at(now);
        match order.state {
            State::Ticketing { payment } => {
                let state = State::TicketingConfirmed { payment };
                Ok(Step::Taken(Self { state, ..order }))
            }
            State::TicketingConfirmed { .. } => Ok(Step::Already(order)),
            _ => Err(order.refused("confirm-ticketing")),
        }
    }

    pub(super) fn ticket(
        self,
        numbers: Vec<TicketNumber>,
        now: Instant,
    ) -> Result<Step<Self>, Refusal> {
        let order = self.at(now);
        let payment = match &order.state {
            State::Ticketing { payment } | State::TicketingConfirmed { payment } => payment.clone(),
            State::Ticketed(ticketed) if ticketed.was_issued(&numbers) => {
                return Ok(Step::Already(order));
            }
            _ => return Err(order.refused("ticket")),
        };
        let expected = order.booking.travellers.len();
        if numbers.len() != expected || repeats(&numbers) {
            return Err(Refusal::Tickets { expected });
        }
        let tickets = numbers.into_iter().enumerate().map(|(traveller, number)| Ticket {
            number,
            traveller,
            status: CouponStatus::OpenForUse,
            issued_by: None,
        });
        let tickets = tickets.collect();
        let state = State::Ticketed(Ticketed { at: now, payment, tickets, changes: Vec::new() });
        Ok(order.moved(state))
    }

    pub(super) fn fail_ticketing(
        self,
        reason: String,
        now: Instant,
    ) -> Result<Step<Self>, Refusal> {
        let order = self.at(now);
        match order.state {
            State::Ticketing { payment: refunded }
            | State::TicketingConfirmed { payment: refunded } => {
                let by = Closing::TicketingFailed { refunded, reason };
                Ok(Step::Taken(Self { state: State::Closed { at: now, by }, ..order }))
            }
            State::Closed { by: Closing::TicketingFailed { reason: ref known, .. }, .. }
                if *known == reason =>
            {
                Ok(Step::Already(order))
            }
            _ => Err(order.refused("fail-ticketing")),
        }
    }

    pub(super) fn apply_change(
        self,
        request: ChangeRequest,
        now: Instant,
    ) -> Result<Step<Self>, Refusal> {
        let mut order = self.at(now);
        if let Some(earlier) = order.change(&request.dis_sub_order_id) {
            return if earlier.request == request {
                Ok(Step::Already(order))
            } else {
                Err(Refusal::OtherChange(request.dis_sub_order_id))
            };
        }
        order.check_change(&request)?;
        let State::Ticketed(ticketed) = &mut order.state else {
            return Err(order.refused("apply-change"));
        };
        let travellers = request.travellers.iter().filter_map(|id| order.booking.traveller(id));
        let held = travellers.filter_map(|at| ticketed.held_by(at)).map(|t| t.number.clone());
        let (held, state) = (held.collect(), ChangeState::Applied);
        ticketed.changes.push(Change { request, applied_at: now, held, state });
        Ok(Step::Taken(order))
    }

    fn check_change(&self, request: &ChangeRequest) -> Result<(), Refusal> {
        let Some(ticketed) = self.ticketed() else {
            return Err(self.refused("apply-change"));
        };
        if ticketed.changes.len() >= CHANGES_MAX {
            return Err(Refusal::TooManyChanges);
        }
        let flights = request.flights.len();
        if request.travellers.is_empty() || !(1..=SEGMENTS_MAX).contains(&flights) {
            return Err(Refusal::EmptyChange);
        }
        let number = request.btrip_sub_order_id;
        let mut others = ticketed.changes.iter().map(|change| change.request.btrip_sub_order_id);
        if !is_platform_number(number) || others.any(|other| other == number) {
            return Err(Refusal::Number);
        }
        for (at, user_id) in request.travellers.iter().enumerate() {
            if self.booking.traveller(user_id).is_none() {
                return Err(Refusal::NoSuchTraveller(user_id.clone()));
            }
            if request.travellers[..at].contains(user_id) {
                return Err(Refusal::RepeatedTraveller(user_id.clone()));
            }
            let mut open = ticketed.changes.iter().filter(|change| change.is_open());
            if open.any(|change| change.request.travellers.contains(user_id)) {
                return Err(Refusal::TravellerBusy(user_id.clone()));
            }
            let held = self.flights_of(user_id);
            for flight in &request.flights {
                let replaced = |held: &&Segment| {
                    held.flight_no == flight.last_flight_no && held.cabin == flight.last_cabin
                };
                if !held.iter().any(replaced) {
                    return Err(Refusal::NoSuchFlight(flight.last_flight_no.clone()));
                }
            }
        }
        request.flights.iter().try_for_each(|flight| flight.flight.check())?;
        Ok(())
    }

    /// The flights a traveller holds: as booked, each replaced by the changes that came through.
    fn flights_of(&self, user_id: &UserId) -> Vec<&Segment> {
        let mut held: Vec<&Segment> = self.booking.segments.iter().collect();
        let changes = self.ticketed().into_iter().flat_map(|ticketed| &ticketed.changes);
        let done = changes.filter(|change| {
            matches!(change.state, ChangeState::Changed { .. })
                && change.request.travellers.contains(user_id)
        });
        for flight in done.flat_map(|change| &change.request.flights) {
            for place in &mut held {
                if place.flight_no == flight.last_flight_no {
                    *place = &flight.flight;
                }
            }
        }
        held
    }

    /// When the first flight that a change gives up departs.
    pub(super) fn held_departure(&self, id: &DisSubOrderId) -> Option<Instant> {
        let change = self.change(id)?;
        let user_id = change.request.travellers.first()?;
        let given_up: Vec<_> = change.request.flights.iter().map(|f| &f.last_flight_no).collect();
        let held = self.flights_of(user_id).into_iter();
        held.filter(|held| given_up.contains(&&held.flight_no))
            .filter_map(Segment::departs_at)
            .min()
    }

    /// Performs a transition of one change.
    pub(super) fn in_change(
        self,
        id: &DisSubOrderId,
        now: Instant,
        transition: impl FnOnce(Change) -> Result<Step<Change>, Refusal>,
    ) -> Result<Step<Self>, Refusal> {
        let mut order = self.at(now);
        let Some(change) = order.change(id) else {
            return Err(Refusal::NoSuchChange(id.clone()));
        };
        match transition(change.clone())? {
            Step::Already(_) => Ok(Step::Already(order)),
            Step::Taken(change) => {
                order.put_change(change);
                Ok(Step::Taken(order))
            }
        }
    }

    pub(super) fn reissue(
        self,
        id: &DisSubOrderId,
        numbers: Vec<TicketNumber>,
        now: Instant,
    ) -> Result<Step<Self>, Refusal> {
        let mut order = self.at(now);
        let Some(change) = order.change(id).cloned() else {
            return Err(Refusal::NoSuchChange(id.clone()));
        };
        let State::Ticketed(ticketed) = &order.state else {
            return Err(order.refused("reissue"));
        };
        let issued = ticketed.tickets.iter().filter(|ticket| ticket.issued_by.as_ref() == Some(id));
        if issued.map(|ticket| &ticket.number).eq(&numbers) && !numbers.is_empty() {
            return Ok(Step::Already(order));
        }
        let change = change.reissued(now)?;
        let expected = change.request.travellers.len();
        let used = numbers.iter().any(|number| ticketed.has_number(number));
        if numbers.len() != expected || repeats(&numbers) || used {
            return Err(Refusal::Tickets { expected });
        }
        let travellers = change.request.travellers.iter();
        let positions = travellers.filter_map(|user_id| order.booking.traveller(user_id)).collect();
        order.put_change(change);
        if let State::Ticketed(ticketed) = &mut order.state {
            ticketed.exchange(id, positions, numbers);
        }
        Ok(Step::Taken(order))
    }

    fn put_change(&mut self, change: Change) {
        let State::Ticketed(ticketed) = &mut self.state else {
            return;
        };
        let id = &change.request.dis_sub_order_id;
        if let Some(place) =
            ticketed.changes.iter_mut().find(|other| other.request.dis_sub_order_id == *id)
        {
            *place = change;
        }
    }

    fn moved(self, state: State) -> Step<Self> {
        Step::Taken(Self { state, ..self })
    }

    fn refused(&self, command: &'static str) -> Refusal {
        Refusal::State { what: "flight order", state: self.status().row().en, command }
    }
}

impl Ticketed {
    /// The ticket that a change shows for its traveller at `position` of the request: the one it
    /// issued, or the one held when it was asked for.
    pub fn ticket_in(&self, change: &Change, position: usize) -> Option<&Ticket> {
        let id = &change.request.dis_sub_order_id;
        let mut issued = self.tickets.iter().filter(|t| t.issued_by.as_ref() == Some(id));
        issued.nth(position).or_else(|| {
            let held = change.held.get(position)?;
            self.tickets.iter().find(|ticket| ticket.number == *held)
        })
    }

    /// The ticket a traveller holds.
    fn held_by(&self, traveller: usize) -> Option<&Ticket> {
        self.tickets.iter().rfind(|ticket| ticket.traveller == traveller)
    }

    fn was_issued(&self, numbers: &[TicketNumber]) -> bool {
        let first = self.tickets.iter().filter(|ticket| ticket.issued_by.is_none());
        first.map(|ticket| &ticket.number).eq(numbers)
    }

    fn has_number(&self, number: &TicketNumber) -> bool {
        self.tickets.iter().any(|ticket| ticket.number == *number)
    }

    /// The old coupons are exchanged, the new ones open.
    fn exchange(
        &mut self,
        change: &DisSubOrderId,
        travellers: Vec<usize>,
        numbers: Vec<TicketNumber>,
    ) {
        for (traveller, number) in travellers.into_iter().zip(numbers) {
            let mut held = self.tickets.iter_mut().filter(|t| t.traveller == traveller);
            if let Some(old) = held.next_back() {
                old.status = CouponStatus::Exchanged;
            }
            self.tickets.push(Ticket {
                number,
                traveller,
                status: CouponStatus::OpenForUse,
                issued_by: Some(change.clone()),
            });
        }
    }
}

/// The last moment to pay: the one asked for or [`PAY_WINDOW`] from now, and never past a departure.
pub(super) fn pay_deadline(
    asked: Option<Instant>,
    departures: impl IntoIterator<Item = Instant>,
    now: Instant,
) -> Result<Instant, Refusal> {
    let usual = now.checked_add(PAY_WINDOW).unwrap_or(now);
    let until = departures.into_iter().fold(asked.unwrap_or(usual), Instant::min);
    if until > now { Ok(until) } else { Err(Refusal::Deadline) }
}
