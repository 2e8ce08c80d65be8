//! How somebody looks at the picture: which part is chosen, how far each is scrolled, whether help is open.

use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use crate::shell::Colours;

/// Most rows that a part is scrolled by.
const FARTHEST: usize = 10_000;

/// A part of the screen that can be scrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The servers.
    Servers,
    /// The limits.
    Limits,
    /// The last events.
    Events,
}

impl Part {
    fn next(self) -> Self {
        match self {
            Self::Servers => Self::Limits,
            Self::Limits => Self::Events,
            Self::Events => Self::Servers,
        }
    }
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// To go on.
    Stay,
    /// To end.
    End,
}

/// How somebody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Whether colours are shown.
    pub(super) colours: Colours,
    /// The chosen part.
    pub(super) part: Part,
    /// Whether help is open.
    pub(super) help: bool,
    servers: usize,
    limits: usize,
    events: usize,
}

impl Look {
    /// From the start.
    pub(super) fn new(colours: Colours) -> Self {
        Self { colours, part: Part::Servers, help: false, servers: 0, limits: 0, events: 0 }
    }

    /// How many rows of a part are above its first; it never scrolls beyond the last of `rows`.
    pub(super) fn above(&self, part: Part, rows: usize) -> usize {
        let scrolled = match part {
            Part::Servers => self.servers,
            Part::Limits => self.limits,
            Part::Events => self.events,
        };
        scrolled.min(rows.saturating_sub(1))
    }

    /// Takes a key.
    pub(super) fn press(&mut self, key: KeyCode, modifiers: KeyModifiers) -> Wish {
        match key {
            KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => return Wish::End,
            KeyCode::Esc if self.help => self.help = false,
            KeyCode::Char('q') | KeyCode::Esc => return Wish::End,
            KeyCode::Char('?' | 'h') => self.help = !self.help,
            KeyCode::Tab | KeyCode::Right => self.part = self.part.next(),
            KeyCode::BackTab | KeyCode::Left => self.part = self.part.next().next(),
            KeyCode::Down => self.scroll(|rows| rows.saturating_add(1)),
            KeyCode::Up => self.scroll(|rows| rows.saturating_sub(1)),
            KeyCode::PageDown => self.scroll(|rows| rows.saturating_add(10)),
            KeyCode::PageUp => self.scroll(|rows| rows.saturating_sub(10)),
            KeyCode::Home => self.scroll(|_| 0),
            _ => {}
        }
        Wish::Stay
    }

    fn scroll(&mut self, to: impl Fn(usize) -> usize) {
        let rows = match self.part {
            Part::Servers => &mut self.servers,
            Part::Limits => &mut self.limits,
            Part::Events => &mut self.events,
        };
        *rows = to(*rows).min(FARTHEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_choose_scroll_help_and_end() {
        let mut look = Look::new(Colours::Off);
        let press = |look: &mut Look, key| look.press(key, KeyModifiers::NONE);
        assert_eq!(press(&mut look, KeyCode::Tab), Wish::Stay);
        assert_eq!(look.part, Part::Limits);
        press(&mut look, KeyCode::Left);
        press(&mut look, KeyCode::BackTab);
        assert_eq!(look.part, Part::Events);
        press(&mut look, KeyCode::PageDown);
        press(&mut look, KeyCode::Up);
        assert_eq!((look.above(Part::Events, 100), look.above(Part::Events, 3)), (9, 2));
        assert_eq!((look.above(Part::Events, 0), look.above(Part::Limits, 100)), (0, 0));
        press(&mut look, KeyCode::Char('?'));
        assert!(look.help);
        assert_eq!(press(&mut look, KeyCode::Esc), Wish::Stay, "it closes the help first");
        assert_eq!(press(&mut look, KeyCode::Char('q')), Wish::End);
        assert_eq!(look.press(KeyCode::Char('c'), KeyModifiers::CONTROL), Wish::End);
        assert_eq!(press(&mut look, KeyCode::Char('c')), Wish::Stay);
    }
}
