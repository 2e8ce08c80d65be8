//! The vendors' addresses: checked, and never taken from a place that the key does not come from.

use reqwest::Url;

use super::SettingsError;
use super::variables::{Origin, Variables};

const OPENAI: &str = "OPENAI_BASE_URL";
const REPLICATE: &str = "REPLICATE_BASE_URL";
const GEMINI: &str = "GOOGLE_GEMINI_BASE_URL";
const IMAGEN: &str = "GOOGLE_IMAGEN_ENDPOINT";
const DELIVERY: &str = "IMAGEGEN_DELIVERY_HOSTS";
const EXPECTED: &str =
    "an address that begins with https:// or http://, without a user name, query or fragment";

/// Where each vendor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// OpenAI's. Default: `https://api.openai.com/v1`.
    pub openai: Endpoint,
    /// Replicate's. Default: `https://api.replicate.com/v1`.
    pub replicate: Endpoint,
    /// Gemini's. Default: `https://generativelanguage.googleapis.com`.
    pub gemini: Endpoint,
    /// The whole address of a Google image endpoint. Default: none.
    pub imagen: Option<Endpoint>,
    /// Hosts that pictures may be fetched from besides Replicate's, each exactly as named.
    pub delivery: Vec<HostPort>,
}

/// An address; one that paths are added to has no slash at its end.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(String);

/// A host that pictures may be fetched from, on this port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// A name or an address, in lower case.
    pub host: String,
    /// Default: 443.
    pub port: Option<u16>,
}

impl Endpoint {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str, query: Query) -> Option<Self> {
        // A place for the model's name may stand in the path.
        let url = Url::parse(&text.replace("{model}", "model")).ok()?;
        let plain = matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && (query == Query::Allowed || url.query().is_none())
            && url.fragment().is_none();
        let whole = if query == Query::Allowed { text } else { text.trim_end_matches('/') };
        plain.then(|| Self(whole.to_owned()))
    }
}

/// Whether an address may have a query: a whole one may, one that paths are added to may not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Query {
    Allowed,
    Refused,
}

/// Shown without its query, which may hold a key; user names are refused.
impl std::fmt::Debug for Endpoint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.0.split('?').next().unwrap_or_default())
    }
}

impl HostPort {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            // Not the colons of a bare IPv6 address.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, Some(port.parse().ok()?))
            }
            Some(_) | None => (text, None),
        };
        // What a URL makes of the host is what it is compared with.
        let url = Url::parse(&format!("http://{host}/")).ok()?;
        let known = url
            .host_str()
            .filter(|_| url.port().is_none() && url.username().is_empty() && url.path() == "/")?;
        Some(Self { host: known.to_owned(), port })
    }

    /// Whether the address is on this host and port.
    #[must_use]
    pub fn covers(&self, url: &Url) -> bool {
        url.host_str() == Some(self.host.as_str())
            && url.port_or_known_default() == Some(self.port.unwrap_or(443))
    }
}

impl Addresses {
    pub(super) fn read(variables: &Variables<'_>) -> Result<Self, SettingsError> {
        let usual = |address: &str| Endpoint(address.to_owned());
        let delivery = variables.text(DELIVERY)?.unwrap_or_default();
        let hosts = delivery.split(',').map(str::trim).filter(|host| !host.is_empty());
        let hosts: Option<Vec<_>> = hosts.map(HostPort::parse).collect();
        Ok(Self {
            openai: address(variables, OPENAI, "OPENAI_API_KEY")?
                .unwrap_or_else(|| usual("https://api.openai.com/v1")),
            replicate: address(variables, REPLICATE, "REPLICATE_API_TOKEN")?
                .unwrap_or_else(|| usual("https://api.replicate.com/v1")),
            gemini: address(variables, GEMINI, "GOOGLE_API_KEY")?
                .unwrap_or_else(|| usual("https://generativelanguage.googleapis.com")),
            imagen: address(variables, IMAGEN, "GOOGLE_API_KEY")?,
            delivery: hosts.ok_or(SettingsError::Unusable {
                name: DELIVERY,
                value: delivery.clone(),
                expected: "host names or addresses with or without a port, with commas between them",
            })?,
        })
    }
}

/// A `.env` may lie in a directory that somebody else filled; it must not lead the user's own key away.
fn address(
    variables: &Variables<'_>,
    name: &'static str,
    key: &'static str,
) -> Result<Option<Endpoint>, SettingsError> {
    let Some(value) = variables.text(name)? else { return Ok(None) };
    if variables.origin(name) == Some(Origin::File) && variables.origin(key) == Some(Origin::Process) {
        return Err(SettingsError::ForeignAddress { address: name, key });
    }
    let query = if name == IMAGEN { Query::Allowed } else { Query::Refused };
    let endpoint = Endpoint::parse(value.trim(), query);
    endpoint.map(Some).ok_or(SettingsError::Unusable { name, value, expected: EXPECTED })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn hosts_are_matched_exactly() {
        for (listed, url, covered) in [
            ("127.0.0.1:8440", "http://127.0.0.1:8440/x", true),
            ("127.0.0.1:8440", "http://127.0.0.1:8441/x", false),
            ("127.0.0.1:8440", "http://localhost:8440/x", false),
            ("Pictures.Example", "https://pictures.example/x", true),
            ("pictures.example", "https://a.pictures.example/x", false),
            ("pictures.example", "http://pictures.example/x", false),
            ("pictures.example:443", "https://pictures.example/x", true),
            ("[::1]:8440", "http://[::1]:8440/x", true),
        ] {
            let listed = HostPort::parse(listed).unwrap();
            assert_eq!(listed.covers(&Url::parse(url).unwrap()), covered, "{listed:?} {url}");
        }
        for wrong in ["a/b", "a:b", "a b", "u@h", "", "h:99999"] {
            assert_eq!(HostPort::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_of_the_process_does_not_go_to_an_address_of_the_file() {
        let read = |in_file: &[&str]| {
            let both = [(OPENAI, "https://elsewhere.example/v1"), ("OPENAI_API_KEY", "key")];
            let (file, process): (Vec<_>, Vec<_>) =
                both.into_iter().partition(|(name, _)| in_file.contains(name));
            let file = file.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let find = move |wanted: &str| {
                process.iter().find(|(name, _)| *name == wanted).map(|(_, value)| OsString::from(value))
            };
            Addresses::read(&Variables::new(find, file)).map(|addresses| addresses.openai)
        };
        let elsewhere = Ok(Endpoint("https://elsewhere.example/v1".to_owned()));
        assert_eq!(read(&[]), elsewhere);
        assert_eq!(read(&[OPENAI, "OPENAI_API_KEY"]), elsewhere);
        assert_eq!(read(&["OPENAI_API_KEY"]), elsewhere);
        assert!(matches!(read(&[OPENAI]), Err(SettingsError::ForeignAddress { .. })));
    }
}
