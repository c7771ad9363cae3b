//! Car rental: orders, cancellation policies and what cancelling costs.

pub mod code;
mod order;
mod policy;

pub use order::{
    BadRental, NotCancellable, Prices, QUOTE_HOLDS, Quote, Rental, RentalBooking, RentalCommand,
    RentalKey, RentalPayment, RentalRefusal, RentalState,
};
pub use policy::{BadTerms, Base, Charge, Policy, Rule, Terms, Tier};
