//! Asking other people's machines, politely: one client that names itself, follows no redirects, sends no credentials,
//! and reads no more than a limit.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use toolgate_egress::Guard;

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
            builder = builder.dns_resolver(Guard::Public);
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
            Self::Public if !Guard::Public.admits_host(host) => Err("it leads to no public address"),
            Self::Public => Ok(url),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_named_must_be_public() {
        for text in [
            "http://example.com/mcp",
            "https://user@example.com/",
            "https://127.0.0.1/mcp",
            "https://[::1]/",
            "https://[::ffff:1.1.1.1]/",
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
