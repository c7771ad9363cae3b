//! E-tickets.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::code::CouponStatus;
use crate::id::DisSubOrderId;

/// Digits of the airline's accounting code.
const AIRLINE_DIGITS: usize = 3;
/// Digits of a whole ticket number.
const TICKET_DIGITS: usize = 13;

/// An e-ticket number: the airline's three-digit accounting code and ten digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TicketNumber(String);

/// The text is not an e-ticket number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a ticket number: 13 digits, with or without a hyphen or blank after the third")]
pub struct NotATicketNumber;

impl FromStr for TicketNumber {
    type Err = NotATicketNumber;

    fn from_str(text: &str) -> Result<Self, NotATicketNumber> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for TicketNumber {
    type Error = NotATicketNumber;

    fn try_from(mut digits: String) -> Result<Self, NotATicketNumber> {
        if let Some(b'-' | b' ') = digits.as_bytes().get(AIRLINE_DIGITS) {
            digits.remove(AIRLINE_DIGITS);
        }
        let well_formed =
            digits.len() == TICKET_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        well_formed.then_some(Self(digits)).ok_or(NotATicketNumber)
    }
}

impl From<TicketNumber> for String {
    fn from(number: TicketNumber) -> Self {
        number.to_string()
    }
}

impl fmt::Display for TicketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (airline, serial) = self.0.split_at(AIRLINE_DIGITS);
        write!(f, "{airline}-{serial}")
    }
}

/// A ticket of one traveller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its number.
    pub number: TicketNumber,
    /// The position of its traveller in the booking.
    pub traveller: usize,
    /// The coupon's status.
    pub status: CouponStatus,
    /// The change that issued it; `None` for the first ticket.
    pub issued_by: Option<DisSubOrderId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_number_is_read_with_and_without_its_hyphen_and_printed_with_it() {
        for text in ["781-2345678901", "781 2345678901", "7812345678901"] {
            assert_eq!(text.parse::<TicketNumber>().unwrap().to_string(), "781-2345678901");
        }
        for text in ["", "781", "781--2345678901", "781-234567890", "781-23456789012", "票票票票"]
        {
            assert_eq!(text.parse::<TicketNumber>(), Err(NotATicketNumber), "{text}");
        }
    }
}
