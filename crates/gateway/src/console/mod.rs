//! The console: operators look at orders, calls and apps in a browser.

mod accounts;
mod apps;
mod audit;
mod calls;
mod charts;
mod guard;
mod home;
mod import;
mod login;
mod orders;
mod portrait;
mod throttle;

use std::sync::Arc;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};

pub use self::throttle::{FREE_OF_ADDRESS, FREE_OF_NAME, Throttle};
use crate::Context;
use crate::web::Visit;

/// The pages of the console.
pub fn router() -> Router<Arc<Context>> {
    Router::new()
        .route("/", get(async || Redirect::temporary("/console")))
        .route("/console", get(home::home))
        .route("/console/people", post(home::people).get(to_home))
        .route("/console/login", get(login::form).post(login::sign_in))
        .route("/console/me", get(accounts::me).post(accounts::change_password))
        .route("/console/accounts", get(accounts::list).post(accounts::act))
        .route("/console/audit", get(audit::list))
        .route("/console/apps", get(apps::list).post(apps::add))
        .route("/console/apps/{app}", get(apps::one).post(apps::act))
        .route("/console/keys", get(apps::keys))
        .route("/console/import", get(import::form).post(import::bring_in))
        .route("/console/logout", post(login::sign_out))
        .route("/console/orders", get(orders::list))
        .route("/console/orders/{kind}/{app}/{scope}/{id}", get(orders::show))
        .route(
            "/console/orders/{kind}/{app}/{scope}/{id}/reveal",
            post(orders::reveal).get(orders::back),
        )
        .route(
            "/console/orders/{kind}/{app}/{scope}/{id}/advance",
            post(orders::advance).get(orders::back),
        )
        .merge(calls::router())
        .merge(charts::router())
}

/// Where the other language is chosen on a page that answers a form, there is only the page before it to show.
async fn to_home(visit: Visit, _by: guard::Guarded) -> Redirect {
    Redirect::to(&format!("/console?lang={}", visit.lang.name()))
}
