//! What Replicate's refusals and failures mean, and what to do about them.

use http::StatusCode;
use serde_json::Value;

use super::super::server_trouble;
use super::text;
use crate::failure::{Failure, quoted};

/// What a refusal of a request means.
pub(super) fn explain(status: StatusCode, body: &str) -> Failure {
    let parsed: Value = serde_json::from_str(body).unwrap_or_default();
    let title = text(&parsed, "title").unwrap_or_default();
    let detail =
        text(&parsed, "detail").unwrap_or(if parsed.is_object() { "no reason was given" } else { body });
    let said = quoted(&match (title, fields(&parsed)) {
        ("", None) => detail.to_owned(),
        (title, None) => format!("{title}: {detail}"),
        (_, Some(fields)) => fields,
    });
    let code = format!("{} {}", status.as_u16(), quoted(title)).trim().to_owned();
    let advice = match status.as_u16() {
        401 | 403 => "set REPLICATE_API_TOKEN to a valid token (replicate.com/account/api-tokens).",
        402 => "the account has no credit: tell the user to add some (replicate.com/account/billing).",
        404 => {
            "there is no such model or version, or it may not be used; image.models.list knows some that are."
        }
        422 if fields(&parsed).is_some() => "call again with the values that the model takes.",
        422 => "check the model's name and version; image.models.list knows some.",
        429 => "Replicate limits how often it is asked, and more so with little credit; try again later.",
        _ if status.is_server_error() => return server_trouble("Replicate", status.as_u16(), &said),
        _ => "check the request with dryRun, then try again.",
    };
    Failure::new(format!("Replicate API error: {said}"), code, advice)
}

/// A model that cannot be run by its name, which Replicate's own words leave out.
pub(super) fn unknown_model(model: &str, body: &str) -> Failure {
    let parsed: Value = serde_json::from_str(body).unwrap_or_default();
    let said = quoted(text(&parsed, "detail").unwrap_or("no reason was given"));
    Failure::new(
        format!("Replicate API error: model `{}`: {said}", quoted(model)),
        "404",
        "there is no such model, or it may not be used; image.models.list knows some that are.",
    )
}

/// The fields that the model refused, each with what it takes.
fn fields(body: &Value) -> Option<String> {
    let list = body.get("invalid_fields")?.as_array()?;
    let told: Vec<_> = list
        .iter()
        .filter_map(|field| {
            let name = text(field, "field")?;
            Some(format!("{name}: {}", text(field, "description").unwrap_or_default()))
        })
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// What became of a prediction that gave no picture.
pub(super) fn failed(prediction: &Value) -> Failure {
    let status = text(prediction, "status").unwrap_or("unknown");
    let error =
        prediction.get("error").map(|error| error.as_str().map_or_else(|| error.to_string(), str::to_owned));
    let said = quoted(&error.filter(|error| error != "null").unwrap_or_default());
    let lower = said.to_lowercase();
    let refused = lower.contains("(e005)") || lower.contains("nsfw") || lower.contains("sensitive");
    let (happened, advice) = match status {
        "failed" if refused => (
            format!("Replicate API error: Prediction failed: {said}"),
            "the model refused the prompt or its picture: say it in other words, or ask the user.",
        ),
        "failed" => (
            format!("Replicate API error: Prediction failed: {said}"),
            "try again, with another seed or model if it fails again.",
        ),
        "canceled" => (
            "Replicate API error: the prediction was canceled at Replicate".to_owned(),
            "it was ended there, or took too long; try again if the picture is still wanted.",
        ),
        "aborted" => (
            "Replicate API error: the prediction was aborted before it started".to_owned(),
            "the model was too busy to begin in time, and nothing is charged; try again later.",
        ),
        _ => (
            format!("Replicate API error: the prediction has the unknown status `{}`", quoted(status)),
            "look at replicate.com/predictions before trying again.",
        ),
    };
    let failure = Failure::new(happened, format!("prediction {}", quoted(status)), advice);
    if status == "aborted" { failure } else { failure.perhaps_spent() }
}

/// An answer that makes no sense.
pub(super) fn unreadable(why: &str) -> Failure {
    Failure::new(
        format!("Replicate API error: the prediction cannot be used: {why}"),
        "unexpected_output",
        "look at replicate.com/predictions; another model may work.",
    )
    .perhaps_spent()
}
