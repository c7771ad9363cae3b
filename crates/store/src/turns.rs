//! Readers beside many who change something: a change takes several times as long as a read, and whoever reads in a
//! crowd of changes would wait for all of them.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Semaphore;

/// Most changes that are decided before it is looked who else has come: some 50 µs of a core.
const TOGETHER_MAX: usize = 4;
/// How many changes after a read take turns: a few rounds of a crowd. Where nobody reads, turns only cost.
const AFTER_A_READ_MAX: u32 = 1000;

/// Who goes first.
pub(crate) struct Turns {
    deciding: Semaphore,
    /// How many changes take turns yet.
    left: AtomicU32,
}

impl Turns {
    pub(crate) const fn new() -> Self {
        Self { deciding: Semaphore::const_new(TOGETHER_MAX), left: AtomicU32::new(0) }
    }

    /// Somebody reads.
    pub(crate) fn read(&self) {
        // Cores that only read have no line of memory to take from each other.
        if self.left.load(Ordering::Relaxed) < AFTER_A_READ_MAX {
            self.left.store(AFTER_A_READ_MAX, Ordering::Relaxed);
        }
    }

    /// Waits until a change is to be decided.
    pub(crate) async fn change(&self) {
        let one_less = |left: u32| left.checked_sub(1);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            // It is never closed.
            let _turn = self.deciding.acquire().await;
            // Whoever has come meanwhile is heard first.
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn waits(turns: &Turns) -> bool {
        pin!(turns.change()).poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    #[tokio::test]
    async fn turns_end_with_the_crowd_after_the_last_read() {
        let turns = Turns::new();
        assert!(!waits(&turns));
        turns.read();
        assert!(waits(&turns));
        for _ in 1..AFTER_A_READ_MAX {
            turns.change().await;
        }
        assert!(!waits(&turns));
    }
}
