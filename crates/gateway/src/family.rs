//! What the families of orders have in common, for whoever handles orders by name.

use std::fmt;
use std::str::FromStr;

use domain::id::AppKey;
use domain::{Instant, Step};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{Key, LookUp, Store};

use crate::import::refuse_unknown;

/// An order of any family, as a kind of document with transitions.
pub trait Family: Serialize + DeserializeOwned + Clone + PartialEq + Send {
    /// The kind its documents are kept under, and the first word of its path.
    const KIND: &'static str;

    /// A new order from what was booked. Whatever numbers the platform gives are made up when left
    /// out.
    ///
    /// # Errors
    /// The booking is malformed or breaks a rule.
    fn book(booking: Value) -> anyhow::Result<Self>;

    /// What was booked, as it was understood.
    ///
    /// # Errors
    /// It does not serialise, which none of ours does.
    fn booked(&self) -> anyhow::Result<Value> {
        Ok(serde_json::to_value(self)?["booking"].take())
    }

    /// Performs a transition by name; its own facts stand beside the name.
    ///
    /// # Errors
    /// There is no such transition, it has facts that mean nothing, or the rules refuse it.
    fn perform(self, command: Value, now: Instant) -> anyhow::Result<Performed<Self>>;

    /// The order as it stands at `now`.
    fn at(self, now: Instant) -> Self;

    /// Where it is kept.
    fn path(&self) -> Path;

    /// Every other number it is known by.
    fn look_ups(&self) -> Vec<LookUp>;

    /// The numbers, of all that an order of this family is looked up by, that a text could be.
    fn numbers(text: &str) -> Vec<LookUp>;

    /// Its codes, for a person.
    fn status(&self) -> Status;

    /// Whether this order was booked as `other`, whose booking was `given`: what that leaves out was
    /// made up, and is left aside.
    fn is_same_booking(&self, other: &Self, given: &Value) -> bool;

    /// Whether something can have waited for an order of this family, which claims numbers then.
    const JOINS: bool = false;

    /// Numbers that joining what waits for this order could claim.
    fn claims(&self) -> Vec<LookUp> {
        Vec::new()
    }

    /// Joins an order that has appeared with what has waited for it under its key, if that is what is
    /// there. `held` are those of its claims that other orders hold. Says what happened.
    fn join(self, _booked: &Self, _held: &[LookUp]) -> Option<(Self, Value)> {
        None
    }
}

/// A transition that the rules did not refuse.
pub struct Performed<F> {
    /// What it led to.
    pub step: Step<F>,
    /// Its name.
    pub what: &'static str,
    /// What it was told, as it was understood: personal data in it is marked.
    pub facts: Value,
}

/// The codes of an order.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Status {
    /// Its status code.
    pub order_status: i64,
    /// Its payment status code, where its family has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pay_status: Option<i64>,
    /// The status in words.
    pub label: &'static str,
    /// The same in Chinese.
    #[serde(skip)]
    pub label_zh: &'static str,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order_status {}", self.order_status)?;
        self.pay_status.map_or(Ok(()), |code| write!(f, ", pay_status {code}"))
    }
}

/// Which order: `KIND/APP/SCOPE/ID`, the scope being a sub-channel or channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The family.
    pub kind: &'static str,
    /// Whose app.
    pub app: AppKey,
    /// What the app may have several of, each with numbers of its own.
    pub scope: String,
    /// The order's number there.
    pub id: String,
}

impl Path {
    /// Where the order is kept.
    pub fn key(&self) -> Key {
        let Self { kind, app, scope, id } = self;
        PathRef { kind, app, scope, id }.key()
    }
}

/// A [`Path`] of which nothing is copied.
pub(crate) struct PathRef<'a> {
    pub(crate) kind: &'static str,
    pub(crate) app: &'a AppKey,
    pub(crate) scope: &'a str,
    pub(crate) id: &'a str,
}

impl PathRef<'_> {
    /// Where the order is kept.
    pub fn key(&self) -> Key {
        Key { kind: self.kind, owner: owner(self.app, self.scope), id: self.id.to_owned() }
    }
}

impl From<PathRef<'_>> for Path {
    fn from(PathRef { kind, app, scope, id }: PathRef<'_>) -> Self {
        Self { kind, app: app.clone(), scope: scope.to_owned(), id: id.to_owned() }
    }
}

/// Whose orders these are. Neither part can contain the slash.
pub fn owner(app: &AppKey, scope: &str) -> String {
    [app.as_str(), "/", scope].concat()
}

/// Those of the numbers that other orders of the same owner hold.
///
/// # Errors
/// The store failed.
pub async fn held_elsewhere(
    store: &Store,
    key: &Key,
    numbers: Vec<LookUp>,
) -> Result<Vec<LookUp>, store::Error> {
    let mut held = Vec::new();
    for number in numbers {
        let holder = store.find(&key.owner, key.kind, &number).await?;
        held.extend(holder.filter(|holder| holder != key).map(|_| number));
    }
    Ok(held)
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, app, scope, id } = self;
        write!(f, "{kind}/{app}/{scope}/{id}")
    }
}

/// What was written is not of its form: where, and what is expected there. It never repeats what stands
/// there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Something else is expected there.
    #[error("{path}: {expected}")]
    Form {
        /// Where.
        path: String,
        /// What is expected.
        expected: String,
    },
    /// Nothing is.
    #[error("{path} means nothing here")]
    Unknown {
        /// Where.
        path: String,
    },
}

/// Reads a transition by name, strictly: every fact beside the name must mean something. Returns it as
/// it was understood too, personal data marked.
///
/// # Errors
/// There is no such transition, or its facts are not of its form.
pub fn read_command<C: Serialize + DeserializeOwned>(given: Value) -> anyhow::Result<(C, Value)> {
    let command: C = read(given.clone(), "transition")?;
    let understood = serde_json::to_value(&command)?;
    refuse_unknown(&given, &understood, "transition")?;
    Ok((command, understood))
}

/// Reads what a person or another system wrote, as `what`.
///
/// # Errors
/// Where it is not of its form, and what is expected there. It never repeats what stands there: that may
/// be somebody's name.
pub fn read<T: DeserializeOwned>(given: Value, what: &str) -> anyhow::Result<T> {
    serde_path_to_error::deserialize(given).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { what.to_owned() } else { format!("{what}.{path}") };
        let expected = expectation(&error.inner().to_string()).to_owned();
        Malformed::Form { path: place, expected }.into()
    })
}

/// What of a complaint about a form does not repeat what it complains about.
pub fn expectation(complaint: &str) -> &str {
    if complaint.starts_with("missing field ") {
        return complaint;
    }
    complaint.rfind("expected ").map_or("is not of its form", |at| &complaint[at..])
}

/// Every family, for consumers that must serve each.
#[macro_export]
macro_rules! families {
    ($consumer:ident) => {
        $consumer! {
            domain::flight::Order, domain::itinerary::Receipts, domain::rental::Rental,
            domain::train::TrainOrder
        }
    };
}

impl FromStr for Path {
    type Err = String;

    fn from_str(path: &str) -> Result<Self, String> {
        const FORM: &str = "give KIND/APP/SCOPE/ID, such as flight/test/corp001/demo-payable";
        macro_rules! kinds {
            ($($family:ty),*) => { [$(<$family as Family>::KIND),*] };
        }
        let kinds = families!(kinds);
        let mut parts = path.splitn(4, '/');
        let mut part = || parts.next().filter(|part| !part.is_empty()).ok_or(FORM);
        let (kind, app, scope, id) = (part()?, part()?, part()?, part()?);
        let known = kinds.into_iter().find(|known| *known == kind);
        Ok(Self {
            kind: known.ok_or_else(|| format!("{kind} is none of {}", kinds.join(", ")))?,
            app: app.parse().map_err(|error| format!("app {error}"))?,
            scope: scope.to_owned(),
            id: id.to_owned(),
        })
    }
}
