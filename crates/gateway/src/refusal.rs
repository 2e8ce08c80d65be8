//! Answers that the gateway gives itself when a request goes no further: one place maps every cause to its
//! HTTP status, its JSON-RPC error and its words.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use toolgate_mcp::error::{self, Code};
use toolgate_mcp::message::MessageError;
use toolgate_mcp::revision::{Era, Revision};

use crate::body::Body;
use crate::door::Fault;
use crate::upstream::UpstreamError;

/// A request that goes no further.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Refused before a message was read.
    Early(Early),
    /// A message that is answered with a JSON-RPC error.
    Message {
        /// The raw id; none where there is none to repeat.
        id: Option<String>,
        /// The code.
        code: Code,
        /// What happened and what to do.
        text: String,
        /// More, as raw JSON.
        data: Option<String>,
        /// The era of the request.
        era: Era,
    },
    /// An answer that is ready: a denial that the model can read.
    Ready(Box<Response<Body>>),
}

/// Why a request was refused before its message was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Early {
    /// `Host` names nobody we are.
    Host,
    /// `Origin` is not allowed.
    Origin,
    /// No token, or none that is valid.
    Unauthorized,
    /// No such route or server, or none that the grant includes.
    NotFound,
    /// No such session.
    SessionNotFound,
    /// The route does not take this verb.
    Verb,
    /// The body is not declared as JSON.
    ContentType,
    /// The client does not take both kinds of answers.
    Accept,
    /// The request's head goes beyond the limit.
    HeadTooLarge,
    /// The body goes beyond the limit.
    TooLarge,
    /// The body came too slowly.
    BodyTimeout,
    /// The body broke off.
    BodyBroken,
    /// A token stands in the URL.
    TokenInUrl,
    /// Too many streams of this grant are open.
    Streams,
    /// The server has no stream beside requests.
    NoStream,
    /// The gateway is shutting down.
    Stopping,
}

impl Early {
    /// Status, short name for metrics and journal, and words.
    fn facts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Host => (
                StatusCode::FORBIDDEN,
                "host",
                "the Host header names a host that is not answered; add it to `allowed_hosts`",
            ),
            Self::Origin => {
                (StatusCode::FORBIDDEN, "origin", "the Origin is not allowed; add it to `allowed_origins`")
            }
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "a valid grant token is needed: send it as `Authorization: Bearer <token>`",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "there is nothing here for this grant"),
            Self::SessionNotFound => {
                (StatusCode::NOT_FOUND, "session", "no such session; send `initialize` to open one")
            }
            Self::Verb => (StatusCode::METHOD_NOT_ALLOWED, "verb", "this address does not take this method"),
            Self::ContentType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "content_type",
                "send the message as `Content-Type: application/json`",
            ),
            Self::Accept => {
                (StatusCode::NOT_ACCEPTABLE, "accept", "send `Accept: application/json, text/event-stream`")
            }
            Self::HeadTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head_too_large",
                "the request's headers are longer than 64 KiB",
            ),
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the message is longer than the `body` limit")
            }
            Self::BodyTimeout => {
                (StatusCode::REQUEST_TIMEOUT, "body_timeout", "the message did not arrive in time")
            }
            Self::BodyBroken => (StatusCode::BAD_REQUEST, "body_broken", "the message broke off"),
            Self::TokenInUrl => (
                StatusCode::BAD_REQUEST,
                "token_in_url",
                "a token does not belong in a URL; send it as `Authorization: Bearer <token>` and replace it, since URLs are logged",
            ),
            Self::Streams => {
                (StatusCode::TOO_MANY_REQUESTS, "streams", "too many streams of this grant are open")
            }
            Self::NoStream => {
                (StatusCode::METHOD_NOT_ALLOWED, "no_stream", "this server has no stream beside its answers")
            }
            Self::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping", "the gateway is shutting down"),
        }
    }

    /// The short name in metrics and the journal.
    #[must_use]
    pub(crate) fn reason(self) -> &'static str {
        self.facts().1
    }

    /// Whether it is given before the request's body was read to its end. The connection is closed then,
    /// since what follows on it would be the rest of that body.
    #[must_use]
    pub(crate) fn leaves_body(self) -> bool {
        match self {
            Self::Host
            | Self::Origin
            | Self::Unauthorized
            | Self::NotFound
            | Self::Verb
            | Self::ContentType
            | Self::Accept
            | Self::HeadTooLarge
            | Self::TooLarge
            | Self::BodyTimeout
            | Self::BodyBroken
            | Self::TokenInUrl
            | Self::Stopping => true,
            Self::SessionNotFound | Self::Streams | Self::NoStream => false,
        }
    }

    fn respond(self) -> Response<Body> {
        let (status, _, text) = self.facts();
        let body = error::error_body(None, Code::InvalidRequest, text, None);
        let mut response = json(status, body);
        let headers = response.headers_mut();
        match self {
            Self::Unauthorized => {
                headers
                    .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"toolgate\""));
            }
            Self::Verb | Self::NoStream => {
                headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            _ => {}
        }
        response
    }
}

impl Refusal {
    /// A message that broke a rule of the envelope.
    #[must_use]
    pub(crate) fn of_message(error: &MessageError, era: Era) -> Self {
        Self::Message {
            id: error.id().map(str::to_owned),
            code: error.code(),
            text: error.to_string(),
            data: None,
            era,
        }
    }

    /// What went wrong with a server, as the client of one of its requests is told.
    #[must_use]
    pub(crate) fn of_upstream(error: &UpstreamError, server: &str, id: &str, era: Era) -> Self {
        if matches!(error, UpstreamError::SessionGone) && era == Era::Legacy {
            return Self::Early(Early::SessionNotFound);
        }
        let (text, data) = match error {
            UpstreamError::OtherEra(speaks) => {
                (other_era(server, *speaks, era), Some(supported(*speaks, era)))
            }
            UpstreamError::Unreached(_) => {
                (format!("server `{server}`: {error}; check that it runs, then try again"), None)
            }
            _ => (format!("server `{server}`: {error}"), None),
        };
        Self::Message { id: Some(id.to_owned()), code: error.code(era), text, data, era }
    }

    /// A request that is answered with an error.
    #[must_use]
    pub(crate) fn error(id: &str, code: Code, text: impl Into<String>, era: Era) -> Self {
        Self::Message { id: Some(id.to_owned()), code, text: text.into(), data: None, era }
    }

    /// The answer.
    #[must_use]
    pub(crate) fn into_response(self) -> Response<Body> {
        match self {
            Self::Early(early) => early.respond(),
            Self::Message { id, code, text, data, era } => {
                json(code.http_status(era), error::error_body(id.as_deref(), code, &text, data.as_deref()))
            }
            Self::Ready(response) => *response,
        }
    }
}

fn other_era(server: &str, speaks: Era, asked: Era) -> String {
    format!(
        "server `{server}` speaks only the {} era of the protocol, and this client the {} one; \
         use a client that speaks the server's",
        crate::upstream::era_words(speaks),
        crate::upstream::era_words(asked)
    )
}

/// The `data` of an unsupported version: what this route can serve.
fn supported(speaks: Era, asked: Era) -> String {
    let list = |revisions: &[Revision]| {
        revisions.iter().rev().map(|r| format!("\"{r}\"")).collect::<Vec<_>>().join(",")
    };
    let supported = match speaks {
        Era::Legacy => list(&Revision::LEGACY),
        Era::Modern => list(&Revision::MODERN),
    };
    let requested = match asked {
        Era::Legacy => Revision::NEWEST_LEGACY,
        Era::Modern => Revision::NEWEST_MODERN,
    };
    format!(r#"{{"supported":[{supported}],"requested":"{requested}"}}"#)
}

impl From<Early> for Refusal {
    fn from(early: Early) -> Self {
        Self::Early(early)
    }
}

/// A JSON answer.
#[must_use]
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::whole(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer without a body.
#[must_use]
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Why the console or its admin API refused a request. The journal and the metrics name it apart from what the
/// data plane refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleRefusal {
    /// `Host` names nobody we are.
    Host,
    /// `Origin` is not allowed.
    Origin,
    /// No token or session, or none that is valid.
    Unauthorized,
    /// A sign-in link that was used, is over, or is none.
    Link,
    /// A change that no page of the console sent.
    Forged,
    /// The role is not enough.
    Role,
    /// Too many failed attempts came before it.
    TooMany,
}

impl ConsoleRefusal {
    /// The short name in metrics and the journal.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Host => "console_host",
            Self::Origin => "console_origin",
            Self::Unauthorized => "console_unauthorized",
            Self::Link => "console_link",
            Self::Forged => "console_forged",
            Self::Role => "console_role",
            Self::TooMany => "console_too_many",
        }
    }
}

impl From<Fault> for ConsoleRefusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Host => Self::Host,
            Fault::Origin => Self::Origin,
        }
    }
}

/// Refusals of one client for one reason within a second make one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RefusedBy {
    /// The client's address.
    pub(crate) client: IpAddr,
    /// The reason.
    pub(crate) reason: &'static str,
}
