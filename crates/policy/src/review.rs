//! A policy against the schemas of the tools that it is for: rules that read an argument which the tool
//! does not have, or that a caller can leave out.

use crate::condition::{Condition, Test};
use crate::path::Root;
use crate::plan::{Amount, Plan};
use crate::problem::{Problem, Severity};
use crate::schema::{Presence, Schema};

impl Plan {
    /// Warnings about the rules of the entry that applies to the tool, given its input schema. They have
    /// a pointer but no position, for a plan does not keep its text.
    #[must_use]
    pub fn review(&self, tool: &str, schema: &Schema) -> Vec<Problem> {
        let Some(entry) = self.tools.matching(tool).next() else { return Vec::new() };
        let mut review = Review { tool, schema, warnings: Vec::new() };
        for group in &entry.rules.deny_if {
            group.conditions.iter().for_each(|condition| review.denying(condition, &group.pointer));
        }
        for group in &entry.rules.require {
            for condition in &group.conditions {
                review.named(condition, &group.pointer);
            }
        }
        for approval in &entry.rules.approvals {
            approval.when.iter().for_each(|condition| review.denying(condition, &approval.pointer));
        }
        for charge in &entry.rules.limits {
            if let Amount::Argument { path, .. } = &charge.amount
                && schema.presence(&path.steps) == Some(Presence::Unnamed)
            {
                review.warn(&charge.limit.pointer, format!("`{}` is not an argument of `{tool}`", path.text));
            }
        }
        review.warnings
    }
}

struct Review<'r> {
    tool: &'r str,
    schema: &'r Schema,
    warnings: Vec<Problem>,
}

impl Review<'_> {
    /// Under `deny_if` and `when` an argument that is left out triggers nothing.
    fn denying(&mut self, condition: &Condition, pointer: &str) {
        if self.named(condition, pointer) == Some(Presence::Optional)
            && !matches!(condition.test, Test::Exists(_))
        {
            let path = &condition.path.text;
            let tool = self.tool;
            let message = format!(
                "`{path}` is optional in the schema of `{tool}`: a call without it does not trigger this rule"
            );
            self.warn(pointer, message);
        }
    }

    fn named(&mut self, condition: &Condition, pointer: &str) -> Option<Presence> {
        if condition.path.root != Root::Args {
            return None;
        }
        let presence = self.schema.presence(&condition.path.steps)?;
        if presence == Presence::Unnamed {
            let message = format!("`{}` is not in the schema of `{}`", condition.path.text, self.tool);
            self.warn(pointer, message);
        }
        Some(presence)
    }

    fn warn(&mut self, pointer: &str, message: String) {
        self.warnings.push(Problem {
            severity: Severity::Warning,
            position: None,
            pointer: pointer.to_owned(),
            message,
            help: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use toolgate_json::{Document, Limits};

    use super::*;
    use crate::compile::load;
    use crate::located::Format;

    #[test]
    fn warns_of_arguments_that_are_optional_or_not_there() {
        let condition = |path: &str| format!(r#"{{"path":"{path}","op":"eq","value":1}}"#);
        let group = |path: &str| format!(r#"{{"conditions":[{}]}}"#, condition(path));
        let deny =
            ["args.must", "args.may", "args.none", "args.list[*].a", "args.sum", "grant.label"].map(group);
        let require = ["args.may", "args.list[0].z", "args.deep.x"].map(group);
        let text = format!(
            r#"{{"version":"1","tools":{{"t":{{"deny_if":[{}],"require":[{}],
            "limits":[{{"counter":"c","window":"day","max":1,"amount":{{"from":"args.cost"}}}}]}}}}}}"#,
            deny.join(","),
            require.join(",")
        );
        let schema = r##"{"required":["must","list"],"properties":{"must":{},"may":{},
            "list":{"items":{"required":["a"],"properties":{"a":{}}}},"deep":{"$ref":"#/$defs/d"}},
            "allOf":[{"required":["sum"],"properties":{"sum":{}}}],"$defs":{"d":{"properties":{"x":{}}}}}"##;
        let document = Document::read(schema.as_bytes(), &Limits::default()).unwrap();
        let schema = Schema::compile(&document.root()).unwrap();
        let plan = load(&text, Format::Json, "p").unwrap().plan;
        let found: Vec<String> =
            plan.review("t", &schema).iter().map(|p| format!("{} {}", p.pointer, p.message)).collect();
        assert_eq!(
            found,
            [
                "/tools/t/deny_if/1 `args.may` is optional in the schema of `t`: a call without it does not trigger this rule",
                "/tools/t/deny_if/2 `args.none` is not in the schema of `t`",
                "/tools/t/require/1 `args.list[0].z` is not in the schema of `t`",
                "/tools/t/limits/0 `args.cost` is not an argument of `t`",
            ]
        );
    }
}
