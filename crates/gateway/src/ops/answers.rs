//! The first answer to a request that has a key of its own: given again to whoever sends it again.
//!
//! Before a request is performed its key is claimed, durably. A claim whose request died is taken over; it
//! brings the first one's id and drawn secret along, so that what was done before is recognised, and not
//! done twice.

use std::sync::Arc;

use anyhow::Context as _;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::account::Role;
use domain::{Instant, Pii, pii};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::{Cause, Decision, Key};

use super::attend::Caller;
use super::problem::{self, Problem};
use crate::Context;

const KIND: &str = "answer";
/// The header that has the key.
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key: a UUID has 36 characters, two of them with a prefix still fit.
pub const KEY_CHARS_MAX: usize = 128;
/// For how long an answer is given again: a day, as others who take such keys do.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// After so long a request that was not answered is taken for dead, and the next of its key performs it:
/// far longer than any takes.
const TAKEN_OVER: SignedDuration = SignedDuration::from_secs(60);
/// The largest answer that is kept: those of changes are one order at the most.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is known of a key.
#[derive(Clone, Serialize, Deserialize)]
struct Known {
    /// A keyed hash of verb, address and body.
    fingerprint: String,
    /// When it was claimed last.
    claimed_at: Instant,
    /// Whether whoever claimed it has given up, without an answer that is worth keeping.
    is_released: bool,
    /// The request that was first to claim it.
    request_id: String,
    /// What its caller was allowed: who is allowed less by now gets no answer of then.
    role: Role,
    /// The secret that it makes, if it makes one.
    #[serde(with = "pii::marked")]
    drawn: Pii<String>,
    /// The answer, once there is one.
    given: Option<Given>,
}

/// An answer.
#[derive(Clone, Serialize, Deserialize)]
struct Given {
    status: u16,
    content_type: String,
    location: Option<String>,
    /// There may be names in it, or a secret.
    #[serde(with = "pii::marked")]
    body: Pii<String>,
}

/// Whose turn it is.
enum Turn {
    /// Ours; whether somebody may have been at it before.
    Ours(Known, bool),
    /// Nobody's: it was answered, to a caller of this role.
    Answered(Given, Role),
    /// Another request's, of the same key.
    Reused,
    /// Somebody's who is at it, for so many seconds more at the most.
    Others(i64),
}

/// The key of a request that changes something.
fn key(request: &Request) -> Result<Option<String>, Problem> {
    if !matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH) {
        return Ok(None);
    }
    let mut keys = request.headers().get_all(HEADER).into_iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let visible = |byte: &u8| byte.is_ascii_graphic();
    let is_key = (1..=KEY_CHARS_MAX).contains(&key.len())
        && key.as_bytes().iter().all(visible)
        && keys.next().is_none();
    match key.to_str() {
        Ok(key) if is_key => Ok(Some(key.to_owned())),
        _ => {
            let expected = format!("expected one key of 1 to {KEY_CHARS_MAX} visible characters");
            Err(Problem::invalid("header.Idempotency-Key", expected))
        }
    }
}

/// Performs a request for something that is there, unless it was performed before.
pub async fn attend(
    State(cx): State<Arc<Context>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    // What is personal is not kept for whoever has the key: each look is a look, and on record.
    let is_look = request.uri().path().ends_with("/reveal");
    match key(&request)? {
        Some(key) if !is_look => once(&cx, &key, request, next).await,
        _ => Ok(next.run(request).await),
    }
}

async fn once(
    cx: &Arc<Context>,
    key: &str,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = request.extensions().get::<Caller>().cloned();
    let mut caller = caller.ok_or(Problem::Unauthorized)?;
    // Viewers change nothing, so they claim nothing.
    if caller.operator.role < Role::Operator {
        return Err(Problem::Forbidden(Role::Operator));
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.context("a body in memory")?;
    let asked = format!("{}\n{}\n{:?}", parts.method, parts.uri, Sha256::digest(&bytes));
    let key = Key {
        kind: KIND,
        owner: format!("ops/{}", caller.operator.name),
        id: cx.store.keyed_hash("idempotency-key", key),
    };
    let fingerprint = cx.store.keyed_hash("request", &asked);
    let claim = Known {
        fingerprint,
        claimed_at: caller.cause.at,
        is_released: false,
        request_id: caller.cause.request_id.clone(),
        role: caller.operator.role,
        drawn: caller.drawn.clone(),
        given: None,
    };
    match take_turn(cx, &key, &claim, &caller.cause).await? {
        Turn::Answered(_, role) if caller.operator.role < role => Err(Problem::Forbidden(role)),
        Turn::Answered(given, _) => given.response(),
        Turn::Reused => Err(Problem::KeyReused),
        Turn::Others(seconds) => Err(Problem::InProgress(seconds)),
        Turn::Ours(claim, is_again) => {
            caller.cause.request_id.clone_from(&claim.request_id);
            caller.drawn = claim.drawn.clone();
            caller.is_again = is_again;
            let cause = caller.cause.clone();
            let mut request = Request::from_parts(parts, Body::from(bytes));
            request.extensions_mut().insert(caller);
            let cx = Arc::clone(cx);
            // A client that hangs up leaves nothing half done.
            let performing = tokio::spawn(async move {
                let response = problem::told(next.run(request).await, &cause.request_id);
                keep(&cx, &key, claim, response, &cause).await
            });
            performing.await.context("a request was not finished")?
        }
    }
}

/// Claims a key, or says who has it.
async fn take_turn(
    cx: &Context,
    key: &Key,
    claim: &Known,
    cause: &Cause,
) -> Result<Turn, store::Error> {
    let decide = |known: Option<Known>| {
        let age = |at: Instant| cause.at.duration_since(at);
        let known = known.filter(|known| age(known.claimed_at) < KEPT);
        let Some(known) = known else {
            return (put(claim.clone(), "claim"), Turn::Ours(claim.clone(), false));
        };
        if known.fingerprint != claim.fingerprint {
            return (Decision::Keep, Turn::Reused);
        }
        if let Some(given) = known.given {
            return (Decision::Keep, Turn::Answered(given, known.role));
        }
        let left = TAKEN_OVER - age(known.claimed_at);
        if left > SignedDuration::ZERO && !known.is_released {
            return (Decision::Keep, Turn::Others(left.as_secs().max(1)));
        }
        let ours = Known { claimed_at: claim.claimed_at, is_released: false, ..known };
        (put(ours.clone(), "take-over"), Turn::Ours(ours, true))
    };
    cx.store.change(key, cause, decide).await
}

/// Keeps an answer, durably, before it is given; one that was kept meanwhile is given instead.
async fn keep(
    cx: &Context,
    key: &Key,
    claim: Known,
    response: Response,
    cause: &Cause,
) -> Result<Response, Problem> {
    // Who may not now may later, and what went wrong here may be mended.
    let is_kept = !response.status().is_server_error()
        && !matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.context("an answer in memory")?;
    let text = |name: HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let given = Given {
        status: parts.status.as_u16(),
        content_type: text(CONTENT_TYPE).unwrap_or_default(),
        location: text(LOCATION),
        body: Pii::new(String::from_utf8_lossy(&bytes).into_owned()),
    };
    let known = match is_kept {
        true => Known { given: Some(given.clone()), ..claim },
        false => Known { is_released: true, ..claim },
    };
    let decide = |now: Option<Known>| match now {
        Some(Known { given: Some(first), request_id, .. }) if request_id == known.request_id => {
            (Decision::Keep, Some(first))
        }
        _ => (put(known.clone(), if is_kept { "answer" } else { "release" }), None),
    };
    match cx.store.change(key, cause, decide).await? {
        Some(first) => first.response(),
        None => Ok(Response::from_parts(parts, Body::from(bytes))),
    }
}

impl Given {
    fn response(self) -> Result<Response, Problem> {
        let status = StatusCode::from_u16(self.status).context("a status that was kept")?;
        let mut response = (status, Bytes::from(self.body.expose().clone())).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::try_from(self.content_type).context("a type that was kept")?;
        headers.insert(CONTENT_TYPE, kind);
        if let Some(location) = self.location {
            headers.insert(LOCATION, HeaderValue::try_from(location).context("a place")?);
        }
        Ok(response)
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        Self::Fault(error)
    }
}

fn put(document: Known, what: &'static str) -> Decision<Known> {
    Decision::Put { document, what, facts: None, look_ups: Vec::new() }
}
