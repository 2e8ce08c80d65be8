//! What a run knows before it looks at clients: where they keep their files, where the gateway is, and what its
//! config file has.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use toolgate_clients::{Folders, Platform};
use toolgate_store::{FileNames, KeySource};

use super::Arguments;
use crate::answer::Failure;
use crate::config::{self, DATA_DIR, Finding, Overrides, default_listen};
use crate::data_dir::CONFIG_FILE;
use crate::environment::Environment;
use crate::resources::names_of;
use crate::shell::Shell;
use crate::store::key_source;
use crate::welcome::reachable;

/// See the module.
pub(super) struct Surroundings {
    /// The folders that clients' places begin at.
    pub(super) folders: Folders,
    /// The projects whose files are included.
    pub(super) projects: Vec<PathBuf>,
    /// The variables of this process.
    pub(super) environment: Environment,
    /// Scheme and authority of the gateway as clients reach it.
    pub(super) gateway: String,
    /// The data directory, absolute.
    pub(super) data_dir: PathBuf,
    /// The config file, absolute, and whether it is there already.
    pub(super) config: (PathBuf, bool),
    /// What the config file manages.
    pub(super) names: FileNames,
    /// This program.
    pub(super) program: String,
}

impl Surroundings {
    pub(super) fn of(arguments: &Arguments, shell: &Shell) -> Result<Self, Failure> {
        let environment = shell.environment.clone();
        let home = environment.get("HOME").filter(|home| Path::new(home).is_absolute());
        let home =
            home.ok_or_else(|| Failure::usage("HOME is not set, so that no client's files can be found"))?;
        let there = arguments.data_dir.config();
        let (gateway, names) = match &there {
            Some(path) => of_config(path, &environment)?,
            None => (format!("http://{}", default_listen()), FileNames::default()),
        };
        let data_dir = match &there {
            Some(_) => arguments.data_dir.locate(&environment)?,
            None => arguments.data_dir.chosen().unwrap_or_else(|| PathBuf::from(DATA_DIR)),
        };
        let config = there.clone().unwrap_or_else(|| PathBuf::from(CONFIG_FILE));
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        let mut projects = Vec::new();
        for project in &arguments.projects {
            let found = project.canonicalize().ok().filter(|path| path.is_dir());
            let shown = project.display();
            projects.push(found.ok_or_else(|| Failure::usage(format_args!("there is no folder `{shown}`")))?);
        }
        Ok(Self {
            folders: folders(&environment, PathBuf::from(home)),
            projects,
            gateway: arguments.gateway.clone().unwrap_or(gateway),
            data_dir: std::path::absolute(data_dir)?,
            config: (std::path::absolute(config)?, there.is_some()),
            names,
            program: program.to_string_lossy().into_owned(),
            environment,
        })
    }

    /// Where the key of the store's secrets comes from.
    pub(super) fn key(&self) -> Result<KeySource, Failure> {
        key_source(&self.environment, &self.data_dir)
    }

    /// The URL of a server at the gateway.
    pub(super) fn url(&self, server: &str) -> String {
        format!("{}/mcp/{server}", self.gateway)
    }
}

fn folders(environment: &Environment, home: PathBuf) -> Folders {
    let plain = Folders::of_home(Platform::of_process(), home);
    let variable = |name: &str, otherwise: &Path| {
        let set = environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        set.unwrap_or_else(|| otherwise.to_owned())
    };
    Folders {
        config: variable("XDG_CONFIG_HOME", &plain.config),
        app_data: variable("APPDATA", &plain.app_data),
        codex: variable("CODEX_HOME", &plain.codex),
        ..plain
    }
}

/// Where the gateway of a config file listens, and what the file manages.
fn of_config(path: &Path, environment: &Environment) -> Result<(String, FileNames), Failure> {
    let overrides = Overrides::default();
    let reading = config::read(path, config::Surroundings { environment, overrides: &overrides });
    let Some(settings) = reading.settings else {
        let lines: Vec<String> =
            reading.findings.iter().filter(|finding| finding.is_error()).map(Finding::render).collect();
        return Err(Failure::no(format_args!("the config file cannot be used:\n{}", lines.join("\n"))));
    };
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let gateway = format!("{scheme}://{}", reachable(settings.listen));
    Ok((gateway, names_of(&settings, path.to_owned())))
}
