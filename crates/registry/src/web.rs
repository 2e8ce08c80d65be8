//! Asking other people's machines, politely: one client that names itself, follows no redirects, sends no credentials,
//! and reads no more than a limit.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may stay without a byte.
const SILENCE: Duration = Duration::from_secs(30);

/// Which machines may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Any: the operator named it.
    Any,
    /// Those of the open internet, by https: somebody else named them.
    Public,
}

/// Resolves names to public addresses only. The addresses that pass are those that are connected to, so that a name
/// cannot mean one thing when it is checked and another when it is used.
#[derive(Clone, Copy, Debug)]
struct Guard;

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(io::Error::other("the name leads to no public address").into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

impl Reach {
    /// A client for these machines.
    pub(crate) fn client(self) -> Result<Client, String> {
        let mut builder = Client::builder()
            .user_agent(concat!("toolgate/", env!("CARGO_PKG_VERSION"), " (catalogue import)"))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .http1_only()
            .pool_max_idle_per_host(1)
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE);
        if self == Self::Public {
            builder = builder.dns_resolver(Guard);
        }
        builder.build().map_err(|error| format!("secure connections cannot be set up: {}", causes(&error)))
    }

    /// The address of a text, if it may be asked.
    pub(crate) fn url(self, text: &str) -> Result<Url, &'static str> {
        let url = Url::parse(text).map_err(|_| "it is no URL")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds credentials");
        }
        let host = url.host_str().unwrap_or_default();
        match self {
            Self::Any if matches!(url.scheme(), "http" | "https") && !host.is_empty() => Ok(url),
            Self::Any => Err("it is no `http` or `https` URL"),
            Self::Public if url.scheme() != "https" => Err("it does not begin with `https://`"),
            Self::Public => {
                let bare = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
                if bare.is_ok_and(|address| !is_public(address)) {
                    return Err("it leads to no public address");
                }
                Ok(url)
            }
        }
    }
}

/// The whole body of an answer of at most `most` bytes.
pub(crate) async fn body(mut response: Response, most: usize) -> Result<Bytes, String> {
    let mut whole = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| causes(&error))? {
        if whole.len() + chunk.len() > most {
            return Err(format!("its answer is longer than {most} bytes"));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

/// What went wrong, without the address, which may hold what should not be shown.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "it took too long".to_owned()
    } else if error.is_connect() {
        "no connection".to_owned()
    } else {
        "the exchange broke off".to_owned()
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

/// Whether an address belongs to the open internet. Anything special is not (IANA's registries of special addresses).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        [0 | 10 | 127 | 224.., ..] | [169, 254, ..] | [192, 168, ..] | [198, 18 | 19, ..] => true,
        [100, second, ..] => second & 0xc0 == 64,
        [172, second, ..] => second & 0xf0 == 16,
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Only what is given out as global: this leaves out loopback, link-local, unique local, multicast, IPv4 in IPv6
    // (mapped, compatible) and NAT64.
    match address.segments() {
        [0x2001, 0..0x0200, ..] | [0x2001, 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..0x1000, ..] => false,
        [0x2000..0x4000, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_open_internet_is_public() {
        for address in ["1.1.1.1", "100.63.0.1", "100.128.0.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:1.1.1.1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn what_somebody_else_named_must_be_public() {
        for text in [
            "http://example.com/mcp",
            "https://user@example.com/",
            "https://127.0.0.1/mcp",
            "https://[::1]/",
            "https://0x7f000001/",
            "https://2130706433/",
            "ftp://example.com/",
            "nonsense",
        ] {
            assert!(Reach::Public.url(text).is_err(), "{text}");
        }
        assert!(Reach::Public.url("https://example.com/mcp").is_ok());
        assert!(Reach::Any.url("http://127.0.0.1:1/").is_ok());
        assert!(Reach::Any.url("http://u:p@127.0.0.1:1/").is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_connected_to() {
        let client = Reach::Public.client().unwrap();
        let error = client.get("https://localhost:1/").send().await.unwrap_err();
        assert!(causes(&error).contains("no public address"), "{}", causes(&error));
    }
}
