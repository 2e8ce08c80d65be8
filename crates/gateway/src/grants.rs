//! The grants that commands made: a file in the data directory with hashes only, and the tombstones that
//! revoke grants of the config file.
//!
//! `grants.json` is replaced by an atomic rename under an exclusive lock, so that commands and a running
//! gateway never see half of it.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::settings::Names;
use crate::token;

/// The file's name in the data directory.
pub const FILE: &str = "grants.json";
const FORMAT: u32 = 1;

/// What the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredGrants {
    /// Grants by creation.
    pub grants: Vec<StoredGrant>,
    /// Labels of the config file that were revoked, and when.
    pub tombstones: Vec<Tombstone>,
}

/// A grant that a command made, or the token minted for one of the config file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredGrant {
    /// Its name; unique over file and store.
    pub label: String,
    /// Its valid tokens: one, or two while a rotation overlaps.
    pub tokens: Vec<StoredToken>,
    /// Server name and policy name of each server that it includes. Empty for a grant of the config
    /// file, of which only the minted token is kept here.
    #[serde(default)]
    pub servers: Vec<(String, String)>,
    /// Unix microseconds from which on it is no longer valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// Free words.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether tool names are shown with underscores.
    #[serde(default)]
    pub underscore_names: bool,
    /// Whether the grant itself stands in the config file.
    #[serde(default)]
    pub managed_by_file: bool,
    /// Unix microseconds.
    pub created: i64,
}

/// The hash of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredToken {
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Unix microseconds at which a rotated token ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<i64>,
}

impl StoredToken {
    /// Keeps the hash of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self { sha256: token::hex(&token::hash(token)), ends: None }
    }
}

/// A grant of the config file that no longer is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// The grant's label.
    pub label: String,
    /// Unix microseconds.
    pub revoked: i64,
}

impl StoredGrant {
    /// How tool names are shown.
    #[must_use]
    pub fn names(&self) -> Names {
        if self.underscore_names { Names::Underscore } else { Names::Dotted }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    format: u32,
    grants: Vec<StoredGrant>,
    #[serde(default)]
    tombstones: Vec<Tombstone>,
}

/// Why the file could not be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a file of this program.
    #[error("{path}: not readable as grants: {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where it breaks.
        source: serde_json::Error,
    },
    /// Written by a newer program.
    #[error("{path}: format {format} is newer than this program knows ({FORMAT}); use the newer program")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
}

impl StoredGrants {
    /// Reads the file; one that does not exist is empty.
    ///
    /// # Errors
    ///
    /// It cannot be read or is not of a known format.
    pub fn load(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join(FILE);
        let mut text = String::new();
        match File::open(&path) {
            Ok(mut file) => file
                .read_to_string(&mut text)
                .map_err(|source| StoreError::Io { path: path.clone(), source })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(StoreError::Io { path, source }),
        };
        let raw: RawFile = serde_json::from_str(&text)
            .map_err(|source| StoreError::Malformed { path: path.clone(), source })?;
        if raw.format > FORMAT {
            return Err(StoreError::Newer { path, format: raw.format });
        }
        Ok(Self { grants: raw.grants, tombstones: raw.tombstones })
    }

    /// Changes the file under its lock: loads, lets `change` work, and replaces it if that succeeds.
    ///
    /// # Errors
    ///
    /// As [`StoredGrants::load`], or what `change` refuses.
    pub fn update<T, E: From<StoreError>>(
        data_dir: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let lock = data_dir.join("grants.lock");
        let at = |path: &Path| {
            let path = path.to_path_buf();
            move |source| StoreError::Io { path, source }
        };
        let guard = private().truncate(false).open(&lock).map_err(at(&lock))?;
        guard.lock().map_err(at(&lock))?;
        let mut stored = Self::load(data_dir)?;
        let value = change(&mut stored)?;
        stored.replace(data_dir)?;
        Ok(value)
    }

    fn replace(self, data_dir: &Path) -> Result<(), StoreError> {
        let (path, new) = (data_dir.join(FILE), data_dir.join("grants.json.new"));
        let raw = RawFile { format: FORMAT, grants: self.grants, tombstones: self.tombstones };
        let text = serde_json::to_vec_pretty(&raw)
            .map_err(|source| StoreError::Malformed { path: path.clone(), source })?;
        let write = || -> std::io::Result<()> {
            let mut file = private().truncate(true).open(&new)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&new, &path)?;
            File::open(data_dir)?.sync_all()
        };
        write().map_err(|source| StoreError::Io { path: path.clone(), source })
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn grant(label: &str) -> StoredGrant {
        StoredGrant {
            label: label.to_owned(),
            tokens: vec![StoredToken::of("a token of enough characters")],
            servers: vec![("s".to_owned(), "p".to_owned())],
            expires: None,
            tags: Vec::new(),
            underscore_names: false,
            managed_by_file: false,
            created: 1,
        }
    }

    #[test]
    fn changes_are_kept_and_private() {
        let dir = tempfile::tempdir().unwrap();
        StoredGrants::update(dir.path(), |s| {
            s.grants.push(grant("a"));
            Ok::<_, StoreError>(())
        })
        .unwrap();
        let stored = StoredGrants::load(dir.path()).unwrap();
        assert_eq!(stored.grants, vec![grant("a")]);
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert!(!text.contains("a token of enough"));
    }

    #[test]
    fn a_refused_change_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let refused: Result<(), StoreError> = StoredGrants::update(dir.path(), |s| {
            s.grants.push(grant("a"));
            Err(StoreError::Newer { path: PathBuf::new(), format: 9 })
        });
        assert!(refused.is_err());
        assert_eq!(StoredGrants::load(dir.path()).unwrap(), StoredGrants::default());
    }

    #[test]
    fn a_file_that_is_not_ours_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["{", r#"{"format":9,"grants":[]}"#, r#"{"format":1,"grants":[],"x":1}"#] {
            std::fs::write(dir.path().join(FILE), text).unwrap();
            assert!(StoredGrants::load(dir.path()).is_err(), "{text}");
        }
    }

    #[test]
    fn parallel_changes_are_all_kept() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for n in 0..8 {
                let dir = dir.path();
                scope.spawn(move || {
                    StoredGrants::update(dir, |s| {
                        s.grants.push(grant(&format!("g{n}")));
                        Ok::<_, StoreError>(())
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(StoredGrants::load(dir.path()).unwrap().grants.len(), 8);
    }
}
