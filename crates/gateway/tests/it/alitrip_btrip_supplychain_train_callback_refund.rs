//! `alitrip.btrip.supplychain.train.callback.refund`

use std::time::{Duration, Instant};

use domain::Pii;
use domain::access::PartnerKey;
use domain::train::{TrainKey, TrainOrder};
use gateway::{demo, train};
use serde_json::{Value, json};
use top::seal::{Scheme, Sealing};

use crate::app::{App, Form, Reply, public};
use crate::program::Program;

pub const METHOD: &str = "alitrip.btrip.supplychain.train.callback.refund";
const ROOT: &str = "alitrip_btrip_supplychain_train_callback_refund_response";
pub const WRAPPER: &str = "refund_call_back_param";
/// The fields of a passenger, all of which are sealed.
pub const SEALED: [&str; 10] = [
    "passenger_name",
    "passenger_mobile",
    "passenger_id_no",
    "passenger_id_type",
    "country_code",
    "sex",
    "passenger_id",
    "valid_date_start",
    "birth_date",
    "valid_date_end",
];

/// The published page's own example.
pub fn page() -> Value {
    json!({
        "refund_train_details": [{
            "to_station_name": "上海", "arrive_time": "2022-10-19 14:00:00",
            "train_date": "2022-10-19", "from_station_name": "北京",
            "refund_ticket_details": [{
                "seat_type": "1", "coach_no": "01", "ticket_price": "1000", "ticket_status": "31",
                "seat_name": "硬座",
                "passenger_info": {
                    "passenger_name": "123123", "passenger_mobile": "1667xx77xxx",
                    "passenger_id_no": "432524100011191212", "passenger_id_type": "0",
                    "country_code": "CN", "sex": "0", "passenger_id": "1231232",
                    "valid_date_start": "2000-10-19", "birth_date": "1000-10-19",
                    "valid_date_end": "2030-10-19",
                },
                "ticket_type": "1", "refund_rate": "0", "seat_no": "001", "refund_price": "1000",
                "passenger_ticket_no": "EW123121", "refund_cost": "0", "fail_reason": "退票失败",
                "fail_code": "3001",
            }],
            "to_station_code": "SHH", "train_no": "T123", "from_station_code": "BJP",
            "start_time": "2022-10-19 12:00:00",
        }],
        "order_id": "123456789", "refund_total": "1000", "order_status": "31",
        "refund_rate": "0", "refund_id": "1231123", "refund_cost": "0",
        "supplier_order_id": "12345678", "ticket_no": "EW123412",
    })
}

pub fn sealing(key: &str, scheme: &str) -> Sealing {
    Sealing { key: key.parse().unwrap(), scheme: scheme.parse().unwrap() }
}

/// A report of these refunds (each whole) on the two tickets of a demo order, in the clear.
pub fn report(order: &TrainOrder, refund_id: &str, refunded: &[(usize, bool)]) -> Value {
    let leg = order.legs().last().unwrap();
    let ticket = |(at, refunded): &(usize, bool)| {
        let known = &leg.tickets[*at];
        let price = known.price_fen.0.to_string();
        let mut ticket = json!({
            "seat_type": known.seat_type, "seat_name": known.seat_name, "coach_no": known.coach_no,
            "seat_no": known.seat_no, "passenger_ticket_no": known.passenger_ticket_no,
            "ticket_type": "1", "ticket_price": price, "refund_cost": "0",
            "ticket_status": if *refunded { "31" } else { "32" },
            "refund_price": if *refunded { price.as_str() } else { "0" },
            "passenger_info": {
                "passenger_name": known.passenger.name.expose(), "passenger_mobile": "13800000001",
                "passenger_id_no": known.passenger.id_no.expose(), "passenger_id_type": "0",
                "sex": "0", "passenger_id": known.passenger.passenger_id.expose(),
            },
        });
        if !refunded {
            ticket["fail_code"] = "3001".into();
            ticket["fail_reason"] = "车票已使用".into();
        }
        ticket
    };
    let whole = refunded.iter().filter(|(_, refunded)| *refunded).count();
    let status = match (whole, refunded.len()) {
        (0, _) => "32",
        (whole, all) if whole == all => "31",
        _ => "33",
    };
    let time = |time: domain::Civil| time.to_string().replace('T', " ");
    json!({
        "refund_train_details": [{
            "train_no": leg.train_no, "train_date": leg.departs.date().to_string(),
            "from_station_code": leg.from.code, "from_station_name": leg.from.name,
            "to_station_code": leg.to.code, "to_station_name": leg.to.name,
            "start_time": time(leg.departs), "arrive_time": time(leg.arrives),
            "refund_ticket_details": refunded.iter().map(ticket).collect::<Vec<_>>(),
        }],
        "order_id": order.booking.key.order_id, "refund_id": refund_id,
        "supplier_order_id": order.booking.supplier_order_id,
        "ticket_no": order.booking.ticket_no, "order_status": status,
        "refund_total": (whole as i64 * 55_300).to_string(), "refund_cost": "0",
    })
}

/// Every passenger of a callback.
pub fn passengers(callback: &mut Value) -> impl Iterator<Item = &mut Value> {
    let trains = callback["refund_train_details"].as_array_mut().unwrap().iter_mut();
    let tickets = trains.flat_map(|t| t["refund_ticket_details"].as_array_mut().unwrap());
    tickets.map(|ticket| &mut ticket["passenger_info"])
}

/// Seals the passengers of a callback, as the partner would.
pub fn sealed(mut callback: Value, sealing: &Sealing) -> Value {
    for passenger in passengers(&mut callback) {
        for field in SEALED {
            if let Some(clear) = passenger[field].as_str() {
                passenger[field] = sealing.seal(clear, [7; 16]).into();
            }
        }
        passenger.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    }
    callback
}

fn send(app: &App, callback: &Value) -> Value {
    let answer = app.call(METHOD, &[(WRAPPER, &callback.to_string())]).json();
    let members = answer[ROOT].as_object().unwrap_or_else(|| panic!("{answer}"));
    let mut members = members.clone();
    members.remove("request_id");
    Value::Object(members)
}

fn taken(callback: &Value) -> Value {
    let ids = ["order_id", "supplier_order_id"];
    let data: Value = ids
        .iter()
        .map(|id| ((*id).to_owned(), callback[*id].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({"data": data, "result_code": "200", "status": "true", "result_msg": "成功"})
}

fn refused(callback: &Value, code: &str, msg: &str) -> Value {
    let mut answer = taken(callback);
    if code == "404" || msg.starts_with("参数错误: refund_call_back_param.refund_total 不是")
    {
        answer.as_object_mut().unwrap().remove("data");
    }
    (answer["result_code"], answer["status"]) = (code.into(), "false".into());
    answer["result_msg"] = msg.into();
    answer
}

pub fn load(app: &App, id: &str) -> TrainOrder {
    let key = TrainKey { app: "test".parse().unwrap(), order_id: id.parse().unwrap() };
    app.runtime.block_on(app.context().store.get(&train::key(&key))).unwrap().unwrap()
}

fn story(app: &App, id: &str) -> Vec<store::Entry> {
    let key = TrainKey { app: "test".parse().unwrap(), order_id: id.parse().unwrap() };
    app.runtime.block_on(app.context().store.journal(&train::key(&key))).unwrap()
}

fn demo_sealing() -> Sealing {
    sealing(demo::SM4_KEY, "ecb")
}

#[test]
fn the_pages_example_is_taken_with_the_pages_structure_in_every_format() {
    let app = App::start();
    let call = |form| app.call_as(form, METHOD, &[(WRAPPER, &page().to_string())]).text();
    let members = r#""data":{"order_id":"123456789","supplier_order_id":"12345678"},"result_code":"200","status":"true","result_msg":"成功","request_id":"RID""#;
    assert_eq!(call(Form::Json), format!(r#"{{"{ROOT}":{{{members}}}}}"#));
    assert_eq!(call(Form::Simplified), format!("{{{members}}}"));
    assert_eq!(
        call(Form::Xml),
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?><{ROOT}><data><order_id>123456789</order_id>\
             <supplier_order_id>12345678</supplier_order_id></data><result_code>200</result_code>\
             <status>true</status><result_msg>成功</result_msg>\
             <request_id>RID</request_id></{ROOT}><!--top.tripwright-->"
        )
    );
    let what: Vec<_> = story(&app, "123456789").into_iter().map(|entry| entry.what).collect();
    assert_eq!(what, ["refund-callback", "import"]);
}

#[test]
fn reporting_twice_is_reporting_once_and_other_content_is_refused() {
    let app = App::start();
    let order = load(&app, "demo-rail-refunding");
    let clear = report(&order, "demo-refund-1", &[(0, true), (1, false)]);
    let callback = sealed(clear.clone(), &demo_sealing());
    assert_eq!(send(&app, &callback), taken(&callback));
    let after = load(&app, "demo-rail-refunding");
    assert_eq!((after.status().code(), after.refunded_fen().0), (33, 55_300));
    assert_eq!(send(&app, &callback), taken(&callback));
    let other = sealed(report(&order, "demo-refund-1", &[(0, true), (1, true)]), &demo_sealing());
    let msg = "状态冲突或重复且内容不一致: refund_call_back_param.refund_id 该退票申请已有结果,且内容不一致";
    assert_eq!(send(&app, &other), refused(&other, "409", msg));
    assert_eq!(load(&app, "demo-rail-refunding"), after);
    let entries = story(&app, "demo-rail-refunding");
    assert_eq!(entries.len(), 2);
    assert_eq!(
        entries[0].facts,
        Some(json!({
            "refund_id": "demo-refund-1", "remarks": [],
            "ledger": [
                {"seat": {"leg": 0, "ticket": 0}, "refund_fen": 55_300, "cost_fen": 0},
                {"seat": {"leg": 0, "ticket": 1}, "refund_fen": 0, "cost_fen": 0},
            ],
        }))
    );
}

#[test]
fn an_unknown_order_a_foreign_one_and_anothers_refund_are_not_found() {
    let app = App::start();
    let order = load(&app, "demo-rail-refunding");
    let good = report(&order, "demo-refund-1", &[(0, true), (1, true)]);
    let edited = |name: &str, value: &str| {
        let mut callback = good.clone();
        callback[name] = value.into();
        sealed(callback, &demo_sealing())
    };
    for (name, value, what) in [
        ("order_id", "no-such-order", "order_id 没有这个编号"),
        ("supplier_order_id", "12345678", "supplier_order_id 不是该订单的供应商订单号"),
        ("ticket_no", "EA00000000", "ticket_no 不是该订单的取票号"),
        // Of another order of the same supplier: no offline refund of this one.
        ("refund_id", "1231123", "refund_id 不是该订单的退票申请"),
    ] {
        let callback = edited(name, value);
        let msg = format!("订单不存在: refund_call_back_param.{what}");
        assert_eq!(send(&app, &callback), refused(&callback, "404", &msg), "{name}");
    }

    app.add_app("other", |app| app.partner_keys = partner_key("k", demo::SM4_KEY, "ecb"));
    let callback = sealed(good, &demo_sealing());
    let reply = send_as(&app, "other", &callback).json();
    let msg = "订单不存在: refund_call_back_param.order_id 没有这个编号";
    assert_eq!(reply[ROOT]["result_msg"], msg);
    assert!(reply[ROOT].get("data").is_none());
    assert_eq!(load(&app, "demo-rail-refunding"), order);
}

fn partner_key(id: &str, key: &str, scheme: &str) -> Vec<PartnerKey> {
    let (key_id, key) = (id.parse().unwrap(), Pii::new(key.to_owned()));
    vec![PartnerKey { key_id, key, scheme: scheme.parse::<Scheme>().unwrap().to_string() }]
}

fn send_as(app: &App, key: &str, callback: &Value) -> Reply {
    let mut params = public(METHOD);
    params.retain(|(name, _)| !matches!(*name, "app_key" | "session"));
    params.extend([
        ("app_key", key.to_owned()),
        ("session", format!("{key}-session")),
        ("format", "json".to_owned()),
        (WRAPPER, callback.to_string()),
    ]);
    app.send_signed(&params, &format!("{key}-secret"))
}

#[test]
fn every_single_value_is_read_strictly_and_all_that_are_wrong_are_named() {
    let app = App::start();
    let mut callback = page();
    callback["refund_total"] = "10.00".into();
    callback["refund_rate"] = "101".into();
    let train = &mut callback["refund_train_details"][0];
    train["start_time"] = "2022-10-19 12:00".into();
    train["train_date"] = "2022-10-9".into();
    let ticket = &mut train["refund_ticket_details"][0];
    ticket["ticket_price"] = "-1".into();
    ticket["ticket_status"] = "成功".into();
    ticket["fail_reason"] = "长".repeat(101).into();
    let at = "refund_call_back_param.refund_train_details[0].";
    let msg = format!(
        "参数错误: refund_call_back_param.refund_total 不是以分为单位的整数; \
         refund_call_back_param.refund_rate 不是0到100的整数; {at}train_date 不是yyyy-MM-dd; \
         {at}start_time 不是yyyy-MM-dd HH:mm:ss; \
         {at}refund_ticket_details[0].ticket_price 不是以分为单位的整数; \
         {at}refund_ticket_details[0].ticket_status 不是枚举值; \
         {at}refund_ticket_details[0].fail_reason 过长或含控制字符"
    );
    assert_eq!(send(&app, &callback), refused(&callback, "400", &msg));
}

#[test]
fn what_the_page_calls_required_is_required() {
    let app = App::start();
    for (member, path) in
        [("refund_id", "refund_id"), ("refund_train_details", "refund_train_details")]
    {
        let mut callback = page();
        callback.as_object_mut().unwrap().remove(member);
        let answer = app.call(METHOD, &[(WRAPPER, &callback.to_string())]).text();
        let expected = format!(
            r#"{{"error_response":{{"code":50,"msg":"Remote service error","sub_code":"isv.invalid-parameter","sub_msg":"非法参数: {WRAPPER}.{path}","request_id":"RID"}}}}"#
        );
        assert_eq!(answer, expected);
    }
}

#[test]
fn a_field_that_does_not_open_is_named_and_not_shown() {
    let app = App::start();
    app.add_app("strict", |app| app.partner_keys = partner_key("k", demo::SM4_KEY, "ecb"));
    let mut order = load(&app, "demo-rail-ticketed");
    order.booking.key.app = "strict".parse().unwrap();
    import(&app, &order, "s-refund");
    let good = sealed(report(&order, "s-refund", &[(0, true), (1, true)]), &demo_sealing());
    let edit = |edit: &dyn Fn(&mut Value)| {
        let mut callback = good.clone();
        edit(passengers(&mut callback).next().unwrap());
        send_as(&app, "strict", &callback).json()[ROOT].clone()
    };
    let at =
        "refund_call_back_param.refund_train_details[0].refund_ticket_details[0].passenger_info.";
    let whole = good["refund_train_details"][0]["refund_ticket_details"][0]["passenger_info"]
        ["passenger_id_no"]
        .as_str()
        .unwrap();
    let secret = sealing("fedcba98765432100123456789abcdef", "ecb");
    let bell = demo_sealing().seal("\u{7}", [0; 16]);
    for broken in
        [&whole[..32], &whole[1..], "999999199001010016", &secret.seal("x", [0; 16]), &bell]
    {
        let answer = edit(&|p| p["passenger_id_no"] = broken.into());
        let msg = answer["result_msg"].as_str().unwrap();
        assert_eq!(answer["result_code"], "401", "{msg}");
        assert_eq!(msg, format!("解密失败: {at}passenger_id_no 无法解密"));
    }
    // Two fields that open, each in the other's place, are not what belongs there.
    let swapped = edit(&|p| {
        let name = p["passenger_name"].take();
        p["passenger_name"] = p["passenger_id_no"].take();
        p["passenger_id_no"] = name;
    });
    assert_eq!(swapped["result_code"], "401");
    assert_eq!(swapped["result_msg"], format!("解密失败: {at}passenger_id_no 无法解密"));
    let clear = report(&order, "s-refund", &[(0, true), (1, true)]);
    let clear = send_as(&app, "strict", &clear).json();
    assert_eq!(clear[ROOT]["result_code"], "401");
    assert!(clear[ROOT]["result_msg"].as_str().unwrap().ends_with("; 共12处"), "{clear}");
    let untouched = send_as(&app, "strict", &good).json();
    assert_eq!(untouched[ROOT]["result_code"], "200");
}

/// Brings in an order like this one, with a refund of all its tickets asked for.
fn import(app: &App, order: &TrainOrder, refund_id: &str) {
    app.import(|import| {
        let mut booking = serde_json::to_value(&order.booking).unwrap();
        booking["booked_at"] = crate::app::NOW.into();
        *import = json!({
            "kind": "train", "booking": booking,
            "history": [{"do": {"command": "ask-refund", "refund_id": refund_id}}],
        });
    });
}

#[test]
fn every_scheme_of_a_partner_opens_and_an_old_key_goes_on_opening() {
    const OTHER: &str = "1234567890abcdef";
    let app = App::start();
    let schemes = [
        "ecb/pkcs7/hex-upper",
        "ecb/zero/base64",
        "cbc:000102030405060708090a0b0c0d0e0f",
        "cbc-prefixed/base64",
        "gcm",
    ];
    for (at, scheme) in schemes.iter().enumerate() {
        let key = format!("partner-{at}");
        app.add_app(&key, |app| {
            app.partner_keys = partner_key("new", OTHER, scheme);
            app.partner_keys.extend(partner_key("old", demo::SM4_KEY, "ecb"));
        });
        for (id, sealing) in [("n", sealing(OTHER, scheme)), ("o", demo_sealing())] {
            let mut order = load(&app, "demo-rail-ticketed");
            order.booking.key.app = key.parse().unwrap();
            order.booking.key.order_id = id.parse().unwrap();
            order.booking.supplier_order_id = id.parse().unwrap();
            import(&app, &order, id);
            let callback = sealed(report(&order, id, &[(0, true), (1, true)]), &sealing);
            let answer = send_as(&app, &key, &callback).json();
            assert_eq!(answer[ROOT]["result_code"], "200", "{scheme} {id}: {answer}");
            // Sealed anew, it is another text and the same content.
            let again = sealed(report(&order, id, &[(1, true), (0, true)]), &sealing);
            let answer = send_as(&app, &key, &again).json();
            assert_eq!(answer[ROOT]["result_code"], "200", "{scheme} {id}: {answer}");
        }
    }
}

#[test]
fn leniency_lets_the_page_through_in_the_sandbox_and_never_in_production() {
    let app = App::start();
    app.add_app("strict", |app| app.partner_keys = partner_key("k", demo::SM4_KEY, "ecb"));
    let mut order = load(&app, "123456789");
    order.booking.key.app = "strict".parse().unwrap();
    import(&app, &order, "1231123");
    let answer = send_as(&app, "strict", &page()).json();
    assert_eq!(answer[ROOT]["result_code"], "401");
    // Sealed as it should be, its check digit is still wrong.
    let mut well_sealed = page();
    passengers(&mut well_sealed).next().unwrap()["passenger_mobile"] = "13800000001".into();
    let answer = send_as(&app, "strict", &sealed(well_sealed, &demo_sealing())).json();
    let msg = answer[ROOT]["result_msg"].as_str().unwrap();
    assert!(msg.ends_with("passenger_id_no 身份证号校验位不正确"), "{msg}");

    let production = App::with(&["--production"]);
    production.add_app("lenient", |app| {
        app.lenient = true;
        app.partner_keys = partner_key("k", demo::SM4_KEY, "ecb");
    });
    order.booking.key.app = "lenient".parse().unwrap();
    import(&production, &order, "1231123");
    let answer = send_as(&production, "lenient", &page()).json();
    assert_eq!(answer[ROOT]["result_code"], "401");
}

#[test]
fn a_refund_at_the_station_is_taken_and_waits_for_a_person() {
    let app = App::start();
    let order = load(&app, "demo-rail-ticketed");
    let callback = sealed(report(&order, "station-1", &[(0, true)]), &demo_sealing());
    assert_eq!(send(&app, &callback), taken(&callback));
    assert_eq!(send(&app, &callback), taken(&callback));
    let parked = load(&app, "demo-rail-ticketed");
    assert_eq!((parked.refunds.len(), parked.refunded_fen().0), (1, 0));
    // From now on the number is this order's, and no other order of the supplier's can have it.
    let other = load(&app, "demo-rail-refunding");
    let stolen = sealed(report(&other, "station-1", &[(0, true)]), &demo_sealing());
    let msg = "订单不存在: refund_call_back_param.refund_id 不是该订单的退票申请";
    assert_eq!(send(&app, &stolen), refused(&stolen, "404", msg));
    let mut foreign = report(&order, "station-2", &[(0, true)]);
    foreign["refund_train_details"][0]["refund_ticket_details"][0]["seat_no"] = "99F".into();
    let foreign = sealed(foreign, &demo_sealing());
    let at = "refund_call_back_param.refund_train_details[0].refund_ticket_details[0].";
    let msg = format!("订单不存在: {at}passenger_ticket_no 订单没有这张票");
    assert_eq!(send(&app, &foreign), refused(&foreign, "404", &msg));
}

#[test]
fn what_is_odd_about_a_fee_is_journalled_and_taken() {
    let app = App::start();
    let order = load(&app, "demo-rail-refunding");
    let mut callback = report(&order, "demo-refund-1", &[(0, true), (1, true)]);
    let ticket = &mut callback["refund_train_details"][0]["refund_ticket_details"][0];
    (ticket["refund_price"], ticket["refund_cost"]) = ("50000".into(), "5300".into());
    (callback["refund_total"], callback["refund_cost"]) = ("105300".into(), "5300".into());
    let callback = sealed(callback, &demo_sealing());
    assert_eq!(send(&app, &callback), taken(&callback));
    let facts = story(&app, "demo-rail-refunding")[0].facts.clone().unwrap();
    let at = "refund_call_back_param.refund_train_details[0].refund_ticket_details[0].";
    assert_eq!(facts["remarks"], json!([format!("{at}refund_cost 与铁路退票费率表不一致")]));
}

/// A group's order: so many tickets on one train, and a refund of all of them.
fn group(order: &TrainOrder, tickets: usize) -> (TrainOrder, Value) {
    let mut order = order.clone();
    order.booking.key.order_id = "group".parse().unwrap();
    order.booking.supplier_order_id = "group-supplier".parse().unwrap();
    let known = order.booking.legs[0].tickets[0].clone();
    let ticket = |at: usize| {
        let mut ticket = known.clone();
        ticket.passenger.passenger_id = Pii::new(format!("group-{at}"));
        ticket.seat_no = format!("{at}");
        ticket
    };
    order.booking.legs[0].tickets = (0..tickets).map(ticket).collect();
    let import = json!({
        "kind": "train", "booking": order.booking,
        "history": [{"do": {"command": "ask-refund", "refund_id": "group-refund"}}],
    });
    (order, import)
}

#[test]
fn a_callback_of_2_mb_with_500_tickets_is_answered_or_refused_by_a_named_limit_and_leaves_nothing()
{
    /// In a debug build, the start of a client included.
    const QUICKLY: Duration = Duration::from_secs(5);
    let (order, import) = group(&load(&App::start(), "demo-rail-ticketed"), 500);
    let program = Program::serve(&[]);
    program.run_with_input(&["order", "import", "-"], &import.to_string());
    let whole: Vec<_> = (0..500).map(|at| (at, true)).collect();
    let mut good = report(&order, "group-refund", &whole);
    // Members that the method does not know count as much as any.
    passengers(&mut good).for_each(|passenger| passenger["extra"] = "x".repeat(3_500).into());
    let good = sealed(good, &demo_sealing());
    let call = |callback: &Value| -> Value {
        let file = program.folder.path().join("callback");
        let text = callback.to_string();
        assert!(text.len() > 2_000_000);
        std::fs::write(&file, text).unwrap();
        let began = Instant::now();
        let param = format!("{WRAPPER}={}", file.display());
        let (_, answer) = program.call(METHOD, &["--param-file", &param]);
        assert!(began.elapsed() < QUICKLY, "{:?}", began.elapsed());
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        answer[ROOT].as_object_mut().unwrap().remove("request_id");
        answer[ROOT].take()
    };
    let mut broken = good.clone();
    passengers(&mut broken).for_each(|passenger| passenger["passenger_id_no"] = "票".into());
    let mut long = good.clone();
    let tickets = long["refund_train_details"][0]["refund_ticket_details"].as_array_mut().unwrap();
    tickets.push(tickets[0].clone());
    let refuse = || {
        let answer = call(&long);
        let msg = "参数错误: refund_call_back_param.refund_train_details 车票过多";
        assert_eq!((&answer["result_code"], &answer["result_msg"]), (&json!("400"), &json!(msg)));
        let answer = call(&broken);
        assert_eq!(answer["result_code"], "401");
        assert!(answer["result_msg"].as_str().unwrap().ends_with("; 共500处"), "{answer}");
    };
    // The first few fill the allocator's own pools.
    for _ in 0..5 {
        refuse();
    }
    // What the allocator keeps for the next one goes up and down by more; what is never given back only adds up.
    let least_kb = || {
        let after_each = (0..20).map(|_| {
            refuse();
            program.resident_kb()
        });
        after_each.min().unwrap()
    };
    let before_kb = least_kb();
    let grown_kb = least_kb() - before_kb;
    // 40 callbacks of 2 MB have come and gone, each several times as large while it is read.
    assert!(grown_kb < 16_000, "{grown_kb} kB more");
    assert_eq!(call(&good), taken(&good));
    assert_eq!(call(&good), taken(&good));
    let shown = program.run(&["order", "show", "train/test/-/group"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["status"]["order_status"], 31);
}
