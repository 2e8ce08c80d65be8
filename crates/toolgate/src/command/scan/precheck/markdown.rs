//! The report as a comment on a pull request. Everything from elsewhere stands in code spans, where neither
//! HTML nor links nor mentions mean anything.

use std::collections::BTreeSet;

use toolgate_catalog::precheck::quoted;

use super::outcome::{Looked, Outcome, Told};

/// How many findings are shown: a comment has an end.
const SHOWN: usize = 150;

/// The report.
pub(super) fn render(outcome: &Outcome) -> String {
    let mut out = format!("### Precheck of {}\n\n{}\n", cell(&quoted(&outcome.file)), outcome.summary());
    if let Some(line) = outcome.compared.line() {
        out.push_str(&format!("\n{line}\n"));
    }
    let unlisted: Vec<String> = outcome
        .servers
        .iter()
        .filter(|(_, looked)| *looked == Looked::Failed)
        .map(|(name, _)| quoted(name))
        .collect();
    if !unlisted.is_empty() {
        out.push_str(&format!("\nNot listed: {}\n", unlisted.join(", ")));
    }
    let open: Vec<&Told> = outcome.open().collect();
    if open.is_empty() {
        return out;
    }
    out.push_str("\n| severity | what | where | rule |\n|---|---|---|---|\n");
    for told in open.iter().take(SHOWN) {
        out.push_str(&format!(
            "| {} | {} | line {} | `{}` |\n",
            told.finding.severity.name(),
            cell(&told.finding.message),
            told.position.line,
            told.finding.rule.id()
        ));
    }
    if open.len() > SHOWN {
        out.push_str(&format!("\nand {} more\n", open.len() - SHOWN));
    }
    out.push_str("\n**What to do**\n\n");
    let rules: BTreeSet<_> = open.iter().map(|told| told.finding.rule).collect();
    for rule in rules {
        out.push_str(&format!("- `{}`: {} {}\n", rule.id(), rule.why(), rule.advice()));
    }
    out
}

/// A message in a cell: a bar would end the cell, also within code, and a backslash before one would not
/// help everywhere; so a bar that looks almost the same stands for it.
fn cell(message: &str) -> String {
    message.replace('|', "¦")
}
