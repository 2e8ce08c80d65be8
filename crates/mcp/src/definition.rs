//! One tool of a `tools/list` result: its name, its schemas, and a hash by which a change is seen.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use thiserror::Error;
use toolgate_json::{Kind, Value, write_canonical};

use crate::message::Text;

/// A tool as its server describes it. Nothing but the name is trusted to be there.
#[derive(Clone, Debug)]
pub struct Definition<'d> {
    /// The whole object.
    pub object: Value<'d>,
    /// The tool's name, of any spelling.
    pub name: Text<'d>,
    /// The schema of the arguments.
    pub input_schema: Option<Value<'d>>,
    /// The schema of the structured result.
    pub output_schema: Option<Value<'d>>,
    /// Whether a call may or must run as a task (2025-11-25).
    pub task_support: TaskSupport,
}

/// `execution.taskSupport` of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TaskSupport {
    /// Calls must not ask for a task; also when the member is absent or unknown.
    #[default]
    Forbidden,
    /// Calls may ask for a task.
    Optional,
    /// Calls must ask for a task.
    Required,
}

/// An element of a tool list that is no tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidDefinition {
    /// It is not an object.
    #[error("a tool must be an object")]
    NotAnObject,
    /// It has no name.
    #[error("a tool needs a string `name`")]
    Nameless,
}

impl<'d> Definition<'d> {
    /// Reads one element of `tools`.
    ///
    /// # Errors
    ///
    /// It is no object, or has no name.
    pub fn read(object: Value<'d>) -> Result<Self, InvalidDefinition> {
        if object.kind() != Kind::Object {
            return Err(InvalidDefinition::NotAnObject);
        }
        let name = object.get("name").and_then(Text::of).ok_or(InvalidDefinition::Nameless)?;
        Ok(Self {
            object,
            name,
            input_schema: object.get("inputSchema"),
            output_schema: object.get("outputSchema"),
            task_support: TaskSupport::of(object),
        })
    }

    /// The SHA-256, in 64 hex digits, of the canonical form of the whole object, unknown members included.
    /// Equal for two spellings that differ in white space, escapes and the order of members only.
    #[must_use]
    pub fn hash(&self) -> String {
        definition_hash(self.object)
    }

    /// Whether the name is what the text recommends: 1 to 128 of `A-Z a-z 0-9 _ . -`.
    #[must_use]
    pub fn has_regular_name(&self) -> bool {
        is_regular_name(self.name.as_str())
    }
}

impl TaskSupport {
    fn of(tool: Value<'_>) -> Self {
        let declared = tool.get("execution").and_then(|execution| execution.get("taskSupport"));
        match declared.and_then(|declared| declared.as_str()).as_deref() {
            Some("optional") => Self::Optional,
            Some("required") => Self::Required,
            _ => Self::Forbidden,
        }
    }
}

/// The SHA-256, in 64 hex digits, of a value's canonical form.
#[must_use]
pub fn definition_hash(value: Value<'_>) -> String {
    let mut canonical = Vec::with_capacity(value.raw().len());
    write_canonical(&value, &mut canonical);
    Sha256::digest(&canonical).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        write!(hex, "{byte:02x}").unwrap_or_default();
        hex
    })
}

/// Whether a tool's name is what the text recommends: 1 to 128 of `A-Z a-z 0-9 _ . -` (2025-11-25,
/// tools, "Tool Names").
#[must_use]
pub fn is_regular_name(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use toolgate_json::{Document, Limits};

    use super::*;

    fn with<T>(text: &str, look: impl FnOnce(Result<Definition<'_>, InvalidDefinition>) -> T) -> T {
        let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
        look(Definition::read(document.root()))
    }

    fn hash(text: &str) -> String {
        with(text, |definition| definition.unwrap().hash())
    }

    #[test]
    fn the_parts_are_found() {
        let text =
            r#"{"name":"\u0061.b","inputSchema":{"type":"object"},"execution":{"taskSupport":"required"}}"#;
        with(text, |definition| {
            let definition = definition.unwrap();
            assert_eq!(definition.name.as_str(), "a.b");
            assert_eq!(definition.input_schema.unwrap().raw(), r#"{"type":"object"}"#);
            assert!(definition.output_schema.is_none());
            assert_eq!(definition.task_support, TaskSupport::Required);
            assert!(definition.has_regular_name());
        });
        with(r#"{"name":"a b","execution":{"taskSupport":1}}"#, |definition| {
            let definition = definition.unwrap();
            assert_eq!(definition.task_support, TaskSupport::Forbidden);
            assert!(!definition.has_regular_name());
        });
    }

    #[test]
    fn what_is_no_tool_is_told() {
        for text in ["[]", "null", "\"a\""] {
            with(text, |found| assert_eq!(found.unwrap_err(), InvalidDefinition::NotAnObject));
        }
        for text in ["{}", r#"{"name":1}"#, r#"{"Name":"a"}"#] {
            with(text, |found| assert_eq!(found.unwrap_err(), InvalidDefinition::Nameless));
        }
    }

    #[test]
    fn the_hash_sees_content_alone() {
        let text = r#"{"name":"a","description":"é","inputSchema":{"type":"object","maximum":1}}"#;
        let same =
            r#" { "inputSchema" : {"maximum":1,"type":"object"}, "description":"\u00e9","n\u0061me":"a"} "#;
        assert_eq!(hash(text), hash(same));
        assert_eq!(
            hash(r#"{"name":"a"}"#),
            "d9d719b27480b55cd4918020e7473e716ed3569c8adafe926cf9b10b4f8ef064"
        );
        for other in [
            r#"{"name":"b","description":"é","inputSchema":{"type":"object","maximum":1}}"#,
            r#"{"name":"a","description":"e","inputSchema":{"type":"object","maximum":1}}"#,
            r#"{"name":"a","description":"é","inputSchema":{"type":"object","maximum":2}}"#,
            r#"{"name":"a","description":"é","inputSchema":{"type":"object","maximum":1},"title":"A"}"#,
            r#"{"name":"a","description":"é","inputSchema":{"type":"object","maximum":1},"_meta":{"x":1}}"#,
            r#"{"name":"a","description":"é","inputSchema":{"type":"object","maximum":1},"icons":[]}"#,
            r#"{"name":"a","description":"é","inputSchema":{"type":"object","maximum":1},"annotations":{}}"#,
            r#"{"name":"a","description":"é","inputSchema":{"type":"object","maximum":1},"outputSchema":{}}"#,
        ] {
            assert_ne!(hash(text), hash(other), "{other}");
        }
    }

    #[test]
    fn regular_names() {
        for name in ["a", "get_weather", "image.generate.replicate", "A-1", &"x".repeat(128)] {
            assert!(is_regular_name(name), "{name}");
        }
        for name in ["", "a b", "a/b", "é", "a\0", &"x".repeat(129)] {
            assert!(!is_regular_name(name), "{name:?}");
        }
    }
}
