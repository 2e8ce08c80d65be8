//! `toolgate scan` and `toolgate policy recommend`

use serde_json::{Value, json};

use crate::harness::{Folder, Ran};
use crate::scripted::{Reply, Scripted};

const DEFINITIONS: &str = r#"{"server": "a", "tool": "get_user", "description": "Gets a user"}
{"server": "a", "tool": "delete_user", "description": "Deletes a user", "input_schema": {"type": "object"}, "annotations": {"readOnlyHint": true}}

{"server": "b", "tool": "pay", "description": "", "input_schema": null}
"#;

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn imaging_server() -> Scripted {
    Scripted::start(|asked| {
        let id = asked.json()["id"].clone();
        let answer =
            |result: Value| Reply::json(json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string());
        match (asked.verb.as_str(), asked.method().as_str()) {
            ("POST", "initialize") => answer(json!({"protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}}, "serverInfo": {"name": "u", "version": "1"}})),
            ("POST", "tools/list") => answer(json!({"tools": [{"name": "image.generate.replicate",
                "description": "Generate an image using Replicate models. Requires REPLICATE_API_TOKEN.",
                "inputSchema": {"type": "object", "properties": {"prompt": {"type": "string"}}}}]})),
            ("POST", method) if method.starts_with("notifications/") => Reply::status(202),
            _ => Reply::status(405),
        }
    })
}

#[test]
fn definitions_are_judged_line_by_line() {
    let folder = Folder::new();
    folder.write("tools.jsonl", DEFINITIONS);
    let found = lines(&folder.run("scan --definitions tools.jsonl").with_code(0));
    let told: Vec<(&str, &str, &str)> = found
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap();
            (text("tool"), text("category"), text("severity"))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("get_user", "read", "low"),
            ("delete_user", "destructive", "critical"),
            ("pay", "financial", "critical")
        ]
    );
    for row in &found {
        assert!(row["confidence"].is_f64() && row["reason"].is_string(), "{row}");
        assert!(
            row["evidence"].as_array().unwrap().iter().all(|e| e["quote"].is_string() && e["at"].is_string())
        );
    }
    assert_eq!(found[1]["evidence"][0], json!({"quote": "delete", "at": "/name"}));
    assert_eq!(lines(&folder.run("scan --definitions tools.jsonl --json").with_code(0)), found);
    assert!(found.iter().all(|row| row.get("tokens").is_none()));
    let counted = lines(&folder.run("scan --definitions tools.jsonl --tokens").with_code(0));
    assert!(counted.iter().all(|row| row["tokens"].as_u64() > Some(4)), "{counted:?}");
}

#[test]
fn a_line_that_is_no_definition_is_told_in_its_place() {
    let folder = Folder::new();
    folder.write("tools.jsonl", "{\"tool\": \"get\"}\n{\"tool\": 3}\nnonsense\n{\"tool\": \"list\"}\n");
    let Ran { code, out, err } = folder.run("scan --definitions tools.jsonl");
    let found = lines(&out);
    assert_eq!((code, found.len()), (1, 4));
    assert_eq!(found[1], json!({"line": 2, "error": "`tool` of a tool definition must be a string"}));
    assert_eq!((&found[2]["line"], &found[3]["tool"]), (&json!(3), &json!("list")));
    assert!(err.contains("2 of the lines"), "{err}");
    assert!(folder.run("scan --definitions none.jsonl").code == 3);
    assert!(folder.run("policy recommend --definitions tools.jsonl").err.contains("line 2"));
}

#[test]
fn the_options_must_go_together() {
    let folder = Folder::new();
    for words in [
        "scan",
        "scan http://127.0.0.1:9/ -- prog",
        "scan --definitions f -- prog",
        "scan no-url",
        "policy recommend",
        "scan http://user:secret@127.0.0.1/",
        "scan http://127.0.0.1:9/ --context 0",
        "scan http://127.0.0.1:9/ --tokens",
        "policy recommend --from-traffic",
        "policy recommend http://127.0.0.1:9/ --server s",
        "policy recommend --from-traffic --server s --days 31",
        "scan --env NOT_SET_ANYWHERE -- prog",
    ] {
        let ran = folder.run(words);
        assert_eq!(ran.code, 2, "{words}: {ran:?}");
        assert!(!ran.err.contains("secret"), "{ran:?}");
    }
}

#[test]
fn a_servers_tools_are_listed_and_judged() {
    let server = imaging_server();
    let folder = Folder::new();
    let [row] = &lines(&folder.run(&format!("scan {} --json", server.url())).with_code(0))[..] else {
        panic!()
    };
    assert_eq!((&row["category"], &row["severity"]), (&json!("execute"), &json!("high")));
    let text = folder.run(&format!("scan {}", server.url())).with_code(0);
    assert!(text.contains("high     execute     image.generate.replicate"), "{text}");
    assert!(text.contains("\"Requires REPLICATE_API_TOKEN\" at /description"), "{text}");
    let tokens = row["tokens"].as_u64().unwrap();
    assert!((20..60).contains(&tokens), "{row}");
    assert!(
        text.ends_with(&format!("1 tool: 1 execute; {tokens} tokens, 0.02 % of the context of 200000\n")),
        "{text}"
    );
    let half = folder.run(&format!("scan {} --json --context {}", server.url(), tokens * 2)).json(0);
    assert_eq!(half["context_share"], 0.5);
    let demo = include_str!("../../src/demo/policy.json");
    for words in [format!("scan {} --policy", server.url()), format!("policy recommend {}", server.url())] {
        assert_eq!(folder.run(&words).with_code(0).trim(), demo.trim());
    }
    let strict = folder.run(&format!("policy recommend {} --preset strict", server.url())).json(0);
    assert_eq!(strict, json!({"version": "1", "default": "deny", "tools": {}}));
}

#[test]
fn what_cannot_be_reached_is_said_with_what_it_printed() {
    let folder = Folder::new();
    let ran = folder.run_words(&["scan", "--", "sh", "-c", "echo no licence >&2; exit 7"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("cannot be asked for its tools") && ran.err.contains("no licence"), "{ran:?}");
    assert_eq!(folder.run("scan http://127.0.0.1:9/mcp").code, 3);
}

#[test]
fn a_policy_for_each_server_of_a_file() {
    let folder = Folder::new();
    folder.write("tools.jsonl", DEFINITIONS);
    let policies = folder.run("policy recommend --definitions tools.jsonl").json(0);
    assert_eq!(policies["a"]["hide"], json!(["delete_user"]));
    assert_eq!(policies["b"]["tools"]["pay"]["deny_if"][0]["on_deny"], "Requires human approval.");
    folder.write("a.json", &policies["a"].to_string());
    folder.run("check a.json").with_code(0);
}
