//! Imagen's `:predict`, as endpoints on Vertex speak it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::gemini::{explain, model_segment};
use super::{Batch, Body, Fold, Job, Plan, ignored};
use crate::call::Call;
use crate::failure::{Failure, quoted};
use crate::picture::Format;
use crate::tool::MOST_PICTURES;
use crate::wire::{Api, Request};

/// The model where neither the call nor the endpoint names one.
const USUAL_MODEL: &str = "imagen-4.0-generate-001";

/// A `:predict` endpoint.
#[derive(Debug)]
pub(crate) struct Imagen {
    api: Api,
    model: String,
}

impl Imagen {
    pub(super) fn new(api: Api, model: &str) -> Self {
        let model = if model.is_empty() { USUAL_MODEL } else { model };
        Self { api, model: model.to_owned() }
    }

    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    pub(super) fn plan(&self, job: &Job) -> Result<Plan, Failure> {
        job.check_inputs()?;
        let id = model_segment(&job.model_id)?;
        let (arguments, mut notes) = (&job.arguments, Vec::new());
        let fitted = job.model.size.fit(&job.shape, &mut notes);
        let (requests, pictures) = job.rounds();
        let mut parameters = Map::from_iter([("sampleCount".to_owned(), json!(pictures))]);
        for (name, value) in fitted.fields {
            // Imagen's own word for what Gemini calls imageSize.
            let name = if name == "imageSize" { "sampleImageSize".to_owned() } else { name };
            parameters.insert(name, value);
        }
        // Another format is made of the picture afterwards.
        if let Some(format) = arguments.format.filter(|format| *format != Format::WebP) {
            parameters.insert("outputOptions".to_owned(), json!({ "mimeType": format.mime() }));
        }
        if let Some(negative) = &arguments.negative_prompt {
            parameters.insert("negativePrompt".to_owned(), json!(negative.text()));
        }
        let prompt = job.folded_prompt(Fold::Style, &mut notes);
        let seed = arguments.seed.map(|seed| folded_seed(seed, &mut notes));
        if let Some(seed) = seed {
            parameters.insert("seed".to_owned(), json!(seed));
            parameters.insert("addWatermark".to_owned(), json!(false));
            notes.push("adjusted: no watermark, because Imagen takes a seed only without one".to_owned());
        }
        notes.extend(ignored(
            &[("quality", arguments.quality.is_some()), ("background", arguments.background.is_some())],
            "Imagen has no field for it",
        ));
        Ok(Plan {
            path: format!("/{id}:predict"),
            body: Body::Json(json!({ "instances": [{ "prompt": prompt }], "parameters": parameters })),
            seed: seed.map(|seed| ("/parameters/seed", seed)),
            requests,
            pictures,
            sides: fitted.sides,
            estimate: job.model.price.estimate(fitted.word.as_deref(), None),
            notes,
        })
    }

    pub(super) async fn run(&self, plan: &Plan, call: &Call) -> Result<Batch, Failure> {
        call.say("Imagen: sending the request");
        let Body::Json(body) = &plan.body else { return Err(filtered("")) };
        let answer = self.api.send(&Request::post(&*plan.path, body), call).await?;
        if !answer.status().is_success() {
            let status = answer.status();
            return Err(explain(status, &answer.error_text(call).await));
        }
        let body = answer.json(call).await?;
        Ok(Batch { pictures: pictures(&body)?, ..Batch::default() })
    }
}

/// A seed within Imagen's 32 bits, with room for counting it up from one request to the next.
fn folded_seed(seed: i64, notes: &mut Vec<String>) -> i64 {
    let most = i64::from(u32::MAX) - i64::from(MOST_PICTURES);
    let folded = seed.rem_euclid(most);
    if folded != seed {
        notes.push(format!("adjusted: seed {seed} -> {folded}, because Imagen takes 32 bits without a sign"));
    }
    folded
}

fn pictures(body: &Value) -> Result<Vec<Bytes>, Failure> {
    let list = body.get("predictions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let encoded = list.iter().filter_map(|one| one.get("bytesBase64Encoded")?.as_str());
    let pictures: Vec<_> = encoded.filter_map(|text| STANDARD.decode(text).ok()).map(Bytes::from).collect();
    if pictures.is_empty() {
        let reason = list.iter().find_map(|one| one.get("raiFilteredReason")?.as_str());
        return Err(filtered(reason.unwrap_or_default()));
    }
    Ok(pictures)
}

fn filtered(reason: &str) -> Failure {
    let said = if reason.is_empty() { "no reason was given" } else { reason };
    Failure::new(
        format!("Imagen returned no image data: all pictures were filtered ({})", quoted(said)),
        "filtered",
        "Google refused the prompt or its picture: say it in other words, or ask the user.",
    )
    .perhaps_spent()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_folded_into_32_bits() {
        for (seed, folded) in [(0, 0), (7, 7), (4_294_967_284, 4_294_967_284), (-1, 4_294_967_284)] {
            let mut notes = Vec::new();
            assert_eq!(folded_seed(seed, &mut notes), folded);
            assert_eq!(notes.len(), usize::from(seed != folded), "{notes:?}");
        }
        for seed in [i64::MIN, i64::MAX, 1 << 32] {
            assert!((0..=4_294_967_284).contains(&folded_seed(seed, &mut Vec::new())));
        }
    }

    #[test]
    fn filtered_pictures_are_told_apart_from_made_ones() {
        let made = json!({ "bytesBase64Encoded": STANDARD.encode("a"), "mimeType": "image/png" });
        let gone = json!({ "raiFilteredReason": "violence" });
        assert_eq!(pictures(&json!({ "predictions": [made, gone] })).unwrap(), ["a"]);
        let error = pictures(&json!({ "predictions": [gone] })).unwrap_err();
        assert!(error.text(&crate::secret::Secrets::default()).contains("filtered (violence)"));
        assert!(pictures(&json!({})).is_err());
    }
}
