//! What can go wrong between the gateway and a server, and what the client is told of it.

use thiserror::Error;
use toolgate_mcp::error::Code;
use toolgate_mcp::revision::Era;
use toolgate_mcp::stdio::fault::SendError as ChildError;

use super::pool::SendError;

/// A message that got no good answer. Texts are for the client: they name no credential and no URL path.
#[derive(Clone, Debug, Error)]
pub(crate) enum UpstreamError {
    /// Not one byte was written.
    #[error("the server cannot be reached: {0}")]
    Unreached(String),
    /// It may have been acted on.
    #[error("the connection to the server broke before its answer was complete: {0}")]
    Broken(String),
    /// Nothing came for as long as `timeout` allows.
    #[error("the server sent nothing for {0} seconds")]
    Silent(u64),
    /// The call took longer than `max_duration` allows.
    #[error("the call took longer than {0} seconds")]
    TooSlow(u64),
    /// The server no longer knows the session.
    #[error("the server has ended the session; initialize again")]
    SessionGone,
    /// The answer goes beyond the `result` limit.
    #[error("the server's answer is longer than {0} bytes")]
    TooLarge(usize),
    /// The server refused the gateway's credentials.
    #[error("the server refused the credentials that the gateway has for it (HTTP status {0})")]
    Refused(u16),
    /// A status that means nothing here.
    #[error("the server answered with HTTP status {0}")]
    Status(u16),
    /// Not the protocol.
    #[error("the server's answer is not a valid message: {0}")]
    Protocol(String),
    /// It asks of the client what the policy keeps from servers.
    #[error("the server asks for `{0}`, which the policy does not let servers ask of the client")]
    Asks(String),
    /// It speaks only this era.
    #[error("the server speaks only the {} era of the protocol", era_words(*.0))]
    OtherEra(Era),
}

/// An era in words that name its revisions.
#[must_use]
pub(crate) fn era_words(era: Era) -> &'static str {
    match era {
        Era::Legacy => "legacy (revisions up to 2025-11-25, with `initialize`)",
        Era::Modern => "modern (2026-07-28, without a handshake)",
    }
}

impl UpstreamError {
    /// Whether the server cannot have acted on the message.
    #[must_use]
    pub(crate) fn is_unreached(&self) -> bool {
        match self {
            Self::Unreached(_) | Self::OtherEra(_) => true,
            Self::Broken(_)
            | Self::Silent(_)
            | Self::TooSlow(_)
            | Self::SessionGone
            | Self::TooLarge(_)
            | Self::Refused(_)
            | Self::Status(_)
            | Self::Protocol(_)
            | Self::Asks(_) => false,
        }
    }

    /// The code of the JSON-RPC error that a client of that era gets.
    #[must_use]
    pub(crate) fn code(&self, era: Era) -> Code {
        match self {
            Self::Unreached(_) => Code::UpstreamUnavailable,
            Self::Asks(_) => Code::PolicyDenied,
            Self::Silent(_) | Self::TooSlow(_) => Code::UpstreamTimeout,
            Self::OtherEra(_) if era == Era::Modern => Code::UnsupportedVersion,
            Self::OtherEra(_) => Code::InvalidParams,
            Self::Broken(_)
            | Self::SessionGone
            | Self::TooLarge(_)
            | Self::Refused(_)
            | Self::Status(_)
            | Self::Protocol(_) => Code::UpstreamBroken,
        }
    }
}

impl From<SendError> for UpstreamError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NotWritten(why) => Self::Unreached(why),
            SendError::Broken(why) => Self::Broken(why),
        }
    }
}

impl From<ChildError> for UpstreamError {
    fn from(error: ChildError) -> Self {
        match error {
            ChildError::NotWritten(fault) => Self::Unreached(fault.to_string()),
            ChildError::Broken(fault) => Self::Broken(fault.to_string()),
        }
    }
}
