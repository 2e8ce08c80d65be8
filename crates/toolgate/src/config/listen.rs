//! Where the gateway listens, under which names, and whom it believes.

use std::net::SocketAddr;

use http::Uri;
use toolgate_gateway::settings::{Network, Tls};
use toolgate_policy::Place;

use super::Overrides;
use super::scalar::Reader;

/// Where the data plane listens if nothing says otherwise.
pub(crate) fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8420))
}

/// Where the console listens if nothing says otherwise.
pub(crate) fn default_console() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8421))
}

/// The listeners' part of the settings; an address that is wrong is none.
pub(super) struct Listen {
    pub(super) listen: Option<SocketAddr>,
    pub(super) console: Option<SocketAddr>,
    pub(super) tls: Option<Tls>,
    pub(super) console_tls: Option<Tls>,
    pub(super) console_url: Option<Uri>,
    pub(super) trusted_proxies: Vec<Network>,
    pub(super) allowed_hosts: Vec<String>,
    pub(super) allowed_origins: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn listen(&mut self, root: Place<'_>, overrides: &Overrides) -> Listen {
        let insecure = root.get("insecure_listen").and_then(|flag| self.flag(flag)).unwrap_or(false);
        let listen = self.chosen_address(root.get("listen"), overrides.listen, default_listen());
        let console = self.chosen_address(root.get("console"), overrides.console, default_console());
        let tls = root.get("tls").and_then(|place| self.tls(place));
        let console_tls = root.get("console_tls").and_then(|place| self.tls(place));
        if let Some(address) =
            listen.filter(|a| !a.ip().is_loopback() && !insecure && root.get("tls").is_none())
        {
            let message = format!("`{address}` can be reached from other machines, and there is no `tls`");
            let help = "set `tls`, listen on a loopback address, or set `insecure_listen: true`";
            self.address_error(root, "listen", message, help);
        }
        if let Some(address) =
            console.filter(|a| !a.ip().is_loopback() && !insecure && root.get("console_tls").is_none())
        {
            let message =
                format!("the console at `{address}` can be reached from other machines in clear text");
            let help = "set `console_tls`, choose a loopback address, or set `insecure_listen: true`";
            self.address_error(root, "console", message, help);
        }
        if listen.is_some() && listen == console && listen.is_some_and(|address| address.port() != 0) {
            let message = "`listen` and `console` are the same address".to_owned();
            self.address_error(root, "console", message, "give them different ports");
        }
        Listen {
            listen,
            console,
            tls,
            console_tls,
            console_url: root.get("console_url").and_then(|place| self.console_url(place)),
            trusted_proxies: self.list(root.get("trusted_proxies"), Self::network),
            allowed_hosts: self.list(root.get("allowed_hosts"), Self::host),
            allowed_origins: self.list(root.get("allowed_origins"), Self::origin),
        }
    }

    /// What the command line says wins; the file's value must be right all the same.
    fn chosen_address(
        &mut self,
        place: Option<Place<'_>>,
        chosen: Option<SocketAddr>,
        default: SocketAddr,
    ) -> Option<SocketAddr> {
        let written = match place {
            Some(place) => self.address(place),
            None => Some(default),
        };
        written.map(|written| chosen.unwrap_or(written))
    }

    /// An error about an address, which may come from the file, the command line or nowhere.
    fn address_error(&mut self, root: Place<'_>, key: &str, message: String, help: &str) {
        match root.get(key) {
            Some(place) => self.problems.error_with_help(place, message, help),
            None => self.problems.error_with_help(root, message, help),
        }
    }

    fn tls(&mut self, place: Place<'_>) -> Option<Tls> {
        let mut file = |name: &str| {
            let place = place.get(name)?;
            let path = self.path(place)?;
            if let Err(error) = std::fs::File::open(&path) {
                self.problems.error(place, format!("cannot read `{}`: {error}", path.display()));
            }
            Some(path)
        };
        let (cert, key) = (file("cert"), file("key"));
        Some(Tls { cert: cert?, key: key? })
    }

    fn console_url(&mut self, place: Place<'_>) -> Option<Uri> {
        let help = "write scheme and host, as in `https://console.example.com`, and the port if it has one";
        self.parsed(place, "the URL of a console", help, |text| {
            is_origin(text).then(|| text.to_ascii_lowercase().parse().ok()).flatten()
        })
    }

    fn network(&mut self, place: Place<'_>) -> Option<Network> {
        let help = "write an address or a range, as in `192.0.2.7` or `10.0.0.0/8`";
        self.parsed(place, "an address or a range", help, Network::parse)
    }

    fn host(&mut self, place: Place<'_>) -> Option<String> {
        let help = "write a name or address alone, as in `gate.example.com`, without scheme, port or path";
        self.parsed(place, "a host name", help, |text| is_host(text).then(|| text.to_ascii_lowercase()))
    }

    fn origin(&mut self, place: Place<'_>) -> Option<String> {
        let help = "write scheme and host, as in `https://app.example.com`, and the port if it has one";
        self.parsed(place, "an origin", help, |text| is_origin(text).then(|| text.to_ascii_lowercase()))
    }
}

/// A name or an address without brackets.
fn is_host(text: &str) -> bool {
    let name = |text: &str| {
        text.split('.').all(|part| {
            (1..=63).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
    };
    text.len() <= 253 && (name(text) || text.parse::<std::net::Ipv6Addr>().is_ok())
}

/// `scheme://host[:port]` and nothing behind it.
fn is_origin(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let uri = text.parse::<Uri>().ok();
    let bare = !rest.is_empty() && !rest.contains(['/', '?', '#', '@', '*']);
    bare && matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https")
        && uri.is_some_and(|uri| uri.host().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_origins() {
        for host in ["gate.example.com", "gate", "192.0.2.7", "2001:db8::1", "A-1.b_c"] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", "gate.example.com:80", "https://x", "a/b", "a b", ".x", "x.", "[::1]", "*"] {
            assert!(!is_host(host), "{host}");
        }
        for origin in ["https://app.example.com", "http://localhost:3000", "HTTPS://X"] {
            assert!(is_origin(origin), "{origin}");
        }
        for origin in [
            "",
            "null",
            "https://",
            "https://x/",
            "https://x/y",
            "ftp://x",
            "https://u@x",
            "x.com",
            "https://*.x",
        ] {
            assert!(!is_origin(origin), "{origin}");
        }
    }
}
