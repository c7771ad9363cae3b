//! Signing in and out.

use askama::Template;
use axum::Form;
use axum::extract::State as Extract;
use axum::http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::Cause;

use super::guard::COOKIE;
use crate::web::{Problem, State, Visit, cookie, page};
use crate::{account, audit, context};

/// Who wants in.
#[derive(Deserialize)]
pub struct Credentials {
    name: String,
    password: String,
}

#[derive(Template)]
#[template(path = "console/login.html")]
struct Login<'a> {
    visit: &'a Visit,
    name: &'a str,
    is_refused: bool,
}

/// The form.
pub async fn form(visit: Visit) -> Response {
    page(&Login { visit: &visit, name: "", is_refused: false })
}

/// Signs in who knows the password.
pub async fn sign_in(
    Extract(cx): State,
    visit: Visit,
    Form(given): Form<Credentials>,
) -> Result<Response, Problem> {
    let now = cx.clock.now();
    let request_id = context::request_id();
    // An account's name at most, never what was typed: it may be a password in the wrong field.
    let known = given.name.parse::<domain::id::AccountName>();
    let actor = known.map_or("console".to_owned(), |name| format!("console:{name}"));
    let cause = Cause { at: now, actor, request_id };
    let signed_in = account::sign_in(&cx.store, &given.name, &given.password, &cause).await?;
    let Some(secret) = signed_in else {
        let name = &given.name;
        return Ok(page(&Login { visit: &visit, name, is_refused: true }));
    };
    audit::record(&cx.store, &cause, "sign-in", "console", None).await?;
    Ok(leave_with(&format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Lax"), "/console"))
}

/// Signs out.
pub async fn sign_out(Extract(cx): State, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(secret) = cookie(&headers, COOKIE) {
        let (at, request_id) = (cx.clock.now(), context::request_id());
        let cause = Cause { at, actor: "console".into(), request_id };
        account::sign_out(&cx.store, secret, &cause).await?;
    }
    Ok(leave_with(
        &format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"),
        "/console/login",
    ))
}

fn leave_with(cookie: &str, to: &str) -> Response {
    let mut response = Redirect::to(to).into_response();
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
