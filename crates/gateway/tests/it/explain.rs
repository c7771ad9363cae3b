//! What the sandbox's log says of a wrong sign, and what no log and no answer ever says.

use gateway::demo;
use serde_json::json;
use top::form;

use crate::app::{CANCEL, WRAPPER, send, sign_md5};
use crate::program::Program;

/// Names of nobody, and what lets somebody in.
const CLEAR: [&str; 4] = ["欧阳不在册", "13987654321", "999999198706057012", demo::SESSION];

fn now_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the program under test has the machine's clock")]
    let now = domain::Instant::now();
    now.as_millisecond()
}

/// A cancel by the demo app that says who travels, though nobody asked.
fn params(timestamp: &str) -> Vec<(&'static str, String)> {
    let rq = json!({
        "sub_channel": "corp001", "dis_order_id": "demo-payable",
        "traveller": CLEAR[0], "phone": CLEAR[1], "document": CLEAR[2],
    });
    vec![
        ("app_key", demo::APP_KEY.to_owned()),
        ("format", "json".to_owned()),
        ("method", CANCEL.to_owned()),
        (WRAPPER, rq.to_string()),
        ("partner_id", CLEAR[1].to_owned()),
        ("session", demo::SESSION.to_owned()),
        ("sign_method", "md5".to_owned()),
        ("timestamp", timestamp.to_owned()),
        ("v", "2.0".to_owned()),
    ]
}

fn borrowed<'p>(params: &'p [(&'p str, String)]) -> Vec<(&'p str, &'p str)> {
    params.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Posts a form; the answer, and the lines that the log has more by then.
fn post(program: &Program, form: &str) -> (String, String) {
    let before = program.log().len();
    let head = "POST /router/rest HTTP/1.1\r\n\
                Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\n";
    let answer = send(program.address(), head, form.as_bytes()).text();
    (answer, program.log()[before..].to_owned())
}

const REFUSED: &str =
    r#"{"error_response":{"code":25,"msg":"Invalid signature","request_id":"RID"}}"#;

#[test]
fn the_sandboxs_log_shows_what_was_signed_and_the_mistake_and_nothing_that_must_not_be_read() {
    let program = Program::serve(&[]);
    let timestamp = now_ms().to_string();
    let all = params(&timestamp);
    let rq_bytes = all[3].1.len();
    // The session was left out, as by a client that adds it last.
    let unsigned: Vec<_> =
        borrowed(&all).into_iter().filter(|(name, _)| *name != "session").collect();
    let sign = sign_md5(&unsigned, demo::SECRET);
    let sent = borrowed(&all).into_iter().chain([("sign", sign.as_str())]);
    let (answer, log) = post(&program, &form::encode(sent));
    assert_eq!(answer, REFUSED);
    let signed = format!(
        "signed=\"***app_keytestformatjsonmethod{CANCEL}{WRAPPER}‹{rq_bytes} bytes›\
         partner_id‹11 bytes›session‹57 bytes›sign_methodmd5timestamp{timestamp}v2.0***\""
    );
    assert!(log.contains(&signed), "{signed}\n{log}");
    assert!(log.contains("mistake=\"sent but not signed: session\""), "{log}");

    // A value that was sent unencoded falls apart into names that nobody declared.
    let raw = format!("{}&x={}&{}={}", form::encode(borrowed(&all)), CLEAR[0], CLEAR[1], CLEAR[2]);
    let sign = sign_md5(&borrowed(&all), demo::SECRET);
    let (answer, log) = post(&program, &format!("{raw}&sign={sign}"));
    assert_eq!(answer, REFUSED);
    assert!(log.contains("‹name of 11 bytes›‹18 bytes›"), "{log}");
    assert!(
        log.contains("mistake=\"sent but not signed: ‹name of 11 bytes›, ‹name of 1 bytes›\""),
        "{log}"
    );

    let sign = sign_md5(&borrowed(&all), "another secret");
    let sent = borrowed(&all).into_iter().chain([("sign", sign.as_str())]);
    let (_, log) = post(&program, &form::encode(sent));
    assert!(log.contains("mistake=\"none that is known; is it the right secret?\""), "{log}");

    // By the clock of London, whatever the season.
    let local = top::Date::at_platform(now_ms() / 1000 - 8 * 3600).to_string();
    let (answer, log) = post(&program, &form::encode(borrowed(&params(&local))));
    assert!(answer.contains("Invalid timestamp"), "{answer}");
    assert!(log.contains("the timestamp is local time at UTC+0:00; send UTC+8"), "{log}");

    let log = program.log();
    assert!(log.matches("the sign is wrong").count() == 3, "{log}");
    for clear in CLEAR {
        assert!(!log.contains(clear), "{clear} stands in the log");
    }
    let upper = sign_md5(&borrowed(&all), demo::SECRET);
    assert!(!log.contains(&upper), "the right sign stands in the log");
}

#[test]
fn the_log_of_a_batch_shows_how_long_its_body_was() {
    let program = Program::serve(&[]);
    let timestamp = now_ms().to_string();
    let query = [
        ("app_key", demo::APP_KEY),
        ("format", "json"),
        ("session", demo::SESSION),
        ("sign_method", "md5"),
        ("timestamp", timestamp.as_str()),
        ("v", "2.0"),
    ];
    let sign = sign_md5(&query, demo::SECRET);
    let query = form::encode(query.into_iter().chain([("sign", sign.as_str())]));
    let head = format!("POST /router/batch?{query} HTTP/1.1\r\nContent-Type: text/plain\r\n");
    let body = format!("method=taobao.time.get&name={}", CLEAR[0]);
    assert_eq!(send(program.address(), &head, body.as_bytes()).text(), REFUSED);
    let log = program.log();
    assert!(log.contains(&format!("v2.0‹body of {} bytes›***\"", body.len())), "{log}");
    assert!(log.contains("the body was not signed; here it follows the parameters"), "{log}");
    assert!(!log.contains(CLEAR[0]), "{log}");
}

#[test]
fn production_explains_nothing() {
    let program = Program::serve(&[]);
    let added = program.run(&["app", "add", "bank"]);
    let secret = added.lines().find_map(|line| line.strip_prefix("secret ")).unwrap().to_owned();
    let (folder, _) = program.terminate();
    let key = std::fs::read_to_string(folder.path().join("data/key")).unwrap();
    let variables = [("TRIPWRIGHT_KEY", key.trim()), ("TRIPWRIGHT_ACCESS_LOG", "true")];
    let production = Program::serve_production_in(folder, &variables);
    let timestamp = now_ms().to_string();
    let params = [
        ("app_key", "bank"),
        ("format", "json"),
        ("method", "taobao.time.get"),
        ("timestamp", timestamp.as_str()),
        ("v", "2.0"),
    ];
    let sign = sign_md5(&params, &secret);
    let send =
        |sign: &str| post(&production, &form::encode(params.into_iter().chain([("sign", sign)])));
    assert!(send(&sign).0.contains("time_get_response"));
    let (answer, log) = send(&"0".repeat(32));
    assert_eq!(answer, REFUSED);
    assert!(log.contains("rejected") && log.contains("code=25"), "{log}");
    for word in ["mistake", "signed=", "***"] {
        assert!(!production.log().contains(word), "{}", production.log());
    }
}
