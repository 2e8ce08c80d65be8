//! Paths of conditions: `args.a.b`, `args.list[0].x`, `args.list[*].x`, `args["odd.name"]`, and the
//! facts about the caller, the server and the time.

use toolgate_json::{Document, Limits};

use crate::nearest::nearest;

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Args,
    GrantLabel,
    GrantTags,
    ServerName,
    ToolName,
    ClientIp,
    TimeHour,
    TimeWeekday,
}

/// A beginning of paths: its name and what stands there.
#[derive(Debug)]
pub struct PathRoot {
    pub(crate) root: Root,
    /// How a path spells it.
    pub name: &'static str,
    /// What it leads to.
    pub docs: &'static str,
}

/// All beginnings of paths.
pub const PATH_ROOTS: &[PathRoot] = &[
    PathRoot { root: Root::Args, name: "args", docs: "the call's arguments; steps follow" },
    PathRoot { root: Root::GrantLabel, name: "grant.label", docs: "the grant's label, a string" },
    PathRoot { root: Root::GrantTags, name: "grant.tags", docs: "the grant's tags, a list of strings" },
    PathRoot { root: Root::ServerName, name: "server.name", docs: "the server's name, a string" },
    PathRoot { root: Root::ToolName, name: "tool.name", docs: "the tool's name, a string" },
    PathRoot {
        root: Root::ClientIp,
        name: "client.ip",
        docs: "the client's address, a string; absent on a pipe",
    },
    PathRoot { root: Root::TimeHour, name: "time.hour", docs: "0 to 23 in the policy's time zone" },
    PathRoot {
        root: Root::TimeWeekday,
        name: "time.weekday",
        docs: "`monday` to `sunday` in the policy's time zone",
    },
];

/// A step from a value into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Name(Box<str>),
    Index(usize),
    /// Every element.
    Each,
}

/// A path that was understood.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) text: Box<str>,
    pub(crate) root: Root,
    pub(crate) steps: Box<[Step]>,
}

const MAX_STEPS: usize = 32;

impl Path {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (root, rest) = root_of(text)?;
        let steps = steps_of(rest).map_err(|error| format!("path `{text}`: {error}"))?;
        match root {
            Root::Args => {}
            Root::GrantTags if matches!(steps.as_slice(), [] | [Step::Each | Step::Index(_)]) => {}
            _ if steps.is_empty() => {}
            _ => return Err(format!("path `{text}`: only `args` has members to step into")),
        }
        if steps.len() > MAX_STEPS {
            return Err(format!("path `{text}`: more than {MAX_STEPS} steps"));
        }
        Ok(Self { text: text.into(), root, steps: steps.into() })
    }

    /// Whether the path may lead to many values.
    pub(crate) fn is_many(&self) -> bool {
        self.steps.contains(&Step::Each)
    }
}

/// The root that the text begins with, and the steps behind it.
fn root_of(text: &str) -> Result<(Root, &str), String> {
    if text == "tool.category" {
        return Err("path `tool.category` is not available in this version".to_owned());
    }
    for known in PATH_ROOTS {
        if let Some(rest) = text.strip_prefix(known.name)
            && (rest.is_empty() || rest.starts_with(['.', '[']))
        {
            return Ok((known.root, rest));
        }
    }
    let names = PATH_ROOTS.iter().map(|root| root.name);
    let first = text.split(['.', '[']).next().unwrap_or_default();
    let advice = match nearest(text, names.clone()).or_else(|| nearest(first, ["args"])) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("paths begin with one of: {}", names.collect::<Vec<_>>().join(", ")),
    };
    Err(format!("unknown path `{}`; {advice}", crate::shape::shorten(text)))
}

fn steps_of(mut rest: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let step;
        (step, rest) = if let Some(name) = rest.strip_prefix('.') {
            dotted(name)?
        } else if let Some(inner) = rest.strip_prefix('[') {
            bracketed(inner)?
        } else {
            return Err("expected `.` or `[` behind `]`".to_owned());
        };
        steps.push(step);
    }
    Ok(steps)
}

fn dotted(text: &str) -> Result<(Step, &str), String> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Err("a name is missing behind `.`".to_owned());
    }
    if name.contains([']', '"', '*']) || name.contains(char::is_whitespace) {
        return Err(format!("write the name `{name}` as [\"{name}\"]"));
    }
    Ok((Step::Name(name.into()), rest))
}

fn bracketed(text: &str) -> Result<(Step, &str), String> {
    let end = if text.starts_with('"') { end_of_string(text) } else { text.find(']') };
    let Some((inner, rest)) = end.and_then(|end| text.split_at_checked(end)) else {
        return Err("`[` is not closed".to_owned());
    };
    let Some(rest) = rest.strip_prefix(']') else { return Err("`]` is missing".to_owned()) };
    if inner == "*" {
        return Ok((Step::Each, rest));
    }
    if inner.starts_with('"') {
        return Ok((Step::Name(decode(inner)?), rest));
    }
    let plain = inner.bytes().all(|b| b.is_ascii_digit()) && (inner == "0" || !inner.starts_with('0'));
    match inner.parse() {
        Ok(index) if plain => Ok((Step::Index(index), rest)),
        _ => Err(format!("`[{inner}]` is not an index, `[*]` or a quoted name")),
    }
}

/// Where the string literal that begins the text ends.
fn end_of_string(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn decode(literal: &str) -> Result<Box<str>, String> {
    let document = Document::read(literal.as_bytes(), &Limits::default())
        .map_err(|error| format!("{literal} is not a JSON string: {error}"))?;
    Ok(document.root().as_str().unwrap_or_default().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<Step> {
        Path::parse(text).unwrap().steps.into_vec()
    }

    #[test]
    fn reads_paths() {
        let name = |text: &str| Step::Name(text.into());
        assert_eq!(steps("args"), []);
        assert_eq!(steps("args.a.b-c"), [name("a"), name("b-c")]);
        assert_eq!(steps("args.list[0].x"), [name("list"), Step::Index(0), name("x")]);
        assert_eq!(steps("args[*][*]"), [Step::Each, Step::Each]);
        assert_eq!(steps(r#"args["odd.na\"me]"].x"#), [name("odd.na\"me]"), name("x")]);
        assert_eq!(steps(r#"args["\u0041"]"#), [name("A")]);
        assert_eq!(Path::parse("grant.tags[*]").unwrap().root, Root::GrantTags);
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for text in [
            "",
            "arg.x",
            "args.",
            "args..a",
            "args[",
            "args[]",
            "args[01]",
            "args[-1]",
            "args[\"a]",
            "args[\"a\"x]",
            "args.a]b",
            "args.a b",
            "args.*",
            "args[\"\\x\"]",
            "argsx",
            "grant.label.x",
            "time.hour[0]",
            "args[0]x",
            "tool.category",
            "state.x.y",
            "args[99999999999999999999]",
        ] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
        assert!(Path::parse("arg.x").unwrap_err().contains("did you mean `args`"));
    }
}
