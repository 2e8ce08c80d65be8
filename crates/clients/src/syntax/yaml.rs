//! YAML, as far as files of clients go: one document; what an alias stands for is not followed.

use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::{Content, Map, Member, Node, Style, SyntaxError};

/// Lists and maps open at once.
const MAX_DEPTH: usize = 128;

pub(super) fn read(text: &str) -> Result<Node, SyntaxError> {
    let lines = Lines::of(text);
    let mut reading = Reading { lines: &lines, text, open: Vec::new(), root: None };
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| SyntaxError::at(text, lines.offset(error.marker()), error.info()))?;
        let start = lines.offset(&span.start);
        reading.event(event, &span).map_err(|message| SyntaxError::at(text, start, message))?;
    }
    Ok(reading.root.unwrap_or(Node { span: text.len()..text.len(), content: Content::Other }))
}

/// Where each line begins.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let bytes = text.as_bytes();
        let breaks = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The byte of a place that is told by line and character.
    fn offset(&self, marker: &Marker) -> usize {
        let Some(start) = marker.line().checked_sub(1).and_then(|line| self.starts.get(line)) else {
            return self.text.len();
        };
        let line = self.text.get(*start..).unwrap_or_default();
        start + line.char_indices().nth(marker.col()).map_or(line.len(), |(at, _)| at)
    }
}

/// A list or map whose end is still to come.
enum Open {
    List { start: usize, items: Vec<Node> },
    Map { start: usize, members: Vec<Member>, name: Option<(String, Range<usize>)> },
}

struct Reading<'t> {
    lines: &'t Lines<'t>,
    text: &'t str,
    open: Vec<Open>,
    root: Option<Node>,
}

impl Reading<'_> {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), String> {
        let range = self.lines.offset(&span.start)..self.lines.offset(&span.end);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) if self.root.is_some() => {
                return Err("a second document begins here: one file holds one".to_owned());
            }
            Event::DocumentStart(_) => {}
            Event::Alias(_) => self.add(Node { span: range, content: Content::Other }),
            Event::Scalar(text, style, ..) => self.scalar(&text, style, range),
            Event::SequenceStart(..) => self.begin(Open::List { start: range.start, items: Vec::new() })?,
            Event::MappingStart(..) => {
                self.begin(Open::Map { start: range.start, members: Vec::new(), name: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(range.end),
        }
        Ok(())
    }

    fn begin(&mut self, open: Open) -> Result<(), String> {
        if matches!(self.open.last(), Some(Open::Map { name: None, .. })) {
            return Err("a name within a map must be plain text".to_owned());
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} levels of nesting"));
        }
        self.open.push(open);
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Range<usize>) {
        if let Some(Open::Map { name: name @ None, .. }) = self.open.last_mut() {
            *name = Some((text.to_owned(), span));
            return;
        }
        let content = if style == ScalarStyle::Plain { plain(text) } else { Content::Text(text.to_owned()) };
        // The span of a block of text reaches to what follows it.
        let written = self.text.get(span.clone()).unwrap_or_default().trim_end();
        self.add(Node { span: span.start..span.start + written.len(), content });
    }

    fn end(&mut self, end: usize) {
        let (start, last, content) = match self.open.pop() {
            None => return,
            Some(Open::List { start, items }) => {
                (start, items.last().map(|item| item.span.end), Content::List(items))
            }
            Some(Open::Map { start, members, .. }) => {
                let last = members.last().map(|member| member.value.span.end.max(member.key.end));
                let style = if self.is_flow(start) { Style::Braces } else { Style::Lines };
                (start, last, Content::Map(Map::new(members, style)))
            }
        };
        let end = if self.is_flow(start) { end } else { last.unwrap_or(start) };
        self.add(Node { span: start..end, content });
    }

    fn is_flow(&self, start: usize) -> bool {
        self.text.get(start..).is_some_and(|rest| rest.starts_with(['{', '[']))
    }

    fn add(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { members, name, .. }) => {
                if let Some((name, key)) = name.take() {
                    members.push(Member { name, key, value: node });
                }
            }
        }
    }
}

fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Other,
        "true" | "True" | "TRUE" => Content::Bool(true),
        "false" | "False" | "FALSE" => Content::Bool(false),
        text if text.parse::<f64>().is_ok() => Content::Number(text.to_owned()),
        text => Content::Text(text.to_owned()),
    }
}
