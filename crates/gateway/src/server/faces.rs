//! Pages and the operations API over HTTP: their bodies are read within the same limits as a call's, and
//! their answers are small enough to be held whole.

use std::net::IpAddr;

use axum::Router;
use axum::body::{Body as Answered, to_bytes};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use hyper::{Request, Response, StatusCode};
use tower_service::Service as _;

use super::respond::{self, Body};
use super::{Shared, read};
use crate::pipeline::ACCESS;
use crate::{ops, web};

/// The largest answer: far beyond a page of anything that is listed in pages.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// From so many bytes on, what is text is compressed: below, a packet is a packet.
const COMPRESSED_BYTES_MIN: usize = 1024;

/// Asks the pages.
pub async fn route(
    mut router: Router,
    request: Request<Incoming>,
    address: IpAddr,
    shared: &Shared,
) -> Result<Response<Body>, read::TooSlow> {
    let (head, body) = request.into_parts();
    let gzip = respond::accepts_gzip(&head.headers);
    let began = shared.context.clock.now();
    let (verb, path) = (head.method.clone(), head.uri.path().to_owned());
    // The room that the body takes up is held until it is answered.
    let (bytes, _room) = match read::any_body(&head, body, shared).await? {
        read::Read::Whole { bytes, _room } => (bytes, _room),
        read::Read::TooLarge | read::Read::Unread => {
            let mut response =
                respond::text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n");
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            if head.uri.path().starts_with(ops::PREFIX) {
                let (kind, told) = ops::too_large();
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                *response.body_mut() = Full::new(told.into());
            }
            return Ok(response);
        }
    };
    let mut request = Request::from_parts(head, Answered::from(bytes));
    request.extensions_mut().insert(web::From(address));
    let Ok(response) = router.call(request).await;
    let cost = shared.context.clock.now().duration_since(began);
    let (status, cost_us) = (response.status().as_u16(), cost.as_micros() as i64);
    tracing::info!(target: ACCESS, %address, %verb, path, status, cost_us, "page");
    let (mut head, body) = response.into_parts();
    let Ok(mut bytes) = to_bytes(body, ANSWER_BYTES_MAX).await else {
        tracing::error!("a page was longer than {ANSWER_BYTES_MAX} bytes");
        return Ok(respond::text(StatusCode::INTERNAL_SERVER_ERROR, "the answer is too large\n"));
    };
    head.headers.insert(VARY, HeaderValue::from_static("Accept-Encoding, Cookie, Accept-Language"));
    let is_text = head.headers.get(CONTENT_TYPE).is_some_and(|kind| is_text(kind.as_bytes()));
    let is_plain = !head.headers.contains_key(CONTENT_ENCODING);
    if gzip
        && is_text
        && is_plain
        && bytes.len() >= COMPRESSED_BYTES_MIN
        && let Some(compressed) = respond::compress(&bytes)
    {
        bytes = compressed.into();
        head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        head.headers.remove(hyper::header::CONTENT_LENGTH);
    }
    Ok(Response::from_parts(head, Full::new(bytes)))
}

fn is_text(kind: &[u8]) -> bool {
    [&b"text/"[..], b"application/json", b"application/problem+json", b"image/svg"]
        .iter()
        .any(|known| kind.starts_with(known))
}
