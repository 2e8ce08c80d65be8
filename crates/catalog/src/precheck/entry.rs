//! What the entries of a config say: which packages they fetch, what stands in them, and where they lead.

use std::net::IpAddr;

use super::{Finding, Rule, quoted};
use crate::assessment::Severity;
use crate::credential::{Credential, credential_in, names_secret};
use crate::launch::{Ecosystem, Package, Pinning, package_of};
use crate::lookalike::{KnownNames, Trick};

/// A server as a config names it; texts are as written there, with nothing filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEntry {
    /// Its name.
    pub name: String,
    /// How it is reached.
    pub way: Way,
    /// Names and values of its variables.
    pub variables: Vec<(String, String)>,
    /// Names and values of the headers that are sent to it.
    pub headers: Vec<(String, String)>,
}

/// How a server is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// A program that is started.
    Command {
        /// The program.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// An address.
    Url(String),
    /// The entry does not say.
    #[default]
    Unknown,
}

/// A part of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The name that it stands under.
    Name,
    /// The argument of this number, counted from 0.
    Argument(usize),
    /// The variable of this name.
    Variable(String),
    /// The header of this name.
    Header(String),
    /// The address.
    Url,
}

/// Everything that can be told of entries without starting or asking anything.
#[must_use]
pub fn check_entries(entries: &[ServerEntry], known: &KnownNames) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let earlier = entries.iter().take(at).map(|entry| entry.name.as_str());
        let mut checked = Checked { entry, findings: &mut findings };
        checked.name(known, &KnownNames::new(earlier));
        match &entry.way {
            Way::Command { program, arguments } => {
                if let Some(package) = package_of(program, arguments) {
                    checked.package(&package, known);
                }
                checked.arguments(arguments);
            }
            Way::Url(url) => checked.url(url),
            Way::Unknown => {}
        }
        for (name, value) in &entry.variables {
            checked.secret(name, value, &Part::Variable(name.clone()));
        }
        for (name, value) in &entry.headers {
            checked.secret(name, value, &Part::Header(name.clone()));
        }
    }
    findings
}

struct Checked<'a> {
    entry: &'a ServerEntry,
    findings: &'a mut Vec<Finding>,
}

impl Checked<'_> {
    fn add(&mut self, (rule, severity): (Rule, Severity), part: Part, message: String, identity: &str) {
        let server = self.entry.name.clone();
        let identity = identity.to_owned();
        self.findings.push(Finding { rule, severity, server, tool: None, part, message, identity });
    }

    /// People choose the names of entries; only those that seem to be another one say something.
    fn name(&mut self, known: &KnownNames, earlier: &KnownNames) {
        let name = &self.entry.name;
        let found =
            earlier.look(name).filter(|found| found.trick == Trick::Confusable).or_else(|| known.look(name));
        let Some(found) = found else { return };
        let severity = match found.trick {
            Trick::Confusable => Severity::High,
            Trick::Publisher | Trick::Misspelling => Severity::Medium,
            Trick::Separators | Trick::WordOrder => return,
        };
        let message = format!(
            "the server's name {} can be taken for {}: it {}",
            quoted(name),
            quoted(&found.known),
            found.trick.meaning()
        );
        self.add((Rule::LookAlikeName, severity), Part::Name, message, &found.known);
    }

    fn package(&mut self, package: &Package, known: &KnownNames) {
        let name = quoted(&package.name);
        let part = Part::Argument(package.argument);
        if let Some(found) = known.look(&package.name).filter(|_| package.ecosystem != Ecosystem::Address) {
            let severity = match found.trick {
                Trick::Confusable | Trick::Publisher | Trick::Misspelling => Severity::High,
                Trick::Separators | Trick::WordOrder => Severity::Medium,
            };
            let message =
                format!("{name} can be taken for {}: it {}", quoted(&found.known), found.trick.meaning());
            self.add((Rule::LookAlikeName, severity), part.clone(), message, &found.known);
        } else if !package.name.is_ascii() && package.ecosystem != Ecosystem::Address {
            let message = format!("{name} holds characters that no package or image has in its name");
            self.add((Rule::LookAlikeName, Severity::High), part.clone(), message, &package.name);
        }
        let message = match &package.pinning {
            Pinning::Exact => return,
            Pinning::Absent => format!("{name} is started without a version, so the newest one runs"),
            Pinning::Moving(version) => {
                format!("{name} is started as {}, which is not always the same version", quoted(version))
            }
        };
        let rule = Rule::UnpinnedPackage;
        self.add((rule, rule.severity()), part, message, &package.name);
    }

    fn arguments(&mut self, arguments: &[String]) {
        for (at, argument) in arguments.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|at| arguments.get(at)).map_or("", String::as_str);
            let (name, value) = named_value(before, argument);
            self.secret(name, value, &Part::Argument(at));
        }
    }

    fn secret(&mut self, name: &str, value: &str, part: &Part) {
        let Some(Credential { what, by: _ }) = credential_in(name, value) else { return };
        let place = match part {
            Part::Variable(name) => format!("the variable {}", quoted(name)),
            Part::Header(name) => format!("the header {}", quoted(name)),
            Part::Argument(at) => format!("argument {}", at + 1),
            Part::Url => "the address".to_owned(),
            Part::Name => "the name".to_owned(),
        };
        let message = format!("{place} of {} holds {what}", quoted(&self.entry.name));
        let rule = Rule::LiteralSecret;
        self.add((rule, rule.severity()), part.clone(), message, &place);
    }

    fn url(&mut self, url: &str) {
        self.secret("", url, &Part::Url);
        let query = url.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            // A token of a known form was told above.
            if credential_in("", value).is_none() && (names_secret(name) || name == "key") {
                self.secret("token", value, &Part::Url);
            }
        }
        let Some(host) = plain_host(url) else { return };
        let severity = match far(host) {
            Some(severity) => severity,
            None => return,
        };
        let message = format!("{} is reached over plain HTTP at {}", quoted(&self.entry.name), quoted(host));
        self.add((Rule::PlainHttp, severity), Part::Url, message, host);
    }
}

/// The value that an argument brings, and the name that it stands under: `--name=value`, `--name value`,
/// `NAME=value`, `Name: value`.
fn named_value<'a>(before: &'a str, argument: &'a str) -> (&'a str, &'a str) {
    if let Some((name, value)) = argument.split_once(": ") {
        return (name, value);
    }
    match argument.split_once('=') {
        Some((name, value)) if !name.is_empty() && !name.contains("://") => (name, value),
        _ if before.starts_with('-') && !before.contains('=') && !argument.starts_with('-') => {
            (before, argument)
        }
        _ => ("", argument),
    }
}

/// The host of an `http` address, where it is written out.
fn plain_host(url: &str) -> Option<&str> {
    let (scheme, rest) = url.trim().split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty() && !host.contains('$')).then_some(host)
}

/// How bad it is to talk to this host in the clear; none on the same machine.
fn far(host: &str) -> Option<Severity> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = host.parse::<IpAddr>() {
        let near = match address {
            IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
        };
        let here = address.is_loopback() || address.is_unspecified();
        return (!here).then_some(if near { Severity::Medium } else { Severity::High });
    }
    if host == "localhost" || host.ends_with(".localhost") || host == "host.docker.internal" {
        return None;
    }
    let near = !host.contains('.') || [".local", ".internal", ".lan"].iter().any(|end| host.ends_with(end));
    Some(if near { Severity::Medium } else { Severity::High })
}
