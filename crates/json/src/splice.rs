//! Rewriting a text by span: what is not named stays byte for byte.

use crate::document::Span;

/// Edits of one text, applied together. Spans must not overlap; one that does is left out of the text
/// it would have changed twice.
#[derive(Debug, Default)]
pub struct Splice {
    edits: Vec<(Span, Vec<u8>)>,
}

impl Splice {
    /// No edits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `bytes` in the place of `span`; an empty span inserts.
    pub fn replace(&mut self, span: Span, bytes: impl Into<Vec<u8>>) {
        self.edits.push((span, bytes.into()));
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// The text with all edits made.
    #[must_use]
    pub fn apply(mut self, text: &[u8]) -> Vec<u8> {
        self.edits.sort_by_key(|(span, _)| (span.start, span.end));
        let added: usize = self.edits.iter().map(|(_, bytes)| bytes.len()).sum();
        let mut out = Vec::with_capacity(text.len() + added);
        let mut from = 0;
        for (span, bytes) in self.edits {
            if span.start < from || span.end < span.start {
                continue;
            }
            out.extend_from_slice(text.get(from..span.start).unwrap_or_default());
            out.extend_from_slice(&bytes);
            from = span.end;
        }
        out.extend_from_slice(text.get(from..).unwrap_or_default());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_apply_in_order_of_place() {
        let mut splice = Splice::new();
        splice.replace(Span { start: 6, end: 7 }, "X");
        splice.replace(Span { start: 0, end: 2 }, "");
        splice.replace(Span { start: 3, end: 3 }, "--");
        assert_eq!(splice.apply(b"0123456789"), b"2--345X789");
    }
}
