//! The dimensions that events are told apart by, and the class: all dimensions of one event together.
//! There are few classes and many events, so a search looks at classes first.

/// What events are told apart by. The number is what the database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Dimension {
    /// The kind of the record, such as `decision` or `reload`.
    Kind,
    /// The gateway process.
    Node,
    /// The grant.
    Grant,
    /// The server.
    Server,
    /// The method, such as `tools/call`.
    Method,
    /// The tool.
    Tool,
    /// What was decided: `allow`, `deny`, `shadow_deny` or `pending`.
    Decision,
    /// What became of the call, such as `ok` or `tool_error`.
    Outcome,
    /// The rule that decided.
    Rule,
    /// The policy that judged.
    Policy,
    /// Name or address of the client. Not part of the class.
    Client,
}

impl Dimension {
    /// Those that make a class, in the order of its columns.
    pub(crate) const OF_CLASS: [Dimension; 10] = [
        Dimension::Kind,
        Dimension::Node,
        Dimension::Grant,
        Dimension::Server,
        Dimension::Method,
        Dimension::Tool,
        Dimension::Decision,
        Dimension::Outcome,
        Dimension::Rule,
        Dimension::Policy,
    ];

    /// Its column in the table `class`.
    pub(crate) fn column(self) -> &'static str {
        match self {
            Dimension::Kind => "kind_id",
            Dimension::Node => "node_id",
            Dimension::Grant => "grant_id",
            Dimension::Server => "server_id",
            Dimension::Method => "method_id",
            Dimension::Tool => "tool_id",
            Dimension::Decision => "decision_id",
            Dimension::Outcome => "outcome_id",
            Dimension::Rule => "rule_id",
            Dimension::Policy => "policy_id",
            Dimension::Client => "client_id",
        }
    }
}

/// Longest name that is kept, in bytes.
const NAME_BYTES: usize = 200;

/// A name as it is kept: cut off where it is too long. Names of tools come from clients.
pub(crate) fn fit(text: &str) -> &str {
    if text.len() <= NAME_BYTES {
        return text;
    }
    let end = (0..=NAME_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// A name's number; 0 stands for none.
pub(crate) type NameId = u32;

/// The dimensions of an event, as numbers of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Class {
    pub(crate) kind: NameId,
    pub(crate) node: NameId,
    pub(crate) grant: NameId,
    pub(crate) server: NameId,
    pub(crate) method: NameId,
    pub(crate) tool: NameId,
    pub(crate) decision: NameId,
    pub(crate) outcome: NameId,
    pub(crate) rule: NameId,
    pub(crate) policy: NameId,
}

impl Class {
    /// The numbers in the order of [`Dimension::OF_CLASS`].
    pub(crate) fn numbers(&self) -> [NameId; 10] {
        [
            self.kind,
            self.node,
            self.grant,
            self.server,
            self.method,
            self.tool,
            self.decision,
            self.outcome,
            self.rule,
            self.policy,
        ]
    }

    /// The inverse of `numbers`.
    pub(crate) fn from_numbers(numbers: [NameId; 10]) -> Class {
        let [kind, node, grant, server, method, tool, decision, outcome, rule, policy] = numbers;
        Class { kind, node, grant, server, method, tool, decision, outcome, rule, policy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(fit("short"), "short");
        let long = "é".repeat(150);
        assert_eq!(fit(&long).len(), 200);
        let odd = format!("x{}", "é".repeat(150));
        assert_eq!(fit(&odd).len(), 199);
    }

    #[test]
    fn columns_stand_in_the_order_of_the_numbers() {
        let numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        assert_eq!(Class::from_numbers(numbers).numbers(), numbers);
        for (position, dimension) in Dimension::OF_CLASS.iter().enumerate() {
            assert_eq!(*dimension as usize, position);
        }
    }
}
