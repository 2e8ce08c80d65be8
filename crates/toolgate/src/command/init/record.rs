//! What a run did, kept in the data directory so that it can be taken back: the record is on the disk before each
//! file is touched.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toolgate_gateway::token;

/// The folder of all runs, in the data directory.
const RUNS: &str = "init";
/// The record of a run, in its folder.
const RECORD: &str = "record.json";
/// The form of records that this program writes and reads.
const VERSION: u32 = 1;

/// What a run did.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    version: u32,
    /// The config file, if the run made it, with its SHA-256.
    pub(super) config: Option<(PathBuf, String)>,
    /// The servers that it made.
    pub(super) servers: Vec<Made>,
    /// The policies that it made.
    pub(super) policies: Vec<Made>,
    /// The files that it changed.
    pub(super) files: Vec<Changed>,
}

/// Something in the store.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Made {
    pub(super) name: String,
    /// As it was made; a later one belongs to somebody else.
    pub(super) revision: i64,
}

/// A file of a client.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changed {
    /// As it was looked for.
    pub(super) path: PathBuf,
    /// With all links followed.
    pub(super) real: PathBuf,
    /// The name of the backup in the run's folder.
    pub(super) backup: String,
    /// SHA-256 before and after.
    pub(super) before: String,
    pub(super) after: String,
    /// The label of the client's grant.
    pub(super) grant: String,
}

/// A run, and the folder that keeps it.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) folder: PathBuf,
    pub(super) record: Record,
}

impl Run {
    /// A new run; `now` tells it from others.
    pub(super) fn begin(data_dir: &Path, now: i64) -> io::Result<Self> {
        let runs = data_dir.join(RUNS);
        DirBuilder::new().recursive(true).mode(0o700).create(&runs)?;
        // Digits enough for names to be ordered as their times are.
        let folder = runs.join(format!("{now:020}"));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let record = Record {
            version: VERSION,
            config: None,
            servers: Vec::new(),
            policies: Vec::new(),
            files: Vec::new(),
        };
        let run = Self { folder, record };
        run.save()?;
        Ok(run)
    }

    /// The last run that was not taken back.
    pub(super) fn latest(data_dir: &Path) -> io::Result<Option<Self>> {
        let listed = match fs::read_dir(data_dir.join(RUNS)) {
            Ok(listed) => listed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut folders: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
        folders.sort();
        let Some(folder) = folders.into_iter().rev().find(|folder| folder.join(RECORD).is_file()) else {
            return Ok(None);
        };
        let record: Record = serde_json::from_slice(&fs::read(folder.join(RECORD))?)?;
        if record.version != VERSION {
            let text = format!("a record of version {}, which this program does not know", record.version);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(Some(Self { folder, record }))
    }

    /// Writes the record to the disk.
    pub(super) fn save(&self) -> io::Result<()> {
        let mut fresh = tempfile::NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer_pretty(&mut fresh, &self.record)?;
        fresh.as_file().sync_all()?;
        fresh.persist(self.folder.join(RECORD)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Keeps bytes in the run's folder, for nobody else to read.
    pub(super) fn keep(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(self.folder.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// What was kept.
    pub(super) fn kept(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.folder.join(name))
    }

    /// Forgets the run with its backups.
    pub(super) fn forget(self) -> io::Result<()> {
        fs::remove_dir_all(&self.folder)
    }

    /// Forgets the run, but not what is kept beside its record.
    pub(super) fn close(self) -> io::Result<()> {
        fs::remove_file(self.folder.join(RECORD))
    }
}

/// SHA-256 in hexadecimal digits, of UTF-8 text: no other file is changed.
pub(super) fn fingerprint(text: &str) -> String {
    token::hex(&token::hash(text))
}
