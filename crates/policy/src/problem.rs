//! What is wrong with a file: where, what, and what to do about it.

use std::fmt::Write as _;

use toolgate_json::Position;

use crate::located::Place;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file is used, but probably does not say what its author meant.
    Warning,
    /// The file is refused.
    Error,
}

impl Severity {
    /// The word that messages use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// One finding about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether the file can be used all the same.
    pub severity: Severity,
    /// Line and column, where the finding has a place in the text.
    pub position: Option<Position>,
    /// JSON pointer (RFC 6901) of the member it is about; empty for the whole document.
    pub pointer: String,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
}

impl Problem {
    /// The finding as one line for people, `file:line:column: error: message (at /pointer); help`.
    /// Control characters are escaped, so that no text of a file can forge a line.
    #[must_use]
    pub fn render(&self, file: &str) -> String {
        let mut line = String::from(file);
        if let Some(position) = self.position {
            push(&mut line, format_args!(":{position}"));
        }
        push(&mut line, format_args!(": {}: {}", self.severity.name(), self.message));
        if !self.pointer.is_empty() {
            push(&mut line, format_args!(" (at {})", self.pointer));
        }
        if let Some(help) = &self.help {
            push(&mut line, format_args!("; {help}"));
        }
        line.chars().flat_map(one_line).collect()
    }
}

/// Writing to a string cannot fail.
fn push(line: &mut String, text: std::fmt::Arguments<'_>) {
    line.write_fmt(text).unwrap_or_default();
}

fn one_line(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let plain = if c.is_control() { None } else { Some(c) };
    escaped.into_iter().flatten().chain(plain)
}

/// The findings about one file, in the order in which they were met.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
    left_out: usize,
}

/// More findings than this are counted, not kept: nobody reads them, and a file could hold a million.
const KEPT: usize = 200;

impl Problems {
    /// No findings yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an error about the value at `place`.
    pub fn error(&mut self, place: Place<'_>, message: impl Into<String>) {
        self.add(Severity::Error, place, message.into(), None);
    }

    /// Adds an error with advice.
    pub fn error_with_help(&mut self, place: Place<'_>, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Error, place, message.into(), Some(help.into()));
    }

    /// Adds a warning about the value at `place`.
    pub fn warning(&mut self, place: Place<'_>, message: impl Into<String>) {
        self.add(Severity::Warning, place, message.into(), None);
    }

    /// Adds an error about the name of the member at `place`.
    pub fn name_error(&mut self, place: Place<'_>, message: String, help: Option<String>) {
        let position = Some(place.name_position());
        self.push(Problem { severity: Severity::Error, position, pointer: place.pointer(), message, help });
    }

    /// Whether an error was added.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|p| p.severity == Severity::Error)
    }

    /// How many findings there are, those beyond the kept ones included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.list.len() + self.left_out
    }

    /// The findings by their place in the text, and last how many more there were.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut list = self.list;
        list.sort_by_key(|p| p.position);
        if self.left_out > 0 {
            list.push(Problem {
                severity: Severity::Error,
                position: None,
                pointer: String::new(),
                message: format!("{} more problems are not shown", self.left_out),
                help: None,
            });
        }
        list
    }

    fn add(&mut self, severity: Severity, place: Place<'_>, message: String, help: Option<String>) {
        let position = Some(place.position());
        self.push(Problem { severity, position, pointer: place.pointer(), message, help });
    }

    /// Keeps a bounded number; an error takes the place of a warning, so that no error is lost to them.
    fn push(&mut self, problem: Problem) {
        if self.list.len() < KEPT {
            self.list.push(problem);
            return;
        }
        self.left_out += 1;
        if problem.severity == Severity::Error && !self.has_errors() {
            self.list.pop();
            self.list.push(problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_one_line() {
        let problem = Problem {
            severity: Severity::Error,
            position: Some(Position { line: 3, column: 7 }),
            pointer: "/tools/a\nb".into(),
            message: "unknown field `x`".into(),
            help: Some("did you mean `y`?".into()),
        };
        assert_eq!(
            problem.render("p.json"),
            "p.json:3:7: error: unknown field `x` (at /tools/a\\nb); did you mean `y`?"
        );
    }
}
