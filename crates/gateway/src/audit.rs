//! What operators did, by console, operations API and command line: who, when, what, to what, and why.
//!
//! Each action is an aggregate of its own, never changed. Its id counts down with time, so that a list in
//! the order of ids has the newest first.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Instant, Pii, pii};
use serde::{Deserialize, Serialize};
use store::{Cause, Decision, Error, Key, Store};

use crate::context;

const KIND: &str = "audit";
/// Whose the actions are: no app, so no app's name.
const OWNER: &str = "operators";

/// Most characters of a reason: a sentence or two.
pub const REASON_CHARS_MAX: usize = 500;

/// Something that an operator did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// When.
    pub at: Instant,
    /// Who: an account's name.
    pub actor: String,
    /// What, such as `reveal`.
    pub what: String,
    /// To what, such as an order's path.
    pub subject: String,
    /// Why, where that was asked for; a person writes it, so there may be a name in it.
    #[serde(with = "pii::marked_option", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Pii<String>>,
    /// On which request.
    pub request_id: String,
}

/// Records an action. It is durable when this returns: what is recorded comes before what it is about.
///
/// # Errors
/// The store failed.
pub async fn record(
    store: &Store,
    cause: &Cause,
    what: &'static str,
    subject: &str,
    reason: Option<&str>,
) -> Result<(), Error> {
    let action = Action {
        at: cause.at,
        actor: cause.actor.clone(),
        what: what.to_owned(),
        subject: subject.to_owned(),
        reason: reason.map(|reason| Pii::new(reason.chars().take(REASON_CHARS_MAX).collect())),
        request_id: cause.request_id.clone(),
    };
    let key = key(&id(cause.at));
    let decide = |_: Option<Action>| {
        let document = action.clone();
        (Decision::Put { document, what, facts: None, look_ups: Vec::new() }, ())
    };
    store.change(&key, cause, decide).await
}

/// What was done, newest first, from the one after `after` on; with the id that each is kept under.
///
/// # Errors
/// The store failed.
pub async fn list(
    store: &Store,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Action)>, Error> {
    let mut actions = Vec::new();
    for id in store.list_of(OWNER, KIND, after, limit).await? {
        if let Some(action) = store.get(&key(&id)).await? {
            actions.push((id, action));
        }
    }
    Ok(actions)
}

fn key(id: &str) -> Key {
    Key { kind: KIND, owner: OWNER.to_owned(), id: id.to_owned() }
}

/// The last moment that an id was made of here, in microseconds.
static LAST: AtomicU64 = AtomicU64::new(0);

/// An id that sorts before those of earlier moments, and before those made here before, and is nobody else's.
fn id(at: Instant) -> String {
    let moment = u64::try_from(at.as_microsecond()).unwrap_or(0);
    let later = |last: u64| Some(moment.max(last + 1));
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later).unwrap_or(moment);
    format!("{:016x}-{}", u64::MAX - moment.max(last + 1), context::request_id())
}
