//! The tape of a document that was read, and the views of the values on it.

use std::borrow::Cow;

use crate::number::Decimal;
use crate::reader::{self, Limits, ReadError};
use crate::text;

/// A half-open range of byte offsets in the text of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

/// The JSON type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, kept in its own spelling.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object, all of whose member names differ.
    Object,
}

impl Kind {
    /// The name that JSON Schema and error messages use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "boolean",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::Array => "array",
            Kind::Object => "object",
        }
    }
}

/// What a node of the tape stands for; strings tell whether they hold an escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Null,
    True,
    False,
    Number,
    PlainString,
    EscapedString,
    Array,
    Object,
}

/// One value or member name on the tape. An object's names and values alternate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Index of the node behind this one and all that it holds.
    pub(crate) next: u32,
    pub(crate) tag: Tag,
}

/// A JSON text that was read whole: valid UTF-8, one value, no repeated member name at any depth.
#[derive(Debug)]
pub struct Document<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Document<'a> {
    /// Reads `bytes` as one JSON text.
    ///
    /// # Errors
    ///
    /// The first thing that is not strict JSON, or goes beyond `limits`, with its byte offset.
    pub fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, ReadError> {
        let (text, nodes) = reader::read(bytes, limits)?;
        Ok(Self { text, nodes })
    }

    /// The value that the whole text is.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        Value { text: self.text, nodes: &self.nodes, at: 0 }
    }

    /// The text that was read.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }
}

/// A value of a document: a view that costs nothing to copy.
#[derive(Clone, Copy, Debug)]
pub struct Value<'d> {
    text: &'d str,
    nodes: &'d [Node],
    at: usize,
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub struct Member<'d> {
    /// The member's name, a string.
    pub name: Value<'d>,
    /// The member's value.
    pub value: Value<'d>,
}

impl<'d> Value<'d> {
    /// A node that stands for `null` where a tape is shorter than its own indices say, which the
    /// reader never builds.
    const NOTHING: Node = Node { start: 0, end: 0, next: u32::MAX, tag: Tag::Null };

    fn node(&self) -> Node {
        self.nodes.get(self.at).copied().unwrap_or(Self::NOTHING)
    }

    /// The value's JSON type.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.node().tag {
            Tag::Null => Kind::Null,
            Tag::True | Tag::False => Kind::Bool,
            Tag::Number => Kind::Number,
            Tag::PlainString | Tag::EscapedString => Kind::String,
            Tag::Array => Kind::Array,
            Tag::Object => Kind::Object,
        }
    }

    /// Where the value stands in the document, quotes and brackets included.
    #[must_use]
    pub fn span(&self) -> Span {
        let node = self.node();
        Span { start: node.start as usize, end: node.end as usize }
    }

    /// The value's own bytes.
    #[must_use]
    pub fn raw(&self) -> &'d str {
        let span = self.span();
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// Whether the value is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.node().tag {
            Tag::True => Some(true),
            Tag::False => Some(false),
            _ => None,
        }
    }

    /// The string's content with escapes decoded; borrowed where there are none.
    #[must_use]
    pub fn as_str(&self) -> Option<Cow<'d, str>> {
        let node = self.node();
        let inner = || self.text.get(node.start as usize + 1..node.end as usize - 1).unwrap_or_default();
        match node.tag {
            Tag::PlainString => Some(Cow::Borrowed(inner())),
            Tag::EscapedString => Some(Cow::Owned(text::unescape(inner()))),
            _ => None,
        }
    }

    /// Whether the value is a string equal to `other`, without allocating.
    #[must_use]
    pub fn is_str(&self, other: &str) -> bool {
        let node = self.node();
        let (start, end) = (node.start as usize + 1, (node.end as usize).saturating_sub(1));
        match node.tag {
            Tag::PlainString => {
                end.saturating_sub(start) == other.len()
                    && self.text.as_bytes().get(start..end) == Some(other.as_bytes())
            }
            Tag::EscapedString => self.as_str().is_some_and(|text| text == other),
            _ => false,
        }
    }

    /// The number in its own spelling.
    #[must_use]
    pub fn as_number(&self) -> Option<&'d str> {
        (self.kind() == Kind::Number).then(|| self.raw())
    }

    /// The number as an exact decimal; none too for an exponent that does not fit 32 bits.
    #[must_use]
    pub fn as_decimal(&self) -> Option<Decimal<'d>> {
        self.as_number().and_then(Decimal::parse)
    }

    /// The value as an integer that fits 64 bits; a fraction or exponent is none.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number().and_then(|n| n.parse().ok())
    }

    /// The members of an object in their order; nothing for any other type.
    pub fn members(&self) -> impl Iterator<Item = Member<'d>> + use<'d> {
        let mut children = self.children(Tag::Object);
        std::iter::from_fn(move || Some(Member { name: children.next()?, value: children.next()? }))
    }

    /// The elements of an array in their order; nothing for any other type.
    pub fn elements(&self) -> impl Iterator<Item = Value<'d>> + use<'d> {
        self.children(Tag::Array)
    }

    /// The member of that name, if this is an object that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'d>> {
        let mut children = self.children(Tag::Object);
        loop {
            let (member, value) = (children.next()?, children.next()?);
            if member.is_str(name) {
                return Some(value);
            }
        }
    }

    /// The element at that place, if this is an array that has it.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<Value<'d>> {
        self.elements().nth(index)
    }

    /// JSON equality: numbers by value (`1` equals `1.0`), objects whatever their order.
    #[must_use]
    pub fn equals(&self, other: &Value<'_>) -> bool {
        match (self.kind(), other.kind()) {
            (Kind::Null, Kind::Null) => true,
            (Kind::Bool, Kind::Bool) => self.as_bool() == other.as_bool(),
            (Kind::Number, Kind::Number) => self.raw() == other.raw() || self.same_number(other),
            (Kind::String, Kind::String) => self.as_str() == other.as_str(),
            (Kind::Array, Kind::Array) => {
                self.elements().count() == other.elements().count()
                    && self.elements().zip(other.elements()).all(|(a, b)| a.equals(&b))
            }
            (Kind::Object, Kind::Object) => {
                self.members().count() == other.members().count()
                    && self.members().all(|m| {
                        m.name.as_str().and_then(|n| other.get(&n)).is_some_and(|v| v.equals(&m.value))
                    })
            }
            _ => false,
        }
    }

    fn same_number(&self, other: &Value<'_>) -> bool {
        match (self.as_decimal(), other.as_decimal()) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        }
    }

    fn children(&self, of: Tag) -> Children<'d> {
        let node = self.node();
        let end = if node.tag == of { node.next as usize } else { self.at };
        Children { text: self.text, nodes: self.nodes, at: self.at + 1, end }
    }
}

/// Walks the nodes directly below a container, names and values alike.
struct Children<'d> {
    text: &'d str,
    nodes: &'d [Node],
    at: usize,
    end: usize,
}

impl<'d> Iterator for Children<'d> {
    type Item = Value<'d>;

    fn next(&mut self) -> Option<Value<'d>> {
        if self.at >= self.end {
            return None;
        }
        let value = Value { text: self.text, nodes: self.nodes, at: self.at };
        self.at = value.node().next as usize;
        Some(value)
    }
}
