//! Every client × every travel method × every kind of answer, each compared whole as the client
//! hands it over; and the table of it in `docs/compatibility.md`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use gateway::demo;
use serde_json::{Value, json};

use super::sent::{self, Sent};
use super::{CLIENTS, Client};
use crate::alitrip_btrip_supplychain_train_callback_refund as refund;
use crate::app::{CANCEL, WRAPPER, long_payable};
use crate::program::Program;

/// Set to have the table written instead of compared: `dev/compatibility` does.
pub const ACCEPT: &str = "TRIPWRIGHT_TEST_ACCEPT";

/// An answer as the platform says it, before any client has read it.
#[derive(Clone)]
pub enum Answer {
    Success { root: String, members: Value },
    Error(Value),
}

impl Answer {
    /// An error without or with `sub_code` and `sub_msg`.
    fn error(code: u16, msg: &str, sub: Option<(&str, &str)>) -> Self {
        let mut error = json!({"code": code, "msg": msg, "request_id": "RID"});
        if let Some((sub_code, sub_msg)) = sub {
            error["sub_code"] = sub_code.into();
            error["sub_msg"] = sub_msg.into();
        }
        Self::Error(error)
    }

    /// All of it, as a client that changes nothing returns it.
    pub fn whole(&self) -> Value {
        match self {
            Self::Success { root, members } => json!({ "ok": { root: members } }),
            Self::Error(error) => json!({ "ok": { "error_response": error } }),
        }
    }
}

/// A published method: what is served, what is refused, and what is not even looked at.
struct Travel {
    name: &'static str,
    wrapper: &'static str,
    needs_session: bool,
    good: Value,
    /// Absent where it is whatever the wire says.
    success: Option<Value>,
    bad: Value,
    refusal: Value,
    /// A member that must be there.
    needed: &'static str,
}

impl Travel {
    fn root(&self) -> String {
        format!("{}_response", self.name.replace('.', "_"))
    }

    fn call(&self, program: &Program, rq: &Value) -> Value {
        call(&program.url, self.name, json!({ self.wrapper: rq.to_string() }))
    }

    fn answer(&self, members: &Value) -> Answer {
        let mut members = members.clone();
        members["request_id"] = "RID".into();
        Answer::Success { root: self.root(), members }
    }
}

pub fn call(url: &str, method: &str, params: Value) -> Value {
    json!({
        "url": url, "app_key": demo::APP_KEY, "secret": demo::SECRET, "session": demo::SESSION,
        "method": method, "params": params,
    })
}

/// An order number that every encoding mistake would spoil.
fn awkward(client: &Client) -> String {
    format!("订单 a+b%&=c😀 {}", client.name)
}

/// A sandbox that holds the client's awkward order.
fn sandbox(client: &Client) -> Program {
    let program = Program::serve(&[]);
    let order = long_payable(&awkward(client));
    program.run_with_input(&["order", "import", "-"], &order.to_string());
    program
}

fn not_found() -> Value {
    json!({"result": {"result_code": 2001, "result_msg": "订单不存在", "success": false}})
}

fn flights(client: &Client) -> [Travel; 2] {
    let order = |id: &str| json!({"sub_channel": "corp001", "dis_order_id": id});
    let change = |id: &str| json!({"dis_order_id": "1234", "sub_channel": "jianhang001", "dis_sub_order_id": id});
    [
        Travel {
            name: CANCEL,
            wrapper: WRAPPER,
            needs_session: true,
            good: order(&awkward(client)),
            success: Some(json!({"result": {
                "module": {"cancel_time": "TIME", "order_status": "10"},
                "result_code": 0, "result_msg": "成功", "success": true,
            }})),
            bad: order("test0087771"),
            refusal: json!({"result": {
                "module": {"fail_code": "1001", "fail_reason": "已出票不可取消", "order_status": "5"},
                "result_code": 1001, "result_msg": "取消失败", "success": false,
            }}),
            needed: "dis_order_id",
        },
        Travel {
            name: "alitrip.btrip.flight.distribution.change.detail",
            wrapper: WRAPPER,
            needs_session: true,
            good: change("1234"),
            success: None,
            bad: change("no-such-change"),
            refusal: not_found(),
            needed: "dis_sub_order_id",
        },
    ]
}

fn quote() -> Travel {
    let rental = |order_id: &str| {
        json!({
            "trace_id": "2147b30d16692118671772754ed701", "order_id": order_id,
            "out_order_id": "gaode123456", "exts": "{\"key\":\"value\"}", "channel_id": "80001",
        })
    };
    Travel {
        name: "alitrip.rentcar.btb.order.cancelcheck",
        wrapper: "rent_car_b2b_check_cancel_order_req",
        needs_session: false,
        good: rental("fz1234567"),
        success: Some(json!({
            "cancel_message": "距取车时间不少于72小时,可免费取消", "successful": true,
            "ret_code": "0", "cancel_fee": "0.00", "exts": "EXTS", "ret_msg": "成功",
        })),
        bad: rental("fz0000000"),
        refusal: json!({"successful": false, "ret_code": "4002", "ret_msg": "订单不存在"}),
        needed: "channel_id",
    }
}

fn postback() -> Travel {
    let receipts = |ticket: &str| {
        json!({
            "out_relation_order_id": "123421342134", "tes_head_id": "3021342134",
            "ticket_no_list": [ticket], "emp_no": "322558", "cwt_account_no": "12342134",
            "ht_user_id": "123421",
        })
    };
    let content = |row: Value| json!({ "tickets": [row] }).to_string();
    let known = json!({"ticket_no": "23142134", "number": "23142134", "result": "synced"});
    let refused = json!({"ticket_no": "票", "result": "refused"});
    Travel {
        name: "alibaba.happytrip.flight.order.itinerary.postback",
        wrapper: "flight_itinerary_request",
        needs_session: false,
        good: receipts("23142134"),
        success: Some(json!({"ht_success": true, "ht_error_code": "0", "content": content(known)})),
        bad: receipts("票"),
        refusal: json!({
            "ht_success": false, "ht_error_code": "HT-1002", "content": content(refused),
            "error_msg": "票号格式错误",
        }),
        needed: "out_relation_order_id",
    }
}

fn refund() -> Travel {
    let data = json!({"order_id": "123456789", "supplier_order_id": "12345678"});
    let mut other = refund::page();
    other["order_id"] = "987654321".into();
    let msg = "订单不存在: refund_call_back_param.order_id 没有这个编号";
    Travel {
        name: refund::METHOD,
        wrapper: refund::WRAPPER,
        needs_session: true,
        good: refund::page(),
        success: Some(
            json!({"data": data, "result_code": "200", "status": "true", "result_msg": "成功"}),
        ),
        bad: other,
        refusal: json!({"result_code": "404", "status": "false", "result_msg": msg}),
        needed: "order_id",
    }
}

fn travels(client: &Client) -> [Travel; 5] {
    let [cancel, detail] = flights(client);
    [cancel, detail, quote(), postback(), refund()]
}

/// The kinds of answer, as the table calls them.
const KINDS: [&str; 6] =
    ["success", "refusal", "rejection", "flow control", "bad session", "wrong sign"];

/// One call with the answer it must get.
struct Case {
    kind: &'static str,
    call: Value,
    answer: Answer,
}

/// Every kind of answer of one method; a rejection comes in two forms, with a sub_code and without.
fn cases(travel: &Travel, program: &Program, limited: &Limited) -> Vec<Case> {
    let good = travel.call(program, &travel.good);
    let with = |members: &[(&str, &str)]| {
        let mut call = good.clone();
        members.iter().for_each(|(name, value)| call[*name] = (*value).into());
        call
    };
    let success = || match &travel.success {
        Some(members) => travel.answer(members),
        None => on_the_wire(program, travel),
    };
    let mut unfit = travel.good.clone();
    unfit.as_object_mut().unwrap().remove(travel.needed);
    let path = format!("非法参数: {}.{}", travel.wrapper, travel.needed);
    let rejected =
        Answer::error(50, "Remote service error", Some(("isv.invalid-parameter", &path)));
    let missing = format!("Missing required arguments:{}", travel.wrapper);
    let ban = "This ban will last for N more seconds";
    let banned = ("accesscontrol.limited-by-app-access-count", ban);
    let session = ("invalid-sessionkey", "SessionKey非法");
    let stranger = match travel.needs_session {
        true => Answer::error(27, "Invalid session", Some(session)),
        false => success(),
    };
    let as_limited =
        [("app_key", "few"), ("secret", &limited.secret), ("session", &limited.session)];
    let case = |kind, call, answer| Case { kind, call, answer };
    vec![
        case(KINDS[0], good.clone(), success()),
        case(KINDS[1], travel.call(program, &travel.bad), travel.answer(&travel.refusal)),
        case(KINDS[2], travel.call(program, &unfit), rejected),
        case(
            KINDS[2],
            call(&program.url, travel.name, json!({})),
            Answer::error(40, &missing, None),
        ),
        case(KINDS[3], with(&as_limited), Answer::error(7, "App Call Limited", Some(banned))),
        case(KINDS[4], with(&[("session", "nobody's")]), stranger),
        case(KINDS[5], with(&[("secret", "wrong")]), Answer::error(25, "Invalid signature", None)),
    ]
}

/// What is said of other methods and other faults, and again of an order that was cancelled.
fn further(travels: &[Travel], program: &Program) -> Vec<Case> {
    let cancel = &travels[0];
    let good = cancel.call(program, &cancel.good);
    let no_json = json!({ cancel.wrapper: "{'sub_channel':'corp001'}" });
    let malformed = format!("Invalid arguments:{}", cancel.wrapper);
    let mut sessionless = good.clone();
    sessionless["session"] = Value::Null;
    let mut clock = call(&program.url, "taobao.time.get", json!({}));
    clock["session"] = Value::Null;
    let now = json!({"time": "TIME", "request_id": "RID"});
    let time = Answer::Success { root: "time_get_response".into(), members: now };
    let case = |call, answer| Case { kind: "further", call, answer };
    vec![
        case(good, cancel.answer(cancel.success.as_ref().unwrap())),
        case(call(&program.url, cancel.name, no_json), Answer::error(41, &malformed, None)),
        case(sessionless, Answer::error(26, "Missing session", None)),
        case(
            call(&program.url, "alitrip.nope", json!({})),
            Answer::error(22, "Invalid method", None),
        ),
        case(clock, time),
    ]
}

type Limited = crate::program::Credentials;

/// What is said without any of the clients: dates in it are those of the day.
fn on_the_wire(program: &Program, travel: &Travel) -> Answer {
    let param = format!("{}={}", travel.wrapper, travel.good);
    let (served, text) = program.call(travel.name, &["--param", &param]);
    let mut answer: Value = serde_json::from_str(&text).unwrap();
    settle(&mut answer);
    let members = answer[travel.root()].take();
    assert!(served && members["result"]["module"].is_object(), "{text}");
    Answer::Success { root: travel.root(), members }
}

/// Puts a word for what differs from run to run, once it is known to be well-formed.
fn settle(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let text = member.as_str().unwrap_or_default();
                match name.as_str() {
                    "request_id" if (11..=13).contains(&text.len()) => *member = "RID".into(),
                    "cancel_time" | "time" if text.parse::<top::Date>().is_ok() => {
                        *member = "TIME".into()
                    }
                    "exts" if is_quote(text) => *member = "EXTS".into(),
                    _ => settle(member),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(settle),
        Value::String(text) => {
            let parts = text.split_once("This ban will last for ");
            if let Some((before, (seconds, after))) =
                parts.and_then(|(before, rest)| Some((before, rest.split_once(' ')?)))
            {
                assert!(seconds.parse::<u32>().unwrap() <= 86_400, "{text}");
                *text = format!("{before}This ban will last for N {after}");
            }
        }
        _ => {}
    }
}

/// Whether a text is what a quote says of itself; its number and hour are new every time.
fn is_quote(text: &str) -> bool {
    let Ok(Value::Object(quote)) = serde_json::from_str(text) else { return false };
    let fixed = |name: &str| quote.get(name).cloned().unwrap_or_default();
    let fresh = ["expires_at", "quote_id"].iter().all(|name| fixed(name).is_string());
    let same = fixed("base") == "770.00" && fixed("percent") == 0 && fixed("tier") == "72h";
    fresh && same && quote.len() == 5
}

/// What a client's run has shown.
struct Shown {
    /// For each kind of answer and each method, what the caller got, in a word or two.
    cells: Vec<Vec<String>>,
    sent: Sent,
}

/// Runs a client through everything, once however often it is asked for.
fn shown(at: usize) -> &'static Shown {
    static SHOWN: [OnceLock<Shown>; CLIENTS.len()] = [const { OnceLock::new() }; CLIENTS.len()];
    SHOWN[at].get_or_init(|| {
        let client = &CLIENTS[at];
        let program = sandbox(client);
        let limited = program.add_limited("few");
        let travels = travels(client);
        let mut cases: Vec<Vec<Case>> =
            travels.iter().map(|travel| cases(travel, &program, &limited)).collect();
        cases.push(further(&travels, &program));
        let calls: Vec<Value> = cases.iter().flatten().map(|case| case.call.clone()).collect();
        let mut results = client.call_all(&calls).into_iter();
        let mut cells = vec![vec![String::new(); travels.len()]; KINDS.len()];
        for (column, cases) in cases.iter().enumerate() {
            for case in cases {
                let mut result = results.next().unwrap();
                settle(&mut result);
                let expected = (client.hands_over)(&case.answer);
                assert_eq!(result, expected, "{} {}", client.name, case.call);
                if column == travels.len() {
                    continue;
                }
                let row = KINDS.iter().position(|kind| *kind == case.kind).unwrap();
                let cell = &mut cells[row][column];
                cell.push_str(if cell.is_empty() { "" } else { ", " });
                cell.push_str(&word(&result, &case.answer));
            }
        }
        Shown { cells, sent: sent::of(client, &program) }
    })
}

/// What a caller got, in a word or two.
fn word(result: &Value, answer: &Answer) -> String {
    let shown = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
    let error = &result["error"];
    if let Some(number) = error.get("code").or(error.get("status_code")) {
        return format!("raises {}", shown(number));
    }
    if let Some(code) = result["ok"].pointer("/error_response/code") {
        return format!("**returns** error {code}");
    }
    let Answer::Success { members, .. } = answer else { panic!("{result}") };
    let code = ["/result/result_code", "/result_code", "/ret_code", "/ht_error_code"];
    let code = code.iter().find_map(|path| members.pointer(path)).unwrap();
    format!("returns {}", shown(code))
}

fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md")
}

/// Compares what is between the markers of the document with what a run has shown, or writes it.
pub fn keep(mark: &str, table: &str) {
    // Two tables of one document must not be written at once.
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let text = std::fs::read_to_string(document()).unwrap();
    let (begin, end) = (format!("<!-- {mark}: begin -->\n"), format!("<!-- {mark}: end -->"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (committed, after) = rest.split_once(&end).unwrap();
    if std::env::var_os(ACCEPT).is_some() {
        std::fs::write(document(), format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else {
        let mend = "docs/compatibility.md is not what this run shows; `bash dev/compatibility`";
        assert_eq!(committed, table, "{mend}");
    }
}

#[test]
fn node_taobao_topclient_sees_the_platform() {
    shown(0);
}

#[test]
fn topsdk_sees_the_platform() {
    shown(1);
}

#[test]
fn taobaopy_sees_the_platform() {
    shown(2);
}

#[test]
fn taobao_sdk_python3_sees_the_platform() {
    shown(3);
}

#[test]
fn py_taobao_open_sees_the_platform() {
    shown(4);
}

#[test]
fn pytaobao_sees_the_platform() {
    shown(5);
}

#[test]
fn the_clients_table_is_what_the_clients_show() {
    let mut table = String::from(
        "| client | kind | cancel | change.detail | cancelcheck | postback | refund |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for (at, client) in CLIENTS.iter().enumerate() {
        for (kind, cells) in KINDS.iter().zip(&shown(at).cells) {
            let cells = cells.join(" | ");
            writeln!(table, "| {} {} | {kind} | {cells} |", client.name, client.version()).unwrap();
        }
    }
    keep("matrix", &table);
}

#[test]
fn the_table_of_what_clients_send_is_what_they_send() {
    let mut table = format!("| client | {} |\n|---{}|\n", Sent::HEADS.join(" | "), {
        "|---".repeat(Sent::HEADS.len())
    });
    for (at, client) in CLIENTS.iter().enumerate() {
        writeln!(table, "| {} | {} |", client.name, shown(at).sent.cells().join(" | ")).unwrap();
    }
    table.push('\n');
    for (at, client) in CLIENTS.iter().enumerate() {
        for quirk in &shown(at).sent.quirks {
            writeln!(table, "- {}: {quirk}.", client.name).unwrap();
        }
    }
    keep("sent", &table);
}
