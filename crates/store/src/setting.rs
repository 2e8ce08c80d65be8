//! Settings that are changed while the gateway runs: JSON texts by key. What they mean is not known here.

use crate::change::{Change, Meta, Page, check_name};
use crate::database::{Area, Row, Transaction, values};
use crate::error::{Kind, StoreError};
use crate::store::Store;

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key.
    pub key: String,
    /// Its value: a JSON text, as it was given.
    pub value: String,
    /// Its changes.
    pub meta: Meta,
}

/// The settings of a store.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'s> {
    store: &'s Store,
}

impl Store {
    /// The settings.
    #[must_use]
    pub fn settings(&self) -> Settings<'_> {
        Settings { store: self }
    }
}

impl Settings<'_> {
    /// All settings, by key.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn list(&self) -> Result<Vec<Setting>, StoreError> {
        let mut tx = self.store.database.read().await?;
        list(&mut tx, Page::ALL).await
    }

    /// One setting.
    ///
    /// # Errors
    ///
    /// There is none of this key, or the database cannot be read.
    pub async fn get(&self, key: &str) -> Result<Setting, StoreError> {
        let mut tx = self.store.database.read().await?;
        find(&mut tx, key).await?.ok_or_else(|| StoreError::not_found(Kind::Setting, key))
    }

    /// Sets a value, whether there was one or not; a condition of revision 0 means that there was none.
    ///
    /// # Errors
    ///
    /// It was changed meanwhile, the key cannot be one, the value is no JSON, or the database cannot be
    /// written.
    pub async fn set(&self, key: &str, value: &str, change: &Change<'_>) -> Result<Setting, StoreError> {
        check_name(Kind::Setting, key)?;
        if let Err(error) = serde_json::from_str::<&serde_json::value::RawValue>(value) {
            let what = format!("the value of `{key}` is no JSON: {error}");
            return Err(StoreError::Invalid { what, advice: "give a JSON text" });
        }
        let mut write = self.store.database.write(Area::Calls).await?;
        let revision = find(&mut write, key).await?.map_or(0, |setting| setting.meta.revision);
        change.check_revision(Kind::Setting, key, revision)?;
        let sql = "INSERT INTO settings (key, value, created, updated, revision, author) \
                   VALUES ($1, $2, $3, $3, $4, $5) ON CONFLICT (key) DO UPDATE SET value = excluded.value, \
                   updated = excluded.updated, revision = excluded.revision, author = excluded.author";
        let values = values![key, value, change.now, write.revision(), change.author];
        write.run(sql, values).await?;
        let setting = find(&mut write, key).await?;
        write.commit().await?;
        setting.ok_or_else(|| StoreError::not_found(Kind::Setting, key))
    }

    /// Forgets a setting.
    ///
    /// # Errors
    ///
    /// There is none of this key, it was changed meanwhile, or the database cannot be written.
    pub async fn remove(&self, key: &str, change: &Change<'_>) -> Result<(), StoreError> {
        let mut write = self.store.database.write(Area::Calls).await?;
        let Some(setting) = find(&mut write, key).await? else {
            return Err(StoreError::not_found(Kind::Setting, key));
        };
        change.check_revision(Kind::Setting, key, setting.meta.revision)?;
        write.run("DELETE FROM settings WHERE key = $1", values![key]).await?;
        write.commit().await
    }
}

async fn find(tx: &mut Transaction, key: &str) -> Result<Option<Setting>, StoreError> {
    tx.row("SELECT * FROM settings WHERE key = $1", values![key]).await?.as_ref().map(read).transpose()
}

/// A page of settings.
pub(crate) async fn list(tx: &mut Transaction, page: Page<'_>) -> Result<Vec<Setting>, StoreError> {
    let sql = "SELECT * FROM settings WHERE key > $1 ORDER BY key LIMIT $2";
    let rows = tx.rows(sql, values![page.after(), page.limit]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Setting, StoreError> {
    Ok(Setting { key: row.get("key")?, value: row.get("value")?, meta: Meta::read(row)? })
}
