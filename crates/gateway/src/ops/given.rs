//! What a request gives: path, query and body, each with its own complaint.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::Problem;
use crate::{Context, family};

/// How many things a list has when nobody says.
pub const LIMIT: usize = 50;
/// Most things in one answer: each is opened and read on its own.
pub const LIMIT_MAX: usize = 200;

/// The parts of a path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Context>> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, cx: &Arc<Context>) -> Result<Self, Problem> {
        let path = axum::extract::Path::from_request_parts(parts, cx).await;
        path.map(|axum::extract::Path(parts)| Self(parts))
            .map_err(|_| Problem::Unreadable("the path is not percent-encoded UTF-8".into()))
    }
}

/// A query of known names.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Context>> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, cx: &Arc<Context>) -> Result<Self, Problem> {
        let query = axum::extract::Query::from_request_parts(parts, cx).await;
        query.map(|axum::extract::Query(query)| Self(query)).map_err(|rejection| {
            Problem::invalid("query", family::expectation(&rejection.body_text()))
        })
    }
}

/// A body in JSON.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<Context>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, cx: &Arc<Context>) -> Result<Self, Problem> {
        let kind = request.headers().get(CONTENT_TYPE).map(|kind| kind.as_bytes().to_vec());
        let kind = String::from_utf8(kind.unwrap_or_default()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Problem::MediaType);
        }
        // It was read within the limits of all bodies before it came here.
        let bytes = Bytes::from_request(request, cx).await;
        let bytes = bytes.map_err(|_| Problem::Unreadable("the body broke off".into()))?;
        let mut value: Value = serde_json::from_slice(&bytes).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Problem::Unreadable(format!("the body is not JSON at line {line}, column {column}"))
        })?;
        write_whole_numbers(&mut value);
        family::read(value, "body").map(Self).map_err(Problem::of)
    }
}

/// To JSON Schema 1.0 is an integer, to whom it was written in JavaScript too; here it is from now on.
fn write_whole_numbers(value: &mut Value) {
    /// The first beyond which not every integer is a float.
    const END: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < END);
            if let Some(float) = whole.filter(|_| number.is_f64()) {
                *value = (float as i64).into();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(write_whole_numbers),
        Value::Object(members) => members.values_mut().for_each(write_whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Any position is one, however it came about: it says only after what to go on.
const CURSOR: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// What a position is told as: opaque, so that nobody builds on its form.
pub fn cursor(position: &str) -> String {
    CURSOR.encode(position)
}

/// The position that a cursor is.
pub fn position(cursor: Option<&str>) -> Result<Option<String>, Problem> {
    let decoded = cursor.filter(|cursor| !cursor.is_empty()).map(|cursor| CURSOR.decode(cursor));
    let bytes =
        decoded.transpose().map_err(|_| Problem::invalid("query.cursor", "is no cursor"))?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// How many are asked for.
pub fn limit(given: Option<usize>) -> Result<usize, Problem> {
    match given.unwrap_or(LIMIT) {
        limit @ 1..=LIMIT_MAX => Ok(limit),
        _ => Err(Problem::invalid("query.limit", format!("expected 1 to {LIMIT_MAX}"))),
    }
}
