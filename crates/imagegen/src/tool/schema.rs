//! A tool as MCP lists it: title, hints, the schema of its arguments and of its structured result.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool as Definition, ToolAnnotations};
use serde_json::{Map, Value, json};

use super::{Field, Kind, MODEL_LIST, MOST_IMAGES, Naming, REQUIRED, Tool};

impl Tool {
    /// The tool as `tools/list` shows it.
    #[must_use]
    pub fn definition(self, naming: Naming) -> Definition {
        let title = format!("Make an image with {}", self.vendor());
        // Every call makes a new file and changes none, and the vendors are other people's machines.
        let hints = ToolAnnotations::with_title(title.clone())
            .read_only(false)
            .destructive(false)
            .idempotent(false)
            .open_world(true);
        Definition::new(
            naming.of(self.name()),
            self.description(),
            Arc::new(input_schema(self.fields(), naming)),
        )
        .with_title(title)
        .with_raw_output_schema(Arc::new(output_schema()))
        .with_annotations(hints)
    }
}

/// The tool that lists the models, as `tools/list` shows it.
#[must_use]
pub fn model_list_definition(naming: Naming) -> Definition {
    let title = "List image models";
    let providers = Tool::ALL.map(Tool::provider);
    let input = members([
        ("type", json!("object")),
        (
            "properties",
            json!({ "provider": {
                "type": "string",
                "enum": providers,
                "description": "only the models of this provider"
            } }),
        ),
        ("additionalProperties", json!(false)),
        ("$schema", json!("http://json-schema.org/draft-07/schema#")),
    ]);
    let output = members([
        ("type", json!("object")),
        (
            "properties",
            json!({
                "asOf": { "type": "string", "description": "the date of the table; prices are estimates" },
                "models": { "type": "array", "items": { "type": "object" } }
            }),
        ),
        ("required", json!(["asOf", "models"])),
    ]);
    let about =
        "List the image models of each provider with their price, limits and end of life. Costs nothing.";
    Definition::new(naming.of(MODEL_LIST), about, Arc::new(input))
        .with_title(title)
        .with_raw_output_schema(Arc::new(output))
        .with_annotations(ToolAnnotations::with_title(title).read_only(true).open_world(false))
}

fn input_schema(fields: &[Field], naming: Naming) -> JsonObject {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), field_schema(field, naming))).collect();
    members([
        ("type", json!("object")),
        ("properties", Value::Object(properties)),
        ("required", json!([REQUIRED])),
        ("additionalProperties", json!(false)),
        ("$schema", json!("http://json-schema.org/draft-07/schema#")),
    ])
}

fn field_schema(field: &Field, naming: Naming) -> Value {
    let mut schema = match field.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Texts => {
            json!({ "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": MOST_IMAGES })
        }
        Kind::Positive => json!({ "type": "integer", "exclusiveMinimum": 0 }),
        Kind::UpTo(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
        Kind::Integer => json!({ "type": "integer" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words }),
    };
    if let Some(members) = schema.as_object_mut() {
        members.insert("description".to_owned(), json!(naming.told(field.about)));
    }
    schema
}

/// Describes what [`crate::reply`] builds.
fn output_schema() -> JsonObject {
    let picture = json!({
        "path": { "type": "string", "description": "absolute path of the saved file" },
        "uri": { "type": "string", "description": "the saved file as a resource of this server" },
        "mime": { "type": "string", "enum": ["image/png", "image/jpeg", "image/webp"] },
        "width": { "type": "integer", "minimum": 1, "description": "pixels" },
        "height": { "type": "integer", "minimum": 1, "description": "pixels" },
        "bytes": { "type": "integer", "minimum": 1, "description": "size of the saved file" }
    });
    let mut properties = members([
        ("provider", json!({ "type": "string", "description": "who made the picture" })),
        ("model", json!({ "type": "string", "description": "the model asked for; empty if none" })),
    ]);
    properties.extend(picture.as_object().cloned().unwrap_or_default());
    let one = json!({ "type": "object", "properties": picture });
    properties.extend(members([
        ("seed", json!({ "type": "integer" })),
        ("images", json!({ "type": "array", "items": one, "description": "all pictures, if more than one" })),
        ("cost_usd", json!({ "type": "number", "minimum": 0, "description": "an estimate" })),
        ("elapsed_ms", json!({ "type": "integer", "minimum": 0 })),
        ("prediction_id", json!({ "type": "string", "description": "the vendor's id of the run" })),
        ("dry_run", json!({ "type": "boolean", "description": "nothing was sent and no picture made" })),
        ("request", json!({ "type": "object", "description": "of a dry run: what would be sent" })),
        (
            "adjustments",
            json!({
                "type": "array",
                "items": { "type": "string" },
                "description": "what differs from what was asked for"
            }),
        ),
    ]));
    members([
        ("type", json!("object")),
        ("properties", Value::Object(properties)),
        ("required", json!(["provider", "model", "adjustments"])),
    ])
}

fn members<const N: usize>(members: [(&str, Value); N]) -> JsonObject {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_lists_the_original_fields_first_and_describes_each() {
        let definition = Tool::Replicate.definition(Naming::Dots);
        let fields = definition.input_schema["properties"].as_object().unwrap();
        let names: Vec<_> = fields.keys().map(String::as_str).collect();
        let original =
            ["prompt", "model", "width", "height", "size", "format", "seed", "returnBase64", "filenameHint"];
        assert_eq!(names[..original.len()], original);
        assert_eq!(fields["width"]["exclusiveMinimum"], 0);
        assert_eq!(fields["format"]["enum"], json!(["png", "jpeg", "jpg", "webp"]));
        assert!(fields.values().all(|field| !field["description"].as_str().unwrap().is_empty()));
    }

    #[test]
    fn underscores_are_for_clients_that_refuse_dots() {
        assert_eq!(Tool::OpenAi.definition(Naming::Underscores).name, "image_generate_openai");
        assert_eq!(model_list_definition(Naming::Underscores).name, "image_models_list");
        let schema = &Tool::OpenAi.definition(Naming::Underscores).input_schema;
        assert!(schema["properties"]["model"]["description"].as_str().unwrap().contains("image_models_list"));
        assert_eq!(Tool::by_name("image_generate_openai", Naming::Underscores), Some(Tool::OpenAi));
        assert_eq!(Tool::by_name("image_generate_openai", Naming::Dots), None);
        assert_eq!(Tool::by_name("image.generate.openai", Naming::Underscores), None);
    }

    #[test]
    fn no_tool_calls_itself_read_only() {
        for tool in Tool::ALL {
            let hints = tool.definition(Naming::Dots).annotations.unwrap();
            assert_eq!(hints.read_only_hint, Some(false), "{}", tool.name());
            assert_eq!(hints.destructive_hint, Some(false), "{}", tool.name());
            assert_eq!(hints.open_world_hint, Some(true), "{}", tool.name());
        }
    }
}
