//! Itinerary receipts (行程单): which were issued for which tickets of which journey.

pub mod code;
mod number;
mod order;

pub use number::{NotATicketNo, TicketNo, read};
pub use order::{
    BadReceipts, PARKED_MAX, Person, Postback, PostbackRefusal, Receipt, ReceiptTicket, Receipts,
    ReceiptsCommand, ReceiptsKey, ReceiptsOrder, ReceiptsRefusal, Reported, TICKETS_MAX,
    TravelRequest, Verdict,
};
