//! Answers about the documents that are asked for again and again.
//!
//! An answer that follows from a document alone, as it stands, is the same until the document is another.

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use store::Stored;
use top::answer::Written;

/// Most documents whose answers are kept, a few kB each in every format that is asked for: 4 MB when all are. More
/// than this are not asked for again and again at one time.
const HOT_MAX: usize = 256;

/// Answers `R` about documents `D`, which are asked for by `Q`.
pub struct Hot<D, Q, R> {
    places: [Mutex<Option<Kept<D, Q, R>>>; HOT_MAX],
    hasher: RandomState,
}

struct Kept<D, Q, R> {
    about: Arc<Stored<D>>,
    question: Q,
    /// There from the second time on: most are asked for once.
    answer: Option<Arc<Written<R>>>,
}

impl<D, Q, R> Default for Hot<D, Q, R> {
    fn default() -> Self {
        Self { places: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::default() }
    }
}

impl<D, Q: Clone + PartialEq, R> Hot<D, Q, R> {
    /// The answer to a question about a document: the one that is kept, or what `answer` says.
    ///
    /// # Errors
    /// Those of `answer`; nothing is kept then.
    pub fn answer<E>(
        &self,
        about: &Arc<Stored<D>>,
        question: &Q,
        answer: impl FnOnce() -> Result<R, E>,
    ) -> Result<Arc<Written<R>>, E> {
        // A document that nobody keeps is never the same again.
        if Arc::strong_count(about) == 1 {
            return answer().map(Written::from).map(Arc::new);
        }
        let place = self.place(about);
        let is_known = match &*lock(place) {
            Some(kept) if Arc::ptr_eq(&kept.about, about) && kept.question == *question => {
                if let Some(answer) = &kept.answer {
                    return Ok(Arc::clone(answer));
                }
                true
            }
            _ => false,
        };
        let answer = Arc::new(Written::from(answer()?));
        let kept = Kept {
            about: Arc::clone(about),
            question: question.clone(),
            answer: is_known.then(|| Arc::clone(&answer)),
        };
        // What stood there goes when nobody waits for the place any more.
        let _before = lock(place).replace(kept);
        Ok(answer)
    }

    fn place(&self, about: &Arc<Stored<D>>) -> &Mutex<Option<Kept<D, Q, R>>> {
        let hash = self.hasher.hash_one(Arc::as_ptr(about));
        &self.places[hash as usize % HOT_MAX]
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
