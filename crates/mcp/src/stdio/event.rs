//! What a server says unasked.

use bytes::Bytes;

/// A message that belongs to no request in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request of a legacy server: `ping`, sampling, elicitation, roots. It wants an answer through
    /// [`StdioChild::respond`](crate::stdio::StdioChild::respond). When nobody takes events in time the
    /// server gets the error -32603 instead.
    ServerRequest {
        /// The server's id in its own spelling.
        id_raw: Bytes,
        /// The method.
        method: String,
        /// The whole message on one line.
        body: Bytes,
    },
    /// A notification: `list_changed`, a log message and the like. Those that are not taken in time are
    /// dropped and counted.
    Notification {
        /// The method.
        method: String,
        /// The whole message on one line.
        body: Bytes,
    },
}
