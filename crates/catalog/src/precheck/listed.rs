//! Whether a catalogue knows what a config names: what it lists, what a registry took away, and what it does
//! not list but can be taken for something that it does.
//!
//! Anybody may publish in a registry, so that being listed proves nothing, and is no reason to suspect either:
//! a name that is listed itself is not compared with the others.

use super::{Finding, Part, Rule, ServerEntry, Way, quoted};
use crate::assessment::Severity;
use crate::launch::{Ecosystem, package_of};
use crate::lookalike::{Compared, KnownNames, Trick};

/// What a registry says of a version of a server, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// In use.
    Active,
    /// Still there, no longer recommended.
    Deprecated,
    /// Taken away, often because it did harm.
    Deleted,
}

impl Status {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Active, Self::Deprecated, Self::Deleted];

    /// Its name in a registry.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deprecated => "deprecated",
            Self::Deleted => "deleted",
        }
    }
}

/// A server as a catalogue lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name, such as `io.github.someone/server`.
    pub name: String,
    /// What its registry says of it.
    pub status: Status,
    /// Its packages, by names as [`package_name`](crate::package_name) has them.
    pub packages: Vec<(Ecosystem, String)>,
    /// The addresses that it is reached at.
    pub addresses: Vec<String>,
}

/// Under which name the catalogue has a server of the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogued {
    /// The server, as the config names it.
    pub entry: String,
    /// The server, as the catalogue names it.
    pub server: String,
    /// What its registry says of it.
    pub status: Status,
}

/// The names of a config, beside which the servers of a catalogue pass one by one: nothing of them is kept
/// but what was found.
#[derive(Debug)]
pub struct Comparison {
    suspects: Vec<Suspect>,
}

/// A name of the config.
#[derive(Debug)]
struct Suspect {
    entry: String,
    part: Part,
    what: What,
    text: String,
    name: Compared,
    /// Whether more need not be said of what it looks like.
    is_judged: bool,
    /// The best that has this very name.
    listed: Option<(Status, String)>,
    /// What it looks most like, and the server that this belongs to.
    alike: Option<(Trick, String, String)>,
}

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Server,
    Package(Ecosystem),
    Address,
}

impl Comparison {
    /// Takes what the entries name. Names that are `known` are not suspected, and what looks like one of those
    /// was told by [`check_entries`](super::check_entries).
    #[must_use]
    pub fn new(entries: &[ServerEntry], known: &KnownNames) -> Self {
        let mut suspects = Vec::new();
        for entry in entries {
            let mut add = |part, what, text: &str| {
                let is_judged = known.contains(text) || known.look(text).is_some();
                let (entry, text) = (entry.name.clone(), text.to_owned());
                let name = Compared::new(&text);
                suspects.push(Suspect {
                    entry,
                    part,
                    what,
                    text,
                    name,
                    is_judged,
                    listed: None,
                    alike: None,
                });
            };
            if is_server_name(&entry.name) {
                add(Part::Name, What::Server, &entry.name);
            }
            match &entry.way {
                Way::Command { program, arguments } => {
                    let package = package_of(program, arguments);
                    if let Some(package) = package.filter(|found| found.ecosystem != Ecosystem::Address) {
                        let what = What::Package(package.ecosystem);
                        add(Part::Argument(package.argument), what, &package.name);
                    }
                }
                Way::Url(url) => add(Part::Url, What::Address, bare(url)),
                Way::Unknown => {}
            }
        }
        Self { suspects }
    }

    /// Whether nothing is to be compared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.suspects.is_empty()
    }

    /// Lets a server of the catalogue pass.
    pub fn pass(&mut self, server: &Listed) {
        self.pass_name(server, What::Server, &server.name);
        for (ecosystem, name) in &server.packages {
            self.pass_name(server, What::Package(*ecosystem), name);
        }
        for address in &server.addresses {
            let address = bare(address);
            for suspect in self.suspects.iter_mut().filter(|suspect| suspect.what == What::Address) {
                if suspect.text.eq_ignore_ascii_case(address) {
                    suspect.found(server);
                }
            }
        }
    }

    fn pass_name(&mut self, server: &Listed, what: What, text: &str) {
        // Of most servers a config has no name of the kind.
        if self.suspects.iter().all(|suspect| suspect.what != what) {
            return;
        }
        let name = Compared::new(text);
        for suspect in self.suspects.iter_mut().filter(|suspect| suspect.what == what) {
            if suspect.name.is(&name) {
                suspect.found(server);
            } else if server.status != Status::Deleted && !suspect.is_judged {
                suspect.compare(&name, (text, &server.name));
            }
        }
    }

    /// What was found, once all have passed.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.suspects.iter().filter_map(Suspect::finding).collect()
    }

    /// The servers of the config that the catalogue has, by the best that it says of each.
    #[must_use]
    pub fn catalogued(&self) -> Vec<Catalogued> {
        let mut all: Vec<Catalogued> = Vec::new();
        for suspect in &self.suspects {
            let Some((status, server)) = suspect.listed.clone() else { continue };
            match all.last_mut().filter(|last| last.entry == suspect.entry) {
                Some(last) if last.status <= status => {}
                Some(last) => (last.status, last.server) = (status, server),
                None => all.push(Catalogued { entry: suspect.entry.clone(), server, status }),
            }
        }
        all
    }
}

impl Suspect {
    /// The catalogue has this very name.
    fn found(&mut self, server: &Listed) {
        let found = (server.status, server.name.as_str());
        let better = self.listed.as_ref().is_none_or(|(status, name)| found < (*status, name.as_str()));
        if better {
            self.listed = Some((found.0, found.1.to_owned()));
        }
    }

    /// The catalogue has another name.
    fn compare(&mut self, name: &Compared, (text, server): (&str, &str)) {
        let trick = match self.what {
            What::Server => self.name.server_trick(name),
            What::Package(_) => self.name.package_trick(name),
            What::Address => None,
        };
        let Some(trick) = trick else { return };
        let better = self.alike.as_ref().is_none_or(|(known, alike, owner)| {
            (trick, text, server) < (*known, alike.as_str(), owner.as_str())
        });
        if better {
            self.alike = Some((trick, text.to_owned(), server.to_owned()));
        }
    }

    fn finding(&self) -> Option<Finding> {
        let finding = |rule, severity, message, identity| Finding {
            rule,
            severity,
            server: self.entry.clone(),
            tool: None,
            part: self.part.clone(),
            message,
            identity,
        };
        let name = quoted(&self.text);
        if let Some((status, server)) = &self.listed {
            let (severity, says) = match status {
                Status::Active => return None,
                Status::Deprecated => (Severity::Low, "no longer recommends"),
                Status::Deleted => (Severity::High, "has deleted"),
            };
            let message = match self.what {
                What::Server => format!("the server {name} is one that its registry {says}"),
                What::Package(_) | What::Address => {
                    format!("{name} belongs to {}, which its registry {says}", quoted(server))
                }
            };
            return Some(finding(Rule::WithdrawnServer, severity, message, says.to_owned()));
        }
        let (trick, known, server) = self.alike.as_ref()?;
        let known = quoted(known);
        let (is_ascii, means) = (self.text.is_ascii(), trick.meaning());
        let message = match self.what {
            What::Server => {
                format!(
                    "the server's name {name} is not in the catalogue and can be taken for {known}, which is: it {means}"
                )
            }
            // What no package has in its name was told without a catalogue.
            What::Package(_) | What::Address if !is_ascii => return None,
            What::Package(_) | What::Address => {
                let server = quoted(server);
                format!(
                    "{name} is not in the catalogue and can be taken for {known} of {server}, which is: it {means}"
                )
            }
        };
        // No name of a registry has other characters than ASCII's.
        let severity = if is_ascii { Severity::Medium } else { Severity::High };
        // What it looks most like may change with the catalogue; that it is not what is listed does not.
        Some(finding(Rule::LookAlikeName, severity, message, format!("not in the catalogue: {}", self.text)))
    }
}

/// Whether an entry stands under the name that a registry has for its server: `namespace/name`, the namespace a
/// domain turned round. Other names are the config's own.
fn is_server_name(text: &str) -> bool {
    let fits = |part: &str| !part.is_empty() && !part.contains(['/', ':', ' ']);
    text.split_once('/').is_some_and(|(space, name)| space.contains('.') && fits(space) && fits(name))
}

/// An address without what may differ, or be secret.
fn bare(url: &str) -> &str {
    url.trim().split(['?', '#']).next().unwrap_or_default().trim_end_matches('/')
}

#[cfg(test)]
mod tests;
