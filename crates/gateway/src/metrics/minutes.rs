//! What came in each minute of the last day, at this gateway.
//!
//! Calls do not write here: once a second somebody looks how far the counters have come.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use domain::Instant;

use super::Sum;

/// Most minutes remembered: a day, in about half a megabyte.
pub const MINUTES_MAX: usize = 24 * 60;

/// What came in a minute.
#[derive(Debug, Clone, Copy)]
pub struct Minute {
    /// Which, in minutes of the Unix epoch.
    pub minute: i64,
    /// The calls that ended in it.
    pub sum: Sum,
}

/// The minutes of the last day.
#[derive(Debug, Default)]
pub struct Minutes(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// How far the counters had come when the newest minute began.
    before: Sum,
    /// Oldest first; the last is not over.
    minutes: VecDeque<Minute>,
}

impl Minutes {
    /// Notes how far the counters have come by now.
    pub fn look(&self, total: Sum, now: Instant) {
        let minute = now.as_second().div_euclid(60);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Seen { before, minutes } = &mut *seen;
        match minutes.back_mut() {
            Some(newest) => {
                newest.sum = total.since(before);
                // A clock that was set back goes on with the minute that it had.
                if newest.minute >= minute {
                    return;
                }
            }
            // What came before anybody looked belongs to the first minute.
            None => {
                minutes.push_back(Minute { minute, sum: total });
                return;
            }
        }
        *before = total;
        if minutes.len() == MINUTES_MAX {
            minutes.pop_front();
        }
        minutes.push_back(Minute { minute, sum: Sum::default() });
    }

    /// What came from `first` on, in minutes of the Unix epoch, oldest first.
    pub fn since(&self, first: i64) -> Vec<Minute> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.minutes.iter().filter(|minute| minute.minute >= first).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_minute_has_what_came_in_it_and_the_last_day_is_remembered() {
        let minutes = Minutes::default();
        let mut total = Sum::default();
        let at = |second| Instant::from_second(second).unwrap();
        for second in (0..60 * (MINUTES_MAX as i64 + 5)).step_by(20) {
            total.by_outcome[0] += 1;
            minutes.look(total, at(second));
        }
        let all = minutes.since(0);
        assert_eq!((all.len(), all[0].minute), (MINUTES_MAX, 5));
        // The first look at a minute ends the one before.
        assert!(all.iter().take(MINUTES_MAX - 1).all(|minute| minute.sum.calls() == 3));
        assert_eq!(minutes.since(MINUTES_MAX as i64 + 4).len(), 1);
        // A clock that is set back loses nothing.
        total.by_outcome[0] += 1;
        minutes.look(total, at(0));
        let counted: u64 = minutes.since(0).iter().map(|minute| minute.sum.calls()).sum();
        let forgotten = 5 * 3 + 1;
        assert_eq!(counted + forgotten, total.calls());
    }
}
