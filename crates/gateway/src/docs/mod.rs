//! The documentation centre: every method of the catalogue from its declaration.

mod openapi;
mod postman;
mod tool;

use std::sync::Arc;

use askama::Template;
use axum::extract::State as Extract;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use top::Spec;

use crate::web::{Problem, State, Visit, page};
use crate::{Context, catalogue};

/// The pages of the documentation centre.
pub fn router() -> Router<Arc<Context>> {
    Router::new()
        .route("/", get(async || Redirect::temporary("/docs")))
        .route("/docs", get(index))
        .route("/docs/catalogue.json", get(async || Json(catalogue::as_json())))
        .route("/docs/openapi.json", get(openapi_json))
        .route("/docs/postman.json", get(postman_json))
        .merge(tool::router())
}

#[derive(Template)]
#[template(path = "docs/index.html")]
struct Index<'a> {
    visit: &'a Visit,
    specs: &'a [&'static Spec],
}

async fn index(visit: Visit) -> Response {
    page(&Index { visit: &visit, specs: trip_api::SPECS }).into_response()
}

/// Where a client reaches the gateway: where the browser did.
fn origin(cx: &Context, visit: &Visit) -> String {
    let host = visit.host.clone().unwrap_or_else(|| format!("127.0.0.1:{}", cx.settings.port));
    format!("http://{host}")
}

async fn openapi_json(Extract(cx): State, visit: Visit) -> Json<Value> {
    Json(openapi::document(&origin(&cx, &visit)))
}

async fn postman_json(Extract(cx): State, visit: Visit) -> Result<Json<Value>, Problem> {
    Ok(Json(postman::collection(&cx, &origin(&cx, &visit)).await?))
}
