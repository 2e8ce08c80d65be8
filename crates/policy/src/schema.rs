//! JSON Schema of tool arguments.

use thiserror::Error;
use toolgate_json::Value;

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    validator: jsonschema::Validator,
    declared: Vec<String>,
}

/// How arguments that the schema does not name are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownArguments {
    /// As the schema says.
    AsWritten,
    /// Refused.
    Refused,
}

/// Why a schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message} (at {pointer})")]
pub struct SchemaError {
    /// JSON pointer into the schema.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

/// Where a value departs from its schema.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message} (at {pointer})")]
pub struct Violation {
    /// JSON pointer into the arguments.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    ///
    /// Why it cannot be used; references to other documents are never fetched.
    pub fn compile(schema: &Value<'_>) -> Result<Self, SchemaError> {
        let refuse = |message: String| SchemaError { pointer: String::new(), message };
        let value = serde_json::from_str(schema.raw()).map_err(|error| refuse(error.to_string()))?;
        let validator = jsonschema::options()
            .offline()
            .should_validate_formats(false)
            .with_pattern_options(jsonschema::PatternOptions::regex().size_limit(1 << 20))
            .build(&value)
            .map_err(|error| refuse(error.to_string()))?;
        let names = schema.get("properties").into_iter().flat_map(|properties| properties.members());
        let declared = names.filter_map(|m| m.name.as_str().map(std::borrow::Cow::into_owned)).collect();
        Ok(Self { validator, declared })
    }

    /// Checks arguments; absent ones count as `{}`.
    ///
    /// # Errors
    ///
    /// The first thing that does not match.
    pub fn check(&self, value: Option<Value<'_>>, unknown: UnknownArguments) -> Result<(), Violation> {
        let refuse = |pointer: String, message: String| Violation { pointer, message };
        let text = value.map_or("{}", |value| value.raw());
        let instance: serde_json::Value =
            serde_json::from_str(text).map_err(|error| refuse(String::new(), error.to_string()))?;
        if unknown == UnknownArguments::Refused
            && let Some(name) =
                instance.as_object().and_then(|o| o.keys().find(|k| !self.declared.contains(k)))
        {
            return Err(refuse(format!("/{name}"), "the tool has no such argument".to_owned()));
        }
        let result = self.validator.validate(&instance);
        result.map_err(|error| refuse(error.instance_path().to_string(), error.masked().to_string()))
    }
}
