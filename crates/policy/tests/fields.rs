//! Every field of every object of a policy: misspelt and ill-typed, each is reported at its place.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: what fails here fails the test")]

use toolgate_policy::{Format, POLICY_TABLES, Problem, Severity, Shape, Table, load};

/// A document that is valid around the hole at `$`, an object of that table; and the hole's pointer.
fn around(table: &str) -> (&'static str, &'static str) {
    match table {
        "policy" => ("$", ""),
        "all_tools" => (r#"{"version":"1","all_tools":$}"#, "/all_tools"),
        "tool" => (r#"{"version":"1","tools":{"a/b":$}}"#, "/tools/a~1b"),
        "entry" => (r#"{"version":"1","prompts":{"p":$}}"#, "/prompts/p"),
        "group" => (r#"{"version":"1","all_tools":{"deny_if":[$]}}"#, "/all_tools/deny_if/0"),
        "condition" => (
            "{\"version\":\"1\",\n\"tools\":{\"t\":{\"require\":[{\"conditions\":[$]}]}}}",
            "/tools/t/require/0/conditions/0",
        ),
        "require_approval" => {
            (r#"{"version":"1","tools":{"t":{"require_approval":$}}}"#, "/tools/t/require_approval")
        }
        "limit" => (r#"{"version":"1","tools":{"t":{"limits":[$]}}}"#, "/tools/t/limits/0"),
        "amount" => (
            r#"{"version":"1","tools":{"t":{"limits":[{"counter":"c","window":1,"max":1,"amount":$}]}}}"#,
            "/tools/t/limits/0/amount",
        ),
        "rate_limit" => (r#"{"version":"1","tools":{"t":{"rate_limit":$}}}"#, "/tools/t/rate_limit"),
        "server_requests" => (r#"{"version":"1","server_requests":$}"#, "/server_requests"),
        "rule" => (r#"{"version":"1","default":"deny","tools":{"t":{"rules":[$]}}}"#, "/tools/t/rules/0"),
        "state" => (
            r#"{"version":"1","default":"deny","tools":{"t":{"rules":[{"state":$}]}}}"#,
            "/tools/t/rules/0/state",
        ),
        other => panic!("a table without a document: {other}"),
    }
}

/// The members that make an object of the table valid.
fn valid_members(table: &str) -> &'static [(&'static str, &'static str)] {
    match table {
        "policy" => &[("version", r#""1""#)],
        "group" => &[("conditions", "[]")],
        "condition" => &[("path", r#""args.x""#), ("op", r#""eq""#), ("value", "1")],
        "limit" => &[("counter", r#""c""#), ("window", r#""day""#), ("max", "1")],
        "amount" => &[("from", r#""args.x""#)],
        "rate_limit" => &[("max", "1"), ("window", "60")],
        "rule" => &[("rate_limit", r#""1/day""#)],
        "state" => &[("counter", r#""c""#), ("window", r#""day""#)],
        _ => &[],
    }
}

/// The document with `extra` in place of the member of that name.
fn document(table: &Table, without: Option<&str>, extra: &str) -> (String, &'static str) {
    let (around, pointer) = around(table.name);
    let members = valid_members(table.name).iter().filter(|(name, _)| Some(*name) != without);
    let mut members: Vec<String> = members.map(|(name, value)| format!("\"{name}\":{value}")).collect();
    if !extra.is_empty() {
        members.push(extra.to_owned());
    }
    (around.replace('$', &format!("{{{}}}", members.join(","))), pointer)
}

fn errors(text: &str) -> Vec<Problem> {
    let problems = load(text, Format::Json, "p").err().unwrap_or_default();
    problems.into_iter().filter(|problem| problem.severity == Severity::Error).collect()
}

/// Line and column of the first place where `part` stands.
fn position_of(text: &str, part: &str) -> (usize, usize) {
    let before = text.split(part).next().unwrap();
    let line = before.rsplit('\n').next().unwrap();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

#[test]
fn valid_documents_have_no_errors() {
    for table in POLICY_TABLES {
        let (text, _) = document(table, None, "");
        assert_eq!(errors(&text), [], "{text}");
    }
}

#[test]
fn a_typo_in_any_field_is_named_at_its_place() {
    for table in POLICY_TABLES {
        for field in table.fields {
            let (first, rest) = field.name.split_at(field.name.len() / 2);
            let typo = format!("{first}q{rest}");
            let (text, pointer) = document(table, None, &format!("\"{typo}\":1"));
            let found = errors(&text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            let problem = found.first().unwrap();
            assert_eq!(problem.message, format!("unknown field `{typo}` of {}", table.name));
            assert_eq!(problem.pointer, format!("{pointer}/{typo}"));
            let position = problem.position.unwrap();
            assert_eq!(
                (position.line, position.column),
                position_of(&text, &format!("\"{typo}\"")),
                "{text}"
            );
            let help = problem.help.as_deref().unwrap();
            assert_eq!(help, format!("did you mean `{}`?", field.name), "{}: {typo}", table.name);
        }
    }
}

#[test]
fn a_value_of_the_wrong_type_is_named_at_its_place() {
    for table in POLICY_TABLES {
        for field in table.fields {
            let Some(wrong) = wrong_value(&field.shape) else { continue };
            let (text, pointer) = document(table, Some(field.name), &format!("\"{}\":{wrong}", field.name));
            let found = errors(&text);
            let expected = format!("{pointer}/{}", field.name);
            let told =
                |message: &str| message.starts_with("expected ") || message.ends_with("in this version");
            let problem = found.iter().find(|p| p.pointer == expected && told(&p.message));
            let problem = problem.unwrap_or_else(|| panic!("{text}: {found:?}"));
            let position = problem.position.unwrap();
            let member = position_of(&text, &format!("\"{}\":{wrong}", field.name));
            match field.shape {
                // Such a field is refused by its name.
                Shape::Unavailable => {
                    assert_eq!((position.line, position.column), member);
                    assert!(problem.message.ends_with("is not available in this version"));
                }
                _ => {
                    let value = (member.0, member.1 + field.name.len() + 3);
                    assert_eq!((position.line, position.column), value, "{text}");
                    assert!(problem.message.starts_with("expected "), "{}", problem.message);
                }
            }
        }
    }
}

fn wrong_value(shape: &Shape) -> Option<&'static str> {
    match shape {
        Shape::Any => None,
        Shape::Text | Shape::OneOf(_) | Shape::Flag => Some("[]"),
        Shape::Number | Shape::List(_) | Shape::Map(_) | Shape::Object(_) | Shape::AnyObject => Some("true"),
        Shape::Either(_) => Some("null"),
        Shape::Unavailable => Some("{}"),
    }
}

#[test]
fn a_missing_field_is_named_at_its_object() {
    for table in POLICY_TABLES {
        for field in table.fields.iter().filter(|field| field.required) {
            let (text, pointer) = document(table, Some(field.name), "");
            let found = errors(&text);
            let message = format!("{} lacks the field `{}`", table.name, field.name);
            assert!(found.iter().any(|p| p.pointer == pointer && p.message == message), "{text}: {found:?}");
        }
    }
}

#[test]
fn all_mistakes_of_a_file_are_reported_in_order() {
    let text = "version: '2'\ntools:\n  a:\n    limit: []\n    deny_if:\n      - conditions:\n          - {path: arg.x, op: gtt, value: 1}\n  b:\n    limits:\n      - {counter: c, window: minit, max: -1}\n";
    let found = load(text, Format::Yaml, "p").unwrap_err();
    let rendered: Vec<String> = found.iter().map(|problem| problem.render("p.yaml")).collect();
    assert_eq!(
        rendered,
        [
            "p.yaml:1:10: error: unknown value `2` for `version` (at /version); known: `1`",
            "p.yaml:4:5: error: unknown field `limit` of tool (at /tools/a/limit); did you mean `limits`?",
            "p.yaml:7:20: error: unknown path `arg.x`; did you mean `args`? (at /tools/a/deny_if/0/conditions/0/path)",
            "p.yaml:7:31: error: unknown operator `gtt`; did you mean `gt`? (at /tools/a/deny_if/0/conditions/0/op)",
            "p.yaml:10:30: error: unknown window `minit`; did you mean `minute`? (at /tools/b/limits/0/window)",
            "p.yaml:10:42: error: `max` is a number of 0 or more with at most 9 decimal places (at /tools/b/limits/0/max)",
        ]
    );
}
