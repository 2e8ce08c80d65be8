//! Text in a header value: plain where it can be, else wrapped as `=?base64?…?=`.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";

/// The text that a header value stands for; none for characters other than visible ASCII, space and tab,
/// or a wrapped value that is not base64 of UTF-8. The marks are case-sensitive: `=?BASE64?…?=` is plain.
#[must_use]
pub fn decode_value(value: &HeaderValue) -> Option<Cow<'_, str>> {
    let bytes = trimmed(value.as_bytes());
    let text = std::str::from_utf8(bytes).ok().filter(|_| bytes.iter().all(|b| is_plain(*b)))?;
    match wrapped(text) {
        None => Some(Cow::Borrowed(text)),
        Some(inner) => String::from_utf8(STANDARD.decode(inner).ok()?).ok().map(Cow::Owned),
    }
}

/// The header value that stands for a text. No text can put a line break or a NUL into a header.
#[must_use]
pub fn encode_value(text: &str) -> HeaderValue {
    let edge = |byte: Option<&u8>| byte.is_some_and(|b| matches!(b, b' ' | b'\t'));
    let bytes = text.as_bytes();
    let plain = bytes.iter().all(|b| (0x20..=0x7E).contains(b))
        && !edge(bytes.first())
        && !edge(bytes.last())
        && wrapped(text).is_none();
    if plain && let Ok(value) = HeaderValue::from_str(text) {
        return value;
    }
    let wrapped = format!("{PREFIX}{}{SUFFIX}", STANDARD.encode(bytes));
    #[expect(clippy::expect_used, reason = "the marks and the base64 alphabet are visible ASCII")]
    HeaderValue::try_from(wrapped).expect("visible ASCII is a header value")
}

/// What stands between the marks, if both are there.
fn wrapped(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)
}

/// The value without the white space around it, which is no part of it (RFC 9110, 5.5).
pub(super) fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x20..=0x7E)
}

/// Whether a text is a number of the JSON grammar.
pub(super) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn encodes_as_the_text_shows() {
        let cases = [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("=?BASE64?literal?=", "=?BASE64?literal?="),
            ("=?base64?", "=?base64?"),
            ("=?base64?=", "=?base64?="),
            ("", ""),
            ("a b", "a b"),
            ("a\tb", "=?base64?YQli?="),
        ];
        for (text, header) in cases {
            assert_eq!(encode_value(text), header, "{text:?}");
            assert_eq!(decode_value(&HeaderValue::from_str(header).unwrap()).as_deref(), Some(text));
        }
    }

    #[test]
    fn broken_values_are_refused() {
        let broken: [&[u8]; 9] = [
            b"=?base64?!!!?=",
            b"=?base64?YQ?=",
            b"=?base64?YQ=?=",
            b"=?base64?YR==?=",
            b"=?base64?YQ== ?=",
            b"=?base64?/w==?=",
            b"=?base64?YQ==YQ==?=",
            b"caf\xC3\xA9",
            b"\xFF",
        ];
        for bytes in broken {
            assert_eq!(decode_value(&HeaderValue::from_bytes(bytes).unwrap()), None, "{bytes:?}");
        }
    }

    #[test]
    fn knows_numbers() {
        for text in ["0", "-0", "42", "42.0", "1e3", "1E+3", "-7.25e-1"] {
            assert!(is_number(text), "{text}");
        }
        for text in
            ["", "-", "042", "00", "+1", "1.", ".5", "1e", "1e+", "0x1", "1_0", "4.2.3", " 1", "1e1e1", "٣"]
        {
            assert!(!is_number(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_survives_and_stays_on_its_line(text in any::<String>()) {
            let value = encode_value(&text);
            prop_assert!(value.as_bytes().iter().all(|b| (0x20..=0x7E).contains(b)));
            prop_assert_eq!(decode_value(&value).unwrap(), text);
        }

        #[test]
        fn any_value_decodes_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let text = decode_value(&value);
                prop_assert!(text.is_none_or(|text| text.len() <= bytes.len()));
            }
        }
    }
}
