//! What a precheck came to: findings with their places, what was accepted, and the answer.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use toolgate_catalog::Severity;
use toolgate_catalog::precheck::{Finding, Rule};
use toolgate_json::Position;

use super::accepted::Accepted;
use super::catalogue::Compared;
use super::client_config::ClientConfig;
use crate::answer::Answer;
use crate::shell::counted;

/// Whether a server was asked for its tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// It was not to be asked.
    Not,
    /// It listed so many.
    Listed(usize),
    /// It could not be asked.
    Failed,
}

/// A finding with all that reports say about it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) finding: Finding,
    pub(super) position: Position,
    /// The same at every run, wherever the entry moves.
    pub(super) fingerprint: String,
    /// Why it is accepted, if it is.
    pub(super) accepted: Option<String>,
}

/// What a precheck came to.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The config, as reports name it.
    pub(super) file: String,
    /// The servers in their order.
    pub(super) servers: Vec<(String, Looked)>,
    /// What their names were compared with.
    pub(super) compared: Compared,
    /// The findings, the worst first.
    pub(super) findings: Vec<Told>,
    /// The least severity that makes the answer no.
    pub(super) fail_on: Severity,
    /// Accepted fingerprints that nothing has any more.
    pub(super) unused: Vec<String>,
}

impl Outcome {
    pub(super) fn new(
        (config, looked, compared): (&ClientConfig, Vec<Looked>, Compared),
        findings: Vec<Finding>,
        fail_on: Severity,
        accepted: &Accepted,
    ) -> Self {
        let mut told: Vec<Told> =
            findings.into_iter().map(|finding| tell(finding, config, accepted)).collect();
        told.sort_by(|a, b| {
            let rank = |told: &Told| (std::cmp::Reverse(told.finding.severity), told.finding.rule);
            rank(a)
                .cmp(&rank(b))
                .then_with(|| (a.position.line, a.position.column).cmp(&(b.position.line, b.position.column)))
        });
        let unused =
            accepted.fingerprints().filter(|known| told.iter().all(|told| told.fingerprint != *known));
        let unused = unused.map(str::to_owned).collect();
        let names = config.entries.iter().map(|entry| entry.written.name.clone());
        let servers = names.zip(looked).collect();
        Self { file: config.file.clone(), servers, compared, findings: told, fail_on, unused }
    }

    /// The findings that nobody has accepted.
    pub(super) fn open(&self) -> impl Iterator<Item = &Told> {
        self.findings.iter().filter(|told| told.accepted.is_none())
    }

    /// How many of those make the answer no. That a server could not be asked is an answer of its own.
    pub(super) fn failing(&self) -> usize {
        let fails =
            |told: &&Told| told.finding.rule != Rule::UnlistedServer && told.finding.severity >= self.fail_on;
        self.open().filter(fails).count()
    }

    /// The answer.
    pub(super) fn answer(&self) -> Answer {
        if self.failing() > 0 {
            return Answer::No;
        }
        let unlisted = self.open().any(|told| told.finding.rule == Rule::UnlistedServer);
        if unlisted { Answer::Unreachable } else { Answer::Yes }
    }

    /// All of it on one line.
    pub(super) fn summary(&self) -> String {
        let listed: Vec<usize> = self.servers.iter().filter_map(|(_, looked)| tools(*looked)).collect();
        let open = self.open().count();
        let severities: Vec<String> = Severity::ALL
            .into_iter()
            .rev()
            .map(|severity| (severity, self.open().filter(|told| told.finding.severity == severity).count()))
            .filter(|(_, count)| *count > 0)
            .map(|(severity, count)| format!("{count} {}", severity.name()))
            .collect();
        let severities =
            if severities.is_empty() { String::new() } else { format!(" ({})", severities.join(", ")) };
        let tools = match (listed.is_empty(), self.servers.is_empty()) {
            (false, _) => format!(", {}", counted(listed.iter().sum::<usize>() as u64, "tool")),
            (true, true) => String::new(),
            (true, false) => ", no tools listed".to_owned(),
        };
        let accepted = match self.findings.len() - open {
            0 => String::new(),
            count => format!(", {count} accepted"),
        };
        format!(
            "{}{tools}; {}{severities}{accepted}; {} at `{}` or above",
            counted(self.servers.len() as u64, "server"),
            counted(open as u64, "finding"),
            match self.failing() {
                0 => "none".to_owned(),
                count => count.to_string(),
            },
            self.fail_on.name()
        )
    }

    /// The report as one JSON value.
    pub(super) fn to_json(&self) -> Value {
        let server = |(name, looked): &(String, Looked)| {
            let listed = match looked {
                Looked::Not => Value::Null,
                Looked::Listed(_) => json!(true),
                Looked::Failed => json!(false),
            };
            let mut value = json!({"name": name, "listed": listed, "tools": tools(*looked)});
            if let (Some(found), Some(members)) = (self.compared.of_entry(name), value.as_object_mut()) {
                members.insert("catalogued".to_owned(), found);
            }
            value
        };
        let finding = |told: &Told| {
            let mut value = json!({
                "rule": told.finding.rule.id(), "severity": told.finding.severity.name(),
                "server": told.finding.server, "file": self.file, "line": told.position.line,
                "column": told.position.column, "message": told.finding.message,
                "why": told.finding.rule.why(), "advice": told.finding.rule.advice(),
                "fingerprint": told.fingerprint,
            });
            for (name, text) in [("tool", &told.finding.tool), ("accepted", &told.accepted)] {
                if let (Some(text), Some(members)) = (text, value.as_object_mut()) {
                    members.insert(name.to_owned(), json!(text));
                }
            }
            value
        };
        json!({
            "ok": self.answer() == Answer::Yes, "file": self.file, "fail_on": self.fail_on.name(),
            "failing": self.failing(), "catalog": self.compared.to_json(),
            "servers": self.servers.iter().map(server).collect::<Vec<_>>(),
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    }
}

fn tools(looked: Looked) -> Option<usize> {
    match looked {
        Looked::Listed(count) => Some(count),
        Looked::Not | Looked::Failed => None,
    }
}

fn tell(finding: Finding, config: &ClientConfig, accepted: &Accepted) -> Told {
    let entry = config.entries.iter().find(|entry| entry.written.name == finding.server);
    let position = entry.map_or(Position { line: 1, column: 1 }, |entry| entry.position(&finding.part));
    let fingerprint = fingerprint(&finding);
    let accepted = accepted.reason(&fingerprint).map(str::to_owned);
    Told { finding, position, fingerprint, accepted }
}

/// The first 32 hexadecimal digits of SHA-256 over what makes the finding this one.
fn fingerprint(finding: &Finding) -> String {
    let mut hash = Sha256::new();
    for part in [finding.rule.id(), &finding.server, finding.tool.as_deref().unwrap_or(""), &finding.identity]
    {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
