//! The operations API: what a back office or a test does with orders, apps and sessions, by the same rules
//! as everybody else.

use std::sync::Arc;

use axum::Router;

use crate::Context;

/// The paths of the operations API.
pub fn router() -> Router<Arc<Context>> {
    Router::new()
}
