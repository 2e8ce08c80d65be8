//! Search: any combination of names, a range of time, a request; newest first, page by page.
//!
//! Few events are looked at, whatever is asked. A search is turned into a range of events (`range`) and a
//! set of classes. If matches are frequent, the newest events of the range hold a page of them. If not, the
//! newest event of each class is found by one step into the index, and only the classes with the newest
//! ones are followed (`merge`): those that are not among the first as many as the page holds cannot
//! contribute to it.

mod cursor;
mod merge;
mod range;

use std::collections::HashSet;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, QueryBuilder, Row, Sqlite};

pub use cursor::Cursor;

use crate::dimension::{Dimension, NameId, fit};
use crate::error::QueryError;
use crate::event::{Event, events};
use crate::number::stored;
use crate::rows::RowList;
use crate::series::number;
use merge::Merge;
use range::Range;

/// Most events on a page.
pub const PAGE_MOST: usize = 500;
/// Newest events that are looked through before anything else, besides four for each that is wanted.
const PROBE: usize = 2000;
/// Fewest that are looked through at a time.
const PROBE_LEAST: usize = 250;
/// Most events that are looked through at a time.
const PROBE_MOST: usize = 20_000;

/// What to search for. What is `None` may be anything.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Search {
    /// Kind of the record, such as `decision` or `reload`.
    pub kind: Option<String>,
    pub node: Option<String>,
    pub grant: Option<String>,
    pub server: Option<String>,
    pub method: Option<String>,
    pub tool: Option<String>,
    /// `allow`, `deny`, `shadow_deny` or `pending`.
    pub decision: Option<String>,
    /// `ok`, `tool_error`, `error`, `cancelled` or `unreached`.
    pub outcome: Option<String>,
    pub rule: Option<String>,
    pub policy: Option<String>,
    /// Events of one request.
    pub request_id: Option<String>,
    /// Wall time in microseconds since 1970: from this on.
    pub from: Option<i64>,
    /// Wall time in microseconds since 1970: before this.
    pub until: Option<i64>,
}

impl Search {
    /// The names asked for.
    fn terms(&self) -> Vec<(Dimension, &str)> {
        [
            (Dimension::Kind, &self.kind),
            (Dimension::Node, &self.node),
            (Dimension::Grant, &self.grant),
            (Dimension::Server, &self.server),
            (Dimension::Method, &self.method),
            (Dimension::Tool, &self.tool),
            (Dimension::Decision, &self.decision),
            (Dimension::Outcome, &self.outcome),
            (Dimension::Rule, &self.rule),
            (Dimension::Policy, &self.policy),
        ]
        .into_iter()
        .filter_map(|(dimension, text)| Some((dimension, fit(text.as_deref()?))))
        .collect()
    }
}

/// Some events, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Page {
    pub events: Vec<Event>,
    /// Where the next page begins; `None` if this was the last.
    pub next: Option<Cursor>,
}

/// A search with its names turned into numbers.
#[derive(Debug)]
struct Query<'a> {
    terms: Vec<(Dimension, NameId)>,
    request_id: Option<&'a str>,
    from: i64,
    until: i64,
    /// One more than the page holds, to know whether there is another.
    wanted: usize,
}

impl Query<'_> {
    fn is_at_any_time(&self) -> bool {
        self.from == i64::MIN && self.until == i64::MAX
    }
}

/// A page of at most `limit` events.
pub(crate) async fn page(
    connection: &mut SqliteConnection,
    search: &Search,
    limit: usize,
    cursor: Option<&Cursor>,
) -> Result<Page, QueryError> {
    if !(1..=PAGE_MOST).contains(&limit) {
        return Err(QueryError::Limit(limit));
    }
    let before = cursor.map(|cursor| cursor.open(search)).transpose()?;
    // All statements see the same state of the index.
    let mut transaction = connection.begin().await?;
    let found = find(&mut transaction, search, limit + 1, before).await?;
    let events = events(&mut transaction, found.get(..limit).unwrap_or(&found)).await?;
    transaction.rollback().await?;
    let next = events.last().filter(|_| found.len() > limit).map(|last| Cursor::after(search, last.seq));
    Ok(Page { events, next })
}

/// The numbers of the newest matching events before `before`.
async fn find(
    connection: &mut SqliteConnection,
    search: &Search,
    wanted: usize,
    before: Option<u64>,
) -> Result<Vec<i64>, QueryError> {
    let Some(terms) = numbers(connection, &search.terms()).await? else { return Ok(Vec::new()) };
    let query = Query {
        terms,
        request_id: search.request_id.as_deref().map(fit),
        from: search.from.unwrap_or(i64::MIN),
        until: search.until.unwrap_or(i64::MAX),
        wanted,
    };
    let last = before.map_or(i64::MAX, |before| stored(before).saturating_sub(1));
    let whole = Range { first: i64::MIN, last };
    if query.request_id.is_some() {
        return Ok(of_request(&query, whole).build_query_scalar().fetch_all(connection).await?);
    }
    let mut found = Vec::new();
    for range in range::of_time(connection, search.from, search.until, whole).await? {
        let missing = wanted - found.len();
        found.extend(in_range(connection, &query, range, missing).await?);
        if found.len() >= wanted {
            break;
        }
    }
    Ok(found)
}

/// The newest matching events of one range.
async fn in_range(
    connection: &mut SqliteConnection,
    query: &Query<'_>,
    range: Range,
    wanted: usize,
) -> Result<Vec<i64>, QueryError> {
    let (mut found, mut rest) = (Vec::new(), range);
    let mut steps = PROBE + 4 * wanted;
    while steps <= PROBE_MOST {
        let missing = wanted - found.len();
        let floor = nth(connection, rest, steps).await?;
        let near = Range { first: floor.map_or(rest.first, |floor| floor + 1), ..rest };
        let some: Vec<i64> =
            probe(query, near, missing).build_query_scalar().fetch_all(&mut *connection).await?;
        let frequent = some.len();
        found.extend(some);
        let Some(floor) = floor.filter(|_| found.len() < wanted) else { return Ok(found) };
        rest.last = floor;
        // On if the others are likely to be near, with a quarter more for chance.
        steps = (steps * (wanted - found.len()) * 5 / (4 * frequent).max(1)).max(PROBE_LEAST);
    }
    let mut merge = Merge::begin(connection, query, rest, wanted - found.len()).await?;
    while found.len() < wanted {
        let mut ids = Vec::new();
        while found.len() + ids.len() < wanted {
            let Some(id) = merge.next(connection).await? else { break };
            ids.push(id);
        }
        if ids.is_empty() {
            break;
        }
        found.extend(if query.is_at_any_time() { ids } else { within(connection, query, ids).await? });
    }
    Ok(found)
}

/// The event that comes so many after the newest of a range; `None` if the range ends before.
async fn nth(
    connection: &mut SqliteConnection,
    range: Range,
    steps: usize,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(NTH)
        .bind(range.first)
        .bind(range.last)
        .bind(stored(steps as u64))
        .fetch_optional(connection)
        .await
}

const NTH: &str = "SELECT id FROM event WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1 OFFSET ?";

/// Those of the events that lie in the time asked for, in the same order. Ranges are exact but for the jitter
/// between threads.
async fn within(
    connection: &mut SqliteConnection,
    query: &Query<'_>,
    mut ids: Vec<i64>,
) -> Result<Vec<i64>, sqlx::Error> {
    let mut inside = HashSet::new();
    for row in TIMES.fetch(connection, &ids, |statement, id| statement.bind(*id)).await? {
        if (query.from..query.until).contains(&row.try_get("ts")?) {
            inside.insert(row.try_get::<i64, _>("id")?);
        }
    }
    ids.retain(|id| inside.contains(id));
    Ok(ids)
}

const TIMES: RowList = RowList {
    before: "WITH wanted (id) AS (VALUES",
    columns: 1,
    after: ") SELECT event.id, event.ts FROM wanted JOIN event ON event.id = wanted.id",
};

/// The numbers of names; `None` if one of them is in no event.
async fn numbers(
    connection: &mut SqliteConnection,
    terms: &[(Dimension, &str)],
) -> Result<Option<Vec<(Dimension, NameId)>>, sqlx::Error> {
    let mut numbers = Vec::with_capacity(terms.len());
    for (dimension, text) in terms {
        let Some(number) = number(connection, *dimension, text).await? else { return Ok(None) };
        numbers.push((*dimension, number));
    }
    Ok(Some(numbers))
}

/// The newest matching events of a range in which all are looked at.
fn probe(query: &Query<'_>, range: Range, wanted: usize) -> QueryBuilder<Sqlite> {
    let mut sql = QueryBuilder::new(
        "SELECT event.id FROM event CROSS JOIN class ON class.id = event.class_id WHERE event.id BETWEEN ",
    );
    sql.push_bind(range.first).push(" AND ").push_bind(range.last);
    sql.push(" AND event.ts >= ").push_bind(query.from).push(" AND event.ts < ").push_bind(query.until);
    push_terms(&mut sql, query);
    sql.push(" ORDER BY event.id DESC LIMIT ").push_bind(stored(wanted as u64));
    sql
}

/// The newest matching events of one request.
fn of_request(query: &Query<'_>, range: Range) -> QueryBuilder<Sqlite> {
    let mut sql = QueryBuilder::new(
        "SELECT event.id FROM event CROSS JOIN class ON class.id = event.class_id WHERE event.request_id = ",
    );
    sql.push_bind(query.request_id.unwrap_or_default().to_owned());
    sql.push(" AND event.id <= ").push_bind(range.last);
    sql.push(" AND event.ts >= ").push_bind(query.from).push(" AND event.ts < ").push_bind(query.until);
    push_terms(&mut sql, query);
    sql.push(" ORDER BY event.id DESC LIMIT ").push_bind(stored(query.wanted as u64));
    sql
}

/// Appends ` AND …` for each name asked for.
fn push_terms(sql: &mut QueryBuilder<Sqlite>, query: &Query<'_>) {
    for (dimension, number) in &query.terms {
        sql.push(" AND class.").push(dimension.column()).push(" = ").push_bind(*number);
    }
}

/// The event with this number.
pub(crate) async fn one(connection: &mut SqliteConnection, seq: u64) -> Result<Option<Event>, QueryError> {
    Ok(events(connection, &[stored(seq)]).await?.pop())
}

/// All names of a dimension that events have, in order.
pub(crate) async fn all_names(
    connection: &mut SqliteConnection,
    dimension: Dimension,
) -> Result<Vec<String>, QueryError> {
    let names = sqlx::query_scalar("SELECT text FROM name WHERE dimension = ? ORDER BY text")
        .bind(dimension as u8)
        .fetch_all(connection)
        .await?;
    Ok(names)
}

#[cfg(test)]
mod tests;
