//! Documents that were read lately, as they were opened.
//!
//! Nobody need tell this of a change: what it holds is held against the database each time it is asked
//! for. When nothing at all was committed since, that is all there is to do; else the version is
//! compared.

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
    /// When it was known to be the newest.
    moment: Arc<Mutex<Moment>>,
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
    moment: Arc<Mutex<Moment>>,
}

impl<D> Known<D> {
    /// Whether it was the newest at this moment.
    pub fn is_of(&self, moment: Moment) -> bool {
        *lock(&self.moment) == moment
    }

    /// It was still the newest at this moment.
    pub fn hold_for(&self, moment: Moment) {
        *lock(&self.moment) = moment;
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
        let Kept { stored, moment, .. } = Some(kept).filter(|kept| kept.asked == asked)?;
        let stored = stored.downcast::<Stored<D>>().ok()?;
        Some(Known { stored, moment })
    }

    pub fn put<D: Send + Sync + 'static>(
        &self,
        key: &Key,
        asked: Asked,
        stored: &Arc<Stored<D>>,
        bytes: usize,
        moment: Moment,
    ) {
        let Some(cache) = &self.0 else { return };
        let stored: Arc<dyn Any + Send + Sync> = Arc::<Stored<D>>::clone(stored);
        let moment = Arc::new(Mutex::new(moment));
        cache.insert(key.clone(), Kept { stored, asked, bytes: bytes as u64, moment });
    }
}
