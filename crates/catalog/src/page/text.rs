//! A page as plain text.

use super::{Block, Page, printable};

/// The page, with lines as long as its sentences.
pub(super) fn render(page: &Page) -> String {
    let mut out = format!(
        "{}\n{} · {} risk · {}\n",
        printable(&page.tool),
        page.category.name(),
        page.severity.name(),
        printable(&page.server)
    );
    for section in &page.sections {
        out.push_str(&format!("\n{}\n", section.heading));
        for block in &section.blocks {
            out.push_str(&block_text(block));
        }
    }
    out
}

fn block_text(block: &Block) -> String {
    match block {
        Block::Paragraph(text) => format!("  {text}\n"),
        Block::Quote(evidence) => {
            format!("  \"{}\" at {}\n", printable(&evidence.quote), printable(&evidence.at))
        }
        Block::Point(name, text) => format!("  - {name}: {text}\n"),
        Block::Step(text) => format!("  > {text}\n"),
        Block::Json(text) => text.lines().map(|line| format!("    {line}\n")).collect(),
        Block::Question(question, answer) => format!("  {question}\n    {answer}\n"),
    }
}
