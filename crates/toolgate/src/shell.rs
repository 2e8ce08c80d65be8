//! What a command gets from the shell that runs it: environment, standard streams, colours, the time.
//! Everything that the program prints goes through here.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::environment::Environment;

/// The surroundings of one command.
pub(crate) struct Shell {
    /// The variables of the process.
    pub(crate) environment: Environment,
    /// What the command was asked for: for people, or for the next program.
    pub(crate) out: Box<dyn Write + Send>,
    /// Warnings, progress and errors.
    pub(crate) err: Box<dyn Write + Send>,
    /// Whether `out` may carry colours.
    pub(crate) colours: Colours,
}

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    /// On a terminal, unless `NO_COLOR` is set (no-color.org).
    On,
    /// Everywhere else.
    Off,
}

/// What a text stands out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something is wrong.
    Bad,
    /// Something may be wrong.
    Doubtful,
    /// Something is right.
    Good,
    /// A name to be found quickly.
    Strong,
}

impl Shell {
    /// The shell that this process runs in.
    pub(crate) fn of_process() -> Self {
        let environment = Environment::of_process();
        let plain = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = if io::stdout().is_terminal() && !plain { Colours::On } else { Colours::Off };
        Self { environment, out: Box::new(io::stdout()), err: Box::new(io::stderr()), colours }
    }

    /// A second hold on the same shell, for another thread.
    pub(crate) fn another(&self) -> Self {
        let environment = self.environment.clone();
        Self { environment, out: Box::new(io::stdout()), err: Box::new(io::stderr()), colours: self.colours }
    }

    /// Prints a line of the answer.
    pub(crate) fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Prints a line beside the answer.
    pub(crate) fn note(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.err, "{text}")
    }

    /// Prints a value as one line of JSON.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        writeln!(self.out)
    }

    /// The text in a tone, where colours are on.
    pub(crate) fn toned(&self, tone: Tone, text: &str) -> String {
        let code = match (self.colours, tone) {
            (Colours::Off, _) => return text.to_owned(),
            (Colours::On, Tone::Bad) => "1;31",
            (Colours::On, Tone::Doubtful) => "1;33",
            (Colours::On, Tone::Good) => "32",
            (Colours::On, Tone::Strong) => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Microseconds since 1970, by the system's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the commands' one look at the clock; what they call takes times"
)]
pub(crate) fn now_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The text with control characters escaped, so that nothing read from elsewhere can steer a terminal or
/// forge a line.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// `no files`, `1 file`, `2 files`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\r\n\u{202e}ü"), "a\\u{1b}[2Jb\\u{d}\\u{a}\\u{202e}ü");
    }
}
