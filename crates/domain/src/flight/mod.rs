//! Flight distribution: orders, tickets and changes.

mod booking;
mod change;
pub mod code;
mod command;
mod order;
mod place;
mod ticket;

pub use booking::{
    Airline, Booking, Document, Endpoint, Fare, FlightNo, Flyer, OrderKey, Party, Segment, Stop,
    Traveller,
};
pub use change::{
    Change, ChangeClosing, ChangeFee, ChangeRequest, ChangeState, ChangedFlight, Priced,
};
pub use command::{Command, Refusal};
pub use order::{
    CancelPolicy, CancelRefusal, Closing, Order, PAY_WINDOW, Payment, State, Ticketed,
};
pub use ticket::{NotATicketNumber, Ticket, TicketNumber};
