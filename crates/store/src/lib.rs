//! The store: one narrow door, behind which an engine keeps sealed documents.
//!
//! An aggregate is one document under `(kind, owner, id)`. [`Store::change`] loads it, asks a pure
//! function what to do, and commits document, journal entry and look-ups together; what it returns
//! is durable. The function may be asked again when somebody else was faster; losing that race
//! [`CHANGE_ATTEMPTS_MAX`] times in a row is an error.
//!
//! The store knows no travel: a document is whatever serialises, a kind is a name.

mod calls;
mod copy;
mod documents;
mod engine;
mod examine;
mod postgres;
mod rewrite;
mod rotate;
mod seal;
mod sqlite;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::mem;
use std::ops::{Deref, DerefMut, Range};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::access::{App, Session};
use domain::id::AppKey;
use domain::pii::Trait;
use domain::{Instant, Parted};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use zeroize::optimization_barrier;

pub use crate::calls::{Call, Calls};
pub use crate::copy::{Sum, Sums, copy};
pub use crate::documents::Seen;
use crate::documents::{Documents, Proof};
use crate::engine::{Commit, Engine, Loaded, Outcome, Recorded};
pub use crate::examine::{Finding, Verdict};
pub use crate::rotate::{KeyState, NOTICE, Resealed};
use crate::seal::{Asked, Opened, Sealer};
pub use crate::seal::{BadKey, Key as SealingKey};

/// How often a change is decided anew after losing a race. Each loss means another caller changed
/// the same aggregate in between, so sixteen in a row is a storm on one order, not bad luck.
pub const CHANGE_ATTEMPTS_MAX: usize = 16;

/// Room for a document in the clear: most have half of it.
const CLEAR_BYTES: usize = 8 * 1024;

/// Most aggregates found for one person: what somebody can look through.
pub const FOUND_MAX: usize = 500;

/// Most journal entries read back for one aggregate: what a person can look through.
pub const JOURNAL_READ_MAX: usize = 1000;

/// Where an aggregate is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// What kind of thing it is, such as `flight`.
    pub kind: &'static str,
    /// Whose it is.
    pub owner: String,
    /// Which of the owner's things it is.
    pub id: String,
}

/// Another number an aggregate is known by, unique within its owner and kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookUp {
    /// Which numbering it belongs to, such as `ticket`.
    pub name: &'static str,
    /// The number.
    pub value: String,
}

/// Who changes something, when, and on whose request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The moment, from the caller's clock.
    pub at: Instant,
    /// The app, or the tool on the command line.
    pub actor: String,
    /// The request's id.
    pub request_id: String,
}

/// How often an app has called one gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The app's key.
    pub app: String,
    /// The gateway, by a name that it makes up when it starts.
    pub gateway: String,
    /// Calls on the day.
    pub calls: i64,
    /// Calls in the latest second.
    pub calls_in_second: i64,
    /// When that was.
    pub at_ms: i64,
}

/// What a change decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision<D> {
    /// Leave everything as it is; nothing is written.
    Keep,
    /// Write a new state.
    Put {
        /// The whole document.
        document: D,
        /// What happened, for the journal.
        what: &'static str,
        /// What more there is to say about it, for the journal; personal data is marked.
        facts: Option<Value>,
        /// Numbers it is known by from now on, beside those it already has.
        look_ups: Vec<LookUp>,
    },
}

/// One line of an aggregate's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The version it led to.
    pub version: i64,
    /// What happened.
    pub what: String,
    /// When.
    pub at: Instant,
    /// Who did it.
    pub actor: String,
    /// On which request.
    pub request_id: String,
    /// What more was said about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<Value>,
}

/// The store could not do it. Nothing in it is for an outsider's eyes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine failed.
    #[error("the database failed")]
    Engine(#[source] rusqlite::Error),
    /// The database server failed.
    #[error("the database failed: {0}")]
    Postgres(String),
    /// No server of the address takes changes.
    #[error("no server of the database's address takes changes: {0}")]
    Unreachable(String),
    /// A database has orders and no keys.
    #[error(
        "the database has no keys: a copy into it was cut short; make a new one and copy again"
    )]
    NoKeys,
    /// The address of a database cannot be read.
    #[error("not the address of a database: {0}")]
    Address(String),
    /// Nobody knows whether it happened: no server told in time. Asking again tells.
    #[error("it is not known whether the database did it: {0}")]
    Unknown(String),
    /// Another process is writing and does not stop.
    #[error("another process kept the database busy for {} seconds", sqlite::BUSY_TIMEOUT.as_secs())]
    Busy,
    /// A transaction did not commit; nothing in it happened.
    #[error("the database did not commit: {0}")]
    NotCommitted(String),
    /// A file could not be touched.
    #[error("cannot use {path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The linked SQLite is one that can lose committed pages.
    #[error("SQLite {0} is linked, which can lose committed pages; 3.51.3 or newer is needed")]
    EngineTooOld(String),
    /// The file system gives no write-ahead log (a network share, say).
    #[error(
        "the database is in journal mode {0}; without a write-ahead log nothing here is durable"
    )]
    NotDurable(String),
    /// The database was made by a newer program.
    #[error("the database has schema {found}, this program knows {known}: use the newer program")]
    SchemaTooNew {
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The database was made by an older program.
    #[error(
        "the database has schema {found}, this program wants {known}: run `tripwright migrate`"
    )]
    SchemaTooOld {
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The database is sealed with another key.
    #[error(
        "the database opens with key {expected}, the key given is {given}: \
         set TRIPWRIGHT_KEY to the key it was made with, or last rotated to"
    )]
    OtherKey {
        /// Ids of the keys that open it.
        expected: String,
        /// Key id of the key given.
        given: String,
    },
    /// Another operator's key would miss what was to be done to the keys.
    #[error(
        "the keys were not changed: the operator's key is being replaced, or somebody else changes them \
         (`tripwright key list` shows them, `tripwright key retire` ends a replacement)"
    )]
    KeysInUse,
    /// A document is sealed with a key that this program does not have, or not yet.
    #[error("key {0} is not among the database's keys")]
    UnknownKey(String),
    /// A document does not open: damaged, moved, or sealed with another key.
    #[error("a sealed value of {0} does not open")]
    Sealed(String),
    /// A document has what only the store may write.
    #[error("a document cannot be sealed: {0}")]
    Unsealable(&'static str),
    /// A document does not read.
    #[error("the document of {kind} {id} does not read")]
    Document {
        /// What it is.
        kind: String,
        /// Which.
        id: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// A number is already another aggregate's.
    #[error("{name} {value} already belongs to {kind} {id} of the same owner")]
    Taken {
        /// Which numbering.
        name: &'static str,
        /// Which number.
        value: String,
        /// The kind it is unique in.
        kind: &'static str,
        /// Which aggregate holds it.
        id: String,
    },
    /// What was to be copied to has been used already.
    #[error("the database to copy to is in use already: give a new one")]
    NotEmpty,
    /// Others kept changing the same aggregate.
    #[error("lost the race for one aggregate {CHANGE_ATTEMPTS_MAX} times in a row")]
    Contended,
    /// PostgreSQL's own tools back it up.
    #[error("PostgreSQL is backed up by its own tools: pg_basebackup, or pg_dump")]
    OwnTools,
    /// The writer is gone.
    #[error("the store is closed")]
    Closed,
}

/// An aggregate as it was stored last.
#[derive(Debug, PartialEq)]
pub struct Stored<D> {
    /// The document.
    pub document: D,
    /// Its version, from 1.
    pub version: i64,
}

/// The store.
pub struct Store {
    engine: Engine,
    sealer: Sealer,
    documents: Documents,
    changes: AtomicU64,
    races: AtomicU64,
}

/// What one process has done with the store since it opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Changes that were committed.
    pub changes: u64,
    /// Changes that were decided anew because somebody else was faster.
    pub races: u64,
}

impl Store {
    /// Opens or makes an SQLite database, brings its schema up to date and checks that `key` is the
    /// one it was sealed with.
    ///
    /// # Errors
    /// The file cannot be used, is newer than the program, or is sealed with another key.
    pub fn open_sqlite(path: &Path, key: &SealingKey) -> Result<Self, Error> {
        let engine = sqlite::Sqlite::open(path)?;
        let kept = engine.first_keys(|sealed_with| match sealed_with {
            Some(expected) if expected != key.id() => {
                let expected = expected.to_owned();
                Err(Error::OtherKey { expected, given: key.id() })
            }
            other => Ok(seal::first_keys(key, other)),
        })?;
        Ok(Self::new(Engine::Sqlite(engine), Sealer::new(key, &kept)?))
    }

    /// Connects to a PostgreSQL database and checks that `key` opens it. An empty one is given its
    /// schema; one of an older program only when told to `migrate`.
    ///
    /// # Errors
    /// The address is none, no server of it takes changes, its schema is not this program's, or it
    /// opens with another key.
    pub async fn open_postgres(url: &str, key: &SealingKey, migrate: bool) -> Result<Self, Error> {
        let engine = postgres::Postgres::open(url, migrate).await?;
        let kept = engine.first_keys(|| seal::first_keys(key, None)).await?;
        Ok(Self::new(Engine::Postgres(engine), Sealer::new(key, &kept)?))
    }

    fn new(engine: Engine, sealer: Sealer) -> Self {
        let (changes, races) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { engine, sealer, documents: Documents::new(0), changes, races }
    }

    /// Keeps documents that were read, up to so many bytes of what is stored; until told, none.
    #[must_use]
    pub fn keeping_documents(self, bytes: u64) -> Self {
        Self { documents: Documents::new(bytes), ..self }
    }

    /// Whether what follows from a version of a document may be kept with it: documents are, and one version is always
    /// the same. On PostgreSQL a server may take over that never had it.
    pub fn vouches_for_versions(&self) -> bool {
        matches!(self.engine, Engine::Sqlite(_)) && self.documents.is_on()
    }

    /// Loads the aggregate, asks `decide`, and commits what it says. Returns `decide`'s own answer
    /// once that is durable.
    ///
    /// # Errors
    /// The engine failed, the race was lost too often, or a look-up is another aggregate's.
    pub async fn change<D, A>(
        &self,
        key: &Key,
        cause: &Cause,
        decide: impl FnMut(Option<D>) -> (Decision<D>, A),
    ) -> Result<A, Error>
    where
        D: Serialize + DeserializeOwned,
    {
        self.change_part(key, Part::Whole, cause, decide).await
    }

    /// The same for whoever leaves what the document begins with as it is, which is taken at its word: where that stands
    /// apart, it is neither written nor sealed again, and what `decide` made of it is not looked at.
    ///
    /// # Errors
    /// As of [`Store::change`].
    ///
    /// # Panics
    /// Where debug assertions are on, and what the document begins with is not what it was.
    pub async fn change_rest<D, A>(
        &self,
        key: &Key,
        cause: &Cause,
        decide: impl FnMut(Option<D>) -> (Decision<D>, A),
    ) -> Result<A, Error>
    where
        D: Parted + Serialize + DeserializeOwned,
    {
        let write_rest = |place: &Place<'_>, document: &D| write(place, &document.rest());
        self.change_part(key, Part::Rest(write_rest), cause, decide).await
    }

    /// The same for whoever looks at one member of the document and changes nothing else: only that is
    /// opened, read and written, and the rest stays as it is stored. There must be a document: a member
    /// alone makes none.
    ///
    /// # Errors
    /// As of [`Store::change`]; or the document has no such member.
    pub async fn change_member<M, A>(
        &self,
        key: &Key,
        member: &'static str,
        cause: &Cause,
        decide: impl FnMut(Option<M>) -> (Decision<M>, A),
    ) -> Result<A, Error>
    where
        M: Serialize + DeserializeOwned,
    {
        self.change_part(key, Part::Member(member), cause, decide).await
    }

    async fn change_part<D, A>(
        &self,
        key: &Key,
        part: Part<D>,
        cause: &Cause,
        mut decide: impl FnMut(Option<D>) -> (Decision<D>, A),
    ) -> Result<A, Error>
    where
        D: Serialize + DeserializeOwned,
    {
        let place = Place::of(key);
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let (before, known) = match self.load_for(key, part.member()).await? {
                Some(loaded) => Some(self.open_before(&place, &part, loaded).await?),
                None => None,
            }
            .unzip();
            let (decision, answer) = decide(known);
            let Decision::Put { document, what, facts, look_ups } = decision else {
                return Ok(answer);
            };
            let After { document, is_rest, people } = match &before {
                Some(before) => self.seal_after(&place, &part, before, &document).await?,
                None if part.member().is_some() => {
                    return Err(Error::Unsealable("a member of a document that is not there"));
                }
                None => {
                    let (document, people) = self.seal(&place, &document)?;
                    After { document, is_rest: false, people }
                }
            };
            let expected = before.map(|before| before.loaded.head);
            let version = expected.map_or(0, |head| head.version) + 1;
            let facts = facts.map(|facts| self.seal_facts(key, version, &facts)).transpose()?;
            let commit = Commit {
                key: key.clone(),
                expected,
                document,
                is_rest,
                facts,
                what,
                cause: cause.clone(),
                look_ups,
                people: people.into_iter().collect(),
            };
            match self.engine.commit(commit).await? {
                Outcome::Done => {
                    self.changes.fetch_add(1, Ordering::Relaxed);
                    return Ok(answer);
                }
                Outcome::Raced => drop(self.races.fetch_add(1, Ordering::Relaxed)),
                Outcome::Taken { look_up: LookUp { name, value }, id } => {
                    return Err(Error::Taken { name, value, kind: key.kind, id });
                }
            }
        }
        Err(Error::Contended)
    }

    /// Opens and reads what may change.
    async fn open_before<D: DeserializeOwned>(
        &self,
        place: &Place<'_>,
        part: &Part<D>,
        loaded: Loaded,
    ) -> Result<(Before, D), Error> {
        let mut opened = Opened::default();
        let member = part.member();
        let range = place.part(&loaded.document, member)?;
        let (asked, text) = (Asked { member, without: &[] }, &loaded.document[range.clone()]);
        let clear = self.open_json(place, asked, text, Some(&mut opened)).await?;
        let known = place.read(&clear)?;
        let is_compared = match part {
            Part::Whole => true,
            Part::Rest(_) => cfg!(debug_assertions),
            Part::Member(_) => false,
        };
        let clear = (is_compared && loaded.head.body.is_some()).then_some(clear);
        Ok((Before { loaded, range, clear, opened }, known))
    }

    /// What is stored now that the part that was opened has become `document`.
    async fn seal_after<D: Serialize>(
        &self,
        place: &Place<'_>,
        part: &Part<D>,
        Before { loaded, range, clear, opened }: &Before,
        document: &D,
    ) -> Result<After, Error> {
        let (stored, member) = (&loaded.document, part.member());
        if let Part::Rest(write_rest) = part
            && loaded.head.body.is_some()
            && !self.sealer.may_be_outdated(stored)
        {
            let json = write_rest(place, document)?;
            if let Some(clear) = clear {
                let (body, _) = rewrite::parted(clear);
                let whole = Clear([body, b",", &json[1..]].concat());
                assert!(*whole == *write(place, document)?, "more than the rest was changed");
            }
            let (document, people) = self.sealer.seal(place, None, &json, opened)?;
            return Ok(After { document, is_rest: true, people });
        }
        let mut json = write(place, document)?;
        if let Some(clear) = clear
            && let (body, _) = rewrite::parted(clear)
            && json.starts_with(body)
            && json.get(body.len()) == Some(&b',')
            && !self.sealer.may_be_outdated(stored)
        {
            // What stands apart is what it was, and need be neither sealed nor written again.
            json[body.len()] = b'{';
            let (document, people) = self.sealer.seal(place, None, &json[body.len()..], opened)?;
            return Ok(After { document, is_rest: true, people });
        }
        let (sealed, people) = self.sealer.seal(place, member, &json, opened)?;
        let whole = [&stored[..range.start], &sealed, &stored[range.end..]].concat();
        // What was loaded and not looked at moves to the newest key all the same.
        let document = match member.is_some() && self.sealer.may_be_outdated(&whole) {
            true => self.seal_anew(place, &whole).await?,
            false => whole,
        };
        Ok(After { document, is_rest: loaded.is_rest, people })
    }

    /// What there is of an aggregate for whoever changes all of its document, or one member.
    async fn load_for(
        &self,
        key: &Key,
        member: Option<&'static str>,
    ) -> Result<Option<Loaded>, Error> {
        let Some(member) = member else { return self.engine.load(key).await };
        match self.engine.load_rest(key).await? {
            // It is the one that stands elsewhere.
            Some(Loaded { is_rest: true, document, .. })
                if rewrite::find_member(&document, member).is_none() =>
            {
                self.engine.load(key).await
            }
            loaded => Ok(loaded),
        }
    }

    /// The aggregate as it is now.
    ///
    /// # Errors
    /// The engine failed or the document does not open.
    pub async fn get<D: DeserializeOwned>(&self, key: &Key) -> Result<Option<D>, Error> {
        Ok(self.load(key, Asked::default()).await?.map(|(stored, _)| stored.document))
    }

    /// The aggregate, and how many bytes it has as it is stored.
    async fn load<D: DeserializeOwned>(
        &self,
        key: &Key,
        asked: Asked,
    ) -> Result<Option<(Stored<D>, usize)>, Error> {
        let Some(Loaded { head, document: bytes, .. }) = self.engine.load(key).await? else {
            return Ok(None);
        };
        let document = self.open_part(&Place::of(key), asked, &bytes, None).await?;
        Ok(Some((Stored { document, version: head.version }, bytes.len())))
    }

    /// The aggregate as it is now, for whoever only looks at it: one that was read before is opened and
    /// read anew only if it has changed since.
    ///
    /// # Errors
    /// The engine failed or the document does not open.
    pub async fn read<D>(&self, key: &Key) -> Result<Option<Seen<D>>, Error>
    where
        D: DeserializeOwned + Send + Sync + 'static,
    {
        self.read_asked(key, Asked::default()).await
    }

    /// The same for whoever looks at a part of what the document says, which is what `D` has. Members of these names
    /// are passed over, wherever they stand, and nothing in them is opened: where `D` has one, it reads `null` or, of what
    /// stands after all that is sealed, the value.
    ///
    /// # Errors
    /// As of [`Store::read`]; or `D` cannot be read without what is passed over.
    pub async fn look<D>(
        &self,
        key: &Key,
        without: &'static [&'static str],
    ) -> Result<Option<Seen<D>>, Error>
    where
        D: DeserializeOwned + Send + Sync + 'static,
    {
        self.read_asked(key, Asked { member: None, without }).await
    }

    async fn read_asked<D>(&self, key: &Key, asked: Asked) -> Result<Option<Seen<D>>, Error>
    where
        D: DeserializeOwned + Send + Sync + 'static,
    {
        let Engine::Sqlite(engine) = &self.engine else {
            return self.read_stored(key, asked).await;
        };
        // Before anything is read, so that what is read is at least as new.
        let moment = engine.moment()?;
        if let Some(known) = self.documents.get::<D>(key, asked) {
            if known.is_of(moment) {
                return Ok(Some(known));
            }
            if engine.version(key)? == Some(known.version) {
                known.hold_for(moment);
                return Ok(Some(known));
            }
        }
        let Some((stored, bytes)) = self.load(key, asked).await? else { return Ok(None) };
        let seen = Seen::new(stored, asked, Proof::Moment(Mutex::new(moment)));
        self.documents.put(key, &seen, bytes);
        Ok(Some(seen))
    }

    /// The aggregate as a server has it now, opened and read anew unless that is, byte by byte, what was read before.
    /// Its version alone would not show it: a server that takes over may never have had what was read from the
    /// one before, and gives its version to something else.
    async fn read_stored<D>(&self, key: &Key, asked: Asked) -> Result<Option<Seen<D>>, Error>
    where
        D: DeserializeOwned + Send + Sync + 'static,
    {
        let Some(Loaded { head, document: text, .. }) = self.engine.load(key).await? else {
            return Ok(None);
        };
        let version = head.version;
        if let Some(known) = self.documents.get::<D>(key, asked)
            && known.is_stored_as(version, &text)
        {
            return Ok(Some(known));
        }
        let document = self.open_part(&Place::of(key), asked, &text, None).await?;
        let bytes = text.len();
        let seen = Seen::new(Stored { document, version }, asked, Proof::Text(text));
        self.documents.put(key, &seen, bytes);
        Ok(Some(seen))
    }

    /// What this process has done with it since it opened it.
    pub fn counts(&self) -> Counts {
        let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Counts { changes: of(&self.changes), races: of(&self.races) }
    }

    /// A hash that only this store's key gives, as 32 hex digits; for each purpose another.
    pub fn keyed_hash(&self, purpose: &str, text: &str) -> String {
        hex(&self.sealer.keyed_hash(&[purpose, ":", text])[..16])
    }

    /// A fact about the database itself.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn fact(&self, name: &str) -> Result<Option<String>, Error> {
        self.engine.fact(name).await
    }

    /// Records a fact about the database itself.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn put_fact(&self, name: &'static str, value: String) -> Result<(), Error> {
        self.engine.put_fact(name, value).await
    }

    /// The owner's aggregate of this kind known by this number.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn find(
        &self,
        owner: &str,
        kind: &'static str,
        look_up: &LookUp,
    ) -> Result<Option<Key>, Error> {
        let id = self.engine.find(owner, kind, look_up).await?;
        Ok(id.map(|id| Key { kind, owner: owner.to_owned(), id }))
    }

    /// The story of an aggregate, newest first, at most [`JOURNAL_READ_MAX`] entries.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn journal(&self, key: &Key) -> Result<Vec<Entry>, Error> {
        let mut story = Vec::new();
        for Recorded { entry, facts } in self.engine.journal(key, JOURNAL_READ_MAX).await? {
            let facts = match facts {
                Some(facts) => {
                    let (kind, id) = Place::facts(key.kind, &key.id, entry.version);
                    let place = Place { kind: &kind, owner: &key.owner, id: &id };
                    Some(self.open(&place, &facts).await?)
                }
                None => None,
            };
            story.push(Entry { facts, ..entry });
        }
        Ok(story)
    }

    /// Aggregates in which a person of this document or telephone number stands or stood, of any
    /// owner, at most [`FOUND_MAX`]: kind, owner and id.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn find_people(
        &self,
        found_by: Trait,
        value: &str,
    ) -> Result<Vec<(String, String, String)>, Error> {
        self.engine.people(self.sealer.person(found_by, value), FOUND_MAX).await
    }

    /// Owners and ids of all aggregates of a kind, in order, after `after`, at most `limit`.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn list(
        &self,
        kind: &'static str,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<(String, String)>, Error> {
        self.engine.list(kind, after, limit).await
    }

    /// Ids of an owner's aggregates of a kind, in order, after `after`, at most `limit`.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn list_of(
        &self,
        owner: &str,
        kind: &'static str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        self.engine.list_of(owner, kind, after.unwrap_or_default(), limit).await
    }

    /// Owners, each with a kind of what they own, in an order that stays, after `after`, at most `limit`. It
    /// costs one look at the index for each, however much they own.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn holdings(
        &self,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<(String, String)>, Error> {
        self.engine.holdings(after.unwrap_or_default(), limit).await
    }

    /// Loads an app, asks `decide`, and commits what it says, unless another change came between:
    /// then it asks again.
    ///
    /// # Errors
    /// `decide` refused, the engine failed, or the race was lost too often.
    pub async fn change_app<E: From<Error>>(
        &self,
        key: &AppKey,
        mut decide: impl FnMut(Option<App>) -> Result<App, E>,
    ) -> Result<App, E> {
        let place = Place::app(key);
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let expected = self.engine.app(key.as_str()).await?;
            let known = match &expected {
                Some(bytes) => Some(self.open(&place, bytes).await?),
                None => None,
            };
            let app = decide(known)?;
            let (document, _) = self.seal(&place, &app)?;
            let outcome = self.engine.put_app(key.as_str(), expected, document).await?;
            if outcome == engine::Outcome::Done {
                return Ok(app);
            }
        }
        Err(Error::Contended.into())
    }

    /// The app with this key.
    ///
    /// # Errors
    /// The engine failed or the document does not open.
    pub async fn app(&self, key: &AppKey) -> Result<Option<App>, Error> {
        let Some(bytes) = self.engine.app(key.as_str()).await? else { return Ok(None) };
        Ok(Some(self.open(&Place::app(key), &bytes).await?))
    }

    /// Every app, in the order of their keys.
    ///
    /// # Errors
    /// The engine failed or a document does not open.
    pub async fn apps(&self) -> Result<Vec<App>, Error> {
        let mut apps = Vec::new();
        for (key, bytes) in self.engine.apps().await? {
            let place = Place { kind: "app", owner: &key, id: &key };
            apps.push(self.open(&place, &bytes).await?);
        }
        Ok(apps)
    }

    /// Adds or replaces a session.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn put_session(&self, session: &Session) -> Result<(), Error> {
        let hash = self.sealer.keyed_hash(&[session.token.expose()]);
        let id = hex(&hash);
        let (document, _) = self.seal(&Place::session(&session.app, &id), session)?;
        self.engine.put_session(session.app.as_str(), hash, document).await
    }

    /// The app's session with this token; another app's token is no session.
    ///
    /// # Errors
    /// The engine failed or the document does not open.
    pub async fn session(&self, app: &AppKey, token: &str) -> Result<Option<Session>, Error> {
        let hash = self.sealer.keyed_hash(&[token]);
        let id = hex(&hash);
        let Some(bytes) = self.engine.session(app.as_str(), hash).await? else { return Ok(None) };
        Ok(Some(self.open(&Place::session(app, &id), &bytes).await?))
    }

    /// Every session of an app.
    ///
    /// # Errors
    /// The engine failed or a document does not open.
    pub async fn sessions(&self, app: &AppKey) -> Result<Vec<Session>, Error> {
        let mut sessions = Vec::new();
        for (hash, bytes) in self.engine.sessions(app.as_str()).await? {
            sessions.push(self.open(&Place::session(app, &hex(&hash)), &bytes).await?);
        }
        Ok(sessions)
    }

    /// A number that moves whenever an app or session changes, by whichever process.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn access_epoch(&self) -> Result<i64, Error> {
        self.engine.access_epoch().await
    }

    /// Tells the other gateways how often apps have called this one on a day, and learns how often they
    /// have called each. Days long past are forgotten.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn share_usage(&self, day: i64, ours: Vec<Usage>) -> Result<Vec<Usage>, Error> {
        if !ours.is_empty() {
            self.engine.put_usage(day, ours).await?;
        }
        self.engine.usage(day).await
    }

    /// Commits a write that changes nothing, to learn whether writing works.
    ///
    /// # Errors
    /// It does not.
    pub async fn probe(&self) -> Result<(), Error> {
        self.engine.probe().await
    }

    /// Takes up the keys that the database has now: another process may have made one.
    ///
    /// # Errors
    /// The engine failed, or the operator's key does not open them any more.
    pub async fn take_up_keys(&self) -> Result<(), Error> {
        self.sealer.take_up(&self.engine.keys().await?)
    }

    /// Writes a copy of the database to a new file while others go on working with it.
    ///
    /// # Errors
    /// The file is there already, or the engine has tools of its own for this.
    pub async fn back_up(&self, to: &Path) -> Result<(), Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.back_up(to),
            Engine::Postgres(_) => Err(Error::OwnTools),
        }
    }

    /// What an operator should know about the database: how durable it is, how many servers have it, what
    /// its clock says. `now` is ours.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn examine(&self, now: Instant) -> Result<Vec<Finding>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.examine(),
            Engine::Postgres(engine) => engine.examine(now).await,
        }
    }

    /// Finishes what was accepted and closes the files.
    pub async fn close(self) {
        self.engine.close().await;
    }

    fn seal<D: Serialize>(&self, place: &Place<'_>, document: &D) -> Result<Sealed, Error> {
        self.sealer.seal(place, None, &write(place, document)?, &Opened::default())
    }

    /// What the journal says about an aggregate's version.
    fn seal_facts(&self, key: &Key, version: i64, facts: &Value) -> Result<Vec<u8>, Error> {
        let (kind, id) = Place::facts(key.kind, &key.id, version);
        let (facts, _) = self.seal(&Place { kind: &kind, owner: &key.owner, id: &id }, facts)?;
        Ok(facts)
    }

    /// The same document, all of it sealed with the newest key.
    async fn seal_anew(&self, place: &Place<'_>, document: &[u8]) -> Result<Vec<u8>, Error> {
        let json = self.open_json(place, Asked::default(), document, None).await?;
        // Neither opening nor sealing looks at all of it, and what is damaged must not look new.
        let IgnoredAny = place.read(&json)?;
        Ok(self.sealer.seal(place, None, &json, &Opened::default())?.0)
    }

    async fn open<D: DeserializeOwned>(&self, place: &Place<'_>, bytes: &[u8]) -> Result<D, Error> {
        self.open_part(place, Asked::default(), bytes, None).await
    }

    async fn open_part<D: DeserializeOwned>(
        &self,
        place: &Place<'_>,
        asked: Asked,
        bytes: &[u8],
        opened: Option<&mut Opened>,
    ) -> Result<D, Error> {
        let json = self.open_json(place, asked, bytes, opened).await?;
        place.read(&json)
    }

    async fn open_json(
        &self,
        place: &Place<'_>,
        asked: Asked,
        bytes: &[u8],
        mut opened: Option<&mut Opened>,
    ) -> Result<Clear, Error> {
        let json = match self.sealer.open(place, asked, bytes, opened.as_deref_mut()) {
            // Another process has made a new key since we looked.
            Err(Error::UnknownKey(_)) => {
                self.take_up_keys().await?;
                self.sealer.open(place, asked, bytes, opened)
            }
            done => done,
        };
        json.map(Clear)
    }
}

/// What of a document a change touches.
enum Part<D> {
    /// All of it.
    Whole,
    /// What follows its first member; the function writes that.
    Rest(fn(&Place<'_>, &D) -> Result<Clear, Error>),
    /// One member.
    Member(&'static str),
}

impl<D> Part<D> {
    fn member(&self) -> Option<&'static str> {
        match self {
            Self::Member(member) => Some(member),
            Self::Whole | Self::Rest(_) => None,
        }
    }
}

/// What may change, as it was loaded.
struct Before {
    loaded: Loaded,
    /// Where in the loaded text what was opened stands.
    range: Range<usize>,
    /// All of it, where somebody looks whether what it begins with, which stands apart, has changed.
    clear: Option<Clear>,
    opened: Opened,
}

/// What it has become, as it is stored.
struct After {
    document: Vec<u8>,
    /// Whether its first member is missing, since that stands apart and stays as it is.
    is_rest: bool,
    /// What people's orders are found by, as far as it is new.
    people: BTreeSet<Vec<u8>>,
}

/// A document in the clear.
fn write<D: Serialize>(place: &Place<'_>, document: &D) -> Result<Clear, Error> {
    // With room for nearly every document, so that none is left behind where it grew.
    let mut json = Clear::with_room(CLEAR_BYTES);
    serde_json::to_writer(&mut json.0, document).map_err(|source| place.unreadable(source))?;
    Ok(json)
}

/// Text in the clear, wiped when it is dropped: as fast as memory is filled, and nothing that was not
/// written.
struct Clear(Vec<u8>);

impl Clear {
    /// Empty, with room for so many bytes at least.
    fn with_room(bytes: usize) -> Self {
        let mut spare = SPARE.take();
        let found = spare.iter_mut().find(|spare| spare.capacity() >= bytes).map(mem::take);
        SPARE.set(spare);
        Self(found.unwrap_or_else(|| Vec::with_capacity(bytes)))
    }
}

thread_local! {
    /// The room of the last texts in the clear, for the next ones: what was, and what it becomes. The allocator would
    /// take a page from the system and give it back for each.
    static SPARE: Cell<[Vec<u8>; 2]> = const { Cell::new([Vec::new(), Vec::new()]) };
}

/// Most room that is kept for a text: as much as two of the usual documents, whatever came in between.
const SPARE_BYTES_MAX: usize = 2 * CLEAR_BYTES;

impl Deref for Clear {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Clear {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Clear {
    fn drop(&mut self) {
        self.0.fill(0);
        // Without it nobody would seem to read the zeros, and they might not be written.
        optimization_barrier(self.0.as_slice());
        self.0.clear();
        // A thread that ends keeps nothing.
        let _ = SPARE.try_with(|spare| {
            let mut kept = spare.take();
            let smallest = kept.iter_mut().min_by_key(|kept| kept.capacity());
            let is_better = |kept: &&mut Vec<u8>| {
                kept.capacity() < self.0.capacity() && self.0.capacity() <= SPARE_BYTES_MAX
            };
            if let Some(smallest) = smallest.filter(is_better) {
                mem::swap(smallest, &mut self.0);
            }
            spare.set(kept);
        });
    }
}

/// A document as it is stored, and what people's orders are found by in it.
type Sealed = (Vec<u8>, BTreeSet<Vec<u8>>);

/// What a sealed value is bound to, so that it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    kind: &'a str,
    owner: &'a str,
    id: &'a str,
}

impl<'a> Place<'a> {
    fn of(key: &'a Key) -> Self {
        Self { kind: key.kind, owner: &key.owner, id: &key.id }
    }

    fn app(key: &'a AppKey) -> Self {
        Self { kind: "app", owner: key.as_str(), id: key.as_str() }
    }

    fn session(app: &'a AppKey, token_hash: &'a str) -> Self {
        Self { kind: "session", owner: app.as_str(), id: token_hash }
    }

    /// Kind and id of the place of what the journal says about an aggregate's version.
    fn facts(kind: &str, id: &str, version: i64) -> (String, String) {
        (format!("journal/{kind}"), format!("{id}@{version}"))
    }

    /// Where in a document's text a member stands, or all of it.
    fn part(&self, json: &[u8], member: Option<&str>) -> Result<Range<usize>, Error> {
        let Some(member) = member else { return Ok(0..json.len()) };
        let missing = || serde::de::Error::custom(format!("it has no member {member}"));
        rewrite::find_member(json, member).ok_or_else(|| self.unreadable(missing()))
    }

    /// Reads what was opened.
    fn read<D: DeserializeOwned>(&self, json: &[u8]) -> Result<D, Error> {
        // All of it at once: the reader would else look whether it is text at each value.
        let text = simdutf8::basic::from_utf8(json).map_err(serde::de::Error::custom);
        text.and_then(serde_json::from_str).map_err(|source| self.unreadable(source))
    }

    fn unreadable(&self, source: serde_json::Error) -> Error {
        Error::Document { kind: self.kind.to_owned(), id: self.id.to_owned(), source }
    }
}

impl Error {
    fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy) => Self::Busy,
            _ => Self::Engine(error),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_a_text_in_the_clear_is_used_again_unless_it_is_large() {
        let mut first = Clear::with_room(CLEAR_BYTES);
        first.0.extend_from_slice(b"secret");
        let at = first.as_ptr();
        drop(first);
        drop(Clear(vec![1; 8]));
        drop(Clear::with_room(SPARE_BYTES_MAX + 1));
        let again = Clear::with_room(10);
        assert_eq!((again.as_ptr(), again.len()), (at, 0));
        drop(again);
        // What was, and what it becomes.
        let rooms = || [Clear::with_room(CLEAR_BYTES), Clear::with_room(CLEAR_BYTES)];
        let places = |rooms: &[Clear; 2]| rooms.each_ref().map(|room| room.as_ptr());
        let two = rooms();
        let mut before = places(&two);
        drop(two);
        let mut after = places(&rooms());
        before.sort_unstable();
        after.sort_unstable();
        assert_eq!(after, before);
    }
}
