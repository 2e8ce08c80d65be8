//! What the fakes saw: counts of events by vendor, and the last requests without their keys.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use serde_json::{Map, Value, json};

/// Requests that are remembered; older ones are forgotten first.
const MOST_REMEMBERED: usize = 256;
/// Longer texts in a remembered body are shortened to their length.
const LONGEST_TEXT: usize = 400;
/// Headers that are remembered; none of them carries a key.
const SHOWN_HEADERS: [&str; 6] =
    ["accept", "cancel-after", "content-type", "prefer", "user-agent", "openai-organization"];

/// Whose API a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vendor {
    /// `/replicate/v1`
    Replicate,
    /// `/openai/v1`
    OpenAi,
    /// `/gemini`
    Gemini,
    /// `/imagen`
    Imagen,
    /// `/custom`
    Custom,
    /// `/delivery`: where Replicate's pictures are fetched.
    Delivery,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A request for a picture arrived.
    Create,
    /// A request for a picture was accepted: at a real vendor it costs money from here on.
    Accepted,
    /// A request was refused because it broke the vendor's schema.
    Invalid,
    /// A prediction was asked for.
    Poll,
    /// A prediction was cancelled.
    Cancel,
    /// A model's description was asked for.
    Model,
    /// A file was asked for.
    Download,
    /// A request for a file carried a key, which it must never do.
    KeyLeak,
    /// Bytes of endless bodies that were taken.
    EndlessBytes,
}

/// Counts and remembered requests; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
struct Pages {
    counts: BTreeMap<(Vendor, Event), u64>,
    requests: VecDeque<Value>,
}

impl Vendor {
    /// Every vendor.
    pub const ALL: [Self; 6] =
        [Self::Replicate, Self::OpenAi, Self::Gemini, Self::Imagen, Self::Custom, Self::Delivery];

    /// Its name in paths and counts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Replicate => "replicate",
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
            Self::Imagen => "imagen",
            Self::Custom => "custom",
            Self::Delivery => "delivery",
        }
    }
}

impl Event {
    const ALL: [Self; 9] = [
        Self::Create,
        Self::Accepted,
        Self::Invalid,
        Self::Poll,
        Self::Cancel,
        Self::Model,
        Self::Download,
        Self::KeyLeak,
        Self::EndlessBytes,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Create => "creates",
            Self::Accepted => "accepted",
            Self::Invalid => "invalid",
            Self::Poll => "polls",
            Self::Cancel => "cancels",
            Self::Model => "models",
            Self::Download => "downloads",
            Self::KeyLeak => "key_leaks",
            Self::EndlessBytes => "endless_bytes",
        }
    }
}

impl Ledger {
    /// How often it happened.
    #[must_use]
    pub fn count(&self, vendor: Vendor, event: Event) -> u64 {
        self.pages().counts.get(&(vendor, event)).copied().unwrap_or_default()
    }

    /// Every count, by vendor and event.
    #[must_use]
    pub fn counts(&self) -> Value {
        let of = |vendor| -> Map<_, _> {
            Event::ALL
                .map(|event| (event.name().to_owned(), self.count(vendor, event).into()))
                .into_iter()
                .collect()
        };
        Vendor::ALL.map(|vendor| (vendor.name().to_owned(), Value::Object(of(vendor)))).into_iter().collect()
    }

    /// The last requests, oldest first: `vendor`, `method`, `path`, `auth` (how a key came, never which), `headers`,
    /// `body`.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        self.pages().requests.iter().cloned().collect()
    }

    /// The bodies of this vendor's remembered requests with method POST.
    #[must_use]
    pub fn posted(&self, vendor: Vendor) -> Vec<Value> {
        let ours = |request: &&Value| {
            request.get("vendor").is_some_and(|name| name == vendor.name())
                && request.get("method").is_some_and(|method| method == "POST")
        };
        let pages = self.pages();
        pages.requests.iter().filter(ours).filter_map(|request| request.get("body").cloned()).collect()
    }

    pub(super) fn add(&self, vendor: Vendor, event: Event, many: u64) {
        let mut pages = self.pages();
        let count = pages.counts.entry((vendor, event)).or_default();
        *count = count.saturating_add(many);
    }

    pub(super) fn note(&self, vendor: Vendor, event: Event) {
        self.add(vendor, event, 1);
    }

    pub(super) fn remember(&self, vendor: Vendor, line: (&str, &str), headers: &HeaderMap, body: &Value) {
        let shown: Map<_, _> = SHOWN_HEADERS
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), headers.get(name)?.to_str().ok()?.into())))
            .collect();
        let (method, path) = line;
        let auth = match (headers.contains_key("authorization"), headers.contains_key("x-goog-api-key")) {
            (true, true) => "both",
            (true, false) => "authorization",
            (false, true) => "x-goog-api-key",
            (false, false) => "none",
        };
        let request = json!({
            "vendor": vendor.name(), "method": method, "path": path, "auth": auth, "headers": shown,
            "body": shortened(body),
        });
        let mut pages = self.pages();
        if pages.requests.len() >= MOST_REMEMBERED {
            pages.requests.pop_front();
        }
        pages.requests.push_back(request);
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same value with long texts (pictures, that is) replaced by what they were.
fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONGEST_TEXT => format!("<{} bytes of text>", text.len()).into(),
        Value::Array(items) => items.iter().map(shortened).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), shortened(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_remembered_without_keys_and_long_texts() {
        let ledger = Ledger::default();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer secret-key".parse().unwrap());
        headers.insert("prefer", "wait=50".parse().unwrap());
        for n in 0..300 {
            let body = json!({ "n": n, "image": "x".repeat(1000) });
            ledger.remember(Vendor::Replicate, ("POST", "/p"), &headers, &body);
        }
        let requests = ledger.requests();
        assert_eq!(requests.len(), 256);
        assert_eq!(requests[255]["body"], json!({ "n": 299, "image": "<1000 bytes of text>" }));
        assert_eq!(requests[255]["headers"], json!({ "prefer": "wait=50" }));
        assert_eq!(requests[255]["auth"], "authorization");
        assert!(!json!(requests).to_string().contains("secret-key"));
        assert_eq!(ledger.posted(Vendor::Replicate).len(), 256);
        assert!(ledger.posted(Vendor::OpenAi).is_empty());
    }

    #[test]
    fn counts_are_by_vendor_and_event() {
        let ledger = Ledger::default();
        ledger.note(Vendor::OpenAi, Event::Create);
        ledger.add(Vendor::Delivery, Event::EndlessBytes, 10);
        assert_eq!(ledger.count(Vendor::OpenAi, Event::Create), 1);
        assert_eq!(ledger.counts()["delivery"]["endless_bytes"], 10);
        assert_eq!(ledger.counts()["replicate"]["cancels"], 0);
    }
}
