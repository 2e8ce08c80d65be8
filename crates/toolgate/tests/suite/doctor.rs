//! `toolgate doctor`

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::harness::Folder;
use crate::scripted::{Reply, Scripted};

fn states(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap();
    checks.iter().map(|check| (text(&check["subject"]), text(&check["state"]))).collect()
}

fn found<'r>(report: &'r Value, state: &str, text: &str) -> &'r Value {
    let checks = report["checks"].as_array().unwrap();
    let fits = |check: &&Value| check["state"] == state && check["found"].as_str().unwrap().contains(text);
    checks.iter().find(fits).unwrap_or_else(|| panic!("no {state} `{text}` in {report:#}"))
}

/// A server that has one tool whose schema is no schema.
fn odd_server() -> Scripted {
    Scripted::start(|asked| {
        let id = asked.json()["id"].clone();
        let answer =
            |result: Value| Reply::json(json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string());
        match (asked.verb.as_str(), asked.method().as_str()) {
            ("POST", "initialize") => {
                answer(json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                "serverInfo": {"name": "u", "version": "1"}}))
            }
            ("POST", "tools/list") => answer(json!({"tools": [
                {"name": "paint.oil", "inputSchema": {"type": "object"}},
                {"name": "odd", "inputSchema": {"type": "nonsense"}},
            ]})),
            ("POST", method) if method.starts_with("notifications/") => Reply::status(202),
            _ => Reply::status(405),
        }
    })
}

#[test]
fn servers_schemas_and_policies_are_held_together() {
    let server = odd_server();
    let folder = Folder::new();
    folder.write("p.json", r#"{"version": "1", "tools": {"paint.oli": {}, "paint.*": {}}}"#);
    let config = |url: &str| {
        format!(
            "listen: 127.0.0.1:0\nconsole: 127.0.0.1:0\nservers: {{ s: {{ url: \"{url}\", protocol: legacy }} }}\n\
             policies: {{ p: p.json }}\ngrants: {{ g: {{ servers: {{ s: p }} }} }}\n"
        )
    };
    folder.write("toolgate.yaml", &config(&server.url()));
    let report = folder.run("doctor --json").json(0);
    found(&report, "fine", "speaks 2025-06-18, offers 2 tools");
    found(&report, "doubtful", "the schema of `odd` cannot be used");
    let name = found(&report, "doubtful", "names `paint.oli`, which the server does not have");
    assert_eq!(name["advice"], "did you mean `paint.oil`?");
    let out = folder.run("doctor").with_code(0);
    assert!(out.contains("ok    config `toolgate.yaml`: read, with 1 server and 1 policy file\n"), "{out}");

    folder.write("toolgate.yaml", &config("http://127.0.0.1:1/mcp"));
    let report = folder.run("doctor --json").json(3);
    assert!(states(&report).contains(&("server `s`".to_owned(), "unreachable".to_owned())), "{report:#}");
}

#[test]
fn what_keeps_a_gateway_from_working_is_bad() {
    let folder = Folder::new();
    folder.write("toolgate.yaml", "listn: x\n");
    let report = folder.run("doctor --json").json(1);
    let config = found(&report, "bad", "1 error, the first: toolgate.yaml:1:1: error: ");
    assert_eq!(config["advice"], "run `toolgate check toolgate.yaml`");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    folder.write("cert.pem", "no certificate");
    folder.write(
        "toolgate.yaml",
        &format!("listen: {address}\ndata_dir: d\ntls: {{ cert: cert.pem, key: cert.pem }}\n"),
    );
    folder.write("d/format", "99\n");
    folder.write("d/journal/00000000000000000001.jsonl", "{}\n");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path().join("d"), mode).unwrap();
    let report = folder.run("doctor --json").json(1);
    found(&report, "bad", "others can look into it (mode 755)");
    found(&report, "bad", "has the format `99`");
    found(&report, "bad", "in use");
    let bad: Vec<_> =
        states(&report).into_iter().filter(|(_, state)| state == "bad").map(|(name, _)| name).collect();
    assert!(bad.contains(&"certificate".to_owned()) && bad.contains(&"journal".to_owned()), "{report:#}");
}

#[test]
fn nothing_there_yet_is_fine() {
    let folder = Folder::new();
    folder.write("toolgate.yaml", "listen: 127.0.0.1:0\nconsole: 127.0.0.1:0\n");
    let report = folder.run("doctor --json").json(0);
    assert_eq!(report["ok"], true);
    assert!(states(&report).iter().all(|(_, state)| state == "fine"), "{report:#}");
    assert!(!folder.path().join(".toolgate").exists(), "looking leaves nothing behind");
}
