//! Answered means durable: the program is killed in the middle of its work, again and again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::flight::Order;
use gateway::{flight, import};
use serde_json::json;
use store::{Cause, SealingKey, Store};
use tempfile::TempDir;

use crate::app::{self, CANCEL, WRAPPER, key, long_payable};
use crate::gateways::call_or_nothing;
use crate::program::Program;

const ROUNDS: usize = 20;
const ORDERS_PER_ROUND: usize = 120;
const CALLERS: usize = 4;

/// A cancel that was answered: which order, under which request id, at what time.
#[derive(Debug, Clone)]
struct Acknowledged {
    order: String,
    request_id: String,
    cancel_time: String,
}

fn open(folder: &TempDir) -> Store {
    let data = folder.path().join("data");
    let key: SealingKey = std::fs::read_to_string(data.join("key")).unwrap().parse().unwrap();
    Store::open_sqlite(&data.join("tripwright.db"), &key).unwrap()
}

fn name(round: usize, at: usize) -> String {
    format!("crash-{round}-{at}")
}

/// Puts a round's orders into the database of a program that is not running.
async fn prepare(folder: &TempDir, round: usize) {
    let store = open(folder);
    let cause = Cause { at: app::at(app::NOW), actor: "bench".into(), request_id: "r".into() };
    for at in 0..ORDERS_PER_ROUND {
        let order = long_payable(&name(round, at));
        let stored = import::store(&store, serde_json::from_value(order).unwrap(), &cause).await;
        assert!(matches!(stored.unwrap(), import::Outcome::Stored(..)));
    }
    store.close().await;
}

/// Cancels an order; `None` when the server died before it answered.
fn cancel(program: &Program, order: &str) -> Option<Acknowledged> {
    let rq = json!({"sub_channel": "corp001", "dis_order_id": order}).to_string();
    let answer = call_or_nothing(program, CANCEL, (WRAPPER, &rq))?;
    let root = &answer["alitrip_btrip_flight_distribution_order_cancel_response"];
    assert_eq!(root["result"]["success"], true, "{answer}");
    Some(Acknowledged {
        order: order.to_owned(),
        request_id: root["request_id"].as_str()?.to_owned(),
        cancel_time: root["result"]["module"]["cancel_time"].as_str()?.to_owned(),
    })
}

/// Cancels from several threads until the program is killed; returns what was answered.
fn cancel_until_killed(program: &Program, round: usize) -> Vec<Acknowledged> {
    let dead = AtomicBool::new(false);
    let mut acknowledged = Vec::new();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let dead = &dead;
                scope.spawn(move || {
                    let mine = (caller..ORDERS_PER_ROUND).step_by(CALLERS);
                    mine.map_while(|at| {
                        let alive = !dead.load(Ordering::SeqCst);
                        alive.then(|| cancel(program, &name(round, at))).flatten()
                    })
                    .collect::<Vec<_>>()
                })
            })
            .collect();
        // A different moment each round, most of them in the middle of the stream.
        std::thread::sleep(Duration::from_millis(10 + (round as u64 * 7) % 60));
        program.kill_hard();
        dead.store(true, Ordering::SeqCst);
        for caller in callers {
            acknowledged.extend(caller.join().unwrap());
        }
    });
    acknowledged
}

/// Every acknowledged cancel is in the database, under its own request and time.
async fn check(folder: &TempDir, acknowledged: &[Acknowledged]) {
    let store = open(folder);
    for one in acknowledged {
        let key = flight::key(&key("test", "corp001", &one.order));
        let order: Order = store.get(&key).await.unwrap().unwrap();
        let at = order.state.cancelled_at().unwrap_or_else(|| panic!("{one:?} was lost"));
        assert_eq!(top::Date::at_platform(at.as_second()).to_string(), one.cancel_time);
        let story = store.journal(&key).await.unwrap();
        assert_eq!((story.len(), &story[0].request_id), (2, &one.request_id), "{one:?}");
    }
    store.close().await;
}

#[test]
fn every_cancel_that_was_answered_survives_a_kill() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut folder, _) = Program::serve(&[]).terminate();
    let (mut all, mut interrupted) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        runtime.block_on(prepare(&folder, round));
        let program = Program::serve_in(folder, &[], &[]);
        // What was answered before earlier kills is answered the same now.
        for earlier in all.iter().rev().take(3) {
            let Acknowledged { order, cancel_time, .. }: &Acknowledged = earlier;
            assert_eq!(cancel(&program, order).unwrap().cancel_time, *cancel_time);
        }
        let acknowledged = cancel_until_killed(&program, round);
        interrupted += usize::from(acknowledged.len() < ORDERS_PER_ROUND);
        folder = program.take_folder();
        runtime.block_on(check(&folder, &acknowledged));
        all.extend(acknowledged);
    }
    runtime.block_on(check(&folder, &all));
    assert!(interrupted > ROUNDS / 2, "only {interrupted} rounds were cut short");
    assert!(all.len() > ROUNDS * 5, "only {} cancels were answered", all.len());
}

#[test]
fn a_first_start_that_is_cut_short_does_not_spoil_the_next() {
    for after_ms in [5, 10, 20, 40, 80, 160] {
        let folder = tempfile::tempdir().unwrap();
        let mut first = std::process::Command::new(env!("CARGO_BIN_EXE_tripwright"));
        first.args(["serve", "--port", "0"]).current_dir(folder.path());
        first.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut first = first.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(after_ms));
        first.kill().unwrap();
        first.wait().unwrap();
        let program = Program::serve_in(folder, &[], &[]);
        assert_eq!(program.cancel("test0087771")["module"]["fail_code"], "1001", "{after_ms}");
        assert_eq!(program.run(&["order", "list"]).lines().count(), 44, "{after_ms}");
    }
}
