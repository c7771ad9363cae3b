//! Orders from outside: what was booked, and what has happened to it since.
//!
//! An import is a booking and the transitions it went through, so that no order can be brought into
//! a state that the rules do not know a way to.

use anyhow::{Context as _, bail};
use domain::Instant;
use domain::pii::is_mark;
use domain::rental::Rental;
use serde::Deserialize;
use serde_json::Value;
use store::{Cause, Decision, Store};

use crate::family::{self, Family, Malformed, Path, held_elsewhere};
use crate::{families, policies};

/// Most orders in one file: more are better brought in several.
pub const ORDERS_MAX: usize = 10_000;

/// An order as a person or another system writes it. It has no `Debug`: names stand in it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Its family.
    pub kind: String,
    /// What was booked. The platform's own numbers are made up when left out.
    pub booking: Value,
    /// What has happened since, oldest first.
    #[serde(default)]
    pub history: Vec<Past>,
}

/// Something that happened.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// When; now, if left out.
    pub at: Option<Instant>,
    /// What: a transition by name.
    #[serde(rename = "do")]
    pub command: Value,
}

/// Reads a file with one import or a list of them.
///
/// # Errors
/// The text is not JSON of that form.
pub fn read(text: &str) -> anyhow::Result<Vec<Import>> {
    let value: Value = serde_json::from_str(text).context("not JSON")?;
    let values = match value {
        Value::Array(values) => values,
        single => vec![single],
    };
    if values.len() > ORDERS_MAX {
        bail!("{} orders in one file; at most {ORDERS_MAX}", values.len());
    }
    let numbered = values.into_iter().enumerate();
    numbered.map(|(at, value)| family::read(value, &format!("order {}", at + 1))).collect()
}

/// Whether an order may claim what others of its file claim, because something has waited for it or has happened
/// to it, or what is there cannot be read: such are brought in one after the other. What is wrong says whoever
/// brings it in.
pub async fn may_claim(store: &Store, import: &Import, at: Instant) -> bool {
    macro_rules! dispatch {
        ($($family:ty),*) => {
            match import.kind.as_str() {
                $(<$family as Family>::KIND => may_claim_as::<$family>(store, import, at).await,)*
                _ => false,
            }
        };
    }
    families!(dispatch)
}

async fn may_claim_as<F: Family>(store: &Store, import: &Import, at: Instant) -> bool {
    if !F::JOINS || !import.history.is_empty() {
        return F::JOINS;
    }
    let Ok(order) = F::book(dated(import.booking.clone(), at)) else { return false };
    !matches!(store.get::<F>(&order.path().key()).await, Ok(None))
}

/// A booking that says when it was made.
fn dated(mut booking: Value, at: Instant) -> Value {
    if let Value::Object(members) = &mut booking {
        members.entry("booked_at").or_insert_with(|| at.to_string().into());
    }
    booking
}

/// What became of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The order is there now. What waited for it was joined, and this is what came of it.
    Stored(Path, Option<Value>),
    /// It was there: the same booking again changes nothing, however far the order has come since.
    Already(Path),
    /// There is another order under its key; nothing was changed.
    Taken(Path),
}

/// Stores an order.
///
/// # Errors
/// The rules refuse it, or the store failed.
pub async fn store(store: &Store, import: Import, cause: &Cause) -> anyhow::Result<Outcome> {
    macro_rules! dispatch {
        ($($family:ty),*) => {
            match import.kind.as_str() {
                $(<$family as Family>::KIND => store_as::<$family>(store, import, cause).await,)*
                other => bail!("{other} is no kind of order"),
            }
        };
    }
    families!(dispatch)
}

async fn store_as<F: Family>(
    store: &Store,
    import: Import,
    cause: &Cause,
) -> anyhow::Result<Outcome> {
    let given = import.booking.clone();
    let mut booking = dated(import.booking, cause.at);
    if F::KIND == Rental::KIND {
        policies::put_in(store, &mut booking).await?;
    }
    let mut order = F::book(booking)?;
    refuse_unknown(&given, &order.booked()?, "booking")?;
    let mut last = Instant::MIN;
    for (position, past) in import.history.into_iter().enumerate() {
        let entry = || format!("history entry {}", position + 1);
        let at = past.at.unwrap_or(cause.at);
        if at < last || at > cause.at {
            bail!("{}: {at} is before the entry above it, or in the future", entry());
        }
        last = at;
        order = order.perform(past.command, at).with_context(entry)?.step.into_state();
    }
    let path = order.path();
    let key = path.key();
    let held = held_elsewhere(store, &key, order.claims()).await?;
    let put = |document: F, facts| {
        let look_ups = document.look_ups();
        Decision::Put { document, what: "import", facts, look_ups }
    };
    let outcome = store
        .change(&key, cause, |stored: Option<F>| {
            let Some(stored) = stored else {
                return (put(order.clone(), None), Outcome::Stored(path.clone(), None));
            };
            let is_same = stored.is_same_booking(&order, &given);
            match stored.join(&order, &held) {
                Some((joined, facts)) => {
                    let outcome = Outcome::Stored(path.clone(), Some(facts.clone()));
                    (put(joined, Some(facts)), outcome)
                }
                None if is_same => (Decision::Keep, Outcome::Already(path.clone())),
                None => (Decision::Keep, Outcome::Taken(path.clone())),
            }
        })
        .await?;
    Ok(outcome)
}

/// Refuses what was written by hand and understood by nobody: a typing error must not pass for a
/// booking without the fact that it misspells. Stored documents are not held to this.
///
/// # Errors
/// The path of a member of `given` that `understood` does not have.
pub fn refuse_unknown(given: &Value, understood: &Value, path: &str) -> anyhow::Result<()> {
    match (given, understood) {
        // A marked value is written plain.
        (_, Value::Object(members)) if members.keys().any(|name| is_mark(name)) => Ok(()),
        (Value::Object(given), Value::Object(understood)) => {
            given.iter().try_for_each(|(name, value)| match understood.get(name) {
                Some(known) => refuse_unknown(value, known, &format!("{path}.{name}")),
                None => Err(Malformed::Unknown { path: format!("{path}.{name}") }.into()),
            })
        }
        (Value::Array(given), Value::Array(understood)) => {
            let pairs = given.iter().zip(understood).enumerate();
            pairs.into_iter().try_for_each(|(at, (given, understood))| {
                refuse_unknown(given, understood, &format!("{path}[{at}]"))
            })
        }
        _ => Ok(()),
    }
}
