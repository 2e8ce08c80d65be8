//! Usage: how often what was called, refused and failed, when last, and how fast at most. What a list of
//! tools shows beside each, and what limits are proposed from.

use std::collections::HashMap;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, QueryBuilder, Row};

use crate::error::QueryError;
use crate::number::read;
use crate::series::{By, Key, KeyIds, Scope, select};
use crate::sums::{DAY, begins};

/// Calls of one key, over whole days of UTC.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Usage {
    /// What they are of.
    pub key: Key,
    /// Judged calls.
    pub calls: u64,
    /// Those that were denied.
    pub denials: u64,
    /// Those that came to `tool_error`, `error` or `unreached`.
    pub errors: u64,
    /// Most calls of one decision in one minute, denials not counted.
    pub peak_per_minute: u64,
    /// Wall time of the last call, in microseconds since 1970.
    pub last_ts: i64,
}

/// Usage since the day that the wall time `from` lies in, the most calls first.
pub(crate) async fn usage(
    connection: &mut SqliteConnection,
    by: By,
    scope: &Scope,
    from: i64,
) -> Result<Vec<Usage>, QueryError> {
    let mut transaction = connection.begin().await?;
    let selection = select(&mut transaction, scope, by).await?;
    let names = selection.names(&mut transaction).await?;
    let mut sql = QueryBuilder::new(
        "SELECT series_id, sum(calls) AS calls, sum(errors) AS errors, max(peak) AS peak, \
         max(last_ts) AS last_ts FROM daily WHERE start >= ",
    );
    sql.push_bind(begins(from.div_euclid(1_000_000), DAY));
    sql.push(" AND series_id IN (SELECT id FROM series WHERE ");
    selection.push_condition(&mut sql);
    sql.push(") GROUP BY series_id");
    let mut usages: HashMap<KeyIds, Usage> = HashMap::new();
    for row in sql.build().fetch_all(&mut *transaction).await? {
        let Some((key, denied)) = selection.series.get(&row.try_get("series_id")?) else { continue };
        let usage = usages.entry(*key).or_insert_with(|| Usage { last_ts: i64::MIN, ..Usage::default() });
        let calls = read(row.try_get("calls")?);
        usage.calls += calls;
        usage.errors += read(row.try_get("errors")?);
        usage.last_ts = usage.last_ts.max(row.try_get("last_ts")?);
        if *denied {
            usage.denials += calls;
        } else {
            usage.peak_per_minute = usage.peak_per_minute.max(read(row.try_get("peak")?));
        }
    }
    transaction.rollback().await?;
    let mut usages: Vec<Usage> =
        usages.into_iter().map(|(key, usage)| Usage { key: key.key(&names), ..usage }).collect();
    usages.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.key.cmp(&b.key)));
    Ok(usages)
}
