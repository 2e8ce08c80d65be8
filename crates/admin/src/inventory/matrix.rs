//! `GET /api/v1/inventory/matrix`: who can call what.

use axum::Json;
use axum::extract::State as Extract;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::rows::{Row, Selected, ThingKind, judge, rows};
use super::seen::Wanted;
use super::view::DecisionView;
use crate::admin::State;
use crate::input::Asked;
use crate::page::slice;
use crate::problem::{Problem, ProblemDocument};

/// Most grants of one answer.
const MOST_GRANTS: usize = 200;

/// Which part of the matrix is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MatrixQuery {
    /// Only tools of this server.
    server: Option<String>,
    /// Only this grant.
    grant: Option<String>,
    /// Grants after this label; `more_grants` says where to go on.
    grants_after: Option<String>,
    /// `next` of the page before; none begins at the front.
    cursor: Option<String>,
    /// How many tools at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Grants by tools.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Matrix {
    /// The grants, by label; at most 200.
    grants: Vec<String>,
    /// `grants_after` of the next grants; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_grants: Option<String>,
    /// The tools, by server and name.
    items: Vec<MatrixRow>,
    /// Cursor of the next tools; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// One tool.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatrixRow {
    /// The server.
    server: String,
    /// The tool.
    tool: String,
    /// For each of `grants` what its policy makes of calls; null where the grant does not include the server.
    decisions: Vec<Option<DecisionView>>,
}

/// Who can call what
///
/// Each tool with what each grant's policy makes of calls of it.
#[utoipa::path(get, path = "/api/v1/inventory/matrix", tag = "Inventory", operation_id = "showMatrix", params(MatrixQuery),
    responses((status = 200, description = "Grants by tools", body = Matrix),
        (status = 404, description = "There is no such server or grant", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn matrix(
    Extract(state): Extract<State>,
    Asked(query): Asked<MatrixQuery>,
) -> Result<Json<Matrix>, Problem> {
    let part = slice(query.cursor.as_deref(), query.limit)?;
    let selected = Selected::of(state.gateway().settings(), query.server, query.grant)?;
    let after = query.grants_after.unwrap_or_default();
    let mut grants: Vec<_> = selected.grants().into_iter().filter(|grant| grant.label > after).collect();
    let more = grants.len() > MOST_GRANTS;
    grants.truncate(MOST_GRANTS);
    let seen = state.seen(&selected.servers(), Wanted::Recent).await;
    let tools = rows(&seen).into_iter().filter(|row| row.kind() == ThingKind::Tool);
    let page = part.page(tools.map(|row| (row.key(), row)).collect());
    let now = state.wall();
    let row = |row: &Row| MatrixRow {
        server: row.server.clone(),
        tool: row.name().to_owned(),
        decisions: grants
            .iter()
            .map(|grant| {
                let plan = selected.plan(grant, &row.server)?;
                Some(judge(plan, grant, row, now).prospect.into())
            })
            .collect(),
    };
    Ok(Json(Matrix {
        items: page.items.iter().map(row).collect(),
        next: page.next,
        more_grants: grants.last().filter(|_| more).map(|grant| grant.label.clone()),
        grants: grants.into_iter().map(|grant| grant.label.clone()).collect(),
    }))
}
