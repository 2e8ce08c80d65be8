//! How a server ends, and why a message to it fails: told apart by whether any byte reached it.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use thiserror::Error;
use toolgate_json::ReadError;

/// How a server's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It returned this status.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// The operating system did not say.
    Unknown,
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, Some(signal)) => Exit::Signal(signal),
            (None, None) => Exit::Unknown,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "status {code}"),
            Exit::Signal(signal) => write!(f, "signal {signal}"),
            Exit::Unknown => f.write_str("an unknown status"),
        }
    }
}

/// What went wrong between the gateway and a server's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// More messages or bytes wait for the server than it may have waiting.
    #[error("the server does not read fast enough: its input queue is full")]
    QueueFull,
    /// The gateway is ending the server.
    #[error("the server is being stopped")]
    Closing,
    /// The server closed its standard input.
    #[error("the server closed its input")]
    InputClosed,
    /// The server's process ended.
    #[error("the server ended with {0}")]
    Exited(Exit),
    /// The answer is a longer line than allowed.
    #[error("the answer has {length} bytes, the limit is {limit}")]
    AnswerTooLong {
        /// Bytes of the answer.
        length: u64,
        /// Bytes that a line may have.
        limit: usize,
    },
    /// The answer is not strict JSON.
    #[error("the answer cannot be read: {0}")]
    AnswerUnreadable(ReadError),
    /// The answer is JSON, but no JSON-RPC 2.0 response.
    #[error("the answer is no JSON-RPC 2.0 response")]
    AnswerInvalid,
    /// Notifications of a subscription were not taken in time; none was dropped in silence.
    #[error("too many notifications wait to be taken")]
    Overflow,
    /// The gateway has cancelled the request.
    #[error("the request was cancelled")]
    Cancelled,
    /// The server has cancelled the request.
    #[error("the server gave the request up")]
    GivenUp,
    /// A span given with a message does not lie within it.
    #[error("a span of the message lies outside it")]
    BadSpan,
    /// Servers of 2026-07-28 and later send no requests and take no responses.
    #[error("the server takes no responses in its protocol revision")]
    NoResponses,
}

/// Why a message failed. The two cases differ in what may be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// Not one byte of the message was written: the server cannot have acted on it.
    #[error("not sent: {0}")]
    NotWritten(Fault),
    /// Some or all of the message was written, or may have been: the server may have acted on it.
    #[error("sent, but without an answer: {0}")]
    Broken(Fault),
}

impl SendError {
    /// What went wrong, whatever was written.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            SendError::NotWritten(fault) | SendError::Broken(fault) => *fault,
        }
    }
}
