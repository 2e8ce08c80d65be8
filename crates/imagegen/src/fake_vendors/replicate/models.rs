//! The models that the fake Replicate runs: their inputs, the sizes of their pictures, the shape of their output.

use serde_json::{Map, Value, json};

use super::super::drawing::Encoding;
use super::super::schema::{Field, Kind, described, optional, required};

const FORMATS: Kind = Kind::OneOf(&["webp", "jpg", "png"]);
const PROMPT: Field = required("prompt", Kind::Text(100_000));
const SEED: Field = optional("seed", Kind::Whole(i64::MIN, i64::MAX));
const QUALITY: Field = optional("output_quality", Kind::Whole(0, 100));

const FLUX: &[Field] = &[
    PROMPT,
    optional("image_prompt", Kind::Uri),
    optional(
        "aspect_ratio",
        Kind::OneOf(&["custom", "1:1", "16:9", "3:2", "2:3", "4:5", "5:4", "9:16", "3:4", "4:3"]),
    ),
    optional("width", Kind::Whole(256, 1440)),
    optional("height", Kind::Whole(256, 1440)),
    optional("safety_tolerance", Kind::Whole(1, 6)),
    SEED,
    optional("prompt_upsampling", Kind::Flag),
    optional("output_format", FORMATS),
    QUALITY,
];

const QWEN: &[Field] = &[
    PROMPT,
    optional("negative_prompt", Kind::Text(100_000)),
    optional("aspect_ratio", Kind::OneOf(&["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3"])),
    optional("image_size", Kind::OneOf(&["optimize_for_quality", "optimize_for_speed"])),
    optional("go_fast", Kind::Flag),
    optional("num_inference_steps", Kind::Whole(1, 50)),
    optional("guidance", Kind::Number(0.0, 10.0)),
    optional("image", Kind::Uri),
    optional("strength", Kind::Number(0.0, 1.0)),
    optional("enhance_prompt", Kind::Flag),
    SEED,
    optional("output_format", FORMATS),
    QUALITY,
    optional("disable_safety_checker", Kind::Flag),
    optional("lora_weights", Kind::Text(1000)),
    optional("lora_scale", Kind::Number(-4.0, 4.0)),
    optional("extra_lora_weights", Kind::Any),
    optional("extra_lora_scale", Kind::Any),
    optional("replicate_weights", Kind::Text(1000)),
];

const SEEDREAM: &[Field] = &[
    PROMPT,
    optional("image_input", Kind::Uris(10)),
    optional("size", Kind::OneOf(&["1K", "2K", "4K", "custom"])),
    optional(
        "aspect_ratio",
        Kind::OneOf(&["match_input_image", "1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3", "21:9"]),
    ),
    optional("width", Kind::Whole(1024, 4096)),
    optional("height", Kind::Whole(1024, 4096)),
    optional("sequential_image_generation", Kind::OneOf(&["disabled", "auto"])),
    optional("max_images", Kind::Whole(1, 15)),
    optional("enhance_prompt", Kind::Flag),
];

/// A model of the community: sides as they come, no format, seed under another name's neighbour.
const SKETCH: &[Field] = &[
    PROMPT,
    optional("width", Kind::Whole(64, 2048)),
    optional("height", Kind::Whole(64, 2048)),
    SEED,
    optional("num_outputs", Kind::Whole(1, 4)),
    optional("output_format", FORMATS),
];

/// How a model's pictures come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    One,
    List,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sizes {
    Flux,
    Qwen,
    Seedream,
    Plain,
}

/// A model that can be run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
    pub(super) shape: Shape,
    /// Official models are run by name; others also, or only, by version.
    pub(super) official: bool,
    sizes: Sizes,
}

/// The version that every model of the fake has.
pub(super) const VERSION: &str = "fa4e0000000000000000000000000000000000000000000000000000000fa4e0";

const MODELS: &[Model] = &[
    Model {
        name: "black-forest-labs/flux-1.1-pro",
        fields: FLUX,
        shape: Shape::One,
        official: true,
        sizes: Sizes::Flux,
    },
    Model { name: "qwen/qwen-image", fields: QWEN, shape: Shape::List, official: true, sizes: Sizes::Qwen },
    Model {
        name: "bytedance/seedream-4",
        fields: SEEDREAM,
        shape: Shape::List,
        official: true,
        sizes: Sizes::Seedream,
    },
    Model { name: "fake/sketch", fields: SKETCH, shape: Shape::One, official: true, sizes: Sizes::Plain },
    Model { name: "a/b", fields: SKETCH, shape: Shape::List, official: false, sizes: Sizes::Plain },
];

/// The model of this `owner/name`.
pub(super) fn by_name(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.name == name)
}

/// The model that is run by a bare version: the one of the community.
pub(super) fn by_version() -> Option<&'static Model> {
    MODELS.iter().find(|model| !model.official)
}

impl Model {
    /// Its description, as `GET /models/{owner}/{name}` gives it.
    pub(super) fn described(&self) -> Value {
        let (owner, name) = self.name.split_once('/').unwrap_or_default();
        json!({
            "url": format!("https://replicate.com/{}", self.name), "owner": owner, "name": name,
            "description": "a model of the fake vendors", "visibility": "public", "run_count": 0,
            "is_official": self.official, "default_example": null, "latest_version": self.version(),
        })
    }

    /// Its version, as `GET /models/{owner}/{name}/versions/{id}` gives it.
    pub(super) fn version(&self) -> Value {
        let output = match self.shape {
            Shape::One => json!({ "type": "string", "format": "uri", "title": "Output" }),
            Shape::List => {
                json!({ "type": "array", "items": { "type": "string", "format": "uri" }, "title": "Output" })
            }
        };
        json!({
            "id": VERSION, "created_at": "2026-01-01T00:00:00.000Z", "cog_version": "0.16.0",
            "openapi_schema": { "openapi": "3.0.2", "info": { "title": "Cog", "version": "0.1.0" }, "paths": {},
                "components": { "schemas": { "Input": described(self.fields), "Output": output } } },
        })
    }

    /// Sides and format of the picture that it makes of this input.
    pub(super) fn picture(&self, input: &Map<String, Value>) -> (u32, u32, Encoding) {
        let asked = text(input, "output_format").and_then(Encoding::by_name);
        let (width, height) = self.sides(input);
        let encoding = match self.sizes {
            Sizes::Flux | Sizes::Qwen => asked.unwrap_or(Encoding::WebP),
            Sizes::Seedream => Encoding::Jpeg,
            Sizes::Plain => asked.unwrap_or(Encoding::Png),
        };
        (width, height, encoding)
    }

    /// How many pictures it makes of this input.
    pub(super) fn pictures(&self, input: &Map<String, Value>) -> u32 {
        let field = match (self.sizes, text(input, "sequential_image_generation")) {
            (Sizes::Plain, _) => "num_outputs",
            (Sizes::Seedream, Some("auto")) => "max_images",
            (Sizes::Flux | Sizes::Qwen | Sizes::Seedream, _) => return 1,
        };
        whole(input, field).unwrap_or(1)
    }

    fn sides(&self, input: &Map<String, Value>) -> (u32, u32) {
        let asked = |usual| (whole(input, "width").unwrap_or(usual), whole(input, "height").unwrap_or(usual));
        let ratio = text(input, "aspect_ratio");
        match self.sizes {
            // Width and height count only with `custom`; otherwise the model is silent and goes by the ratio.
            Sizes::Flux if ratio == Some("custom") => {
                let (width, height) = asked(1024);
                (width / 32 * 32, height / 32 * 32)
            }
            Sizes::Flux => flux(ratio.unwrap_or("1:1")),
            Sizes::Qwen => {
                let (width, height) = qwen(ratio.unwrap_or("16:9"));
                if text(input, "image_size") == Some("optimize_for_speed") {
                    (width / 2, height / 2)
                } else {
                    (width, height)
                }
            }
            Sizes::Seedream if text(input, "size") == Some("custom") => asked(2048),
            Sizes::Seedream => {
                let (width, height) = seedream(ratio.unwrap_or("1:1"));
                match text(input, "size") {
                    Some("1K") => (width / 2, height / 2),
                    Some("4K") => (width * 2, height * 2),
                    _ => (width, height),
                }
            }
            Sizes::Plain => asked(512),
        }
    }
}

fn flux(ratio: &str) -> (u32, u32) {
    match ratio {
        "16:9" => (1344, 768),
        "9:16" => (768, 1344),
        "3:2" => (1216, 832),
        "2:3" => (832, 1216),
        "4:5" => (896, 1088),
        "5:4" => (1088, 896),
        "3:4" => (896, 1152),
        "4:3" => (1152, 896),
        _ => (1024, 1024),
    }
}

fn qwen(ratio: &str) -> (u32, u32) {
    match ratio {
        "16:9" => (1664, 928),
        "9:16" => (928, 1664),
        "4:3" => (1472, 1104),
        "3:4" => (1104, 1472),
        "3:2" => (1584, 1056),
        "2:3" => (1056, 1584),
        _ => (1328, 1328),
    }
}

/// At 2K.
fn seedream(ratio: &str) -> (u32, u32) {
    match ratio {
        "4:3" => (2304, 1728),
        "3:4" => (1728, 2304),
        "16:9" => (2560, 1440),
        "9:16" => (1440, 2560),
        "3:2" => (2496, 1664),
        "2:3" => (1664, 2496),
        "21:9" => (3024, 1296),
        _ => (2048, 2048),
    }
}

fn text<'a>(input: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_str)
}

fn whole(input: &Map<String, Value>, name: &str) -> Option<u32> {
    input.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(model: &str, input: &Value) -> (u32, u32, Encoding) {
        by_name(model).unwrap().picture(input.as_object().unwrap())
    }

    #[test]
    fn sides_and_formats_are_the_models_own() {
        let flux = "black-forest-labs/flux-1.1-pro";
        for (model, input, expected) in [
            (flux, json!({ "width": 640, "height": 480 }), (1024, 1024, Encoding::WebP)),
            (
                flux,
                json!({ "aspect_ratio": "custom", "width": 650, "height": 480, "output_format": "png" }),
                (640, 480, Encoding::Png),
            ),
            (flux, json!({ "aspect_ratio": "16:9", "output_format": "jpg" }), (1344, 768, Encoding::Jpeg)),
            ("qwen/qwen-image", json!({}), (1664, 928, Encoding::WebP)),
            ("bytedance/seedream-4", json!({}), (2048, 2048, Encoding::Jpeg)),
            (
                "bytedance/seedream-4",
                json!({ "size": "2K", "width": 1024, "height": 1024 }),
                (2048, 2048, Encoding::Jpeg),
            ),
            (
                "bytedance/seedream-4",
                json!({ "size": "custom", "width": 1024, "height": 1536 }),
                (1024, 1536, Encoding::Jpeg),
            ),
            ("fake/sketch", json!({ "width": 64 }), (64, 512, Encoding::Png)),
        ] {
            assert_eq!(picture(model, &input), expected, "{model} {input}");
        }
    }

    #[test]
    fn a_model_describes_its_input() {
        let described = by_name("qwen/qwen-image").unwrap().described();
        let input = &described["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"];
        assert_eq!(input["properties"].as_object().unwrap().len(), QWEN.len());
        assert!(input["properties"].get("width").is_none());
    }
}
