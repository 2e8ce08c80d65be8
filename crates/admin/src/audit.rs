//! Looking back: search in the audit index, one record whole, lines over time, and sums of use.

pub(crate) mod sums;
mod view;

use std::str::FromStr as _;

use axum::Json;
use axum::extract::State as Extract;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use toolgate_index::{Cursor, Dimension, QueryError, Search};
use utoipa::{IntoParams, ToSchema};

use crate::admin::State;
use crate::input::{Asked, Named};
use crate::moment;
use crate::page::{Page, limit};
use crate::problem::Problem;

use view::{DetailView, EventView};

/// What to search for; what is absent may be anything.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// Kind of the record, such as `decision` or `reload`.
    kind: Option<String>,
    /// The gateway process.
    node: Option<String>,
    /// The grant.
    grant: Option<String>,
    /// The server.
    server: Option<String>,
    /// The method, such as `tools/call`.
    method: Option<String>,
    /// The tool.
    tool: Option<String>,
    /// `allow`, `deny`, `shadow_deny` or `pending`.
    decision: Option<String>,
    /// `ok`, `tool_error`, `error`, `cancelled` or `unreached`.
    outcome: Option<String>,
    /// The rule that decided.
    rule: Option<String>,
    /// The policy that judged.
    policy: Option<String>,
    /// The request, as `X-Request-Id` named it.
    request_id: Option<String>,
    /// From this time on: a day (00:00 UTC) or a time (RFC 3339).
    from: Option<String>,
    /// Before this time.
    until: Option<String>,
    /// `next` of the page before; none begins at the newest.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Search the journal
///
/// Newest first. What the index has not taken over yet is not found; `GET /api/v1/health` tells how far it is behind.
#[utoipa::path(get, path = "/api/v1/audit/events", tag = "Audit", operation_id = "searchEvents", params(SearchQuery),
    responses((status = 200, description = "A page of events", body = Page<EventView>)))]
pub(crate) async fn search(
    Extract(state): Extract<State>,
    Asked(query): Asked<SearchQuery>,
) -> Result<Json<Page<EventView>>, Problem> {
    let limit = usize::try_from(limit(query.limit)?).unwrap_or(usize::MAX);
    let cursor = query.cursor.as_deref().map(|text| match Cursor::from_str(text) {
        Ok(cursor) => cursor,
        Err(never) => match never {},
    });
    let search = Search {
        kind: query.kind,
        node: query.node,
        grant: query.grant,
        server: query.server,
        method: query.method,
        tool: query.tool,
        decision: query.decision,
        outcome: query.outcome,
        rule: query.rule,
        policy: query.policy,
        request_id: query.request_id,
        from: time("from", query.from.as_deref())?,
        until: time("until", query.until.as_deref())?,
    };
    let page = state.parts.index.search(&search, limit, cursor.as_ref()).await?;
    let next = page.next.map(|cursor| cursor.to_string());
    Ok(Json(Page { items: page.events.into_iter().map(EventView::from).collect(), next }))
}

/// Look at a record
///
/// With the records of the journal as they stand there, as long as retention keeps them.
#[utoipa::path(get, path = "/api/v1/audit/events/{seq}", tag = "Audit", operation_id = "getEvent",
    params(("seq" = u64, Path, description = "Its number in the journal")),
    responses((status = 200, description = "The event with its records", body = DetailView)))]
pub(crate) async fn event(
    Extract(state): Extract<State>,
    Named(seq): Named<u64>,
) -> Result<Json<DetailView>, Problem> {
    // The index keeps numbers as signed ones.
    let found = if i64::try_from(seq).is_ok() { state.parts.index.event(seq).await? } else { None };
    let missing =
        || Problem::new(StatusCode::NOT_FOUND, format!("there is no event {seq} in the audit index"));
    Ok(Json(found.ok_or_else(missing)?.into()))
}

/// What a search can be narrowed by.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DimensionName {
    /// The kinds of records.
    Kind,
    /// The gateway processes.
    Node,
    /// The grants.
    Grant,
    /// The servers.
    Server,
    /// The methods.
    Method,
    /// The tools.
    Tool,
    /// The decisions.
    Decision,
    /// The outcomes.
    Outcome,
    /// The rules.
    Rule,
    /// The policies.
    Policy,
    /// The clients.
    Client,
}

impl From<DimensionName> for Dimension {
    fn from(name: DimensionName) -> Self {
        match name {
            DimensionName::Kind => Self::Kind,
            DimensionName::Node => Self::Node,
            DimensionName::Grant => Self::Grant,
            DimensionName::Server => Self::Server,
            DimensionName::Method => Self::Method,
            DimensionName::Tool => Self::Tool,
            DimensionName::Decision => Self::Decision,
            DimensionName::Outcome => Self::Outcome,
            DimensionName::Rule => Self::Rule,
            DimensionName::Policy => Self::Policy,
            DimensionName::Client => Self::Client,
        }
    }
}

/// The names that a search can be narrowed by.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KnownNames {
    /// In order.
    items: Vec<String>,
    /// Whether there are more than are shown.
    cut: bool,
}

/// The names that a search can be narrowed by
#[utoipa::path(get, path = "/api/v1/audit/names/{dimension}", tag = "Audit", operation_id = "listNames",
    params(("dimension" = inline(DimensionName), Path, description = "Names of what")),
    responses((status = 200, description = "The names that the index knows; at most 10000", body = KnownNames)))]
pub(crate) async fn names(
    Extract(state): Extract<State>,
    Named(dimension): Named<DimensionName>,
) -> Result<Json<KnownNames>, Problem> {
    /// Most names that are shown.
    const MOST: usize = 10_000;
    let mut items = state.parts.index.names(dimension.into()).await?;
    let cut = items.len() > MOST;
    items.truncate(MOST);
    Ok(Json(KnownNames { items, cut }))
}

/// Reads a time of the query.
fn time(name: &str, text: Option<&str>) -> Result<Option<i64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let read = moment::read(text).map(Some);
    read.ok_or_else(|| {
        let detail = format!("`{name}` is no time: write `2027-01-01` (00:00 UTC) or `2027-01-01T12:00:00Z`");
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let detail = error.to_string();
        match error {
            QueryError::Limit(_) | QueryError::Cursor(_) | QueryError::Range(_) | QueryError::TooWide => {
                Self::new(StatusCode::BAD_REQUEST, detail)
            }
            QueryError::TimedOut { .. } | QueryError::NotReady | QueryError::Stopped | QueryError::Off => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).header(header::RETRY_AFTER, "1")
            }
            QueryError::Database(_) | QueryError::Journal(_) => {
                tracing::error!(error = detail, "the audit index cannot answer");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
        }
    }
}
