//! Who may knock: the checks of a request's head that come before anything is read of its body.
//!
//! `Host` and `Origin` keep a web page from reaching a loopback listener through DNS rebinding
//! (MCP 2025-11-25, Streamable HTTP, "Security Warning"); both are checked apart.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, Request, header};

use crate::settings::Settings;

const FORWARDED_FOR: header::HeaderName = header::HeaderName::from_static("x-forwarded-for");

/// What of a head was not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `Host` is missing, stands twice, or names nobody we are.
    Host,
    /// `Origin` is not allowed.
    Origin,
}

impl Fault {
    /// What the console's callers are told: what is wrong, and what to do.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Host => "`Host` names nobody here: add it to `allowed_hosts` if it should",
            Self::Origin => "`Origin` is not allowed here: add it to `allowed_origins` if it should be",
        }
    }
}

/// The names and origins that are answered.
#[derive(Debug)]
pub struct Door {
    hosts: Vec<String>,
    origins: Vec<String>,
    listen: IpAddr,
    /// What most clients send as `Host`, letter for letter.
    usual: [String; 2],
}

impl Door {
    /// The door of a listener at `listen`.
    #[must_use]
    pub fn new(settings: &Settings, listen: SocketAddr) -> Self {
        let lower = |list: &[String]| list.iter().map(|s| s.to_ascii_lowercase()).collect();
        Self {
            hosts: lower(&settings.allowed_hosts),
            origins: lower(&settings.allowed_origins),
            listen: listen.ip(),
            usual: [listen.to_string(), format!("localhost:{}", listen.port())],
        }
    }

    /// The door of the console at `listen`, which answers to its URL too.
    #[must_use]
    pub fn of_console(settings: &Settings, listen: SocketAddr) -> Self {
        let mut door = Self::new(settings, listen);
        let url = settings.console_url.as_ref();
        door.hosts.extend(url.and_then(http::Uri::host).map(bare_name));
        door.origins.extend(url.and_then(origin_of));
        door
    }

    /// Checks `Host` and `Origin`.
    ///
    /// # Errors
    ///
    /// Which of the two was not acceptable.
    pub fn check<B>(&self, request: &Request<B>) -> Result<(), Fault> {
        if !self.knows_host(request) {
            return Err(Fault::Host);
        }
        match request.headers().get(header::ORIGIN) {
            None => Ok(()),
            Some(_) => match single(request.headers(), header::ORIGIN) {
                Some(origin) if self.allows(origin) => Ok(()),
                _ => Err(Fault::Origin),
            },
        }
    }

    /// Whether the request is for us: by its one `Host`, or, where its target is a whole URL, by that and
    /// at most one `Host` (RFC 9112, section 3.2.2).
    fn knows_host<B>(&self, request: &Request<B>) -> bool {
        let mut lines = request.headers().get_all(header::HOST).iter();
        let line = match (lines.next(), lines.next()) {
            (line, None) => line.and_then(|line| line.to_str().ok()),
            (_, Some(_)) => return false,
        };
        match (request.uri().host(), line) {
            (Some(host), _) => self.knows(host),
            (None, Some(line)) => {
                self.usual.iter().any(|usual| usual == line)
                    || host_of(line).is_some_and(|host| self.knows(host))
            }
            (None, None) => false,
        }
    }

    fn knows(&self, host: &str) -> bool {
        let name = bare_name(host);
        if name == "localhost" || self.hosts.contains(&name) {
            return true;
        }
        name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip == self.listen)
    }

    /// An origin is allowed if it is listed, or is one of a page of this machine.
    fn allows(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        if self.origins.contains(&origin) {
            return true;
        }
        let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        let name = rest.and_then(host_of).map(|h| h.trim_matches(['[', ']']).to_owned());
        name.is_some_and(|n| n == "localhost" || n.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()))
    }
}

/// The origin of a URL, in lower case.
#[must_use]
pub fn origin_of(url: &http::Uri) -> Option<String> {
    let (scheme, authority) = (url.scheme_str()?, url.authority()?);
    Some(format!("{scheme}://{authority}").to_ascii_lowercase())
}

/// The address of the client: the peer's, or what a trusted proxy says.
pub(crate) fn client_address<B>(settings: &Settings, request: &Request<B>, peer: SocketAddr) -> IpAddr {
    let trusted = |address: IpAddr| settings.trusted_proxies.iter().any(|n| n.contains(address));
    if settings.trusted_proxies.is_empty() || !trusted(peer.ip()) {
        return peer.ip().to_canonical();
    }
    let forwarded = request.headers().get_all(FORWARDED_FOR).iter().filter_map(|v| v.to_str().ok());
    let chain: Vec<IpAddr> =
        forwarded.flat_map(|v| v.split(',')).filter_map(|a| a.trim().parse::<IpAddr>().ok()).collect();
    // The nearest address that no trusted proxy has.
    let found = chain.into_iter().rev().find(|a| !trusted(*a));
    found.unwrap_or_else(|| peer.ip()).to_canonical()
}

/// A host without brackets, in lower case.
fn bare_name(host: &str) -> String {
    host.trim_matches(['[', ']']).to_ascii_lowercase()
}

fn single(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() { None } else { first.to_str().ok() }
}

/// The host of `host[:port]`; none if what follows the host is not a port.
fn host_of(authority: &str) -> Option<&str> {
    let (host, rest) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, rest) = bracketed.split_once(']')?;
            (host, rest)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => return is_port(port).then_some(host),
            None => (authority, ""),
        },
    };
    match rest.strip_prefix(':') {
        Some(port) => is_port(port).then_some(host),
        None => rest.is_empty().then_some(host),
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door() -> Door {
        Door {
            hosts: vec!["gate.example.com".to_owned()],
            origins: vec!["https://app.example.com".to_owned()],
            listen: IpAddr::from([192, 0, 2, 7]),
            usual: ["192.0.2.7:8420".to_owned(), "localhost:8420".to_owned()],
        }
    }

    fn check(host: &str, origin: Option<&str>) -> Result<(), Fault> {
        let mut request = Request::builder().uri("/mcp/x").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        door().check(&request.body(()).unwrap())
    }

    #[test]
    fn answers_to_its_own_names() {
        for host in [
            "localhost",
            "LOCALHOST:8420",
            "127.0.0.1:8420",
            "127.9.9.9",
            "[::1]:8420",
            "[::1]",
            "192.0.2.7:80",
            "gate.example.com",
            "Gate.Example.com:443",
        ] {
            assert_eq!(check(host, None), Ok(()), "{host}");
        }
    }

    #[test]
    fn foreign_hosts_are_refused() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "192.0.2.8",
            "",
            "localhost:x",
            "evil.example@localhost",
            "localhost:80:80",
            "[::2]",
            "gate.example.com.",
            "null",
        ] {
            assert_eq!(check(host, None), Err(Fault::Host), "{host}");
        }
    }

    #[test]
    fn a_second_host_line_is_refused() {
        let request =
            Request::builder().header("host", "localhost").header("host", "localhost").body(()).unwrap();
        assert_eq!(door().check(&request), Err(Fault::Host));
        assert_eq!(door().check(&Request::builder().body(()).unwrap()), Err(Fault::Host));
    }

    #[test]
    fn origins_are_checked_apart() {
        for origin in
            ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:1", "https://app.example.com"]
        {
            assert_eq!(check("localhost", Some(origin)), Ok(()), "{origin}");
        }
        for origin in [
            "null",
            "https://evil.example",
            "http://localhost.evil.example",
            "file://",
            "http://app.example.com",
            "https://app.example.com.evil.example",
            "http://127.0.0.1@evil.example",
            "app.example.com",
            "",
        ] {
            assert_eq!(check("localhost", Some(origin)), Err(Fault::Origin), "{origin}");
        }
    }
}
