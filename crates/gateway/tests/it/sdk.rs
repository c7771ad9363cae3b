//! The Rust client against the real program: typed calls, batches, failures, and its examples.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use gateway::demo;
use top::{Format, Id, Needed, SignMethod};
use top_client::{Builder, Client, Error, sandbox};
use trip_api::alitrip_btrip_flight_distribution_order_cancel as cancel;
use trip_api::taobao_time_get as time;

use crate::app::send;
use crate::program::Program;

fn wait<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> =
        LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());
    RUNTIME.block_on(future)
}

fn builder(program: &Program) -> Builder {
    Client::builder(&program.url, demo::APP_KEY, demo::SECRET).session(demo::SESSION)
}

fn cancel(dis_order_id: &str) -> cancel::Request {
    let (sub_channel, dis_order_id) = (Id("corp001".into()), Id(dis_order_id.into()));
    let rq = cancel::BtripFlightCancelOrderRq { sub_channel, dis_order_id };
    cancel::Request { param_btrip_flight_order_operate_common_rq: Needed(rq) }
}

#[test]
fn the_client_reads_every_form_of_every_answer_however_it_signs() {
    let program = Program::serve(&[]);
    let mut times = Vec::new();
    for format in [Format::Xml, Format::Json, Format::SimplifiedJson] {
        for (sign_method, gzip) in SignMethod::ALL.into_iter().zip([true, false, true]) {
            let client = builder(&program).format(format).sign_method(sign_method).gzip(gzip);
            let client = client.build().unwrap();
            let reply = wait(client.call(&cancel("demo-payable"))).unwrap();
            assert!(reply.response.result.success, "{format:?} {sign_method}");
            times.push(reply.response.result.module.unwrap().cancel_time.unwrap());
            assert_eq!(reply.raw.status(), 200);
            assert_eq!(reply.raw.header("Content-Type"), Some(format.content_type()));
            assert!(reply.raw.body().contains(&reply.request_id.unwrap()));
        }
    }
    times.dedup();
    assert_eq!(times.len(), 1, "cancelled once");
}

#[test]
fn what_the_platform_refuses_keeps_all_it_said() {
    let program = Program::serve(&[]);
    for format in [Format::Xml, Format::Json, Format::SimplifiedJson] {
        let client = builder(&program).format(format).build().unwrap();
        let error = wait(client.with_session("6100nobody").call(&cancel("1"))).unwrap_err();
        let rejected = error.rejected().unwrap();
        assert_eq!((rejected.code, rejected.msg.as_str()), (27, "Invalid session"));
        assert_eq!(rejected.sub_code.as_deref(), Some("invalid-sessionkey"));
        assert_eq!(rejected.sub_msg.as_deref(), Some("SessionKey非法"));
        let raw = error.raw().unwrap();
        let request_id = rejected.request_id.clone().unwrap();
        assert!(raw.body().contains(&request_id), "{}", raw.body());
        assert!(!rejected.is_local() && !error.is_temporary());
        assert_eq!(
            error.to_string(),
            format!(
                "27 Invalid session | invalid-sessionkey | SessionKey非法 (request {request_id})"
            )
        );

        // By name, an error is an answer like any other.
        let raw = wait(client.execute("taobao.nope", &[])).unwrap();
        assert_eq!(raw.error().unwrap().code, 22);
        assert_eq!(raw.request_id(), raw.error().unwrap().request_id);
    }
}

#[test]
fn the_sandbox_the_client_knows_is_the_one_that_serves() {
    let known = [sandbox::APP_KEY, sandbox::APP_SECRET, sandbox::SESSION, sandbox::SM4_KEY];
    assert_eq!(known, [demo::APP_KEY, demo::SECRET, demo::SESSION, demo::SM4_KEY]);
    let program = Program::serve(&[]);
    let port = program.address().port();
    assert_eq!(program.url, sandbox::URL.replace("8080", &port.to_string()));
}

#[test]
fn a_server_that_is_no_top_server_is_told_as_what_it_is() {
    let program = Program::serve(&[]);
    let elsewhere = program.url.replace("/router/rest", "/nowhere");
    let client = Client::new(&elsewhere, "test", "test").unwrap();
    let error = wait(client.call(&time::Request {})).unwrap_err();
    let Error::Status { url, raw } = &error else { panic!("{error}") };
    assert_eq!((url, raw.status()), (&elsewhere, 404));
    assert_eq!(
        error.to_string(),
        format!("HTTP 404 from {elsewhere}, where a TOP server answers 200 whatever happened")
    );
    let client = Client::new("http://127.0.0.1:1/router/rest", "test", "test").unwrap();
    let error = wait(client.call(&time::Request {})).unwrap_err();
    let refused = error.to_string().to_lowercase();
    assert!(refused.starts_with("no answer from http://127.0.0.1:1/router/rest: "), "{refused}");
    assert!(refused.contains("connection refused"), "{refused}");
}

/// What each example prints in a sandbox that has just begun, line by line; `…` stands for the rest
/// of a line that differs from run to run.
#[rustfmt::skip]
const EXAMPLES: &[(&str, &[&str])] = &[
    ("alibaba_happytrip_flight_order_itinerary_postback", &[
        "taken: true",
        r#"{"tickets":[{"number":"23142134","result":"synced","ticket_no":"23142134"}]}"#,
    ]),
    ("alitrip_btrip_flight_distribution_change_detail", &[
        "status 2, 35000 fen in all",
        "MU5693 SHA-PEK instead of MU5101",
        "张三 with ticket Some(***)",
    ]),
    ("alitrip_btrip_flight_distribution_order_cancel", &["cancelled at 2…"]),
    ("alitrip_btrip_supplychain_train_callback_refund", &["200 成功"]),
    ("alitrip_rentcar_btb_order_cancelcheck", &[
        "0.00 yuan: 距取车时间不少于72小时,可免费取消",
        "40 client-error:Missing required arguments:rent_car_b2b_check_cancel_order_req.channel_id, found here",
    ]),
    ("taobao_appip_get", &["this machine calls from 127.0.0.1"]),
    ("taobao_time_get", &["the platform's clock shows 2…"]),
    ("taobao_top_auth_token_create", &[
        "consent at SERVER/authorize?response_type=code&client_id=test&redirect_uri=http://localhost:3000/callback",
        "and run this again with the code that the browser is sent back with",
    ]),
    ("taobao_top_auth_token_refresh", &[
        "run this again with the refresh token that came with the access token",
    ]),
];

/// Builds the examples where `cargo test` builds them, and says where that is. With the whole
/// workspace's tests there is nothing left to do.
pub fn examples() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_tripwright")).parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--workspace", "--examples", "--locked", "--quiet"]);
    cargo.arg("--target-dir").arg(folder.parent().unwrap());
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    // What cargo tells a test about its own package makes another build of some.
    for (name, _) in std::env::vars() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
        if of_package.iter().any(|start| name.starts_with(start)) {
            cargo.env_remove(name);
        }
    }
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("examples")
}

fn run_example(folder: &Path, program: &Program, stem: &str, args: &[&str]) -> String {
    let mut example = Command::new(folder.join(stem));
    example.args(args).env_clear().env("TRIPWRIGHT_URL", &program.url).env("NO_PROXY", "127.0.0.1");
    let output = example.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{stem}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_examples_of_tokens_turn_a_consent_into_tokens_and_these_into_new_ones() {
    let (folder, program) = (examples(), Program::serve(&[]));
    let consent = top::form::encode([
        ("response_type", "code"),
        ("client_id", demo::APP_KEY),
        ("redirect_uri", demo::REDIRECT_URI),
        ("decision", "allow"),
        ("nick", "商家测试帐号17"),
    ]);
    let head = "POST /authorize HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let reply = send(program.address(), head, consent.as_bytes());
    let back = reply.header("location").unwrap().split_once("?code=").unwrap().1;
    let code = back.split('&').next().unwrap();
    let tokens = |stem: &str, given: &str| -> [String; 2] {
        let printed = run_example(&folder, &program, stem, &[given]);
        let tokens: serde_json::Value = serde_json::from_str(&printed).unwrap();
        ["access_token", "refresh_token"].map(|name| tokens[name].as_str().unwrap().to_owned())
    };
    let [first, refresh] = tokens("taobao_top_auth_token_create", code);
    let [second, _] = tokens("taobao_top_auth_token_refresh", &refresh);
    assert_ne!(first, second);
    let client = builder(&program).session(&second).build().unwrap();
    assert!(wait(client.call(&cancel("demo-payable"))).unwrap().response.result.success);
}

#[test]
fn every_method_has_an_example_that_runs_against_the_sandbox_twice() {
    let stems: Vec<_> = trip_api::SPECS.iter().map(|spec| spec.name.replace('.', "_")).collect();
    assert_eq!(EXAMPLES.iter().map(|(stem, _)| *stem).collect::<Vec<_>>(), stems);
    let folder = examples();
    let program = Program::serve(&[]);
    for (stem, expected) in EXAMPLES {
        let server = program.url.strip_suffix("/router/rest").unwrap();
        let run = || run_example(&folder, &program, stem, &[]).replace(server, "SERVER");
        // In the sandbox each may be repeated.
        for printed in [run(), run()] {
            let lines: Vec<_> = printed.lines().collect();
            assert_eq!(lines.len(), expected.len(), "{stem}: {printed}");
            for (line, expected) in lines.into_iter().zip(*expected) {
                match expected.strip_suffix('…') {
                    Some(start) => assert!(line.starts_with(start), "{stem}: {line}"),
                    None => assert_eq!(line, *expected, "{stem}"),
                }
            }
        }
    }
}
