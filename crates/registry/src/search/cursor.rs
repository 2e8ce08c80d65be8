//! Where a search goes on: the kind of hit, the entry behind which a window begins, and the place in it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::WINDOW;

/// A place in a list of hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) tier: usize,
    pub(crate) after: i64,
    pub(crate) offset: usize,
}

impl Cursor {
    /// The cursor of a text; none if it is no cursor.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let mut parts = text.split('.');
        let cursor = Self {
            tier: parts.next()?.parse().ok()?,
            after: parts.next()?.parse().ok()?,
            offset: parts.next()?.parse().ok()?,
        };
        (parts.next().is_none() && cursor.tier < 8 && cursor.offset <= WINDOW && cursor.after >= 0)
            .then_some(cursor)
    }

    /// The text of the cursor.
    pub(crate) fn text(self) -> String {
        let Self { tier, after, offset } = self;
        URL_SAFE_NO_PAD.encode(format!("{tier}.{after}.{offset}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_nothing_else_is_one() {
        let cursor = Cursor { tier: 2, after: 41, offset: 7 };
        assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        for text in ["", "?", "MQ", "MS4yLjMuNA", &URL_SAFE_NO_PAD.encode("1.-2.3")] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
