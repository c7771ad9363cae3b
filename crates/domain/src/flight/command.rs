//! Transitions by name, for whoever plays the other parties: seller, airline, back office.

use serde::{Deserialize, Serialize};

use super::booking::{BadBooking, FlightNo, SEGMENTS_MAX};
use super::change::{CHANGES_MAX, ChangeClosing, ChangeFee, ChangeRequest};
use super::order::{CancelPolicy, CancelRefusal, Order};
use super::ticket::TicketNumber;
use crate::id::{DisSubOrderId, UserId};
use crate::{Instant, Step};

/// A transition of an order or of one of its changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// The order is taken down, not yet submitted: 0 → 1.
    Begin,
    /// The order is submitted to the seller: 1 → 31.
    Submit,
    /// The seller confirms; the order can be paid: 0 or 31 → 32.
    Confirm {
        /// The last moment to pay; 30 minutes from now, or the departure, if not given.
        #[serde(default)]
        until: Option<Instant>,
    },
    /// The order cannot be created: 0, 1 or 31 → −1.
    Fail {
        /// Why.
        reason: String,
    },
    /// The distributor pays: 32 → 4.
    Pay {
        /// The payment's trade number.
        alipay_trade_no: String,
    },
    /// The seller is about to issue: 4 → 28.
    ConfirmTicketing,
    /// Tickets are out, one for each traveller in their order: 4 or 28 → 5.
    Ticket {
        /// Their numbers.
        tickets: Vec<TicketNumber>,
    },
    /// No ticket can be issued; what was paid goes back: 4 or 28 → 10.
    FailTicketing {
        /// Why.
        reason: String,
    },
    /// The distributor cancels: 0, 1, 31 or 32 → 10.
    Cancel,
    /// The distributor asks for other flights: a new change order at 1.
    ApplyChange(ChangeRequest),
    /// The airline names the fees: 1 → 4, or 1 → 5 when it costs nothing.
    PriceChange {
        /// Which change.
        dis_sub_order_id: DisSubOrderId,
        /// What each traveller pays, in the order of the request.
        fees: Vec<ChangeFee>,
        /// The last moment to pay; 30 minutes from now, or the departure, if not given.
        #[serde(default)]
        until: Option<Instant>,
    },
    /// The distributor pays the change: 4 → 5.
    PayChange {
        /// Which change.
        dis_sub_order_id: DisSubOrderId,
        /// The payment's trade number.
        alipay_trade_no: String,
    },
    /// The airline reissues, one ticket for each changing traveller: 5 → 2.
    Reissue {
        /// Which change.
        dis_sub_order_id: DisSubOrderId,
        /// The new ticket numbers.
        tickets: Vec<TicketNumber>,
    },
    /// The airline refuses the change: 1, 4 or 5 → 3.
    RefuseChange {
        /// Which change.
        dis_sub_order_id: DisSubOrderId,
        /// Why.
        reason: String,
    },
    /// The distributor drops the change: 1 or 4 → 3.
    CancelChange {
        /// Which change.
        dis_sub_order_id: DisSubOrderId,
    },
}

impl Command {
    /// The name it is called by, which is also what the journal says.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Submit => "submit",
            Self::Confirm { .. } => "confirm",
            Self::Fail { .. } => "fail",
            Self::Pay { .. } => "pay",
            Self::ConfirmTicketing => "confirm-ticketing",
            Self::Ticket { .. } => "ticket",
            Self::FailTicketing { .. } => "fail-ticketing",
            Self::Cancel => "cancel",
            Self::ApplyChange(_) => "apply-change",
            Self::PriceChange { .. } => "price-change",
            Self::PayChange { .. } => "pay-change",
            Self::Reissue { .. } => "reissue",
            Self::RefuseChange { .. } => "refuse-change",
            Self::CancelChange { .. } => "cancel-change",
        }
    }
}

/// The rules say no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The transition does not start from this state.
    #[error("a {what} that is {state} cannot {command}")]
    State {
        /// What it is about.
        what: &'static str,
        /// The state it is in.
        state: &'static str,
        /// What was asked.
        command: &'static str,
    },
    /// The cancel was refused.
    #[error(transparent)]
    Cancel(#[from] CancelRefusal),
    /// Not one ticket for each traveller, or a number used before.
    #[error("give one new ticket number for each traveller, {expected} in all")]
    Tickets {
        /// How many there must be.
        expected: usize,
    },
    /// Fees missing, negative, too large, or charged for an involuntary change.
    #[error(
        "give each changing traveller fees that are not negative; an involuntary change is free"
    )]
    Fees,
    /// No such change.
    #[error("the order has no change {0}")]
    NoSuchChange(DisSubOrderId),
    /// The change order number is taken by another request.
    #[error("the order has another change {0}")]
    OtherChange(DisSubOrderId),
    /// Nobody, or somebody who is not on the order.
    #[error("traveller {0} is not on the order")]
    NoSuchTraveller(UserId),
    /// A traveller is in another change that is still open.
    #[error("traveller {0} is in another change that is still open")]
    TravellerBusy(UserId),
    /// A change without travellers or flights, or with too many.
    #[error("a change names at least one traveller and 1 to {SEGMENTS_MAX} flights")]
    EmptyChange,
    /// The flight and class to be replaced are not what a traveller holds.
    #[error("flight {0} in that class is not what every traveller holds")]
    NoSuchFlight(FlightNo),
    /// Too many.
    #[error("an order has at most {CHANGES_MAX} changes")]
    TooManyChanges,
    /// A flight whose times or prices make no sense.
    #[error(transparent)]
    Flight(#[from] BadBooking),
    /// A platform number that clients could not read, or that another change has.
    #[error("btrip_sub_order_id is taken, or not between 1 and 2^53 - 1")]
    Number,
    /// Listed twice.
    #[error("traveller {0} is listed twice")]
    RepeatedTraveller(UserId),
    /// There would be no time left to pay.
    #[error("the last moment to pay would not be after now")]
    Deadline,
    /// The document number would be too large.
    #[error("the amounts do not fit")]
    Amount,
}

impl Order {
    /// Performs a transition by name.
    ///
    /// # Errors
    /// The rules refuse it; the order is as it was.
    pub fn perform(
        self,
        command: Command,
        policy: CancelPolicy,
        now: Instant,
    ) -> Result<Step<Self>, Refusal> {
        match command {
            Command::Begin => self.begin(now),
            Command::Submit => self.submit(now),
            Command::Confirm { until } => self.confirm(until, now),
            Command::Fail { reason } => self.fail(reason, now),
            Command::Pay { alipay_trade_no } => self.pay(alipay_trade_no, now),
            Command::ConfirmTicketing => self.confirm_ticketing(now),
            Command::Ticket { tickets } => self.ticket(tickets, now),
            Command::FailTicketing { reason } => self.fail_ticketing(reason, now),
            Command::Cancel => self.cancel(policy, now).map_err(Refusal::Cancel),
            Command::ApplyChange(request) => self.apply_change(request, now),
            Command::PriceChange { dis_sub_order_id, fees, until } => {
                let departs = self.held_departure(&dis_sub_order_id);
                self.in_change(&dis_sub_order_id, now, |change| {
                    change.price(fees, until, departs, now)
                })
            }
            Command::PayChange { dis_sub_order_id, alipay_trade_no } => {
                self.in_change(&dis_sub_order_id, now, |change| change.pay(alipay_trade_no, now))
            }
            Command::Reissue { dis_sub_order_id, tickets } => {
                self.reissue(&dis_sub_order_id, tickets, now)
            }
            Command::RefuseChange { dis_sub_order_id, reason } => {
                let by = ChangeClosing::Refused { reason };
                self.in_change(&dis_sub_order_id, now, |change| change.close(by, now))
            }
            Command::CancelChange { dis_sub_order_id } => {
                let by = ChangeClosing::Cancelled;
                self.in_change(&dis_sub_order_id, now, |change| change.close(by, now))
            }
        }
    }
}
