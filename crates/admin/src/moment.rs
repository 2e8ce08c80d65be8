//! Times as the API writes and reads them: RFC 3339 in UTC outside, Unix microseconds inside.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The time in RFC 3339, UTC. A time that no calendar has is shown as the epoch: the store keeps none such.
pub(crate) fn show(micros: i64) -> String {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// Reads a day (its start in UTC) or an RFC 3339 time.
pub(crate) fn read(text: &str) -> Option<i64> {
    let at = if text.len() == 10 {
        text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp()
    } else {
        text.parse::<Timestamp>().ok()?
    };
    Some(at.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        assert_eq!(show(1_798_761_600_000_001), "2027-01-01T00:00:00.000001Z");
        assert_eq!(read("2027-01-01"), Some(1_798_761_600_000_000));
        assert_eq!(read("2027-01-01T01:00:00+01:00"), Some(1_798_761_600_000_000));
        for bad in ["", "2027-13-01", "tomorrow", "2027-01-01T00:00:00"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
