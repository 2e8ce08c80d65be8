//! Where the next page of a search begins. Opaque to callers: the number of the last event, and a check that
//! ties it to its search, because with another search it would leave events out.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::QueryError;
use crate::search::Search;

/// Where the next page of a search begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// After the event `seq` of a search.
    pub(super) fn after(search: &Search, seq: u64) -> Cursor {
        let bytes = [&seq.to_be_bytes()[..], &check(search, seq)[..]].concat();
        Cursor(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The event that the next page comes after.
    pub(super) fn open(&self, search: &Search) -> Result<u64, QueryError> {
        let seq = URL_SAFE_NO_PAD.decode(&self.0).ok().and_then(|bytes| {
            let (seq, found) = bytes.split_first_chunk::<8>()?;
            let seq = u64::from_be_bytes(*seq);
            (found == check(search, seq)).then_some(seq)
        });
        seq.ok_or_else(|| QueryError::Cursor(self.0.chars().take(60).collect()))
    }
}

/// Of what is searched for, not of how much a page holds.
fn check(search: &Search, seq: u64) -> [u8; 7] {
    let mut hash = Sha256::new();
    hash.update(seq.to_be_bytes());
    for (dimension, text) in search.terms() {
        hash.update([dimension as u8]);
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.update(format!("{:?} {:?} {:?}", search.request_id, search.from, search.until));
    let mut check = [0; 7];
    for (to, from) in check.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    check
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Cursor {
    type Err = std::convert::Infallible;

    /// Takes any text; the search that it is used with refuses one that is no cursor of its own.
    fn from_str(text: &str) -> Result<Cursor, Self::Err> {
        Ok(Cursor(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_with_its_own_search_only() {
        let search = Search { tool: Some("t".to_owned()), from: Some(5), ..Search::default() };
        let cursor: Cursor = Cursor::after(&search, 42).to_string().parse().unwrap();
        assert_eq!(cursor.open(&search).unwrap(), 42);
        for other in [
            Search::default(),
            Search { from: None, ..search },
            Search { rule: Some("t".to_owned()), ..Search::default() },
            Search { request_id: Some("t".to_owned()), ..Search::default() },
        ] {
            assert!(matches!(cursor.open(&other), Err(QueryError::Cursor(_))), "{other:?}");
        }
    }

    #[test]
    fn rubbish_is_no_cursor() {
        for text in ["", "x", "AAAAAAAAACo", "ää", &"A".repeat(1000)] {
            let cursor: Cursor = text.parse().unwrap();
            assert!(matches!(cursor.open(&Search::default()), Err(QueryError::Cursor(_))), "{text}");
        }
    }
}
