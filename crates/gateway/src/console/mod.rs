//! The console: operators look at orders, calls and apps in a browser.

mod guard;
mod login;
mod orders;
mod portrait;
mod throttle;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};

use self::guard::Guarded;
pub use self::throttle::Throttle;
use crate::Context;
use crate::web::{Visit, page};

/// The pages of the console.
pub fn router() -> Router<Arc<Context>> {
    Router::new()
        .route("/", get(async || Redirect::temporary("/console")))
        .route("/console", get(home))
        .route("/console/login", get(login::form).post(login::sign_in))
        .route("/console/logout", post(login::sign_out))
        .route("/console/orders", get(orders::list))
        .route("/console/orders/{kind}/{app}/{scope}/{id}", get(orders::show))
        .route("/console/orders/{kind}/{app}/{scope}/{id}/reveal", post(orders::reveal))
        .route("/console/orders/{kind}/{app}/{scope}/{id}/advance", post(orders::advance))
}

#[derive(Template)]
#[template(path = "console/home.html")]
struct Home<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
}

async fn home(visit: Visit, by: Guarded) -> Response {
    page(&Home { visit: &visit, by: &by })
}
