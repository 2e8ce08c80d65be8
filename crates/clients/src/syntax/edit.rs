//! Members of one map taken out and others put in their place, by span.

use std::ops::Range;

use super::{Map, Member, Node, Style, Syntax};

/// A value that is put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum New {
    Text(String),
    Texts(Vec<String>),
    Pairs(Vec<(String, New)>),
}

/// One replacement: these bytes make room for this text.
pub(crate) type Edit = (Range<usize>, String);

/// The edits that put `new` members where the first member that `goes` stands, and take out all others that do.
/// None if no member that goes can be replaced.
pub(crate) fn set_members(
    (text, syntax): (&str, Syntax),
    map: &Map,
    goes: &dyn Fn(&str) -> bool,
    new: &[(&str, New)],
) -> Option<Vec<Edit>> {
    let going = || map.members.iter().filter(|member| goes(&member.name));
    let whole = |member: &&Member| syntax != Syntax::Toml || !is_scattered(&member.value);
    let anchor = going().filter(whole).min_by_key(|member| member.key.start)?;
    let written: Vec<String> = new.iter().map(|(name, value)| member(name, value, syntax)).collect();
    let (between, mut edits) = match map.style {
        Style::Braces => (separator(text, anchor.key.start), without(map, anchor, goes)),
        Style::Lines | Style::Headed => {
            let others = going().filter(|member| member.key != anchor.key);
            let lines = others.flat_map(|member| pieces(member, syntax)).map(|piece| lines(text, &piece));
            (line_break(text, anchor.key.start, syntax), lines.map(|lines| (lines, String::new())).collect())
        }
    };
    edits.push((anchor.key.start..end(anchor), written.join(&between)));
    Some(edits)
}

/// Takes out members between braces, each with the comma before it. None of them is the first that goes.
fn without(map: &Map, anchor: &Member, goes: &dyn Fn(&str) -> bool) -> Vec<Edit> {
    let pairs = map.members.iter().zip(map.members.iter().skip(1));
    let gone = pairs.filter(|(_, next)| goes(&next.name) && next.key != anchor.key);
    gone.map(|(before, next)| (end(before)..end(next), String::new())).collect()
}

/// The way to a new line that begins as the one of a name does.
fn line_break(text: &str, at: usize, syntax: Syntax) -> String {
    let before = text.get(line_of(text, at).start..at).unwrap_or_default();
    let before = match syntax {
        // What stands before the name is indentation, or begins the item of a list.
        Syntax::Yaml => before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect(),
        // Or the first parts of a dotted name.
        Syntax::Toml | Syntax::Json => before.to_owned(),
    };
    format!("{}{before}", newline(text))
}

fn end(member: &Member) -> usize {
    member.value.span.end.max(member.key.end)
}

/// Whether a table's members stand on lines of their own, wherever those are.
fn is_scattered(node: &Node) -> bool {
    node.map().is_some_and(|map| map.style != Style::Braces)
}

/// The pieces of text that a member is made of: a TOML table may have several.
fn pieces(member: &Member, syntax: Syntax) -> Vec<Range<usize>> {
    let value = &member.value;
    let scattered = value.map().filter(|map| syntax == Syntax::Toml && map.style != Style::Braces);
    match scattered {
        None => std::iter::once(member.key.start..end(member)).collect(),
        Some(map) => {
            let header = Some(value.span.clone()).filter(|_| map.style == Style::Headed);
            header.into_iter().chain(map.members.iter().flat_map(|member| pieces(member, syntax))).collect()
        }
    }
}

/// The lines that a piece of text stands on, with the end of the last.
fn lines(text: &str, piece: &Range<usize>) -> Range<usize> {
    line_of(text, piece.start).start..line_of(text, piece.end.saturating_sub(1).max(piece.start)).end
}

/// The line of an offset, with its end.
fn line_of(text: &str, at: usize) -> Range<usize> {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    before.rfind('\n').map_or(0, |at| at + 1)..after.find('\n').map_or(text.len(), |end| at + end + 1)
}

/// How this text ends its lines.
fn newline(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text.get(..at).is_some_and(|line| line.ends_with('\r')) => "\r\n",
        _ => "\n",
    }
}

/// What stands between two members: a comma, and the way to the next line's indentation if the first has a line
/// of its own.
fn separator(text: &str, at: usize) -> String {
    let indent = text.get(line_of(text, at).start..at).unwrap_or_default();
    if indent.chars().all(char::is_whitespace) && text.get(..at).is_some_and(|before| before.contains('\n')) {
        format!(",{}{indent}", newline(text))
    } else {
        ", ".to_owned()
    }
}

fn member(name: &str, value: &New, syntax: Syntax) -> String {
    let bare =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let shown = if bare && syntax != Syntax::Json { name.to_owned() } else { quoted(name) };
    let between = if syntax == Syntax::Toml { " = " } else { ": " };
    format!("{shown}{between}{}", render(value, syntax))
}

fn render(value: &New, syntax: Syntax) -> String {
    match value {
        New::Text(text) => quoted(text),
        New::Texts(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            format!("[{}]", texts.join(", "))
        }
        New::Pairs(pairs) => {
            let pairs: Vec<String> = pairs.iter().map(|(name, value)| member(name, value, syntax)).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
    }
}

/// A string as JSON writes it, which TOML and YAML read alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// The text with all edits made; they do not overlap.
pub(crate) fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::with_capacity(text.len() + 256);
    let mut from = 0;
    for (range, new) in edits {
        // Lines that two pieces share are taken out once.
        let start = range.start.max(from);
        out.push_str(text.get(from..start).unwrap_or_default());
        out.push_str(&new);
        from = range.end.max(from);
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}
