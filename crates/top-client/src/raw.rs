//! What came back, as it came and as the method declares it.

use std::fmt;

use reqwest::header::HeaderMap;
use top::answer::{self, Answer, Unreadable};
use top::{Composite, Format, Wire};

use crate::error::{Error, Rejected};

/// Longest answer read, unpacked. The largest published example has 2 kB; what is longer than this is
/// no answer but a mistake or an attack on our memory.
pub const ANSWER_BYTES_MAX: usize = 16 << 20;

/// An answer as it came: its HTTP status, its headers and its text.
#[derive(Clone)]
pub struct Raw {
    pub(crate) format: Format,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl fmt::Debug for Raw {
    /// Without the body and the headers: either may hold what is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A served call.
#[derive(Debug, Clone)]
pub struct Reply<R> {
    /// What the method answered.
    pub response: R,
    /// What the platform calls this call by, where it said so. Quote it when you ask for help.
    pub request_id: Option<String>,
    /// The answer as it came.
    pub raw: Raw,
}

/// Any response root; nothing of it is read.
#[derive(Wire)]
struct Anything {}

impl Raw {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body, unpacked.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Every header whose value is text.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.headers.iter();
        pairs.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }

    /// The header called `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The request id, when the body is an answer and has one.
    pub fn request_id(&self) -> Option<String> {
        match self.read::<Anything>().ok()? {
            Answer::Success { request_id, .. } | Answer::Error { request_id, .. } => request_id,
        }
    }

    /// The error that the body reports; `None` when it reports none, or is no answer.
    pub fn error(&self) -> Option<Rejected> {
        self.read::<Anything>().ok().and_then(|answer| self.rejected(answer))
    }

    /// Reads the answer of a method whose response is an `R`.
    ///
    /// # Errors
    /// It is an error, or not of the declared shape.
    pub fn into_reply<R: Composite>(self) -> Result<Reply<R>, Error> {
        match self.read::<R>() {
            Ok(Answer::Success { response, request_id }) => {
                Ok(Reply { response, request_id, raw: self })
            }
            Ok(error) => match self.rejected(error) {
                Some(rejected) => Err(Error::Rejected(Box::new(rejected))),
                None => Err(self.unreadable("neither an answer nor an error")),
            },
            Err(unreadable) => Err(self.unreadable(unreadable)),
        }
    }

    pub(crate) fn unreadable(self, reason: impl ToString) -> Error {
        let start = self.body.trim_start().get(..5).unwrap_or_default().to_ascii_lowercase();
        let reason = match start.as_str() {
            "<html" | "<!doc" => "a web page; is the URL that of a TOP server?".to_owned(),
            "" if self.body.trim().is_empty() => "nothing".to_owned(),
            _ => reason.to_string(),
        };
        Error::Unreadable { reason, raw: Box::new(self) }
    }

    /// A part of it, as an answer of its own.
    pub(crate) fn with_body(&self, body: &str) -> Self {
        let (format, status) = (self.format, self.status);
        Self { format, status, headers: self.headers.clone(), body: body.to_owned() }
    }

    fn read<R: Composite>(&self) -> Result<Answer<R>, Unreadable> {
        let body = self.body.trim_start_matches('\u{feff}').trim();
        // An error about the format asked for comes in another.
        let format = match (self.format, body.starts_with('<')) {
            (_, true) => Format::Xml,
            (Format::Xml, false) => Format::Json,
            (asked, false) => asked,
        };
        answer::read(format, body)
    }

    fn rejected<R>(&self, answer: Answer<R>) -> Option<Rejected> {
        match answer {
            Answer::Success { .. } => None,
            Answer::Error { code, msg, sub_code, sub_msg, request_id } => {
                let raw = Some(self.clone());
                Some(Rejected { code, msg, sub_code, sub_msg, request_id, raw })
            }
        }
    }
}
