//! A batch: what is said once for all calls is checked once, then each call is one like any other.
//!
//! The calls are served one after the other: a caller that cancels an order and then reads it, in one
//! batch, means them in that order.

use std::sync::Arc;

use hyper::Method as Verb;
use top::batch::{self, BadBatch, SEPARATOR, SEPARATOR_HEADER};
use top::form::{Pairs, decode_into};
use top::{Format, Params, Rejection, error};

use super::{
    Answer, Call, Failure, Known, Noted, allow, called, check_signed, complaint, conclude,
    dispatch, known_app,
};
use crate::Context;
use crate::calls::Check;

/// Longest separator that a header may name: answers have one between any two, and a header is no place
/// for more.
const SEPARATOR_BYTES_MAX: usize = 64;
/// What a call has from the query when neither it nor `#PUBLIC#` says otherwise; the method because a client
/// has been seen to name it there. Nobody here serves methods for another app, so the last is signed and
/// never looked at, as in a single call.
const INHERITED: [&str; 3] = ["method", "session", "target_app_key"];

/// A batch that was let in.
struct Open<'a> {
    app: Arc<Known>,
    separator: &'a str,
    batch: batch::Batch<'a>,
}

/// Serves a batch: one answer for each call, joined by the separator; or one complaint about the whole.
pub async fn serve(cx: &Context, call: Call<'_>, separator: Option<&[u8]>) -> Answer {
    let mut noted = Noted { batch_item: Some(0), ..Noted::new(cx) };
    let format = call.answer_format();
    let opened = open(cx, &call, separator, &mut noted).await;
    let (params, open) = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            let served = Err(failure);
            let body = conclude(cx, &call, format, noted, served);
            return Answer { format, body };
        }
    };
    let mut body = String::new();
    for (form, item) in open.batch.calls.iter().zip(1..) {
        if !body.is_empty() {
            body.push_str(open.separator);
        }
        let one = Call {
            verb: call.verb,
            params: parameters(form, open.batch.public, params),
            signed_body: b"",
            address: call.address,
            format: Ok(format),
        };
        body.push_str(&serve_one(cx, &open, &one, item).await);
    }
    Answer { format, body }
}

/// Everything that is said once: who calls, when, signed, how the calls are parted.
async fn open<'a>(
    cx: &Context,
    call: &'a Call<'_>,
    separator: Option<&'a [u8]>,
    noted: &mut Noted,
) -> Result<(&'a Params<'a>, Open<'a>), Failure> {
    let params = call.params.as_ref().map_err(Clone::clone)?;
    if *call.verb != Verb::POST {
        return Err(error::HTTP_ACTION.into());
    }
    let format = call.format.clone()?;
    let app = known_app(cx, params, noted).await?;
    check_signed(call, params, &app.secret, noted.began, noted)?;
    noted.check = Check::Batch;
    let separator = match separator {
        None => SEPARATOR,
        Some(named) => usable(cx, named, format).ok_or_else(unusable_separator)?,
    };
    let calls_max = usize::try_from(cx.settings.batch_calls_max).unwrap_or(usize::MAX);
    let batch = batch::read(call.signed_body, separator.as_bytes(), calls_max);
    let batch = batch.map_err(|fault| match fault {
        BadBatch::Empty => Rejection::with_argument(error::MISSING_ARGUMENT, "body"),
        BadBatch::TooMany => {
            let why = format!("body, more than {calls_max} calls");
            Rejection::with_argument(error::INVALID_ARGUMENT, why)
        }
    })?;
    Ok((params, Open { app, separator, batch }))
}

/// A separator that a header names, if answers can be parted at it: it must not stand in what takes the
/// place of one that has it.
fn usable<'s>(cx: &Context, named: &'s [u8], format: Format) -> Option<&'s str> {
    let text = std::str::from_utf8(named).ok()?;
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let fits = (1..=SEPARATOR_BYTES_MAX).contains(&text.len());
    // One that any request id may have in it would part answers by chance.
    let is_apart = text.bytes().any(|byte| !byte.is_ascii_lowercase() && !byte.is_ascii_digit());
    let least = complaint(cx, format, &unusable_separator(), "");
    (is_plain && fits && is_apart && batch::is_parted(&least, text)).then_some(text)
}

fn unusable_separator() -> Rejection {
    Rejection::with_argument(error::INVALID_ARGUMENT, SEPARATOR_HEADER)
}

/// A call's parameters: its own, else those of all, else the query's session.
fn parameters<'a>(
    form: &'a [u8],
    public: &'a [u8],
    query: &'a Params<'_>,
) -> Result<Params<'a>, Rejection> {
    let mut pairs: Pairs<'a> = Vec::new();
    for part in [form, public] {
        decode_into(part, &mut pairs).map_err(Rejection::from)?;
    }
    // An empty value is as none, so it does not stand before another.
    pairs.retain(|(_, value)| !value.trim().is_empty());
    let inherited = INHERITED.iter().filter_map(|name| Some((*name, query.get(name)?)));
    pairs.extend(inherited.map(|(name, value)| (name.into(), value.into())));
    Ok(Params::from_pairs(pairs))
}

/// Serves one call of a batch; its failure is its own.
async fn serve_one(cx: &Context, open: &Open<'_>, call: &Call<'_>, item: usize) -> String {
    let app = Some(Arc::clone(&open.app));
    let (batch_item, check) = (Some(item), Check::Batch);
    let mut noted = Noted { app, batch_item, check, ..Noted::new(cx) };
    let request_id = noted.request_id.clone();
    let format = call.answer_format();
    let served = async {
        let params = call.params.as_ref().map_err(Clone::clone)?;
        let spec = called(params, &mut noted)?;
        let app = Arc::clone(&open.app);
        let caller = allow(cx, app, spec, call, params, &mut noted).await?;
        dispatch(cx, caller, spec, params, &mut noted).await
    }
    .await;
    let answer = conclude(cx, call, format, noted, served);
    if batch::is_parted(&answer, open.separator) {
        return answer;
    }
    // What it did is done, and asked for alone it says so; here it would be taken for two answers.
    let told = complaint(cx, format, &unusable_separator(), &request_id);
    if batch::is_parted(&told, open.separator) {
        return told;
    }
    // Or where the request id ends, by chance; without one it is known not to stand.
    complaint(cx, format, &unusable_separator(), "")
}
