//! Everything that can come of a call instead of its response.

use std::fmt;

use crate::check::Fault;
use crate::raw::Raw;

/// The call was not served. No variant holds or prints the secret, the session or the parameters.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The platform said no, or would have: see [`Rejected::is_local`].
    #[error(transparent)]
    Rejected(#[from] Box<Rejected>),
    /// Nothing, or not everything, came back.
    #[error("no answer from {url}: {reason}")]
    Transport {
        /// Where the call went, without its parameters.
        url: String,
        /// Why it failed.
        reason: String,
        /// The failure itself; `None` when the answer was longer than
        /// [`ANSWER_BYTES_MAX`](crate::ANSWER_BYTES_MAX).
        source: Option<reqwest::Error>,
    },
    /// Something other than 200, which is all that the platform answers: it comes from something in
    /// between, or from no TOP server at all.
    #[error("HTTP {} from {url}, where a TOP server answers 200 whatever happened", raw.status())]
    Status {
        /// Where the call went, without its parameters.
        url: String,
        /// What came.
        raw: Box<Raw>,
    },
    /// What came back is no answer of the declared shape.
    #[error("cannot read the answer: {reason}")]
    Unreadable {
        /// What is wrong with it, without anything it says.
        reason: String,
        /// What came.
        raw: Box<Raw>,
    },
    /// The client cannot be set up as asked.
    #[error("cannot set up the client: {0}")]
    Setup(String),
}

impl Error {
    /// The failure of one exchange with `url`.
    pub(crate) fn transport(url: &str, error: reqwest::Error) -> Self {
        // With the URL would go the query, and in a batch that holds the session.
        let error = error.without_url();
        let reason = match (error.is_timeout(), error.is_connect()) {
            (true, true) => "no connection in time".to_owned(),
            (true, false) => "nothing in time".to_owned(),
            _ => {
                let mut cause: &dyn std::error::Error = &error;
                while let Some(source) = cause.source() {
                    cause = source;
                }
                cause.to_string()
            }
        };
        Self::Transport { url: url.to_owned(), reason, source: Some(error) }
    }

    /// What the platform said, if it said anything.
    pub fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            _ => None,
        }
    }

    /// What came back, if anything did.
    pub fn raw(&self) -> Option<&Raw> {
        match self {
            Self::Rejected(rejected) => rejected.raw.as_ref(),
            Self::Status { raw, .. } | Self::Unreadable { raw, .. } => Some(raw),
            Self::Transport { .. } | Self::Setup(_) => None,
        }
    }

    /// Whether the next try may find the trouble gone: no answer, or the platform's own trouble.
    /// Whether the call was carried out all the same, nobody knows.
    pub fn is_temporary(&self) -> bool {
        match self {
            // What cannot be unpacked, or is too long, will be so again.
            Self::Transport { source, .. } => {
                source.as_ref().is_some_and(|source| !source.is_decode() && !source.is_builder())
            }
            Self::Status { raw, .. } => raw.status() >= 500,
            Self::Rejected(rejected) => rejected.is_platforms_own(),
            Self::Unreadable { .. } | Self::Setup(_) => false,
        }
    }
}

/// An `error_response`.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// `code`.
    pub code: i64,
    /// `msg`.
    pub msg: String,
    /// `sub_code`; `isv.` begins what the caller can mend, `isp.` what the platform must.
    pub sub_code: Option<String>,
    /// `sub_msg`.
    pub sub_msg: Option<String>,
    /// What the platform calls this call by. Quote it when you ask for help.
    pub request_id: Option<String>,
    /// The answer as it came; `None` when the request never left.
    pub raw: Option<Raw>,
}

impl Rejected {
    /// Whether the client itself refused to send the request: code 40 or 41, and `msg` begins with
    /// `client-error:`, as in the official SDKs.
    pub fn is_local(&self) -> bool {
        self.raw.is_none()
    }

    /// Whether the platform, not the caller, is to blame.
    pub fn is_platforms_own(&self) -> bool {
        self.sub_code.as_deref().is_some_and(|code| code.starts_with("isp."))
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.msg)?;
        for part in [&self.sub_code, &self.sub_msg].into_iter().flatten() {
            write!(f, " | {part}")?;
        }
        if let Some(request_id) = &self.request_id {
            write!(f, " (request {request_id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejected {}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Rejected(Box::new(Rejected {
            code: fault.row.code.into(),
            msg: fault.msg(),
            sub_code: None,
            sub_msg: None,
            request_id: None,
            raw: None,
        }))
    }
}
