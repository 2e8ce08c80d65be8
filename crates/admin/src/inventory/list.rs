//! `GET /api/v1/inventory`

use axum::Json;
use axum::extract::State as Extract;
use serde::Deserialize;
use toolgate_index::Scope;
use utoipa::IntoParams;

use super::rows::{Row, Selected, Thing, ThingKind, rows};
use super::seen::Wanted;
use super::view::{AskedView, InventoryPage, Light};
use super::{USUAL_DAYS, days_before, window};
use crate::admin::State;
use crate::input::Asked;
use crate::page::slice;
use crate::problem::Problem;

/// Which part of the inventory is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct InventoryQuery {
    /// Only this server.
    server: Option<String>,
    /// Only the servers that this grant includes, with its use.
    grant: Option<String>,
    /// Only things of this kind.
    #[param(inline)]
    kind: Option<ThingKind>,
    /// `true`: only tools of which no call was let through.
    unused: Option<bool>,
    /// Over how many days use is summed up.
    #[param(minimum = 1, maximum = 366, default = 30)]
    days: Option<u16>,
    /// Tokens of the context window that shares are told of.
    #[param(minimum = 1, default = 200_000)]
    context: Option<u64>,
    /// `next` of the page before; none begins at the front.
    cursor: Option<String>,
    /// How many items at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// List what can be reached
///
/// Every tool, resource, template and prompt of the servers, with risk, pin, use, tokens, and what each grant's policy
/// makes of it. Servers that were not asked within five minutes are asked first; a command is started for that and
/// ended again. Use is that of tools: calls, denials and the last call.
#[utoipa::path(get, path = "/api/v1/inventory", tag = "Inventory", operation_id = "listInventory", params(InventoryQuery),
    responses((status = 200, description = "A page of what can be reached", body = InventoryPage),
        (status = 404, description = "There is no such server or grant", body = crate::problem::ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn list(
    Extract(state): Extract<State>,
    Asked(query): Asked<InventoryQuery>,
) -> Result<Json<InventoryPage>, Problem> {
    let now = state.wall();
    let part = slice(query.cursor.as_deref(), query.limit)?;
    let (since, window) = (days_before(now, query.days, USUAL_DAYS)?, window(query.context)?);
    let selected = Selected::of(state.gateway().settings(), query.server.clone(), query.grant.clone())?;
    let seen = state.seen(&selected.servers(), Wanted::Recent).await;
    let words = state.words(seen.iter().map(|(server, _)| server.as_str())).await?;
    let scope = Scope { server: query.server, grant: query.grant.clone(), ..Scope::default() };
    let traffic = state.traffic(&scope, since).await;
    let light = Light {
        selected: &selected,
        words: &words,
        traffic: &traffic,
        grant: query.grant.as_deref(),
        window,
        now,
    };
    let wants_unused = query.unused.unwrap_or_default();
    let is_wanted = |row: &Row| {
        let is_unused = || {
            let used = traffic.of_tool(&row.server, row.name(), light.grant);
            row.kind() == ThingKind::Tool && used.is_some_and(|used| used.is_unused())
        };
        query.kind.is_none_or(|kind| row.kind() == kind) && (!wants_unused || is_unused())
    };
    let found = rows(&seen).into_iter().filter(is_wanted).map(|row| (row.key(), row));
    let page = part.page(found.collect());
    let tools: Vec<_> = page
        .items
        .iter()
        .filter_map(|row| match &row.thing {
            Thing::Tool(tool) => Some((row.server.clone(), tool.clone())),
            Thing::Other(..) => None,
        })
        .collect();
    state.count_tokens(&tools).await?;
    Ok(Json(InventoryPage {
        items: page.items.iter().map(|row| light.thing(row)).collect(),
        next: page.next,
        servers: seen.iter().map(|(server, seen)| AskedView::new(server, seen)).collect(),
        used: traffic.state.clone(),
        context: window,
    }))
}
