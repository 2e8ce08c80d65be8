//! What Google's two APIs share: their errors, and keys.

use axum::response::Response;
use serde_json::{Value, json};

use super::answer::json as answer;
use super::desk::Refusal;
use super::schema::{Fault, Problem};

/// What a key begins with.
pub(super) const KEY: &str = "AIza-fake";

/// An error with Google's name for its status.
pub(super) fn error(code: u16, message: &str, details: Value) -> Response {
    let status = match code {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    };
    let mut body = json!({ "error": { "code": code, "message": message, "status": status } });
    if let (false, Some(error)) = (details.is_null(), body.get_mut("error").and_then(Value::as_object_mut)) {
        error.insert("details".to_owned(), details);
    }
    answer(code, &body)
}

/// What Google answers to a key that it does not know: a bad request, not 401.
pub(super) fn bad_key() -> Response {
    let info = json!([{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID",
        "domain": "googleapis.com" }]);
    error(400, "API key not valid. Please pass a valid API key.", info)
}

pub(super) fn no_key() -> Response {
    error(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or \
         other form of API consumer identity to call this API.",
        Value::Null,
    )
}

/// The answer to the faults of one object at `path`; its first one in words, all as field violations.
pub(super) fn invalid(path: &str, faults: &[Fault]) -> Option<Response> {
    let worded = |fault: &Fault| {
        let field = &fault.field;
        match &fault.problem {
            Problem::Unknown => {
                format!(
                    "Invalid JSON payload received. Unknown name \"{field}\" at '{path}': Cannot find field."
                )
            }
            Problem::Missing => format!("{path}.{field} is not specified"),
            Problem::Type(expected, given) => {
                format!("Invalid value at '{path}.{field}': expected {expected}, got {given}")
            }
            Problem::NotOneOf(allowed) => format!(
                "Invalid value at '{path}.{field}': {}. Supported values: {}.",
                fault.given,
                allowed.join(", ")
            ),
            Problem::Below(least) => format!("{path}.{field} must be at least {least}"),
            Problem::Above(most) => format!("{path}.{field} must be at most {most}"),
            Problem::TooLong(most) => format!("{path}.{field} must not be longer than {most}"),
            Problem::NotUri => format!("{path}.{field} must be a URI"),
        }
    };
    let first = worded(faults.first()?);
    let violations: Vec<_> = faults
        .iter()
        .map(|fault| json!({ "field": format!("{path}.{}", fault.field), "description": worded(fault) }))
        .collect();
    let details =
        json!([{ "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations }]);
    Some(error(400, &first, details))
}

/// A refusal that a twist asks for.
pub(super) fn refuse(refusal: &Refusal, key: &str) -> Response {
    match refusal {
        Refusal::Status(400) => bad_key(),
        Refusal::Status(403) => error(403, "Permission denied on the resource.", Value::Null),
        Refusal::Status(404) => error(404, "Requested entity was not found.", Value::Null),
        Refusal::Status(429) => throttled(None),
        Refusal::Status(503) => error(503, "The model is overloaded. Please try again later.", Value::Null),
        Refusal::Status(status) => error(*status, "An internal error has occurred.", Value::Null),
        Refusal::Echo => error(400, &format!("API key {key} not valid."), Value::Null),
        Refusal::Throttled { body, .. } => throttled(*body),
    }
}

fn throttled(wait: Option<u64>) -> Response {
    let mut details = vec![
        json!({ "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{
            "quotaMetric": "generativelanguage.googleapis.com/generate_requests",
            "quotaId": "GenerateRequestsPerMinutePerProjectPerModel", "quotaValue": "10" }] }),
        json!({ "@type": "type.googleapis.com/google.rpc.Help", "links": [{
            "description": "Learn more about Gemini API quotas",
            "url": "https://ai.google.dev/gemini-api/docs/rate-limits" }] }),
    ];
    if let Some(seconds) = wait {
        details.push(json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{seconds}s") }));
    }
    error(429, "You exceeded your current quota, please check your plan and billing details.", details.into())
}
