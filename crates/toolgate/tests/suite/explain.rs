//! `toolgate policy explain`

use crate::harness::Folder;

const POLICY: &str = r#"{
  "version": "1",
  "tools": {
    "refund": {
      "deny_if": [
        {"conditions": [{"path": "args.amount", "op": "gt", "value": 10000}], "on_deny": "Above 100.00: ask finance"},
        {"conditions": [{"path": "grant.tags", "op": "contains", "value": "trial"}], "on_deny": "Not in a trial"}
      ],
      "limits": [{"counter": "refunds", "window": "day", "max": 5}]
    }
  }
}"#;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("p.json", POLICY);
    folder
}

#[test]
fn an_allowed_call() {
    let out =
        folder().run(r#"policy explain --policy p.json --tool refund --args {"amount":5}"#).with_code(0);
    let expected = "\
allowed, if the limits have room
  passed     /hide: no hidden name matches
  passed     /tools/refund: this entry applies
  skipped    (unknown): no server was asked whether it has the tool
  skipped    (arguments): the tool's own schema is not known
  passed     /tools/refund/deny_if/0: not all of its conditions hold
  passed     /tools/refund/deny_if/1: not all of its conditions hold
  passed     /tools/refund/limits/0: draws 1 from counter `refunds`; Limit reached: at most 5 per day
";
    assert_eq!(out, expected);
}

#[test]
fn a_denied_call() {
    let words = r#"policy explain --policy p.json --tool refund --args {"amount":10001} --tag trial"#;
    let out = folder().run(words).with_code(1);
    assert!(
        out.starts_with("denied by /tools/refund/deny_if/0: Above 100.00: ask finance\n  passed     /hide"),
        "{out}"
    );
    let (before, after) = out.split_once("not reached, but would say:\n").unwrap();
    assert!(before.ends_with("  denied     /tools/refund/deny_if/0: Above 100.00: ask finance\n"), "{out}");
    assert!(after.starts_with("  denied     /tools/refund/deny_if/1: Not in a trial\n"), "{out}");
    let json = folder().run(&format!("{words} --json")).json(1);
    assert_eq!(json["outcome"], "deny");
    assert_eq!(json["rule"], "/tools/refund/deny_if/0");
    assert_eq!(json["steps"].as_array().unwrap().last().unwrap()["verdict"], "denied");
}

#[test]
fn the_definition_is_judged_where_it_is_given() {
    let folder = folder();
    let tool =
        r#"{"name":"refund","inputSchema":{"type":"object","properties":{"amount":{"type":"integer"}}}}"#;
    folder.write("tool.json", tool);
    folder.write("list.json", &format!("{{\"tools\":[{tool}]}}"));
    folder.write("none.json", "{\"tools\":[]}");
    let rule = |definition: &str, amount: &str, code: i32| {
        let words = format!(
            "policy explain --policy p.json --tool refund --args {{\"amount\":{amount}}} --json --definition {definition}"
        );
        folder.run(&words).json(code)["rule"].clone()
    };
    assert!(rule("tool.json", "5", 0).is_null());
    assert_eq!(rule("list.json", "5.5", 1), "(arguments)");
    assert_eq!(rule("none.json", "5", 1), "(unknown)");
}

#[test]
fn what_cannot_be_judged() {
    let folder = folder();
    assert_eq!(folder.run("policy explain --policy p.json --tool refund --args {").code, 2);
    assert_eq!(folder.run("policy explain --policy p.json --tool refund --at noon").code, 2);
    assert_eq!(folder.run("policy explain --policy p.json").code, 2);
    folder.write("bad.json", "{\"version\": \"2\"}");
    let ran = folder.run("policy explain --policy bad.json --tool refund");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("bad.json:1:13: error: "), "{}", ran.err);
}
