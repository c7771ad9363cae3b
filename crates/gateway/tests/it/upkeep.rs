//! What an operator does to a database: back it up, put it back, copy it, look at it.

use std::process::Output;

use serde_json::json;

use crate::app::long_payable;
use crate::postgres::{self, Cluster};
use crate::program::{Program, complaint, run_in};

const KEY: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_backup_is_made_beside_a_server_and_put_back_in_its_place() {
    let program = Program::serve(&[]);
    program.run(&["backup", "one.db"]);
    assert_eq!(program.cancel("demo-payable")["success"], true);
    let again = program.try_run(&["backup", "one.db"], "");
    assert!(String::from_utf8(again.stderr).unwrap().contains("one.db"));
    let restore = ["restore", "one.db"];
    assert!(complaint(program.folder.path(), &restore, &[]).contains("is there: move it away"));

    let (folder, _) = program.terminate();
    let data = folder.path().join("data");
    std::fs::rename(data.join("tripwright.db"), folder.path().join("lost.db")).unwrap();
    // One that is damaged, or opens with another key, does not take the place.
    let bytes = std::fs::read(folder.path().join("one.db")).unwrap();
    std::fs::write(folder.path().join("cut.db"), &bytes[..bytes.len() / 2]).unwrap();
    let cut = complaint(folder.path(), &["restore", "cut.db"], &[]);
    assert!(cut.contains("cut.db is not restored"), "{cut}");
    let other = complaint(folder.path(), &restore, &[("TRIPWRIGHT_KEY", KEY)]);
    assert!(other.contains("the database opens with key"), "{other}");
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1, "only the key is there");

    assert!(text(&run_in(folder.path(), &restore, &[])).starts_with("restored "));
    let program = Program::serve_in(folder, &[], &[]);
    let listed = program.run(&["order", "list"]);
    assert!(listed.contains("flight/test/corp001/demo-payable\t32\t0\tpayable\n"), "{listed}");
}

/// How many orders are copied; a long form asks for more.
fn orders() -> usize {
    std::env::var("TRIPWRIGHT_TEST_COPIED_ORDERS").map_or(300, |orders| orders.parse().unwrap())
}

#[test]
fn a_world_of_orders_is_copied_to_postgresql_with_equal_checksums() {
    let program = Program::serve(&[]);
    let ids: Vec<_> = (0..orders()).collect();
    for page in ids.chunks(10_000) {
        let orders: Vec<_> = page.iter().map(|at| long_payable(&format!("copied-{at}"))).collect();
        program.run_with_input(&["order", "import", "-"], &json!(orders).to_string());
    }
    assert_eq!(program.cancel("copied-1")["success"], true);
    let before = program.run(&["order", "list"]);
    let (folder, _) = program.terminate();
    let key = std::fs::read_to_string(folder.path().join("data/key")).unwrap();
    let database = postgres::database();
    let copy = ["copy", "--from", "sqlite:data/tripwright.db", "--to", &database];
    let copied = text(&run_in(folder.path(), &copy, &[]));
    let (sums, end) = copied.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(end, "copied; the same sealing key opens both");
    for table in [
        "aggregate/flight",
        "aggregate/train",
        "journal/flight",
        "lookup/flight",
        "person/train",
        "app",
        "session",
        "fact",
        "sealing_key",
    ] {
        let line = sums.lines().find(|line| line.starts_with(&format!("{table}\t")));
        assert!(line.is_some_and(|line| line.ends_with("\tequal")), "{table}: {sums}");
    }
    let flights = sums.lines().find(|line| line.starts_with("aggregate/flight\t")).unwrap();
    assert!(flights.contains(&format!("\t{} rows\t", orders() + 23)), "{flights}");
    // The call that cancelled is history of the place it was made at.
    assert_eq!(postgres::psql(&database, "SELECT count(*) FROM call"), b"0\n");
    let again = complaint(folder.path(), &copy, &[]);
    assert!(again.contains("in use already"), "{again}");

    let variables = [("TRIPWRIGHT_DATABASE", database.as_str()), ("TRIPWRIGHT_KEY", key.trim())];
    let program = Program::serve_in(tempfile::tempdir().unwrap(), &[], &variables);
    assert_eq!(program.run(&["order", "list"]), before);
    assert_eq!(program.cancel("copied-1")["success"], true);
    assert_eq!(program.cancel("copied-2")["success"], true);
    let found = program.run_with_input(&["order", "find", "phone"], "13800000001");
    assert!(found.lines().count() > 20, "{found}");
}

#[test]
fn the_doctor_is_red_when_commits_are_not_synchronous() {
    let program = Program::serve(&[]);
    let file = program.run(&["doctor"]);
    assert!(file.lines().all(|line| !line.starts_with("BAD")), "{file}");
    assert!(file.contains("ok\tintegrity\tok\n") && file.contains("look\tdemo app\t"), "{file}");
    let rotated = program.try_run(&["key", "rotate", "--new-key-file", "next"], "");
    assert!(rotated.status.success());
    assert!(program.run(&["doctor"]).contains("look\tsealing keys\topened by 2 operator's keys"));

    let examine = |address: &str| {
        let folder = tempfile::tempdir().unwrap();
        let variables = [("TRIPWRIGHT_DATABASE", address), ("TRIPWRIGHT_KEY", KEY)];
        text(&run_in(folder.path(), &["migrate"], &variables));
        let output = run_in(folder.path(), &["doctor"], &variables);
        let lines = String::from_utf8(output.stdout).unwrap();
        let bad = lines.lines().filter_map(|line| line.strip_prefix("BAD\t"));
        let bad: Vec<_> = bad.map(|line| line.split('\t').next().unwrap().to_owned()).collect();
        assert_eq!(output.status.success(), bad.is_empty(), "{lines}");
        bad
    };
    let alone = ["fsync", "synchronous_standby_names", "standbys"];
    assert_eq!(examine(&postgres::database()), alone);
    // The test's servers do not wait for the disk, and say so.
    let cluster = Cluster::start(true);
    assert_eq!(examine(&cluster.address()), ["fsync"]);
}
