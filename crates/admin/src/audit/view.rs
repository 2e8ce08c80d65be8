//! Events as the API shows them.

use serde::Serialize;
use serde_json::value::RawValue;
use toolgate_index::{Detail, Event};
use utoipa::ToSchema;

use crate::moment;

/// A judged call with what became of it, or another record of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventView {
    /// Its number in the journal.
    seq: u64,
    /// When it happened.
    ts: String,
    /// Kind of the record, such as `decision`.
    kind: String,
    /// The gateway process.
    node: String,
    /// The request, as `X-Request-Id` named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// Name or address of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// The grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
    /// The server.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    /// The method.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// The tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
    /// `allow`, `deny`, `shadow_deny` or `pending`.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<String>,
    /// What became of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    /// The rule that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// The policy that judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// Microseconds inside the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_us: Option<u64>,
    /// Microseconds at the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_us: Option<u64>,
    /// Requests that the record stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self {
            seq: event.seq,
            ts: moment::show(event.ts),
            kind: event.kind,
            node: event.node,
            request_id: event.request_id,
            client: event.client,
            grant: event.grant,
            server: event.server,
            method: event.method,
            tool: event.tool,
            decision: event.decision,
            outcome: event.outcome,
            rule: event.rule,
            policy: event.policy,
            gateway_us: event.gateway_us,
            upstream_us: event.upstream_us,
            count: event.count,
            detail: event.detail,
        }
    }
}

/// An event with its records.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DetailView {
    /// The event.
    event: EventView,
    /// Its record as it stands in the journal; absent if retention removed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    record: Option<Box<RawValue>>,
    /// The record of its outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    outcome_record: Option<Box<RawValue>>,
}

impl From<Detail> for DetailView {
    fn from(detail: Detail) -> Self {
        let raw = |bytes: Option<Vec<u8>>| {
            bytes.and_then(|bytes| {
                RawValue::from_string(String::from_utf8(bytes).ok()?.trim().to_owned()).ok()
            })
        };
        Self {
            event: detail.event.into(),
            record: raw(detail.record),
            outcome_record: raw(detail.outcome_record),
        }
    }
}
