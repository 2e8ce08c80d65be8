//! `POST /api/v1/inventory/refresh`: servers are asked now.

use axum::Json;
use axum::extract::State as Extract;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::rows::Selected;
use super::seen::Wanted;
use super::view::AskedView;
use crate::admin::State;
use crate::input::Asked;
use crate::problem::{Problem, ProblemDocument};

/// Which servers are asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RefreshQuery {
    /// Only this one; all if absent.
    server: Option<String>,
}

/// What came of asking.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refreshed {
    /// The servers that were asked.
    servers: Vec<AskedView>,
}

/// Ask servers what they offer
///
/// Now, whenever they were asked before; each may take a minute. A command is started for it and ended again. Where a
/// server's tools have changed, the next call is judged by the new definitions.
#[utoipa::path(post, path = "/api/v1/inventory/refresh", tag = "Inventory", operation_id = "refreshInventory",
    params(RefreshQuery),
    responses((status = 200, description = "They were asked", body = Refreshed),
        (status = 404, description = "There is no such server", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn refresh(
    Extract(state): Extract<State>,
    Asked(query): Asked<RefreshQuery>,
) -> Result<Json<Refreshed>, Problem> {
    let selected = Selected::of(state.gateway().settings(), query.server, None)?;
    let seen = state.seen(&selected.servers(), Wanted::Now).await;
    Ok(Json(Refreshed { servers: seen.iter().map(|(server, seen)| AskedView::new(server, seen)).collect() }))
}
