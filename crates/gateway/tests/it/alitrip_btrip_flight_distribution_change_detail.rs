//! `alitrip.btrip.flight.distribution.change.detail`

use serde_json::{Value, json};
use top::{Method, Object, Shape};
use trip_api::alitrip_btrip_flight_distribution_change_detail::Request;

use crate::app::{App, Form, Reply, WRAPPER};

const DETAIL: &str = "alitrip.btrip.flight.distribution.change.detail";
const ROOT: &str = "alitrip_btrip_flight_distribution_change_detail_response";

fn detail(app: &App, form: Form, sub_channel: &str, order: &str, change: &str) -> Reply {
    let rq = json!({
        "dis_order_id": order, "sub_channel": sub_channel, "dis_sub_order_id": change,
    });
    app.call_as(form, DETAIL, &[(WRAPPER, &rq.to_string())])
}

fn demo(app: &App, order: &str) -> Value {
    let answer = detail(app, Form::Json, "corp001", order, "demo-change").json();
    answer[ROOT]["result"]["module"].clone()
}

/// The platform's own numbers are drawn at random; everything else is known.
fn without_numbers(reply: &Reply) -> String {
    let mut text = reply.text();
    for name in ["btrip_sub_order_id", "btrip_order_id"] {
        let at = text.find(name).unwrap() + name.len();
        let digits = text[at..].find(|c: char| c.is_ascii_digit()).unwrap() + at;
        let count = text[digits..].bytes().take_while(u8::is_ascii_digit).count();
        assert_eq!(count, 15);
        text.replace_range(digits..digits + count, "N");
    }
    text
}

#[test]
fn the_pages_example_is_answered_with_every_field_as_json() {
    let app = App::start();
    let expected = r#"{"alitrip_btrip_flight_distribution_change_detail_response":{"result":{"module":{"alipay_trade_no":"demo-trade-15","extra":"{\"source\":\"demo\"}","flight_info_list":{"order_flight_info":[{"airline_code":"MU","arr_airport":"PEK","arr_airport_code":"PEK","arr_city":"北京","arr_city_code":"BJS","arr_time":"2027-03-01 17:05:00","baggage":"20KG","build_price":5000,"cabin":"B","cabin_class":"Y","carrier":"FM9107","dep_airport":"SHA","dep_airport_code":"SHA","dep_city":"上海","dep_city_code":"SHA","dep_time":"2027-03-01 13:30:00","flight_no":"MU5693","meal":"正餐","oil_price":2000,"segment_type":0,"stop_arr_time":"2027-03-01 15:00:00","stop_city":"TAO","stop_dep_time":"2027-03-01 15:45:00","ticket_price":128000,"last_flight_no":"MU5101","last_cabin":"Y","tuigaiqian_info":"起飞前2小时(含)以外退票收取票面价20%,改期免费;之后退票收取30%,改期收取10%","dep_terminal":"T2","arr_terminal":"T2","airline_name":"中国东方航空","airline_simple_name":"东航","arr_airport_code_name":"首都国际机场","dep_airport_code_name":"虹桥国际机场"}]},"last_pay_time":"2027-02-28 09:00:00","pay_status":3,"pay_time":"2026-03-01 08:20:00","settle_price":35000,"settle_type":4,"status":2,"total_change_price":20000,"total_price":35000,"total_upgrade_price":15000,"traveler_info_list":{"order_traveler_info":[{"passenger_name":"张三","passenger_type":"0","ticket_no":"781-2400000015","user_id":"100001","open_ticket_status":0}]},"dis_sub_order_id":"1234","dis_order_id":"1234","btrip_sub_order_id":N,"btrip_order_id":N},"result_code":0,"result_msg":"成功","success":true},"request_id":"RID"}}"#;
    assert_eq!(without_numbers(&detail(&app, Form::Json, "jianhang001", "1234", "1234")), expected);
}

#[test]
fn the_pages_example_is_answered_with_every_field_as_xml() {
    let app = App::start();
    let expected = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\
        <alitrip_btrip_flight_distribution_change_detail_response><result><module>\
        <alipay_trade_no>demo-trade-15</alipay_trade_no>\
        <extra>{&quot;source&quot;:&quot;demo&quot;}</extra>\
        <flight_info_list list=\"true\"><order_flight_info><airline_code>MU</airline_code>\
        <arr_airport>PEK</arr_airport><arr_airport_code>PEK</arr_airport_code>\
        <arr_city>北京</arr_city><arr_city_code>BJS</arr_city_code>\
        <arr_time>2027-03-01 17:05:00</arr_time><baggage>20KG</baggage>\
        <build_price>5000</build_price><cabin>B</cabin><cabin_class>Y</cabin_class>\
        <carrier>FM9107</carrier><dep_airport>SHA</dep_airport>\
        <dep_airport_code>SHA</dep_airport_code><dep_city>上海</dep_city>\
        <dep_city_code>SHA</dep_city_code><dep_time>2027-03-01 13:30:00</dep_time>\
        <flight_no>MU5693</flight_no><meal>正餐</meal><oil_price>2000</oil_price>\
        <segment_type>0</segment_type><stop_arr_time>2027-03-01 15:00:00</stop_arr_time>\
        <stop_city>TAO</stop_city><stop_dep_time>2027-03-01 15:45:00</stop_dep_time>\
        <ticket_price>128000</ticket_price><last_flight_no>MU5101</last_flight_no>\
        <last_cabin>Y</last_cabin>\
        <tuigaiqian_info>起飞前2小时(含)以外退票收取票面价20%,改期免费;之后退票收取30%,改期收取10%</tuigaiqian_info>\
        <dep_terminal>T2</dep_terminal><arr_terminal>T2</arr_terminal>\
        <airline_name>中国东方航空</airline_name><airline_simple_name>东航</airline_simple_name>\
        <arr_airport_code_name>首都国际机场</arr_airport_code_name>\
        <dep_airport_code_name>虹桥国际机场</dep_airport_code_name></order_flight_info>\
        </flight_info_list><last_pay_time>2027-02-28 09:00:00</last_pay_time>\
        <pay_status>3</pay_status><pay_time>2026-03-01 08:20:00</pay_time>\
        <settle_price>35000</settle_price><settle_type>4</settle_type><status>2</status>\
        <total_change_price>20000</total_change_price><total_price>35000</total_price>\
        <total_upgrade_price>15000</total_upgrade_price><traveler_info_list list=\"true\">\
        <order_traveler_info><passenger_name>张三</passenger_name>\
        <passenger_type>0</passenger_type><ticket_no>781-2400000015</ticket_no>\
        <user_id>100001</user_id><open_ticket_status>0</open_ticket_status>\
        </order_traveler_info></traveler_info_list><dis_sub_order_id>1234</dis_sub_order_id>\
        <dis_order_id>1234</dis_order_id><btrip_sub_order_id>N</btrip_sub_order_id>\
        <btrip_order_id>N</btrip_order_id></module><result_code>0</result_code>\
        <result_msg>成功</result_msg><success>true</success></result>\
        <request_id>RID</request_id>\
        </alitrip_btrip_flight_distribution_change_detail_response><!--top.tripwright-->";
    assert_eq!(without_numbers(&detail(&app, Form::Xml, "jianhang001", "1234", "1234")), expected);
}

#[test]
fn the_pages_example_shows_all_sixty_published_fields() {
    fn count(object: &Object, value: &Value) -> usize {
        let mut found = 0;
        for field in object.fields {
            let value = &value[field.name];
            assert!(!value.is_null(), "{} is not shown", field.name);
            found += 1;
            found += match field.shape {
                Shape::Object(object) => count(object, value),
                Shape::List(Shape::Object(object)) => count(object, &value[object.item][0]),
                _ => 0,
            };
        }
        found
    }
    let app = App::start();
    let answer = detail(&app, Form::Json, "jianhang001", "1234", "1234").json();
    assert_eq!(count(&Request::SPEC.response, &answer[ROOT]), 60);
}

#[test]
fn every_state_shows_its_codes_its_money_and_the_ticket_held() {
    let app = App::start();
    #[rustfmt::skip]
    let table = [
        // order                      status pay  total   paid   deadline ticket
        ("demo-change-applied",       1,     0,   0,      false, false,   "781-2400000140"),
        ("demo-change-to-pay",        4,     1,   35_000, false, true,    "781-2400000150"),
        ("demo-change-timed-out",     3,     5,   35_000, false, true,    "781-2400000160"),
        ("demo-change-paid",          5,     2,   35_000, true,  true,    "781-2400000170"),
        ("demo-change-free",          5,     2,   0,      false, false,   "781-2400000180"),
        ("demo-change-done",          2,     3,   35_000, true,  true,    "781-2400000195"),
        ("demo-change-refused",       3,     5,   0,      false, false,   "781-2400000200"),
        ("demo-change-refused-paid",  3,     4,   35_000, true,  true,    "781-2400000210"),
        ("demo-change-dropped",       3,     5,   0,      false, false,   "781-2400000220"),
    ];
    for (order, status, pay_status, total, paid, deadline, ticket) in table {
        let module = demo(&app, order);
        assert_eq!(module["status"], status, "{order}");
        assert_eq!(module["pay_status"], pay_status, "{order}");
        assert_eq!(module["total_price"], total, "{order}");
        let parts =
            ["total_change_price", "total_upgrade_price"].map(|n| module[n].as_i64().unwrap());
        assert_eq!(parts[0] + parts[1], total, "{order}");
        assert_eq!(module["settle_price"], total, "{order}");
        for name in ["pay_time", "alipay_trade_no"] {
            assert_eq!(module.get(name).is_some(), paid, "{order} {name}");
        }
        assert_eq!(module.get("last_pay_time").is_some(), deadline, "{order}");
        let traveller = &module["traveler_info_list"]["order_traveler_info"][0];
        assert_eq!(traveller["ticket_no"], ticket, "{order}");
        assert_eq!(traveller["open_ticket_status"], 0, "{order}");
    }
}

#[test]
fn a_flight_without_a_stop_has_no_stop_fields() {
    let app = App::start();
    app.import(|order| {
        let key = &mut order["booking"]["key"]["dis_order_id"];
        *key = "no-stop".into();
        let mut flight = order["booking"]["segments"][0].clone();
        flight["flight_no"] = "CZ3103".into();
        let history = order["history"].as_array_mut().unwrap();
        history.extend([
            json!({"do": {"command": "pay", "alipay_trade_no": "t"}}),
            json!({"do": {"command": "ticket", "tickets": ["784-1000000001"]}}),
            json!({"do": {
                "command": "apply-change", "dis_sub_order_id": "c", "voluntary": true,
                "reason": "工作需要", "travellers": ["1"], "settle_type": "personal_cash",
                "flights": [{"flight": flight, "last_flight_no": "CZ3101", "last_cabin": "Y"}],
            }}),
        ]);
    });
    let answer = detail(&app, Form::Json, "corp001", "no-stop", "c").json();
    let module = &answer[ROOT]["result"]["module"];
    let flight = module["flight_info_list"]["order_flight_info"][0].as_object().unwrap();
    let absent = [
        "stop_arr_time",
        "stop_city",
        "stop_dep_time",
        "carrier",
        "meal",
        "baggage",
        "tuigaiqian_info",
        "dep_terminal",
        "arr_terminal",
    ];
    for name in absent {
        assert!(!flight.contains_key(name), "{name}");
    }
    assert_eq!(flight["airline_name"], "中国南方航空");
    assert!(module.get("extra").is_none());
    assert_eq!(module["settle_type"], 1);
}

#[test]
fn an_unknown_pair_and_somebody_elses_are_answered_alike() {
    let app = App::start();
    let missing = r#"{"alitrip_btrip_flight_distribution_change_detail_response":{"result":{"result_code":2001,"result_msg":"订单不存在","success":false},"request_id":"RID"}}"#;
    for (sub_channel, order, change) in [
        ("jianhang001", "1234", "no-such-change"),
        ("jianhang001", "no-such-order", "1234"),
        ("corp001", "1234", "1234"),
        ("corp001", "demo-payable", "demo-change"),
    ] {
        assert_eq!(detail(&app, Form::Json, sub_channel, order, change).text(), missing);
    }
    assert_eq!(
        detail(&app, Form::Json, "corp999", "1234", "1234").text(),
        r#"{"alitrip_btrip_flight_distribution_change_detail_response":{"result":{"result_code":2002,"result_msg":"子渠道无权限","success":false},"request_id":"RID"}}"#
    );
}

#[test]
fn the_passenger_type_table_is_a_setting() {
    let app = App::with(&["--passenger-type-table", "agent"]);
    let module = demo(&app, "demo-change-done");
    let traveller = &module["traveler_info_list"]["order_traveler_info"][0];
    assert_eq!(traveller["passenger_type"], "1");
}

#[test]
fn a_change_to_be_paid_closes_when_its_time_is_up_and_reading_it_writes_nothing() {
    let app = App::start();
    let key = crate::app::key("test", "corp001", "demo-change-timed-out");
    assert_eq!(demo(&app, "demo-change-timed-out")["status"], 3);
    assert_eq!(app.story(&key), ["import by demo"]);
}

#[test]
fn what_is_asked_for_again_and_again_is_told_in_every_format_as_the_first_time() {
    let (keeping, forgetting) = (App::start(), App::with(&["--document-cache-mb", "0"]));
    let asked = |app: &App, form| {
        without_numbers(&detail(app, form, "corp001", "demo-change-done", "demo-change"))
    };
    for _ in 0..4 {
        for form in [Form::Json, Form::Xml, Form::Simplified] {
            assert_eq!(asked(&keeping, form), asked(&forgetting, form), "{form:?}");
        }
    }
    // Another change is another answer, though it is one of the same order.
    let other = detail(&keeping, Form::Json, "corp001", "demo-change-done", "another").json();
    assert_eq!(other[ROOT]["result"]["result_code"], 2001);
}

#[test]
fn what_is_asked_for_again_and_again_is_told_as_it_is_now() {
    let app = App::start();
    let key = crate::app::key("test", "corp001", "demo-change-applied");
    let asked = || {
        let modules: Vec<_> = (0..3).map(|_| demo(&app, "demo-change-applied")).collect();
        assert!(modules.iter().all(|module| *module == modules[0]));
        [&modules[0]["status"], &modules[0]["pay_status"]].map(|code| code.as_i64().unwrap())
    };
    assert_eq!(asked(), [1, 0]);
    let fees = json!([{"handling_fen": 20_000, "upgrade_fen": 15_000}]);
    let price = json!({
        "command": "price-change", "dis_sub_order_id": "demo-change", "fees": fees,
        "until": "2026-03-01T01:05:00Z",
    });
    app.advance(&key, price);
    assert_eq!(asked(), [4, 1]);
    app.set_clock("2026-03-01T01:05:00Z");
    assert_eq!(asked(), [3, 5]);
    app.set_clock("2026-03-01T01:04:59Z");
    assert_eq!(asked(), [4, 1]);
    let pay = json!({
        "command": "pay-change", "dis_sub_order_id": "demo-change", "alipay_trade_no": "t",
    });
    app.advance(&key, pay);
    assert_eq!(asked(), [5, 2]);
}
