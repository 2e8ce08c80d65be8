//! A policy from what was used: the tools of the last 30 days, each with room above its peak.

use super::document::{Document, Entry};
use super::{RecommendError, Recommendation, checked, unnameable};

/// How far back use counts, in microseconds.
const WINDOW: i64 = 30 * 24 * 3_600 * 1_000_000;
/// The least room above the peak, in calls a minute.
const LEAST_ROOM: u64 = 5;

/// How a tool was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The tool's name.
    pub tool: String,
    /// Calls that were let through.
    pub calls: u64,
    /// The most of them in one minute.
    pub peak_per_minute: u64,
    /// The last of them, in microseconds since 1970.
    pub last_used: i64,
}

/// A policy that lets through what was used in the 30 days before `now`, microseconds since 1970: a tool's
/// limit for a minute is half as much again as its peak, at least five calls more. Everything else is denied.
///
/// # Errors
///
/// The policy that comes out cannot be loaded, so it is not given out.
pub fn from_traffic(usage: &[Usage], now: i64) -> Result<Recommendation, RecommendError> {
    let mut policy = Document::deny_all();
    let mut notes = Vec::new();
    for used in merged(usage) {
        if used.calls == 0 || used.last_used < now.saturating_sub(WINDOW) {
            notes.push(format!("`{}` is left out, and so denied: not used in the last 30 days", used.tool));
        } else if let Some(note) = unnameable(&used.tool) {
            notes.push(note);
        } else {
            policy.tools.insert(&used.tool, Entry::limited(&used.tool, room_above(used.peak_per_minute)));
        }
    }
    checked(Recommendation { policy, notes })
}

fn room_above(peak: u64) -> u64 {
    // Beyond this a limit is none, and the language's numbers are exact.
    const MOST: u64 = 1_000_000_000;
    let peak = peak.min(MOST);
    peak + (peak.div_ceil(2)).max(LEAST_ROOM)
}

/// One row a tool, by name.
fn merged(usage: &[Usage]) -> Vec<Usage> {
    let mut rows: std::collections::BTreeMap<&str, Usage> = std::collections::BTreeMap::new();
    for used in usage {
        rows.entry(&used.tool)
            .and_modify(|known| {
                known.calls = known.calls.saturating_add(used.calls);
                known.peak_per_minute = known.peak_per_minute.max(used.peak_per_minute);
                known.last_used = known.last_used.max(used.last_used);
            })
            .or_insert_with(|| used.clone());
    }
    rows.into_values().collect()
}
