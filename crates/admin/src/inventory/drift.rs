//! `GET /api/v1/inventory/drift`: tools that came, went or changed.

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::extract::State as Extract;
use serde::{Deserialize, Serialize};
use toolgate_store::Sighting;
use utoipa::{IntoParams, ToSchema};

use super::days_before;
use super::rows::Selected;
use super::seen::{Seen, Wanted};
use crate::admin::State;
use crate::input::Asked;
use crate::moment;
use crate::page::slice;
use crate::problem::{Problem, ProblemDocument};

/// How far back where nobody says otherwise.
const USUAL: u16 = 7;

/// Which drift is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DriftQuery {
    /// Only tools of this server.
    server: Option<String>,
    /// How many days back; sightings are kept for 90.
    #[param(minimum = 1, maximum = 366, default = 7)]
    days: Option<u16>,
    /// `next` of the page before; none begins at the front.
    cursor: Option<String>,
    /// How many items at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// What happened to a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DriftKind {
    /// It is new on its server.
    Appeared,
    /// It has another definition.
    Changed,
    /// Its server no longer offers it.
    Vanished,
}

/// A tool that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Drift {
    /// The server.
    server: String,
    /// The tool.
    tool: String,
    /// What happened to it.
    what: DriftKind,
    /// When it was first seen as it is now; of a tool that vanished, when it was last seen.
    seen: String,
    /// Hash of its definition now; absent where it vanished.
    #[serde(skip_serializing_if = "Option::is_none")]
    definition_hash: Option<String>,
    /// Hash of the definition before; absent where it appeared.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

/// A page of drift.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DriftPage {
    /// The tools, by server and name.
    items: Vec<Drift>,
    /// Cursor of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Since when.
    since: String,
    /// From when on each server's tools are known: before that nothing can be told.
    watched_since: BTreeMap<String, String>,
}

/// What came, went and changed
///
/// Tools whose definitions are not those of some days ago. Definitions are noted when servers are asked and while calls
/// are judged; of a server that cannot be asked now nothing is said to have vanished.
#[utoipa::path(get, path = "/api/v1/inventory/drift", tag = "Inventory", operation_id = "listDrift", params(DriftQuery),
    responses((status = 200, description = "A page of tools that are not as they were", body = DriftPage),
        (status = 404, description = "There is no such server", body = ProblemDocument, content_type = "application/problem+json")))]
pub(crate) async fn drift(
    Extract(state): Extract<State>,
    Asked(query): Asked<DriftQuery>,
) -> Result<Json<DriftPage>, Problem> {
    let part = slice(query.cursor.as_deref(), query.limit)?;
    let since = days_before(state.wall(), query.days, USUAL)?;
    let selected = Selected::of(state.gateway().settings(), query.server, None)?;
    let seen = state.seen(&selected.servers(), Wanted::Recent).await;
    let mut found = Vec::new();
    let mut watched_since = BTreeMap::new();
    for (server, seen) in &seen {
        let sightings = state.store().sightings().of(server).await?;
        if let Some(first) = sightings.iter().map(|sighting| sighting.first_seen).min() {
            watched_since.insert(server.clone(), moment::show(first));
        }
        found.extend(compared(server, seen, &sightings, since));
    }
    let named = found.into_iter().map(|drift| (format!("{}\u{1}{}", drift.server, drift.tool), drift));
    let page = part.page(named.collect());
    Ok(Json(DriftPage { items: page.items, next: page.next, since: moment::show(since), watched_since }))
}

/// What a server's tools are now, compared with how they were seen since a time.
fn compared(server: &str, seen: &Seen, sightings: &[Sighting], since: i64) -> Vec<Drift> {
    let now: HashMap<&str, &str> =
        seen.tools.iter().map(|tool| (tool.name.as_str(), tool.hash.as_str())).collect();
    let watched = sightings.iter().map(|sighting| sighting.first_seen).min().unwrap_or(i64::MAX);
    let baseline = since.max(watched);
    let of_tools = sightings.chunk_by(|a, b| a.tool == b.tool);
    let drift = of_tools.filter_map(|of_tool| {
        let tool = &of_tool.first()?.tool;
        match now.get(tool.as_str()) {
            Some(hash) => change(of_tool, hash, baseline),
            None if seen.problem.is_none() => vanished(of_tool, since),
            None => None,
        }
    });
    drift.map(|drift| Drift { server: server.to_owned(), ..drift }).collect()
}

/// How a tool that is there differs from what it was at the baseline.
fn change(of_tool: &[Sighting], hash: &str, baseline: i64) -> Option<Drift> {
    let current = of_tool.iter().find(|sighting| sighting.definition_hash == hash)?;
    // Of several definitions before, the one that was there at the baseline, or else the first one since.
    let before = of_tool.iter().filter(|sighting| sighting.definition_hash != hash);
    let before =
        before.filter(|sighting| sighting.last_seen >= baseline).min_by_key(|sighting| sighting.first_seen);
    let drift = |what, before: Option<&Sighting>| Drift {
        server: String::new(),
        tool: current.tool.clone(),
        what,
        seen: moment::show(current.first_seen),
        definition_hash: Some(hash.to_owned()),
        before: before.map(|sighting| sighting.definition_hash.clone()),
    };
    match before {
        // It was so at the baseline, whatever it was in between.
        _ if current.first_seen <= baseline => None,
        Some(before) => Some(drift(DriftKind::Changed, Some(before))),
        None => {
            // Where it was seen long ago with another definition, it changed while nobody looked.
            let earlier = of_tool.iter().rfind(|sighting| sighting.first_seen < current.first_seen);
            Some(drift(earlier.map_or(DriftKind::Appeared, |_| DriftKind::Changed), earlier))
        }
    }
}

/// A tool that is gone, if it was there since a time.
fn vanished(of_tool: &[Sighting], since: i64) -> Option<Drift> {
    let last = of_tool.iter().max_by_key(|sighting| sighting.last_seen)?;
    (last.last_seen >= since).then(|| Drift {
        server: String::new(),
        tool: last.tool.clone(),
        what: DriftKind::Vanished,
        seen: moment::show(last.last_seen),
        definition_hash: None,
        before: Some(last.definition_hash.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(hash: &str, first_seen: i64, last_seen: i64) -> Sighting {
        Sighting { tool: "t".to_owned(), definition_hash: hash.to_owned(), first_seen, last_seen }
    }

    #[test]
    fn a_tool_is_compared_with_what_it_was() {
        let check = |sightings: &[Sighting], baseline, expected: Option<(DriftKind, Option<&str>)>| {
            let found = change(sightings, "now", baseline);
            let found = found.as_ref().map(|drift| (drift.what, drift.before.as_deref()));
            assert_eq!(found, expected, "{sightings:?} at {baseline}");
        };
        let (changed, appeared) = (DriftKind::Changed, DriftKind::Appeared);
        check(&[seen("now", 1, 9)], 5, None);
        check(&[seen("now", 6, 9)], 5, Some((appeared, None)));
        check(&[seen("old", 1, 5), seen("now", 6, 9)], 5, Some((changed, Some("old"))));
        check(&[seen("old", 1, 2), seen("now", 6, 9)], 5, Some((changed, Some("old"))));
        check(&[seen("old", 1, 5), seen("mid", 6, 7), seen("now", 8, 9)], 5, Some((changed, Some("old"))));
        // Changed and changed back.
        check(&[seen("now", 1, 9), seen("mid", 6, 7)], 5, None);
    }

    #[test]
    fn what_was_gone_before_is_no_news() {
        assert_eq!(vanished(&[seen("a", 1, 4)], 5), None);
        let gone = vanished(&[seen("a", 1, 4), seen("b", 4, 6)], 5);
        assert_eq!(gone.and_then(|drift| drift.before).as_deref(), Some("b"));
    }
}
