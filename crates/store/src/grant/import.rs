//! Taking over `grants.json`, in which commands kept grants before there was a store: once, whole, and also
//! if the process is killed on the way.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{Binding, GrantSpec, Grants, NameStyle, Token, rows};
use crate::change::{Change, check_name};
use crate::database::{Area, Write, values};
use crate::error::{Kind, StoreError, io_error};
use crate::secret::TokenHash;

/// The file's name in the data directory.
pub const GRANTS_FILE: &str = "grants.json";
const FORMAT: i64 = 1;

/// What was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// How many grants.
    pub grants: usize,
    /// How many revocations of grants of the config file.
    pub tombstones: usize,
    /// Labels of grants that were not taken over, because their label or token is in use or cannot be one.
    pub skipped: Vec<String>,
    /// Under which name the file is kept; none where there was no file.
    pub kept_as: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    format: i64,
    grants: Vec<RawGrant>,
    #[serde(default)]
    tombstones: Vec<RawTombstone>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGrant {
    label: String,
    tokens: Vec<RawToken>,
    #[serde(default)]
    servers: Vec<(String, String)>,
    expires: Option<i64>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    underscore_names: bool,
    #[serde(default)]
    managed_by_file: bool,
    created: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawToken {
    sha256: String,
    ends: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTombstone {
    label: String,
    revoked: i64,
}

impl Grants<'_> {
    /// Takes over `grants.json` of a data directory, if it is there, and renames it to
    /// `grants.json.imported`. A file whose content was taken over before is only renamed: what was revoked
    /// since does not come back.
    ///
    /// # Errors
    ///
    /// The file is in use, cannot be read, or is not of a known format; or the database cannot be written.
    /// Then nothing is taken over and the file stays.
    pub async fn import(&self, data_dir: &Path, change: &Change<'_>) -> Result<Imported, StoreError> {
        let path = data_dir.join(GRANTS_FILE);
        if !path.exists() {
            return Ok(Imported::default());
        }
        let _guard = lock(data_dir)?;
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            // Another process took it over while this one waited.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Imported::default()),
            Err(error) => return Err(io_error(&path, error)),
        };
        let content = TokenHash::new(Sha256::digest(&text).into()).to_string();
        let file = parse(&path, &text)?;
        let mut imported = Imported::default();
        let mut write = self.store.database.write(Area::Calls).await?;
        let sql = "INSERT INTO imports (sha256, created) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING";
        if write.run(sql, values![&content, change.now]).await? > 0 {
            take_over(&mut write, file, change, &mut imported).await?;
            write.commit().await?;
        }
        imported.kept_as = Some(put_aside(&path, &content)?);
        Ok(imported)
    }
}

async fn take_over(
    write: &mut Write,
    file: RawFile,
    change: &Change<'_>,
    imported: &mut Imported,
) -> Result<(), StoreError> {
    for grant in file.grants {
        let label = grant.label.clone();
        if add(write, grant, change).await? {
            imported.grants += 1;
        } else {
            imported.skipped.push(label);
        }
    }
    for RawTombstone { label, revoked } in file.tombstones {
        if rows::bury(write, &label, revoked, change.author).await? {
            imported.tombstones += 1;
        }
    }
    Ok(())
}

/// Whether the grant was added.
async fn add(write: &mut Write, raw: RawGrant, change: &Change<'_>) -> Result<bool, StoreError> {
    let Some(tokens) = tokens(&raw) else { return Ok(false) };
    let in_file = change.file.manages(Kind::Grant, &raw.label);
    let is_free = check_name(Kind::Grant, &raw.label).is_ok() && !rows::exists(write, &raw.label).await?;
    if !is_free || (in_file && !raw.managed_by_file) {
        return Ok(false);
    }
    for token in &tokens {
        if rows::is_token(write, token.hash).await? {
            return Ok(false);
        }
    }
    let id = write.next().await?;
    let made = Change { now: raw.created, ..*change };
    rows::insert(write, &raw.label, raw.managed_by_file, &made).await?;
    let names = if raw.underscore_names { NameStyle::Underscore } else { NameStyle::Dotted };
    let mut servers: Vec<Binding> = Vec::new();
    for (server, policy) in raw.servers {
        // Of a server that stands twice the last entry was in force.
        servers.retain(|other| other.server != server);
        servers.push(Binding { server, policy });
    }
    let spec = GrantSpec { servers, expires: raw.expires, tags: raw.tags, names };
    rows::set(write, id, &spec, &made).await?;
    for token in &tokens {
        rows::add_token(write, id, token).await?;
    }
    Ok(true)
}

/// The tokens of a grant; none if one cannot be read or stands twice.
fn tokens(raw: &RawGrant) -> Option<Vec<Token>> {
    let mut tokens: Vec<Token> = Vec::with_capacity(raw.tokens.len());
    for token in &raw.tokens {
        let hash = TokenHash::parse(&token.sha256)?;
        if tokens.iter().any(|other| other.hash == hash) {
            return None;
        }
        tokens.push(Token { hash, created: raw.created, ends: token.ends, last_used: None });
    }
    Some(tokens)
}

fn parse(path: &Path, text: &[u8]) -> Result<RawFile, StoreError> {
    let file: RawFile = serde_json::from_slice(text).map_err(|error| StoreError::Invalid {
        what: format!("{} is not readable as grants: {error}", path.display()),
        advice: "mend it, or move it away to go on without its grants",
    })?;
    if file.format > FORMAT {
        return Err(StoreError::Newer { path: path.to_path_buf(), found: file.format, known: FORMAT });
    }
    Ok(file)
}

/// Those who wrote the file took this lock.
fn lock(data_dir: &Path) -> Result<File, StoreError> {
    let path = data_dir.join("grants.lock");
    let mut open = OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = open.open(&path).map_err(|error| io_error(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Busy { path }),
        Err(TryLockError::Error(source)) => Err(StoreError::Io { path, source }),
    }
}

/// Renames the file; one that was kept before stays too.
fn put_aside(path: &Path, content: &str) -> Result<PathBuf, StoreError> {
    let mut kept = path.with_extension("json.imported");
    if kept.exists() {
        let short: String = content.chars().take(8).collect();
        kept = path.with_extension(format!("json.imported-{short}"));
    }
    std::fs::rename(path, &kept).map_err(|error| io_error(path, error))?;
    match path.parent() {
        Some(folder) => File::open(folder).and_then(|folder| folder.sync_all()),
        None => Ok(()),
    }
    .map_err(|error| io_error(path, error))?;
    Ok(kept)
}
