//! What a request may ask the world for: time, randomness, the store, settings.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::Instant;
use rand::RngExt;
use store::Store;

use crate::access::Access;
use crate::calls::{self, Journal};
use crate::console::Throttle;
use crate::hot::Hot;
use crate::metrics::Metrics;
use crate::quota::Quotas;
use crate::settings::Settings;

/// Letters and digits of request ids and tokens, as the platform prints them.
const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// Length of a request id; the platform's have 11 to 13.
pub const REQUEST_ID_CHARS: usize = 12;
/// Length of an access token: 36⁵⁶ of them cannot be guessed.
const TOKEN_CHARS: usize = 56;
/// Platform numbers are drawn from 15-digit ones: below 2⁵³, and all of one width.
const PLATFORM_NUMBERS: std::ops::Range<i64> = 100_000_000_000_000..1_000_000_000_000_000;

/// Everything shared by all requests.
pub struct Context {
    /// The settings the program was started with.
    pub settings: Settings,
    /// The clock.
    pub clock: Clock,
    /// Orders.
    pub store: Store,
    /// Apps and sessions, cached.
    pub access: Access,
    /// How often each app has called.
    pub quotas: Quotas,
    /// The last calls.
    pub journal: Journal,
    /// What is counted of calls.
    pub metrics: Arc<Metrics>,
    /// What is said of the changes that are asked for again and again.
    pub(crate) change_details: Hot,
    /// How often signing in to the console has failed.
    pub sign_ins: Throttle,
}

impl Context {
    /// Puts a store behind the settings.
    pub fn new(settings: Settings, clock: Clock, store: Store) -> Self {
        let access = Access::new(settings.production);
        let store = store.keeping_documents(settings.document_cache_mb * 1024 * 1024);
        let kept = settings.calls_kept.unwrap_or(match settings.production {
            true => 0,
            false => calls::SANDBOX_KEPT,
        });
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        let journal = Journal::new(kept, settings.remote_error_code);
        let change_details = Hot::new(store.vouches_for_versions());
        Self {
            settings,
            clock,
            store,
            access,
            quotas: Quotas::default(),
            journal,
            metrics: Arc::default(),
            change_details,
            sign_ins: Throttle::default(),
        }
    }
}

/// The only place that knows what time it is.
#[derive(Debug)]
pub enum Clock {
    /// The machine's.
    System,
    /// One that stands still until it is set, in milliseconds of the Unix epoch.
    Set(AtomicI64),
}

impl Clock {
    /// A clock that stands still at `instant`.
    pub fn set_to(instant: Instant) -> Self {
        Self::Set(AtomicI64::new(instant.as_millisecond()))
    }

    /// What time it is.
    pub fn now(&self) -> Instant {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the clock")]
            Self::System => Instant::now(),
            Self::Set(at) => {
                Instant::from_millisecond(at.load(Ordering::SeqCst)).unwrap_or(Instant::UNIX_EPOCH)
            }
        }
    }

    /// Sets a clock that stands still; the machine's goes on as it does.
    pub fn set(&self, instant: Instant) {
        if let Self::Set(at) = self {
            at.store(instant.as_millisecond(), Ordering::SeqCst);
        }
    }
}

/// A new request id.
#[expect(clippy::disallowed_methods, reason = "this is the source of randomness")]
pub fn request_id() -> String {
    const COUNT: u64 = 36_u64.pow(REQUEST_ID_CHARS as u32);
    // One number rather than a letter at a time: every call has one.
    let mut number = rand::rng().random_range(0..COUNT);
    let mut letters = [0; REQUEST_ID_CHARS];
    for letter in &mut letters {
        *letter = BASE36[(number % 36) as usize];
        number /= 36;
    }
    std::str::from_utf8(&letters).unwrap_or_default().to_owned()
}

/// A new access token or app secret.
pub fn token() -> String {
    random_text(TOKEN_CHARS)
}

/// Sixteen random bytes, for a vector or a nonce that must never come again.
#[expect(clippy::disallowed_methods, reason = "this is the source of randomness")]
pub fn fresh_block() -> [u8; 16] {
    rand::rng().random()
}

/// A new platform order number.
#[expect(clippy::disallowed_methods, reason = "this is the source of randomness")]
pub fn platform_number() -> i64 {
    rand::rng().random_range(PLATFORM_NUMBERS)
}

#[expect(clippy::disallowed_methods, reason = "this is the source of randomness")]
fn random_text(length: usize) -> String {
    let mut random = rand::rng();
    (0..length).map(|_| char::from(BASE36[random.random_range(0..BASE36.len())])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_look_like_the_platforms_and_differ() {
        let (one, other) = (request_id(), request_id());
        assert_eq!(one.len(), REQUEST_ID_CHARS);
        assert!(one.bytes().all(|byte| BASE36.contains(&byte)));
        assert_ne!(one, other);
    }
}
