//! What a vendor's request may hold: tables of fields, and the problems that they find. How a problem is worded is each
//! vendor's own affair.

use serde_json::{Map, Value, json};

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Text of at most this many characters.
    Text(usize),
    Flag,
    /// An integer from the first to the second, both included.
    Whole(i64, i64),
    /// A number from the first to the second, both included.
    Number(f64, f64),
    OneOf(&'static [&'static str]),
    /// An `http`, `https` or `data` URI.
    Uri,
    /// A list of at most this many of them.
    Uris(usize),
    /// Anything: checked elsewhere.
    Any,
}

/// One field of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Problem {
    Missing,
    Unknown,
    /// The expected and the given JSON type.
    Type(&'static str, &'static str),
    /// The allowed values.
    NotOneOf(&'static [&'static str]),
    Below(f64),
    Above(f64),
    TooLong(usize),
    NotUri,
}

/// A field and what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) field: String,
    /// The value as JSON; empty where there is none.
    pub(super) given: String,
    pub(super) problem: Problem,
}

/// A field that may be left out.
pub(super) const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

/// A field that must be there.
pub(super) const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

/// Every fault of an object, in the order of the object, the missing fields last.
pub(super) fn check(fields: &[Field], object: &Map<String, Value>) -> Vec<Fault> {
    let mut faults: Vec<_> = object
        .iter()
        .filter_map(|(name, value)| {
            let problem = match fields.iter().find(|field| field.name == name) {
                Some(field) => field.kind.problem(value)?,
                None => Problem::Unknown,
            };
            Some(Fault { field: name.clone(), given: value.to_string(), problem })
        })
        .collect();
    faults.extend(fields.iter().filter(|field| field.required && !object.contains_key(field.name)).map(
        |field| Fault { field: field.name.to_owned(), given: String::new(), problem: Problem::Missing },
    ));
    faults
}

impl Kind {
    fn problem(self, value: &Value) -> Option<Problem> {
        let wrong = || Some(Problem::Type(self.json_type(), json_type(value)));
        match (self, value) {
            (Self::Any, _) | (Self::Flag, Value::Bool(_)) => None,
            (Self::Text(most), Value::String(text)) => {
                (text.chars().count() > most).then_some(Problem::TooLong(most))
            }
            (Self::Whole(least, most), Value::Number(number)) => match number.as_i64() {
                Some(whole) if whole < least => Some(Problem::Below(as_f64(least))),
                Some(whole) if whole > most => Some(Problem::Above(as_f64(most))),
                Some(_) => None,
                None => wrong(),
            },
            (Self::Number(least, most), Value::Number(number)) => match number.as_f64() {
                Some(number) if number < least => Some(Problem::Below(least)),
                Some(number) if number > most => Some(Problem::Above(most)),
                Some(_) => None,
                None => wrong(),
            },
            (Self::OneOf(allowed), Value::String(text)) => {
                (!allowed.contains(&text.as_str())).then_some(Problem::NotOneOf(allowed))
            }
            (Self::Uri, Value::String(text)) => (!is_uri(text)).then_some(Problem::NotUri),
            (Self::Uris(most), Value::Array(items)) => {
                if items.len() > most {
                    return Some(Problem::TooLong(most));
                }
                let uris = items.iter().all(|item| item.as_str().is_some_and(is_uri));
                (!uris).then_some(Problem::NotUri)
            }
            _ => wrong(),
        }
    }

    fn json_type(self) -> &'static str {
        match self {
            Self::Text(_) | Self::OneOf(_) | Self::Uri => "string",
            Self::Flag => "boolean",
            Self::Whole(..) => "integer",
            Self::Number(..) => "number",
            Self::Uris(_) => "array",
            Self::Any => "object",
        }
    }

    /// The field as JSON Schema has it.
    fn described(self) -> Value {
        match self {
            Self::Text(_) => json!({ "type": "string" }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Self::Number(least, most) => json!({ "type": "number", "minimum": least, "maximum": most }),
            Self::OneOf(allowed) => json!({ "type": "string", "enum": allowed }),
            Self::Uri => json!({ "type": "string", "format": "uri" }),
            Self::Uris(most) => {
                json!({ "type": "array", "items": { "type": "string", "format": "uri" }, "maxItems": most })
            }
            Self::Any => json!({}),
        }
    }
}

/// The fields as one JSON Schema object.
pub(super) fn described(fields: &[Field]) -> Value {
    let properties: Map<_, _> =
        fields.iter().map(|field| (field.name.to_owned(), field.kind.described())).collect();
    let required: Vec<_> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    json!({ "type": "object", "title": "Input", "required": required, "properties": properties })
}

fn is_uri(text: &str) -> bool {
    ["https://", "http://", "data:"].iter().any(|scheme| text.starts_with(scheme))
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Bounds are small; what is beyond 2^53 is no bound that an error names exactly.
fn as_f64(whole: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "only for the text of an error")]
    let number = whole as f64;
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        required("prompt", Kind::Text(5)),
        optional("n", Kind::Whole(1, 10)),
        optional("strength", Kind::Number(0.0, 1.0)),
        optional("format", Kind::OneOf(&["png", "jpg"])),
        optional("flag", Kind::Flag),
        optional("image", Kind::Uri),
        optional("images", Kind::Uris(2)),
    ];

    fn first(object: &Value) -> Option<Problem> {
        check(FIELDS, object.as_object().unwrap()).into_iter().next().map(|fault| fault.problem)
    }

    #[test]
    fn each_problem_is_found() {
        for (object, problem) in [
            (json!({ "prompt": "p" }), None),
            (json!({ "prompt": "p", "n": 1, "strength": 0.5, "format": "png", "flag": true }), None),
            (json!({ "prompt": "p", "image": "data:x", "images": ["https://x", "http://y"] }), None),
            (json!({ "prompt": "p", "strength": 1 }), None),
            (json!({}), Some(Problem::Missing)),
            (json!({ "prompt": "p", "size": 1 }), Some(Problem::Unknown)),
            (json!({ "prompt": "too long" }), Some(Problem::TooLong(5))),
            (json!({ "prompt": null }), Some(Problem::Type("string", "null"))),
            (json!({ "prompt": "p", "n": 0 }), Some(Problem::Below(1.0))),
            (json!({ "prompt": "p", "n": 11 }), Some(Problem::Above(10.0))),
            (json!({ "prompt": "p", "n": 1.5 }), Some(Problem::Type("integer", "number"))),
            (json!({ "prompt": "p", "n": "1" }), Some(Problem::Type("integer", "string"))),
            (json!({ "prompt": "p", "format": "jpeg" }), Some(Problem::NotOneOf(&["png", "jpg"]))),
            (json!({ "prompt": "p", "image": "file:///x" }), Some(Problem::NotUri)),
            (
                json!({ "prompt": "p", "images": ["https://x", "https://y", "https://z"] }),
                Some(Problem::TooLong(2)),
            ),
        ] {
            assert_eq!(first(&object), problem, "{object}");
        }
    }

    #[test]
    fn the_fields_describe_themselves() {
        let schema = described(FIELDS);
        assert_eq!(schema["required"], json!(["prompt"]));
        assert_eq!(schema["properties"]["n"], json!({ "type": "integer", "minimum": 1, "maximum": 10 }));
    }
}
