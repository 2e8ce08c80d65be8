//! The one who writes: a batch of entries, and how far their source was read, are one transaction. After a crash the
//! catalogue holds all of a batch or nothing of it. An entry that is there already is changed only where it differs.

mod servers;
mod tools;

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use serde::Serialize;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Row as _};

use crate::database;
use crate::entry::{Entry, NewServer, NewTool, Transports};
use crate::error::CatalogError;

pub(crate) use tools::{category_of, severity_of};

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Tools that were not there.
    pub tools_added: u64,
    /// Tools that were there and differed.
    pub tools_changed: u64,
    /// Tools that were there as they are.
    pub tools_unchanged: u64,
    /// Servers' versions that were not there.
    pub servers_added: u64,
    /// Servers' versions that were there and differed.
    pub servers_changed: u64,
    /// Servers' versions that were there as they are.
    pub servers_unchanged: u64,
}

impl Tally {
    /// Both together.
    pub(crate) fn add(&mut self, other: Self) {
        self.tools_added += other.tools_added;
        self.tools_changed += other.tools_changed;
        self.tools_unchanged += other.tools_unchanged;
        self.servers_added += other.servers_added;
        self.servers_changed += other.servers_changed;
        self.servers_unchanged += other.servers_unchanged;
    }
}

/// How far a source was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The file or registry.
    pub(crate) place: String,
    /// What the file was when reading began.
    pub(crate) identity: String,
    /// Bytes, items or pages that are stored.
    pub(crate) position: i64,
    /// Lines or items that are stored.
    pub(crate) line: i64,
    /// Where a registry goes on.
    pub(crate) cursor: Option<String>,
    /// What a registry is asked for.
    pub(crate) since: Option<String>,
    /// Wall time, microseconds.
    pub(crate) started: i64,
    /// Wall time, microseconds; none before the end.
    pub(crate) finished: Option<i64>,
}

/// A server as far as the writer must know it.
#[derive(Clone, Debug)]
struct Known {
    id: i64,
    version: String,
    is_latest: Option<bool>,
    published: Option<String>,
    transports: Transports,
}

/// The one who writes.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: SqliteConnection,
    servers: HashMap<String, Known, foldhash::fast::RandomState>,
    next_server: i64,
    next_tool: i64,
    _lock: File,
}

impl Writer {
    /// Opens the catalogue of a data directory, and makes it if it is not there; tells whether it was made.
    pub(crate) async fn open(data_directory: &Path) -> Result<(Self, bool), CatalogError> {
        let lock = database::lock(data_directory)?;
        let (mut connection, fresh) = database::open_writer(data_directory).await?;
        let mut servers = HashMap::default();
        let rows = sqlx::query("SELECT id, name, version, is_latest, published, transports FROM server")
            .fetch_all(&mut connection)
            .await?;
        for row in rows {
            let known = Known {
                id: row.try_get("id")?,
                version: row.try_get("version")?,
                is_latest: row.try_get("is_latest")?,
                published: row.try_get("published")?,
                transports: Transports::of_bits(row.try_get("transports")?),
            };
            servers.insert(row.try_get("name")?, known);
        }
        // The index of words is written in larger pieces than usual: fewer of them are merged later.
        for table in ["tool_words", "server_words"] {
            let text = format!("INSERT INTO {table} ({table}, rank) VALUES ('hashsize', 67108864)");
            sqlx::query(sqlx::AssertSqlSafe(text)).execute(&mut connection).await?;
        }
        let next_server = next(&mut connection, "SELECT max(id) FROM server").await?;
        let next_tool = next(&mut connection, "SELECT max(id) FROM tool").await?;
        Ok((Self { connection, servers, next_server, next_tool, _lock: lock }, fresh))
    }

    /// How far a source was read.
    pub(crate) async fn position(&mut self, place: &str) -> Result<Option<Position>, CatalogError> {
        let row = sqlx::query("SELECT * FROM source WHERE place = ?")
            .bind(place.to_owned())
            .fetch_optional(&mut self.connection)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Position {
            place: place.to_owned(),
            identity: row.try_get("identity")?,
            position: row.try_get("position")?,
            line: row.try_get("line")?,
            cursor: row.try_get("cursor")?,
            since: row.try_get("since")?,
            started: row.try_get("started")?,
            finished: row.try_get("finished")?,
        }))
    }

    /// Stores entries, and that their source was read up to a position. Of two entries of one name the later counts.
    /// After an error nothing is stored, and the writer must be opened anew.
    pub(crate) async fn store(
        &mut self,
        entries: Vec<Entry>,
        to: Option<&Position>,
    ) -> Result<Tally, CatalogError> {
        let (mut new_tools, mut new_servers): (Vec<NewTool>, Vec<NewServer>) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Entry::Tool(tool) => new_tools.push(*tool),
                Entry::Server(server) => new_servers.push(*server),
            }
        }
        let mut tally = Tally::default();
        let Self { connection, servers, next_server, next_tool, .. } = self;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let known = servers::Servers { known: servers, next: next_server };
        let moved = known.store(&mut transaction, new_servers, &mut tally).await?;
        tools::place_anew(&mut transaction, &moved).await?;
        let mut known = servers::Servers { known: servers, next: next_server };
        let new_tools = known.place(&mut transaction, new_tools).await?;
        tools::store(&mut transaction, new_tools, (next_tool, &mut tally)).await?;
        if let Some(position) = to {
            note(&mut transaction, position).await?;
        }
        transaction.commit().await?;
        Ok(tally)
    }

    /// Puts the index of words in order, so that questions need not look at many pieces of it.
    pub(crate) async fn settle(&mut self) -> Result<(), CatalogError> {
        for table in ["tool_words", "server_words"] {
            let text = format!("INSERT INTO {table} ({table}) VALUES ('optimize')");
            sqlx::query(sqlx::AssertSqlSafe(text)).execute(&mut self.connection).await?;
        }
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.connection).await?;
        Ok(())
    }

    /// Closes the database and waits until it is closed.
    pub(crate) async fn close(self) -> Result<(), CatalogError> {
        Ok(self.connection.close().await?)
    }
}

async fn next(connection: &mut SqliteConnection, question: &'static str) -> Result<i64, CatalogError> {
    let last: Option<i64> = sqlx::query_scalar(question).fetch_one(connection).await?;
    Ok(last.unwrap_or(0) + 1)
}

async fn note(connection: &mut SqliteConnection, to: &Position) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO source (place, identity, position, line, cursor, since, started, finished) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (place) DO UPDATE SET identity = excluded.identity, \
         position = excluded.position, line = excluded.line, cursor = excluded.cursor, since = excluded.since, \
         started = excluded.started, finished = excluded.finished",
    )
    .bind(to.place.clone())
    .bind(to.identity.clone())
    .bind(to.position)
    .bind(to.line)
    .bind(to.cursor.clone())
    .bind(to.since.clone())
    .bind(to.started)
    .bind(to.finished)
    .execute(connection)
    .await
    .map(drop)
}
