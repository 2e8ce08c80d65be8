//! Config files with one mistake each, and what is said about it, to the column.

use std::time::Duration;

use proptest::prelude::*;
use toolgate_gateway::settings::{Durability, Names, Protocol, Reach, TokenSettings};
use toolgate_gateway::token;

use super::*;

const POLICY: &str = r#"{"version": "1", "tools": {"a": {}}}"#;
const TOKEN: &str = "9fK2xQ7vLm3TzB8wRc5NdY";

fn environment() -> Environment {
    Environment::from([
        ("KEY", "hunter2"),
        ("PORT", "9000"),
        ("TOKEN", TOKEN),
        ("WEAK", "changeme-changeme-changeme"),
    ])
}

/// A folder with the policy `p.json`.
fn folder_with_policy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.json"), POLICY).unwrap();
    folder
}

fn read_with(text: &str, overrides: &Overrides) -> (Reading, tempfile::TempDir) {
    let folder = folder_with_policy();
    let path = folder.path().join("toolgate.yaml");
    let surroundings = Surroundings { environment: &environment(), overrides };
    (read_text(text, &path, surroundings), folder)
}

fn settings(text: &str) -> Settings {
    let (reading, _folder) = read_with(text, &Overrides::default());
    let findings: Vec<_> = reading.findings.iter().map(Finding::render).collect();
    reading.settings.unwrap_or_else(|| panic!("{findings:#?}"))
}

/// The findings without the folder: `toolgate.yaml:1:2: error: …`.
fn findings(text: &str) -> Vec<String> {
    let (reading, folder) = read_with(text, &Overrides::default());
    let folder = format!("{}/", folder.path().display());
    let errors = reading.findings.iter().any(Finding::is_error);
    assert_eq!(errors, reading.settings.is_none(), "settings and errors exclude each other");
    reading.findings.iter().map(|finding| finding.render().replace(&folder, "")).collect()
}

/// One finding, at the place marked `¦`, which begins so.
fn check(text: &str, expected: &str) {
    let (before, after) = text.split_once('¦').unwrap();
    let place = toolgate_json::position_of(before.as_bytes(), before.len());
    let found = findings(&format!("{before}{after}"));
    assert_eq!(found.len(), 1, "{text}\n{found:#?}");
    assert!(found[0].starts_with(&format!("toolgate.yaml:{place}: {expected}")), "{text}\n{}", found[0]);
}

const HEAD: &str = "servers: { s: { url: \"http://h/mcp\" }, pictures: { command: [x] } }\npolicies: { p: p.json, strict: p.json }\n";

/// Every key at work.
const FULL: &str = r#"
listen: 127.0.0.1:${PORT}
console: "[::1]:8421"
data_dir: ./data
workers: 3
trusted_proxies: [10.0.0.0/8, "::1"]
servers:
  imagegen:
    command: [imagegen-mcp, stdio, 5]
    env: { API_TOKEN: "${KEY}", PRICE: "$${X}", N: 1.50 }
    shared: true
  near: { command: [./run.sh] }
  everything:
    url: http://127.0.0.1:3001/mcp?k=${KEY}
    headers: { X-Api-Key: "${KEY}" }
    protocol: legacy
    timeout: 90s
    max_duration: 1h30m
policies: { images: p.json }
grants:
  alice:
    token_sha256: "E3B1C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B856"
    servers: { imagegen: images, everything: images }
    expires: 2027-01-01
    tags: [ci, "two words"]
    names: underscore
  bob: { token_env: TOKEN, servers: { near: images } }
  carol: { servers: { near: images } }
allowed_hosts: [Gate.example.com]
allowed_origins: ["https://App.example.com"]
limits: { body: 1MiB, result: 2000000, depth: 32, header_timeout: 250ms }
journal: { durability: power, rotate: 1GB, keep_bytes: 10GiB, keep_age: 90d, low_water: 0 }
"#;

#[test]
fn all_keys_are_read() {
    let settings = settings(FULL);
    assert_eq!(settings.listen, "127.0.0.1:9000".parse().unwrap());
    assert_eq!(settings.workers, 3);
    assert!(settings.data_dir.ends_with("data"));
    assert_eq!(settings.trusted_proxies.len(), 2);
    let Reach::Command { program, args, env, shared } = &settings.servers[0].reach else { panic!() };
    assert_eq!(
        (program.as_str(), args.as_slice(), shared),
        ("imagegen-mcp", ["stdio".into(), "5".into()].as_slice(), &true)
    );
    let expected = [("API_TOKEN", "hunter2"), ("PRICE", "${X}"), ("N", "1.50")];
    assert!(env.iter().map(|(n, v)| (n.as_str(), v.as_str())).eq(expected), "{env:?}");
    let Reach::Command { program, .. } = &settings.servers[1].reach else { panic!() };
    assert!(program.starts_with('/') && program.ends_with("run.sh"), "{program}");
    let everything = &settings.servers[2];
    let Reach::Http { url, headers } = &everything.reach else { panic!() };
    assert_eq!(url.path_and_query().unwrap().as_str(), "/mcp?k=hunter2");
    assert!(headers[0].1.is_sensitive() && headers[0].1 == "hunter2");
    assert_eq!((everything.protocol, everything.timeout), (Protocol::Legacy, Duration::from_secs(90)));
    assert_eq!(everything.max_duration, Duration::from_mins(90));
    assert_eq!(settings.policies[0].name(), "images");
    let [alice, bob, carol] = settings.grants.as_slice() else { panic!() };
    assert_eq!(alice.tokens[0].hash[0], 0xe3);
    assert_eq!((alice.expires, alice.names), (Some(1_798_761_600_000_000), Names::Underscore));
    assert_eq!(alice.tags, ["ci", "two words"]);
    assert_eq!(bob.tokens, [TokenSettings::lasting(token::hash(TOKEN))]);
    assert_eq!((carol.tokens.len(), carol.names), (0, Names::Dotted));
    assert_eq!(settings.allowed_hosts, ["gate.example.com"]);
    assert_eq!(
        (settings.limits.body, settings.limits.result, settings.limits.depth),
        (1 << 20, 2_000_000, 32)
    );
    assert_eq!((settings.limits.header_timeout, settings.limits.headers), (Duration::from_millis(250), 100));
    assert_eq!(
        (settings.journal.durability, settings.journal.keep_age),
        (Durability::Power, Some(Duration::from_hours(2160)))
    );
}

#[test]
fn json_is_read_as_well() {
    let folder = folder_with_policy();
    let path = folder.path().join("toolgate.json");
    std::fs::write(&path, r#"{"servers": {"s": {"url": "https://h/mcp"}}, "policies": {"p": "p.json"}}"#)
        .unwrap();
    let surroundings = Surroundings { environment: &environment(), overrides: &Overrides::default() };
    let reading = read(&path, surroundings);
    assert_eq!(reading.settings.unwrap().data_dir, folder.path().join(".toolgate"));
    assert_eq!(reading.files, [path, folder.path().join("p.json")]);
}

/// A file, with the place of its one mistake marked, and what is said about it.
const MISTAKES: &[(&str, &str)] = &[
    (
        "¦listn: 127.0.0.1:1",
        "error: unknown field `listn` of the config file (at /listn); did you mean `listen`?",
    ),
    ("listen: ¦localhost:80", "error: `localhost:80` is not an address (at /listen); write an IP address"),
    ("listen: ¦8420", "error: expected a string, found a number (at /listen)"),
    ("listen: ¦${NOPE}:1", "error: the environment has no variable `NOPE` (at /listen)"),
    (
        "listen: ¦${PORTS}:1",
        "error: the environment has no variable `PORTS` (at /listen); set it, or did you mean `PORT`?",
    ),
    ("listen: ¦\"${PORT\"", "error: `${` without a name and `}` (at /listen)"),
    (
        "listen: ¦0.0.0.0:80",
        "error: `0.0.0.0:80` can be reached from other machines, and there is no `tls` (at /listen); set `tls`",
    ),
    ("console: ¦0.0.0.0:80", "error: the console at `0.0.0.0:80` can be reached"),
    ("console: ¦127.0.0.1:8420", "error: `listen` and `console` are the same address"),
    (
        "console_url: ¦console.example.com",
        "error: `console.example.com` is not the URL of a console (at /console_url)",
    ),
    ("console_url: ¦https://x/y", "error: `https://x/y` is not the URL of a console"),
    ("console_tls: ¦{ cert: p.json }", "error: `tls` lacks the field `key` (at /console_tls)"),
    ("insecure_listen: ¦maybe", "error: `maybe` is not a truth value"),
    ("data_dir: ¦\"\"", "error: `` is not a path"),
    (
        "workers: ¦2000",
        "error: `2000` is not within bounds (at /workers); write a whole number from 0 to 1024",
    ),
    ("workers: ¦1.5", "error: `1.5` is not within bounds"),
    ("tls: { cert: p.json, key: ¦none.pem }", "error: cannot read `none.pem`"),
    ("tls: ¦{ cert: p.json }", "error: `tls` lacks the field `key` (at /tls)"),
    (
        "trusted_proxies: [10.0.0.0/8, ¦10/8]",
        "error: `10/8` is not an address or a range (at /trusted_proxies/1)",
    ),
    (
        "¦database_url: postgres://u:hunter2@h/d",
        "error: `database_url` is not available in this version (at /database_url)",
    ),
    ("¦redis_url: redis://h", "error: `redis_url` is not available in this version"),
    ("allowed_hosts: [¦\"https://x\"]", "error: `https://x` is not a host name"),
    ("allowed_origins: [¦x.com]", "error: `x.com` is not an origin"),
    ("limits: { body: ¦16M }", "error: `16M` is not a size (at /limits/body); write bytes"),
    (
        "limits: { body: ¦10 }",
        "error: `10` is out of bounds (at /limits/body); write between 1024 and 1073741824 bytes",
    ),
    (
        "limits: { ¦depht: 5 }",
        "error: unknown field `depht` of `limits` (at /limits/depht); did you mean `depth`?",
    ),
    ("limits: { body_timeout: ¦0s }", "error: `0s` is not a duration"),
    (
        "limits: { body_timeout: ¦5 }",
        "error: `5` is not a duration (at /limits/body_timeout); write whole numbers and units",
    ),
    (
        "journal: { durability: ¦proces }",
        "error: unknown value `proces` for `durability` (at /journal/durability); did you mean `process`?",
    ),
    ("journal: { keep_age: ¦99999d }", "error: `99999d` is no duration that could be waited for"),
    (
        "servers: { ¦Up: { url: \"http://h\" } }",
        "error: `Up` is no name for a server (at /servers/Up); use at most 64",
    ),
    (
        "servers: { ¦sse: { url: \"http://h\" } }",
        "error: `sse` is no name for a server (at /servers/sse); a route",
    ),
    ("servers: { s: ¦{ } }", "error: a server needs `command` or `url` (at /servers/s)"),
    ("servers: { s: ¦5 }", "error: expected an object (a server), found a number (at /servers/s)"),
    (
        "servers: { s: { url: \"http://h\", ¦command: [x] } }",
        "error: a server has `command` or `url`, not both (at /servers/s/command)",
    ),
    (
        "servers: { s: { url: \"http://h\", ¦env: { A: b } } }",
        "error: `env` has no meaning without `command`",
    ),
    ("servers: { s: { command: [x], ¦headers: { A: b } } }", "error: `headers` has no meaning without `url`"),
    (
        "servers: { s: { url: ¦\"ftp://h\" } }",
        "error: not an `http` or `https` URL with a host (at /servers/s/url)",
    ),
    ("servers: { s: { url: ¦\"http://h/#f\" } }", "error: not an `http` or `https` URL"),
    (
        "servers: { s: { url: ¦\"http://u:hunter2@h\" } }",
        "error: the URL holds credentials, which logs would show (at /servers/s/url)",
    ),
    ("servers: { s: { url: \"http://h\", headers: { ¦A b: c } } }", "error: `A b` is no name of a header"),
    ("servers: { s: { url: \"http://h\", headers: { X: 1, ¦x: 2 } } }", "error: the header `x` stands twice"),
    (
        "servers: { s: { url: \"http://h\", headers: { ¦Host: c } } }",
        "error: the gateway itself writes the header `host`",
    ),
    ("servers: { s: { url: \"http://h\", headers: { ¦Mcp-Name: c } } }", "error: the gateway itself writes"),
    (
        "servers: { s: { url: \"http://h\", headers: { A: ¦\"x\\ny\" } } }",
        "error: the value of `a` holds a character",
    ),
    (
        "servers: { s: { command: ¦imagegen-mcp stdio } }",
        "error: `command` must be a list (at /servers/s/command); write program and arguments as a list",
    ),
    ("servers: { s: { command: ¦[] } }", "error: `command` names no program"),
    ("servers: { s: { command: ¦[\"\"] } }", "error: `command` names no program"),
    (
        "servers: { s: { command: [x, ¦true] } }",
        "error: a program or argument must be a string (at /servers/s/command/1); quote it",
    ),
    ("servers: { s: { command: [x], env: { ¦\"A=B\": c } } }", "error: `A=B` is no name of a variable"),
    (
        "servers: { s: { command: [x], env: { A: ¦true } } }",
        "error: expected a string or a number, found a boolean",
    ),
    (
        "servers: { s: { command: [x], protocol: ¦new } }",
        "error: unknown value `new` for `protocol` (at /servers/s/protocol); known: `auto`",
    ),
    (
        "servers: { s: { command: [x], timeout: ¦60 } }",
        "error: `60` is not a duration (at /servers/s/timeout)",
    ),
    ("policies: { ¦\"a/b\": p.json }", "error: `a/b` is no name for a policy (at /policies/a~1b)"),
    ("a: 1\n¦a: 2", "error: the name `a` stands twice in this map"),
    ("listen: ¦&x 127.0.0.1:1", "error: anchors"),
    ("¦[]", "error: expected an object (the config file), found a list"),
    ("{\n¦", "error: not valid YAML"),
];

#[test]
fn every_mistake_has_its_place() {
    for (text, expected) in MISTAKES {
        check(text, expected);
    }
}

#[test]
fn grants_are_checked_against_servers_policies_and_each_other() {
    for (grants, expected) in [
        (
            "g: { servers: { ¦picture: p } }",
            "error: there is no server `picture` (at /grants/g/servers/picture); did you mean `pictures`?",
        ),
        (
            "g: { servers: { ¦other: p } }",
            "error: there is no server `other` (at /grants/g/servers/other); add it",
        ),
        (
            "g: { servers: { s: ¦strct } }",
            "error: there is no policy `strct` (at /grants/g/servers/s); did you mean `strict`?",
        ),
        ("g: { servers: ¦{} }", "warning: the grant includes no server"),
        ("g: ¦{ tags: [x] }", "error: a grant lacks the field `servers` (at /grants/g)"),
        ("¦\"g h\": { servers: { s: p } }", "error: `g h` is no label for a grant"),
        (
            "g: { servers: { s: p }, expires: ¦2027-1-1 }",
            "error: `2027-1-1` is not a date (at /grants/g/expires)",
        ),
        ("g: { servers: { s: p }, tags: [¦\"\"] }", "error: `` is not a tag (at /grants/g/tags/0)"),
        (
            "g: { servers: { s: p }, names: ¦underscores }",
            "error: unknown value `underscores` for `names` (at /grants/g/names); did you mean `underscore`?",
        ),
        (
            "g: { servers: { s: p }, token_sha256: ¦abcd }",
            "error: not a SHA-256 in 64 hexadecimal digits (at /grants/g/token_sha256)",
        ),
        (
            "g: { servers: { s: p }, token_sha256: ¦\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\" }",
            "error: this is the hash of an empty token",
        ),
        (
            "g: { servers: { s: p }, token_env: ¦NOPE }",
            "error: the environment has no variable `NOPE` (at /grants/g/token_env)",
        ),
        (
            "g: { servers: { s: p }, token_env: ¦KEY }",
            "error: the token in `KEY` is shorter than 22 characters",
        ),
        ("g: { servers: { s: p }, token_env: ¦WEAK }", "error: the token in `WEAK` looks like a placeholder"),
        (
            "g: { servers: { s: p }, token_env: TOKEN }, h: ¦{ servers: { s: p }, token_env: TOKEN }",
            "error: the grants `g` and `h` have the same token (at /grants/h)",
        ),
        (
            "g: { servers: { s: p }, ¦token_env: TOKEN, token_sha256: x }",
            "error: a grant has `token_sha256` or `token_env`, not both",
        ),
    ] {
        check(&format!("{HEAD}grants: {{ {grants} }}\n"), expected);
    }
}

#[test]
fn no_message_shows_a_secret() {
    let values = ["hunter2", TOKEN, "changeme-changeme"];
    for text in [
        "listen: ${KEY}",
        "servers: { s: { url: \"${KEY}\" } }",
        "servers: { s: { url: \"http://${KEY}@h\" } }",
        "servers: { s: { url: \"http://h\", headers: { A: \"${KEY}\\n\" } } }",
        "servers: { s: { command: [x], env: { A: \"${KEY}\\0\" }, protocol: \"${KEY}\" } }",
        "grants: { g: { token_sha256: 9fK2xQ7vLm3TzB8wRc5NdY, servers: {} } }",
        "grants: { g: { token_env: WEAK, servers: {} } }",
        "workers: \"${KEY}\"",
        "journal: { durability: \"${KEY}\" }",
        "limits: { body: \"${KEY}\", body_timeout: \"${KEY}\" }",
    ] {
        let found = findings(text).join("\n");
        assert!(!found.is_empty(), "{text}");
        assert!(!values.iter().any(|secret| found.contains(secret)), "{found}");
    }
}

#[test]
fn a_policy_is_reported_with_its_own_file() {
    let (reading, folder) = read_with("policies: { p: q.json, missing: none.json }", &Overrides::default());
    assert!(reading.settings.is_none());
    std::fs::write(folder.path().join("q.json"), "{\"version\": \"1\",\n \"tols\": {}}").unwrap();
    let surroundings = Surroundings { environment: &environment(), overrides: &Overrides::default() };
    let reading = read_text(
        "policies: { p: q.json, missing: none.json }",
        &folder.path().join("toolgate.yaml"),
        surroundings,
    );
    let folder = format!("{}/", folder.path().display());
    let found: Vec<_> = reading.findings.iter().map(|f| f.render().replace(&folder, "")).collect();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("q.json:2:2: error: unknown field `tols`"), "{}", found[0]);
    assert!(found[1].starts_with("none.json: error: cannot read the file: "), "{}", found[1]);
}

#[test]
fn the_command_line_wins() {
    let overrides = Overrides {
        data_dir: Some("elsewhere".into()),
        listen: Some("127.0.0.1:0".parse().unwrap()),
        console: Some("127.0.0.1:0".parse().unwrap()),
    };
    let (reading, _folder) = read_with("listen: 0.0.0.0:80\ndata_dir: here", &overrides);
    let settings = reading.settings.unwrap();
    assert_eq!((settings.listen.port(), settings.data_dir), (0, "elsewhere".into()));
    let off_loopback = Overrides { listen: Some("0.0.0.0:80".parse().unwrap()), ..Overrides::default() };
    let (reading, _folder) = read_with("listen: 127.0.0.1:80", &off_loopback);
    assert!(reading.settings.is_none());
    let (reading, _folder) = read_with("insecure_listen: true", &off_loopback);
    assert!(reading.settings.is_some());
}

#[test]
fn the_console_is_reached_by_https() {
    let plain = settings("console: 127.0.0.1:0");
    assert!(!plain.console_is_https() && plain.console_url.is_none());
    assert!(settings("{console: 0.0.0.0:80, console_tls: {cert: p.json, key: p.json}}").console_is_https());
    let behind = settings("console_url: HTTPS://Console.example.com:8443");
    assert!(behind.console_is_https() && behind.console_tls.is_none());
    assert_eq!(behind.console_url.unwrap().to_string(), "https://console.example.com:8443/");
    assert!(!settings("console_url: http://console.example.com").console_is_https());
    check(
        "{console_url: \"https://x\", console: ¦0.0.0.0:80}",
        "error: the console at `0.0.0.0:80` can be reached",
    );
}

#[test]
fn config_and_policy_are_told_apart() {
    let is = |text: &str| is_config(Located::read(text, Format::Yaml).unwrap().root());
    assert!(is("servers: {}"));
    assert!(is("listen: x\nversion: 1"));
    assert!(!is("version: \"1\"\ntools: {}"));
    assert!(!is("version: \"1\"\nlimits: {}\ndefault: deny"));
    assert!(!is("[]"));
}

#[test]
fn the_data_directory_is_found_in_a_file_with_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toolgate.yaml");
    let found = |text: &str| {
        std::fs::write(&path, text).unwrap();
        outline(&path, &environment()).and_then(|outline| outline.data_dir)
    };
    assert_eq!(found("data_dir: d/${KEY}\nlisten: nowhere"), Some(folder.path().join("d/hunter2")));
    assert_eq!(found("listen: nowhere"), Some(folder.path().join(".toolgate")));
    assert_eq!(found("data_dir: ${NOPE}"), None);
    assert_eq!(found("{"), None);
}

#[test]
fn the_grants_are_found_in_a_file_with_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toolgate.yaml");
    std::fs::write(&path, "listn: x\ngrants: { a: { token_env: NOPE }, b: {} }").unwrap();
    let grant = |label: &str, brings_token| OutlinedGrant { label: label.to_owned(), brings_token };
    assert_eq!(outline(&path, &environment()).unwrap().grants, [grant("a", true), grant("b", false)]);
}

/// Pieces of which config files are made, in no sensible order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("servers:"),
        Just("grants:"),
        Just("policies: { p: p.json }"),
        Just("listen:"),
        Just(" 127.0.0.1:1"),
        Just("${PORT}"),
        Just("${"),
        Just("}"),
        Just("$${"),
        Just("{"),
        Just("["),
        Just("]"),
        Just("\n"),
        Just("  "),
        Just("s: "),
        Just("command: [x]"),
        Just("url: http://h"),
        Just("token_env: TOKEN"),
        Just("limits:"),
        Just("body: "),
        Just("16MiB"),
        Just("-1"),
        Just("\u{0}"),
        Just("\u{feff}"),
        Just("ü: "),
        Just("\""),
        Just(", "),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// `findings` asserts that there are settings exactly where there is no error.
    #[test]
    fn no_text_is_half_read(text in prop_oneof![pieces(), any::<String>()]) {
        findings(&text);
    }
}
