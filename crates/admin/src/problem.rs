//! Every answer that is not what was asked for: problem documents (RFC 9457), made in one place.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use toolgate_gateway::ConsoleRefusal;
use toolgate_policy::Severity;
use toolgate_store::{Kind, StoreError};
use utoipa::ToSchema;

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// A problem on its way to its answer.
#[derive(Debug)]
pub(crate) struct Problem(Box<Told>);

/// What is told, and the headers that go with it.
#[derive(Debug)]
struct Told {
    document: ProblemDocument,
    headers: HeaderMap,
    refused: Option<ConsoleRefusal>,
}

/// Says of an answer, among its extensions, that it refuses a caller: the guard has the journal told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused(pub(crate) ConsoleRefusal);

/// A problem (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// What kind of problem it is: `about:blank` where the status says all, else a relative reference that names
    /// the kind.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The kind in words.
    title: &'static str,
    /// The status code.
    status: u16,
    /// What happened, where, and what to do.
    detail: String,
    /// Every single mistake, where there can be several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Mistake>,
}

/// One mistake in what was sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Mistake {
    /// `error`, or `warning` for what can be used all the same.
    pub(crate) severity: &'static str,
    /// JSON pointer (RFC 6901) into the document; empty for the whole of it.
    pub(crate) pointer: String,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    /// Column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<u64>,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) help: Option<String>,
}

impl Mistake {
    /// A mistake in a member of the request's body.
    pub(crate) fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let (pointer, message) = (pointer.into(), message.into());
        Self { severity: Severity::Error.name(), pointer, line: None, column: None, message, help: None }
    }

    /// The same mistake, with what to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<toolgate_policy::Problem> for Mistake {
    fn from(problem: toolgate_policy::Problem) -> Self {
        let place = problem.position;
        Self {
            severity: problem.severity.name(),
            pointer: problem.pointer,
            line: place.map(|p| u64::try_from(p.line).unwrap_or(u64::MAX)),
            column: place.map(|p| u64::try_from(p.column).unwrap_or(u64::MAX)),
            message: problem.message,
            help: problem.help,
        }
    }
}

impl Problem {
    /// A problem that its status names well enough.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self::of(status, ("about:blank", title), detail)
    }

    /// A problem with a kind of its own.
    pub(crate) fn of(
        status: StatusCode,
        (kind, title): (&'static str, &'static str),
        detail: impl Into<String>,
    ) -> Self {
        let (status, detail) = (status.as_u16(), detail.into());
        let document = ProblemDocument { kind, title, status, detail, errors: Vec::new() };
        Self(Box::new(Told { document, headers: HeaderMap::new(), refused: None }))
    }

    /// What was sent can be read but not used.
    pub(crate) fn invalid(detail: impl Into<String>, errors: Vec<Mistake>) -> Self {
        let kind = ("/problems/invalid", "what was sent cannot be used");
        Self::of(StatusCode::UNPROCESSABLE_ENTITY, kind, detail).with_errors(errors)
    }

    /// One member of the body cannot be used.
    pub(crate) fn mistake(mistake: Mistake) -> Self {
        Self::invalid(mistake.message.clone(), vec![mistake])
    }

    /// There is no such thing.
    pub(crate) fn not_found(kind: Kind, name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {kind} `{}`", printable(name)))
    }

    /// The config file manages it.
    pub(crate) fn managed_by_file(kind: Kind, name: &str, path: &std::path::Path) -> Self {
        StoreError::ManagedByFile { kind, name: name.to_owned(), path: path.to_path_buf() }.into()
    }

    /// With a header in the answer; one whose value cannot be a header is left out.
    pub(crate) fn header(mut self, name: header::HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.insert(name, value);
        }
        self
    }

    /// Which the journal tells of: the caller was refused.
    pub(crate) fn refused(mut self, refused: ConsoleRefusal) -> Self {
        self.0.refused = Some(refused);
        self
    }

    /// With every single mistake.
    pub(crate) fn with_errors(mut self, errors: Vec<Mistake>) -> Self {
        self.0.document.errors = errors;
        self
    }

    /// What happened, in words.
    pub(crate) fn detail(&self) -> &str {
        &self.0.document.detail
    }

    /// The status code.
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.document.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let Told { document, headers, refused } = *self.0;
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (status, body).into_response();
        response.headers_mut().extend(headers);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(refused) = refused {
            response.extensions_mut().insert(Refused(refused));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        match error {
            StoreError::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, detail),
            StoreError::NameTaken { .. } | StoreError::TokenTaken | StoreError::Revoked { .. } => {
                Self::of(StatusCode::CONFLICT, ("/problems/name-taken", "the name is in use"), detail)
            }
            StoreError::ManagedByFile { .. } => Self::of(
                StatusCode::CONFLICT,
                ("/problems/managed-by-file", "the config file manages this"),
                detail,
            ),
            StoreError::InUse { .. } => {
                Self::of(StatusCode::CONFLICT, ("/problems/in-use", "something else refers to this"), detail)
            }
            StoreError::Decided { .. } => Self::new(StatusCode::CONFLICT, detail),
            StoreError::Conflict { .. } => Self::new(StatusCode::PRECONDITION_FAILED, detail),
            StoreError::Invalid { .. } | StoreError::SecretsNeeded { .. } => {
                Self::invalid(detail, Vec::new())
            }
            StoreError::Busy { .. } | StoreError::Full { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).header(header::RETRY_AFTER, "1")
            }
            StoreError::Key(_)
            | StoreError::ReadOnly { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Foreign { .. }
            | StoreError::Newer { .. }
            | StoreError::Io { .. }
            | StoreError::Database { .. } => {
                tracing::error!(error = detail, "the store failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
        }
    }
}

/// A caller's text for a message: short, on one line, without control characters.
pub(crate) fn printable(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}
