//! The OpenAPI document and Swagger UI, which are in the program.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa_swagger_ui::Config;

use super::document;
use super::problem::{self, Problem};
use crate::{Context, context};

/// Where the document is, from where Swagger UI is.
const DOCUMENT: &str = "/ops/v1/openapi.json";
/// Nothing but what is served here. Swagger UI draws its marks from data, and has one style in its text, which
/// the hash names; all others it sets as a script may.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-hashes' \
                      'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The document and the page that shows it.
pub fn router() -> Router<Arc<Context>> {
    Router::new()
        .route(DOCUMENT, get(openapi))
        .route("/ops/v1/", get(async || Redirect::permanent("/ops/v1/docs/")))
        .route("/ops/v1/docs", get(async || Redirect::permanent("/ops/v1/docs/")))
        .route("/ops/v1/docs/", get(async || file("")))
        .route("/ops/v1/docs/{*file}", get(async |Path(path): Path<String>| file(&path)))
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
        .layer(map_response(dress))
}

async fn dress(response: Response) -> Response {
    let mut response = problem::told(response, &context::request_id());
    let usual = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in usual {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn openapi() -> Result<Response, Problem> {
    let text = document::text().ok_or(Problem::Fault(anyhow::anyhow!("no document")))?;
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}

/// A file of Swagger UI.
fn file(path: &str) -> Result<Response, Problem> {
    static CONFIG: LazyLock<Arc<Config<'static>>> =
        LazyLock::new(|| Arc::new(Config::from(DOCUMENT).try_it_out_enabled(true)));
    let served = utoipa_swagger_ui::serve(path, Arc::clone(&CONFIG));
    let file = served.map_err(|error| Problem::Fault(anyhow::anyhow!("{error}")))?;
    let file = file.ok_or(Problem::NotFound("There is no such file."))?;
    let mut response =
        ([(CONTENT_TYPE, file.content_type)], file.bytes.into_owned()).into_response();
    if file.gzpipped {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
