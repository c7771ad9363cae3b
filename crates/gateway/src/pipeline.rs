//! One call from parameters to answer, in the platform's order of checks.
//!
//! The order is ours where the platform does not say: nothing that would tell an outsider about
//! entitlements or state is looked at before the signature.

pub mod batch;
mod explain;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::Instant;
use hyper::Method as Verb;
use top::form::read_request;
use top::sign::Secret;
use top::{Format, Method, Params, Rejection, Session, SignMethod, Spec, answer, error};

use crate::access::Known;
use crate::calls::{self, Check, Flat};
use crate::failure::Failure;
use crate::handlers::{self, Caller};
use crate::{Context, Settings, context};

/// What the log calls lines about single calls, which production does without unless asked.
pub const ACCESS: &str = "access";
/// How far a call's timestamp may be from our clock, either way.
const TIMESTAMP_TOLERANCE: Duration = Duration::from_secs(10 * 60);
/// The only protocol version there is.
const VERSION: &str = "2.0";
/// Digits of a timestamp in epoch milliseconds, as the official Python SDK sends it.
const MILLISECOND_DIGITS: usize = 13;

/// A call as it arrived, its parameters read or not.
pub struct Call<'a> {
    /// GET, POST, or something that is refused.
    pub verb: &'a Verb,
    /// Every parameter, wherever it stood; or why they could not be read.
    pub params: Result<Params<'a>, Rejection>,
    /// The body, where it takes part in the signature as it is.
    pub signed_body: &'a [u8],
    /// Where the call came from.
    pub address: IpAddr,
    /// The format it asks for, as far as its parameters could be read.
    pub format: Result<Format, Rejection>,
}

impl Call<'_> {
    /// The format of its answer: XML when it asks for one that there is not.
    fn answer_format(&self) -> Format {
        self.format.as_ref().copied().unwrap_or(Format::Xml)
    }
}

/// What goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its form.
    pub format: Format,
    /// Its text.
    pub body: String,
}

/// What is known about a call, for its one line in the log and for its story.
struct Noted {
    request_id: String,
    began: Instant,
    app: Option<Arc<Known>>,
    spec: Option<&'static Spec>,
    /// What is looked at, or was last.
    check: Check,
    /// Which of a batch it is, from 1; 0 is the batch itself.
    batch_item: Option<usize>,
    /// What it may have changed.
    place: Option<store::Key>,
}

impl Noted {
    /// What is known of a call that has just come.
    fn new(cx: &Context) -> Self {
        Self {
            request_id: context::request_id(),
            began: cx.clock.now(),
            app: None,
            spec: None,
            check: Check::Form,
            batch_item: None,
            place: None,
        }
    }
}

/// Serves a call; there is always an answer.
pub async fn serve(cx: &Context, call: Call<'_>) -> Answer {
    let mut noted = Noted::new(cx);
    let format = call.answer_format();
    let served = answer_call(cx, &call, &mut noted).await;
    let body = conclude(cx, &call, format, noted, served);
    Answer { format, body }
}

/// The answer to a call, whatever became of it; it is logged, counted and noted.
fn conclude(
    cx: &Context,
    call: &Call<'_>,
    format: Format,
    noted: Noted,
    served: Result<String, Failure>,
) -> String {
    let (body, failure) = match served {
        Ok(body) => (body, None),
        Err(failure) => {
            let rejection = failure.rejection();
            (complaint(cx, format, &rejection, &noted.request_id), Some((failure, rejection)))
        }
    };
    let cost = cx.clock.now().duration_since(noted.began);
    // A clock that was set back meanwhile says nothing.
    let cost_us = i64::try_from(cost.as_micros()).unwrap_or(i64::MAX).max(0);
    let is_told = || cx.journal.is_on() || tracing::enabled!(target: ACCESS, tracing::Level::INFO);
    let explained = failure.as_ref().filter(|_| is_told());
    let explained =
        explained.and_then(|(_, rejection)| explain::explain(cx, call, &noted, rejection));
    log(cx, call, cost_us, &noted, failure.as_ref(), explained.as_ref());
    let rejection = failure.as_ref().map(|(_, rejection)| rejection);
    cx.metrics.count(noted.spec, rejection, cost_us);
    cx.journal.note(|| {
        let (failure, rejection) = failure.unzip();
        calls::Noted {
            at: noted.began,
            cost_us,
            request_id: noted.request_id,
            app: noted.app,
            spec: noted.spec,
            address: call.address,
            verb: verb(call.verb),
            format,
            batch_item: noted.batch_item,
            check: noted.check,
            rejection,
            is_fault: matches!(failure, Some(Failure::Fault(_))),
            mistake: explained.as_ref().map(|it| it.mistake.clone()),
            signed: explained.and_then(|it| it.signed),
            violations: failure.as_ref().map(violations).unwrap_or_default(),
            params: call.params.as_ref().ok().and_then(Flat::of),
            body_bytes: call.signed_body.len(),
            answer: calls::answer(&body),
            place: noted.place,
        }
    });
    body
}

/// A verb's name, as long as it is one that everybody knows.
fn verb(verb: &Verb) -> &'static str {
    match *verb {
        Verb::GET => "GET",
        Verb::POST => "POST",
        _ => "other",
    }
}

/// What is wrong with a request.
fn violations(failure: &Failure) -> Vec<String> {
    match failure {
        Failure::Invalid(all) => all.iter().map(|v| format!("{:?} {}", v.kind, v.path)).collect(),
        Failure::Rejected(_) | Failure::Fault(_) => Vec::new(),
    }
}

/// An `error_response`.
fn complaint(cx: &Context, format: Format, rejection: &Rejection, request_id: &str) -> String {
    let Settings { node, remote_error_code, .. } = &cx.settings;
    answer::failure(format, rejection, *remote_error_code, request_id, node)
}

async fn answer_call(cx: &Context, call: &Call<'_>, noted: &mut Noted) -> Result<String, Failure> {
    let params = call.params.as_ref().map_err(Clone::clone)?;
    if !matches!(*call.verb, Verb::GET | Verb::POST) {
        return Err(error::HTTP_ACTION.into());
    }
    call.format.clone()?;
    let (caller, spec) = admit(cx, call, params, noted).await?;
    dispatch(cx, caller, spec, params, noted).await
}

/// Everything before the method's own parameters: who calls what, when, signed, allowed, how often.
async fn admit(
    cx: &Context,
    call: &Call<'_>,
    params: &Params<'_>,
    noted: &mut Noted,
) -> Result<(Caller, &'static Spec), Failure> {
    let app = known_app(cx, params, noted).await?;
    let spec = called(params, noted)?;
    check_signed(call, params, &app.secret, noted.began, noted)?;
    let caller = allow(cx, app, spec, call, params, noted).await?;
    Ok((caller, spec))
}

/// Whether what says who calls is of now, and signed.
fn check_signed(
    call: &Call<'_>,
    params: &Params<'_>,
    secret: &Secret,
    now: Instant,
    noted: &mut Noted,
) -> Result<(), Failure> {
    noted.check = Check::Version;
    check_version(params)?;
    noted.check = Check::Timestamp;
    check_timestamp(params, now)?;
    noted.check = Check::Sign;
    check_sign(params, call.signed_body, secret)
}

/// Whether the app may call this method, with this session, once more.
async fn allow(
    cx: &Context,
    app: Arc<Known>,
    spec: &Spec,
    call: &Call<'_>,
    params: &Params<'_>,
    noted: &mut Noted,
) -> Result<Caller, Failure> {
    noted.check = Check::Permission;
    if !app.may_call(spec.name) {
        return Err(error::ISV_PERMISSIONS.into());
    }
    noted.check = Check::Session;
    if spec.session == Session::Required {
        let token = params.get("session").ok_or(error::MISSING_SESSION)?;
        let session = cx.access.session(&cx.store, &app.key, token).await?;
        if !session.is_some_and(|session| session.is_open(noted.began)) {
            return Err(error::INVALID_SESSION.into());
        }
    }
    noted.check = Check::Quota;
    cx.quotas.take(&app, noted.began)?;
    let (request_id, now) = (noted.request_id.clone(), noted.began);
    let place = cx.journal.is_on().then(OnceLock::new);
    let (address, format) = (call.address, call.answer_format());
    Ok(Caller { app, request_id, address, now, format, place })
}

/// The app that calls.
async fn known_app(
    cx: &Context,
    params: &Params<'_>,
    noted: &mut Noted,
) -> Result<Arc<Known>, Failure> {
    noted.check = Check::App;
    let app_key = params.get("app_key").ok_or(error::MISSING_APP_KEY)?;
    let app = cx.access.app(&cx.store, app_key).await?.ok_or(error::INVALID_APP_KEY)?;
    noted.app = Some(Arc::clone(&app));
    Ok(app)
}

/// The declaration of the method that is called.
fn called(params: &Params<'_>, noted: &mut Noted) -> Result<&'static Spec, Failure> {
    noted.check = Check::Method;
    let method = params.get("method").ok_or(error::MISSING_METHOD)?;
    let spec = trip_api::SPECS.iter().copied().find(|spec| spec.name == method);
    let spec = spec.ok_or(error::INVALID_METHOD)?;
    noted.spec = Some(spec);
    Ok(spec)
}

fn check_version(params: &Params<'_>) -> Result<(), Failure> {
    let version = params.get("v").ok_or(error::MISSING_VERSION)?;
    if version == VERSION {
        return Ok(());
    }
    let numbered = version.split_once('.').is_some_and(|(major, minor)| {
        [major, minor]
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    Err(if numbered { error::UNSUPPORTED_VERSION } else { error::INVALID_VERSION }.into())
}

fn check_timestamp(params: &Params<'_>, now: Instant) -> Result<(), Failure> {
    let text = params.get("timestamp").ok_or(error::MISSING_TIMESTAMP)?;
    let is_milliseconds =
        text.len() == MILLISECOND_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    let at_ms: Option<i64> = if is_milliseconds {
        text.parse().ok()
    } else {
        let date: Option<top::Date> = text.parse().ok();
        date.and_then(top::Date::unix_seconds).and_then(|seconds| seconds.checked_mul(1000))
    };
    let tolerated_ms = TIMESTAMP_TOLERANCE.as_millis();
    let close = |at_ms: i64| {
        // Text has no fraction, so our own is not held against it.
        let now_ms = if is_milliseconds { now.as_millisecond() } else { now.as_second() * 1000 };
        u128::from(now_ms.abs_diff(at_ms)) <= tolerated_ms
    };
    match at_ms {
        Some(at_ms) if close(at_ms) => Ok(()),
        _ => Err(error::INVALID_TIMESTAMP.into()),
    }
}

fn check_sign(params: &Params<'_>, signed_body: &[u8], secret: &Secret) -> Result<(), Failure> {
    let method = match params.get("sign_method") {
        // The oldest clients sign with md5 and do not say so.
        None => SignMethod::Md5,
        Some(name) => name.parse().map_err(|_| Failure::from(error::INVALID_SIGNATURE))?,
    };
    let given = params.get("sign").ok_or(error::MISSING_SIGNATURE)?;
    if !secret.verify(method, params.iter(), signed_body, given) {
        return Err(error::INVALID_SIGNATURE.into());
    }
    Ok(())
}

/// Reads the method's own parameters, asks its handler and writes its answer. Expanded over the
/// catalogue, so a declared method without a handler does not compile.
async fn dispatch(
    cx: &Context,
    caller: Caller,
    spec: &'static Spec,
    params: &Params<'_>,
    noted: &mut Noted,
) -> Result<String, Failure> {
    noted.check = Check::Parameters;
    macro_rules! arms {
        ($($stem:ident,)*) => {
            match spec.name {
                $(<trip_api::$stem::Request as Method>::NAME => {
                    let request = read_request(params).map_err(Failure::Invalid)?;
                    noted.check = Check::Rules;
                    let response = handlers::$stem::handle(cx, &caller, request).await;
                    noted.place = caller.place.and_then(OnceLock::into_inner);
                    let (id, node) = (&caller.request_id, &cx.settings.node);
                    Ok(answer::success(caller.format, spec.name, &response?, id, node))
                })*
                _ => Err(error::INVALID_METHOD.into()),
            }
        };
    }
    trip_api::catalogue!(arms)
}

/// One line per call; a fault has its whole chain, a bad request all that is wrong with it.
fn log(
    cx: &Context,
    call: &Call<'_>,
    cost_us: i64,
    noted: &Noted,
    failure: Option<&(Failure, Rejection)>,
    explained: Option<&explain::Explained>,
) {
    let is_fault = matches!(failure, Some((Failure::Fault(_), _)));
    if !is_fault && !tracing::enabled!(target: ACCESS, tracing::Level::INFO) {
        return;
    }
    let request_id = noted.request_id.as_str();
    let app_key = noted.app.as_ref().map(|app| app.key.as_str());
    let method = noted.spec.map(|spec| spec.name);
    let address = call.address;
    let Some((failure, rejection)) = failure else {
        tracing::info!(target: ACCESS, request_id, app_key, method, %address, cost_us, "served");
        return;
    };
    let code = rejection.code(cx.settings.remote_error_code);
    let (msg, sub_code) = (rejection.msg(), rejection.sub_code);
    match failure {
        Failure::Rejected(_) => {
            tracing::info!(target: ACCESS, request_id, app_key, method, %address, cost_us, code, %msg, sub_code, "rejected");
            if let Some(explain::Explained { mistake, signed }) = explained {
                let is_sign = rejection.row == error::INVALID_SIGNATURE;
                let what = if is_sign { "sign" } else { "timestamp" };
                tracing::info!(target: ACCESS, request_id, signed, mistake, "the {what} is wrong");
            }
        }
        Failure::Invalid(_) => {
            let violations = violations(failure).join(", ");
            tracing::info!(target: ACCESS, request_id, app_key, method, %address, cost_us, code, %msg, sub_code, violations, "rejected");
        }
        Failure::Fault(fault) => {
            let fault = format!("{fault:#}");
            tracing::error!(request_id, app_key, method, %address, cost_us, code, sub_code, fault, "failed");
        }
    }
}
