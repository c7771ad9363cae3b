//! Keys under which twice is once: told again, refused to others, and safe from a kill at any instant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use gateway::server::{self, Limits};
use gateway::{Clock, Context, account, audit, demo, flight};
use jiff::ToSpan;
use serde_json::{Value, json};
use store::{SealingKey, Store};

use super::{Ops, problem, told};
use crate::app::{App, Reply, payable, send, settings, try_send};
use crate::program::Program;

#[test]
fn the_first_answer_is_given_again_and_nothing_is_done_twice() {
    let app = App::start();
    let ops = Ops::of(&app);
    let same = |first: &Reply, again: &Reply| {
        assert_eq!((first.status, &first.bytes), (again.status, &again.bytes));
        for header in ["content-type", "location"] {
            assert_eq!(first.header(header), again.header(header));
        }
    };
    // A secret that is shown once is shown to whoever asks again with the same key.
    let first = ops.keyed("k-1", "/apps/test/sessions", &json!({"days": 7}));
    let token = told(&first, 201)["token"].as_str().unwrap().to_owned();
    same(&first, &ops.keyed("k-1", "/apps/test/sessions", &json!({"days": 7})));
    let sessions = told(&ops.get("/apps/test/sessions"), 200)["sessions"].clone();
    assert_eq!(sessions.as_array().unwrap().len(), 2, "the demo session, and one more");
    let first = ops.keyed("k-2", "/orders", &payable("twice"));
    assert_eq!(first.status, 201);
    same(&first, &ops.keyed("k-2", "/orders", &payable("twice")));
    assert_eq!(ops.post("/orders", &payable("twice")).status, 200, "without the key it is there");
    // A refusal is an answer too: the order has come further since, the answer has not.
    let pay = json!({"command": "ticket", "tickets": ["781-1111111111"]});
    let transitions = "/orders/flight/test/corp001/twice/transitions";
    let refused = ops.keyed("k-3", transitions, &pay);
    assert_eq!(refused.status, 409);
    told(&ops.post(transitions, &json!({"command": "pay", "alipay_trade_no": "t"})), 200);
    same(&refused, &ops.keyed("k-3", transitions, &pay));
    assert_eq!(ops.keyed("k-4", transitions, &pay).status, 200);
    let story = told(&ops.get("/orders/flight/test/corp001/twice/journal"), 200);
    assert_eq!(story["entries"].as_array().unwrap().len(), 3);
    let actions = app.runtime.block_on(audit::list(&app.context().store, None, 99)).unwrap();
    let done = actions.iter().filter(|(_, action)| action.what == "session-add").count();
    assert_eq!(done, 1);
    // Nowhere in the file in the clear.
    drop(ops);
    let file = std::fs::read(app.folder.path().join("tripwright.db")).unwrap();
    let wal = std::fs::read(app.folder.path().join("tripwright.db-wal")).unwrap();
    let has = |bytes: &[u8]| bytes.windows(token.len()).any(|window| window == token.as_bytes());
    assert!(!has(&file) && !has(&wal));
}

#[test]
fn an_answer_of_then_is_not_given_to_who_may_do_less_now() {
    let app = App::start();
    let ops = Ops::of(&app);
    let made = ops.keyed("k", "/apps/test/sessions", &json!({"days": 7}));
    assert_eq!(made.status, 201);
    let name = demo::ACCOUNT.parse().unwrap();
    let cause = crate::app::cause();
    let demoted = |mut account: domain::account::Account| {
        account.role = domain::account::Role::Operator;
        Ok(account)
    };
    let store = &app.context().store;
    app.runtime.block_on(account::change(store, &name, "role", &cause, demoted)).unwrap();
    let (status, _, _) = problem(&ops.keyed("k", "/apps/test/sessions", &json!({"days": 7})));
    assert_eq!(status, 403);
}

#[test]
fn each_look_at_what_is_personal_is_on_record_whatever_its_key() {
    let app = App::start();
    let ops = Ops::of(&app);
    let reveal = "/orders/flight/test/corp001/demo-payable/reveal";
    for looks in 1..=2 {
        assert_eq!(ops.keyed("k", reveal, &json!({"reason": "call of 3 May"})).status, 200);
        let actions = app.runtime.block_on(audit::list(&app.context().store, None, 9)).unwrap();
        assert_eq!(actions.iter().filter(|(_, done)| done.what == "reveal").count(), looks);
    }
}

#[test]
fn the_demo_operator_does_not_exist_in_production_whoever_put_it_there() {
    // The demo world is loaded by the harness, as by a sandbox on the same database.
    let app = App::with(&["--production"]);
    assert_eq!(problem(&Ops::of(&app).get("/orders")).0, 401);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let login = format!("POST /console/login HTTP/1.1\r\n{form}");
    let reply = send(app.running().admin, &login, b"name=demo&password=demo");
    let cookie = reply.header("set-cookie").unwrap_or_default().split(';').next().unwrap();
    let home = format!("GET /console HTTP/1.1\r\nCookie: {cookie}\r\n");
    assert_eq!(send(app.running().admin, &home, b"").status, 303);
}

#[test]
fn a_key_is_for_one_request_of_one_account_for_a_day() {
    let app = App::start();
    let ops = Ops::of(&app);
    let admin = Ops::with_role(&app, domain::account::Role::Admin);
    let path = "/apps/test/sessions";
    let token = |ops: &Ops| told(&ops.keyed("k", path, &json!({"days": 7})), 201)["token"].clone();
    let first = token(&ops);
    for other in [
        ops.keyed("k", path, &json!({"days": 8})),
        ops.keyed("k", "/apps/test/revoke", &json!({"days": 7})),
        ops.ask("PATCH", "/apps/test", &[("Idempotency-Key", "k")], &json!({"days": 7})),
    ] {
        let (status, name, _) = problem(&other);
        assert_eq!((status, name.as_str()), (422, "key-reused"));
    }
    assert_ne!(token(&admin), first, "another account's key is another key");
    assert_eq!(token(&ops), first);
    app.set_clock("2026-03-02T00:59:59Z");
    assert_eq!(token(&ops), first);
    app.set_clock("2026-03-02T01:00:00Z");
    assert_ne!(token(&ops), first, "a day later the key is free");
    let longest = "k".repeat(128);
    assert_eq!(ops.keyed(&longest, path, &json!({})).status, 201);
    for bad in ["", "a b", &"k".repeat(129), "clé"] {
        let (status, _, told) = problem(&ops.keyed(bad, path, &json!({})));
        assert_eq!((status, &told["errors"][0]["path"]), (422, &json!("header.Idempotency-Key")));
    }
}

#[test]
fn what_may_be_allowed_later_is_tried_again() {
    let app = App::start();
    let viewer = Ops::with_role(&app, domain::account::Role::Viewer);
    let ask = || viewer.keyed("k", "/apps/test/sessions", &json!({}));
    assert_eq!(ask().status, 403);
    let cause =
        store::Cause { at: app.context().clock.now(), actor: "t".into(), request_id: "t".into() };
    let promote = |mut account: domain::account::Account| {
        account.role = domain::account::Role::Admin;
        Ok(account)
    };
    let (store, name) = (&app.context().store, "a-viewer".parse().unwrap());
    app.runtime.block_on(gateway::account::change(store, &name, "t", &cause, promote)).unwrap();
    assert_eq!(ask().status, 201);
}

#[test]
fn of_requests_that_come_at_once_one_is_performed() {
    let app = App::start();
    let ops = Ops::of(&app);
    let before =
        app.runtime.block_on(app.context().store.sessions(&"test".parse().unwrap())).unwrap();
    for round in 0..10 {
        let key = format!("k-{round}");
        let replies: Vec<_> = std::thread::scope(|scope| {
            let ask = || ops.keyed(&key, "/apps/test/sessions", &json!({}));
            let asking: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().map(|asking| asking.join().unwrap()).collect()
        });
        let mut tokens = BTreeSet::new();
        for reply in &replies {
            if reply.status == 201 {
                tokens.insert(reply.json()["token"].to_string());
                continue;
            }
            let (status, name, _) = problem(reply);
            assert_eq!((status, name.as_str()), (409, "in-progress"));
            assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() <= 60);
        }
        assert_eq!(tokens.len(), 1);
    }
    let after =
        app.runtime.block_on(app.context().store.sessions(&"test".parse().unwrap())).unwrap();
    assert_eq!(after.len() - before.len(), 10);
}

/// Requests of one round, each under a key of its own: how a session is made and an order is paid for.
fn request(round: usize, number: usize) -> (String, String, Value) {
    let key = format!("r{round}-{number}");
    match number % 2 {
        0 => (key, "/apps/test/sessions".to_owned(), json!({"days": 7})),
        _ => {
            let mut order = crate::app::long_payable(&key);
            order["history"] = json!([]);
            (key, "/orders".to_owned(), order)
        }
    }
}

fn head(key: &str, path: &str) -> String {
    let token = demo::OPS_TOKEN;
    format!(
        "POST /ops/v1{path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nIdempotency-Key: {key}\r\n"
    )
}

/// Asks until the program dies. Returns what was answered, by number, and how many were asked.
fn ask_until_killed(program: &Program, round: usize) -> (BTreeMap<usize, Reply>, usize) {
    let admin = program.lines.iter().find_map(|line| line.strip_prefix("admin http://"));
    let admin = admin.unwrap().parse().unwrap();
    let (next, is_dead) = (AtomicUsize::new(0), AtomicBool::new(false));
    let answered = std::thread::scope(|scope| {
        let ask = || {
            let mut answered = BTreeMap::new();
            while !is_dead.load(Ordering::SeqCst) {
                let number = next.fetch_add(1, Ordering::SeqCst);
                let (key, path, body) = request(round, number);
                match try_send(admin, &head(&key, &path), body.to_string().as_bytes()) {
                    Ok(reply) => answered.insert(number, reply),
                    Err(_) => break,
                };
            }
            answered
        };
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        std::thread::sleep(Duration::from_millis(300 + 37 * round as u64));
        program.kill_hard();
        is_dead.store(true, Ordering::SeqCst);
        asking.into_iter().flat_map(|asking| asking.join().unwrap()).collect()
    });
    (answered, next.load(Ordering::SeqCst))
}

#[test]
fn a_key_whose_request_died_is_taken_over_and_what_it_had_done_is_not_done_twice() {
    /// A kill between what was done and its answer is likely, not certain.
    const ROUNDS: usize = 20;
    let (mut sessions, mut orders) = (0, 0);
    let mut folder = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let program = Program::serve_in(folder, &[], &[]);
        let (answered, asked) = ask_until_killed(&program, round);
        folder = program.take_folder();
        let died = ask_again(&folder.path().join("data"), round, &answered, asked);
        (sessions, orders) = (sessions + died.0, orders + died.1);
        if sessions > 0 && orders > 0 {
            return;
        }
    }
    panic!("no kill came between a change and its answer: {sessions} sessions, {orders} orders");
}

/// Asks everything again of a program whose clock is two minutes ahead. Returns how many sessions and how many
/// orders had been made without an answer.
fn ask_again(
    data: &std::path::Path,
    round: usize,
    answered: &BTreeMap<usize, Reply>,
    asked: usize,
) -> (usize, usize) {
    let key: SealingKey = std::fs::read_to_string(data.join("key")).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = Store::open_sqlite(&data.join("tripwright.db"), &key).unwrap();
    let clock = Clock::set_to(Clock::System.now().checked_add(2.minutes()).unwrap());
    let context = Arc::new(Context::new(settings(data, &[]), clock, store));
    let running = runtime.block_on(server::start(Arc::clone(&context), Limits::default())).unwrap();
    let kept = |context: &Context| -> BTreeSet<String> {
        let all = runtime.block_on(context.store.sessions(&"test".parse().unwrap())).unwrap();
        all.iter().map(|session| session.token.expose().clone()).collect()
    };
    let (before, mut told) = (kept(&context), BTreeSet::new());
    let mut died = (0, 0);
    for number in 0..asked {
        let (key, path, body) = request(round, number);
        let place = flight::key(&crate::app::key("test", "corp001", &key));
        let order: Option<Value> = runtime.block_on(context.store.get(&place)).unwrap();
        let again = send(running.admin, &head(&key, &path), body.to_string().as_bytes());
        assert_eq!(again.status, 201, "{}", again.body());
        let first = answered.get(&number);
        if let Some(first) = first {
            assert_eq!(first.bytes, again.bytes, "answered before, told again");
        }
        let token = again.json()["token"].as_str().map(str::to_owned);
        let was_made = token.as_ref().is_some_and(|token| before.contains(token));
        died.0 += usize::from(first.is_none() && was_made);
        died.1 += usize::from(first.is_none() && order.is_some());
        assert!(token.is_none_or(|token| told.insert(token)), "each key makes one of its own");
    }
    // Those of the rounds before, the demo session, and those that this round's callers were told of.
    let after = kept(&context);
    assert_eq!(told.len(), asked.div_ceil(2));
    assert!(told.is_subset(&after));
    let untold = after.len() - told.len();
    assert_eq!(untold, BEFORE.swap(after.len(), Ordering::SeqCst), "made, and nobody was told");
    drop(context);
    runtime.block_on(running.stop());
    died
}

/// How many sessions there were when the round before ended: at first, that of the demo world.
static BEFORE: AtomicUsize = AtomicUsize::new(1);
