//! The compiled policy: types that cannot hold what a document may not say. Immutable, shared by
//! reference, and asked by `decide`, `explain` and `listing`.

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;

use crate::call::ServerRequest;
use crate::condition::Condition;
use crate::glob::Glob;
use crate::limit::Limit;
use crate::path::Path;
use crate::schema::Schema;

/// A policy that was read, checked and compiled.
#[derive(Debug)]
pub struct Plan {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) default: Effect,
    pub(crate) mode: Mode,
    pub(crate) listing: Listing,
    pub(crate) hide: Names,
    pub(crate) all_tools: Rules,
    pub(crate) tools: Section,
    pub(crate) resources: Section,
    pub(crate) prompts: Section,
    pub(crate) server_requests: ServerRequests,
    pub(crate) limits: Vec<Limit>,
    pub(crate) record_arguments: bool,
    pub(crate) report_budget: bool,
    pub(crate) zone: TimeZone,
}

/// What holds where no rule speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// Whether a rule refuses or only records that it would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Enforce,
    Shadow,
}

/// Which tools lists show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    Callable,
    All,
}

/// Names and globs.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) exact: HashSet<Box<str>>,
    pub(crate) globs: Vec<Glob>,
}

impl Names {
    pub(crate) fn matches(&self, name: &str) -> bool {
        (!self.exact.is_empty() && self.exact.contains(name))
            || self.globs.iter().any(|glob| glob.matches(name))
    }
}

/// The entries for one kind of thing: tools, resources or prompts.
#[derive(Debug, Default)]
pub(crate) struct Section {
    pub(crate) exact: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    /// Heaviest first.
    pub(crate) globs: Vec<(Glob, usize)>,
    pub(crate) entries: Vec<Entry>,
    /// Whether some entry says `action: deny`: only then must all that match be looked at.
    pub(crate) has_denials: bool,
}

impl Section {
    /// All entries that match, the one that applies first.
    pub(crate) fn matching<'p>(&'p self, name: &str) -> impl Iterator<Item = &'p Entry> {
        let exact = self.exact.get(name).into_iter();
        let globs = self.globs.iter().filter(move |(glob, _)| glob.matches(name)).map(|(_, entry)| entry);
        exact.chain(globs).filter_map(|entry| self.entries.get(*entry))
    }
}

/// What a document says about the names that one key covers.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) pointer: String,
    pub(crate) mode: Mode,
    pub(crate) denied: Option<Refusal>,
    pub(crate) arguments: ArgumentCheck,
    pub(crate) record_arguments: bool,
    pub(crate) rules: Rules,
}

/// A rule that refuses without looking at the call.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) pointer: String,
    pub(crate) message: String,
    pub(crate) mode: Mode,
}

/// How the arguments are checked.
#[derive(Debug)]
pub(crate) enum ArgumentCheck {
    /// Against the tool's own schema.
    Own,
    /// So, and arguments that it does not name are refused.
    Strict,
    Off,
    /// Against the tool's own schema and this one.
    Also(Schema),
}

/// The rules that look at a call.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) deny_if: Vec<Group>,
    pub(crate) require: Vec<Group>,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) limits: Vec<Charge>,
}

/// Conditions that are judged together.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) pointer: String,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) message: String,
    pub(crate) mode: Mode,
}

/// A person's consent.
#[derive(Debug)]
pub(crate) struct Approval {
    pub(crate) pointer: String,
    /// Asked for when all hold; always if there are none.
    pub(crate) when: Vec<Condition>,
    pub(crate) message: String,
    pub(crate) mode: Mode,
}

/// What a call draws from a counter.
#[derive(Debug)]
pub(crate) struct Charge {
    pub(crate) limit: Limit,
    pub(crate) amount: Amount,
}

/// How much a call draws, in 10^-9 units.
#[derive(Debug)]
pub(crate) enum Amount {
    Fixed(u128),
    Argument { path: Path, default: Option<u128> },
}

/// What a server may ask of the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerRequests {
    pub(crate) sampling: Effect,
    pub(crate) elicitation: Effect,
    pub(crate) roots: Effect,
}

impl Plan {
    /// The first 16 hexadecimal digits of the SHA-256 of the canonical document.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The policy's name, as it was given when it was loaded.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether what no entry names is denied. True in shadow mode too, where that denial is recorded
    /// and not enforced.
    #[must_use]
    pub fn default_is_deny(&self) -> bool {
        self.default == Effect::Deny
    }

    /// Whether a server may send this kind of request to the client.
    #[must_use]
    pub fn allows_server_request(&self, kind: ServerRequest) -> bool {
        let effect = match kind {
            ServerRequest::Sampling => self.server_requests.sampling,
            ServerRequest::Elicitation => self.server_requests.elicitation,
            ServerRequest::Roots => self.server_requests.roots,
        };
        effect == Effect::Allow
    }

    /// All counters of the document, each once; those in shadow mode are counters of their own.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Whether the journal keeps the argument values of calls of this tool.
    #[must_use]
    pub fn records_arguments(&self, tool: &str) -> bool {
        match self.tools.matching(tool).next() {
            Some(entry) => entry.record_arguments,
            None => self.record_arguments,
        }
    }

    /// Whether results tell what is left of the limits.
    #[must_use]
    pub fn reports_budget(&self) -> bool {
        self.report_budget
    }
}
