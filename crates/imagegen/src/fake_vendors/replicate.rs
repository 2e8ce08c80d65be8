//! Replicate's HTTP API: create by model or version, get, cancel, describe; 422 with `invalid_fields` for whatever a
//! model's input does not know.

mod headers;
mod models;
mod run;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};

use self::headers::{cancel_after, wait_of};
use self::models::{Model, VERSION};
pub(super) use self::run::{Run, Runs};
use super::answer::{cut, json as answer, with_header};
use super::desk::{Desk, Refusal, bearer};
use super::ledger::{Event, Vendor};
use super::scenario::{Scenario, Twist};
use super::schema::{Fault, Problem, check};

const KEY: &str = "r8_fake";
/// The keys of a create's body beside `version`.
const BODY_KEYS: [&str; 4] = ["input", "webhook", "webhook_events_filter", "stream"];

pub(super) fn router() -> Router<Arc<Desk>> {
    Router::new()
        .route("/predictions", post(create_by_version))
        .route("/predictions/{id}", get(poll))
        .route("/predictions/{id}/cancel", post(cancel))
        .route("/models/{owner}/{name}", get(model))
        .route("/models/{owner}/{name}/versions/{version}", get(version))
        .route("/models/{owner}/{name}/predictions", post(create_by_name))
}

/// One create as it arrived.
struct Create<'a> {
    /// The `owner/name` of the path; `None` where the body names a version.
    name: Option<String>,
    headers: &'a HeaderMap,
    body: Value,
}

async fn create_by_name(
    State(desk): State<Arc<Desk>>,
    Path((owner, name)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = desk.arrived(Vendor::Replicate, ("POST", &uri), &headers, &body);
    create(&desk, Create { name: Some(format!("{owner}/{name}")), headers: &headers, body }).await
}

async fn create_by_version(
    State(desk): State<Arc<Desk>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = desk.arrived(Vendor::Replicate, ("POST", &uri), &headers, &body);
    create(&desk, Create { name: None, headers: &headers, body }).await
}

async fn create(desk: &Desk, create: Create<'_>) -> Response {
    desk.ledger.note(Vendor::Replicate, Event::Create);
    let Some(key) = bearer(create.headers, KEY) else { return refused(401, "") };
    let Some(body) = create.body.as_object() else { return refused(400, "the body is no JSON object") };
    let empty = Map::new();
    let input = body.get("input").and_then(Value::as_object).unwrap_or(&empty);
    let prompt = input.get("prompt").and_then(Value::as_str).unwrap_or_default();
    let scenario = match Scenario::of(Vendor::Replicate, key, prompt) {
        Ok(scenario) => scenario,
        Err(unknown) => return refused(400, &unknown.to_string()),
    };
    if let Some(refusal) = desk.refusal(Vendor::Replicate, &scenario, prompt) {
        return refuse(&refusal, key);
    }
    let model = match runnable(&create, &scenario) {
        Ok(model) => model,
        Err(response) => return *response,
    };
    let mut faults = body_faults(&create, body);
    faults.extend(check(model.fields, input).into_iter().map(|fault| invalid("input.", &fault)));
    let prefer = match wait_of(create.headers) {
        Ok(prefer) => prefer,
        Err(fault) => return refused(400, &fault),
    };
    let cancel_after = match cancel_after(create.headers) {
        Ok(after) => after,
        Err(fault) => return refused(400, &fault),
    };
    if !faults.is_empty() {
        desk.ledger.note(Vendor::Replicate, Event::Invalid);
        return answer(422, &unprocessable(&faults));
    }
    desk.ledger.note(Vendor::Replicate, Event::Accepted);
    let run = Run::new(model, input.clone(), scenario.clone(), cancel_after);
    let id = desk.runs.begin(run);
    if scenario.has(Twist::Cut) {
        return cut();
    }
    let base = desk.base(create.headers);
    if scenario.has(Twist::Hold) {
        tokio::time::sleep(Duration::from_secs(prefer.unwrap_or(0))).await;
        return desk
            .runs
            .with(&id, |run| answer(202, &run.still_processing(&id, &base)))
            .unwrap_or_else(gone);
    }
    let waited = prefer.is_some();
    desk.runs.with(&id, |run| answer(201, &run.created(&id, &base, waited))).unwrap_or_else(gone)
}

async fn poll(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    desk.arrived(Vendor::Replicate, ("GET", &uri), &headers, &[]);
    desk.ledger.note(Vendor::Replicate, Event::Poll);
    if bearer(&headers, KEY).is_none() {
        return refused(401, "");
    }
    let base = desk.base(&headers);
    let polled = desk.runs.with(&id, |run| match run.poll(&id, &base) {
        Some(prediction) => answer(200, &prediction),
        None => refused(500, "internal server error"),
    });
    polled.unwrap_or_else(gone)
}

async fn cancel(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    desk.arrived(Vendor::Replicate, ("POST", &uri), &headers, &body);
    if bearer(&headers, KEY).is_none() {
        return refused(401, "");
    }
    let base = desk.base(&headers);
    let cancelled = desk.runs.with(&id, |run| answer(200, &run.cancel(&id, &base)));
    if cancelled.is_some() {
        desk.ledger.note(Vendor::Replicate, Event::Cancel);
    }
    cancelled.unwrap_or_else(gone)
}

async fn model(
    State(desk): State<Arc<Desk>>,
    Path((owner, name)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    desk.arrived(Vendor::Replicate, ("GET", &uri), &headers, &[]);
    desk.ledger.note(Vendor::Replicate, Event::Model);
    if bearer(&headers, KEY).is_none() {
        return refused(401, "");
    }
    models::by_name(&format!("{owner}/{name}")).map_or_else(gone, |model| answer(200, &model.described()))
}

async fn version(
    State(desk): State<Arc<Desk>>,
    Path((owner, name, version)): Path<(String, String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    desk.arrived(Vendor::Replicate, ("GET", &uri), &headers, &[]);
    desk.ledger.note(Vendor::Replicate, Event::Model);
    let Some(key) = bearer(&headers, KEY) else { return refused(401, "") };
    let short = Scenario::of(Vendor::Replicate, key, "").is_ok_and(|twists| twists.has(Twist::ShortVersion));
    let model = models::by_name(&format!("{owner}/{name}")).filter(|_| short || version == VERSION);
    model.map_or_else(gone, |model| answer(200, &model.version()))
}

/// The model to run, or why there is none.
fn runnable(create: &Create<'_>, scenario: &Scenario) -> Result<&'static Model, Box<Response>> {
    if let Some(name) = &create.name {
        // Only official models are run by name alone.
        return models::by_name(name).filter(|model| model.official).ok_or_else(|| Box::new(gone()));
    }
    let asked = create.body.get("version").and_then(Value::as_str).unwrap_or_default();
    let (name, version) = asked.split_once(':').map_or((None, asked), |(name, id)| (Some(name), id));
    let known = version == VERSION || (scenario.has(Twist::ShortVersion) && !version.is_empty());
    let model = name.map_or_else(models::by_version, models::by_name).filter(|_| known);
    model.ok_or_else(|| {
        let detail = "The specified version does not exist (or perhaps you don't have permission to use it?)";
        Box::new(answer(
            422,
            &json!({ "title": "Invalid version or not permitted", "detail": detail, "status": 422 }),
        ))
    })
}

/// What is wrong beside the input.
fn body_faults(create: &Create<'_>, body: &Map<String, Value>) -> Vec<Value> {
    let known = |key: &str| BODY_KEYS.contains(&key) || (create.name.is_none() && key == "version");
    let mut faults: Vec<_> = body
        .iter()
        .filter(|(key, _)| !known(key))
        .map(|(key, value)| {
            let fault = Fault { field: key.clone(), given: value.to_string(), problem: Problem::Unknown };
            invalid("", &fault)
        })
        .collect();
    if !body.get("input").is_some_and(Value::is_object) {
        let missing = Fault { field: "input".to_owned(), given: String::new(), problem: Problem::Missing };
        faults.push(invalid("", &missing));
    }
    faults
}

/// An entry of `invalid_fields`.
fn invalid(prefix: &str, fault: &Fault) -> Value {
    let field = &fault.field;
    let (kind, description) = match &fault.problem {
        Problem::Missing => ("required", format!("{field} is required")),
        Problem::Unknown => {
            ("additional_property_not_allowed", format!("Additional property {field} is not allowed"))
        }
        Problem::Type(expected, given) => {
            ("invalid_type", format!("Invalid type. Expected: {expected}, given: {given}"))
        }
        Problem::NotOneOf(allowed) => {
            let allowed: Vec<_> = allowed.iter().map(|value| format!("\"{value}\"")).collect();
            ("enum", format!("{field} must be one of the following: {}", allowed.join(", ")))
        }
        Problem::Below(least) => ("number_gte", format!("Must be greater than or equal to {least}")),
        Problem::Above(most) => ("number_lte", format!("Must be less than or equal to {most}")),
        Problem::TooLong(most) => ("array_max_items", format!("Must have at most {most} items")),
        Problem::NotUri => ("format", "Does not match format 'uri'".to_owned()),
    };
    json!({ "type": kind, "field": format!("{prefix}{field}"), "description": description })
}

fn unprocessable(faults: &[Value]) -> Value {
    let line = |fault: &Value| {
        let part = |name| fault.get(name).and_then(Value::as_str).unwrap_or_default();
        format!("- {}: {}\n", part("field"), part("description"))
    };
    let detail: String = faults.iter().map(line).collect();
    json!({ "title": "Input validation failed", "detail": detail, "status": 422, "invalid_fields": faults })
}

fn refuse(refusal: &Refusal, key: &str) -> Response {
    match refusal {
        Refusal::Status(status) => refused(*status, ""),
        Refusal::Echo => refused(400, &format!("the token {key} may not do this")),
        Refusal::Throttled { header, body } => {
            let detail = match body {
                Some(seconds) => {
                    format!("Request was throttled. Your rate limit resets in ~{seconds}s.")
                }
                None => "Request was throttled.".to_owned(),
            };
            let response = refused(429, &detail);
            match header {
                Some(seconds) => with_header(response, header::RETRY_AFTER, &seconds.to_string()),
                None => response,
            }
        }
    }
}

/// A problem in Replicate's words; `detail` empty for the usual one.
fn refused(status: u16, detail: &str) -> Response {
    let (title, usual) = match status {
        401 => ("Unauthenticated", "You did not pass a valid authentication token"),
        402 => (
            "Insufficient credit",
            "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing \
             to purchase credit.",
        ),
        403 => ("Forbidden", "You do not have permission to run this model."),
        404 => return gone(),
        422 => ("Input validation failed", "- input: the input was refused\n"),
        429 => ("", "Request was throttled."),
        _ => ("", "Internal server error"),
    };
    let detail = if detail.is_empty() { usual } else { detail };
    let mut body = json!({ "detail": detail, "status": status });
    if let (false, Some(body)) = (title.is_empty(), body.as_object_mut()) {
        body.insert("title".to_owned(), title.into());
    }
    answer(status, &body)
}

fn gone() -> Response {
    answer(404, &json!({ "detail": "The requested resource could not be found.", "status": 404 }))
}
