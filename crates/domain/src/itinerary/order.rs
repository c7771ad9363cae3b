//! An order's receipts: what was ticketed, for which journey, and which receipts were reported.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::code::{PostbackCode, TicketState, TravelStatus};
use super::number::TicketNo;
use crate::id::{AppKey, CwtAccountNo, EmployeeNo, HtUserId, OutRelationOrderId, TravelRequestId};
use crate::{Instant, Step, repeats};

/// Most tickets one postback names, conjunctions written out. Inferred.
pub const TICKETS_MAX: usize = 50;
/// Most postbacks that wait for one order to appear.
pub const PARKED_MAX: usize = 20;

/// Whose order, and which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptsKey {
    /// The supplier's app.
    pub app: AppKey,
    /// The account it was booked under.
    pub cwt_account_no: CwtAccountNo,
    /// The supplier's own order number.
    pub out_relation_order_id: OutRelationOrderId,
}

/// The receipts of an order. It may exist before the order does, for postbacks that came early.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipts {
    /// Whose, and which.
    pub key: ReceiptsKey,
    /// The order, once it has appeared.
    pub order: Option<ReceiptsOrder>,
    /// Postbacks that came before it.
    #[serde(default)]
    pub parked: Vec<Postback>,
}

/// What is known of the order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReceiptsOrder {
    /// When it was taken down.
    pub booked_at: Instant,
    /// The travel request it was made for.
    pub travel_request: TravelRequest,
    /// Who submitted it, when somebody other than the travellers did.
    #[serde(default)]
    pub submitter: Option<Person>,
    /// Its tickets.
    pub tickets: Vec<ReceiptTicket>,
}

/// A travel request (差旅单).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TravelRequest {
    /// Its number.
    pub tes_head_id: TravelRequestId,
    /// Where it stands.
    pub status: TravelStatus,
}

/// Somebody by the numbers the company knows them by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Employee number.
    #[serde(default)]
    pub emp_no: Option<EmployeeNo>,
    /// User id.
    #[serde(default)]
    pub ht_user_id: Option<HtUserId>,
}

/// A ticket of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptTicket {
    /// Its number.
    pub number: TicketNo,
    /// Who flies.
    pub traveller: Person,
    /// What has become of it.
    #[serde(default = "live")]
    pub state: TicketState,
    /// When that was, if it was after the booking.
    #[serde(default)]
    pub ended_at: Option<Instant>,
    /// Its receipt, once that was reported.
    #[serde(default)]
    pub receipt: Option<Receipt>,
}

const fn live() -> TicketState {
    TicketState::Live
}

/// A reported receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// When it was reported.
    pub at: Instant,
    /// The ticket number as the supplier wrote it.
    pub given: String,
    /// Whether the ticket has come to nothing since, so that the receipt is to be reversed (红冲).
    pub to_be_reversed: bool,
}

/// A report of issued receipts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Postback {
    /// When it came.
    pub at: Instant,
    /// The travel request it names.
    pub tes_head_id: TravelRequestId,
    /// The tickets, as written and as read, each number once.
    pub tickets: Vec<Reported>,
    /// The person it names.
    pub person: Person,
}

/// A ticket in a postback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// As the supplier wrote it.
    pub given: String,
    /// As it was read.
    pub number: TicketNo,
}

/// What was done with a ticket of a postback, or would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its receipt is known, now or since before.
    Synced,
    /// It waits for its order.
    Pending,
    /// It is why the postback was refused.
    Refused(PostbackCode),
}

/// A postback was refused; nothing of it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostbackRefusal {
    /// Why.
    pub code: PostbackCode,
    /// For each ticket in turn.
    pub verdicts: Vec<Verdict>,
}

/// An order that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadReceipts {
    /// None, too many, or one twice.
    #[error("an order has 1 to {TICKETS_MAX} tickets, each once")]
    Tickets,
    /// Receipts come by postback only.
    #[error("a receipt is reported by a postback, not booked")]
    Receipts,
}

/// A transition by name, for whoever plays the other parties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum ReceiptsCommand {
    /// The travel request is decided.
    DecideTravel {
        /// How.
        status: TravelStatus,
    },
    /// A live ticket comes to nothing; its receipt, if there is one, is to be reversed.
    EndTicket {
        /// Which.
        number: TicketNo,
        /// How: refunded, void or exchanged.
        state: TicketState,
    },
}

impl ReceiptsCommand {
    /// The name it is called by, which is also what the journal says.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DecideTravel { .. } => "decide-travel",
            Self::EndTicket { .. } => "end-ticket",
        }
    }
}

/// The rules say no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptsRefusal {
    /// The order has not appeared yet.
    #[error("the order has not appeared yet")]
    NoOrder,
    /// No such ticket.
    #[error("the order has no ticket {0}")]
    NoSuchTicket(TicketNo),
    /// A ticket that has come to nothing stays so.
    #[error("ticket {0} is {1} already")]
    Ended(TicketNo, &'static str),
    /// Nothing comes back to life.
    #[error("a ticket ends refunded, void or exchanged")]
    NotAnEnd,
}

impl Receipts {
    /// The receipts of an order that has appeared.
    ///
    /// # Errors
    /// The order breaks a rule.
    pub fn new(key: ReceiptsKey, order: ReceiptsOrder) -> Result<Self, BadReceipts> {
        let numbers: Vec<_> = order.tickets.iter().map(|ticket| &ticket.number).collect();
        if repeats(&numbers) || !(1..=TICKETS_MAX).contains(&numbers.len()) {
            return Err(BadReceipts::Tickets);
        }
        if order.tickets.iter().any(|ticket| ticket.receipt.is_some()) {
            return Err(BadReceipts::Receipts);
        }
        Ok(Self { key, order: Some(order), parked: Vec::new() })
    }

    /// A place for postbacks whose order has not appeared yet.
    pub const fn awaited(key: ReceiptsKey) -> Self {
        Self { key, order: None, parked: Vec::new() }
    }

    /// Takes a postback, whole or not at all. `bound_elsewhere` says which tickets another order of
    /// the same owner holds.
    ///
    /// # Errors
    /// It is refused, and why, ticket by ticket.
    pub fn post(
        mut self,
        postback: Postback,
        bound_elsewhere: &[TicketNo],
    ) -> Result<(Step<Self>, Vec<Verdict>), PostbackRefusal> {
        let Some(order) = &mut self.order else {
            return self.park(postback);
        };
        order.judge(&postback, bound_elsewhere)?;
        let mut taken = false;
        for reported in &postback.tickets {
            let ticket = order.tickets.iter_mut().find(|ticket| ticket.number == reported.number);
            let Some(ticket) = ticket.filter(|ticket| ticket.receipt.is_none()) else { continue };
            let to_be_reversed = ticket.state != TicketState::Live;
            let given = reported.given.clone();
            ticket.receipt = Some(Receipt { at: postback.at, given, to_be_reversed });
            taken = true;
        }
        let verdicts = vec![Verdict::Synced; postback.tickets.len()];
        Ok((if taken { Step::Taken(self) } else { Step::Already(self) }, verdicts))
    }

    fn park(mut self, postback: Postback) -> Result<(Step<Self>, Vec<Verdict>), PostbackRefusal> {
        let verdicts = vec![Verdict::Pending; postback.tickets.len()];
        let same = |parked: &Postback| parked.is_same(&postback);
        if self.parked.iter().any(same) {
            return Ok((Step::Already(self), verdicts));
        }
        if self.parked.len() == PARKED_MAX {
            let code = PostbackCode::TooManyWaiting;
            return Err(postback.refused_whole(code));
        }
        self.parked.push(postback);
        Ok((Step::Taken(self), verdicts))
    }

    /// The order appears: what was parked is judged by it, or waits on until its travel request is
    /// approved. Returns what was refused. `bound_elsewhere` is as for [`post`](Self::post).
    pub fn appear(
        self,
        order: ReceiptsOrder,
        bound_elsewhere: &[TicketNo],
    ) -> (Self, Vec<PostbackRefusal>) {
        Self { order: Some(order), ..self }.take_parked(bound_elsewhere)
    }

    fn take_parked(mut self, bound_elsewhere: &[TicketNo]) -> (Self, Vec<PostbackRefusal>) {
        let mut refused = Vec::new();
        let mut waiting = Vec::new();
        for postback in std::mem::take(&mut self.parked) {
            match self.clone().post(postback.clone(), bound_elsewhere) {
                Ok((step, _)) => self = step.into_state(),
                // Its supplier was told that it is pending, so it is.
                Err(PostbackRefusal { code: PostbackCode::NotApproved, .. }) => {
                    waiting.push(postback);
                }
                Err(refusal) => refused.push(refusal),
            }
        }
        (Self { parked: waiting, ..self }, refused)
    }

    /// Performs a transition by name.
    ///
    /// # Errors
    /// The rules refuse it; nothing has changed.
    pub fn perform(
        mut self,
        command: ReceiptsCommand,
        now: Instant,
    ) -> Result<Step<Self>, ReceiptsRefusal> {
        let order = self.order.as_mut().ok_or(ReceiptsRefusal::NoOrder)?;
        match command {
            ReceiptsCommand::DecideTravel { status } => {
                if order.travel_request.status == status {
                    return Ok(Step::Already(self));
                }
                order.travel_request.status = status;
                // What another order has bound meanwhile is for the store to refuse: it holds every
                // ticket's receipt once.
                return Ok(Step::Taken(self.take_parked(&[]).0));
            }
            ReceiptsCommand::EndTicket { state: TicketState::Live, .. } => {
                return Err(ReceiptsRefusal::NotAnEnd);
            }
            ReceiptsCommand::EndTicket { number, state } => {
                let ticket = order.tickets.iter_mut().find(|ticket| ticket.number == number);
                let Some(ticket) = ticket else {
                    return Err(ReceiptsRefusal::NoSuchTicket(number));
                };
                if ticket.state == state {
                    return Ok(Step::Already(self));
                }
                if ticket.state != TicketState::Live {
                    return Err(ReceiptsRefusal::Ended(number, ticket.state.row().en));
                }
                ticket.state = state;
                ticket.ended_at = Some(now);
                if let Some(receipt) = &mut ticket.receipt {
                    receipt.to_be_reversed = true;
                }
            }
        }
        Ok(Step::Taken(self))
    }

    /// The tickets whose receipts are known.
    pub fn synced(&self) -> impl Iterator<Item = &TicketNo> {
        let tickets = self.order.iter().flat_map(|order| &order.tickets);
        tickets.filter(|ticket| ticket.receipt.is_some()).map(|ticket| &ticket.number)
    }
}

impl ReceiptsOrder {
    /// Whether a postback may be taken, checks in their order.
    fn judge(
        &self,
        postback: &Postback,
        bound_elsewhere: &[TicketNo],
    ) -> Result<(), PostbackRefusal> {
        if self.travel_request.tes_head_id != postback.tes_head_id {
            return Err(postback.refused_whole(PostbackCode::OtherTravel));
        }
        if self.travel_request.status != TravelStatus::Approved {
            return Err(postback.refused_whole(PostbackCode::NotApproved));
        }
        let find = |number: &TicketNo| self.tickets.iter().find(|ticket| ticket.number == *number);
        let foreign = |number: &TicketNo| find(number).is_none();
        let dead = |number: &TicketNo| {
            // A receipt reported in time stays reported, whatever became of the ticket.
            let in_time = |t: &ReceiptTicket| {
                t.receipt.is_some() || t.ended_at.is_some_and(|ended_at| postback.at < ended_at)
            };
            find(number).is_some_and(|t| t.state != TicketState::Live && !in_time(t))
        };
        let elsewhere = |number: &TicketNo| bound_elsewhere.contains(number);
        let others = |number: &TicketNo| {
            let ticket = find(number);
            let people = ticket.map(|ticket| &ticket.traveller).into_iter().chain(&self.submitter);
            !postback.person.is_one_of(people)
        };
        type Rule<'r> = (PostbackCode, &'r dyn Fn(&TicketNo) -> bool);
        let rules: [Rule<'_>; 4] = [
            (PostbackCode::ForeignTicket, &foreign),
            (PostbackCode::DeadTicket, &dead),
            (PostbackCode::OtherPerson, &others),
            (PostbackCode::BoundElsewhere, &elsewhere),
        ];
        for (code, breaks) in rules {
            if postback.tickets.iter().any(|reported| breaks(&reported.number)) {
                return Err(postback.refused(code, breaks));
            }
        }
        Ok(())
    }
}

impl Postback {
    /// The refusal of it for what is true of all its tickets.
    pub fn refused_whole(&self, code: PostbackCode) -> PostbackRefusal {
        self.refused(code, |_| true)
    }

    /// The refusal of it, with the tickets that broke the rule told from the others.
    fn refused(&self, code: PostbackCode, breaks: impl Fn(&TicketNo) -> bool) -> PostbackRefusal {
        let verdict = |reported: &Reported| {
            if breaks(&reported.number) { Verdict::Refused(code) } else { Verdict::Synced }
        };
        PostbackRefusal { code, verdicts: self.tickets.iter().map(verdict).collect() }
    }

    /// Whether it says the same, whenever it came and however its tickets are written and ordered.
    fn is_same(&self, other: &Self) -> bool {
        let numbers = |postback: &Self| -> BTreeSet<TicketNo> {
            postback.tickets.iter().map(|ticket| ticket.number.clone()).collect()
        };
        self.tes_head_id == other.tes_head_id
            && self.person == other.person
            && numbers(self) == numbers(other)
    }
}

impl Person {
    /// Whether what is said of this person agrees with one of these. What is not said agrees.
    fn is_one_of<'p>(&self, people: impl IntoIterator<Item = &'p Self>) -> bool {
        if self.emp_no.is_none() && self.ht_user_id.is_none() {
            return true;
        }
        people.into_iter().any(|known| {
            let emp_no = self.emp_no.is_none() || self.emp_no == known.emp_no;
            emp_no && (self.ht_user_id.is_none() || self.ht_user_id == known.ht_user_id)
        })
    }
}
