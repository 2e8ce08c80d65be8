//! Fetching pictures from addresses that somebody else named: only https, only hosts that are allowed, only public
//! addresses, no redirects, no key, and no more than a limit.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Client, Url};
use toolgate_egress::Guard;

use super::causes;
use super::retry::Pauses;
use crate::call::Call;
use crate::failure::{Failure, quoted};
use crate::settings::HostPort;

/// The largest picture that is fetched, in bytes.
const LARGEST_PICTURE: usize = 64 * 1024 * 1024;
const STALL_PATIENCE: Duration = Duration::from_secs(30);
/// Where Replicate's pictures are: this host and those below it.
const REPLICATE_DELIVERY: &str = "replicate.delivery";

/// Where connections to hosts that the operator does not list may lead.
const GUARD: Guard = Guard::PublicOrMapped;

/// Fetches pictures.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    guarded: Client,
    listed: Client,
    hosts: Vec<HostPort>,
    limit: usize,
}

/// Who named an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fetched {
    /// The vendor, as the place of its picture.
    Delivery,
    /// The caller, as a picture to start from.
    Input,
}

impl Fetcher {
    /// Fetches from Replicate's delivery hosts and from those that the operator lists.
    ///
    /// # Errors
    /// The system's certificates cannot be used.
    pub(crate) fn new(hosts: Vec<HostPort>) -> Result<Self, Failure> {
        let (guarded, listed) = (super::client(Some(GUARD))?, super::client(None)?);
        Ok(Self { guarded, listed, hosts, limit: LARGEST_PICTURE })
    }

    /// The same with another limit, in bytes.
    #[cfg(test)]
    pub(crate) fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Checks an address without fetching it.
    ///
    /// # Errors
    /// It is not one to fetch from.
    pub(crate) fn check(&self, address: &str, by: Fetched) -> Result<Url, Failure> {
        let url = Url::parse(address).map_err(|_| refused(address, "it is no address"))?;
        let plain = url.username().is_empty() && url.password().is_none();
        if plain && self.is_listed(&url) && matches!(url.scheme(), "https" | "http") {
            return Ok(url);
        }
        let host = url.host_str().unwrap_or_default();
        let delivery = host == REPLICATE_DELIVERY
            || host.strip_suffix(REPLICATE_DELIVERY).is_some_and(|front| front.ends_with('.'));
        let wrong = if url.scheme() != "https" {
            Some("it does not begin with https://")
        } else if !plain {
            Some("it holds a user name")
        } else if url.port().is_some() {
            Some("it names a port")
        } else if by == Fetched::Delivery && !delivery {
            Some("its host is no known delivery host")
        } else if !GUARD.admits_host(host) {
            Some("it leads to no public address")
        } else {
            None
        };
        wrong.map_or(Ok(url), |wrong| Err(refused(address, wrong)))
    }

    /// Fetches the bytes at an address.
    ///
    /// # Errors
    /// The address is refused, cannot be reached, or what it holds is too large or not there.
    pub(crate) async fn fetch(&self, address: &str, by: Fetched, call: &Call) -> Result<Bytes, Failure> {
        let url = self.check(address, by)?;
        let mut pauses = Pauses::default();
        loop {
            let failure = match self.once(&url, call).await? {
                Ok(bytes) => return Ok(bytes),
                Err(Trouble::Lasting(failure)) => return Err(failure),
                Err(Trouble::Passing(failure)) => failure,
            };
            match pauses.next() {
                Some(pause) => call.sleep(pause).await?,
                None => return Err(failure),
            }
        }
    }

    fn is_listed(&self, url: &Url) -> bool {
        self.hosts.iter().any(|host| host.covers(url))
    }

    async fn once(&self, url: &Url, call: &Call) -> Result<Result<Bytes, Trouble>, Failure> {
        let client = if self.is_listed(url) { &self.listed } else { &self.guarded };
        let response = match call.race(client.get(url.clone()).send()).await? {
            Ok(response) => response,
            Err(error) => return Ok(Err(Trouble::Passing(failed(url, &causes(&error), "download")))),
        };
        let status = response.status();
        if status.is_success() {
            return self.body(url, response, call).await;
        }
        let code = format!("{} (download)", status.as_u16());
        let failure = if status.is_redirection() {
            failed(url, "it leads on to another address, which is not followed", &code)
        } else {
            failed(url, status.canonical_reason().unwrap_or("an error status"), &code)
        };
        let again = status.is_server_error() || status.as_u16() == 429;
        Ok(Err(if again { Trouble::Passing(failure) } else { Trouble::Lasting(failure) }))
    }

    async fn body(
        &self,
        url: &Url,
        mut response: reqwest::Response,
        call: &Call,
    ) -> Result<Result<Bytes, Trouble>, Failure> {
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
        if announced.is_some_and(|length| length > self.limit) {
            return Ok(Err(self.too_large(url)));
        }
        let mut body = BytesMut::new();
        loop {
            let next = tokio::time::timeout(STALL_PATIENCE, response.chunk());
            let trouble = match call.race(next).await? {
                Ok(Ok(None)) => return Ok(Ok(body.freeze())),
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > self.limit => self.too_large(url),
                Ok(Ok(Some(chunk))) => {
                    body.extend_from_slice(&chunk);
                    continue;
                }
                Ok(Err(error)) => Trouble::Passing(failed(url, &causes(&error), "download")),
                Err(_) => Trouble::Passing(failed(url, "nothing came for 30 s", "download")),
            };
            return Ok(Err(trouble));
        }
    }

    fn too_large(&self, url: &Url) -> Trouble {
        let why = format!("it is larger than {} MB", self.limit / (1024 * 1024));
        Trouble::Lasting(failed(url, &why, "download_too_large"))
    }
}

/// Whether another try may help.
enum Trouble {
    Passing(Failure),
    Lasting(Failure),
}

fn refused(address: &str, why: &str) -> Failure {
    let shown: String = quoted(address).chars().take(100).collect();
    Failure::new(
        format!("The picture at `{shown}` was not fetched: {why}."),
        "address_refused",
        "use an https address of a public host; the operator can allow another with IMAGEGEN_DELIVERY_HOSTS.",
    )
}

/// Names the host alone: the rest of the address may be all that protects the picture.
fn failed(url: &Url, why: &str, code: &str) -> Failure {
    let host = url.host_str().unwrap_or_default();
    Failure::new(
        format!("The picture could not be downloaded from `{host}`: {why}."),
        code,
        "try again; a vendor keeps a picture for about an hour.",
    )
}

#[cfg(test)]
mod tests {
    use reqwest::dns::Resolve as _;

    use super::*;

    fn fetcher(listed: &[(&str, Option<u16>)]) -> Fetcher {
        let hosts = listed.iter().map(|&(host, port)| HostPort { host: host.to_owned(), port }).collect();
        Fetcher::new(hosts).unwrap()
    }

    #[test]
    fn addresses_are_checked_by_who_named_them() {
        let fetcher = fetcher(&[("127.0.0.1", Some(8440)), ("pictures.example", None)]);
        for (address, delivery, input) in [
            ("https://replicate.delivery/a.png", true, true),
            ("https://pbxt.replicate.delivery/a.png", true, true),
            ("https://evilreplicate.delivery/a.png", false, true),
            ("https://replicate.delivery.evil.example/a.png", false, true),
            ("https://replicate.delivery@evil.example/a.png", false, false),
            ("https://replicate.delivery:8443/a.png", false, false),
            ("http://replicate.delivery/a.png", false, false),
            ("https://127.0.0.1/a.png", false, false),
            ("https://[::1]/a.png", false, false),
            ("https://0x7f000001/a.png", false, false),
            ("https://2130706433/a.png", false, false),
            ("https://[::ffff:169.254.169.254]/", false, false),
            ("https://[::ffff:1.1.1.1]/", false, true),
            ("file:///etc/passwd", false, false),
            ("ftp://127.0.0.1:8440/a", false, false),
            ("http://u:p@127.0.0.1:8440/a", false, false),
            ("http://127.0.0.1:8440/a.png", true, true),
            ("http://127.0.0.1:8441/a.png", false, false),
            ("https://pictures.example/a.png", true, true),
            ("", false, false),
        ] {
            assert_eq!(fetcher.check(address, Fetched::Delivery).is_ok(), delivery, "delivery {address}");
            assert_eq!(fetcher.check(address, Fetched::Input).is_ok(), input, "input {address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_resolved() {
        let found = GUARD.resolve("localhost".parse().unwrap()).await;
        assert!(found.err().unwrap().to_string().contains("no public address"));
    }
}
