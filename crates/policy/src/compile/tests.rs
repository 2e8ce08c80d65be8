//! The documents of the specification, compiled.

use super::*;
use crate::call::{Call, Context, Definition};
use crate::decision::Outcome;
use crate::limit::{LimitWindow, Scope, UNIT};

const SEED: &str = r#"{"version":"1","default":"deny","tools":{"image.generate.replicate":{"limits":[
    {"counter":"image.generate.replicate_rate","window":"minute","max":10,"scope":"grant"}]}}}"#;

fn context() -> Context<'static> {
    Context { grant_label: "ci", grant_tags: &[], server: "images", client_ip: None, wall_micros: 0 }
}

#[test]
fn the_seed_policy_limits_one_tool_and_denies_the_rest() {
    let loaded = load(SEED, Format::Json, "images").unwrap();
    assert_eq!(loaded.warnings, []);
    let plan = loaded.plan;
    let call = |tool| Call { tool, arguments: None, definition: Definition::Unchecked, context: context() };
    let Outcome::Allow { demands } = plan.decide(&call("image.generate.replicate")).outcome else {
        panic!("denied")
    };
    assert_eq!(demands.len(), 1);
    let limit = demands[0].limit;
    assert_eq!((demands[0].amount, limit.max, limit.scope), (UNIT, 10 * UNIT, Scope::Grant));
    assert_eq!(limit.window, LimitWindow::Sliding(std::time::Duration::from_mins(1)));
    assert!(limit.constant_unit);
    assert_eq!(plan.limits(), std::slice::from_ref(limit));
    let denied = plan.decide(&call("other"));
    let Outcome::Deny(denial) = denied.outcome else { panic!("allowed") };
    assert_eq!(denial.rule, "(default deny)");
    assert!(plan.lists_tool("image.generate.replicate") && !plan.lists_tool("other"));
}

/// The messages of all findings about a document, with their pointers, errors and warnings alike.
fn findings(text: &str, format: Format) -> Vec<String> {
    let problems = match load(text, format, "p") {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    problems.iter().map(|p| format!("{} {}: {}", p.severity.name(), p.pointer, p.message)).collect()
}

fn check(json: &str, expected: &[&str]) {
    assert_eq!(findings(json, Format::Json), expected, "{json}");
}

fn check_yaml(yaml: &str, expected: &[&str]) {
    assert_eq!(findings(yaml, Format::Yaml), expected, "{yaml}");
}

#[test]
fn refuses_what_a_document_cannot_mean() {
    check("[]", &["error : expected an object (policy), found a list"]);
    check(r#"{"version":1}"#, &[r#"error /version: expected the string "1", found a number"#]);
    check(
        r#"{"version":"1","tools":{"a*":{},"*b":{},"ab":{}}}"#,
        &["error /tools/*b: `*b` and `a*` could match one name, and neither is more specific"],
    );
    check(r#"{"version":"1","tools":{"a*":{},"b*":{},"a*b":{}}}"#, &[]);
    check(
        r#"{"version":"1","resources":{"file:///a":{},"FILE:///%61":{}}}"#,
        &["error /resources/FILE:~1~1~1%61: `FILE:///%61` is another spelling of an earlier key"],
    );
    check(
        r#"{"version":"1","resources":{"docs/a":{}}}"#,
        &["error /resources/docs~1a: `docs/a` is not a usable URI: it has no scheme"],
    );
    check(r#"{"version":"1","hide":[""]}"#, &["error /hide/0: the name is empty"]);
    check(
        r#"{"version":"1","timezone":"Mars/Olympus"}"#,
        &["error /timezone: unknown time zone `Mars/Olympus`"],
    );
    check(
        r#"{"version":"1","tools":{"t":{"arguments":{"$ref":"https://example.com/s"}}}}"#,
        &["error /tools/t/arguments: the schema cannot be used: the reference leads outside the schema, \
           and nothing is fetched (at /$ref)"],
    );
    check(
        r#"{"version":"1","resources":{"x:*":{"deny_if":[{"conditions":[{"path":"args.a","op":"eq","value":1}]}]}}}"#,
        &["error /resources/x:*/deny_if/0/conditions/0/path: `args.a` has no value under `resources`"],
    );
    check(
        r#"{"version":"1","tools":{"t":{"deny_if":[{"conditions":[{"path":"args.a"}]}]}}}"#,
        &[
            "error /tools/t/deny_if/0/conditions/0: condition lacks the field `op`",
            "error /tools/t/deny_if/0/conditions/0: condition lacks the field `value`",
        ],
    );
}

#[test]
fn names_what_is_not_available_in_this_version() {
    let not = "is not available in this version";
    check(
        r#"{"version":"1","flows":[],"responses":{}}"#,
        &[&format!("error /flows: `flows` {not}"), &format!("error /responses: `responses` {not}")],
    );
    check(
        r#"{"version":"1","tools":{"t":{"require":[{"conditions":[
            {"cel":"true"},{"path":"args.u","op":"host_in","value":[]},{"path":"args.p","op":"path_within","value":[]},
            {"path":"tool.category","op":"eq","value":"read"}]}]}}}"#,
        &[
            &format!("error /tools/t/require/0/conditions/0/cel: `cel` {not}"),
            &format!("error /tools/t/require/0/conditions/1/op: operator `host_in` {not}"),
            &format!("error /tools/t/require/0/conditions/2/op: operator `path_within` {not}"),
            &format!("error /tools/t/require/0/conditions/3/path: path `tool.category` {not}"),
        ],
    );
    check(
        r#"{"version":"1","tools":{"t":{"require_approval":{"timeout":"soon"}}}}"#,
        &[
            "warning /tools/t/require_approval: approvals are not available in this version, so what this rule \
             covers is denied",
            "error /tools/t/require_approval/timeout: `soon` is not a duration such as 30s, 10m, 1h30m or 7d",
        ],
    );
}

#[test]
fn refuses_limits_that_cannot_be_counted() {
    for (limit, message) in [
        (r#""window":"day","max":-1"#, "/max: `max` is a number of 0 or more with at most 9 decimal places"),
        (
            r#""window":"day","max":0.0000000001"#,
            "/max: `max` is a number of 0 or more with at most 9 decimal places",
        ),
        (
            r#""window":"day","max":1e40"#,
            "/max: `max` is a number of 0 or more with at most 9 decimal places",
        ),
        (r#""max":1"#, ": limit lacks the field `window` (or `concurrent`)"),
        (r#""window":0,"max":1"#, "/window: a window in seconds is a whole number of 1 or more"),
        (r#""window":1.5,"max":1"#, "/window: a window in seconds is a whole number of 1 or more"),
        (r#""window":"400d","max":1"#, "/window: the window is longer than 366 days"),
        (
            r#""window":"10m","align":"calendar","max":1"#,
            "/window: a calendar window is one of second, minute, hour, day, week, month",
        ),
        (
            r#""window":"day","concurrent":true,"max":1"#,
            "/window: `concurrent` stands instead of `window`; remove one",
        ),
        (
            r#""window":"day","max":1,"amount":{"from":"grant.label"}"#,
            "/amount/from: an amount comes from one argument, such as `args.amount`",
        ),
        (
            r#""window":"day","max":1,"amount":{"from":"args.a[*]"}"#,
            "/amount/from: an amount comes from one argument, such as `args.amount`",
        ),
        (
            r#""window":"day","max":1,"amount":-2"#,
            "/amount: `amount` is a number of 0 or more with at most 9 decimal places",
        ),
    ] {
        let text = format!(r#"{{"version":"1","tools":{{"t":{{"limits":[{{"counter":"c",{limit}}}]}}}}}}"#);
        check(&text, &[&format!("error /tools/t/limits/0{message}")]);
    }
    for (field, value) in [
        ("window or align", r#""window":"hour","max":1"#),
        ("window or align", r#""window":"day","align":"calendar","max":1"#),
        ("max", r#""window":"day","max":2"#),
        ("scope", r#""window":"day","max":1,"scope":"server""#),
        ("count", r#""window":"day","max":1,"count":"successes""#),
        ("on_store_failure", r#""window":"day","max":1,"on_store_failure":"allow""#),
    ] {
        let text = format!(
            r#"{{"version":"1","all_tools":{{"limits":[{{"counter":"c","window":"24h","max":1.0}}]}},
            "tools":{{"t":{{"limits":[{{"counter":"c",{value}}}]}}}}}}"#
        );
        let message = format!(
            "error /tools/t/limits/0: counter `c` differs in {field} from its entry at /all_tools/limits/0"
        );
        check(&text, &[&message]);
    }
}

#[test]
fn warns_of_rules_that_do_not_say_what_they_seem_to() {
    check(
        r#"{"version":"1","hide":["a*"],"tools":{"ab":{"reason":"x"},"t":{"require":[{"conditions":[]},
            {"conditions":[{"path":"args.x","op":"regex","value":"ok"},{"path":"args.y","op":"in","value":[]}]}]}}}"#,
        &[
            "warning /tools/ab: `hide` covers this name, so the entry has no effect",
            "warning /tools/ab/reason: `reason` is told only when `action` is `deny` or `require_approval`",
            "warning /tools/t/require/0/conditions: no conditions: this requirement always holds",
            "warning /tools/t/require/1/conditions/0/value: the pattern is not anchored, so it passes any text that \
             holds a match; write ^(?:...)$ to match the whole",
            "warning /tools/t/require/1/conditions/1/value: the list is empty, so the condition never holds",
        ],
    );
}

#[test]
fn the_local_dialect_is_checked_too() {
    check_yaml(
        "version: '1'\ntools:\n  t: {rules: []}\n",
        &["warning : `default` is absent, which allows every unlisted tool in a document with `rules`"],
    );
    check_yaml(
        "version: '1'\ndefault: deny\nall_tools: {limits: []}\ntools:\n  t: {rules: []}\n  u: {deny_if: [], rate_limit: 1/day}\n",
        &[
            "error /all_tools/limits: `limits` cannot stand in a document whose tools have `rules`",
            "error /tools/u/deny_if: `deny_if` cannot stand in a document whose tools have `rules`",
            "error /tools/u/rate_limit: `rate_limit` cannot stand in a document whose tools have `rules`",
        ],
    );
}

#[test]
fn rules_of_the_local_dialect_are_checked() {
    let rules =
        |rule: &str| format!("version: '1'\ndefault: deny\ntools:\n  t:\n    rules:\n      - {rule}\n");
    for (rule, expected) in [
        (
            "{name: n}",
            "error /tools/t/rules/0: the rule says nothing: give it `conditions`, `rate_limit` or an `action`",
        ),
        (
            "{rate_limit: 0/day}",
            "error /tools/t/rules/0/rate_limit: a rate is written as `N/minute`, `N/hour` or `N/day`, N from 1",
        ),
        (
            "{rate_limit: 5/week}",
            "error /tools/t/rules/0/rate_limit: a rate is written as `N/minute`, `N/hour` or `N/day`, N from 1",
        ),
        (
            "{rate_limit: 5/day, action: deny}",
            "error /tools/t/rules/0/action: `action: deny` cannot stand beside `rate_limit`",
        ),
        (
            "{rate_limit: 5/day, conditions: []}",
            "error /tools/t/rules/0/conditions: `conditions` cannot stand beside `rate_limit`",
        ),
        (
            "{action: deny, conditions: [{path: args.x, op: eq, value: 1}]}",
            "error /tools/t/rules/0: a rule with `action: deny` has no conditions",
        ),
        (
            "{conditions: [{path: state.u.c, op: lt, value: 1}]}",
            "error /tools/t/rules/0/conditions/0/path: no rule of this tool has a `state` block for the counter of `state.u.c`",
        ),
        (
            "{conditions: [{path: state.t.c, op: gt, value: 1}], state: {counter: c, window: day}}",
            "error /tools/t/rules/0/conditions/0/op: a counter is compared with `lt` or `lte`",
        ),
        (
            "{conditions: [{path: state.t.c, op: lt, value: 0}], state: {counter: c, window: day}}",
            "error /tools/t/rules/0/conditions/0/value: `lt` on a counter wants a whole number of 1 or more",
        ),
        (
            "{conditions: [{path: state.t.c, op: lt, value: 2}], state: {counter: c, window: day, increment: 1.5}}",
            "error /tools/t/rules/0/state/increment: `increment` is a whole number",
        ),
        (
            "{conditions: [{path: args.x, op: eq, value: 2}], state: {counter: c, window: day}}",
            "warning /tools/t/rules/0/state: no condition bounds this counter, so it limits nothing",
        ),
    ] {
        check_yaml(&rules(rule), &[expected]);
    }
}

#[test]
fn windows_of_the_two_dialects() {
    let local = "version: '1'\ndefault: deny\ntimezone: Asia/Tokyo\ntools:\n  t:\n    rules:\n      - conditions: [{path: state.t.c, op: lt, value: 3}]\n        state: {counter: c, window: hour}\n";
    let plan = load(local, Format::Yaml, "p").unwrap().plan;
    let [limit] = plan.limits() else { panic!("{:?}", plan.limits()) };
    assert_eq!((limit.counter.as_str(), limit.max, limit.scope), ("t.c", 2 * UNIT, Scope::Policy));
    let utc = LimitWindow::Calendar { unit: crate::limit::CalendarUnit::Hour, zone: TimeZone::UTC };
    assert_eq!((&limit.window, limit.constant_unit), (&utc, true));

    let json = r#"{"version":"1","timezone":"Asia/Tokyo","tools":{
        "a":{"limits":[{"counter":"c","window":"week","align":"calendar","max":3,"scope":"server","amount":2}]},
        "b":{"limits":[{"counter":"c","window":"week","align":"calendar","max":3,"scope":"server"},
                       {"counter":"c","window":90,"max":1,"mode":"shadow"}]}}}"#;
    let plan = load(json, Format::Json, "p").unwrap().plan;
    let [weekly, shadow] = plan.limits() else { panic!("{:?}", plan.limits()) };
    let zone = TimeZone::get("Asia/Tokyo").unwrap();
    assert_eq!(weekly.window, LimitWindow::Calendar { unit: crate::limit::CalendarUnit::Week, zone });
    assert!(!weekly.constant_unit && !weekly.shadow && shadow.constant_unit && shadow.shadow);
    assert_eq!(shadow.window, LimitWindow::Sliding(std::time::Duration::from_secs(90)));
}

#[test]
fn what_a_plan_tells_besides_decisions() {
    let text = r#"{"version":"1","default":"allow","server_requests":{"sampling":"deny"},"report_budget":true,
        "record_arguments":true,"hide":["x"],"tools":{"t":{"record_arguments":false},"u":{"rate_limit":"1/day"}},
        "resources":{"file:///a/**":{"action":"deny"},"file:///b/c":{"deny_if":[{"conditions":[]}]}}}"#;
    let plan = load(text, Format::Json, "shop").unwrap().plan;
    use crate::call::ServerRequest::{Elicitation, Roots, Sampling};
    assert_eq!(
        [Sampling, Elicitation, Roots].map(|kind| plan.allows_server_request(kind)),
        [false, true, true]
    );
    assert!(
        plan.reports_budget()
            && !plan.default_is_deny()
            && plan.may_allow_prompts()
            && plan.may_allow_resources()
    );
    assert_eq!(["t", "u", "v"].map(|tool| plan.records_arguments(tool)), [false, true, true]);
    assert_eq!((plan.name(), plan.version().len()), ("shop", 16));
    let session = &plan.limits()[0];
    assert_eq!((session.scope, session.counter.as_str()), (Scope::Session, "rate_limit/u"));
    for (template, listed) in [
        ("file:///a/{name}", false),
        ("file:///a/{+path}", false),
        ("file:///b/{name}", true),
        ("file:///{dir}/x", true),
        ("file:///c/{name}", true),
        ("{+uri}", true),
        ("file:///c/{name", false),
        ("no scheme/{x}", false),
    ] {
        assert_eq!(plan.lists_template(template), listed, "{template}");
    }
    let closed = r#"{"version":"1","hide":["*/secret/*"],"resources":{"file:///a/*":{},"file:///b/c":{}}}"#;
    let plan = load(closed, Format::Json, "shop").unwrap().plan;
    assert!(plan.may_allow_resources() && !plan.may_allow_prompts());
    assert_eq!([Sampling, Elicitation, Roots].map(|kind| plan.allows_server_request(kind)), [false; 3]);
    for (template, listed) in [
        ("file:///a/{name}", true),
        ("file:///{dir}/c", true),
        ("file:///b/{name}", true),
        ("file:///d/{name}", false),
        ("file:///a/secret/{name}", false),
        ("{+uri}", true),
    ] {
        assert_eq!(plan.lists_template(template), listed, "{template}");
    }
}

#[test]
fn names_cannot_be_told_apart_from_outside() {
    for (default, code, message) in
        [("deny", "(default deny)", "is not permitted by the policy"), ("allow", "(unknown)", "Unknown name")]
    {
        let text =
            format!(r#"{{"version":"1","default":"{default}","hide":["h"],"tools":{{"known":{{}}}}}}"#);
        let plan = load(&text, Format::Json, "p").unwrap().plan;
        for tool in ["h", "known", "n"] {
            let definition = Definition::Unknown;
            let decision = plan.decide(&Call { tool, arguments: None, definition, context: context() });
            let Outcome::Deny(denial) = decision.outcome else { panic!("allowed") };
            assert_eq!(plan.outward_rule(&denial), code);
            assert!(
                denial.message.replace(tool, "").contains(message.replace(tool, "").as_str()),
                "{}",
                denial.message
            );
        }
        assert_eq!(plan.prejudge("known"), None);
        assert!(plan.prejudge("h").is_some());
    }
}

#[test]
fn large_documents_are_read_or_refused_soon() {
    let globs: Vec<String> = (0..1_001).map(|i| format!(r#""*{i:04}*":{{}}"#)).collect();
    let text = format!(r#"{{"version":"1","tools":{{{}}}}}"#, globs.join(","));
    let found = findings(&text, Format::Json);
    assert!(found[0].contains("more than 1000 globs"), "{}", found[0]);
    let few: Vec<String> = globs.iter().take(300).cloned().collect();
    let found = findings(&format!(r#"{{"version":"1","tools":{{{}}}}}"#, few.join(",")), Format::Json);
    assert!(found.len() <= 202 && found.last().unwrap().contains("more problems"), "{}", found.len());
    let entries: Vec<String> = (0..20_000).map(|i| format!(r#""t{i}":{{"rate_limit":"1/day"}}"#)).collect();
    let text = format!(r#"{{"version":"1","tools":{{{}}}}}"#, entries.join(","));
    assert_eq!(load(&text, Format::Json, "p").unwrap().plan.limits().len(), 20_000);
}
