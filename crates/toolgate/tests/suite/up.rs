//! `toolgate up`: a gateway that runs, with its commands around it.

use std::io::BufReader;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;

use serde_json::json;

use crate::connect::{Client, INITIALIZE, INITIALIZED, read_lines};
use crate::harness::Folder;
use crate::scripted::{Asked, PATIENCE, Reply, Scripted};

/// A running gateway; killed when dropped.
pub(crate) struct Up {
    child: Child,
    lines: Receiver<String>,
}

impl Up {
    pub(crate) fn start(folder: &Folder, words: &[&str]) -> Self {
        let mut command = folder.command();
        command.arg("up").args(words).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = read_lines(BufReader::new(child.stdout.take().unwrap()));
        Self { child, lines }
    }

    /// What the welcome says under a name.
    pub(crate) fn told(&self, name: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            if let Some(value) = line.trim_start().strip_prefix(name) {
                return value.split_whitespace().next().unwrap().to_owned();
            }
        }
    }

    pub(crate) fn stop(mut self) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// An upstream of the legacy era with the tools `paint` and `erase`.
pub(crate) fn upstream() -> Scripted {
    let tool = |name: &str| json!({"name": name, "inputSchema": {"type": "object"}});
    let tools = json!([tool("paint"), tool("erase")]);
    Scripted::start(move |asked: &Asked| {
        let id = asked.json()["id"].clone();
        let answer = |result: serde_json::Value| {
            Reply::json(json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string())
        };
        match (asked.verb.as_str(), asked.method().as_str()) {
            ("GET", _) => Reply::status(405),
            ("DELETE", _) => Reply::status(200),
            (_, "initialize") => {
                answer(json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "u", "version": "1"}}))
            }
            (_, "tools/list") => answer(json!({"tools": tools})),
            (_, "tools/call") => answer(json!({"content": [{"type": "text", "text": "painted"}]})),
            (_, method) if method.starts_with("notifications/") => Reply::status(202),
            _ => Reply::status(400),
        }
    })
}

pub(crate) fn folder(upstream: &Scripted) -> Folder {
    let folder = Folder::new();
    folder.write("policies/p.json", r#"{"version": "1", "tools": {"paint": {}}}"#);
    let config = format!(
        "listen: 127.0.0.1:0\nconsole: 127.0.0.1:0\ndata_dir: data\n\
         servers: {{ images: {{ url: \"{}\", protocol: legacy }} }}\npolicies: {{ p: policies/p.json }}\n\
         grants: {{ alice: {{ servers: {{ images: p }} }} }}\n",
        upstream.url()
    );
    folder.write("toolgate.yaml", &config);
    folder
}

fn call(client: &mut Client, id: i64, tool: &str) -> serde_json::Value {
    client.say(&format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#
    ));
    client.hear_json()
}

#[test]
fn a_gateway_with_its_commands() {
    let upstream = upstream();
    let folder = folder(&upstream);
    let up = Up::start(&folder, &[]);
    let url = up.told("proxy URL");
    let token = up.told("grant token");
    assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/mcp/images"), "{url}");

    let mut client = Client::with_token(&url, &token);
    client.say(INITIALIZE);
    assert_eq!(client.hear_json()["result"]["protocolVersion"], "2025-11-25");
    client.say(INITIALIZED);
    assert_eq!(call(&mut client, 1, "paint")["result"]["content"][0]["text"], "painted");
    let denied = call(&mut client, 2, "erase");
    let decision = &denied["result"]["_meta"]["toolgate/decision"];
    assert_eq!(decision["rule"], "(default deny)");
    let request = decision["requestId"].as_str().unwrap();
    let story = folder.run(&format!("audit show {request}")).with_code(0);
    assert!(story.contains("erase") && story.contains("(default deny)"), "{story}");

    // A new token is taken up while the gateway runs, and a revoked grant is over.
    let json = folder.run("grant rotate alice --overlap 1h --json").json(0);
    let newer = json["token"].as_str().unwrap().to_owned();
    wait_until(|| initialize(&url, &newer)["result"].is_object());
    assert!(initialize(&url, &token)["result"].is_object(), "the old token is valid for an hour");
    folder.run("grant revoke alice").with_code(0);
    wait_until(|| initialize(&url, &newer)["error"]["code"] == 4010);

    let doctor = folder.run("doctor --json").json(0);
    let found = doctor.to_string();
    assert!(found.contains("a gateway runs on it") && found.contains("offers 2 tools"), "{found}");
    drop(client);
    assert_eq!(up.stop(), 0);
    let out = folder.run("audit verify").with_code(0);
    assert!(out.ends_with("the journal is intact\n"), "{out}");
    let tail = folder.run("audit tail -n 3").with_code(0);
    assert!(tail.contains("stop"), "{tail}");
}

fn initialize(url: &str, token: &str) -> serde_json::Value {
    let mut client = Client::with_token(url, token);
    client.say(INITIALIZE);
    let answer = client.hear_json();
    client.finish();
    answer
}

/// Asks again until it holds; each try is a process of its own, which is pause enough.
fn wait_until(mut holds: impl FnMut() -> bool) {
    assert!((0..500).any(|_| holds()));
}

#[test]
fn what_keeps_a_gateway_from_starting() {
    let folder = Folder::new();
    let ran = folder.run("up");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("toolgate up --demo"), "{}", ran.err);
    assert_eq!(folder.run("up --demo --config x.yaml").code, 2);
    folder.write("toolgate.yaml", "listn: x\nconsol: y\n");
    let ran = folder.run("up");
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("toolgate.yaml:1:1: error: ") && ran.err.contains("toolgate.yaml:2:1: error: "),
        "{}",
        ran.err
    );
    folder.write("toolgate.yaml", "");
    let ran = folder.run("up --listen 0.0.0.0:0");
    assert_eq!(ran.code, 1);
}

#[test]
fn a_second_gateway_on_one_data_directory_is_refused() {
    let upstream = upstream();
    let folder = folder(&upstream);
    let up = Up::start(&folder, &[]);
    up.told("proxy URL");
    let ran = folder.run("up");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("in use"), "{}", ran.err);
    assert_eq!(up.stop(), 0);
}
