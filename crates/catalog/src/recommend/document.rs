//! A policy document that is being written: only the parts that recommendations use.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// A policy document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    version: &'static str,
    default: &'static str,
    /// Names that no list shows and no call reaches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hide: Vec<String>,
    /// Rules by tool.
    pub tools: Entries,
}

/// Rules by tool, in the order they were written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entries(Vec<(String, Entry)>);

/// Rules for one tool; without any, every call passes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Entry {
    /// Groups of conditions that deny.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny_if: Vec<Group>,
    /// Counters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
}

/// A group of conditions. Recommendations write groups without conditions, which always hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    conditions: [(); 0],
    /// What the agent is told.
    pub on_deny: String,
}

/// A counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// Its name.
    pub counter: String,
    /// Its window.
    pub window: &'static str,
    /// The most that a window may hold.
    pub max: u64,
    /// What counts together.
    pub scope: &'static str,
}

impl Document {
    /// A policy that denies everything.
    #[must_use]
    pub fn deny_all() -> Self {
        Self { version: "1", default: "deny", hide: Vec::new(), tools: Entries::default() }
    }

    /// The document as indented JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Text, lists and maps with names: nothing here can fail to be written.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl Entries {
    /// Writes an entry.
    pub fn insert(&mut self, tool: &str, entry: Entry) {
        self.0.push((tool.to_owned(), entry));
    }

    /// The entry of a tool.
    #[must_use]
    pub fn get(&self, tool: &str) -> Option<&Entry> {
        self.0.iter().find(|(name, _)| name == tool).map(|(_, entry)| entry)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, entry) in &self.0 {
            map.serialize_entry(name, entry)?;
        }
        map.end()
    }
}

impl Entry {
    /// So many calls in any minute, for each grant, in a counter that is named after the tool.
    #[must_use]
    pub fn limited(tool: &str, max: u64) -> Self {
        let limit = Limit { counter: format!("{tool}_rate"), window: "minute", max, scope: "grant" };
        Self { deny_if: Vec::new(), limits: vec![limit] }
    }

    /// No call, with a reason.
    #[must_use]
    pub fn denied(reason: &str) -> Self {
        Self { deny_if: vec![Group { conditions: [], on_deny: reason.to_owned() }], limits: Vec::new() }
    }
}
