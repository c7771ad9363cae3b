//! Answers that are asked for again and again, kept as they were written.
//!
//! An answer that follows from a document alone is the same for as long as the document has the same version,
//! which the store looks at for every call. So nothing here can be out of date, and nobody need tell it of a change.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, Weighter};
use store::Key;
use top::Composite;
use top::answer::{Format, Reply};
use zeroize::Zeroizing;

/// Most bytes of answers that are kept: two thousand of the usual size, which is as many as partners poll at a time
/// (inferred).
const KEPT_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// What a kept answer takes beside its text, in bytes of the limit.
const OVERHEAD_BYTES: u64 = 512;
/// Of how many questions it is known that they were asked before: more than there is room for answers.
const ASKED: usize = 4096;

/// Answers about documents.
pub struct Hot {
    /// None where no documents are kept either.
    answers: Option<Cache<Question, Kept, Weight, RandomState>>,
    /// What was asked lately, by the questions' hashes.
    asked: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// What is asked about which document, and in which format it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question<K = Key, T = String> {
    /// The document.
    pub about: K,
    /// What is asked about it.
    pub what: T,
    /// The format of the answer.
    pub format: Format,
}

impl Equivalent<Question> for Question<&Key, &str> {
    fn equivalent(&self, other: &Question) -> bool {
        let Question { about, what, format } = self;
        **about == other.about && **what == *other.what && *format == other.format
    }
}

#[derive(Clone)]
struct Kept {
    /// Of the document that it was written of.
    version: i64,
    text: Arc<Zeroizing<String>>,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Question, Kept> for Weight {
    fn weight(&self, _: &Question, kept: &Kept) -> u64 {
        kept.text.len() as u64 + OVERHEAD_BYTES
    }
}

/// An answer.
pub enum Said<'h, R> {
    /// One that is said once.
    Once(R),
    /// One that is kept when it is written.
    Anew(R, &'h Hot, Question, i64),
    /// One that was written before.
    Before(Arc<Zeroizing<String>>),
}

impl Hot {
    /// Keeps answers only where the store keeps documents: elsewhere one version is not always one document.
    pub fn new(is_on: bool) -> Self {
        let most = usize::try_from(KEPT_BYTES_MAX / OVERHEAD_BYTES).unwrap_or(usize::MAX);
        let answers = is_on.then(|| {
            let (hasher, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
            Cache::with(most, KEPT_BYTES_MAX, Weight, hasher, lifecycle)
        });
        let asked = (0..if is_on { ASKED } else { 0 }).map(|_| AtomicU64::new(0)).collect();
        Self { answers, asked, hasher: RandomState::default() }
    }

    /// The answer to a question about a document of this version: what was written before, or what `say` says.
    ///
    /// # Errors
    /// Those of `say`.
    pub fn answer<R, E>(
        &self,
        question: Question<&Key, &str>,
        version: i64,
        say: impl FnOnce() -> Result<R, E>,
    ) -> Result<Said<'_, R>, E> {
        let Some(answers) = &self.answers else { return say().map(Said::Once) };
        if let Some(kept) = answers.get(&question).filter(|kept| kept.version == version) {
            return Ok(Said::Before(kept.text));
        }
        let said = say()?;
        if !self.was_asked(&question) {
            return Ok(Said::Once(said));
        }
        let Question { about, what, format } = question;
        let question = Question { about: about.clone(), what: what.to_owned(), format };
        Ok(Said::Anew(said, self, question, version))
    }

    /// Whether this was asked lately: most questions are asked once, and their answers are not worth keeping.
    fn was_asked(&self, question: &Question<&Key, &str>) -> bool {
        let hash = self.hasher.hash_one(question);
        let place = usize::try_from(hash % ASKED as u64).ok().and_then(|at| self.asked.get(at));
        place.is_some_and(|place| place.swap(hash, Ordering::Relaxed) == hash)
    }
}

impl<R: Composite> Reply for Said<'_, R> {
    type Response = R;

    fn members(&self) -> Result<&R, &str> {
        match self {
            Self::Once(response) | Self::Anew(response, ..) => Ok(response),
            Self::Before(text) => Err(text.as_str()),
        }
    }

    fn written(&self, text: &str) {
        if let Self::Anew(_, Hot { answers: Some(answers), .. }, question, version) = self {
            let text = Arc::new(Zeroizing::new(text.to_owned()));
            answers.insert(question.clone(), Kept { version: *version, text });
        }
    }
}
