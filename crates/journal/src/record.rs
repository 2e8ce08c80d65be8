//! One record of the journal as the gateway states it, and its spelling as members of a JSON line.
//! The sequence number, the chain and the end of the line are the business of [`crate::chain`].

pub(crate) mod text;
pub(crate) mod time;

use serde_json::value::RawValue;

use text::{push_json, push_number, push_string};
use time::push_timestamp;

/// What a record tells of. The journal itself writes `start`, `stop`, `checkpoint` and `prune`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Kind {
    /// A judged call: exactly one for each, written before the call is forwarded.
    #[default]
    Decision,
    /// What became of a call that was let through.
    Outcome,
    /// Requests refused before a decision (401, 403, malformed), counted per client and second.
    Refused,
    /// Config or policy files were read again, or could not be.
    Reload,
    /// A person was asked, or answered.
    Approval,
    /// A grant was minted, rotated or revoked.
    Grant,
    /// A server was added, changed or removed.
    Server,
    /// A policy was added, changed or removed.
    Policy,
    /// The kill switch was turned.
    Switch,
    /// A tool's definition was pinned, or differs from its pin.
    Definition,
    /// A user or a token of the admin API was made, changed or removed; somebody signed in or out.
    People,
}

impl Kind {
    /// The value of the member `kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Decision => "decision",
            Kind::Outcome => "outcome",
            Kind::Refused => "refused",
            Kind::Reload => "reload",
            Kind::Approval => "approval",
            Kind::Grant => "grant",
            Kind::Server => "server",
            Kind::Policy => "policy",
            Kind::Switch => "switch",
            Kind::Definition => "definition",
            Kind::People => "people",
        }
    }
}

/// The member `outcome`: the first four belong to decisions and approvals, the others to outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The call may go on.
    Allow,
    /// The call was refused.
    Deny,
    /// The call may go on, though a rule in shadow would have refused it.
    ShadowDeny,
    /// A person is asked.
    Pending,
    /// The server answered.
    Ok,
    /// The server answered that the tool failed.
    ToolError,
    /// The call failed on its way, or the server answered with a protocol error.
    Error,
    /// The client cancelled the call.
    Cancelled,
    /// The call was never sent.
    Unreached,
}

impl Outcome {
    /// The value of the member `outcome`.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Allow => "allow",
            Outcome::Deny => "deny",
            Outcome::ShadowDeny => "shadow_deny",
            Outcome::Pending => "pending",
            Outcome::Ok => "ok",
            Outcome::ToolError => "tool_error",
            Outcome::Error => "error",
            Outcome::Cancelled => "cancelled",
            Outcome::Unreached => "unreached",
        }
    }
}

/// What a call took from one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit<'a> {
    /// Name of the counter.
    pub counter: &'a str,
    /// Exact decimal, as it is to be read back; written as a JSON string.
    pub amount: &'a str,
    /// What counts together: `grant`, `session`, `server` or `policy`.
    pub scope: &'a str,
}

/// Time a call took, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Spent inside the gateway.
    pub gateway: u64,
    /// Spent waiting for the server; absent where it was not asked.
    pub upstream: Option<u64>,
}

/// A record to append, borrowed from whoever states it. What is `None` or empty is left out of the line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Record<'a> {
    /// Wall time in microseconds since 1970; the order of the journal does not depend on it.
    pub ts: i64,
    /// What the record tells of.
    pub kind: Kind,
    /// Names the request in answers and logs.
    pub request_id: Option<&'a str>,
    /// Opaque name of the session.
    pub session: Option<&'a str>,
    /// Name that the client gave of itself, or its address.
    pub client: Option<&'a str>,
    /// Name of the grant.
    pub grant: Option<&'a str>,
    /// Name of the server.
    pub server: Option<&'a str>,
    /// Method of the request, such as `tools/call`.
    pub method: Option<&'a str>,
    /// Target of `tools/call`.
    pub tool: Option<&'a str>,
    /// Target of `resources/read` and its like.
    pub resource: Option<&'a str>,
    /// Target of `prompts/get`.
    pub prompt: Option<&'a str>,
    /// What was decided, or what became of the call.
    pub outcome: Option<Outcome>,
    /// Rule that decided.
    pub rule: Option<&'a str>,
    /// Text of a denial, as the client got it.
    pub message: Option<&'a str>,
    /// When a denied call may be tried again, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// Rules in shadow that would have denied.
    pub shadow: &'a [&'a str],
    /// Name of the policy that judged.
    pub policy: Option<&'a str>,
    /// First 16 hex digits of the SHA-256 of the canonical policy document.
    pub policy_version: Option<&'a str>,
    /// Hash of the tool's definition at the time of the call.
    pub definition_hash: Option<&'a str>,
    /// Sorted names of the arguments; `Some` of nothing says that the call had none.
    pub argument_names: Option<&'a [&'a str]>,
    /// Keyed hash of the canonical arguments.
    pub arguments_hmac: Option<&'a str>,
    /// The arguments themselves, only where the policy records them. Compacted to one line.
    pub arguments: Option<&'a RawValue>,
    /// What the call took from counters.
    pub limits: &'a [Limit<'a>],
    /// Of an outcome: whether the quota reservation was given back.
    pub released: Option<bool>,
    /// Requests that this record stands for.
    pub count: Option<u64>,
    /// Who made a change: a user, an admin token, a command.
    pub by: Option<&'a str>,
    /// Free text.
    pub detail: Option<&'a str>,
    /// Time that the call took.
    pub latency: Option<Latency>,
}

impl Record<'_> {
    /// Appends the members of this record, from `,"ts"` on, without the sequence number and the chain.
    pub(crate) fn push_members(&self, node: &str, line: &mut Vec<u8>) {
        push_opening(line, self.ts, node, self.kind.as_str());
        self.push_request(line);
        self.push_judgement(line);
        self.push_arguments(line);
        self.push_effect(line);
    }

    /// The record as a JSON object, as it stands in the journal but for sequence number and chain.
    #[must_use]
    pub fn to_json(&self, node: &str) -> String {
        let mut object = Vec::with_capacity(512);
        self.push_members(node, &mut object);
        if let Some(first) = object.first_mut() {
            *first = b'{';
        }
        object.push(b'}');
        String::from_utf8(object).unwrap_or_default()
    }

    fn push_request(&self, line: &mut Vec<u8>) {
        push_text(line, b"request_id", self.request_id);
        push_text(line, b"session", self.session);
        push_text(line, b"client", self.client);
        push_text(line, b"grant", self.grant);
        push_text(line, b"server", self.server);
        push_text(line, b"method", self.method);
        push_text(line, b"tool", self.tool);
        push_text(line, b"resource", self.resource);
        push_text(line, b"prompt", self.prompt);
    }

    fn push_judgement(&self, line: &mut Vec<u8>) {
        push_text(line, b"outcome", self.outcome.map(Outcome::as_str));
        push_text(line, b"rule", self.rule);
        push_text(line, b"message", self.message);
        push_count(line, b"retry_after_ms", self.retry_after_ms);
        if !self.shadow.is_empty() {
            push_name(line, b"shadow");
            push_list(line, self.shadow, |line, rule| push_string(line, rule));
        }
        push_text(line, b"policy", self.policy);
        push_text(line, b"policy_version", self.policy_version);
        push_text(line, b"definition_hash", self.definition_hash);
    }

    fn push_arguments(&self, line: &mut Vec<u8>) {
        if let Some(names) = self.argument_names {
            push_name(line, b"argument_names");
            push_list(line, names, |line, name| push_string(line, name));
        }
        push_text(line, b"arguments_hmac", self.arguments_hmac);
        if let Some(arguments) = self.arguments {
            push_name(line, b"arguments");
            push_json(line, arguments);
        }
    }

    fn push_effect(&self, line: &mut Vec<u8>) {
        if !self.limits.is_empty() {
            push_name(line, b"limits");
            push_list(line, self.limits, push_limit);
        }
        if let Some(released) = self.released {
            push_name(line, b"released");
            line.extend_from_slice(if released { b"true" } else { b"false" });
        }
        push_count(line, b"count", self.count);
        push_text(line, b"by", self.by);
        push_text(line, b"detail", self.detail);
        if let Some(latency) = self.latency {
            push_name(line, b"latency_us");
            line.extend_from_slice(b"{\"gateway\":");
            push_number(line, latency.gateway);
            push_count(line, b"upstream", latency.upstream);
            line.push(b'}');
        }
    }
}

/// Appends the members that every record begins with.
pub(crate) fn push_opening(line: &mut Vec<u8>, ts: i64, node: &str, kind: &str) {
    line.extend_from_slice(b",\"ts\":\"");
    push_timestamp(line, ts);
    line.extend_from_slice(b"\",\"node\":");
    push_string(line, node);
    push_text(line, b"kind", Some(kind));
}

/// Appends `,"name":"text"`, or nothing.
pub(crate) fn push_text(line: &mut Vec<u8>, name: &[u8], text: Option<&str>) {
    if let Some(text) = text {
        push_name(line, name);
        push_string(line, text);
    }
}

/// Appends `,"name":number`, or nothing.
pub(crate) fn push_count(line: &mut Vec<u8>, name: &[u8], number: Option<u64>) {
    if let Some(number) = number {
        push_name(line, name);
        push_number(line, number);
    }
}

/// Appends `,"name":`. The name is one of this crate's own and needs no escape.
pub(crate) fn push_name(line: &mut Vec<u8>, name: &[u8]) {
    line.extend_from_slice(b",\"");
    line.extend_from_slice(name);
    line.extend_from_slice(b"\":");
}

fn push_list<T>(line: &mut Vec<u8>, items: &[T], push_item: impl Fn(&mut Vec<u8>, &T)) {
    line.push(b'[');
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            line.push(b',');
        }
        push_item(line, item);
    }
    line.push(b']');
}

fn push_limit(line: &mut Vec<u8>, limit: &Limit<'_>) {
    line.extend_from_slice(b"{\"counter\":");
    push_string(line, limit.counter);
    push_text(line, b"amount", Some(limit.amount));
    push_text(line, b"scope", Some(limit.scope));
    line.push(b'}');
}

#[cfg(test)]
mod tests;
