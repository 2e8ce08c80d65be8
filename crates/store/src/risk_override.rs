//! Overrides: what a person says of a tool's risk, kept apart from what the machine says. Which words are
//! categories and severities is known above.

use crate::change::{Change, Meta};
use crate::database::{Area, Row, Transaction, values};
use crate::error::{Kind, StoreError};
use crate::store::Store;

/// What a person says of a tool's risk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskWord {
    /// The category that holds instead of the machine's.
    pub category: String,
    /// The severity that holds instead; that of the category where absent.
    pub severity: Option<String>,
    /// Why.
    pub reason: String,
}

/// An override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskOverride {
    /// The server.
    pub server: String,
    /// The tool.
    pub tool: String,
    /// What was said.
    pub word: RiskWord,
    /// Its changes: who said it, and when.
    pub meta: Meta,
}

/// The overrides of a store.
#[derive(Clone, Copy, Debug)]
pub struct RiskOverrides<'s> {
    store: &'s Store,
}

impl Store {
    /// The overrides of tools' risks.
    #[must_use]
    pub fn risk_overrides(&self) -> RiskOverrides<'_> {
        RiskOverrides { store: self }
    }
}

impl RiskOverrides<'_> {
    /// All overrides, by server and tool.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn list(&self) -> Result<Vec<RiskOverride>, StoreError> {
        let mut tx = self.store.database.read().await?;
        let rows = tx.rows("SELECT * FROM risk_overrides ORDER BY server, tool", values![]).await?;
        rows.iter().map(read).collect()
    }

    /// The override of a tool.
    ///
    /// # Errors
    ///
    /// There is none, or the database cannot be read.
    pub async fn get(&self, server: &str, tool: &str) -> Result<RiskOverride, StoreError> {
        let mut tx = self.store.database.read().await?;
        let found = find(&mut tx, server, tool).await?;
        found.ok_or_else(|| StoreError::not_found(Kind::RiskOverride, name(server, tool)))
    }

    /// Says what holds for a tool, in place of what was said before.
    ///
    /// # Errors
    ///
    /// It was changed meanwhile, or the database cannot be written.
    pub async fn set(
        &self,
        (server, tool): (&str, &str),
        word: &RiskWord,
        change: &Change<'_>,
    ) -> Result<RiskOverride, StoreError> {
        let mut write = self.store.database.write(Area::Calls).await?;
        let revision = find(&mut write, server, tool).await?.map_or(0, |found| found.meta.revision);
        change.check_revision(Kind::RiskOverride, &name(server, tool), revision)?;
        let sql = "INSERT INTO risk_overrides \
                   (id, revision, server, tool, category, severity, reason, created, updated, author) \
                   VALUES ($1, $1, $2, $3, $4, $5, $6, $7, $7, $8) ON CONFLICT (server, tool) DO UPDATE SET \
                   category = excluded.category, severity = excluded.severity, reason = excluded.reason, \
                   updated = excluded.updated, revision = excluded.revision, author = excluded.author";
        let RiskWord { category, severity, reason } = word;
        let revision = write.revision();
        let values =
            values![revision, server, tool, category, severity.clone(), reason, change.now, change.author];
        write.run(sql, values).await?;
        let found = find(&mut write, server, tool).await?;
        write.commit().await?;
        found.ok_or_else(|| StoreError::not_found(Kind::RiskOverride, name(server, tool)))
    }

    /// Takes an override back: the machine's word holds again.
    ///
    /// # Errors
    ///
    /// There is none, it was changed meanwhile, or the database cannot be written.
    pub async fn remove(&self, server: &str, tool: &str, change: &Change<'_>) -> Result<(), StoreError> {
        let mut write = self.store.database.write(Area::Calls).await?;
        let name = name(server, tool);
        let Some(found) = find(&mut write, server, tool).await? else {
            return Err(StoreError::not_found(Kind::RiskOverride, name));
        };
        change.check_revision(Kind::RiskOverride, &name, found.meta.revision)?;
        let sql = "DELETE FROM risk_overrides WHERE server = $1 AND tool = $2";
        write.run(sql, values![server, tool]).await?;
        write.commit().await
    }
}

/// An override's name in messages.
fn name(server: &str, tool: &str) -> String {
    format!("{server}/{tool}")
}

async fn find(tx: &mut Transaction, server: &str, tool: &str) -> Result<Option<RiskOverride>, StoreError> {
    let sql = "SELECT * FROM risk_overrides WHERE server = $1 AND tool = $2";
    tx.row(sql, values![server, tool]).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<RiskOverride, StoreError> {
    Ok(RiskOverride {
        server: row.get("server")?,
        tool: row.get("tool")?,
        word: RiskWord {
            category: row.get("category")?,
            severity: row.get("severity")?,
            reason: row.get("reason")?,
        },
        meta: Meta::read(row)?,
    })
}
