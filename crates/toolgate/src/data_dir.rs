//! Which data directory a command works on.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use toolgate_gateway::data_dir::LOCK_FILE;

use crate::answer::Failure;
use crate::config::{self, DATA_DIR, Outline};
use crate::environment::Environment;

/// The config file that is used if it is there and no other is named.
pub(crate) const CONFIG_FILE: &str = "toolgate.yaml";

/// The options that say where the data directory is.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Data directory [default: the config file's, else ./.toolgate]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Config file [default: toolgate.yaml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Options {
    /// The options of a command line that names the data directory, or nothing.
    pub(crate) fn of(data_dir: Option<PathBuf>) -> Self {
        Self { data_dir, config: None }
    }

    /// The config file, if there is one.
    pub(crate) fn config(&self) -> Option<PathBuf> {
        match &self.config {
            Some(path) => Some(path.clone()),
            None => Some(PathBuf::from(CONFIG_FILE)).filter(|path| path.exists()),
        }
    }

    /// What can be told of the config file; none without a file, or if it cannot be parsed.
    pub(crate) fn outline(&self, environment: &Environment) -> Option<Outline> {
        config::outline(&self.config()?, environment)
    }

    /// The data directory that the command line names.
    pub(crate) fn chosen(&self) -> Option<PathBuf> {
        self.data_dir.clone()
    }

    /// The data directory, whether or not it exists.
    pub(crate) fn locate(&self, environment: &Environment) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.data_dir {
            return Ok(path.clone());
        }
        let Some(config) = self.config() else { return Ok(PathBuf::from(DATA_DIR)) };
        let outline = config::outline(&config, environment);
        outline.and_then(|outline| outline.data_dir).ok_or_else(|| {
            let path = config.display();
            Failure::unreachable(anyhow!(
                "`{path}` does not tell the data directory: run `toolgate check {path}`, or give `--data-dir`"
            ))
        })
    }

    /// The data directory, which must exist.
    pub(crate) fn existing(&self, environment: &Environment) -> Result<PathBuf, Failure> {
        let path = self.locate(environment)?;
        if path.is_dir() {
            return Ok(path);
        }
        let path = path.display();
        Err(Failure::unreachable(anyhow!(
            "there is no data directory `{path}`: start a gateway first, or give `--data-dir`"
        )))
    }

    /// The data directory, made if it is missing.
    pub(crate) fn ensured(&self, environment: &Environment) -> Result<PathBuf, Failure> {
        let path = self.locate(environment)?;
        create(&path)?;
        Ok(path)
    }
}

/// Whether a gateway runs on a data directory: it holds the lock. A shared one does not keep another from starting
/// for long.
pub(crate) fn is_in_use(path: &Path) -> bool {
    let file = File::open(path.join(LOCK_FILE));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Makes a data directory that nobody else can look into.
pub(crate) fn create(path: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot make the data directory `{}`", path.display()))
}
