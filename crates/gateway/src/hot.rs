//! Answers that are asked for again and again, kept as they were written.
//!
//! An answer that follows from a document alone is the same for as long as the document has the same version,
//! which the store looks at for every call. So nothing here can be out of date, and nobody need tell it of a change.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use store::Key;
use top::Composite;
use top::answer::{Format, Members, Reply};
use zeroize::Zeroizing;

/// Most bytes of answers that are kept: two thousand of the usual size, which is as many as partners poll at a time
/// (inferred).
const KEPT_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The usual size of an answer, for a guess at how many there will be.
const USUAL_BYTES: u64 = 2 * 1024;
/// What a kept answer takes beside its text and its question, in bytes of the limit.
const OVERHEAD_BYTES: u64 = 256;
/// Sets of two of the questions that are remembered: of as many as are kept, hardly any three share a set.
const ASKED_SETS: u64 = 8192;

/// Answers about documents; `None` keeps none.
pub struct Hot(Option<Answers>);

struct Answers {
    kept: Cache<Question, Kept, Weight, RandomState>,
    /// What was asked lately, by its hash: in each set the last two, the later first.
    asked: Box<[[AtomicU64; 2]]>,
    hasher: RandomState,
}

/// What is asked about which document, and in which format it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The document.
    pub about: Key,
    /// What is asked about it.
    pub what: String,
    /// The format of the answer.
    pub format: Format,
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
    fn weight(&self, Question { about, what, .. }: &Question, kept: &Kept) -> u64 {
        let bytes = about.owner.len() + about.id.len() + what.len() + kept.text.len();
        bytes as u64 + OVERHEAD_BYTES
    }
}

/// An answer, and whether what is written of it is kept.
pub struct Said<'h, R>(Saying<'h, R>);

enum Saying<'h, R> {
    Once(R),
    Again { response: R, answers: &'h Answers, question: Question, version: i64 },
    Before(Arc<Zeroizing<String>>),
}

impl<R> Said<'_, R> {
    /// An answer that is not kept.
    pub fn once(response: R) -> Self {
        Self(Saying::Once(response))
    }
}

impl Hot {
    /// Keeps answers, or none.
    pub fn new(is_on: bool) -> Self {
        Self(is_on.then(Answers::new))
    }

    /// The answer to a question about a document of this version: what was written before, or what `say` says.
    ///
    /// # Errors
    /// Those of `say`.
    pub fn answer<R, E>(
        &self,
        question: Question,
        version: i64,
        say: impl FnOnce() -> Result<R, E>,
    ) -> Result<Said<'_, R>, E> {
        let Some(answers) = &self.0 else { return say().map(Said::once) };
        let kept = answers.kept.get(&question);
        let is_asked_again = match kept {
            Some(kept) if kept.version == version => return Ok(Said(Saying::Before(kept.text))),
            Some(_) => true,
            // Most are asked once, and what is said of them is not worth keeping.
            None => answers.remember(&question),
        };
        let response = say()?;
        Ok(match is_asked_again {
            true => Said(Saying::Again { response, answers, question, version }),
            false => Said::once(response),
        })
    }
}

impl Answers {
    fn new() -> Self {
        let usual = usize::try_from(KEPT_BYTES_MAX / USUAL_BYTES).unwrap_or(usize::MAX);
        let (hasher, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
        let kept = Cache::with(usual, KEPT_BYTES_MAX, Weight, hasher, lifecycle);
        let asked = (0..ASKED_SETS).map(|_| [0, 0].map(AtomicU64::new)).collect();
        Self { kept, asked, hasher: RandomState::default() }
    }

    /// Remembers that this was asked; says whether it was asked lately.
    fn remember(&self, question: &Question) -> bool {
        let hash = self.hasher.hash_one(question);
        let set = usize::try_from(hash % ASKED_SETS).ok().and_then(|at| self.asked.get(at));
        let Some([last, before]) = set else { return false };
        let displaced = last.swap(hash, Ordering::Relaxed);
        displaced == hash || before.swap(displaced, Ordering::Relaxed) == hash
    }
}

impl<R: Composite> Reply for Said<'_, R> {
    type Response = R;

    fn members(&self) -> Members<'_, R> {
        match &self.0 {
            Saying::Once(response) | Saying::Again { response, .. } => Members::Of(response),
            Saying::Before(text) => Members::Written(text),
        }
    }

    fn written(&self, text: &str) {
        if let Saying::Again { answers, question, version, .. } = &self.0 {
            let text = Arc::new(Zeroizing::new(text.to_owned()));
            answers.kept.insert(question.clone(), Kept { version: *version, text });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use trip_api::taobao_time_get::Response;

    use super::*;

    fn question(owner: &str, id: &str, what: &str, format: Format) -> Question {
        let about = Key { kind: "flight", owner: owner.into(), id: id.into() };
        Question { about, what: what.into(), format }
    }

    /// Asks, and writes what is said: `time`, or what was said before.
    fn ask(hot: &Hot, question: Question, version: i64, time: &str) -> String {
        let format = question.format;
        let say = || Ok::<_, Infallible>(Response { time: time.parse().unwrap() });
        let Ok(said) = hot.answer(question, version, say);
        top::answer::success(format, "taobao.time.get", &said, "r", "")
    }

    const TIMES: [&str; 2] = ["2026-03-01 09:00:00", "2026-03-01 09:00:01"];

    /// Whether the third answer is the second one, written again.
    fn is_kept(hot: &Hot, question: &Question) -> bool {
        let first = ask(hot, question.clone(), 1, TIMES[0]);
        assert_eq!(ask(hot, question.clone(), 1, TIMES[0]), first);
        let third = ask(hot, question.clone(), 1, TIMES[1]);
        assert!(third == first || third == first.replace(TIMES[0], TIMES[1]), "{third}");
        third == first
    }

    #[test]
    fn what_is_asked_again_is_said_as_it_was_written_for_its_version_alone() {
        let hot = Hot::new(true);
        let asked = question("a/1", "1", "c", Format::Json);
        assert!(is_kept(&hot, &asked));
        assert!(ask(&hot, asked.clone(), 2, TIMES[1]).contains(TIMES[1]));
        assert!(ask(&hot, asked, 2, TIMES[0]).contains(TIMES[1]));
        assert!(!is_kept(&Hot::new(false), &question("a/1", "1", "c", Format::Json)));
    }

    #[test]
    fn each_question_has_an_answer_of_its_own() {
        let hot = Hot::new(true);
        assert!(is_kept(&hot, &question("a/1", "1", "c", Format::Json)));
        for other in [
            question("a/2", "1", "c", Format::Json),
            question("a/1", "2", "c", Format::Json),
            question("a/1", "1", "d", Format::Json),
            question("a/1", "1", "c", Format::Xml),
            question("a/1", "1", "c", Format::SimplifiedJson),
        ] {
            assert!(ask(&hot, other.clone(), 1, TIMES[1]).contains(TIMES[1]), "{other:?}");
        }
    }

    #[test]
    fn as_many_as_partners_poll_are_kept_and_no_more_than_there_is_room_for() {
        let hot = Hot::new(true);
        let asked = |at: usize| question("a/1", &at.to_string(), "c", Format::Json);
        for round in 0..3 {
            for at in 0..2_000 {
                let said = ask(&hot, asked(at), 1, TIMES[usize::from(round == 2)]);
                assert!(round == 2 || said.contains(TIMES[0]));
            }
        }
        let kept = (0..2_000).filter(|at| ask(&hot, asked(*at), 1, TIMES[1]).contains(TIMES[0]));
        assert!(kept.count() > 1_900);
        for _ in 0..2 {
            (0..50_000).for_each(|at| drop(ask(&hot, asked(at), 2, TIMES[0])));
        }
        assert!(hot.0.unwrap().kept.weight() <= KEPT_BYTES_MAX);
    }
}
