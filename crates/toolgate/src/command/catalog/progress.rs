//! A bar on the terminal while an import runs; nothing where standard error is no terminal.

use std::io::{self, IsTerminal as _, Write as _};

/// Columns of the bar.
const WIDTH: u64 = 24;

/// The line that the bar is on.
pub(super) struct Progress {
    shown: bool,
}

impl Progress {
    /// A bar, if standard error is a terminal and nobody asked for less.
    pub(super) fn new() -> Self {
        Self { shown: io::stderr().is_terminal() }
    }

    /// Shows how far it is: `done` of `length` (0 where that is not known), and what came of it.
    pub(super) fn show(&self, (done, length): (u64, u64), text: &str) {
        if !self.shown {
            return;
        }
        let bar = bar(done, length);
        // A bar that cannot be drawn keeps nothing from being imported.
        write!(io::stderr(), "\r\u{1b}[2K{bar}{text}")
            .and_then(|()| io::stderr().flush())
            .unwrap_or_default();
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if self.shown {
            write!(io::stderr(), "\r\u{1b}[2K").and_then(|()| io::stderr().flush()).unwrap_or_default();
        }
    }
}

/// `[######------] 50 %  `; nothing where the length is not known.
fn bar(done: u64, length: u64) -> String {
    if length == 0 {
        return String::new();
    }
    let done = done.min(length);
    let share =
        |of: u64| usize::try_from(u128::from(done) * u128::from(of) / u128::from(length)).unwrap_or(0);
    let full = share(WIDTH);
    let rest = usize::try_from(WIDTH).unwrap_or(0).saturating_sub(full);
    format!("[{}{}] {:>3} %  ", "#".repeat(full), "-".repeat(rest), share(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills() {
        assert_eq!(bar(0, 0), "");
        assert_eq!(bar(0, 10), "[------------------------]   0 %  ");
        assert_eq!(bar(5, 10), "[############------------]  50 %  ");
        assert_eq!(bar(u64::MAX, u64::MAX), "[########################] 100 %  ");
    }
}
