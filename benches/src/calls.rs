//! Signed calls as an SDK sends them, made before anything is measured.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use top::seal::Sealing;
use top::sign::Secret;
use top::{Params, SignMethod, form};

use crate::world::{APP, SECRET, SM4_KEY, World};

/// Whole HTTP requests, and what stands in a right answer to each.
pub struct Calls {
    pub requests: Vec<Vec<u8>>,
    pub expect: &'static str,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Xml,
}

const CANCEL: &str = "alitrip.btrip.flight.distribution.order.cancel";
const DETAIL: &str = "alitrip.btrip.flight.distribution.change.detail";
const QUOTE: &str = "alitrip.rentcar.btb.order.cancelcheck";
const POSTBACK: &str = "alibaba.happytrip.flight.order.itinerary.postback";
const REFUND: &str = "alitrip.btrip.supplychain.train.callback.refund";
const FLIGHT_WRAPPER: &str = "param_btrip_flight_order_operate_common_rq";

impl Calls {
    fn each(
        numbers: impl Iterator<Item = usize>,
        expect: &'static str,
        call: impl FnMut(usize) -> Vec<u8>,
    ) -> Self {
        Self { requests: numbers.map(call).collect(), expect }
    }

    /// The same requests to whom any answer is right.
    pub fn to_anybody(&self) -> Self {
        Self { requests: self.requests.clone(), expect: "" }
    }

    /// So many of the calls: others each turn, until all were had.
    pub fn part(&self, turn: usize, count: usize) -> Self {
        // What is left over is too little for a round.
        let parts = (self.requests.len() / count).max(1);
        let part = self.requests.chunks(count).nth(turn % parts).unwrap_or_default();
        Self { requests: part.to_vec(), expect: self.expect }
    }

    /// A request that means nothing.
    pub fn anything() -> Self {
        Self { requests: vec![request("a=b")], expect: "" }
    }

    /// Cancels each order once.
    pub fn cancel(world: &World, numbers: impl Iterator<Item = usize>) -> Self {
        Self::each(numbers, r#""success":true"#, |at| {
            let rq = json!({"sub_channel": "corp001", "dis_order_id": format!("payable-{at}")});
            request(&signed(world, Form::Json, CANCEL, FLIGHT_WRAPPER, &rq))
        })
    }

    /// Reads the change of each order.
    pub fn detail(world: &World, form: Form, numbers: impl Iterator<Item = usize>) -> Self {
        let expect = match form {
            Form::Json => r#""pay_status":"#,
            Form::Xml => "<pay_status>",
        };
        Self::each(numbers, expect, |at| {
            let rq = json!({
                "dis_order_id": format!("changed-{at}"), "sub_channel": "corp001",
                "dis_sub_order_id": format!("change-{at}"),
            });
            request(&signed(world, form, DETAIL, FLIGHT_WRAPPER, &rq))
        })
    }

    /// The same with a wrong signature.
    pub fn badly_signed(world: &World, numbers: impl Iterator<Item = usize>) -> Self {
        let mut calls = Self::detail(world, Form::Json, numbers);
        calls.expect = r#""code":25,"#;
        for request in &mut calls.requests {
            // The signature stands last; another digit is another signature.
            let last = request.len() - 1;
            request[last] = if request[last] == b'0' { b'1' } else { b'0' };
        }
        calls
    }

    /// Asks what cancelling each rental costs.
    pub fn quote(world: &World, numbers: impl Iterator<Item = usize>) -> Self {
        Self::each(numbers, r#""cancel_fee":"#, |at| {
            let rq = json!({
                "channel_id": "80001", "order_id": format!("rental-{at}"),
                "out_order_id": format!("out-{at}"), "trace_id": "bench",
            });
            let wrapper = "rent_car_b2b_check_cancel_order_req";
            request(&signed(world, Form::Json, QUOTE, wrapper, &rq))
        })
    }

    /// Reports both receipts of each order.
    pub fn postback(world: &World, numbers: impl Iterator<Item = usize>) -> Self {
        Self::each(numbers, r#""ht_success":true"#, |at| {
            let tickets = [at * 2, at * 2 + 1].map(|number| format!("999-{number:010}"));
            let rq = json!({
                "out_relation_order_id": format!("receipts-{at}"), "tes_head_id": "3021342135",
                "ticket_no_list": tickets, "cwt_account_no": "12342134",
            });
            request(&signed(world, Form::Json, POSTBACK, "flight_itinerary_request", &rq))
        })
    }

    /// Reports the refund of each rail order, its passenger sealed.
    pub fn refund(world: &World, numbers: impl Iterator<Item = usize>) -> anyhow::Result<Self> {
        let sealing = Sealing {
            key: SM4_KEY.parse().map_err(|_| anyhow::anyhow!("not an SM4 key"))?,
            scheme: "ecb/pkcs7/hex".parse().map_err(|_| anyhow::anyhow!("not a scheme"))?,
        };
        let sealed = |text: &str| sealing.seal(text, [0; 16]);
        let passenger = json!({
            "passenger_name": sealed("张三"), "passenger_mobile": sealed("13800000001"),
            "passenger_id_no": sealed("999999199001010016"), "passenger_id_type": sealed("0"),
            "country_code": sealed("CN"), "sex": sealed("0"), "passenger_id": sealed("100001"),
            "valid_date_start": sealed("2020-10-19"), "birth_date": sealed("1990-01-01"),
            "valid_date_end": sealed("2030-10-19"),
        });
        Ok(Self::each(numbers, r#""status":"true""#, |at| {
            request(&signed(
                world,
                Form::Json,
                REFUND,
                "refund_call_back_param",
                &refund(at, &passenger),
            ))
        }))
    }
}

fn refund(at: usize, passenger: &Value) -> Value {
    json!({
        "refund_train_details": [{
            "train_no": "G1", "train_date": "2099-06-01",
            "from_station_code": "VNP", "from_station_name": "北京南",
            "to_station_code": "AOH", "to_station_name": "上海虹桥",
            "start_time": "2099-06-01 09:00:00", "arrive_time": "2099-06-01 13:28:00",
            "refund_ticket_details": [{
                "seat_type": "O", "seat_name": "二等座", "coach_no": "05", "seat_no": "01A",
                "passenger_ticket_no": "EA12345678", "ticket_type": "1", "ticket_price": "55300",
                "refund_cost": "0", "ticket_status": "31", "refund_price": "55300",
                "passenger_info": passenger,
            }],
        }],
        "order_id": format!("train-{at}"), "refund_id": format!("refund-{at}"),
        "supplier_order_id": format!("supplier-{at}"), "ticket_no": "EA12345678",
        "order_status": "31", "refund_total": "55300", "refund_cost": "0",
    })
}

/// The form of a signed call.
fn signed(world: &World, form: Form, method: &str, wrapper: &str, rq: &Value) -> String {
    #[expect(clippy::disallowed_methods, reason = "a client keeps the machine's time")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let timestamp = top::Date::at_platform(now.cast_signed()).to_string();
    let rq = rq.to_string();
    let mut pairs = vec![
        ("app_key", APP),
        ("method", method),
        ("session", &world.session),
        ("sign_method", "hmac"),
        ("timestamp", &timestamp),
        ("v", "2.0"),
        ("format", if form == Form::Json { "json" } else { "xml" }),
        (wrapper, &rq),
    ];
    let params = pairs.iter().map(|(name, value)| (Cow::Borrowed(*name), Cow::Borrowed(*value)));
    let params = Params::from_pairs(params.collect());
    let sign = Secret::new(SECRET).sign(SignMethod::Hmac, params.iter(), b"");
    pairs.push(("sign", &sign));
    form::encode(pairs)
}

/// A whole HTTP request.
fn request(form: &str) -> Vec<u8> {
    let head = "POST /router/rest HTTP/1.1\r\nHost: 127.0.0.1\r\n\
                Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\nContent-Length: ";
    format!("{head}{}\r\n\r\n{form}", form.len()).into_bytes()
}
