//! Many calls in one: `/router/batch`.

use std::fmt;
use std::marker::PhantomData;

use top::batch::SEPARATOR;
use top::error::INVALID_ARGUMENT;
use top::{Method, Session, form};

use crate::check::{self, Fault};
use crate::error::Error;
use crate::raw::{Raw, Reply};

/// What begins the parameters that all calls have in common.
const COMMON: &str = "#PUBLIC#";
/// Most calls in a batch. Often quoted, stated nowhere: *inferred*, see
/// [`Builder::batch_items_max`](crate::Builder::batch_items_max).
pub const BATCH_ITEMS_MAX: usize = 20;

/// Calls that go together, under one signature. Each is answered on its own, and one that fails stops
/// none of the others.
#[derive(Clone, Default)]
pub struct Batch {
    common: Vec<(String, String)>,
    items: Vec<Item>,
}

#[derive(Clone)]
struct Item {
    form: String,
    fault: Option<Fault>,
    needs_session: bool,
    is_idempotent: bool,
}

/// Where a call stands in its batch, and so where its answer stands.
pub struct Place<M> {
    at: usize,
    method: PhantomData<fn() -> M>,
}

impl<M> Clone for Place<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Place<M> {}

impl<M> fmt::Debug for Place<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({})", self.at)
    }
}

impl fmt::Debug for Batch {
    /// Without what is in the calls.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("items", &self.items.len()).finish_non_exhaustive()
    }
}

impl Batch {
    /// No calls yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives all calls a parameter; one that a call has itself counts more.
    pub fn common(&mut self, name: &str, value: &str) -> &mut Self {
        self.common.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a call of a declared method, under the client's own session where it needs one.
    pub fn add<M: Method>(&mut self, request: &M) -> Place<M> {
        self.add_declared(request, None)
    }

    /// Adds a call of a declared method under a session of its own.
    pub fn add_as<M: Method>(&mut self, token: &str, request: &M) -> Place<M> {
        self.add_declared(request, Some(token))
    }

    /// Adds a call of any method; returns where it stands, from 0.
    pub fn add_untyped(&mut self, method: &str, params: &[(&str, &str)]) -> usize {
        let given = params.iter().copied().filter(|(_, value)| !value.is_empty());
        let form = form::encode([("method", method)].into_iter().chain(given));
        self.items.push(Item { form, fault: None, needs_session: true, is_idempotent: false });
        self.items.len() - 1
    }

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn add_declared<M: Method>(&mut self, request: &M, token: Option<&str>) -> Place<M> {
        let params = form::request_params(request);
        let params = params.iter().map(|(name, value)| (*name, value.as_str()));
        let pairs = [("method", M::NAME)].into_iter().chain(params);
        let pairs = pairs.chain(token.map(|token| ("session", token)));
        self.items.push(Item {
            form: form::encode(pairs.filter(|(_, value)| !value.is_empty())),
            fault: check::check(request),
            needs_session: M::SESSION == Session::Required && token.is_none(),
            is_idempotent: M::IDEMPOTENT,
        });
        Place { at: self.items.len() - 1, method: PhantomData }
    }

    pub(crate) fn needs_session(&self) -> bool {
        self.items.iter().any(|item| item.needs_session)
    }

    pub(crate) fn is_idempotent(&self) -> bool {
        self.items.iter().all(|item| item.is_idempotent)
    }

    /// Whether the batch may leave.
    pub(crate) fn check(&self, each: bool, items_max: usize) -> Result<(), Fault> {
        let invalid = |text| Fault { row: INVALID_ARGUMENT, text };
        if self.is_empty() {
            return Err(invalid("the batch holds no call.".to_owned()));
        }
        if self.len() > items_max {
            let text = format!("the array size of the batch can not be larger than {items_max}.");
            return Err(invalid(text));
        }
        let mut items = self.items.iter().enumerate();
        let faulty = items.find_map(|(at, item)| Some((at, item.fault.as_ref()?)));
        match faulty.filter(|_| each) {
            Some((at, fault)) => Err(Fault {
                row: fault.row,
                text: format!("{} (call {at} of the batch)", fault.text),
            }),
            None => Ok(()),
        }
    }

    /// The body as it is signed and sent.
    pub(crate) fn body(&self) -> String {
        let mut segments = Vec::with_capacity(self.items.len() + 1);
        if !self.common.is_empty() {
            let common = self.common.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            segments.push(format!("{COMMON}{}", form::encode(common)));
        }
        segments.extend(self.items.iter().map(|item| item.form.clone()));
        segments.join(SEPARATOR)
    }
}

/// The answers to a batch, in the order of its calls.
#[derive(Debug, Clone)]
pub struct BatchAnswer {
    raw: Raw,
    answers: Vec<Raw>,
}

impl BatchAnswer {
    /// Takes the answer to so many calls apart.
    pub(crate) fn read(raw: Raw, calls: usize) -> Result<Self, Error> {
        // Counted before anything is copied: whatever came, there are no more than were asked for.
        let count = raw.body.split(SEPARATOR).take(calls + 1).count();
        if count == calls {
            let answers = raw.body.split(SEPARATOR).map(|body| raw.with_body(body)).collect();
            return Ok(Self { raw, answers });
        }
        // One answer to several calls says why none of them was looked at.
        match raw.error().filter(|_| count == 1) {
            Some(rejected) => Err(Box::new(rejected).into()),
            None if count > calls => Err(raw.unreadable(format!("more than {calls} answers"))),
            None => Err(raw.unreadable(format!("{count} answers to {calls} calls"))),
        }
    }

    /// The answer to a declared call.
    ///
    /// # Errors
    /// The call failed; its place is one of another, longer batch ([`Error::Setup`]).
    pub fn get<M: Method>(&self, place: Place<M>) -> Result<Reply<M::Response>, Error> {
        let answer = self.answers.get(place.at);
        let answer = answer.ok_or_else(|| Error::Setup(format!("no call {} here", place.at)))?;
        answer.clone().into_reply()
    }

    /// Each answer as it came.
    pub fn answers(&self) -> &[Raw] {
        &self.answers
    }

    /// The whole answer as it came.
    pub fn raw(&self) -> &Raw {
        &self.raw
    }
}
