//! What goes wrong, told to a program: problem details, as RFC 9457 has them.

use std::sync::Arc;

use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::account::Role;
use serde::Serialize;
use utoipa::ToSchema;

use crate::family::Malformed;
use crate::{context, office};

/// What a problem's answer is.
const KIND: &str = "application/problem+json";
/// Under which an answer names its request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What the names of problems begin with.
const TYPES: &str = "urn:tripwright:problem:";

/// Why the request was not done.
#[derive(Debug)]
pub enum Problem {
    /// Nobody is known by the token, or there is none.
    Unauthorized,
    /// The role does not reach so far.
    Forbidden(Role),
    /// There is no such thing.
    NotFound(&'static str),
    /// The path takes other verbs.
    MethodNotAllowed,
    /// It cannot be read at all.
    Unreadable(String),
    /// The body is larger than any that is taken.
    TooLarge,
    /// The body says that it is something else than JSON.
    MediaType,
    /// It is read, and not of its form.
    Invalid(Vec<Violation>),
    /// The rules, or what is there already, refuse it; in their own words.
    Conflict(String),
    /// The same request is being performed, for so many seconds more at the most.
    InProgress(i64),
    /// The key was given with another request.
    KeyReused,
    /// We are wrong. It was logged with the request's id.
    Fault(anyhow::Error),
}

/// A problem as it is told (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Told {
    /// Which problem: a name that stays the same.
    #[serde(rename = "type")]
    #[schema(example = "urn:tripwright:problem:conflict")]
    kind: String,
    /// The same in words.
    #[schema(example = "The rules refuse it")]
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599, example = 409)]
    status: u16,
    /// What it was this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "a flight order that is ticketed cannot pay")]
    detail: Option<String>,
    /// The request, as the log and the audit know it.
    #[schema(example = "0a1b2c3d4e5f")]
    request_id: String,
    /// What is not of its form, and where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<Violation>,
}

/// A place in a request that is not of its form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Violation {
    /// Where: the body, the query or the header, and the way into it.
    #[schema(example = "booking.segments[0].cabin")]
    pub path: String,
    /// What is expected there.
    #[schema(example = "expected a string")]
    pub detail: String,
}

impl Problem {
    /// One thing that is not of its form.
    pub fn invalid(path: &str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation { path: path.to_owned(), detail: detail.into() }])
    }

    /// What went wrong with something that may have been malformed, refused by the rules, or our fault.
    pub fn of(error: anyhow::Error) -> Self {
        match error.downcast_ref::<Malformed>() {
            Some(Malformed::Form { path, expected }) => return Self::invalid(path, expected),
            Some(unknown @ Malformed::Unknown { path }) => {
                let text = unknown.to_string();
                let rest = text.strip_prefix(path.as_str()).unwrap_or(&text).trim_start();
                return Self::invalid(path, rest);
            }
            None => {}
        }
        match error.downcast::<store::Error>() {
            Ok(error) => error.into(),
            Err(refusal) => Self::Conflict(format!("{refusal:#}")),
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) | Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) | Self::InProgress(_) => StatusCode::CONFLICT,
            Self::Fault(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The last part of its type, and its title.
    const fn name(&self) -> (&'static str, &'static str) {
        match self {
            Self::Unauthorized => ("unauthorized", "Nobody is known by this token"),
            Self::Forbidden(_) => ("forbidden", "The role does not reach so far"),
            Self::NotFound(_) => ("not-found", "There is no such thing"),
            Self::MethodNotAllowed => ("method-not-allowed", "The path takes other verbs"),
            Self::Unreadable(_) => ("unreadable", "The request cannot be read"),
            Self::TooLarge => ("too-large", "The body is too large"),
            Self::MediaType => ("media-type", "The body must be JSON"),
            Self::Invalid(_) => ("invalid", "The request is not of its form"),
            Self::Conflict(_) => ("conflict", "The rules refuse it"),
            Self::InProgress(_) => ("in-progress", "The same request is being performed"),
            Self::KeyReused => ("key-reused", "The key was given with another request"),
            Self::Fault(_) => ("fault", "Something went wrong here"),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Unauthorized => {
                Some("Give a token of an open account: Authorization: Bearer NAME.SECRET".into())
            }
            Self::Forbidden(role) => Some(format!("It takes the role {}.", role.name())),
            Self::NotFound(what) => Some((*what).to_owned()),
            Self::Unreadable(why) | Self::Conflict(why) => Some(why.clone()),
            Self::MediaType => Some("Send Content-Type: application/json.".into()),
            Self::InProgress(seconds) => Some(format!("Ask again in {seconds} seconds.")),
            Self::KeyReused => Some("Draw a new Idempotency-Key for a new request.".into()),
            Self::MethodNotAllowed | Self::TooLarge | Self::Invalid(_) | Self::Fault(_) => None,
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(KIND))]);
        if matches!(self, Self::Unauthorized) {
            let scheme = HeaderValue::from_static("Bearer realm=\"tripwright\"");
            headers.insert(WWW_AUTHENTICATE, scheme);
        }
        if let Self::InProgress(seconds) = self {
            headers.insert(RETRY_AFTER, HeaderValue::from(*seconds));
        }
        headers
    }

    fn tell(&self, request_id: &str) -> Response {
        let mut headers = self.headers();
        if let Ok(id) = HeaderValue::try_from(request_id) {
            headers.insert(REQUEST_ID, id);
        }
        (self.status(), headers, self.text(request_id)).into_response()
    }

    fn text(&self, request_id: &str) -> Vec<u8> {
        if let Self::Fault(error) = self {
            let fault = format!("{error:#}");
            tracing::error!(request_id, fault, "the operations API failed");
        }
        let (name, title) = self.name();
        let errors = match self {
            Self::Invalid(errors) => errors.clone(),
            _ => Vec::new(),
        };
        let told = Told {
            kind: format!("{TYPES}{name}"),
            title,
            status: self.status().as_u16(),
            detail: self.detail(),
            request_id: request_id.to_owned(),
            errors,
        };
        // Texts and a number: they always serialise.
        serde_json::to_vec(&told).unwrap_or_default()
    }
}

/// What the answer to a body is that was too large to be read at all: its type and text.
pub fn too_large() -> (&'static str, Vec<u8>) {
    (KIND, Problem::TooLarge.text(&context::request_id()))
}

/// Writes the problem that an answer is, if it is one, under the request's id.
pub fn told(mut response: Response, request_id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() else {
        return response;
    };
    let mut told = problem.tell(request_id);
    // What the router has said besides, such as Allow.
    for (name, value) in response.headers() {
        told.headers_mut().entry(name).or_insert(value.clone());
    }
    told
}

/// Kept with the answer until the request's id is known.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            taken @ store::Error::Taken { .. } => Self::Conflict(taken.to_string()),
            error => Self::Fault(error.into()),
        }
    }
}

impl From<office::Error> for Problem {
    fn from(error: office::Error) -> Self {
        match error {
            office::Error::NoSuchApp(_) => Self::NotFound("There is no such app."),
            office::Error::NoSuchSession(_) => Self::NotFound("The app has no such session."),
            office::Error::Bad(path, why) => Self::invalid(path, why),
            office::Error::Store(error) => error.into(),
            refused @ (office::Error::Known(_)
            | office::Error::TooManyKeys
            | office::Error::SeveralSessions(_)
            | office::Error::NoSuchKey(_)) => Self::Conflict(refused.to_string()),
        }
    }
}
