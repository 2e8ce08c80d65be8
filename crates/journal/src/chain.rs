//! The hash chain: turns the members of a record into a finished line, and takes a line apart again.
//! A line reads `{"seq":1,"ts":…,"kind":…,…,"prev":"…","hash":"…"}`, in that order, and ends with a line
//! feed; a signed one has `,"signature":"…"` before `prev`.

use crate::hash::Hash;
use crate::key::{PublicKey, Signer};
use crate::record::text::push_number;

const OPENING: &[u8] = b"{\"seq\":";
const SIGNATURE: &[u8] = b",\"signature\":\"";
const PREV: &[u8] = b",\"prev\":\"";
const HASH: &[u8] = b",\"hash\":\"";
const SIGNATURE_DIGITS: usize = 128;
const HASH_DIGITS: usize = 64;

/// Where a chain stands: what the next record needs to know of all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Sequence number of the next record; the first is 1.
    pub next_seq: u64,
    /// Hash of the last record.
    pub prev: Hash,
}

impl Chain {
    /// Before the first record.
    pub const START: Chain = Chain { next_seq: 1, prev: Hash::ZERO };

    /// Appends the finished line of a record to `lines` and moves on; returns its sequence number.
    /// `members` is what stands between `seq` and `prev`, and begins with a comma.
    pub(crate) fn seal(&mut self, lines: &mut Vec<u8>, members: &[u8]) -> u64 {
        let start = self.begin(lines, members);
        self.finish(lines, start)
    }

    /// As `seal`, with a signature over all that the record says and all that came before it.
    pub(crate) fn seal_signed(&mut self, lines: &mut Vec<u8>, members: &[u8], signer: &Signer) -> u64 {
        let start = self.begin(lines, members);
        let signature = signer.sign(&self.prev, lines.get(start..).unwrap_or_default());
        push_member(lines, SIGNATURE, signature.as_bytes());
        self.finish(lines, start)
    }

    fn begin(&self, lines: &mut Vec<u8>, members: &[u8]) -> usize {
        let start = lines.len();
        lines.extend_from_slice(OPENING);
        push_number(lines, self.next_seq);
        lines.extend_from_slice(members);
        start
    }

    fn finish(&mut self, lines: &mut Vec<u8>, start: usize) -> u64 {
        push_member(lines, PREV, self.prev.as_bytes());
        let hash = Hash::of(lines.get(start..).unwrap_or_default());
        push_member(lines, HASH, hash.as_bytes());
        lines.extend_from_slice(b"}\n");
        let seq = self.next_seq;
        *self = Chain { next_seq: seq + 1, prev: hash };
        seq
    }
}

/// The parts of one line that the chain is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'a> {
    /// The line up to `,"prev"`.
    beginning: &'a [u8],
    /// The line up to `,"hash"`.
    pub(crate) hashed: &'a [u8],
    pub(crate) seq: u64,
    pub(crate) prev: Hash,
    pub(crate) hash: Hash,
}

impl<'a> Link<'a> {
    /// Takes a line apart, without its line feed; `None` if it is not laid out as this module writes it.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Link<'a>> {
        let (hashed, hash) = split_member(line.strip_suffix(b"}")?, HASH, HASH_DIGITS)?;
        let (beginning, prev) = split_member(hashed, PREV, HASH_DIGITS)?;
        let seq = leading_seq(line)?;
        Some(Link { beginning, hashed, seq, prev: Hash::from_hex(prev)?, hash: Hash::from_hex(hash)? })
    }

    /// Whether the line's hash is that of its bytes.
    pub(crate) fn is_intact(&self) -> bool {
        Hash::of(self.hashed) == self.hash
    }

    /// Whether the line carries a signature of this key.
    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        split_member(self.beginning, SIGNATURE, SIGNATURE_DIGITS)
            .is_some_and(|(signed, signature)| key.verifies(&self.prev, signed, signature))
    }

    /// The chain after this record.
    pub(crate) fn chain(&self) -> Option<Chain> {
        Some(Chain { next_seq: self.seq.checked_add(1)?, prev: self.hash })
    }
}

/// The sequence number at the beginning of a line: canonical decimal, then a comma.
pub(crate) fn leading_seq(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(OPENING)?;
    let (digits, _) = rest.split_at_checked(rest.iter().position(|byte| *byte == b',')?)?;
    if digits.first() == Some(&b'0') || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}

/// Splits `…,"name":"digits"` into what stands before the member, and its digits.
fn split_member<'a>(text: &'a [u8], name: &[u8], digits: usize) -> Option<(&'a [u8], &'a [u8])> {
    let text = text.strip_suffix(b"\"")?;
    let (rest, digits) = text.split_at_checked(text.len().checked_sub(digits)?)?;
    Some((rest.strip_suffix(name)?, digits))
}

fn push_member(line: &mut Vec<u8>, name: &[u8], text: &[u8]) {
    line.extend_from_slice(name);
    line.extend_from_slice(text);
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_bytes_before_it() {
        let mut chain = Chain::START;
        let mut lines = Vec::new();
        assert_eq!(chain.seal(&mut lines, b",\"kind\":\"x\""), 1);
        let text = String::from_utf8(lines).unwrap();
        let zeros = "0".repeat(64);
        let hashed = format!("{{\"seq\":1,\"kind\":\"x\",\"prev\":\"{zeros}\"");
        assert_eq!(text, format!("{hashed},\"hash\":\"{}\"}}\n", Hash::of(hashed.as_bytes())));
        assert_eq!(chain, Chain { next_seq: 2, prev: Hash::of(hashed.as_bytes()) });
    }

    #[test]
    fn a_line_comes_apart_as_it_was_put_together() {
        let signer = Signer::generate().unwrap();
        let mut chain = Chain { next_seq: 41, prev: Hash::of(b"before") };
        let mut lines = Vec::new();
        chain.seal_signed(&mut lines, b",\"kind\":\"checkpoint\"", &signer);
        let link = Link::parse(lines.strip_suffix(b"\n").unwrap()).unwrap();
        assert_eq!((link.seq, link.prev), (41, Hash::of(b"before")));
        assert!(link.is_intact() && link.is_signed_by(signer.public()));
        assert_eq!(link.chain(), Some(chain));
    }

    #[test]
    fn only_canonical_numbers_lead_a_line() {
        for line in ["{\"seq\":01,", "{\"seq\":-1,", "{\"seq\":,", "{\"seq\":1}", "{\"seq\": 1,", ""] {
            assert_eq!(leading_seq(line.as_bytes()), None, "{line}");
        }
        assert_eq!(leading_seq(b"{\"seq\":18446744073709551615,"), Some(u64::MAX));
    }
}
