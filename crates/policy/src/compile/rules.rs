//! Compiling the rules that look at a call: groups of conditions, approvals, limits.

use super::conditions::Under;
use super::entries::SectionKind;
use super::{Compiler, mode_of, word};
use crate::duration::parse_duration;
use crate::located::Place;
use crate::plan::{Approval, Group, Mode, Rules};

impl Compiler {
    pub(super) fn rules(&mut self, place: Place<'_>, section: SectionKind, mode: Mode) -> Rules {
        Rules {
            deny_if: self.groups(place.get("deny_if"), section, (Under::DenyIf, mode)),
            require: self.groups(place.get("require"), section, (Under::Require, mode)),
            approvals: self.approval(place.get("require_approval"), section, mode).into_iter().collect(),
            limits: self.limits(place.get("limits"), mode),
        }
    }

    fn groups(
        &mut self,
        list: Option<Place<'_>>,
        section: SectionKind,
        (under, outer): (Under, Mode),
    ) -> Vec<Group> {
        let mut groups = Vec::new();
        for place in list.into_iter().flat_map(Place::elements) {
            let Some(conditions) = place.get("conditions") else { continue };
            if under == Under::Require && conditions.elements().len() == 0 {
                self.problems.warning(conditions, "no conditions: this requirement always holds");
            }
            let pointer = place.pointer();
            groups.push(Group {
                conditions: self.conditions(conditions, section, under),
                message: word(place, "on_deny").map_or_else(|| plain_message(&pointer), str::to_owned),
                mode: mode_of(place, outer),
                pointer,
            });
        }
        groups
    }

    fn approval(&mut self, place: Option<Place<'_>>, section: SectionKind, outer: Mode) -> Option<Approval> {
        let place = place?;
        let when = place.get("when").map(|when| self.conditions(when, section, Under::When));
        self.duration(place.get("timeout"));
        Some(self.approval_of(
            place,
            (when.unwrap_or_default(), word(place, "message")),
            mode_of(place, outer),
        ))
    }

    /// A rule that asks for a person, who cannot be asked yet: until then it refuses, and says so.
    pub(super) fn approval_of(
        &mut self,
        place: Place<'_>,
        (when, message): (Vec<crate::condition::Condition>, Option<&str>),
        mode: Mode,
    ) -> Approval {
        let text = "approvals are not available in this version, so what this rule covers is denied";
        self.problems.warning(place, text);
        let refusal = "A person must approve this call, and approvals are not available in this version";
        let message = message.map_or_else(|| refusal.to_owned(), |message| format!("{message}. {refusal}"));
        Approval { pointer: place.pointer(), when, message, mode }
    }

    pub(super) fn duration(&mut self, place: Option<Place<'_>>) {
        let Some((place, text)) = place.and_then(|place| Some((place, place.as_str()?))) else { return };
        if let Err(message) = parse_duration(text) {
            self.problems.error(place, message);
        }
    }
}

/// What the agent is told where the author wrote nothing.
pub(super) fn plain_message(pointer: &str) -> String {
    format!("Denied by the policy rule {pointer}")
}
