//! When to try again: growing pauses, unless the vendor names one in a header or a body.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

/// The pauses before the next tries, in milliseconds.
const PAUSES: [u64; 4] = [500, 1_000, 2_000, 4_000];
/// The longest pause that is believed.
const LONGEST: Duration = Duration::from_secs(3600);

/// The pauses of one request; there are as many tries as pauses, and one.
#[derive(Debug, Default)]
pub(super) struct Pauses(usize);

impl Pauses {
    /// The next pause; `None` when there were enough tries.
    pub(super) fn next(&mut self) -> Option<Duration> {
        let pause = PAUSES.get(self.0).copied().map(Duration::from_millis);
        self.0 += 1;
        pause
    }
}

/// How long the vendor asks to wait: `retry-after-ms`, `retry-after` (seconds or a date against the answer's own
/// `date`), Google's `RetryInfo`, or Replicate's sentence.
pub(super) fn retry_after(headers: &HeaderMap, body: &str) -> Option<Duration> {
    let millis =
        headers.get("retry-after-ms").and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok());
    let header = || toolgate_egress::retry_after(headers).map(|wait| wait.as_secs_f64());
    let seconds = millis.map(|millis| millis / 1e3).or_else(header).or_else(|| in_body(body))?;
    (0.0..=1e9).contains(&seconds).then(|| Duration::from_secs_f64(seconds).min(LONGEST))
}

fn in_body(body: &str) -> Option<f64> {
    let body: Value = serde_json::from_str(body).ok()?;
    if let Some(seconds) = body.get("retry_after").and_then(Value::as_f64) {
        return Some(seconds);
    }
    let details = body.pointer("/error/details").and_then(Value::as_array);
    let info = details.into_iter().flatten().find_map(|detail| detail.get("retryDelay")?.as_str());
    if let Some(seconds) = info.and_then(|delay| delay.strip_suffix('s')?.parse().ok()) {
        return Some(seconds);
    }
    // "… resets in ~30s." or "… available in 1 second."
    let (_, rest) = body.get("detail")?.as_str()?.rsplit_once(" in ")?;
    let rest = rest.trim_start_matches('~');
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let unit = rest.strip_prefix(digits.as_str())?.trim_start();
    unit.starts_with('s').then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_ask_for_a_pause_is_understood() {
        const DATE: (&str, &str) = ("date", "Sun, 22 Nov 2026 10:00:00 GMT");
        let google = r#"{"error":{"details":[{"@type":"x"},{"retryDelay":"31.5s"}]}}"#;
        for (pairs, body, seconds) in [
            (vec![("retry-after", "2")], "", Some(2.0)),
            (vec![("retry-after", "1.5")], "", Some(1.5)),
            (vec![("retry-after-ms", "250"), ("retry-after", "9")], "", Some(0.25)),
            (vec![("retry-after", "Sun, 22 Nov 2026 10:00:07 GMT"), DATE], "", Some(7.0)),
            (vec![("retry-after", "Sun, 22 Nov 2026 09:00:07 GMT"), DATE], "", Some(0.0)),
            (vec![("retry-after", "soon")], "", None),
            (vec![("retry-after", "-5")], "", None),
            (vec![("retry-after", "1e300")], "", None),
            (vec![("retry-after", "99999999")], "", Some(3600.0)),
            (vec![], google, Some(31.5)),
            (vec![], r#"{"detail":"Request was throttled. Your rate limit resets in ~30s."}"#, Some(30.0)),
            (vec![], r#"{"detail":"Expected available in 1 second."}"#, Some(1.0)),
            (vec![], r#"{"detail":"throttled","retry_after":3}"#, Some(3.0)),
            (vec![], r#"{"detail":"wrong in 3 places"}"#, None),
            (vec![], "not JSON", None),
        ] {
            let named = |name: &str| name.parse::<http::HeaderName>().unwrap();
            let headers = pairs.iter().map(|&(name, value)| (named(name), value.parse().unwrap()));
            let told = retry_after(&headers.collect(), body);
            assert_eq!(told.map(|pause| pause.as_secs_f64()), seconds, "{pairs:?} {body}");
        }
    }

    #[test]
    fn tries_end() {
        let mut pauses = Pauses::default();
        let all: Vec<_> = std::iter::from_fn(|| pauses.next()).collect();
        assert_eq!(all.len(), PAUSES.len());
        assert!(all.is_sorted());
    }
}
