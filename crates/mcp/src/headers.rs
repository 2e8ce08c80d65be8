//! The headers of a modern request, which repeat parts of its body; session ids and media types.
//!
//! Source: 2026-07-28, Streamable HTTP, "Request Metadata". The body decides; a header that does not say
//! the same as the body makes the request invalid, since something on the way may have believed it.

mod annotation;
mod media;
mod value;

use std::borrow::Cow;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;
use toolgate_json::{Decimal, Kind, Value};

use crate::error::Code;
use crate::message::{Notification, Request};
use crate::method::Method;
use crate::params::Params;
use crate::revision::Revision;

pub use self::annotation::{InvalidAnnotation, ParamHeader, ParamKind, x_mcp_header_rules};
pub use self::media::{Accepted, is_event_stream, is_json};
pub use self::value::{decode_value, encode_value};

/// The header of the protocol version.
pub const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The header that repeats `method`.
pub const METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// The header that repeats the name, URI or task id of `params`.
pub const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// The header of a legacy session.
pub const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// The header of the last event that a legacy client saw.
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// How the headers begin that repeat arguments.
pub const PARAM_PREFIX: &str = "mcp-param-";

/// Why the headers of a request do not go with its body. Values are not repeated: they may be secrets.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeaderFault {
    /// A header that must be there is not.
    #[error("header mismatch: `{header}` is missing; send it with the value of `{member}`")]
    Missing {
        /// The header.
        header: String,
        /// The member of the body that it repeats.
        member: String,
    },
    /// The body has no value that the header could repeat.
    #[error("header mismatch: `{header}` is there, but the body has no `{member}`")]
    Unexpected {
        /// The header.
        header: String,
        /// The member of the body that it repeats.
        member: String,
    },
    /// Header and body differ.
    #[error("header mismatch: `{header}` differs from `{member}` in the body")]
    Differs {
        /// The header.
        header: String,
        /// The member of the body that it repeats.
        member: String,
    },
    /// A header that stands more than once.
    #[error("header mismatch: `{header}` stands more than once")]
    Repeated {
        /// The header.
        header: String,
    },
    /// Characters other than visible ASCII and spaces, or broken base64.
    #[error("header mismatch: the value of `{header}` cannot be decoded")]
    Undecodable {
        /// The header.
        header: String,
    },
    /// The body lacks a member that every such request has.
    #[error("`{member}` is missing in the body")]
    BodyMissing {
        /// The member.
        member: String,
    },
}

impl HeaderFault {
    /// The code of the error answer.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Missing { .. }
            | Self::Unexpected { .. }
            | Self::Differs { .. }
            | Self::Repeated { .. }
            | Self::Undecodable { .. } => Code::HeaderMismatch,
            Self::BodyMissing { .. } => Code::InvalidParams,
        }
    }
}

/// Checks that the headers of a modern request say what its body says. `params` are the headers that the
/// called tool's schema asks for; empty for any other method. Unknown `Mcp-Param-*` headers pass.
///
/// # Errors
///
/// The first header that is missing, doubled, unreadable or different.
pub fn check_modern(
    headers: &HeaderMap,
    request: &Request<'_>,
    params: &[ParamHeader],
) -> Result<(), HeaderFault> {
    let missing = || HeaderFault::BodyMissing { member: crate::meta::PROTOCOL_VERSION.to_owned() };
    let version = request.meta().and_then(|meta| meta.protocol_version()).ok_or_else(missing)?;
    check_plain(headers, &PROTOCOL_VERSION, version.as_str(), crate::meta::PROTOCOL_VERSION)?;
    check_plain(headers, &METHOD, request.method.as_str(), "method")?;
    check_name(headers, request)?;
    check_params(headers, request, params)
}

/// Checks only the headers that repeat arguments.
///
/// # Errors
///
/// The first header that is missing, doubled, unreadable or different.
pub fn check_params(
    headers: &HeaderMap,
    request: &Request<'_>,
    params: &[ParamHeader],
) -> Result<(), HeaderFault> {
    let arguments = request.params.as_ref().and_then(|p| p.get("arguments"));
    params.iter().try_for_each(|param| check_param(headers, param, arguments))
}

/// Checks the headers of a modern notification. The text defines none for it but the version, which
/// is wanted here; what else is there must agree with the body.
///
/// # Errors
///
/// The first header that is missing, doubled, unreadable or different.
pub fn check_modern_notification(
    headers: &HeaderMap,
    notification: &Notification<'_>,
) -> Result<(), HeaderFault> {
    let member = crate::meta::PROTOCOL_VERSION;
    let found = single(headers, &PROTOCOL_VERSION)?;
    let found = found.ok_or_else(|| missing(&PROTOCOL_VERSION, member))?;
    if let Some(version) = notification.meta().and_then(|meta| meta.protocol_version()) {
        compare_plain(&PROTOCOL_VERSION, found, version.as_str(), member)?;
    }
    match single(headers, &METHOD)? {
        Some(found) => compare_plain(&METHOD, found, notification.method.as_str(), "method"),
        None => Ok(()),
    }
}

fn check_plain(
    headers: &HeaderMap,
    header: &HeaderName,
    expected: &str,
    member: &str,
) -> Result<(), HeaderFault> {
    let found = single(headers, header)?.ok_or_else(|| missing(header, member))?;
    compare_plain(header, found, expected, member)
}

/// The version and the method have no encoded form: they are compared as they stand.
fn compare_plain(
    header: &HeaderName,
    found: &HeaderValue,
    expected: &str,
    member: &str,
) -> Result<(), HeaderFault> {
    if value::trimmed(found.as_bytes()) == expected.as_bytes() {
        Ok(())
    } else {
        Err(differs(header, member))
    }
}

fn check_name(headers: &HeaderMap, request: &Request<'_>) -> Result<(), HeaderFault> {
    let Some(mirrored) = Method::parse(request.method.as_str()).and_then(Method::mirrored) else {
        return Ok(());
    };
    let member = mirrored.member();
    let body = request.params.as_ref().and_then(|params| params.get(member)).and_then(|v| v.as_str());
    let body = body.ok_or_else(|| HeaderFault::BodyMissing { member: format!("params.{member}") })?;
    let found = single(headers, &NAME)?.ok_or_else(|| missing(&NAME, &format!("params.{member}")))?;
    if decoded(&NAME, found)? == body { Ok(()) } else { Err(differs(&NAME, &format!("params.{member}"))) }
}

fn check_param(
    headers: &HeaderMap,
    param: &ParamHeader,
    arguments: Option<Value<'_>>,
) -> Result<(), HeaderFault> {
    let argument = param.argument(arguments);
    match (single(headers, &param.header)?, argument) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(missing(&param.header, &param.member())),
        (Some(_), None) => {
            let header = param.header.as_str().to_owned();
            Err(HeaderFault::Unexpected { header, member: param.member() })
        }
        (Some(found), Some(argument)) if says(&decoded(&param.header, found)?, argument) => Ok(()),
        (Some(_), Some(_)) => Err(differs(&param.header, &param.member())),
    }
}

/// Whether a header's text stands for that argument: numbers by value, all else by spelling.
fn says(text: &str, argument: Value<'_>) -> bool {
    match argument.kind() {
        Kind::String => argument.is_str(text),
        Kind::Bool => argument.raw() == text,
        Kind::Number => argument.raw() == text || same_number(text, argument),
        Kind::Null | Kind::Array | Kind::Object => false,
    }
}

fn same_number(text: &str, argument: Value<'_>) -> bool {
    value::is_number(text)
        && match (Decimal::parse(text), argument.as_decimal()) {
            (Some(header), Some(body)) => header == body,
            _ => false,
        }
}

fn decoded<'h>(header: &HeaderName, found: &'h HeaderValue) -> Result<Cow<'h, str>, HeaderFault> {
    decode_value(found).ok_or_else(|| HeaderFault::Undecodable { header: header.as_str().to_owned() })
}

fn single<'h>(headers: &'h HeaderMap, header: &HeaderName) -> Result<Option<&'h HeaderValue>, HeaderFault> {
    let mut found = headers.get_all(header).iter();
    let first = found.next();
    match found.next() {
        None => Ok(first),
        Some(_) => Err(HeaderFault::Repeated { header: header.as_str().to_owned() }),
    }
}

fn missing(header: &HeaderName, member: &str) -> HeaderFault {
    HeaderFault::Missing { header: header.as_str().to_owned(), member: member.to_owned() }
}

fn differs(header: &HeaderName, member: &str) -> HeaderFault {
    HeaderFault::Differs { header: header.as_str().to_owned(), member: member.to_owned() }
}

/// Puts the headers that a modern request needs, in place of any of the same names. `params` are the
/// headers that the called tool's schema asks for. An argument that is `null`, absent, an array or an
/// object gets no header.
pub fn write_modern(
    headers: &mut HeaderMap,
    version: Revision,
    method: Method,
    body: Option<&Params<'_>>,
    params: &[ParamHeader],
) {
    headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(version.as_str()));
    headers.insert(METHOD, HeaderValue::from_static(method.name()));
    let name = method.mirrored().and_then(|mirrored| body?.get(mirrored.member())?.as_str());
    match name {
        Some(name) => headers.insert(NAME, encode_value(&name)),
        None => headers.remove(NAME),
    };
    for param in params {
        let argument = param.argument(body.and_then(|params| params.get("arguments")));
        match argument.and_then(|argument| argument_text(&argument)) {
            Some(text) => headers.insert(param.header.clone(), encode_value(&text)),
            None => headers.remove(&param.header),
        };
    }
}

fn argument_text<'d>(argument: &Value<'d>) -> Option<Cow<'d, str>> {
    match argument.kind() {
        Kind::String => argument.as_str(),
        Kind::Bool | Kind::Number => Some(argument.raw().into()),
        Kind::Null | Kind::Array | Kind::Object => None,
    }
}

/// Whether a session id is one or more visible ASCII characters (2025-03-26 and later, session
/// management).
#[must_use]
pub fn is_session_id(id: &[u8]) -> bool {
    !id.is_empty() && id.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests;
