//! Tables of the fields that a file may have: one table checks a file, names the nearest known field
//! for an unknown one, prints the documentation and prints a JSON Schema.

use toolgate_json::Kind;

use crate::located::Place;
use crate::nearest::nearest;
use crate::problem::Problems;

/// A field of an object.
#[derive(Debug)]
pub struct Field {
    /// The member name.
    pub name: &'static str,
    /// What may stand there.
    pub shape: Shape,
    /// Whether the object is refused without it.
    pub required: bool,
    /// What it means, its unit, and what holds when it is absent.
    pub docs: &'static str,
}

/// An object whose fields are all known.
#[derive(Debug)]
pub struct Table {
    /// What messages and documentation call it.
    pub name: &'static str,
    /// All fields, in the order of the documentation.
    pub fields: &'static [Field],
}

impl Table {
    /// The field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// What may stand at a place of a file.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Any value at all.
    Any,
    /// Any object; its members are judged elsewhere.
    AnyObject,
    /// A string.
    Text,
    /// `true` or `false`.
    Flag,
    /// A number.
    Number,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A list of values of one shape.
    List(&'static Shape),
    /// An object with names of the author's choice and values of one shape.
    Map(&'static Shape),
    /// An object of known fields.
    Object(&'static Table),
    /// The first of these that has the value's JSON type.
    Either(&'static [Shape]),
    /// A field of the language that this version refuses.
    Unavailable,
}

impl Shape {
    /// Reports everything at `place` and below that is not of this shape: wrong types, unknown and
    /// missing fields, words that are not in a list.
    pub fn check(&'static self, place: Place<'_>, problems: &mut Problems) {
        match self {
            Shape::Unavailable => {
                let name = place.name().unwrap_or_default();
                problems.name_error(place, format!("`{name}` is not available in this version"), None);
            }
            Shape::Either(shapes) => match shapes.iter().find(|shape| shape.admits(place.kind())) {
                Some(shape) => shape.check(place, problems),
                None => self.mismatch(place, problems),
            },
            _ if !self.admits(place.kind()) => self.mismatch(place, problems),
            Shape::Any | Shape::AnyObject | Shape::Text | Shape::Flag | Shape::Number => {}
            Shape::OneOf(words) => check_word(place, words, problems),
            Shape::List(inner) => place.elements().for_each(|element| inner.check(element, problems)),
            Shape::Map(inner) => place.members().for_each(|member| inner.check(member, problems)),
            Shape::Object(table) => check_fields(place, table, problems),
        }
    }

    fn admits(&self, kind: Kind) -> bool {
        match self {
            Shape::Any | Shape::Unavailable => true,
            Shape::Text | Shape::OneOf(_) => kind == Kind::String,
            Shape::Flag => kind == Kind::Bool,
            Shape::Number => kind == Kind::Number,
            Shape::List(_) => kind == Kind::Array,
            Shape::Map(_) | Shape::Object(_) | Shape::AnyObject => kind == Kind::Object,
            Shape::Either(shapes) => shapes.iter().any(|shape| shape.admits(kind)),
        }
    }

    fn mismatch(&self, place: Place<'_>, problems: &mut Problems) {
        let message = format!("expected {}, found {}", self.describe(), with_article(place.kind()));
        match (self, place.as_number()) {
            (Shape::OneOf(words), Some(number)) if words.contains(&number) => {
                problems.error_with_help(place, message, format!("quote it: \"{number}\""));
            }
            _ => problems.error(place, message),
        }
    }

    /// The shape in words, with an article.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Shape::Any | Shape::Unavailable => "any value".to_owned(),
            Shape::AnyObject | Shape::Map(_) => "an object".to_owned(),
            Shape::Text => "a string".to_owned(),
            Shape::Flag => "true or false".to_owned(),
            Shape::Number => "a number".to_owned(),
            Shape::OneOf([word]) => format!("the string \"{word}\""),
            Shape::OneOf(words) => format!("one of {}", words_in_backticks(words)),
            Shape::List(_) => "a list".to_owned(),
            Shape::Object(table) => format!("an object ({})", table.name),
            Shape::Either(shapes) => shapes.iter().map(Shape::describe).collect::<Vec<_>>().join(" or "),
        }
    }
}

/// A JSON type with its article, for "found a string".
#[must_use]
pub fn with_article(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool => "a boolean",
        Kind::Number => "a number",
        Kind::String => "a string",
        Kind::Array => "a list",
        Kind::Object => "an object",
    }
}

fn words_in_backticks(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn check_word(place: Place<'_>, words: &'static [&'static str], problems: &mut Problems) {
    let found = place.as_str().unwrap_or_default();
    if words.contains(&found) {
        return;
    }
    let help = match nearest(found, words.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("known: {}", words_in_backticks(words)),
    };
    let subject = place.name().map_or_else(String::new, |name| format!(" for `{name}`"));
    problems.error_with_help(place, format!("unknown value `{}`{subject}", shorten(found)), help);
}

fn check_fields(place: Place<'_>, table: &'static Table, problems: &mut Problems) {
    for member in place.members() {
        let name = member.name().unwrap_or_default();
        match table.field(name) {
            Some(field) => field.shape.check(member, problems),
            None => unknown_field(member, table, problems),
        }
    }
    for field in table.fields.iter().filter(|field| field.required) {
        if place.get(field.name).is_none() {
            problems.error(place, format!("{} lacks the field `{}`", table.name, field.name));
        }
    }
}

fn unknown_field(member: Place<'_>, table: &'static Table, problems: &mut Problems) {
    let name = member.name().unwrap_or_default();
    let known = || table.fields.iter().map(|field| field.name);
    let help = match nearest(name, known()) {
        Some(field) => format!("did you mean `{field}`?"),
        None => format!("known: {}", words_in_backticks(&known().collect::<Vec<_>>())),
    };
    problems.name_error(member, format!("unknown field `{}` of {}", shorten(name), table.name), Some(help));
}

/// The beginning of a text that a message repeats.
#[must_use]
pub(crate) fn shorten(text: &str) -> String {
    const SHOWN: usize = 80;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(std::iter::once('…')).collect()
}
