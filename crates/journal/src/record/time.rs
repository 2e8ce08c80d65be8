//! Timestamps as the journal spells them: RFC 3339, UTC, microseconds, always 27 bytes.

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// 0000-01-01T00:00:00Z and the end of year 9999: what four digits of a year can say.
const FIRST: i64 = -62_167_219_200 * MICROS_PER_SECOND;
const LAST: i64 = 253_402_300_800 * MICROS_PER_SECOND - 1;

/// Appends wall time, in microseconds since 1970, as `2026-11-22T10:00:00.123456Z`. A time outside the
/// years 0 to 9999 is written as the nearest one inside.
pub(crate) fn push_timestamp(line: &mut Vec<u8>, micros: i64) {
    let micros = micros.clamp(FIRST, LAST);
    let seconds = micros.div_euclid(MICROS_PER_SECOND);
    let (year, month, day) = civil_date(seconds.div_euclid(SECONDS_PER_DAY));
    let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
    push_padded::<4>(line, year, b'-');
    push_padded::<2>(line, month, b'-');
    push_padded::<2>(line, day, b'T');
    push_padded::<2>(line, second_of_day / 3600, b':');
    push_padded::<2>(line, second_of_day / 60 % 60, b':');
    push_padded::<2>(line, second_of_day % 60, b'.');
    push_padded::<6>(line, micros.rem_euclid(MICROS_PER_SECOND), b'Z');
}

/// Reads what `push_timestamp` writes; `None` for any other text.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    let bytes: &[u8; 27] = text.as_bytes().try_into().ok()?;
    let [
        y0,
        y1,
        y2,
        y3,
        b'-',
        mo0,
        mo1,
        b'-',
        d0,
        d1,
        b'T',
        h0,
        h1,
        b':',
        mi0,
        mi1,
        b':',
        s0,
        s1,
        b'.',
        fraction @ ..,
        b'Z',
    ] = bytes
    else {
        return None;
    };
    let (year, month, day) = (number(&[*y0, *y1, *y2, *y3])?, number(&[*mo0, *mo1])?, number(&[*d0, *d1])?);
    let (hour, minute, second) = (number(&[*h0, *h1])?, number(&[*mi0, *mi1])?, number(&[*s0, *s1])?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = day_number(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    Some(seconds * MICROS_PER_SECOND + number(fraction)?)
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar. The year is
/// taken to begin in March, so that the leap day comes last.
fn civil_date(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * march_month + 2) / 5 + 1)
}

/// The inverse of `civil_date`.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let year_of_era = year.rem_euclid(400);
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400) * 146_097 + day_of_era - 719_468
}

/// `WIDTH` decimal digits with leading zeros, then a separator.
fn push_padded<const WIDTH: usize>(line: &mut Vec<u8>, number: i64, separator: u8) {
    let mut digits = [b'0'; WIDTH];
    let mut rest = number.unsigned_abs();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    line.extend_from_slice(&digits);
    line.push(separator);
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelled(micros: i64) -> String {
        let mut line = Vec::new();
        push_timestamp(&mut line, micros);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn known_times() {
        assert_eq!(spelled(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(spelled(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(spelled(1_795_341_600_123_456), "2026-11-22T10:00:00.123456Z");
        assert_eq!(spelled(i64::MAX), "9999-12-31T23:59:59.999999Z");
        assert_eq!(spelled(i64::MIN), "0000-01-01T00:00:00.000000Z");
    }

    #[test]
    fn other_texts_are_no_timestamp() {
        for text in ["", "2026-11-22T10:00:00Z", "2026-13-22T10:00:00.123456Z", "2026-11-22T10:00:00.12345xZ"]
        {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_calendar_library(micros in FIRST..=LAST) {
            let text = spelled(micros);
            let reference = jiff::Timestamp::from_microsecond(micros).map(|time| format!("{time:.6}"));
            // The library's years end a day before ours does.
            if let Ok(reference) = reference {
                prop_assert_eq!(&text, &reference);
            }
            prop_assert_eq!(parse_timestamp(&text), Some(micros));
        }
    }
}
