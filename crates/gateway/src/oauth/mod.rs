//! OAuth 2.0 as the platform's documents have it: `/authorize` asks a person, `/token` gives the app
//! tokens, `/logoff` says goodbye.
//!
//! A token is a [`Session`](domain::access::Session) like those that an operator makes. Two methods of the
//! catalogue, `taobao.top.auth.token.create` and `.refresh`, do what `/token` does.

pub mod authorize;
pub mod grants;
mod page;
pub mod token;

use std::net::IpAddr;

use hyper::header::{CACHE_CONTROL, HeaderValue};
use hyper::{Method as Verb, Response, StatusCode};
use store::Cause;
use top::{Params, Rejection};

use crate::{Context, context, pipeline};

/// The pages.
pub const PATHS: [&str; 3] = ["/authorize", "/token", "/logoff"];

/// A request for one of the pages.
pub struct Ask<'a> {
    /// GET, POST, or something that is refused.
    pub verb: &'a Verb,
    /// Which page.
    pub path: &'a str,
    /// Every parameter, wherever it stood; or why they could not be read.
    pub params: Result<Params<'a>, Rejection>,
    /// Where it came from.
    pub address: IpAddr,
}

/// What goes back, and what the log says of it: neither code nor token nor name.
pub struct Reply {
    response: Response<String>,
    app_key: Option<String>,
    outcome: &'static str,
}

impl Reply {
    fn new(outcome: &'static str, response: Response<String>) -> Self {
        Self { response, app_key: None, outcome }
    }

    fn of(self, app_key: &str) -> Self {
        Self { app_key: Some(app_key.to_owned()), ..self }
    }
}

/// Answers a request for one of the pages; there is always an answer.
pub async fn answer(cx: &Context, ask: Ask<'_>) -> Response<String> {
    let request_id = context::request_id();
    let cause = Cause { at: cx.clock.now(), actor: "oauth".into(), request_id: request_id.clone() };
    let Ask { verb, path, params, address } = ask;
    let is_served = matches!(*verb, Verb::GET | Verb::POST);
    let answered = match (path, &params) {
        (path, _) if path != "/token" && !is_served => Ok(page::problem(&page::UNREADABLE)),
        ("/authorize", Ok(params)) => authorize::answer(cx, verb, params, cause).await,
        ("/token", Ok(params)) => token::answer(cx, verb, params, cause).await,
        ("/token", Err(_)) => Ok(token::unreadable()),
        ("/logoff", Ok(params)) => authorize::logoff(cx, params).await,
        (_, Ok(_) | Err(_)) => Ok(page::problem(&page::UNREADABLE)),
    };
    let Reply { mut response, app_key, outcome } = answered.unwrap_or_else(|error| {
        let fault = format!("{:#}", anyhow::Error::from(error));
        tracing::error!(request_id, %address, path, fault, "failed");
        let response = match path {
            "/token" => token::failed(&request_id),
            _ => page::failed(&request_id),
        };
        Reply::new("failed", response)
    });
    tracing::info!(target: pipeline::ACCESS, request_id, %address, path, app_key, outcome, "oauth");
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A text of a kind, under a status.
fn typed(status: StatusCode, kind: &'static str, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    response
}
