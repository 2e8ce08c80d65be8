//! What holds for each tool: the machine's word, a person's, and the pin.

use std::collections::HashMap;

use serde::Serialize;
use toolgate_catalog::{Category, Override, Severity, Verdict};
use toolgate_store::{Pin, PinState as Kept, RiskOverride, RiskWord, StoreError};
use utoipa::ToSchema;

use super::seen::Tool;
use crate::admin::Shared;
use crate::moment;

/// Whether a tool's definition is one that somebody accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PinView {
    /// Nobody pinned it.
    Unpinned,
    /// It is the pinned one.
    Pinned,
    /// It is another than the pinned one.
    Changed,
    /// It was found to be another: the tool waits for somebody to look.
    Quarantined,
}

/// The machine's word on a tool, whatever a person says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MachineView {
    /// What one ordinary call can do at worst.
    category: &'static str,
    /// How bad that is.
    severity: &'static str,
    /// How sure that is, from 0 to 1.
    confidence: f64,
    /// Why, in a sentence.
    reason: String,
    /// Whether its definition speaks to the model behind its user's back.
    suspicious: bool,
}

/// A person's word on a tool, which holds in place of the machine's.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OverrideView {
    /// What one ordinary call can do at worst.
    category: String,
    /// How bad that is; that of the category where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<String>,
    /// Why.
    reason: String,
    /// Who said so.
    author: String,
    /// When.
    updated: String,
}

impl From<&RiskOverride> for OverrideView {
    fn from(found: &RiskOverride) -> Self {
        let RiskWord { category, severity, reason } = found.word.clone();
        let (author, updated) = (found.meta.author.clone(), moment::show(found.meta.updated));
        Self { category, severity, reason, author, updated }
    }
}

impl From<&Tool> for MachineView {
    fn from(tool: &Tool) -> Self {
        let found = &tool.assessment;
        Self {
            category: found.category.name(),
            severity: found.severity.name(),
            confidence: found.confidence,
            reason: found.reason.clone(),
            suspicious: !found.suspicious.is_empty(),
        }
    }
}

/// The category of a kept word; the store keeps none other.
fn category(word: &str) -> Option<Category> {
    Category::parse(word)
}

/// The severity of a word.
pub(super) fn severity(word: &str) -> Option<Severity> {
    Severity::ALL.into_iter().find(|severity| severity.name() == word)
}

/// What people say of tools, and what they pinned.
#[derive(Debug)]
pub(super) struct Words {
    overrides: HashMap<(String, String), RiskOverride>,
    pins: HashMap<(String, String), Pin>,
}

impl Words {
    /// What a person says of a tool.
    pub(super) fn said(&self, server: &str, tool: &str) -> Option<&RiskOverride> {
        self.overrides.get(&(server.to_owned(), tool.to_owned()))
    }

    /// What holds for a tool.
    pub(super) fn verdict(&self, server: &str, tool: &Tool) -> Verdict {
        let overridden = self.said(server, &tool.name).and_then(|said| {
            Some(Override {
                category: category(&said.word.category)?,
                severity: said.word.severity.as_deref().and_then(severity),
                reason: said.word.reason.clone(),
            })
        });
        Verdict { machine: tool.assessment.clone(), overridden }
    }

    /// Whether a tool's definition is the pinned one.
    pub(super) fn pin(&self, server: &str, tool: &Tool) -> PinView {
        match self.pins.get(&(server.to_owned(), tool.name.clone())) {
            None => PinView::Unpinned,
            Some(pin) if pin.state == Kept::Quarantined => PinView::Quarantined,
            Some(pin) if pin.definition_hash == tool.hash => PinView::Pinned,
            Some(_) => PinView::Changed,
        }
    }
}

impl Shared {
    /// What people say of the tools of these servers.
    pub(super) async fn words(&self, servers: impl Iterator<Item = &str>) -> Result<Words, StoreError> {
        let overrides = self.store().risk_overrides().list().await?;
        let overrides =
            overrides.into_iter().map(|said| ((said.server.clone(), said.tool.clone()), said)).collect();
        let mut pins = HashMap::new();
        for server in servers {
            let of_server = self.store().pins().list(server).await?;
            pins.extend(of_server.into_iter().map(|pin| ((pin.server.clone(), pin.tool.clone()), pin)));
        }
        Ok(Words { overrides, pins })
    }
}
