//! `params._meta`: what a request says about itself.

use toolgate_json::{Kind, Value};

use crate::message::{Id, MessageFault, Place, Text};
use crate::names;

/// The key of the protocol version in a modern request.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The key of the client's capabilities in a modern request.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// The key of the client's name and version in a modern request.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// The key of the wished level of log messages in a modern request.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// The key of the subscription that a modern notification belongs to.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// The key of the task that a message of 2025-11-25 belongs to.
pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";
/// The key of the token under which progress is reported.
pub const PROGRESS_TOKEN: &str = "progressToken";
/// The key of the W3C trace context's parent.
pub const TRACEPARENT: &str = "traceparent";
/// The key of the W3C trace context's state.
pub const TRACESTATE: &str = "tracestate";
/// The key of the W3C baggage.
pub const BAGGAGE: &str = "baggage";

/// The `_meta` object: no member imitates a known one, and the known ones have the right types.
#[derive(Clone, Copy, Debug)]
pub struct Meta<'d> {
    object: Value<'d>,
}

/// What every modern request carries.
#[derive(Clone, Debug)]
pub struct ModernMeta<'d> {
    /// The protocol version, of any spelling.
    pub protocol_version: Text<'d>,
    /// What the client can do, an object.
    pub client_capabilities: Value<'d>,
}

impl<'d> Meta<'d> {
    /// Reads a `_meta` member.
    ///
    /// # Errors
    ///
    /// It is not an object, has a member that imitates a known one, or a known one of the wrong type.
    pub fn read(object: Value<'d>) -> Result<Self, MessageFault> {
        if object.kind() != Kind::Object {
            return Err(MessageFault::Member { path: "params._meta", expected: "an object" });
        }
        for member in object.members() {
            check(&member.name.as_str().unwrap_or_default(), member.value)?;
        }
        Ok(Self { object })
    }

    /// The whole object, unknown members included.
    #[must_use]
    pub fn object(&self) -> Value<'d> {
        self.object
    }

    /// The modern protocol version, of any spelling.
    #[must_use]
    pub fn protocol_version(&self) -> Option<Text<'d>> {
        self.text(PROTOCOL_VERSION)
    }

    /// What the client of a modern request can do, an object.
    #[must_use]
    pub fn client_capabilities(&self) -> Option<Value<'d>> {
        self.object.get(CLIENT_CAPABILITIES)
    }

    /// Name and version of the client, an object; self-declared, so never a ground for a decision.
    #[must_use]
    pub fn client_info(&self) -> Option<Value<'d>> {
        self.object.get(CLIENT_INFO)
    }

    /// The lowest level of log messages wanted for this request, of any spelling.
    #[must_use]
    pub fn log_level(&self) -> Option<Text<'d>> {
        self.text(LOG_LEVEL)
    }

    /// The token under which progress is reported.
    #[must_use]
    pub fn progress_token(&self) -> Option<Id<'d>> {
        self.object.get(PROGRESS_TOKEN).and_then(Id::of)
    }

    /// The id of the `subscriptions/listen` request that a notification belongs to.
    #[must_use]
    pub fn subscription_id(&self) -> Option<Id<'d>> {
        self.object.get(SUBSCRIPTION_ID).and_then(Id::of)
    }

    /// The task that a message of 2025-11-25 belongs to, an object.
    #[must_use]
    pub fn related_task(&self) -> Option<Value<'d>> {
        self.object.get(RELATED_TASK)
    }

    /// W3C trace context, unchecked.
    #[must_use]
    pub fn traceparent(&self) -> Option<Text<'d>> {
        self.text(TRACEPARENT)
    }

    /// W3C trace context, unchecked.
    #[must_use]
    pub fn tracestate(&self) -> Option<Text<'d>> {
        self.text(TRACESTATE)
    }

    /// W3C baggage, unchecked.
    #[must_use]
    pub fn baggage(&self) -> Option<Text<'d>> {
        self.text(BAGGAGE)
    }

    fn text(&self, name: &str) -> Option<Text<'d>> {
        self.object.get(name).and_then(Text::of)
    }

    /// The members that a modern request must have (2026-07-28, basic, request metadata).
    ///
    /// # Errors
    ///
    /// The first that is missing.
    pub fn modern(&self) -> Result<ModernMeta<'d>, MessageFault> {
        let missing = |path, expected| MessageFault::Member { path, expected };
        let protocol_version = self.protocol_version();
        let client_capabilities = self.client_capabilities();
        Ok(ModernMeta {
            protocol_version: protocol_version
                .ok_or(missing(PROTOCOL_VERSION, "in `params._meta`, a string"))?,
            client_capabilities: client_capabilities
                .ok_or(missing(CLIENT_CAPABILITIES, "in `params._meta`, an object"))?,
        })
    }
}

fn check(name: &str, value: Value<'_>) -> Result<(), MessageFault> {
    match name {
        PROTOCOL_VERSION => expect(PROTOCOL_VERSION, "a string", value.kind() == Kind::String),
        LOG_LEVEL => expect(LOG_LEVEL, "a string", value.kind() == Kind::String),
        TRACEPARENT => expect(TRACEPARENT, "a string", value.kind() == Kind::String),
        TRACESTATE => expect(TRACESTATE, "a string", value.kind() == Kind::String),
        BAGGAGE => expect(BAGGAGE, "a string", value.kind() == Kind::String),
        CLIENT_CAPABILITIES => expect(CLIENT_CAPABILITIES, "an object", value.kind() == Kind::Object),
        CLIENT_INFO => expect(CLIENT_INFO, "an object", value.kind() == Kind::Object),
        RELATED_TASK => expect(RELATED_TASK, "an object", value.kind() == Kind::Object),
        PROGRESS_TOKEN => expect(PROGRESS_TOKEN, "a string or an integer", Id::of(value).is_some()),
        SUBSCRIPTION_ID => expect(SUBSCRIPTION_ID, "a string or an integer", Id::of(value).is_some()),
        other => match names::META.imitated(other) {
            Some(known) => Err(MessageFault::imitation(Place::Meta, other, known)),
            None => Ok(()),
        },
    }
}

fn expect(path: &'static str, expected: &'static str, holds: bool) -> Result<(), MessageFault> {
    if holds { Ok(()) } else { Err(MessageFault::Member { path, expected }) }
}
