//! Compiling conditions: their paths, operators and values, and what is odd about them.

use regex_syntax::hir::Look;

use super::Compiler;
use super::entries::SectionKind;
use crate::condition::{Condition, Test, compile_test, find_operator};
use crate::located::Place;
use crate::path::{Path, Root};

/// What the conditions stand under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Under {
    Require,
    DenyIf,
    When,
}

impl Compiler {
    /// Those of a list that can be understood; the others are reported.
    pub(super) fn conditions(
        &mut self,
        list: Place<'_>,
        section: SectionKind,
        under: Under,
    ) -> Vec<Condition> {
        list.elements().filter_map(|place| self.condition(place, section, under)).collect()
    }

    pub(super) fn condition(
        &mut self,
        place: Place<'_>,
        section: SectionKind,
        under: Under,
    ) -> Option<Condition> {
        if place.get("cel").is_some() {
            return None;
        }
        let path = self.part(place, "path").and_then(|path| self.path(path, section));
        let operator = self.part(place, "op").and_then(|op| {
            let found = find_operator(op.as_str()?);
            found.map_err(|message| self.problems.error(op, message)).ok()
        });
        let value = self.part(place, "value");
        let (path, operator, value) = (path?, operator?, value?);
        match compile_test(operator, &path, value) {
            Ok(test) => {
                self.warn_of_test(&test, value, under);
                Some(Condition { path, test })
            }
            Err(message) => {
                self.problems.error(value, message);
                None
            }
        }
    }

    fn part<'t>(&mut self, place: Place<'t>, name: &str) -> Option<Place<'t>> {
        let part = place.get(name);
        if part.is_none() {
            self.problems.error(place, format!("condition lacks the field `{name}`"));
        }
        part
    }

    fn path(&mut self, place: Place<'_>, section: SectionKind) -> Option<Path> {
        let text = place.as_str()?;
        let path = match Path::parse(text) {
            Ok(path) => path,
            Err(message) => {
                self.problems.error(place, message);
                return None;
            }
        };
        let has_value = match path.root {
            Root::Args => section != SectionKind::Resources,
            Root::ToolName => section == SectionKind::Tools,
            Root::GrantLabel | Root::GrantTags | Root::ServerName => true,
            Root::ClientIp | Root::TimeHour | Root::TimeWeekday => true,
        };
        if !has_value {
            self.problems.error(place, format!("`{text}` has no value under `{}`", section.name()));
        }
        has_value.then_some(path)
    }

    fn warn_of_test(&mut self, test: &Test, value: Place<'_>, under: Under) {
        match test {
            Test::Regex(regex) if under == Under::Require && !is_anchored(regex.as_str()) => {
                let message = "the pattern is not anchored, so it passes any text that holds a match; \
                               write ^(?:...)$ to match the whole";
                self.problems.warning(value, message);
            }
            Test::Among { literals, negated } if literals.is_empty() => {
                let outcome = if *negated { "always" } else { "never" };
                self.problems.warning(value, format!("the list is empty, so the condition {outcome} holds"));
            }
            _ => {}
        }
    }
}

/// Whether every match spans the whole text.
fn is_anchored(pattern: &str) -> bool {
    regex_syntax::parse(pattern).is_ok_and(|hir| {
        let properties = hir.properties();
        properties.look_set_prefix().contains(Look::Start) && properties.look_set_suffix().contains(Look::End)
    })
}

#[cfg(test)]
mod tests {
    use super::is_anchored;

    #[test]
    fn knows_anchors() {
        for pattern in ["^a$", r"\Aa\z", "^(?:a|b)$", "(?:^a$)|(?:^b$)"] {
            assert!(is_anchored(pattern), "{pattern}");
        }
        for pattern in ["a", "^a", "a$", "^a|b$", "(?m)^a$"] {
            assert!(!is_anchored(pattern), "{pattern}");
        }
    }
}
