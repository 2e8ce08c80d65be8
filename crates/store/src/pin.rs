//! Pins: the definition of a tool that somebody looked at and accepted, by its hash.

use crate::change::{Change, Meta};
use crate::database::{Area, Row, Transaction, values, words};
use crate::error::{Kind, StoreError};
use crate::store::Store;

/// Whether a tool's definition is the pinned one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinState {
    /// It is, as far as is known.
    Pinned,
    /// It was found to be another: the tool waits for somebody to look.
    Quarantined,
}

words!(PinState { Pinned = "pinned", Quarantined = "quarantined" });

/// A pinned definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The server.
    pub server: String,
    /// The tool.
    pub tool: String,
    /// Hash of the definition that was accepted.
    pub definition_hash: String,
    /// Whether the tool still has it.
    pub state: PinState,
    /// Its changes: who pinned it, and when.
    pub meta: Meta,
}

/// The pins of a store.
#[derive(Clone, Copy, Debug)]
pub struct Pins<'s> {
    store: &'s Store,
}

impl Store {
    /// The pins.
    #[must_use]
    pub fn pins(&self) -> Pins<'_> {
        Pins { store: self }
    }
}

impl Pins<'_> {
    /// All pins of a server, by tool.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn list(&self, server: &str) -> Result<Vec<Pin>, StoreError> {
        let mut tx = self.store.database.read().await?;
        let rows = tx.rows("SELECT * FROM pins WHERE server = $1 ORDER BY tool", values![server]).await?;
        rows.iter().map(read).collect()
    }

    /// The pin of a tool.
    ///
    /// # Errors
    ///
    /// There is none, or the database cannot be read.
    pub async fn get(&self, server: &str, tool: &str) -> Result<Pin, StoreError> {
        let mut tx = self.store.database.read().await?;
        let pin = find(&mut tx, server, tool).await?;
        pin.ok_or_else(|| StoreError::not_found(Kind::Pin, name(server, tool)))
    }

    /// Pins a tool's definition, in place of one that was pinned before; says what state it is in.
    ///
    /// # Errors
    ///
    /// The pin was changed meanwhile, or the database cannot be written.
    pub async fn set(
        &self,
        (server, tool): (&str, &str),
        definition_hash: &str,
        state: PinState,
        change: &Change<'_>,
    ) -> Result<Pin, StoreError> {
        let mut write = self.store.database.write(Area::Calls).await?;
        let revision = find(&mut write, server, tool).await?.map_or(0, |pin| pin.meta.revision);
        change.check_revision(Kind::Pin, &name(server, tool), revision)?;
        let sql = "INSERT INTO pins \
                   (id, revision, server, tool, definition_hash, state, created, updated, author) \
                   VALUES ($1, $1, $2, $3, $4, $5, $6, $6, $7) ON CONFLICT (server, tool) DO UPDATE SET \
                   definition_hash = excluded.definition_hash, state = excluded.state, \
                   updated = excluded.updated, revision = excluded.revision, author = excluded.author";
        let revision = write.revision();
        let values = values![revision, server, tool, definition_hash, state, change.now, change.author];
        write.run(sql, values).await?;
        let pin = find(&mut write, server, tool).await?;
        write.commit().await?;
        pin.ok_or_else(|| StoreError::not_found(Kind::Pin, name(server, tool)))
    }

    /// Forgets a pin.
    ///
    /// # Errors
    ///
    /// There is none, it was changed meanwhile, or the database cannot be written.
    pub async fn remove(&self, server: &str, tool: &str, change: &Change<'_>) -> Result<(), StoreError> {
        let mut write = self.store.database.write(Area::Calls).await?;
        let name = name(server, tool);
        let Some(pin) = find(&mut write, server, tool).await? else {
            return Err(StoreError::not_found(Kind::Pin, name));
        };
        change.check_revision(Kind::Pin, &name, pin.meta.revision)?;
        write.run("DELETE FROM pins WHERE server = $1 AND tool = $2", values![server, tool]).await?;
        write.commit().await
    }
}

/// A pin's name in messages.
fn name(server: &str, tool: &str) -> String {
    format!("{server}/{tool}")
}

async fn find(tx: &mut Transaction, server: &str, tool: &str) -> Result<Option<Pin>, StoreError> {
    let sql = "SELECT * FROM pins WHERE server = $1 AND tool = $2";
    tx.row(sql, values![server, tool]).await?.as_ref().map(read).transpose()
}

/// All pins, by server and tool.
pub(crate) async fn all(tx: &mut Transaction) -> Result<Vec<Pin>, StoreError> {
    let rows = tx.rows("SELECT * FROM pins ORDER BY server, tool", values![]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Pin, StoreError> {
    Ok(Pin {
        server: row.get("server")?,
        tool: row.get("tool")?,
        definition_hash: row.get("definition_hash")?,
        state: row.word("state", PinState::parse)?,
        meta: Meta::read(row)?,
    })
}
