//! Records of the journal turned into events: a decision joined with its outcome is one event, and each
//! other record that tells of something is one of its own. Pure, but for the numbers of names.

use foldhash::HashMap;

use toolgate_journal::RecordView;

use crate::dimension::{Class, Dimension, NameId, fit};
use crate::ledger::Ledger;

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The record that tells it.
    pub(crate) seq: u64,
    pub(crate) outcome: NameId,
    /// It did not come to a good end.
    pub(crate) is_error: bool,
    pub(crate) gateway_us: Option<u64>,
    pub(crate) upstream_us: Option<u64>,
}

/// An event to store.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    /// Its record.
    pub(crate) id: u64,
    pub(crate) ts: i64,
    /// Without the outcome, which is in `ending`.
    pub(crate) class: Class,
    pub(crate) client: NameId,
    pub(crate) request_id: Option<Box<str>>,
    pub(crate) ending: Option<Ending>,
    pub(crate) count: Option<u64>,
    pub(crate) detail: Option<Box<str>>,
    /// It is a judged call.
    pub(crate) is_call: bool,
}

/// An outcome whose decision is not in the batch: it was copied before.
#[derive(Clone, Debug)]
pub(crate) struct Late {
    pub(crate) request_id: Box<str>,
    /// What to store if the decision is not found either: retention removed it.
    pub(crate) orphan: NewEvent,
    pub(crate) ending: Ending,
}

/// Records that are stored together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) late: Vec<Late>,
    /// Calls without an outcome so far, by request.
    open: HashMap<Box<str>, Vec<usize>>,
}

impl Batch {
    /// Takes in the next record.
    pub(crate) fn add(&mut self, record: &RecordView<'_>, ledger: &mut Ledger) {
        match &*record.kind {
            // They tell of the journal itself, and there are many.
            "checkpoint" => {}
            "outcome" => self.add_outcome(record, ledger),
            "decision" => self.add_decision(record, ledger),
            _ => self.events.push(event(record, ledger)),
        }
    }

    fn add_decision(&mut self, record: &RecordView<'_>, ledger: &mut Ledger) {
        let mut event = event(record, ledger);
        event.class.decision = ledger.name(Dimension::Decision, record.outcome.as_deref());
        event.is_call = true;
        let denied = record.outcome.as_deref() == Some("deny");
        if let Some(request) = event.request_id.clone().filter(|_| !denied) {
            self.open.entry(request).or_default().push(self.events.len());
        }
        self.events.push(event);
    }

    fn add_outcome(&mut self, record: &RecordView<'_>, ledger: &mut Ledger) {
        let mut orphan = event(record, ledger);
        let ending = ending(record, ledger);
        let Some(request_id) = orphan.request_id.clone() else {
            orphan.ending = Some(ending);
            return self.events.push(orphan);
        };
        if !self.close(&request_id, &orphan.class, ending) {
            self.late.push(Late { request_id, orphan, ending });
        }
    }

    /// Joins an outcome with its decision, if that is in the batch.
    fn close(&mut self, request: &str, class: &Class, ending: Ending) -> bool {
        let Some(open) = self.open.get_mut(request) else { return false };
        let fits = |at: &usize| self.events.get(*at).is_some_and(|call| is_of_same_call(&call.class, class));
        let matching = open.iter().rposition(fits);
        let Some(position) = matching else { return false };
        let at = open.remove(position);
        if open.is_empty() {
            self.open.remove(request);
        }
        if let Some(call) = self.events.get_mut(at) {
            call.ending = Some(ending);
        }
        true
    }
}

/// Whether an outcome can be that of a decision with the same request. A request may hold several calls of
/// the same target, whose outcomes cannot be told apart: the newest without an outcome is taken, so that it
/// makes no difference which records are copied together.
pub(crate) fn is_of_same_call(decision: &Class, outcome: &Class) -> bool {
    let target = |class: &Class| (class.grant, class.server, class.method, class.tool);
    target(decision) == target(outcome)
}

fn event(record: &RecordView<'_>, ledger: &mut Ledger) -> NewEvent {
    let class = Class {
        kind: ledger.name(Dimension::Kind, Some(&record.kind)),
        node: ledger.name(Dimension::Node, Some(&record.node)),
        grant: ledger.name(Dimension::Grant, record.grant.as_deref()),
        server: ledger.name(Dimension::Server, record.server.as_deref()),
        method: ledger.name(Dimension::Method, record.method.as_deref()),
        tool: ledger.name(Dimension::Tool, record.tool.as_deref()),
        decision: match &*record.kind {
            "decision" | "outcome" => 0,
            _ => ledger.name(Dimension::Decision, record.outcome.as_deref()),
        },
        outcome: 0,
        rule: ledger.name(Dimension::Rule, record.rule.as_deref()),
        policy: ledger.name(Dimension::Policy, record.policy.as_deref()),
    };
    NewEvent {
        id: record.seq,
        ts: record.ts_micros().unwrap_or(0),
        class,
        client: ledger.name(Dimension::Client, record.client.as_deref()),
        request_id: record.request_id.as_deref().map(|id| fit(id).into()),
        ending: None,
        count: record.count,
        detail: record.detail.as_deref().map(|detail| fit(detail).into()),
        is_call: false,
    }
}

fn ending(record: &RecordView<'_>, ledger: &mut Ledger) -> Ending {
    let outcome = record.outcome.as_deref();
    Ending {
        seq: record.seq,
        outcome: ledger.name(Dimension::Outcome, outcome),
        is_error: matches!(outcome, Some("tool_error" | "error" | "unreached")),
        gateway_us: record.latency_us.map(|latency| latency.gateway),
        upstream_us: record.latency_us.and_then(|latency| latency.upstream),
    }
}
