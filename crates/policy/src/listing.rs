//! What lists show: everything but what is certainly denied, whatever the arguments.

use crate::decision::Outcome;
use crate::glob::{Alphabet, Glob};
use crate::plan::{Amount, Effect, Entry, Listing, Mode, Plan, Rules, Section};
use crate::uri;

impl Plan {
    /// Whether `tools/list` shows the tool.
    #[must_use]
    pub fn lists_tool(&self, tool: &str) -> bool {
        match self.listing {
            Listing::All => !self.hide.matches(tool),
            Listing::Callable => !self.denies_tool(tool),
        }
    }

    /// Whether every call of the tool is denied, whatever its arguments and whoever calls.
    #[must_use]
    pub fn denies_tool(&self, tool: &str) -> bool {
        let denied_by_name = self.prejudge(tool).is_some_and(|decision| match decision.outcome {
            Outcome::Deny(_) => true,
            Outcome::Allow { .. } => false,
        });
        denied_by_name || denies_always(&self.all_tools) || self.entry_denies(&self.tools, tool)
    }

    /// Whether `resources/list` shows the resource.
    #[must_use]
    pub fn lists_resource(&self, uri: &str) -> bool {
        uri::normalise(uri).is_ok_and(|uri| self.lists_in(&self.resources, &uri))
    }

    /// Whether `prompts/list` shows the prompt.
    #[must_use]
    pub fn lists_prompt(&self, name: &str) -> bool {
        self.lists_in(&self.prompts, name)
    }

    /// Whether `resources/templates/list` shows the template: some resource that it may stand for is
    /// not certainly denied.
    #[must_use]
    pub fn lists_template(&self, uri_template: &str) -> bool {
        let (Some(sample), Some(text)) = (expanded(uri_template, "\u{E000}"), expanded(uri_template, "*"))
        else {
            return false;
        };
        let applies = self.resources.matching(&sample).next();
        if self.hide.matches(&sample) || self.resources.matching(&sample).any(is_refused) {
            return false;
        }
        let wild = Glob::new(&text, Alphabet::Uris);
        let may = |at: &usize| self.resources.entries.get(*at).is_some_and(|entry| !certainly_denied(entry));
        applies.map_or(!self.default_denies(), |entry| !certainly_denied(entry))
            || self.resources.exact.iter().any(|(uri, at)| may(at) && wild.matches(uri))
            || self.resources.globs.iter().any(|(glob, at)| may(at) && wild.overlaps(glob, &mut 0))
    }

    /// Whether any resource could be read, so that the capability is worth telling.
    #[must_use]
    pub fn may_allow_resources(&self) -> bool {
        self.may_allow(&self.resources)
    }

    /// Whether any prompt could be got, so that the capability is worth telling.
    #[must_use]
    pub fn may_allow_prompts(&self) -> bool {
        self.may_allow(&self.prompts)
    }

    fn may_allow(&self, section: &Section) -> bool {
        let hides_all = self.hide.globs.iter().any(Glob::matches_everything);
        !hides_all && (!self.default_denies() || section.entries.iter().any(|entry| !certainly_denied(entry)))
    }

    fn lists_in(&self, section: &Section, name: &str) -> bool {
        if self.hide.matches(name) {
            return false;
        }
        match (self.listing, section.matching(name).next()) {
            (Listing::All, _) => true,
            (Listing::Callable, None) => !self.default_denies(),
            (Listing::Callable, Some(_)) => !self.entry_denies(section, name),
        }
    }

    fn entry_denies(&self, section: &Section, name: &str) -> bool {
        let mut matching = section.matching(name);
        let applies = matching.next().is_some_and(certainly_denied);
        applies || matching.any(is_refused)
    }

    /// Whether a name without an entry is denied in earnest.
    fn default_denies(&self) -> bool {
        self.default == Effect::Deny && self.mode == Mode::Enforce
    }
}

fn is_refused(entry: &Entry) -> bool {
    entry.denied.as_ref().is_some_and(|refusal| refusal.mode == Mode::Enforce)
}

fn certainly_denied(entry: &Entry) -> bool {
    is_refused(entry) || denies_always(&entry.rules)
}

/// An unconditional `deny_if`, or a limit that no call fits into.
fn denies_always(rules: &Rules) -> bool {
    let unconditional =
        rules.deny_if.iter().any(|group| group.mode == Mode::Enforce && group.conditions.is_empty());
    let exhausted = rules.limits.iter().any(|charge| match charge.amount {
        Amount::Fixed(amount) => !charge.limit.shadow && amount > charge.limit.max,
        Amount::Argument { .. } => false,
    });
    unconditional || exhausted
}

/// The template with `filling` for each expression, and two of them around a `/` where its operator
/// lets slashes through (RFC 6570); none if it is not well formed. A private-use character as filling
/// is matched by wild parts alone: a glob that matches the sample matches all that it stands for.
fn expanded(template: &str, filling: &str) -> Option<String> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((plain, expression)) = rest.split_once('{') {
        let (expression, after) = expression.split_once('}')?;
        text.push_str(plain);
        text.push_str(filling);
        if !expression.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            text.push_str(if filling == "*" { "" } else { "/" });
            text.push_str(filling);
        }
        rest = after;
    }
    text.push_str(rest);
    if text.starts_with(filling) { Some(text) } else { uri::normalise(&text).ok() }
}
