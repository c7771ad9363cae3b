//! When a call is made again.

use std::time::Duration;

/// Most retries a policy makes: a server that failed eleven times in a row needs a person.
pub const RETRIES_MAX: u32 = 10;

/// What the official Java client's retrying variant does.
const RETRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// When a call is made again: after a transport failure (no connection, no whole answer in time, an
/// HTTP status of 5xx, which comes from something in between, since the platform answers 200) and
/// after an error whose `sub_code` begins with `isp.`, the platform's own trouble. Each try is signed
/// anew, with its own timestamp. After the last one, its outcome is the call's.
///
/// Only what a method's declaration calls idempotent is repeated. A command whose answer was lost may
/// have been carried out, so anything else, and every untyped call, needs
/// [`commands_too`](Self::commands_too).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    pub(crate) retries: u32,
    pub(crate) pause: Duration,
    pub(crate) commands_too: bool,
}

impl Retry {
    /// Never; the default.
    pub const fn off() -> Self {
        Self { retries: 0, pause: PAUSE, commands_too: false }
    }

    /// Up to three times, 100 ms apart, as the official Java client's retrying variant.
    pub const fn usual() -> Self {
        Self { retries: RETRIES, ..Self::off() }
    }

    /// Up to so many times, at most [`RETRIES_MAX`].
    #[must_use]
    pub const fn retries(self, retries: u32) -> Self {
        let retries = if retries > RETRIES_MAX { RETRIES_MAX } else { retries };
        Self { retries, ..self }
    }

    /// Waits so long before each.
    #[must_use]
    pub const fn pause(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Repeats calls that nobody declared idempotent, too.
    #[must_use]
    pub const fn commands_too(self) -> Self {
        Self { commands_too: true, ..self }
    }

    /// How often a call may be repeated.
    pub(crate) const fn retries_for(self, idempotent: bool) -> u32 {
        if idempotent || self.commands_too { self.retries } else { 0 }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::off()
    }
}
