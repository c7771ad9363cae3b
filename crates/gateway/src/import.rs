//! Orders from outside: what was booked, and what has happened to it since.
//!
//! An import is a booking and the transitions it went through, so that no order can be brought into
//! a state that the rules do not know a way to.

use anyhow::{Context as _, bail};
use domain::Instant;
use domain::flight::{Booking, CancelPolicy, Command, Order, OrderKey, State};
use serde::Deserialize;
use serde_json::Value;
use store::{Cause, Decision, Store};

use crate::{context, flight};

/// Most orders in one file: more are better brought in several.
pub const ORDERS_MAX: usize = 10_000;

/// An order as a person or another system writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Import {
    /// A flight order.
    Flight {
        /// What was booked. `btrip_order_id` and `booked_at` are made up when left out.
        booking: Value,
        /// What has happened since, oldest first.
        #[serde(default)]
        history: Vec<Past>,
    },
}

/// Something that happened.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// When; now, if left out.
    pub at: Option<Instant>,
    /// What: a transition by name, as [`command`] reads it.
    #[serde(rename = "do")]
    pub command: Value,
}

/// Reads a transition. The platform's number of a new change is made up when left out.
///
/// # Errors
/// There is no such transition, or its facts are not of its form.
pub fn command(mut value: Value) -> anyhow::Result<Command> {
    if let Value::Object(members) = &mut value
        && members.get("command").is_some_and(|name| name == "apply-change")
    {
        members.entry("btrip_sub_order_id").or_insert_with(|| context::platform_number().into());
    }
    serde_json::from_value(value).context("not a transition")
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

/// Stores an order and returns its key. The same order again changes nothing.
///
/// # Errors
/// The rules refuse it, or there is another order under its key.
pub async fn store(store: &Store, import: Import, cause: &Cause) -> anyhow::Result<OrderKey> {
    let Import::Flight { mut booking, history } = import;
    if let Value::Object(members) = &mut booking {
        members.entry("btrip_order_id").or_insert_with(|| context::platform_number().into());
        members.entry("booked_at").or_insert_with(|| cause.at.to_string().into());
    }
    let booking: Booking = serde_json::from_value(booking).context("booking")?;
    let order_key = booking.key.clone();
    let mut order = Order::new(booking)?;
    for (position, past) in history.into_iter().enumerate() {
        let entry = || format!("history entry {}", position + 1);
        let command = command(past.command).with_context(entry)?;
        let at = past.at.unwrap_or(cause.at);
        let step = order.perform(command, CancelPolicy::default(), at).with_context(entry)?;
        order = step.into_state();
    }
    let is_new = store
        .change(&flight::key(&order_key), cause, |stored: Option<Order>| match stored {
            Some(stored) if same(&stored, &order) => (Decision::Keep, true),
            Some(_) => (Decision::Keep, false),
            None => {
                let look_ups = flight::look_ups(&order);
                let document = order.clone();
                (Decision::Put { document, what: "import", look_ups }, true)
            }
        })
        .await?;
    if !is_new {
        bail!("there is another order {}", order_key.dis_order_id);
    }
    Ok(order_key)
}

/// Whether two orders are one: all that was not made up is equal.
fn same(stored: &Order, imported: &Order) -> bool {
    let mut imported = imported.clone();
    imported.booking.btrip_order_id = stored.booking.btrip_order_id;
    imported.booking.booked_at = stored.booking.booked_at;
    if let (Some(ours), State::Ticketed(theirs)) = (stored.ticketed(), &mut imported.state) {
        for (ours, theirs) in ours.changes.iter().zip(&mut theirs.changes) {
            theirs.request.btrip_sub_order_id = ours.request.btrip_sub_order_id;
        }
    }
    *stored == imported
}
