//! The config file: read with every place kept, checked against the table of keys, and turned into the
//! gateway's settings. All mistakes are reported, those of the policies that it names too.

mod grant;
mod key;
mod limit;
mod listen;
mod offer;
mod policy;
mod scalar;
mod secret;
mod server;
pub(crate) mod unit;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toolgate_gateway::settings::Settings;
use toolgate_policy::{Format, Located, Place, Plan, Problem, Problems, Severity, Shape};

use crate::environment::Environment;
use scalar::Reader;

pub(crate) use listen::{default_console, default_listen};
pub(crate) use policy::PolicyFile;
pub(crate) use scalar::{Unexpanded, expand};
pub(crate) use toolgate_gateway::rules::{is_label, is_policy_name, is_server_name, is_tag};

/// What the command line says in place of the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// `--data-dir`, relative to the working directory.
    pub(crate) data_dir: Option<PathBuf>,
    /// `--listen`
    pub(crate) listen: Option<SocketAddr>,
    /// `--console`
    pub(crate) console: Option<SocketAddr>,
}

/// Something to say about a file.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// The file, as a message names it.
    pub(crate) file: PathBuf,
    /// What is to be said.
    pub(crate) problem: Problem,
}

impl Finding {
    /// The finding on one line.
    pub(crate) fn render(&self) -> String {
        self.problem.render(&self.file.display().to_string())
    }

    /// Whether the file cannot be used because of it.
    pub(crate) fn is_error(&self) -> bool {
        self.problem.severity == Severity::Error
    }

    /// A file that could not be read.
    pub(crate) fn unreadable(file: &Path, error: &io::Error) -> Self {
        let problem = Problem {
            severity: Severity::Error,
            position: None,
            pointer: String::new(),
            message: format!("cannot read the file: {error}"),
            help: None,
        };
        Self { file: file.to_owned(), problem }
    }
}

/// What came of reading a config file.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The settings; none if there is an error among the findings.
    pub(crate) settings: Option<Settings>,
    /// Every file that was looked at, whether or not it could be read.
    pub(crate) files: Vec<PathBuf>,
    /// Name and file of each policy.
    pub(crate) policies: Vec<(String, PathBuf)>,
    /// What concerns the control plane alone.
    pub(crate) administration: Administration,
    /// Errors and warnings.
    pub(crate) findings: Vec<Finding>,
}

/// What the file says about looking at the gateway and changing it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Administration {
    /// Whether servers that are commands may be added through the admin API.
    pub(crate) allow_commands: bool,
    /// Whether there is an audit index.
    pub(crate) index: bool,
    /// The limits that the file sets, so that nothing else may.
    pub(crate) limits: BTreeSet<String>,
    /// How long events can be searched; none for ever.
    pub(crate) keep_events: Option<Duration>,
    /// How long sums are kept; none for ever.
    pub(crate) keep_sums: Option<Duration>,
    /// Names of servers of the catalogue that are offered to others.
    pub(crate) offer: Vec<String>,
}

/// What is known while a config file is turned into settings.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// What `${NAME}` stands for.
    pub(crate) environment: &'a Environment,
    /// What the command line says in place of the file.
    pub(crate) overrides: &'a Overrides,
}

/// Reads a config file and the policies that it names.
pub(crate) fn read(path: &Path, surroundings: Surroundings<'_>) -> Reading {
    match std::fs::read_to_string(path) {
        Ok(text) => read_text(&text, path, surroundings),
        Err(error) => failed(path, vec![Finding::unreadable(path, &error)]),
    }
}

/// Reads the text of a config file that stands at `path`.
pub(crate) fn read_text(text: &str, path: &Path, surroundings: Surroundings<'_>) -> Reading {
    match Located::read(text, format_of(path, text)) {
        Ok(tree) => check(tree.root(), path, surroundings),
        Err(problems) => failed(path, in_file(path, problems).collect()),
    }
}

/// What can be told of a config file whatever else is wrong with it: commands that must work on a broken
/// file, such as revoking a grant, need no more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    /// The data directory; none if its value is wrong.
    pub(crate) data_dir: Option<PathBuf>,
    /// The labels of the grants.
    pub(crate) grants: Vec<OutlinedGrant>,
}

/// A grant of an outline.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OutlinedGrant {
    /// Its label.
    pub(crate) label: String,
    /// Whether the file says what its token is.
    pub(crate) brings_token: bool,
}

/// The outline of a config file; none if it cannot be read or parsed.
pub(crate) fn outline(path: &Path, environment: &Environment) -> Option<Outline> {
    let text = std::fs::read_to_string(path).ok()?;
    let tree = Located::read(&text, format_of(path, &text)).ok()?;
    let mut reader = Reader { environment, directory: folder(path), problems: Problems::new() };
    let data_dir = match tree.root().get("data_dir") {
        Some(place) => reader.path(place),
        None => Some(folder(path).join(DATA_DIR)),
    };
    let grants = tree.root().get("grants").into_iter().flat_map(Place::members);
    let outlined = |grant: Place<'_>| OutlinedGrant {
        label: grant.name().unwrap_or_default().to_owned(),
        brings_token: grant.get("token_sha256").or(grant.get("token_env")).is_some(),
    };
    Some(Outline { data_dir, grants: grants.map(outlined).collect() })
}

/// Whether the root of a file looks like a config file rather than a policy: by which of the two knows
/// more of its keys (`limits` may be misplaced in a policy, and does not count).
pub(crate) fn is_config(root: Place<'_>) -> bool {
    const OF_POLICIES: [&str; 8] =
        ["version", "default", "mode", "hide", "all_tools", "tools", "resources", "prompts"];
    let names = || root.members().filter_map(Place::name);
    let of_config = names().filter(|name| *name != "limits" && key::CONFIG.field(name).is_some()).count();
    of_config > 0 && of_config >= names().filter(|name| OF_POLICIES.contains(name)).count()
}

/// Where the data directory is if nothing says otherwise.
pub(crate) const DATA_DIR: &str = ".toolgate";

/// The folder that relative paths of a file start at; empty for the working directory.
fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn check(root: Place<'_>, path: &Path, surroundings: Surroundings<'_>) -> Reading {
    static ROOT: Shape = Shape::Object(&key::CONFIG);
    let mut reader =
        Reader { environment: surroundings.environment, directory: folder(path), problems: Problems::new() };
    ROOT.check(root, &mut reader.problems);
    let policies = reader.policies(root.get("policies"));
    let settings = settings(&mut reader, root, (&policies, surroundings.overrides));
    let administration = administration(&mut reader, root);
    let files =
        std::iter::once(path.to_owned()).chain(policies.iter().map(|policy| policy.path.clone())).collect();
    let named = policies.iter().map(|policy| (policy.name.clone(), policy.path.clone())).collect();
    let mut findings: Vec<_> = in_file(path, reader.problems.into_sorted()).collect();
    findings.extend(policies.into_iter().flat_map(|policy| policy.findings));
    let settings = settings.filter(|_| !findings.iter().any(Finding::is_error));
    Reading { settings, files, policies: named, administration, findings }
}

fn administration(reader: &mut Reader<'_>, root: Place<'_>) -> Administration {
    let allow_commands = root.get("allow_commands_from_api").and_then(|flag| reader.flag(flag));
    let index = root.get("index").and_then(|index| index.get("enabled")).and_then(|flag| reader.flag(flag));
    let mut keep = |name: &str| root.get("index")?.get(name).and_then(|age| reader.duration(age));
    Administration {
        index: index.unwrap_or(true),
        keep_events: keep("keep_events"),
        keep_sums: keep("keep_sums"),
        offer: reader.list(root.get("catalog").and_then(|place| place.get("offer")), Reader::offered),
        allow_commands: allow_commands.unwrap_or(false),
        limits: limit::set_in(root.get("limits")),
    }
}

/// The settings, as far as they can be told.
fn settings(
    reader: &mut Reader<'_>,
    root: Place<'_>,
    (policies, overrides): (&[PolicyFile], &Overrides),
) -> Option<Settings> {
    let listen = reader.listen(root, overrides);
    let servers = reader.servers(root.get("servers"));
    let known = grant::Known::new(root, policies);
    let grants = reader.grants(root.get("grants"), &known);
    let data_dir = match (&overrides.data_dir, root.get("data_dir")) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(place)) => reader.path(place),
        (None, None) => Some(reader.directory.join(DATA_DIR)),
    };
    let limits = reader.limits(root.get("limits"));
    let journal = reader.journal(root.get("journal"));
    let workers = root.get("workers").map_or(Some(0), |place| reader.count(place, 0..=1024));
    let plans: Vec<Arc<Plan>> = policies.iter().filter_map(|policy| policy.plan.clone()).collect();
    Some(Settings {
        listen: listen.listen?,
        console: listen.console?,
        data_dir: data_dir?,
        workers: workers?,
        tls: listen.tls,
        console_tls: listen.console_tls,
        console_url: listen.console_url,
        trusted_proxies: listen.trusted_proxies,
        servers,
        policies: plans,
        grants,
        allowed_hosts: listen.allowed_hosts,
        allowed_origins: listen.allowed_origins,
        limits,
        journal,
    })
}

fn in_file(file: &Path, problems: Vec<Problem>) -> impl Iterator<Item = Finding> {
    problems.into_iter().map(move |problem| Finding { file: file.to_owned(), problem })
}

fn failed(path: &Path, findings: Vec<Finding>) -> Reading {
    let administration = Administration::default();
    Reading { settings: None, files: vec![path.to_owned()], policies: Vec::new(), administration, findings }
}

/// The notation of a file: by its name, and for any other name by its first character.
pub(crate) fn format_of(path: &Path, text: &str) -> Format {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "json" => Format::Json,
        "yaml" | "yml" => Format::Yaml,
        _ if text.trim_start().starts_with('{') => Format::Json,
        _ => Format::Yaml,
    }
}

#[cfg(test)]
mod tests;
