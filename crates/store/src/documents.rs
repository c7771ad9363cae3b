//! Documents that were read lately, as they were opened.
//!
//! Nobody need tell this of a change: what it holds is held against the database each time it is asked
//! for. When nothing at all was committed since, that is all there is to do; else the version is
//! compared, or what is stored.

use std::any::Any;
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
    stored: Arc<dyn Any + Send + Sync>,
    /// What of it was opened.
    asked: Asked,
    bytes: u64,
    proof: Proof,
}

/// What shows that a kept document is the newest.
#[derive(Clone)]
pub(crate) enum Proof {
    /// When it was known to be.
    Moment(Arc<Mutex<Moment>>),
    /// How it is stored: what is stored alike says the same.
    Text(Arc<Vec<u8>>),
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Kept> for Weight {
    fn weight(&self, _: &Key, kept: &Kept) -> u64 {
        kept.bytes + OVERHEAD_BYTES
    }
}

/// A kept document that may have changed since.
pub(crate) struct Known<D> {
    pub stored: Arc<Stored<D>>,
    proof: Proof,
}

impl Proof {
    pub fn moment(moment: Moment) -> Self {
        Self::Moment(Arc::new(Mutex::new(moment)))
    }
}

impl<D> Known<D> {
    /// Whether it was the newest at this moment.
    pub fn is_of(&self, moment: Moment) -> bool {
        matches!(&self.proof, Proof::Moment(known) if *lock(known) == moment)
    }

    /// It was still the newest at this moment.
    pub fn hold_for(&self, moment: Moment) {
        if let Proof::Moment(known) = &self.proof {
            *lock(known) = moment;
        }
    }

    /// Whether it was stored as this version, in these very bytes.
    pub fn is_stored_as(&self, version: i64, text: &[u8]) -> bool {
        self.stored.version == version
            && matches!(&self.proof, Proof::Text(known) if known.as_slice() == text)
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

    pub fn get<D: Send + Sync + 'static>(&self, key: &Key, asked: Asked) -> Option<Known<D>> {
        let kept = self.0.as_ref()?.get(key)?;
        // Read in another way, or as something else, it is another document.
        let Kept { stored, proof, .. } = Some(kept).filter(|kept| kept.asked == asked)?;
        let stored = stored.downcast::<Stored<D>>().ok()?;
        Some(Known { stored, proof })
    }

    pub fn put<D: Send + Sync + 'static>(
        &self,
        key: &Key,
        asked: Asked,
        stored: &Arc<Stored<D>>,
        bytes: usize,
        proof: Proof,
    ) {
        let Some(cache) = &self.0 else { return };
        let stored: Arc<dyn Any + Send + Sync> = Arc::<Stored<D>>::clone(stored);
        cache.insert(key.clone(), Kept { stored, asked, bytes: bytes as u64, proof });
    }
}
