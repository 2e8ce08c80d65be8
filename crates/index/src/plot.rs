//! Plots: calls, denials, errors and latencies over time, from the sums that are kept as records come in.

use std::collections::{BTreeMap, HashMap};

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, QueryBuilder, Row};

use crate::error::QueryError;
use crate::number::read;
use crate::series::{By, Key, KeyIds, Scope, Selection, SeriesId, select};
use crate::sketch::Latencies;
use crate::sums::{DAY, HOUR, begins};

/// Most points of one line.
const POINTS_MOST: i64 = 2000;
/// Most lines of a plot.
const LINES_MOST: usize = 20;

/// What one point stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Step {
    #[default]
    Hour,
    /// A day of UTC.
    Day,
}

impl Step {
    fn seconds(self) -> i64 {
        match self {
            Step::Hour => HOUR,
            Step::Day => DAY,
        }
    }

    /// The sums of one series, in order, without their sketches.
    fn sums(self) -> &'static str {
        match self {
            Step::Hour => {
                "SELECT start, calls, errors, peak, p50, p95, p99 FROM hourly \
                 WHERE series_id = ? AND start >= ? AND start < ? ORDER BY start"
            }
            Step::Day => {
                "SELECT start, calls, errors, peak, p50, p95, p99 FROM daily \
                 WHERE series_id = ? AND start >= ? AND start < ? ORDER BY start"
            }
        }
    }

    /// The sketches of one series.
    fn sketches(self) -> &'static str {
        match self {
            Step::Hour => {
                "SELECT start, latency FROM hourly \
                 WHERE series_id = ? AND start >= ? AND start < ? AND p50 IS NOT NULL"
            }
            Step::Day => {
                "SELECT start, latency FROM daily \
                 WHERE series_id = ? AND start >= ? AND start < ? AND p50 IS NOT NULL"
            }
        }
    }
}

/// A plot to make.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Plot {
    /// What has a line of its own. Each tool of each grant only where the scope names a grant, tool or server.
    pub by: By,
    /// Which calls are looked at.
    pub scope: Scope,
    /// Wall time in microseconds since 1970: the first point is the hour or day that this lies in.
    pub from: i64,
    /// The last point is the hour or day that the time before this lies in.
    pub until: i64,
    pub step: Step,
    /// Most lines, at most 20; those with the most calls are taken, and the others are summed up.
    pub lines: usize,
}

/// Lines over time.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Chart {
    /// The most calls first.
    pub lines: Vec<Line>,
    /// All that has no line of its own, without latencies and peaks; `None` if there is nothing.
    pub others: Option<Line>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Line {
    /// What it is of; empty for `others`, and where all calls are one line.
    pub key: Key,
    /// In order; hours or days without a call are left out.
    pub points: Vec<Point>,
}

impl Line {
    fn calls(&self) -> u64 {
        self.points.iter().map(|point| point.calls).sum()
    }
}

/// Calls of one hour or day.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Point {
    /// Where it begins: wall time in seconds since 1970.
    pub start: i64,
    /// Judged calls.
    pub calls: u64,
    /// Those that were denied.
    pub denials: u64,
    /// Those that came to `tool_error`, `error` or `unreached`.
    pub errors: u64,
    /// Most calls of one decision in one minute, denials not counted.
    pub peak: u64,
    /// Latency of calls in microseconds, gateway and server together, to 1 %.
    pub p50_us: Option<u64>,
    pub p95_us: Option<u64>,
    pub p99_us: Option<u64>,
}

/// A range of time in whole steps, in seconds.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: i64,
    until: i64,
    step: Step,
}

impl Window {
    fn of(plot: &Plot) -> Result<Window, QueryError> {
        let second = |micros: i64| micros.div_euclid(1_000_000);
        let length = plot.step.seconds();
        if plot.until <= plot.from {
            return Err(QueryError::Range("it ends before it begins"));
        }
        let from = begins(second(plot.from), length);
        let until = begins(second(plot.until - 1), length) + length;
        if (until - from) / length > POINTS_MOST {
            return Err(QueryError::Range("it has more than 2,000 steps"));
        }
        Ok(Window { from, until, step: plot.step })
    }
}

/// Makes a plot.
pub(crate) async fn chart(connection: &mut SqliteConnection, plot: &Plot) -> Result<Chart, QueryError> {
    let window = Window::of(plot)?;
    let scope = &plot.scope;
    let is_narrow = scope.grant.is_some() || scope.tool.is_some() || scope.server.is_some();
    if plot.by == By::GrantTool && !is_narrow {
        return Err(QueryError::TooWide);
    }
    let mut transaction = connection.begin().await?;
    let selection = select(&mut transaction, &plot.scope, plot.by).await?;
    let names = selection.names(&mut transaction).await?;
    let most = plot.lines.clamp(1, LINES_MOST);
    let (chosen, all) = choose(&mut transaction, &selection, window, most).await?;
    let mut chart = Chart::default();
    for (key, series) in chosen {
        let points = line(&mut transaction, &series, window).await?;
        chart.lines.push(Line { key: key.key(&names), points });
    }
    if !all {
        let whole = select(&mut transaction, &plot.scope, By::All).await?;
        let series = whole.series.iter().map(|(id, (_, denied))| (*id, *denied)).collect::<Vec<_>>();
        let total = line(&mut transaction, &series, window).await?;
        chart.others = others(total, &chart.lines);
    }
    transaction.rollback().await?;
    chart.lines.retain(|line| !line.points.is_empty());
    chart.lines.sort_by(|a, b| b.calls().cmp(&a.calls()).then_with(|| a.key.cmp(&b.key)));
    Ok(chart)
}

/// Series of one line, and whether the calls of each were denied.
type LineSeries = Vec<(SeriesId, bool)>;

/// The keys with the most calls, and whether they are all.
async fn choose(
    connection: &mut SqliteConnection,
    selection: &Selection,
    window: Window,
    most: usize,
) -> Result<(Vec<(KeyIds, LineSeries)>, bool), sqlx::Error> {
    let mut keys: HashMap<KeyIds, LineSeries> = HashMap::new();
    for (series, (key, denied)) in &selection.series {
        keys.entry(*key).or_default().push((*series, *denied));
    }
    if keys.len() <= most {
        return Ok((keys.into_iter().collect(), true));
    }
    let mut sql = QueryBuilder::new("SELECT series_id, sum(calls) AS calls FROM daily WHERE start >= ");
    sql.push_bind(begins(window.from, DAY)).push(" AND start < ").push_bind(window.until);
    sql.push(" AND series_id IN (SELECT id FROM series WHERE ");
    selection.push_condition(&mut sql);
    sql.push(") GROUP BY series_id");
    let mut calls: HashMap<KeyIds, u64> = HashMap::new();
    for row in sql.build().fetch_all(connection).await? {
        if let Some((key, _)) = selection.series.get(&row.try_get("series_id")?) {
            *calls.entry(*key).or_default() += read(row.try_get("calls")?);
        }
    }
    let mut ranked: Vec<(KeyIds, LineSeries)> = keys.into_iter().collect();
    ranked.sort_unstable_by_key(|(key, _)| (std::cmp::Reverse(calls.get(key).copied().unwrap_or(0)), *key));
    ranked.truncate(most);
    Ok((ranked, false))
}

/// The points of one line. Percentiles of one series are as they are stored; those of several that meet in a point come
/// from their sketches, which are read for that alone.
async fn line(
    connection: &mut SqliteConnection,
    series: &[(SeriesId, bool)],
    window: Window,
) -> Result<Vec<Point>, sqlx::Error> {
    let mut points: BTreeMap<i64, Point> = BTreeMap::new();
    let mut met: HashMap<i64, Latencies> = HashMap::new();
    for (id, denied) in series {
        for row in rows(connection, window.step.sums(), *id, window).await? {
            let start: i64 = row.try_get("start")?;
            let point = points.entry(start).or_insert_with(|| Point { start, ..Point::default() });
            if add(point, &row, *denied)? == Meeting::Several {
                met.entry(start).or_default();
            }
        }
    }
    if !met.is_empty() {
        for (id, _) in series {
            for row in rows(connection, window.step.sketches(), *id, window).await? {
                let Some(latencies) = met.get_mut(&row.try_get("start")?) else { continue };
                latencies.add_stored(row.try_get("latency")?);
            }
        }
    }
    for (start, mut latencies) in met {
        let Some(point) = points.get_mut(&start) else { continue };
        [point.p50_us, point.p95_us, point.p99_us] =
            latencies.percentiles().map_or([None; 3], |found| found.map(Some));
    }
    Ok(points.into_values().collect())
}

/// What a statement gives for a series within a window.
async fn rows(
    connection: &mut SqliteConnection,
    statement: &'static str,
    series: SeriesId,
    window: Window,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    sqlx::query(statement).bind(series).bind(window.from).bind(window.until).fetch_all(connection).await
}

/// How many series with latencies a point has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meeting {
    OneAtMost,
    Several,
}

/// Adds a stored sum to a point.
fn add(point: &mut Point, row: &SqliteRow, denied: bool) -> Result<Meeting, sqlx::Error> {
    let calls = read(row.try_get("calls")?);
    point.calls += calls;
    point.errors += read(row.try_get("errors")?);
    if denied {
        point.denials += calls;
    } else {
        point.peak = point.peak.max(read(row.try_get("peak")?));
    }
    let micros = |column| row.try_get::<Option<i64>, _>(column).map(|micros| micros.map(read));
    let p50 = micros("p50")?;
    if p50.is_none() {
        return Ok(Meeting::OneAtMost);
    }
    if point.p50_us.is_some() {
        return Ok(Meeting::Several);
    }
    (point.p50_us, point.p95_us, point.p99_us) = (p50, micros("p95")?, micros("p99")?);
    Ok(Meeting::OneAtMost)
}

/// What of the whole has no line.
fn others(total: Vec<Point>, lines: &[Line]) -> Option<Line> {
    let mut told: HashMap<i64, Point> = HashMap::new();
    for point in lines.iter().flat_map(|line| &line.points) {
        let sum = told.entry(point.start).or_default();
        sum.calls += point.calls;
        sum.denials += point.denials;
        sum.errors += point.errors;
    }
    let rest = total.into_iter().map(|point| {
        let told = told.remove(&point.start).unwrap_or_default();
        Point {
            start: point.start,
            calls: point.calls.saturating_sub(told.calls),
            denials: point.denials.saturating_sub(told.denials),
            errors: point.errors.saturating_sub(told.errors),
            ..Point::default()
        }
    });
    let points: Vec<Point> = rest.filter(|point| point.calls > 0).collect();
    (!points.is_empty()).then(|| Line { key: Key::default(), points })
}
