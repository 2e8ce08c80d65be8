//! Stores batches. A batch, and how far it goes in the journal, are one transaction: after a crash the index
//! holds all of it or nothing, and no record twice.

pub(crate) mod sums;

use std::collections::HashMap;

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, Row};

use crate::batch::{Batch, Ending, NewEvent, is_of_same_call};
use crate::database;
use crate::dimension::{Class, Dimension};
use crate::error::ShipError;
use crate::ledger::{ClassId, Fresh, Ledger};
use crate::number::{read, stored};
use crate::options::Options;
use crate::rows::RowList;
use crate::series::Series;
use crate::sums::Sums;
use crate::timeline::{Mark, Stretch, Timeline};

/// How far the journal was copied.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Position {
    /// Last record copied or passed over; 0 before the first.
    pub(crate) seq: u64,
    /// Its hash, as it stands in the journal.
    pub(crate) hash: String,
    /// Its time.
    pub(crate) ts: i64,
    /// Records that were gone before they could be copied.
    pub(crate) skipped: u64,
    /// Lines that are no records.
    pub(crate) unreadable: u64,
}

/// The one who writes the index.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) connection: SqliteConnection,
    ledger: Ledger,
    timeline: Timeline,
    newest: sums::Newest,
    position: Position,
}

/// A call that was stored without an outcome.
struct Open {
    id: u64,
    ts: i64,
    class: Class,
    request_id: String,
}

/// A stored call whose outcome is known now.
struct Closed {
    id: u64,
    class: ClassId,
    ending: Ending,
}

impl Writer {
    /// Opens the database, and makes it if it is not there.
    pub(crate) async fn open(options: &Options) -> Result<Writer, ShipError> {
        let mut connection = database::open_writer(options).await?;
        let position = read_position(&mut connection).await?;
        let ledger = read_ledger(&mut connection).await?;
        let timeline = read_timeline(&mut connection).await?;
        let newest = sums::Newest::read(&mut connection).await?;
        Ok(Writer { connection, ledger, timeline, newest, position })
    }

    /// Closes the database and waits until it is closed: what comes next may delete its file.
    pub(crate) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "the audit index was not closed cleanly");
        }
    }

    /// How far the journal was copied.
    pub(crate) fn position(&self) -> &Position {
        &self.position
    }

    /// How far the journal was copied, and what the records from there are read with.
    pub(crate) fn parts(&mut self) -> (&Position, &mut Ledger) {
        (&self.position, &mut self.ledger)
    }

    /// Stores a batch, and that the journal was copied up to `to`. After an error nothing is stored, and the
    /// writer must be opened anew.
    pub(crate) async fn store(&mut self, mut batch: Batch, to: Position) -> Result<(), ShipError> {
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        let connection = &mut *transaction;
        advance(connection, &self.position, &to).await?;
        let mut sums = Sums::default();
        let open = find_open(connection, &batch, &self.ledger).await?;
        let closed = join_late(&mut batch, open, &mut self.ledger, &mut sums);
        let mut events = Vec::with_capacity(batch.events.len());
        for event in batch.events {
            self.timeline.note(event.id, event.ts);
            let outcome = event.ending.map_or(0, |ending| ending.outcome);
            if event.is_call {
                sums.call(&event.class, event.ts);
                if let Some(ending) = &event.ending {
                    sums.ending(&event.class, event.ts, ending);
                }
            }
            events.push((self.ledger.class(Class { outcome, ..event.class }), event));
        }
        sums::store(connection, &sums, &mut self.ledger, &mut self.newest).await?;
        store_fresh(connection, std::mem::take(&mut self.ledger.fresh)).await?;
        store_events(connection, &events).await?;
        store_closed(connection, &closed).await?;
        store_timeline(connection, self.timeline.take()).await?;
        transaction.commit().await?;
        self.position = to;
        Ok(())
    }
}

/// Moves the position, if it stands where this writer left it.
async fn advance(connection: &mut SqliteConnection, from: &Position, to: &Position) -> Result<(), ShipError> {
    let moved = sqlx::query(
        "UPDATE source SET seq = ?, hash = ?, ts = ?, skipped = ?, unreadable = ? WHERE id = 1 AND seq = ?",
    )
    .bind(stored(to.seq))
    .bind(to.hash.clone())
    .bind(to.ts)
    .bind(stored(to.skipped))
    .bind(stored(to.unreadable))
    .bind(stored(from.seq))
    .execute(connection)
    .await?;
    if moved.rows_affected() == 1 { Ok(()) } else { Err(ShipError::Overtaken) }
}

/// Finds calls without an outcome by their requests.
pub(crate) const OPEN: RowList = RowList {
    before: "SELECT id, ts, class_id, request_id FROM event WHERE outcome_seq IS NULL AND request_id IN (VALUES",
    columns: 1,
    after: ")",
};

/// Stored calls without an outcome that late outcomes may belong to, oldest first.
async fn find_open(
    connection: &mut SqliteConnection,
    batch: &Batch,
    ledger: &Ledger,
) -> Result<Vec<Open>, ShipError> {
    let mut requests: Vec<&str> = batch.late.iter().map(|late| &*late.request_id).collect();
    requests.sort_unstable();
    requests.dedup();
    let deny = ledger.known(Dimension::Decision, "deny").unwrap_or(0);
    let mut found = Vec::new();
    for row in OPEN.fetch(connection, &requests, |statement, id| statement.bind((*id).to_owned())).await? {
        let Some(class) = ledger.class_of(row.try_get("class_id")?) else { continue };
        if class.decision != 0 && class.decision != deny && class.outcome == 0 {
            let (id, ts) = (read(row.try_get("id")?), row.try_get("ts")?);
            found.push(Open { id, ts, class, request_id: row.try_get("request_id")? });
        }
    }
    found.sort_unstable_by_key(|open| open.id);
    Ok(found)
}

/// Joins late outcomes with the calls found for them; those without one become events of their own.
fn join_late(batch: &mut Batch, open: Vec<Open>, ledger: &mut Ledger, sums: &mut Sums) -> Vec<Closed> {
    let mut by_request: HashMap<String, Vec<Open>> = HashMap::new();
    for call in open {
        by_request.entry(call.request_id.clone()).or_default().push(call);
    }
    let mut closed = Vec::new();
    for mut late in std::mem::take(&mut batch.late) {
        let calls = by_request.get_mut(&*late.request_id);
        let fitting = calls.and_then(|calls| {
            let at = calls.iter().rposition(|call| is_of_same_call(&call.class, &late.orphan.class))?;
            Some(calls.remove(at))
        });
        if let Some(call) = fitting {
            sums.ending(&call.class, call.ts, &late.ending);
            let class = ledger.class(Class { outcome: late.ending.outcome, ..call.class });
            closed.push(Closed { id: call.id, class, ending: late.ending });
        } else {
            late.orphan.ending = Some(late.ending);
            batch.events.push(late.orphan);
        }
    }
    batch.events.sort_by_key(|event| event.id);
    closed
}

async fn store_fresh(connection: &mut SqliteConnection, fresh: Fresh) -> Result<(), sqlx::Error> {
    const NAMES: RowList =
        RowList { before: "INSERT INTO name (id, dimension, text) VALUES", columns: 3, after: "" };
    const CLASSES: RowList = RowList {
        before: "INSERT INTO class (id, kind_id, node_id, grant_id, server_id, method_id, tool_id, \
                 decision_id, outcome_id, rule_id, policy_id) VALUES",
        columns: 11,
        after: "",
    };
    const SERIES: RowList = RowList {
        before: "INSERT INTO series (id, level, server_id, tool_id, grant_id, decision_id) VALUES",
        columns: 6,
        after: "",
    };
    NAMES
        .execute(connection, &fresh.names, |statement, (id, dimension, text)| {
            statement.bind(*id).bind(*dimension as u8).bind(text.to_string())
        })
        .await?;
    CLASSES
        .execute(connection, &fresh.classes, |statement, (id, class)| {
            class.numbers().into_iter().fold(statement.bind(*id), |statement, number| statement.bind(number))
        })
        .await?;
    SERIES
        .execute(connection, &fresh.series, |statement, (id, series)| {
            let Series { level, server, tool, grant, decision } = series;
            statement.bind(*id).bind(*level).bind(*server).bind(*tool).bind(*grant).bind(*decision)
        })
        .await
}

async fn store_events(
    connection: &mut SqliteConnection,
    events: &[(ClassId, NewEvent)],
) -> Result<(), sqlx::Error> {
    const EVENTS: RowList = RowList {
        before: "INSERT INTO event (id, ts, class_id, client_id, request_id, outcome_seq, gateway_us, \
                 upstream_us, count, detail) VALUES",
        columns: 10,
        after: "",
    };
    EVENTS
        .execute(connection, events, |statement, (class, event)| {
            statement
                .bind(stored(event.id))
                .bind(event.ts)
                .bind(*class)
                .bind(event.client)
                .bind(event.request_id.as_deref().map(str::to_owned))
                .bind(event.ending.map(|ending| stored(ending.seq)))
                .bind(event.ending.and_then(|ending| ending.gateway_us).map(stored))
                .bind(event.ending.and_then(|ending| ending.upstream_us).map(stored))
                .bind(event.count.map(stored))
                .bind(event.detail.as_deref().map(str::to_owned))
        })
        .await
}

/// Tells of stored calls what became of them.
pub(crate) const CLOSED: RowList = RowList {
    before: "WITH ended (id, class_id, seq, gateway_us, upstream_us) AS (VALUES",
    columns: 5,
    after: ") UPDATE event SET class_id = ended.class_id, outcome_seq = ended.seq, \
            gateway_us = ended.gateway_us, upstream_us = ended.upstream_us \
            FROM ended WHERE event.id = ended.id",
};

async fn store_closed(connection: &mut SqliteConnection, closed: &[Closed]) -> Result<(), sqlx::Error> {
    CLOSED
        .execute(connection, closed, |statement, Closed { id, class, ending }| {
            statement
                .bind(stored(*id))
                .bind(*class)
                .bind(stored(ending.seq))
                .bind(ending.gateway_us.map(stored))
                .bind(ending.upstream_us.map(stored))
        })
        .await
}

async fn store_timeline(
    connection: &mut SqliteConnection,
    (stretches, marks): (Vec<Stretch>, Vec<Mark>),
) -> Result<(), sqlx::Error> {
    const STRETCHES: RowList = RowList {
        before: "INSERT INTO stretch (id, first_ts, high) VALUES",
        columns: 3,
        after: "ON CONFLICT (id) DO UPDATE SET high = excluded.high",
    };
    const MARKS: RowList =
        RowList { before: "INSERT INTO mark (id, stretch_id, high) VALUES", columns: 3, after: "" };
    STRETCHES
        .execute(connection, &stretches, |statement, stretch| {
            statement.bind(stored(stretch.id)).bind(stretch.first_ts).bind(stretch.high)
        })
        .await?;
    MARKS
        .execute(connection, &marks, |statement, mark| {
            statement.bind(stored(mark.id)).bind(stored(mark.stretch)).bind(mark.high)
        })
        .await
}

async fn read_position(connection: &mut SqliteConnection) -> Result<Position, sqlx::Error> {
    let row = sqlx::query("SELECT seq, hash, ts, skipped, unreadable FROM source WHERE id = 1")
        .fetch_one(connection)
        .await?;
    Ok(Position {
        seq: read(row.try_get("seq")?),
        hash: row.try_get("hash")?,
        ts: row.try_get("ts")?,
        skipped: read(row.try_get("skipped")?),
        unreadable: read(row.try_get("unreadable")?),
    })
}

async fn read_ledger(connection: &mut SqliteConnection) -> Result<Ledger, sqlx::Error> {
    let mut ledger = Ledger::default();
    for row in sqlx::query("SELECT id, dimension, text FROM name").fetch_all(&mut *connection).await? {
        let dimension: u8 = row.try_get("dimension")?;
        ledger.restore_name(
            row.try_get("id")?,
            usize::from(dimension),
            row.try_get::<String, _>("text")?.into(),
        );
    }
    for row in sqlx::query("SELECT * FROM class").fetch_all(&mut *connection).await? {
        ledger.restore_class(row.try_get("id")?, class_of_row(&row)?);
    }
    for row in sqlx::query("SELECT * FROM series").fetch_all(&mut *connection).await? {
        let series = Series {
            level: row.try_get("level")?,
            server: row.try_get("server_id")?,
            tool: row.try_get("tool_id")?,
            grant: row.try_get("grant_id")?,
            decision: row.try_get("decision_id")?,
        };
        ledger.restore_series(row.try_get("id")?, series);
    }
    Ok(ledger)
}

/// A class from the columns of its table.
pub(crate) fn class_of_row(row: &SqliteRow) -> Result<Class, sqlx::Error> {
    let mut numbers = [0; 10];
    for (number, dimension) in numbers.iter_mut().zip(Dimension::OF_CLASS) {
        *number = row.try_get(dimension.column())?;
    }
    Ok(Class::from_numbers(numbers))
}

async fn read_timeline(connection: &mut SqliteConnection) -> Result<Timeline, sqlx::Error> {
    let stretch = sqlx::query("SELECT id, first_ts, high FROM stretch ORDER BY id DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let mark = sqlx::query("SELECT id, stretch_id, high FROM mark ORDER BY id DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let stretch = match stretch {
        Some(row) => Some(Stretch {
            id: read(row.try_get("id")?),
            first_ts: row.try_get("first_ts")?,
            high: row.try_get("high")?,
        }),
        None => None,
    };
    let mark = match mark {
        Some(row) => Some(Mark {
            id: read(row.try_get("id")?),
            stretch: read(row.try_get("stretch_id")?),
            high: row.try_get("high")?,
        }),
        None => None,
    };
    Ok(Timeline::resume(stretch, mark))
}
