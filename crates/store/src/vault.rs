//! The secrets of the store: sealed on the way in, opened for the data plane alone, under the one key that
//! the store says it is kept under.

use std::sync::{Arc, Mutex, PoisonError};

use crate::database::{Transaction, Write, values};
use crate::error::StoreError;
use crate::key::{self, KeyError, Place, SecretKey};
use crate::key_source::KeySource;
use crate::secret::Secret;

/// What stands sealed in `store_state`: it tells a wrong key before any secret is tried.
const CHECK: Place<'static> = Place { owner: "store_state", id: 1, field: "key_check" };
const CHECK_TEXT: &str = "toolgate";

/// Where the key comes from, and the keys that were read from there.
#[derive(Debug)]
pub(crate) struct Vault {
    source: KeySource,
    keys: Mutex<Vec<Arc<SecretKey>>>,
}

impl Vault {
    /// No key is read before one is needed.
    pub(crate) fn new(source: KeySource) -> Self {
        Self { source, keys: Mutex::default() }
    }

    /// Where the key comes from.
    pub(crate) fn source(&self) -> &KeySource {
        &self.source
    }

    /// Knows one more key.
    pub(crate) fn learn(&self, key: Arc<SecretKey>) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).push(key);
    }

    /// The key that the store is kept under; none if it keeps no secret yet.
    pub(crate) async fn key(&self, tx: &mut Transaction) -> Result<Option<Arc<SecretKey>>, StoreError> {
        let Some(check) = check_of(tx).await? else { return Ok(None) };
        let expected = key::key_id(&check).ok_or_else(|| tx.damaged("`key_check` is malformed"))?;
        let key = match self.known(expected) {
            Some(key) => key,
            None => self.look_again(expected)?,
        };
        key.open(CHECK, &check)?;
        Ok(Some(key))
    }

    /// The key to seal under; a store that keeps no secret takes the one of the source.
    async fn key_to_write(&self, write: &mut Write) -> Result<Arc<SecretKey>, StoreError> {
        match self.key(write).await {
            Ok(Some(key)) => return Ok(key),
            Ok(None) => {}
            // Nothing is lost where nothing is kept.
            Err(StoreError::Key(_)) if !keeps_secrets(write).await? => {}
            Err(error) => return Err(error),
        }
        let key = Arc::new(self.source.first()?);
        self.adopt(write, &key).await?;
        self.learn(Arc::clone(&key));
        Ok(key)
    }

    /// Says which key the store is kept under from now on.
    pub(crate) async fn adopt(&self, write: &mut Write, key: &SecretKey) -> Result<(), StoreError> {
        let check = key.seal(CHECK, &Secret::new(CHECK_TEXT.to_owned()))?;
        write.run("UPDATE store_state SET key_check = $1 WHERE id = 1", values![check]).await?;
        Ok(())
    }

    fn known(&self, id: &str) -> Option<Arc<SecretKey>> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().find(|key| key.id() == id).map(Arc::clone)
    }

    /// Reads the source again: another process may have changed the key.
    fn look_again(&self, expected: &str) -> Result<Arc<SecretKey>, KeyError> {
        let place = self.source.to_string();
        let found: Vec<Arc<SecretKey>> = self.source.all()?.into_iter().map(Arc::new).collect();
        if found.is_empty() {
            return Err(KeyError::Missing { place, expected: expected.to_owned() });
        }
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = found;
        self.known(expected).ok_or_else(|| KeyError::Wrong { place, expected: expected.to_owned() })
    }

    /// Keeps a secret, in place of one that stood there.
    pub(crate) async fn put(
        &self,
        write: &mut Write,
        place: Place<'_>,
        secret: &Secret,
    ) -> Result<(), StoreError> {
        let sealed = self.key_to_write(write).await?.seal(place, secret)?;
        let sql = "INSERT INTO secrets (owner, owner_id, field, sealed) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (owner, owner_id, field) DO UPDATE SET sealed = excluded.sealed";
        write.run(sql, values![place.owner, place.id, place.field, sealed]).await?;
        Ok(())
    }

    /// Opens all secrets of a row, with their fields.
    pub(crate) async fn open_all(
        &self,
        tx: &mut Transaction,
        owner: &'static str,
        id: i64,
    ) -> Result<Vec<(String, Secret)>, StoreError> {
        let sql = "SELECT field, sealed FROM secrets WHERE owner = $1 AND owner_id = $2 ORDER BY field";
        let rows = tx.rows(sql, values![owner, id]).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.key(tx).await?.ok_or_else(|| tx.damaged("secrets are kept under no key"))?;
        let mut opened = Vec::with_capacity(rows.len());
        for row in rows {
            let (field, sealed): (String, String) = (row.get("field")?, row.get("sealed")?);
            let secret = key.open(Place { owner, id, field: &field }, &sealed)?;
            opened.push((field, secret));
        }
        Ok(opened)
    }
}

async fn check_of(tx: &mut Transaction) -> Result<Option<String>, StoreError> {
    match tx.row("SELECT key_check FROM store_state WHERE id = 1", values![]).await? {
        Some(row) => row.get("key_check"),
        None => Err(tx.damaged("`store_state` is empty")),
    }
}

async fn keeps_secrets(tx: &mut Transaction) -> Result<bool, StoreError> {
    Ok(tx.row("SELECT 1 AS one FROM secrets LIMIT 1", values![]).await?.is_some())
}

/// Forgets a secret; whether there was one.
pub(crate) async fn remove(write: &mut Write, place: Place<'_>) -> Result<bool, StoreError> {
    let sql = "DELETE FROM secrets WHERE owner = $1 AND owner_id = $2 AND field = $3";
    Ok(write.run(sql, values![place.owner, place.id, place.field]).await? > 0)
}

/// Forgets all secrets of a row.
pub(crate) async fn remove_all(write: &mut Write, owner: &'static str, id: i64) -> Result<(), StoreError> {
    write.run("DELETE FROM secrets WHERE owner = $1 AND owner_id = $2", values![owner, id]).await?;
    Ok(())
}
