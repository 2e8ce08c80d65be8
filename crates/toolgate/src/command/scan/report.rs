//! A judged tool as a line of JSON, and a list of them for people.

use std::io;

use serde::Serialize;
use toolgate_catalog::{Assessment, Category, Definition, Severity, classify, patterns_for};

use crate::shell::{Shell, Tone, counted, printable};

/// How many bytes of a quotation are shown to people.
const SHOWN: usize = 100;

/// A tool with its assessment.
#[derive(Debug, Serialize)]
pub(super) struct Scanned<'d> {
    #[serde(skip_serializing_if = "str::is_empty")]
    server: &'d str,
    tool: &'d str,
    #[serde(flatten)]
    assessment: Assessment,
    /// The attack patterns that it invites, by their ids.
    attacks: Vec<&'static str>,
}

impl<'d> Scanned<'d> {
    pub(super) fn new(tool: &'d Definition) -> Self {
        let assessment = classify(tool);
        let attacks = patterns_for(&assessment).iter().map(|pattern| pattern.id.as_str()).collect();
        Self { server: &tool.server, tool: &tool.name, assessment, attacks }
    }
}

/// Prints tools for people, the worst first.
pub(super) fn print(tools: &[Scanned<'_>], shell: &mut Shell) -> io::Result<()> {
    let mut order: Vec<&Scanned<'_>> = tools.iter().collect();
    order.sort_by(|a, b| {
        let rank = |tool: &Scanned<'_>| (tool.assessment.severity, tool.assessment.category);
        rank(b).cmp(&rank(a)).then_with(|| a.tool.cmp(b.tool))
    });
    for tool in order {
        print_tool(tool, shell)?;
    }
    let of = |category: Category| tools.iter().filter(|tool| tool.assessment.category == category).count();
    let classes: Vec<String> = Category::ALL
        .into_iter()
        .filter(|category| of(*category) > 0)
        .map(|category| format!("{} {}", of(category), category.name()))
        .collect();
    let classes = if classes.is_empty() { String::new() } else { format!(": {}", classes.join(", ")) };
    shell.line(format_args!("{}{classes}", counted(tools.len() as u64, "tool")))
}

fn print_tool(tool: &Scanned<'_>, shell: &mut Shell) -> io::Result<()> {
    let found = &tool.assessment;
    let tone = match found.severity {
        Severity::Low => Tone::Good,
        Severity::Medium | Severity::High => Tone::Doubtful,
        Severity::Critical => Tone::Bad,
    };
    let severity = shell.toned(tone, &format!("{:<8}", found.severity.name()));
    let name = shell.toned(Tone::Strong, &printable(tool.tool));
    shell.line(format_args!("{severity} {:<11} {name}", found.category.name()))?;
    shell.line(format_args!("         {} (confidence {:.2})", printable(&found.reason), found.confidence))?;
    if let Some(why) = &found.severity_reason {
        shell.line(format_args!("         {} because {}", found.severity.name(), printable(why)))?;
    }
    for evidence in &found.evidence {
        shell.line(format_args!(
            "         \"{}\" at {}",
            shortened(&evidence.quote),
            printable(&evidence.at)
        ))?;
    }
    for text in &found.suspicious {
        let quote = shortened(&text.evidence.quote);
        let mark = shell.toned(Tone::Bad, "suspicious");
        shell.line(format_args!("         {mark}: \"{quote}\" at {}", printable(&text.evidence.at)))?;
    }
    Ok(())
}

fn shortened(quote: &str) -> String {
    let mut shown = printable(quote);
    if let Some((at, _)) = shown.char_indices().nth(SHOWN) {
        shown.truncate(at);
        shown.push('…');
    }
    shown
}
