//! The tree of one YAML document. What lets one text mean two things is refused: repeated names,
//! aliases, anchors, tags, merge keys, names that are not text, more than one document.

use std::collections::HashSet;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use toolgate_json::Position;

use super::{Builder, Content, Located, MAX_DEPTH, MAX_VALUES, Name, scalar, syntax_problem};
use crate::problem::Problem;

pub(super) fn read(text: &str) -> Result<Located, Vec<Problem>> {
    let mut reading = Reading::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event
            .map_err(|error| vec![refusal(error.marker(), format!("not valid YAML: {}", error.info()))])?;
        reading.event(event, &span.start).map_err(|message| vec![refusal(&span.start, message)])?;
    }
    if reading.builder.nodes.is_empty() {
        return Err(vec![syntax_problem(None, "the file is empty".to_owned(), None)]);
    }
    Ok(reading.builder.finish())
}

fn refusal(marker: &Marker, message: String) -> Problem {
    syntax_problem(Some(position(marker)), message, None)
}

fn position(marker: &Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1 }
}

/// An open map or list.
enum Open {
    List,
    Map { seen: HashSet<String>, name: Option<Name> },
}

#[derive(Default)]
struct Reading {
    builder: Builder,
    open: Vec<Open>,
    documents: usize,
}

impl Reading {
    fn event(&mut self, event: Event<'_>, at: &Marker) -> Result<(), String> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => self.document(),
            Event::Alias(_) => Err("aliases (`*name`) are not read; write the value out".to_owned()),
            Event::Scalar(text, style, anchor, tag) => {
                plain_only(anchor, tag.is_some())?;
                self.scalar(&text, style, at)
            }
            Event::SequenceStart(anchor, tag) => {
                plain_only(anchor, tag.is_some())?;
                self.container(Content::List(Vec::new()), Open::List, at)
            }
            Event::MappingStart(anchor, tag) => {
                plain_only(anchor, tag.is_some())?;
                let open = Open::Map { seen: HashSet::new(), name: None };
                self.container(Content::Map(Vec::new()), open, at)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
                self.builder.leave();
                Ok(())
            }
        }
    }

    fn document(&mut self) -> Result<(), String> {
        self.documents += 1;
        if self.documents > 1 {
            return Err("a second document begins here; one file holds one".to_owned());
        }
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, at: &Marker) -> Result<(), String> {
        if let Some(Open::Map { seen, name: name @ None }) = self.open.last_mut() {
            let plain = style == ScalarStyle::Plain;
            if plain && text == "<<" {
                return Err("merge keys (`<<`) are not read; write the members out".to_owned());
            }
            if !seen.insert(text.to_owned()) {
                return Err(format!("the name `{text}` stands twice in this map"));
            }
            *name = Some(Name { text: text.to_owned(), position: position(at) });
            return Ok(());
        }
        let content = match style {
            ScalarStyle::Plain => scalar::resolve(text)?,
            ScalarStyle::SingleQuoted
            | ScalarStyle::DoubleQuoted
            | ScalarStyle::Literal
            | ScalarStyle::Folded => Content::String(text.to_owned()),
        };
        self.add(content, at).map(drop)
    }

    fn container(&mut self, content: Content, open: Open, at: &Marker) -> Result<(), String> {
        if let Some(Open::Map { name: None, .. }) = self.open.last() {
            return Err("a name within a map must be plain text".to_owned());
        }
        if self.builder.depth() >= MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} levels of nesting"));
        }
        let added = self.add(content, at)?;
        self.builder.enter(added);
        self.open.push(open);
        Ok(())
    }

    fn add(&mut self, content: Content, at: &Marker) -> Result<usize, String> {
        if self.builder.is_full() {
            return Err(format!("more than {MAX_VALUES} values"));
        }
        let name = match self.open.last_mut() {
            Some(Open::Map { name, .. }) => name.take(),
            Some(Open::List) | None => None,
        };
        Ok(self.builder.add(position(at), name, content))
    }
}

fn plain_only(anchor: usize, tagged: bool) -> Result<(), String> {
    if anchor != 0 {
        return Err("anchors (`&name`) are not read; remove it".to_owned());
    }
    if tagged {
        return Err("tags (`!name`) are not read; quote a value to make it text".to_owned());
    }
    Ok(())
}
