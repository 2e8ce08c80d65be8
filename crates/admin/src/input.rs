//! What requests bring, read strictly: a body that is JSON and says so, of at most a mebibyte, without unknown
//! or repeated members; parameters of the path and the query. What is wrong is told, values are not repeated.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use http::{StatusCode, header};
use serde::de::DeserializeOwned;
use toolgate_policy::Severity;

use crate::problem::{Mistake, Problem};

/// Longest body in bytes.
pub(crate) const BODY: usize = 1 << 20;
/// How long a body may take.
const BODY_TIME: Duration = Duration::from_secs(30);

/// A body of JSON.
#[derive(Debug)]
pub(crate) struct Sent<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let is_json = request.headers().get(header::CONTENT_TYPE).is_some_and(|value| {
            let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/json")
        });
        if !is_json {
            let detail = "send JSON with `Content-Type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let bytes = read_body(request.into_body()).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| unreadable(&error))
    }
}

/// The whole of a body.
pub(crate) async fn read_body(body: Body) -> Result<bytes::Bytes, Problem> {
    match tokio::time::timeout(BODY_TIME, to_bytes(body, BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_long(&error) => {
            let detail = format!("the body is longer than {BODY} bytes");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail))
        }
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "the body broke off")),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body took longer than 30 s")),
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|e| e.is::<http_body_util::LengthLimitError>())
}

/// Text that is no JSON is 400; JSON of another shape is 422.
fn unreadable(error: &serde_json::Error) -> Problem {
    let place = |n: usize| u64::try_from(n).ok().filter(|n| *n > 0);
    let mistake = Mistake {
        severity: Severity::Error.name(),
        pointer: String::new(),
        line: place(error.line()),
        column: place(error.column()),
        message: without_values(error),
        help: None,
    };
    match error.classify() {
        serde_json::error::Category::Data => Problem::mistake(mistake),
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof => {
            let detail = format!("the body is no JSON: {}", mistake.message);
            Problem::new(StatusCode::BAD_REQUEST, detail)
        }
    }
}

/// The parser's words, unless they repeat what was sent: `invalid type: string "…"` could be a secret in the
/// wrong place. Names of members are repeated.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    let text = text.get(..end).unwrap_or_default();
    match text.split_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid ") => {
            let what = if found.starts_with("invalid type") { "another type" } else { "another value" };
            format!("{what} than expected here: expected {expected}")
        }
        _ => text.chars().take(300).flat_map(char::escape_debug).collect(),
    }
}

/// Parameters of the query.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, format!("the query cannot be used: {}", error.body_text()))
        })
    }
}

/// Parameters of the path.
#[derive(Debug)]
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(path) => Ok(Self(path.0)),
            Err(error) => Err(Problem::new(StatusCode::BAD_REQUEST, error.body_text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Example {
        #[expect(dead_code, reason = "only read")]
        number: u32,
    }

    #[test]
    fn no_message_repeats_a_value() {
        for text in [
            r#"{"number": "hunter2"}"#,
            r#""hunter2""#,
            r#"{"number": -424242}"#,
            r#"["hunter2", 424242]"#,
            r#"{"number": 1, "number": 424242}"#,
        ] {
            let error = serde_json::from_str::<Example>(text).unwrap_err();
            let said = format!("{:?}", unreadable(&error));
            assert!(!said.contains("hunter2") && !said.contains("424242"), "{said}");
        }
        let error = serde_json::from_str::<Example>(r#"{"numbr": 1}"#).unwrap_err();
        assert!(without_values(&error).starts_with("unknown field `numbr`, expected `number`"));
    }
}
