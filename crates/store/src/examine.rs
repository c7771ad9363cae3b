//! What an operator should know about a database.

/// How a finding is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Worth a look.
    Odd,
    /// What was acknowledged can be lost, or is not read.
    Bad,
}

/// Something found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// What it is like.
    pub found: String,
    /// How that is to be taken.
    pub verdict: Verdict,
}

impl Finding {
    pub(crate) fn new(what: &'static str, found: impl ToString, verdict: Verdict) -> Self {
        Self { what, found: found.to_string(), verdict }
    }

    /// Good when it is so, bad otherwise.
    pub(crate) fn check(what: &'static str, found: impl ToString, is_good: bool) -> Self {
        Self::new(what, found, if is_good { Verdict::Good } else { Verdict::Bad })
    }
}
