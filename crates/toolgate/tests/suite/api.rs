//! The commands over the admin API: `server`, `status`, `grant`. The gateway is a scripted one.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use toolgate_gateway::data_dir::DataDir;

use crate::harness::{Folder, Ran};
use crate::scripted::{Asked, Reply, Scripted};

const TOKEN: &str = "tga_canary";

/// A folder whose data directory a gateway holds, with an admin API that answers by a script.
pub(crate) struct Setup {
    pub(crate) folder: Folder,
    _held: DataDir,
    gateway: Scripted,
}

pub(crate) fn setup(script: impl Fn(&str, &Value) -> (u16, Value) + Send + Sync + 'static) -> Setup {
    let gateway = Scripted::start(move |asked: &Asked| {
        if asked.header("authorization") != Some("Bearer tga_canary") {
            return whole(401, &json!({"detail": "sign in"}));
        }
        let (status, body) = script(&format!("{} {}", asked.verb, asked.path), &asked.json());
        whole(status, &body)
    });
    let folder = Folder::new();
    let held = DataDir::open(&folder.path().join(".toolgate")).unwrap();
    let setup = Setup { folder, _held: held, gateway };
    setup.write_address(&json!({"url": setup.url(), "token": TOKEN, "role": "admin"}).to_string(), 0o600);
    setup
}

fn whole(status: u16, body: &Value) -> Reply {
    let kind = if status < 300 { "application/json" } else { "application/problem+json" };
    if status == 204 {
        return Reply::status(204);
    }
    Reply::Whole(status, Vec::new(), kind, body.to_string())
}

impl Setup {
    fn url(&self) -> String {
        self.gateway.url().trim_end_matches("/mcp/images").to_owned()
    }

    fn write_address(&self, text: &str, mode: u32) {
        let path = self.folder.write(".toolgate/admin.json", text);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// What was asked, as verb, path and body.
    pub(crate) fn asked(&self) -> Vec<(String, Value)> {
        let asked = self.gateway.asked();
        asked.iter().map(|asked| (format!("{} {}", asked.verb, asked.path), asked.json())).collect()
    }

    pub(crate) fn refused(&self, words: &str, code: i32, text: &str) {
        let ran = self.folder.run(words);
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{words}: {ran:?}");
        assert!(ran.err.contains(text) && !ran.err.contains(TOKEN), "{words}: {}", ran.err);
    }
}

fn with_variables(folder: &Folder, variables: &[(&str, &str)], words: &str) -> Ran {
    let mut command = folder.command();
    let output = command.envs(variables.iter().copied()).args(words.split_whitespace()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn a_server_is_tested_and_added() {
    let setup = setup(|asked, body| match asked {
        "POST /api/v1/servers/web/test" => (
            200,
            json!({"ok": true, "speaks": ["2025-11-25"],
                "tools": [{"name": "a"}, {"name": "b", "schema_error": "bad"}]}),
        ),
        "POST /api/v1/servers" => (201, json!({"name": body["name"], "secrets": ["x-api-key"]})),
        _ => (404, json!({"detail": "nothing here"})),
    });
    let words = "server add web http://127.0.0.1:1/mcp --header X-Api-Key=KEY --protocol legacy --timeout 5s";
    let ran = with_variables(&setup.folder, &[("KEY", "hunter2")], words);
    assert!(!ran.err.contains("hunter2"));
    let expected = "The server `web` is added; it speaks 2025-11-25 and offers 2 tools, 1 tool with a schema that cannot \
                    be used.\n";
    assert_eq!(ran.with_code(0), expected);
    let mut body = json!({"url": "http://127.0.0.1:1/mcp", "headers": {"X-Api-Key": "hunter2"},
        "protocol": "legacy", "timeout_ms": 5_000});
    let tested = ("POST /api/v1/servers/web/test".to_owned(), body.clone());
    body["name"] = "web".into();
    assert_eq!(setup.asked(), [tested, ("POST /api/v1/servers".to_owned(), body)]);

    let words = "server add web http://127.0.0.1:1/mcp?key=${KEY} --no-test";
    assert!(with_variables(&setup.folder, &[("KEY", "hunter2")], words).with_code(0).contains("untested"));
    assert_eq!(setup.asked()[2].1["url"], "http://127.0.0.1:1/mcp?key=hunter2");

    let words = "server add web --no-test --env KEY --shared --json -- serve --fast";
    let added = with_variables(&setup.folder, &[("KEY", "hunter2")], words).json(0);
    assert_eq!(added["test"], Value::Null);
    let expected = json!({"name": "web", "command": ["serve", "--fast"], "env": {"KEY": "hunter2"}, "shared": true,
        "protocol": "auto"});
    assert_eq!(setup.asked()[3].1, expected);
    for (words, code, text) in [
        ("server add web http://h/mcp --header X-Api-Key=KEY", 2, "the variable `KEY` is not set"),
        ("server add web http://h/mcp --header KEY", 2, "the name of a variable"),
        ("server add web http://h/mcp?key=${KEY}", 2, "the variable `KEY` is not set"),
        ("server add web http://h/mcp?key=${", 2, "write `${NAME}`"),
        ("server add web", 2, "ENDPOINT"),
        ("server add Web http://h/mcp", 2, "at most 64"),
        ("server add other http://h/mcp", 1, "nothing here"),
    ] {
        setup.refused(words, code, text);
    }
}

#[test]
fn a_server_that_does_not_answer_is_not_added() {
    let setup = setup(|_, _| (200, json!({"ok": false, "error": "refused\u{1b}[2J"})));
    setup.refused(
        "server add web http://h/mcp",
        3,
        "does not answer, so it is not added (refused\\u{1b}[2J)",
    );
    assert_eq!(setup.asked().len(), 1);
}

#[test]
fn servers_are_listed_page_by_page_and_removed() {
    let setup = setup(|asked, _| match asked {
        "GET /api/v1/servers?limit=200" => (
            200,
            json!({"next": "Yg", "items": [{"name": "a", "managed_by": "file", "url": "http://h/mcp", "enabled": true,
                "health": {"down": true, "in_flight": 1, "places": 512, "tools": 2}}]}),
        ),
        "GET /api/v1/servers?limit=200&cursor=Yg" => (
            200,
            json!({"items": [{"name": "b", "managed_by": "api", "program": "serve", "enabled": false}]}),
        ),
        "DELETE /api/v1/servers/b" => (204, Value::Null),
        _ => (409, json!({"detail": "the server `a` is in use by `alice`: detach it there first"})),
    });
    let expected = "\
a  down  managed by file  http://h/mcp  1 of 512 calls in flight  2 tools
b  disabled  managed by api  serve
";
    assert_eq!(setup.folder.run("server list").with_code(0), expected);
    let list = setup.folder.run("server list --json").json(0);
    assert_eq!(
        (&list["servers"][0]["health"]["down"], &list["servers"][1]["name"]),
        (&json!(true), &json!("b"))
    );
    setup.folder.run("server remove b").with_code(0);
    let removal = setup.gateway.asked().pop().unwrap();
    assert_eq!(removal.header("if-match"), Some("*"));
    setup.refused("server remove a", 1, "in use by `alice`");
}

fn health(condition: &str) -> Value {
    let ok = json!({"condition": "ok"});
    json!({"condition": condition, "version": "1.2.3", "data_plane": "127.0.0.1:8420", "journal": ok, "settings": ok,
        "servers": {"condition": condition, "problems": ["the server `a` cannot be reached"]}, "store": ok,
        "index": {"condition": "ok", "lag_records": 2, "lag_seconds": 1, "indexed_seq": 7}, "sessions": 1,
        "calls_in_flight": 0})
}

#[test]
fn the_state_of_a_gateway() {
    let setup_with = |condition: &'static str| setup(move |_, _| (200, health(condition)));
    let out = setup_with("degraded").folder.run("status").with_code(0);
    let expected = "\
gateway   degraded  version 1.2.3, listens on 127.0.0.1:8420, 1 session, no calls in flight
journal   ok
settings  ok
servers   degraded
          the server `a` cannot be reached
store     ok
index     ok  2 records behind, 1 s
";
    assert_eq!(out, expected);
    assert_eq!(setup_with("ok").folder.run("status --json").json(0), health("ok"));
    setup_with("failed").folder.run("status").with_code(1);
}

#[test]
fn grants_go_through_the_gateway_that_runs() {
    let setup = setup(|asked, _| match asked {
        "POST /api/v1/grants" => (201, json!({"grant": {}, "token": "tg_first"})),
        "POST /api/v1/grants/bob/rotate" => (200, json!({"grant": {}, "token": "tg_second"})),
        "DELETE /api/v1/grants/bob" => (204, Value::Null),
        _ => (404, json!({"detail": "there is no grant `nobody`"})),
    });
    let words = "grant create bob --server s=p --expires 2099-01-01 --tag ci --names underscore";
    assert_eq!(setup.folder.run(words).with_code(0), "tg_first\n");
    let rotated = setup.folder.run("grant rotate bob --overlap 1500ms --json").json(0);
    assert_eq!((&rotated["label"], &rotated["token"]), (&json!("bob"), &json!("tg_second")));
    setup.folder.run("grant revoke bob").with_code(0);
    let made = json!({"label": "bob", "servers": {"s": "p"}, "tags": ["ci"], "names": "underscore",
        "expires": "2099-01-01T00:00:00Z"});
    let expected = [
        ("POST /api/v1/grants".to_owned(), made),
        ("POST /api/v1/grants/bob/rotate".to_owned(), json!({"overlap_seconds": 2})),
        ("DELETE /api/v1/grants/bob".to_owned(), Value::Null),
    ];
    assert_eq!(setup.asked(), expected);
    setup.refused("grant revoke nobody", 1, "there is no grant `nobody`");
    setup.refused("grant create b --server s=p --server s=q", 2, "given twice");
    assert!(!setup.folder.path().join(".toolgate/toolgate.db").exists(), "the store is left to the gateway");
}

#[test]
fn a_gateway_elsewhere_is_named_with_a_token_of_the_environment() {
    let grant = |label: &str, more: Value| {
        let mut grant = json!({"label": label, "managed_by": "api", "servers": {"s": "p"}, "tags": [], "tokens":
            [{"created": "2026-01-01T00:00:00Z", "ends": "2026-01-02T00:00:00Z"}, {"created": "2026-01-01T00:00:00Z"}]});
        grant.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        grant
    };
    let setup = setup(move |_, _| {
        let revoked = json!({"managed_by": "file", "tokens": [], "revoked": "2026-01-01T00:00:00Z"});
        let items = [
            grant("a", json!({})),
            grant("b", json!({"expires": "2001-01-01T00:00:00Z"})),
            grant("c", json!({"managed_by": "file", "tokens": []})),
            grant("d", revoked),
        ];
        (200, json!({ "items": items }))
    });
    let elsewhere = Folder::new();
    let words = format!("grant list --url {}", setup.url());
    let expected = "\
a  active  managed by api  s=p
b  expired  managed by api  s=p  expires 2001-01-01T00:00:00Z
c  active  managed by file  s=p
d  revoked  managed by file  s=p
";
    assert_eq!(with_variables(&elsewhere, &[("TOOLGATE_ADMIN_TOKEN", TOKEN)], &words).with_code(0), expected);
    let ran = with_variables(&elsewhere, &[("TOOLGATE_ADMIN_TOKEN", "tga_other")], &words);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("sign in"), "{}", ran.err);
    let ran = elsewhere.run(&words);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("TOOLGATE_ADMIN_TOKEN is not set"), "{}", ran.err);
    for words in
        ["status --url 127.0.0.1:8421", "status --url http://u:p@h", "status --url http://h --data-dir d"]
    {
        assert_eq!(elsewhere.run(words).code, 2, "{words}");
    }
}

#[test]
fn a_running_gateway_tells_its_grants() {
    let setup = setup(|asked, _| match asked {
        "GET /api/v1/grants?limit=200" => (
            200,
            json!({"items": [{"label": "bob", "managed_by": "api", "servers": {"s": "p"}, "tags": [], "tokens":
                [{"created": "2026-01-01T00:00:00Z", "last_used": "2026-03-01T00:00:00Z"},
                    {"created": "2026-02-01T00:00:00Z", "last_used": "2026-02-02T00:00:00Z"}]}]}),
        ),
        _ => (404, json!({"detail": "nothing here"})),
    });
    let expected = "bob  active  managed by api  s=p  last used 2026-03-01T00:00:00Z  2 tokens while a rotation overlaps\n";
    assert_eq!(setup.folder.run("grant list").with_code(0), expected);
    let list = setup.folder.run("grant list --json").json(0);
    assert_eq!(list["grants"][0]["last_used"], "2026-03-01T00:00:00Z");
    assert!(!setup.folder.path().join(".toolgate/toolgate.db").exists(), "the store is left to the gateway");
}

#[test]
fn one_picture_of_a_gateway() {
    let setup = setup(|asked, _| match asked {
        "GET /api/v1/limits" => (200, json!({"items": [{"counter": "c"}], "cut": false})),
        "GET /api/v1/health" => (200, health("ok")),
        "GET /api/v1/servers?limit=200" => (200, json!({"items": [{"name": "a"}]})),
        _ => (404, json!({"detail": "nothing here"})),
    });
    let picture = setup.folder.run("top --once --json").json(0);
    let expected = json!({"health": health("ok"), "servers": [{"name": "a"}], "limits": [{"counter": "c"}]});
    assert_eq!(picture, expected);
    setup.refused("top", 2, "`toolgate top` needs a terminal: use `toolgate top --once --json`");
    setup.refused("top --once", 2, "--json");
    let nowhere = Folder::new();
    let ran = nowhere.run("top --once --json");
    assert!(ran.code == 3 && ran.err.contains("no gateway runs on"), "{ran:?}");
}

#[test]
fn where_no_gateway_can_be_reached() {
    let folder = Folder::new();
    for words in ["status", "server list", "server remove a", "server add a http://h/mcp"] {
        let ran = folder.run(words);
        assert_eq!(ran.code, 3, "{words}");
        assert!(ran.err.contains("no gateway runs on `.toolgate`"), "{words}: {}", ran.err);
    }
    assert!(!folder.path().join(".toolgate").exists(), "asking makes nothing");
    // Left behind by a gateway that was killed.
    folder.write(".toolgate/admin.json", r#"{"url": "http://127.0.0.1:1", "token": "tga_canary"}"#);
    assert!(folder.run("status").err.contains("no gateway runs on"));

    let setup = setup(|_, _| (200, json!("what")));
    setup.refused("status", 3, "a form that this program does not know");
    setup.write_address(r#"{"url": "http://127.0.0.1:1", "token": "tga_canary"}"#, 0o600);
    setup.refused("status", 3, "cannot reach the gateway at 127.0.0.1:1");
    setup.write_address(r#"{"url": "http://127.0.0.1:1", "token": "tga_canary"}"#, 0o644);
    setup.refused("status", 3, "is open to others (mode 644)");
    setup.write_address(r#"{"token": "tga_canary"}"#, 0o600);
    setup.refused("status", 3, "does not tell where the gateway is");
    std::fs::remove_file(setup.folder.path().join(".toolgate/admin.json")).unwrap();
    setup.refused("status", 3, "offers no admin API yet");
    // Grants need none.
    setup.folder.run("grant create bob --server s=p").with_code(0);
    assert!(setup.folder.path().join(".toolgate/toolgate.db").exists());
}

#[test]
fn what_is_no_admin_api_is_told() {
    let page = Scripted::start(|_| Reply::Whole(200, Vec::new(), "text/html", "<html>".to_owned()));
    let url = page.url();
    let folder = Folder::new();
    for words in [format!("status --url {url}"), format!("server list --url {url}/")] {
        let ran = with_variables(&folder, &[("TOOLGATE_ADMIN_TOKEN", TOKEN)], &words);
        assert_eq!(ran.code, 3);
        assert!(ran.err.contains("is no admin API"), "{}", ran.err);
    }
    assert_eq!(page.asked()[0].path, "/mcp/images/api/v1/health");
    assert!(page.asked().iter().all(|asked| asked.verb == "GET"));
}
