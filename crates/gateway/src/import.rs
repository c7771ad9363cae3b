//! Orders from outside: what was booked, and what has happened to it since.
//!
//! An import is a booking and the transitions it went through, so that no order can be brought into
//! a state that the rules do not know a way to.

use anyhow::{Context as _, bail};
use domain::Instant;
use serde::Deserialize;
use serde_json::Value;
use store::{Cause, Decision, Store};

use crate::families;
use crate::family::{Family, Path};

/// Most orders in one file: more are better brought in several.
pub const ORDERS_MAX: usize = 10_000;

/// An order as a person or another system writes it.
#[derive(Debug, Clone, Deserialize)]
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
#[derive(Debug, Clone, Deserialize)]
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
    numbered
        .map(|(at, value)| {
            serde_json::from_value(value).with_context(|| format!("order {}", at + 1))
        })
        .collect()
}

/// What became of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The order is there, now or since before: the same order again changes nothing.
    Stored(Path),
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
    let mut order = F::book(import.booking, cause.at)?;
    for (position, past) in import.history.into_iter().enumerate() {
        let at = past.at.unwrap_or(cause.at);
        let step = order.perform(past.command, at);
        let (step, _) = step.with_context(|| format!("history entry {}", position + 1))?;
        order = step.into_state();
    }
    let path = order.path();
    let is_ours = store
        .change(&path.key(), cause, |stored: Option<F>| match stored {
            Some(stored) if stored.is_same(&order) => (Decision::Keep, true),
            Some(_) => (Decision::Keep, false),
            None => {
                let look_ups = order.look_ups();
                let document = order.clone();
                (Decision::Put { document, what: "import", look_ups }, true)
            }
        })
        .await?;
    Ok(if is_ours { Outcome::Stored(path) } else { Outcome::Taken(path) })
}
