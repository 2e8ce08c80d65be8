//! What GPT image models take, by model; and what they then make.

use serde_json::{Map, Value, json};

use super::super::drawing::{Encoding, Sketch};
use super::super::schema::{Fault, Field, Kind, Problem, check, optional, required};
use super::Complaint;

const GENERATION: &[Field] = &[
    required("prompt", Kind::Text(32_000)),
    required("model", Kind::Text(200)),
    optional("n", Kind::Whole(1, 10)),
    optional("size", Kind::Text(20)),
    optional("quality", Kind::Text(20)),
    optional("background", Kind::OneOf(&["auto", "opaque", "transparent"])),
    optional("output_format", Kind::OneOf(&["png", "jpeg", "webp"])),
    optional("output_compression", Kind::Whole(0, 100)),
    optional("moderation", Kind::OneOf(&["auto", "low"])),
    optional("stream", Kind::Flag),
    optional("partial_images", Kind::Whole(0, 3)),
    optional("safety_identifier", Kind::Text(64)),
    optional("user", Kind::Text(512)),
];

/// What edits take beside pictures; `moderation` is not among it.
const EDIT: &[Field] = &[
    required("prompt", Kind::Text(32_000)),
    required("model", Kind::Text(200)),
    optional("n", Kind::Whole(1, 10)),
    optional("size", Kind::Text(20)),
    optional("quality", Kind::Text(20)),
    optional("background", Kind::OneOf(&["auto", "opaque", "transparent"])),
    optional("output_format", Kind::OneOf(&["png", "jpeg", "webp"])),
    optional("output_compression", Kind::Whole(0, 100)),
    optional("stream", Kind::Flag),
    optional("partial_images", Kind::Whole(0, 3)),
    optional("input_fidelity", Kind::OneOf(&["high", "low"])),
    optional("safety_identifier", Kind::Text(64)),
    optional("user", Kind::Text(512)),
];

const NAMED_SIZES: [(&str, (u32, u32)); 4] = [
    ("auto", (1024, 1024)),
    ("1024x1024", (1024, 1024)),
    ("1536x1024", (1536, 1024)),
    ("1024x1536", (1024, 1536)),
];

/// How far a model has come; each takes what the former takes and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Generation {
    Mini,
    OneFive,
    /// Free sizes.
    Two,
    /// More qualities.
    TwoFive,
}

const LIVE: [(&str, Generation); 8] = [
    ("gpt-image-1-mini", Generation::Mini),
    ("gpt-image-1.5", Generation::OneFive),
    ("chatgpt-image-latest", Generation::OneFive),
    ("gpt-image-2", Generation::Two),
    ("gpt-image-2.5-flare", Generation::TwoFive),
    ("gpt-image-2.5-sunburst", Generation::TwoFive),
    ("gpt-image-2.6-flare", Generation::TwoFive),
    ("gpt-image-2.6-sunburst", Generation::TwoFive),
];

/// A request that can be drawn.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) many: u64,
    pub(super) streamed: bool,
    pub(super) partials: u64,
    width: u32,
    height: u32,
    format: String,
    background: String,
    quality: String,
}

impl Order {
    pub(super) fn sketch(&self, jpeg: bool) -> Sketch {
        let encoding = match Encoding::by_name(&self.format).unwrap_or(Encoding::Png) {
            _ if jpeg => Encoding::Jpeg,
            Encoding::Png if self.background == "transparent" => Encoding::ClearPng,
            encoding => encoding,
        };
        Sketch { width: self.width, height: self.height, encoding }
    }

    /// What every answer repeats of the request.
    pub(super) fn facts(&self) -> Map<String, Value> {
        let facts = json!({
            "background": self.background, "output_format": self.format, "quality": self.quality,
            "size": format!("{}x{}", self.width, self.height),
        });
        facts.as_object().cloned().unwrap_or_default()
    }

    pub(super) fn usage(&self) -> Value {
        let output = 1056 * self.many;
        json!({ "input_tokens": 20, "input_tokens_details": { "text_tokens": 20, "image_tokens": 0 },
            "output_tokens": output, "total_tokens": output + 20 })
    }
}

pub(super) fn generation(body: &Map<String, Value>) -> Result<Order, Complaint> {
    order(GENERATION, body)
}

pub(super) fn edit(body: &Map<String, Value>) -> Result<Order, Complaint> {
    let made = order(EDIT, body)?;
    let model = text(body, "model").unwrap_or_default();
    if body.contains_key("input_fidelity") && matches!(model, "gpt-image-1-mini" | "gpt-image-2") {
        let message = format!("The model '{model}' does not support the 'input_fidelity' parameter.");
        return Err(Complaint::invalid(Some("invalid_input_fidelity_model"), "input_fidelity", message));
    }
    Ok(made)
}

fn order(fields: &[Field], body: &Map<String, Value>) -> Result<Order, Complaint> {
    if let Some(fault) = check(fields, body).first() {
        return Err(worded(fault));
    }
    let model = text(body, "model").unwrap_or_default();
    let Some((_, generation)) = LIVE.iter().find(|(name, _)| *name == model) else {
        return Err(unknown_model(model));
    };
    let (width, height) = size(*generation, text(body, "size").unwrap_or("auto"))?;
    let quality = text(body, "quality").unwrap_or("auto");
    check_quality(*generation, quality)?;
    let format = text(body, "output_format").unwrap_or("png");
    let background = text(body, "background").unwrap_or("auto");
    if background == "transparent" && format == "jpeg" {
        let message = "Transparent background is not supported for JPEG output format.".to_owned();
        return Err(Complaint::invalid(Some("invalid_value"), "background", message));
    }
    if format == "png" && body.get("output_compression").is_some_and(|compression| compression != 100) {
        let message = "Compression less than 100 is not supported for PNG output format".to_owned();
        return Err(Complaint::invalid(None, "output_compression", message));
    }
    let streamed = body.get("stream").and_then(Value::as_bool).unwrap_or_default();
    if !streamed && body.contains_key("partial_images") {
        let message = "The 'partial_images' parameter is only supported when 'stream' is true.".to_owned();
        return Err(Complaint::invalid(Some("invalid_value"), "partial_images", message));
    }
    Ok(Order {
        many: body.get("n").and_then(Value::as_u64).unwrap_or(1),
        streamed,
        partials: body.get("partial_images").and_then(Value::as_u64).unwrap_or_default(),
        width,
        height,
        format: format.to_owned(),
        background: background.to_owned(),
        quality: quality.to_owned(),
    })
}

pub(super) fn unknown_model(model: &str) -> Complaint {
    let message = format!("The model '{model}' does not exist or you do not have access to it.");
    Complaint::of(404, "invalid_request_error", Some("model_not_found"), &message)
}

fn size(generation: Generation, size: &str) -> Result<(u32, u32), Complaint> {
    if let Some((_, sides)) = NAMED_SIZES.iter().find(|(name, _)| *name == size) {
        return Ok(*sides);
    }
    let refused = |why: &str| {
        let message = format!("Invalid size '{size}'. {why}");
        Complaint::invalid(Some("invalid_value"), "size", message)
    };
    if generation < Generation::Two {
        return Err(refused("Supported sizes are 1024x1024, 1024x1536, 1536x1024, and auto."));
    }
    let sides =
        size.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let Some((width, height)) = sides else { return Err(refused("Expected WIDTHxHEIGHT or auto.")) };
    let (wide, tall): (u32, u32) = (width, height);
    let (longer, shorter) = (wide.max(tall), wide.min(tall));
    if wide % 16 != 0 || tall % 16 != 0 {
        return Err(refused("Width and height must be multiples of 16."));
    }
    if shorter == 0 || longer > 3840 || longer > shorter.saturating_mul(3) {
        return Err(refused("No side may be above 3840, and the ratio must be between 1:3 and 3:1."));
    }
    let pixels = u64::from(wide) * u64::from(tall);
    if !(655_360..=8_294_400).contains(&pixels) {
        return Err(refused("The picture must have from 655360 to 8294400 pixels."));
    }
    Ok((wide, tall))
}

fn check_quality(generation: Generation, quality: &str) -> Result<(), Complaint> {
    let allowed: &[&str] = if generation >= Generation::TwoFive {
        &["low", "medium", "high", "auto", "xhigh", "max"]
    } else {
        &["low", "medium", "high", "auto"]
    };
    if allowed.contains(&quality) {
        return Ok(());
    }
    let message = format!("Invalid value: '{quality}'. Supported values are: {}.", listed(allowed));
    Err(Complaint::invalid(Some("invalid_value"), "quality", message))
}

fn worded(fault: &Fault) -> Complaint {
    let (field, given) = (&fault.field, &fault.given);
    let (code, message) = match &fault.problem {
        Problem::Missing => ("missing_required_parameter", format!("Missing required parameter: '{field}'.")),
        Problem::Unknown => ("unknown_parameter", format!("Unknown parameter: '{field}'.")),
        Problem::Type(expected, got) => (
            "invalid_type",
            format!("Invalid type for '{field}': expected {expected}, but got {got} instead."),
        ),
        Problem::NotOneOf(allowed) => {
            let given = given.trim_matches('"');
            ("invalid_value", format!("Invalid value: '{given}'. Supported values are: {}.", listed(allowed)))
        }
        Problem::Below(least) => (
            "integer_below_min_value",
            format!(
                "Invalid '{field}': integer below minimum value. Expected a value >= {least}, but got {given} instead."
            ),
        ),
        Problem::Above(most) => (
            "integer_above_max_value",
            format!(
                "Invalid '{field}': integer above maximum value. Expected a value <= {most}, but got {given} instead."
            ),
        ),
        Problem::TooLong(most) => (
            "string_above_max_length",
            format!("Invalid '{field}': string too long. Expected a string with maximum length {most}."),
        ),
        Problem::NotUri => ("invalid_value", format!("Invalid '{field}'.")),
    };
    Complaint::invalid(Some(code), field, message)
}

fn listed(allowed: &[&str]) -> String {
    let quoted: Vec<_> = allowed.iter().map(|value| format!("'{value}'")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{}, and {last}", rest.join(", ")),
        _ => quoted.join(""),
    }
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(body: &Value) -> Option<(u16, Option<&'static str>)> {
        let outcome = generation(body.as_object().unwrap());
        outcome.err().map(|complaint| (complaint.status, complaint.code))
    }

    #[test]
    fn each_model_takes_its_own_fields() {
        let good = |more: Value| {
            let mut body = json!({ "model": "gpt-image-2.6-flare", "prompt": "p" });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        for (more, expected) in [
            (json!({}), None),
            (json!({ "size": "1280x720", "quality": "max", "n": 10 }), None),
            (json!({ "stream": true, "partial_images": 3 }), None),
            (json!({ "background": "transparent", "output_format": "webp", "output_compression": 50 }), None),
            (json!({ "response_format": "b64_json" }), Some((400, Some("unknown_parameter")))),
            (json!({ "style": "vivid" }), Some((400, Some("unknown_parameter")))),
            (json!({ "quality": "hd" }), Some((400, Some("invalid_value")))),
            (json!({ "background": "solid" }), Some((400, Some("invalid_value")))),
            (json!({ "output_format": "jpg" }), Some((400, Some("invalid_value")))),
            (json!({ "n": 11 }), Some((400, Some("integer_above_max_value")))),
            (json!({ "n": "1" }), Some((400, Some("invalid_type")))),
            (json!({ "partial_images": 2 }), Some((400, Some("invalid_value")))),
            (
                json!({ "background": "transparent", "output_format": "jpeg" }),
                Some((400, Some("invalid_value"))),
            ),
            (json!({ "output_compression": 50 }), Some((400, None))),
            (json!({ "size": "512x512" }), Some((400, Some("invalid_value")))),
            (json!({ "size": "1000x1000" }), Some((400, Some("invalid_value")))),
            (json!({ "size": "3840x960" }), Some((400, Some("invalid_value")))),
            (json!({ "model": "gpt-image-1" }), Some((404, Some("model_not_found")))),
            (json!({ "model": "dall-e-3" }), Some((404, Some("model_not_found")))),
            (json!({ "model": "gpt-image-2", "quality": "max" }), Some((400, Some("invalid_value")))),
            (json!({ "model": "gpt-image-1.5", "size": "1280x720" }), Some((400, Some("invalid_value")))),
        ] {
            assert_eq!(complaint(&good(more.clone())), expected, "{more}");
        }
        assert_eq!(
            complaint(&json!({ "model": "gpt-image-2" })),
            Some((400, Some("missing_required_parameter")))
        );
    }
}
