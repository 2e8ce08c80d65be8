//! Spans of time as files write them: `"30s"`, `"10m"`, `"1h30m"`, `"7d"`.

use std::time::Duration;

/// The units, longest first, with their lengths in milliseconds.
const UNITS: &[(&str, u64)] =
    &[("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("ms", 1), ("m", 60_000), ("s", 1_000)];

/// Reads a duration: whole numbers, each with a unit (`ms`, `s`, `m`, `h`, `d`, `w`), largest first.
///
/// # Errors
///
/// What a duration looks like, if the text is none, is zero, or is too long for 64 bits.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    parse(text).filter(|millis| *millis > 0).map(Duration::from_millis).ok_or_else(|| {
        format!("`{}` is not a duration such as 30s, 10m, 1h30m or 7d", crate::shape::shorten(text))
    })
}

fn parse(text: &str) -> Option<u64> {
    let (mut rest, mut total, mut largest) = (text, 0_u64, u64::MAX);
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, millis) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        if *millis >= largest {
            return None;
        }
        largest = *millis;
        total = total.checked_add(digits.parse::<u64>().ok()?.checked_mul(*millis)?)?;
        rest = after.strip_prefix(unit)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations() {
        for (text, seconds) in
            [("30s", 30), ("10m", 600), ("1h30m", 5_400), ("7d", 604_800), ("2w", 1_209_600)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse_duration("1m250ms"), Ok(Duration::from_millis(60_250)));
        for text in ["", "10", "m", "10x", "0s", "30m1h", "1m1m", "-1s", "1.5h", "99999999999999999w"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
