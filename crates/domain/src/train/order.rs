//! A rail order: its tickets, what they were changed to, and its refunds.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::booking::{BadTrain, Leg, TrainBooking, TrainTicket};
use super::callback::{Callback, CallbackRefusal, Passed, Problem, Remark, Spot};
use super::code::{CallbackCode, TrainStatus};
use super::fee::Journey;
use crate::id::RefundId;
use crate::{Fen, Instant, Parted, Pii, Step, pii};

/// Most refunds that are asked for on one order, failed ones included: a ticket is tried again a few
/// times, not for ever.
pub const REFUNDS_MAX: usize = 1000;
/// Most refunds at the station that one order is told of, those that a person has looked at included: a
/// supplier alone cannot make an order grow without end.
pub const OFFLINE_MAX: usize = 20;
/// Most changes of one order.
pub const CHANGES_MAX: usize = 20;

/// A rail order. What has become of a ticket follows from the changes and refunds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainOrder {
    /// What was booked.
    pub booking: TrainBooking,
    /// Changes of tickets, oldest first.
    #[serde(default)]
    pub changes: Vec<TrainChange>,
    /// Refunds, in the order of their numbers: in which they came makes no difference.
    #[serde(default)]
    pub refunds: Vec<Refund>,
}

impl Parted for TrainOrder {
    fn rest(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Rest<'o> {
            changes: &'o [TrainChange],
            refunds: &'o [Refund],
        }
        Rest { changes: &self.changes, refunds: &self.refunds }
    }
}

/// A ticket's place: its leg (those changed to follow those booked) and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seat {
    /// The leg.
    pub leg: usize,
    /// The ticket on it.
    pub ticket: usize,
}

/// A change (改签) that the railway has carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainChange {
    /// When.
    pub at: Instant,
    /// The seats given up.
    pub given_up: Vec<Seat>,
    /// The train they were changed to, with a ticket for each, in the same order.
    pub leg: Leg,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refund {
    /// Its number.
    pub refund_id: RefundId,
    /// Where it stands.
    pub state: RefundState,
}

/// Where a refund stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RefundState {
    /// Asked for; the supplier has not reported yet.
    Requested {
        /// When.
        at: Instant,
        /// For which tickets.
        seats: Vec<Seat>,
    },
    /// The supplier, or the back office, has reported. Final.
    Reported {
        /// When it was asked for.
        requested_at: Instant,
        /// When it was reported.
        at: Instant,
        /// What was reported.
        report: Report,
    },
    /// Reported though nobody had asked: done at a station. A person looks at it.
    Offline {
        /// When it was reported.
        at: Instant,
        /// What was reported.
        report: Report,
    },
    /// Done at a station, and taken by a person. Final.
    Accepted {
        /// When it was reported.
        at: Instant,
        /// When it was looked at.
        reviewed_at: Instant,
        /// What was reported.
        report: Report,
    },
    /// Done at a station, so it was said, and turned down by a person. Final.
    Rejected {
        /// When it was reported.
        at: Instant,
        /// When it was looked at.
        reviewed_at: Instant,
        /// What was reported.
        report: Report,
    },
}

/// What was reported of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What became of each ticket, in the order of their seats.
    pub tickets: Vec<TicketResult>,
    /// A keyed hash of everything the supplier said, when it was the supplier who reported.
    #[serde(default)]
    pub content_hash: Option<String>,
}

/// What became of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketResult {
    /// Which.
    pub seat: Seat,
    /// Whether it is refunded now.
    pub refunded: bool,
    /// What goes back.
    pub refund_fen: Fen,
    /// The fee.
    pub cost_fen: Fen,
    /// Why it is not refunded, as a code.
    #[serde(default)]
    pub fail_code: Option<String>,
    /// The same in words; whatever a person may have written.
    #[serde(default, with = "pii::marked_option")]
    pub fail_reason: Option<Pii<String>>,
}

/// A transition by name, for whoever plays the other parties.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum TrainCommand {
    /// A refund is asked for.
    AskRefund {
        /// Its number.
        refund_id: RefundId,
        /// For which tickets; all that can be refunded when left out.
        #[serde(default)]
        seats: Option<Vec<Seat>>,
    },
    /// The back office settles a refund that the supplier does not report.
    SettleRefund {
        /// Which.
        refund_id: RefundId,
        /// What became of each ticket.
        tickets: Vec<TicketResult>,
    },
    /// The railway changes tickets to another train.
    ChangeTickets {
        /// The seats given up.
        seats: Vec<Seat>,
        /// The train they are changed to, with a ticket for each, in the same order.
        leg: Leg,
    },
    /// A person takes a refund done at a station.
    AcceptOffline {
        /// Which.
        refund_id: RefundId,
    },
    /// A person turns down a refund said to be done at a station.
    RejectOffline {
        /// Which.
        refund_id: RefundId,
    },
}

impl TrainCommand {
    /// The name it is called by, which is also what the journal says.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AskRefund { .. } => "ask-refund",
            Self::SettleRefund { .. } => "settle-refund",
            Self::ChangeTickets { .. } => "change-tickets",
            Self::AcceptOffline { .. } => "accept-offline",
            Self::RejectOffline { .. } => "reject-offline",
        }
    }
}

/// The rules say no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainRefusal {
    /// No such refund.
    #[error("the order has no refund {0}")]
    NoSuchRefund(RefundId),
    /// A refund of that number says something else.
    #[error("refund {0} is known and different")]
    OtherRefund(RefundId),
    /// A final state does not move, and a refund that waits for the supplier is no offline one.
    #[error("refund {0} is {1}")]
    WrongState(RefundId, &'static str),
    /// A ticket that is not there, is named twice, or has been given up, refunded or asked for already.
    #[error("ticket {ticket} of leg {leg} cannot be refunded or changed now", leg = .0.leg, ticket = .0.ticket)]
    NotLive(Seat),
    /// Nothing to refund or change.
    #[error("no ticket is left to refund or change")]
    NoTickets,
    /// The results are not those of the refund's tickets, each once.
    #[error("the results must be those of the refund's tickets, each once")]
    OtherTickets,
    /// An amount is negative, or the amounts of a ticket are not its price.
    #[error(
        "refund and fee of a refunded ticket make up its price, and are nothing for one that is not"
    )]
    Amounts,
    /// A ticket can be changed once.
    #[error("a ticket can be changed once")]
    ChangedBefore,
    /// The new leg's tickets are not one for each given up, for the same passengers.
    #[error("a change gives every passenger one ticket for the one given up")]
    OtherPassengers,
    /// The new leg breaks a booking's rule.
    #[error(transparent)]
    Leg(#[from] BadTrain),
    /// No more fit into one order.
    #[error("an order takes at most {REFUNDS_MAX} refunds and {CHANGES_MAX} changes")]
    Full,
}

impl RefundState {
    /// What was reported, if anything was.
    pub const fn report(&self) -> Option<&Report> {
        match self {
            Self::Requested { .. } => None,
            Self::Reported { report, .. }
            | Self::Offline { report, .. }
            | Self::Accepted { report, .. }
            | Self::Rejected { report, .. } => Some(report),
        }
    }

    /// What was reported and counts.
    const fn effective(&self) -> Option<&Report> {
        match self {
            Self::Reported { report, .. } | Self::Accepted { report, .. } => Some(report),
            Self::Requested { .. } | Self::Offline { .. } | Self::Rejected { .. } => None,
        }
    }

    /// Whether it was done at a station.
    const fn is_offline(&self) -> bool {
        match self {
            Self::Requested { .. } | Self::Reported { .. } => false,
            Self::Offline { .. } | Self::Accepted { .. } | Self::Rejected { .. } => true,
        }
    }

    const fn label(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "asked for",
            Self::Reported { .. } => "reported",
            Self::Offline { .. } => "waiting for a person",
            Self::Accepted { .. } => "accepted",
            Self::Rejected { .. } => "rejected",
        }
    }
}

impl TrainOrder {
    /// A ticketed order.
    ///
    /// # Errors
    /// The booking breaks a rule.
    pub fn new(booking: TrainBooking) -> Result<Self, BadTrain> {
        booking.check()?;
        Ok(Self { booking, changes: Vec::new(), refunds: Vec::new() })
    }

    /// Every leg: those booked, then those changed to.
    pub fn legs(&self) -> impl Iterator<Item = &Leg> {
        self.booking.legs.iter().chain(self.changes.iter().map(|change| &change.leg))
    }

    /// The ticket of a seat.
    pub fn ticket(&self, seat: Seat) -> Option<&TrainTicket> {
        self.leg(seat)?.tickets.get(seat.ticket)
    }

    fn leg(&self, seat: Seat) -> Option<&Leg> {
        let booked = self.booking.legs.len();
        match seat.leg.checked_sub(booked) {
            None => self.booking.legs.get(seat.leg),
            Some(change) => self.changes.get(change).map(|change| &change.leg),
        }
    }

    fn seats(&self) -> impl Iterator<Item = Seat> {
        let legs = self.legs().enumerate();
        legs.flat_map(|(leg, found)| {
            (0..found.tickets.len()).map(move |ticket| Seat { leg, ticket })
        })
    }

    /// The change by which a seat was taken, and the seat given up for it.
    fn origin(&self, seat: Seat) -> Option<(&TrainChange, Seat)> {
        let change = self.changes.get(seat.leg.checked_sub(self.booking.legs.len())?)?;
        change.given_up.get(seat.ticket).map(|given_up| (change, *given_up))
    }

    /// Whether a seat was given up for another.
    pub(super) fn is_given_up(&self, seat: Seat) -> bool {
        self.changes.iter().any(|change| change.given_up.contains(&seat))
    }

    /// What a ticket may be said to have cost: its price and, after a change, then the price before it.
    pub(super) fn prices(&self, seat: Seat) -> Vec<Fen> {
        let before = self.origin(seat).and_then(|(_, given_up)| self.ticket(given_up));
        let tickets = self.ticket(seat).into_iter().chain(before);
        tickets.map(|ticket| ticket.price_fen).collect()
    }

    /// What has gone back so far.
    pub fn refunded_fen(&self) -> Fen {
        let results = self.results().map(|result| result.refund_fen);
        Fen::total(results).unwrap_or(Fen(i64::MAX))
    }

    /// Every ticket's result that counts.
    fn results(&self) -> impl Iterator<Item = &TicketResult> {
        let reports = self.refunds.iter().filter_map(|refund| refund.state.effective());
        reports.flat_map(|report| &report.tickets).filter(|result| result.refunded)
    }

    /// A seat's journey, as far as its fee depends on it.
    pub(super) fn journey(&self, seat: Seat) -> Option<Journey> {
        let leg = self.leg(seat)?;
        let changed = match self.origin(seat) {
            Some((change, given_up)) => Some((change.at, self.leg(given_up)?.departs_at()?)),
            None => None,
        };
        Some(Journey { departs: leg.departs_at()?, day: leg.departs.date(), changed })
    }

    /// The seats that are neither given up, nor refunded, nor asked to be.
    fn live(&self) -> BTreeSet<Seat> {
        let mut live: BTreeSet<_> = self.seats().collect();
        for seat in self.changes.iter().flat_map(|change| &change.given_up) {
            live.remove(seat);
        }
        for result in self.results() {
            live.remove(&result.seat);
        }
        for refund in &self.refunds {
            if let RefundState::Requested { seats, .. } = &refund.state {
                seats.iter().for_each(|seat| _ = live.remove(seat));
            }
        }
        live
    }

    /// What has gone back by a refund that counts, ticket by ticket.
    pub fn ledger(&self, refund_id: &RefundId) -> &[TicketResult] {
        let report = self.refund(refund_id).and_then(|refund| refund.state.effective());
        report.map_or(&[], |report| &report.tickets)
    }

    /// Where a seat's ticket stands; a seat given up stands nowhere.
    pub fn ticket_status(&self, seat: Seat) -> Option<TrainStatus> {
        self.ticket(seat).filter(|_| !self.is_given_up(seat))?;
        if self.results().any(|result| result.seat == seat) {
            return Some(TrainStatus::Refunded);
        }
        let live = self.live().contains(&seat);
        Some(if live { TrainStatus::Ticketed } else { TrainStatus::Refunding })
    }

    /// Where the order stands.
    pub fn status(&self) -> TrainStatus {
        let asked = |refund: &Refund| matches!(refund.state, RefundState::Requested { .. });
        if self.refunds.iter().any(asked) {
            return TrainStatus::Refunding;
        }
        let (gone, live) = (self.results().count(), self.live().len());
        match (gone, live) {
            (0, _) => TrainStatus::Ticketed,
            (_, 0) => TrainStatus::Refunded,
            _ => TrainStatus::PartlyRefunded,
        }
    }

    fn refund(&self, refund_id: &RefundId) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.refund_id == *refund_id)
    }

    /// Takes a supplier's report, whole or not at all. `content_hash` tells its content from any
    /// other's; `is_anothers` says that its number is another order's. Says what is odd about it.
    ///
    /// # Errors
    /// It is refused, and why.
    pub fn report(
        self,
        callback: &Callback,
        content_hash: &str,
        is_anothers: bool,
        lenient: bool,
        now: Instant,
    ) -> Result<(Step<Self>, Vec<Remark>), CallbackRefusal> {
        callback.check_form()?;
        self.check_identity(callback)?;
        let spot = Spot::order("refund_id");
        let refusal = |code, what| CallbackRefusal { code, problems: vec![Problem { spot, what }] };
        let conflict = |what| refusal(CallbackCode::Conflict, what);
        if is_anothers {
            return Err(refusal(CallbackCode::NotFound, "不是该订单的退票申请"));
        }
        let asked = match self.refund(&callback.refund_id).map(|refund| &refund.state) {
            Some(RefundState::Requested { at, seats }) => Some((seats.as_slice(), *at)),
            Some(known) => {
                let hash = known.report().and_then(|report| report.content_hash.as_deref());
                return if hash == Some(content_hash) {
                    Ok((Step::Already(self), Vec::new()))
                } else {
                    Err(conflict("该退票申请已有结果,且内容不一致"))
                };
            }
            None => None,
        };
        let Passed { report, remarks } = self.check_content(callback, asked, lenient, now)?;
        let report = Report { content_hash: Some(content_hash.to_owned()), ..report };
        if asked.is_some() {
            let refund_id = callback.refund_id.clone();
            return Ok((Step::Taken(self.settled(&refund_id, report, now)), remarks));
        }
        if self.refunds.iter().filter(|refund| refund.state.is_offline()).count() >= OFFLINE_MAX {
            return Err(conflict("线下退票过多"));
        }
        let state = RefundState::Offline { at: now, report };
        Ok((Step::Taken(self.with(callback.refund_id.clone(), state)), remarks))
    }

    /// Closes a refund that was asked for.
    fn settled(mut self, refund_id: &RefundId, report: Report, now: Instant) -> Self {
        for refund in &mut self.refunds {
            if let RefundState::Requested { at, .. } = refund.state
                && refund.refund_id == *refund_id
            {
                let report = report.clone();
                refund.state = RefundState::Reported { requested_at: at, at: now, report };
            }
        }
        self
    }

    fn with(mut self, refund_id: RefundId, state: RefundState) -> Self {
        let at = self.refunds.partition_point(|known| known.refund_id < refund_id);
        self.refunds.insert(at, Refund { refund_id, state });
        self
    }

    /// Performs a transition by name.
    ///
    /// # Errors
    /// The rules refuse it; nothing has changed.
    pub fn perform(self, command: TrainCommand, now: Instant) -> Result<Step<Self>, TrainRefusal> {
        match command {
            TrainCommand::AskRefund { refund_id, seats } => self.ask(refund_id, seats, now),
            TrainCommand::SettleRefund { refund_id, tickets } => {
                self.settle(&refund_id, tickets, now)
            }
            TrainCommand::ChangeTickets { seats, leg } => self.change(seats, leg, now),
            TrainCommand::AcceptOffline { refund_id } => self.review(&refund_id, true, now),
            TrainCommand::RejectOffline { refund_id } => self.review(&refund_id, false, now),
        }
    }

    fn ask(
        self,
        refund_id: RefundId,
        mut seats: Option<Vec<Seat>>,
        now: Instant,
    ) -> Result<Step<Self>, TrainRefusal> {
        if let Some(seats) = &mut seats {
            seats.sort_unstable();
        }
        if let Some(at) = self.refunds.iter().position(|known| known.refund_id == refund_id) {
            return self.ask_again(at, seats, now);
        }
        let asked = self.refunds.iter().filter(|refund| !refund.state.is_offline()).count();
        if asked == REFUNDS_MAX {
            return Err(TrainRefusal::Full);
        }
        let seats = match seats {
            Some(seats) => self.all_live(seats)?,
            None => self.live().into_iter().collect(),
        };
        if seats.is_empty() {
            return Err(TrainRefusal::NoTickets);
        }
        Ok(Step::Taken(self.with(refund_id, RefundState::Requested { at: now, seats })))
    }

    /// Asks under a number that is known: of the same refund, or of one whose report came first.
    fn ask_again(
        mut self,
        at: usize,
        seats: Option<Vec<Seat>>,
        now: Instant,
    ) -> Result<Step<Self>, TrainRefusal> {
        let Refund { refund_id, state } = &self.refunds[at];
        let other = || TrainRefusal::OtherRefund(refund_id.clone());
        let is_same = |known: &[Seat]| seats.as_ref().is_none_or(|seats| seats == known);
        match state {
            RefundState::Requested { seats: known, .. } if is_same(known) => {
                Ok(Step::Already(self))
            }
            RefundState::Offline { at: reported_at, report } => {
                let (reported_at, report) = (*reported_at, report.clone());
                let known: Vec<_> = report.tickets.iter().map(|result| result.seat).collect();
                if !is_same(&known) {
                    return Err(other());
                }
                self.all_live(known)?;
                let state = RefundState::Reported { requested_at: now, at: reported_at, report };
                self.refunds[at].state = state;
                Ok(Step::Taken(self))
            }
            _ => Err(other()),
        }
    }

    /// The seats, if each is there, live and named once.
    fn all_live(&self, seats: Vec<Seat>) -> Result<Vec<Seat>, TrainRefusal> {
        let mut live = self.live();
        match seats.iter().find(|seat| !live.remove(seat)) {
            Some(seat) => Err(TrainRefusal::NotLive(*seat)),
            None => Ok(seats),
        }
    }

    fn settle(
        self,
        refund_id: &RefundId,
        mut tickets: Vec<TicketResult>,
        now: Instant,
    ) -> Result<Step<Self>, TrainRefusal> {
        let known = self.refund(refund_id);
        let known = known.ok_or_else(|| TrainRefusal::NoSuchRefund(refund_id.clone()))?;
        tickets.sort_by_key(|result| result.seat);
        let mut seats = match &known.state {
            RefundState::Requested { seats, .. } => seats.clone(),
            state => {
                let same = state.report().is_some_and(|report| report.tickets == tickets);
                let label = state.label();
                return if same {
                    Ok(Step::Already(self))
                } else {
                    Err(TrainRefusal::WrongState(refund_id.clone(), label))
                };
            }
        };
        seats.sort_unstable();
        if !tickets.iter().map(|result| result.seat).eq(seats) {
            return Err(TrainRefusal::OtherTickets);
        }
        let adds_up = |result: &TicketResult| {
            let (refund, cost) = (result.refund_fen, result.cost_fen);
            let price = self.ticket(result.seat).map(|ticket| ticket.price_fen);
            let expected = if result.refunded { price } else { Some(Fen::ZERO) };
            refund >= Fen::ZERO && cost >= Fen::ZERO && refund.plus(cost) == expected
        };
        if !tickets.iter().all(adds_up) {
            return Err(TrainRefusal::Amounts);
        }
        let report = Report { tickets, content_hash: None };
        Ok(Step::Taken(self.settled(refund_id, report, now)))
    }

    fn change(
        mut self,
        seats: Vec<Seat>,
        leg: Leg,
        now: Instant,
    ) -> Result<Step<Self>, TrainRefusal> {
        let same = |change: &TrainChange| change.given_up == seats && change.leg == leg;
        if self.changes.iter().any(same) {
            return Ok(Step::Already(self));
        }
        let given_up = self.all_live(seats)?;
        if given_up.is_empty() {
            return Err(TrainRefusal::NoTickets);
        }
        if given_up.iter().any(|seat| self.origin(*seat).is_some()) {
            return Err(TrainRefusal::ChangedBefore);
        }
        leg.check()?;
        let before = given_up.iter().filter_map(|seat| self.ticket(*seat));
        let people = before.map(|ticket| &ticket.passenger.passenger_id);
        if !people.eq(leg.tickets.iter().map(|ticket| &ticket.passenger.passenger_id)) {
            return Err(TrainRefusal::OtherPassengers);
        }
        let prices = self.legs().chain([&leg]).flat_map(|leg| &leg.tickets);
        if Fen::total(prices.map(|ticket| ticket.price_fen)).is_none() {
            return Err(BadTrain::Price.into());
        }
        if self.changes.len() == CHANGES_MAX {
            return Err(TrainRefusal::Full);
        }
        self.changes.push(TrainChange { at: now, given_up, leg });
        Ok(Step::Taken(self))
    }

    fn review(
        mut self,
        refund_id: &RefundId,
        accept: bool,
        now: Instant,
    ) -> Result<Step<Self>, TrainRefusal> {
        let known = self.refunds.iter().position(|refund| refund.refund_id == *refund_id);
        let known = known.ok_or_else(|| TrainRefusal::NoSuchRefund(refund_id.clone()))?;
        let (at, report) = match &self.refunds[known].state {
            RefundState::Offline { at, report } => (*at, report.clone()),
            RefundState::Accepted { .. } if accept => return Ok(Step::Already(self)),
            RefundState::Rejected { .. } if !accept => return Ok(Step::Already(self)),
            state => return Err(TrainRefusal::WrongState(refund_id.clone(), state.label())),
        };
        let state = if accept {
            let gone = report.tickets.iter().filter(|result| result.refunded);
            self.all_live(gone.map(|result| result.seat).collect())?;
            RefundState::Accepted { at, reviewed_at: now, report }
        } else {
            RefundState::Rejected { at, reviewed_at: now, report }
        };
        self.refunds[known].state = state;
        Ok(Step::Taken(self))
    }
}
