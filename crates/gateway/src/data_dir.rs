//! The data directory: private, of a known format, and used by one gateway at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use thiserror::Error;
use toolgate_journal::Lock;

/// The format that this program writes.
pub const FORMAT: u32 = 1;
/// The file that tells the format.
const FORMAT_FILE: &str = "format";
/// The file that a running gateway holds locked.
pub const LOCK_FILE: &str = "gateway.lock";
/// The folder of what children print.
pub const LOGS: &str = "logs";
const ARGUMENT_KEY: &str = "arguments.key";

/// Why a data directory cannot be used.
#[derive(Debug, Error)]
pub enum DataDirError {
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another gateway runs on it.
    #[error("{path} is in use by another gateway; stop it, or choose another `data_dir`")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// Others may read or write in it.
    #[error("{path} is open to others (mode {mode:o}); run `chmod 700 {path}`")]
    Open {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Written by a newer program.
    #[error("{path} has format {found}, newer than this program knows ({FORMAT}); use the newer program")]
    Newer {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: String,
    },
    /// A key of the wrong length.
    #[error("{path} is not a key of this program; move it away to have a new one made")]
    BadKey {
        /// The file.
        path: PathBuf,
    },
}

/// A data directory in use; the lock lasts as long as the value.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: Lock,
}

impl DataDir {
    /// Creates the folder if need be, checks it, and locks it.
    ///
    /// # Errors
    ///
    /// It is open to others, in use, or of a newer format.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let at = |path: &Path| {
            let path = path.to_path_buf();
            move |source| DataDirError::Io { path, source }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(at(path))?;
        let mode = path.metadata().map_err(at(path))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(DataDirError::Open { path: path.to_path_buf(), mode });
        }
        let lock_path = path.join(LOCK_FILE);
        let lock = private().create(true).truncate(false).open(&lock_path).map_err(at(&lock_path))?;
        let lock = match Lock::take(lock) {
            Ok(lock) => lock,
            Err(TryLockError::WouldBlock) => return Err(DataDirError::InUse { path: path.to_path_buf() }),
            Err(TryLockError::Error(source)) => return Err(DataDirError::Io { path: lock_path, source }),
        };
        check_format(path)?;
        let logs = path.join(LOGS);
        DirBuilder::new().recursive(true).mode(0o700).create(&logs).map_err(at(&logs))?;
        Ok(Self { path: path.to_path_buf(), _lock: lock })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of what children print.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.path.join(LOGS)
    }

    /// The key under which arguments are hashed, made at first use.
    ///
    /// # Errors
    ///
    /// It cannot be read or made.
    pub fn argument_key(&self) -> Result<[u8; 64], DataDirError> {
        let path = self.path.join(ARGUMENT_KEY);
        let at = |source| DataDirError::Io { path: path.clone(), source };
        let mut key = [0; 64];
        match File::open(&path) {
            Ok(mut file) => {
                let whole = file.metadata().map_err(at)?.size() == 64;
                file.read_exact(&mut key).map_err(|_| DataDirError::BadKey { path: path.clone() })?;
                if !whole {
                    return Err(DataDirError::BadKey { path });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                getrandom::fill(&mut key).map_err(|e| at(io::Error::other(e.to_string())))?;
                let mut file = private().create_new(true).open(&path).map_err(at)?;
                file.write_all(&key).and_then(|()| file.sync_all()).map_err(at)?;
            }
            Err(error) => return Err(at(error)),
        }
        Ok(key)
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn check_format(path: &Path) -> Result<(), DataDirError> {
    let file = path.join(FORMAT_FILE);
    let at = |source| DataDirError::Io { path: file.clone(), source };
    match std::fs::read_to_string(&file) {
        Ok(text) if text.trim().parse::<u32>().is_ok_and(|found| found <= FORMAT) => Ok(()),
        Ok(text) => Err(DataDirError::Newer { path: path.to_path_buf(), found: text.trim().to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut made = private().create(true).truncate(true).open(&file).map_err(at)?;
            made.write_all(format!("{FORMAT}\n").as_bytes()).map_err(at)
        }
        Err(error) => Err(at(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_private_and_used_once() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let open = DataDir::open(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(matches!(DataDir::open(&path), Err(DataDirError::InUse { .. })));
        let key = open.argument_key().unwrap();
        assert_eq!(open.argument_key().unwrap(), key);
        drop(open);
        assert!(DataDir::open(&path).is_ok());
    }

    #[test]
    fn refuses_what_others_can_read_and_newer_formats() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        drop(DataDir::open(&path).unwrap());
        std::fs::write(path.join(FORMAT_FILE), "99\n").unwrap();
        assert!(matches!(DataDir::open(&path), Err(DataDirError::Newer { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(DataDir::open(&path), Err(DataDirError::Open { mode: 0o755, .. })));
    }
}
