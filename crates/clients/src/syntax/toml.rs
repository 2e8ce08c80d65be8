//! TOML: tables under headers, dotted names, and tables within braces.

use toml_edit::{Document, InlineTable, Item, Key, Table, Value};

use super::{Content, Map, Member, Node, Style, SyntaxError};

pub(super) fn read(text: &str) -> Result<Node, SyntaxError> {
    let document = Document::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        SyntaxError::at(text, at, error.message().to_owned())
    })?;
    Ok(Node { span: 0..text.len(), content: Content::Map(map(document.as_table())) })
}

fn map(table: &Table) -> Map {
    let member = |(name, item): (&str, &Item)| {
        let key = table.key(name).and_then(Key::span)?;
        Some(Member { name: name.to_owned(), key, value: node(item)? })
    };
    let style = if table.is_dotted() || table.is_implicit() { Style::Lines } else { Style::Headed };
    Map::new(table.iter().filter_map(member).collect(), style)
}

fn node(item: &Item) -> Option<Node> {
    match item {
        Item::None => None,
        Item::Value(value) => Some(of_value(value)),
        Item::Table(table) => {
            Some(Node { span: table.span().unwrap_or_default(), content: Content::Map(map(table)) })
        }
        Item::ArrayOfTables(_) => Some(Node { span: 0..0, content: Content::Other }),
    }
}

fn of_value(value: &Value) -> Node {
    let content = match value {
        Value::String(text) => Content::Text(text.value().clone()),
        Value::Integer(number) => Content::Number(number.value().to_string()),
        Value::Float(number) => Content::Number(number.value().to_string()),
        Value::Boolean(flag) => Content::Bool(*flag.value()),
        Value::Datetime(_) => Content::Other,
        Value::Array(array) => Content::List(array.iter().map(of_value).collect()),
        Value::InlineTable(table) => Content::Map(inline(table)),
    };
    Node { span: value.span().unwrap_or_default(), content }
}

fn inline(table: &InlineTable) -> Map {
    let member = |(name, value): (&str, &Value)| {
        let key = table.key(name).and_then(Key::span)?;
        Some(Member { name: name.to_owned(), key, value: of_value(value) })
    };
    Map::new(table.iter().filter_map(member).collect(), Style::Braces)
}
