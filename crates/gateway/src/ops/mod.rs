//! The operations API: what a back office or a test does with orders, policies, apps and sessions, by the
//! same rules as everybody else.
//!
//! Every answer that is not a success is a problem (RFC 9457). What is documented is what is accepted: a
//! body that its schema allows is refused by the rules alone, with 409.

mod answers;
mod apps;
mod attend;
mod document;
mod given;
mod manual;
mod orders;
mod page;
mod policies;
mod problem;
mod sessions;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::problem::Problem;
use crate::Context;

pub use self::problem::too_large;

/// Where the API is on the operators' listener.
pub const PREFIX: &str = "/ops/v1";

/// The paths of the operations API.
pub fn router(context: &Arc<Context>) -> Router<Arc<Context>> {
    let api = paths().split_for_parts().0;
    let api = api
        .fallback(async || Problem::NotFound("There is nothing at this path."))
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
        .layer(from_fn_with_state(Arc::clone(context), attend::attend));
    // The manual tells nothing about anybody: it is there without a token.
    Router::new().nest(PREFIX, api).merge(manual::router())
}

/// Every operation, and what it says of itself.
fn paths() -> OpenApiRouter<Arc<Context>> {
    OpenApiRouter::new()
        .routes(routes!(orders::list, orders::create))
        .routes(routes!(orders::get))
        .routes(routes!(orders::journal))
        .routes(routes!(orders::reveal))
        .routes(routes!(orders::advance_flight))
        .routes(routes!(orders::advance_rental))
        .routes(routes!(orders::advance_receipts))
        .routes(routes!(orders::advance_train))
        .routes(routes!(orders::search))
        .routes(routes!(policies::list))
        .routes(routes!(policies::get, policies::put))
        .routes(routes!(policies::withdraw))
        .routes(routes!(apps::list, apps::create))
        .routes(routes!(apps::get, apps::change))
        .routes(routes!(apps::revoke))
        .routes(routes!(sessions::list, sessions::create))
        .routes(routes!(sessions::revoke))
}
