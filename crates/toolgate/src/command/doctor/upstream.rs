//! The servers: whether each answers, what it speaks, and whether schemas and policies fit its tools.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toolgate_gateway::settings::{ServerSettings, Settings};
use toolgate_gateway::{ProbeReport, probe};
use toolgate_policy::{Located, Place, nearest};

use super::{Check, State};
use crate::config::format_of;
use crate::shell::counted;

/// How long one server may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn look(
    settings: &Settings,
    policies: &[(String, PathBuf)],
    environment: &[(String, String)],
    checks: &mut Vec<Check>,
) {
    for server in &settings.servers {
        // Boxed: the probe holds both eras' connections.
        let probed = tokio::time::timeout(PATIENCE, Box::pin(probe(settings, server, environment))).await;
        let subject = format!("server `{}`", server.name);
        match probed.unwrap_or_else(|_| Err(format!("no answer within {} seconds", PATIENCE.as_secs()))) {
            Ok(report) => {
                checks.push(Check::fine(subject.as_str(), summary(&report)));
                checks.extend(schemas(&subject, &report));
                checks.extend(names(&subject, (settings, server), policies, &report));
            }
            Err(error) => checks.push(Check::new(subject, State::Unreachable, error).with_advice(format!(
                "start it, or mend its entry; `toolgate logs {}` may tell more",
                server.name
            ))),
        }
    }
}

fn summary(report: &ProbeReport) -> String {
    let speaks = report.speaks.join(" and ");
    format!(
        "speaks {speaks}, offers {}; {} ms",
        counted(report.tools.len() as u64, "tool"),
        report.elapsed.as_millis()
    )
}

/// Tools whose arguments cannot be checked.
fn schemas(subject: &str, report: &ProbeReport) -> impl Iterator<Item = Check> {
    report.tools.iter().filter_map(move |tool| {
        let error = tool.schema_error.as_ref()?;
        let found = format!(
            "the schema of `{}` cannot be used, so its calls are denied as `(arguments)`: {error}",
            tool.name
        );
        let advice =
            "set `arguments` to `off` or to a schema of your own for this tool, if you trust it without";
        Some(Check::new(subject, State::Doubtful, found).with_advice(advice))
    })
}

/// Names in policies that the server does not have.
fn names(
    subject: &str,
    (settings, server): (&Settings, &ServerSettings),
    policies: &[(String, PathBuf)],
    report: &ProbeReport,
) -> Vec<Check> {
    let bindings = settings.grants.iter().flat_map(|grant| &grant.servers);
    let used: BTreeSet<&str> =
        bindings.filter(|(name, _)| *name == server.name).map(|(_, policy)| policy.as_str()).collect();
    let mut checks = Vec::new();
    for (policy, path) in policies.iter().filter(|(policy, _)| used.contains(policy.as_str())) {
        for name in named_tools(path) {
            if report.tools.iter().any(|tool| tool.name == name) {
                continue;
            }
            let found = format!("the policy `{policy}` names `{name}`, which the server does not have");
            let advice = match nearest(&name, report.tools.iter().map(|tool| tool.name.as_str())) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "remove the entry, or look for its new name".to_owned(),
            };
            checks.push(Check::new(subject, State::Doubtful, found).with_advice(advice));
        }
    }
    checks
}

/// The exact names of a policy's tools; globs may match anything. Its mistakes were told before.
fn named_tools(path: &Path) -> Vec<String> {
    let Ok(text) = std::fs::read_to_string(path) else { return Vec::new() };
    let Ok(tree) = Located::read(&text, format_of(path, &text)) else { return Vec::new() };
    let names = tree.root().get("tools").into_iter().flat_map(Place::members).filter_map(Place::name);
    names.filter(|name| !name.contains(['*', '?'])).map(str::to_owned).collect()
}
