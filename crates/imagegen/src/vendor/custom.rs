//! An endpoint of the operator's own, with a small contract: the arguments as JSON, a picture in base64 back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Batch, Body, Job, Plan, ignored};
use crate::call::Call;
use crate::failure::{Failure, quoted};
use crate::wire::{Api, Request};

/// Where a picture may stand in the answer.
const PLACES: [&str; 4] = ["/image/base64", "/data/0/b64_json", "/b64", "/base64"];

/// An endpoint with a contract of its own.
#[derive(Debug)]
pub(crate) struct Custom {
    api: Api,
}

impl Custom {
    pub(super) fn new(api: Api) -> Self {
        Self { api }
    }

    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    pub(super) fn plan(&self, job: &Job) -> Plan {
        let arguments = &job.arguments;
        let size = job.shape.sides.map(|(width, height)| format!("{width}x{height}"));
        let model = Some(job.model_id.as_str()).filter(|model| !model.is_empty());
        let fields = [
            ("prompt", Some(json!(arguments.prompt.text()))),
            ("negativePrompt", arguments.negative_prompt.as_ref().map(|negative| json!(negative.text()))),
            ("size", size.or_else(|| arguments.size.clone()).map(Value::from)),
            ("width", arguments.width.map(Value::from)),
            ("height", arguments.height.map(Value::from)),
            ("seed", arguments.seed.map(Value::from)),
            ("quality", arguments.quality.clone().map(Value::from)),
            ("style", arguments.style.clone().map(Value::from)),
            ("background", arguments.background.clone().map(Value::from)),
            ("model", model.map(Value::from)),
        ];
        let body: Map<String, Value> =
            fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let why = "the endpoint's contract has no field for it";
        let notes = ignored(
            &[("aspectRatio", job.shape.ratio.is_some()), ("inputImages", !job.inputs.is_empty())],
            why,
        );
        Plan {
            path: String::new(),
            body: Body::Json(Value::Object(body)),
            seed: arguments.seed.map(|seed| ("/seed", seed)),
            requests: arguments.count,
            pictures: 1,
            sides: None,
            estimate: job.model.price.estimate(None, None),
            notes: notes.into_iter().collect(),
        }
    }

    pub(super) async fn run(&self, plan: &Plan, call: &Call) -> Result<Batch, Failure> {
        call.say("Google endpoint: sending the request");
        let Body::Json(body) = &plan.body else { return Err(no_picture()) };
        let answer = self.api.send(&Request::post("", body), call).await?;
        if !answer.status().is_success() {
            let status = answer.status();
            return Err(explain(status, &answer.error_text(call).await));
        }
        let body = answer.json(call).await?;
        let encoded = PLACES.into_iter().find_map(|place| body.pointer(place)?.as_str());
        let picture = encoded.and_then(|encoded| STANDARD.decode(encoded).ok()).map(Bytes::from);
        Ok(Batch { pictures: vec![picture.ok_or_else(no_picture)?], ..Batch::default() })
    }
}

fn no_picture() -> Failure {
    Failure::new(
        "Google endpoint returned no image data",
        "no_image",
        "the endpoint must answer with base64 in image.base64, data[0].b64_json, b64 or base64; check \
         GOOGLE_IMAGEN_ENDPOINT.",
    )
    .perhaps_spent()
}

fn explain(status: StatusCode, body: &str) -> Failure {
    let said = quoted(body);
    let happened = format!("Google endpoint error {}: {said}", status.as_u16());
    let advice = match status.as_u16() {
        401 | 403 => "set GOOGLE_API_KEY to a key that the endpoint takes.",
        402 => "the account has no credit: tell the user.",
        404 => "check GOOGLE_IMAGEN_ENDPOINT: there is nothing at that address.",
        429 => "the endpoint limits how often it is asked; try again later.",
        _ if status.is_server_error() => {
            "the endpoint has trouble and may have charged for the request; look there, then try again later."
        }
        _ => "check the arguments; dryRun shows the request.",
    };
    let failure = Failure::new(happened, status.as_u16().to_string(), advice);
    if status.is_server_error() { failure.perhaps_spent() } else { failure }
}
