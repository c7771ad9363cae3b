//! Money: whole fen, checked.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in fen (分), a hundredth of a yuan. No float is ever near it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Fen(pub i64);

impl Fen {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The sum, unless it overflows.
    pub const fn plus(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(fen) => Some(Self(fen)),
            None => None,
        }
    }

    /// The amount `count` times, unless it overflows.
    pub fn times(self, count: usize) -> Option<Self> {
        i64::try_from(count).ok().and_then(|count| self.0.checked_mul(count)).map(Self)
    }

    /// The sum of all, unless it overflows.
    pub fn total(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02} yuan", fen / 100, fen % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_that_do_not_fit_are_no_sums() {
        assert_eq!(Fen::total([Fen(1), Fen(2), Fen(3)]), Some(Fen(6)));
        assert_eq!(Fen::total([Fen(i64::MAX), Fen(1)]), None);
        assert_eq!(Fen(i64::MAX).times(2), None);
    }

    #[test]
    fn amounts_print_as_yuan() {
        assert_eq!(Fen(123_405).to_string(), "1234.05 yuan");
        assert_eq!(Fen(-5).to_string(), "-0.05 yuan");
    }
}
