//! How much of a model's context a tool takes: the tokens of its definition, by the vocabulary `o200k_base`.
//! The vocabulary is part of the program; it takes some 50 MB while it is in use and nothing otherwise.

use std::fmt;

use serde_json::{Map, Value};
use tiktoken_rs::CoreBPE;

use crate::definition::Definition;

/// The context window that shares are told of where nobody says another: tokens.
pub const CONTEXT_WINDOW: u64 = 200_000;

/// Counts tokens. Made when something is to be counted, and dropped afterwards.
pub struct Tokenizer(CoreBPE);

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokenizer")
    }
}

/// Why nothing can be counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the vocabulary `o200k_base` cannot be used: {0}")]
pub struct TokenizerError(String);

impl Tokenizer {
    /// Unpacks the vocabulary, which takes some tenths of a second.
    ///
    /// # Errors
    ///
    /// It does not unpack, which would be a mistake of the build.
    pub fn load() -> Result<Self, TokenizerError> {
        tiktoken_rs::o200k_base().map(Self).map_err(|error| TokenizerError(error.to_string()))
    }

    /// The tokens of a text. Marks such as `<|endoftext|>` count as the text that they are here.
    #[must_use]
    pub fn count(&self, text: &str) -> u64 {
        u64::try_from(self.0.encode_ordinary(text).len()).unwrap_or(u64::MAX)
    }

    /// The tokens of a definition, as [`in_context`] writes it.
    #[must_use]
    pub fn count_definition(&self, tool: &Definition) -> u64 {
        self.count(&in_context(tool))
    }
}

/// A tool as clients put it before a model: compact JSON of `name`, `description` and `inputSchema`, each as far
/// as the server gave it. The members of every object stand in the order of their names, so that the same
/// definition always counts the same; what a client or a vendor adds around it is not known here, and annotations,
/// titles and output schemas mostly do not reach the model.
#[must_use]
pub fn in_context(tool: &Definition) -> String {
    let mut members = Map::new();
    if !tool.description.is_empty() {
        members.insert("description".to_owned(), tool.description.clone().into());
    }
    if !tool.input_schema.is_null() {
        members.insert("inputSchema".to_owned(), tool.input_schema.clone());
    }
    members.insert("name".to_owned(), tool.name.clone().into());
    let mut text = String::new();
    write(&Value::Object(members), &mut text);
    text
}

/// The part of a context window that tokens take, from 0 to 1, in millionths; a window of none is taken as one
/// token.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "millionths of windows stay far below 2^53")]
pub fn context_share(tokens: u64, window: u64) -> f64 {
    let millionths = u128::from(tokens) * 1_000_000 / u128::from(window.max(1));
    u64::try_from(millionths).unwrap_or(u64::MAX) as f64 / 1e6
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (at, (name, member)) in members.into_iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
        Value::Array(elements) => {
            out.push('[');
            for (at, element) in elements.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write(element, out);
            }
            out.push(']');
        }
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            out.push_str(&plain.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_count_as_the_vocabulary_says() {
        let tokenizer = Tokenizer::load().unwrap();
        // As three implementations of the vocabulary count them.
        for (text, tokens) in [
            ("", 0),
            ("hello world", 2),
            ("tiktoken is great!", 6),
            ("お誕生日おめでとう", 8),
            ("<|endoftext|>", 7),
            ("{\"type\":\"object\"}", 5),
        ] {
            assert_eq!(tokenizer.count(text), tokens, "{text}");
        }
    }

    #[test]
    fn shares_are_parts_of_the_window() {
        for (tokens, window, share) in
            [(0, 200_000, 0.0), (500, 200_000, 0.0025), (1, 3, 0.333_333), (5, 0, 5.0)]
        {
            assert_eq!(context_share(tokens, window), share);
        }
    }

    #[test]
    fn what_reaches_a_model_is_counted_in_one_order() {
        let tool = |value: Value| in_context(&Definition::from_value(&value).unwrap());
        let full = json!({"name": "t", "description": "d \"q\"", "title": "T", "annotations": {"readOnlyHint": true},
            "inputSchema": {"type": "object", "properties": {"b": {"enum": [1, null, "x"]}, "a": true}}});
        let text = r#"{"description":"d \"q\"","inputSchema":{"properties":{"a":true,"b":{"enum":[1,null,"x"]}},"type":"object"},"name":"t"}"#;
        assert_eq!(tool(full), text);
        assert_eq!(tool(json!({"name": "t", "description": ""})), r#"{"name":"t"}"#);
        let read: Value = serde_json::from_str(text).unwrap();
        assert_eq!(tool(read), text);
    }
}
