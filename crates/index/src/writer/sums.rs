//! Adds the sums of a batch to those that are stored.

use foldhash::HashMap;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::ledger::Ledger;
use crate::number::{read, stored};
use crate::rows::{ROWS, RowList};
use crate::series::SeriesId;
use crate::sums::{Addition, Additions, Latency, Sum, Sums};

/// What is to be added to the sum of a series and an hour or day.
type Keyed = ((SeriesId, i64), Addition);

/// A table of sums, as the two statements that it needs.
pub(crate) struct Table {
    pub(crate) read: RowList,
    write: RowList,
}

pub(crate) const HOURLY: Table = Table {
    read: RowList {
        before: "WITH wanted (series_id, start) AS (VALUES",
        columns: 2,
        after: ") SELECT sum.* FROM wanted JOIN hourly sum \
                ON sum.series_id = wanted.series_id AND sum.start = wanted.start",
    },
    write: RowList {
        before: "INSERT INTO hourly (series_id, start, calls, errors, last_ts, peak, minute, minute_calls, p50, p95, p99, \
                 latency) VALUES",
        columns: 12,
        after: UPSERT,
    },
};

pub(crate) const DAILY: Table = Table {
    read: RowList {
        before: "WITH wanted (series_id, start) AS (VALUES",
        columns: 2,
        after: ") SELECT sum.* FROM wanted JOIN daily sum \
                ON sum.series_id = wanted.series_id AND sum.start = wanted.start",
    },
    write: RowList {
        before: "INSERT INTO daily (series_id, start, calls, errors, last_ts, peak, minute, minute_calls, p50, p95, p99, \
                 latency) VALUES",
        columns: 12,
        after: UPSERT,
    },
};

const UPSERT: &str = "ON CONFLICT (series_id, start) DO UPDATE SET calls = excluded.calls, \
    errors = excluded.errors, last_ts = excluded.last_ts, peak = excluded.peak, minute = excluded.minute, \
    minute_calls = excluded.minute_calls, p50 = excluded.p50, p95 = excluded.p95, p99 = excluded.p99, \
    latency = excluded.latency";

/// The newest hour and day that have a sum; `i64::MIN` where there is none. Later ones need not be looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newest {
    hour: i64,
    day: i64,
}

impl Newest {
    /// As stored: every call counts in the series of the first level.
    pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Newest, sqlx::Error> {
        let mut newest = [None, None];
        for (newest, sql) in newest.iter_mut().zip([
            "SELECT max(start) FROM hourly WHERE series_id IN (SELECT id FROM series WHERE level = 0)",
            "SELECT max(start) FROM daily WHERE series_id IN (SELECT id FROM series WHERE level = 0)",
        ]) {
            *newest = sqlx::query_scalar::<_, Option<i64>>(sql).fetch_one(&mut *connection).await?;
        }
        let [hour, day] = newest.map(|start| start.unwrap_or(i64::MIN));
        Ok(Newest { hour, day })
    }
}

/// Adds the sums of a batch.
pub(super) async fn store(
    connection: &mut SqliteConnection,
    sums: &Sums,
    ledger: &mut Ledger,
    newest: &mut Newest,
) -> Result<(), sqlx::Error> {
    let (hourly, daily) = sums.expand();
    newest.hour = HOURLY.add(connection, hourly, ledger, newest.hour).await?;
    newest.day = DAILY.add(connection, daily, ledger, newest.day).await?;
    Ok(())
}

impl Table {
    /// Adds to stored sums, of which none begins after `newest`; which one is the newest then.
    async fn add(
        &self,
        connection: &mut SqliteConnection,
        additions: Additions,
        ledger: &mut Ledger,
        newest: i64,
    ) -> Result<i64, sqlx::Error> {
        let mut keyed: Vec<Keyed> = additions
            .into_iter()
            .map(|((series, start), addition)| ((ledger.series(series), start), addition))
            .collect();
        // In the table's order, so that neighbours share pages.
        keyed.sort_unstable_by_key(|(key, _)| *key);
        let latest = keyed.iter().map(|((_, start), _)| *start).fold(newest, i64::max);
        let mut keyed = keyed.into_iter();
        loop {
            let chunk: Vec<Keyed> = keyed.by_ref().take(ROWS).collect();
            if chunk.is_empty() {
                return Ok(latest);
            }
            let known: Vec<_> =
                chunk.iter().map(|(key, _)| *key).filter(|(_, start)| *start <= newest).collect();
            let mut present = self.present(connection, &known).await?;
            let sums: Vec<_> = chunk
                .into_iter()
                .map(|(key, addition)| {
                    let mut sum = present.remove(&key).unwrap_or_default();
                    sum.add(addition);
                    (key, sum)
                })
                .collect();
            self.write(connection, &sums).await?;
        }
    }

    /// The stored sums among those that are wanted.
    async fn present(
        &self,
        connection: &mut SqliteConnection,
        wanted: &[(SeriesId, i64)],
    ) -> Result<HashMap<(SeriesId, i64), Sum>, sqlx::Error> {
        let rows = self
            .read
            .fetch(connection, wanted, |statement, (series, start)| statement.bind(*series).bind(*start))
            .await?;
        let mut present = HashMap::default();
        for row in rows {
            let sum = Sum {
                calls: read(row.try_get("calls")?),
                errors: read(row.try_get("errors")?),
                last_ts: row.try_get("last_ts")?,
                peak: read(row.try_get("peak")?),
                minute: row.try_get("minute")?,
                minute_calls: read(row.try_get("minute_calls")?),
                latency: latency(&row)?,
            };
            present.insert((row.try_get("series_id")?, row.try_get("start")?), sum);
        }
        Ok(present)
    }

    async fn write(
        &self,
        connection: &mut SqliteConnection,
        sums: &[((SeriesId, i64), Sum)],
    ) -> Result<(), sqlx::Error> {
        self.write
            .execute(connection, sums, |statement, ((series, start), sum)| {
                let [p50, p95, p99] = percentiles(sum);
                statement
                    .bind(*series)
                    .bind(*start)
                    .bind(stored(sum.calls))
                    .bind(stored(sum.errors))
                    .bind(sum.last_ts)
                    .bind(stored(sum.peak))
                    .bind(sum.minute)
                    .bind(stored(sum.minute_calls))
                    .bind(p50)
                    .bind(p95)
                    .bind(p99)
                    .bind(sum.latency.as_ref().map(|latency| latency.sketch.clone()))
            })
            .await
    }
}

/// The columns of percentiles, in order.
fn percentiles(sum: &Sum) -> [Option<i64>; 3] {
    sum.latency.as_ref().map_or([None; 3], |latency| latency.percentiles.map(|micros| Some(stored(micros))))
}

fn latency(row: &SqliteRow) -> Result<Option<Latency>, sqlx::Error> {
    let Some(sketch) = row.try_get("latency")? else { return Ok(None) };
    let percentiles = [row.try_get("p50")?, row.try_get("p95")?, row.try_get("p99")?].map(read);
    Ok(Some(Latency { sketch, percentiles }))
}
