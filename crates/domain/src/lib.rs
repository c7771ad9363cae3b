//! The travel rules, as pure types and functions.
//!
//! Nothing here knows the wire, a database, a clock or async: every function that depends on the
//! time is given it. A state carries exactly the facts that exist in it; a transition consumes the
//! old state; doing it twice is doing it once.

pub mod access;
pub mod account;
pub mod code;
pub mod flight;
pub mod grant;
pub mod id;
pub mod itinerary;
pub mod money;
pub mod pii;
pub mod rental;
pub mod step;
pub mod time;
pub mod train;

pub use money::Fen;
pub use pii::Pii;
pub use step::{Parted, Step};
pub use time::{Civil, Instant};

/// Whether anything stands in the list twice. Lists here are short and bounded.
fn repeats<T: PartialEq>(list: &[T]) -> bool {
    list.iter().enumerate().any(|(at, one)| list[..at].contains(one))
}
