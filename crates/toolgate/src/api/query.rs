//! Parts of a URL that are made from what somebody typed.

use std::fmt;

/// A query that is being written: nothing, or `?` and its parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(String);

impl Query {
    /// With a parameter, if it has a value.
    pub(crate) fn with(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.is_empty() { '?' } else { '&' });
            self.0.push_str(name);
            self.0.push('=');
            self.0.push_str(&segment(value));
        }
        self
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text as one segment of a path: all but unreserved characters percent-encoded (RFC 3986, 2.3).
pub(crate) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_typed_ends_a_part() {
        let query = Query::default().with("a", Some("x&b=1#?")).with("none", None).with("c", Some("ü/"));
        assert_eq!(query.to_string(), "?a=x%26b%3D1%23%3F&c=%C3%BC%2F");
        assert_eq!(Query::default().to_string(), "");
        assert_eq!(segment("image.generate/../x"), "image.generate%2F..%2Fx");
    }
}
