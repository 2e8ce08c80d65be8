//! When a certificate ends: just enough DER (X.690) to reach `notAfter` (RFC 5280, 4.1.2.5).

use jiff::Timestamp;

const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT Version`
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of a certificate's validity, in microseconds since 1970; none if it is not laid out as one.
pub(super) fn not_after(der: &[u8]) -> Option<i64> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if let Some((_, rest)) = element(fields, VERSION) {
        fields = rest;
    }
    // Serial number, signature algorithm and issuer come before the validity.
    for _ in 0..3 {
        fields = any_element(fields)?.2;
    }
    let (validity, _) = element(fields, SEQUENCE)?;
    let (_, _, rest) = any_element(validity)?;
    let (tag, time, _) = any_element(rest)?;
    parse_time(tag, std::str::from_utf8(time).ok()?)
}

/// The content of an element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    any_element(der).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

fn any_element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// `YYMMDDHHMMSSZ` (years from 1950 on) or `YYYYMMDDHHMMSSZ`.
fn parse_time(tag: u8, text: &str) -> Option<i64> {
    let text = match tag {
        UTC_TIME if text.len() == 13 => {
            let century = if text.starts_with(['0', '1', '2', '3', '4']) { "20" } else { "19" };
            format!("{century}{text}")
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let parts = [0..4, 4..6, 6..8, 8..10, 10..12, 12..15].map(|range| text.get(range));
    let [Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)] = parts else {
        return None;
    };
    let time = format!("{year}-{month}-{day}T{hour}:{minute}:{second}");
    time.parse::<Timestamp>().ok().map(Timestamp::as_microsecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An element of fewer than 256 bytes.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        let mut out = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
        out.extend_from_slice(content);
        out
    }

    fn certificate(tag: u8, end: &str) -> Vec<u8> {
        let validity = [der(UTC_TIME, b"250101000000Z"), der(tag, end.as_bytes())].concat();
        let fields = [
            der(VERSION, &der(2, &[2])),
            der(2, &[1]),
            der(SEQUENCE, &[]),
            der(SEQUENCE, &[0; 130]),
            der(SEQUENCE, &validity),
        ];
        der(SEQUENCE, &der(SEQUENCE, &fields.concat()))
    }

    #[test]
    fn both_forms_of_time() {
        let expected = "2027-01-02T03:04:05Z".parse::<Timestamp>().unwrap().as_microsecond();
        assert_eq!(not_after(&certificate(UTC_TIME, "270102030405Z")), Some(expected));
        assert_eq!(not_after(&certificate(GENERALIZED_TIME, "20270102030405Z")), Some(expected));
        let far = "2051-01-01T00:00:00Z".parse::<Timestamp>().unwrap().as_microsecond();
        assert_eq!(not_after(&certificate(GENERALIZED_TIME, "20510101000000Z")), Some(far));
    }

    #[test]
    fn anything_else_is_none() {
        let whole = certificate(UTC_TIME, "270102030405Z");
        for end in 0..whole.len() {
            assert_eq!(not_after(&whole[..end]), None, "cut at {end}");
        }
        assert_eq!(not_after(&certificate(UTC_TIME, "271302030405Z")), None);
        assert_eq!(not_after(b"not a certificate at all"), None);
    }
}
