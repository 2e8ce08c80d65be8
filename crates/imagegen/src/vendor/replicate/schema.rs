//! The input of a model that the table does not know: only fields that the model itself says it has.

use serde_json::{Map, Value, json};

use super::super::{Body, Job, Plan, ignored};
use super::input::{Reference, replicate_name};
use crate::picture::Ratio;

/// The names under which models take one picture to start from.
const IMAGE_FIELDS: [&str; 4] = ["image", "input_image", "image_prompt", "init_image"];
/// The names under which models take several.
const IMAGES_FIELDS: [&str; 3] = ["image_input", "input_images", "images"];

/// The fields of a model, from Replicate's description of it.
struct Schema<'a> {
    properties: &'a Map<String, Value>,
    components: &'a Value,
}

impl<'a> Schema<'a> {
    fn of(described: &'a Value) -> Option<Self> {
        let components = described.pointer("/latest_version/openapi_schema/components/schemas")?;
        let properties = components.pointer("/Input/properties")?.as_object()?;
        Some(Self { properties, components })
    }

    fn has(&self, field: &str) -> bool {
        self.properties.contains_key(field)
    }

    /// The words that a field takes, if it takes only certain ones.
    fn words(&self, field: &str) -> Vec<&'a str> {
        let Some(property) = self.properties.get(field) else { return Vec::new() };
        let named = property.pointer("/allOf/0/$ref").or(property.get("$ref")).and_then(Value::as_str);
        let there = named.and_then(|named| self.components.get(named.rsplit('/').next()?));
        let list = property.get("enum").or(there.and_then(|there| there.get("enum")));
        list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// A number within the field's bounds.
    fn bounded(&self, field: &str, value: u32) -> u32 {
        let bound = |name| {
            let bound = self.properties.get(field).and_then(|property| property.get(name)?.as_u64());
            bound.and_then(|bound| u32::try_from(bound).ok())
        };
        let value = bound("minimum").map_or(value, |least| value.max(least));
        bound("maximum").map_or(value, |most| value.min(most))
    }
}

/// The request to a model, by its description if there is one.
pub(super) fn plan(job: &Job, reference: &Reference, described: Option<&Value>) -> Plan {
    let mut notes = Vec::new();
    let mut input = Map::from_iter([("prompt".to_owned(), json!(job.arguments.prompt.text()))]);
    let mut sides = None;
    match described.and_then(Schema::of) {
        Some(schema) => {
            sides = size(job, &schema, &mut input, &mut notes);
            others(job, &schema, &mut input, &mut notes);
        }
        None => notes.extend(ignored(
            &[
                ("size", job.shape != crate::picture::Shape::default()),
                ("seed", job.arguments.seed.is_some()),
                ("negativePrompt", job.arguments.negative_prompt.is_some()),
                ("image", !job.inputs.is_empty()),
            ],
            "Replicate does not tell the fields of this model, so only the prompt was sent",
        )),
    }
    let seed = job.arguments.seed.filter(|_| input.contains_key("seed")).map(|seed| ("/input/seed", seed));
    Plan {
        path: reference.path(),
        body: Body::Json(reference.body(&input)),
        seed,
        requests: job.arguments.count,
        pictures: 1,
        sides,
        estimate: job.model.price.estimate(None, None),
        notes,
    }
}

fn size(
    job: &Job,
    schema: &Schema<'_>,
    input: &mut Map<String, Value>,
    notes: &mut Vec<String>,
) -> Option<(u32, u32)> {
    let shape = &job.shape;
    let known = schema.words("aspect_ratio");
    let exact = schema.has("width")
        && schema.has("height")
        && (!schema.has("aspect_ratio") || known.contains(&"custom"));
    if let (true, Some((width, height))) = (exact, shape.sides) {
        let fitted = (schema.bounded("width", width), schema.bounded("height", height));
        if fitted != (width, height) {
            notes.push(format!(
                "adjusted: size {width}x{height} -> {}x{}, because the model takes no other",
                fitted.0, fitted.1
            ));
        }
        if known.contains(&"custom") {
            input.insert("aspect_ratio".to_owned(), json!("custom"));
        }
        input.insert("width".to_owned(), json!(fitted.0));
        input.insert("height".to_owned(), json!(fitted.1));
        return Some(fitted);
    }
    let ratios: Vec<Ratio> = known.iter().filter_map(|word| Ratio::parse(word).ok()).collect();
    match shape.ratio().and_then(|asked| Some((asked, asked.nearest(&ratios)?))) {
        Some((asked, nearest)) => {
            if !asked.equals(nearest) {
                notes.push(format!(
                    "adjusted: aspect ratio {asked} -> {nearest}, the nearest that the model takes"
                ));
            }
            input.insert("aspect_ratio".to_owned(), json!(nearest.to_string()));
        }
        None => notes.extend(ignored(&[("size", !shape.told().is_empty())], "the model has no field for it")),
    }
    None
}

fn others(job: &Job, schema: &Schema<'_>, input: &mut Map<String, Value>, notes: &mut Vec<String>) {
    let arguments = &job.arguments;
    let formats = schema.words("output_format");
    let format = arguments.format.unwrap_or_default();
    let named = [replicate_name(format), format.name()].into_iter().find(|name| formats.contains(name));
    if let Some(name) = named {
        input.insert("output_format".to_owned(), json!(name));
    }
    if let Some(seed) = arguments.seed.filter(|_| schema.has("seed")) {
        input.insert("seed".to_owned(), json!(seed));
    }
    let negative = arguments.negative_prompt.as_ref();
    if let Some(negative) = negative.filter(|_| schema.has("negative_prompt")) {
        input.insert("negative_prompt".to_owned(), json!(negative.text()));
    }
    let several = IMAGES_FIELDS.into_iter().find(|field| schema.has(field));
    let one = IMAGE_FIELDS.into_iter().find(|field| schema.has(field));
    let pictures: Vec<String> = job.inputs.iter().map(crate::inputs::Input::uri).collect();
    match (several, one, pictures.as_slice()) {
        (_, Some(field), [only]) => drop(input.insert(field.to_owned(), json!(only))),
        (Some(field), _, [_, ..]) => drop(input.insert(field.to_owned(), json!(pictures))),
        (None, Some(field), [first, ..]) => {
            input.insert(field.to_owned(), json!(first));
            notes.push("ignored: all input images but the first, because the model takes one".to_owned());
        }
        (_, _, []) => {}
        (None, None, [_, ..]) => notes.extend(ignored(&[("image", true)], "the model has no field for it")),
    }
    notes.extend(ignored(
        &[
            ("seed", arguments.seed.is_some() && !schema.has("seed")),
            ("negativePrompt", negative.is_some() && !schema.has("negative_prompt")),
        ],
        "the model has no such field",
    ));
}
