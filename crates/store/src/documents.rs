//! Documents that were read lately, as they were opened.
//!
//! Nobody need tell this of a change: what it holds is held against the database each time it is asked
//! for. When nothing at all was committed since, that is all there is to do; else the version is
//! compared, or what is stored.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use foldhash::fast::RandomState;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use crate::seal::Asked;
use crate::sqlite::lock;
use crate::{Key, Stored};

/// What a kept document takes beside what it says, in bytes of the limit.
const OVERHEAD_BYTES: u64 = 256;
/// A document as small as any, for a guess at how many there will be.
const SMALL_BYTES: u64 = 1024;

/// A moment in the life of a database: of two that are equal, nothing was committed between them.
pub(crate) type Moment = u128;

pub(crate) struct Documents(Option<Cache<Key, Kept, Weight, RandomState>>);

#[derive(Clone)]
struct Kept {
    whole: Arc<dyn Any + Send + Sync>,
    bytes: u64,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Kept> for Weight {
    fn weight(&self, _: &Key, kept: &Kept) -> u64 {
        kept.bytes + OVERHEAD_BYTES
    }
}

/// An aggregate as it was read. A later commit does not change it.
pub struct Seen<D>(Arc<Whole<D>>);

/// In one allocation: each further one is a wait for memory when it is found among thousands.
struct Whole<D> {
    stored: Stored<D>,
    /// What of it was opened.
    asked: Asked,
    proof: Proof,
}

/// What shows that a kept document is the newest.
pub(crate) enum Proof {
    /// When it was known to be.
    Moment(Mutex<Moment>),
    /// How it is stored: what is stored alike says the same.
    Text(Vec<u8>),
}

impl<D> Seen<D> {
    pub(crate) fn new(stored: Stored<D>, asked: Asked, proof: Proof) -> Self {
        Self(Arc::new(Whole { stored, asked, proof }))
    }

    /// Whether it was the newest at this moment.
    pub(crate) fn is_of(&self, moment: Moment) -> bool {
        matches!(&self.0.proof, Proof::Moment(known) if *lock(known) == moment)
    }

    /// It was still the newest at this moment.
    pub(crate) fn hold_for(&self, moment: Moment) {
        if let Proof::Moment(known) = &self.0.proof {
            *lock(known) = moment;
        }
    }

    /// Whether it was stored as this version, in these very bytes.
    pub(crate) fn is_stored_as(&self, version: i64, text: &[u8]) -> bool {
        self.version == version
            && matches!(&self.0.proof, Proof::Text(known) if known.as_slice() == text)
    }
}

impl<D: fmt::Debug> fmt::Debug for Seen<D> {
    /// Not how it is stored.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<D: PartialEq> PartialEq for Seen<D> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<D> Deref for Seen<D> {
    type Target = Stored<D>;

    fn deref(&self) -> &Stored<D> {
        &self.0.stored
    }
}

impl Documents {
    pub fn new(bytes: u64) -> Self {
        let count = usize::try_from(bytes / SMALL_BYTES).unwrap_or(usize::MAX);
        Self((bytes > 0).then(|| {
            let (hasher, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
            Cache::with(count, bytes, Weight, hasher, lifecycle)
        }))
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub fn get<D: Send + Sync + 'static>(&self, key: &Key, asked: Asked) -> Option<Seen<D>> {
        let kept = self.0.as_ref()?.get(key)?;
        let whole = kept.whole.downcast::<Whole<D>>().ok()?;
        // Read in another way, or as something else, it is another document.
        (whole.asked == asked).then_some(Seen(whole))
    }

    pub fn put<D: Send + Sync + 'static>(&self, key: &Key, Seen(whole): &Seen<D>, bytes: usize) {
        let Some(cache) = &self.0 else { return };
        let whole: Arc<dyn Any + Send + Sync> = Arc::<Whole<D>>::clone(whole);
        cache.insert(key.clone(), Kept { whole, bytes: bytes as u64 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_document_is_stored_is_not_printed() {
        let stored = Stored { document: 1, version: 1 };
        let seen = Seen::new(stored, Asked::default(), Proof::Text(b"x".to_vec()));
        assert_eq!(format!("{seen:?}"), format!("{:?}", *seen));
    }
}
