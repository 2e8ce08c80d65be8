//! Answers that behave: whole, slow, endless or broken off.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::ledger::{Event, Ledger, Vendor};
use super::scenario::{Scenario, Twist};

/// One piece of an endless body.
const PIECE: usize = 64 * 1024;

/// Marks an answer that must not be sent: the connection breaks instead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut;

/// How the bytes of an answer come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Whole,
    /// One byte a second.
    Slow,
    /// The bytes, and then others without end.
    Endless,
    /// Half of what the head announces.
    Truncated,
}

impl Flow {
    pub(super) fn of(scenario: &Scenario) -> Self {
        if scenario.has(Twist::Endless) {
            Self::Endless
        } else if scenario.has(Twist::Slow) {
            Self::Slow
        } else if scenario.has(Twist::Truncated) {
            Self::Truncated
        } else {
            Self::Whole
        }
    }
}

/// A JSON answer.
pub(super) fn json(status: u16, value: &Value) -> Response {
    of_text(status, "application/json", value.to_string())
}

/// A JSON answer whose bytes come as the scenario says, or an HTML page in its place.
pub(super) fn twisted(vendor: Vendor, scenario: &Scenario, value: &Value, ledger: &Ledger) -> Response {
    if scenario.has(Twist::Html) {
        return html();
    }
    let bytes = Bytes::from(value.to_string());
    flowing(vendor, ("application/json", bytes), Flow::of(scenario), ledger)
}

/// What proxies and captive portals answer with.
pub(super) fn html() -> Response {
    of_text(
        200,
        "text/html; charset=utf-8",
        "<!doctype html><title>Sign in</title><p>Sign in to go on.".to_owned(),
    )
}

pub(super) fn of_text(status: u16, mime: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    response
}

/// The same answer with one more header.
pub(super) fn with_header(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// No answer: the listener closes the connection instead.
pub(super) fn cut() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Cut);
    response
}

/// Bytes of a media type, as `flow` says.
pub(super) fn flowing(
    vendor: Vendor,
    (mime, bytes): (&'static str, Bytes),
    flow: Flow,
    ledger: &Ledger,
) -> Response {
    let length = bytes.len();
    let body = match flow {
        Flow::Whole => Body::from(bytes),
        Flow::Slow => Body::from_stream(stream::iter(bytes).then(async |byte| {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, io::Error>(Bytes::from(vec![byte]))
        })),
        Flow::Endless => {
            let ledger = ledger.clone();
            let rest = stream::repeat_with(move || {
                ledger.add(vendor, Event::EndlessBytes, PIECE as u64);
                Ok::<_, io::Error>(Bytes::from(vec![b' '; PIECE]))
            });
            Body::from_stream(stream::iter([Ok(bytes)]).chain(rest))
        }
        Flow::Truncated => broken_off(bytes.slice(..length / 2)),
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    if flow == Flow::Truncated {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// A body that gives these bytes and then breaks the connection.
pub(super) fn broken_off(bytes: Bytes) -> Body {
    let pieces = [Ok(bytes), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    // The pause lets the bytes leave before the connection does.
    Body::from_stream(stream::iter(pieces).then(async |piece| {
        if piece.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        piece
    }))
}
