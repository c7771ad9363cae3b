//! `alitrip.rentcar.btb.order.cancelcheck`

use domain::rental::{Rental, RentalKey};
use gateway::rental;
use serde_json::{Value, json};

use crate::app::{App, Form, NOW, Reply};

const METHOD: &str = "alitrip.rentcar.btb.order.cancelcheck";
const ROOT: &str = "alitrip_rentcar_btb_order_cancelcheck_response";
const WRAPPER: &str = "rent_car_b2b_check_cancel_order_req";

fn ask(app: &App, form: Form, order_id: &str, out_order_id: &str, channel_id: &str) -> Reply {
    let req = json!({
        "trace_id": "2147b30d16692118671772754ed701", "order_id": order_id,
        "out_order_id": out_order_id, "exts": "{\"key\":\"value\"}", "channel_id": channel_id,
    });
    app.call_as(form, METHOD, &[(WRAPPER, &req.to_string())])
}

fn page(app: &App, form: Form) -> Reply {
    ask(app, form, "fz1234567", "gaode123456", "80001")
}

fn json_answer(app: &App, order_id: &str, out_order_id: &str) -> Value {
    ask(app, Form::Json, order_id, out_order_id, "80001").json()[ROOT].clone()
}

fn not_found() -> &'static str {
    r#"{"alitrip_rentcar_btb_order_cancelcheck_response":{"successful":false,"ret_code":"4002","ret_msg":"订单不存在","request_id":"RID"}}"#
}

/// The quote's id, which only this store's key gives.
fn quote_id(answer: &Value) -> String {
    let exts: Value = serde_json::from_str(answer["exts"].as_str().unwrap()).unwrap();
    let id = exts["quote_id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 32);
    id
}

/// The percentage and the rule, as a program reads them.
fn charge(answer: &Value) -> (i64, String) {
    let exts: Value = serde_json::from_str(answer["exts"].as_str().unwrap()).unwrap();
    (exts["percent"].as_i64().unwrap(), exts["tier"].as_str().unwrap().to_owned())
}

#[test]
fn the_pages_example_is_quoted_with_the_pages_structure_in_every_format() {
    let app = App::start();
    let id = quote_id(&page(&app, Form::Json).json()[ROOT]);
    let exts = format!(
        r#"{{\"base\":\"770.00\",\"expires_at\":\"2026-03-01 09:15:00\",\"percent\":0,\"quote_id\":\"{id}\",\"tier\":\"72h\"}}"#
    );
    let members = format!(
        r#""cancel_message":"距取车时间不少于72小时,可免费取消","successful":true,"ret_code":"0","cancel_fee":"0.00","exts":"{exts}","ret_msg":"成功","request_id":"RID""#
    );
    assert_eq!(page(&app, Form::Json).text(), format!(r#"{{"{ROOT}":{{{members}}}}}"#));
    assert_eq!(page(&app, Form::Simplified).text(), format!("{{{members}}}"));
    let exts = exts.replace("\\\"", "&quot;");
    assert_eq!(
        page(&app, Form::Xml).text(),
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?><{ROOT}>\
             <cancel_message>距取车时间不少于72小时,可免费取消</cancel_message>\
             <successful>true</successful><ret_code>0</ret_code><cancel_fee>0.00</cancel_fee>\
             <exts>{exts}</exts><ret_msg>成功</ret_msg><request_id>RID</request_id></{ROOT}>\
             <!--top.tripwright-->"
        )
    );
}

#[test]
fn no_session_is_needed() {
    let app = App::start();
    let req =
        json!({"order_id": "fz1234567", "out_order_id": "gaode123456", "channel_id": "80001"});
    let reply = app.call(METHOD, &[("session", ""), (WRAPPER, &req.to_string())]);
    assert_eq!(reply.json()[ROOT]["successful"], true);
}

#[test]
fn the_three_numbers_must_belong_together_and_to_the_caller() {
    let app = App::start();
    for (order_id, out_order_id, channel_id) in [
        ("fz0000000", "gaode123456", "80001"),
        ("fz1234567", "gaode000000", "80001"),
        ("fz1234567", "demo-out-1", "80001"),
        ("fz1234567", "gaode123456", "80002"),
    ] {
        let reply = ask(&app, Form::Json, order_id, out_order_id, channel_id);
        assert_eq!(reply.text(), not_found(), "{order_id} {out_order_id} {channel_id}");
    }
    app.add_app("other", |app| app.channels = ["80001".parse().unwrap()].into());
    let req =
        json!({"order_id": "fz1234567", "out_order_id": "gaode123456", "channel_id": "80001"});
    let mut params = crate::app::public(METHOD);
    params.retain(|(name, _)| *name != "app_key");
    params.extend([
        ("app_key", "other".into()),
        ("format", "json".into()),
        (WRAPPER, req.to_string()),
    ]);
    assert_eq!(app.send_signed(&params, "other-secret").text(), not_found());
}

#[test]
fn a_rental_in_every_state_is_quoted_or_refused_for_its_reason() {
    let app = App::start();
    #[rustfmt::skip]
    let table = [
        ("demo-rental-unpaid",            "demo-out-1",  Ok(("订单未支付,可免费取消", "unpaid"))),
        ("demo-rental-awaiting-merchant", "demo-out-2",  Ok(("商家尚未接单,可免费取消", "unconfirmed"))),
        ("demo-rental-awaiting-pick-up",  "demo-out-3",  Ok(("距取车时间不少于72小时,可免费取消", "72h"))),
        ("demo-rental-in-use",            "demo-out-4",  Err("订单不可取消:用车中")),
        ("demo-rental-settling",          "demo-out-5",  Err("订单不可取消:待结算")),
        ("demo-rental-completed",         "demo-out-6",  Err("订单不可取消:已完成")),
        ("demo-rental-cancelled",         "demo-out-7",  Err("订单不可取消:已取消")),
        ("demo-rental-closed-by-buyer",   "demo-out-8",  Err("订单不可取消:买家关闭")),
        ("demo-rental-refused",           "demo-out-9",  Err("订单不可取消:卖家拒绝接单")),
        ("demo-rental-closed-by-service", "demo-out-10", Err("订单不可取消:客服关闭")),
    ];
    for (order_id, out_order_id, expected) in table {
        let answer = json_answer(&app, order_id, out_order_id);
        match expected {
            Ok((message, tier)) => {
                assert_eq!(answer["cancel_message"], message, "{order_id}");
                assert_eq!(charge(&answer), (0, tier.to_owned()), "{order_id}");
                assert_eq!(
                    (&answer["ret_code"], &answer["cancel_fee"]),
                    (&json!("0"), &json!("0.00"))
                );
            }
            Err(reason) => {
                let mut members = answer.as_object().unwrap().clone();
                members.remove("request_id");
                let refused = json!({"successful": false, "ret_code": "4004", "ret_msg": reason});
                assert_eq!(Value::Object(members), refused, "{order_id}");
            }
        }
    }
}

/// A rental of the demo app, accepted, to be picked up on the tenth at ten.
fn import(app: &App, id: &str, edit: impl FnOnce(&mut Value)) {
    app.import(|order| {
        *order = json!({
            "kind": "rental",
            "booking": {
                "key": {"app": "test", "channel_id": "80001", "order_id": id},
                "out_order_id": format!("out-{id}"),
                "booked_at": NOW,
                "pick_up": "2026-03-10T10:00:00",
                "give_back": "2026-03-13T10:00:00",
                "prices": {"rent_fen": 60_000, "handling_fen": 2_000, "services_fen": 15_001, "first_day_fen": 27_000},
                "policy": {"terms": {}},
            },
            "history": [{"do": {"command": "pay", "trade_no": "t"}}, {"do": {"command": "accept"}}],
        });
        edit(order);
    });
}

#[test]
fn the_fee_is_explained_in_one_sentence_by_the_rule_that_applied() {
    let app = App::start();
    let tier = |hours: u32, charge: Value| json!({"hours": hours, "charge": charge});
    let percent = |percent: u8, of: &str| json!({"percent": {"percent": percent, "of": of}});
    #[rustfmt::skip]
    let table = [
        ("percent",  json!([tier(0, percent(50, "total"))]),    "385.01", "取车前,收取订单总额的50%作为违约金,共385.01元", 50, "0h"),
        ("rent",     json!([tier(24, percent(20, "rent")), tier(0, percent(50, "rent"))]), "120.00", "距取车时间不少于24小时,收取租金的20%作为违约金,共120.00元", 20, "24h"),
        ("standard", json!([tier(0, percent(10, "standard"))]), "62.00",  "取车前,收取租金及手续费的10%作为违约金,共62.00元", 10, "0h"),
        ("first",    json!([tier(0, json!("first_day"))]),      "270.00", "取车前,收取首日费用作为违约金,共270.00元", 100, "0h"),
        ("fixed",    json!([tier(0, json!({"fixed": {"fee_fen": 5_000}}))]), "50.00", "取车前,收取固定费用作为违约金,共50.00元", 100, "0h"),
        ("capped",   json!([tier(0, json!({"fixed": {"fee_fen": 99_999_999}}))]), "770.01", "取车前,收取固定费用作为违约金,共770.01元(以实付金额为限)", 100, "0h"),
        ("none",     json!([]),                                 "0.00",   "取车前,可免费取消", 0, "0h"),
        ("nothing",  json!([tier(0, json!({"fixed": {"fee_fen": 0}}))]), "0.00", "取车前,可免费取消", 100, "0h"),
    ];
    for (id, tiers, fee, message, percent, tier) in table {
        import(&app, id, |order| order["booking"]["policy"]["terms"]["tiers"] = tiers);
        let answer = json_answer(&app, id, &format!("out-{id}"));
        assert_eq!(answer["cancel_fee"], fee, "{id}");
        assert_eq!(answer["cancel_message"], message, "{id}");
        assert_eq!(charge(&answer), (percent, tier.to_owned()), "{id}");
    }
    import(&app, "peak", |order| {
        order["booking"]["in_peak"] = true.into();
        order["booking"]["policy"]["peak"] = json!({"tiers": [tier(0, json!("first_day"))]});
    });
    assert_eq!(
        json_answer(&app, "peak", "out-peak")["cancel_message"],
        "高峰期订单,取车前,收取首日费用作为违约金,共270.00元"
    );
    import(&app, "window", |order| {
        order["booking"]["policy"]["terms"]["free_minutes_after_booking"] = 30.into();
    });
    let window = json_answer(&app, "window", "out-window");
    assert_eq!(window["cancel_message"], "下单后30分钟内,可免费取消");
    assert_eq!(charge(&window), (0, "30m after booking".to_owned()));
    import(&app, "never", |order| {
        order["booking"]["policy"]["terms"]["cancellable"] = false.into()
    });
    assert_eq!(
        json_answer(&app, "never", "out-never")["ret_msg"],
        "订单不可取消:该订单的取消政策不支持取消"
    );
    import(&app, "late", |order| {
        order["booking"]["pick_up"] = "2026-03-01T08:59:59".into();
        order["booking"]["policy"]["terms"]["no_show"] = json!({"fixed": {"fee_fen": 100}});
    });
    let late = json_answer(&app, "late", "out-late");
    let message = "已过取车时间,按未到店处理,收取固定费用作为违约金,共1.00元";
    assert_eq!(late["cancel_message"], message);
    assert_eq!(charge(&late), (100, "no-show".to_owned()));
    import(&app, "close", |order| {
        order["booking"]["pick_up"] = "2026-03-01T12:00:00".into();
        order["booking"]["policy"]["terms"]["manual_check_hours"] = 4.into();
    });
    assert_eq!(
        json_answer(&app, "close", "out-close")["ret_msg"],
        "订单不可取消:临近取车,需人工审核"
    );
}

#[test]
fn asking_a_thousand_times_answers_the_same_and_writes_nothing() {
    let app = App::start();
    let first = page(&app, Form::Json).text();
    for _ in 0..1000 {
        assert_eq!(page(&app, Form::Json).text(), first);
    }
    let key = rental::key(&RentalKey {
        app: "test".parse().unwrap(),
        channel_id: "80001".parse().unwrap(),
        order_id: "fz1234567".parse().unwrap(),
    });
    let store = &app.context().store;
    let stored = app.runtime.block_on(store.read::<Rental>(&key)).unwrap().unwrap();
    let version = stored.version;
    assert_eq!(version, 1);
    assert_eq!(app.runtime.block_on(store.journal(&key)).unwrap().len(), 1);
}

#[test]
fn a_quotes_id_changes_with_its_time_and_its_order() {
    let app = App::start();
    let ours = quote_id(&page(&app, Form::Json).json()[ROOT]);
    let other = json_answer(&app, "demo-rental-awaiting-pick-up", "demo-out-3");
    assert_ne!(quote_id(&other), ours);
    app.set_clock("2026-03-01T01:00:01Z");
    assert_ne!(quote_id(&page(&app, Form::Json).json()[ROOT]), ours);
}

#[test]
fn the_callers_own_exts_must_be_json() {
    let app = App::start();
    for exts in ["{", "key=value", "{'key':1}"] {
        let req = json!({"order_id": "1", "out_order_id": "1", "channel_id": "1", "exts": exts});
        assert_eq!(
            app.call(METHOD, &[(WRAPPER, &req.to_string())]).text(),
            format!(
                r#"{{"error_response":{{"code":50,"msg":"Remote service error","sub_code":"isv.invalid-parameter","sub_msg":"非法参数: {WRAPPER}.exts","request_id":"RID"}}}}"#
            )
        );
    }
}
