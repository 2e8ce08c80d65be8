//! Media types: what a client can read, and what a body is declared as.

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap};

/// What a client says it can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// `application/json`
    pub json: bool,
    /// `text/event-stream`
    pub event_stream: bool,
}

impl Accepted {
    /// Reads the `Accept` headers: wildcards count, weights only where they are zero. No header accepts
    /// nothing, as the official servers have it.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(ACCEPT).iter();
        // What nearly every client sends, letter for letter.
        if let (Some(value), None) = (values.next(), values.next())
            && value.as_bytes() == b"application/json, text/event-stream"
        {
            return Self { json: true, event_stream: true };
        }
        Self {
            json: accepts(headers, "application", "json"),
            event_stream: accepts(headers, "text", "event-stream"),
        }
    }

    /// Whether both types are accepted, as every POST must.
    #[must_use]
    pub fn both(self) -> bool {
        self.json && self.event_stream
    }
}

fn accepts(headers: &HeaderMap, kind: &str, subtype: &str) -> bool {
    let ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let weights = ranges.flat_map(|value| value.split(',')).filter_map(|range| {
        let (essence, parameters) = range.split_once(';').unwrap_or((range, ""));
        let (its_kind, its_subtype) = essence.trim().split_once('/')?;
        let exact = its_subtype.eq_ignore_ascii_case(subtype);
        let matches = match its_kind {
            "*" => its_subtype == "*",
            other => other.eq_ignore_ascii_case(kind) && (exact || its_subtype == "*"),
        };
        matches.then_some((exact, is_zero_weight(parameters)))
    });
    // An exact range speaks louder than a wildcard.
    let (mut exact, mut wild) = (None, false);
    for (is_exact, zero) in weights {
        if is_exact {
            exact = Some(exact.unwrap_or(false) || !zero);
        } else {
            wild |= !zero;
        }
    }
    exact.unwrap_or(wild)
}

fn is_zero_weight(parameters: &str) -> bool {
    parameters.split(';').any(|parameter| {
        let (name, weight) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.trim().eq_ignore_ascii_case("q") && weight.trim().parse::<f32>().is_ok_and(|q| q == 0.0)
    })
}

/// Whether the body is declared as JSON: one `Content-Type` of `application/json`, with no character set
/// but UTF-8.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    is_content_type(headers, "application/json")
}

/// Whether the body is declared as an event stream.
#[must_use]
pub fn is_event_stream(headers: &HeaderMap) -> bool {
    is_content_type(headers, "text/event-stream")
}

fn is_content_type(headers: &HeaderMap, essence: &str) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    // What nearly everybody sends, letter for letter.
    if value.as_bytes() == essence.as_bytes() {
        return true;
    }
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';');
    parts.next().is_some_and(|first| first.trim().eq_ignore_ascii_case(essence))
        && parts.all(|parameter| {
            let (name, charset) = parameter.split_once('=').unwrap_or((parameter, ""));
            let charset = charset.trim().trim_matches('"');
            !name.trim().eq_ignore_ascii_case("charset")
                || charset.eq_ignore_ascii_case("utf-8")
                || charset.eq_ignore_ascii_case("utf8")
        })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn accept_is_read_leniently() {
        let accept = |values: &[&str]| {
            let mut map = HeaderMap::new();
            for value in values {
                map.append(ACCEPT, HeaderValue::from_str(value).unwrap());
            }
            let Accepted { json, event_stream } = Accepted::read(&map);
            (json, event_stream)
        };
        let cases: &[(&[&str], (bool, bool))] = &[
            (&["application/json, text/event-stream"], (true, true)),
            (&["text/event-stream;q=0.5,application/json;charset=utf-8"], (true, true)),
            (&["Application/JSON", "TEXT/event-stream"], (true, true)),
            (&["*/*"], (true, true)),
            (&["application/*, text/*;q=0.1"], (true, true)),
            (&["application/json"], (true, false)),
            (&["text/event-stream"], (false, true)),
            (&["application/json, text/event-stream;q=0"], (true, false)),
            (&["*/*, application/json;q=0.000"], (false, true)),
            (&["*/*;q=0"], (false, false)),
            (&["text/html"], (false, false)),
            (&["application/jsonp, text/event-streams"], (false, false)),
            (&["*/json"], (false, false)),
            (&["json"], (false, false)),
            (&[""], (false, false)),
            (&[], (false, false)),
        ];
        for (values, expected) in cases {
            assert_eq!(accept(values), *expected, "{values:?}");
        }
    }

    #[test]
    fn json_is_declared_once_and_in_utf_8() {
        let is_declared = |values: &[&str]| {
            let mut map = HeaderMap::new();
            for value in values {
                map.append(CONTENT_TYPE, HeaderValue::from_str(value).unwrap());
            }
            is_json(&map)
        };
        for value in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
            "application/json; profile=x",
        ] {
            assert!(is_declared(&[value]), "{value}");
        }
        for value in [
            "",
            "text/plain",
            "application/json-rpc",
            "application/json; charset=utf-16",
            "application/x-www-form-urlencoded",
        ] {
            assert!(!is_declared(&[value]), "{value}");
        }
        assert!(!is_declared(&[]));
        assert!(!is_declared(&["application/json", "text/plain"]));
    }
}
