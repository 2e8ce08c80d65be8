//! Another key for the secrets: all are sealed anew in one transaction. Until it is done the old key opens
//! them, from then on the new one; both stand in their files over the moment between.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::database::{Area, Write, values};
use crate::error::StoreError;
use crate::key::{KeyError, Place, SecretKey};
use crate::key_source::{KeySource, rename_synced, successor, write_private};
use crate::secret::Secret;
use crate::store::Store;

/// Which key comes next.
#[derive(Clone, Debug)]
pub enum NextKey {
    /// One that is made here, where the key stands in a file of the data directory.
    Made,
    /// One that the caller gives and keeps: from now on it must be given at each start.
    Given(Secret),
}

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// How many secrets were sealed anew.
    pub secrets: usize,
    /// The new key's id, which tells nothing about the key.
    pub key_id: String,
}

impl Store {
    /// Whether the key is there and opens what is kept; the id of the key, or none where no secret is kept
    /// yet. Ends what a rotation that was cut off left to do.
    ///
    /// # Errors
    ///
    /// The key is missing or is another one, or the database cannot be read.
    pub async fn verify_key(&self) -> Result<Option<String>, StoreError> {
        let mut tx = self.database.read().await?;
        let Some(key) = self.vault.key(&mut tx).await? else { return Ok(None) };
        if let KeySource::Generated(path) = self.vault.source()
            && successor(path).exists()
        {
            match lock(path) {
                Ok(_guard) => settle(path, &key)?,
                // Another process is at it.
                Err(KeyError::Busy) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(key.id().to_owned()))
    }

    /// Seals all secrets anew under another key.
    ///
    /// # Errors
    ///
    /// The present key is missing or is another one, the next one cannot be made or is none, another process
    /// is changing the key, or the database cannot be written. Then the present key stays.
    pub async fn rotate_key(&self, next: &NextKey) -> Result<Rotated, StoreError> {
        let (key, file) = match next {
            NextKey::Made => match self.vault.source() {
                KeySource::Generated(path) => (SecretKey::generate()?, Some(path)),
                source @ (KeySource::Given(_) | KeySource::File(_)) => {
                    return Err(KeyError::NotOurs { place: source.to_string() }.into());
                }
            },
            NextKey::Given(text) => (SecretKey::parse(text, "the new key")?, None),
        };
        let _guard = file.map(|path| lock(path)).transpose()?;
        let mut write = self.database.write(Area::Calls).await?;
        let present = self.vault.key(&mut write).await?;
        if let Some(path) = file {
            if let Some(present) = &present {
                settle(path, present)?;
            }
            write_private(&successor(path), &key)?;
        }
        let secrets = match &present {
            Some(present) => seal_anew(&mut write, present, &key).await?,
            None => 0,
        };
        self.vault.adopt(&mut write, &key).await?;
        write.commit().await?;
        if let Some(path) = file {
            rename_synced(&successor(path), path)?;
        }
        let key_id = key.id().to_owned();
        self.vault.learn(Arc::new(key));
        Ok(Rotated { secrets, key_id })
    }

    /// Forgets all secrets, for when their key is lost: the servers stay, without headers or variables, and
    /// the next secret is sealed under whatever key is there then. Tells how many there were.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub async fn forget_secrets(&self) -> Result<u64, StoreError> {
        let mut write = self.database.write(Area::Calls).await?;
        let forgotten = write.run("DELETE FROM secrets", values![]).await?;
        write.run("UPDATE store_state SET key_check = NULL WHERE id = 1", values![]).await?;
        write.commit().await?;
        Ok(forgotten)
    }
}

async fn seal_anew(write: &mut Write, present: &SecretKey, next: &SecretKey) -> Result<usize, StoreError> {
    let rows = write.rows("SELECT owner, owner_id, field, sealed FROM secrets", values![]).await?;
    for row in &rows {
        let (owner, field): (String, String) = (row.get("owner")?, row.get("field")?);
        let (id, sealed): (i64, String) = (row.get("owner_id")?, row.get("sealed")?);
        let place = Place { owner: &owner, id, field: &field };
        let sealed = next.seal(place, &present.open(place, &sealed)?)?;
        let sql = "UPDATE secrets SET sealed = $1 WHERE owner = $2 AND owner_id = $3 AND field = $4";
        write.run(sql, values![sealed, &owner, id, &field]).await?;
    }
    Ok(rows.len())
}

/// Puts the successor in the key's place if the store is kept under it already.
fn settle(path: &Path, present: &SecretKey) -> Result<(), KeyError> {
    let successor = successor(path);
    let waiting = KeySource::File(successor.clone()).all()?;
    if waiting.iter().any(|key| key.id() == present.id()) {
        rename_synced(&successor, path)?;
    }
    Ok(())
}

/// One process at a time changes a key's file.
fn lock(path: &Path) -> Result<File, KeyError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let mut open = OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = open.open(&path).map_err(|source| KeyError::Io { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(KeyError::Busy),
        Err(TryLockError::Error(source)) => Err(KeyError::Io { path, source }),
    }
}
