//! The versions of a policy, and what differs between two.

use std::time::Duration;

use axum::Json;
use axum::extract::State as Extract;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use similar::TextDiff;
use toolgate_store::PolicyVersion;
use utoipa::{IntoParams, ToSchema};

use super::Notation;
use crate::admin::{Shared, State};
use crate::input::{Asked, Named};
use crate::moment;
use crate::page::{Page, limit};
use crate::problem::Problem;

/// One version of a policy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionView {
    /// 1, 2, 3 …
    number: i64,
    /// What the journal calls it by.
    version: String,
    /// How the text is written.
    notation: Notation,
    /// The text; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Why it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// When it was made.
    created: String,
    /// Who made it.
    author: String,
}

impl From<PolicyVersion> for VersionView {
    fn from(version: PolicyVersion) -> Self {
        Self {
            number: version.number,
            version: version.document.hash,
            notation: version.document.syntax.into(),
            text: Some(version.document.text),
            comment: version.document.comment,
            created: moment::show(version.created),
            author: version.author,
        }
    }
}

/// Which versions are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct VersionsPart {
    /// `next` of the page before; none begins at the newest.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// List the versions of a policy
#[utoipa::path(get, path = "/api/v1/policies/{name}/versions", tag = "Policies", operation_id = "listPolicyVersions",
    params(("name" = String, Path, description = "The policy"), VersionsPart),
    responses((status = 200, description = "A page of versions, the newest first, without their texts", body = Page<VersionView>)))]
pub(crate) async fn list(
    Extract(state): Extract<State>,
    Named(name): Named<String>,
    Asked(part): Asked<VersionsPart>,
) -> Result<Json<Page<VersionView>>, Problem> {
    state.refuse_policy_of_file(&name)?;
    let limit = limit(part.limit)?;
    let before = part.cursor.as_deref().map(str::parse).transpose().map_err(|_| {
        Problem::new(StatusCode::BAD_REQUEST, "`cursor` is none of this list: begin again without one")
    })?;
    let mut versions = state.store().policies().versions(&name, before, limit.saturating_add(1)).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = versions.len() > most;
    versions.truncate(most);
    let next = versions.last().filter(|_| more).map(|version| version.number.to_string());
    let views = versions.into_iter().map(|version| VersionView { text: None, ..version.into() });
    Ok(Json(Page { items: views.collect(), next }))
}

/// Look at a version of a policy
#[utoipa::path(get, path = "/api/v1/policies/{name}/versions/{number}", tag = "Policies", operation_id = "getPolicyVersion",
    params(("name" = String, Path, description = "The policy"), ("number" = i64, Path, description = "1, 2, 3 …")),
    responses((status = 200, description = "The version", body = VersionView)))]
pub(crate) async fn get(
    Extract(state): Extract<State>,
    Named((name, number)): Named<(String, i64)>,
) -> Result<Json<VersionView>, Problem> {
    state.refuse_policy_of_file(&name)?;
    Ok(Json(state.store().policies().version(&name, number).await?.into()))
}

/// Which versions are compared.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Compared {
    /// The number of the earlier version; the one before `to` if absent.
    from: Option<i64>,
    /// The number of the later version; the current one if absent.
    to: Option<i64>,
}

/// What differs between two versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Difference {
    /// The number of the earlier version.
    from: i64,
    /// The number of the later version.
    to: i64,
    /// Lines that went begin with `-`, those that came with `+`; a unified diff, empty if the texts are the same.
    diff: String,
}

/// Compare two versions of a policy
#[utoipa::path(get, path = "/api/v1/policies/{name}/diff", tag = "Policies", operation_id = "diffPolicy",
    params(("name" = String, Path, description = "The policy"), Compared),
    responses((status = 200, description = "What differs", body = Difference)))]
pub(crate) async fn diff(
    Extract(state): Extract<State>,
    Named(name): Named<String>,
    Asked(compared): Asked<Compared>,
) -> Result<Json<Difference>, Problem> {
    state.refuse_policy_of_file(&name)?;
    let policies = state.store().policies();
    let later = match compared.to {
        Some(number) => policies.version(&name, number).await?,
        None => policies.get(&name).await?.current,
    };
    let from = compared.from.unwrap_or_else(|| later.number.saturating_sub(1).max(1));
    let earlier = policies.version(&name, from).await?;
    let (from, to) = (earlier.number, later.number);
    let difference = tokio::task::spawn_blocking(move || lines(&earlier, &later)).await;
    let diff = difference.map_err(|_| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the two versions could not be compared")
    })?;
    Ok(Json(Difference { from, to, diff }))
}

fn lines(earlier: &PolicyVersion, later: &PolicyVersion) -> String {
    /// After this the rest is taken as replaced, so that a hostile document costs no more.
    const TIME: Duration = Duration::from_secs(1);
    let name = |version: &PolicyVersion| format!("{}/{}", version.policy, version.number);
    let diff = TextDiff::configure().timeout(TIME).diff_lines(&earlier.document.text, &later.document.text);
    diff.unified_diff().header(&name(earlier), &name(later)).to_string()
}

impl Shared {
    /// The store keeps no versions of a file.
    fn refuse_policy_of_file(&self, name: &str) -> Result<(), Problem> {
        let file = self.gateway().file();
        if file.names.policies.contains(name) {
            let path = file.names.path.display();
            let detail =
                format!("the policy `{name}` is managed by the file {path}, which keeps no versions");
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        }
        Ok(())
    }
}
