//! What all the fakes share: the ledger, the easel, the running predictions, and the refusals that twists ask for.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, Uri, header};
use serde_json::Value;

use super::drawing::Easel;
use super::ledger::{Ledger, Vendor};
use super::replicate::Runs;
use super::scenario::{Scenario, Twist};

/// The state of one fake server.
#[derive(Debug)]
pub(super) struct Desk {
    address: SocketAddr,
    pub(super) ledger: Ledger,
    pub(super) easel: Easel,
    pub(super) runs: Runs,
    /// The prompts that were throttled once.
    throttled: Mutex<HashSet<(Vendor, String)>>,
}

/// A create that is refused because its scenario says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Status(u16),
    /// With words that quote the key.
    Echo,
    /// 429, with the seconds in a header or in the body.
    Throttled {
        header: Option<u64>,
        body: Option<u64>,
    },
}

impl Desk {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            ledger: Ledger::default(),
            easel: Easel::default(),
            runs: Runs::default(),
            throttled: Mutex::default(),
        }
    }

    /// Remembers a request and reads its body as JSON; null where it is none.
    pub(super) fn arrived(
        &self,
        vendor: Vendor,
        (method, uri): (&str, &Uri),
        headers: &HeaderMap,
        body: &[u8],
    ) -> Value {
        let json = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|mime| mime.split(';').next() == Some("application/json"));
        let body = if json { serde_json::from_slice(body).unwrap_or_default() } else { Value::Null };
        self.ledger.remember(vendor, (method, uri.path()), headers, &body);
        body
    }

    /// The address that the client called by, for links in answers.
    pub(super) fn base(&self, headers: &HeaderMap) -> String {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        host.map_or_else(|| format!("http://{}", self.address), |host| format!("http://{host}"))
    }

    /// The refusal that the scenario asks for now.
    pub(super) fn refusal(&self, vendor: Vendor, scenario: &Scenario, prompt: &str) -> Option<Refusal> {
        if scenario.has(Twist::Echo) {
            return Some(Refusal::Echo);
        }
        if let Some(status) = scenario.number(Twist::Status) {
            return Some(Refusal::Status(u16::try_from(status).unwrap_or(500)));
        }
        let (header, body) = (scenario.number(Twist::Throttle), scenario.number(Twist::ThrottleBody));
        if header.is_none() && body.is_none() && !scenario.has(Twist::ThrottleBare) {
            return None;
        }
        let mut throttled = self.throttled.lock().unwrap_or_else(PoisonError::into_inner);
        let first = throttled.insert((vendor, prompt.to_owned()));
        (first || scenario.has(Twist::Always)).then_some(Refusal::Throttled { header, body })
    }
}

/// The bearer key, if it begins as the fake's keys do.
pub(super) fn bearer<'a>(headers: &'a HeaderMap, begins: &str) -> Option<&'a str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").filter(|key| key.starts_with(begins))
}

/// The key of Google's own header, if it begins as the fake's keys do.
pub(super) fn goog_key<'a>(headers: &'a HeaderMap, begins: &str) -> Option<&'a str> {
    headers.get("x-goog-api-key")?.to_str().ok().filter(|key| key.starts_with(begins))
}
