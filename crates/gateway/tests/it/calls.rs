//! The journal of calls, what is counted of them, and the pages and numbers that show it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use domain::Pii;
use domain::access::{Entitlement, PartnerKey, Quota};
use gateway::calls::{self, Check, Passed, Story};
use gateway::demo;
use serde_json::{Value, json};
use store::Call;
use top::form;

use crate::alitrip_btrip_supplychain_train_callback_refund as refund;
use crate::app::{App, CANCEL, Form, NOW_TEXT, Reply, WRAPPER, payable, public, send, sign_md5};
use crate::clients::python_home;
use crate::oauth::code;
use crate::postgres;
use crate::program::Program;

const TIME: &str = "taobao.time.get";

/// A browser that is signed in, and reads English.
pub struct Console {
    admin: SocketAddr,
    cookie: String,
}

impl Console {
    pub fn of(admin: SocketAddr) -> Self {
        let form = form::encode([("name", demo::ACCOUNT), ("password", demo::ACCOUNT)]);
        let head = "POST /console/login HTTP/1.1\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\n";
        let reply = send(admin, head, form.as_bytes());
        let cookie = reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        Self { admin, cookie }
    }

    /// A page as it is.
    pub fn page(&self, path: &str) -> String {
        let Self { admin, cookie } = self;
        let head = format!(
            "GET {path} HTTP/1.1\r\nCookie: {cookie}; tripwright_lang=en\r\nAccept-Encoding: identity\r\n"
        );
        let reply = send(*admin, &head, b"");
        assert_eq!(reply.status, 200, "{path}: {}", reply.head);
        reply.body().to_owned()
    }

    /// What a person reads of a page's body, a line for each that it has.
    fn read(&self, path: &str) -> Vec<String> {
        let page = self.page(path);
        let main = page.split("<main id=\"main\">").nth(1).unwrap();
        let mut text = String::new();
        let mut is_tag = false;
        for character in main.split("</main>").next().unwrap().chars() {
            match character {
                '<' => is_tag = true,
                '>' => is_tag = false,
                other if !is_tag => text.push(other),
                _ => {}
            }
        }
        let text = text.replace("&#34;", "\"").replace("&#38;", "&");
        text.lines()
            .map(|line| line.trim_end().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    }

    /// The links of the calls that are listed, newest first.
    pub fn listed(&self, path: &str) -> Vec<String> {
        let page = self.page(path);
        let links = page.split("href=\"/console/calls/").skip(1);
        links.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    }
}

fn console(app: &App) -> Console {
    Console::of(app.running().admin)
}

/// The request id of an answer.
fn id(reply: &Reply) -> String {
    let body = reply.body();
    let marks = [r#""request_id":""#, "<request_id>"];
    let rest = marks.iter().find_map(|mark| body.split(mark).nth(1)).unwrap();
    rest.split(['"', '<']).next().unwrap().to_owned()
}

/// A call and its story, written by now.
fn story(app: &App, id: &str) -> (Call, Story) {
    let cx = app.context();
    app.runtime.block_on(async {
        cx.journal.write(&cx.store).await.unwrap();
        calls::find(&cx.store, id).await.unwrap().unwrap()
    })
}

/// The check that stopped a call; every one before it was passed or not needed, none after it reached.
fn stopped(call: &Call, story: &Story) -> Option<Check> {
    let checks = story.checks(&call.outcome);
    let end = checks.iter().position(|(_, passed)| *passed == Passed::No);
    let (before, after) = checks.split_at(end.unwrap_or(checks.len()));
    assert!(before.iter().all(|(_, passed)| [Passed::Yes, Passed::NotNeeded].contains(passed)));
    assert!(after.iter().skip(1).all(|(_, passed)| *passed == Passed::NotReached), "{checks:?}");
    end.map(|end| checks[end].0)
}

fn cancel_of(dis_order_id: &str) -> (&'static str, String) {
    (WRAPPER, json!({"sub_channel": "corp001", "dis_order_id": dis_order_id}).to_string())
}

type Params = Vec<(&'static str, String)>;

/// A cancel by the demo app, edited before it is signed.
fn edited(edit: impl FnOnce(&mut Params)) -> Params {
    let mut params = public(CANCEL);
    params.extend([("format", "json".to_owned()), cancel_of("demo-payable")]);
    edit(&mut params);
    params
}

fn set(params: &mut Params, name: &'static str, value: &str) {
    params.retain(|(other, _)| *other != name);
    params.push((name, value.to_owned()));
}

#[test]
fn every_rejection_has_its_story_with_the_check_that_stopped_it() {
    let app = App::start();
    app.add_app("closed", |app| app.methods = Entitlement::Only([].into()));
    app.add_app("used", |app| app.quota = Quota { calls_per_day: Some(0), ..app.quota });
    let of = |key: &'static str| {
        edited(|params| {
            set(params, "app_key", key);
            set(params, "session", &format!("{key}-session"));
        })
    };
    let with = |name: &'static str, value: &str| edited(|params| set(params, name, value));
    let without = |name: &str| edited(|params| params.retain(|(other, _)| *other != name));
    let limited = "accesscontrol.limited-by-app-access-count";
    #[rustfmt::skip]
    let table: [(Params, &str, i64, Option<&str>, Check); 14] = [
        (with("format", "yaml"),      "test", 23, None, Check::Form),
        (without("app_key"),          "test", 28, None, Check::App),
        (with("app_key", "nobody"),   "test", 29, Some("isv.appkey-not-exists"), Check::App),
        (without("method"),           "test", 21, None, Check::Method),
        (with("method", "no.such"),   "test", 22, None, Check::Method),
        (with("v", "3.0"),            "test", 34, None, Check::Version),
        (with("timestamp", "x"),      "test", 31, None, Check::Timestamp),
        (with("sign_method", "none"), "test", 25, None, Check::Sign),
        (with("v", "2.0"),            "nope", 25, None, Check::Sign),
        (of("closed"), "closed-secret", 11, Some("isv.permission-api-package-limit"), Check::Permission),
        (with("session", "nope"),     "test", 27, Some("invalid-sessionkey"), Check::Session),
        (of("used"),   "used-secret",    7, Some(limited), Check::Quota),
        (without(WRAPPER),            "test", 40, None, Check::Parameters),
        (with(WRAPPER, "{}"),         "test", 50, Some("isv.invalid-parameter"), Check::Parameters),
    ];
    for (params, secret, code, sub_code, check) in table {
        let (call, story) = story(&app, &id(&app.send_signed(&params, secret)));
        let got = (call.outcome.as_str(), call.code, call.sub_code.as_deref());
        assert_eq!(got, ("rejected", Some(code), sub_code), "{params:?}");
        assert_eq!(stopped(&call, &story), Some(check), "{params:?}");
        assert_eq!((call.result, story.answer, story.place), (None, None, None));
    }
    let read = console(&app).read("/console/calls?outcome=ok");
    assert!(read.contains(&"No calls like these.".to_owned()), "{read:?}");
    // What cannot be read at all has no parameters to show.
    let reply = app.send(
        "POST /router/rest HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n",
        b"a=%ff",
    );
    let (call, story) = story(&app, &id(&reply));
    assert_eq!(
        (call.code, stopped(&call, &story), story.params),
        (Some(47), Some(Check::Form), None)
    );
    let reply = app.send("PUT /router/rest HTTP/1.1\r\n", b"");
    let (call, story) = self::story(&app, &id(&reply));
    assert_eq!((call.code, stopped(&call, &story)), (Some(9), Some(Check::Form)));
    assert_eq!(story.verb, "other");
}

#[test]
fn our_own_fault_says_so_and_leaves_the_why_to_the_log() {
    let app = App::start();
    app.add_app("rail", |app| {
        let key = Pii::new("no key at all".to_owned());
        let scheme = "ecb/pkcs7/hex".into();
        app.partner_keys = vec![PartnerKey { key_id: "k1".parse().unwrap(), key, scheme }];
    });
    let mut params = public(refund::METHOD);
    set(&mut params, "app_key", "rail");
    set(&mut params, "session", "rail-session");
    params.push((refund::WRAPPER, refund::page().to_string()));
    let (call, story) = story(&app, &id(&app.send_signed(&params, "rail-secret")));
    let got = (call.outcome.as_str(), call.code, call.sub_code.as_deref());
    assert_eq!(got, ("fault", Some(50), Some("isp.unknown-error")));
    assert_eq!(stopped(&call, &story), Some(Check::Rules));
    let page = console(&app).page(&format!("/console/calls/{}", call.request_id));
    assert!(page.contains("This was our own fault; the log tells why"), "{page}");
    assert!(!page.contains("unusable") && !page.contains("no key at all"), "{page}");
}

#[test]
fn a_cancel_shows_what_was_asked_and_answered_and_what_it_changed() {
    let app = App::start();
    for (form, name) in
        [(Form::Xml, "xml"), (Form::Json, "json"), (Form::Simplified, "json, simplified")]
    {
        let order = format!("order-{}", name.len());
        app.import(|it| it["booking"]["key"]["dis_order_id"] = order.as_str().into());
        let id = id(&app.cancel_as(form, "corp001", &order));
        let (call, story) = story(&app, &id);
        assert_eq!(stopped(&call, &story), None);
        let expected = format!(
            "Call {id} served
Time (UTC+8)2026-03-01 09:00:00.000
app_keytest
Method{CANCEL}
Sent byPOST
Format{name}
Cost0 µs
Address127.0.0.1
Business resultresult_code 0, success true
Checks
Form of the request passed
App key passed
Method passed
Protocol version (v) passed
Timestamp passed
Signature (sign) passed
Permission for the method passed
Session passed
Flow control passed
Business parameters passed
Business rules passed
Parameters
What is about a person, or sealed, reads ***; of what is not declared only the length is shown.
NameValue
app_keytest
FORMATmethod{CANCEL}
{WRAPPER}{{
  \"dis_order_id\": \"{order}\",
  \"sub_channel\": \"corp001\"
}}
session***
signSIGN
sign_methodmd5
SIMPLIFYtimestamp{NOW_TEXT}
v2.0
Answer
{{
  \"result\": {{
    \"module\": {{
      \"cancel_time\": \"{NOW_TEXT}\",
      \"order_status\": \"10\"
    }},
    \"result_code\": 0,
    \"result_msg\": \"成功\",
    \"success\": true
  }}
}}
What it changed
flight/test/corp001/{order}
VersionChangeTime (UTC+8)
2cancel2026-03-01 09:00:00.000"
        );
        let sign = story.params.unwrap().into_iter().find(|(name, _)| name == "sign").unwrap().1;
        assert_eq!(sign.len(), 32, "{sign}");
        let of = |name: &str| {
            let given = form.params().iter().find(|(other, _)| *other == name);
            given.map_or(String::new(), |(name, value)| format!("{name}{value}\n"))
        };
        let expected =
            expected.replace("FORMAT", &of("format")).replace("SIMPLIFY", &of("simplify"));
        // XML has no types: what is a number there is the text of one.
        let expected = match form {
            Form::Xml => expected
                .replace("\"result_code\": 0", "\"result_code\": \"0\"")
                .replace("\"success\": true", "\"success\": \"true\""),
            Form::Json | Form::Simplified => expected,
        };
        let read = console(&app).read(&format!("/console/calls/{id}"));
        assert_eq!(read[1..].join("\n"), expected.replace("SIGN", &sign));
    }
    // The second time nothing changes, and the page says so.
    let again = id(&app.cancel("corp001", "order-4"));
    story(&app, &again);
    let read = console(&app).read(&format!("/console/calls/{again}"));
    assert!(read.contains(&"No order was changed.".to_owned()), "{read:?}");
}

#[test]
fn a_wrong_sign_is_explained_in_the_sandbox_and_never_in_production() {
    for (flags, is_explained) in
        [(&["--calls-kept", "9"][..], true), (&["--calls-kept", "9", "--production"], false)]
    {
        let app = App::with(flags);
        app.add_app("bank", |_| {});
        let params = edited(|params| set(params, "app_key", "bank"));
        let borrowed: Vec<_> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let unsigned: Vec<_> = borrowed.iter().copied().filter(|(name, _)| *name != "v").collect();
        let sign = sign_md5(&unsigned, "bank-secret");
        let sent = borrowed.iter().copied().chain([("sign", sign.as_str())]);
        let (call, story) = story(&app, &id(&app.post_form(&form::encode(sent))));
        assert_eq!(stopped(&call, &story), Some(Check::Sign));
        let rq_bytes = cancel_of("demo-payable").1.len();
        let signed = format!(
            "***app_keybankformatjsonmethod{CANCEL}{WRAPPER}‹{rq_bytes} bytes›session‹57 bytes›\
             sign_methodmd5timestamp{NOW_TEXT}v2.0***"
        );
        let expected = is_explained.then(|| ("sent but not signed: v".to_owned(), signed));
        assert_eq!(story.mistake.zip(story.signed), expected);
    }
}

#[test]
fn each_call_of_a_batch_has_a_story_and_so_has_a_batch_that_is_refused() {
    let app = App::start();
    let batch = |body: &str, secret: &str| {
        let query = [
            ("app_key", "test"),
            ("format", "json"),
            ("session", demo::SESSION),
            ("sign_method", "md5"),
            ("timestamp", NOW_TEXT),
            ("v", "2.0"),
        ];
        let secret = top::sign::Secret::new(secret);
        let pairs = query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let params = top::Params::from_pairs(pairs);
        let sign = secret.sign(top::SignMethod::Md5, params.iter(), body.as_bytes());
        let query = form::encode(query.into_iter().chain([("sign", sign.as_str())]));
        let head = format!(
            "POST /router/batch?{query} HTTP/1.1\r\nContent-Type: text/plain;charset=UTF-8\r\n"
        );
        app.send(&head, body.as_bytes())
    };
    let (name, rq) = cancel_of("demo-payable");
    let items = [
        form::encode([("method", CANCEL), (name, rq.as_str())]),
        form::encode([("method", "no.such")]),
        form::encode([("method", TIME)]),
    ];
    let reply = batch(&items.join("\r\n-S-\r\n"), demo::SECRET);
    let ids = reply.body().split(r#""request_id":""#).skip(1).map(|rest| rest[..12].to_owned());
    let ids: Vec<_> = ids.collect();
    let found: Vec<_> = ids.iter().map(|id| story(&app, id)).collect();
    let facts = found.iter().map(|(call, story)| {
        (call.outcome.as_str(), call.method.as_deref(), story.batch_item, stopped(call, story))
    });
    assert_eq!(
        facts.collect::<Vec<_>>(),
        [
            ("ok", Some(CANCEL), Some(1), None),
            ("rejected", None, Some(2), Some(Check::Method)),
            ("ok", Some(TIME), Some(3), None),
        ]
    );
    let place = ("flight", "test/corp001", "demo-payable");
    let place = Some((place.0.to_owned(), place.1.to_owned(), place.2.to_owned()));
    assert_eq!(found[0].1.place, place);
    // Signed as a whole, the sign is nobody's in particular.
    let order = found[0].1.checks("ok").into_iter().map(|(check, _)| check).collect::<Vec<_>>();
    assert!(
        order.iter().position(|it| *it == Check::Sign)
            < order.iter().position(|it| *it == Check::Method)
    );

    let (call, story) = story(&app, &id(&batch(&items[2], "nope")));
    assert_eq!((story.batch_item, stopped(&call, &story)), (Some(0), Some(Check::Sign)));
    let (call, story) = self::story(&app, &id(&batch("", demo::SECRET)));
    assert_eq!((story.batch_item, stopped(&call, &story)), (Some(0), Some(Check::Batch)));
    assert_eq!(story.body_bytes, 0);
    assert_eq!(console(&app).listed("/console/calls").len(), 5);
}

#[test]
fn calls_are_found_by_what_they_are_and_shown_a_page_at_a_time() {
    let app = App::start();
    app.add_app("bank", |_| {});
    let mut served = Vec::new();
    for at in 0..60 {
        app.set_clock(&format!("2026-03-01T01:00:{at:02}Z"));
        served.insert(0, id(&app.call(TIME, &[])));
    }
    let refused = edited(|params| set(params, "session", "nope"));
    let refused = id(&app.send_signed(&refused, demo::SECRET));
    let bank = edited(|params| {
        set(params, "app_key", "bank");
        set(params, "session", "bank-session");
    });
    let cancelled = id(&app.send_signed(&bank, "bank-secret"));
    story(&app, &cancelled);
    let console = console(&app);
    let all = console.listed("/console/calls");
    assert_eq!(all.len(), 50);
    let page = console.page("/console/calls");
    let next = page.split("href=\"").find(|rest| rest.contains("after=")).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let rest = console.listed(&next);
    assert_eq!(rest.len(), 12);
    assert_eq!(rest, served[48..]);
    for (filter, expected) in [
        ("app=bank".to_owned(), vec![cancelled.clone()]),
        (format!("method={CANCEL}&outcome=rejected"), vec![refused.clone()]),
        ("sub_code=invalid-sessionkey".to_owned(), vec![refused.clone()]),
        ("outcome=fault".to_owned(), vec![]),
        ("app=%3Cscript%3E".to_owned(), vec![]),
    ] {
        assert_eq!(console.listed(&format!("/console/calls?{filter}")), expected, "{filter}");
    }
    // By request id one goes to the call itself; one that is not there is not found.
    let head =
        format!("GET /console/calls?id=+{refused} HTTP/1.1\r\nCookie: {}\r\n", console.cookie);
    let reply = send(console.admin, &head, b"");
    assert_eq!(
        (reply.status, reply.header("location")),
        (303, Some(format!("/console/calls/{refused}").as_str()))
    );
    let head = format!("GET /console/calls/nope HTTP/1.1\r\nCookie: {}\r\n", console.cookie);
    assert_eq!(send(console.admin, &head, b"").status, 404);
    // Watched, the same list is asked for again and again, with the same filters.
    let live = console.page("/console/calls?app=bank&live=1");
    let polled =
        r##"hx-get="/console/calls?app=bank&#38;live=1" hx-trigger="every 2s" hx-select="#calls""##;
    assert!(live.contains(polled), "{live}");
    assert!(!console.page("/console/calls?app=bank").contains("hx-get"));
}

#[test]
fn nobody_looks_who_is_not_signed_in() {
    let app = App::start();
    for path in ["/console/calls", "/console/calls/x", "/console/charts"] {
        let reply = send(app.running().admin, &format!("GET {path} HTTP/1.1\r\n"), b"");
        let login = format!("/console/login?to={}", path.replace('/', "%2F"));
        assert_eq!((reply.status, reply.header("location")), (303, Some(login.as_str())), "{path}");
        let outside = send(app.address(), &format!("GET {path} HTTP/1.1\r\n"), b"");
        assert_eq!(outside.status, 404, "{path}");
    }
}

#[test]
fn the_newest_calls_are_kept_as_many_as_were_asked_for() {
    let app = App::with(&["--calls-kept", "3"]);
    let mut ids = Vec::new();
    for at in 0..9 {
        app.set_clock(&format!("2026-03-01T01:00:{at:02}Z"));
        ids.insert(0, id(&app.call(TIME, &[])));
        story(&app, &ids[0]);
    }
    assert_eq!(console(&app).listed("/console/calls"), ids[..3]);
}

#[test]
fn calls_survive_a_restart_and_the_last_of_them_are_written_on_the_way_out() {
    let program = Program::serve(&[]);
    assert_eq!(program.cancel("demo-payable")["success"], true);
    for _ in 0..20 {
        send(program.address(), "GET /router/rest HTTP/1.1\r\n", b"");
    }
    // At once: before anybody would have come to write them.
    let (folder, stopped) = program.terminate();
    assert!(stopped);
    let program = Program::serve_in(folder, &[], &[]);
    let console = Console::of(program.admin());
    let ids = console.listed("/console/calls");
    assert_eq!(ids.len(), 21);
    let page = console.page(&format!("/console/calls/{}", ids[20]));
    assert!(page.contains("flight/test/corp001/demo-payable"), "{page}");
}

#[test]
fn a_call_of_one_gateway_is_seen_from_the_other() {
    let (database, key) = (postgres::database(), "5a".repeat(32));
    let variables = [("TRIPWRIGHT_DATABASE", database.as_str()), ("TRIPWRIGHT_KEY", &key)];
    let [one, other] =
        [(); 2].map(|()| Program::serve_in(tempfile::tempdir().unwrap(), &[], &variables));
    assert_eq!(one.cancel("demo-payable")["success"], true);
    let (console, began) = (Console::of(other.admin()), Instant::now());
    while console.listed("/console/calls").is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(50));
    }
    let ids = console.listed(&format!("/console/calls?app=test&method={CANCEL}&outcome=ok"));
    let page = console.page(&format!("/console/calls/{}", ids[0]));
    assert!(page.contains("flight/test/corp001/demo-payable"), "{page}");
    // What each has counted is its own.
    let count = |program: &Program| metrics(program.admin()).contains("requests_total{");
    assert!(count(&one) && !count(&other));
}

/// How many calls stand in a database.
fn written(folder: &std::path::Path) -> i64 {
    let path = folder.join("data/tripwright.db");
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row("SELECT count(*) FROM call", [], |row| row.get(0)).unwrap()
}

#[test]
fn what_is_off_writes_nothing_and_production_is_off_unless_told() {
    let program = Program::serve(&["--calls-kept", "0"]);
    assert_eq!(program.cancel("demo-payable")["success"], true);
    let page = Console::of(program.admin()).page("/console/calls");
    assert!(page.contains("This gateway keeps no calls"), "{page}");
    let metrics = metrics(program.admin());
    assert!(
        metrics.contains(&format!(r#"{{method="{CANCEL}",code="0",sub_code=""}} 1"#)),
        "{metrics}"
    );
    let (folder, _) = program.terminate();
    assert_eq!(written(folder.path()), 0);

    for (kept, count) in [(None, 0), (Some("5"), 1)] {
        let key = "5a".repeat(32);
        let mut variables = vec![("TRIPWRIGHT_KEY", key.as_str())];
        variables.extend(kept.map(|kept| ("TRIPWRIGHT_CALLS_KEPT", kept)));
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Program::serve_in(folder, &[], &[("TRIPWRIGHT_KEY", &key)]);
        sandbox.run(&["account", "close", demo::ACCOUNT]);
        let program = Program::serve_production_in(sandbox.terminate().0, &variables);
        let reply = send(program.address(), "GET /router/rest HTTP/1.1\r\n", b"");
        assert!(reply.body().contains("<code>28</code>"), "{}", reply.body());
        let (folder, stopped) = program.terminate();
        assert!(stopped);
        assert_eq!(written(folder.path()), count, "{kept:?}");
    }
}

fn metrics(admin: SocketAddr) -> String {
    let reply = send(admin, "GET /metrics HTTP/1.1\r\n", b"");
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!((reply.status, reply.header("content-type")), (200, Some(kind)));
    reply.body().to_owned()
}

/// What a parser of others makes of them: each sample with its labels and value.
fn parsed(text: &str) -> Vec<(String, Value, f64)> {
    const PARSE: &str = "import sys, json\n\
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n\
        print(json.dumps([[s.name, s.labels, s.value] for f in parse(sys.stdin.read()) for s in f.samples]))";
    let mut python = Command::new(python_home().join("bin/python"));
    let mut child =
        python.args(["-c", PARSE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn metrics_are_openmetrics_and_callers_cannot_make_up_labels() {
    let app = App::start();
    app.cancel("corp001", "demo-payable");
    app.add_app("used", |app| app.quota = Quota { calls_per_second: Some(0), ..app.quota });
    let used = edited(|params| {
        set(params, "app_key", "used");
        set(params, "session", "used-session");
    });
    app.send_signed(&used, "used-secret");
    for garbage in ["a\"b", "x\ny", "{}", "欧阳不在册", "taobao.time.get ", &"m".repeat(5000)]
    {
        app.call(garbage, &[]);
        app.send_signed(&edited(|params| set(params, "app_key", garbage)), "test");
    }
    let text = metrics(app.running().admin);
    let samples = parsed(&text);
    let value = |name: &str, labels: Value| {
        let found = samples.iter().find(|(other, it, _)| other == name && *it == labels);
        found.map(|(_, _, value)| *value)
    };
    let calls = |method: &str, code: &str, sub_code: &str| {
        let labels = json!({"method": method, "code": code, "sub_code": sub_code});
        value("tripwright_requests_total", labels)
    };
    assert_eq!(calls(CANCEL, "0", ""), Some(1.0));
    let limited = "accesscontrol.limited-by-app-api-access-count";
    assert_eq!(calls(CANCEL, "7", limited), Some(1.0));
    assert_eq!(calls("other", "22", ""), Some(6.0), "{text}");
    assert_eq!(calls("other", "29", "isv.appkey-not-exists"), Some(6.0));
    let count =
        |method| value("tripwright_request_duration_seconds_count", json!({"method": method}));
    assert_eq!((count(CANCEL), count("other")), (Some(2.0), Some(12.0)));
    let known: Vec<_> = trip_api::SPECS.iter().map(|spec| spec.name).chain(["other"]).collect();
    let methods = samples.iter().filter_map(|(_, labels, _)| labels["method"].as_str());
    assert!(methods.clone().count() > 20 && methods.clone().all(|method| known.contains(&method)));
    assert_eq!(value("tripwright_connections", json!({"listener": "admin"})), Some(1.0));
    assert_eq!(value("tripwright_calls_dropped_total", json!({})), Some(0.0));
    let committed = value("tripwright_changes_total", json!({})).unwrap();
    assert!(committed >= 1.0, "{committed}");
    let build = json!({"version": env!("CARGO_PKG_VERSION"), "engine": "sqlite"});
    assert_eq!(value("tripwright_build_info", build), Some(1.0));
}

#[test]
fn charts_show_what_came_in_each_minute_whether_calls_are_kept_or_not() {
    let app = App::with(&["--calls-kept", "0"]);
    let console = console(&app);
    for (minute, calls) in [(1, 1), (2, 4)] {
        app.set_clock(&format!("2026-03-01T01:0{minute}:00Z"));
        console.page("/console/charts");
        (0..calls).for_each(|_| drop(app.call(TIME, &[])));
    }
    app.send_signed(&edited(|params| set(params, "v", "3.0")), demo::SECRET);
    app.set_clock("2026-03-01T01:03:30Z");
    let read = console.read("/console/charts");
    let from = read.iter().position(|line| line == "TimeCallsNot servedp50p99").unwrap();
    let rows = ["09:0300––", "09:025110 µs19 µs", "09:011010 µs19 µs", "09:0000––"];
    assert_eq!(read[from + 1..from + 5], rows, "{read:#?}");
    assert_eq!(read.len() - from - 1, 60);
    assert!(read.contains(&"34Unsupported version–1".to_owned()), "{read:#?}");
    assert!(read.contains(&"Calls6".to_owned()) && read.contains(&"Not served1".to_owned()));
    let day = console.read("/console/charts?span=day");
    assert!(day.contains(&"09:006110 µs19 µs".to_owned()), "{day:#?}");
    let page = console.page("/console/charts");
    assert!(!page.contains("style=") && page.matches("<polyline").count() >= 4, "{page}");
}

/// Each says who somebody is, or lets one in.
const CLEAR: [&str; 9] = [
    "欧阳不在册",
    "13987654321",
    "999999198706057012",
    "1987-06-05",
    "E99887766",
    "7847654321098",
    "bank-secret",
    "bank-session",
    demo::SESSION,
];

/// Calls with personal data where it belongs and where it does not; what else must not be read of them.
fn run_of_everything(app: &App) -> Vec<String> {
    let [name, phone, card, birth, passport, ticket, ..] = CLEAR;
    app.add_app("bank", |_| {});
    let mut callback = refund::page();
    for passenger in refund::passengers(&mut callback) {
        *passenger = json!({
            "passenger_name": name, "passenger_mobile": phone, "passenger_id_no": card,
            "passenger_id_type": "0", "passenger_id": passport, "birth_date": birth, "who": name,
        });
    }
    callback["ticket_no"] = ticket.into();
    let callback = callback.to_string();
    for form in [Form::Xml, Form::Json, Form::Simplified] {
        app.call_as(form, refund::METHOD, &[(refund::WRAPPER, &callback)]);
    }
    let postback = json!({
        "out_relation_order_id": "o-1", "tes_head_id": "t-1", "ticket_no_list": [ticket],
        "cwt_account_no": "1", "emp_no": passport, "ht_user_id": card,
    });
    let posted = "alibaba.happytrip.flight.order.itinerary.postback";
    app.call(posted, &[("flight_itinerary_request", &postback.to_string())]);
    let detail =
        json!({"sub_channel": "jianhang001", "dis_order_id": "1234", "dis_sub_order_id": "1234"});
    let detail = app
        .call("alitrip.btrip.flight.distribution.change.detail", &[(WRAPPER, &detail.to_string())]);
    let person = &detail.json()["alitrip_btrip_flight_distribution_change_detail_response"]["result"]
        ["module"]["traveler_info_list"]["order_traveler_info"][0];
    let person =
        ["passenger_name", "ticket_no"].map(|name| person[name].as_str().unwrap().to_owned());
    // Where they do not belong: as numbers of orders, in members and parameters that nobody declared, as the
    // platform's own parameters, in JSON that is none, and as a sign.
    let rq = json!({"sub_channel": name, "dis_order_id": card, name: phone, "x": {"y": passport}});
    app.call(CANCEL, &[(WRAPPER, &rq.to_string()), (name, phone), ("x", card)]);
    app.call(CANCEL, &[(WRAPPER, &format!("{{{name}"))]);
    for public in
        ["app_key", "method", "format", "v", "timestamp", "sign_method", "simplify", "partner_id"]
    {
        for clear in CLEAR {
            app.send_signed(&edited(|params| set(params, public, clear)), demo::SECRET);
        }
    }
    let bank = edited(|params| {
        set(params, "app_key", "bank");
        set(params, "session", "bank-session");
        params.push(("sign", name.to_owned()));
    });
    app.post_form(&form::encode(bank.iter().map(|(name, value)| (*name, value.as_str()))));
    app.send_signed(&bank[..bank.len() - 1], "bank-secret");
    let code = code(app, &[]);
    let tokens = app.call("taobao.top.auth.token.create", &[("code", &code)]).json();
    let tokens = tokens["top_auth_token_create_response"]["token_result"].as_str().unwrap();
    let tokens: Value = serde_json::from_str(tokens).unwrap();
    let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
    [code, token("access_token"), token("refresh_token")].into_iter().chain(person).collect()
}

#[test]
fn pages_metrics_and_table_show_nobody() {
    let app = App::start();
    app.import(|order| *order = payable("secret"));
    let more = run_of_everything(&app);
    let cx = app.context();
    app.runtime.block_on(cx.journal.write(&cx.store)).unwrap();
    let console = console(&app);
    let all = store::Calls::default();
    let calls = cx.store.calls(&all, 1000);
    let ids = app.runtime.block_on(calls).unwrap().into_iter().map(|call| call.request_id);
    let ids: Vec<_> = ids.collect();
    assert!(ids.len() > 80, "{}", ids.len());
    let mut shown = console.page("/console/calls") + &metrics(console.admin);
    ids.iter().for_each(|id| shown += &console.page(&format!("/console/calls/{id}")));
    let files = std::fs::read_dir(app.folder.path()).unwrap();
    let files = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let files: Vec<u8> = files.collect();
    for clear in CLEAR.into_iter().chain(more.iter().map(String::as_str)) {
        assert!(!shown.contains(clear), "{clear} is shown");
        let is_there = files.windows(clear.len()).any(|window| window == clear.as_bytes());
        // A ticket's number is what its order is found by.
        let is_ticket = more.last().is_some_and(|ticket| ticket == clear);
        assert!(!is_there || is_ticket, "{clear} stands in the files");
    }
}
