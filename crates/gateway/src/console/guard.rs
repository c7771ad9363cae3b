//! Who gets into the console: a handler that takes a [`Guarded`] is reached by nobody who is not signed in.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse, Redirect, Response};
use domain::account::Role;
use store::Cause;

use crate::account::{self, Operator};
use crate::web::{Problem, Visit, cookie, is_https};
use crate::{Context, context};

/// The cookie of a browser that is signed in. Not sent where another site leads to but for following a
/// link, and out of any script's reach.
const COOKIE: &str = "tripwright_console";
/// The same where the browser came by HTTPS: with this prefix it takes the cookie from this host only, by
/// HTTPS only, so that neither a neighbouring host nor somebody on the line can put another in its place.
const SECURE_COOKIE: &str = "__Host-tripwright_console";

/// What the browser's cookie holds. Where it is known to have come by HTTPS only the cookie counts that was
/// set so.
pub fn secret(headers: &HeaderMap) -> Option<&str> {
    let plain = || cookie(headers, COOKIE).filter(|_| !is_https(headers));
    cookie(headers, SECURE_COOKIE).or_else(plain)
}

/// The cookie that signs a browser in.
pub fn set_cookie(headers: &HeaderMap, secret: &str) -> Option<HeaderValue> {
    cookie_with(headers, secret, "")
}

/// The cookie that takes it away.
pub fn clear_cookie(headers: &HeaderMap) -> Option<HeaderValue> {
    cookie_with(headers, "", "; Max-Age=0")
}

fn cookie_with(headers: &HeaderMap, secret: &str, more: &str) -> Option<HeaderValue> {
    let (name, secure) = match is_https(headers) {
        true => (SECURE_COOKIE, "; Secure"),
        false => (COOKIE, ""),
    };
    let text = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    HeaderValue::try_from(text).ok()
}

/// An operator who is signed in.
#[derive(Debug, Clone)]
pub struct Guarded {
    /// Who.
    pub operator: Operator,
    /// Why what they do happens: in the audit and in an order's journal it is one request.
    pub cause: Cause,
}

impl Guarded {
    /// Refuses whose role is less than `role`.
    ///
    /// # Errors
    /// It is.
    pub fn must_be(&self, role: Role) -> Result<(), Problem> {
        if self.operator.role >= role { Ok(()) } else { Err(Problem::Forbidden) }
    }

    /// Whether the role reaches as far as `role`, for a page that shows what can be done.
    pub fn may_be(&self, role: &Role) -> bool {
        self.operator.role >= *role
    }

    /// The rooms that the role reaches.
    pub fn rooms(&self) -> impl Iterator<Item = &'static Room> {
        ROOMS.iter().filter(|room| self.may_be(&room.role))
    }
}

/// A room of the console, as the navigation names it.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Where it is.
    pub path: &'static str,
    /// What it is called.
    pub zh: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// The role that reaches it.
    pub role: Role,
}

/// Every room, in the order of the navigation.
const ROOMS: [Room; 7] = {
    const fn room(path: &'static str, zh: &'static str, en: &'static str, role: Role) -> Room {
        Room { path, zh, en, role }
    }
    [
        room("/console/orders", "订单", "Orders", Role::Viewer),
        room("/console/calls", "调用", "Calls", Role::Viewer),
        room("/console/charts", "图表", "Charts", Role::Viewer),
        room("/console/apps", "应用", "Apps", Role::Viewer),
        room("/console/keys", "密钥", "Keys", Role::Viewer),
        room("/console/audit", "审计", "Audit", Role::Operator),
        room("/console/accounts", "账号", "Accounts", Role::Admin),
    ]
};

impl Room {
    /// Whether a visitor is in it.
    pub fn is_here(&self, visit: &Visit) -> bool {
        let rest = visit.path.strip_prefix(self.path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl FromRequestParts<Arc<Context>> for Guarded {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, cx: &Arc<Context>) -> Result<Self, Response> {
        let now = cx.clock.now();
        let operator = match secret(&parts.headers) {
            Some(cookie) => account::of_cookie(&cx.store, cookie, now).await,
            None => Ok(None),
        };
        let operator = operator.map_err(|error| Problem::from(error).into_response())?;
        // As with the demo app: in production it does not exist, whoever put it there.
        let operator = operator.filter(|operator| !(cx.settings.production && operator.is_demo));
        // Where there is something to see after signing in, it is shown then.
        let wanted = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
        let query = wanted.map(|to| format!("?{}", top::form::encode([("to", to.as_str())])));
        let login = || {
            let query = query.unwrap_or_default();
            Redirect::to(&format!("/console/login{query}")).into_response()
        };
        let operator = operator.ok_or_else(login)?;
        let actor = format!("console:{}", operator.name);
        let cause = Cause { at: now, actor, request_id: context::request_id() };
        Ok(Self { operator, cause })
    }
}
