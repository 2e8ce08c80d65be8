//! JSON as clients write it: with comments, and with commas after the last value.

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::{Content, Map, Member, Node, Style, SyntaxError};

pub(super) fn read(text: &str) -> Result<Node, SyntaxError> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options).map_err(|error| {
        let message = error.kind().to_string();
        let mut letters = message.chars();
        let first = letters.next().into_iter().flat_map(char::to_lowercase);
        SyntaxError::at(text, error.range().start, first.chain(letters).collect::<String>())
    })?;
    match parsed.value {
        Some(value) => Ok(node(&value)),
        // A client takes an empty file for one without settings.
        None => Ok(Node { span: text.len()..text.len(), content: Content::Other }),
    }
}

fn node(value: &Value<'_>) -> Node {
    let range = value.range();
    let content = match value {
        Value::StringLit(text) => Content::Text(text.value.to_string()),
        Value::NumberLit(number) => Content::Number(number.value.to_owned()),
        Value::BooleanLit(flag) => Content::Bool(flag.value),
        Value::NullKeyword(_) => Content::Other,
        Value::Array(array) => Content::List(array.elements.iter().map(node).collect()),
        Value::Object(object) => {
            let member = |property: &jsonc_parser::ast::ObjectProp<'_>| {
                let key = property.name.range();
                Member {
                    name: property.name.as_str().to_owned(),
                    key: key.start..key.end,
                    value: node(&property.value),
                }
            };
            Content::Map(Map::new(object.properties.iter().map(member).collect(), Style::Braces))
        }
    };
    Node { span: range.start..range.end, content }
}
