//! The binary as a client starts it: raw lines in, raw lines out, exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::saved;

struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    dir: TempDir,
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imagegen-mcp"));
    command
        .env_clear()
        .env("IMAGEGEN_PROVIDER", "placeholder")
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Process {
    fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut command = command(dir.path());
        let mut child = command.args(arguments).envs(variables.iter().copied()).spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output, dir }
    }

    fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string());
    }

    fn send_line(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: `{line}`"))
    }

    fn ask(&mut self, message: &Value) -> Value {
        self.send(message);
        self.receive()
    }

    /// Closes the input; the rest of the output, standard error and the exit code.
    fn end(mut self) -> (String, String, Option<i32>) {
        drop(self.input.take());
        let (mut rest, mut log) = (String::new(), String::new());
        self.output.read_to_string(&mut rest).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (rest, log, self.child.wait().unwrap().code())
    }

    fn terminate(&self) {
        let done = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }
}

fn request(id: u32, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn initialize(revision: &str) -> Value {
    let client = json!({ "name": "raw", "version": "1" });
    let params = json!({ "protocolVersion": revision, "capabilities": {}, "clientInfo": client });
    request(1, "initialize", &params)
}

fn draw(id: u32) -> Value {
    let arguments = json!({ "prompt": "hush hush", "size": "64x48" });
    request(id, "tools/call", &json!({ "name": "image.generate.openai", "arguments": arguments }))
}

fn one_shot(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    command(dir.path()).args(arguments).envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn each_handshake_revision_is_spoken() {
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut process = Process::start(&["stdio"]);
        let opened = process.ask(&initialize(revision));
        assert_eq!(opened["result"]["protocolVersion"], revision);
        assert_eq!(opened["result"]["serverInfo"]["name"], "imagegen-mcp");
        process.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        let listed = process.ask(&request(2, "tools/list", &json!({})));
        assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 5);
        let drawn = process.ask(&draw(3));
        let text = drawn["result"]["content"][0]["text"].as_str().unwrap();
        let (path, home) = (saved(text), process.dir.path().canonicalize().unwrap());
        assert_eq!(path.parent().unwrap().canonicalize().unwrap(), home.join("outputs"));
        let picture = image::open(path).unwrap();
        assert_eq!((picture.width(), picture.height()), (64, 48));
        let resources = process.ask(&request(4, "resources/list", &json!({})));
        let name = path.file_name().unwrap().to_str().unwrap();
        let uri = format!("image://saved/{name}");
        assert_eq!(resources["result"]["resources"][0]["uri"], uri.as_str(), "{resources}");
        let read = process.ask(&request(5, "resources/read", &json!({ "uri": uri })));
        assert_eq!(read["result"]["contents"][0]["mimeType"], "image/png", "{read}");
        let (rest, _, code) = process.end();
        assert_eq!((rest.as_str(), code), ("", Some(0)));
    }
}

#[test]
fn the_stateless_revision_is_spoken_without_a_handshake() {
    let meta = json!({ "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "raw", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {}
    } });
    let mut process = Process::start(&[]);
    let discovered = process.ask(&request(1, "server/discover", &meta));
    let versions = discovered["result"]["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")), "{discovered}");
    let listed = process.ask(&request(2, "tools/list", &meta));
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 5);
    assert_eq!(listed["result"]["resultType"], "complete");
    let mut call = draw(3);
    call["params"]["_meta"] = meta["_meta"].clone();
    let drawn = process.ask(&call);
    assert_eq!(drawn["result"]["isError"], false, "{drawn}");
    assert_eq!(drawn["result"]["structuredContent"]["width"], 64);
    assert_eq!(process.end().2, Some(0));
}

#[test]
fn lines_that_are_no_messages_do_not_end_the_session() {
    let mut process = Process::start(&["stdio"]);
    process.send_line("this is not JSON");
    process.send_line("");
    process.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    assert_eq!(process.ask(&initialize("2025-06-18"))["id"], 1);
    process.send_line("{\"half\": ");
    process.send_line("\u{0}\u{1}");
    assert_eq!(
        process.ask(&request(2, "ping", &json!({}))),
        json!({ "jsonrpc": "2.0", "id": 2, "result": {} })
    );
    let refused = process.ask(&request(3, "tools/call", &json!({ "name": "nope" })));
    assert_eq!(refused["error"]["code"], -32602);
    let (rest, _, code) = process.end();
    assert_eq!((rest.as_str(), code), ("", Some(0)));
}

#[test]
fn calls_in_progress_finish_when_the_input_ends() {
    let mut process = Process::start(&["stdio"]);
    process.ask(&initialize("2025-06-18"));
    for id in 2..8 {
        process.send(&draw(id));
    }
    let (rest, _, code) = process.end();
    let mut answered: Vec<_> = rest
        .lines()
        .map(|line| {
            let answer: Value = serde_json::from_str(line).unwrap();
            assert_eq!(answer["result"]["isError"], false, "{answer}");
            answer["id"].as_u64().unwrap()
        })
        .collect();
    answered.sort_unstable();
    assert_eq!(answered, [2, 3, 4, 5, 6, 7]);
    assert_eq!(code, Some(0));
}

#[test]
fn a_cancelled_call_has_no_answer_no_file_and_does_not_hold_up_the_end() {
    let mut process = Process::start(&["stdio"]);
    process.ask(&initialize("2025-06-18"));
    let arguments = json!({ "prompt": "p", "size": "4096x4096" });
    process.send(&request(
        2,
        "tools/call",
        &json!({ "name": "image.generate.openai", "arguments": arguments }),
    ));
    let cancelled = json!({ "requestId": 2 });
    process.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled }));
    assert_eq!(process.ask(&request(3, "ping", &json!({})))["id"], 3);
    let outputs = process.dir.path().join("outputs");
    let (rest, _, code) = process.end();
    assert_eq!((rest.as_str(), code), ("", Some(0)));
    assert!(!outputs.exists());
}

#[test]
fn a_termination_signal_ends_it_cleanly() {
    let mut process = Process::start(&["stdio"]);
    process.ask(&initialize("2025-06-18"));
    process.terminate();
    let mut rest = String::new();
    process.output.read_to_string(&mut rest).unwrap();
    assert_eq!(
        (rest.as_str(), process.child.wait().unwrap().code()),
        ("", Some(0)),
        "the input is still open"
    );
}

#[test]
fn http_tells_its_address_serves_and_stops_on_a_signal() {
    let mut process = Process::start(&["http", "--listen", "127.0.0.1:0"]);
    let mut told = String::new();
    let mut log = BufReader::new(process.child.stderr.take().unwrap());
    log.read_line(&mut told).unwrap();
    let address = told.trim().strip_prefix("imagegen-mcp listens on http://").unwrap();
    let address = address.strip_suffix("/mcp").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    process.terminate();
    assert_eq!(process.child.wait().unwrap().code(), Some(0));
}

#[test]
fn no_log_level_tells_a_prompt() {
    let mut process = Process::start_with(&["stdio"], &[("RUST_LOG", "trace")]);
    process.ask(&initialize("2025-06-18"));
    assert_eq!(process.ask(&draw(2))["result"]["isError"], false);
    let (_, log, _) = process.end();
    assert!(log.contains("rmcp"), "the level is heeded: {log}");
    assert!(!log.contains("hush"), "{log}");
}

#[test]
fn usage_and_settings() {
    let help = one_shot(&["--help"], &[]);
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("IMAGEGEN_PROVIDER"));
    let version = one_shot(&["--version"], &[]);
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("imagegen-mcp "));
    for (arguments, variables, code, said) in [
        (vec!["nonsense"], vec![], 2, "nonsense"),
        (vec!["http", "--listen", "here"], vec![], 2, "here"),
        (vec!["http", "--listen", "0.0.0.0:0"], vec![], 1, "--allow-host"),
        (vec!["stdio"], vec![("IMAGEGEN_PROVIDER", "painter")], 2, "`painter`"),
        (vec!["stdio"], vec![], 0, ""),
    ] {
        let ended = one_shot(&arguments, &variables);
        let log = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {log}");
        assert!(log.contains(said), "{arguments:?}: {log}");
        assert!(ended.stdout.is_empty(), "{arguments:?}");
    }
}
