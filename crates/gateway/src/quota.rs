//! Quotas, answered as the platform's flow control.
//!
//! Windows rather than a leaky bucket, because the platform's own limits are windows: a day's calls
//! start anew at midnight of its clock, and a ban says for how many seconds it lasts.

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::access::App;
use domain::time::platform_clock;
use domain::{Civil, Instant};
use foldhash::HashMap;
use store::{Error, Store, Usage};
use top::Rejection;

use crate::context;

/// `sub_code` of a used-up daily quota.
pub const BY_DAY: &str = "accesscontrol.limited-by-app-access-count";
/// `sub_code` of a frequency that is too high.
pub const BY_SECOND: &str = "accesscontrol.limited-by-app-api-access-count";
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// How old what another gateway said of its latest second may be to count: it says so once a second.
const FRESH_MS: i64 = 2500;

/// How often each app has called in the windows that are open.
///
/// Gateways tell each other once a second. So a day's limit is passed by what all others let through
/// within that second at most. Of a second's limit each gateway takes what the others left of it in the
/// second before, and its even share at least: while calls move from one gateway to another, each may let
/// through the whole limit for one second more.
#[derive(Debug)]
pub struct Quotas {
    /// What the others know this gateway by.
    gateway: String,
    // One entry for each app that has a quota; apps are made by an operator, not by callers.
    used: Mutex<HashMap<String, Used>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Used {
    day: i64,
    calls_in_day: u32,
    second: i64,
    calls_in_second: u32,
    /// In the second before.
    calls_before: u32,
    others: Others,
}

/// What the other gateways have said of an app.
#[derive(Debug, Default, Clone, Copy)]
struct Others {
    day: i64,
    calls_in_day: u32,
    /// Of those that were called just now: how many there are, and their calls in a second.
    gateways: u32,
    calls_in_second: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { gateway: context::request_id(), used: Mutex::default() }
    }
}

impl Used {
    /// Opens the windows of this moment; within a second there is nothing to open.
    fn roll_to(&mut self, now: Instant) {
        let second = now.as_second();
        if self.second != second {
            self.roll(day_number(platform_clock(now)), second);
        }
    }

    fn roll(&mut self, day: i64, second: i64) {
        if self.day != day {
            (self.day, self.calls_in_day) = (day, 0);
        }
        if self.second != second {
            self.calls_before = if self.second == second - 1 { self.calls_in_second } else { 0 };
            (self.second, self.calls_in_second) = (second, 0);
        }
    }

    /// Calls of the day, as far as is known.
    fn calls_everywhere(&self) -> u32 {
        let others = if self.others.day == self.day { self.others.calls_in_day } else { 0 };
        self.calls_in_day.saturating_add(others)
    }

    /// How much of a second's limit is this gateway's.
    fn share(&self, most: u32) -> u32 {
        let left = most.saturating_sub(self.others.calls_in_second);
        left.max(most.div_ceil(self.others.gateways + 1))
    }
}

impl Quotas {
    /// Counts a call, or says for how long the app is held back.
    ///
    /// # Errors
    /// The quota is used up; the call is not counted.
    pub fn take(&self, app: &App, now: Instant) -> Result<(), Rejection> {
        let quota = app.quota;
        if quota.calls_per_day.is_none() && quota.calls_per_second.is_none() {
            return Ok(());
        }
        let mut all = self.lock();
        if !all.contains_key(app.key.as_str()) {
            all.insert(app.key.to_string(), Used::default());
        }
        let Some(used) = all.get_mut(app.key.as_str()) else { return Ok(()) };
        used.roll_to(now);
        if quota.calls_per_day.is_some_and(|most| used.calls_everywhere() >= most) {
            return Err(Rejection::limited(BY_DAY, seconds_to_midnight(platform_clock(now))));
        }
        if quota.calls_per_second.is_some_and(|most| used.calls_in_second >= used.share(most)) {
            return Err(Rejection::limited(BY_SECOND, 1));
        }
        used.calls_in_day += 1;
        used.calls_in_second += 1;
        Ok(())
    }

    /// Tells the other gateways how often apps have called, and learns it from them; a gateway that was
    /// here before a restart is one of them.
    ///
    /// # Errors
    /// The store failed; each gateway counts alone meanwhile.
    pub async fn share(&self, store: &Store, now: Instant) -> Result<(), Error> {
        let (day, second) = (day_number(platform_clock(now)), now.as_second());
        let ours: Vec<_> = {
            let mut all = self.lock();
            all.values_mut().for_each(|used| used.roll(day, second));
            let ours = all.iter().filter(|(_, used)| used.calls_in_day > 0);
            ours.map(|(app, used)| self.usage(app, used, now)).collect()
        };
        let everybody = store.share_usage(day, ours).await?;
        let mut all = self.lock();
        all.values_mut().for_each(|used| used.others = Others::default());
        for usage in everybody.into_iter().filter(|usage| usage.gateway != self.gateway) {
            let count = |calls: i64| u32::try_from(calls).unwrap_or(u32::MAX);
            let others = &mut all.entry(usage.app).or_default().others;
            others.day = day;
            others.calls_in_day = others.calls_in_day.saturating_add(count(usage.calls));
            if now.as_millisecond() - usage.at_ms < FRESH_MS && usage.calls_in_second > 0 {
                let calls = count(usage.calls_in_second);
                others.calls_in_second = others.calls_in_second.saturating_add(calls);
                others.gateways += 1;
            }
        }
        Ok(())
    }

    fn usage(&self, app: &str, used: &Used, now: Instant) -> Usage {
        Usage {
            app: app.to_owned(),
            gateway: self.gateway.clone(),
            calls: used.calls_in_day.into(),
            calls_in_second: used.calls_in_second.max(used.calls_before).into(),
            at_ms: now.as_millisecond(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Used>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn day_number(clock: Civil) -> i64 {
    i64::from(clock.year()) * 1000 + i64::from(clock.day_of_year())
}

fn seconds_to_midnight(clock: Civil) -> u64 {
    let (hour, minute, second) = (clock.hour(), clock.minute(), clock.second());
    let passed = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    u64::try_from(SECONDS_PER_DAY - passed).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use domain::Pii;
    use domain::access::Quota;

    use super::*;

    fn app(calls_per_day: Option<u32>, calls_per_second: Option<u32>) -> App {
        let app = App::new("test".parse().unwrap(), Pii::new("test".into()));
        App { quota: Quota { calls_per_day, calls_per_second }, ..app }
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn a_days_calls_start_anew_at_midnight_of_the_platform_clock() {
        let (quotas, app) = (Quotas::default(), app(Some(2), None));
        let evening = at("2026-03-01T15:59:00Z");
        quotas.take(&app, evening).unwrap();
        quotas.take(&app, evening).unwrap();
        let refused = quotas.take(&app, evening).unwrap_err();
        assert_eq!(refused, Rejection::limited(BY_DAY, 60));
        quotas.take(&app, at("2026-03-01T16:00:00Z")).unwrap();
    }

    #[test]
    fn a_seconds_calls_start_anew_with_the_next() {
        let (quotas, app) = (Quotas::default(), app(None, Some(1)));
        quotas.take(&app, at("2026-03-01T00:00:00.1Z")).unwrap();
        let refused = quotas.take(&app, at("2026-03-01T00:00:00.9Z")).unwrap_err();
        assert_eq!(refused, Rejection::limited(BY_SECOND, 1));
        quotas.take(&app, at("2026-03-01T00:00:01Z")).unwrap();
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let key = store::SealingKey::generate();
        let store = Store::open_sqlite(&folder.path().join("t.db"), &key).unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn a_restart_does_not_begin_the_days_count_anew() {
        let (_folder, store) = store();
        let (app, noon) = (app(Some(3), None), at("2026-03-01T04:00:00Z"));
        let before = Quotas::default();
        assert!(before.take(&app, noon).is_ok() && before.take(&app, noon).is_ok());
        before.share(&store, noon).await.unwrap();
        let after = Quotas::default();
        after.share(&store, noon).await.unwrap();
        assert!(after.take(&app, noon).is_ok());
        assert!(after.take(&app, noon).is_err());
        assert!(after.take(&app, at("2026-03-01T16:00:00Z")).is_ok());
    }

    #[tokio::test]
    async fn a_seconds_limit_follows_the_calls_from_gateway_to_gateway() {
        let (_folder, store) = store();
        let app = app(None, Some(10));
        let (one, other) = (Quotas::default(), Quotas::default());
        let second = |second: i64| Instant::from_second(1_772_323_200 + second).unwrap();
        let take_all =
            |quotas: &Quotas, now| (0..20).filter(|_| quotas.take(&app, now).is_ok()).count();
        // All calls go to the one: it may let through the whole limit, second after second.
        for now in [second(1), second(2)] {
            assert_eq!(take_all(&one, now), 10);
            one.share(&store, now).await.unwrap();
            other.share(&store, now).await.unwrap();
        }
        // When they come to both, each has its even share at least.
        assert_eq!((take_all(&one, second(3)), take_all(&other, second(3))), (10, 5));
        for quotas in [&one, &other, &one] {
            quotas.share(&store, second(3)).await.unwrap();
        }
        assert_eq!((take_all(&one, second(4)), take_all(&other, second(4))), (5, 5));
        // What was said long ago counts no more.
        other.share(&store, second(9)).await.unwrap();
        assert_eq!(take_all(&other, second(9)), 10);
    }
}
