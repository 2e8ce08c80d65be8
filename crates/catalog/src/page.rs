//! A tool's page: what it is, what an agent can do with it, how risky that is and why, which attacks it
//! invites, the policy to put on it, how to set that up, and answers to what people ask.

mod markdown;
mod sentences;
mod text;

use serde::{Serialize, Serializer};

use crate::assessment::{Category, Evidence, Severity, Verdict};
use crate::definition::Definition;
use crate::pattern::{Pattern, patterns_for};
use crate::recommend::{Document, Preset, Rated, RecommendError, Recommendation, recommend};

/// What a page says about the tool's surroundings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The server's name for people.
    pub server: String,
    /// Where the server comes from, such as `owner/repository`.
    pub package: Option<String>,
    /// How many tools of the server are classified.
    pub tools_of_server: usize,
    /// How many servers the catalogue knows; absent where there is no catalogue.
    pub servers_known: Option<u64>,
}

/// A tool's page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Page {
    /// The tool's name.
    pub tool: String,
    /// The server's name.
    pub server: String,
    /// What a call can do.
    pub category: Category,
    /// How bad that is.
    pub severity: Severity,
    /// The recommended policy.
    pub policy: Document,
    /// What stands on the page, in order.
    pub sections: Vec<Section>,
}

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// What it is about.
    pub topic: Topic,
    /// Its heading.
    pub heading: String,
    /// What it says, in order.
    pub blocks: Vec<Block>,
}

/// What a section is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// What its server says that it does.
    Summary,
    /// What an agent can do with it.
    Abilities,
    /// How risky it is, and why.
    Risk,
    /// The words of the definition that this rests on.
    Evidence,
    /// Which attacks it invites.
    Attacks,
    /// The policy to put on it.
    Policy,
    /// How to put it there.
    Setup,
    /// What people ask.
    Questions,
    /// The server that it belongs to.
    Server,
}

/// A piece of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A sentence or more.
    Paragraph(String),
    /// Words of the definition.
    Quote(Evidence),
    /// A point of a list: its name, and what is said of it.
    Point(String, String),
    /// A step of a guide.
    Step(String),
    /// A document in JSON.
    Json(String),
    /// A question and its answer.
    Question(String, String),
}

impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members: Vec<(&str, &str)> = match self {
            Self::Paragraph(text) => vec![("paragraph", text)],
            Self::Quote(evidence) => vec![("quote", &evidence.quote), ("at", &evidence.at)],
            Self::Point(name, text) => vec![("point", name), ("text", text)],
            Self::Step(text) => vec![("step", text)],
            Self::Json(text) => vec![("json", text)],
            Self::Question(question, answer) => vec![("question", question), ("answer", answer)],
        };
        serializer.collect_map(members)
    }
}

impl Page {
    /// Writes the page of a tool.
    ///
    /// # Errors
    ///
    /// No policy can be recommended for it.
    pub fn write(
        tool: &Definition,
        verdict: &Verdict,
        around: &Surroundings,
    ) -> Result<Self, RecommendError> {
        let recommended = recommend(&[Rated::new(&tool.name, verdict)], Preset::Recommended)?;
        let attacks = patterns_for(&verdict.machine);
        let facts = Facts { tool, verdict, around, recommended: &recommended, attacks: &attacks };
        Ok(Self {
            tool: tool.name.clone(),
            server: around.server.clone(),
            category: verdict.category(),
            severity: verdict.severity(),
            sections: sentences::sections(&facts),
            policy: recommended.policy,
        })
    }

    /// The section on a topic.
    #[must_use]
    pub fn section(&self, topic: Topic) -> Option<&Section> {
        self.sections.iter().find(|section| section.topic == topic)
    }

    /// The page as plain text. Control characters of the definition are written out.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::render(self)
    }

    /// The page as Markdown. Marks in the definition's words are escaped.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        markdown::render(self)
    }
}

/// What the sentences are made from.
struct Facts<'a> {
    tool: &'a Definition,
    verdict: &'a Verdict,
    around: &'a Surroundings,
    recommended: &'a Recommendation,
    attacks: &'a [&'static Pattern],
}

/// The text on one line, with control and invisible characters written out.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e01ef}') =>
            {
                out.extend(c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
