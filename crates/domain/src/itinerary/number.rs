//! Ticket numbers as suppliers write them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Digits of a ticket number: the airline's three and ten more. Whether a thirteenth or fourteenth is
/// a check digit is disputed, so none is checked.
const DIGITS: usize = 13;
/// How many serials an airline has: counting up never runs into the airline's digits.
const SERIALS: u64 = 10_000_000_000;
/// Digits of the part that counts up in a conjunction.
const SUFFIX_DIGITS: usize = 2;
/// Most tickets of one conjunction: each has four coupons, and no journey has more than sixteen.
const CONJUNCTION_MAX: u64 = 4;

/// A ticket number in its one canonical form: digits only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TicketNo(String);

/// The text is not a ticket number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a ticket number")]
pub struct NotATicketNo;

impl TicketNo {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TicketNo {
    type Error = NotATicketNo;

    /// Any digits: whether there must be thirteen of them is for whoever reads a postback to say.
    fn try_from(text: String) -> Result<Self, NotATicketNo> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let plain =
            (1..=DIGITS).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then_some(Self(digits)).ok_or(NotATicketNo)
    }
}

impl From<TicketNo> for String {
    fn from(number: TicketNo) -> Self {
        number.0
    }
}

impl fmt::Display for TicketNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads what a supplier wrote for one ticket, or for a conjunction: `781-2345678901-03` stands for
/// the numbers that end in 01, 02 and 03. `lenient` takes any digits for a number, as the published
/// page's example needs.
///
/// # Errors
/// It is no ticket number.
pub fn read(text: &str, lenient: bool) -> Result<Vec<TicketNo>, NotATicketNo> {
    let text = text.trim();
    let compact: String = text.chars().filter(|c| *c != ' ').collect();
    let (airline, rest) = compact.split_at_checked(3).ok_or(NotATicketNo)?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let (serial, suffix) = match rest.split_once('-') {
        Some((serial, suffix)) => (serial, Some(suffix)),
        None => (rest, None),
    };
    let digits = format!("{airline}{serial}");
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(&digits) || (digits.len() != DIGITS && !lenient) {
        return Err(NotATicketNo);
    }
    let first = TicketNo::try_from(digits)?;
    let Some(suffix) = suffix else { return Ok(vec![first]) };
    if suffix.len() != SUFFIX_DIGITS || !plain(suffix) || first.0.len() != DIGITS {
        return Err(NotATicketNo);
    }
    let number: u64 = first.0.parse().map_err(|_| NotATicketNo)?;
    let last: u64 = suffix.parse().map_err(|_| NotATicketNo)?;
    // The suffix continues the last two digits, past 99 if need be.
    let count = (last + 100 - number % 100) % 100 + 1;
    if !(2..=CONJUNCTION_MAX).contains(&count) || number % SERIALS + count > SERIALS {
        return Err(NotATicketNo);
    }
    (number..number + count).map(|number| TicketNo::try_from(format!("{number:013}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str, lenient: bool) -> Option<Vec<String>> {
        read(text, lenient).ok().map(|all| all.into_iter().map(String::from).collect())
    }

    #[test]
    fn a_number_is_one_however_it_is_written() {
        for text in ["781-2345678901", "781 2345678901", "7812345678901", " 7812345678901 "] {
            assert_eq!(read_all(text, false), Some(vec!["7812345678901".to_owned()]), "{text}");
        }
        for text in
            ["", "23142134", "781-23456789012", "781-234567890a", "票票票票票票票票票票票票票"]
        {
            assert_eq!(read_all(text, false), None, "{text}");
        }
        assert_eq!(read_all("23142134", true), Some(vec!["23142134".to_owned()]));
    }

    #[test]
    fn a_conjunction_stands_for_all_its_numbers() {
        let numbers = |text: &str| read_all(text, false).unwrap_or_default();
        assert_eq!(
            numbers("781-2345678901-03"),
            ["7812345678901", "7812345678902", "7812345678903"]
        );
        assert_eq!(numbers("781-2345678999-00"), ["7812345678999", "7812345679000"]);
        assert_eq!(numbers("781-9999999998-99"), ["7819999999998", "7819999999999"]);
        for text in [
            "781-2345678901-01",
            "781-2345678901-99",
            "781-2345678901-2",
            "781-2345678901-0a",
            // No serial follows the last one.
            "781-9999999999-00",
            "999-9999999998-00",
        ] {
            assert!(numbers(text).is_empty(), "{text}");
        }
    }
}
