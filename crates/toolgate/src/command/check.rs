//! `toolgate check`: every mistake of config and policy files, with its place and what to do.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use toolgate_policy::{Located, Severity};

use crate::answer::{Answer, Done};
use crate::config::{self, Finding, Overrides, PolicyFile, Surroundings, format_of};
use crate::environment::Environment;
use crate::shell::{Shell, Tone, counted, printable};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Config files (checked with the policies that they name) and policy files, YAML or JSON
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The finding as `--json` prints it.
#[derive(Serialize)]
struct JsonFinding<'a> {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    severity: &'static str,
    pointer: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonReport<'a> {
    ok: bool,
    files: Vec<String>,
    findings: Vec<JsonFinding<'a>>,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let mut looked_at = Vec::new();
    let mut findings = Vec::new();
    for file in &arguments.files {
        let (files, found) = check(file, &shell.environment);
        looked_at.extend(files);
        findings.extend(found);
    }
    // A policy that several files name is told about once.
    let mut seen = HashSet::new();
    findings.retain(|finding| seen.insert(finding.render()));
    let mut seen = HashSet::new();
    looked_at.retain(|file| seen.insert(file.clone()));
    let ok = !findings.iter().any(Finding::is_error);
    if arguments.json {
        let files = looked_at.iter().map(|file| file.display().to_string()).collect();
        shell.json(&JsonReport { ok, files, findings: findings.iter().map(json).collect() })?;
    } else {
        print(&findings, &looked_at, shell)?;
    }
    Ok(if ok { Answer::Yes } else { Answer::No })
}

/// Checks one file; which kind it is shows in its content.
fn check(file: &Path, environment: &Environment) -> (Vec<PathBuf>, Vec<Finding>) {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return (vec![file.to_owned()], vec![Finding::unreadable(file, &error)]),
    };
    let tree = match Located::read(&text, format_of(file, &text)) {
        Ok(tree) => tree,
        Err(problems) => {
            let finding = |problem| Finding { file: file.to_owned(), problem };
            return (vec![file.to_owned()], problems.into_iter().map(finding).collect());
        }
    };
    if config::is_config(tree.root()) {
        let surroundings = Surroundings { environment, overrides: &Overrides::default() };
        let reading = config::read_text(&text, file, surroundings);
        return (reading.files, reading.findings);
    }
    let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("policy");
    (vec![file.to_owned()], PolicyFile::load(name, file).findings)
}

fn json(finding: &Finding) -> JsonFinding<'_> {
    let problem = &finding.problem;
    JsonFinding {
        file: finding.file.display().to_string(),
        line: problem.position.map(|position| position.line),
        column: problem.position.map(|position| position.column),
        severity: problem.severity.name(),
        pointer: &problem.pointer,
        message: &problem.message,
        help: problem.help.as_deref(),
    }
}

fn print(findings: &[Finding], files: &[PathBuf], shell: &mut Shell) -> std::io::Result<()> {
    for finding in findings {
        let problem = &finding.problem;
        let mut place = printable(&finding.file.display().to_string());
        if let Some(position) = problem.position {
            place = format!("{place}:{position}");
        }
        let tone = if finding.is_error() { Tone::Bad } else { Tone::Doubtful };
        let severity = shell.toned(tone, problem.severity.name());
        let at = if problem.pointer.is_empty() {
            String::new()
        } else {
            format!(" (at {})", printable(&problem.pointer))
        };
        shell.line(format_args!("{place}: {severity}: {}{at}", printable(&problem.message)))?;
        if let Some(help) = &problem.help {
            shell.line(format_args!("  help: {}", printable(help)))?;
        }
    }
    let count = |severity| findings.iter().filter(|finding| finding.problem.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let summary = format!(
        "{}, {} in {}",
        counted(errors as u64, "error"),
        counted(warnings as u64, "warning"),
        counted(files.len() as u64, "file")
    );
    let tone = if errors > 0 { Tone::Bad } else { Tone::Good };
    let summary = shell.toned(tone, &summary);
    shell.line(summary)
}
