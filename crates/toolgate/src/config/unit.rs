//! Sizes and dates as people write them; durations are written as in policies.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

const SIZES: [(&str, u64); 9] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// How durations are written, for messages.
pub(crate) const DURATION_FORM: &str =
    "write whole numbers and units, as in `500ms`, `60s`, `10m`, `1h30m` or `7d`";
/// How sizes are written, for messages.
pub(crate) const SIZE_FORM: &str = "write bytes, or a whole number and a unit, as in `64KB` or `16MiB`";
/// How dates are written, for messages.
pub(crate) const DATE_FORM: &str =
    "write a day, as in `2027-01-01` (00:00 UTC), or a time, as in `2027-01-01T12:00:00Z`";

/// Reads `16MiB`, `64KB`, `4096`; in bytes.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    if text.ends_with(|c: char| c.is_ascii_digit()) { whole(text) } else { with_unit(text, &SIZES) }
}

/// Reads a day (its start in UTC) or an RFC 3339 time; in microseconds since 1970.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let day = |date: Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp());
    let is_day = text.len() == 10;
    let at = if is_day { day(text.parse().ok()?)? } else { text.parse::<Timestamp>().ok()? };
    Some(at.as_microsecond())
}

/// The time in RFC 3339, to the second.
pub(crate) fn show_time(micros: i64) -> String {
    let second = micros.div_euclid(1_000_000);
    Timestamp::from_second(second).map_or_else(|_| format!("{micros} µs"), |time| time.to_string())
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    whole(number)?.checked_mul(*factor)
}

/// Digits alone: `u64::from_str` would take a plus sign.
fn whole(text: &str) -> Option<u64> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("1B", Some(1)),
            ("64KB", Some(64_000)),
            ("16MiB", Some(16 << 20)),
            ("2TiB", Some(2 << 40)),
            ("16M", None),
            ("16mib", None),
            ("+5", None),
            ("1.5MiB", None),
            ("", None),
            ("MiB", None),
            ("99999999TiB", None),
        ] {
            assert_eq!(parse_size(text), expected, "{text}");
        }
    }

    #[test]
    fn dates() {
        for (text, expected) in [
            ("1970-01-02", Some(86_400_000_000)),
            ("2027-01-01", Some(1_798_761_600_000_000)),
            ("2027-01-01T01:00:00+01:00", Some(1_798_761_600_000_000)),
            ("2027-01-01T00:00:00.000001Z", Some(1_798_761_600_000_001)),
            ("2027-13-01", None),
            ("2027-02-30", None),
            ("2027-01-01T00:00:00", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(parse_date(text), expected, "{text}");
        }
        assert_eq!(show_time(1_798_761_600_000_001), "2027-01-01T00:00:00Z");
    }
}
