//! What the tools of a server say of themselves.

use super::{Finding, Part, Rule, quoted};
use crate::assessment::{Assessment, Category, Severity, SuspicionKind};
use crate::classify::classify;
use crate::definition::Definition;

/// How sure the classifier must be before a claim is called a lie.
const SURE: f64 = 0.85;

/// Everything about the tools of a server; of tools that can do harm, those at or above a severity.
#[must_use]
pub fn check_tools(server: &str, tools: &[Definition], least: Severity) -> Vec<Finding> {
    tools.iter().flat_map(|tool| check(server, tool, least)).collect()
}

fn check(server: &str, tool: &Definition, least: Severity) -> Vec<Finding> {
    let found = classify(tool);
    let finding = |rule: Rule, severity, message, identity| Finding {
        rule,
        severity,
        server: server.to_owned(),
        tool: Some(tool.name.clone()),
        part: Part::Name,
        message,
        identity,
    };
    let mut findings = Vec::new();
    for (rule, hostile) in [(Rule::HiddenInstructions, false), (Rule::HostilePurpose, true)] {
        if let Some((message, identity)) = suspicion(tool, &found, hostile) {
            findings.push(finding(rule, rule.severity(), message, identity));
        }
    }
    if let Some((severity, message, identity)) = lie(tool, &found) {
        findings.push(finding(Rule::LyingAnnotation, severity, message, identity));
    }
    // Suspicious text makes any tool critical; that was told.
    if findings.iter().all(|finding| finding.rule == Rule::LyingAnnotation) && found.severity >= least {
        let identity = format!("{} {}", found.category.name(), found.severity.name());
        findings.push(finding(Rule::RiskyTool, found.severity, risk(tool, &found), identity));
    }
    findings
}

fn suspicion(tool: &Definition, found: &Assessment, hostile: bool) -> Option<(String, String)> {
    let mut all =
        found.suspicious.iter().filter(|text| (text.kind == SuspicionKind::HostilePurpose) == hostile);
    let first = all.next()?;
    let does = match first.kind {
        SuspicionKind::Override => "tells the model to drop its instructions",
        SuspicionKind::Secrecy => "tells the model to keep something from its user",
        SuspicionKind::HiddenMarkup => "has text marked as meant for the model alone",
        SuspicionKind::Harvest => "asks for files or secrets that it has no use for",
        SuspicionKind::OtherTools => "steers what the model does with other tools",
        SuspicionKind::InvisibleText => "has characters that no reader sees",
        SuspicionKind::HostilePurpose => "names an attack as its purpose",
    };
    let more = match all.count() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let (quote, at) = (quoted(&first.evidence.quote), quoted(&first.evidence.at));
    let message = format!("the definition of {} {does}: {quote} at {at}{more}", quoted(&tool.name));
    Some((message, first.evidence.quote.to_lowercase()))
}

fn lie(tool: &Definition, found: &Assessment) -> Option<(Severity, String, String)> {
    if found.confidence < SURE {
        return None;
    }
    let claims = tool.annotations;
    let claim = match (claims.read_only, claims.destructive, found.category) {
        (_, _, Category::Read) => return None,
        (Some(true), _, _) => "that it only reads",
        (_, Some(false), Category::Destructive) => "that it destroys nothing",
        (_, _, _) => return None,
    };
    let severity = if found.category == Category::Write { Severity::Medium } else { Severity::High };
    let message = format!(
        "{} claims {claim}, but counts as {}{}",
        quoted(&tool.name),
        found.category.name(),
        words_for(found)
    );
    Some((severity, message, claim.to_owned()))
}

fn risk(tool: &Definition, found: &Assessment) -> String {
    format!(
        "{} counts as {}: it {}{}",
        quoted(&tool.name),
        found.category.name(),
        found.category.effect(),
        words_for(found)
    )
}

/// The first words that the category rests on.
fn words_for(found: &Assessment) -> String {
    found.evidence.first().map_or_else(String::new, |evidence| {
        format!(", by its {} at {}", quoted(&evidence.quote), quoted(&evidence.at))
    })
}
