//! The report in SARIF 2.1.0 (OASIS), as code scanning of forges reads it.

use serde_json::{Value, json};
use toolgate_catalog::Severity;
use toolgate_catalog::precheck::Rule;

use super::catalogue::Compared;
use super::outcome::{Looked, Outcome, Told};

/// The schema that the report keeps to.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The name and version under which fingerprints are kept.
const FINGERPRINT: &str = "toolgateFinding/v1";

/// The report.
pub(super) fn render(outcome: &Outcome) -> Value {
    let failed = outcome.servers.iter().any(|(_, looked)| *looked == Looked::Failed);
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "toolgate",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Rule::ALL.map(rule),
            }},
            "invocations": [{
                "executionSuccessful": !failed,
                "toolExecutionNotifications": notifications(outcome),
            }],
            "automationDetails": {"id": "toolgate-scan/"},
            "columnKind": "unicodeCodePoints",
            "artifacts": [{"location": {"uri": uri(&outcome.file)}}],
            "results": outcome.findings.iter().map(|told| result(told, outcome)).collect::<Vec<_>>(),
        }],
    })
}

fn rule(rule: Rule) -> Value {
    json!({
        "id": rule.id(),
        "shortDescription": {"text": rule.title()},
        "fullDescription": {"text": rule.why()},
        "help": {"text": rule.advice(), "markdown": rule.advice()},
        "defaultConfiguration": {"level": level(rule.severity())},
        "properties": {"security-severity": score(rule.severity()), "tags": ["security", "mcp"]},
    })
}

fn result(told: &Told, outcome: &Outcome) -> Value {
    let finding = &told.finding;
    let full = match &finding.tool {
        Some(tool) => format!("{}/{tool}", finding.server),
        None => finding.server.clone(),
    };
    let mut value = json!({
        "ruleId": finding.rule.id(),
        "ruleIndex": Rule::ALL.iter().position(|rule| *rule == finding.rule),
        "level": level(finding.severity),
        "message": {"text": text(&finding.message)},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri(&outcome.file), "index": 0},
                "region": {"startLine": told.position.line, "startColumn": told.position.column},
            },
            "logicalLocations": [{"fullyQualifiedName": full, "kind": "module"}],
        }],
        "partialFingerprints": {FINGERPRINT: told.fingerprint},
        "properties": {"severity": finding.severity.name()},
    });
    if let (Some(reason), Some(members)) = (&told.accepted, value.as_object_mut()) {
        let suppressions = json!([{"kind": "external", "justification": text(reason)}]);
        members.insert("suppressions".to_owned(), suppressions);
    }
    value
}

fn notifications(outcome: &Outcome) -> Vec<Value> {
    let notification =
        |level: &str, message: &str| json!({"level": level, "message": {"text": text(message)}});
    let open = outcome.findings.iter().filter(|told| told.finding.rule == Rule::UnlistedServer);
    let unlisted = open.map(|told| notification("warning", &told.finding.message));
    let level = if matches!(outcome.compared, Compared::Failed(_)) { "warning" } else { "note" };
    unlisted.chain(outcome.compared.line().map(|line| notification(level, &line))).collect()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// On the scale of CVSS, by which forges name severities.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

/// A message without what SARIF gives a meaning to: links (section 3.11.6) and placeholders (3.11.5).
fn text(message: &str) -> String {
    message.replace('[', "(").replace(']', ")").replace('{', "(").replace('}', ")")
}

/// The path as a URI reference (RFC 3986): relative paths stay relative.
fn uri(path: &str) -> String {
    let mut out = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        for (path, expected) in [
            (".mcp.json", ".mcp.json"),
            ("a b/ü.json", "a%20b/%C3%BC.json"),
            ("/etc/x:y.json", "file:///etc/x%3Ay.json"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }

    #[test]
    fn nothing_in_a_message_is_a_link_or_a_placeholder() {
        assert_eq!(text("see [x](https://evil.example) {0}"), "see (x)(https://evil.example) (0)");
    }
}
