//! A tool as its server describes it: the one thing that the classifier looks at.

use serde_json::{Map, Value};

/// A tool's definition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    /// The server that offers it, where known. It is never judged; words of it that stand in front of
    /// the tool's name are not taken for the tool's action.
    pub server: String,
    /// The name it is called by.
    pub name: String,
    /// The name shown to people.
    pub title: String,
    /// What the server says about it.
    pub description: String,
    /// The JSON Schema of its arguments; null where unknown.
    pub input_schema: Value,
    /// What the server claims about its effects: a claim, never a proof.
    pub annotations: Annotations,
}

/// The server's claims about a tool's effects. Absent means that nothing was claimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    /// `readOnlyHint`.
    pub read_only: Option<bool>,
    /// `destructiveHint`.
    pub destructive: Option<bool>,
}

/// Why a value is no definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// It is no JSON object.
    #[error("a tool definition must be a JSON object")]
    NotAnObject,
    /// It has no name, or the name is no text.
    #[error("a tool definition needs its name as a string in `name` or `tool`")]
    NoName,
    /// A member has the wrong type.
    #[error("`{0}` of a tool definition must be {1}")]
    WrongType(&'static str, &'static str),
}

impl Definition {
    /// Reads a definition: a tool of `tools/list` (`name`, `inputSchema`), or a row of a dump (`server`,
    /// `tool`, `input_schema`).
    ///
    /// # Errors
    ///
    /// It has no name, or a member of the wrong type. Members that are absent or null are unknown.
    pub fn from_value(value: &Value) -> Result<Self, DefinitionError> {
        let members = value.as_object().ok_or(DefinitionError::NotAnObject)?;
        let name = text(members, "tool")?.or(text(members, "name")?).ok_or(DefinitionError::NoName)?;
        let schema = present(members, "input_schema").or_else(|| present(members, "inputSchema"));
        if schema.is_some_and(|schema| !schema.is_object() && !schema.is_boolean()) {
            return Err(DefinitionError::WrongType("input_schema", "a JSON Schema"));
        }
        let annotations = match present(members, "annotations") {
            None => None,
            Some(Value::Object(annotations)) => Some(annotations),
            Some(_) => return Err(DefinitionError::WrongType("annotations", "an object")),
        };
        let hint = |name: &str| annotations.and_then(|members| members.get(name)).and_then(Value::as_bool);
        let inner_title = annotations.and_then(|members| members.get("title")).and_then(Value::as_str);
        Ok(Self {
            server: text(members, "server")?.unwrap_or_default(),
            name,
            title: text(members, "title")?.or(inner_title.map(str::to_owned)).unwrap_or_default(),
            description: text(members, "description")?.unwrap_or_default(),
            input_schema: schema.cloned().unwrap_or_default(),
            annotations: Annotations {
                read_only: hint("readOnlyHint"),
                destructive: hint("destructiveHint"),
            },
        })
    }
}

fn present<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    members.get(name).filter(|value| !value.is_null())
}

fn text(members: &Map<String, Value>, name: &'static str) -> Result<Option<String>, DefinitionError> {
    match present(members, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(DefinitionError::WrongType(name, "a string")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_are_read() {
        let dump = json!({"server": "s", "tool": "t", "description": "d", "input_schema": {"type": "object"},
            "annotations": {"destructiveHint": true}});
        let live = json!({"name": "t", "description": "d", "inputSchema": {"type": "object"},
            "annotations": {"destructiveHint": true}});
        let (dump, live) = (Definition::from_value(&dump).unwrap(), Definition::from_value(&live).unwrap());
        assert_eq!(dump.server, "s");
        assert_eq!(Definition { server: String::new(), ..dump }, live);
        assert_eq!(live.annotations.destructive, Some(true));
    }

    #[test]
    fn what_is_no_definition_is_said() {
        let check = |value: Value, error: DefinitionError| {
            assert_eq!(Definition::from_value(&value), Err(error));
        };
        check(json!([]), DefinitionError::NotAnObject);
        check(json!({"description": "d"}), DefinitionError::NoName);
        check(json!({"name": 3}), DefinitionError::WrongType("name", "a string"));
        check(
            json!({"name": "t", "inputSchema": 3}),
            DefinitionError::WrongType("input_schema", "a JSON Schema"),
        );
    }
}
