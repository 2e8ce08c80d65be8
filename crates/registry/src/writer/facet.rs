//! Words that no text holds: what a search can be narrowed by, put into the index beside the texts' words, so that the
//! index alone answers a narrowed search.

use toolgate_catalog::{Category, Label, Severity};

use crate::entry::{Stored, Transport, Transports};
use crate::words;

/// All such words begin so; a text's own word that does is as unlikely as it is harmless, for questions about facets
/// look at their column alone.
const MARK: &str = "zq";

/// A word that a search can ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Facet {
    Category(Category),
    Severity(Severity),
    Label(Label),
    Server(i64),
    Transport(Transport),
}

impl Facet {
    /// The word.
    pub(crate) fn word(self) -> String {
        match self {
            Self::Category(category) => format!("{MARK}c{}", category.name()),
            Self::Severity(severity) => format!("{MARK}s{}", severity.name()),
            Self::Label(label) => format!("{MARK}l{}", words::joined(label.name())),
            Self::Server(id) => format!("{MARK}v{id}"),
            Self::Transport(transport) => format!("{MARK}t{}", words::joined(transport.name())),
        }
    }
}

/// The word for a whole name.
pub(crate) fn of_name(name: &str) -> String {
    format!("{MARK}n{}", words::joined(name))
}

/// The word for a whole name that a question's words may spell.
pub(crate) fn of_question(question: &[words::Word]) -> String {
    let whole: String = question.iter().map(|word| word.text.as_str()).collect();
    of_name(&whole)
}

/// The words of a tool.
pub(crate) fn of_tool(name: &str, verdict: &Stored, (server, transports): (i64, Transports)) -> String {
    let fixed = [Facet::Category(verdict.category), Facet::Severity(verdict.severity), Facet::Server(server)];
    let labels = verdict.labels.iter().map(|label| Facet::Label(*label));
    let all = fixed.into_iter().chain(labels).chain(transports.iter().map(Facet::Transport));
    all.fold(of_name(name), |text, facet| text + " " + &facet.word())
}

/// The words of a server.
pub(crate) fn of_server(name: &str, transports: Transports) -> String {
    let last = name.rsplit('/').next().unwrap_or_default();
    let names = format!("{} {}", of_name(name), of_name(last));
    transports.iter().map(Facet::Transport).fold(names, |text, facet| text + " " + &facet.word())
}
