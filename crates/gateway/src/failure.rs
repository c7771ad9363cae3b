//! The two ways a call is not served. A *refusal*, where the rules say no, is a normal answer.

use top::{Rejection, Violation, error};

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
