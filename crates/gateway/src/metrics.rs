//! What is counted of calls, for `/metrics` and for the console's charts.
//!
//! A call adds to three numbers of its method, and to no others: everything is there from the start, no
//! lock is taken and nothing is made on the way. Threads count apart, so that they do not take each other's
//! cache lines; who looks adds up.

mod minutes;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State as Extract;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::Instant;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use top::error::{self, Row};
use top::{Rejection, Spec};

pub use self::minutes::{MINUTES_MAX, Minute, Minutes};
use crate::web::{Problem, State};
use crate::{Context, quota};

/// Rows of counters that threads share; more than most machines have cores for calls.
const SHARDS: usize = 16;
/// Methods, and one for what is none.
const METHODS: usize = trip_api::SPECS.len() + 1;
/// What stands for a method that nobody declared: callers must not make up labels.
const OTHER: &str = "other";
/// The sub-codes of a row that has none of its own.
const LIMITED: [&str; 2] = [quota::BY_DAY, quota::BY_SECOND];
/// Served, each row of the platform's errors, and the limits by their sub-codes.
pub const OUTCOMES: usize = 1 + error::ROWS.len() + LIMITED.len();
/// Up to how many microseconds a call is counted in each bucket; there is one more for the others.
pub const COSTS_US: [u64; 18] = [
    20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000, 2_000_000, 5_000_000, 10_000_000,
];
/// Buckets of costs.
pub const COSTS: usize = COSTS_US.len() + 1;

/// What became of a call, as it is counted.
fn outcome_of(rejection: Option<&Rejection>) -> usize {
    let Some(rejection) = rejection else { return 0 };
    let limited = LIMITED.iter().position(|limit| rejection.sub_code == Some(*limit));
    if let Some(at) = limited {
        return 1 + error::ROWS.len() + at;
    }
    error::ROWS.iter().position(|row| *row == rejection.row).map_or(0, |at| at + 1)
}

/// The row and the sub-code that are counted there; none for what was served.
pub fn outcome(at: usize) -> Option<(&'static Row, Option<&'static str>)> {
    let at = at.checked_sub(1)?;
    match error::ROWS.get(at) {
        Some(row) => Some((row, row.sub_code)),
        None => Some((error::CALL_LIMITED, LIMITED.get(at - error::ROWS.len()).copied())),
    }
}

/// Calls of one method, added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// By what became of them.
    pub by_outcome: [u64; OUTCOMES],
    /// By how long they took.
    pub by_cost: [u64; COSTS],
    /// How long they took together, in microseconds.
    pub cost_us: u64,
}

impl Default for Sum {
    fn default() -> Self {
        Self { by_outcome: [0; OUTCOMES], by_cost: [0; COSTS], cost_us: 0 }
    }
}

impl Sum {
    /// How many there were.
    pub fn calls(&self) -> u64 {
        self.by_outcome.iter().sum()
    }

    /// How many of them were not served.
    pub fn errors(&self) -> u64 {
        self.by_outcome.iter().skip(1).sum()
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        let added = |ours: &mut [u64], theirs: &[u64]| {
            ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours += theirs);
        };
        added(&mut self.by_outcome, &other.by_outcome);
        added(&mut self.by_cost, &other.by_cost);
        self.cost_us += other.cost_us;
    }

    /// What has come since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let at = |at: usize| self.by_outcome[at].saturating_sub(before.by_outcome[at]);
        let cost = |at: usize| self.by_cost[at].saturating_sub(before.by_cost[at]);
        Self {
            by_outcome: std::array::from_fn(at),
            by_cost: std::array::from_fn(cost),
            cost_us: self.cost_us.saturating_sub(before.cost_us),
        }
    }

    /// About how many microseconds this share of the calls took at most: within its bucket they are taken
    /// to lie evenly. Beyond the last bucket, where that begins.
    pub fn quantile_us(&self, share: f64) -> Option<u64> {
        let calls: u64 = self.by_cost.iter().sum();
        if calls == 0 {
            return None;
        }
        let wanted = calls as f64 * share;
        let mut before = 0.0;
        for (at, count) in self.by_cost.iter().enumerate() {
            let count = *count as f64;
            if before + count >= wanted && count > 0.0 {
                let low = if at == 0 { 0 } else { COSTS_US[at - 1] };
                let Some(high) = COSTS_US.get(at) else { return Some(low) };
                let part = (wanted - before) / count;
                return Some(low + ((high - low) as f64 * part) as u64);
            }
            before += count;
        }
        None
    }
}

/// The same while it is counted.
struct Counted {
    by_outcome: [AtomicU64; OUTCOMES],
    by_cost: [AtomicU64; COSTS],
    cost_us: AtomicU64,
}

impl Counted {
    fn new() -> Self {
        Self {
            by_outcome: [const { AtomicU64::new(0) }; OUTCOMES],
            by_cost: [const { AtomicU64::new(0) }; COSTS],
            cost_us: AtomicU64::new(0),
        }
    }

    fn sum(&self) -> Sum {
        let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Sum {
            by_outcome: std::array::from_fn(|at| of(&self.by_outcome[at])),
            by_cost: std::array::from_fn(|at| of(&self.by_cost[at])),
            cost_us: of(&self.cost_us),
        }
    }
}

/// Everything that is counted.
pub struct Metrics {
    shards: Vec<[Counted; METHODS]>,
    /// Connections that are open, of clients and of operators.
    connections: [AtomicU64; 2],
    /// What came in each minute.
    pub minutes: Minutes,
}

impl Default for Metrics {
    fn default() -> Self {
        let shard = |_| std::array::from_fn(|_| Counted::new());
        Self {
            shards: (0..SHARDS).map(shard).collect(),
            connections: [const { AtomicU64::new(0) }; 2],
            minutes: Minutes::default(),
        }
    }
}

/// The shard that a thread counts in.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OURS: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    OURS.with(|ours| *ours)
}

impl Metrics {
    /// Counts a call.
    pub fn count(&self, spec: Option<&Spec>, rejection: Option<&Rejection>, cost_us: i64) {
        let known = |spec: &Spec| trip_api::SPECS.iter().position(|it| it.name == spec.name);
        let method = spec.and_then(known).unwrap_or(METHODS - 1);
        let counted = &self.shards[shard()][method];
        let cost_us = u64::try_from(cost_us).unwrap_or(0);
        let bucket = COSTS_US.partition_point(|most| *most < cost_us);
        counted.by_outcome[outcome_of(rejection)].fetch_add(1, Ordering::Relaxed);
        counted.by_cost[bucket].fetch_add(1, Ordering::Relaxed);
        counted.cost_us.fetch_add(cost_us, Ordering::Relaxed);
    }

    /// Counts a connection, until what is returned is dropped.
    pub fn connection(self: &Arc<Self>, of_operators: bool) -> Connection {
        let which = usize::from(of_operators);
        self.connections[which].fetch_add(1, Ordering::Relaxed);
        Connection { metrics: Arc::clone(self), which }
    }

    /// The calls of each method; those of none come last.
    pub fn by_method(&self) -> [Sum; METHODS] {
        std::array::from_fn(|method| {
            let mut sum = Sum::default();
            self.shards.iter().for_each(|shard| sum.add(&shard[method].sum()));
            sum
        })
    }

    /// Notes in which minute what was counted came.
    pub fn look(&self, now: Instant) {
        self.minutes.look(self.total(), now);
    }

    /// All calls.
    pub fn total(&self) -> Sum {
        let mut total = Sum::default();
        self.by_method().iter().for_each(|sum| total.add(sum));
        total
    }
}

/// A connection that is counted.
pub struct Connection {
    metrics: Arc<Metrics>,
    which: usize,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.metrics.connections[self.which].fetch_sub(1, Ordering::Relaxed);
    }
}

/// The page of the operators' listener that monitoring reads.
pub fn router() -> Router<Arc<Context>> {
    Router::new().route("/metrics", get(tell))
}

async fn tell(Extract(cx): State) -> Result<Response, Problem> {
    const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let mut text = String::new();
    let mut registry = Registry::with_prefix("tripwright");
    registry.register_collector(Box::new(Snapshot::of(&cx)));
    prometheus_client::encoding::text::encode(&mut text, &registry).map_err(Problem::fault)?;
    Ok(([(CONTENT_TYPE, TYPE)], text).into_response())
}

/// What is told at one time.
#[derive(Debug)]
struct Snapshot {
    by_method: [Sum; METHODS],
    remote: error::RemoteErrorCode,
    connections: [u64; 2],
    dropped: u64,
    store: store::Counts,
    engine: &'static str,
}

impl Snapshot {
    fn of(cx: &Context) -> Self {
        let metrics = &cx.metrics;
        Self {
            by_method: metrics.by_method(),
            remote: cx.settings.remote_error_code,
            connections: std::array::from_fn(|at| metrics.connections[at].load(Ordering::Relaxed)),
            dropped: cx.journal.dropped(),
            store: cx.store.counts(),
            engine: if cx.settings.data.database.is_some() { "postgresql" } else { "sqlite" },
        }
    }

    fn methods(&self) -> impl Iterator<Item = (&'static str, &Sum)> {
        let names = trip_api::SPECS.iter().map(|spec| spec.name).chain([OTHER]);
        // What was never called is left out, as it would be anywhere else.
        names.zip(&self.by_method).filter(|(_, sum)| sum.calls() > 0)
    }

    fn requests(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        for (method, sum) in self.methods() {
            for (at, count) in sum.by_outcome.iter().enumerate().filter(|(_, count)| **count > 0) {
                let (code, sub_code) = match outcome(at) {
                    Some((row, sub_code)) => (self.code(row), sub_code.unwrap_or_default()),
                    None => ("0".to_owned(), ""),
                };
                let labels = [("method", method), ("code", &code), ("sub_code", sub_code)];
                encoder
                    .encode_family(&labels)?
                    .encode_counter::<NoLabelSet, _, u64>(count, None)?;
            }
        }
        Ok(())
    }

    fn code(&self, row: &'static Row) -> String {
        Rejection::from(row).code(self.remote).to_string()
    }

    fn costs(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        for (method, sum) in self.methods() {
            let seconds = |us: u64| us as f64 / 1e6;
            let most = COSTS_US.iter().map(|us| seconds(*us)).chain([f64::INFINITY]);
            let buckets: Vec<_> = most.zip(sum.by_cost).collect();
            let calls = sum.by_cost.iter().sum();
            encoder.encode_family(&[("method", method)])?.encode_histogram::<NoLabelSet>(
                seconds(sum.cost_us),
                calls,
                &buckets,
                None,
            )?;
        }
        Ok(())
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        use MetricType::{Counter, Gauge, Histogram, Info};
        let help = "Calls by method and by what they were answered; code 0 is served";
        self.requests(&mut encoder.encode_descriptor("requests", help, None, Counter)?)?;
        let (help, unit) = ("How long calls took, by method", Some(&Unit::Seconds));
        self.costs(&mut encoder.encode_descriptor("request_duration", help, unit, Histogram)?)?;
        let help = "Connections that are open, by listener";
        let mut gauge = encoder.encode_descriptor("connections", help, None, Gauge)?;
        for (name, open) in ["gateway", "admin"].into_iter().zip(self.connections) {
            gauge.encode_family(&[("listener", name)])?.encode_gauge(&open)?;
        }
        let counters = [
            ("changes", "Changes that were committed", self.store.changes),
            ("change_races", "Changes decided anew: somebody was faster", self.store.races),
            ("calls_dropped", "Calls that the journal of calls had no room for", self.dropped),
        ];
        for (name, help, count) in counters {
            let mut counter = encoder.encode_descriptor(name, help, None, Counter)?;
            counter.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        let labels = [("version", env!("CARGO_PKG_VERSION")), ("engine", self.engine)];
        let help = "The program and what it keeps orders in";
        told(encoder.encode_descriptor("build", help, None, Info)?, &labels)
    }
}

fn told(mut encoder: MetricEncoder<'_>, labels: &impl EncodeLabelSet) -> fmt::Result {
    encoder.encode_info(labels)
}
