//! An event as searches give it, read from its row.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::dimension::{Class, NameId};
use crate::ledger::ClassId;
use crate::number::read;
use crate::rows::RowList;
use crate::writer::class_of_row;

/// A judged call with what became of it, or another record of the journal. What is `None` the record did
/// not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Number of its record in the journal.
    pub seq: u64,
    /// Wall time in microseconds since 1970.
    pub ts: i64,
    /// Kind of the record, such as `decision`; `outcome` for one whose decision is not in the index.
    pub kind: String,
    /// The gateway process.
    pub node: String,
    pub request_id: Option<String>,
    pub client: Option<String>,
    pub grant: Option<String>,
    pub server: Option<String>,
    pub method: Option<String>,
    pub tool: Option<String>,
    /// `allow`, `deny`, `shadow_deny` or `pending`.
    pub decision: Option<String>,
    /// What became of the call: `ok`, `tool_error`, `error`, `cancelled` or `unreached`.
    pub outcome: Option<String>,
    /// Number of the record that tells what became of the call.
    pub outcome_seq: Option<u64>,
    pub rule: Option<String>,
    pub policy: Option<String>,
    /// Microseconds inside the gateway.
    pub gateway_us: Option<u64>,
    /// Microseconds at the server.
    pub upstream_us: Option<u64>,
    /// Requests that the record stands for.
    pub count: Option<u64>,
    /// Free text of the record, cut off after 200 bytes.
    pub detail: Option<String>,
}

/// Finds events by their numbers.
pub(crate) const EVENTS: RowList = RowList {
    before: "WITH wanted (id) AS (VALUES",
    columns: 1,
    after: ") SELECT event.* FROM wanted JOIN event ON event.id = wanted.id",
};

/// The events with these numbers, newest first; those that are gone are left out.
pub(crate) async fn events(
    connection: &mut SqliteConnection,
    ids: &[i64],
) -> Result<Vec<Event>, sqlx::Error> {
    let rows = EVENTS.fetch(&mut *connection, ids, |statement, id| statement.bind(*id)).await?;
    let classes = classes(connection, &rows).await?;
    let names = names(connection, &rows, &classes).await?;
    let mut events = rows
        .iter()
        .map(|row| event(row, classes.get(&row.try_get("class_id")?).copied().unwrap_or_default(), &names))
        .collect::<Result<Vec<Event>, sqlx::Error>>()?;
    events.sort_unstable_by_key(|event| std::cmp::Reverse(event.seq));
    Ok(events)
}

async fn classes(
    connection: &mut SqliteConnection,
    rows: &[SqliteRow],
) -> Result<HashMap<ClassId, Class>, sqlx::Error> {
    const CLASSES: RowList = RowList {
        before: "WITH wanted (id) AS (VALUES",
        columns: 1,
        after: ") SELECT class.* FROM wanted JOIN class ON class.id = wanted.id",
    };
    let wanted = distinct(rows.iter().map(|row| row.try_get("class_id")))?;
    let rows = CLASSES.fetch(connection, &wanted, |statement, id| statement.bind(*id)).await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, class_of_row(row)?))).collect()
}

async fn names(
    connection: &mut SqliteConnection,
    rows: &[SqliteRow],
    classes: &HashMap<ClassId, Class>,
) -> Result<HashMap<NameId, String>, sqlx::Error> {
    let clients = rows.iter().map(|row| row.try_get("client_id"));
    let wanted = distinct(classes.values().flat_map(Class::numbers).map(Ok).chain(clients))?;
    texts(connection, &wanted).await
}

/// The texts of names.
pub(crate) async fn texts(
    connection: &mut SqliteConnection,
    wanted: &[NameId],
) -> Result<HashMap<NameId, String>, sqlx::Error> {
    const NAMES: RowList = RowList {
        before: "WITH wanted (id) AS (VALUES",
        columns: 1,
        after: ") SELECT name.id, name.text FROM wanted JOIN name ON name.id = wanted.id",
    };
    let rows = NAMES.fetch(connection, wanted, |statement, id| statement.bind(*id)).await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("text")?))).collect()
}

/// Each number once, without the 0 that stands for none.
fn distinct(numbers: impl Iterator<Item = Result<u32, sqlx::Error>>) -> Result<Vec<u32>, sqlx::Error> {
    let mut numbers = numbers.filter(|number| !matches!(number, Ok(0))).collect::<Result<Vec<u32>, _>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

fn event(row: &SqliteRow, class: Class, names: &HashMap<NameId, String>) -> Result<Event, sqlx::Error> {
    let name = |id: NameId| names.get(&id).cloned();
    let number = |column: &str| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.map(read));
    Ok(Event {
        seq: read(row.try_get("id")?),
        ts: row.try_get("ts")?,
        kind: name(class.kind).unwrap_or_default(),
        node: name(class.node).unwrap_or_default(),
        request_id: row.try_get("request_id")?,
        client: name(row.try_get("client_id")?),
        grant: name(class.grant),
        server: name(class.server),
        method: name(class.method),
        tool: name(class.tool),
        decision: name(class.decision),
        outcome: name(class.outcome),
        outcome_seq: number("outcome_seq")?,
        rule: name(class.rule),
        policy: name(class.policy),
        gateway_us: number("gateway_us")?,
        upstream_us: number("upstream_us")?,
        count: number("count")?,
        detail: row.try_get("detail")?,
    })
}
