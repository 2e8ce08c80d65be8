//! Where the key of the secrets comes from: the environment, a file of the operator's, or a file that is made
//! in the data directory. Several keys may be there at once while one takes another's place.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::key::{KeyError, SecretKey};
use crate::secret::Secret;

/// Where the key comes from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// Keys that the caller has, as from `TOOLGATE_SECRET_KEY`, separated by white space. The one that the
    /// store is kept under is used, whichever it is; a new store takes the first.
    Given(Secret),
    /// A file of the operator's with keys as above; its mode is the operator's business.
    File(PathBuf),
    /// A file that is made at the first secret, readable by its owner alone.
    Generated(PathBuf),
}

impl KeySource {
    /// The file `secret.key` in a data directory, made when it is needed.
    #[must_use]
    pub fn in_data_dir(data_dir: &Path) -> Self {
        Self::Generated(data_dir.join("secret.key"))
    }

    /// The keys that are there now.
    pub(crate) fn all(&self) -> Result<Vec<SecretKey>, KeyError> {
        match self {
            Self::Given(text) => self.parse(text),
            Self::File(path) => match read(path)? {
                Some(text) => self.parse(&text),
                None => Ok(Vec::new()),
            },
            Self::Generated(path) => {
                let mut keys = Vec::new();
                for path in [path.clone(), successor(path)] {
                    if let Some(text) = read_private(&path)? {
                        keys.extend(self.parse(&text)?);
                    }
                }
                Ok(keys)
            }
        }
    }

    /// The key for a store that keeps no secret yet; made if it may be.
    pub(crate) fn first(&self) -> Result<SecretKey, KeyError> {
        if let Some(key) = self.all()?.into_iter().next() {
            return Ok(key);
        }
        match self {
            Self::Given(_) | Self::File(_) => Err(KeyError::Malformed { place: self.to_string() }),
            Self::Generated(path) => {
                let key = SecretKey::generate()?;
                write_private(path, &key)?;
                Ok(key)
            }
        }
    }

    fn parse(&self, text: &Secret) -> Result<Vec<SecretKey>, KeyError> {
        let words = text.expose().split_whitespace();
        let place = self.to_string();
        words.map(|word| SecretKey::parse(&Secret::new(word.to_owned()), &place)).collect()
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(_) => f.write_str("TOOLGATE_SECRET_KEY"),
            Self::File(path) | Self::Generated(path) => path.display().fmt(f),
        }
    }
}

/// Where the next key waits until the store is kept under it.
pub(crate) fn successor(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> KeyError {
    let path = path.to_path_buf();
    move |source| KeyError::Io { path: path.clone(), source }
}

fn read(path: &Path) -> Result<Option<Secret>, KeyError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
    };
    // Room for what is read, so that no copy of it is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(4096));
    file.take(4096).read_to_string(&mut text).map_err(at(path))?;
    Ok(Some(Secret::new(std::mem::take(&mut *text))))
}

fn read_private(path: &Path) -> Result<Option<Secret>, KeyError> {
    match path.metadata() {
        Ok(found) => {
            let mode = found.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(KeyError::Open { path: path.to_path_buf(), mode });
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
    }
    read(path)
}

/// Writes a key to a file that is whole or not there.
pub(crate) fn write_private(path: &Path, key: &SecretKey) -> Result<(), KeyError> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut open = OpenOptions::new();
    open.write(true).create(true).truncate(true).mode(0o600);
    let mut file = open.open(&part).map_err(at(&part))?;
    file.write_all(key.to_text().expose().as_bytes()).map_err(at(&part))?;
    file.sync_all().map_err(at(&part))?;
    rename_synced(&part, path)
}

/// Renames a file, also over a loss of power.
pub(crate) fn rename_synced(from: &Path, to: &Path) -> Result<(), KeyError> {
    std::fs::rename(from, to).map_err(at(to))?;
    let folder = to.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
}
