//! What an engine does for the store. A second engine is a second variant here; no caller changes.

use std::borrow::Cow;

use crate::postgres::Postgres;
use crate::rewrite::parted;
use crate::seal::WrappedKey;
use crate::sqlite::Sqlite;
use crate::{Call, Calls, Cause, Entry, Error, Key, LookUp, Usage};

/// What a document begins with stands apart from so many bytes on: less is not worth a second row.
const BODY_BYTES_MIN: usize = 512;

/// A step of the schema. Steps only add, so that programs of before go on beside those of after; what
/// they no longer need goes when nobody needs it any more, in a step that says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub sql: &'static str,
    /// How many steps a program must know at least to work with a database that has taken this one.
    pub oldest: i64,
}

/// Where an aggregate stands: what a commit compares before it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its version, from 1.
    pub version: i64,
    /// Its newest journal entry.
    pub last_entry: i64,
    /// Where the engine has it, if it finds it there sooner than by its key.
    pub place: i64,
    /// Where the engine has what the document begins with, if not in that place.
    pub body: Option<i64>,
}

/// An aggregate as stored.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub head: Head,
    pub document: Vec<u8>,
    /// Whether the document's first member is missing in it, because the engine has it elsewhere.
    pub is_rest: bool,
}

impl Loaded {
    /// What stands with an aggregate, its beginning left where that stands apart: a document of the members
    /// that follow. `None` where nothing follows.
    pub(crate) fn rest(head: Head, mut document: Vec<u8>) -> Option<Self> {
        let is_rest = head.body.is_some();
        if is_rest {
            let end = document.trim_ascii_end().len();
            document.truncate(end);
            *document.first_mut().filter(|first| **first == b',')? = b'{';
        }
        Some(Self { head, document, is_rest })
    }
}

/// Everything that happens together in one change.
#[derive(Debug)]
pub(crate) struct Commit {
    pub key: Key,
    /// What it must still be; `None` when it must not be there.
    pub expected: Option<Head>,
    pub document: Vec<u8>,
    /// Whether the first member, which stands apart, stays as it is and is missing here.
    pub is_rest: bool,
    pub facts: Option<Vec<u8>>,
    pub what: &'static str,
    pub cause: Cause,
    pub look_ups: Vec<LookUp>,
    /// What people's orders are found by, as far as it is new.
    pub people: Vec<Vec<u8>>,
}

/// Where sealed documents are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Aggregate,
    Journal,
    App,
    Session,
    Call,
}

/// A row with a sealed document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub table: Table,
    /// What the document is bound to.
    pub owner: String,
    pub kind: String,
    pub id: String,
    /// Of a journal's: which entry, and the version it led to.
    pub entry: i64,
    pub version: i64,
    pub document: Vec<u8>,
}

impl Commit {
    /// The version it leads to.
    pub(crate) fn version(&self) -> i64 {
        self.expected.map_or(0, |head| head.version) + 1
    }

    /// What the document begins with, if that stands apart and was given, and what stands with the aggregate:
    /// all of the document, or what follows, from the comma or the closing brace on.
    pub(crate) fn parts(&self) -> (Option<&[u8]>, Cow<'_, [u8]>) {
        let document = self.document.as_slice();
        if self.is_rest {
            return (None, [b",", document.get(1..).unwrap_or_default()].concat().into());
        }
        let (body, rest) = parted(document);
        let was_apart = self.expected.is_some_and(|head| head.body.is_some());
        if was_apart || body.len() >= BODY_BYTES_MIN {
            (Some(body), rest.into())
        } else {
            (None, document.into())
        }
    }
}

/// What became of a commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Durable.
    Done,
    /// Somebody else changed the aggregate; nothing was written.
    Raced,
    /// A look-up is another aggregate's; nothing was written.
    Taken { look_up: LookUp, id: String },
}

/// A journal entry as stored, its facts still sealed.
pub(crate) struct Recorded {
    pub entry: Entry,
    pub facts: Option<Vec<u8>>,
}

pub(crate) enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// Each call goes to whichever engine there is.
macro_rules! forward {
    ($(fn $name:ident(&self $(, $arg:ident: $type:ty)*) -> $result:ty;)*) => {
        impl Engine {
            $(pub(crate) async fn $name(&self $(, $arg: $type)*) -> Result<$result, Error> {
                match self {
                    Self::Sqlite(engine) => engine.$name($($arg),*).await,
                    Self::Postgres(engine) => engine.$name($($arg),*).await,
                }
            })*
        }
    };
}

forward! {
    fn load(&self, key: &Key) -> Option<Loaded>;
    fn load_rest(&self, key: &Key) -> Option<Loaded>;
    fn commit(&self, commit: Commit) -> Outcome;
    fn find(&self, owner: &str, kind: &str, look_up: &LookUp) -> Option<String>;
    fn journal(&self, key: &Key, limit: usize) -> Vec<Recorded>;
    fn list(&self, kind: &str, after: Option<(&str, &str)>, limit: usize) -> Vec<(String, String)>;
    fn holdings(&self, after: (&str, &str), limit: usize) -> Vec<(String, String)>;
    fn list_of(&self, owner: &str, kind: &str, after: &str, limit: usize) -> Vec<String>;
    fn put_app(&self, key: &str, expected: Option<Vec<u8>>, document: Vec<u8>) -> Outcome;
    fn app(&self, key: &str) -> Option<Vec<u8>>;
    fn apps(&self) -> Vec<(String, Vec<u8>)>;
    fn put_session(&self, app: &str, hash: Vec<u8>, document: Vec<u8>) -> ();
    fn session(&self, app: &str, hash: Vec<u8>) -> Option<Vec<u8>>;
    fn sessions(&self, app: &str) -> Vec<(Vec<u8>, Vec<u8>)>;
    fn fact(&self, name: &str) -> Option<String>;
    fn put_fact(&self, name: &'static str, value: String) -> ();
    fn access_epoch(&self) -> i64;
    fn probe(&self) -> ();
    fn put_usage(&self, day: i64, usage: Vec<Usage>) -> ();
    fn usage(&self, day: i64) -> Vec<Usage>;
    fn people(&self, hash: Vec<u8>, limit: usize) -> Vec<(String, String, String)>;
    fn keys(&self) -> Vec<WrappedKey>;
    fn put_keys(&self, keys: Vec<WrappedKey>) -> ();
    fn drop_wrappers_but(&self, kept: &str) -> ();
    fn rows(&self, table: Table, after: Option<&Row>, limit: usize) -> Vec<Row>;
    fn put_calls(&self, calls: Vec<(Call, Vec<u8>)>) -> ();
    fn calls(&self, wanted: &Calls, limit: usize) -> Vec<Call>;
    fn call(&self, request_id: &str) -> Option<(Call, Vec<u8>)>;
    fn call_beyond(&self, kept: usize) -> Option<(i64, String)>;
    fn drop_calls(&self, at_ms: i64, request_id: &str, limit: usize) -> bool;
    fn replace(&self, rows: Vec<(Row, Vec<u8>)>) -> ();
}

impl Engine {
    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(engine) => engine.close().await,
            Self::Postgres(engine) => engine.close().await,
        }
    }
}
