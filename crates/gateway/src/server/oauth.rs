//! `/authorize`, `/token` and `/logoff` over HTTP.

use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{Request, Response};

use super::respond::Body;
use super::{Shared, read};
use crate::oauth::{self, Ask};

/// Answers one of the pages.
pub async fn route(
    request: Request<Incoming>,
    address: IpAddr,
    shared: &Shared,
) -> Result<Response<Body>, read::TooSlow> {
    let (head, body) = request.into_parts();
    let body = read::body(&head, body, shared).await?;
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let params = read::Parameters::of(&head, query, &body).params;
    let ask = Ask { verb: &head.method, path: head.uri.path(), params, address };
    let mut response = oauth::answer(&shared.context, ask).await;
    if !matches!(body, read::Read::Whole { .. }) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|text| Full::new(Bytes::from(text))))
}
