//! The key files: `journal.key` holds the secret half (mode 0600), `journal.pub` the public half, which
//! whoever verifies the journal elsewhere should keep a copy of.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::key::{PublicKey, Signer};

const SECRET_FILE: &str = "journal.key";
const PUBLIC_FILE: &str = "journal.pub";

/// Why the journal's key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A key file cannot be read or written.
    #[error("cannot use the key file `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A key file holds something else.
    #[error("`{}` holds no Ed25519 key (64 hex digits): restore it from a backup", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// There are records, but the key that signed them is gone.
    #[error(
        "`{}` is missing, and the journal has records signed with it: restore it from a backup, or move the \
         folder `journal` and `journal.pub` away to begin a new journal",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The two halves do not belong together.
    #[error("`{}` is not the public half of `journal.key`: restore both from one backup", path.display())]
    Mismatch {
        /// The file of the public half.
        path: PathBuf,
    },
    /// The operating system gives no random bytes.
    #[error("cannot make a key: {0}")]
    Random(getrandom::Error),
}

/// Loads the signing key of a data directory. A journal without records gets a new one.
pub(crate) fn load_or_create(data_directory: &Path, has_records: bool) -> Result<Signer, KeyError> {
    let path = data_directory.join(SECRET_FILE);
    let signer = match read(&path)? {
        Some(text) => Signer::from_text(&text).ok_or(KeyError::Malformed { path })?,
        None if has_records => return Err(KeyError::Missing { path }),
        None => {
            let signer = Signer::generate().map_err(KeyError::Random)?;
            write(&path, &signer.to_text(), 0o600)?;
            write(&data_directory.join(PUBLIC_FILE), &signer.public().to_text(), 0o644)?;
            return Ok(signer);
        }
    };
    match read_public(&data_directory.join(PUBLIC_FILE))? {
        Some(public) if public == *signer.public() => {}
        Some(_) => return Err(KeyError::Mismatch { path: data_directory.join(PUBLIC_FILE) }),
        None => write(&data_directory.join(PUBLIC_FILE), &signer.public().to_text(), 0o644)?,
    }
    Ok(signer)
}

/// The public key that lies beside a journal. A key kept elsewhere proves more.
pub fn public_key(data_directory: &Path) -> Result<PublicKey, KeyError> {
    public_key_file(&data_directory.join(PUBLIC_FILE))
}

/// A public key from any file in the form of `journal.pub`.
pub fn public_key_file(path: &Path) -> Result<PublicKey, KeyError> {
    let missing = || KeyError::File { path: path.to_owned(), source: io::ErrorKind::NotFound.into() };
    read_public(path)?.ok_or_else(missing)
}

fn read_public(path: &Path) -> Result<Option<PublicKey>, KeyError> {
    let Some(text) = read(path)? else { return Ok(None) };
    PublicKey::from_text(&text).ok_or_else(|| KeyError::Malformed { path: path.to_owned() }).map(Some)
}

fn read(path: &Path) -> Result<Option<String>, KeyError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(KeyError::Malformed { path: path.to_owned() })
        }
        Err(source) => Err(KeyError::File { path: path.to_owned(), source }),
    }
}

/// Writes a file whole or not at all, so that a crash cannot leave half a key.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), KeyError> {
    let written = || {
        let new = path.with_extension("new");
        if new.exists() {
            fs::remove_file(&new)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    };
    written().map_err(|source| KeyError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_private() {
        let data = tempfile::tempdir().unwrap();
        let made = load_or_create(data.path(), false).unwrap();
        let loaded = load_or_create(data.path(), true).unwrap();
        assert_eq!(made.public(), loaded.public());
        assert_eq!(&public_key(data.path()).unwrap(), made.public());
        let mode = fs::metadata(data.path().join(SECRET_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_lost_or_foreign_key_is_refused() {
        let data = tempfile::tempdir().unwrap();
        assert!(matches!(load_or_create(data.path(), true), Err(KeyError::Missing { .. })));
        load_or_create(data.path(), false).unwrap();
        let foreign = Signer::generate().unwrap();
        fs::write(data.path().join(SECRET_FILE), foreign.to_text()).unwrap();
        assert!(matches!(load_or_create(data.path(), true), Err(KeyError::Mismatch { .. })));
        fs::write(data.path().join(SECRET_FILE), "secret\n").unwrap();
        let error = load_or_create(data.path(), true).unwrap_err();
        assert!(matches!(error, KeyError::Malformed { .. }));
        assert!(!error.to_string().contains("secret"));
    }
}
