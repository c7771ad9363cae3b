//! The program as its users run it: a process of its own, its printed lines, its command line.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use gateway::demo;
use serde_json::Value;
use tempfile::TempDir;

use crate::app::{CANCEL, Reply, WRAPPER, send};

const WAIT: Duration = Duration::from_secs(20);

/// A running sandbox.
pub struct Program {
    pub folder: TempDir,
    /// What its commands are told by the environment, as it was.
    variables: Vec<(String, String)>,
    pub url: String,
    pub lines: Vec<String>,
    child: Child,
}

/// An app's credentials.
pub struct Credentials {
    pub secret: String,
    pub session: String,
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tripwright"));
    command.args(args).current_dir(folder).env_clear().env("PATH", std::env::var("PATH").unwrap());
    command
}

impl Program {
    /// Starts the sandbox in a folder of its own, on ports of its own.
    pub fn serve(flags: &[&str]) -> Self {
        Self::serve_in(tempfile::tempdir().unwrap(), flags, &[])
    }

    pub fn serve_in(folder: TempDir, flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command(folder.path(), &["serve", "--port", "0"]);
        command.args(flags).envs(variables.iter().copied());
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        command.stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut lines = Vec::new();
        // The sandbox introduces itself, a call last; a program that stops early closes its end.
        while !lines.last().is_some_and(|line: &String| line.starts_with("curl ")) {
            let mut line = String::new();
            if output.read_line(&mut line).unwrap() == 0 {
                let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
                panic!("the program stopped: {lines:?} {log}");
            }
            lines.push(line.trim_end().to_owned());
        }
        let url = lines[0].strip_prefix("url ").unwrap().to_owned();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables = variables.iter().map(owned).collect();
        Self { folder, variables, url, lines, child }
    }

    /// Serves a folder in production. The log alone says where.
    pub fn serve_production_in(folder: TempDir, variables: &[(&str, &str)]) -> Self {
        for well_known in [["app", "revoke", demo::APP_KEY], ["account", "close", demo::ACCOUNT]] {
            let ended =
                command(folder.path(), &well_known).envs(variables.iter().copied()).output();
            assert!(ended.unwrap().status.success());
        }
        let mut command = command(folder.path(), &["serve", "--port", "0", "--production"]);
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = command.envs(variables.iter().copied()).stderr(log).spawn().unwrap();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables = variables.iter().map(owned).collect();
        let mut program = Self { folder, variables, url: String::new(), lines: Vec::new(), child };
        eventually("serving", || program.log().contains("gateway="));
        let log = program.log();
        let address = log.split("gateway=").nth(1).and_then(|rest| rest.split_whitespace().next());
        program.url = format!("http://{}/router/rest", address.unwrap());
        program
    }

    pub fn address(&self) -> SocketAddr {
        let rest = self.url.strip_prefix("http://").unwrap();
        rest.strip_suffix("/router/rest").unwrap().parse().unwrap()
    }

    /// Where operators look.
    pub fn admin(&self) -> SocketAddr {
        let line = self.lines.iter().find_map(|line| line.strip_prefix("admin http://"));
        line.unwrap().parse().unwrap()
    }

    /// Runs a command beside the server, on the same data, and returns what it printed.
    pub fn run(&self, args: &[&str]) -> String {
        self.run_with_input(args, "")
    }

    pub fn run_with_input(&self, args: &[&str], input: &str) -> String {
        let output = self.try_run(args, input);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn try_run(&self, args: &[&str], input: &str) -> Output {
        let mut command = command(self.folder.path(), args);
        let of_databases = |(name, _): &&(String, String)| name.starts_with("TRIPWRIGHT_");
        command.envs(self.variables.iter().filter(of_databases).cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Calls a method with the program's own client.
    pub fn call(&self, method: &str, more: &[&str]) -> (bool, String) {
        let mut args = vec!["call", method, "--url", &self.url];
        args.extend(more);
        let output = self.try_run(&args, "");
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    pub fn cancel(&self, dis_order_id: &str) -> Value {
        let rq = serde_json::json!({"sub_channel": "corp001", "dis_order_id": dis_order_id});
        let (served, answer) = self.call(CANCEL, &["--param", &format!("{WRAPPER}={rq}")]);
        assert!(served, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["alitrip_btrip_flight_distribution_order_cancel_response"]["result"].clone()
    }

    /// Adds an app that may not call at all today.
    pub fn add_limited(&self, key: &str) -> Credentials {
        let quota = ["--calls-per-day", "0", "--sub-channel", "corp001"];
        let added = self.run(&[&["app", "add", key], quota.as_slice()].concat());
        let session = self.run(&["session", "add", key]);
        let value = |printed: &str, name: &str| {
            let line = printed.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().to_owned()
        };
        Credentials { secret: value(&added, "secret "), session: value(&session, "session ") }
    }

    /// What the program holds of the machine's memory.
    pub fn resident_kb(&self) -> i64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Kills the program as a power cut would: no signal it could handle.
    pub fn kill_hard(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    }

    /// The folder of a program that is no longer needed.
    pub fn take_folder(mut self) -> TempDir {
        let _ = self.child.kill();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    /// Asks the program to stop, and waits until it has.
    pub fn terminate(mut self) -> (TempDir, bool) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().unwrap().success());
        let stopped = self.child.wait().unwrap().success();
        (self.take_folder(), stopped)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tries until it is so, and fails when it is not so in time.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < WAIT, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
    began.elapsed()
}

#[test]
fn every_start_introduces_the_sandbox_with_a_call_that_works_when_pasted() {
    let program = Program::serve(&[]);
    let start = |name: &str| program.lines.iter().position(|line| line.starts_with(name));
    for (at, name) in [
        "url http://127.0.0.1:",
        "docs http://127.0.0.1:",
        "admin http://127.0.0.1:",
        "console http://127.0.0.1:",
        "ops_token ",
        "app_key ",
        "secret ",
        "session ",
        "sm4_key ",
        "curl ",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(start(name), Some(at), "{name}: {:?}", program.lines);
    }
    assert_eq!(program.lines[5..7], ["app_key test", "secret test"]);
    let output = Command::new("sh").args(["-c", &program.lines[9]]).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let result = &answer["alitrip_btrip_flight_distribution_change_detail_response"]["result"];
    assert_eq!(result["module"]["status"], 2);

    let lines = program.lines.clone();
    let (folder, stopped) = program.terminate();
    assert!(stopped);
    let again = Program::serve_in(folder, &[], &[]);
    assert_eq!(again.lines[4..8], lines[4..8]);
}

#[test]
fn a_cancelled_order_stays_cancelled_after_a_restart() {
    let program = Program::serve(&[]);
    let first = program.cancel("demo-payable");
    assert_eq!(first["success"], true);
    let (folder, _) = program.terminate();
    let again = Program::serve_in(folder, &[], &[]);
    assert_eq!(again.cancel("demo-payable"), first);
}

#[test]
fn the_command_line_works_beside_a_running_server_which_notices_within_a_second() {
    let program = Program::serve(&[]);
    let order = "flight/test/corp001/demo-payable";
    let trade = r#"{"alipay_trade_no":"t-1"}"#;
    let pay = || program.run(&["order", "advance", order, "pay", "--with", trade]);
    assert_eq!(pay(), "done: order_status 4, pay_status 1\n");
    assert_eq!(program.cancel("demo-payable")["module"]["fail_code"], "1002");
    assert_eq!(pay(), "was so already: order_status 4, pay_status 1\n");

    let secret_file = program.folder.path().join("secret");
    std::fs::write(&secret_file, "s3cret\n").unwrap();
    let file = secret_file.to_str().unwrap();
    program.run(&["app", "add", "bank", "--secret-file", file, "--sub-channel", "corp001"]);
    let clock = || program.call("taobao.time.get", &["--app-key", "bank", "--secret", "s3cret"]);
    assert!(clock().0, "{}", clock().1);
    program.run(&["app", "revoke", "bank"]);
    let took = eventually("the app is unknown", || clock().1.contains(r#""code":29"#));
    assert!(took < Duration::from_secs(1), "{took:?}");

    let session = program.run(&["session", "add", "test", "--days", "1"]);
    let token = session.trim().strip_prefix("session ").unwrap().to_owned();
    let detail = "alitrip.btrip.flight.distribution.change.detail";
    let call = || program.call(detail, &["--session", &token]).1;
    assert!(call().contains(r#""code":40"#));
    program.run(&["session", "revoke", "test", &token[..12]]);
    let took = eventually("the session is closed", || call().contains(r#""code":27"#));
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(program.run(&["session", "list", "test"]).contains("revoked"));
    assert!(program.run(&["app", "list"]).contains("bank\trevoked"));
}

#[test]
fn orders_are_imported_listed_and_shown_with_personal_data_masked() {
    let program = Program::serve(&[]);
    let order = crate::app::payable("import-1").to_string();
    let path = "flight/test/corp001/import-1";
    let import = || program.run_with_input(&["order", "import", "-"], &order);
    assert_eq!(import(), format!("{path}\n"));
    assert_eq!(import(), format!("{path}\twas there already\n"));
    let example = include_str!("../../src/cli/order-example.json");
    program.run_with_input(&["order", "import", "-"], example);
    assert_eq!(program.cancel("my-order-1")["module"]["fail_code"], "1001");
    assert!(program.run(&["order", "import", "--help"]).ends_with(example));

    let mut at_another_time = crate::app::payable("import-1");
    at_another_time["booking"]["booked_at"] = "2020-01-01T00:00:00Z".into();
    let other = order.replace("CZ3101", "CZ3103");
    let refused = program.try_run(&["order", "import", "-"], &at_another_time.to_string());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("there is another order"));
    let refused = program.try_run(&["order", "import", "-"], &other);
    assert_eq!(
        String::from_utf8_lossy(&refused.stderr),
        "error: order 1 {\"app\":\"test\",\"dis_order_id\":\"import-1\",\"sub_channel\":\"corp001\"}: there is another order flight/test/corp001/import-1\n"
    );

    assert!(
        program.run(&["order", "list"]).contains("flight/test/jianhang001/1234\t5\t5\tticketed\n")
    );
    let shown = program.run(&["order", "show", path]);
    assert!(!shown.contains("欧阳不在册") && shown.contains(r#""name": "***""#), "{shown}");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["story"][0]["what"], "import");
    let fail = r#"{"reason":"no seats"}"#;
    let failing = "flight/test/corp001/demo-not-submitted";
    program.run(&["order", "advance", failing, "fail", "--with", fail]);
    let story: Value = serde_json::from_str(&program.run(&["order", "show", failing])).unwrap();
    assert_eq!(story["story"][0]["facts"]["reason"], "no seats");
    assert!(program.run(&["order", "show", path, "--reveal"]).contains("欧阳不在册"));

    for (args, error) in [
        (vec!["order", "show", "flight/test/corp001/nope"], "error: there is no such order\n"),
        (
            vec!["order", "advance", "flight/test/corp001/demo-cancelled", "submit"],
            "error: a flight order that is closed cannot submit\n",
        ),
        (
            vec!["order", "advance", "flight/test/corp001/nope", "cancel"],
            "error: there is no such order\n",
        ),
    ] {
        let output = program.try_run(&args, "");
        assert!(!output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stderr), error, "{args:?}");
    }
}

#[test]
fn call_fails_when_the_answer_is_an_error_and_speaks_every_form() {
    let program = Program::serve(&[]);
    let (served, json) = program.call("taobao.time.get", &[]);
    assert!(served && json.starts_with(r#"{"time_get_response":{"time":""#), "{json}");
    for method in ["md5", "hmac", "hmac-sha256"] {
        let (served, xml) =
            program.call("taobao.time.get", &["--format", "xml", "--sign-method", method]);
        assert!(served && xml.contains("<time_get_response><time>"), "{xml}");
    }
    let (served, simplified) = program.call("taobao.time.get", &["--format", "simplified"]);
    assert!(served && simplified.starts_with(r#"{"time":""#), "{simplified}");
    let (served, error) = program.call("taobao.nope", &[]);
    assert!(!served && error.contains(r#""code":22"#), "{error}");
    let nobody = program.try_run(&["call", "taobao.time.get", "--url", "http://127.0.0.1:1/"], "");
    assert!(
        String::from_utf8_lossy(&nobody.stderr)
            .starts_with("error: no answer from http://127.0.0.1:1/")
    );
}

#[test]
fn sign_prints_the_string_and_the_published_digest() {
    let folder = tempfile::tempdir().unwrap();
    let mut args = vec!["sign", "--secret", "helloworld"];
    for param in [
        "method=taobao.item.seller.get",
        "app_key=12345678",
        "session=test",
        "format=json",
        "timestamp=2016-01-01 12:00:00",
        "v=2.0",
        "sign_method=md5",
        "fields=num_iid,title,nick,price,num",
        "num_iid=11223344",
        "sign=ignored",
    ] {
        args.extend(["--param", param]);
    }
    let output = command(folder.path(), &args).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(
        lines[1],
        "app_key12345678fieldsnum_iid,title,nick,price,numformatjsonmethodtaobao.item.seller.getnum_iid11223344sessiontestsign_methodmd5timestamp2016-01-01 12:00:00v2.0"
    );
    assert_eq!(lines[2], "md5          66987CB115214E59E6EC978214934FB8");
    assert_eq!(lines.len(), 5);
}

#[test]
fn values_are_sealed_and_opened_under_a_partners_setting_and_a_wrong_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let key = "0123456789abcdeffedcba9876543210";
        let output = command(folder.path(), args).env("TRIPWRIGHT_SM4_KEY", key).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let usual = "8e6d95a4b4b29a57d845dbd096e40f5d";
    assert_eq!(run(&["seal", "张三"]).1, format!("{usual}\n"));
    assert_eq!(run(&["open", usual]).1, "张三\n");
    let (_, gcm, _) = run(&["seal", "张三", "--scheme", "gcm/base64"]);
    assert_ne!(run(&["seal", "张三", "--scheme", "gcm/base64"]).1, gcm);
    let (opened, _, errors) = run(&["open", gcm.trim()]);
    assert!(!opened);
    assert_eq!(
        errors,
        "error: the value does not open to a readable text under this setting\n\
         it opens to a readable text with --scheme gcm/pkcs7/base64\n"
    );
    let (_, _, errors) = run(&["open", "00"]);
    assert!(errors.ends_with("check the key\n"), "{errors}");
    let (_, _, errors) = run(&["seal", "张三", "--scheme", "cbc"]);
    assert!(errors.contains("cbc:IV (32 hex digits)"), "{errors}");
    let nobody = complaint(folder.path(), &["seal", "张三"], &[]);
    assert!(nobody.contains("give the SM4 key in --sm4-key-file or TRIPWRIGHT_SM4_KEY"));
}

#[test]
fn keys_are_rotated_beside_a_server_that_goes_on() {
    let program = Program::serve(&[]);
    let keys = |program: &Program| program.run(&["key", "list"]);
    assert_eq!(keys(&program).lines().count(), 1);
    // A name without a folder, as the README has it.
    let rotate = ["key", "rotate", "--new-key-file", "next-key"];
    let rotated = program.run(&rotate);
    let lines: Vec<_> = rotated.lines().collect();
    let count =
        lines[0].strip_prefix("sealed ").and_then(|rest| rest.strip_suffix(" documents anew"));
    // The demo app, its session, and every order that names people.
    assert!(count.unwrap().parse::<usize>().unwrap() > 30, "{rotated}");
    assert_eq!(lines[1], "start every gateway with --key-file next-key");
    assert_eq!(lines[2], "then: tripwright key retire --key-file next-key");
    let both = keys(&program);
    let states: Vec<_> = both.lines().map(|line| line.split('\t').nth(1).unwrap()).collect();
    assert_eq!(states, ["opens", "seals"]);
    assert!(both.lines().all(|line| line.split(',').count() == 2), "{both}");
    // Cut short and asked again, it goes on; any other rotation would lock somebody out.
    assert!(program.run(&rotate).starts_with("sealed 0 documents anew\n"));
    let other = complaint(program.folder.path(), &["key", "rotate"], &[]);
    assert!(other.contains("the operator's key is being replaced"), "{other}");
    // The server has the operator's old key, and reads and writes on.
    assert_eq!(program.cancel("demo-payable")["success"], true);
    assert_eq!(program.cancel("demo-ticketed")["result_code"], 1001);
    let mode = std::fs::metadata(program.folder.path().join("next-key")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);

    let (folder, _) = program.terminate();
    let retire = ["key", "retire", "--key-file", "next-key"];
    let retired = command(folder.path(), &retire).output().unwrap();
    let retired = String::from_utf8(retired.stdout).unwrap();
    assert!(retired.starts_with("withdrew key ") && retired.lines().count() == 2, "{retired}");
    let refused = complaint(folder.path(), &["order", "list"], &[]);
    assert!(refused.contains("the database opens with key"), "{refused}");
    let program = Program::serve_in(folder, &[], &[("TRIPWRIGHT_KEY_FILE", "next-key")]);
    assert_eq!(program.cancel("demo-payable")["success"], true);
}

#[test]
fn a_key_file_that_is_there_is_never_written_over() {
    let program = Program::serve(&[]);
    let file = program.folder.path().join("mine");
    std::fs::write(&file, "5a".repeat(32)).unwrap();
    program.run(&["key", "rotate", "--new-key-file", "mine"]);
    assert_eq!(std::fs::read_to_string(file).unwrap(), "5a".repeat(32));
}

#[test]
fn an_sm4_key_is_added_replaced_listed_and_forgotten() {
    let program = Program::serve(&[]);
    let folder = program.folder.path().to_owned();
    let file = folder.join("sm4");
    let file = file.to_str().unwrap();
    std::fs::write(file, "1234567890abcdef\n").unwrap();
    let keys = |program: &Program| {
        let apps = program.run(&["app", "list"]);
        let line = apps.lines().find(|line| line.starts_with("test\t")).unwrap().to_owned();
        line.rsplit('\t').nth(1).unwrap().to_owned()
    };
    assert_eq!(keys(&program), "demo:ecb/pkcs7/hex");
    fn change<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&["app", "change", "test"], more].concat()
    }
    let add = |id: &str| {
        let scheme = ["--sm4-key-file", file, "--sm4-key-id", id, "--sm4-scheme", "gcm/base64"];
        program.run(&change(&scheme))
    };
    add("k2");
    assert_eq!(keys(&program), "k2:gcm/pkcs7/base64,demo:ecb/pkcs7/hex");
    add("demo");
    assert_eq!(keys(&program), "demo:gcm/pkcs7/base64,k2:gcm/pkcs7/base64");
    program.run(&change(&["--forget-sm4-key", "k2"]));
    assert_eq!(keys(&program), "demo:gcm/pkcs7/base64");
    let complain = |more: &[&str]| complaint(&folder, &change(more), &[]);
    assert!(complain(&["--forget-sm4-key", "k2"]).contains("the app has no SM4 key k2"));
    std::fs::write(file, "short").unwrap();
    let bad = complain(&["--sm4-key-file", file, "--sm4-key-id", "k3"]);
    assert!(bad.contains("an SM4 key is 32 hex digits, 16 bytes in base64, or 16 characters"));
    std::fs::write(file, "1234567890abcdef").unwrap();
    ["k2", "k3", "k4"].iter().for_each(|id| _ = add(id));
    let full = complain(&["--sm4-key-file", file, "--sm4-key-id", "k5"]);
    assert!(full.contains("an app has at most 4 SM4 keys"), "{full}");
}

#[test]
fn docs_print_every_declaration() {
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path(), &["docs", "--json"]).output().unwrap();
    let docs: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(docs, gateway::catalogue::as_json());
    let cancel =
        docs["methods"].as_array().unwrap().iter().find(|m| m["method"] == CANCEL).unwrap();
    assert_eq!(
        cancel["request"][0],
        serde_json::json!({
            "name": WRAPPER,
            "type": "BtripFlightCancelOrderRq",
            "required": false,
            "privacy": "open",
            "example": "",
            "label": {
                "zh": "系统自动生成",
                "en": "What to cancel. Optional on the page though its members are required: absent is answered 40.",
            },
            "members": [
                {
                    "name": "sub_channel", "type": "String", "required": true, "privacy": "open",
                    "example": "corp001",
                    "label": {"zh": "子渠道例如corpId", "en": "Sub-channel, normally the corporation's id."},
                },
                {
                    "name": "dis_order_id", "type": "String", "required": true, "privacy": "open",
                    "example": "test0087771",
                    "label": {"zh": "外部订单号", "en": "The distributor's own order number."},
                },
            ],
        })
    );
}

/// Runs a command in a folder, beside a server there or without one.
pub fn run_in(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    command(folder, args).envs(variables.iter().copied()).output().unwrap()
}

/// Runs a command that must fail, and returns what it complained of.
pub fn complaint(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> String {
    let output = run_in(folder, args, variables);
    assert!(!output.status.success(), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn production_wants_a_key_of_its_own_and_refuses_the_demo_app() {
    let key = "5a".repeat(32);
    let folder = tempfile::tempdir().unwrap();
    let production = ["serve", "--production", "--port", "0"];
    assert_eq!(
        complaint(folder.path(), &production, &[]),
        "error: production needs a sealing key of its own for ./data/tripwright.db: set TRIPWRIGHT_KEY or TRIPWRIGHT_KEY_FILE\n"
    );
    let short = complaint(folder.path(), &production, &[("TRIPWRIGHT_KEY", "5a")]);
    assert_eq!(short, "error: TRIPWRIGHT_KEY: the sealing key must be 64 hex digits\n");

    let sandbox = Program::serve_in(folder, &[], &[("TRIPWRIGHT_KEY", &key)]);
    let (folder, _) = sandbox.terminate();
    let refused = complaint(folder.path(), &production, &[("TRIPWRIGHT_KEY", &key)]);
    assert!(refused.contains("this database has the demo app, whose secret everybody knows"));
    let other = complaint(folder.path(), &production, &[("TRIPWRIGHT_KEY", &"00".repeat(32))]);
    assert!(other.contains("the database opens with key "), "{other}");
    // A key that is beside the database is the sandbox's: stolen with it, lost with it.
    std::fs::write(folder.path().join("data/key"), &key).unwrap();
    let beside = complaint(folder.path(), &production, &[]);
    assert!(beside.contains("production needs a sealing key of its own"), "{beside}");
}

#[test]
fn production_serves_apps_that_were_made_for_it_and_prints_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("key-file");
    std::fs::write(&key_file, format!("{}\n", "5a".repeat(32))).unwrap();
    let key = [("TRIPWRIGHT_KEY_FILE", key_file.to_str().unwrap())];
    let run = |args: &[&str]| {
        let output = command(folder.path(), args).envs(key).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let added = run(&["app", "add", "bank"]);
    let secret = added.lines().find_map(|line| line.strip_prefix("secret ")).unwrap().to_owned();
    let mut server = command(folder.path(), &["serve", "--production", "--port", "0"]);
    let mut child = server.envs(key).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let address = line.split_once("gateway=").unwrap().1.split_whitespace().next().unwrap();
    let url = format!("http://{address}/router/rest");
    let served =
        run(&["call", "taobao.time.get", "--url", &url, "--app-key", "bank", "--secret", &secret]);
    assert!(served.contains("time_get_response"), "{served}");

    // Somebody adds the demo app behind the server's back: it stays unknown.
    let secret_file = folder.path().join("demo-secret");
    std::fs::write(&secret_file, demo::SECRET).unwrap();
    run(&["app", "add", demo::APP_KEY, "--secret-file", secret_file.to_str().unwrap()]);
    let demo_call =
        command(folder.path(), &["call", "taobao.time.get", "--url", &url]).output().unwrap();
    assert!(String::from_utf8_lossy(&demo_call.stdout).contains(r#""code":29"#));

    child.kill().unwrap();
    let mut printed = String::new();
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    child.wait().unwrap();
    assert_eq!(printed, "");
}

#[test]
fn a_command_makes_no_database_and_no_key_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    for args in [["order", "list"], ["app", "list"]] {
        assert!(complaint(folder.path(), &args, &[]).starts_with("error: there is no database "));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    let (folder, _) = Program::serve(&[]).terminate();
    std::fs::remove_file(folder.path().join("data/key")).unwrap();
    for args in [["order", "list"].as_slice(), &["serve", "--port", "0"]] {
        let refused = complaint(folder.path(), args, &[]);
        assert!(refused.contains("is sealed with a key that is not here"), "{refused}");
    }
    assert!(!folder.path().join("data/key").exists());
}

#[test]
fn two_sandboxes_that_start_at_once_in_one_folder_both_serve() {
    let folder = tempfile::tempdir().unwrap();
    let spawn = || {
        let mut one = command(folder.path(), &["serve", "--port", "0"]);
        one.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let both = [spawn(), spawn()];
    for mut one in both {
        let mut first = String::new();
        BufReader::new(one.stdout.take().unwrap()).read_line(&mut first).unwrap();
        one.kill().unwrap();
        let errors = one.wait_with_output().unwrap().stderr;
        assert!(first.starts_with("url http://"), "{first} {}", String::from_utf8_lossy(&errors));
    }
}

#[test]
fn a_sandbox_whose_demo_app_was_revoked_does_not_advertise_it() {
    let program = Program::serve(&[]);
    program.run(&["app", "revoke", "test"]);
    let (folder, _) = program.terminate();
    let mut again = command(folder.path(), &["serve", "--port", "0"]);
    let mut child = again.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines: Vec<_> = lines.take(6).map(Result::unwrap).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lines[5].starts_with("the demo app was changed or revoked"), "{lines:?}");
}

#[test]
fn operators_accounts_are_made_changed_and_closed_on_the_command_line() {
    let program = Program::serve(&[]);
    let made = program.run(&["account", "add", "lin", "--role", "operator"]);
    let password = made.strip_prefix("password ").unwrap().trim().to_owned();
    assert_eq!(password.len(), 56);
    let errors = |args: &[&str], input: &str| {
        String::from_utf8(program.try_run(args, input).stderr).unwrap()
    };
    assert_eq!(errors(&["account", "add", "lin"], ""), "error: there is an account lin already\n");
    let short = ["account", "password", "lin", "--password-stdin"];
    assert_eq!(errors(&short, "eleven char\n"), "error: a password has at least 12 characters\n");
    let token = program.run(&["account", "token", "lin", "--label", "ci"]);
    assert!(token.starts_with("token lin."), "{token}");
    assert_eq!(program.run(&["account", "list"]), "demo\tadmin\tdemo\nlin\toperator\tci\n");
    // A new password takes back what was given under the old one.
    let changed = program.try_run(&short, "twelve chars\n");
    assert_eq!(String::from_utf8(changed.stdout).unwrap(), "password twelve chars\n");
    assert_eq!(program.run(&["account", "close", "lin"]), "closed\n");
    let listed = program.run(&["account", "list"]);
    assert!(listed.contains("\nlin\toperator\t\tclosed 2"), "{listed}");
    assert_eq!(errors(&["account", "close", "nobody"], ""), "error: there is no account nobody\n");
}

#[test]
fn production_refuses_an_operator_whose_password_everybody_knows() {
    let (folder, _) = Program::serve(&[]).terminate();
    let key = std::fs::read_to_string(folder.path().join("data/key")).unwrap();
    let run = |args: &[&str]| {
        command(folder.path(), args).env("TRIPWRIGHT_KEY", key.trim()).output().unwrap()
    };
    assert!(run(&["app", "revoke", demo::APP_KEY]).status.success());
    let refused = run(&["serve", "--port", "0", "--production"]);
    let errors = String::from_utf8(refused.stderr).unwrap();
    let told = "error: this database has the demo operator, whose password everybody knows: \
                `tripwright account close demo` first, or start with another folder\n";
    assert!(errors.ends_with(told), "{errors}");
}

#[test]
fn an_app_is_changed_only_in_what_is_named() {
    let program = Program::serve(&[]);
    program.run(&["app", "add", "bank", "--method", "taobao.time.get", "--calls-per-day", "9"]);
    program.run(&["app", "change", "bank", "--sub-channel", "corp002"]);
    let listed = program.run(&["app", "list"]);
    assert!(
        listed.contains("bank\tactive\ttaobao.time.get\tcorp002\t\t\t9\t-\tstrict\t\t\n"),
        "{listed}"
    );
    let uri = ["--redirect-uri", "https://bank.example/cb"];
    let all = ["app", "change", "bank", "--method", "all", "--calls-per-day", "none"];
    program.run(&[&all[..], &uri].concat());
    let refused = ["app", "change", "bank", "--redirect-uri", "javascript:alert(1)"];
    let errors = String::from_utf8(program.try_run(&refused, "").stderr).unwrap();
    assert!(errors.starts_with("error: --redirect-uri: is no redirect address"), "{errors}");
    let listed = program.run(&["app", "list"]);
    assert!(
        listed.contains(
            "bank\tactive\tall methods\tcorp002\t\t\t-\t-\tstrict\t\thttps://bank.example/cb\n"
        ),
        "{listed}"
    );
    let none = ["--sub-channel", "", "--redirect-uri", "", "--lenient", "true"];
    program.run(&[&["app", "change", "bank"], &none[..]].concat());
    let listed = program.run(&["app", "list"]);
    assert!(listed.contains("bank\tactive\tall methods\t\t\t\t-\t-\tlenient\t\t\n"), "{listed}");
    let again = program.try_run(&["app", "add", "bank"], "");
    let errors = String::from_utf8(again.stderr).unwrap();
    assert_eq!(errors, "error: there is an app bank already; `tripwright app change` changes it\n");
}

#[test]
fn an_import_says_which_order_is_wrong_and_brings_in_the_others() {
    let program = Program::serve(&[]);
    let mut misspelt = crate::app::payable("bad-1");
    misspelt["booking"]["setle_type"] = "corporate_cash".into();
    let mut backwards = crate::app::payable("bad-2");
    backwards["history"] = serde_json::json!([
        {"at": "2026-03-01T01:00:00Z", "do": {"command": "confirm"}},
        {"at": "2026-03-01T00:00:00Z", "do": {"command": "cancel"}},
    ]);
    let mut nameless = crate::app::payable("bad-3");
    nameless["booking"]["travellers"][0]["name"] = 7.into();
    let mut surplus = crate::app::payable("bad-4");
    surplus["history"][0]["do"]["nonsense"] = 1.into();
    let good = crate::app::payable("good-1");
    let all = serde_json::json!([misspelt, backwards, nameless, surplus, good]).to_string();
    let output = program.try_run(&["order", "import", "-"], &all);
    assert!(!output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "flight/test/corp001/good-1\n");
    let errors = String::from_utf8(output.stderr).unwrap();
    for (line, end) in errors.lines().zip([
        "booking.setle_type means nothing here",
        "history entry 2: 2026-03-01T00:00:00Z is before the entry above it, or in the future",
        "booking.travellers[0].name: expected a text",
        "history entry 1: transition.nonsense means nothing here",
    ]) {
        assert!(line.ends_with(end), "{line}");
    }
    // Imported again after it has moved on, the order is still the same order.
    program.cancel("good-1");
    let again = program.run_with_input(&["order", "import", "-"], &good.to_string());
    assert_eq!(again, "flight/test/corp001/good-1\twas there already\n");
}

#[test]
fn of_two_orders_in_one_file_that_postbacks_waited_for_the_first_has_the_ticket() {
    const METHOD: &str = "alibaba.happytrip.flight.order.itinerary.postback";
    const TICKET: &str = "781-3000000001";
    let program = Program::serve(&[]);
    let orders: Vec<_> = ["a", "b", "c"]
        .map(|id| {
            serde_json::json!({
                "kind": "receipts",
                "booking": {
                    "key": {"app": "test", "cwt_account_no": "12342134", "out_relation_order_id": id},
                    "travel_request": {"tes_head_id": "t-1", "status": "approved"},
                    "tickets": [{"number": TICKET, "traveller": {"emp_no": "1"}}],
                },
            })
        })
        .into();
    for id in ["b", "c"] {
        let postback = serde_json::json!({
            "out_relation_order_id": id, "tes_head_id": "t-1", "ticket_no_list": [TICKET],
            "cwt_account_no": "12342134",
        });
        let name = "flight_itinerary_request";
        let (served, answer) = program.call(METHOD, &["--param", &format!("{name}={postback}")]);
        assert!(served, "{answer}");
    }
    let orders = serde_json::Value::from(orders).to_string();
    let expected = [
        "receipts/test/12342134/a".to_owned(),
        "receipts/test/12342134/b\t".to_owned() + r#"{"postbacks_that_waited":1,"refused":[]}"#,
        "receipts/test/12342134/c\t".to_owned()
            + r#"{"postbacks_that_waited":1,"refused":["HT-3001"]}"#,
    ];
    let imported = program.run_with_input(&["order", "import", "-"], &orders);
    assert_eq!(imported.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_sandbox_keeps_its_key_to_itself() {
    let program = Program::serve(&[]);
    let key = program.folder.path().join("data/key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(key).unwrap().trim().len(), 64);
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    fn node(program: &Program) -> String {
        let (_, xml) = program.call("taobao.time.get", &["--format", "xml"]);
        xml.rsplit_once("<!--top").unwrap().1.trim_end().trim_end_matches("-->").to_owned()
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.toml");
    std::fs::write(&file, "node = \".file\"\nremote_error_code = 15\n").unwrap();
    let config = file.to_str().unwrap().to_owned();
    let variables = [("TRIPWRIGHT_CONFIG", config.as_str())];
    let with_variable = [variables[0], ("TRIPWRIGHT_NODE", ".variable")];

    let program = Program::serve_in(folder, &[], &variables);
    assert_eq!(node(&program), ".file");
    let (_, answer) = program.call(CANCEL, &["--param", &format!("{WRAPPER}={{}}")]);
    assert!(answer.contains(r#""code":15"#), "{answer}");
    let program = Program::serve_in(program.terminate().0, &[], &with_variable);
    assert_eq!(node(&program), ".variable");
    let program = Program::serve_in(program.terminate().0, &["--node", ".flag"], &with_variable);
    assert_eq!(node(&program), ".flag");

    let (folder, _) = program.terminate();
    for (text, key) in [("nod = \".file\"\n", "nod"), ("reveal = true\n", "reveal")] {
        std::fs::write(&config, text).unwrap();
        let refused = complaint(folder.path(), &["serve", "--config", &config], &[]);
        assert!(refused.ends_with(&format!("{key} is no setting\n")), "{refused}");
    }
}

#[test]
fn a_truth_value_is_said_in_any_usual_way_and_a_flag_wins_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("t.toml");
    std::fs::write(&config, "cancel_while_ticketing = true\n").unwrap();
    let config = config.to_str().unwrap().to_owned();
    let fail_code =
        |program: &Program| program.cancel("demo-ticketing")["module"]["fail_code"].clone();
    let no = ["--cancel-while-ticketing=false"];
    let program = Program::serve_in(folder, &no, &[("TRIPWRIGHT_CONFIG", &config)]);
    assert_eq!(fail_code(&program), "1002");
    for (value, expected) in [("0", "1002"), ("no", "1002"), ("1", "")] {
        let variable = [("TRIPWRIGHT_CANCEL_WHILE_TICKETING", value)];
        let program = Program::serve_in(tempfile::tempdir().unwrap(), &[], &variable);
        assert_eq!(fail_code(&program).as_str().unwrap_or_default(), expected, "{value}");
    }
}

#[test]
fn the_log_names_every_request_and_all_that_was_wrong_with_it_and_no_person() {
    let program = Program::serve(&["--log-format", "json"]);
    let rq = r#"{"dis_order_id":true}"#;
    let (_, answer) = program.call(CANCEL, &["--param", &format!("{WRAPPER}={rq}")]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let id = answer["error_response"]["request_id"].as_str().unwrap().to_owned();
    let shown = "alitrip.btrip.flight.distribution.change.detail";
    let rq = r#"{"dis_order_id":"1234","sub_channel":"jianhang001","dis_sub_order_id":"1234"}"#;
    assert!(program.call(shown, &["--param", &format!("{WRAPPER}={rq}")]).1.contains("张三"));
    eventually("the log has both calls", || program.log().lines().count() >= 2);
    let log = program.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = lines.iter().find(|line| line["request_id"] == id.as_str()).unwrap();
    assert_eq!(
        line["violations"],
        format!("InvalidArgument {WRAPPER}.dis_order_id, InvalidParameter {WRAPPER}.sub_channel")
    );
    assert_eq!((&line["app_key"], &line["code"]), (&"test".into(), &41.into()));
    assert!(lines.iter().all(|line| line["request_id"].is_string()));
    assert!(!log.contains("张三") && !log.contains(demo::SESSION));
}

#[test]
fn whoever_has_heard_that_it_serves_can_stop_it_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path(), &["serve", "--port", "0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = [0];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    // The signals that have somebody who listens, as bits from that of signal 1 on.
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    const INT: u64 = 1 << 1;
    const TERM: u64 = 1 << 14;
    assert_eq!(caught & (INT | TERM), INT | TERM, "{status}");
}

#[test]
fn a_stopping_server_says_so_before_it_stops_accepting() {
    // Long enough for a busy machine to ask and to call in it.
    let program = Program::serve(&["--drain-grace-seconds", "3"]);
    let pid = program.child.id().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    eventually("it is not ready", || get(&program, "/readyz").body() == "draining\n");
    assert_eq!(get(&program, "/readyz").status, 503);
    assert!(program.call("taobao.time.get", &[]).0, "a call in the grace period");
    let mut program = program;
    assert!(program.child.wait().unwrap().success());
}

#[test]
fn a_cancel_whose_client_has_gone_is_done_and_logged() {
    let program = Program::serve(&[]);
    let rq = r#"{"sub_channel":"corp001","dis_order_id":"demo-payable"}"#;
    #[expect(clippy::disallowed_methods, reason = "the program keeps the machine's time")]
    let timestamp = domain::Instant::now().as_millisecond().to_string();
    let params = [
        ("method", CANCEL),
        ("app_key", demo::APP_KEY),
        ("session", demo::SESSION),
        ("timestamp", timestamp.as_str()),
        ("v", "2.0"),
        (WRAPPER, rq),
    ];
    let sign = crate::app::sign_md5(&params, demo::SECRET);
    let form = top::form::encode(params.into_iter().chain([("sign", sign.as_str())]));
    let mut stream = std::net::TcpStream::connect(program.address()).unwrap();
    let head =
        format!("POST /router/rest HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n", form.len());
    stream.write_all((head + &form).as_bytes()).unwrap();
    drop(stream);
    let path = "flight/test/corp001/demo-payable";
    let story =
        || -> Value { serde_json::from_str(&program.run(&["order", "show", path])).unwrap() };
    eventually("it is cancelled", || story()["story"][0]["what"] == "cancel");
    let id = story()["story"][0]["request_id"].as_str().unwrap().to_owned();
    eventually("it is in the log", || program.log().contains(&id));
}

#[test]
fn a_stopping_server_finishes_what_it_accepted() {
    let program = Program::serve(&[]);
    let address = program.address();
    let head = "POST /router/rest HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n";
    let mut slow = std::net::TcpStream::connect(address).unwrap();
    slow.set_read_timeout(Some(WAIT)).unwrap();
    slow.write_all(head.as_bytes()).unwrap();
    slow.write_all(b"format=").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let pid = program.child.id().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    eventually("nobody listens", || std::net::TcpStream::connect(address).is_err());
    slow.write_all(b"js").unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("HTTP/1.1 200 OK"), "{answer}");
    let mut program = program;
    assert!(program.child.wait().unwrap().success());
}

/// A call by hand, for tests that need the bytes.
pub fn get(program: &Program, path: &str) -> Reply {
    send(program.address(), &format!("GET {path} HTTP/1.1\r\n"), b"")
}

#[test]
fn readiness_is_a_write_that_really_commits() {
    let program = Program::serve(&[]);
    assert_eq!(get(&program, "/readyz").status, 200);
    // Another process holds the database for writing, for longer than anybody waits.
    let path = program.folder.path().join("data/tripwright.db");
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // What was found a moment ago is good for a second.
    assert_eq!(get(&program, "/readyz").status, 200);
    std::thread::sleep(Duration::from_millis(1100));
    let reply = get(&program, "/readyz");
    assert_eq!((reply.status, reply.body()), (503, "the database does not take writes\n"));
    assert_eq!(get(&program, "/healthz").status, 200);
    other.execute_batch("ROLLBACK").unwrap();
    eventually("it is ready again", || get(&program, "/readyz").status == 200);
}

/// What `tripwright call taobao.time.get` prints with more arguments: its answer, and what it says.
fn explained(program: &Program, more: &[&str]) -> (String, String) {
    let args = [&["call", "taobao.time.get", "--url", program.url.as_str()], more].concat();
    let output = program.try_run(&args, "");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn call_explains_a_wrong_sign_where_asked() {
    let program = Program::serve(&[]);
    assert_eq!(explained(&program, &["--explain"]).1, "");
    let (refused, hint) = explained(&program, &["--secret", "test\n"]);
    assert!(refused.contains(r#""code":25"#), "{refused}");
    assert_eq!(hint, "`--explain` shows what was signed\n");

    let asked = ["--secret", "test\n", "--sign-method", "md5", "--explain"];
    let (_, said) = explained(&program, &asked);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(
        lines[..3],
        ["parameters, in the order they are signed:", "  app_key = test", "  format = json",]
    );
    let signed = lines.iter().position(|line| line.starts_with("string to sign, ***")).unwrap();
    let text = lines[signed + 1].trim();
    assert!(text.starts_with("***app_keytestformatjsonmethodtaobao.time.get"), "{text}");
    assert!(text.ends_with("v2.0***"), "{text}");
    assert_eq!(lines[signed + 2], "sign by md5:");
    assert_eq!(lines[signed + 3].trim().len(), 32);
    assert_eq!(lines[signed + 4], "the server says:");
    assert!(lines[signed + 5].starts_with("  25 Invalid signature (request "), "{said}");
    assert_eq!(
        lines[signed + 6..],
        ["inferred:", "  the secret has white space around it, such as a file's line end",]
    );

    let (_, said) = explained(&program, &["--secret", "other", "--explain"]);
    assert!(said.ends_with(
        "  the sign is right for this secret, so the secret is not this app's, or something on the way changes parameters\n"
    ), "{said}");
    assert!(!said.contains("other"), "{said}");
}

#[test]
fn call_always_shows_what_it_signs_when_told_to() {
    let program = Program::serve(&[]);
    let (answer, said) = explained(&program, &["--explain=always"]);
    assert!(answer.starts_with(r#"{"time_get_response":"#), "{answer}");
    assert!(said.contains("string to sign, the secret being the key:\n  app_keytest"), "{said}");
    assert!(!said.contains("the server says"), "{said}");
}

#[test]
fn call_explains_another_programs_sign_and_another_zones_timestamp() {
    use top::sign::Secret;
    let program = Program::serve(&[]);
    let (answer, _) = explained(&program, &[]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let now = answer["time_get_response"]["time"].as_str().unwrap();
    let timestamp = format!("timestamp={now}");
    let params = [
        ("app_key", "test"),
        ("format", "json"),
        ("method", "taobao.time.get"),
        ("session", demo::SESSION),
        ("sign_method", "md5"),
        ("timestamp", now),
        ("v", "2.0"),
    ];
    // The secret after the string only.
    let sign = Secret::new("").sign(top::SignMethod::Md5, params, demo::SECRET.as_bytes());
    let sign = format!("sign={sign}");
    let args = ["--param", &timestamp, "--param", &sign, "--sign-method", "md5", "--explain"];
    let (refused, said) = explained(&program, &args);
    assert!(refused.contains(r#""code":25"#), "{refused}");
    assert!(
        said.ends_with("  the secret is only after the string; md5 has it before, too\n"),
        "{said}"
    );

    let pairs = params.map(|(name, value)| format!("{name}={value}"));
    let given = sign.replace("sign=", "");
    let mut args = vec!["sign", "--secret", "test", "--given", &given];
    args.extend(pairs.iter().flat_map(|pair| ["--param", pair.as_str()]));
    let printed = program.run(&args);
    let last = printed.lines().last().unwrap();
    assert_eq!(last, "given        the secret is only after the string; md5 has it before, too");

    let eight_hours_ago: top::Date = now.parse().unwrap();
    let eight_hours_ago = eight_hours_ago.unix_seconds().unwrap() - 8 * 3600;
    let local = format!("timestamp={}", top::Date::at_platform(eight_hours_ago));
    let (refused, said) = explained(&program, &["--param", &local, "--explain"]);
    assert!(refused.contains(r#""code":31"#), "{refused}");
    assert!(said.ends_with("  the timestamp is local time at UTC+0:00; send UTC+8\n"), "{said}");
}

#[test]
fn a_stopping_server_serves_whoever_waits_for_a_place() {
    let program = Program::serve(&["--connections-max", "1"]);
    let connect = || {
        let stream = std::net::TcpStream::connect(program.address()).unwrap();
        stream.set_read_timeout(Some(WAIT)).unwrap();
        stream
    };
    let head = "POST /router/rest HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\n\r\n";
    let (mut first, _silent, mut second) = (connect(), connect(), connect());
    first.write_all([head, "format="].concat().as_bytes()).unwrap();
    second.write_all([head, "format=json"].concat().as_bytes()).unwrap();
    // Long enough for the first to be read.
    std::thread::sleep(Duration::from_millis(200));
    let pid = program.child.id().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    eventually("nobody listens", || std::net::TcpStream::connect(program.address()).is_err());
    first.write_all(b"json").unwrap();
    for mut stream in [first, second] {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("HTTP/1.1 200 OK"), "{answer}");
    }
    let mut program = program;
    assert!(program.child.wait().unwrap().success());
}
