//! Signing in and out.

use askama::Template;
use axum::Form;
use axum::extract::{Extension, Query, State as Extract};
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, HeaderValue, RETRY_AFTER, SET_COOKIE};
use axum::response::{IntoResponse, Redirect, Response};
use domain::id::AccountName;
use serde::Deserialize;
use store::Cause;

use super::guard::{self, clear_cookie, set_cookie};
use crate::web::{From, Problem, State, Visit, page};
use crate::{Context, account, audit, context};

/// Longest address that is gone back to after signing in: far beyond any of ours.
const RETURN_BYTES_MAX: usize = 2048;

/// Who wants in, and where to.
#[derive(Deserialize)]
pub struct Credentials {
    name: String,
    password: String,
    #[serde(default)]
    to: String,
}

/// Where somebody wants to be after signing in.
#[derive(Deserialize)]
pub struct Whither {
    #[serde(default)]
    to: String,
    /// Whether a password was changed just now.
    changed: Option<String>,
}

/// Why somebody is not signed in.
enum Refusal {
    /// Name or password: which of them is not said.
    Unknown,
    /// Too many tries before; the seconds to wait.
    Wait(i64),
}

#[derive(Template)]
#[template(path = "console/login.html")]
struct Login<'a> {
    visit: &'a Visit,
    name: &'a str,
    to: &'a str,
    is_changed: bool,
    refusal: Option<Refusal>,
}

/// The form.
pub async fn form(visit: Visit, Query(Whither { to, changed }): Query<Whither>) -> Response {
    let (to, is_changed) = (local(&to), changed.is_some());
    page(&Login { visit: &visit, name: "", to, is_changed, refusal: None })
}

/// The address to go back to, if it is one of the console's own pages; otherwise its home.
fn local(to: &str) -> &str {
    let rest = to.strip_prefix("/console").unwrap_or("\\");
    let is_page = rest.is_empty() || rest.starts_with(['/', '?']);
    // A browser takes a backslash for a slash, and leaves out control characters.
    let is_plain = to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_login = rest.starts_with("/login");
    if is_page && is_plain && !is_login && to.len() <= RETURN_BYTES_MAX { to } else { "/console" }
}

/// Signs in who knows the password.
pub async fn sign_in(
    Extract(cx): State,
    Extension(From(address)): Extension<From>,
    visit: Visit,
    headers: HeaderMap,
    Form(given): Form<Credentials>,
) -> Result<Response, Problem> {
    let (now, request_id) = (cx.clock.now(), context::request_id());
    let Credentials { name, password, to } = &given;
    let to = local(to);
    let refuse = |status, refusal| {
        let refusal = Some(refusal);
        let shown = page(&Login { visit: &visit, name, to, is_changed: false, refusal });
        (status, shown).into_response()
    };
    // What was typed as a name may be a password in the wrong field: it is not kept, even in memory.
    let counted = cx.store.keyed_hash("sign-in", name);
    if let Err(seconds) = cx.sign_ins.begin(&counted, address, now) {
        let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, Refusal::Wait(seconds));
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
        return Ok(response);
    }
    let known = name.parse::<AccountName>().ok();
    let actor = known.as_ref().map_or("console".to_owned(), |name| format!("console:{name}"));
    let cause = Cause { at: now, actor, request_id };
    let Some(secret) = account::sign_in(&cx.store, name, password, &cause).await? else {
        record_failure(&cx, known, cause).await?;
        return Ok(refuse(StatusCode::FORBIDDEN, Refusal::Unknown));
    };
    cx.sign_ins.forgive(&counted, address);
    audit::record(&cx.store, &cause, "sign-in", "console", None).await?;
    Ok(leave_with(set_cookie(&headers, &secret), to))
}

/// Puts a failed try on record: of which account, if it is one, and never what was typed.
async fn record_failure(
    cx: &Context,
    name: Option<AccountName>,
    cause: Cause,
) -> Result<(), Problem> {
    let account = match &name {
        Some(name) => account::get(&cx.store, name).await?,
        None => None,
    };
    let subject = account.map_or("console".to_owned(), |known| format!("account/{}", known.name));
    let cause = Cause { actor: "console".into(), ..cause };
    Ok(audit::record(&cx.store, &cause, "sign-in-failed", &subject, None).await?)
}

/// Signs out.
pub async fn sign_out(Extract(cx): State, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(secret) = guard::secret(&headers) {
        let (at, request_id) = (cx.clock.now(), context::request_id());
        let operator = account::of_cookie(&cx.store, secret, at).await?;
        let actor = operator.as_ref().map(|operator| format!("console:{}", operator.name));
        let is_known = actor.is_some();
        let actor = actor.unwrap_or_else(|| "console".to_owned());
        let cause = Cause { at, actor, request_id };
        if is_known {
            account::sign_out(&cx.store, secret, &cause).await?;
            audit::record(&cx.store, &cause, "sign-out", "console", None).await?;
        }
    }
    Ok(leave_with(clear_cookie(&headers), "/console/login"))
}

/// Goes somewhere with a cookie set.
pub fn leave_with(cookie: Option<HeaderValue>, to: &str) -> Response {
    let mut response = Redirect::to(to).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_console_are_gone_back_to() {
        for good in ["/console", "/console/orders?kind=flight&after=x%2Fy", "/console?q=1"] {
            assert_eq!(local(good), good);
        }
        let long = format!("/console/{}", "x".repeat(RETURN_BYTES_MAX));
        for bad in [
            "",
            "//evil.example/console",
            "https://evil.example/console",
            "/console.evil.example",
            "/consoleevil",
            "/console\\@evil.example",
            "/console/\n//evil.example",
            "/docs",
            "/console/login?to=/console",
            &long,
        ] {
            assert_eq!(local(bad), "/console", "{bad:?}");
        }
    }
}
