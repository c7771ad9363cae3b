//! What a transition did, and what none does.

use serde::Serialize;

/// The outcome of a transition that was not refused.
///
/// Doing it twice is doing it once: the second time nothing changes and nothing is written, and the
/// caller gets the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// It happened now.
    Taken(T),
    /// It had happened before.
    Already(T),
}

impl<T> Step<T> {
    /// The state after it, either way.
    pub fn into_state(self) -> T {
        match self {
            Self::Taken(state) | Self::Already(state) => state,
        }
    }

    /// The state after it, either way.
    pub fn state(&self) -> &T {
        match self {
            Self::Taken(state) | Self::Already(state) => state,
        }
    }
}

/// A document that begins with facts which no transition changes.
pub trait Parted {
    /// What follows them: an object of all other members, under the same names and in the same order.
    fn rest(&self) -> impl Serialize;
}
