//! A tool as MCP lists it: title, hints, the schema of its arguments and of its structured result.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool as Definition, ToolAnnotations};
use serde_json::{Map, Value, json};

use super::{Field, Kind, REQUIRED, Tool};

impl Tool {
    /// The tool as `tools/list` shows it.
    #[must_use]
    pub fn definition(self) -> Definition {
        let title = format!("Make an image with {}", self.vendor());
        // Every call makes a new file and changes none, and the vendors are other people's machines.
        let hints = ToolAnnotations::with_title(title.clone())
            .read_only(false)
            .destructive(false)
            .idempotent(false)
            .open_world(true);
        Definition::new(self.name(), self.description(), Arc::new(input_schema(self.fields())))
            .with_title(title)
            .with_raw_output_schema(Arc::new(output_schema()))
            .with_annotations(hints)
    }
}

fn input_schema(fields: &[Field]) -> JsonObject {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), field_schema(field.kind))).collect();
    members([
        ("type", json!("object")),
        ("properties", Value::Object(properties)),
        ("required", json!([REQUIRED])),
        ("additionalProperties", json!(false)),
        ("$schema", json!("http://json-schema.org/draft-07/schema#")),
    ])
}

fn field_schema(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Positive => json!({ "type": "integer", "exclusiveMinimum": 0 }),
        Kind::Integer => json!({ "type": "integer" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words }),
    }
}

/// Describes what [`crate::reply`] builds.
fn output_schema() -> JsonObject {
    members([
        ("type", json!("object")),
        (
            "properties",
            json!({
                "provider": { "type": "string", "description": "who made the picture" },
                "model": { "type": "string", "description": "the model asked for; empty if none" },
                "path": { "type": "string", "description": "absolute path of the saved file" },
                "mime": { "type": "string", "enum": ["image/png", "image/jpeg", "image/webp"] },
                "width": { "type": "integer", "minimum": 1, "description": "pixels" },
                "height": { "type": "integer", "minimum": 1, "description": "pixels" },
                "bytes": { "type": "integer", "minimum": 1, "description": "size of the saved file" },
                "seed": { "type": "integer" },
                "adjustments": {
                    "type": "array",
                    "items": { "type": "string" },
                    "description": "what differs from what was asked for"
                }
            }),
        ),
        ("required", json!(["provider", "model", "path", "mime", "width", "height", "bytes", "adjustments"])),
    ])
}

fn members<const N: usize>(members: [(&str, Value); N]) -> JsonObject {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_lists_its_fields_in_the_order_of_the_contract() {
        let schema = Value::Object((*Tool::Replicate.definition().input_schema).clone());
        assert_eq!(
            schema.to_string(),
            concat!(
                r#"{"type":"object","properties":{"prompt":{"type":"string"},"model":{"type":"string"},"#,
                r#""width":{"type":"integer","exclusiveMinimum":0},"#,
                r#""height":{"type":"integer","exclusiveMinimum":0},"size":{"type":"string"},"#,
                r#""format":{"type":"string","enum":["png","jpeg","jpg","webp"]},"seed":{"type":"integer"},"#,
                r#""returnBase64":{"type":"boolean"},"filenameHint":{"type":"string"}},"required":["prompt"],"#,
                r#""additionalProperties":false,"$schema":"http://json-schema.org/draft-07/schema#"}"#
            )
        );
    }

    #[test]
    fn no_tool_calls_itself_read_only() {
        for tool in Tool::ALL {
            let hints = tool.definition().annotations.unwrap();
            assert_eq!(hints.read_only_hint, Some(false), "{}", tool.name());
            assert_eq!(hints.destructive_hint, Some(false), "{}", tool.name());
            assert_eq!(hints.open_world_hint, Some(true), "{}", tool.name());
        }
    }
}
