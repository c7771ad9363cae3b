//! The documentation centre: every method of the catalogue from its declaration.

mod openapi;
mod postman;
mod tool;

use std::sync::Arc;

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use top::Spec;

use crate::web::{Visit, page};
use crate::{Context, catalogue};

/// The pages of the documentation centre.
pub fn router() -> Router<Arc<Context>> {
    Router::new()
        .route("/", get(async || Redirect::temporary("/docs")))
        .route("/docs", get(index))
        .route("/docs/catalogue.json", get(async || Json(catalogue::as_json())))
        .route("/docs/openapi.json", get(openapi::serve))
        .route("/docs/postman.json", get(postman::serve))
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
