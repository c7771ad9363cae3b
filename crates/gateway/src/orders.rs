//! What operators do with orders of any family, by command line, console and operations API alike.

use domain::id::AppKey;
use domain::pii::is_mark;
use domain::{Instant, Step};
use serde_json::Value;
use store::{Cause, Decision, LookUp, Store};

use crate::families;
use crate::family::{Family, Path, Performed, Status, owner};

/// An order as it stands, personal data marked.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its codes.
    pub status: Status,
    /// All of it.
    pub order: Value,
}

/// A transition was performed.
#[derive(Debug, Clone)]
pub struct Advanced {
    /// Whether anything changed: what was so already is so still.
    pub is_new: bool,
    /// What the order is now.
    pub shown: Shown,
}

/// Why a transition was not performed.
#[derive(Debug, thiserror::Error)]
pub enum Unmoved {
    /// There is no such order.
    #[error("there is no such order")]
    NoSuchOrder,
    /// The rules refuse it, or it is none.
    #[error(transparent)]
    Refused(anyhow::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The order of a path as it stands at `now`.
///
/// # Errors
/// The store failed, or the order cannot be read.
pub async fn get(store: &Store, path: &Path, now: Instant) -> anyhow::Result<Option<Shown>> {
    macro_rules! of_its_family {
        ($($family:ty),*) => {
            $(if path.kind == <$family as Family>::KIND {
                let order = store.get::<$family>(&path.key()).await?;
                return order.map(|order| Shown::of(order, now)).transpose();
            })*
        };
    }
    families!(of_its_family);
    Ok(None)
}

impl Shown {
    fn of<F: Family>(order: F, now: Instant) -> anyhow::Result<Self> {
        let order = order.at(now);
        Ok(Self { status: order.status(), order: serde_json::to_value(order)? })
    }
}

/// Performs a transition by name: `command` holds its name and, beside it, its own facts.
///
/// # Errors
/// There is no such order or transition, the rules refuse it, or the store failed.
pub async fn advance(
    store: &Store,
    path: &Path,
    command: &Value,
    cause: &Cause,
) -> Result<Advanced, Unmoved> {
    macro_rules! of_its_family {
        ($($family:ty),*) => {
            $(if path.kind == <$family as Family>::KIND {
                return advance_as::<$family>(store, path, command, cause).await;
            })*
        };
    }
    families!(of_its_family);
    Err(Unmoved::NoSuchOrder)
}

async fn advance_as<F: Family>(
    store: &Store,
    path: &Path,
    command: &Value,
    cause: &Cause,
) -> Result<Advanced, Unmoved> {
    let decide = |order: Option<F>| {
        let Some(order) = order else { return (Decision::Keep, Err(Unmoved::NoSuchOrder)) };
        match order.perform(command.clone(), cause.at) {
            Ok(Performed { step: Step::Taken(order), what, facts }) => {
                let (shown, look_ups) = (order.clone(), order.look_ups());
                let facts = Some(facts);
                (Decision::Put { document: order, what, facts, look_ups }, Ok((true, shown)))
            }
            Ok(Performed { step: Step::Already(order), .. }) => {
                (Decision::Keep, Ok((false, order)))
            }
            Err(refusal) => (Decision::Keep, Err(Unmoved::Refused(refusal))),
        }
    };
    let (is_new, order) = store.change(&path.key(), cause, decide).await??;
    let shown = Shown::of(order, cause.at).map_err(Unmoved::Refused)?;
    Ok(Advanced { is_new, shown })
}

/// The orders of an owner that are known by a number, whichever numbering it is of.
///
/// # Errors
/// The store failed.
pub async fn known_by(
    store: &Store,
    app: &AppKey,
    scope: &str,
    number: &str,
) -> Result<Vec<Path>, store::Error> {
    let mut found = Vec::new();
    let owner = owner(app, scope);
    macro_rules! each {
        ($($family:ty),*) => { $({
            let kind = <$family as Family>::KIND;
            let path = |id| Path { kind, app: app.clone(), scope: scope.to_owned(), id };
            let own = path(number.to_owned());
            if store.get::<$family>(&own.key()).await?.is_some() {
                found.push(own);
            }
            for name in <$family as Family>::NUMBERS {
                let look_up = LookUp { name, value: number.to_owned() };
                let holder = store.find(&owner, kind, &look_up).await?.map(|key| path(key.id));
                found.extend(holder.filter(|path| !found.contains(path)));
            }
        })* };
    }
    families!(each);
    Ok(found)
}

/// Replaces marked values by themselves, or by stars.
pub fn unmark(tree: &mut Value, reveal: bool) {
    match tree {
        Value::Object(members) => {
            let mut marked = members.iter_mut().filter(|(name, _)| is_mark(name));
            if let Some((_, clear)) = marked.next() {
                *tree = if reveal { clear.take() } else { "***".into() };
                return;
            }
            members.values_mut().for_each(|child| unmark(child, reveal));
        }
        Value::Array(elements) => elements.iter_mut().for_each(|child| unmark(child, reveal)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
