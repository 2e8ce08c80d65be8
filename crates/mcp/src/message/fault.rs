//! Why a message was refused, in words for its sender.

use std::fmt;

use thiserror::Error;
use toolgate_json::{ReadError, ReadErrorKind};

use crate::error::{Code, error_body};

/// A refused message: the rule it breaks, and its id if that could be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{fault}")]
pub struct MessageError {
    fault: MessageFault,
    id: Option<String>,
}

impl MessageError {
    pub(crate) fn new(fault: MessageFault, id: Option<&str>) -> Self {
        Self { fault, id: id.map(str::to_owned) }
    }

    /// The rule that is broken.
    #[must_use]
    pub fn fault(&self) -> &MessageFault {
        &self.fault
    }

    /// The raw text of the message's id, if it could be read.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The code of the error answer.
    #[must_use]
    pub fn code(&self) -> Code {
        self.fault.code()
    }

    /// The error answer.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        error_body(self.id(), self.code(), &self.to_string(), None)
    }
}

impl From<ReadError> for MessageError {
    fn from(error: ReadError) -> Self {
        Self::new(MessageFault::Unreadable(error), None)
    }
}

/// A part of a message whose member names mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The message itself.
    Envelope,
    /// `params`
    Params,
    /// `params._meta`
    Meta,
    /// `params.ref`
    Reference,
    /// `params.notifications`
    Filter,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Envelope => "the message",
            Self::Params => "`params`",
            Self::Meta => "`params._meta`",
            Self::Reference => "`params.ref`",
            Self::Filter => "`params.notifications`",
        })
    }
}

/// The rules of a message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MessageFault {
    /// The bytes are not strict JSON, or beyond a limit.
    #[error("unreadable message: {0}")]
    Unreadable(ReadError),
    /// Neither an object nor, where batches exist, an array.
    #[error("a message is a JSON object")]
    NotAnObject,
    /// `jsonrpc` is missing or not `"2.0"`.
    #[error("`jsonrpc` must be \"2.0\"")]
    Version,
    /// `id` is not a string or integer, or is too long.
    #[error("`id` must be a string or an integer of at most 256 bytes")]
    Id,
    /// `method` is not a string.
    #[error("`method` must be a string")]
    MethodType,
    /// Neither `method` nor `result` nor `error`.
    #[error("a message needs one of `method`, `result` and `error`")]
    Nothing,
    /// More than one of `method`, `result` and `error`.
    #[error("a message has only one of `method`, `result` and `error`")]
    Ambiguous,
    /// `error` without an integer `code` and a string `message`.
    #[error("`error` needs an integer `code` and a string `message`")]
    ErrorObject,
    /// A member that a lax reader would take for one of the protocol's.
    #[error("{place} has a member `{found}` that imitates `{known}`; write `{known}` or another name")]
    Imitation {
        /// Where.
        place: Place,
        /// The name that was found, escaped for printing, cut after 64 characters.
        found: String,
        /// The name that it imitates.
        known: &'static str,
    },
    /// A member of `params` or `_meta` of the wrong type, or one that the method needs and that is missing.
    #[error("`{path}` must be {expected}")]
    Member {
        /// The member, as a dotted path.
        path: &'static str,
        /// What it must be, with its article.
        expected: &'static str,
    },
    /// An array of messages where the revision has none.
    #[error("an array of messages is not accepted; send one message at a time")]
    NoBatches,
    /// An array with no message in it.
    #[error("a batch needs at least one message")]
    EmptyBatch,
    /// An array with too many messages.
    #[error("a batch holds at most {0} messages")]
    LongBatch(usize),
    /// A handshake within an array.
    #[error("`initialize` must not be part of a batch")]
    InitializeInBatch,
}

impl MessageFault {
    pub(crate) fn imitation(place: Place, found: &str, known: &'static str) -> Self {
        let found = found.chars().take(64).flat_map(char::escape_debug).collect();
        Self::Imitation { place, found, known }
    }

    /// The code of the error answer.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unreadable(error) => read_error_code(error.kind),
            Self::Member { .. } => Code::InvalidParams,
            Self::NotAnObject
            | Self::Version
            | Self::Id
            | Self::MethodType
            | Self::Nothing
            | Self::Ambiguous
            | Self::ErrorObject
            | Self::Imitation { .. }
            | Self::NoBatches
            | Self::EmptyBatch
            | Self::LongBatch(_)
            | Self::InitializeInBatch => Code::InvalidRequest,
        }
    }
}

/// JSON that is read by others but not here is an invalid request; anything else does not parse.
fn read_error_code(kind: ReadErrorKind) -> Code {
    match kind {
        ReadErrorKind::RepeatedName
        | ReadErrorKind::NumberRange
        | ReadErrorKind::TooDeep
        | ReadErrorKind::TooManyValues
        | ReadErrorKind::TooLong => Code::InvalidRequest,
        ReadErrorKind::InvalidUtf8
        | ReadErrorKind::ByteOrderMark
        | ReadErrorKind::UnexpectedEnd
        | ReadErrorKind::UnexpectedByte
        | ReadErrorKind::TrailingText
        | ReadErrorKind::InvalidEscape
        | ReadErrorKind::LoneSurrogate
        | ReadErrorKind::ControlCharacter
        | ReadErrorKind::InvalidNumber => Code::ParseError,
    }
}
