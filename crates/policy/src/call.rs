//! What is judged: a call, with all that the policy may ask about it. Nothing here is read from a clock
//! or a connection; the caller brings it.

use std::net::IpAddr;

use toolgate_json::Value;

use crate::schema::Schema;

/// Who calls, where from, and when.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The grant's label, `grant.label`.
    pub grant_label: &'a str,
    /// The grant's tags, `grant.tags`.
    pub grant_tags: &'a [String],
    /// The server's name, `server.name`.
    pub server: &'a str,
    /// The client's address, `client.ip`; absent on a pipe.
    pub client_ip: Option<IpAddr>,
    /// Microseconds since 1970-01-01 UTC, for `time.hour` and `time.weekday`.
    pub wall_micros: i64,
}

/// A `tools/call` before it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The tool's name as the server knows it.
    pub tool: &'a str,
    /// `params.arguments`; absent counts as `{}`.
    pub arguments: Option<Value<'a>>,
    /// What is known of the tool.
    pub definition: Definition<'a>,
    /// Who calls.
    pub context: Context<'a>,
}

/// What the server says about the tool.
#[derive(Clone, Copy, Debug)]
pub enum Definition<'a> {
    /// The server's list does not have it.
    Unknown,
    /// The list has it. Without a schema that could be compiled, its arguments cannot be checked.
    Known {
        /// The tool's input schema.
        schema: Option<&'a Schema>,
    },
    /// No server was asked: neither the tool's existence nor its own schema is judged.
    Unchecked,
}

/// What a server may ask of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerRequest {
    /// `sampling/createMessage`
    Sampling,
    /// `elicitation/create`
    Elicitation,
    /// `roots/list`
    Roots,
}
