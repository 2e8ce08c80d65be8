//! Values that a policy or a schema compares arguments with.

use toolgate_json::{Decimal, Kind, Value};

use crate::located::Place;

/// A JSON value that a plan owns; numbers keep their spelling and are compared by their digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Number(Box<str>),
    String(Box<str>),
    List(Vec<Literal>),
    Map(Vec<(Box<str>, Literal)>),
}

impl Literal {
    pub(crate) fn of_place(place: Place<'_>) -> Self {
        match place.kind() {
            Kind::Null => Literal::Null,
            Kind::Bool => Literal::Bool(place.as_bool().unwrap_or_default()),
            Kind::Number => Literal::Number(place.as_number().unwrap_or_default().into()),
            Kind::String => Literal::String(place.as_str().unwrap_or_default().into()),
            Kind::Array => Literal::List(place.elements().map(Self::of_place).collect()),
            Kind::Object => {
                let member = |m: Place<'_>| (m.name().unwrap_or_default().into(), Self::of_place(m));
                Literal::Map(place.members().map(member).collect())
            }
        }
    }

    pub(crate) fn of_value(value: Value<'_>) -> Self {
        match value.kind() {
            Kind::Null => Literal::Null,
            Kind::Bool => Literal::Bool(value.as_bool().unwrap_or_default()),
            Kind::Number => Literal::Number(value.raw().into()),
            Kind::String => Literal::String(value.as_str().unwrap_or_default().into()),
            Kind::Array => Literal::List(value.elements().map(Self::of_value).collect()),
            Kind::Object => {
                let member = |m: toolgate_json::Member<'_>| {
                    (m.name.as_str().unwrap_or_default().into(), Self::of_value(m.value))
                };
                Literal::Map(value.members().map(member).collect())
            }
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Literal::Null => Kind::Null,
            Literal::Bool(_) => Kind::Bool,
            Literal::Number(_) => Kind::Number,
            Literal::String(_) => Kind::String,
            Literal::List(_) => Kind::Array,
            Literal::Map(_) => Kind::Object,
        }
    }

    /// JSON equality (`1` equals `1.0`, members in any order); none if it hangs on a number that cannot
    /// be read exactly.
    pub(crate) fn equals(&self, value: &Value<'_>) -> Option<bool> {
        match (self, value.kind()) {
            (Literal::Null, Kind::Null) => Some(true),
            (Literal::Bool(own), Kind::Bool) => Some(value.as_bool() == Some(*own)),
            (Literal::Number(own), Kind::Number) => equal_numbers(own, value.raw()),
            (Literal::String(own), Kind::String) => Some(value.is_str(own)),
            (Literal::List(own), Kind::Array) => {
                if own.len() != value.elements().count() {
                    return Some(false);
                }
                all(own.iter().zip(value.elements()).map(|(literal, element)| literal.equals(&element)))
            }
            (Literal::Map(own), Kind::Object) => {
                if own.len() != value.members().count() {
                    return Some(false);
                }
                all(own.iter().map(|(name, literal)| {
                    value.get(name).map_or(Some(false), |member| literal.equals(&member))
                }))
            }
            _ => Some(false),
        }
    }

    /// Whether the literal is this text.
    pub(crate) fn is_text(&self, text: &str) -> bool {
        matches!(self, Literal::String(own) if **own == *text)
    }
}

/// Equality by value; none if either cannot be read exactly.
pub(crate) fn equal_numbers(left: &str, right: &str) -> Option<bool> {
    match (Decimal::parse(left), Decimal::parse(right)) {
        (Some(left), Some(right)) => Some(left == right),
        _ => None,
    }
}

/// Whether all hold; an unequal part makes the whole unequal whatever cannot be read elsewhere.
fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for part in parts {
        match part {
            Some(true) => {}
            Some(false) => return Some(false),
            None => result = None,
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use toolgate_json::{Document, Limits};

    use super::*;

    #[test]
    fn compares_as_json_does() {
        let cases = [
            ("1", "1.0", Some(true)),
            ("9007199254740992", "9007199254740993", Some(false)),
            ("-0", "0", Some(true)),
            ("\"5\"", "5", Some(false)),
            ("[1,{\"a\":2,\"b\":null}]", "[1.0,{\"b\":null,\"a\":2e0}]", Some(true)),
            ("{\"a\":1}", "{\"a\":1,\"b\":1}", Some(false)),
            ("0e99999999999", "0", None),
            ("[0e99999999999, 1]", "[0, 2]", Some(false)),
            ("[0e99999999999, 1]", "[0, 1]", None),
        ];
        for (left, right, expected) in cases {
            let left_document = Document::read(left.as_bytes(), &Limits::default()).unwrap();
            let right_document = Document::read(right.as_bytes(), &Limits::default()).unwrap();
            let literal = Literal::of_value(left_document.root());
            assert_eq!(literal.equals(&right_document.root()), expected, "{left} and {right}");
        }
    }
}
