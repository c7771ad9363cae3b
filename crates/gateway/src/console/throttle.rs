//! How often somebody may try to sign in: after a few failures each further try has to wait, longer each time.
//!
//! It is kept in memory and of this gateway alone: an account is tried as often as there are gateways. Names
//! are counted whether there is such an account or not, so that the answer tells nothing about it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use domain::Instant;
use jiff::{SignedDuration, ToSpan};

/// How many tries of one name from one address may fail before the next has to wait: somebody who mistypes.
pub const FREE_OF_NAME: u32 = 5;
/// The same from all addresses together: so many that nobody is kept out by others who try their name, unless
/// these have dozens of addresses.
pub const FREE_OF_NAME_ANYWHERE: u32 = 100;
/// The same of one address: behind a proxy all operators have one.
pub const FREE_OF_ADDRESS: u32 = 30;
/// The longest wait: nobody is locked out for good, and a guesser has a hundred guesses a day.
const WAIT_SECONDS_MAX: i64 = 15 * 60;
/// For how long a failure is held against anybody.
const REMEMBERED_MINUTES: i64 = 60;
/// Most names and most addresses remembered, some 100 bytes each; beyond that the oldest goes.
const ENTRIES_MAX: usize = 10_000;
/// The bits of an IPv6 address that are one customer's.
const NETWORK_BITS: u32 = 64;

/// Failed tries to sign in.
#[derive(Debug, Default)]
pub struct Throttle {
    names: Mutex<Table>,
    addresses: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table(HashMap<String, Failures>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    /// When the next try may be made.
    fn until(&self, free: u32) -> Instant {
        let Some(over) = self.count.checked_sub(free) else { return self.last };
        let seconds = 1_i64.checked_shl(over).unwrap_or(WAIT_SECONDS_MAX);
        let wait = SignedDuration::from_secs(seconds.clamp(1, WAIT_SECONDS_MAX));
        self.last.checked_add(wait).unwrap_or(Instant::MAX)
    }

    fn is_forgotten(&self, now: Instant) -> bool {
        now >= self.last.checked_add(REMEMBERED_MINUTES.minutes()).unwrap_or(Instant::MAX)
    }
}

impl Table {
    /// How long a try has to wait.
    fn wait(&self, key: &str, free: u32, now: Instant) -> Option<SignedDuration> {
        let failures = self.0.get(key).filter(|failures| !failures.is_forgotten(now))?;
        let wait = failures.until(free).duration_since(now);
        wait.is_positive().then_some(wait)
    }

    /// Holds a try against somebody until it has proved good.
    fn count(&mut self, key: String, now: Instant) {
        if self.0.len() >= ENTRIES_MAX && !self.0.contains_key(&key) {
            self.0.retain(|_, failures| !failures.is_forgotten(now));
            let oldest = self.0.iter().min_by_key(|(_, failures)| failures.last);
            let oldest = oldest.map(|(key, _)| key.clone());
            if let Some(oldest) = oldest.filter(|_| self.0.len() >= ENTRIES_MAX) {
                self.0.remove(&oldest);
            }
        }
        let failures = self.0.entry(key).or_insert(Failures { count: 0, last: now });
        if failures.is_forgotten(now) {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
    }

    fn take_back(&mut self, key: &str) {
        if let Some(failures) = self.0.get_mut(key) {
            failures.count = failures.count.saturating_sub(1);
        }
    }
}

impl Throttle {
    /// Begins a try, which counts as failed until [`forgive`](Self::forgive) says otherwise: tries that are
    /// made at once are counted too.
    ///
    /// # Errors
    /// It has to wait for so many seconds.
    pub fn begin(&self, name: &str, address: IpAddr, now: Instant) -> Result<(), i64> {
        let (mut names, mut addresses) = self.tables();
        let network = network(address);
        let from_here = from_here(name, &network);
        let waits = [
            names.wait(&from_here, FREE_OF_NAME, now),
            names.wait(name, FREE_OF_NAME_ANYWHERE, now),
            addresses.wait(&network, FREE_OF_ADDRESS, now),
        ];
        if let Some(wait) = waits.into_iter().flatten().max() {
            // Whole seconds, rounded up: who waits for them has waited long enough.
            return Err(
                wait.as_millis().div_euclid(1000).try_into().unwrap_or(WAIT_SECONDS_MAX) + 1
            );
        }
        names.count(from_here, now);
        names.count(name.to_owned(), now);
        addresses.count(network, now);
        Ok(())
    }

    /// The try was good: the name has a clean slate. Of the address only this try is taken back, so that
    /// nobody gets further guesses at others by signing in as themselves.
    pub fn forgive(&self, name: &str, address: IpAddr) {
        let (mut names, mut addresses) = self.tables();
        let network = network(address);
        names.0.remove(&from_here(name, &network));
        names.take_back(name);
        addresses.take_back(&network);
    }

    fn tables(&self) -> (std::sync::MutexGuard<'_, Table>, std::sync::MutexGuard<'_, Table>) {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        (names, self.addresses.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a name's tries from one network are counted under.
fn from_here(name: &str, network: &str) -> String {
    format!("{name}@{network}")
}

/// The part of an address that is one customer's.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:x}", address.to_bits() >> (128 - NETWORK_BITS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Instant {
        Instant::from_second(1_800_000_000 + second).unwrap()
    }

    fn home() -> IpAddr {
        "127.0.0.1".parse().unwrap()
    }

    #[test]
    fn each_failure_beyond_the_free_ones_waits_twice_as_long_up_to_the_longest() {
        let throttle = Throttle::default();
        let mut now = 0;
        for _ in 0..FREE_OF_NAME {
            assert_eq!(throttle.begin("lin", home(), at(now)), Ok(()));
        }
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            let wait = throttle.begin("lin", home(), at(now)).unwrap_err();
            assert!((expected..=expected + 1).contains(&wait), "{wait} for {expected}");
            assert!(throttle.begin("lin", home(), at(now + expected - 1)).is_err());
            now += expected;
            assert_eq!(throttle.begin("lin", home(), at(now)), Ok(()));
        }
        assert_eq!(throttle.begin("wang", home(), at(now)), Ok(()), "another name need not wait");
        now += REMEMBERED_MINUTES * 60;
        assert_eq!(throttle.begin("lin", home(), at(now)), Ok(()));
        assert_eq!(throttle.begin("lin", home(), at(now)), Ok(()), "all of it is forgotten");
    }

    #[test]
    fn an_address_that_tries_many_names_waits_whatever_the_name() {
        let throttle = Throttle::default();
        for name in 0..FREE_OF_ADDRESS {
            assert_eq!(throttle.begin(&name.to_string(), home(), at(0)), Ok(()));
        }
        assert!(throttle.begin("lin", home(), at(0)).is_err());
        assert_eq!(throttle.begin("lin", "127.0.0.2".parse().unwrap(), at(0)), Ok(()));
        // Neither another address of one's own network, nor signing in as oneself, helps.
        let (one, other) = ("2001:db8::1".parse().unwrap(), "2001:db8::ffff".parse().unwrap());
        for name in 0..FREE_OF_ADDRESS {
            assert_eq!(throttle.begin(&format!("six{name}"), one, at(0)), Ok(()));
        }
        assert!(throttle.begin("own", other, at(0)).is_err());
        assert_eq!(throttle.begin("own", other, at(1)), Ok(()));
        throttle.forgive("own", other);
        assert!(throttle.begin("next", other, at(1)).is_err());
    }

    #[test]
    fn a_good_password_gives_a_name_a_clean_slate() {
        let throttle = Throttle::default();
        for _ in 0..FREE_OF_NAME {
            assert_eq!(throttle.begin("lin", home(), at(0)), Ok(()));
        }
        throttle.forgive("lin", home());
        for _ in 0..FREE_OF_NAME {
            assert_eq!(throttle.begin("lin", home(), at(0)), Ok(()));
        }
        assert!(throttle.begin("lin", home(), at(0)).is_err());
    }

    #[test]
    fn others_who_try_a_name_do_not_keep_its_owner_out() {
        let throttle = Throttle::default();
        let elsewhere = IpAddr::from([192, 0, 2, 7]);
        for _ in 0..FREE_OF_NAME {
            assert_eq!(throttle.begin("lin", elsewhere, at(0)), Ok(()));
        }
        assert!(throttle.begin("lin", elsewhere, at(0)).is_err());
        assert_eq!(throttle.begin("lin", home(), at(0)), Ok(()));
    }

    #[test]
    fn a_name_that_is_tried_from_everywhere_waits_everywhere() {
        let throttle = Throttle::default();
        for network in 0..FREE_OF_NAME_ANYWHERE {
            let address = IpAddr::from(std::net::Ipv4Addr::from_bits(network));
            assert_eq!(throttle.begin("lin", address, at(0)), Ok(()));
        }
        assert!(throttle.begin("lin", home(), at(0)).is_err());
    }

    #[test]
    fn whoever_tries_all_names_does_not_fill_the_memory() {
        let throttle = Throttle::default();
        for name in 0..ENTRIES_MAX + 10 {
            let mut names = throttle.names.lock().unwrap();
            names.count(name.to_string(), at(i64::try_from(name).unwrap() / 100));
        }
        let names = throttle.names.lock().unwrap();
        assert_eq!(names.0.len(), ENTRIES_MAX);
        assert!(names.0.contains_key(&(ENTRIES_MAX + 9).to_string()));
    }
}
