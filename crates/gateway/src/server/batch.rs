//! `/router/batch`: several calls in one request, signed together.

use std::net::IpAddr;

use hyper::body::Incoming;
use hyper::{Request, Response};
use top::batch::SEPARATOR_HEADER;

use super::respond::{self, Body};
use super::{Shared, read};
use crate::pipeline::{self, Call};

/// Answers a batch; there is always an answer to one that arrives whole.
pub async fn route(
    request: Request<Incoming>,
    address: IpAddr,
    shared: &Shared,
) -> Result<Response<Body>, read::TooSlow> {
    let (head, body) = request.into_parts();
    let gzip = respond::accepts_gzip(&head.headers);
    let body = read::body(&head, body, shared).await?;
    let close = !matches!(body, read::Read::Whole { .. });
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let read = read::Parameters::of_batch(&head, query, &body);
    let separator = head.headers.get(SEPARATOR_HEADER).map(|value| value.as_bytes());
    let call = Call {
        verb: &head.method,
        params: read.params,
        signed_body: read.signed_body,
        address,
        format: read.format,
    };
    let answer = pipeline::batch::serve(&shared.context, call, separator).await;
    Ok(respond::answer(answer, gzip, close))
}
