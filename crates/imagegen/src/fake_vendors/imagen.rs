//! Imagen's `:predict` as Vertex serves it: instances, parameters, predictions.

use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::answer::{cut, twisted};
use super::desk::{Desk, bearer, goog_key};
use super::drawing::{Encoding, Sketch};
use super::google::{KEY, error, invalid, refuse};
use super::ledger::{Event, Vendor};
use super::scenario::{Scenario, Twist};
use super::schema::{Field, Kind, check, optional, required};

const MODELS: [&str; 3] =
    ["imagen-4.0-generate-001", "imagen-4.0-ultra-generate-001", "imagen-4.0-fast-generate-001"];
const BODY: &[Field] = &[required("instances", Kind::Any), optional("parameters", Kind::Any)];
const INSTANCE: &[Field] = &[required("prompt", Kind::Text(100_000))];
const PARAMETERS: &[Field] = &[
    optional("sampleCount", Kind::Whole(1, 4)),
    optional("aspectRatio", Kind::OneOf(&["1:1", "3:4", "4:3", "9:16", "16:9"])),
    optional("sampleImageSize", Kind::OneOf(&["1K", "2K"])),
    optional(
        "personGeneration",
        Kind::OneOf(&["DONT_ALLOW", "ALLOW_ADULT", "ALLOW_ALL", "dont_allow", "allow_adult", "allow_all"]),
    ),
    optional(
        "safetySetting",
        Kind::OneOf(&[
            "BLOCK_LOW_AND_ABOVE",
            "BLOCK_MEDIUM_AND_ABOVE",
            "BLOCK_ONLY_HIGH",
            "BLOCK_NONE",
            "block_low_and_above",
            "block_medium_and_above",
            "block_only_high",
            "block_none",
        ]),
    ),
    optional("includeRaiReason", Kind::Flag),
    optional("includeSafetyAttributes", Kind::Flag),
    optional("language", Kind::Text(20)),
    optional("guidanceScale", Kind::Number(0.0, 100.0)),
    optional("outputOptions", Kind::Any),
    optional("negativePrompt", Kind::Text(100_000)),
    optional("seed", Kind::Whole(0, 4_294_967_295)),
    optional("addWatermark", Kind::Flag),
    optional("enhancePrompt", Kind::Flag),
];
const OUTPUT: &[Field] = &[
    optional("mimeType", Kind::OneOf(&["image/png", "image/jpeg"])),
    optional("compressionQuality", Kind::Whole(0, 100)),
];

pub(super) fn router() -> Router<Arc<Desk>> {
    let path = "/v1/projects/{project}/locations/{location}/publishers/google/models/{call}";
    Router::new().route(path, post(predict))
}

async fn predict(
    State(desk): State<Arc<Desk>>,
    Path((_, _, call)): Path<(String, String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = desk.arrived(Vendor::Imagen, ("POST", &uri), &headers, &body);
    desk.ledger.note(Vendor::Imagen, Event::Create);
    let Some(key) = bearer(&headers, KEY).or_else(|| goog_key(&headers, KEY)) else {
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie \
                       or other valid authentication credential.";
        return error(401, message, Value::Null);
    };
    let prompt = body.pointer("/instances/0/prompt").and_then(Value::as_str).unwrap_or_default();
    let scenario = match Scenario::of(Vendor::Imagen, key, prompt) {
        Ok(scenario) => scenario,
        Err(unknown) => return error(400, &unknown.to_string(), Value::Null),
    };
    if let Some(refusal) = desk.refusal(Vendor::Imagen, &scenario, prompt) {
        return refuse(&refusal, key);
    }
    let known = call.strip_suffix(":predict").is_some_and(|model| MODELS.contains(&model));
    if !known {
        let message =
            format!("Publisher Model `{call}` was not found or your project does not have access to it.");
        return error(404, &message, Value::Null);
    }
    let parameters = match checked(&body) {
        Ok(parameters) => parameters,
        Err(response) => {
            desk.ledger.note(Vendor::Imagen, Event::Invalid);
            return *response;
        }
    };
    desk.ledger.note(Vendor::Imagen, Event::Accepted);
    if scenario.has(Twist::Cut) {
        return cut();
    }
    twisted(Vendor::Imagen, &scenario, &predictions(&desk, &parameters, &scenario), &desk.ledger)
}

fn checked(body: &Value) -> Result<Map<String, Value>, Box<Response>> {
    let object = |path: &str, fields, value: &Value| match value.as_object() {
        Some(object) => {
            invalid(path, &check(fields, object)).map_or(Ok(object.clone()), |no| Err(Box::new(no)))
        }
        None => Err(Box::new(error(400, &format!("Invalid value at '{path}'"), Value::Null))),
    };
    object("", BODY, body)?;
    let instances = body.get("instances").and_then(Value::as_array).map(Vec::as_slice);
    let Some([instance]) = instances else {
        return Err(Box::new(error(400, "Only one instance can be predicted at a time.", Value::Null)));
    };
    object("instances[0]", INSTANCE, instance)?;
    let parameters = match body.get("parameters") {
        Some(parameters) => object("parameters", PARAMETERS, parameters)?,
        None => Map::new(),
    };
    if let Some(output) = parameters.get("outputOptions") {
        object("parameters.outputOptions", OUTPUT, output)?;
    }
    // A picture with a watermark, which is the usual, cannot be had by seed.
    if parameters.contains_key("seed") && parameters.get("addWatermark") != Some(&Value::Bool(false)) {
        let message = "Seed is not supported when watermark is enabled.";
        return Err(Box::new(error(400, message, Value::Null)));
    }
    Ok(parameters)
}

fn predictions(desk: &Desk, parameters: &Map<String, Value>, scenario: &Scenario) -> Value {
    if scenario.has(Twist::NoData) {
        return json!({});
    }
    if scenario.has(Twist::Filtered) {
        let reason = "Unable to show generated images. All images were filtered out because they violated \
                      Vertex AI's usage guidelines. Support codes: 29310472";
        return json!({ "predictions": [{ "raiFilteredReason": reason }] });
    }
    let text = |name| parameters.get(name).and_then(Value::as_str);
    let (width, height) = match text("aspectRatio") {
        Some("3:4") => (896, 1280),
        Some("4:3") => (1280, 896),
        Some("9:16") => (768, 1408),
        Some("16:9") => (1408, 768),
        _ => (1024, 1024),
    };
    let twice = if text("sampleImageSize") == Some("2K") { 2 } else { 1 };
    let output = parameters.get("outputOptions");
    let mime =
        output.and_then(|output| output.get("mimeType")).and_then(Value::as_str).unwrap_or("image/png");
    let jpeg = mime == "image/jpeg" || scenario.has(Twist::Jpeg);
    let encoding = if jpeg { Encoding::Jpeg } else { Encoding::Png };
    let bytes = desk.easel.draw(Sketch { width: width * twice, height: height * twice, encoding });
    let one = json!({ "bytesBase64Encoded": STANDARD.encode(bytes), "mimeType": mime });
    let many = parameters.get("sampleCount").and_then(Value::as_u64).unwrap_or(1);
    json!({ "predictions": (0..many).map(|_| one.clone()).collect::<Vec<_>>() })
}
