//! The two ways a call is not served. A *refusal*, where the rules say no, is a normal answer.

use std::str::FromStr;

use top::{Rejection, Violation, ViolationKind, error};

/// Why a call was not served.
#[derive(Debug)]
pub enum Failure {
    /// The caller is wrong.
    Rejected(Rejection),
    /// The request is wrong in these ways, in the order the platform would complain; never empty.
    Invalid(Vec<Violation>),
    /// We are wrong. Outside it is an unknown error with a request id; the log has the rest.
    Fault(anyhow::Error),
}

impl Failure {
    /// A required parameter is not there.
    pub fn missing(name: &'static str) -> Self {
        Self::Rejected(Rejection::with_argument(error::MISSING_ARGUMENT, name))
    }

    /// What the caller is told.
    pub fn rejection(&self) -> Rejection {
        match self {
            Self::Rejected(rejection) => rejection.clone(),
            Self::Invalid(violations) => match violations.first() {
                Some(violation) => violation.into(),
                None => error::UNKNOWN_ERROR.into(),
            },
            Self::Fault(_) => error::UNKNOWN_ERROR.into(),
        }
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<&'static top::error::Row> for Failure {
    fn from(row: &'static top::error::Row) -> Self {
        Self::Rejected(row.into())
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::Fault(error.into())
    }
}

/// Reads members whose form the service knows better than the page does, collecting what is wrong.
#[derive(Debug, Default)]
pub struct Members {
    violations: Vec<Violation>,
}

impl Members {
    /// Reads the member at `path`.
    pub fn read<T: FromStr>(&mut self, text: &str, path: &str) -> Option<T> {
        let value = text.parse().ok();
        if value.is_none() {
            let path = path.to_owned();
            self.violations.push(Violation { kind: ViolationKind::InvalidParameter, path });
        }
        value
    }

    /// The failure that everything found so far amounts to.
    pub fn into_failure(self) -> Failure {
        Failure::Invalid(self.violations)
    }
}
