//! A JSON-like tree that knows the line and column of each name and value, read from JSON or YAML.
//!
//! Policy files and the configuration file are both read through it. It holds syntax alone; what the
//! members mean is the business of [`Shape`](crate::Shape) and its callers.

mod json;
mod scalar;
mod yaml;

use toolgate_json::{Kind, Position, write_string};

use crate::problem::{Problem, Severity};

/// The two notations of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Strict JSON (RFC 8259, no repeated names).
    Json,
    /// One YAML 1.2 document of the core schema, without anchors, aliases, tags and merge keys.
    Yaml,
}

impl Format {
    /// The notation that a file's name tells: `.yaml` and `.yml` are YAML, all else is JSON.
    #[must_use]
    pub fn of_file(name: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        if lower.ends_with(".yaml") || lower.ends_with(".yml") { Format::Yaml } else { Format::Json }
    }
}

/// Bytes of a file.
const MAX_BYTES: usize = 4 << 20;
/// Lists and maps open at once.
const MAX_DEPTH: usize = 64;
/// Values and names in all.
const MAX_VALUES: usize = 400_000;

/// What a value is; numbers keep a JSON spelling of their digits.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    List(Vec<usize>),
    Map(Vec<usize>),
}

#[derive(Clone, Debug)]
struct Name {
    text: String,
    position: Position,
}

#[derive(Clone, Debug)]
struct Node {
    position: Position,
    parent: Option<usize>,
    /// Place within the parent.
    index: usize,
    /// The member name, within a map.
    name: Option<Name>,
    content: Content,
}

/// A document that was read, with all its places.
#[derive(Clone, Debug)]
pub struct Located {
    nodes: Vec<Node>,
}

impl Located {
    /// Reads `text`.
    ///
    /// # Errors
    ///
    /// What makes the text no document: bad syntax, a repeated name, what the notation's subset leaves
    /// out, or a size beyond the limits (4 MiB, 64 levels, 400,000 values).
    pub fn read(text: &str, format: Format) -> Result<Self, Vec<Problem>> {
        let text = text.strip_prefix('\u{FEFF}').filter(|_| format == Format::Yaml).unwrap_or(text);
        if text.len() > MAX_BYTES {
            let message = format!("the file is {} bytes long, and at most {MAX_BYTES} are read", text.len());
            return Err(vec![syntax_problem(None, message, None)]);
        }
        match format {
            Format::Json => json::read(text),
            Format::Yaml => yaml::read(text),
        }
    }

    /// The value that the whole document is.
    #[must_use]
    pub fn root(&self) -> Place<'_> {
        Place { tree: self, at: 0 }
    }
}

fn syntax_problem(position: Option<Position>, message: String, help: Option<&str>) -> Problem {
    Problem {
        severity: Severity::Error,
        position,
        pointer: String::new(),
        message,
        help: help.map(str::to_owned),
    }
}

/// A value of a document and its place there: a view that costs nothing to copy.
#[derive(Clone, Copy, Debug)]
pub struct Place<'t> {
    tree: &'t Located,
    at: usize,
}

impl<'t> Place<'t> {
    const NOTHING: Node = Node {
        position: Position { line: 1, column: 1 },
        parent: None,
        index: 0,
        name: None,
        content: Content::Null,
    };

    fn node(self) -> &'t Node {
        self.tree.nodes.get(self.at).unwrap_or(&Self::NOTHING)
    }

    /// The value's JSON type.
    #[must_use]
    pub fn kind(self) -> Kind {
        match &self.node().content {
            Content::Null => Kind::Null,
            Content::Bool(_) => Kind::Bool,
            Content::Number(_) => Kind::Number,
            Content::String(_) => Kind::String,
            Content::List(_) => Kind::Array,
            Content::Map(_) => Kind::Object,
        }
    }

    /// Where the value begins.
    #[must_use]
    pub fn position(self) -> Position {
        self.node().position
    }

    /// Where the value's name begins; the value's own place where it has none.
    #[must_use]
    pub fn name_position(self) -> Position {
        self.node().name.as_ref().map_or(self.position(), |name| name.position)
    }

    /// The member name under which the value stands, within a map.
    #[must_use]
    pub fn name(self) -> Option<&'t str> {
        self.node().name.as_ref().map(|name| name.text.as_str())
    }

    /// The value's JSON pointer (RFC 6901).
    #[must_use]
    pub fn pointer(self) -> String {
        let mut steps = Vec::new();
        let mut node = self.node();
        while let Some(parent) = node.parent {
            steps.push(match &node.name {
                Some(name) => escape_pointer(&name.text),
                None => node.index.to_string(),
            });
            node = Place { tree: self.tree, at: parent }.node();
        }
        steps.iter().rev().flat_map(|step| ["/", step]).collect()
    }

    /// Whether the value is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        if let Content::Bool(value) = &self.node().content { Some(*value) } else { None }
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(self) -> Option<&'t str> {
        if let Content::String(text) = &self.node().content { Some(text) } else { None }
    }

    /// The number in its JSON spelling, if it is one.
    #[must_use]
    pub fn as_number(self) -> Option<&'t str> {
        if let Content::Number(spelling) = &self.node().content { Some(spelling) } else { None }
    }

    /// The members of a map in their order, each with its [`name`](Self::name); nothing for other types.
    pub fn members(self) -> impl Iterator<Item = Place<'t>> + use<'t> {
        let of = if let Content::Map(items) = &self.node().content { items.as_slice() } else { &[] };
        of.iter().map(move |at| Place { tree: self.tree, at: *at })
    }

    /// The elements of a list in their order; nothing for other types.
    pub fn elements(self) -> impl ExactSizeIterator<Item = Place<'t>> + use<'t> {
        let of = if let Content::List(items) = &self.node().content { items.as_slice() } else { &[] };
        of.iter().map(move |at| Place { tree: self.tree, at: *at })
    }

    /// The member of that name, if this is a map that has it.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Place<'t>> {
        self.members().find(|member| member.name() == Some(name))
    }

    /// Appends the value as canonical JSON: names sorted, no white space. Equal documents of both
    /// notations have one spelling, up to the spelling of numbers.
    pub fn write_canonical(self, out: &mut Vec<u8>) {
        match &self.node().content {
            Content::Null => out.extend_from_slice(b"null"),
            Content::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Content::Number(spelling) => out.extend_from_slice(spelling.as_bytes()),
            Content::String(text) => write_string(text, out),
            Content::List(_) => {
                out.push(b'[');
                for (index, element) in self.elements().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    element.write_canonical(out);
                }
                out.push(b']');
            }
            Content::Map(_) => self.write_map(out),
        }
    }

    fn write_map(self, out: &mut Vec<u8>) {
        let mut members: Vec<_> = self.members().collect();
        members.sort_unstable_by_key(|member| member.name());
        out.push(b'{');
        for (index, member) in members.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(member.name().unwrap_or_default(), out);
            out.push(b':');
            member.write_canonical(out);
        }
        out.push(b'}');
    }

    /// The value as canonical JSON text.
    #[must_use]
    pub fn to_canonical(self) -> String {
        let mut out = Vec::new();
        self.write_canonical(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

/// A member name as a step of a JSON pointer (RFC 6901, section 3).
#[must_use]
pub fn escape_pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Puts a tree together in the order of the text.
#[derive(Debug, Default)]
struct Builder {
    nodes: Vec<Node>,
    open: Vec<usize>,
}

impl Builder {
    fn is_full(&self) -> bool {
        self.nodes.len() >= MAX_VALUES
    }

    fn depth(&self) -> usize {
        self.open.len()
    }

    /// Adds a value to the innermost open container and tells its number.
    fn add(&mut self, position: Position, name: Option<Name>, content: Content) -> usize {
        let at = self.nodes.len();
        let parent = self.open.last().copied();
        let mut index = 0;
        if let Some(Content::List(items) | Content::Map(items)) =
            parent.and_then(|p| self.nodes.get_mut(p)).map(|node| &mut node.content)
        {
            index = items.len();
            items.push(at);
        }
        self.nodes.push(Node { position, parent, index, name, content });
        at
    }

    fn enter(&mut self, container: usize) {
        self.open.push(container);
    }

    fn leave(&mut self) {
        self.open.pop();
    }

    fn finish(self) -> Located {
        Located { nodes: self.nodes }
    }
}

#[cfg(test)]
mod tests;
