//! Quotas, answered as the platform's flow control.
//!
//! Windows rather than a leaky bucket, because the platform's own limits are windows: a day's calls
//! start anew at midnight of its clock, and a ban says for how many seconds it lasts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::access::App;
use domain::time::platform_clock;
use domain::{Civil, Instant};
use top::Rejection;

/// `sub_code` of a used-up daily quota.
const BY_DAY: &str = "accesscontrol.limited-by-app-access-count";
/// `sub_code` of a frequency that is too high.
const BY_SECOND: &str = "accesscontrol.limited-by-app-api-access-count";
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// How often each app has called in the windows that are open. Kept in memory: a restart begins the
/// day's count anew.
#[derive(Debug, Default)]
pub struct Quotas {
    // One entry for each app that has a quota; apps are made by an operator, not by callers.
    used: Mutex<HashMap<String, Used>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Used {
    day: i64,
    calls_in_day: u32,
    second: i64,
    calls_in_second: u32,
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
        let second = now.as_second();
        let clock = platform_clock(now);
        let day = day_number(clock);
        let mut all = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = all.entry(app.key.to_string()).or_default();
        if used.day != day {
            (used.day, used.calls_in_day) = (day, 0);
        }
        if used.second != second {
            (used.second, used.calls_in_second) = (second, 0);
        }
        if quota.calls_per_day.is_some_and(|most| used.calls_in_day >= most) {
            return Err(Rejection::limited(BY_DAY, seconds_to_midnight(clock)));
        }
        if quota.calls_per_second.is_some_and(|most| used.calls_in_second >= most) {
            return Err(Rejection::limited(BY_SECOND, 1));
        }
        used.calls_in_day += 1;
        used.calls_in_second += 1;
        Ok(())
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
    use std::collections::BTreeSet;

    use domain::Pii;
    use domain::access::{Entitlement, Quota};

    use super::*;

    fn app(calls_per_day: Option<u32>, calls_per_second: Option<u32>) -> App {
        App {
            key: "test".parse().unwrap(),
            secret: Pii::new("test".into()),
            methods: Entitlement::All,
            sub_channels: BTreeSet::new(),
            channels: BTreeSet::new(),
            cwt_accounts: BTreeSet::new(),
            partner_keys: Vec::new(),
            lenient: false,
            quota: Quota { calls_per_day, calls_per_second },
            revoked_at: None,
        }
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
}
