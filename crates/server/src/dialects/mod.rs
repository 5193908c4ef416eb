//! Signaling dialects: each translates one family of clients to and from what a person does in a
//! room, and decides nothing.

pub(crate) mod page;
mod whip;

use std::sync::Arc;

use axum::Router;

use crate::http::App;

/// What clients of all dialects ask.
pub(crate) fn routes(app: &Arc<App>) -> Router {
    page::routes(Arc::clone(app)).merge(whip::routes(Arc::clone(app)))
}
