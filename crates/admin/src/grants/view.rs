//! A grant as the API shows it: of its tokens only when they were made and used.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toolgate_gateway::settings::{GrantSettings, Names as SetNames};
use toolgate_store::{Grant, GrantSpec, Kind, NameStyle, Page, StoreError, Token, Tombstone};
use utoipa::ToSchema;

use crate::admin::Shared;
use crate::moment;
use crate::precondition::{file_tag, tag};
use crate::problem::Problem;
use crate::servers::ManagedBy;

/// How tool names are shown to a grant's clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Names {
    /// As the server gives them.
    Dotted,
    /// With underscores in place of dots.
    Underscore,
}

impl From<Names> for NameStyle {
    fn from(names: Names) -> Self {
        match names {
            Names::Dotted => Self::Dotted,
            Names::Underscore => Self::Underscore,
        }
    }
}

impl From<NameStyle> for Names {
    fn from(style: NameStyle) -> Self {
        match style {
            NameStyle::Dotted => Self::Dotted,
            NameStyle::Underscore => Self::Underscore,
        }
    }
}

/// A grant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GrantView {
    /// Its label.
    label: String,
    /// Who has the say over it.
    managed_by: ManagedBy,
    /// The servers that it includes, and the policy that judges its calls on each.
    servers: BTreeMap<String, String>,
    /// From when on it is no longer valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// Free words.
    tags: Vec<String>,
    /// How tool names are shown to its clients.
    names: Names,
    /// Its tokens by age; empty for a grant of the config file that brings its own.
    tokens: Vec<TokenView>,
    /// When it was revoked: a grant of the config file that no longer is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
    /// The `ETag` that changes must name.
    etag: String,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    /// When it was changed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    /// Who changed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
}

/// A token of a grant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenView {
    /// When it was made.
    created: String,
    /// From when on it opens nothing, where a newer one has taken its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<String>,
    /// When it was used last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
}

impl From<&Token> for TokenView {
    fn from(token: &Token) -> Self {
        Self {
            created: moment::show(token.created),
            ends: token.ends.map(moment::show),
            last_used: token.last_used.map(moment::show),
        }
    }
}

impl GrantView {
    /// A grant of the store.
    pub(crate) fn of_store(grant: &Grant) -> Self {
        let Grant { label, spec, tokens, meta, .. } = grant;
        Self {
            label: label.clone(),
            managed_by: ManagedBy::Api,
            servers: spec.servers.iter().map(|b| (b.server.clone(), b.policy.clone())).collect(),
            expires: spec.expires.map(moment::show),
            tags: spec.tags.clone(),
            names: spec.names.into(),
            tokens: tokens.iter().map(TokenView::from).collect(),
            revoked: None,
            etag: tag(meta.revision),
            created: Some(moment::show(meta.created)),
            updated: Some(moment::show(meta.updated)),
            author: Some(meta.author.clone()),
        }
    }

    /// A grant of the config file; `set` is missing for one that was revoked before the gateway started.
    fn of_file(
        label: &str,
        set: Option<&GrantSettings>,
        kept: Option<&Grant>,
        tombstone: Option<&Tombstone>,
    ) -> Self {
        let names = match set.map(|set| set.names).unwrap_or_default() {
            SetNames::Dotted => Names::Dotted,
            SetNames::Underscore => Names::Underscore,
        };
        let servers: BTreeMap<_, _> =
            set.map(|set| set.servers.iter().cloned().collect()).unwrap_or_default();
        let revision = kept.map(|kept| kept.meta.revision);
        let content =
            format!("{servers:?}{:?}{revision:?}{tombstone:?}", set.map(|set| (set.expires, &set.tags)));
        Self {
            label: label.to_owned(),
            managed_by: ManagedBy::File,
            servers,
            expires: set.and_then(|set| set.expires).map(moment::show),
            tags: set.map(|set| set.tags.clone()).unwrap_or_default(),
            names,
            tokens: kept.into_iter().flat_map(|kept| &kept.tokens).map(TokenView::from).collect(),
            revoked: tombstone.map(|tombstone| moment::show(tombstone.revoked)),
            etag: file_tag(&content),
            created: None,
            updated: None,
            author: tombstone.map(|tombstone| tombstone.author.clone()),
        }
    }

    /// Its tag.
    pub(crate) fn etag(&self) -> &str {
        &self.etag
    }
}

/// What is set about a grant, in words for the journal.
pub(super) fn in_words(spec: &GrantSpec) -> String {
    let servers: Vec<String> =
        spec.servers.iter().map(|b| format!("{} under {}", b.server, b.policy)).collect();
    let expires = spec.expires.map_or_else(|| "never".to_owned(), moment::show);
    format!("servers [{}], expires {expires}, tags [{}]", servers.join(", "), spec.tags.join(", "))
}

impl Shared {
    /// The grants of the config file, by label.
    pub(super) async fn grants_in_file(&self) -> Result<Vec<(String, GrantView)>, Problem> {
        let (settings, file) = (self.gateway().settings(), self.gateway().file());
        if file.names.grants.is_empty() {
            return Ok(Vec::new());
        }
        let tombstones = self.store().grants().tombstones().await?;
        let kept = self.store().grants().list(Page::ALL).await?;
        let view = |label: &String| {
            let set = settings.grants.iter().find(|grant| grant.label == *label);
            let kept = kept.iter().find(|grant| grant.managed_by_file && grant.label == *label);
            let tombstone = tombstones.iter().find(|tombstone| tombstone.label == *label);
            (label.clone(), GrantView::of_file(label, set, kept, tombstone))
        };
        Ok(file.names.grants.iter().map(view).collect())
    }

    /// A grant, wherever it stands.
    pub(super) async fn grant(&self, label: &str) -> Result<GrantView, Problem> {
        let of_file = self.grants_in_file().await?.into_iter().find(|(other, _)| other == label);
        if let Some((_, view)) = of_file {
            return Ok(view);
        }
        match self.store().grants().get(label).await {
            // What was minted for a grant that the file no longer has.
            Ok(grant) if grant.managed_by_file => Err(Problem::not_found(Kind::Grant, label)),
            Ok(grant) => Ok(GrantView::of_store(&grant)),
            Err(StoreError::NotFound { .. }) => Err(Problem::not_found(Kind::Grant, label)),
            Err(error) => Err(error.into()),
        }
    }
}
