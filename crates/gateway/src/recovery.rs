//! Counters over a restart: a checkpoint beside the journal, and the journal's tail since then.
//!
//! The checkpoint names the last record that was written before it was taken. What was reserved while it
//! was taken may be counted twice after a crash, and is never missed.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use toolgate_journal::{Hash, Journal, RecordView, Records};
use toolgate_policy::{Count, Limit, Plan};
use toolgate_quota::{Amount, Counters, Demand, LimitSpec, Mode, Now, Reservation, SessionRef};

use crate::grant::{counter_key, limit_spec};
use crate::settings::Settings;

const FILE: &str = "counters.checkpoint";
/// The session that replayed calls belong to: it has ended when the gateway starts.
const REPLAYED: &str = "replayed";

/// What was found at start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// Records whose calls were counted again.
    pub(crate) replayed: u64,
    /// Whether a checkpoint was there and good.
    pub(crate) from_checkpoint: bool,
}

/// Writes a checkpoint of the counters, if anything was recorded since `since`; returns the number of the
/// last record before it.
///
/// # Errors
///
/// The file cannot be written.
pub(crate) fn checkpoint(
    data_dir: &Path,
    journal: &Journal,
    counters: &Counters,
    now: Now,
    since: u64,
) -> io::Result<u64> {
    let sequence = journal.last_seq();
    if sequence == since {
        return Ok(sequence);
    }
    let mut bytes = sequence.to_le_bytes().to_vec();
    bytes.extend(counters.checkpoint(now));
    let (path, new) = (data_dir.join(FILE), data_dir.join("counters.checkpoint.new"));
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
    file.write_all(&bytes)?;
    file.sync_data()?;
    std::fs::rename(&new, &path)?;
    journal.checkpoint(now.wall, Some(&Hash::of(&bytes))).map_err(io::Error::other)?;
    Ok(journal.last_seq())
}

/// Rebuilds the counters from checkpoint and journal.
///
/// # Errors
///
/// The journal cannot be read.
pub(crate) fn recover(
    data_dir: &Path,
    settings: &Settings,
    counters: &Counters,
    now: Now,
) -> Result<Recovered, toolgate_journal::ReadError> {
    let from = restore(data_dir, counters, now);
    let mut replay = Replay { settings, counters, now, open: HashMap::new(), replayed: 0 };
    let mut records = Records::open(data_dir, from.unwrap_or(0) + 1)?;
    while let Some(line) = records.next_record()? {
        if let Ok(view) = line.view() {
            replay.record(&view);
        }
    }
    Ok(Recovered { replayed: replay.replayed, from_checkpoint: from.is_some() })
}

/// Restores a checkpoint; one that cannot be read counts as none, and the whole journal is replayed.
fn restore(data_dir: &Path, counters: &Counters, now: Now) -> Option<u64> {
    let bytes = std::fs::read(data_dir.join(FILE)).ok()?;
    let (sequence, state) = bytes.split_first_chunk::<8>()?;
    match counters.restore(state, now) {
        Ok(()) => Some(u64::from_le_bytes(*sequence)),
        Err(error) => {
            tracing::warn!(%error, "the checkpoint of the counters is not used; the journal is replayed instead");
            None
        }
    }
}

/// A call that was counted again, until its outcome says that it was given back.
struct Open {
    reservation: Reservation,
    successes_only: Vec<bool>,
}

struct Replay<'a> {
    settings: &'a Settings,
    counters: &'a Counters,
    now: Now,
    open: HashMap<String, Open>,
    replayed: u64,
}

impl Replay<'_> {
    fn record(&mut self, view: &RecordView<'_>) {
        let Some(request_id) = view.request_id.as_deref() else { return };
        match (view.kind.as_ref(), view.outcome.as_deref()) {
            ("decision", Some("allow" | "shadow_deny")) if !view.limits.is_empty() => {
                self.decision(view, request_id)
            }
            ("outcome", outcome) => {
                let Some(open) = self.open.remove(request_id) else { return };
                if view.released == Some(true) {
                    let all = outcome == Some("unreached");
                    let some = |index: usize| open.successes_only.get(index).copied().unwrap_or(false);
                    open.reservation.settle_each(self.now, |index| all || some(index));
                }
            }
            _ => {}
        }
    }

    fn decision(&mut self, view: &RecordView<'_>, request_id: &str) {
        let (Some(grant), Some(server)) = (view.grant.as_deref(), view.server.as_deref()) else { return };
        let plan =
            view.policy.as_deref().and_then(|name| self.settings.policies.iter().find(|p| p.name() == name));
        let Some(plan) = plan else { return };
        let bound = bind(plan, view, grant, server);
        let group = format!("{grant}@{server}");
        let demands: Vec<Demand<'_>> = bound.iter().map(|b| b.demand(&group)).collect();
        let at = view.ts_micros().unwrap_or(self.now.wall);
        let reservation = self.counters.replay(&demands, at, self.now);
        if demands.iter().any(|d| d.session.is_some()) {
            self.counters.end_session(SessionRef { group: &group, session: REPLAYED }, self.now);
        }
        self.replayed += 1;
        let successes_only = bound.iter().map(|b| b.count == Count::Successes).collect();
        self.open.insert(request_id.to_owned(), Open { reservation, successes_only });
    }
}

/// A limit that a record names, as the policy now has it.
struct Bound {
    key: String,
    spec: LimitSpec,
    amount: Amount,
    mode: Mode,
    per_session: bool,
    count: Count,
}

impl Bound {
    fn demand<'a>(&'a self, group: &'a str) -> Demand<'a> {
        Demand {
            key: &self.key,
            session: self.per_session.then_some(SessionRef { group, session: REPLAYED }),
            spec: &self.spec,
            amount: self.amount,
            mode: self.mode,
        }
    }
}

fn bind(plan: &Plan, view: &RecordView<'_>, grant: &str, server: &str) -> Vec<Bound> {
    let mut left: Vec<&Limit> = plan.limits().iter().collect();
    let mut bound = Vec::new();
    for limit in &view.limits {
        let found = left.iter().position(|l| l.counter == limit.counter && l.scope.name() == limit.scope);
        let Some(found) = found.map(|index| left.swap_remove(index)) else { continue };
        if let (Some(spec), Ok(amount)) = (limit_spec(found), limit.amount.parse()) {
            bound.push(Bound {
                key: counter_key(plan.name(), found, grant, server),
                spec,
                amount,
                mode: if found.shadow { Mode::Shadow } else { Mode::Enforce },
                per_session: found.scope == toolgate_policy::Scope::Session,
                count: found.count,
            });
        }
    }
    bound
}
