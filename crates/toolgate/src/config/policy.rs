//! The policies that a config file names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toolgate_gateway::rules::is_policy_name;
use toolgate_policy::{Place, Plan};

use super::scalar::Reader;
use super::{Finding, format_of, in_file};

/// A policy of the config file, whether or not it could be loaded.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    /// Its name.
    pub(crate) name: String,
    /// Its file.
    pub(crate) path: PathBuf,
    /// What it compiled to; none if it has errors.
    pub(crate) plan: Option<Arc<Plan>>,
    /// What is to be said about the file.
    pub(crate) findings: Vec<Finding>,
}

impl PolicyFile {
    /// Loads a policy's file.
    pub(crate) fn load(name: &str, path: &Path) -> Self {
        let (plan, findings) = match std::fs::read_to_string(path) {
            Err(error) => (None, vec![Finding::unreadable(path, &error)]),
            Ok(text) => match toolgate_policy::load(&text, format_of(path, &text), name) {
                Ok(loaded) => (Some(Arc::new(loaded.plan)), in_file(path, loaded.warnings).collect()),
                Err(problems) => (None, in_file(path, problems).collect()),
            },
        };
        Self { name: name.to_owned(), path: path.to_owned(), plan, findings }
    }
}

impl Reader<'_> {
    pub(super) fn policies(&mut self, place: Option<Place<'_>>) -> Vec<PolicyFile> {
        let members = place.into_iter().flat_map(Place::members);
        let mut loaded = Vec::new();
        for member in members {
            let name = member.name().unwrap_or_default();
            if !is_policy_name(name) {
                let help = "use at most 64 letters, digits, `.`, `_` and `-`".to_owned();
                self.problems.name_error(member, format!("`{name}` is no name for a policy"), Some(help));
            }
            if let Some(path) = self.path(member) {
                loaded.push(PolicyFile::load(name, &path));
            }
        }
        loaded
    }
}
