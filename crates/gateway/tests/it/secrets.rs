//! What must not be read by anybody who holds the files, the logs or an error's answer.

use domain::train::TrainOrder;
use gateway::family::Family as _;
use serde_json::{Value, json};

use crate::alitrip_btrip_supplychain_train_callback_refund::{
    METHOD as REFUND, WRAPPER as REFUND_WRAPPER, passengers, report, sealed, sealing,
};
use crate::app::{CANCEL, WRAPPER, payable};
use crate::program::Program;

/// Each says who somebody is, or lets one in.
const NAMES: [&str; 2] = ["欧阳不在册", "Zyxwvut Nobody"];
const CARDS: [&str; 2] = ["999999198706057012", "999999198706057020"];
const PHONES: [&str; 2] = ["13987654321", "13987654320"];
const PASSENGERS: [&str; 2] = ["pid-7777-1", "pid-7777-2"];
const OTHERS: [&str; 4] = ["1987-06-05", "2037-06-05", "别人家的孩子", "E99887766"];
const SM4_KEY: &str = "1a2b3c4d5e6f70818293a4b5c6d7e8f9";

fn rail_order() -> Value {
    let ticket = |at: usize| {
        json!({
            "passenger": {
                "passenger_id": PASSENGERS[at], "name": NAMES[at], "id_type": "id_card",
                "id_no": CARDS[at], "mobile": PHONES[at],
            },
            "passenger_ticket_no": "EA87654321", "coach_no": "05", "seat_no": format!("0{at}A"),
            "seat_type": "O", "seat_name": "二等座", "ticket_type": "adult", "price_fen": 55_300,
        })
    };
    json!({
        "kind": "train",
        "booking": {
            "key": {"app": "rail", "order_id": "o-1"}, "supplier_order_id": "s-1",
            "ticket_no": "EA87654321", "booked_at": "2026-01-01T00:00:00Z",
            "legs": [{
                "train_no": "G1", "from": {"code": "VNP", "name": "北京南"},
                "to": {"code": "AOH", "name": "上海虹桥"}, "departs": "2026-06-01T09:00:00",
                "arrives": "2026-06-01T13:28:00", "tickets": [ticket(0), ticket(1)],
            }],
        },
        "history": [{"at": "2026-01-02T00:00:00Z", "do": {"command": "ask-refund", "refund_id": "r-1"}}],
    })
}

fn flight_order() -> Value {
    let mut order = payable("secret-flight");
    let traveller = &mut order["booking"]["travellers"][0];
    (traveller["name"], traveller["phone"]) = (NAMES[0].into(), PHONES[0].into());
    traveller["document"]["number"] = CARDS[0].into();
    order["history"] = json!([]);
    order
}

/// The callbacks of a run: every kind of refusal, and a success at last.
fn callbacks() -> Vec<Value> {
    let order = TrainOrder::book(rail_order()["booking"].clone()).unwrap();
    let sealing = sealing(SM4_KEY, "ecb");
    let good = || {
        let mut good = report(&order, "r-1", &[(0, true), (1, true)]);
        for (at, passenger) in passengers(&mut good).enumerate() {
            passenger["passenger_mobile"] = PHONES[at].into();
            passenger["birth_date"] = OTHERS[0].into();
            passenger["valid_date_end"] = OTHERS[1].into();
        }
        good
    };
    let edited = |field: &str, value: &str| {
        let mut callback = good();
        passengers(&mut callback).next().unwrap()[field] = value.into();
        sealed(callback, &sealing)
    };
    let other_order = |name: &str, value: &str| {
        let mut callback = sealed(good(), &sealing);
        callback[name] = value.into();
        callback
    };
    vec![
        good(), // In the clear.
        edited("passenger_name", OTHERS[2]),
        edited("passenger_id_no", OTHERS[3]),
        edited("passenger_mobile", "13987654321x"),
        edited("birth_date", "1987-06-05x"),
        other_order("order_id", "o-2"),
        other_order("refund_total", "1"),
        other_order("order_status", "33"),
        other_order("refund_train_details", "1987-06-05"),
        sealed(good(), &sealing),
    ]
}

#[test]
fn nothing_personal_stands_in_the_files_the_logs_or_the_error_answers_of_a_full_run() {
    let folder = tempfile::tempdir().unwrap();
    // As much log as there can be.
    let program = Program::serve_in(folder, &[], &[("RUST_LOG", "trace")]);
    let outside = tempfile::tempdir().unwrap();
    let key_file = outside.path().join("sm4");
    std::fs::write(&key_file, SM4_KEY).unwrap();
    let key_file = key_file.to_str().unwrap();
    let add = ["app", "add", "rail", "--sm4-key-id", "k1", "--sm4-key-file", key_file];
    let value = |printed: &str, name: &str| {
        printed.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
    };
    let secret = value(&program.run(&add), "secret ");
    let session = value(&program.run(&["session", "add", "rail"]), "session ");
    let mut said = String::new();
    for order in [rail_order(), flight_order()] {
        said += &program.run_with_input(&["order", "import", "-"], &order.to_string());
    }
    let credentials = ["--app-key", "rail", "--secret", &secret, "--session", &session];
    for callback in callbacks() {
        let file = outside.path().join("callback");
        std::fs::write(&file, callback.to_string()).unwrap();
        let param = format!("{REFUND_WRAPPER}={}", file.display());
        let args = [["--param-file", &param].as_slice(), &credentials].concat();
        said += &program.call(REFUND, &args).1;
    }
    // Somebody else's session, and personal data where none belongs.
    let rq = json!({"sub_channel": NAMES[0], "dis_order_id": CARDS[0]}).to_string();
    said += &program.call(CANCEL, &["--param", &format!("{WRAPPER}={rq}")]).1;
    said += &program.call(CANCEL, &["--session", &session]).1;
    said += &program.run(&["key", "rotate"]);
    for path in ["train/rail/-/o-1", "flight/test/corp001/secret-flight"] {
        said += &program.run(&["order", "show", path]);
    }
    for (by, value) in [("phone", PHONES[0]), ("document", CARDS[0])] {
        let found = program.run_with_input(&["order", "find", by], value);
        assert_eq!(found.lines().count(), 2, "{found}");
        said += &found;
    }
    // A change brings passengers in from outside, too.
    let mut leg = rail_order()["booking"]["legs"][0].take();
    leg["train_no"] = "G3".into();
    let with = json!({"seats": [{"leg": 0, "ticket": 0}, {"leg": 0, "ticket": 1}], "leg": leg});
    let mut other = rail_order();
    let (booking, other_id) = (&mut other["booking"], "o-9");
    booking["key"]["order_id"] = other_id.into();
    booking["supplier_order_id"] = "s-9".into();
    other["history"] = json!([]);
    program.run_with_input(&["order", "import", "-"], &other.to_string());
    let change = ["order", "advance", "train/rail/-/o-9", "change-tickets", "--with", "-"];
    said += &program.run_with_input(&change, &with.to_string());
    said += &program.run(&["order", "show", "train/rail/-/o-9"]);
    // Names where none belong are complained of, not repeated.
    for (place, value) in [
        ("/booking/legs/0", json!(NAMES[0])),
        ("/booking/legs/0/tickets/0/passenger/id_type", json!(CARDS[0])),
        ("/booking/legs/0/tickets/0/passenger/id_no", json!(999_999_198_706_057_012_i64)),
        ("/booking/legs/0/tickets/0/ticket_type", json!(NAMES[1])),
        ("/booking/booked_at", json!(OTHERS[0])),
        ("/history/0/do/command", json!(NAMES[0])),
        ("/history", json!(PHONES[0])),
    ] {
        let mut order = rail_order();
        *order.pointer_mut(place).unwrap() = value;
        let refused = program.try_run(&["order", "import", "-"], &order.to_string());
        assert!(!refused.status.success(), "{place}");
        said += &String::from_utf8(refused.stderr).unwrap();
    }
    let refused = program.try_run(&change, &json!({"seats": NAMES[0]}).to_string());
    said += &String::from_utf8(refused.stderr).unwrap();
    said += &program.run(&["app", "list"]);
    assert!(said.contains("\"result_code\":\"200\""), "{said}");
    assert!(said.contains("\"order_status\": 31"), "{said}");

    let mut all = vec![("what the program said".to_owned(), said.into_bytes())];
    let folders = [program.folder.path().to_owned(), program.folder.path().join("data")];
    let read = |all: &mut Vec<(String, Vec<u8>)>| {
        for entry in folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
            let path = entry.unwrap().path();
            if path.is_file() {
                all.push((path.display().to_string(), std::fs::read(path).unwrap()));
            }
        }
    };
    read(&mut all);
    // And once more when the log has gone into the database.
    let (_folder, stopped) = program.terminate();
    assert!(stopped);
    read(&mut all);
    let searched: usize = all.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(searched > 100_000 && all.len() >= 4, "{searched}");
    let people = [NAMES, CARDS, PHONES, PASSENGERS].concat();
    let clear = people.iter().chain(&OTHERS).copied().chain([SM4_KEY, &secret, &session]);
    for clear in clear {
        for (place, bytes) in &all {
            let found = bytes.windows(clear.len()).any(|window| window == clear.as_bytes());
            assert!(!found, "{clear} stands in {place}");
        }
    }
}
