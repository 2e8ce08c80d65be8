//! A file as a tree that knows the bytes of each name and value, whichever way it is written, and edits by span:
//! what is not edited stays byte for byte.

mod edit;
mod jsonc;
mod toml;
mod yaml;

use std::ops::Range;
use std::path::Path;

use thiserror::Error;

pub(crate) use edit::{New, apply, set_members};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// JSON, with comments and commas at the end of lists
    Json,
    /// TOML
    Toml,
    /// YAML
    Yaml,
}

impl Syntax {
    /// By a file's name.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("toml") => Self::Toml,
            Some("yaml" | "yml") => Self::Yaml,
            _ => Self::Json,
        }
    }
}

/// Why a text cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SyntaxError {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl SyntaxError {
    /// What is wrong at an offset in bytes.
    pub(crate) fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.get(..offset.min(text.len())).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Self { line: before.matches('\n').count() + 1, column, message: message.into() }
    }
}

/// A value, and the bytes that it stands in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) content: Content,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// Nothing that can be part of a server: null, a date.
    Other,
    Bool(bool),
    /// A number as it is written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Map),
}

/// Names and values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Map {
    pub(crate) members: Vec<Member>,
    pub(crate) style: Style,
    /// Where a name stands for the second time, if one does.
    pub(crate) repeated: Option<usize>,
}

/// How a map's members are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Within braces, by commas.
    Braces,
    /// By lines.
    Lines,
    /// By lines under a header of their own, which is the span of the map (TOML).
    Headed,
}

/// A name and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) key: Range<usize>,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn map(&self) -> Option<&Map> {
        match &self.content {
            Content::Map(map) => Some(map),
            Content::Other | Content::Bool(_) | Content::Number(_) | Content::Text(_) | Content::List(_) => {
                None
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.map()?.get(name)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Other | Content::Bool(_) | Content::Number(_) | Content::List(_) | Content::Map(_) => {
                None
            }
        }
    }

    /// A text, or what is taken for one where texts are expected.
    pub(crate) fn word(&self) -> Option<String> {
        match &self.content {
            Content::Text(text) | Content::Number(text) => Some(text.clone()),
            Content::Bool(flag) => Some(flag.to_string()),
            Content::Other | Content::List(_) | Content::Map(_) => None,
        }
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        match self.content {
            Content::Bool(flag) => Some(flag),
            Content::Other | Content::Number(_) | Content::Text(_) | Content::List(_) | Content::Map(_) => {
                None
            }
        }
    }
}

impl Map {
    pub(crate) fn new(members: Vec<Member>, style: Style) -> Self {
        let mut seen = std::collections::HashSet::new();
        let repeated = members.iter().find(|member| !seen.insert(member.name.as_str()));
        Self { repeated: repeated.map(|member| member.key.start), members, style }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.members.iter().find(|member| member.name == name).map(|member| &member.value)
    }
}

/// Reads a text without a byte order mark.
pub(crate) fn read(text: &str, syntax: Syntax) -> Result<Node, SyntaxError> {
    match syntax {
        Syntax::Json => jsonc::read(text),
        Syntax::Toml => toml::read(text),
        Syntax::Yaml => yaml::read(text),
    }
}
