//! Copies of the store: made while it is in use, looked at, and put back. A backup holds no key: without the
//! key its secrets stay closed.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Row as _};
use tempfile::NamedTempFile;

use crate::database::{Database, translate, values};
use crate::error::{StoreError, io_error};
use crate::format;
use crate::store::{FILE, Store};

/// How long to wait for others while looking at a file that nobody else should use.
const PATIENCE: Duration = Duration::from_secs(1);

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// Its format; none for an empty file.
    pub format: Option<i64>,
    /// What is wrong in it; empty where all is well.
    pub faults: Vec<String>,
}

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The format that the backup had.
    pub format: i64,
    /// Grants with tokens that the replaced store no longer had: revoked or rotated since the backup, and
    /// valid again.
    pub revived: Vec<String>,
    /// Where the replaced store is kept, if there was one.
    pub replaced: Option<PathBuf>,
}

impl Store {
    /// Copies everything to a file, readable by its owner alone, while the store is in use: all of one
    /// moment. The file appears whole or not at all; an older backup of this name is replaced. Tells its size
    /// in bytes.
    ///
    /// # Errors
    ///
    /// The file is something else than a backup, or cannot be written; or the database cannot be read.
    pub async fn backup(&self, target: &Path) -> Result<u64, StoreError> {
        let file = self.database.file();
        check_target(target, file.path()).await?;
        let at = |source: io::Error| io_error(target, source);
        let folder = folder_of(target);
        let copy = tempfile::Builder::new().prefix(".toolgate-backup-").tempfile_in(&folder).map_err(at)?;
        // The statement fills a file that is there and empty, so that it keeps the mode 0600.
        let into = copy.path().to_string_lossy().into_owned();
        let lost = |error| translate(target, error);
        let mut connection = file.readers().acquire().await.map_err(|e| translate(file.path(), e))?;
        sqlx::query("VACUUM INTO $1").bind(into).execute(&mut *connection).await.map_err(lost)?;
        copy.as_file().sync_all().map_err(at)?;
        let size = copy.as_file().metadata().map_err(at)?.len();
        copy.persist(target).map_err(|error| at(error.error))?;
        sync(&folder)?;
        Ok(size)
    }

    /// What is wrong in the store; empty where all is well. Reads everything.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn faults(&self) -> Result<Vec<String>, StoreError> {
        let file = self.database.file();
        let mut connection = file.readers().acquire().await.map_err(|e| translate(file.path(), e))?;
        faults(&mut connection, file.path()).await
    }

    /// Looks at a store or a backup without changing it.
    ///
    /// # Errors
    ///
    /// It cannot be read, is no store, or of a newer format.
    pub async fn examine(path: &Path) -> Result<Examination, StoreError> {
        File::open(path).map_err(|source| io_error(path, source))?;
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(PATIENCE);
        let connected = options.disable_statement_logging().connect().await;
        let mut connection = connected.map_err(|error| translate(path, error))?;
        let format = format::found(&mut connection, path).await?;
        let faults = faults(&mut connection, path).await?;
        connection.close().await.map_err(|error| translate(path, error))?;
        Ok(Examination { format, faults })
    }

    /// Puts a backup in the place of a data directory's store. No gateway may use the directory: the caller
    /// holds its lock. Sessions and sign-in links of the backup are dropped; the store that was there is kept
    /// beside it, as `toolgate.db.replaced`.
    ///
    /// # Errors
    ///
    /// The backup is damaged, of a newer format or no backup, or the directory cannot be written. Then the
    /// store is as it was.
    pub async fn restore(source: &Path, data_dir: &Path) -> Result<Restored, StoreError> {
        let target = data_dir.join(FILE);
        let copy = copy_in(source, data_dir)?;
        let found = Self::examine(copy.path()).await.map_err(|error| named(error, source))?;
        let Some(format) = found.format else {
            return Err(StoreError::Corrupt { path: source.to_path_buf(), detail: "it is empty".to_owned() });
        };
        if let Some(fault) = found.faults.first() {
            return Err(StoreError::Corrupt { path: source.to_path_buf(), detail: fault.clone() });
        }
        let before = Before::of(&target).await;
        let revived = prepare(copy.path(), before.as_ref()).await.map_err(|error| named(error, source))?;
        let replaced = put_aside(&target, before.is_some())?;
        copy.persist(&target).map_err(|error| io_error(&target, error.error))?;
        sync(data_dir)?;
        Ok(Restored { format, revived, replaced })
    }
}

/// What the store that is replaced had.
struct Before {
    revision: i64,
    tokens: Vec<String>,
}

impl Before {
    /// None where there is no store, or one that cannot be read: a restore is what helps then.
    async fn of(path: &Path) -> Option<Self> {
        if !path.exists() {
            return None;
        }
        let database = Database::open(path, PATIENCE).await.ok()?;
        let before = Self::read(&database).await.ok();
        // Writes out what waits in the write-ahead log, and removes it.
        database.close().await;
        before
    }

    async fn read(database: &Database) -> Result<Self, StoreError> {
        let mut tx = database.read().await?;
        let state = tx.row("SELECT revision FROM store_state", values![]).await?;
        let revision = state.map_or(Ok(0), |row| row.get("revision"))?;
        let tokens = tx.rows("SELECT sha256 FROM grant_tokens", values![]).await?;
        let tokens = tokens.iter().map(|row| row.get("sha256")).collect::<Result<_, _>>()?;
        Ok(Self { revision, tokens })
    }
}

/// Makes a copy fit to be the store: newest format, nobody signed in, numbers that were not used before.
/// Tells the grants whose tokens come back.
async fn prepare(path: &Path, before: Option<&Before>) -> Result<Vec<String>, StoreError> {
    let database = Database::open(path, PATIENCE).await?;
    let prepared = prepare_open(&database, before).await;
    database.close().await;
    prepared
}

async fn prepare_open(database: &Database, before: Option<&Before>) -> Result<Vec<String>, StoreError> {
    let mut tx = database.write_quietly().await?;
    tx.run("DELETE FROM console_sessions", values![]).await?;
    tx.run("DELETE FROM sign_in_links", values![]).await?;
    let least = before.map_or(0, |before| before.revision);
    let sql = "UPDATE store_state SET revision = CASE WHEN revision < $1 THEN $1 ELSE revision END + 1";
    tx.run(sql, values![least]).await?;
    let sql = "UPDATE store_state SET calls = revision, approvals = revision, people = revision";
    tx.run(sql, values![]).await?;
    let mut revived = Vec::new();
    if let Some(before) = before {
        let sql = "SELECT g.label, t.sha256 FROM grants g JOIN grant_tokens t ON t.grant_id = g.id \
                   ORDER BY g.label";
        for row in tx.rows(sql, values![]).await? {
            let (label, token): (String, String) = (row.get("label")?, row.get("sha256")?);
            if !before.tokens.contains(&token) && revived.last() != Some(&label) {
                revived.push(label);
            }
        }
    }
    tx.commit().await?;
    Ok(revived)
}

/// Copies a backup into the data directory, where nobody else can change it any more.
fn copy_in(source: &Path, data_dir: &Path) -> Result<NamedTempFile, StoreError> {
    let log = beside(source, "-wal");
    if log.metadata().is_ok_and(|log| log.len() > 0) {
        let detail = format!("{} holds more of it: it is no backup but a store in use", log.display());
        return Err(StoreError::Corrupt { path: source.to_path_buf(), detail });
    }
    let mut from = File::open(source).map_err(|error| io_error(source, error))?;
    let to = tempfile::Builder::new().prefix(".toolgate-restore-").tempfile_in(data_dir);
    let mut to = to.map_err(|error| io_error(data_dir, error))?;
    io::copy(&mut from, &mut to).map_err(|error| io_error(data_dir, error))?;
    to.as_file().sync_all().map_err(|error| io_error(data_dir, error))?;
    Ok(to)
}

/// Keeps the store that was there under another name. Its side files must be gone before another file takes
/// its place: they would be taken for that file's own.
fn put_aside(target: &Path, is_whole: bool) -> Result<Option<PathBuf>, StoreError> {
    let kept = beside(target, ".replaced");
    for side in ["-wal", "-shm"] {
        let (from, to) = (beside(target, side), beside(&kept, side));
        let moved = if is_whole { std::fs::remove_file(&from) } else { std::fs::rename(&from, &to) };
        match moved {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io_error(&from, error)),
            Ok(()) | Err(_) => {}
        }
    }
    match std::fs::remove_file(&kept) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io_error(&kept, error)),
        Ok(()) | Err(_) => {}
    }
    match std::fs::hard_link(target, &kept) {
        Ok(()) => Ok(Some(kept)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        // Some file systems know no second names.
        Err(_) => match std::fs::copy(target, &kept) {
            Ok(_) => Ok(Some(kept)),
            Err(error) => Err(io_error(&kept, error)),
        },
    }
}

/// Refuses to put a backup where something else stands.
async fn check_target(target: &Path, live: &Path) -> Result<(), StoreError> {
    let refused = |what: &str| StoreError::Invalid {
        what: format!("{} {what}", target.display()),
        advice: "choose another file for the backup",
    };
    let Ok(found) = target.canonicalize() else { return Ok(()) };
    let live = live.canonicalize().unwrap_or_else(|_| live.to_path_buf());
    if [live.clone(), beside(&live, "-wal"), beside(&live, "-shm")].contains(&found) {
        return Err(refused("is the store itself"));
    }
    let is_backup = match Store::examine(target).await {
        Ok(found) => found.format.is_some() || target.metadata().is_ok_and(|file| file.len() == 0),
        Err(_) => false,
    };
    if is_backup { Ok(()) } else { Err(refused("is there already and is no backup")) }
}

async fn faults(connection: &mut SqliteConnection, path: &Path) -> Result<Vec<String>, StoreError> {
    let lost = |error| translate(path, error);
    let mut faults = Vec::new();
    for row in connection.fetch_all("PRAGMA integrity_check(20)").await.map_err(lost)? {
        let line: String = row.try_get(0).map_err(lost)?;
        if line != "ok" {
            faults.push(line);
        }
    }
    for row in connection.fetch_all("PRAGMA foreign_key_check").await.map_err(lost)? {
        let table: String = row.try_get(0).map_err(lost)?;
        faults.push(format!("a row of `{table}` belongs to nothing"));
    }
    Ok(faults)
}

/// Tells an error of a copy as one of the file that was copied.
fn named(mut error: StoreError, source: &Path) -> StoreError {
    match &mut error {
        StoreError::Corrupt { path, .. } | StoreError::Foreign { path } | StoreError::Newer { path, .. } => {
            *path = source.to_path_buf();
        }
        _ => {}
    }
    error
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        Some(_) | None => PathBuf::from("."),
    }
}

fn sync(folder: &Path) -> Result<(), StoreError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| io_error(folder, source))
}
