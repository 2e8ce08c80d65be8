//! How long a host asks its clients to wait.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// The longest wait that is believed, in seconds.
const BELIEVED: f64 = 1e9;

/// How long an answer's `Retry-After` asks to wait: seconds, or a date that is compared with the answer's own `Date`
/// ([RFC 9110], 10.2.3). `None` if it asks for nothing that can be understood.
///
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let told = text(RETRY_AFTER)?;
    match told.parse::<f64>() {
        Ok(seconds) => (0.0..=BELIEVED).contains(&seconds).then(|| Duration::from_secs_f64(seconds)),
        Err(_) => Some(read(told)?.duration_since(read(text(DATE)?)?).unwrap_or_default()),
    }
}

/// An HTTP date ([RFC 9110], 5.6.7), in the one form that senders may still write.
///
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
fn read(date: &str) -> Option<SystemTime> {
    jiff::fmt::rfc2822::parse(date).ok().map(|date| SystemTime::from(date.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        const NOW: &str = "Sun, 22 Nov 2026 10:00:00 GMT";
        for (after, date, seconds) in [
            ("2", "", Some(2.0)),
            (" 1.5 ", "", Some(1.5)),
            ("99999999", "", Some(99_999_999.0)),
            ("1e300", "", None),
            ("NaN", "", None),
            ("-5", "", None),
            ("soon", NOW, None),
            ("Sun, 22 Nov 2026 10:00:07 GMT", NOW, Some(7.0)),
            ("Sun, 22 Nov 2026 09:00:07 GMT", NOW, Some(0.0)),
            ("Sun, 22 Nov 2026 10:00:07 GMT", "", None),
            ("Sun, 22 Nov 2026 10:00:07 GMT", "today", None),
        ] {
            let headers =
                [(RETRY_AFTER, after), (DATE, date)].map(|(name, value)| (name, value.parse().unwrap()));
            let told = retry_after(&headers.into_iter().collect());
            assert_eq!(told.map(|wait| wait.as_secs_f64()), seconds, "{after} {date}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
