//! Unmodified SDK clients against the running program: each sees every success, refusal and
//! rejection as it would from the real platform.
//!
//! The clients come from their own registries, at fixed versions, into the build folder.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use gateway::demo;
use serde_json::{Value, json};

use crate::alitrip_btrip_supplychain_train_callback_refund as refund;
use crate::app::{CANCEL, WRAPPER, long_payable};
use crate::program::Program;

const POSTBACK: &str = "alibaba.happytrip.flight.order.itinerary.postback";
const QUOTE: &str = "alitrip.rentcar.btb.order.cancelcheck";
const DETAIL: &str = "alitrip.btrip.flight.distribution.change.detail";

/// How a client hands over an answer.
#[derive(Clone, Copy)]
struct Client {
    name: &'static str,
    /// Whether a success comes with its response root.
    keeps_root: bool,
    /// What stands for a `sub_code` or `sub_msg` that was not sent.
    nothing: fn() -> Value,
    command: fn() -> Command,
}

const CLIENTS: [Client; 3] = [
    Client {
        name: "node-taobao-topclient",
        keeps_root: false,
        nothing: || Value::Null,
        command: || {
            let mut command = Command::new("node");
            command.arg(script("node_taobao_topclient.js")).env("NODE_PATH", node_modules());
            command
        },
    },
    Client {
        name: "taobaopy",
        keeps_root: true,
        nothing: || json!(""),
        command: || python("taobaopy_client.py"),
    },
    Client {
        name: "taobao-sdk-python3",
        keeps_root: true,
        nothing: || Value::Null,
        command: || python("taobao_sdk_python3.py"),
    },
];

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients").join(name)
}

fn python(name: &str) -> Command {
    let mut command = Command::new(python_home().join("bin/python"));
    command.arg(script(name));
    command
}

/// Where npm's clients are installed.
pub fn node_modules() -> PathBuf {
    let folder = installed("node", "node_modules/node-taobao-topclient", install_node);
    folder.join("node_modules")
}

/// The Python environment with PyPI's clients.
pub fn python_home() -> PathBuf {
    installed("python", "ready", install_python)
}

/// A folder that `install` has filled; the clients stay there between runs.
fn installed(name: &str, proof: &str, install: fn(&Path)) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let guard = ONE_AT_A_TIME.lock();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk-clients").join(name);
    if !folder.join(proof).exists() {
        std::fs::create_dir_all(&folder).unwrap();
        install(&folder);
    }
    drop(guard);
    folder
}

fn install_node(folder: &Path) {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--prefix"]).arg(folder);
    run(npm.arg("node-taobao-topclient@0.1.7"));
}

fn install_python(folder: &Path) {
    run(Command::new("python3").args(["-m", "venv"]).arg(folder));
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    run(pip.args(["taobaopy==6.0.1", "taobao-sdk-python3==1.0.9"]));
    std::fs::write(folder.join("ready"), "").unwrap();
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}; the README's test command installs what is missing")
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}

impl Client {
    /// Makes the calls, one after the other, and returns what the client made of each answer.
    fn call_all(&self, calls: &[Value]) -> Vec<Value> {
        let mut command = (self.command)();
        // The clients send the machine's local time; the platform's clock is China's.
        command.env("TZ", "Asia/Shanghai").env("NO_PROXY", "127.0.0.1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = serde_json::to_vec(calls).unwrap();
        child.stdin.take().unwrap().write_all(&input).unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let results: Option<Vec<Value>> = serde_json::from_slice(&output.stdout).ok();
        results.unwrap_or_else(|| panic!("{}: {errors}", self.name))
    }

    /// What the client should return for a success.
    fn success(&self, root: &str, members: Value) -> Value {
        if self.keeps_root { json!({ "ok": { root: members } }) } else { json!({ "ok": members }) }
    }

    /// What the client should raise for an error, its own composed message aside.
    fn error(&self, code: u16, msg: &str, sub: Option<(&str, &str)>) -> Value {
        let (sub_code, sub_msg) = match sub {
            Some((sub_code, sub_msg)) => (json!(sub_code), json!(sub_msg)),
            None => ((self.nothing)(), (self.nothing)()),
        };
        json!({"error": {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": sub_msg}})
    }
}

/// Removes what differs from run to run, once it is known to be well-formed.
fn settle(result: &mut Value) {
    if let Some(error) = result.get_mut("error") {
        let error = error.as_object_mut().unwrap();
        error.remove("message");
        for name in ["sub_code", "sub_msg"] {
            // Node leaves out what is undefined.
            error.entry(name).or_insert(Value::Null);
        }
        return;
    }
    let ok = result["ok"].as_object_mut().unwrap();
    let is_rooted = ok.len() == 1 && ok.keys().all(|name| name.ends_with("_response"));
    let members = if is_rooted { ok.values_mut().next().unwrap() } else { &mut result["ok"] };
    let members = members.as_object_mut().unwrap();
    assert!(members.remove("request_id").unwrap().as_str().unwrap().len() >= 11);
}

/// An order number that every encoding mistake would spoil.
fn awkward(client: &Client) -> String {
    format!("订单 a+b%&=c😀 {}", client.name)
}

fn call(url: &str, method: &str, params: Value) -> Value {
    json!({
        "url": url, "app_key": demo::APP_KEY, "secret": demo::SECRET, "session": demo::SESSION,
        "method": method, "params": params,
    })
}

fn wrapped(rq: Value) -> Value {
    json!({ WRAPPER: rq.to_string() })
}

fn cancel(program: &Program, id: &str) -> Value {
    call(&program.url, CANCEL, wrapped(json!({"sub_channel": "corp001", "dis_order_id": id})))
}

/// A sandbox that holds the client's awkward order.
fn sandbox(client: &Client) -> Program {
    let program = Program::serve(&[]);
    let order = long_payable(&awkward(client));
    program.run_with_input(&["order", "import", "-"], &order.to_string());
    program
}

impl Client {
    /// Makes the calls and compares what the client made of each answer.
    fn expect(&self, calls_and_results: Vec<(Value, Value)>) {
        let (calls, expected): (Vec<_>, Vec<_>) = calls_and_results.into_iter().unzip();
        let mut results = self.call_all(&calls);
        results.iter_mut().for_each(settle);
        for (result, expected) in results.into_iter().zip(expected) {
            assert_eq!(result, expected, "{}", self.name);
        }
    }

    /// Makes one call that is served, and returns the members of its answer's root.
    fn members(&self, call: Value, root: &str) -> Value {
        let mut results = self.call_all(&[call]);
        settle(&mut results[0]);
        let ok = results[0]["ok"].take();
        let members = if self.keeps_root { ok[root].clone() } else { ok };
        assert!(members.is_object(), "{}: {results:?}", self.name);
        members
    }
}

fn clock_is_read(client: &Client, program: &Program) {
    let mut clock = call(&program.url, "taobao.time.get", json!({}));
    clock["session"] = Value::Null;
    let time = client.members(clock, "time_get_response")["time"].clone();
    assert!(time.as_str().unwrap().parse::<top::Date>().is_ok(), "{}: {time}", client.name);
}

fn orders_are_cancelled(client: &Client, program: &Program) {
    let root = "alitrip_btrip_flight_distribution_order_cancel_response";
    let awkward = awkward(client);
    let first = client.members(cancel(program, &awkward), root);
    let at = first["result"]["module"]["cancel_time"].clone();
    let cancelled = json!({"result": {
        "module": {"cancel_time": at, "order_status": "10"},
        "result_code": 0, "result_msg": "成功", "success": true,
    }});
    assert_eq!(first, cancelled, "{}", client.name);
    let refused = json!({"result": {
        "module": {"fail_code": "1001", "fail_reason": "已出票不可取消", "order_status": "5"},
        "result_code": 1001, "result_msg": "取消失败", "success": false,
    }});
    client.expect(vec![
        (cancel(program, &awkward), client.success(root, cancelled)),
        (cancel(program, "test0087771"), client.success(root, refused)),
        (cancel(program, "没有这个订单"), client.success(root, not_found())),
    ]);
}

fn not_found() -> Value {
    json!({"result": {"result_code": 2001, "result_msg": "订单不存在", "success": false}})
}

fn changes_are_read(client: &Client, program: &Program) {
    let root = "alitrip_btrip_flight_distribution_change_detail_response";
    let change = |id: &str| {
        let rq =
            json!({"dis_order_id": "1234", "sub_channel": "jianhang001", "dis_sub_order_id": id});
        call(&program.url, DETAIL, wrapped(rq))
    };
    let shown = client.members(change("1234"), root);
    let module = &shown["result"]["module"];
    assert_eq!(module["status"], 2, "{}", client.name);
    assert_eq!(module["flight_info_list"]["order_flight_info"][0]["arr_city"], "北京");
    assert_eq!(module["traveler_info_list"]["order_traveler_info"][0]["passenger_name"], "张三");
    client.expect(vec![(change("no-such-change"), client.success(root, not_found()))]);
}

fn rejections_are_raised(client: &Client, program: &Program) {
    let url = program.url.as_str();
    let with = |name: &str, value: Value| {
        let mut call = cancel(program, "1");
        call[name] = value;
        call
    };
    let invalid = format!("非法参数: {WRAPPER}.dis_order_id");
    let no_order = call(url, CANCEL, wrapped(json!({"sub_channel": "corp001"})));
    let no_json = call(url, CANCEL, json!({WRAPPER: "{'sub_channel':'corp001'}"}));
    let missing = format!("Missing required arguments:{WRAPPER}");
    let malformed = format!("Invalid arguments:{WRAPPER}");
    let session = Some(("invalid-sessionkey", "SessionKey非法"));
    let parameter = Some(("isv.invalid-parameter", invalid.as_str()));
    client.expect(vec![
        (call(url, CANCEL, json!({})), client.error(40, &missing, None)),
        (no_json, client.error(41, &malformed, None)),
        (no_order, client.error(50, "Remote service error", parameter)),
        (with("session", Value::Null), client.error(26, "Missing session", None)),
        (with("session", json!("nobody's")), client.error(27, "Invalid session", session)),
        (with("secret", json!("wrong")), client.error(25, "Invalid signature", None)),
        (call(url, "alitrip.nope", json!({})), client.error(22, "Invalid method", None)),
    ]);
}

fn flow_control_is_raised(client: &Client, program: &Program) {
    let few = program.add_limited("few");
    let mut limited = cancel(program, "1");
    limited["app_key"] = json!("few");
    (limited["secret"], limited["session"]) = (json!(few.secret), json!(few.session));
    let mut results = client.call_all(&[limited]);
    settle(&mut results[0]);
    let ban = results[0]["error"]["sub_msg"].take();
    let ban = ban.as_str().unwrap();
    let seconds =
        ban.strip_prefix("This ban will last for ").and_then(|b| b.strip_suffix(" more seconds"));
    assert!(seconds.unwrap().parse::<u32>().unwrap() <= 86_400, "{ban}");
    results[0]["error"]["sub_msg"] = json!("checked");
    let by_day = "accesscontrol.limited-by-app-access-count";
    let expected = client.error(7, "App Call Limited", Some((by_day, "checked")));
    assert_eq!(results[0], expected, "{}", client.name);
}

fn rentals_are_quoted(client: &Client, program: &Program) {
    let root = "alitrip_rentcar_btb_order_cancelcheck_response";
    let rental = |order_id: &str| {
        let req = json!({
            "trace_id": "2147b30d16692118671772754ed701", "order_id": order_id,
            "out_order_id": "gaode123456", "exts": "{\"key\":\"value\"}", "channel_id": "80001",
        });
        let params = json!({"rent_car_b2b_check_cancel_order_req": req.to_string()});
        call(&program.url, QUOTE, params)
    };
    let quoted = client.members(rental("fz1234567"), root);
    assert_eq!(quoted["cancel_fee"], "0.00", "{}: {quoted}", client.name);
    assert_eq!(quoted["cancel_message"], "距取车时间不少于72小时,可免费取消");
    let missing = json!({"successful": false, "ret_code": "4002", "ret_msg": "订单不存在"});
    client.expect(vec![(rental("fz0000000"), client.success(root, missing))]);
}

fn receipts_are_taken(client: &Client, program: &Program) {
    let root = "alibaba_happytrip_flight_order_itinerary_postback_response";
    let receipts = |ticket: &str| {
        let request = json!({
            "out_relation_order_id": "123421342134", "tes_head_id": "3021342134",
            "ticket_no_list": [ticket], "emp_no": "322558", "cwt_account_no": "12342134",
            "ht_user_id": "123421",
        });
        call(&program.url, POSTBACK, json!({"flight_itinerary_request": request.to_string()}))
    };
    let content = |row: Value| json!({ "tickets": [row] }).to_string();
    let known = json!({"ticket_no": "23142134", "number": "23142134", "result": "synced"});
    let taken = json!({"ht_success": true, "ht_error_code": "0", "content": content(known)});
    let bad = json!({"ticket_no": "票", "result": "refused"});
    let refused = json!({
        "ht_success": false, "ht_error_code": "HT-1002", "content": content(bad),
        "error_msg": "票号格式错误",
    });
    client.expect(vec![
        (receipts("23142134"), client.success(root, taken)),
        (receipts("票"), client.success(root, refused)),
    ]);
}

fn refunds_are_reported(client: &Client, program: &Program) {
    let root = "alitrip_btrip_supplychain_train_callback_refund_response";
    let report = |callback: &Value| {
        call(&program.url, refund::METHOD, json!({refund::WRAPPER: callback.to_string()}))
    };
    let data = json!({"order_id": "123456789", "supplier_order_id": "12345678"});
    let taken = json!({"data": data, "result_code": "200", "status": "true", "result_msg": "成功"});
    let mut other = refund::page();
    other["order_id"] = "987654321".into();
    let msg = "订单不存在: refund_call_back_param.order_id 没有这个编号";
    let missing = json!({"result_code": "404", "status": "false", "result_msg": msg});
    client.expect(vec![
        (report(&refund::page()), client.success(root, taken)),
        (report(&other), client.success(root, missing)),
    ]);
}

fn check(client: Client) {
    let program = sandbox(&client);
    clock_is_read(&client, &program);
    orders_are_cancelled(&client, &program);
    changes_are_read(&client, &program);
    rejections_are_raised(&client, &program);
    flow_control_is_raised(&client, &program);
    rentals_are_quoted(&client, &program);
    receipts_are_taken(&client, &program);
    refunds_are_reported(&client, &program);
}

#[test]
fn node_taobao_topclient_sees_the_platform() {
    check(CLIENTS[0]);
}

#[test]
fn taobaopy_sees_the_platform() {
    check(CLIENTS[1]);
}

#[test]
fn taobao_sdk_python3_sees_the_platform() {
    check(CLIENTS[2]);
}
