//! The home-made contract that the google tool speaks to an endpoint of its user's own: one flat JSON object, and a
//! picture in one of four places.

use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};

use super::answer::{cut, json as answer, of_text, twisted, with_header};
use super::desk::{Desk, Refusal, bearer};
use super::drawing::{Encoding, Sketch};
use super::google::KEY;
use super::ledger::{Event, Vendor};
use super::scenario::{Scenario, Twist};
use super::schema::{Field, Kind, check, optional, required};

const BODY: &[Field] = &[
    required("prompt", Kind::Text(100_000)),
    optional("negativePrompt", Kind::Text(100_000)),
    optional("size", Kind::Text(100)),
    optional("width", Kind::Whole(1, i64::MAX)),
    optional("height", Kind::Whole(1, i64::MAX)),
    optional("seed", Kind::Whole(i64::MIN, i64::MAX)),
    optional("quality", Kind::Text(100)),
    optional("style", Kind::Text(1000)),
    optional("background", Kind::Text(100)),
    optional("model", Kind::Text(200)),
];

pub(super) fn router() -> Router<Arc<Desk>> {
    Router::new().route("/generate", post(generate))
}

async fn generate(
    State(desk): State<Arc<Desk>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = desk.arrived(Vendor::Custom, ("POST", &uri), &headers, &body);
    desk.ledger.note(Vendor::Custom, Event::Create);
    let Some(key) = bearer(&headers, KEY) else { return answer(401, &json!({ "error": "who are you?" })) };
    let Some(body) = body.as_object() else { return answer(400, &json!({ "error": "no JSON object" })) };
    let prompt = body.get("prompt").and_then(Value::as_str).unwrap_or_default();
    let scenario = match Scenario::of(Vendor::Custom, key, prompt) {
        Ok(scenario) => scenario,
        Err(unknown) => return answer(400, &json!({ "error": unknown.to_string() })),
    };
    if let Some(refusal) = desk.refusal(Vendor::Custom, &scenario, prompt) {
        return refuse(&refusal, key);
    }
    if let Some(fault) = check(BODY, body).first() {
        desk.ledger.note(Vendor::Custom, Event::Invalid);
        return answer(400, &json!({ "error": format!("{}: {:?}", fault.field, fault.problem) }));
    }
    desk.ledger.note(Vendor::Custom, Event::Accepted);
    if scenario.has(Twist::Cut) {
        return cut();
    }
    twisted(Vendor::Custom, &scenario, &picture(&desk, body, &scenario), &desk.ledger)
}

fn refuse(refusal: &Refusal, key: &str) -> Response {
    match refusal {
        Refusal::Status(status) => of_text(*status, "text/plain", "boom".to_owned()),
        Refusal::Echo => of_text(400, "text/plain", format!("I do not like the key {key}")),
        Refusal::Throttled { header, .. } => {
            let response = of_text(429, "text/plain", "slow down".to_owned());
            match header {
                Some(seconds) => with_header(response, header::RETRY_AFTER, &seconds.to_string()),
                None => response,
            }
        }
    }
}

fn picture(desk: &Desk, body: &Map<String, Value>, scenario: &Scenario) -> Value {
    if scenario.has(Twist::NoData) {
        return json!({ "ok": true });
    }
    let (width, height) = sides(body);
    let encoding = if scenario.has(Twist::Jpeg) { Encoding::Jpeg } else { Encoding::Png };
    let data = STANDARD.encode(desk.easel.draw(Sketch { width, height, encoding }));
    let mime = "image/png";
    if scenario.has(Twist::Data) {
        json!({ "data": [{ "b64_json": data }], "mimeType": mime })
    } else if scenario.has(Twist::B64) {
        json!({ "b64": data, "mimeType": mime })
    } else if scenario.has(Twist::Base64) {
        json!({ "base64": data })
    } else {
        json!({ "image": { "base64": data, "mimeType": mime } })
    }
}

/// `size`, else width and height, else 1024x1024.
fn sides(body: &Map<String, Value>) -> (u32, u32) {
    let size = body.get("size").and_then(Value::as_str).and_then(|size| {
        let (width, height) = size.split_once('x')?;
        Some((width.parse().ok()?, height.parse().ok()?))
    });
    let side = |name| body.get(name).and_then(Value::as_u64).and_then(|side| u32::try_from(side).ok());
    let (width, height) = size.unwrap_or((side("width").unwrap_or(1024), side("height").unwrap_or(1024)));
    (width.clamp(1, 8192), height.clamp(1, 8192))
}
