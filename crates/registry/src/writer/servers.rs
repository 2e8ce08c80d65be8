//! Servers: which version is the newest, and what becomes of the entry when that changes.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::{Known, Tally};
use crate::entry::{NewServer, NewTool, Status, Transports, number_of};
use crate::rows::RowList;
use crate::terms;

/// All servers, by name.
pub(super) struct Servers<'a> {
    pub(super) known: &'a mut HashMap<String, Known, foldhash::fast::RandomState>,
    pub(super) next: &'a mut i64,
}

/// A tool whose server has an entry.
pub(super) struct Placed {
    pub(super) server: i64,
    pub(super) transports: Transports,
    pub(super) tool: NewTool,
}

impl Servers<'_> {
    /// Stores versions; gives back the servers whose transports are others than before.
    pub(super) async fn store(
        mut self,
        connection: &mut SqliteConnection,
        versions: Vec<NewServer>,
        tally: &mut Tally,
    ) -> Result<Vec<(i64, Transports)>, sqlx::Error> {
        let mut moved = Vec::new();
        for new in versions {
            let (id, is_new) = match self.known.get(&new.name) {
                Some(known) => (known.id, false),
                None => (self.add(&new.name), true),
            };
            if is_new {
                insert(connection, id, &new.name).await?;
            }
            if !keep_version(connection, id, &new, tally).await? {
                continue;
            }
            let Some(known) = self.known.get_mut(&new.name) else { continue };
            if !is_newest(&new, known) {
                continue;
            }
            if known.transports != new.transports && !is_new {
                moved.push((id, new.transports));
            }
            *known = Known {
                id,
                version: new.version.clone(),
                is_latest: new.is_latest,
                published: new.published.clone(),
                transports: new.transports,
            };
            show(connection, id, &new).await?;
        }
        Ok(moved)
    }

    /// Gives every tool the number of its server; servers that nobody told of yet get an entry of their name alone.
    pub(super) async fn place(
        &mut self,
        connection: &mut SqliteConnection,
        tools: Vec<NewTool>,
    ) -> Result<Vec<Placed>, sqlx::Error> {
        let mut fresh: Vec<(i64, String)> = Vec::new();
        let mut placed = Vec::with_capacity(tools.len());
        for tool in tools {
            let (server, transports) = match self.known.get(&tool.server) {
                Some(known) => (known.id, known.transports),
                None => {
                    let id = self.add(&tool.server);
                    fresh.push((id, tool.server.clone()));
                    (id, Transports::default())
                }
            };
            placed.push(Placed { server, transports, tool });
        }
        const NAMES: RowList = RowList {
            before: "INSERT INTO server (id, name, title, description, version, status, transports) \
                     SELECT column1, column2, '', '', '', 0, 0 FROM (VALUES",
            columns: 2,
            after: ")",
        };
        NAMES.execute(connection, &fresh, |s, (id, name)| s.bind(*id).bind(name.clone())).await?;
        const WORDS: RowList =
            RowList { before: "INSERT INTO server_words (rowid, terms) VALUES", columns: 2, after: "" };
        WORDS
            .execute(connection, &fresh, |statement, (id, name)| {
                statement.bind(*id).bind(terms::of_server((name, ""), "", Transports::default()))
            })
            .await?;
        Ok(placed)
    }

    fn add(&mut self, name: &str) -> i64 {
        let id = *self.next;
        *self.next += 1;
        let known = Known {
            id,
            version: String::new(),
            is_latest: None,
            published: None,
            transports: Transports::default(),
        };
        self.known.insert(name.to_owned(), known);
        id
    }
}

async fn insert(connection: &mut SqliteConnection, id: i64, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO server (id, name, title, description, version, status, transports) VALUES (?, ?, '', '', '', 0, 0)",
    )
    .bind(id)
    .bind(name.to_owned())
    .execute(connection)
    .await
    .map(drop)
}

/// Keeps a version; tells whether anything differs from what was kept.
async fn keep_version(
    connection: &mut SqliteConnection,
    id: i64,
    new: &NewServer,
    tally: &mut Tally,
) -> Result<bool, sqlx::Error> {
    let before = sqlx::query("SELECT hash FROM version WHERE server_id = ? AND version = ?")
        .bind(id)
        .bind(new.version.clone())
        .fetch_optional(&mut *connection)
        .await?;
    match before {
        Some(row) if row.try_get::<Vec<u8>, _>("hash")? == new.hash => {
            tally.servers_unchanged += 1;
            return Ok(false);
        }
        Some(_) => tally.servers_changed += 1,
        None => tally.servers_added += 1,
    }
    sqlx::query(
        "INSERT INTO version (server_id, version, hash, document, meta) VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT (server_id, version) DO UPDATE SET hash = excluded.hash, document = excluded.document, \
         meta = excluded.meta",
    )
    .bind(id)
    .bind(new.version.clone())
    .bind(new.hash.to_vec())
    .bind(new.document.clone())
    .bind(new.meta.clone())
    .execute(connection)
    .await?;
    Ok(true)
}

/// Whether a version takes the place of the one that is shown: the registry's word wins, then the order of versions,
/// then the time of publication.
fn is_newest(new: &NewServer, shown: &Known) -> bool {
    if shown.version.is_empty() || shown.version == new.version {
        return true;
    }
    match (new.is_latest, shown.is_latest) {
        (Some(true), _) => return true,
        (Some(false), _) | (None, Some(true)) => return false,
        (None, Some(false) | None) => {}
    }
    match (semver::Version::parse(&new.version), semver::Version::parse(&shown.version)) {
        (Ok(new), Ok(shown)) => new > shown,
        _ => new.published.as_deref().unwrap_or_default() > shown.published.as_deref().unwrap_or_default(),
    }
}

/// Shows a version as the server's entry; one that was deleted is not found.
async fn show(connection: &mut SqliteConnection, id: i64, new: &NewServer) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE server SET title = ?, description = ?, version = ?, status = ?, transports = ?, is_latest = ?, \
         published = ?, updated = ? WHERE id = ?",
    )
    .bind(new.title.clone())
    .bind(new.description.clone())
    .bind(new.version.clone())
    .bind(number_of(new.status))
    .bind(new.transports.bits())
    .bind(new.is_latest)
    .bind(new.published.clone())
    .bind(new.updated.clone())
    .bind(id)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM server_words WHERE rowid = ?").bind(id).execute(&mut *connection).await?;
    if new.status == Status::Deleted {
        return Ok(());
    }
    sqlx::query("INSERT INTO server_words (rowid, terms) VALUES (?, ?)")
        .bind(id)
        .bind(terms::of_server((&new.name, &new.title), &new.description, new.transports))
        .execute(connection)
        .await
        .map(drop)
}
