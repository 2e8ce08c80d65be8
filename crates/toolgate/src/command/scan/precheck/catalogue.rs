//! What the catalogue of the data directory says of the names in a config. One that is not there is not made,
//! and one that cannot be read keeps nobody from the rest of the report.

use std::path::Path;

use serde_json::{Value, json};
use tokio::runtime::Builder;
use toolgate_catalog::KnownNames;
use toolgate_catalog::precheck::{Catalogued, Comparison, Finding, ServerEntry, quoted};
use toolgate_registry::read_names;

use crate::command::catalog::FILL;
use crate::data_dir;
use crate::environment::Environment;
use crate::shell::counted;

/// What the names were compared with.
#[derive(Debug)]
pub(super) enum Compared {
    /// With the servers of the catalogue, so many; these of the config are listed there.
    With { servers: u64, catalogued: Vec<Catalogued> },
    /// With none: this data directory has no catalogue, or one without servers.
    Without(String),
    /// With none: the catalogue cannot be read.
    Failed(String),
    /// The config has no names that a catalogue could know.
    Nothing,
}

/// Compares the names of a config with the catalogue, if there is one.
pub(super) fn compare(
    entries: &[ServerEntry],
    known: &KnownNames,
    directory: &data_dir::Options,
    environment: &Environment,
) -> (Compared, Vec<Finding>) {
    let comparison = Comparison::new(entries, known);
    if comparison.is_empty() {
        return (Compared::Nothing, Vec::new());
    }
    let read = match directory.locate(environment) {
        Ok(directory) => read(&directory, comparison),
        Err(failure) => Err(failure.error),
    };
    read.unwrap_or_else(|error| (Compared::Failed(format!("{error:#}")), Vec::new()))
}

fn read(directory: &Path, mut comparison: Comparison) -> anyhow::Result<(Compared, Vec<Finding>)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let servers = runtime.block_on(read_names(directory, |server| comparison.pass(server)))?;
    Ok(match servers {
        None | Some(0) => (Compared::Without(directory.display().to_string()), Vec::new()),
        Some(servers) => {
            let catalogued = comparison.catalogued();
            (Compared::With { servers, catalogued }, comparison.findings())
        }
    })
}

impl Compared {
    /// What a report says of it, on one line.
    pub(super) fn line(&self) -> Option<String> {
        const ONLY: &str = "names were compared with the lists alone";
        match self {
            Self::With { servers, catalogued } => Some(format!(
                "names were compared with {} of the catalogue; {} of this file {} listed there, which alone is no proof",
                counted(*servers, "server"),
                counted(catalogued.len() as u64, "server"),
                if catalogued.len() == 1 { "is" } else { "are" },
            )),
            Self::Without(directory) => {
                Some(format!("{ONLY}: {} has no catalogue; `{FILL}` fills one", quoted(directory)))
            }
            Self::Failed(why) => {
                Some(format!("warning: {ONLY}: the catalogue cannot be read: {}", quoted(why)))
            }
            Self::Nothing => None,
        }
    }

    /// The same for programs.
    pub(super) fn to_json(&self) -> Value {
        let (state, servers) = match self {
            Self::With { servers, .. } => ("compared", Some(servers)),
            Self::Without(_) => ("absent", None),
            Self::Failed(_) => ("failed", None),
            Self::Nothing => ("not_needed", None),
        };
        json!({"state": state, "servers": servers, "note": self.line()})
    }

    /// Under which name the catalogue has a server of the config, and what its registry says of it.
    pub(super) fn of_entry(&self, entry: &str) -> Option<Value> {
        let Self::With { catalogued, .. } = self else { return None };
        let found = catalogued.iter().find(|found| found.entry == entry)?;
        Some(json!({"server": found.server, "status": found.status.name()}))
    }
}
