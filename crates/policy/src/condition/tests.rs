//! Conditions against calls: each operator, absent values, values that cannot be compared, `[*]`.

use jiff::tz::TimeZone;
use toolgate_json::{Document, Limits};

use super::*;
use crate::call::Context;
use crate::located::{Format, Located};

fn condition(path: &str, operator: &str, value: &str) -> Result<Condition, String> {
    let path = Path::parse(path)?;
    let value = Located::read(value, Format::Json).unwrap();
    let test = compile_test(find_operator(operator)?, &path, value.root())?;
    Ok(Condition { path, test })
}

/// `+` holds, `-` fails, `?` cannot be evaluated; under `require` and under `deny_if`.
fn outcome(path: &str, operator: &str, value: &str, arguments: &str) -> String {
    let condition = condition(path, operator, value).unwrap();
    let document = Document::read(arguments.as_bytes(), &Limits::default()).unwrap();
    let tags = ["dev".to_owned(), "eu".to_owned()];
    let context = Context {
        grant_label: "alice-laptop",
        grant_tags: &tags,
        server: "shop",
        client_ip: Some("::ffff:10.0.0.7".parse().unwrap()),
        // Sunday, 22 November 2026, 23:30 UTC
        wall_micros: 1_795_390_200_000_000,
    };
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let facts = Facts { arguments: Some(document.root()), tool: Some("refund"), context, zone: &zone };
    [Quantifier::Every, Quantifier::Any]
        .map(|quantifier| match condition.evaluate(&facts, quantifier) {
            Truth::Holds => '+',
            Truth::Fails => '-',
            Truth::Unclear(_) => '?',
        })
        .iter()
        .collect()
}

#[test]
fn operators_judge_one_value() {
    for (operator, value, arguments, expected) in [
        ("eq", "1", "1.0", "++"),
        ("eq", "5", "\"5\"", "??"),
        ("eq", "9007199254740993", "9007199254740992", "--"),
        ("eq", "0", "-0", "++"),
        ("eq", "null", "5", "--"),
        ("eq", "null", "null", "++"),
        ("eq", "5", "null", "??"),
        ("eq", "[1,2]", "[1.0,2]", "++"),
        ("eq", "1", "0e99999999999", "??"),
        ("neq", "1", "2", "++"),
        ("neq", "1", "\"2\"", "??"),
        ("in", "[1,\"a\"]", "\"a\"", "++"),
        ("in", "[1,\"a\"]", "true", "??"),
        ("in", "[1,null]", "true", "--"),
        ("in", "[]", "1", "--"),
        ("not_in", "[1,\"a\"]", "2", "++"),
        ("not_in", "[]", "2", "++"),
        ("not_in", "[1]", "\"1\"", "??"),
        ("lt", "9007199254740993", "9007199254740992", "++"),
        ("gt", "9007199254740992", "9007199254740993", "++"),
        ("gt", "10000", "1e5", "++"),
        ("lte", "0", "-0.0", "++"),
        ("gte", "0.1", "0.1000000000000000000001", "++"),
        ("gt", "1", "\"2\"", "??"),
        ("gt", "1", "0e99999999999", "??"),
        ("regex", "\"^a+$\"", "\"aaa\"", "++"),
        ("regex", "\"b\"", "\"abc\"", "++"),
        ("regex", "\"b\"", "7", "??"),
        ("glob", "\"a*c\"", "\"a/b/c\"", "++"),
        ("glob", "\"a?\"", "\"abc\"", "--"),
        ("starts_with", "\"ab\"", "\"abc\"", "++"),
        ("ends_with", "\"ab\"", "\"abc\"", "--"),
        ("ends_with", "\"ab\"", "[\"ab\"]", "??"),
        ("contains", "\"b\"", "\"abc\"", "++"),
        ("contains", "\"b\"", "[\"b\"]", "++"),
        ("contains", "1", "[2,1.0]", "++"),
        ("contains", "1", "\"1\"", "??"),
        ("contains", "\"b\"", "{}", "??"),
        ("exists", "true", "null", "++"),
        ("exists", "false", "null", "--"),
        ("length", "{\"lte\":2}", "\"éé\"", "++"),
        ("length", "{\"gt\":1,\"lt\":3}", "[1,2]", "++"),
        ("length", "{\"eq\":1}", "{\"a\":1}", "++"),
        ("length", "{\"eq\":1}", "12", "??"),
    ] {
        let arguments = format!("{{\"x\":{arguments}}}");
        assert_eq!(
            outcome("args.x", operator, value, &arguments),
            expected,
            "{operator} {value} of {arguments}"
        );
    }
}

#[test]
fn absent_values_fail_all_but_the_test_for_absence() {
    for (operator, value) in [
        ("eq", "1"),
        ("eq", "null"),
        ("neq", "1"),
        ("in", "[1]"),
        ("not_in", "[1]"),
        ("lt", "1"),
        ("regex", "\"\""),
        ("glob", "\"*\""),
        ("starts_with", "\"\""),
        ("ends_with", "\"\""),
        ("contains", "1"),
        ("exists", "true"),
        ("length", "{\"gte\":0}"),
    ] {
        for path in ["args.none", "args.none.deeper", "args.null.deeper", "args.list[9]", "args.none[*].x"] {
            let arguments = r#"{"null":null,"list":[]}"#;
            assert_eq!(outcome(path, operator, value, arguments), "--", "{path} {operator}");
            assert_eq!(outcome(path, "exists", "false", arguments), "++", "{path}");
        }
    }
}

#[test]
fn a_path_through_a_value_that_holds_nothing_cannot_be_evaluated() {
    for path in ["args.x.y", "args.x[0]", "args.x[*]"] {
        for value in ["5", "\"text\"", "true"] {
            let arguments = format!("{{\"x\":{value}}}");
            assert_eq!(outcome(path, "eq", "5", &arguments), "??", "{path} of {arguments}");
            assert_eq!(outcome(path, "exists", "true", &arguments), "--", "{path} of {arguments}");
        }
    }
    assert_eq!(outcome("args.x[0]", "eq", "1", r#"{"x":{"0":1}}"#), "??");
    assert_eq!(outcome("args.x.y", "eq", "1", r#"{"x":[{"y":1}]}"#), "??");
}

#[test]
fn every_element_under_require_and_any_under_deny_if() {
    for (list, expected) in [
        ("[{\"n\":1},{\"n\":1}]", "++"),
        ("[{\"n\":1},{\"n\":2}]", "-+"),
        ("[{\"n\":2}]", "--"),
        ("[]", "--"),
        ("[{\"n\":1},{}]", "-+"),
        ("[{\"n\":1},{\"n\":\"1\"}]", "??"),
        ("[{\"n\":\"1\"},{\"n\":1}]", "??"),
        ("[{\"n\":1},7]", "??"),
        ("[{\"n\":1},null]", "-+"),
        ("{\"n\":1}", "??"),
    ] {
        let arguments = format!("{{\"list\":{list}}}");
        assert_eq!(outcome("args.list[*].n", "eq", "1", &arguments), expected, "{list}");
    }
    let nested = r#"{"a":[{"b":[1,1]},{"b":[]}]}"#;
    assert_eq!(outcome("args.a[*].b[*]", "eq", "1", nested), "-+");
}

#[test]
fn facts_about_the_caller() {
    for (path, operator, value, expected) in [
        ("grant.label", "ends_with", "\"-laptop\"", "++"),
        ("grant.tags", "contains", "\"eu\"", "++"),
        ("grant.tags[*]", "in", "[\"dev\",\"us\"]", "-+"),
        ("grant.tags", "length", "{\"eq\":2}", "++"),
        ("server.name", "eq", "\"shop\"", "++"),
        ("tool.name", "glob", "\"re*\"", "++"),
        ("client.ip", "eq", "\"10.0.0.7\"", "++"),
        ("time.hour", "eq", "0", "++"),
        ("time.hour", "lt", "0.5", "++"),
        ("time.weekday", "in", "[\"monday\"]", "++"),
    ] {
        assert_eq!(outcome(path, operator, value, "{}"), expected, "{path} {operator} {value}");
    }
}

#[test]
fn refuses_values_that_an_operator_cannot_use() {
    for (path, operator, value, part) in [
        ("args.x", "lt", "\"5\"", "wants a number"),
        ("args.x", "in", "5", "wants a list"),
        ("args.x", "regex", "\"(\"", "not a pattern"),
        ("args.x", "regex", "\"(?:a{1,1000}){1,1000}\"", "too large"),
        ("args.x", "regex", "\"(?=a)\"", "not a pattern"),
        ("args.x", "exists", "\"true\"", "wants true or false"),
        ("args.x", "length", "5", "wants an object"),
        ("args.x", "length", "{}", "wants an object"),
        ("args.x", "length", "{\"under\":5}", "unknown comparison"),
        ("args.x", "greater", "5", "unknown operator"),
        ("args.x", "gtt", "5", "did you mean `gt`"),
        ("args.x", "host_in", "[]", "not available"),
        ("args.x", "path_within", "[]", "not available"),
        ("time.weekday", "eq", "\"Monday\"", "did you mean `monday`"),
        ("args.x", "eq", "0e99999999999", "exponent"),
    ] {
        let message = condition(path, operator, value).unwrap_err();
        assert!(message.contains(part), "{operator} {value}: {message}");
    }
}
