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
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::MethodRouter;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::problem::Problem;
use crate::Context;

pub use self::problem::too_large;

/// What a path takes.
type Verbs = MethodRouter<Arc<Context>>;

/// Where the API is on the operators' listener.
pub const PREFIX: &str = "/ops/v1";

/// The paths of the operations API.
pub fn router(context: &Arc<Context>) -> Router<Arc<Context>> {
    // By verb, so that a verb that a path does not take spends no key.
    let keyed = from_fn_with_state(Arc::clone(context), answers::attend);
    let api = paths(|verbs| verbs.route_layer(keyed.clone())).split_for_parts().0;
    let api = api
        .fallback(async || Problem::NotFound("There is nothing at this path."))
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
        // The listener has read it within the program's own limit.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(Arc::clone(context), attend::attend));
    // The manual tells nothing about anybody: it is there without a token.
    Router::new().nest(PREFIX, api).merge(manual::router())
}

/// Every operation, and what it says of itself; the verbs of each path as `dressed`.
fn paths(dressed: impl Fn(Verbs) -> Verbs) -> OpenApiRouter<Arc<Context>> {
    let all = [
        routes!(orders::list, orders::create),
        routes!(orders::get),
        routes!(orders::journal),
        routes!(orders::reveal),
        routes!(orders::advance_flight),
        routes!(orders::advance_rental),
        routes!(orders::advance_receipts),
        routes!(orders::advance_train),
        routes!(orders::search),
        routes!(policies::list),
        routes!(policies::get, policies::put),
        routes!(policies::withdraw),
        routes!(apps::list, apps::create),
        routes!(apps::get, apps::change),
        routes!(apps::revoke),
        routes!(sessions::list, sessions::create),
        routes!(sessions::revoke),
    ];
    all.into_iter().fold(OpenApiRouter::new(), |router, (schemas, paths, verbs)| {
        router.routes((schemas, paths, dressed(verbs)))
    })
}
