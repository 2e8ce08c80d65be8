//! The events of several classes, newest first. Each class has its events in order in the index; the newest
//! of all is always the newest of one class.

use std::collections::{BinaryHeap, HashMap};

use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Row, Sqlite};
use toolgate_sqlite::Statement;

use super::range::Range;
use super::{Query, push_terms};
use crate::ledger::ClassId;
use crate::number::stored;
use crate::rows::RowList;

/// Events that are read of a class at first, for many classes at once: most contribute few. Stands in
/// `FIRST_OF`, too.
const FIRST_READ: i64 = 4;
/// Events that are read of a class later, each time.
const LATER_READS: [i64; 3] = [16, 64, 256];

/// Goes through the events of classes.
#[derive(Debug)]
pub(super) struct Merge {
    range: Range,
    /// By their next event, newest on top.
    classes: BinaryHeap<Head>,
}

/// A class with its next events.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    next: i64,
    class: ClassId,
    /// Those after `next`, oldest first.
    more: Vec<i64>,
    /// How often more were read.
    reads: usize,
    /// There are no others.
    is_last: bool,
}

impl Merge {
    /// Finds the classes of a search that can contribute to its next `wanted` events.
    pub(super) async fn begin(
        connection: &mut SqliteConnection,
        query: &Query<'_>,
        range: Range,
        wanted: usize,
    ) -> Result<Merge, sqlx::Error> {
        // Events that a range of time leaves out at its ends may stand before those that are wanted.
        let most = if query.is_at_any_time() { wanted } else { usize::MAX };
        let newest: Vec<(ClassId, i64)> =
            newest(query, range, most).build_query_as().fetch_all(&mut *connection).await?;
        let near = newest.get(..wanted).unwrap_or(&newest);
        let mut more = first_of(connection, near, range).await?;
        let classes = newest.into_iter().enumerate().map(|(position, (class, next))| {
            let (reads, more) = (usize::from(position < wanted), more.remove(&class).unwrap_or_default());
            let is_last = reads > 0 && stored(more.len() as u64) < FIRST_READ;
            Head { next, class, more, reads, is_last }
        });
        Ok(Merge { range, classes: classes.collect() })
    }

    /// The next event.
    pub(super) async fn next(
        &mut self,
        connection: &mut SqliteConnection,
    ) -> Result<Option<i64>, sqlx::Error> {
        let Some(mut head) = self.classes.pop() else { return Ok(None) };
        let id = head.next;
        if head.more.is_empty() && !head.is_last {
            self.read(connection, &mut head).await?;
        }
        if let Some(next) = head.more.pop() {
            head.next = next;
            self.classes.push(head);
        }
        Ok(Some(id))
    }

    /// Reads more events of a class.
    async fn read(&self, connection: &mut SqliteConnection, head: &mut Head) -> Result<(), sqlx::Error> {
        let later = LATER_READS.get(head.reads.saturating_sub(1)).or(LATER_READS.last());
        let count = later.copied().unwrap_or(FIRST_READ);
        head.more = sqlx::query_scalar(MORE)
            .bind(head.class)
            .bind(self.range.first)
            .bind(head.next)
            .bind(count)
            .fetch_all(connection)
            .await?;
        head.is_last = stored(head.more.len() as u64) < count;
        head.more.reverse();
        head.reads += 1;
        Ok(())
    }
}

/// The first events of each class after its newest, oldest first.
async fn first_of(
    connection: &mut SqliteConnection,
    classes: &[(ClassId, i64)],
    range: Range,
) -> Result<HashMap<ClassId, Vec<i64>>, sqlx::Error> {
    let bind = |statement: Statement, (class, next): &(ClassId, i64)| {
        statement.bind(*class).bind(range.first).bind(*next)
    };
    let mut first: HashMap<ClassId, Vec<i64>> = HashMap::new();
    for row in FIRST_OF.fetch(connection, classes, bind).await? {
        first.entry(row.try_get("class_id")?).or_default().push(row.try_get("id")?);
    }
    for ids in first.values_mut() {
        ids.sort_unstable();
    }
    Ok(first)
}

pub(super) const FIRST_OF: RowList = RowList {
    before: "WITH wanted (class_id, first, next) AS (VALUES",
    columns: 3,
    after: ") SELECT wanted.class_id, event.id FROM wanted CROSS JOIN event ON event.id IN \
            (SELECT id FROM event WHERE class_id = wanted.class_id AND id >= wanted.first \
             AND id < wanted.next ORDER BY id DESC LIMIT 4)",
};

pub(super) const MORE: &str =
    "SELECT id FROM event WHERE class_id = ? AND id >= ? AND id < ? ORDER BY id DESC LIMIT ?";

/// The newest event in a range of each class of a search, newest first. Each is one step into the index; what
/// is put in order are the classes, not events.
pub(super) fn newest(query: &Query<'_>, range: Range, most: usize) -> QueryBuilder<Sqlite> {
    let mut sql = QueryBuilder::new(
        "WITH newest (class_id, event_id) AS MATERIALIZED (SELECT class.id, (SELECT max(event.id) FROM event \
         WHERE event.class_id = class.id AND event.id <= ",
    );
    sql.push_bind(range.last).push(") FROM class WHERE 1 = 1");
    push_terms(&mut sql, query);
    sql.push(") SELECT class_id, event_id FROM newest WHERE event_id >= ").push_bind(range.first);
    sql.push(" ORDER BY event_id DESC LIMIT ").push_bind(stored(most as u64));
    sql
}
