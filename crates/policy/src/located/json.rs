//! The tree of a JSON text.

use toolgate_json::{Document, Kind, Limits, Position, ReadErrorKind, Value, position_of};

use super::{Builder, Content, Located, MAX_BYTES, MAX_DEPTH, MAX_VALUES, Name, syntax_problem};
use crate::problem::Problem;

pub(super) fn read(text: &str) -> Result<Located, Vec<Problem>> {
    let limits = Limits { bytes: MAX_BYTES, depth: MAX_DEPTH, values: MAX_VALUES };
    let document = Document::read(text.as_bytes(), &limits).map_err(|error| {
        let position = position_of(text.as_bytes(), error.offset);
        let help = matches!(error.kind, ReadErrorKind::RepeatedName).then_some("write each name once");
        vec![syntax_problem(Some(position), format!("not valid JSON: {}", error.kind), help)]
    })?;
    let mut reading =
        Reading { builder: Builder::default(), reached: Reached { text, offset: 0, line: 1, column: 1 } };
    reading.value(document.root(), None);
    Ok(reading.builder.finish())
}

struct Reading<'a> {
    builder: Builder,
    reached: Reached<'a>,
}

impl Reading<'_> {
    /// Depth is bounded by the reader's limit.
    fn value(&mut self, value: Value<'_>, name: Option<Name>) {
        let position = self.reached.advance(value.span().start);
        let at = self.builder.add(position, name, content(value));
        if matches!(value.kind(), Kind::Array | Kind::Object) {
            self.builder.enter(at);
            value.elements().for_each(|element| self.value(element, None));
            for member in value.members() {
                let position = self.reached.advance(member.name.span().start);
                let text = member.name.as_str().unwrap_or_default().into_owned();
                self.value(member.value, Some(Name { text, position }));
            }
            self.builder.leave();
        }
    }
}

fn content(value: Value<'_>) -> Content {
    match value.kind() {
        Kind::Null => Content::Null,
        Kind::Bool => Content::Bool(value.as_bool().unwrap_or_default()),
        Kind::Number => Content::Number(value.raw().to_owned()),
        Kind::String => Content::String(value.as_str().unwrap_or_default().into_owned()),
        Kind::Array => Content::List(Vec::new()),
        Kind::Object => Content::Map(Vec::new()),
    }
}

/// How far the text was walked, so that all positions together cost one pass.
struct Reached<'a> {
    text: &'a str,
    offset: usize,
    line: usize,
    column: usize,
}

impl Reached<'_> {
    fn advance(&mut self, offset: usize) -> Position {
        for c in self.text.get(self.offset..offset).unwrap_or_default().chars() {
            (self.line, self.column) =
                if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.offset = offset.max(self.offset);
        Position { line: self.line, column: self.column }
    }
}
