//! SHA-256 in the spelling that the journal uses: 64 lower-case hex digits.

use std::fmt;

use sha2::{Digest, Sha256};

/// A SHA-256, kept as the hex digits that stand in the journal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 64]);

impl Hash {
    /// What the first record of a journal names as its predecessor.
    pub const ZERO: Hash = Hash([b'0'; 64]);

    /// The hash of some bytes.
    pub fn of(bytes: &[u8]) -> Hash {
        let mut hex = [0; 64];
        write_hex(&Sha256::digest(bytes), &mut hex);
        Hash(hex)
    }

    /// Reads 64 lower-case hex digits.
    pub fn from_hex(hex: &[u8]) -> Option<Hash> {
        let hex: [u8; 64] = hex.try_into().ok()?;
        hex.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')).then_some(Hash(hex))
    }

    /// The hex digits as bytes.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// The hex digits as text.
    pub fn as_str(&self) -> &str {
        // All bytes are ASCII, so this never falls back.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Hex digits of some bytes, as text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = vec![0; bytes.len() * 2];
    write_hex(bytes, &mut digits);
    String::from_utf8(digits).unwrap_or_default()
}

/// Reads exactly `N` bytes of lower-case hex.
pub(crate) fn from_hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect();
    bytes?.try_into().ok()
}

fn write_hex(bytes: &[u8], digits: &mut [u8]) {
    let (pairs, _) = digits.as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 0xf)];
    }
}

fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + (value - 10) }
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hash_and_round_trip() {
        let hash = Hash::of(b"abc");
        assert_eq!(hash.as_str(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Hash::from_hex(hash.as_bytes()), Some(hash));
        assert_eq!(from_hex::<3>(b"00ff1a"), Some([0, 255, 26]));
        assert_eq!(hex(&[0, 255, 26]), "00ff1a");
    }

    #[test]
    fn other_spellings_are_refused() {
        assert_eq!(Hash::from_hex(&[b'A'; 64]), None);
        assert_eq!(Hash::from_hex(&[b'a'; 63]), None);
        assert_eq!(from_hex::<1>(b"0"), None);
        assert_eq!(from_hex::<1>(b"0g"), None);
    }
}
