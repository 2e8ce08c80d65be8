//! What the gateway runs with, and the limits among it that can be set while it runs: those of which a change
//! acts on the next call. What the config file sets is changed there.

mod view;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Extension, State as Extract};
use axum::response::{IntoResponse, Response};
use http::header;
use serde::Deserialize;
use toolgate_gateway::settings::limit::{LIMITS, LimitKey, changeable};
use toolgate_store::{Change, Kind, Setting, StoreError};
use utoipa::ToSchema;

use crate::admin::{Shared, State};
use crate::change::{Done, Otherwise};
use crate::identity::Who;
use crate::input::Sent;
use crate::moment;
use crate::precondition::{IfMatch, content_tag};
use crate::problem::{Mistake, Problem};
use crate::running::{FileView, Subject};
use crate::servers::ManagedBy;
use view::SettingsView;

/// The key under which the store keeps the limits that were set: a JSON object of names and whole numbers.
pub const LIMITS_SETTING: &str = "limits";

/// Limits by name.
type Limits = BTreeMap<String, usize>;

/// What is to hold while the gateway runs, where the config file says nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsBody {
    /// The limits, as they are named in the config file; one that is not named here has its default.
    #[serde(default)]
    limits: LimitsBody,
}

/// Limits that are to hold. A change of `result`, `depth`, `values` or `in_flight_per_server` opens the servers anew:
/// clients of the revisions with sessions open new ones.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsBody {
    /// Bytes of a request's body.
    #[schema(minimum = 1024, maximum = 1_073_741_824)]
    body: Option<usize>,
    /// Bytes of an answer, or of one event of it.
    #[schema(minimum = 1024, maximum = 1_073_741_824)]
    result: Option<usize>,
    /// Levels of nesting in a message.
    #[schema(minimum = 8, maximum = 128)]
    depth: Option<usize>,
    /// Values and member names in a message.
    #[schema(minimum = 100, maximum = 100_000_000)]
    values: Option<usize>,
    /// Calls of one grant in flight.
    #[schema(minimum = 1, maximum = 1_000_000)]
    in_flight_per_grant: Option<usize>,
    /// Calls to one server in flight.
    #[schema(minimum = 1, maximum = 1_000_000)]
    in_flight_per_server: Option<usize>,
    /// Live sessions of one grant.
    #[schema(minimum = 1, maximum = 10_000)]
    sessions_per_grant: Option<usize>,
    /// Open event streams of one grant.
    #[schema(minimum = 1, maximum = 100_000)]
    streams_per_grant: Option<usize>,
}

impl LimitsBody {
    fn named(&self) -> Limits {
        let all = [
            ("body", self.body),
            ("result", self.result),
            ("depth", self.depth),
            ("values", self.values),
            ("in_flight_per_grant", self.in_flight_per_grant),
            ("in_flight_per_server", self.in_flight_per_server),
            ("sessions_per_grant", self.sessions_per_grant),
            ("streams_per_grant", self.streams_per_grant),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// What the gateway runs with
#[utoipa::path(get, path = "/api/v1/settings", tag = "State", operation_id = "getSettings",
    responses((status = 200, description = "The settings in force", body = SettingsView, headers(("ETag" = String)))))]
pub(crate) async fn get(Extract(state): Extract<State>) -> Result<Response, Problem> {
    let kept = state.kept_limits().await?;
    Ok(answer(state.settings_view(kept.as_ref())))
}

/// Set limits
///
/// Sets all limits that the config file does not set: those that are named to their values, the others to their
/// defaults. Acts on the next call.
#[utoipa::path(put, path = "/api/v1/settings", tag = "State", operation_id = "putSettings",
    request_body = SettingsBody,
    responses((status = 200, description = "Set", body = SettingsView, headers(("ETag" = String)))))]
pub(crate) async fn put(
    Extract(state): Extract<State>,
    Extension(who): Extension<Who>,
    condition: IfMatch,
    Sent(body): Sent<SettingsBody>,
) -> Result<Response, Problem> {
    let turn = state.turn(&who).await?;
    let before = state.kept_limits().await?;
    condition.check(&state.settings_view(before.as_ref()).etag)?;
    let wanted = body.limits.named();
    check(&wanted, &turn.file)?;
    let value = serde_json::to_string(&wanted).unwrap_or_default();
    let kept = state.store().settings().set(LIMITS_SETTING, &value, &turn.change_new()).await?;
    let detail = in_words(&wanted);
    let undo = {
        let (shared, author, now) = (state.clone(), turn.author.clone(), turn.now);
        Otherwise::undo(async move { shared.put_back(before.as_ref(), (&author, now)).await })
    };
    let done = Done { subject: Subject::Settings, name: LIMITS_SETTING, detail: &detail };
    turn.take_over(done, undo).await?;
    Ok(answer(state.settings_view(Some(&kept))))
}

fn answer(view: SettingsView) -> Response {
    ([(header::ETAG, view.etag.clone())], Json(view)).into_response()
}

/// Refuses what the file sets, and what is out of bounds.
fn check(wanted: &Limits, file: &FileView) -> Result<(), Problem> {
    if let Some(name) = wanted.keys().find(|name| file.limits.contains(*name)) {
        let name = format!("{LIMITS_SETTING}.{name}");
        return Err(Problem::managed_by_file(Kind::Setting, &name, &file.names.path));
    }
    let mistakes: Vec<_> = wanted.iter().filter_map(|(name, value)| mistake(name, *value)).collect();
    if mistakes.is_empty() {
        return Ok(());
    }
    Err(Problem::invalid("a limit is out of bounds", mistakes))
}

fn mistake(name: &str, value: usize) -> Option<Mistake> {
    let pointer = format!("/limits/{name}");
    let Some(range) = changeable(name).map(LimitKey::range) else {
        return Some(Mistake::at(pointer, "it cannot be changed while the gateway runs"));
    };
    let help = format!("give a whole number from {} to {}", range.start(), range.end());
    (!range.contains(&value)).then(|| Mistake::at(pointer, format!("{value} is out of bounds")).help(help))
}

/// What is set, in words for the journal.
fn in_words(limits: &Limits) -> String {
    if limits.is_empty() {
        return "settings: all limits have their defaults, but for those of the config file".to_owned();
    }
    let all: Vec<String> = limits.iter().map(|(name, value)| format!("`{name}` {value}")).collect();
    format!("settings: limits were set: {}", all.join(", "))
}

impl Shared {
    /// What the store has; none while nothing was set.
    async fn kept_limits(&self) -> Result<Option<Setting>, Problem> {
        match self.store().settings().get(LIMITS_SETTING).await {
            Ok(setting) => Ok(Some(setting)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts back what was there before a change.
    async fn put_back(&self, before: Option<&Setting>, (author, now): (&str, i64)) -> Result<(), StoreError> {
        let file = self.gateway().file();
        let (settings, change) = (self.store().settings(), Change::new(author, now, &file.names));
        match before {
            Some(setting) => settings.set(LIMITS_SETTING, &setting.value, &change).await.map(drop),
            None => settings.remove(LIMITS_SETTING, &change).await,
        }
    }

    fn settings_view(&self, kept: Option<&Setting>) -> SettingsView {
        let (settings, file) = (self.gateway().settings(), self.gateway().file());
        let by_api: Limits = kept.and_then(|kept| serde_json::from_str(&kept.value).ok()).unwrap_or_default();
        let set_by = |key: &LimitKey| {
            let by = if file.limits.contains(key.name) {
                ManagedBy::File
            } else if by_api.contains_key(key.name) {
                ManagedBy::Api
            } else {
                return None;
            };
            Some((key.name.to_owned(), by))
        };
        let mut view = SettingsView::from(&*settings);
        view.file = file.names.path.display().to_string();
        view.allow_commands_from_api = file.allow_commands;
        view.limits_set_by = LIMITS.iter().filter_map(set_by).collect();
        view.updated = kept.map(|kept| moment::show(kept.meta.updated));
        view.author = kept.map(|kept| kept.meta.author.clone());
        let revision = kept.map(|kept| kept.meta.revision);
        let shown = serde_json::to_string(&view).unwrap_or_default();
        view.etag = content_tag(&format!("{revision:?}{shown}"));
        view
    }
}
