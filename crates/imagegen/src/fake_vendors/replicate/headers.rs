//! The headers of a create: how long to wait for its end, and when to give it up.

use std::time::Duration;

use http::HeaderMap;

/// How long a plain `Prefer: wait` holds, in seconds.
const LONGEST_WAIT: u64 = 60;
/// The shortest `Cancel-After`, in seconds.
const SHORTEST_LIFE: u64 = 5;

/// The seconds of `Prefer: wait=n`; `None` without the header.
pub(super) fn wait_of(headers: &HeaderMap) -> Result<Option<u64>, String> {
    let Some(prefer) = headers.get("prefer") else { return Ok(None) };
    let prefer = prefer.to_str().unwrap_or_default();
    let seconds = match prefer.strip_prefix("wait=") {
        None if prefer == "wait" => Some(LONGEST_WAIT),
        None => None,
        Some(digits) => digits.parse().ok().filter(|seconds| (1..=LONGEST_WAIT).contains(seconds)),
    };
    seconds
        .map(Some)
        .ok_or_else(|| format!("the header Prefer is `{prefer}`: it must be `wait` or `wait=1` to 60"))
}

/// The time of `Cancel-After`, such as `90s`, `5m` or `1h30m`.
pub(super) fn cancel_after(headers: &HeaderMap) -> Result<Option<Duration>, String> {
    let Some(after) = headers.get("cancel-after") else { return Ok(None) };
    let after = after.to_str().unwrap_or_default();
    let seconds = seconds_of(after).filter(|seconds| *seconds >= SHORTEST_LIFE);
    seconds.map(|seconds| Some(Duration::from_secs(seconds))).ok_or_else(|| {
        format!(
            "the header Cancel-After is `{after}`: it must be a duration such as `1m`, from {SHORTEST_LIFE}s"
        )
    })
}

fn seconds_of(duration: &str) -> Option<u64> {
    let mut rest = duration;
    let mut seconds = 0_u64;
    while !rest.is_empty() {
        let (digits, more) = rest.split_at_checked(rest.find(|letter: char| !letter.is_ascii_digit())?)?;
        let (unit, more) = more.split_at_checked(1)?;
        let many = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return None,
        };
        seconds = seconds.checked_add(digits.parse::<u64>().ok()?.checked_mul(many)?)?;
        rest = more;
    }
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &str) -> HeaderMap {
        [(http::HeaderName::from_static(name), value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn waits_are_read_as_documented() {
        for (prefer, expected) in [("wait", Some(60)), ("wait=1", Some(1)), ("wait=60", Some(60))] {
            assert_eq!(wait_of(&with("prefer", prefer)), Ok(expected), "{prefer}");
        }
        for prefer in ["wait=0", "wait=61", "wait=", "respond-async", "wait=5s"] {
            assert!(wait_of(&with("prefer", prefer)).is_err(), "{prefer}");
        }
        assert_eq!(wait_of(&HeaderMap::new()), Ok(None));
    }

    #[test]
    fn deadlines_are_durations() {
        for (after, seconds) in [("1m", 60), ("90s", 90), ("1h30m", 5400), ("5s", 5)] {
            let expected = Ok(Some(Duration::from_secs(seconds)));
            assert_eq!(cancel_after(&with("cancel-after", after)), expected, "{after}");
        }
        for after in ["", "60", "m", "1d", "0s", "4s", "-1m"] {
            assert!(cancel_after(&with("cancel-after", after)).is_err(), "{after}");
        }
    }
}
