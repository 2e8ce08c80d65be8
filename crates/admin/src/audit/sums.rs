//! Lines over time, and sums of use.

use axum::Json;
use axum::extract::State as Extract;
use serde::{Deserialize, Serialize};
use toolgate_index::{By as IndexBy, Key, Line, Plot, Point, Scope, Step as IndexStep, Usage};
use utoipa::{IntoParams, ToSchema};

use super::time;
use crate::admin::State;
use crate::input::Asked;
use crate::moment;
use crate::problem::Problem;

const DAY: i64 = 86_400_000_000;

/// What lines and rows are told apart by.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// Nothing: all calls together.
    #[default]
    All,
    /// The server.
    Server,
    /// The tool together with its server.
    Tool,
    /// The grant.
    Grant,
    /// Each tool of each grant.
    GrantTool,
    /// The decision.
    Decision,
}

impl From<By> for IndexBy {
    fn from(by: By) -> Self {
        match by {
            By::All => Self::All,
            By::Server => Self::Server,
            By::Tool => Self::Tool,
            By::Grant => Self::Grant,
            By::GrantTool => Self::GrantTool,
            By::Decision => Self::Decision,
        }
    }
}

/// What one point stands for.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// An hour.
    #[default]
    Hour,
    /// A day of UTC.
    Day,
}

/// A plot to make.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PlotQuery {
    /// What has a line of its own.
    #[param(inline)]
    by: Option<By>,
    /// What one point stands for.
    #[param(inline)]
    step: Option<Step>,
    /// From this time on: a day (00:00 UTC) or a time (RFC 3339); the day before `until` if absent.
    from: Option<String>,
    /// Before this time; now if absent.
    until: Option<String>,
    /// Most lines; those with the most calls are taken.
    #[param(minimum = 1, maximum = 20, default = 10)]
    lines: Option<u8>,
    /// Only calls to this server.
    server: Option<String>,
    /// Only calls of this tool.
    tool: Option<String>,
    /// Only calls of this grant.
    grant: Option<String>,
    /// Only calls with this decision.
    decision: Option<String>,
}

/// What a line or row is of; what it is not told apart by is absent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    /// The server.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    /// The tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
    /// The grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
    /// The decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<String>,
}

impl From<Key> for KeyView {
    fn from(Key { server, tool, grant, decision }: Key) -> Self {
        Self { server, tool, grant, decision }
    }
}

/// One line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineView {
    /// What it is of.
    key: KeyView,
    /// In order; hours or days without a call are left out.
    points: Vec<PointView>,
}

/// Calls of one hour or day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PointView {
    /// Where it begins.
    start: String,
    /// Judged calls.
    calls: u64,
    /// Those that were denied.
    denials: u64,
    /// Those that came to `tool_error`, `error` or `unreached`.
    errors: u64,
    /// Most calls of one decision in one minute, denials not counted.
    peak_per_minute: u64,
    /// Half of the calls took no longer, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_us: Option<u64>,
    /// 95 of 100 calls took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    p95_us: Option<u64>,
    /// 99 of 100 calls took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_us: Option<u64>,
}

impl From<Point> for PointView {
    fn from(point: Point) -> Self {
        Self {
            start: moment::show(point.start.saturating_mul(1_000_000)),
            calls: point.calls,
            denials: point.denials,
            errors: point.errors,
            peak_per_minute: point.peak,
            p50_us: point.p50_us,
            p95_us: point.p95_us,
            p99_us: point.p99_us,
        }
    }
}

impl From<Line> for LineView {
    fn from(line: Line) -> Self {
        Self { key: line.key.into(), points: line.points.into_iter().map(PointView::from).collect() }
    }
}

/// Lines over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Chart {
    /// The most calls first.
    lines: Vec<LineView>,
    /// All that has no line of its own, without latencies and peaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    others: Option<LineView>,
}

/// Calls over time
#[utoipa::path(get, path = "/api/v1/audit/plot", tag = "Audit", operation_id = "plotCalls", params(PlotQuery),
    responses((status = 200, description = "Calls, denials, errors and latencies for each hour or day", body = Chart)))]
pub(crate) async fn plot(
    Extract(state): Extract<State>,
    Asked(query): Asked<PlotQuery>,
) -> Result<Json<Chart>, Problem> {
    let until = time("until", query.until.as_deref())?.unwrap_or_else(|| state.wall());
    let from = time("from", query.from.as_deref())?.unwrap_or_else(|| until.saturating_sub(DAY));
    let lines = match query.lines.unwrap_or(10) {
        lines @ 1..=20 => usize::from(lines),
        _ => return Err(Problem::new(http::StatusCode::BAD_REQUEST, "`lines` must be 1 to 20")),
    };
    let step = match query.step.unwrap_or_default() {
        Step::Hour => IndexStep::Hour,
        Step::Day => IndexStep::Day,
    };
    let by = query.by.unwrap_or_default().into();
    let scope =
        Scope { server: query.server, tool: query.tool, grant: query.grant, decision: query.decision };
    let chart = state.parts.index.plot(&Plot { by, scope, from, until, step, lines }).await?;
    let lines = chart.lines.into_iter().map(LineView::from).collect();
    Ok(Json(Chart { lines, others: chart.others.map(LineView::from) }))
}

/// Which use is summed up.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageQuery {
    /// What has a row of its own.
    #[param(inline)]
    by: Option<By>,
    /// Since the day (UTC) that this time lies in; thirty days ago if absent.
    from: Option<String>,
    /// Only calls to this server.
    server: Option<String>,
    /// Only calls of this tool.
    tool: Option<String>,
    /// Only calls of this grant.
    grant: Option<String>,
    /// Only calls with this decision.
    decision: Option<String>,
}

/// Calls of one key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageView {
    /// What they are of.
    key: KeyView,
    /// Judged calls.
    calls: u64,
    /// Those that were denied.
    denials: u64,
    /// Those that came to `tool_error`, `error` or `unreached`.
    errors: u64,
    /// Most calls of one decision in one minute, denials not counted.
    peak_per_minute: u64,
    /// When the last call was.
    last: String,
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        Self {
            key: usage.key.into(),
            calls: usage.calls,
            denials: usage.denials,
            errors: usage.errors,
            peak_per_minute: usage.peak_per_minute,
            last: moment::show(usage.last_ts),
        }
    }
}

/// Sums of use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageList {
    /// The most calls first.
    items: Vec<UsageView>,
    /// Whether there are more than are shown.
    cut: bool,
}

/// Sums of use
#[utoipa::path(get, path = "/api/v1/audit/usage", tag = "Audit", operation_id = "sumUsage", params(UsageQuery),
    responses((status = 200, description = "Calls, denials, errors, last use and peaks; at most 1000 rows", body = UsageList)))]
pub(crate) async fn usage(
    Extract(state): Extract<State>,
    Asked(query): Asked<UsageQuery>,
) -> Result<Json<UsageList>, Problem> {
    /// Most rows that are shown.
    const MOST: usize = 1_000;
    let from = time("from", query.from.as_deref())?.unwrap_or_else(|| state.wall().saturating_sub(30 * DAY));
    let scope =
        Scope { server: query.server, tool: query.tool, grant: query.grant, decision: query.decision };
    let all = state.parts.index.usage(query.by.unwrap_or_default().into(), &scope, from).await?;
    let cut = all.len() > MOST;
    Ok(Json(UsageList { items: all.into_iter().take(MOST).map(UsageView::from).collect(), cut }))
}
