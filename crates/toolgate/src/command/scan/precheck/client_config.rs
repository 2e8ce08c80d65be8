//! A client's config, or Toolgate's: the servers that it names, with the place of everything that can be told
//! about them.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use toolgate_catalog::precheck::{Part, ServerEntry, Way};
use toolgate_json::{Kind, Position};
use toolgate_policy::{Format, Located, Place};

use super::comments::blanked;
use crate::answer::Failure;
use crate::config::format_of;
use crate::shell::printable;

/// The longest config; the reader's own limit is 4 MiB.
const CONFIG_FILE: u64 = 5 << 20;
/// What clients call the address of a server.
const ADDRESSES: [&str; 3] = ["url", "serverUrl", "httpUrl"];

/// A config that was read.
#[derive(Debug)]
pub(super) struct ClientConfig {
    /// The file, as reports name it: with `/`, relative where it was named so.
    pub(super) file: String,
    /// The servers, in their order.
    pub(super) entries: Vec<Entry>,
}

/// One server of it.
#[derive(Debug)]
pub(super) struct Entry {
    /// What is written there.
    pub(super) written: ServerEntry,
    /// Where a program that is named with a folder is looked for, if not here.
    pub(super) folder: Option<PathBuf>,
    name: Position,
    parts: Vec<(Part, Position)>,
}

impl Entry {
    /// Where a part of it stands.
    pub(super) fn position(&self, part: &Part) -> Position {
        self.parts.iter().find(|(known, _)| known == part).map_or(self.name, |(_, position)| *position)
    }
}

impl ClientConfig {
    /// Reads a config.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = read_file(path, CONFIG_FILE)?;
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
        let format = match path.extension().and_then(|ending| ending.to_str()) {
            Some("jsonc" | "json5") => Format::Json,
            _ if blanked(text).trim_start().starts_with('{') => Format::Json,
            _ => format_of(path, text),
        };
        let read = match format {
            Format::Json => Located::read(&blanked(text), format),
            Format::Yaml => Located::read(text, format),
        };
        let file = shown(path);
        let tree = read.map_err(|problems| {
            let lines: Vec<String> =
                problems.iter().map(|problem| printable(&problem.render(&file))).collect();
            Failure::no(lines.join("\n"))
        })?;
        let servers = servers(tree.root()).ok_or_else(|| {
            Failure::no(format_args!(
                "`{}` names no servers: it has neither `mcpServers` nor `servers`; is it the config of an MCP client?",
                printable(&file)
            ))
        })?;
        let entries = servers.members().map(|place| entry(place, path)).collect();
        Ok(Self { file, entries })
    }
}

/// The text of a file that is not too long.
pub(super) fn read_file(path: &Path, most: u64) -> Result<String, Failure> {
    let failed = |error: std::io::Error| {
        Failure::unreachable(anyhow!("cannot read `{}`: {error}", printable(&path.display().to_string())))
    };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(Failure::no(format_args!("`{}` is longer than {most} bytes", path.display())));
    }
    String::from_utf8(bytes).map_err(|_| Failure::no(format_args!("`{}` is not UTF-8", path.display())))
}

/// The path with `/`, without `./` in front.
fn shown(path: &Path) -> String {
    let text = path.display().to_string().replace('\\', "/");
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}

/// Where the clients keep their servers.
fn servers(root: Place<'_>) -> Option<Place<'_>> {
    let nested = || root.get("mcp").and_then(|mcp| mcp.get("servers"));
    let found = root.get("mcpServers").or_else(|| root.get("servers")).or_else(nested)?;
    (found.kind() == Kind::Object).then_some(found)
}

fn entry(place: Place<'_>, path: &Path) -> Entry {
    let mut parts = Vec::new();
    let command = place.get("command");
    let words: Vec<Place<'_>> =
        command.into_iter().flat_map(|list| list.elements()).chain(arguments(place)).collect();
    let own = command.is_some_and(|command| command.kind() == Kind::Array);
    let (program, words) = match command.and_then(Place::as_str) {
        Some(program) => (Some(program.to_owned()), words.as_slice()),
        None => match words.split_first() {
            Some((program, rest)) => (Some(plain(*program)), rest),
            None => (None, words.as_slice()),
        },
    };
    let url = ADDRESSES.iter().find_map(|name| place.get(name));
    let way = match (program, url) {
        (Some(program), _) if !program.is_empty() => {
            let at = |(at, word): (usize, &Place<'_>)| (Part::Argument(at), word.position());
            parts.extend(words.iter().enumerate().map(at));
            Way::Command { program, arguments: words.iter().map(|word| plain(*word)).collect() }
        }
        (_, Some(url)) => {
            parts.push((Part::Url, url.position()));
            Way::Url(plain(url))
        }
        (_, None) => Way::Unknown,
    };
    let variables = pairs(place.get("env"), Part::Variable, &mut parts);
    let headers = pairs(place.get("headers"), Part::Header, &mut parts);
    let written = ServerEntry { name: place.name().unwrap_or_default().to_owned(), way, variables, headers };
    let folder = path.parent().filter(|_| own).map(Path::to_owned);
    Entry { written, folder, name: place.name_position(), parts }
}

fn arguments(place: Place<'_>) -> impl Iterator<Item = Place<'_>> {
    place.get("args").into_iter().flat_map(|list| list.elements())
}

fn pairs(
    place: Option<Place<'_>>,
    part: fn(String) -> Part,
    parts: &mut Vec<(Part, Position)>,
) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for member in place.into_iter().flat_map(|map| map.members()) {
        let name = member.name().unwrap_or_default().to_owned();
        parts.push((part(name.clone()), member.position()));
        pairs.push((name, plain(member)));
    }
    pairs
}

/// A text, or a number or truth value as it is spelt.
fn plain(place: Place<'_>) -> String {
    let flag = || place.as_bool().map(|flag| flag.to_string());
    place.as_str().or(place.as_number()).map(str::to_owned).or_else(flag).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<ClientConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        ClientConfig::read(&path).map_err(|failure| failure.error.to_string())
    }

    fn command(program: &str, arguments: &[&str]) -> Way {
        let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        Way::Command { program: program.to_owned(), arguments }
    }

    #[test]
    fn each_client_writes_it_in_its_way() {
        for (name, text, way) in [
            (
                "a.json",
                r#"{"mcpServers": {"s": {"command": "npx", "args": ["-y", "p"]}}}"#,
                command("npx", &["-y", "p"]),
            ),
            (
                "mcp.json",
                r#"{"servers": {"s": {"type": "http", "url": "https://h/"}}, "inputs": []}"#,
                Way::Url("https://h/".into()),
            ),
            ("settings.json", r#"{"mcp": {"servers": {"s": {"command": "x"}}}}"#, command("x", &[])),
            (
                "a.json",
                r#"{"mcpServers": {"s": {"serverUrl": "https://h/"}}}"#,
                Way::Url("https://h/".into()),
            ),
            ("toolgate.yaml", "servers:\n  s:\n    command: [x, y, 5]\n", command("x", &["y", "5"])),
            ("a.json", r#"{"mcpServers": {"s": {}}}"#, Way::Unknown),
            ("a.json", r#"{"mcpServers": {"s": 3}}"#, Way::Unknown),
            ("a.json", "\u{FEFF}{\"mcpServers\": {\"s\": {\"command\": \"x\",}, // c\n}}", command("x", &[])),
        ] {
            let config = read(name, text).unwrap();
            assert_eq!((config.entries.len(), &config.entries[0].written.way), (1, &way), "{text}");
        }
    }

    #[test]
    fn each_part_has_its_place() {
        let text = "{ // c\n \"mcpServers\": {\n  \"s\": {\"command\": \"npx\",\n   \"args\": [\"-y\", \"p\"],\n   \"env\": {\"A\": \"b\"}}}}";
        let config = read("a.json", text).unwrap();
        let at = |part: &Part| {
            let position = config.entries[0].position(part);
            (position.line, position.column)
        };
        assert_eq!(at(&Part::Name), (3, 3));
        assert_eq!(at(&Part::Argument(1)), (4, 19));
        assert_eq!(at(&Part::Variable("A".into())), (5, 17));
        assert_eq!(at(&Part::Url), (3, 3));
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_place() {
        for (text, expected) in [
            ("{\"mcpServers\": {\"s\": {}, \"s\": {}}}", "a.json:1:"),
            ("{\"mcpServers\": {", "a.json:1:"),
            ("{\"other\": 1}", "neither `mcpServers` nor `servers`"),
            ("{\"mcpServers\": 3}", "neither `mcpServers` nor `servers`"),
            ("[]", "neither `mcpServers` nor `servers`"),
        ] {
            let error = read("a.json", text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
