//! Gemini's `generateContent`: one picture a request, text and drafts beside it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Batch, Body, Fold, Job, Plan, ignored, server_trouble};
use crate::call::Call;
use crate::failure::{Failure, quoted};
use crate::inputs::Input;
use crate::tool::Tool;
use crate::wire::{Api, Request};

/// Gemini's image models.
#[derive(Debug)]
pub(crate) struct Gemini {
    api: Api,
    /// What stands before the model in a path.
    front: &'static str,
    model: String,
}

impl Gemini {
    /// At Google's own address.
    pub(super) fn at_vendor(api: Api) -> Self {
        Self { api, front: "/v1beta/models/", model: String::new() }
    }

    /// At an endpoint that names a model itself.
    pub(super) fn at_endpoint(api: Api, model: &str) -> Self {
        let model = if model.is_empty() { Tool::Gemini.default_model() } else { model };
        Self { api, front: "/", model: model.to_owned() }
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
        let mut parts = vec![json!({ "text": job.folded_prompt(Fold::StyleAndNegative, &mut notes) })];
        for input in &job.inputs {
            if let Input::Picture { bytes, format } = input {
                let inline = json!({ "mimeType": format.mime(), "data": STANDARD.encode(bytes) });
                parts.push(json!({ "inlineData": inline }));
            }
        }
        let mut config = json!({ "responseModalities": ["TEXT", "IMAGE"] });
        if let (Some(members), false) = (config.as_object_mut(), fitted.fields.is_empty()) {
            members.insert("imageConfig".to_owned(), Value::Object(fitted.fields));
        }
        notes.extend(ignored(
            &[
                ("seed", arguments.seed.is_some()),
                ("quality", arguments.quality.is_some()),
                ("background", arguments.background.is_some()),
            ],
            "Gemini has no field for it",
        ));
        Ok(Plan {
            path: format!("{}{id}:generateContent", self.front),
            body: Body::Json(json!({
                "contents": [{ "role": "user", "parts": parts }],
                "generationConfig": config
            })),
            seed: None,
            requests: arguments.count,
            pictures: 1,
            sides: fitted.sides,
            estimate: job.model.price.estimate(fitted.word.as_deref(), None),
            notes,
        })
    }

    pub(super) async fn run(&self, plan: &Plan, call: &Call) -> Result<Batch, Failure> {
        call.say("Gemini: sending the request");
        let Body::Json(body) = &plan.body else { return Err(no_candidates("the request is a form")) };
        let answer = self.api.send(&Request::post(&*plan.path, body), call).await?;
        if !answer.status().is_success() {
            let status = answer.status();
            return Err(explain(status, &answer.error_text(call).await));
        }
        let body = answer.json(call).await?;
        Ok(Batch { pictures: vec![picture(&body)?], ..Batch::default() })
    }
}

/// A model's name as part of a path.
pub(super) fn model_segment(id: &str) -> Result<&str, Failure> {
    let plain = (1..=200).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && id.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if plain {
        return Ok(id);
    }
    Err(Failure::new(
        format!("No picture was made: `{}` is no name of a Google model.", quoted(id)),
        "bad_model (nothing was sent)",
        "give a name such as gemini-3.1-flash-image; image.models.list knows them.",
    ))
}

/// The last picture that is not a draft of the model's thinking.
fn picture(body: &Value) -> Result<Bytes, Failure> {
    let candidates = body.get("candidates").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if candidates.is_empty() {
        let reason = body.pointer("/promptFeedback/blockReason").and_then(Value::as_str);
        return Err(reason.map_or_else(|| no_candidates("no reason was given"), refused));
    }
    let parts =
        candidates.iter().filter_map(|candidate| candidate.pointer("/content/parts")?.as_array()).flatten();
    let parts: Vec<_> = parts.filter(|part| part.get("thought") != Some(&Value::Bool(true))).collect();
    let data = |part: &&Value| part.pointer("/inlineData/data").and_then(Value::as_str).map(str::to_owned);
    if let Some(encoded) = parts.iter().rev().find_map(data) {
        return STANDARD
            .decode(encoded)
            .map(Bytes::from)
            .map_err(|_| no_candidates("its picture is not base64"));
    }
    let said: Vec<_> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
    let finish = candidates.iter().find_map(|candidate| candidate.get("finishReason")?.as_str());
    let finish = quoted(finish.unwrap_or("no finishReason"));
    let advice = match finish.as_str() {
        "STOP" | "NO_IMAGE" | "IMAGE_OTHER" | "OTHER" | "MAX_TOKENS" => {
            "ask plainly for a picture, or say it in other words."
        }
        _ => "Google refused the prompt or its picture: say it in other words, or ask the user.",
    };
    let happened = if said.is_empty() {
        format!("Gemini returned no image data: {finish}")
    } else {
        format!("Gemini returned text instead of image: {}", quoted(&said.join(" ")))
    };
    Err(Failure::new(happened, finish, advice).perhaps_spent())
}

fn refused(reason: &str) -> Failure {
    Failure::new(
        format!("Gemini returned no candidates: the prompt was blocked ({})", quoted(reason)),
        format!("blockReason {}", quoted(reason)),
        "Google refused the prompt: say it in other words, or ask the user.",
    )
}

fn no_candidates(why: &str) -> Failure {
    Failure::new(
        format!("Gemini returned no candidates: {why}"),
        "no_candidates",
        "try again; if it stays so, use another model.",
    )
    .perhaps_spent()
}

/// What a refusal by one of Google's own interfaces means.
pub(super) fn explain(status: StatusCode, body: &str) -> Failure {
    let parsed: Value = serde_json::from_str(body).unwrap_or_default();
    let text =
        |name: &str| parsed.pointer(&format!("/error/{name}")).and_then(Value::as_str).unwrap_or_default();
    let message = text("message");
    let said = quoted(if message.is_empty() { body } else { message });
    let word = quoted(text("status"));
    let code = format!("{} {word}", status.as_u16()).trim().to_owned();
    let lower = message.to_lowercase();
    let advice = match status.as_u16() {
        400 | 401 | 403
            if lower.contains("api key") || lower.contains("credential") || word == "UNAUTHENTICATED" =>
        {
            "set GOOGLE_API_KEY to a valid key (aistudio.google.com/apikey)."
        }
        401 => "set GOOGLE_API_KEY to a valid key (aistudio.google.com/apikey).",
        402 => "the account has no credit: tell the user.",
        403 => "the key may not use this model: tell the user to allow it in the Google Cloud console.",
        404 => "there is no such model for this key; image.models.list knows those that live.",
        429 => "the quota is used up for now; try again later, or tell the user to look at ai.dev/usage.",
        _ if status.is_server_error() => return server_trouble("Google", status.as_u16(), &said),
        _ => "check the fields that the message names; dryRun shows the request.",
    };
    Failure::new(format!("Google API error: {said}"), code, advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secrets;

    fn outcome(body: &Value) -> Result<Bytes, String> {
        picture(body).map_err(|failure| failure.text(&Secrets::default()))
    }

    fn inline(data: &str) -> Value {
        json!({ "inlineData": { "mimeType": "image/png", "data": STANDARD.encode(data) } })
    }

    #[test]
    fn the_last_picture_counts_and_thoughts_do_not() {
        let thought = json!({ "thought": true, "inlineData": { "data": STANDARD.encode("thought") } });
        let parts = json!([{ "text": "here" }, inline("draft"), inline("final"), thought]);
        let body = json!({ "candidates": [{ "content": { "parts": parts }, "finishReason": "STOP" }] });
        assert_eq!(outcome(&body).unwrap(), "final");
    }

    #[test]
    fn what_came_instead_of_a_picture_is_said() {
        for (body, said) in [
            (json!({}), "Gemini returned no candidates: no reason"),
            (json!({ "promptFeedback": { "blockReason": "SAFETY" } }), "Code: blockReason SAFETY"),
            (
                json!({ "candidates": [{ "content": { "parts": [{ "text": "no can do" }] }, "finishReason": "STOP" }] }),
                "Gemini returned text instead of image: no can do\nCode: STOP",
            ),
            (json!({ "candidates": [{ "finishReason": "IMAGE_SAFETY" }] }), "refused the prompt"),
            (
                json!({ "candidates": [{ "content": { "parts": [{ "inlineData": { "data": "?" } }] } }] }),
                "not base64",
            ),
        ] {
            let error = outcome(&body).unwrap_err();
            assert!(error.contains(said), "{body}: {error}");
        }
    }

    #[test]
    fn refusals_are_explained() {
        let body = r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}"#;
        let text = explain(StatusCode::BAD_REQUEST, body).text(&Secrets::default());
        assert!(text.contains("API key not valid") && text.contains("Code: 400 INVALID_ARGUMENT"), "{text}");
        assert!(text.contains("set GOOGLE_API_KEY"), "{text}");
    }

    #[test]
    fn a_model_cannot_lead_elsewhere() {
        for wrong in ["", "..", "a/b", "a?b", "a#b", "a:b", "models/x", "a%2fb"] {
            assert!(model_segment(wrong).is_err(), "{wrong}");
        }
        assert!(model_segment("gemini-3.1-flash-image").is_ok());
    }
}
