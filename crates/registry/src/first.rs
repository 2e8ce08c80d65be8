//! What a catalogue begins with: the tools of the image server that comes along. Their definitions are written by that
//! server's own test, and compared with what it serves.

use crate::entry::Entry;
use crate::read;

/// The definitions, a line each.
const DEFINITIONS: &str = include_str!("../data/first.jsonl");

/// The first entries.
pub(crate) fn entries() -> Vec<Entry> {
    DEFINITIONS.lines().filter_map(|line| read::entry(line.as_bytes(), None).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_can_be_read() {
        assert_eq!(entries().len(), 4);
    }
}
