//! Words for a value that does not match: the innermost place that a person can act on.

use toolgate_json::Value;

use super::Violation;
use super::check::{Check, Run, Step, Trail, too_costly};
use crate::condition::Comparison;
use crate::shape::{shorten, with_article};

impl Run<'_> {
    /// What is wrong with a value that the node does not accept.
    pub(super) fn describe(&self, node: usize, value: Value<'_>, trail: &Trail<'_>) -> Violation {
        // Each level of the trail is a level of the value or of the schema.
        for check in self.checks(node) {
            match self.holds(check, value, 0) {
                Ok(true) => {}
                Ok(false) => return self.describe_check(check, value, trail),
                Err(_) => return too_costly(trail),
            }
        }
        too_costly(trail)
    }

    fn describe_check(&self, check: &Check, value: Value<'_>, trail: &Trail<'_>) -> Violation {
        let inner = match check {
            Check::Properties(properties) => value.members().find_map(|member| {
                let name = member.name.as_str()?;
                let rejected =
                    properties.nodes(&name).find(|node| self.accepts(*node, member.value, 0) == Ok(false))?;
                let trail = Trail { before: Some(trail), step: Step::Name(&name) };
                let unknown = Some(rejected) == properties.additional;
                if unknown && matches!(self.checks(rejected), [Check::Never]) {
                    return Some(Violation {
                        pointer: trail.pointer(),
                        message: "unknown argument".to_owned(),
                    });
                }
                Some(self.describe(rejected, member.value, &trail))
            }),
            Check::Items { prefix, rest } => value.elements().enumerate().find_map(|(index, element)| {
                let node = prefix.get(index).copied().or(*rest)?;
                let rejected = self.accepts(node, element, 0) == Ok(false);
                let trail = Trail { before: Some(trail), step: Step::Index(index) };
                rejected.then(|| self.describe(node, element, &trail))
            }),
            Check::All(nodes) => nodes
                .iter()
                .find(|node| self.accepts(**node, value, 0) == Ok(false))
                .map(|node| self.describe(*node, value, trail)),
            Check::Reference(node) | Check::DependentSchema(_, node) => {
                Some(self.describe(*node, value, trail))
            }
            Check::If { condition, then, otherwise } => {
                let next = if self.accepts(*condition, value, 0) == Ok(true) { then } else { otherwise };
                next.map(|node| self.describe(node, value, trail))
            }
            _ => None,
        };
        inner.unwrap_or_else(|| Violation { pointer: trail.pointer(), message: words(check, &value) })
    }
}

fn words(check: &Check, value: &Value<'_>) -> String {
    match check {
        Check::Never => "nothing is allowed here".to_owned(),
        Check::Type(types) => {
            let wanted: Vec<&str> = types.names().collect();
            format!("expected {}, found {}", wanted.join(" or "), with_article(value.kind()))
        }
        Check::Among(_) => "not one of the allowed values".to_owned(),
        Check::Bound(comparison, bound) => format!("must be {} {bound}", comparison_words(*comparison)),
        Check::MultipleOf(divisor) => format!("must be a multiple of {divisor}"),
        Check::MinLength(least) => format!("shorter than {least} characters"),
        Check::MaxLength(most) => format!("longer than {most} characters"),
        Check::Pattern(_) => "does not match the pattern".to_owned(),
        Check::MinProperties(least) => format!("fewer than {least} members"),
        Check::MaxProperties(most) => format!("more than {most} members"),
        Check::Required(names) | Check::DependentRequired(_, names) => {
            let missing = names.iter().find(|name| value.get(name).is_none());
            format!("`{}` is missing", missing.map_or_else(String::new, |name| shorten(name)))
        }
        Check::Properties(_) | Check::DependentSchema(..) => "a member is not allowed".to_owned(),
        Check::Names(_) => "a member's name is not allowed".to_owned(),
        Check::MinItems(least) => format!("fewer than {least} elements"),
        Check::MaxItems(most) => format!("more than {most} elements"),
        Check::Unique => "an element stands twice".to_owned(),
        Check::Items { .. } => "an element is not allowed".to_owned(),
        Check::Contains { .. } => "does not hold the elements it must".to_owned(),
        Check::Any(_) => "matches none of the allowed forms".to_owned(),
        Check::One(_) => "does not match exactly one of the allowed forms".to_owned(),
        Check::Not(_) => "matches a form that is excluded".to_owned(),
        Check::All(_) | Check::If { .. } | Check::Reference(_) => "does not match".to_owned(),
    }
}

fn comparison_words(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Less => "less than",
        Comparison::AtMost => "at most",
        Comparison::Greater => "more than",
        Comparison::AtLeast => "at least",
        Comparison::Equal => "equal to",
        Comparison::Unequal => "other than",
    }
}
