//! `GET /api/v1/inventory/grants`: what each grant has, uses, and puts into a model's context.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use serde::{Deserialize, Serialize};
use toolgate_catalog::context_share;
use toolgate_gateway::settings::GrantSettings;
use toolgate_index::Scope;
use utoipa::{IntoParams, ToSchema};

use super::rows::Selected;
use super::seen::{Seen, Tool, Wanted};
use super::traffic::{Traffic, UseState, UseView, Used};
use super::{USUAL_DAYS, days_before, window};
use crate::admin::State;
use crate::input::Asked;
use crate::page::slice;
use crate::problem::Problem;

/// Which grants are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GrantsQuery {
    /// `true`: only grants of which no call was let through.
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

/// What a grant has and uses.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GrantUse {
    /// Its label.
    grant: String,
    /// The servers that it includes.
    servers: Vec<String>,
    /// Tools that its lists show.
    tools: usize,
    /// Those of them of which no call was let through; absent where the index could not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    tools_unused: Option<usize>,
    /// Tokens of the definitions that its lists show, by `o200k_base`.
    tokens: u64,
    /// The part of the context window that they take, from 0 to 1.
    context_share: f64,
    /// Its use, of tools that are gone too; absent where the index could not answer.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    used: Option<UseView>,
    /// Whether no call was let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    unused: Option<bool>,
}

/// A page of grants.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GrantUses {
    /// The grants, by label.
    items: Vec<GrantUse>,
    /// Cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// How far the figures of use can be relied on.
    #[serde(rename = "use")]
    used: UseState,
    /// The context window that shares are told of: tokens.
    context: u64,
}

/// What grants have and use
///
/// For each grant the tools that it is shown, their tokens, its use, and whether it is used at all.
#[utoipa::path(get, path = "/api/v1/inventory/grants", tag = "Inventory", operation_id = "listGrantUse", params(GrantsQuery),
    responses((status = 200, description = "A page of grants", body = GrantUses)))]
pub(crate) async fn grants(
    Extract(state): Extract<State>,
    Asked(query): Asked<GrantsQuery>,
) -> Result<Json<GrantUses>, Problem> {
    let part = slice(query.cursor.as_deref(), query.limit)?;
    let (since, window) = (days_before(state.wall(), query.days, USUAL_DAYS)?, window(query.context)?);
    let selected = Selected::of(state.gateway().settings(), None, None)?;
    let traffic = state.traffic(&Scope::default(), since).await;
    let wants_unused = query.unused.unwrap_or_default();
    let is_wanted = |grant: &&GrantSettings| {
        !wants_unused || traffic.of_grant(&grant.label).is_some_and(|u| u.is_unused())
    };
    let found = selected.grants().into_iter().filter(is_wanted).map(|grant| (grant.label.clone(), grant));
    let page = part.page(found.collect());
    let seen = state.seen(&selected.servers(), Wanted::Recent).await;
    let mut shown: Vec<(String, Arc<Tool>)> = Vec::new();
    let lists: Vec<_> = page.items.iter().map(|grant| tools_shown(&selected, grant, &seen)).collect();
    lists.iter().for_each(|tools| shown.extend(tools.iter().cloned()));
    state.count_tokens(&shown).await?;
    let items =
        page.items.iter().zip(&lists).map(|(grant, tools)| summed_up(grant, tools, (&traffic, window)));
    Ok(Json(GrantUses {
        items: items.collect(),
        next: page.next,
        used: traffic.state.clone(),
        context: window,
    }))
}

/// The tools that a grant's lists show.
fn tools_shown(
    selected: &Selected,
    grant: &GrantSettings,
    seen: &[(String, Arc<Seen>)],
) -> Vec<(String, Arc<Tool>)> {
    let mut shown = Vec::new();
    for (server, seen) in seen {
        let Some(plan) = selected.plan(grant, server) else { continue };
        let listed = seen.tools.iter().filter(|tool| plan.lists_tool(&tool.name));
        shown.extend(listed.map(|tool| (server.clone(), Arc::clone(tool))));
    }
    shown
}

fn summed_up(
    grant: &GrantSettings,
    tools: &[(String, Arc<Tool>)],
    (traffic, window): (&Traffic, u64),
) -> GrantUse {
    let used: Option<Used> = traffic.of_grant(&grant.label);
    let is_unused = |(server, tool): &&(String, Arc<Tool>)| {
        traffic.of_tool(server, &tool.name, Some(&grant.label)).is_some_and(|used| used.is_unused())
    };
    let tokens = tools.iter().filter_map(|(_, tool)| tool.tokens()).sum();
    GrantUse {
        grant: grant.label.clone(),
        servers: grant.servers.iter().map(|(server, _)| server.clone()).collect(),
        tools: tools.len(),
        tools_unused: traffic.is_known().then(|| tools.iter().filter(is_unused).count()),
        tokens,
        context_share: context_share(tokens, window),
        used: used.map(|used| used.view()),
        unused: used.map(|used| used.is_unused()),
    }
}
