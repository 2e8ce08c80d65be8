//! OpenAI's Images API for GPT image models: generations as JSON, edits as multipart, both also as a stream of events.

mod edits;
mod fields;
mod form;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use serde_json::{Map, Value, json};

use self::fields::Order;
use super::answer::{cut, json as answer, twisted, with_header};
use super::desk::{Desk, Refusal, bearer};
use super::ledger::{Event, Vendor};
use super::scenario::{Scenario, Twist};

const KEY: &str = "sk-fake";
/// Seconds since 1970, of every picture.
const CREATED: u64 = 1_767_225_600;

pub(super) fn router() -> Router<Arc<Desk>> {
    Router::new().route("/images/generations", post(generations)).route("/images/edits", post(edits::edits))
}

/// An error in OpenAI's words.
struct Complaint {
    status: u16,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<String>,
    message: String,
}

impl Complaint {
    /// A request that the API does not take.
    fn invalid(code: Option<&'static str>, param: &str, message: String) -> Self {
        Self { status: 400, kind: "invalid_request_error", code, param: Some(param.to_owned()), message }
    }

    fn of(status: u16, kind: &'static str, code: Option<&'static str>, message: &str) -> Self {
        Self { status, kind, code, param: None, message: message.to_owned() }
    }

    fn unauthenticated() -> Self {
        let message = "Incorrect API key provided: sk-*********. You can find your API key at \
                       https://platform.openai.com/account/api-keys.";
        Self::of(401, "invalid_request_error", Some("invalid_api_key"), message)
    }

    fn into_response(self) -> Response {
        let Self { status, kind, code, param, message } = self;
        answer(
            status,
            &json!({ "error": { "message": message, "type": kind, "param": param, "code": code } }),
        )
    }
}

async fn generations(
    State(desk): State<Arc<Desk>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = desk.arrived(Vendor::OpenAi, ("POST", &uri), &headers, &body);
    desk.ledger.note(Vendor::OpenAi, Event::Create);
    let Value::Object(body) = body else {
        let message = "We could not parse the JSON body of your request.".to_owned();
        return Complaint::invalid(None, "", message).into_response();
    };
    match begin(&desk, &headers, &body) {
        Ok(scenario) => match fields::generation(&body) {
            Ok(order) => picture(&desk, "image_generation", &scenario, &order),
            Err(complaint) => invalid(&desk, complaint),
        },
        Err(response) => *response,
    }
}

fn invalid(desk: &Desk, complaint: Complaint) -> Response {
    desk.ledger.note(Vendor::OpenAi, Event::Invalid);
    complaint.into_response()
}

/// Key and twists, before the fields are looked at.
fn begin(desk: &Desk, headers: &HeaderMap, body: &Map<String, Value>) -> Result<Scenario, Box<Response>> {
    let Some(key) = bearer(headers, KEY) else {
        return Err(Box::new(Complaint::unauthenticated().into_response()));
    };
    let prompt = body.get("prompt").and_then(Value::as_str).unwrap_or_default();
    let scenario = Scenario::of(Vendor::OpenAi, key, prompt).map_err(|unknown| {
        Box::new(Complaint::invalid(None, "prompt", unknown.to_string()).into_response())
    })?;
    if let Some(refusal) = desk.refusal(Vendor::OpenAi, &scenario, prompt) {
        return Err(Box::new(refuse(&refusal, key)));
    }
    match complaint_of(&scenario) {
        Some(complaint) => Err(Box::new(complaint.into_response())),
        None => Ok(scenario),
    }
}

/// The refusals that only OpenAI has.
fn complaint_of(scenario: &Scenario) -> Option<Complaint> {
    let quota = "You exceeded your current quota, please check your plan and billing details.";
    let moderation = "Your request was rejected by the safety system. safety_violations=[violence].";
    let verify = "Your organization must be verified to use the model. Please go to: \
                  https://platform.openai.com/settings/organization/general and click on Verify Organization.";
    let cases = [
        (Twist::Quota, 429, "insufficient_quota", Some("insufficient_quota"), quota),
        (Twist::Moderation, 400, "image_generation_user_error", Some("moderation_blocked"), moderation),
        (
            Twist::Billing,
            400,
            "image_generation_user_error",
            Some("billing_hard_limit_reached"),
            "Billing hard limit has been reached.",
        ),
        (Twist::Verify, 403, "invalid_request_error", None, verify),
    ];
    let (_, status, kind, code, message) = cases.into_iter().find(|(twist, ..)| scenario.has(*twist))?;
    Some(Complaint::of(status, kind, code, message))
}

fn refuse(refusal: &Refusal, key: &str) -> Response {
    match refusal {
        Refusal::Echo => {
            Complaint::invalid(None, "", format!("the key {key} may not do this")).into_response()
        }
        Refusal::Throttled { header, body } => {
            let wait = body.map_or_else(String::new, |seconds| format!(" Please try again in {seconds}s."));
            let message = format!("Rate limit reached for images per minute: Limit 5, Used 5.{wait}");
            let code = Some("rate_limit_exceeded");
            let response = Complaint::of(429, "requests", code, &message).into_response();
            match header {
                Some(seconds) => {
                    let milliseconds = HeaderName::from_static("retry-after-ms");
                    let response = with_header(response, header::RETRY_AFTER, &seconds.to_string());
                    with_header(response, milliseconds, &seconds.saturating_mul(1000).to_string())
                }
                None => response,
            }
        }
        Refusal::Status(401) => Complaint::unauthenticated().into_response(),
        Refusal::Status(404) => fields::unknown_model("gpt-image").into_response(),
        Refusal::Status(429) => {
            Complaint::of(429, "requests", Some("rate_limit_exceeded"), "Rate limit").into_response()
        }
        Refusal::Status(status) if *status >= 500 => {
            let message = "The server had an error while processing your request. Sorry about that!";
            Complaint::of(*status, "server_error", Some("server_error"), message).into_response()
        }
        Refusal::Status(status) => {
            Complaint::of(*status, "invalid_request_error", None, "The request was refused.").into_response()
        }
    }
}

/// The answer to a valid request.
fn picture(desk: &Desk, event: &'static str, scenario: &Scenario, order: &Order) -> Response {
    desk.ledger.note(Vendor::OpenAi, Event::Accepted);
    if scenario.has(Twist::Cut) {
        return cut();
    }
    if order.streamed {
        return stream::events(desk, event, scenario, order);
    }
    let data = if scenario.has(Twist::NoData) {
        Vec::new()
    } else {
        let b64 = drawn(desk, scenario, order);
        (0..order.many).map(|_| json!({ "b64_json": b64 })).collect()
    };
    let mut whole = order.facts();
    whole.insert("created".to_owned(), CREATED.into());
    whole.insert("data".to_owned(), data.into());
    whole.insert("usage".to_owned(), order.usage());
    twisted(Vendor::OpenAi, scenario, &Value::Object(whole), &desk.ledger)
}

fn drawn(desk: &Desk, scenario: &Scenario, order: &Order) -> String {
    STANDARD.encode(desk.easel.draw(order.sketch(scenario.has(Twist::Jpeg))))
}
