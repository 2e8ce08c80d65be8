//! Removal of what is old, in steps so small that nobody waits for one.

use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use crate::options::Options;

/// Events in one step.
const STEP_EVENTS: i64 = 2000;
/// Series in one step.
const STEP_SERIES: i64 = 500;
/// How often old things are looked for, in microseconds.
const EVERY: i64 = 60_000_000;

/// Removes what is old.
#[derive(Debug)]
pub(crate) struct Retention {
    /// Ages in microseconds.
    keep_events: Option<i64>,
    keep_sums: Option<i64>,
    /// When it was last looked.
    looked_at: Option<i64>,
    stage: Stage,
}

/// What the next step looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Events,
    /// Sums of the series after this one.
    Sums(i64),
    Done,
}

impl Retention {
    pub(crate) fn new(options: &Options) -> Retention {
        let micros = |age: Option<std::time::Duration>| {
            age.map(|age| i64::try_from(age.as_micros()).unwrap_or(i64::MAX))
        };
        Retention {
            keep_events: micros(options.keep_events),
            keep_sums: micros(options.keep_sums),
            looked_at: None,
            stage: Stage::Done,
        }
    }

    /// Does the next step at the wall time `now`; whether there is more to do at once.
    pub(crate) async fn step(
        &mut self,
        connection: &mut SqliteConnection,
        now: i64,
    ) -> Result<bool, sqlx::Error> {
        if self.stage == Stage::Done {
            if self.looked_at.is_some_and(|then| now.abs_diff(then) < EVERY.unsigned_abs()) {
                return Ok(false);
            }
            self.looked_at = Some(now);
            self.stage = Stage::Events;
        }
        self.stage = match self.stage {
            Stage::Events => match self.keep_events {
                Some(keep) if remove_events(connection, now.saturating_sub(keep)).await? => Stage::Events,
                Some(_) | None => Stage::Sums(0),
            },
            Stage::Sums(after) => match self.keep_sums {
                Some(keep) => remove_sums(connection, now.saturating_sub(keep), after)
                    .await?
                    .map_or(Stage::Done, Stage::Sums),
                None => Stage::Done,
            },
            Stage::Done => Stage::Done,
        };
        Ok(self.stage != Stage::Done)
    }
}

/// A stretch, and what of it is old.
struct Old {
    first: i64,
    /// Its last old event, or a number after it.
    until: i64,
    /// All of it is old, and events go on in another one.
    is_whole: bool,
}

/// Removes some events before the time `before`; whether there may be more. Goes by marks, so that some of
/// the last ones stay a little longer.
async fn remove_events(connection: &mut SqliteConnection, before: i64) -> Result<bool, sqlx::Error> {
    for old in old_stretches(connection, before).await? {
        let removed = sqlx::query(
            "DELETE FROM event WHERE id IN \
             (SELECT id FROM event WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?)",
        )
        .bind(old.first)
        .bind(old.until)
        .bind(STEP_EVENTS)
        .execute(&mut *connection)
        .await?;
        if removed.rows_affected() > 0 {
            return Ok(true);
        }
        // The last mark stays: it bounds those events that are not old.
        let marks = sqlx::query("DELETE FROM mark WHERE stretch_id = ? AND id < ?").bind(old.first);
        marks.bind(old.until + i64::from(old.is_whole)).execute(&mut *connection).await?;
        if old.is_whole {
            sqlx::query("DELETE FROM stretch WHERE id = ?").bind(old.first).execute(&mut *connection).await?;
        }
    }
    Ok(false)
}

/// The stretches that begin with events before the time `before`.
async fn old_stretches(connection: &mut SqliteConnection, before: i64) -> Result<Vec<Old>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT id, high < ? AS is_old, \
             (SELECT mark.id FROM mark WHERE stretch_id = stretch.id AND mark.high < ? \
              ORDER BY mark.high DESC, mark.id DESC LIMIT 1) AS until, \
             (SELECT later.id FROM stretch later WHERE later.id > stretch.id ORDER BY later.id LIMIT 1) AS next \
         FROM stretch ORDER BY id",
    )
    .bind(before)
    .bind(before)
    .fetch_all(connection)
    .await?;
    let mut stretches = Vec::new();
    for row in rows {
        let first = row.try_get("id")?;
        let next: Option<i64> = row.try_get("next")?;
        let until: Option<i64> = row.try_get("until")?;
        stretches.extend(match next {
            Some(next) if row.try_get("is_old")? => Some(Old { first, until: next - 1, is_whole: true }),
            _ => until.map(|until| Old { first, until, is_whole: false }),
        });
    }
    Ok(stretches)
}

/// Removes sums before the time `before` of some series after the number `after`; up to which one, or
/// `None` if that was the last.
async fn remove_sums(
    connection: &mut SqliteConnection,
    before: i64,
    after: i64,
) -> Result<Option<i64>, sqlx::Error> {
    let last: Option<i64> =
        sqlx::query_scalar("SELECT max(id) FROM (SELECT id FROM series WHERE id > ? ORDER BY id LIMIT ?)")
            .bind(after)
            .bind(STEP_SERIES)
            .fetch_one(&mut *connection)
            .await?;
    let Some(last) = last else { return Ok(None) };
    let second = before.div_euclid(1_000_000);
    for sql in [
        "DELETE FROM hourly WHERE series_id IN (SELECT id FROM series WHERE id > ? AND id <= ?) AND start <= ? - 3600",
        "DELETE FROM daily WHERE series_id IN (SELECT id FROM series WHERE id > ? AND id <= ?) AND start <= ? - 86400",
    ] {
        sqlx::query(sql).bind(after).bind(last).bind(second).execute(&mut *connection).await?;
    }
    Ok(Some(last))
}
