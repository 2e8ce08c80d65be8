//! The input of a listed model: its own fields from the size, format and seed that were asked for.

use serde_json::{Map, Value, json};

use super::super::{Body, Job, Plan, ignored};
use crate::failure::{Failure, quoted};
use crate::inputs::Input;
use crate::picture::Format;

/// The most bytes of pictures that a request carries.
const MOST_INLINE: usize = 10 * 1024 * 1024;

/// `owner/name` or `owner/name:version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) version: Option<String>,
}

impl Reference {
    /// Reads a reference. Its parts stand in paths, so they may hold nothing that a path gives a meaning to.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let (model, version) = match text.split_once(':') {
            Some((model, version)) => (model, Some(version)),
            None => (text, None),
        };
        let plain = |part: &str| {
            (1..=200).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
                && part.bytes().any(|byte| byte.is_ascii_alphanumeric())
        };
        let parts = model.split_once('/').filter(|(owner, name)| plain(owner) && plain(name));
        let Some((owner, name)) = parts.filter(|_| version.is_none_or(plain)) else {
            let shown = quoted(text);
            return Err(Failure::new(
                format!(
                    "Replicate API error: Invalid reference to model version: {shown}. Expected format: \
                     owner/name or owner/name:version"
                ),
                "bad_model (nothing was sent)",
                "give the model as owner/name, such as qwen/qwen-image; image.models.list knows some.",
            ));
        };
        Ok(Self { owner: owner.to_owned(), name: name.to_owned(), version: version.map(str::to_owned) })
    }

    /// The newest version of a model that Replicate does not keep itself: such a one runs by its version only.
    pub(super) fn versioned(mut self, described: Option<&Value>) -> Self {
        let official = described.and_then(|described| described.get("is_official")?.as_bool());
        let newest = described.and_then(|described| described.pointer("/latest_version/id")?.as_str());
        if official == Some(false) && self.version.is_none() {
            self.version = newest.map(str::to_owned);
        }
        self
    }

    /// Where predictions of the model are created.
    pub(super) fn path(&self) -> String {
        match self.version {
            Some(_) => "/predictions".to_owned(),
            None => format!("/models/{}/{}/predictions", self.owner, self.name),
        }
    }

    /// The body that creates a prediction.
    pub(super) fn body(&self, input: &Map<String, Value>) -> Value {
        match &self.version {
            Some(version) => json!({ "version": version, "input": input }),
            None => json!({ "input": input }),
        }
    }
}

/// Refuses pictures that do not fit into a request.
pub(super) fn check_size(inputs: &[Input]) -> Result<(), Failure> {
    let sizes = inputs.iter().map(|input| match input {
        Input::Address(_) => 0,
        Input::Picture { bytes, .. } => bytes.len(),
    });
    if sizes.sum::<usize>() <= MOST_INLINE {
        return Ok(());
    }
    Err(Failure::new(
        "No picture was made: Replicate takes at most 10 MB of pictures within a request.",
        "bad_input_image (nothing was sent)",
        "give smaller pictures, or their https addresses, which Replicate fetches itself.",
    ))
}

/// The request to a listed model.
pub(super) fn plan(job: &Job, reference: &Reference) -> Plan {
    let (model, arguments, mut notes) = (&job.model, &job.arguments, Vec::new());
    let fields = &model.fields;
    let mut input = Map::from_iter([("prompt".to_owned(), json!(arguments.prompt.text()))]);
    let fitted = model.size.fit(&job.shape, &mut notes);
    let price_key = fitted.word.clone();
    input.extend(fitted.fields);
    let mut seed = None;
    if let Some(field) = &fields.format {
        let asked = arguments.format.unwrap_or_default();
        let own = if model.formats.contains(&asked) { asked } else { Format::Png };
        input.insert(field.clone(), json!(replicate_name(own)));
    }
    if let (Some(field), Some(value)) = (&fields.seed, arguments.seed) {
        input.insert(field.clone(), json!(value));
        seed = (field == "seed").then_some(("/input/seed", value));
    }
    let negative = arguments.negative_prompt.as_ref();
    if let (Some(field), Some(negative)) = (&fields.negative, negative) {
        input.insert(field.clone(), json!(negative.text()));
    }
    let pictures: Vec<String> = job.inputs.iter().map(Input::uri).collect();
    match (&fields.images, &fields.image, pictures.first()) {
        (Some(list), _, Some(_)) => drop(input.insert(list.clone(), json!(pictures))),
        (None, Some(one), Some(first)) => drop(input.insert(one.clone(), json!(first))),
        (_, _, None) | (None, None, Some(_)) => {}
    }
    input.extend(model.constants.clone());
    notes.extend(ignored(
        &[
            ("seed", arguments.seed.is_some() && fields.seed.is_none()),
            ("negativePrompt", negative.is_some() && fields.negative.is_none()),
        ],
        "the model has no such field",
    ));
    let (requests, pictures) = (arguments.count, 1);
    Plan {
        path: reference.path(),
        body: Body::Json(reference.body(&input)),
        seed,
        requests,
        pictures,
        sides: fitted.sides,
        estimate: model.price.estimate(price_key.as_deref(), None),
        notes,
    }
}

/// Replicate's models write `jpg`.
pub(super) fn replicate_name(format: Format) -> &'static str {
    match format {
        Format::Jpeg => "jpg",
        Format::Png | Format::WebP => format.name(),
    }
}
