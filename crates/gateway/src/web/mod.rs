//! What all pages share: two languages, one layout, assets that are in the program, and headers under which
//! nothing runs or loads that is not ours.

mod assets;
mod problem;
mod visit;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::Method;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tower_http::csrf::CsrfLayer;

pub use self::assets::asset;
pub use self::problem::Problem;
pub use self::visit::{Lang, Visit, cookie, is_https};
use crate::{Context, console, docs, metrics, ops};

/// Nothing but what the program itself serves: no script or style in a page's text, no frame, no other host.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// What handlers of pages share.
pub type State = axum::extract::State<Arc<Context>>;

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub struct From(pub std::net::IpAddr);

/// Whether an address on the listener that TOP clients reach is a page's.
pub fn is_public(verb: &Method, path: &str) -> bool {
    let rooms = ["/docs", "/assets"];
    let in_room = |room| {
        path.strip_prefix(room).is_some_and(|rest| matches!(rest.bytes().next(), None | Some(b'/')))
    };
    (path == "/" && verb == Method::GET) || rooms.into_iter().any(in_room)
}

/// The pages of the listener that TOP clients reach.
pub fn public(context: Arc<Context>) -> Router {
    dressed(docs::router()).with_state(context)
}

/// The pages of the operators' listener.
pub fn admin(context: Arc<Context>) -> Router {
    let ops = ops::router(&context);
    dressed(console::router().merge(metrics::router())).merge(ops).with_state(context)
}

fn dressed(router: Router<Arc<Context>>) -> Router<Arc<Context>> {
    router
        .route("/assets/{name}", get(assets::serve))
        .fallback(async || Problem::NotFound)
        // The listener has read it within the program's own limit.
        .layer(DefaultBodyLimit::disable())
        .layer(CsrfLayer::new())
        .layer(from_fn(dress))
}

/// Gives an answer its headers, remembers the language that was asked for, and tells a problem in it.
async fn dress(request: Request, next: Next) -> Response {
    let visit = Visit::of(&request);
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() {
        response = problem.tell(&visit);
    }
    let headers = response.headers_mut();
    let usual = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        // Languages, roles and orders change: only assets are kept.
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in usual {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Some(cookie) = visit.remembered() {
        headers.append(SET_COOKIE, cookie);
    }
    response
}

/// A page.
pub fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => Problem::fault(error).into_response(),
    }
}
