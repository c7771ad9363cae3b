//! Work of one kind, done so often as is asked: what an instruction counter is put around.
//!
//! Instructions are the same whatever else the machine does, so a count can gate what a clock cannot.

use std::borrow::Cow;

use anyhow::{Context as _, bail};
use domain::flight::{CancelPolicy, State};
use domain::{Instant, Step};
use std::hint::black_box;
use top::form::{decode_into, read_request};
use top::sign::Secret;
use top::{Format, Method as _, Params, SignMethod, answer};
use trip_api::{
    alitrip_btrip_flight_distribution_change_detail as detail,
    alitrip_btrip_flight_distribution_order_cancel as cancel,
};

/// What can be counted.
pub const CASES: [&str; 6] = ["decode", "sign", "read", "encode-json", "encode-xml", "decide"];

const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// A call as the official Java client sends it.
const FORM: &str = "app_key=12345678&format=json&method=alitrip.btrip.flight.distribution.order.cancel&\
    param_btrip_flight_order_operate_common_rq=%7B%22sub_channel%22%3A%22corp001%22%2C%22dis_order_id%22%3A%22\
    payable-12345%22%7D&partner_id=top-sdk-java-20200101&session=6100demo0tripwright0sandbox0session00000020\
    88000000000001&sign_method=hmac&timestamp=2026-03-01+09%3A00%3A00&v=2.0";
/// A change order with every field there is, as it is answered.
const DETAIL: &str = include_str!("../answers/change_detail.json");
/// The state of an order that waits to be paid.
const PAYABLE: &str = r#"{"payable":{"until":"2099-01-01T00:00:00Z","seller_confirmed":true}}"#;

/// Does the work so many times.
///
/// # Errors
/// There is no such case, or it does not come to what it should.
pub fn count(case: &str, times: usize) -> anyhow::Result<()> {
    let mut pairs = Vec::new();
    decode_into(FORM.as_bytes(), &mut pairs)?;
    let params = Params::from_pairs(pairs);
    let secret = Secret::new(SECRET);
    let sign = secret.sign(SignMethod::Hmac, params.iter(), b"");
    let answered = answer::read::<detail::Response>(Format::Json, DETAIL)?;
    let answer::Answer::Success { response, .. } = answered else { bail!("not a success") };
    let state: State = serde_json::from_str(PAYABLE)?;
    let now: Instant = "2026-03-01T01:00:00Z".parse()?;
    let encode = |format| {
        answer::success(format, detail::Request::NAME, &response, "z5xhy0c82x24", ".tripwright")
    };
    anyhow::ensure!(encode(Format::Json) == DETAIL.trim_end(), "the answer is not what was read");
    for _ in 0..times {
        match case {
            "decode" => {
                let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
                decode_into(black_box(FORM.as_bytes()), &mut pairs)?;
                black_box(Params::from_pairs(pairs));
            }
            "sign" => {
                let is_right =
                    secret.verify(SignMethod::Hmac, black_box(&params).iter(), b"", &sign);
                anyhow::ensure!(is_right, "the signature is wrong");
            }
            "read" => {
                let read = read_request::<cancel::Request>(black_box(&params));
                black_box(read.ok().context("the request is wrong")?);
            }
            "encode-json" => drop(black_box(encode(Format::Json))),
            "encode-xml" => drop(black_box(encode(Format::Xml))),
            "decide" => {
                let cancelled = black_box(state.clone()).cancel(CancelPolicy::default(), now)?;
                anyhow::ensure!(matches!(cancelled, Step::Taken(_)), "nothing was cancelled");
            }
            _ => bail!("{case} is none of {CASES:?}"),
        }
    }
    Ok(())
}
