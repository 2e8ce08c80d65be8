//! A record read back from its line. Kinds and members that this version does not know pass.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use serde_json::value::RawValue;

use crate::record::time::parse_timestamp;

/// What one line says. Fields are named and absent as the members of the line are; texts are borrowed
/// from the line where they hold no escape. See [`crate::Record`] for what each means.
#[derive(Clone, Debug, Deserialize)]
pub struct RecordView<'a> {
    pub seq: u64,
    #[serde(borrow)]
    pub ts: Cow<'a, str>,
    #[serde(borrow)]
    pub node: Cow<'a, str>,
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub request_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub session: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub client: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub grant: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub server: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub method: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub tool: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub resource: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub prompt: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub outcome: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub rule: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub message: Option<Text<'a>>,
    pub retry_after_ms: Option<u64>,
    #[serde(borrow, default)]
    pub shadow: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub policy: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub policy_version: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub definition_hash: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub argument_names: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub arguments_hmac: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub limits: Vec<LimitView<'a>>,
    pub released: Option<bool>,
    pub count: Option<u64>,
    #[serde(borrow, default)]
    pub detail: Option<Text<'a>>,
    /// Who made a change.
    #[serde(borrow, default)]
    pub by: Option<Text<'a>>,
    pub latency_us: Option<LatencyView>,
    /// Of a checkpoint: SHA-256 of the snapshot of the counters that belongs to it.
    #[serde(borrow, default)]
    pub counters: Option<Text<'a>>,
    /// Of a prune record: what was removed.
    #[serde(borrow, default)]
    pub pruned: Option<PrunedView<'a>>,
    /// Of a signed record: which key signed it.
    #[serde(borrow, default)]
    pub key_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub signature: Option<Text<'a>>,
    #[serde(borrow)]
    pub prev: Cow<'a, str>,
    #[serde(borrow)]
    pub hash: Cow<'a, str>,
}

impl<'a> RecordView<'a> {
    /// Reads one line, with or without its line feed.
    pub fn parse(line: &'a [u8]) -> Result<RecordView<'a>, serde_json::Error> {
        serde_json::from_slice(line)
    }

    /// The record's wall time in microseconds since 1970; `None` if it is not spelled as the journal does.
    pub fn ts_micros(&self) -> Option<i64> {
        parse_timestamp(&self.ts)
    }
}

/// What a call took from one counter.
#[derive(Clone, Debug, Deserialize)]
pub struct LimitView<'a> {
    #[serde(borrow)]
    pub counter: Cow<'a, str>,
    #[serde(borrow)]
    pub amount: Cow<'a, str>,
    #[serde(borrow)]
    pub scope: Cow<'a, str>,
}

/// Time a call took, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct LatencyView {
    /// Spent inside the gateway.
    pub gateway: u64,
    /// Spent waiting for the server.
    pub upstream: Option<u64>,
}

/// The range of records that retention removed, up to and including `last_seq`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PrunedView<'a> {
    /// First record removed this time.
    pub first_seq: u64,
    /// Last record removed.
    pub last_seq: u64,
    /// Hash of the last record removed: `prev` of the first that remains.
    #[serde(borrow)]
    pub last_hash: Cow<'a, str>,
}

/// A text borrowed from its line, unless escapes had to be undone.
#[derive(Clone, PartialEq, Eq)]
pub struct Text<'a>(Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == **other
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text<'a>, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Text)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
