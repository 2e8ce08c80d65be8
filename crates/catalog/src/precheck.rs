//! What is wrong with the servers that a client's config names: what is written there, and what their tools
//! say of themselves. Reading the file, asking the servers and printing are others' business.
//!
//! Each finding's message has what comes from elsewhere in backticks and nowhere else, with nothing in it
//! that a terminal or a renderer would act on.

mod entry;
mod listed;
mod rule;
mod tools;

use crate::assessment::Severity;

pub use entry::{Part, ServerEntry, Way, check_entries};
pub use listed::{Catalogued, Comparison, Listed, Status};
pub use rule::Rule;
pub use tools::check_tools;

/// Something to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was broken.
    pub rule: Rule,
    /// How bad that is.
    pub severity: Severity,
    /// The server, as the config names it.
    pub server: String,
    /// The tool, where it is one.
    pub tool: Option<String>,
    /// Which part of the server's entry shows it.
    pub part: Part,
    /// What was found, as a sentence without a full stop.
    pub message: String,
    /// What makes this finding the same one at the next run, beside rule, server and tool; never a secret.
    pub identity: String,
}

impl Finding {
    /// A server that could not be asked for its tools, and why.
    #[must_use]
    pub fn unlisted(server: &str, why: &str) -> Self {
        Self {
            rule: Rule::UnlistedServer,
            severity: Rule::UnlistedServer.severity(),
            server: server.to_owned(),
            tool: None,
            part: Part::Name,
            message: format!("the tools of {} are not known: {}", quoted(server), quoted(why)),
            identity: String::new(),
        }
    }
}

/// How much of a text from elsewhere is shown, in characters.
const SHOWN: usize = 160;

/// A text from elsewhere, in backticks: shortened, with everything escaped that no reader sees.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::from("`");
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN {
            out.push('…');
            break;
        }
        match c {
            '`' => out.push('\''),
            c if is_unseen(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    // A code span must hold something.
    if out.len() == 1 {
        out.push(' ');
    }
    out.push('`');
    out
}

/// Characters that steer what shows a text, or that nobody sees there.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests;
