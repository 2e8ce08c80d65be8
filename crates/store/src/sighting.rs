//! Sightings: which definitions a server's tools had, by their hashes, and from when until when each was seen. What
//! came, went and changed is told from them; no definition itself is kept.

use std::collections::HashMap;

use crate::database::{Row, values};
use crate::error::StoreError;
use crate::store::Store;

/// A day in microseconds.
const DAY: i64 = 24 * 3_600 * 1_000_000;
/// A sighting that is younger is not written again, so that looking often costs little.
const YOUNG: i64 = 3_600 * 1_000_000;
/// What was not seen for so long is forgotten.
const KEPT: i64 = 90 * DAY;
/// Most sightings of one server; the oldest ones go, so that a server which changes at every look cannot fill the
/// disk.
const MOST: i64 = 100_000;

/// A definition of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The tool.
    pub tool: String,
    /// Hash of its definition.
    pub definition_hash: String,
    /// When the tool was first seen with it: Unix microseconds.
    pub first_seen: i64,
    /// When it was last seen with it: Unix microseconds, up to an hour too early.
    pub last_seen: i64,
}

/// The sightings of a store.
#[derive(Clone, Copy, Debug)]
pub struct Sightings<'s> {
    store: &'s Store,
}

impl Store {
    /// The sightings.
    #[must_use]
    pub fn sightings(&self) -> Sightings<'_> {
        Sightings { store: self }
    }
}

impl Sightings<'_> {
    /// Notes the tools of a server, each with the hash of its definition, as seen at `now` (Unix microseconds). No
    /// watcher sees it as a change.
    ///
    /// # Errors
    ///
    /// The database cannot be read or written.
    pub async fn note(&self, server: &str, tools: &[(&str, &str)], now: i64) -> Result<(), StoreError> {
        let known = self.of(server).await?;
        let known: HashMap<(&str, &str), i64> =
            known.iter().map(|s| ((s.tool.as_str(), s.definition_hash.as_str()), s.last_seen)).collect();
        let is_news = |tool: &&(&str, &str)| {
            known.get(*tool).is_none_or(|last_seen| now.saturating_sub(*last_seen) >= YOUNG)
        };
        let news: Vec<_> = tools.iter().filter(is_news).collect();
        if news.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.database.write_quietly().await?;
        let sql = "INSERT INTO tool_sightings (server, tool, definition_hash, first_seen, last_seen) \
                   VALUES ($1, $2, $3, $4, $4) ON CONFLICT (server, tool, definition_hash) DO UPDATE SET \
                   last_seen = excluded.last_seen WHERE tool_sightings.last_seen < excluded.last_seen";
        for (tool, hash) in news {
            tx.run(sql, values![server, *tool, *hash, now]).await?;
        }
        let forgotten = "DELETE FROM tool_sightings WHERE last_seen < $1";
        tx.run(forgotten, values![now.saturating_sub(KEPT)]).await?;
        let oldest = "SELECT last_seen FROM tool_sightings WHERE server = $1 ORDER BY last_seen DESC LIMIT 1 OFFSET $2";
        if let Some(row) = tx.row(oldest, values![server, MOST]).await? {
            let until: i64 = row.get("last_seen")?;
            let sql = "DELETE FROM tool_sightings WHERE server = $1 AND last_seen <= $2";
            tx.run(sql, values![server, until]).await?;
        }
        tx.commit().await
    }

    /// All sightings of a server, by tool, the earliest first.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn of(&self, server: &str) -> Result<Vec<Sighting>, StoreError> {
        let mut tx = self.store.database.read().await?;
        let sql = "SELECT * FROM tool_sightings WHERE server = $1 ORDER BY tool, first_seen, definition_hash";
        let rows = tx.rows(sql, values![server]).await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Sighting, StoreError> {
    Ok(Sighting {
        tool: row.get("tool")?,
        definition_hash: row.get("definition_hash")?,
        first_seen: row.get("first_seen")?,
        last_seen: row.get("last_seen")?,
    })
}
