//! What the index should hold, found by a plain reading of the journal.

use std::collections::BTreeMap;
use std::path::Path;

use toolgate_index::{Event, Index, Search};
use toolgate_journal::Records;

use crate::fixture::all;

/// All events, newest first.
pub(crate) fn events(directory: &Path) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut records = Records::open(directory, 1).unwrap();
    while let Some(record) = records.next_record().unwrap() {
        let record = record.view().unwrap();
        let text = |text: Option<&toolgate_journal::Text<'_>>| text.map(|text| text.to_string());
        let mut event = Event {
            seq: record.seq,
            ts: record.ts_micros().unwrap(),
            kind: record.kind.to_string(),
            node: record.node.to_string(),
            request_id: text(record.request_id.as_ref()),
            client: text(record.client.as_ref()),
            grant: text(record.grant.as_ref()),
            server: text(record.server.as_ref()),
            method: text(record.method.as_ref()),
            tool: text(record.tool.as_ref()),
            decision: None,
            outcome: None,
            outcome_seq: None,
            rule: text(record.rule.as_ref()),
            policy: text(record.policy.as_ref()),
            gateway_us: None,
            upstream_us: None,
            count: record.count,
            detail: text(record.detail.as_ref()).map(|text| text.chars().take(200).collect()),
        };
        match &*event.kind {
            "checkpoint" => continue,
            "outcome" => {
                let same = |call: &&mut Event| {
                    call.kind == "decision"
                        && call.decision.as_deref() != Some("deny")
                        && call.outcome.is_none()
                        && (&call.request_id, &call.grant, &call.server, &call.method, &call.tool)
                            == (&event.request_id, &event.grant, &event.server, &event.method, &event.tool)
                };
                let found = events.iter_mut().rev().find(same);
                let is_orphan = found.is_none();
                let call = found.unwrap_or(&mut event);
                call.outcome = text(record.outcome.as_ref());
                call.outcome_seq = Some(record.seq);
                call.gateway_us = record.latency_us.map(|latency| latency.gateway);
                call.upstream_us = record.latency_us.and_then(|latency| latency.upstream);
                if !is_orphan {
                    continue;
                }
            }
            _ => event.decision = text(record.outcome.as_ref()),
        }
        events.push(event);
    }
    events.reverse();
    events
}

/// Whether an event is what is searched for.
pub(crate) fn matches(event: &Event, search: &Search) -> bool {
    let is = |asked: &Option<String>, name: &Option<String>| asked.is_none() || asked == name;
    is(&search.kind, &Some(event.kind.clone()))
        && is(&search.node, &Some(event.node.clone()))
        && is(&search.grant, &event.grant)
        && is(&search.server, &event.server)
        && is(&search.method, &event.method)
        && is(&search.tool, &event.tool)
        && is(&search.decision, &event.decision)
        && is(&search.outcome, &event.outcome)
        && is(&search.rule, &event.rule)
        && is(&search.policy, &event.policy)
        && is(&search.request_id, &event.request_id)
        && search.from.is_none_or(|from| event.ts >= from)
        && search.until.is_none_or(|until| event.ts < until)
}

/// Calls, denials and errors by server, tool, grant and decision, without the names that are not asked for.
pub(crate) type Counts = BTreeMap<[Option<String>; 4], [u64; 3]>;

/// What calls come to, by what `key` makes of each.
pub(crate) fn counts(events: &[Event], key: impl Fn(&Event) -> [Option<String>; 4]) -> Counts {
    let mut counts = Counts::new();
    for event in events.iter().filter(|event| event.kind == "decision") {
        let sum = counts.entry(key(event)).or_default();
        sum[0] += 1;
        sum[1] += u64::from(event.decision.as_deref() == Some("deny"));
        sum[2] += u64::from(matches!(event.outcome.as_deref(), Some("tool_error" | "error" | "unreached")));
    }
    counts
}

/// Compares the whole index with the journal: every event, and the sums.
pub(crate) async fn assert_same(index: &Index, directory: &Path) {
    let expected = events(directory);
    let found = all(index, &Search::default(), 500).await;
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
    crate::sums::assert_same_sums(index, &expected).await;
}
