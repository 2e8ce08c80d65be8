//! What stands between a client and the addresses that it may not connect to.

use std::io;
use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::public::is_public;

/// Which addresses may be connected to. As a client's resolver it finds no others: the addresses that pass are those
/// that are connected to, so that a name cannot mean one thing when it is checked and another when it is used.
///
/// A client does not resolve a host that is an address, nor ask a second resolver for a redirection: so ask
/// [`Guard::admits_host`] before each request, and follow no redirection unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Public addresses, written as what they are.
    Public,
    /// Those, and public IPv4 addresses in the IPv6 form of [RFC 4291], 2.5.5.2, such as `::ffff:1.1.1.1`.
    ///
    /// [RFC 4291]: https://www.rfc-editor.org/rfc/rfc4291
    PublicOrMapped,
}

impl Guard {
    /// Whether an address may be connected to.
    #[must_use]
    pub fn admits(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address),
            Self::PublicOrMapped => is_public(address.to_canonical()),
        }
    }

    /// Whether the host of a URL (an IPv6 address in its brackets) is a name, or an address that may be connected to.
    /// What a name leads to is seen when it is resolved.
    #[must_use]
    pub fn admits_host(self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.parse().ok().is_none_or(|address| self.admits(address))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let admitted: Vec<SocketAddr> = found.filter(|address| guard.admits(address.ip())).collect();
            if admitted.is_empty() {
                return Err(io::Error::other("the name leads to no public address").into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Guard; 2] = [Guard::Public, Guard::PublicOrMapped];

    #[test]
    fn a_mapped_address_is_admitted_where_it_is_asked_for_and_public() {
        for (address, public, mapped) in [
            ("1.1.1.1", true, true),
            ("2606:4700::1111", true, true),
            ("::ffff:1.1.1.1", false, true),
            ("::ffff:127.0.0.1", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("::1.1.1.1", false, false),
            ("64:ff9b::1.1.1.1", false, false),
            ("2002:101:101::", false, false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(Guard::Public.admits(address), public, "{address}");
            assert_eq!(Guard::PublicOrMapped.admits(address), mapped, "{address}");
        }
    }

    #[test]
    fn a_host_that_is_an_address_is_looked_at() {
        for guard in BOTH {
            for host in ["127.0.0.1", "[::1]", "::1", "[fe80::1]", "[::ffff:169.254.169.254]"] {
                assert!(!guard.admits_host(host), "{host}");
            }
            for host in ["1.1.1.1", "[2606:4700::1111]", "example.com", "localhost", ""] {
                assert!(guard.admits_host(host), "{host}");
            }
        }
        assert!(!Guard::Public.admits_host("[::ffff:1.1.1.1]"));
        assert!(Guard::PublicOrMapped.admits_host("[::ffff:1.1.1.1]"));
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_resolved() {
        for guard in BOTH {
            let found = guard.resolve("localhost".parse().unwrap()).await;
            assert!(found.err().unwrap().to_string().contains("no public address"));
        }
    }

    #[tokio::test]
    async fn addresses_that_are_admitted_are_found() {
        let found = Guard::Public.resolve("1.1.1.1".parse().unwrap()).await.unwrap();
        assert_eq!(found.map(|address| address.ip().to_string()).collect::<Vec<_>>(), ["1.1.1.1"]);
    }
}
