//! What a path leads to: a value of the arguments, or a fact about the caller, seen alike.

use std::borrow::Cow;
use std::cmp::Ordering;

use toolgate_json::{Decimal, Kind, Value};

use crate::literal::Literal;

/// A value that a condition judges.
#[derive(Clone, Debug)]
pub(crate) enum Subject<'a> {
    Json(Value<'a>),
    Text(Cow<'a, str>),
    Number(i64),
    Texts(&'a [String]),
}

impl<'a> Subject<'a> {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Subject::Json(value) => value.kind(),
            Subject::Text(_) => Kind::String,
            Subject::Number(_) => Kind::Number,
            Subject::Texts(_) => Kind::Array,
        }
    }

    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Subject::Json(value) => value.as_str(),
            Subject::Text(text) => Some(Cow::Borrowed(text)),
            Subject::Number(_) | Subject::Texts(_) => None,
        }
    }

    /// The order against a number; none for other types and numbers that cannot be read exactly.
    pub(crate) fn compare(&self, number: &str) -> Option<Ordering> {
        let other = Decimal::parse(number)?;
        match self {
            Subject::Json(value) => Some(value.as_decimal()?.cmp(&other)),
            Subject::Number(own) => Some(Decimal::parse(&own.to_string())?.cmp(&other)),
            Subject::Text(_) | Subject::Texts(_) => None,
        }
    }

    /// JSON equality; none if it hangs on a number that cannot be read exactly.
    pub(crate) fn equals(&self, literal: &Literal) -> Option<bool> {
        match self {
            Subject::Json(value) => literal.equals(value),
            Subject::Text(text) => Some(literal.is_text(text)),
            Subject::Number(own) => match literal {
                Literal::Number(number) => crate::literal::equal_numbers(&own.to_string(), number),
                _ => Some(false),
            },
            Subject::Texts(texts) => match literal {
                Literal::List(list) => {
                    Some(list.len() == texts.len() && list.iter().zip(*texts).all(|(l, t)| l.is_text(t)))
                }
                _ => Some(false),
            },
        }
    }

    /// Characters of a string, elements of a list, members of an object.
    pub(crate) fn length(&self) -> Option<usize> {
        match self {
            Subject::Json(value) => match value.kind() {
                Kind::String => value.as_str().map(|text| text.chars().count()),
                Kind::Array => Some(value.elements().count()),
                Kind::Object => Some(value.members().count()),
                Kind::Null | Kind::Bool | Kind::Number => None,
            },
            Subject::Text(text) => Some(text.chars().count()),
            Subject::Texts(texts) => Some(texts.len()),
            Subject::Number(_) => None,
        }
    }

    /// The element at that place of a list.
    pub(crate) fn element(&self, index: usize) -> Option<Subject<'a>> {
        match self {
            Subject::Json(value) => value.at(index).map(Subject::Json),
            Subject::Texts(texts) => texts.get(index).map(|text| Subject::Text(Cow::Borrowed(text))),
            Subject::Text(_) | Subject::Number(_) => None,
        }
    }

    /// The elements of a list, in order.
    pub(crate) fn elements(&self) -> impl Iterator<Item = Subject<'a>> + use<'a> {
        let json = if let Subject::Json(value) = self { Some(value.elements()) } else { None };
        let texts: &'a [String] = if let Subject::Texts(texts) = self { texts } else { &[] };
        json.into_iter()
            .flatten()
            .map(Subject::Json)
            .chain(texts.iter().map(|text| Subject::Text(Cow::Borrowed(text))))
    }
}
