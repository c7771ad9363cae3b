//! What every request goes through: who calls, whether it was asked before, and how it is answered.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::Pii;
use domain::account::Role;
use store::Cause;

use super::problem::{self, Problem, REQUEST_ID};
use crate::account;
use crate::{Context, context};

/// Who calls, and why what they do happens.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub operator: account::Operator,
    /// In the audit and in an order's journal it is one request.
    pub cause: Cause,
    /// Whether this request may have been performed before, by somebody who died over it.
    pub is_again: bool,
    /// The secret that this request makes, if it makes one: the same whenever it is performed again.
    pub drawn: Pii<String>,
}

/// Serves a request, whatever becomes of it.
pub async fn attend(State(cx): State<Arc<Context>>, request: Request, next: Next) -> Response {
    let request_id = context::request_id();
    let answer = serve(&cx, request, next, &request_id).await;
    let mut response =
        problem::told(answer.unwrap_or_else(IntoResponse::into_response), &request_id);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(&request_id) {
        headers.entry(REQUEST_ID).or_insert(id);
    }
    let usual = [
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in usual {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn serve(
    cx: &Arc<Context>,
    mut request: Request,
    next: Next,
    request_id: &str,
) -> Result<Response, Problem> {
    let operator = match bearer(request.headers()) {
        Some(token) => account::of_token(&cx.store, token).await?,
        None => None,
    };
    // As with the demo app: in production it does not exist, whoever put it there.
    let operator = operator.filter(|operator| !(cx.settings.production && operator.is_demo));
    let operator = operator.ok_or(Problem::Unauthorized)?;
    let (at, actor) = (cx.clock.now(), format!("ops:{}", operator.name));
    let cause = Cause { at, actor, request_id: request_id.to_owned() };
    let caller = Caller { operator, cause, is_again: false, drawn: Pii::new(context::token()) };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// The token of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The caller, if their role reaches as far as `role`.
fn caller(parts: &Parts, role: Role) -> Result<Caller, Problem> {
    let caller = parts.extensions.get::<Caller>().ok_or(Problem::Unauthorized)?;
    if caller.operator.role >= role { Ok(caller.clone()) } else { Err(Problem::Forbidden(role)) }
}

/// A caller who may look.
pub struct Viewer;

/// A caller who may advance orders and reveal what is personal.
pub struct Operator(pub Caller);

/// A caller who may do everything.
pub struct Admin(pub Caller);

macro_rules! roles {
    ($($name:ident: $of:expr;)*) => {$(
        impl FromRequestParts<Arc<Context>> for $name {
            type Rejection = Problem;

            async fn from_request_parts(
                parts: &mut Parts,
                _: &Arc<Context>,
            ) -> Result<Self, Problem> {
                caller(parts, Role::$name).map($of)
            }
        }
    )*};
}

roles! {
    Viewer: |_| Viewer;
    Operator: Operator;
    Admin: Admin;
}
