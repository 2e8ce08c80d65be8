//! Gemini's `generateContent` for image models: contents, configuration, candidates, and the many ways of no picture.

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
use super::desk::{Desk, goog_key};
use super::drawing::{Encoding, Sketch};
use super::google::{KEY, bad_key, error, invalid, no_key, refuse};
use super::ledger::{Event, Vendor};
use super::scenario::{Scenario, Twist};
use super::schema::{Field, Kind, check, optional, required};

const BODY: &[Field] = &[
    required("contents", Kind::Any),
    optional("generationConfig", Kind::Any),
    optional("systemInstruction", Kind::Any),
    optional("safetySettings", Kind::Any),
];
const CONTENT: &[Field] = &[optional("role", Kind::OneOf(&["user", "model"])), required("parts", Kind::Any)];
const PART: &[Field] = &[optional("text", Kind::Text(1_000_000)), optional("inlineData", Kind::Any)];
const INLINE: &[Field] = &[
    required("mimeType", Kind::OneOf(&["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"])),
    required("data", Kind::Text(usize::MAX)),
];
const CONFIG: &[Field] = &[
    optional("responseModalities", Kind::Any),
    optional("imageConfig", Kind::Any),
    optional("temperature", Kind::Number(0.0, 2.0)),
    optional("topP", Kind::Number(0.0, 1.0)),
    optional("topK", Kind::Whole(1, 1000)),
    optional("seed", Kind::Whole(-2_147_483_648, 2_147_483_647)),
    optional("maxOutputTokens", Kind::Whole(1, 1_000_000)),
];
const RATIOS: &[&str] = &["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"];
const MORE_RATIOS: &[&str] =
    &["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", "1:4", "4:1", "1:8", "8:1"];
/// Of 2.5, which has one size only.
const IMAGE_25: &[Field] = &[optional("aspectRatio", Kind::OneOf(RATIOS))];
const IMAGE_31: &[Field] = &[
    optional("aspectRatio", Kind::OneOf(MORE_RATIOS)),
    optional("imageSize", Kind::OneOf(&["512", "1K", "2K", "4K"])),
];
const IMAGE_3: &[Field] =
    &[optional("aspectRatio", Kind::OneOf(RATIOS)), optional("imageSize", Kind::OneOf(&["1K", "2K", "4K"]))];
/// Bytes of one inline picture.
const LARGEST_INLINE: usize = 7 * 1024 * 1024;

/// A model that lives.
struct Model {
    name: &'static str,
    image: &'static [Field],
    most_inputs: usize,
}

const MODELS: [Model; 3] = [
    Model { name: "gemini-2.5-flash-image", image: IMAGE_25, most_inputs: 3 },
    Model { name: "gemini-3.1-flash-image", image: IMAGE_31, most_inputs: 14 },
    Model { name: "gemini-3-pro-image", image: IMAGE_3, most_inputs: 14 },
];

pub(super) fn router() -> Router<Arc<Desk>> {
    Router::new().route("/v1beta/models/{call}", post(generate))
}

async fn generate(
    State(desk): State<Arc<Desk>>,
    Path(call): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = desk.arrived(Vendor::Gemini, ("POST", &uri), &headers, &body);
    desk.ledger.note(Vendor::Gemini, Event::Create);
    if !headers.contains_key("x-goog-api-key") {
        return no_key();
    }
    let Some(key) = goog_key(&headers, KEY) else { return bad_key() };
    let prompt = prompt(&body);
    let scenario = match Scenario::of(Vendor::Gemini, key, &prompt) {
        Ok(scenario) => scenario,
        Err(unknown) => return error(400, &unknown.to_string(), Value::Null),
    };
    if let Some(refusal) = desk.refusal(Vendor::Gemini, &scenario, &prompt) {
        return refuse(&refusal, key);
    }
    let name = call.strip_suffix(":generateContent").unwrap_or_default();
    let Some(model) = MODELS.iter().find(|model| model.name == name) else { return unknown_model(&call) };
    if let Err(response) = checked(model, &body) {
        desk.ledger.note(Vendor::Gemini, Event::Invalid);
        return *response;
    }
    desk.ledger.note(Vendor::Gemini, Event::Accepted);
    if scenario.has(Twist::Cut) {
        return cut();
    }
    let reply = reply(&desk, model, &body, &scenario);
    twisted(Vendor::Gemini, &scenario, &reply, &desk.ledger)
}

fn unknown_model(call: &str) -> Response {
    let name = call.split(':').next().unwrap_or_default();
    let message = format!(
        "models/{name} is not found for API version v1beta, or is not supported for generateContent. Call \
         ListModels to see the list of available models and their supported methods."
    );
    error(404, &message, Value::Null)
}

/// Every text part, joined.
fn prompt(body: &Value) -> String {
    let texts = parts(body).filter_map(|part| part.get("text")?.as_str());
    texts.collect::<Vec<_>>().join("\n")
}

fn parts(body: &Value) -> impl Iterator<Item = &Value> {
    let contents = body.get("contents").and_then(Value::as_array).into_iter().flatten();
    contents.flat_map(|content| content.get("parts").and_then(Value::as_array).into_iter().flatten())
}

fn checked(model: &Model, body: &Value) -> Result<(), Box<Response>> {
    object("", BODY, body)?;
    let contents = body.get("contents").and_then(Value::as_array);
    if contents.is_none_or(Vec::is_empty) {
        return Err(refused("* GenerateContentRequest.contents: contents is not specified"));
    }
    for content in contents.into_iter().flatten() {
        object("contents[0]", CONTENT, content)?;
    }
    let mut inputs = 0;
    for part in parts(body) {
        object("contents[0].parts[0]", PART, part)?;
        if part.get("text").is_some() == part.get("inlineData").is_some() {
            return Err(refused(
                "Invalid value at 'contents[0].parts[0]': oneof field 'data' must be set once",
            ));
        }
        if let Some(inline) = part.get("inlineData") {
            inputs += 1;
            object("contents[0].parts[0].inline_data", INLINE, inline)?;
            inline_picture(inline)?;
        }
    }
    if inputs > model.most_inputs {
        let most = model.most_inputs;
        return Err(refused(&format!("Too many images in the request: {inputs} > {most}.")));
    }
    let Some(config) = body.get("generationConfig") else { return Ok(()) };
    object("generation_config", CONFIG, config)?;
    if let Some(modalities) = config.get("responseModalities") {
        let known = |kind: &Value| matches!(kind.as_str(), Some("TEXT" | "IMAGE"));
        if !modalities.as_array().is_some_and(|kinds| kinds.iter().all(known)) {
            return Err(refused("Invalid value at 'generation_config.response_modalities'"));
        }
    }
    match config.get("imageConfig") {
        Some(image) => object("generation_config.image_config", model.image, image),
        None => Ok(()),
    }
}

fn object(path: &str, fields: &[Field], value: &Value) -> Result<(), Box<Response>> {
    let Some(object) = value.as_object() else {
        return Err(refused(&format!("Invalid value at '{path}': expected an object")));
    };
    invalid(path, &check(fields, object)).map_or(Ok(()), |response| Err(Box::new(response)))
}

fn inline_picture(inline: &Value) -> Result<(), Box<Response>> {
    let data = inline.get("data").and_then(Value::as_str).unwrap_or_default();
    let Ok(bytes) = STANDARD.decode(data) else {
        return Err(refused(
            "Invalid value at 'contents[0].parts[0].inline_data.data': Base64 decoding failed",
        ));
    };
    if bytes.len() > LARGEST_INLINE || image::guess_format(&bytes).is_err() {
        return Err(refused("Unable to process input image."));
    }
    Ok(())
}

fn refused(message: &str) -> Box<Response> {
    Box::new(error(400, message, Value::Null))
}

fn reply(desk: &Desk, model: &Model, body: &Value, scenario: &Scenario) -> Value {
    let usage = json!({ "promptTokenCount": 8, "candidatesTokenCount": 1290, "totalTokenCount": 1298 });
    let mut reply =
        json!({ "usageMetadata": usage, "modelVersion": model.name, "responseId": "fake-response" });
    let mut put = |name: &str, value: Value| {
        if let Some(reply) = reply.as_object_mut() {
            reply.insert(name.to_owned(), value);
        }
    };
    if scenario.has(Twist::Blocked) {
        put("promptFeedback", json!({ "blockReason": "PROHIBITED_CONTENT" }));
    } else if scenario.has(Twist::Finish) {
        let message = "Unable to show the generated image.";
        put("candidates", json!([{ "finishReason": "IMAGE_SAFETY", "finishMessage": message, "index": 0 }]));
    } else if !scenario.has(Twist::NoCandidates) {
        let parts = reply_parts(desk, model, body, scenario);
        let content = json!({ "role": "model", "parts": parts });
        put("candidates", json!([{ "content": content, "finishReason": "STOP", "index": 0 }]));
    }
    reply
}

fn reply_parts(desk: &Desk, model: &Model, body: &Value, scenario: &Scenario) -> Vec<Value> {
    if scenario.has(Twist::Text) {
        return vec![json!({ "text": "no can do" })];
    }
    let (width, height) = sides(body.pointer("/generationConfig/imageConfig").and_then(Value::as_object));
    let encoding = if scenario.has(Twist::Jpeg) { Encoding::Jpeg } else { Encoding::Png };
    let inline = |width, height| {
        let bytes = desk.easel.draw(Sketch { width, height, encoding });
        let data = STANDARD.encode(bytes);
        json!({ "inlineData": { "mimeType": "image/png", "data": data } })
    };
    let with = |mut part: Value, name: &str, value: Value| {
        if let Some(part) = part.as_object_mut() {
            part.insert(name.to_owned(), value);
        }
        part
    };
    let mut parts = Vec::new();
    if scenario.has(Twist::Thought) {
        parts.push(with(json!({ "text": "I plan the picture." }), "thought", true.into()));
        parts.push(with(inline(128, 128), "thought", true.into()));
    }
    if scenario.has(Twist::TextFirst) {
        parts.push(json!({ "text": "Here is your picture." }));
    }
    if scenario.has(Twist::Draft) {
        parts.push(inline(64, 64));
    }
    let last = inline(width, height);
    let signed = model.name != "gemini-2.5-flash-image";
    parts.push(if signed { with(last, "thoughtSignature", "c2lnbmF0dXJl".into()) } else { last });
    parts
}

/// Sides of the picture that this configuration gives.
fn sides(config: Option<&Map<String, Value>>) -> (u32, u32) {
    let text = |name| config.and_then(|config| config.get(name)).and_then(Value::as_str);
    let (width, height) = match text("aspectRatio") {
        Some("2:3") => (832, 1248),
        Some("3:2") => (1248, 832),
        Some("3:4") => (864, 1184),
        Some("4:3") => (1184, 864),
        Some("4:5") => (896, 1152),
        Some("5:4") => (1152, 896),
        Some("9:16") => (768, 1344),
        Some("16:9") => (1344, 768),
        Some("21:9") => (1536, 672),
        Some("1:4") => (512, 2048),
        Some("4:1") => (2048, 512),
        Some("1:8") => (384, 3072),
        Some("8:1") => (3072, 384),
        _ => (1024, 1024),
    };
    match text("imageSize") {
        Some("512") => (width / 2, height / 2),
        Some("2K") => (width * 2, height * 2),
        Some("4K") => (width * 4, height * 4),
        _ => (width, height),
    }
}
