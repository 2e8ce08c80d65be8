//! The one place that decides: policy, then limits, then the decision's record. Nothing decides after it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use toolgate_journal::{AppendError, Kind, Limit as LimitRecord, Outcome as Recorded, Record, Urgency};
use toolgate_json::{Value, write_canonical};
use toolgate_policy::{Decision, Demand, Denial, Limit, Outcome, limit_denial_text};
use toolgate_quota::{Amount, Demand as Claim, Mode, Now, Refusal as Refused, Reservation, SessionRef};

use crate::gateway::Gateway;
use crate::grant::{Binding, Grant};
use crate::metrics::UNLISTED;
use crate::session::Session;
use crate::ticket::{Target, Ticket};

/// A session in the stateless revision is the grant itself.
const STATELESS: &str = "stateless";

/// A request that is to be judged.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    /// The id of the request.
    pub(crate) request_id: &'a Arc<str>,
    /// The grant.
    pub(crate) grant: &'a Arc<Grant>,
    /// Server and policy.
    pub(crate) binding: &'a Arc<Binding>,
    /// The session, in the legacy era.
    pub(crate) session: Option<&'a Arc<Session>>,
    /// The client's address.
    pub(crate) client: IpAddr,
    /// The method.
    pub(crate) method: &'static str,
    /// What it is about.
    pub(crate) target: Target,
    /// The arguments.
    pub(crate) arguments: Option<Value<'a>>,
    /// The hash of the tool's definition.
    pub(crate) definition_hash: Option<&'a str>,
    /// Whether the target's name may become a label of the figures.
    pub(crate) listed: bool,
    /// Monotonic nanoseconds at which the request arrived.
    pub(crate) started: u64,
    /// When it is judged.
    pub(crate) now: Now,
}

/// A request that was denied.
#[derive(Debug)]
pub(crate) struct Denied {
    /// The rule, for the journal and, through the policy's outward form, the client.
    pub(crate) rule: String,
    /// The text for the agent.
    pub(crate) message: String,
    /// How long to wait, where that helps.
    pub(crate) retry_after: Option<Duration>,
    /// Whether a limit refused.
    pub(crate) by_limit: bool,
}

/// What comes of judging.
#[derive(Debug)]
pub(crate) enum Judgement {
    /// It may be sent on.
    Passed(Box<Ticket>),
    /// It is denied; the record is written.
    Denied(Denied),
    /// The decision cannot be recorded, so there is none.
    Unrecorded(AppendError),
}

impl Denied {
    fn of(denial: &Denial<'_>, outward: &str) -> Self {
        Self {
            rule: outward.to_owned(),
            message: denial.message.clone().into_owned(),
            retry_after: None,
            by_limit: false,
        }
    }

    /// A denial by the gateway itself, under a code in brackets.
    #[must_use]
    pub(crate) fn by_gateway(code: &str, message: impl Into<String>) -> Self {
        Self { rule: code.to_owned(), message: message.into(), retry_after: None, by_limit: false }
    }
}

/// The claims of a call on its counters, each with the demand that it comes from.
struct Claims<'c, 'd> {
    claims: Vec<Claim<'c>>,
    demands: &'c [Demand<'d>],
}

impl Gateway {
    /// Judges a case by the policy's decision: reserves, records, and gives out the ticket or the denial.
    pub(crate) fn judge(self: &Arc<Self>, case: &Case<'_>, decision: &Decision<'_>) -> Judgement {
        let shadowed: Vec<Cow<'_, str>> = decision.shadowed.iter().map(|d| d.rule.clone()).collect();
        match &decision.outcome {
            Outcome::Deny(denial) => {
                let denied = Denied::of(denial, case.binding.plan.outward_rule(denial));
                self.deny(case, denied, &denial.rule, &shadowed)
            }
            Outcome::Allow { demands } => self.reserve(case, demands, shadowed),
        }
    }

    /// Records a denial that the gateway itself has to make.
    pub(crate) fn deny_by_gateway(self: &Arc<Self>, case: &Case<'_>, denied: Denied) -> Judgement {
        let rule = denied.rule.clone();
        self.deny(case, denied, &rule, &[])
    }

    fn reserve<'s>(
        self: &Arc<Self>,
        case: &Case<'_>,
        demands: &[Demand<'s>],
        mut shadowed: Vec<Cow<'s, str>>,
    ) -> Judgement {
        let Some(places) = self.places(case) else {
            let message = "too many calls are in flight; try again when some have ended";
            return self.deny(case, Denied::by_gateway("(in flight)", message), "(in flight)", &shadowed);
        };
        let Some(claims) = Claims::of(case, demands) else {
            let message = "a counter of this policy cannot be kept";
            return self.deny(case, Denied::by_gateway("(limit)", message), "(limit)", &shadowed);
        };
        match self.counters.reserve(&claims.claims, case.now) {
            Err(refused) => {
                shadowed.extend(claims.rules(&refused.would_refuse));
                let (denied, rule) = claims.refused(&refused);
                self.deny(case, denied, &rule, &shadowed)
            }
            Ok(reservation) => {
                shadowed.extend(claims.rules(reservation.would_refuse()));
                self.pass(case, places, Reserved { claims: &claims, reservation, shadowed: &shadowed })
            }
        }
    }

    /// Takes the call's places among those in flight; none if there is no room.
    fn places(&self, case: &Case<'_>) -> Option<Places> {
        let of_grant = Arc::clone(&case.grant.shares.calls).try_acquire_owned().ok()?;
        let of_server = Arc::clone(&case.binding.server.calls).try_acquire_owned().ok()?;
        Some(Places { _of_grant: of_grant, _of_server: of_server })
    }

    fn pass(self: &Arc<Self>, case: &Case<'_>, places: Places, reserved: Reserved<'_>) -> Judgement {
        let Reserved { claims, reservation, shadowed } = reserved;
        let amounts: Vec<String> = claims.claims.iter().map(|c| c.amount.to_string()).collect();
        let limits: Vec<LimitRecord<'_>> = claims
            .demands
            .iter()
            .zip(&amounts)
            .map(|(d, amount)| LimitRecord { counter: &d.limit.counter, amount, scope: d.limit.scope.name() })
            .collect();
        let outcome = if shadowed.is_empty() { Recorded::Allow } else { Recorded::ShadowDeny };
        let verdict =
            Verdict { outcome, rule: None, message: None, retry_after: None, shadowed, limits: &limits };
        let written = self.write_decision(case, &verdict);
        let sequence = match written {
            Ok(sequence) => sequence,
            Err(error) => {
                reservation.release(self.clock.now());
                return Judgement::Unrecorded(error);
            }
        };
        let series = self.metrics.series(case.binding.server.name(), label(case));
        series.allowed.inc();
        if outcome == Recorded::ShadowDeny {
            series.shadowed.inc();
        }
        tracing::debug!(
            request_id = &**case.request_id,
            grant = case.grant.label,
            server = case.binding.server.name(),
            method = case.method,
            target = ?case.target,
            "allowed"
        );
        Judgement::Passed(Box::new(Ticket {
            gateway: Arc::clone(self),
            request_id: Arc::clone(case.request_id),
            grant: Arc::clone(case.grant),
            binding: Arc::clone(case.binding),
            method: case.method,
            target: case.target.clone(),
            sequence,
            reservation: Some(reservation),
            successes_only: successes_only(claims.demands),
            series,
            places: Some(places),
            started: case.started,
            sent: None,
            answered: None,
            budget: case.binding.plan.reports_budget().then(|| self.budget(claims)),
            settled: false,
        }))
    }

    /// What is left of the limits of a call that was just reserved: counter, rest, and milliseconds until all
    /// of it is there again.
    fn budget(&self, claims: &Claims<'_, '_>) -> String {
        let left = self.counters.remaining(&claims.claims, self.clock.now());
        let items = claims.demands.iter().zip(left).filter(|(d, _)| !d.limit.shadow).map(|(demand, left)| {
            let mut counter = Vec::new();
            toolgate_json::write_string(&demand.limit.counter, &mut counter);
            let counter = String::from_utf8(counter).unwrap_or_default();
            let resets = left.resets_in.map_or_else(|| "null".to_owned(), |r| millis(r).to_string());
            format!(r#"{{"counter":{counter},"left":{},"resetsInMs":{resets}}}"#, left.left)
        });
        format!("[{}]", items.collect::<Vec<_>>().join(","))
    }

    fn deny(
        self: &Arc<Self>,
        case: &Case<'_>,
        denied: Denied,
        rule: &str,
        shadowed: &[Cow<'_, str>],
    ) -> Judgement {
        let verdict = Verdict {
            outcome: Recorded::Deny,
            rule: Some(rule),
            message: Some(&denied.message),
            retry_after: denied.retry_after,
            shadowed,
            limits: &[],
        };
        if let Err(error) = self.write_decision(case, &verdict) {
            return Judgement::Unrecorded(error);
        }
        self.metrics.series(case.binding.server.name(), label(case)).denied.inc();
        tracing::info!(
            request_id = &**case.request_id,
            grant = case.grant.label,
            server = case.binding.server.name(),
            method = case.method,
            target = ?case.target,
            rule,
            "denied"
        );
        Judgement::Denied(denied)
    }

    /// Writes the decision's record and returns its place in the journal.
    fn write_decision(&self, case: &Case<'_>, verdict: &Verdict<'_>) -> Result<u64, AppendError> {
        let plan = &case.binding.plan;
        let shadow: Vec<&str> = verdict.shadowed.iter().map(AsRef::as_ref).collect();
        let mut names: Vec<Cow<'_, str>> =
            case.arguments.iter().flat_map(Value::members).filter_map(|m| m.name.as_str()).collect();
        names.sort_unstable();
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        let hmac = case.arguments.map(|arguments| {
            let mut canonical = Vec::with_capacity(arguments.raw().len());
            write_canonical(&arguments, &mut canonical);
            self.argument_key.hash(&canonical)
        });
        let client = address(case.client);
        let recorded = recorded_arguments(case);
        let mut record = Record {
            ts: case.now.wall,
            kind: Kind::Decision,
            request_id: Some(&**case.request_id),
            session: case.session.map(|s| s.name()),
            client: Some(&client),
            grant: Some(&case.grant.label),
            server: Some(case.binding.server.name()),
            method: Some(case.method),
            outcome: Some(verdict.outcome),
            rule: verdict.rule,
            message: verdict.message,
            retry_after_ms: verdict.retry_after.map(millis),
            shadow: &shadow,
            policy: Some(plan.name()),
            policy_version: Some(plan.version()),
            definition_hash: case.definition_hash,
            argument_names: case.arguments.is_some().then_some(&names),
            arguments_hmac: hmac.as_deref(),
            arguments: recorded.as_deref(),
            limits: verdict.limits,
            ..Record::default()
        };
        case.target.describe(&mut record);
        // An allowed call waits for the file after this, together with others; a denial is written at once.
        let waits = matches!(verdict.outcome, Recorded::Allow | Recorded::ShadowDeny);
        if waits && let Some(error) = self.journal.ailment_if_unhealthy() {
            return Err(error);
        }
        let urgency = if waits { Urgency::Soon } else { Urgency::Now };
        self.append(&record, urgency)
    }
}

/// A call's places among those of its grant and its server in flight; given back when dropped.
#[derive(Debug)]
pub(crate) struct Places {
    _of_grant: OwnedSemaphorePermit,
    _of_server: OwnedSemaphorePermit,
}

/// For each demand whether only successful calls count; empty where that is true of none.
fn successes_only(demands: &[Demand<'_>]) -> Vec<bool> {
    let only = |d: &Demand<'_>| d.limit.count == toolgate_policy::Count::Successes;
    if demands.iter().any(only) { demands.iter().map(only).collect() } else { Vec::new() }
}

/// What a call has taken, before its decision is recorded.
struct Reserved<'a> {
    claims: &'a Claims<'a, 'a>,
    reservation: Reservation,
    shadowed: &'a [Cow<'a, str>],
}

/// What the record of a decision tells beside the case.
struct Verdict<'a> {
    outcome: Recorded,
    rule: Option<&'a str>,
    message: Option<&'a str>,
    retry_after: Option<Duration>,
    shadowed: &'a [Cow<'a, str>],
    limits: &'a [LimitRecord<'a>],
}

/// An address as text. Of four numbers it is put together here: the formatter costs as much as all the rest
/// of a record.
fn address(address: IpAddr) -> String {
    let IpAddr::V4(four) = address else { return address.to_string() };
    let mut text = String::with_capacity(15);
    for (place, number) in four.octets().into_iter().enumerate() {
        if place > 0 {
            text.push('.');
        }
        text.push_str(itoa::Buffer::new().format(number));
    }
    text
}

/// The argument values, where the policy records them.
fn recorded_arguments(case: &Case<'_>) -> Option<Box<serde_json::value::RawValue>> {
    let arguments = case.arguments?;
    match &case.target {
        Target::Tool(tool) if case.binding.plan.records_arguments(tool) => {
            serde_json::value::RawValue::from_string(arguments.raw().to_owned()).ok()
        }
        _ => None,
    }
}

fn label<'a>(case: &'a Case<'_>) -> &'a str {
    match &case.target {
        Target::Tool(tool) if case.listed => tool,
        Target::Tool(_) => UNLISTED,
        Target::Resource(_) => "(resource)",
        Target::Prompt(_) => "(prompt)",
    }
}

impl<'c, 'd> Claims<'c, 'd> {
    fn of(case: &'c Case<'_>, demands: &'c [Demand<'d>]) -> Option<Self> {
        let mut claims = Vec::with_capacity(demands.len());
        for demand in demands {
            let bound = case.binding.limit(demand.limit)?;
            let session = bound.per_session.then(|| SessionRef {
                group: &case.binding.group,
                session: case.session.map_or(STATELESS, |s| &s.id),
            });
            claims.push(Claim {
                key: &bound.key,
                session,
                spec: &bound.spec,
                amount: Amount::from_units(demand.amount),
                mode: if demand.limit.shadow { Mode::Shadow } else { Mode::Enforce },
            });
        }
        Some(Self { claims, demands })
    }

    fn rules<'s>(&'s self, indices: &'s [usize]) -> impl Iterator<Item = Cow<'d, str>> + 's {
        indices.iter().filter_map(|index| self.demands.get(*index)).map(|d| Cow::Borrowed(d.rule))
    }

    /// The denial of the limit that makes the call wait longest, and its rule.
    fn refused(&self, refused: &Refused) -> (Denied, String) {
        let retry_after = refused.retry_after();
        let worst = refused.limits.iter().find(|l| l.retry_after == retry_after).or(refused.limits.first());
        let demand = worst.and_then(|l| self.demands.get(l.index));
        let rule = demand.map_or("(limit)", |d| d.rule).to_owned();
        let text = |limit: &Limit| limit_denial_text(limit, retry_after);
        let message = demand.map_or_else(|| "a limit is reached".to_owned(), |d| text(d.limit));
        (Denied { rule: rule.clone(), message, retry_after, by_limit: true }, rule)
    }
}

/// Milliseconds, rounded up: a call is never told to come back too early.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_always_does() {
        for text in ["0.0.0.0", "127.0.0.1", "192.0.2.77", "255.255.255.255", "::1", "2001:db8::7"] {
            assert_eq!(address(text.parse().unwrap()), text);
        }
    }
}
