//! A grant at work: what a token opens, what counts for it, and how it ends.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use toolgate_policy::{CalendarUnit, Context, Limit, LimitWindow, Plan, Scope};
use toolgate_quota as quota;

use crate::settings::Names;
use crate::upstream::Server;

/// What a valid token gives access to.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// The grant.
    pub(crate) grant: Arc<Grant>,
    /// Unix microseconds from which on the token is no longer valid.
    pub(crate) ends: Option<i64>,
    /// Cancelled when the token ends: by expiry, rotation or revocation.
    pub(crate) life: CancellationToken,
    /// When it was used last, in Unix microseconds; 0 for not since this was asked.
    pub(crate) used: Arc<AtomicI64>,
}

/// A grant of the current snapshot.
#[derive(Debug)]
pub(crate) struct Grant {
    /// Its name.
    pub(crate) label: String,
    /// Free words for conditions.
    pub(crate) tags: Vec<String>,
    /// How tool names are shown.
    pub(crate) names: Names,
    /// What it includes, by server name.
    pub(crate) bindings: HashMap<String, Arc<Binding>>,
    /// What all its tokens and sessions share, kept over reloads.
    pub(crate) shares: Arc<Shares>,
}

/// Places that a grant's calls and streams take; counted together for all its tokens.
#[derive(Debug)]
pub(crate) struct Shares {
    /// Calls in flight.
    pub(crate) calls: Arc<Semaphore>,
    streams: AtomicUsize,
}

impl Shares {
    /// All places free.
    #[must_use]
    pub(crate) fn new(in_flight: usize) -> Self {
        Self { calls: Arc::new(Semaphore::new(in_flight)), streams: AtomicUsize::new(0) }
    }

    /// Takes a place for an open stream; none if `most` are taken.
    #[must_use]
    pub(crate) fn open_stream(self: &Arc<Self>, most: usize) -> Option<StreamPlace> {
        let taken = self.streams.fetch_add(1, Ordering::AcqRel);
        let place = StreamPlace(Arc::clone(self));
        (taken < most).then_some(place)
    }
}

/// A place for a stream; given back when dropped.
#[derive(Debug)]
pub(crate) struct StreamPlace(Arc<Shares>);

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One server of a grant, and the policy that judges its calls there.
#[derive(Debug)]
pub(crate) struct Binding {
    /// The server.
    pub(crate) server: Arc<Server>,
    /// The policy.
    pub(crate) plan: Arc<Plan>,
    /// The group that this grant's sessions on this server form.
    pub(crate) group: String,
    /// By counter: those that enforce, and those in shadow.
    limits: [HashMap<String, BoundLimit>; 2],
}

/// A limit of the policy with the counter that it means for one grant and server.
#[derive(Debug)]
pub(crate) struct BoundLimit {
    /// The counter's key: policy, counter, subject.
    pub(crate) key: String,
    /// Whether each session counts for itself.
    pub(crate) per_session: bool,
    /// What the counter allows.
    pub(crate) spec: quota::LimitSpec,
}

impl Binding {
    /// Binds a policy to a grant on a server.
    #[must_use]
    pub(crate) fn new(grant: &str, server: Arc<Server>, plan: Arc<Plan>) -> Self {
        let group = format!("{grant}@{}", server.name());
        let bound = |shadow: bool| {
            let limits = plan.limits().iter().filter(move |limit| limit.shadow == shadow);
            limits
                .filter_map(|limit| {
                    let key = counter_key(plan.name(), limit, grant, server.name());
                    let spec = limit_spec(limit)?;
                    let per_session = limit.scope == Scope::Session;
                    Some((limit.counter.clone(), BoundLimit { key, per_session, spec }))
                })
                .collect()
        };
        Self { limits: [bound(false), bound(true)], server, plan, group }
    }

    /// The counter of a limit of this binding's policy.
    #[must_use]
    pub(crate) fn limit(&self, limit: &Limit) -> Option<&BoundLimit> {
        let [enforced, shadowed] = &self.limits;
        if limit.shadow { shadowed.get(&limit.counter) } else { enforced.get(&limit.counter) }
    }
}

/// Policy, counter and subject. The parts are separated by a character that no name may hold.
#[must_use]
pub(crate) fn counter_key(policy: &str, limit: &Limit, grant: &str, server: &str) -> String {
    let counter = &limit.counter;
    match limit.scope {
        Scope::Grant | Scope::Session => format!("{policy}\u{1f}{counter}\u{1f}{grant}@{server}"),
        Scope::Server => format!("{policy}\u{1f}{counter}\u{1f}@{server}"),
        Scope::Policy => format!("{policy}\u{1f}{counter}\u{1f}"),
    }
}

/// The counting side of a limit; none for a window that no counter can have, which the policy's check
/// has refused.
#[must_use]
pub(crate) fn limit_spec(limit: &Limit) -> Option<quota::LimitSpec> {
    let window = match &limit.window {
        LimitWindow::Sliding(length) => quota::Window::Sliding(quota::Span::new(*length).ok()?),
        LimitWindow::Calendar { unit, zone } => quota::Window::Calendar {
            unit: calendar_unit(*unit),
            zone: quota::Zone::named(zone.iana_name().unwrap_or("UTC")).ok()?,
        },
        LimitWindow::Concurrent => quota::Window::Concurrent,
    };
    Some(quota::LimitSpec::new(window, quota::Amount::from_units(limit.max), limit.constant_unit))
}

fn calendar_unit(unit: CalendarUnit) -> quota::CalendarUnit {
    match unit {
        CalendarUnit::Second => quota::CalendarUnit::Second,
        CalendarUnit::Minute => quota::CalendarUnit::Minute,
        CalendarUnit::Hour => quota::CalendarUnit::Hour,
        CalendarUnit::Day => quota::CalendarUnit::Day,
        CalendarUnit::Week => quota::CalendarUnit::Week,
        CalendarUnit::Month => quota::CalendarUnit::Month,
    }
}

impl Grant {
    /// What conditions may ask about a call of this grant.
    #[must_use]
    pub(crate) fn context<'a>(
        &'a self,
        server: &'a str,
        client_ip: Option<IpAddr>,
        wall_micros: i64,
    ) -> Context<'a> {
        Context { grant_label: &self.label, grant_tags: &self.tags, server, client_ip, wall_micros }
    }
}
