//! A page as Markdown, in which nothing that a server wrote is markup.

use super::{Block, Page, printable};

/// The page.
pub(super) fn render(page: &Page) -> String {
    let mut out = format!(
        "# {}\n\n**{}** · **{} risk** · {}\n",
        escaped(&printable(&page.tool)),
        page.category.name(),
        page.severity.name(),
        escaped(&printable(&page.server))
    );
    for section in &page.sections {
        out.push_str(&format!("\n## {}\n\n", escaped(&section.heading)));
        let mut steps = 0;
        for block in &section.blocks {
            if let Block::Step(_) = block {
                steps += 1;
            }
            out.push_str(&block_text(block, steps));
        }
    }
    out
}

fn block_text(block: &Block, step: usize) -> String {
    match block {
        Block::Paragraph(text) => format!("{}\n\n", escaped(text)),
        Block::Quote(evidence) => {
            format!(
                "> {}\n>\n> at {}\n\n",
                escaped(&printable(&evidence.quote)),
                code(&printable(&evidence.at))
            )
        }
        Block::Point(name, text) => format!("- **{}**: {}\n", escaped(name), escaped(text)),
        Block::Step(text) => format!("{step}. {}\n", escaped(text)),
        Block::Json(text) => {
            let fence = fence(text, 3);
            format!("{fence}json\n{text}\n{fence}\n\n")
        }
        Block::Question(question, answer) => format!("### {}\n\n{}\n\n", escaped(question), escaped(answer)),
    }
}

/// The text with every mark of Markdown and HTML escaped. What stands between backticks in our own sentences
/// is shown with them.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '!' | '~' | '$' => {
                out.extend(['\\', c])
            }
            c => out.push(c),
        }
    }
    out
}

/// The text as code, whatever backticks it has.
fn code(text: &str) -> String {
    let mark = fence(text, 1);
    if mark.len() == 1 { format!("`{text}`") } else { format!("{mark} {text} {mark}") }
}

/// A run of backticks, longer than any in the text.
fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(least.max(longest + 1))
}
