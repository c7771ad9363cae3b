//! What an engine does for the store. A second engine is a second variant here; no caller changes.

use crate::sqlite::Sqlite;
use crate::{Cause, Entry, Error, Key, LookUp};

/// Where an aggregate stands: what a commit compares before it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its version, from 1.
    pub version: i64,
    /// Its newest journal entry.
    pub last_entry: i64,
}

/// An aggregate as stored.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub head: Head,
    pub document: Vec<u8>,
}

/// Everything that happens together in one change.
#[derive(Debug)]
pub(crate) struct Commit {
    pub key: Key,
    /// What it must still be; `None` when it must not be there.
    pub expected: Option<Head>,
    pub document: Vec<u8>,
    pub facts: Option<Vec<u8>>,
    pub what: &'static str,
    pub cause: Cause,
    pub look_ups: Vec<LookUp>,
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
}

/// Each call goes to whichever engine there is.
macro_rules! forward {
    ($(fn $name:ident(&self $(, $arg:ident: $type:ty)*) -> $result:ty;)*) => {
        impl Engine {
            $(pub(crate) async fn $name(&self $(, $arg: $type)*) -> Result<$result, Error> {
                match self {
                    Self::Sqlite(engine) => engine.$name($($arg),*).await,
                }
            })*
        }
    };
}

forward! {
    fn load(&self, key: &Key) -> Option<Loaded>;
    fn commit(&self, commit: Commit) -> Outcome;
    fn find(&self, owner: &str, kind: &str, look_up: &LookUp) -> Option<String>;
    fn journal(&self, key: &Key, limit: usize) -> Vec<Recorded>;
    fn list(&self, kind: &str, after: Option<(&str, &str)>, limit: usize) -> Vec<(String, String)>;
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
}

impl Engine {
    /// Records the id of the sealing key in a new database; says which id an old one has.
    pub(crate) fn claim_key(&self, key_id: &str) -> Result<String, Error> {
        match self {
            Self::Sqlite(engine) => engine.claim_key(key_id),
        }
    }

    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(engine) => engine.close().await,
        }
    }
}
