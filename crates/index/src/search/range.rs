//! A range of time as ranges of events: see `timeline`. As a rule there is one; each time the clock was set
//! back may add another.

use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use crate::timeline::SLACK;

/// Events by number, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: i64,
    pub(super) last: i64,
}

/// Ranges of events in which all those of a range of time are, newest first, within `whole`.
pub(super) async fn of_time(
    connection: &mut SqliteConnection,
    from: Option<i64>,
    until: Option<i64>,
    whole: Range,
) -> Result<Vec<Range>, sqlx::Error> {
    if from.is_none() && until.is_none() {
        return Ok(vec![whole]);
    }
    let (from, until) = (from.unwrap_or(i64::MIN), until.unwrap_or(i64::MAX));
    let mut ranges = Vec::new();
    for range in bounds(connection, from, until).await? {
        let range = Range { first: range.first.max(whole.first), last: range.last.min(whole.last) };
        ranges.extend(tighten(connection, range, from, until).await?);
    }
    Ok(ranges)
}

/// The range of each stretch that holds such times, by its marks.
async fn bounds(connection: &mut SqliteConnection, from: i64, until: i64) -> Result<Vec<Range>, sqlx::Error> {
    let latest = until.saturating_add(SLACK);
    let rows =
        sqlx::query(BOUNDS).bind(from).bind(latest).bind(from).bind(latest).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let start: i64 = row.try_get("start")?;
            let after: Option<i64> = row.try_get("after")?;
            let within: Option<i64> = row.try_get("within")?;
            let next: Option<i64> = row.try_get("next")?;
            let end = next.map_or(i64::MAX, |next| next - 1);
            Ok(Range { first: after.map_or(start, |id| id + 1), last: within.map_or(end, |id| id.min(end)) })
        })
        .collect()
}

/// Of each stretch: the last mark that lies before all that is asked for, the first after which nothing is.
pub(super) const BOUNDS: &str = "SELECT stretch.id AS start, \
    (SELECT mark.id FROM mark WHERE stretch_id = stretch.id AND mark.high < ? \
     ORDER BY mark.high DESC, mark.id DESC LIMIT 1) AS after, \
    (SELECT mark.id FROM mark WHERE stretch_id = stretch.id AND mark.high >= ? \
     ORDER BY mark.high, mark.id LIMIT 1) AS within, \
    (SELECT later.id FROM stretch later WHERE later.id > stretch.id ORDER BY later.id LIMIT 1) AS next \
    FROM stretch WHERE high >= ? AND first_ts <= ? ORDER BY stretch.id DESC";

/// Cuts off the events at both ends that are outside: at most those between two marks. `None` if none is
/// left.
async fn tighten(
    connection: &mut SqliteConnection,
    range: Range,
    from: i64,
    until: i64,
) -> Result<Option<Range>, sqlx::Error> {
    let mut ends = [None, None];
    for (end, sql) in ends.iter_mut().zip([FIRST, LAST]) {
        *end = sqlx::query_scalar(sql)
            .bind(range.first)
            .bind(range.last)
            .bind(from)
            .bind(until)
            .fetch_optional(&mut *connection)
            .await?;
    }
    let [first, last] = ends;
    Ok(first.zip(last).map(|(first, last)| Range { first, last }))
}

pub(super) const FIRST: &str =
    "SELECT id FROM event WHERE id BETWEEN ? AND ? AND ts >= ? AND ts < ? ORDER BY id LIMIT 1";
pub(super) const LAST: &str =
    "SELECT id FROM event WHERE id BETWEEN ? AND ? AND ts >= ? AND ts < ? ORDER BY id DESC LIMIT 1";
