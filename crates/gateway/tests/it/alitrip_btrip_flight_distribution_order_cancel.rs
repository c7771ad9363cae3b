//! `alitrip.btrip.flight.distribution.order.cancel`

use std::sync::Barrier;

use serde_json::json;

use crate::app::{App, CANCEL, Form, Reply, WRAPPER, key, payable, public};

fn json_answer(result: &str) -> String {
    format!(
        r#"{{"alitrip_btrip_flight_distribution_order_cancel_response":{{"result":{{{result}}},"request_id":"RID"}}}}"#
    )
}

fn cancelled(at: &str) -> String {
    json_answer(&format!(
        r#""module":{{"cancel_time":"{at}","order_status":"10"}},"result_code":0,"result_msg":"成功","success":true"#
    ))
}

fn refused(fail_code: &str, fail_reason: &str, status: &str) -> String {
    json_answer(&format!(
        r#""module":{{"fail_code":"{fail_code}","fail_reason":"{fail_reason}","order_status":"{status}"}},"result_code":1001,"result_msg":"取消失败","success":false"#
    ))
}

fn not_found() -> String {
    json_answer(r#""result_code":2001,"result_msg":"订单不存在","success":false"#)
}

#[test]
fn the_pages_example_is_answered_with_the_pages_structure_in_every_format() {
    let app = App::start();
    let call = |form| app.cancel_as(form, "corp001", "test0087771").text();
    assert_eq!(call(Form::Json), refused("1001", "已出票不可取消", "5"));
    assert_eq!(
        call(Form::Xml),
        "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\
         <alitrip_btrip_flight_distribution_order_cancel_response><result><module>\
         <fail_code>1001</fail_code><fail_reason>已出票不可取消</fail_reason>\
         <order_status>5</order_status></module><result_code>1001</result_code>\
         <result_msg>取消失败</result_msg><success>false</success></result>\
         <request_id>RID</request_id>\
         </alitrip_btrip_flight_distribution_order_cancel_response><!--top.tripwright-->"
    );
    assert_eq!(
        call(Form::Simplified),
        r#"{"result":{"module":{"fail_code":"1001","fail_reason":"已出票不可取消","order_status":"5"},"result_code":1001,"result_msg":"取消失败","success":false},"request_id":"RID"}"#
    );
}

#[test]
fn an_order_in_every_state_is_cancelled_or_refused_for_the_reason_that_is_true() {
    let app = App::start();
    let done = cancelled("2026-03-01 09:00:00");
    #[rustfmt::skip]
    let table = [
        ("demo-initial",               done.clone()),
        ("demo-not-submitted",         done.clone()),
        ("demo-awaiting-confirmation", done.clone()),
        ("demo-payable",               done.clone()),
        ("demo-payable-confirmed",     done),
        ("demo-ticketing",             refused("1002", "出票中不可取消", "4")),
        ("demo-ticketing-confirmed",   refused("1001", "已出票不可取消", "28")),
        ("demo-ticketed",              refused("1001", "已出票不可取消", "5")),
        ("demo-failed",                refused("1003", "订单已关闭", "-1")),
        ("demo-ticketing-failed",      refused("1003", "订单已关闭", "10")),
        ("demo-pay-timeout",           refused("1003", "订单已关闭", "10")),
        ("demo-cancelled",             cancelled("2026-03-01 08:00:00")),
        ("demo-unheard-of",            not_found()),
    ];
    for (id, expected) in table {
        assert_eq!(app.cancel("corp001", id).text(), expected, "{id}");
    }
}

#[test]
fn cancelling_twice_is_cancelling_once() {
    let app = App::start();
    assert_eq!(app.cancel("corp001", "demo-payable").text(), cancelled("2026-03-01 09:00:00"));
    app.set_clock("2026-03-01T01:05:00Z");
    assert_eq!(app.cancel("corp001", "demo-payable").text(), cancelled("2026-03-01 09:00:00"));
    let story = app.story(&key("test", "corp001", "demo-payable"));
    assert_eq!(story, ["cancel by test", "import by demo"]);
}

#[test]
fn an_order_whose_deadline_has_passed_is_closed_without_anybody_closing_it() {
    let app = App::start();
    app.import(|_| {});
    app.set_clock("2026-03-01T01:30:00Z");
    let late = [("timestamp", "2026-03-01 09:30:00".to_owned())];
    let rq = json!({"sub_channel": "corp001", "dis_order_id": "imported"}).to_string();
    let mut params: Vec<_> =
        public(CANCEL).into_iter().filter(|(n, _)| *n != "timestamp").collect();
    params.extend(late);
    params.extend([("format", "json".to_owned()), (WRAPPER, rq)]);
    let reply = app.send_signed(&params, "test");
    assert_eq!(reply.text(), refused("1003", "订单已关闭", "10"));
}

#[test]
fn somebody_elses_order_is_answered_like_one_that_does_not_exist() {
    let app = App::start();
    app.add_app("other", |_| {});
    let call = |sub_channel: &str, id: &str| -> Reply {
        let rq = json!({"sub_channel": sub_channel, "dis_order_id": id}).to_string();
        let mut params = public(CANCEL);
        for (name, value) in &mut params {
            match *name {
                "app_key" => *value = "other".into(),
                "session" => *value = "other-session".into(),
                _ => {}
            }
        }
        params.extend([("format", "json".to_owned()), (WRAPPER, rq)]);
        app.send_signed(&params, "other-secret")
    };
    let missing = not_found();
    assert_eq!(call("corp001", "no-such-order").text(), missing);
    // Another app's order under a sub-channel both are bound to.
    assert_eq!(call("corp001", "demo-payable").text(), missing);
    // The right app, the wrong sub-channel.
    assert_eq!(app.cancel("jianhang001", "demo-payable").text(), missing);
    // The order is untouched.
    assert_eq!(app.cancel("corp001", "demo-payable").text(), cancelled("2026-03-01 09:00:00"));
}

#[test]
fn a_sub_channel_that_is_not_the_apps_is_refused_before_any_look_up() {
    let app = App::start();
    let denied = json_answer(r#""result_code":2002,"result_msg":"子渠道无权限","success":false"#);
    assert_eq!(app.cancel("corp999", "demo-payable").text(), denied);
    assert_eq!(app.cancel("corp999", "no-such-order").text(), denied);
    assert_eq!(app.cancel("corp001/x", "demo-payable").text(), denied);
}

#[test]
fn the_policy_switch_lets_a_paid_order_be_cancelled() {
    let app = App::with(&["--cancel-while-ticketing"]);
    assert_eq!(app.cancel("corp001", "demo-ticketing").text(), cancelled("2026-03-01 09:00:00"));
    assert_eq!(
        app.cancel("corp001", "demo-ticketing-confirmed").text(),
        refused("1001", "已出票不可取消", "28")
    );
}

#[test]
fn order_numbers_are_taken_as_they_are() {
    let app = App::start();
    for id in ["订单 a+b%&=c😀", "a/b\\\"c'<&>", " leading and trailing "] {
        app.import(|order| order["booking"]["key"]["dis_order_id"] = id.into());
        assert_eq!(app.cancel("corp001", id).text(), cancelled("2026-03-01 09:00:00"), "{id}");
    }
}

#[test]
fn of_many_cancels_at_once_all_are_told_the_same_and_one_is_written() {
    const CALLERS: usize = 16;
    let app = App::start();
    let start = Barrier::new(CALLERS);
    std::thread::scope(|scope| {
        let call = || {
            start.wait();
            app.cancel("corp001", "demo-payable").text()
        };
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(call)).collect();
        for caller in callers {
            assert_eq!(caller.join().unwrap(), cancelled("2026-03-01 09:00:00"));
        }
    });
    let story = app.story(&key("test", "corp001", "demo-payable"));
    assert_eq!(story, ["cancel by test", "import by demo"]);
}

#[test]
fn when_a_cancel_races_with_payment_and_ticketing_one_wins_and_both_are_told_the_truth() {
    const ROUNDS: u32 = 24;
    const STEP: std::time::Duration = std::time::Duration::from_micros(400);
    let app = App::start();
    let (mut cancels, mut tickets) = (0, 0);
    for round in 0..ROUNDS {
        let id = format!("race-{round}");
        let order = payable(&id);
        app.import(|value| *value = order);
        let order_key = key("test", "corp001", &id);
        let sell = || {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                app.advance(&order_key, json!({"command": "pay", "alipay_trade_no": id}));
                let number = format!("784-{round:010}");
                app.advance(&order_key, json!({"command": "ticket", "tickets": [number]}));
            }))
            .is_ok()
        };
        // Both ways around happen for certain in the first two rounds, by chance in the others.
        let (reply, ticketed) = match round {
            0 => (app.cancel("corp001", &id), sell()),
            1 => {
                let ticketed = sell();
                (app.cancel("corp001", &id), ticketed)
            }
            _ => {
                let start = Barrier::new(2);
                std::thread::scope(|scope| {
                    let seller = scope.spawn(|| {
                        start.wait();
                        std::thread::sleep(STEP * (ROUNDS - round));
                        sell()
                    });
                    start.wait();
                    std::thread::sleep(STEP * round);
                    (app.cancel("corp001", &id), seller.join().unwrap())
                })
            }
        };
        let status = app.order(&order_key).status().code();
        let told =
            reply.json()["alitrip_btrip_flight_distribution_order_cancel_response"]["result"]
                .clone();
        if ticketed {
            assert_eq!((status, &told["success"]), (5, &json!(false)), "{told}");
            let refusal = told["module"]["fail_code"].as_str().unwrap();
            assert!(["1001", "1002"].contains(&refusal), "{told}");
            tickets += 1;
        } else {
            assert_eq!((status, &told["success"]), (10, &json!(true)), "{told}");
            cancels += 1;
        }
    }
    assert!(cancels > 0 && tickets > 0, "{cancels} cancels and {tickets} tickets");
}

#[test]
fn a_name_never_stands_in_the_files() {
    let app = App::start();
    app.import(|_| {});
    app.cancel("corp001", "imported");
    let mut searched = 0;
    for file in std::fs::read_dir(app.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        searched += bytes.len();
        for clear in ["欧阳不在册", "999999199001010016", "13800000001"] {
            assert!(
                !bytes.windows(clear.len()).any(|window| window == clear.as_bytes()),
                "{clear}"
            );
        }
    }
    assert!(searched > 50_000, "{searched}");
}
