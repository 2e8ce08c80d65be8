//! `toolgate check`

use crate::harness::Folder;

const GOOD_POLICY: &str = r#"{"version": "1", "tools": {"image.generate.*": {}}}"#;

#[test]
fn good_files_pass() {
    let folder = Folder::new();
    folder.write("policies/p.json", GOOD_POLICY);
    folder.write(
        "toolgate.yaml",
        "servers: { s: { url: \"http://127.0.0.1:1/mcp\" } }\npolicies: { p: policies/p.json }\n\
         grants: { g: { servers: { s: p } } }\n",
    );
    let out = folder.run("check toolgate.yaml policies/p.json").with_code(0);
    assert_eq!(out, "no errors, no warnings in 2 files\n");
    let json = folder.run("check --json toolgate.yaml").json(0);
    assert_eq!(
        json,
        serde_json::json!({"ok": true, "files": ["toolgate.yaml", "policies/p.json"], "findings": []})
    );
}

/// Eight mistakes in two files, each with its place.
#[test]
fn all_mistakes_are_told_at_once() {
    let folder = Folder::new();
    folder.write(
        "toolgate.yaml",
        "\
listen: 0.0.0.0:8420
consol: 127.0.0.1:8421
servers:
  imagegen:
    command: imagegen-mcp stdio
    env: { TOKEN: \"${REPLICATE_API_TOKEN}\" }
    protocol: legasy
policies:
  images: p.json
grants:
  alice:
    servers: { imagegen: image }
    expires: tomorrow
",
    );
    folder.write("p.json", "{\n  \"version\": \"1\",\n  \"tols\": {}\n}\n");
    let out = folder.run("check toolgate.yaml").with_code(1);
    let expected = "\
toolgate.yaml:1:9: error: `0.0.0.0:8420` can be reached from other machines, and there is no `tls` (at /listen)
  help: set `tls`, listen on a loopback address, or set `insecure_listen: true`
toolgate.yaml:2:1: error: unknown field `consol` of the config file (at /consol)
  help: did you mean `console`?
toolgate.yaml:5:14: error: `command` must be a list (at /servers/imagegen/command)
  help: write program and arguments as a list, as in `[imagegen-mcp, stdio]`
toolgate.yaml:6:19: error: the environment has no variable `REPLICATE_API_TOKEN` (at /servers/imagegen/env/TOKEN)
  help: set it, or write `$${` for a literal `${`
toolgate.yaml:7:15: error: unknown value `legasy` for `protocol` (at /servers/imagegen/protocol)
  help: did you mean `legacy`?
toolgate.yaml:12:26: error: there is no policy `image` (at /grants/alice/servers/imagegen)
  help: did you mean `images`?
toolgate.yaml:13:14: error: `tomorrow` is not a date (at /grants/alice/expires)
  help: write a day, as in `2027-01-01` (00:00 UTC), or a time, as in `2027-01-01T12:00:00Z`
p.json:3:3: error: unknown field `tols` of policy (at /tols)
  help: did you mean `tools`?
8 errors, no warnings in 2 files
";
    assert_eq!(out, expected);
    let json = folder.run("check --json toolgate.yaml").json(1);
    assert_eq!(json["findings"].as_array().unwrap().len(), 8);
    assert_eq!(
        json["findings"][1],
        serde_json::json!({"file": "toolgate.yaml", "line": 2, "column": 1, "severity": "error", "pointer": "/consol",
            "message": "unknown field `consol` of the config file", "help": "did you mean `console`?"})
    );
}

#[test]
fn a_policy_is_known_by_its_content() {
    let folder = Folder::new();
    folder.write("any.txt", "{\"version\": \"1\", \"deflt\": \"deny\"}");
    let out = folder.run("check any.txt").with_code(1);
    assert!(out.starts_with("any.txt:1:18: error: unknown field `deflt`"), "{out}");
    folder.write("any.yml", "version: \"1\"\ntools: { a: {} }");
    folder.run("check any.yml").with_code(0);
}

#[test]
fn what_cannot_be_read_or_parsed_is_an_error() {
    let folder = Folder::new();
    let out = folder.run("check missing.yaml").with_code(1);
    assert!(out.starts_with("missing.yaml: error: cannot read the file: "), "{out}");
    folder.write("a.json", "{\"version\": \"1\", \"version\": \"1\"}");
    let out = folder.run("check a.json").with_code(1);
    assert!(out.starts_with("a.json:1:27: error: not valid JSON"), "{out}");
    folder.write("empty.yaml", "");
    folder.run("check empty.yaml").with_code(1);
}

#[test]
fn nothing_to_check_is_a_usage_error() {
    let folder = Folder::new();
    for words in ["check", "check --jsn x", "chek x", ""] {
        let ran = folder.run(words);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{words}");
    }
    for words in ["--help", "--version", "grant --help"] {
        assert_eq!(folder.run(words).code, 0);
    }
}

#[test]
fn text_of_a_file_cannot_forge_lines() {
    let folder = Folder::new();
    folder.write("a.json", "{\"version\": \"1\", \"x\\nfine.json: no errors\\u001b[2J\": 1}");
    let out = folder.run("check a.json").with_code(1);
    assert!(out.lines().all(|line| !line.starts_with("fine.json")), "{out}");
    assert!(!out.contains('\u{1b}'), "{out}");
}
