//! Several gateways on one database: one truth, whichever of them is asked.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use gateway::demo;
use serde_json::{Value, json};
use top::form;

use crate::alitrip_btrip_supplychain_train_callback_refund as refund;
use crate::app::{CANCEL, WRAPPER, long_payable, sign_md5, try_send};
use crate::program::Program;
use crate::{oauth, postgres};

const GATEWAYS: usize = 3;
/// Within which a change of an app or session is seen everywhere: each looks once a second.
const SEEN_WITHIN: Duration = Duration::from_millis(2500);

/// Gateways, all of one database.
struct Fleet(Vec<Program>);

impl Fleet {
    fn start() -> Self {
        Self::with(&[])
    }

    fn with(flags: &[&str]) -> Self {
        let (database, key) = (postgres::database(), "5a".repeat(32));
        let variables = [("TRIPWRIGHT_DATABASE", database.as_str()), ("TRIPWRIGHT_KEY", &key)];
        let serve = |_| Program::serve_in(tempfile::tempdir().unwrap(), flags, &variables);
        // All at once: an empty database is made by whoever comes first.
        std::thread::scope(|scope| {
            let starts: Vec<_> = (0..GATEWAYS).map(|at| scope.spawn(move || serve(at))).collect();
            Self(starts.into_iter().map(|start| start.join().unwrap()).collect())
        })
    }

    /// Asks every gateway the same at the same instant.
    fn at_once<A: Send>(&self, ask: impl Fn(&Program) -> A + Sync) -> Vec<A> {
        let start = Barrier::new(self.0.len());
        std::thread::scope(|scope| {
            let (start, ask) = (&start, &ask);
            let asked: Vec<_> = self
                .0
                .iter()
                .map(|program| {
                    scope.spawn(move || {
                        start.wait();
                        ask(program)
                    })
                })
                .collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).collect()
        })
    }

    /// What went wrong in any of them, as their logs have it.
    fn errors(&self) -> Vec<String> {
        let logs = self.0.iter().map(Program::log);
        let lines = logs.flat_map(|log| log.lines().map(str::to_owned).collect::<Vec<_>>());
        lines.filter(|line| line.contains("ERROR") || line.contains("WARN")).collect()
    }

    fn story(&self, path: &str) -> Vec<String> {
        let shown: Value = serde_json::from_str(&self.0[0].run(&["order", "show", path])).unwrap();
        let entries = shown["story"].as_array().unwrap().iter();
        entries.map(|entry| entry["what"].as_str().unwrap().to_owned()).collect()
    }
}

/// A signed call of the demo app, answered as JSON without its request id.
fn call(program: &Program, method: &str, param: (&str, &str)) -> Value {
    call_as(program, (demo::APP_KEY, demo::SECRET, demo::SESSION), method, param)
}

/// The same of another app.
fn call_as(
    program: &Program,
    credentials: (&str, &str, &str),
    method: &str,
    param: (&str, &str),
) -> Value {
    let mut answer = try_call(program, credentials, method, param).unwrap();
    let root = answer.as_object_mut().unwrap().values_mut().next().unwrap();
    root.as_object_mut().unwrap().remove("request_id");
    answer
}

/// A signed call of the demo app and its whole answer, or nothing when the program died before it.
pub fn call_or_nothing(program: &Program, method: &str, param: (&str, &str)) -> Option<Value> {
    try_call(program, (demo::APP_KEY, demo::SECRET, demo::SESSION), method, param)
}

fn try_call(
    program: &Program,
    (app_key, secret, session): (&str, &str, &str),
    method: &str,
    param: (&str, &str),
) -> Option<Value> {
    #[expect(clippy::disallowed_methods, reason = "the program under test has the machine's clock")]
    let now = domain::Instant::now().as_millisecond().to_string();
    let mut params = vec![
        ("method", method),
        ("app_key", app_key),
        ("session", session),
        ("timestamp", &now),
        ("v", "2.0"),
        ("format", "json"),
        ("sign_method", "md5"),
        param,
    ];
    let sign = sign_md5(&params, secret);
    params.push(("sign", &sign));
    let head = "POST /router/rest HTTP/1.1\r\n\
                Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\n";
    let reply = try_send(program.address(), head, form::encode(params).as_bytes()).ok()?;
    serde_json::from_slice(&reply.bytes).ok()
}

fn cancel(program: &Program, dis_order_id: &str) -> Value {
    let rq = json!({"sub_channel": "corp001", "dis_order_id": dis_order_id}).to_string();
    call(program, CANCEL, (WRAPPER, &rq))
}

fn all_equal(answers: &[Value]) -> &Value {
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    &answers[0]
}

#[test]
fn what_three_gateways_are_asked_at_the_same_instant_happens_once() {
    let fleet = Fleet::start();
    let orders: Vec<_> = (0..20).map(|at| long_payable(&format!("once-{at}"))).collect();
    fleet.0[0].run_with_input(&["order", "import", "-"], &json!(orders).to_string());
    for at in 0..20 {
        let id = format!("once-{at}");
        let answers = fleet.at_once(|program| cancel(program, &id));
        let result =
            &all_equal(&answers)["alitrip_btrip_flight_distribution_order_cancel_response"];
        assert_eq!(result["result"]["success"], true, "{answers:?}");
        let story = fleet.story(&format!("flight/test/corp001/{id}"));
        assert_eq!(story, ["cancel", "import"]);
    }

    let report = refund::page().to_string();
    let answers =
        fleet.at_once(|program| call(program, refund::METHOD, (refund::WRAPPER, &report)));
    let result = &all_equal(&answers)["alitrip_btrip_supplychain_train_callback_refund_response"];
    assert_eq!(result["result_code"], "200");
    assert_eq!(fleet.story("train/test/-/123456789"), ["refund-callback", "import"]);

    let receipts = json!({
        "out_relation_order_id": "123421342134", "tes_head_id": "3021342134",
        "ticket_no_list": ["23142134"], "cwt_account_no": "12342134",
    });
    let (method, receipts) =
        ("alibaba.happytrip.flight.order.itinerary.postback", receipts.to_string());
    let param = ("flight_itinerary_request", receipts.as_str());
    let answers = fleet.at_once(|program| call(program, method, param));
    let result = &all_equal(&answers)["alibaba_happytrip_flight_order_itinerary_postback_response"];
    assert_eq!(result["ht_success"], true);
    assert_eq!(fleet.story("receipts/test/12342134/123421342134"), ["postback", "import"]);

    let quote =
        json!({"order_id": "fz1234567", "out_order_id": "gaode123456", "channel_id": "80001"});
    let quote = quote.to_string();
    let (method, param) =
        ("alitrip.rentcar.btb.order.cancelcheck", ("rent_car_b2b_check_cancel_order_req", &*quote));
    let answers = fleet.at_once(|program| call(program, method, param));
    let root = "alitrip_rentcar_btb_order_cancelcheck_response";
    assert!(answers.iter().all(|answer| answer[root]["cancel_fee"] == "0.00"), "{answers:?}");
}

#[test]
fn a_cancel_and_a_ticketing_at_the_same_instant_leave_one_of_them() {
    /// At least and at most; in between, until each has been first.
    const ROUNDS: std::ops::Range<u64> = 10..40;
    let fleet = Fleet::with(&["--cancel-while-ticketing"]);
    let (mut cancelled, mut round, mut pause) = (0, 0, Duration::ZERO);
    while round < ROUNDS.end && (round < ROUNDS.start || !(1..round).contains(&cancelled)) {
        let id = format!("either-{round}");
        let mut order = long_payable(&id);
        let pay = json!({"do": {"command": "pay", "alipay_trade_no": format!("t-{round}")}});
        order["history"].as_array_mut().unwrap().push(pay);
        fleet.0[0].run_with_input(&["order", "import", "-"], &order.to_string());
        let path = format!("flight/test/corp001/{id}");
        let with = json!({"tickets": [format!("784-990000000{round}")]}).to_string();
        let ticket = ["order", "advance", &path, "ticket", "--with", &with];
        let (answers, ticketed) = std::thread::scope(|scope| {
            let ticketing = scope.spawn(|| fleet.0[0].try_run(&ticket, "").status.success());
            std::thread::sleep(pause);
            let answers = fleet.at_once(|program| cancel(program, &id));
            (answers, ticketing.join().unwrap())
        });
        let result = &all_equal(&answers)["alitrip_btrip_flight_distribution_order_cancel_response"]
            ["result"];
        let won = result["success"] == true;
        assert_ne!(won, ticketed, "{result}");
        if ticketed {
            assert_eq!(result["module"]["fail_code"], "1001", "{result}");
        }
        let last = if won { "cancel" } else { "ticket" };
        assert_eq!(fleet.story(&path), [last, "import"]);
        cancelled += u64::from(won);
        // A command starts more slowly than a call: how much, only this machine in this hour can say.
        pause = if won { pause + Duration::from_millis(60) } else { pause / 2 };
        round += 1;
    }
    assert!(
        (1..round).contains(&cancelled),
        "one of them was always first: {cancelled} of {round}"
    );
}

#[test]
fn a_withdrawn_session_and_app_are_unknown_everywhere_within_the_named_time() {
    let fleet = Fleet::start();
    let added = fleet.0[0].run(&["app", "add", "bank", "--sub-channel", "corp001"]);
    let session = fleet.0[1].run(&["session", "add", "bank"]);
    let value = |printed: &str, name: &str| {
        printed.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
    };
    let (secret, token) = (value(&added, "secret "), value(&session, "session "));
    let rq = json!({"sub_channel": "corp001", "dis_order_id": "none"}).to_string();
    let code = |program: &Program| {
        let credentials = ("bank", secret.as_str(), token.as_str());
        let answer = call_as(program, credentials, CANCEL, (WRAPPER, &rq));
        answer["error_response"]["code"].as_i64()
    };
    let everywhere = |expected: Option<i64>| {
        let began = Instant::now();
        while fleet.0.iter().any(|program| code(program) != expected) {
            assert!(began.elapsed() < SEEN_WITHIN, "{expected:?} is not seen everywhere");
        }
    };
    everywhere(None);
    fleet.0[2].run(&["session", "revoke", "bank", &token]);
    everywhere(Some(27));
    fleet.0[1].run(&["app", "revoke", "bank"]);
    everywhere(Some(29));
    assert_eq!(fleet.errors(), [""; 0]);
}

#[test]
fn a_code_used_twice_gives_tokens_once_and_ends_them_everywhere_within_the_named_time() {
    let fleet = Fleet::start();
    let ask = |program: &Program, path: &str, params: &[(&str, &str)]| {
        let head =
            format!("POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n");
        try_send(program.address(), &head, form::encode(params.iter().copied()).as_bytes()).unwrap()
    };
    let press = [("decision", "allow"), ("nick", "somebody")];
    let consented = ask(&fleet.0[0], "/authorize", &[&oauth::wish()[..], &press].concat());
    let code = consented.header("location").unwrap().split(['=', '&']).nth(1).unwrap();
    let redeem = [
        ("grant_type", "authorization_code"),
        ("client_id", demo::APP_KEY),
        ("client_secret", demo::SECRET),
        ("code", code),
        ("redirect_uri", demo::REDIRECT_URI),
    ];
    let given = ask(&fleet.0[1], "/token", &redeem).json();
    let token = oauth::text(&given, "access_token");
    let rq = json!({"sub_channel": "corp001", "dis_order_id": "none"}).to_string();
    let code_of = |program: &Program| {
        let credentials = (demo::APP_KEY, demo::SECRET, token);
        let answer = call_as(program, credentials, CANCEL, (WRAPPER, &rq));
        answer["error_response"]["code"].as_i64()
    };
    let everywhere = |expected: Option<i64>| {
        let began = Instant::now();
        while fleet.0.iter().any(|program| code_of(program) != expected) {
            assert!(began.elapsed() < SEEN_WITHIN, "{expected:?} is not seen everywhere");
        }
    };
    everywhere(None);
    let refused = fleet.at_once(|program| ask(program, "/token", &redeem).status);
    assert_eq!(refused, [400; GATEWAYS]);
    everywhere(Some(27));

    // All at the same instant: one is answered at most, and none of it outlives the theft.
    let consented = ask(&fleet.0[2], "/authorize", &[&oauth::wish()[..], &press].concat());
    let code = consented.header("location").unwrap().split(['=', '&']).nth(1).unwrap();
    let redeem = [&redeem[..3], &[("code", code), redeem[4]]].concat();
    let answers = fleet.at_once(|program| ask(program, "/token", &redeem));
    let given: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(given.len(), 1, "{answers:?}");
    let listed = || fleet.0[0].run(&["session", "list", demo::APP_KEY]);
    let began = Instant::now();
    while listed().lines().filter(|line| line.contains("\topen\t")).count() != 1 {
        assert!(began.elapsed() < SEEN_WITHIN, "{}", listed());
    }
    assert_eq!(fleet.errors(), [""; 0]);
}

#[test]
fn a_days_quota_holds_across_gateways() {
    let fleet = Fleet::start();
    const QUOTA: usize = 30;
    let quota = ["--calls-per-day", "30", "--sub-channel", "corp001"];
    let added = fleet.0[0].run(&[&["app", "add", "few"], quota.as_slice()].concat());
    let secret = added.lines().find_map(|line| line.strip_prefix("secret ")).unwrap().trim();
    let served = |program: &Program| {
        let credentials = ("few", secret, "");
        let answer = call_as(program, credentials, "taobao.time.get", ("fields", "time"));
        answer.get("error_response").is_none()
    };
    let ask = |program: &Program, times: usize| (0..times).filter(|_| served(program)).count();
    let mut let_through = ask(&fleet.0[0], 12);
    assert_eq!(let_through, 12);
    std::thread::sleep(SEEN_WITHIN);
    let_through += ask(&fleet.0[1], 12);
    std::thread::sleep(SEEN_WITHIN);
    // All three know by now that six are left.
    let_through += ask(&fleet.0[2], 12);
    assert_eq!(let_through, QUOTA);
    std::thread::sleep(SEEN_WITHIN);
    assert_eq!(fleet.at_once(|program| ask(program, 5)), [0; GATEWAYS]);
    assert_eq!(fleet.errors(), [""; 0]);
}
