//! The report for people.

use std::fmt::Write as _;

use toolgate_catalog::Severity;

use super::outcome::Outcome;
use crate::shell::{Shell, Tone, printable};

/// The report; without colours where it goes `to_file`.
pub(super) fn render(outcome: &Outcome, shell: &Shell, to_file: bool) -> String {
    let toned = |tone, text: &str| if to_file { text.to_owned() } else { shell.toned(tone, text) };
    let mut out = String::new();
    for told in &outcome.findings {
        let tone = match told.finding.severity {
            Severity::Low => Tone::Good,
            Severity::Medium => Tone::Doubtful,
            Severity::High | Severity::Critical => Tone::Bad,
        };
        let severity = toned(tone, told.finding.severity.name());
        let rule = told.finding.rule;
        // Writing to a string does not fail.
        let written = writeln!(
            out,
            "{}:{}: {severity}: {} [{}]\n  {}\n  {} {}",
            printable(&outcome.file),
            told.position,
            printable(&told.finding.message),
            rule.id(),
            rule.why(),
            rule.advice(),
            match &told.accepted {
                Some(reason) => format!("(accepted: {})", printable(reason)),
                None => format!("({})", told.fingerprint),
            }
        );
        debug_assert!(written.is_ok());
    }
    if let Some(line) = outcome.compared.line() {
        out.push_str(&line);
        out.push('\n');
    }
    let tone = if outcome.failing() > 0 { Tone::Bad } else { Tone::Good };
    out.push_str(&toned(tone, &outcome.summary()));
    out.push('\n');
    out
}
