//! OpenAI's image API: generations as JSON, edits as a form, unfinished pictures as progress.

mod stream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{Batch, Body, Fold, Job, Plan, Progress, ignored, server_trouble};
use crate::call::Call;
use crate::catalogue::Model;
use crate::failure::{Failure, quoted};
use crate::inputs::Input;
use crate::money::Usd;
use crate::picture::Format;
use crate::wire::{Api, Form, Part, Request};

const GENERATIONS: &str = "/images/generations";
const EDITS: &str = "/images/edits";

/// OpenAI's image models.
#[derive(Debug)]
pub(crate) struct OpenAi {
    api: Api,
    partial_images: u8,
}

impl OpenAi {
    pub(super) fn new(api: Api, partial_images: u8) -> Self {
        Self { api, partial_images }
    }

    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    pub(super) fn plan(&self, job: &Job, progress: Progress) -> Result<Plan, Failure> {
        job.check_inputs()?;
        let (model, arguments, mut notes) = (&job.model, &job.arguments, Vec::new());
        let prompt = job.folded_prompt(Fold::StyleAndNegative, &mut notes);
        let mut fields =
            Map::from_iter([("model".to_owned(), json!(job.model_id)), ("prompt".to_owned(), json!(prompt))]);
        let (requests, pictures) = job.rounds();
        if pictures > 1 {
            fields.insert("n".to_owned(), json!(pictures));
        }
        let fitted = model.size.fit(&job.shape, &mut notes);
        let pixels = fitted.sides.map(|(width, height)| u64::from(width) * u64::from(height));
        fields.extend(fitted.fields);
        let quality = quality(job, &mut notes);
        fields.extend(quality.clone().map(|quality| ("quality".to_owned(), json!(quality))));
        let format = format(job, &mut notes);
        fields.extend(format.map(|format| ("output_format".to_owned(), json!(format.name()))));
        fields.extend(background(job, &mut notes).map(|word| ("background".to_owned(), json!(word))));
        if progress == Progress::Followed && self.partial_images > 0 && pictures == 1 {
            fields.insert("stream".to_owned(), json!(true));
            fields.insert("partial_images".to_owned(), json!(self.partial_images));
        }
        notes.extend(ignored(&[("seed", arguments.seed.is_some())], "OpenAI's models take none"));
        let (path, body) = if job.inputs.is_empty() {
            notes.extend(ignored(&[("mask", job.mask.is_some())], "there is no image that it belongs to"));
            (GENERATIONS, Body::Json(Value::Object(fields)))
        } else {
            (EDITS, Body::Form(form(&fields, job)?))
        };
        Ok(Plan {
            path: path.to_owned(),
            body,
            seed: None,
            requests,
            pictures,
            sides: fitted.sides,
            estimate: model.price.estimate(Some(quality.as_deref().unwrap_or("auto")), pixels),
            notes,
        })
    }

    pub(super) async fn run(&self, plan: &Plan, model: &Model, call: &Call) -> Result<Batch, Failure> {
        call.say("OpenAI: sending the request");
        let request = match &plan.body {
            Body::Json(body) => Request::post(&*plan.path, body),
            Body::Form(form) => {
                let mut request = Request::get(&*plan.path);
                request.method = Method::POST;
                request.body = Some(form.encode()?);
                request
            }
        };
        let answer = self.api.send(&request, call).await?;
        if !answer.status().is_success() {
            let status = answer.status();
            return Err(explain(status, &answer.error_text(call).await, &model.id));
        }
        let body = if answer.media_type() == "text/event-stream" {
            stream::last_picture(answer, call).await?
        } else {
            answer.json(call).await?
        };
        let pictures = pictures(&body)?;
        Ok(Batch { pictures, cost: cost(&body, model), id: None })
    }
}

/// The quality in the model's own words; `standard` and `hd` are those of older models.
fn quality(job: &Job, notes: &mut Vec<String>) -> Option<String> {
    let asked = job.arguments.quality.as_deref()?;
    let known = &job.model.qualities;
    let word = match asked {
        "standard" => "medium",
        "hd" => "high",
        word => word,
    };
    let own = if known.iter().any(|quality| quality == word) {
        word
    } else {
        // The words that are missing on some models are the ones above `high`.
        "high"
    };
    if !known.iter().any(|quality| quality == own) {
        notes.extend(ignored(&[("quality", true)], "the model has no field for it"));
        return None;
    }
    if own != asked {
        notes.push(format!("adjusted: quality {asked} -> {own}"));
    }
    Some(own.to_owned())
}

/// The format that the model is asked for; another one is made of its picture afterwards.
fn format(job: &Job, notes: &mut Vec<String>) -> Option<Format> {
    let asked = job.arguments.format?;
    let transparent = job.arguments.background.as_deref() == Some("transparent");
    if transparent && asked == Format::Jpeg {
        notes.push(
            "adjusted: the transparent background becomes white, because jpeg has no transparency".to_owned(),
        );
        return None;
    }
    job.model.formats.contains(&asked).then_some(asked)
}

fn background(job: &Job, notes: &mut Vec<String>) -> Option<String> {
    let asked = job.arguments.background.as_deref()?;
    let own = if asked == "solid" { "opaque" } else { asked };
    if !job.model.backgrounds.iter().any(|word| word == own) {
        notes.push(format!("ignored: background {asked}, because model `{}` does not take it", job.model.id));
        return None;
    }
    if own != asked {
        notes.push(format!("adjusted: background {asked} -> {own}"));
    }
    Some(own.to_owned())
}

fn form(fields: &Map<String, Value>, job: &Job) -> Result<Form, Failure> {
    let mut form = Form::default();
    for (name, value) in fields {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        form.text(field_name(name), &text);
    }
    // One picture is a file, several are a list.
    let name = if job.inputs.len() == 1 { "image" } else { "image[]" };
    for (index, input) in job.inputs.iter().enumerate() {
        form.file(file(name, &format!("image-{}", index + 1), input)?);
    }
    if let Some(mask) = &job.mask {
        form.file(file("mask", "mask", mask)?);
    }
    Ok(form)
}

/// The form's names of the fields that a plan may hold.
fn field_name(name: &str) -> &'static str {
    const NAMES: [&str; 9] = [
        "model",
        "prompt",
        "n",
        "size",
        "quality",
        "output_format",
        "background",
        "stream",
        "partial_images",
    ];
    NAMES.into_iter().find(|known| *known == name).unwrap_or("prompt")
}

fn file(name: &'static str, title: &str, input: &Input) -> Result<Part, Failure> {
    match input {
        Input::Picture { bytes, format } => {
            let file = Some((format!("{title}.{}", format.extension()), format.mime()));
            Ok(Part { name, file, value: bytes.clone() })
        }
        Input::Address(_) => Err(Failure::new(
            "No picture was made: the picture to start from was not fetched.",
            "bad_input_image (nothing was sent)",
            "give it as a data: URI.",
        )),
    }
}

fn pictures(body: &Value) -> Result<Vec<Bytes>, Failure> {
    let list = body.get("data").and_then(Value::as_array);
    let encoded = list.into_iter().flatten().filter_map(|one| one.get("b64_json")?.as_str());
    let decoded: Result<Vec<_>, _> = encoded.map(|text| STANDARD.decode(text).map(Bytes::from)).collect();
    match decoded {
        Ok(pictures) if !pictures.is_empty() => Ok(pictures),
        Ok(_) => Err(no_picture("OpenAI returned no image data")),
        Err(_) => Err(no_picture("OpenAI returned image data that is not base64")),
    }
}

fn no_picture(happened: &str) -> Failure {
    Failure::new(happened, "no_image", "try again; if it stays so, use another model.").perhaps_spent()
}

/// What the answer says that it did cost.
fn cost(body: &Value, model: &Model) -> Option<Usd> {
    let usage = body.get("usage")?;
    let count = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64);
    let total_in = count("/input_tokens").unwrap_or(0);
    let image_in = count("/input_tokens_details/image_tokens").unwrap_or(0);
    let prices = model.price.tokens?;
    Some(prices.cost(total_in.saturating_sub(image_in), image_in, count("/output_tokens")?))
}

/// What a refusal means.
fn explain(status: StatusCode, body: &str, model: &str) -> Failure {
    let parsed: Value = serde_json::from_str(body).unwrap_or_default();
    let text =
        |name: &str| parsed.pointer(&format!("/error/{name}")).and_then(Value::as_str).unwrap_or_default();
    let message = text("message");
    let said = quoted(if message.is_empty() { body } else { message });
    let word = [text("code"), text("type")].into_iter().find(|word| !word.is_empty()).unwrap_or_default();
    let code = format!("{} {}", status.as_u16(), quoted(word)).trim().to_owned();
    let lower = message.to_lowercase();
    let advice = match (status.as_u16(), word) {
        (_, "moderation_blocked" | "content_policy_violation") => {
            "OpenAI refused the prompt or its picture: say it in other words, or ask the user."
        }
        (_, "insufficient_quota" | "billing_hard_limit_reached") => {
            "the account has no money left: tell the user to look at platform.openai.com/settings/organization/billing."
        }
        (401, _) => "set OPENAI_API_KEY to a valid key (platform.openai.com/api-keys).",
        (402, _) => "the account has no money left: tell the user.",
        (400 | 403 | 404, _) if lower.contains("verif") => {
            "the organization must be verified: platform.openai.com/settings/organization/general."
        }
        (404, _) | (_, "model_not_found") => {
            return Failure::new(
                format!("OpenAI API error: {said}"),
                code,
                format!("model `{model}` is gone or not open to this key; use `gpt-image-2`."),
            );
        }
        (429, _) => "OpenAI limits how often it is asked; try again in a minute.",
        _ if status.is_server_error() => return server_trouble("OpenAI", status.as_u16(), &said),
        _ => "check the fields that the message names; dryRun shows the request.",
    };
    Failure::new(format!("OpenAI API error: {said}"), code, advice)
}

#[cfg(test)]
mod tests;
