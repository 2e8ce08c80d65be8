//! `toolgate inventory`, `toolgate catalog show` and `toolgate policy recommend --from-traffic`. The gateway is a
//! scripted one.

use serde_json::{Value, json};

use crate::api::setup;
use crate::harness::Folder;

fn thing(name: &str, severity: &str) -> Value {
    json!({"server": "s", "kind": "tool", "name": name, "grants_cut": false, "unused": false,
        "tool": {"category": "read", "severity": severity, "pin": "unpinned", "tokens": 50, "context_share": 0.00025,
            "machine": {}},
        "grants": [{"grant": "alice", "policy": "p", "decision": "limited", "conditional": true}],
        "use": {"calls": 3, "denials": 1, "last_used": "2026-01-01T00:00:00Z"}})
}

fn answer(asked: &str) -> (u16, Value) {
    let known = json!({"known": "behind", "since": "2026-01-01T00:00:00Z", "lag_records": 2});
    let servers =
        json!([{"server": "s", "asked": "2026-01-01T00:00:00Z", "tools": 2, "problem": "slow\u{1b}[2J"}]);
    let page = |items: Value, next: Option<&str>| {
        let mut page = json!({"items": items, "servers": servers, "use": known, "context": 1000});
        next.into_iter().for_each(|next| page["next"] = next.into());
        (200, page)
    };
    let prompt = json!({"server": "s", "kind": "prompt", "name": "greet", "grants": [], "grants_cut": false});
    let grant = |label: &str| {
        json!({"grant": label, "servers": ["s"], "tools": 2, "tools_unused": 1, "tokens": 100, "context_share": 0.1,
            "unused": true, "use": {"calls": 0, "denials": 0}})
    };
    match asked {
        "POST /api/v1/inventory/refresh?server=s" => (200, json!({"servers": []})),
        "GET /api/v1/inventory?days=30&context=1000&unused=true&grant=alice&server=s&limit=200" => {
            page(json!([thing("a", "low")]), Some("Yg"))
        }
        "GET /api/v1/inventory?days=30&context=1000&unused=true&grant=alice&server=s&limit=200&cursor=Yg" => {
            page(json!([thing("b\u{1b}", "critical"), prompt]), None)
        }
        "GET /api/v1/inventory/grants?days=30&context=1000&unused=true&limit=200" => {
            page(json!([grant("alice"), grant("bob")]), None)
        }
        _ => (404, json!({"detail": format!("nothing is at {asked}")})),
    }
}

#[test]
fn the_inventory_is_shown_with_what_it_leaves_out() {
    let setup = setup(|asked, _| answer(asked));
    let words = "inventory --grant alice --server s --unused --refresh --context 1000";
    let ran = setup.folder.run(words);
    assert!(ran.err.contains("`s` could not be asked for all: slow\\u{1b}[2J"), "{ran:?}");
    assert!(ran.err.contains("the last calls are missing, 2 records behind"), "{ran:?}");
    let expected = "\
s
  low      read        a  50 tokens (0.03 %)  3 calls, 1 denied, last 2026-01-01T00:00:00Z  alice: limited on conditions
  critical read        b\\u{1b}  50 tokens (0.03 %)  3 calls, 1 denied, last 2026-01-01T00:00:00Z  alice: limited on conditions
  prompt               greet  no grant
grants
  alice  2 tools, 1 of them unused  100 tokens (10.00 %)  not used
";
    assert_eq!(ran.with_code(0), expected);
    let found = setup.folder.run(&format!("{words} --json")).json(0);
    assert_eq!((found["items"].as_array().unwrap().len(), &found["use"]["known"]), (3, &json!("behind")));
    assert_eq!(found["grants"][0]["grant"], "alice");
    setup.refused("inventory --days 0", 2, "days");
    setup.refused("inventory --server none", 1, "nothing is at");
}

#[test]
fn a_tools_page_comes_from_the_gateway() {
    let setup = setup(|asked, _| match asked {
        "GET /api/v1/servers/s/tools/a%2Fb?context=200000" => (
            200,
            json!({"server": "s", "tool": "a/b", "text": "the page\n", "markdown": "# the page\n", "page": {},
                "facts": {"tokens": 50, "context_share": 0.00025, "pin": "pinned"}}),
        ),
        _ => (404, json!({"detail": "the server `s` has no tool `c`"})),
    });
    let size = "50 tokens, 0.03 % of a context of 200000; pinned";
    assert_eq!(setup.folder.run("catalog show s/a/b").with_code(0), format!("the page\n\n{size}\n"));
    assert_eq!(
        setup.folder.run("catalog show s/a/b --markdown").with_code(0),
        format!("# the page\n\n{size}\n")
    );
    assert_eq!(setup.folder.run("catalog show s/a/b --json").json(0)["tool"], "a/b");
    setup.refused("catalog show s/c", 1, "no tool `c`");
    setup.refused("catalog show s", 2, "images/image.generate");
}

#[test]
fn a_tools_page_comes_from_a_file() {
    let folder = Folder::new();
    folder.write(
        "tools.jsonl",
        "{\"server\": \"s\", \"tool\": \"get\", \"description\": \"Gets it\"}\n{\"tool\": \"drop\", \"description\": \"Drops a table\"}\n",
    );
    let text = folder.run("catalog show s/drop --definitions tools.jsonl").with_code(0);
    for part in [
        "drop\ndestructive · critical risk · s\n",
        "Questions and answers",
        "2 tools of s",
        " % of a context of 200000\n",
    ] {
        assert!(text.contains(part), "`{part}` is not in {text}");
    }
    let page = folder.run("catalog show s/drop --definitions tools.jsonl --json --context 100").json(0);
    let (tokens, share) =
        (page["facts"]["tokens"].as_f64().unwrap(), page["facts"]["context_share"].as_f64().unwrap());
    assert!(tokens > 5.0 && (share - tokens / 100.0).abs() < 1e-9, "{page}");
    let other = folder.run("catalog show other/get --definitions tools.jsonl");
    assert_eq!(other.code, 1, "{other:?}");
    assert!(other.err.contains("has no tool `get` of the server `other`"), "{other:?}");
}

#[test]
fn a_tools_page_comes_from_the_catalogue_by_its_whole_name() {
    let folder = Folder::new();
    folder.write(
        "dump.jsonl",
        "{\"server\": \"com.example/s\", \"tool\": \"get\", \"description\": \"Gets it\"}\n\
         {\"server\": \"com.example/s\", \"tool\": \"/drop\", \"description\": \"Drops a table\"}\n",
    );
    folder.run("catalog import dump.jsonl").with_code(0);
    assert!(folder.run("catalog show com.example/s/get").with_code(0).starts_with("get\n"));
    assert!(folder.run("catalog show com.example/s//drop").with_code(0).starts_with("/drop\n"));
    for other in ["com.example/s//get", "com.example/s/drop"] {
        let ran = folder.run(&format!("catalog show {other}"));
        assert_ne!(ran.code, 0, "{other}: {ran:?}");
        assert!(ran.out.is_empty() && ran.err.contains("the catalogue has no such tool"), "{ran:?}");
    }
}

#[test]
fn a_policy_from_traffic_is_printed_with_its_notes() {
    let setup = setup(|asked, _| match asked {
        "GET /api/v1/inventory/recommendation?server=s&grant=alice&days=7" => {
            (200, json!({"policy": {}, "text": "{\"version\": \"1\"}", "notes": ["`x` is left out"]}))
        }
        _ => (404, json!({"detail": "there is no server"})),
    });
    let ran = setup.folder.run("policy recommend --from-traffic --server s --grant alice --days 7");
    assert!(ran.err.contains("note: `x` is left out"), "{ran:?}");
    assert_eq!(ran.with_code(0), "{\"version\": \"1\"}\n");
    assert_eq!(setup.asked().len(), 1);
    setup.refused("policy recommend --from-traffic --server none", 1, "there is no server");
}
