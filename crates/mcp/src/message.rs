//! The JSON-RPC envelope, read strictly: what a message is, and the parts of it that may be acted on.
//!
//! A message that two readers could take for different ones is refused; unknown members pass unchanged.

mod fault;

use std::borrow::Cow;

use toolgate_json::{Document, Kind, Span, Value};

use crate::names;
use crate::params::Params;

pub use self::fault::{MessageError, MessageFault, Place};

/// The longest id that is carried, in bytes of its JSON text.
pub const MAX_ID_BYTES: usize = 256;

/// One message, or an array of messages.
#[derive(Clone, Debug)]
pub enum Message<'d> {
    /// Expects an answer.
    Request(Request<'d>),
    /// Expects none.
    Notification(Notification<'d>),
    /// Answers a request.
    Response(Response<'d>),
    /// An array, not looked into: [`crate::batch::split`] does, where the revision has batches at all.
    Batch(Value<'d>),
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request<'d> {
    /// What the answer repeats.
    pub id: Id<'d>,
    /// What is asked for; any name.
    pub method: Text<'d>,
    /// The parameters, an object.
    pub params: Option<Params<'d>>,
}

/// A notification.
#[derive(Clone, Debug)]
pub struct Notification<'d> {
    /// What is told; any name.
    pub method: Text<'d>,
    /// The parameters, an object.
    pub params: Option<Params<'d>>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Response<'d> {
    /// The request's id; only an error about an unreadable request has none.
    pub id: Option<Id<'d>>,
    /// Result or error.
    pub outcome: Outcome<'d>,
}

/// What a response says.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'d> {
    /// The result.
    Result(Value<'d>),
    /// An error.
    Error(ErrorObject<'d>),
}

/// The `error` member of a response.
#[derive(Clone, Copy, Debug)]
pub struct ErrorObject<'d> {
    /// The whole object.
    pub object: Value<'d>,
    /// The code.
    pub code: i64,
    /// The text, a string.
    pub message: Value<'d>,
    /// More, of any type.
    pub data: Option<Value<'d>>,
}

/// A string of a message, decoded, with the place that it stands in.
#[derive(Clone, Debug)]
pub struct Text<'d> {
    value: Value<'d>,
    text: Cow<'d, str>,
}

impl<'d> Text<'d> {
    /// The string that `value` is; none for any other type.
    #[must_use]
    pub fn of(value: Value<'d>) -> Option<Self> {
        value.as_str().map(|text| Self { value, text })
    }

    /// The content, escapes decoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The content, borrowed from the document where it holds no escape.
    #[must_use]
    pub fn into_cow(self) -> Cow<'d, str> {
        self.text
    }

    /// The string's own bytes, quotes included.
    #[must_use]
    pub fn raw(&self) -> &'d str {
        self.value.raw()
    }

    /// Where the string stands, quotes included.
    #[must_use]
    pub fn span(&self) -> Span {
        self.value.span()
    }
}

/// An id, or a progress token: a string, or an integer of digits alone. Two are equal when their kind and
/// content are: `"1"` is not `1`, and an escape changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct Id<'d>(Value<'d>);

impl<'d> Id<'d> {
    /// The id that `value` is; none for `null`, a fraction, an exponent, `-0`, any other type, or more
    /// than [`MAX_ID_BYTES`].
    #[must_use]
    pub fn of(value: Value<'d>) -> Option<Self> {
        let raw = value.raw();
        let fits = match value.kind() {
            Kind::String => true,
            Kind::Number => raw != "-0" && raw.bytes().all(|b| b.is_ascii_digit() || b == b'-'),
            Kind::Null | Kind::Bool | Kind::Array | Kind::Object => false,
        };
        (fits && raw.len() <= MAX_ID_BYTES).then_some(Self(value))
    }

    /// The id's own bytes, as an answer repeats them.
    #[must_use]
    pub fn raw(&self) -> &'d str {
        self.0.raw()
    }

    /// Where the id stands.
    #[must_use]
    pub fn span(&self) -> Span {
        self.0.span()
    }

    /// One spelling for equal ids: a key to find a request by.
    #[must_use]
    pub fn key(&self) -> Cow<'d, str> {
        match self.0.as_str() {
            None | Some(Cow::Borrowed(_)) => Cow::Borrowed(self.raw()),
            Some(Cow::Owned(text)) => {
                let mut out = Vec::with_capacity(text.len() + 2);
                toolgate_json::write_string(&text, &mut out);
                Cow::Owned(String::from_utf8(out).unwrap_or_default())
            }
        }
    }
}

impl PartialEq for Id<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.kind() == other.0.kind() && self.0.equals(&other.0)
    }
}

impl Eq for Id<'_> {}

impl<'d> Message<'d> {
    /// The message that a document is.
    ///
    /// # Errors
    ///
    /// The first rule of the envelope that is broken, with the id where it could be read.
    pub fn read(document: &'d Document<'_>) -> Result<Self, MessageError> {
        let root = document.root();
        if root.kind() == Kind::Array { Ok(Self::Batch(root)) } else { Self::of(root) }
    }

    /// The message that one value is: a whole document or an element of a batch, never an array.
    ///
    /// # Errors
    ///
    /// As [`Message::read`].
    pub fn of(value: Value<'d>) -> Result<Self, MessageError> {
        let envelope = Envelope::read(value).map_err(|fault| MessageError::new(fault, None))?;
        let id = envelope.id.and_then(Id::of);
        envelope.classify(id).map_err(|fault| MessageError::new(fault, id.map(|id| id.raw())))
    }
}

/// The members of a message before they are judged together.
#[derive(Default)]
struct Envelope<'d> {
    jsonrpc: Option<Value<'d>>,
    id: Option<Value<'d>>,
    method: Option<Value<'d>>,
    params: Option<Value<'d>>,
    result: Option<Value<'d>>,
    error: Option<Value<'d>>,
    /// The first fault among the names.
    fault: Option<MessageFault>,
}

impl<'d> Envelope<'d> {
    fn read(value: Value<'d>) -> Result<Self, MessageFault> {
        if value.kind() != Kind::Object {
            return Err(MessageFault::NotAnObject);
        }
        let mut envelope = Self::default();
        for member in value.members() {
            let name = member.name.as_str().unwrap_or_default();
            let slot = match &*name {
                "jsonrpc" => &mut envelope.jsonrpc,
                "id" => &mut envelope.id,
                "method" => &mut envelope.method,
                "params" => &mut envelope.params,
                "result" => &mut envelope.result,
                "error" => &mut envelope.error,
                other => {
                    if let Some(known) = names::ENVELOPE.imitated(other) {
                        envelope
                            .fault
                            .get_or_insert_with(|| MessageFault::imitation(Place::Envelope, other, known));
                    }
                    continue;
                }
            };
            *slot = Some(member.value);
        }
        Ok(envelope)
    }

    fn classify(self, id: Option<Id<'d>>) -> Result<Message<'d>, MessageFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if !self.jsonrpc.is_some_and(|version| version.is_str("2.0")) {
            return Err(MessageFault::Version);
        }
        match (self.method, self.result, self.error) {
            (Some(method), None, None) => {
                let method = Text::of(method).ok_or(MessageFault::MethodType)?;
                let params = self.params.map(Params::read).transpose()?;
                match (self.id, id) {
                    (None, _) => Ok(Message::Notification(Notification { method, params })),
                    (Some(_), Some(id)) => Ok(Message::Request(Request { id, method, params })),
                    (Some(_), None) => Err(MessageFault::Id),
                }
            }
            (None, Some(result), None) => {
                let id = Some(id.ok_or(MessageFault::Id)?);
                Ok(Message::Response(Response { id, outcome: Outcome::Result(result) }))
            }
            (None, None, Some(error)) => {
                if self.id.is_some_and(|given| !given.is_null()) && id.is_none() {
                    return Err(MessageFault::Id);
                }
                let outcome = Outcome::Error(ErrorObject::read(error).ok_or(MessageFault::ErrorObject)?);
                Ok(Message::Response(Response { id, outcome }))
            }
            (None, None, None) => Err(MessageFault::Nothing),
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (None, Some(_), Some(_)) => {
                Err(MessageFault::Ambiguous)
            }
        }
    }
}

impl<'d> ErrorObject<'d> {
    fn read(object: Value<'d>) -> Option<Self> {
        let code = object.get("code")?.as_i64()?;
        let message = object.get("message").filter(|message| message.kind() == Kind::String)?;
        Some(Self { object, code, message, data: object.get("data") })
    }
}

#[cfg(test)]
mod tests;
