//! Grant tokens: minting, the checksum by which a scanner can know one, and their hash.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Every minted token begins with this.
pub const PREFIX: &str = "tg_";
/// Characters of the random part: 256 bits in base64url.
const RANDOM_CHARS: usize = 43;
/// Characters of the checksum.
const CHECKSUM_CHARS: usize = 6;
/// The shortest token that a caller may bring along.
pub const SHORTEST: usize = 22;

/// Makes a token: `tg_`, 256 random bits in base64url, and six characters of checksum.
///
/// # Errors
///
/// The system's source of randomness failed.
pub fn mint() -> Result<String, getrandom::Error> {
    mint_as(PREFIX)
}

/// Makes a token of the same form with another beginning.
///
/// # Errors
///
/// The system's source of randomness failed.
pub fn mint_as(prefix: &str) -> Result<String, getrandom::Error> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let body = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random));
    Ok(format!("{body}{}", checksum(&body)))
}

/// The checksum of the beginning and the random part: the first 36 bits of its SHA-256 in base64url.
fn checksum(body: &str) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(Sha256::digest(body.as_bytes()));
    text.truncate(CHECKSUM_CHARS);
    text
}

/// Whether the text has the form of a minted token, checksum included.
#[must_use]
pub fn is_minted(token: &str) -> bool {
    is_minted_as(token, PREFIX)
}

/// Whether the text has the form of a minted token with this beginning, checksum included.
#[must_use]
pub fn is_minted_as(token: &str, prefix: &str) -> bool {
    let body = token.len().saturating_sub(CHECKSUM_CHARS);
    token.len() == prefix.len() + RANDOM_CHARS + CHECKSUM_CHARS
        && token.starts_with(prefix)
        && token.split_at_checked(body).is_some_and(|(body, sum)| checksum(body) == sum)
}

/// What is kept of a token.
#[must_use]
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(nibble + if nibble < 10 { b'0' } else { b'a' - 10 });
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// Reads 64 hexadecimal characters.
#[must_use]
pub fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minted_tokens_are_known_by_their_checksum() {
        let token = mint().unwrap();
        assert_eq!(token.len(), 52);
        assert!(is_minted(&token));
        assert_ne!(token, mint().unwrap());
        for at in 0..token.len() {
            let mut other: Vec<u8> = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert!(!is_minted(std::str::from_utf8(&other).unwrap()), "changed at {at}");
        }
    }

    #[test]
    fn the_checksum_is_the_documented_one() {
        let token = format!("tg_{}", "A".repeat(43));
        assert!(is_minted(&format!("{token}{}", checksum(&token))));
        assert_eq!(checksum(&token).len(), 6);
    }

    #[test]
    fn hex_goes_both_ways() {
        let bytes = hash("x");
        assert_eq!(parse_hex(&hex(&bytes)), Some(bytes));
        assert_eq!(parse_hex("00"), None);
    }
}
