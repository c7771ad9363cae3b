//! What operators do, whichever door they come by: the command line, the console, or the operations API.
//! Each door reads what is wanted and shows what came of it; what is done is the same.

pub mod apps;
pub mod orders;
pub mod sessions;

use domain::access::PARTNER_KEYS_MAX;
use domain::id::{AppKey, KeyId};

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no app of this key.
    #[error("there is no app {0}")]
    NoSuchApp(AppKey),
    /// There is one already.
    #[error("there is an app {0} already")]
    Known(AppKey),
    /// What was given cannot be taken: what, and why.
    #[error("{0}: {1}")]
    Bad(&'static str, String),
    /// An app has so many keys.
    #[error("an app has at most {PARTNER_KEYS_MAX} SM4 keys; forget one to make room")]
    TooManyKeys,
    /// It has no such key.
    #[error("the app has no SM4 key {0}")]
    NoSuchKey(KeyId),
    /// It has no such session.
    #[error("{0} has no such token")]
    NoSuchSession(AppKey),
    /// Several of its sessions begin so.
    #[error("{0} has several tokens that begin so; give more of it, or its consent's number")]
    SeveralSessions(AppKey),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}
