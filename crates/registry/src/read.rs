//! What one piece of JSON from a dump or a registry is: a tool's definition, a version of a server, or an item of a
//! registry's list. Unknown members are passed over; what lacks its name, or has a member of the wrong type, is told.

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};
use toolgate_json::{Document, Kind, Limits, Value, write_canonical, write_string};

use crate::entry::{Entry, NewServer, NewTool, Status, Transport, Transports, definition_of};

/// Longest piece in bytes.
pub(crate) const LONGEST: usize = 4 << 20;
/// Longest name of a server or tool in characters.
const NAME: usize = 512;
/// The registry's own words beside a `server.json`.
const OFFICIAL: &str = "io.modelcontextprotocol.registry/official";
/// Members of a dump's row under the names that `tools/list` has for them.
const OF_DUMP: [(&str, &str); 7] = [
    ("tool", "name"),
    ("title", "title"),
    ("description", "description"),
    ("input_schema", "inputSchema"),
    ("inputSchema", "inputSchema"),
    ("output_schema", "outputSchema"),
    ("annotations", "annotations"),
];

/// Reads one piece; `server` is whose tools these are where the piece does not say.
pub(crate) fn entry(bytes: &[u8], server: Option<&str>) -> Result<Entry, String> {
    let limits = Limits { bytes: LONGEST, ..Limits::default() };
    let document = Document::read(bytes, &limits).map_err(|error| format!("no JSON: {error}"))?;
    let root = document.root();
    if root.kind() != Kind::Object {
        return Err("neither a tool's definition nor a `server.json`: not an object".to_owned());
    }
    let has = |name: &str| root.get(name).is_some_and(|value| !value.is_null());
    if root.get("server").is_some_and(|inner| inner.kind() == Kind::Object) {
        return item(root).map(|server| Entry::Server(Box::new(server)));
    }
    if has("tool") || has("inputSchema") || has("input_schema") || (has("server") && has("name")) {
        return tool(root, server).map(|tool| Entry::Tool(Box::new(tool)));
    }
    if has("version") || has("packages") || has("remotes") || has("$schema") {
        return version(root, None).map(|server| Entry::Server(Box::new(server)));
    }
    if server.is_some() && has("name") {
        return tool(root, server).map(|tool| Entry::Tool(Box::new(tool)));
    }
    Err("neither a tool's definition (`server`, `tool`, …) nor a `server.json` (`name`, `version`, …)"
        .to_owned())
}

/// Reads an item of a registry's list, or a `server.json`.
pub(crate) fn server(bytes: &[u8]) -> Result<Entry, String> {
    match entry(bytes, None)? {
        Entry::Server(server) => Ok(Entry::Server(server)),
        Entry::Tool(_) => Err("a tool's definition where a registry lists servers".to_owned()),
    }
}

/// Reads one tool of a server's list.
pub(crate) fn listed(bytes: &[u8], server: &str) -> Result<Entry, String> {
    let limits = Limits { bytes: LONGEST, ..Limits::default() };
    let document = Document::read(bytes, &limits).map_err(|error| format!("no JSON: {error}"))?;
    let root = document.root();
    if root.kind() != Kind::Object {
        return Err("a tool that is no object".to_owned());
    }
    // Whose tool it is, a server does not say itself.
    judged(text_of(root, Form::Listed), server).map(|tool| Entry::Tool(Box::new(tool)))
}

/// How a tool is written down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As a row of a dump.
    Row,
    /// As in `tools/list`.
    Listed,
}

fn tool(root: Value<'_>, server: Option<&str>) -> Result<NewTool, String> {
    let form = if root.get("tool").is_some() { Form::Row } else { Form::Listed };
    let named = match root.get("server").filter(|value| !value.is_null()) {
        Some(value) => Some(value.as_str().ok_or("`server` must be a string")?.into_owned()),
        None => server.map(str::to_owned),
    };
    judged(text_of(root, form), &named.ok_or("a tool of a dump needs its `server`")?)
}

/// The tool of a definition as `tools/list` has it.
fn judged(canonical: String, server: &str) -> Result<NewTool, String> {
    let definition = definition_of(server, &canonical)?;
    for (what, name) in [("server", &definition.server), ("tool", &definition.name)] {
        if name.trim().is_empty() || name.chars().count() > NAME {
            return Err(format!("the name of the {what} must have 1 to {NAME} characters"));
        }
    }
    Ok(NewTool::new(&definition, canonical))
}

/// The definition as `tools/list` has it, members in order: of a row of a dump what is known by name, of anything else
/// all but `server`. Null of a row is nothing.
fn text_of(root: Value<'_>, form: Form) -> String {
    let mut members: Vec<(std::borrow::Cow<'_, str>, Value<'_>)> = Vec::new();
    for member in root.members() {
        let name = member.name.as_str().unwrap_or_default();
        if form == Form::Row && member.value.is_null() {
            continue;
        }
        let known = OF_DUMP.iter().find(|(of_dump, _)| *of_dump == name).map(|(_, name)| *name);
        match (form, known) {
            (Form::Row, Some(known)) => members.push((known.into(), member.value)),
            (Form::Row, None) => {}
            (Form::Listed, _) if name == "server" => {}
            (Form::Listed, _) if name == "input_schema" => members.push(("inputSchema".into(), member.value)),
            (Form::Listed, _) => members.push((name, member.value)),
        }
    }
    members.sort_by(|(a, _), (b, _)| a.cmp(b));
    members.dedup_by(|(later, _), (first, _)| later == first);
    object(&members)
}

fn object(members: &[(std::borrow::Cow<'_, str>, Value<'_>)]) -> String {
    let mut out = vec![b'{'];
    for (at, (name, value)) in members.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(name, &mut out);
        out.push(b':');
        write_canonical(value, &mut out);
    }
    out.push(b'}');
    String::from_utf8(out).unwrap_or_default()
}

/// An item of a registry's list: `{"server": {…}, "_meta": {…}}`.
fn item(root: Value<'_>) -> Result<NewServer, String> {
    let inner = root.get("server").ok_or("`server` is missing")?;
    version(inner, root.get("_meta"))
}

/// What is needed of `server.json`; members that are not named are passed over.
#[derive(Deserialize)]
struct RawServer {
    name: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    version_detail: Option<RawVersion>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    packages: Option<Vec<RawPackage>>,
    #[serde(default)]
    remotes: Option<Vec<Map<String, Json>>>,
}

/// Of lists made before the versions moved into the root.
#[derive(Deserialize)]
struct RawVersion {
    version: String,
}

#[derive(Deserialize)]
struct RawPackage {
    #[serde(default)]
    transport: Option<Map<String, Json>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawOfficial {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    published_at: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    is_latest: Option<bool>,
}

fn version(inner: Value<'_>, meta: Option<Value<'_>>) -> Result<NewServer, String> {
    let raw: RawServer = serde_json::from_str(inner.raw()).map_err(|error| {
        let text = error.to_string();
        format!("no `server.json`: {}", text.split(" at line ").next().unwrap_or_default())
    })?;
    check_name(&raw.name)?;
    let version = raw.version.or(raw.version_detail.map(|detail| detail.version));
    let version = version.ok_or("a `server.json` needs its `version`")?;
    if version.is_empty() || version.len() > 255 {
        return Err("the `version` of a `server.json` must have 1 to 255 bytes".to_owned());
    }
    let official = meta.and_then(|meta| meta.get(OFFICIAL).or(Some(meta)));
    let official: RawOfficial =
        official.and_then(|value| serde_json::from_str(value.raw()).ok()).unwrap_or_default();
    let status = match official.status.as_deref().or(raw.status.as_deref()) {
        None => Status::Active,
        Some(name) => Status::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or("the `status` of a server must be `active`, `deprecated` or `deleted`")?,
    };
    let transports = transports(raw.packages.as_deref(), raw.remotes.as_deref());
    let (document, meta) = (canonical(inner), meta.map(canonical).unwrap_or_else(|| "{}".to_owned()));
    let hash = Sha256::new().chain_update(&document).chain_update([0]).chain_update(&meta).finalize().into();
    Ok(NewServer {
        name: raw.name,
        title: raw.title.unwrap_or_default(),
        description: raw.description.unwrap_or_default(),
        version,
        status,
        transports,
        is_latest: official.is_latest,
        published: official.published_at,
        updated: official.updated_at,
        document,
        meta,
        hash,
    })
}

/// `namespace/name`, as the registry has it.
fn check_name(name: &str) -> Result<(), String> {
    let mut parts = name.split('/');
    let (Some(space), Some(last), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err("the `name` of a `server.json` must be `namespace/name`".to_owned());
    };
    let fits = |part: &str, more: &[char]| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(&c))
    };
    if name.len() <= 200 && fits(space, &['.', '-']) && fits(last, &['.', '_', '-']) {
        return Ok(());
    }
    Err("the `name` of a `server.json` must be `namespace/name` of letters, digits, `.`, `_` and `-`"
        .to_owned())
}

fn transports(packages: Option<&[RawPackage]>, remotes: Option<&[Map<String, Json>]>) -> Transports {
    let mut found = Transports::default();
    let of_packages = packages.unwrap_or_default().iter().map(|package| package.transport.as_ref());
    let of_remotes = remotes.unwrap_or_default().iter().map(Some);
    for transport in of_packages.chain(of_remotes) {
        let name = transport.and_then(|members| members.get("type")).and_then(Json::as_str);
        // A package that says nothing is a program that speaks on its standard streams.
        match name {
            None => found.add(Transport::Stdio),
            Some(name) => Transport::parse(name).into_iter().for_each(|transport| found.add(transport)),
        }
    }
    found
}

fn canonical(value: Value<'_>) -> String {
    let mut out = Vec::new();
    write_canonical(&value, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool_of(text: &str) -> NewTool {
        match entry(text.as_bytes(), None) {
            Ok(Entry::Tool(tool)) => *tool,
            other => panic!("{other:?}"),
        }
    }

    fn server_of(text: &str) -> NewServer {
        match entry(text.as_bytes(), None) {
            Ok(Entry::Server(server)) => *server,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_row_and_a_definition_of_the_same_tool_are_equal() {
        let row = r#"{"source": "x", "server": "s", "tool": "delete_it", "description": "Deletes it.",
            "input_schema": {"type": "object"}, "annotations": null, "licence": "MIT"}"#;
        let listed = r#"{"name": "delete_it", "inputSchema": {"type":"object"}, "server": "s", "description": "Deletes it."}"#;
        let (row, listed) = (tool_of(row), tool_of(listed));
        assert_eq!(
            row.definition,
            r#"{"description":"Deletes it.","inputSchema":{"type":"object"},"name":"delete_it"}"#
        );
        assert_eq!((row.hash, row.verdict.clone()), (listed.hash, listed.verdict));
        assert_eq!(row.verdict.category, toolgate_catalog::Category::Destructive);
    }

    #[test]
    fn the_hash_of_a_whole_definition_is_the_one_that_the_gateway_knows() {
        let text = r#"{"name":"t", "inputSchema":{"b":1.0,"a":null}, "title":null, "_meta":{"x":[1]}}"#;
        let document = Document::read(text.as_bytes(), &Limits::default()).unwrap();
        let known = toolgate_mcp::definition::Definition::read(document.root()).unwrap().hash();
        let Ok(Entry::Tool(tool)) = listed(text.as_bytes(), "s") else { panic!() };
        assert_eq!(tool.hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), known);
    }

    #[test]
    fn servers_are_read_alone_and_from_a_list() {
        let alone = r#"{"name":"com.example/files","description":"d","version":"1.2.0","packages":[{"registryType":"npm"}],
            "remotes":[{"type":"streamable-http","url":"https://example.com/mcp"}],"later":1}"#;
        let server = server_of(alone);
        assert_eq!(
            (server.version.as_str(), server.status, server.is_latest),
            ("1.2.0", Status::Active, None)
        );
        assert_eq!(server.transports.bits(), 3);
        let item = format!(
            r#"{{"server":{alone},"_meta":{{"{OFFICIAL}":{{"status":"deleted","publishedAt":"2026-01-01T00:00:00Z","isLatest":true}}}}}}"#
        );
        let server = server_of(&item);
        assert_eq!((server.status, server.is_latest), (Status::Deleted, Some(true)));
    }

    #[test]
    fn what_is_neither_is_told() {
        let check = |text: &str, part: &str| {
            let error = entry(text.as_bytes(), None).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        };
        check("{", "no JSON");
        check("[]", "not an object");
        check("{}", "neither");
        check(r#"{"tool":"t"}"#, "needs its `server`");
        check(r#"{"tool":7,"server":"s"}"#, "must be a string");
        check(r#"{"tool":"","server":"s"}"#, "1 to 512");
        check(r#"{"name":"nospace","version":"1"}"#, "namespace/name");
        check(r#"{"name":"a/b","remotes":[]}"#, "needs its `version`");
        check(r#"{"name":"a/b","version":"1","status":"odd"}"#, "`status`");
    }

    #[test]
    fn a_server_does_not_say_whose_its_tools_are() {
        let text = r#"{"name":"t","tool":"other","server":"victim","inputSchema":{}}"#;
        let Ok(Entry::Tool(tool)) = listed(text.as_bytes(), "own") else { panic!() };
        assert_eq!((tool.server.as_str(), tool.name.as_str()), ("own", "t"));
    }
}
