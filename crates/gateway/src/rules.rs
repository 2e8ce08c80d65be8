//! What names, headers and addresses must look like, wherever they are given: in the config file or
//! through the admin API. One place, so that neither takes what the other refuses.

use http::{HeaderName, Uri};

/// Names that routes of the gateway have.
const RESERVED: [&str; 5] = ["mcp", "sse", "message", "healthz", "readyz"];
/// Headers that the gateway itself writes, or that belong to one connection.
const OWN_HEADERS: [&str; 11] = [
    "host",
    "content-length",
    "content-type",
    "accept",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "last-event-id",
];

/// Whether a server may be called so.
#[must_use]
pub fn is_server_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
        && !name.starts_with(['_', '-'])
        && !is_reserved(name)
}

/// Whether a route of the gateway has this name.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Whether a policy may be called so.
#[must_use]
pub fn is_policy_name(name: &str) -> bool {
    is_plain(name)
}

/// Whether a grant may be called so.
#[must_use]
pub fn is_label(label: &str) -> bool {
    is_plain(label)
}

/// Whether a tag may be spelt so.
#[must_use]
pub fn is_tag(tag: &str) -> bool {
    (1..=64).contains(&tag.chars().count()) && !tag.chars().any(char::is_control)
}

fn is_plain(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Whether the gateway itself writes this header, so that a server cannot be given another value.
#[must_use]
pub fn is_own_header(name: &HeaderName) -> bool {
    OWN_HEADERS.contains(&name.as_str()) || name.as_str().starts_with("mcp-")
}

/// Why a text is no address of a server. It may hold a secret, so nothing repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlFault {
    /// Not `http` or `https` with a host and without a fragment.
    Form,
    /// It holds a name or password.
    Credentials,
}

/// Reads the address of a server.
///
/// # Errors
///
/// It cannot be one.
pub fn server_url(text: &str) -> Result<Uri, UrlFault> {
    let uri = text.parse::<Uri>().ok().filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    let uri = uri.filter(|_| !text.contains('#')).ok_or(UrlFault::Form)?;
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(UrlFault::Credentials);
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "a-b_c", "0x", &"a".repeat(64)] {
            assert!(is_server_name(name), "{name}");
        }
        for name in ["", "A", "-a", "_a", "a.b", "mcp", "readyz", "ü", &"a".repeat(65)] {
            assert!(!is_server_name(name), "{name}");
        }
        assert!(is_label("Alice.laptop-1") && !is_label("a b") && !is_policy_name("a/b"));
        assert!(is_tag("ü 1") && !is_tag("") && !is_tag("a\n"));
    }

    #[test]
    fn addresses() {
        assert!(server_url("http://127.0.0.1:3001/mcp?x=1").is_ok());
        for text in ["", "ftp://h", "http://", "http://h/#f", "h", "/mcp", "http://h /"] {
            assert_eq!(server_url(text), Err(UrlFault::Form), "{text}");
        }
        assert_eq!(server_url("http://u:p@h/"), Err(UrlFault::Credentials));
    }

    #[test]
    fn headers_that_the_gateway_writes() {
        let own = |name: &str| is_own_header(&name.parse().unwrap());
        assert!(own("Host") && own("MCP-Session-Id") && !own("authorization") && !own("x-api-key"));
    }
}
