//! What a server answers: one message, or messages as they come.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use toolgate_json::Document;
use toolgate_mcp::message::Message;
use toolgate_mcp::sse::{self, Splitter};
use toolgate_mcp::stdio::StdioChild;
use toolgate_mcp::stdio::exchange::{self, Exchange, Incoming};

use super::pool::Answer;
use super::{Outgoing, Server, UpstreamError};

/// The reply to a request.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The session id that the server gave.
    pub(crate) session: Option<HeaderValue>,
    /// What it said.
    pub(crate) content: Content,
}

/// The content of a reply.
#[derive(Debug)]
pub(crate) enum Content {
    /// One JSON-RPC message, not yet read.
    Whole {
        /// The HTTP status that it came with; 200 from a child.
        status: StatusCode,
        /// The message.
        body: Bytes,
    },
    /// Messages as they come, the response among them.
    Events(Box<Events>),
    /// Accepted without an answer.
    Nothing,
}

/// Messages as they come.
#[derive(Debug)]
pub(crate) struct Events {
    source: Source,
    /// A message that was taken out to see what the reply is.
    first: Option<Item>,
}

#[derive(Debug)]
enum Source {
    Http { body: Box<Answer>, splitter: Splitter, ended: bool },
    Child(Exchange),
}

/// One event of a stream.
#[derive(Debug)]
pub(crate) struct Item {
    /// The event as it goes to the client if nothing is changed.
    pub(crate) raw: Bytes,
    /// The JSON-RPC message in it; none for comments and priming events.
    pub(crate) data: Option<Bytes>,
    /// The parsed event, where it came over HTTP.
    event: Option<sse::Event>,
}

impl Item {
    /// The event with another message in it; name, id and retry time stay.
    #[must_use]
    pub(crate) fn with_data(&self, data: &[u8]) -> Bytes {
        match &self.event {
            Some(event) => Bytes::from(event.with_data(data)),
            None => event_of(data),
        }
    }
}

/// A message as an event.
#[must_use]
pub(crate) fn event_of(data: &[u8]) -> Bytes {
    Bytes::from(sse::write_event(&sse::Fields {
        data: Some(data),
        name: Some(b"message"),
        id: None,
        retry: None,
    }))
}

impl Reply {
    /// Sends a request to a child. An answer that comes first of all is one message; else what comes is
    /// a stream.
    ///
    /// # Errors
    ///
    /// The child did not answer.
    pub(crate) async fn of_child(
        child: &Arc<StdioChild>,
        outgoing: Outgoing,
        server: &Server,
    ) -> Result<Self, UpstreamError> {
        let request = exchange::Outgoing {
            body: outgoing.body,
            id: outgoing.id,
            progress_token: outgoing.progress_token,
            wants_notifications: true,
            on_drop: outgoing.on_drop,
        };
        let mut exchange = child.request(&request)?;
        let patience = server.settings().timeout;
        let first = tokio::time::timeout(patience, exchange.next())
            .await
            .map_err(|_| UpstreamError::Silent(patience.as_secs()))?;
        let content = match first {
            Some(Ok(Incoming::Response(body))) => Content::Whole { status: StatusCode::OK, body },
            Some(Ok(Incoming::Notification(body))) => {
                let first = Some(Item { raw: event_of(&body), data: Some(body), event: None });
                Content::Events(Box::new(Events { source: Source::Child(exchange), first }))
            }
            Some(Err(error)) => return Err(error.into()),
            None => return Err(UpstreamError::Broken("the server ended without an answer".to_owned())),
        };
        Ok(Self { session: None, content })
    }
}

impl Content {
    /// The response itself, whatever came before it.
    ///
    /// # Errors
    ///
    /// The stream broke.
    pub(crate) async fn final_message(self, server: &Server) -> Result<Option<Bytes>, UpstreamError> {
        let mut events = match self {
            Content::Whole { body, .. } => return Ok(Some(body)),
            Content::Nothing => return Ok(None),
            Content::Events(events) => events,
        };
        let patience = server.settings().timeout;
        loop {
            let next = tokio::time::timeout(patience, events.next());
            let Some(item) = next.await.map_err(|_| UpstreamError::Silent(patience.as_secs()))?? else {
                return Ok(None);
            };
            if let Some(data) = item.data
                && Document::read(&data, server.limits())
                    .is_ok_and(|d| matches!(Message::read(&d), Ok(Message::Response(_))))
            {
                return Ok(Some(data));
            }
        }
    }
}

impl Events {
    pub(super) fn of_http(body: Answer, limit: usize) -> Self {
        let source = Source::Http { body: Box::new(body), splitter: Splitter::new(limit), ended: false };
        Self { source, first: None }
    }

    /// The next event; none at the end of the stream. Safe to cancel.
    ///
    /// # Errors
    ///
    /// The stream broke, or an event goes beyond the limit.
    pub(crate) async fn next(&mut self) -> Result<Option<Item>, UpstreamError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        match &mut self.source {
            Source::Http { body, splitter, ended } => next_of_http(body, splitter, ended).await,
            Source::Child(exchange) => next_of_child(exchange).await,
        }
    }
}

async fn next_of_http(
    body: &mut Answer,
    splitter: &mut Splitter,
    ended: &mut bool,
) -> Result<Option<Item>, UpstreamError> {
    loop {
        match splitter.next_event() {
            Ok(Some(event)) => {
                let data = if event.has_data() { event.data.clone() } else { None };
                return Ok(Some(Item { raw: event.raw.clone(), data, event: Some(event) }));
            }
            Ok(None) if *ended => return Ok(None),
            Ok(None) => {}
            Err(error) => return Err(UpstreamError::TooLarge(error.limit)),
        }
        match body.frame().await {
            Some(Ok(frame)) => splitter.push(frame.into_data().unwrap_or_default()),
            Some(Err(error)) => return Err(UpstreamError::Broken(error.to_string())),
            None => {
                *ended = true;
                splitter.end();
            }
        }
    }
}

async fn next_of_child(exchange: &mut Exchange) -> Result<Option<Item>, UpstreamError> {
    match exchange.next().await {
        None => Ok(None),
        Some(Ok(Incoming::Notification(body) | Incoming::Response(body))) => {
            Ok(Some(Item { raw: event_of(&body), data: Some(body), event: None }))
        }
        Some(Err(error)) => Err(error.into()),
    }
}
