//! The primary is lost in the middle of the work: what was answered is there, on the next one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::flight::Order;
use gateway::{flight, import};
use serde_json::json;
use store::{Cause, SealingKey, Store};
use tokio::task::JoinSet;

use crate::app::{self, CANCEL, WRAPPER, key, long_payable};
use crate::gateways::call_or_nothing;
use crate::postgres::Cluster;
use crate::program::Program;

const GATEWAYS: usize = 2;
const CALLERS_EACH: usize = 4;
/// More than are cancelled in the time there is.
const ORDERS: usize = 6000;
/// How long the gateways work before the primary is lost, and how many answers are wanted after it.
const BEFORE: Duration = Duration::from_millis(800);
const AFTER: usize = 100;
/// How long nothing reaches the standbys before the primary is lost.
const FROZEN: Duration = Duration::from_millis(500);
/// Within which there are answers again.
const RESUMED_WITHIN: Duration = Duration::from_secs(10);

/// What became of the calls: orders that were cancelled as it was answered, with the time that was told;
/// and those of which nobody knows.
#[derive(Default)]
struct Outcome {
    acknowledged: BTreeMap<usize, String>,
    unknown: BTreeSet<usize>,
}

fn name(at: usize) -> String {
    format!("failover-{at}")
}

fn sealing_key() -> SealingKey {
    "5a".repeat(32).parse().unwrap()
}

async fn open(cluster: &Cluster) -> Store {
    Store::open_postgres(&cluster.address(), &sealing_key(), true).await.unwrap()
}

async fn prepare(cluster: &Cluster) {
    let store = std::sync::Arc::new(open(cluster).await);
    let mut tasks = JoinSet::new();
    for caller in 0..64 {
        let store = std::sync::Arc::clone(&store);
        tasks.spawn(async move {
            for at in (caller..ORDERS).step_by(64) {
                let order = serde_json::from_value(long_payable(&name(at))).unwrap();
                let cause =
                    Cause { at: app::at(app::NOW), actor: "bench".into(), request_id: name(at) };
                import::store(&store, order, &cause).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

/// Cancels order after order through every gateway, until enough was answered after the primary was lost.
fn work(cluster: &mut Cluster, gateways: &[Program], freeze: bool) -> Outcome {
    let (next, after) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (lost, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    let caller = |program: &Program| {
        let mut outcome = Outcome::default();
        while !stop.load(Ordering::SeqCst) {
            let at = next.fetch_add(1, Ordering::SeqCst);
            assert!(at < ORDERS, "there are too few orders");
            let rq = json!({"sub_channel": "corp001", "dis_order_id": name(at)}).to_string();
            let answer = call_or_nothing(program, CANCEL, (WRAPPER, &rq)).unwrap_or_default();
            let root = &answer["alitrip_btrip_flight_distribution_order_cancel_response"];
            let time = root["result"]["module"]["cancel_time"].as_str();
            match time {
                Some(time) => {
                    outcome.acknowledged.insert(at, time.to_owned());
                    after.fetch_add(usize::from(lost.load(Ordering::SeqCst)), Ordering::SeqCst);
                }
                // Whatever is not a plain success tells nothing: "isp.unknown-error", or silence.
                None => {
                    assert!(root.is_null(), "{answer}");
                    outcome.unknown.insert(at);
                }
            }
        }
        outcome
    };
    std::thread::scope(|scope| {
        let everybody = gateways.iter().flat_map(|program| [program; CALLERS_EACH]);
        let caller = &caller;
        let callers: Vec<_> =
            everybody.map(|program| scope.spawn(move || caller(program))).collect();
        std::thread::sleep(BEFORE);
        if freeze {
            cluster.tell("freeze");
            std::thread::sleep(FROZEN);
        }
        cluster.tell("kill");
        let began = Instant::now();
        cluster.tell("promote");
        lost.store(true, Ordering::SeqCst);
        while after.load(Ordering::SeqCst) < AFTER {
            assert!(began.elapsed() < RESUMED_WITHIN, "nothing is answered on the new primary");
            std::thread::sleep(Duration::from_millis(5));
        }
        eprintln!("{AFTER} answers {:?} after the primary was lost", began.elapsed());
        stop.store(true, Ordering::SeqCst);
        let mut all = Outcome::default();
        for caller in callers {
            let Outcome { acknowledged, unknown } = caller.join().unwrap();
            all.acknowledged.extend(acknowledged);
            all.unknown.extend(unknown);
        }
        all
    })
}

/// The orders that are cancelled in the database, with the time that an answer would tell.
async fn cancelled(cluster: &Cluster) -> BTreeMap<usize, String> {
    let store = open(cluster).await;
    let mut found = BTreeMap::new();
    for at in 0..ORDERS {
        let order = key("test", "corp001", &name(at));
        let order: Order = store.get(&flight::key(&order)).await.unwrap().unwrap();
        if let Some(cancelled_at) = order.state.cancelled_at() {
            found.insert(at, top::Date::at_platform(cancelled_at.as_second()).to_string());
        }
    }
    found
}

/// Loses a primary under load. Returns how many acknowledged cancels are gone.
fn lose_a_primary(synchronous: bool, freeze: bool) -> usize {
    let mut cluster = Cluster::start(synchronous);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(prepare(&cluster));
    let (address, sealing) = (cluster.address(), "5a".repeat(32));
    let variables = [("TRIPWRIGHT_DATABASE", address.as_str()), ("TRIPWRIGHT_KEY", &sealing)];
    let gateways: Vec<_> = (0..GATEWAYS)
        .map(|_| Program::serve_in(tempfile::tempdir().unwrap(), &[], &variables))
        .collect();
    let outcome = work(&mut cluster, &gateways, freeze);
    let present = runtime.block_on(cancelled(&cluster));
    let gone = outcome.acknowledged.iter().filter(|(at, time)| present.get(at) != Some(time));
    let gone = gone.count();
    let unaccounted: Vec<_> = present
        .keys()
        .filter(|at| !outcome.acknowledged.contains_key(at) && !outcome.unknown.contains(at))
        .collect();
    assert!(unaccounted.is_empty(), "cancelled without anybody being told: {unaccounted:?}");
    eprintln!(
        "synchronous: {synchronous}, frozen: {freeze}, acknowledged: {}, lost: {gone}, unknown: {}",
        outcome.acknowledged.len(),
        outcome.unknown.len()
    );
    assert!(outcome.acknowledged.len() > 2 * AFTER, "too little was done to prove anything");
    gone
}

/// How often; a long form asks for more.
fn rounds() -> usize {
    std::env::var("TRIPWRIGHT_TEST_FAILOVERS").map_or(1, |rounds| rounds.parse().unwrap())
}

#[test]
fn what_was_acknowledged_survives_the_loss_of_the_primary() {
    for _ in 0..rounds() {
        // With commits under way, and with commits that wait.
        assert_eq!(lose_a_primary(true, false), 0);
        assert_eq!(lose_a_primary(true, true), 0);
    }
}

#[test]
fn without_a_synchronous_standby_the_same_loses_what_was_acknowledged() {
    for _ in 0..rounds() {
        assert!(
            lose_a_primary(false, true) > 0,
            "the control lost nothing, so the test proves nothing"
        );
    }
}
