//! The inventory: what each grant can reach, how risky that is, how much it is used, and how much of a model's
//! context it takes.

pub(crate) mod drift;
pub(crate) mod grants;
pub(crate) mod list;
pub(crate) mod matrix;
pub(crate) mod recommendation;
pub(crate) mod refresh;
mod rows;
mod seen;
pub(crate) mod tool;
mod traffic;
mod verdicts;
mod view;

pub(crate) use seen::Surveys;

use axum::http::StatusCode;

use crate::problem::Problem;

/// A day in microseconds.
const DAY: i64 = 86_400_000_000;
/// Over how many days use is summed up where nobody says otherwise.
const USUAL_DAYS: u16 = 30;
/// Over how many at most.
const MOST_DAYS: u16 = 366;

/// The time so many days before `now`.
fn days_before(now: i64, days: Option<u16>, usual: u16) -> Result<i64, Problem> {
    match days.unwrap_or(usual) {
        days @ 1..=MOST_DAYS => Ok(now.saturating_sub(i64::from(days) * DAY)),
        _ => Err(Problem::new(StatusCode::BAD_REQUEST, format!("`days` must be 1 to {MOST_DAYS}"))),
    }
}

/// The context window that shares are told of.
fn window(context: Option<u64>) -> Result<u64, Problem> {
    match context.unwrap_or(toolgate_catalog::CONTEXT_WINDOW) {
        0 => Err(Problem::new(StatusCode::BAD_REQUEST, "`context` must be 1 token or more")),
        window => Ok(window),
    }
}
