//! URIs of resources in one spelling (RFC 3986, section 6.2.2), and the refusal of those that two
//! readers could take for different things.

use thiserror::Error;

/// Why a URI is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UriError {
    /// No scheme begins it.
    #[error("it has no scheme")]
    NoScheme,
    /// A `%` without two hexadecimal digits.
    #[error("it holds a malformed percent encoding")]
    Encoding,
    /// A control character or backslash.
    #[error("it holds a character that no URI has")]
    Character,
    /// A NUL once decoded.
    #[error("it holds an encoded NUL")]
    Nul,
    /// A `..` that normalisation does not remove.
    #[error("it holds `..` once decoded")]
    DotDot,
    /// A slash or backslash in encoded form.
    #[error("it holds an encoded slash")]
    Slash,
    /// Without dot segments the path would begin like a host.
    #[error("its path begins with `//` once normalised")]
    DoubleSlash,
    /// Encoded again and again.
    #[error("it is percent-encoded too many times")]
    Layers,
    /// Longer than 8 KiB.
    #[error("it is longer than 8192 bytes")]
    TooLong,
}

const MAX_BYTES: usize = 8192;
/// Layers of percent encoding that are looked through.
const MAX_LAYERS: usize = 8;

/// The one spelling of a URI: scheme and host in lower case, needless percent encodings removed, the
/// others in upper case, dot segments removed.
///
/// # Errors
///
/// See [`UriError`].
pub fn normalise(uri: &str) -> Result<String, UriError> {
    if uri.len() > MAX_BYTES {
        return Err(UriError::TooLong);
    }
    if uri.contains(|c: char| c.is_control() || c == '\\') {
        return Err(UriError::Character);
    }
    let (scheme, rest) =
        uri.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).ok_or(UriError::NoScheme)?;
    let rest = normalise_encoding(rest)?;
    let (slashes, authority, rest) = match rest.strip_prefix("//") {
        Some(rest) => {
            let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            ("//", authority, rest)
        }
        None => ("", "", rest.as_str()),
    };
    let (path, suffix) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let path = if path.starts_with('/') { remove_dot_segments(path) } else { path.to_owned() };
    refuse_ambiguous(&path, suffix)?;
    if slashes.is_empty() && path.starts_with("//") {
        return Err(UriError::DoubleSlash);
    }
    Ok(format!("{}:{slashes}{}{path}{suffix}", scheme.to_ascii_lowercase(), lower_host(authority)))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// The host, behind any user information, in lower case; percent encodings stay in upper case.
fn lower_host(authority: &str) -> String {
    let (user, host) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    let mut lower = String::from(user);
    let mut encoded = 0;
    for c in host.chars() {
        lower.push(if encoded > 0 { c } else { c.to_ascii_lowercase() });
        encoded = if c == '%' { 2 } else { encoded.max(1) - 1 };
    }
    lower
}

/// Decodes the unreserved characters and spells the other encodings in upper case.
fn normalise_encoding(text: &str) -> Result<String, UriError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, encoded)) = rest.split_once('%') {
        out.push_str(plain);
        let digits = encoded.get(..2).ok_or(UriError::Encoding)?;
        let byte = hexadecimal(digits).ok_or(UriError::Encoding)?;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&digits.to_ascii_uppercase());
        }
        rest = encoded.get(2..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out)
}

fn hexadecimal(digits: &str) -> Option<u8> {
    let both = digits.bytes().all(|b| b.is_ascii_hexdigit());
    if both { u8::from_str_radix(digits, 16).ok() } else { None }
}

/// RFC 3986, section 5.2.4, for a path that begins with `/`.
fn remove_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    kept.iter().flat_map(|segment| ["/", segment]).collect()
}

/// Looks through every layer of encoding for what a reader that decodes once more would take for a
/// step up, the end of a string, or a separator.
fn refuse_ambiguous(path: &str, suffix: &str) -> Result<(), UriError> {
    let (mut path, mut suffix) = (path.as_bytes().to_vec(), suffix.as_bytes().to_vec());
    for _ in 0..MAX_LAYERS {
        if path.split(|b| matches!(b, b'/' | b'\\')).any(|segment| segment == b"..") {
            return Err(UriError::DotDot);
        }
        let (decoded_path, separators) = decode_once(&path);
        let (decoded_suffix, _) = decode_once(&suffix);
        if separators {
            return Err(UriError::Slash);
        }
        if decoded_path.contains(&0) || decoded_suffix.contains(&0) {
            return Err(UriError::Nul);
        }
        if decoded_path == path && decoded_suffix == suffix {
            return Ok(());
        }
        (path, suffix) = (decoded_path, decoded_suffix);
    }
    Err(UriError::Layers)
}

/// The bytes with each `%xx` decoded, and whether one of them was a slash or backslash.
fn decode_once(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut rest, mut separators) = (bytes, false);
    while let Some((first, after)) = rest.split_first() {
        let digits = if *first == b'%' { after.get(..2) } else { None };
        let byte = digits.and_then(|d| std::str::from_utf8(d).ok()).and_then(hexadecimal);
        match byte {
            Some(byte) => {
                separators |= matches!(byte, b'/' | b'\\');
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    (out, separators)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_uris_one_way() {
        for (uri, expected) in [
            ("FILE:///Home/%7euser/a%2db", "file:///Home/~user/a-b"),
            ("file:///a/./b/../c", "file:///a/c"),
            ("file:///a/%2e%2e/b", "file:///b"),
            ("file:///a/..", "file:///"),
            ("file:///../../x", "file:///x"),
            ("HTTP://User@EXAMPLE.com/A%c3%a9?q=%2F..", "http://User@example.com/A%C3%A9?q=%2F.."),
            ("urn:Thing:A", "urn:Thing:A"),
            ("test://", "test://"),
            ("test:", "test:"),
            ("x:a/b", "x:a/b"),
        ] {
            assert_eq!(normalise(uri).as_deref(), Ok(expected), "{uri}");
            assert_eq!(normalise(expected).as_deref(), Ok(expected), "again: {expected}");
        }
    }

    #[test]
    fn refuses_ambiguous_uris() {
        use UriError::{Character, DotDot, DoubleSlash, Encoding, Layers, NoScheme, Nul, Slash};
        for (uri, expected) in [
            ("no-scheme", NoScheme),
            ("/etc/passwd", NoScheme),
            ("1x:y", NoScheme),
            ("file:///a%", Encoding),
            ("file:///a%zz", Encoding),
            ("file:///a%+1", Encoding),
            ("file:///a\\b", Character),
            ("file:///a\n", Character),
            ("file:///a%00", Nul),
            ("file:///a%2500", Nul),
            ("file:///a?x=%00", Nul),
            ("file:///a%2Fb", Slash),
            ("file:///a%5cb", Slash),
            ("file:///a%252fb", Slash),
            ("file:///a/%252e%252e/b", DotDot),
            ("file:///a/%25252e./b", DotDot),
            ("file:a/../b", DotDot),
            ("file:/.//host/a", DoubleSlash),
        ] {
            assert_eq!(normalise(uri), Err(expected), "{uri}");
        }
        let layered = format!("file:///a%{}41", "25".repeat(20));
        assert_eq!(normalise(&layered), Err(Layers));
    }
}
