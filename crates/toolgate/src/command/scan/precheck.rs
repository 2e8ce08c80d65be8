//! `toolgate scan --config FILE`: whether the servers that a client's config names may be let in, for people
//! and for CI.

mod accepted;
mod catalogue;
mod client_config;
mod comments;
mod markdown;
mod outcome;
mod sarif;
mod servers;
mod text;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use toolgate_catalog::precheck::{Finding, check_entries, check_tools};
use toolgate_catalog::{KnownNames, Severity, well_known};

use crate::answer::{Done, Failure};
use crate::data_dir;
use crate::shell::{Shell, counted, printable};

use accepted::Accepted;
use client_config::ClientConfig;
use outcome::{Looked, Outcome};

/// The longest file of names.
const NAMES_FILE: u64 = 64 << 20;

/// The options of a precheck.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Check the servers of a client's config (`.mcp.json`, `mcp.json`, `toolgate.yaml`): starts and asks them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "command", "definitions"])]
    config: Option<PathBuf>,
    /// The least severity that makes the answer no; `high` if nothing is said
    #[arg(long, value_enum, value_name = "SEVERITY", requires = "config")]
    fail_on: Option<Least>,
    /// How the report is written
    #[arg(long, value_enum, value_name = "FORMAT", requires = "config", conflicts_with = "json")]
    format: Option<Format>,
    /// Write the report to a file
    #[arg(long, value_name = "FILE", requires = "config")]
    output: Option<PathBuf>,
    /// Start and reach nothing: check only what is written in the file
    #[arg(long, requires = "config")]
    no_start: bool,
    /// More names that look-alikes are searched for, one a line
    #[arg(long, value_name = "FILE", requires = "config")]
    names: Option<PathBuf>,
    /// The data directory whose catalogue names are compared with [default: that of toolgate.yaml, else ./.toolgate]
    #[arg(long, value_name = "DIR", requires = "config")]
    data_dir: Option<PathBuf>,
    /// Fingerprints of findings that are accepted, one a line, each with a reason behind it
    #[arg(long, value_name = "FILE", requires = "config")]
    accepted: Option<PathBuf>,
}

impl Options {
    /// The config to check, if that is what was asked for.
    pub(super) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Whether an option was given that says something about a config alone. The parser does not tell where
    /// the command line names something else to scan.
    pub(super) fn is_asked(&self) -> bool {
        self.fail_on.is_some()
            || self.format.is_some()
            || self.output.is_some()
            || self.no_start
            || self.names.is_some()
            || self.data_dir.is_some()
            || self.accepted.is_some()
    }

    fn least(&self) -> Severity {
        self.fail_on.unwrap_or_default().into()
    }
}

/// A severity as it is typed.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Least {
    Low,
    Medium,
    #[default]
    High,
    Critical,
}

impl From<Least> for Severity {
    fn from(least: Least) -> Self {
        match least {
            Least::Low => Self::Low,
            Least::Medium => Self::Medium,
            Least::High => Self::High,
            Least::Critical => Self::Critical,
        }
    }
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object
    Json,
    /// A table for a comment on a pull request
    Markdown,
    /// SARIF 2.1.0 for code scanning
    Sarif,
}

/// Whether `--json` was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Json {
    /// It was.
    Asked,
    /// It was not.
    NotAsked,
}

pub(super) fn run(
    file: &Path,
    options: &Options,
    (patience, json): (Duration, Json),
    shell: &mut Shell,
) -> Done {
    let config = ClientConfig::read(file)?;
    let known = known_names(options.names.as_deref())?;
    let accepted = options.accepted.as_deref().map(Accepted::read).transpose()?.unwrap_or_default();
    let entries: Vec<_> = config.entries.iter().map(|entry| entry.written.clone()).collect();
    let mut findings = check_entries(&entries, &known);
    let directory = data_dir::Options::of(options.data_dir.clone());
    let (compared, of_names) = catalogue::compare(&entries, &known, &directory, &shell.environment);
    findings.extend(of_names);
    let looked = look(&config, options, patience, &mut findings, shell)?;
    let outcome = Outcome::new((&config, looked, compared), findings, options.least(), &accepted);
    for unused in &outcome.unused {
        shell.note(format_args!("note: the accepted `{unused}` is no longer found; its line can go"))?;
    }
    let format = match (options.format, json) {
        (Some(format), _) => format,
        (None, Json::Asked) => Format::Json,
        (None, Json::NotAsked) => Format::Text,
    };
    let report = match format {
        Format::Text => text::render(&outcome, shell, options.output.is_some()),
        Format::Json => format!("{}\n", serde_json::to_string(&outcome.to_json())?),
        Format::Markdown => markdown::render(&outcome),
        Format::Sarif => format!("{}\n", serde_json::to_string_pretty(&sarif::render(&outcome))?),
    };
    match &options.output {
        Some(path) => {
            std::fs::write(path, report).map_err(|error| {
                Failure::unreachable(anyhow!("cannot write `{}`: {error}", path.display()))
            })?;
            shell.line(outcome.summary())?;
        }
        None => shell.out.write_all(report.as_bytes())?,
    }
    Ok(outcome.answer())
}

/// Asks the servers for their tools, unless that is not wanted, and adds what is found.
fn look(
    config: &ClientConfig,
    options: &Options,
    patience: Duration,
    findings: &mut Vec<Finding>,
    shell: &mut Shell,
) -> Result<Vec<Looked>, Failure> {
    if options.no_start {
        return Ok(config.entries.iter().map(|_| Looked::Not).collect());
    }
    if !config.entries.is_empty() {
        shell.note(format_args!(
            "note: starting and reaching {} of `{}` to list the tools; `--no-start` reads the file alone",
            counted(config.entries.len() as u64, "server"),
            printable(&config.file)
        ))?;
    }
    let asked = servers::ask_all(&config.entries, patience, &shell.environment)?;
    let mut looked = Vec::new();
    for (entry, asked) in config.entries.iter().zip(asked) {
        let name = &entry.written.name;
        looked.push(match asked {
            Ok(tools) => {
                findings.extend(check_tools(name, &tools, options.least()));
                Looked::Listed(tools.len())
            }
            Err(unlisted) => {
                findings.push(Finding::unlisted(name, &unlisted.why));
                for line in &unlisted.printed {
                    shell.note(format_args!("{}: {}", printable(name), printable(line)))?;
                }
                Looked::Failed
            }
        });
    }
    Ok(looked)
}

/// The names that look-alikes are searched for.
fn known_names(file: Option<&Path>) -> Result<KnownNames, Failure> {
    let Some(path) = file else { return Ok(KnownNames::new(well_known())) };
    let text = client_config::read_file(path, NAMES_FILE)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(KnownNames::new(well_known().iter().copied().chain(lines)))
}
