//! Compiling the entries of `tools`, `resources` and `prompts`: their keys, and which one applies.

use toolgate_json::{Document, Kind, Limits};

use super::{Compiler, mode_of, word};
use crate::glob::{self, Alphabet, Glob};
use crate::located::Place;
use crate::plan::{ArgumentCheck, Entry, Refusal, Section};
use crate::schema::Schema;
use crate::uri;

/// What the keys of a section name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectionKind {
    Tools,
    Resources,
    Prompts,
}

impl SectionKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            SectionKind::Tools => "tools",
            SectionKind::Resources => "resources",
            SectionKind::Prompts => "prompts",
        }
    }

    fn alphabet(self) -> Alphabet {
        match self {
            SectionKind::Tools | SectionKind::Prompts => Alphabet::Names,
            SectionKind::Resources => Alphabet::Uris,
        }
    }
}

/// Globs of one section; each is asked for every name that is not listed.
const MAX_GLOBS: usize = 1_000;
/// Work for finding globs that contradict each other.
const MAX_OVERLAP_COST: usize = 50_000_000;

impl Compiler {
    pub(super) fn section(&mut self, place: Option<Place<'_>>, kind: SectionKind) -> Section {
        let mut section = Section::default();
        let mut globs: Vec<(Glob, usize, Place<'_>)> = Vec::new();
        for member in place.into_iter().flat_map(Place::members) {
            let name = member.name().unwrap_or_default();
            if self.local && kind == SectionKind::Tools && name == "*" {
                continue;
            }
            let Some(key) = self.key(member, name, kind) else { continue };
            let at = section.entries.len();
            let entry = self.entry(member, name, kind);
            section.has_denials |= entry.denied.is_some();
            section.entries.push(entry);
            if glob::is_pattern(&key, kind.alphabet()) {
                globs.push((Glob::new(&key, kind.alphabet()), at, member));
            } else if section.exact.insert(key.into(), at).is_some() {
                self.problems.name_error(
                    member,
                    format!("`{name}` is another spelling of an earlier key"),
                    None,
                );
            }
        }
        globs.sort_by_key(|(glob, ..)| std::cmp::Reverse(glob.weight()));
        self.refuse_ambiguity(&globs);
        section.globs = globs.into_iter().map(|(glob, at, _)| (glob, at)).collect();
        section
    }

    /// The key in the spelling that names are compared in.
    fn key(&mut self, place: Place<'_>, name: &str, kind: SectionKind) -> Option<String> {
        if !self.is_usable_key(place, name) {
            return None;
        }
        if kind != SectionKind::Resources || name.starts_with('*') {
            return Some(name.to_owned());
        }
        match uri::normalise(name) {
            Ok(uri) => Some(uri),
            Err(error) => {
                self.problems.name_error(place, format!("`{name}` is not a usable URI: {error}"), None);
                None
            }
        }
    }

    /// Of two globs that match one name the heavier applies; equal weights would leave it open.
    fn refuse_ambiguity(&mut self, globs: &[(Glob, usize, Place<'_>)]) {
        if let Some((.., place)) = globs.get(MAX_GLOBS) {
            let message = format!("more than {MAX_GLOBS} globs in one section");
            self.problems.name_error(*place, message, None);
            return;
        }
        let mut cost = 0;
        for (index, (glob, _, place)) in globs.iter().enumerate() {
            let equal =
                globs.iter().skip(index + 1).take_while(|(other, ..)| other.weight() == glob.weight());
            for (other, _, other_place) in equal {
                if cost > MAX_OVERLAP_COST {
                    let message =
                        "too many long globs of equal weight to tell whether they contradict each other";
                    self.problems.name_error(*place, message.to_owned(), None);
                    return;
                }
                if glob.overlaps(other, &mut cost) {
                    let (first, second) =
                        (place.name().unwrap_or_default(), other_place.name().unwrap_or_default());
                    let message = format!(
                        "`{second}` and `{first}` could match one name, and neither is more specific"
                    );
                    let help = "make one of them longer, or name the tools in full";
                    self.problems.name_error(*other_place, message, Some(help.to_owned()));
                }
            }
        }
    }

    fn entry(&mut self, place: Place<'_>, name: &str, kind: SectionKind) -> Entry {
        let mode = mode_of(place, self.mode);
        let mut rules = self.rules(place, kind, mode);
        rules.limits.extend(self.rate_limit(place.get("rate_limit"), name, mode));
        let action = place.get("action");
        let reason = word(place, "reason");
        if let Some(action) = action.filter(|action| action.as_str() == Some("require_approval")) {
            rules.approvals.push(self.approval_of(action, (Vec::new(), reason), mode));
        }
        let denied = action.filter(|action| action.as_str() == Some("deny")).map(|action| Refusal {
            pointer: action.pointer(),
            message: reason.map_or_else(|| format!("`{name}` is denied by the policy"), str::to_owned),
            mode,
        });
        if let Some(reason) = place.get("reason").filter(|_| denied.is_none() && rules.approvals.is_empty()) {
            self.problems
                .warning(reason, "`reason` is told only when `action` is `deny` or `require_approval`");
        }
        Entry {
            pointer: place.pointer(),
            mode,
            denied,
            arguments: self.argument_check(place.get("arguments")),
            record_arguments: place
                .get("record_arguments")
                .and_then(Place::as_bool)
                .unwrap_or(self.record_arguments),
            rules,
        }
    }

    fn argument_check(&mut self, place: Option<Place<'_>>) -> ArgumentCheck {
        let Some(place) = place else { return ArgumentCheck::Own };
        match place.as_str() {
            Some("strict") => ArgumentCheck::Strict,
            Some("off") => ArgumentCheck::Off,
            _ if place.kind() == Kind::Object => self.inline_schema(place),
            _ => ArgumentCheck::Own,
        }
    }

    fn inline_schema(&mut self, place: Place<'_>) -> ArgumentCheck {
        let text = place.to_canonical();
        let document = match Document::read(text.as_bytes(), &Limits::default()) {
            Ok(document) => document,
            Err(error) => {
                self.problems.error(place, format!("the schema cannot be read: {}", error.kind));
                return ArgumentCheck::Own;
            }
        };
        match Schema::compile(&document.root()) {
            Ok(schema) => ArgumentCheck::Also(schema),
            Err(error) => {
                self.problems.error(place, format!("the schema cannot be used: {error}"));
                ArgumentCheck::Own
            }
        }
    }
}
