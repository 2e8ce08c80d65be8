//! A file of each client, as clients write them, and what becomes of it when its servers are pointed at a gateway.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toolgate_clients::{Client, Launch, Syntax, Target, Variables, entries, launch, point};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn variables() -> Variables {
    let pairs = [("GITHUB_TOKEN", "ghp_x"), ("SEARCH_KEY", "sk"), ("TOOLGATE_INPUT_API_KEY", "typed")];
    Variables {
        environment: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        home: PathBuf::from("/home/ann"),
        ..Variables::default()
    }
}

fn target(name: &str) -> Target {
    Target {
        url: format!("http://127.0.0.1:8420/mcp/{name}"),
        token: "tg_token".to_owned(),
        program: "/opt/toolgate".to_owned(),
    }
}

fn command(words: &[&str], env: &[(&str, &str)]) -> Result<Launch, String> {
    let mut words = words.iter().map(|word| (*word).to_owned());
    Ok(Launch::Command { program: words.next().unwrap(), args: words.collect(), env: pairs(env) })
}

fn web(url: &str, headers: &[(&str, &str)]) -> Result<Launch, String> {
    Ok(Launch::Web { url: url.to_owned(), headers: pairs(headers) })
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Compares the servers of a fixture, and the file after those that can be imported are pointed at a gateway with
/// the fixture's `.after` file.
fn check(client: Client, name: &str, expected: &[(&str, Result<Launch, String>)]) {
    let path = fixture(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let syntax = Syntax::of_file(&path);
    let found: Vec<_> = entries(client, syntax, &text).unwrap().into_iter().map(Result::unwrap).collect();
    let names: Vec<&str> = found.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, expected.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let variables = variables();
    let mut changes = Vec::new();
    for (entry, (name, expected)) in found.iter().zip(expected) {
        match (launch(client, entry, &variables), expected) {
            (Ok(found), Ok(expected)) => {
                assert!(found == *expected, "{name} is read as something else");
                changes.push((entry, target(name)));
            }
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{name}: {found}"),
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
    let after = point(client, syntax, &text, &changes).unwrap();
    let kept = fixture(&name.replacen('.', ".after.", 1));
    if std::env::vars_os().any(|(name, _)| name == "UPDATE_FIXTURES") {
        std::fs::write(&kept, &after).unwrap();
    }
    assert_eq!(after, std::fs::read_to_string(&kept).unwrap());
    // With a byte order mark before it, it is the same file with a byte order mark.
    let marked = format!("\u{FEFF}{text}");
    assert_eq!(point(client, syntax, &marked, &changes).unwrap(), format!("\u{FEFF}{after}"));
}

#[test]
fn claude_desktop() {
    let files = ["npx", "-y", "@modelcontextprotocol/server-filesystem", "/home/ann/Documents"];
    let postgres = ["npx", "-y", "@example/server-postgres", "postgres://ann:hunter2@db.example/shop"];
    check(
        Client::ClaudeDesktop,
        "claude-desktop.json",
        &[
            ("filesystem", command(&files, &[])),
            ("postgres", command(&postgres, &[("PGSSLMODE", "require")])),
        ],
    );
}

#[test]
fn claude_code() {
    check(
        Client::ClaudeCode,
        "claude-code.json",
        &[
            ("github", web("https://mcp.example.com/github", &[("authorization", "Bearer ghp_x")])),
            ("notes", command(&["notes-mcp", "--dir", "/home/ann/notes"], &[])),
            ("old", Err("transport `sse`".to_owned())),
        ],
    );
}

#[test]
fn cursor() {
    check(
        Client::Cursor,
        "cursor.json",
        &[
            ("github", web("https://mcp.example.com/github", &[("authorization", "Bearer ghp_x")])),
            ("off", Err("switched off".to_owned())),
        ],
    );
}

#[test]
fn vs_code() {
    let weather = command(&["/home/ann/bin/weather", "--units", "metric"], &[("API_KEY", "typed")]);
    let docs = web("https://docs.example.com/mcp", &[]);
    check(Client::VsCode, "vscode.json", &[("weather", weather), ("docs", docs)]);
}

#[test]
fn windsurf() {
    let search = web("https://search.example.com/mcp", &[("x-api-key", "k")]);
    check(Client::Windsurf, "windsurf.json", &[("search", search)]);
}

#[test]
fn codex() {
    check(
        Client::Codex,
        "codex.toml",
        &[
            ("github", web("https://mcp.example.com/github", &[("authorization", "Bearer ghp_x")])),
            (
                "notes",
                command(&["notes-mcp", "--dir", "/home/ann/notes"], &[("NOTES_KEY", "k"), ("LEVEL", "info")]),
            ),
            ("inline", command(&["inline-mcp", "a"], &[])),
            ("dotted", command(&["dotted-mcp"], &[("A", "b")])),
        ],
    );
}

#[test]
fn gemini() {
    check(
        Client::Gemini,
        "gemini-cli.json",
        &[
            ("search", web("https://search.example.com/mcp", &[("x-key", "sk")])),
            ("python", command(&["python3", "-m", "tools"], &[])),
        ],
    );
}

#[test]
fn zed() {
    check(
        Client::Zed,
        "zed.json",
        &[
            ("mine", command(&["mine-mcp"], &[])),
            ("older", command(&["older-mcp", "run"], &[("KEY", "k")])),
            ("extension", Err("neither a command nor a URL".to_owned())),
            ("remote", web("https://remote.example.com/mcp", &[("authorization", "Bearer k")])),
        ],
    );
}

#[test]
fn opencode() {
    check(
        Client::OpenCode,
        "opencode.jsonc",
        &[
            ("local", command(&["bun", "x", "local-mcp"], &[("KEY", "ghp_x")])),
            ("remote", web("https://remote.example.com/mcp", &[("authorization", "Bearer ghp_x")])),
        ],
    );
}

#[test]
fn continue_dev() {
    check(
        Client::Continue,
        "continue.yaml",
        &[
            (
                "notes",
                command(&["notes-mcp", "--dir", "/home/ann/nötes"], &[("KEY", "ghp_x"), ("LEVEL", "3")]),
            ),
            ("remote", web("https://remote.example.com/mcp", &[("authorization", "Bearer k")])),
            ("flow", command(&["flow-mcp", "a", "b"], &[])),
        ],
    );
    check(Client::Continue, "continue-block.json", &[("notes", command(&["notes-mcp"], &[]))]);
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let check = |client, syntax, text: &str, expected: &str| {
        let error = entries(client, syntax, text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    };
    use Syntax::{Json, Toml, Yaml};
    check(Client::Cursor, Json, "{\n  \"mcpServers\": {\n", "line 2, column 17:");
    check(Client::Cursor, Json, "{\"mcpServers\": {\"ü\": 1,, }}", "line 1, column 24:");
    check(
        Client::Cursor,
        Json,
        "{\"mcpServers\": {},\n\"mcpServers\": {}}",
        "line 2, column 1: this name stands twice",
    );
    check(
        Client::Cursor,
        Json,
        "{\"mcpServers\": {\"a\": {},\n  \"a\": {}}}",
        "line 2, column 3: this name stands twice",
    );
    check(Client::Cursor, Json, &"[".repeat(100_000), "line 1, column 5");
    check(Client::Codex, Toml, "model = 'x'\n[mcp_servers.a\n", "line 2, column");
    check(Client::Codex, Toml, "[mcp_servers.a]\ncommand = 'x'\ncommand = 'y'\n", "line 3, column 1:");
    check(Client::Continue, Yaml, "name: x\nmcpServers: [\n", "line");
    check(Client::Continue, Yaml, "a: 1\n---\nb: 2\n", "line 2, column 1:");
}

#[test]
fn one_bad_server_does_not_hide_the_others() {
    let text = "{\"mcpServers\": {\n\"a\": 3,\n\"b\": {\"command\": \"x\", \"command\": \"y\"},\n\"c\": {\"command\": \"x\"}}}";
    let found = entries(Client::Cursor, Syntax::Json, text).unwrap();
    let said: Vec<String> = found.iter().filter_map(|e| e.as_ref().err()).map(ToString::to_string).collect();
    assert_eq!(said, ["line 2: `a`: a server must be a map", "line 3: `b`: a name stands twice in it"]);
    assert_eq!(found.iter().flatten().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["c"]);
}

#[test]
fn files_without_servers_have_none() {
    for (client, syntax, text) in [
        (Client::Cursor, Syntax::Json, ""),
        (Client::Cursor, Syntax::Json, "// nothing yet\n"),
        (Client::Cursor, Syntax::Json, "{\"mcpServers\": null}"),
        (Client::Cursor, Syntax::Json, "[]"),
        (Client::Codex, Syntax::Toml, ""),
        (Client::Continue, Syntax::Yaml, ""),
        (Client::Continue, Syntax::Yaml, "name: x\nmcpServers:\n"),
    ] {
        assert!(entries(client, syntax, text).unwrap().is_empty(), "{text}");
    }
}
