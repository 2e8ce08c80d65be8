//! The servers that a client's file names.

use std::fmt;

use thiserror::Error;

use crate::client::Client;
use crate::syntax::{Content, Map, Node, Syntax, SyntaxError, read};

/// One server of a file.
#[derive(Clone, PartialEq)]
pub struct Entry {
    /// What the client calls it.
    pub name: String,
    /// The project that it belongs to, where one file is for several.
    pub project: Option<String>,
    /// The line that it stands on, counted from 1.
    pub line: usize,
    pub(crate) node: Node,
}

impl fmt::Debug for Entry {
    /// Values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).field("line", &self.line).finish_non_exhaustive()
    }
}

/// What stands where a server should.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: `{name}`: {message}")]
pub struct EntryError {
    /// What the client would call it.
    pub name: String,
    /// Counted from 1.
    pub line: usize,
    /// Why it is none.
    pub message: String,
}

/// The servers of a client's file, in their order.
///
/// # Errors
///
/// The text cannot be read, or a name that leads to the servers stands twice. What is wrong with one server alone
/// stands in its place.
pub fn entries(
    client: Client,
    syntax: Syntax,
    text: &str,
) -> Result<Vec<Result<Entry, EntryError>>, SyntaxError> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let root = read(text, syntax)?;
    let mut found = Vec::new();
    for path in client.containers() {
        Search { client, text, found: &mut found }.descend(&root, path, None)?;
    }
    Ok(found)
}

struct Search<'a> {
    client: Client,
    text: &'a str,
    found: &'a mut Vec<Result<Entry, EntryError>>,
}

impl Search<'_> {
    fn descend(&mut self, node: &Node, path: &[&str], project: Option<&str>) -> Result<(), SyntaxError> {
        let Some((name, rest)) = path.split_first() else { return self.container(node, project) };
        let Some(map) = node.map() else { return Ok(()) };
        if *name == "*" {
            self.refuse_repeated(map)?;
            for member in &map.members {
                self.descend(&member.value, rest, Some(&member.name))?;
            }
            return Ok(());
        }
        let mut named = map.members.iter().filter(|member| member.name == *name);
        let Some(member) = named.next() else { return Ok(()) };
        if let Some(again) = named.next() {
            return Err(self.repeated(again.key.start));
        }
        self.descend(&member.value, rest, project)
    }

    fn container(&mut self, node: &Node, project: Option<&str>) -> Result<(), SyntaxError> {
        match &node.content {
            Content::Map(map) => {
                self.refuse_repeated(map)?;
                for member in &map.members {
                    if !self.is_container(&member.name, &member.value) {
                        self.entry(&member.name, &member.value, member.key.start, project);
                    }
                }
            }
            Content::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let name = item.get("name").and_then(Node::text).map(str::to_owned);
                    let name = name.unwrap_or_else(|| format!("the {}. of the list", index + 1));
                    self.entry(&name, item, item.span.start, project);
                }
            }
            Content::Other | Content::Bool(_) | Content::Number(_) | Content::Text(_) => {}
        }
        Ok(())
    }

    /// opencode has servers directly under `mcp`, or in newer versions under `mcp.servers`.
    fn is_container(&self, name: &str, node: &Node) -> bool {
        let holds_maps = || node.map().is_some_and(|map| map.members.iter().all(|m| m.value.map().is_some()));
        self.client == Client::OpenCode && name == "servers" && holds_maps()
    }

    fn entry(&mut self, name: &str, node: &Node, at: usize, project: Option<&str>) {
        let line = SyntaxError::at(self.text, at, "").line;
        let refused = |message: &str, line| {
            Err(EntryError { name: name.to_owned(), line, message: message.to_owned() })
        };
        self.found.push(match node.map() {
            None => refused("a server must be a map", line),
            Some(Map { repeated: Some(at), .. }) => {
                refused("a name stands twice in it", SyntaxError::at(self.text, *at, "").line)
            }
            Some(map) if map.get("<<").is_some() => refused("it is merged with another place (`<<`)", line),
            Some(_) => Ok(Entry {
                name: name.to_owned(),
                project: project.map(str::to_owned),
                line,
                node: node.clone(),
            }),
        });
    }

    fn refuse_repeated(&self, map: &Map) -> Result<(), SyntaxError> {
        map.repeated.map_or(Ok(()), |at| Err(self.repeated(at)))
    }

    fn repeated(&self, at: usize) -> SyntaxError {
        SyntaxError::at(self.text, at, "this name stands twice: clients may take either, so keep one")
    }
}
