//! The journal of calls: what came, which checks it passed, what was answered, what it changed.
//!
//! Whoever answers a call only notes it in a bounded queue, and not even that when the queue is full: a
//! journal must not make its calls wait. What may be read of it is worked out beside the calls, and
//! written in groups.

mod redact;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use domain::Instant;
use domain::pii::{self, Pii};
use serde::{Deserialize, Serialize};
use store::{Call, Key, Store};
use tokio::sync::{Mutex, mpsc};
use top::error::RemoteErrorCode;
use top::{Format, Params, Rejection, Spec};

use crate::access::Known;

/// How many calls the sandbox keeps unless told otherwise: some tens of megabytes at most.
pub const SANDBOX_KEPT: u64 = 10_000;
/// Most calls that wait to be written: what comes at 4,000 calls a second between two writings, and with
/// [`NOTED_BYTES_MAX`] no more than 32 MB. What comes when they are so many is not kept, and counted.
const QUEUE_MAX: usize = 1024;
/// Most bytes noted of a call's parameters, and as many of its answer: four times the largest published
/// example. Of what is longer only the length is kept.
const NOTED_BYTES_MAX: usize = 16 * 1024;
/// Most calls written at once: a transaction that nobody notices who waits for the same disk.
const WRITTEN_MAX: usize = 64;
/// A sixty-fourth more than are kept may be there, so that they are not counted for every few.
const PRUNED_EVERY: usize = 64;

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was served; a refusal by the rules is an answer, too.
    Served,
    /// The caller was wrong.
    Rejected,
    /// We were wrong.
    Fault,
}

impl Outcome {
    /// All.
    pub const ALL: [Self; 3] = [Self::Served, Self::Rejected, Self::Fault];

    /// Its name in the table and in an address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Served => "ok",
            Self::Rejected => "rejected",
            Self::Fault => "fault",
        }
    }
}

/// What is looked at before a call is served, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Whether it can be read: verb, encoding, format.
    #[default]
    Form,
    /// The app.
    App,
    /// The method.
    Method,
    /// The version of the protocol.
    Version,
    /// The clock.
    Timestamp,
    /// The signature.
    Sign,
    /// Whether a batch can be taken apart, and this call of it be read.
    Batch,
    /// Whether the app may call the method.
    Permission,
    /// The session, where the method needs one.
    Session,
    /// How often the app has called.
    Quota,
    /// The method's own parameters.
    Parameters,
    /// None any more: the rules were asked.
    Rules,
}

impl Check {
    /// In the order of a single call.
    const SINGLE: [Self; 11] = [
        Self::Form,
        Self::App,
        Self::Method,
        Self::Version,
        Self::Timestamp,
        Self::Sign,
        Self::Permission,
        Self::Session,
        Self::Quota,
        Self::Parameters,
        Self::Rules,
    ];
    /// In that of a batch, of which all but the last five are looked at once.
    const IN_BATCH: [Self; 12] = [
        Self::Form,
        Self::App,
        Self::Version,
        Self::Timestamp,
        Self::Sign,
        Self::Batch,
        Self::Method,
        Self::Permission,
        Self::Session,
        Self::Quota,
        Self::Parameters,
        Self::Rules,
    ];
}

/// A call as it is noted: in the clear, and in memory only.
pub struct Noted {
    /// When it came.
    pub at: Instant,
    /// How long it took.
    pub cost_us: i64,
    /// The request's id.
    pub request_id: String,
    /// The app that called, once it was known.
    pub app: Option<Arc<Known>>,
    /// The method that was called, once it was known.
    pub spec: Option<&'static Spec>,
    /// Where it came from.
    pub address: IpAddr,
    /// How.
    pub verb: &'static str,
    /// The form of its answer.
    pub format: Format,
    /// Which of a batch it was, from 1; 0 is the batch itself.
    pub batch_item: Option<usize>,
    /// The check it did not pass, or the last.
    pub check: Check,
    /// Why it was not served.
    pub rejection: Option<Rejection>,
    /// What was wrong with its parameters.
    pub violations: Vec<String>,
    /// What its client probably did wrong, and what was signed here, with nothing in it that must not be read.
    pub mistake: Option<String>,
    /// See `mistake`.
    pub signed: Option<String>,
    /// Whether that was our own fault.
    pub is_fault: bool,
    /// Its parameters, if they could be read and are not too long.
    pub params: Option<Flat>,
    /// Bytes of a body that was signed as it is.
    pub body_bytes: usize,
    /// Its answer, unless that is too long.
    pub answer: Option<String>,
    /// What it may have changed.
    pub place: Option<Key>,
}

/// Pairs of texts in one piece of memory: noting a call must not cost an allocation for each.
pub struct Flat {
    text: String,
    ends: Vec<usize>,
}

impl Flat {
    /// The parameters but for the session, which is never kept; `None` if they are too long.
    pub fn of(params: &Params<'_>) -> Option<Self> {
        let bytes: usize = params.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > NOTED_BYTES_MAX {
            return None;
        }
        let mut flat = Self { text: String::with_capacity(bytes), ends: Vec::with_capacity(24) };
        for (name, value) in params.iter() {
            let value = if name == "session" { "" } else { value };
            for part in [name, value] {
                flat.text.push_str(part);
                flat.ends.push(flat.text.len());
            }
        }
        Some(flat)
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let start = |at: usize| if at == 0 { 0 } else { self.ends[at - 1] };
        let part = move |at: usize| &self.text[start(at)..self.ends[at]];
        (0..self.ends.len() / 2).map(move |pair| (part(2 * pair), part(2 * pair + 1)))
    }
}

/// An answer worth noting.
pub fn answer(body: &str) -> Option<String> {
    (body.len() <= NOTED_BYTES_MAX).then(|| body.to_owned())
}

/// The story of a call, as it may be read by whoever may see the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// How it came.
    pub verb: String,
    /// The form of its answer.
    pub format: String,
    /// Which of a batch it was, from 1; 0 is the batch itself.
    pub batch_item: Option<usize>,
    /// The check it did not pass, or the last.
    pub check: Check,
    /// Whether it needed a session.
    pub needs_session: bool,
    /// The message it was answered with when it was not served, and what was said beside it.
    pub msg: Option<String>,
    /// See `msg`.
    pub sub_msg: Option<String>,
    /// What was wrong with its parameters.
    pub violations: Vec<String>,
    /// What its client probably did wrong with its sign or timestamp, and what was signed here.
    pub mistake: Option<String>,
    /// See `mistake`.
    pub signed: Option<String>,
    /// Names and values of its parameters; `None` when they could not be read or were too long.
    pub params: Option<Vec<(String, String)>>,
    /// Bytes of a body that was signed as it is.
    pub body_bytes: usize,
    /// What was answered; `None` when it was too long.
    pub answer: Option<String>,
    /// Kind, owner and id of what it may have changed.
    pub place: Option<(String, String, String)>,
}

/// A check on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// It was passed.
    Yes,
    /// It stopped the call.
    No,
    /// The method does without.
    NotNeeded,
    /// The call did not come so far.
    NotReached,
}

impl Story {
    /// What was looked at, in its order, and how far the call came.
    pub fn checks(&self, outcome: &str) -> Vec<(Check, Passed)> {
        let order: &[Check] =
            if self.batch_item.is_some() { &Check::IN_BATCH } else { &Check::SINGLE };
        let end = order.iter().position(|check| *check == self.check).unwrap_or_default();
        let passed = |at: usize, check: Check| match at.cmp(&end) {
            std::cmp::Ordering::Greater => Passed::NotReached,
            std::cmp::Ordering::Equal if outcome != Outcome::Served.name() => Passed::No,
            _ if check == Check::Session && !self.needs_session => Passed::NotNeeded,
            _ => Passed::Yes,
        };
        order.iter().copied().enumerate().map(|(at, check)| (check, passed(at, check))).collect()
    }
}

/// A story as it is kept: all of it sealed, since somebody may have put a name where a number belongs.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(with = "pii::marked")]
    story: Pii<String>,
}

/// The journal.
pub struct Journal {
    /// How many calls are kept; none when it is off.
    pub kept: usize,
    queue: mpsc::Sender<Box<Noted>>,
    waiting: Mutex<mpsc::Receiver<Box<Noted>>>,
    dropped: AtomicU64,
    /// How many were written since the oldest were last forgotten.
    since_pruned: AtomicUsize,
    remote: RemoteErrorCode,
}

impl Journal {
    /// One that keeps so many calls.
    pub fn new(kept: usize, remote: RemoteErrorCode) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        Self {
            kept,
            queue,
            waiting: Mutex::new(waiting),
            dropped: AtomicU64::new(0),
            since_pruned: AtomicUsize::new(kept),
            remote,
        }
    }

    /// Whether calls are kept at all.
    pub const fn is_on(&self) -> bool {
        self.kept > 0
    }

    /// Notes a call, if there is room; `note` is not asked otherwise.
    pub fn note(&self, note: impl FnOnce() -> Noted) {
        if !self.is_on() {
            return;
        }
        match self.queue.try_reserve() {
            Ok(place) => place.send(Box::new(note())),
            Err(_) => drop(self.dropped.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// How many calls were not kept that should have been.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Writes what was noted, and forgets the oldest.
    ///
    /// # Errors
    /// The store failed; what was to be written then is gone, and counted.
    pub async fn write(&self, store: &Store) -> Result<(), store::Error> {
        let mut waiting = self.waiting.lock().await;
        // What comes meanwhile is for the next time: else a busy gateway would commit a handful at a time.
        let mut left = waiting.len();
        let mut calls = Vec::new();
        loop {
            while left > 0
                && calls.len() < WRITTEN_MAX
                && let Ok(noted) = waiting.try_recv()
            {
                left -= 1;
                calls.push(self.kept(*noted));
                // Clients' calls go first.
                tokio::task::yield_now().await;
            }
            if calls.is_empty() {
                return Ok(());
            }
            if let Err(error) = store.put_calls(&calls).await {
                self.dropped.fetch_add(calls.len() as u64, Ordering::Relaxed);
                return Err(error);
            }
            let since = self.since_pruned.fetch_add(calls.len(), Ordering::Relaxed) + calls.len();
            if since >= self.kept.div_ceil(PRUNED_EVERY) {
                store.prune_calls(self.kept).await?;
                self.since_pruned.store(0, Ordering::Relaxed);
            }
            calls.clear();
        }
    }

    /// A call as it is kept.
    fn kept(&self, noted: Noted) -> (Call, Kept) {
        let outcome = match &noted.rejection {
            None => Outcome::Served,
            Some(_) if noted.is_fault => Outcome::Fault,
            Some(_) => Outcome::Rejected,
        };
        let (answer, result) = redact::answer(&noted);
        let rejection = noted.rejection.as_ref();
        let call = Call {
            at_ms: noted.at.as_millisecond(),
            request_id: noted.request_id.clone(),
            app: noted.app.as_ref().map(|app| app.key.to_string()),
            method: noted.spec.map(|spec| spec.name.to_owned()),
            outcome: outcome.name().to_owned(),
            code: rejection.map(|rejection| rejection.code(self.remote).into()),
            sub_code: rejection.and_then(|rejection| rejection.sub_code).map(str::to_owned),
            result,
            cost_us: noted.cost_us,
            address: noted.address.to_string(),
        };
        let story = Story {
            verb: noted.verb.to_owned(),
            format: redact::format(noted.format).to_owned(),
            batch_item: noted.batch_item,
            check: noted.check,
            needs_session: noted.spec.is_some_and(|spec| spec.session == top::Session::Required),
            msg: rejection.map(|rejection| rejection.msg().into_owned()),
            sub_msg: rejection.and_then(|it| it.sub_msg.as_deref()).map(str::to_owned),
            mistake: noted.mistake.as_deref().map(redact::cut),
            signed: noted.signed.as_deref().map(redact::cut),
            params: redact::params(&noted),
            body_bytes: noted.body_bytes,
            answer,
            place: noted.place.map(|key| (key.kind.to_owned(), key.owner, key.id)),
            violations: noted.violations,
        };
        // Texts, numbers and lists always have a JSON form.
        let story = serde_json::to_string(&story).unwrap_or_default();
        (call, Kept { story: Pii::new(story) })
    }
}

/// The call with this request id, and its story.
///
/// # Errors
/// The store failed, or what it has does not read.
pub async fn find(store: &Store, request_id: &str) -> anyhow::Result<Option<(Call, Story)>> {
    let Some((call, kept)) = store.call::<Kept>(request_id).await? else { return Ok(None) };
    Ok(Some((call, serde_json::from_str(kept.story.expose())?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted() -> Noted {
        Noted {
            at: Instant::UNIX_EPOCH,
            cost_us: 1,
            request_id: crate::context::request_id(),
            app: None,
            spec: None,
            address: IpAddr::from([127, 0, 0, 1]),
            verb: "GET",
            format: Format::Xml,
            batch_item: None,
            check: Check::App,
            rejection: Some(top::error::MISSING_APP_KEY.into()),
            violations: Vec::new(),
            mistake: None,
            signed: None,
            is_fault: false,
            params: None,
            body_bytes: 0,
            answer: None,
            place: None,
        }
    }

    #[tokio::test]
    async fn a_journal_that_is_full_drops_and_counts_and_goes_on_when_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let key = store::SealingKey::generate();
        let store = Store::open_sqlite(&folder.path().join("t.db"), &key).unwrap();
        let journal = Journal::new(2 * QUEUE_MAX, RemoteErrorCode::default());
        (0..QUEUE_MAX + 5).for_each(|_| journal.note(noted));
        assert_eq!(journal.dropped(), 5);
        journal.write(&store).await.unwrap();
        journal.note(noted);
        journal.write(&store).await.unwrap();
        let calls = store.calls(&store::Calls::default(), 2 * QUEUE_MAX).await.unwrap();
        assert_eq!((calls.len(), journal.dropped()), (QUEUE_MAX + 1, 5));
    }

    #[tokio::test]
    async fn a_journal_that_is_off_is_not_even_told() {
        let journal = Journal::new(0, RemoteErrorCode::default());
        journal.note(|| panic!("it was asked"));
        assert_eq!(journal.dropped(), 0);
    }

    #[test]
    fn of_parameters_that_are_too_long_nothing_is_noted_and_of_a_session_nothing_ever() {
        let params = |value: &str| {
            Params::from_pairs(vec![
                ("a".into(), value.to_owned().into()),
                ("session".into(), "let me in".into()),
            ])
        };
        let flat = Flat::of(&params("票")).unwrap();
        assert_eq!(flat.pairs().collect::<Vec<_>>(), [("a", "票"), ("session", "")]);
        assert!(Flat::of(&params(&"x".repeat(NOTED_BYTES_MAX))).is_none());
        assert!(answer(&"x".repeat(NOTED_BYTES_MAX + 1)).is_none());
    }
}
