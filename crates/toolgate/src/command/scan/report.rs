//! A judged tool as a line of JSON, and a list of them for people.

use std::io;

use serde::Serialize;
use toolgate_catalog::{
    Assessment, Category, Definition, Severity, Tokenizer, classify, context_share, patterns_for,
};

use crate::answer::Failure;
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
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    size: Option<Size>,
}

/// How much of a model's context a definition takes.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Size {
    /// Tokens by `o200k_base`.
    tokens: u64,
    /// The part of the context window, from 0 to 1.
    context_share: f64,
}

/// Counts definitions against a context window.
#[derive(Debug)]
pub(super) struct Scale {
    tokenizer: Tokenizer,
    /// Tokens of the context window.
    window: u64,
}

impl Scale {
    pub(super) fn new(window: u64) -> Result<Self, Failure> {
        Ok(Self { tokenizer: Tokenizer::load()?, window })
    }

    fn size(&self, tool: &Definition) -> Size {
        Size::new(self.tokenizer.count_definition(tool), self.window)
    }
}

impl Size {
    pub(crate) fn new(tokens: u64, window: u64) -> Self {
        Self { tokens, context_share: context_share(tokens, window) }
    }

    /// In words: `345 tokens, 0.17 % of the context`.
    pub(crate) fn words(self) -> String {
        format!("{}, {:.2} % of the context", counted(self.tokens, "token"), self.context_share * 100.0)
    }
}

impl<'d> Scanned<'d> {
    /// Judges a tool, and counts its tokens where there is a scale.
    pub(super) fn new(tool: &'d Definition, scale: Option<&Scale>) -> Self {
        let assessment = classify(tool);
        let attacks = patterns_for(&assessment).iter().map(|pattern| pattern.id.as_str()).collect();
        let size = scale.map(|scale| scale.size(tool));
        Self { server: &tool.server, tool: &tool.name, assessment, attacks, size }
    }
}

/// Prints tools for people, the worst first.
pub(super) fn print(tools: &[Scanned<'_>], window: u64, shell: &mut Shell) -> io::Result<()> {
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
    let tokens = tools.iter().filter_map(|tool| tool.size).map(|size| size.tokens).sum();
    let size = Size::new(tokens, window).words();
    shell.line(format_args!("{}{classes}; {size} of {window}", counted(tools.len() as u64, "tool")))
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
    if let Some(size) = tool.size {
        shell.line(format_args!("         {}", size.words()))?;
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
