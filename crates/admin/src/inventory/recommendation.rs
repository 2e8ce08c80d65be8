//! `GET /api/v1/inventory/recommendation`: a policy for a server, from what was used or from its tools' risk.

use axum::Json;
use axum::extract::State as Extract;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use toolgate_catalog::{Document, Preset, Rated, RecommendError, Recommendation, from_traffic, recommend};
use toolgate_index::{By, Scope};
use utoipa::{IntoParams, ToSchema};

use super::rows::Selected;
use super::seen::Wanted;
use super::{DAY, days_before};
use crate::admin::{Shared, State};
use crate::input::Asked;
use crate::problem::{Problem, ProblemDocument};

/// How far back use counts, in days.
const WINDOW: u16 = 30;

/// What a recommendation rests on.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Basis {
    /// What was used in the last days, each tool with room above its peak.
    #[default]
    Traffic,
    /// What its tools can do: the preset `recommended`.
    Risk,
}

/// What a policy is wanted for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RecommendationQuery {
    /// The server.
    server: String,
    /// Only what this grant used.
    grant: Option<String>,
    /// What it rests on.
    #[param(inline)]
    from: Option<Basis>,
    /// How many days back use counts, at most 30.
    #[param(minimum = 1, maximum = 30, default = 30)]
    days: Option<u16>,
}

/// A policy to begin with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recommended {
    /// The policy; it is checked and can be kept as it is.
    #[schema(value_type = Object)]
    policy: Document,
    /// The policy as indented JSON.
    text: String,
    /// What it does not cover, and why.
    notes: Vec<String>,
}

/// Propose a policy
///
/// From traffic: what was let through in the last days stays allowed, each tool as often a minute as its peak and half as
/// much again (at least five calls more); everything else is denied. What the index has not taken over yet is missing,
/// and a note says so.
#[utoipa::path(get, path = "/api/v1/inventory/recommendation", tag = "Inventory", operation_id = "recommendPolicy",
    params(RecommendationQuery),
    responses((status = 200, description = "A policy with notes", body = Recommended),
        (status = 404, description = "There is no such server or grant", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn recommendation(
    Extract(state): Extract<State>,
    Asked(query): Asked<RecommendationQuery>,
) -> Result<Json<Recommended>, Problem> {
    if query.days.is_some_and(|days| days > WINDOW) {
        return Err(Problem::new(StatusCode::BAD_REQUEST, format!("`days` must be 1 to {WINDOW}")));
    }
    let since = days_before(state.wall(), query.days, WINDOW)?;
    let selected = Selected::of(state.gateway().settings(), Some(query.server.clone()), query.grant.clone())?;
    let found = match query.from.unwrap_or_default() {
        Basis::Traffic => state.by_use(&query.server, query.grant, since).await?,
        Basis::Risk => state.by_risk(&selected, &query.server).await?,
    };
    let Recommendation { policy, notes } = found;
    Ok(Json(Recommended { text: policy.to_json(), policy, notes }))
}

impl Shared {
    async fn by_use(
        &self,
        server: &str,
        grant: Option<String>,
        since: i64,
    ) -> Result<Recommendation, Problem> {
        let scope = Scope { server: Some(server.to_owned()), grant, ..Scope::default() };
        // Limits count for each grant, and so do their peaks.
        let rows = self.parts.index.usage(By::GrantTool, &scope, since).await?;
        let usage: Vec<toolgate_catalog::Usage> = rows
            .into_iter()
            .filter_map(|row| {
                Some(toolgate_catalog::Usage {
                    tool: row.key.tool?,
                    calls: row.calls.saturating_sub(row.denials),
                    peak_per_minute: row.peak_per_minute,
                    last_used: row.last_ts,
                })
            })
            .collect();
        // The window's first day counts whole.
        let now = self.wall().max(since.saturating_add(i64::from(WINDOW) * DAY));
        let mut found = from_traffic(&usage, now.saturating_sub(DAY)).map_err(unloadable)?;
        let behind = self.parts.index.status().lag_records();
        if behind > 0 {
            found
                .notes
                .push(format!("the audit index is {behind} records behind: the last calls are missing"));
        }
        if usage.is_empty() {
            found.notes.push("nothing was used: this policy denies everything".to_owned());
        }
        Ok(found)
    }

    async fn by_risk(&self, selected: &Selected, server: &str) -> Result<Recommendation, Problem> {
        let words = self.words(std::iter::once(server)).await?;
        let seen = self.seen(&selected.servers(), Wanted::Recent).await;
        let tools = seen.iter().flat_map(|(_, seen)| &seen.tools);
        let rated: Vec<Rated> =
            tools.map(|tool| Rated::new(&tool.name, &words.verdict(server, tool))).collect();
        recommend(&rated, Preset::Recommended).map_err(unloadable)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` wants")]
fn unloadable(error: RecommendError) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
