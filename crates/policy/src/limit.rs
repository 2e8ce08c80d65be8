//! Limits as data: what a counter counts, over which window, for whom. The counting itself is done
//! elsewhere; amounts are exact, in units of 10^-9.

use std::time::Duration;

use jiff::tz::TimeZone;

/// One whole unit of an amount.
pub const UNIT: u128 = 1_000_000_000;

/// A counter and what it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The counter's name within its policy.
    pub counter: String,
    /// The span of time that it looks back on, or calls in flight.
    pub window: LimitWindow,
    /// The most that one window may hold, in 10^-9 units.
    pub max: u128,
    /// What counts together.
    pub scope: Scope,
    /// Which calls keep what they drew.
    pub count: Count,
    /// Whether every entry of this counter draws exactly one whole unit a call.
    pub constant_unit: bool,
    /// The author's message for a refusal.
    pub on_deny: Option<String>,
    /// What holds when the store of the counters cannot be reached.
    pub on_store_failure: OnStoreFailure,
    /// Whether it only records what it would refuse, in a counter of its own.
    pub shadow: bool,
    /// JSON pointer of the entry.
    pub pointer: String,
}

/// What a counter looks back on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitWindow {
    /// Any interval of this length.
    Sliding(Duration),
    /// The current unit of the calendar.
    Calendar {
        /// The unit; weeks start on Monday.
        unit: CalendarUnit,
        /// Where its borders are drawn.
        zone: TimeZone,
    },
    /// Calls that are in flight.
    Concurrent,
}

/// A named span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarUnit {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day; 24 hours when sliding.
    Day,
    /// A week; 7 days when sliding.
    Week,
    /// A month; 30 days when sliding.
    Month,
}

impl CalendarUnit {
    /// All units with their names and sliding lengths in seconds.
    pub const TABLE: &'static [(CalendarUnit, &'static str, u64)] = &[
        (CalendarUnit::Second, "second", 1),
        (CalendarUnit::Minute, "minute", 60),
        (CalendarUnit::Hour, "hour", 3_600),
        (CalendarUnit::Day, "day", 86_400),
        (CalendarUnit::Week, "week", 7 * 86_400),
        (CalendarUnit::Month, "month", 30 * 86_400),
    ];

    /// The unit of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::TABLE.iter().find(|(_, known, _)| *known == name).map(|(unit, ..)| *unit)
    }

    /// Its name in policies.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::TABLE.iter().find(|(unit, ..)| *unit == self).map_or("", |(_, name, _)| name)
    }

    /// Its length as a sliding window.
    #[must_use]
    pub fn length(self) -> Duration {
        let seconds = Self::TABLE.iter().find(|(unit, ..)| *unit == self).map_or(0, |(.., seconds)| *seconds);
        Duration::from_secs(seconds)
    }
}

/// What counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// This grant on this server.
    Grant,
    /// This session of the grant.
    Session,
    /// All grants under this policy on this server.
    Server,
    /// Everything under this policy.
    Policy,
}

impl Scope {
    /// All scopes with their names.
    pub const TABLE: &'static [(Scope, &'static str)] = &[
        (Scope::Grant, "grant"),
        (Scope::Session, "session"),
        (Scope::Server, "server"),
        (Scope::Policy, "policy"),
    ];

    /// The scope of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::TABLE.iter().find(|(_, known)| *known == name).map(|(scope, _)| *scope)
    }

    /// Its name in policies.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::TABLE.iter().find(|(scope, _)| *scope == self).map_or("", |(_, name)| name)
    }
}

/// Which calls keep what they drew from a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Count {
    /// Every call of which a byte was written to the server.
    Attempts,
    /// Calls that the server did not answer with an error.
    Successes,
}

/// What holds when the store of the counters cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnStoreFailure {
    /// The call is refused.
    Deny,
    /// The call passes, and is counted as such.
    Allow,
}

/// What an agent is told when a limit refuses: the author's message or a plain one, and the wait in
/// words where waiting can help.
#[must_use]
pub fn limit_denial_text(limit: &Limit, retry_after: Option<Duration>) -> String {
    let reason = match &limit.on_deny {
        Some(text) => text.clone(),
        None => plain_reason(limit),
    };
    match retry_after {
        Some(wait) => format!("{reason} ({})", wait_in_words(wait)),
        None => reason,
    }
}

fn plain_reason(limit: &Limit) -> String {
    let max = amount_in_words(limit.max);
    match &limit.window {
        LimitWindow::Concurrent => format!("At most {max} calls at a time"),
        LimitWindow::Calendar { unit, .. } => format!("Limit reached: at most {max} per {}", unit.name()),
        LimitWindow::Sliding(length) => {
            let named = CalendarUnit::TABLE.iter().find(|(unit, ..)| unit.length() == *length);
            match named {
                Some((_, name, _)) => format!("Limit reached: at most {max} per {name}"),
                None => format!("Limit reached: at most {max} in {}", duration_in_words(*length)),
            }
        }
    }
}

/// An amount of 10^-9 units in decimal, without zeros at its end.
#[must_use]
pub fn amount_in_words(amount: u128) -> String {
    let (whole, fraction) = (amount / UNIT, amount % UNIT);
    if fraction == 0 {
        return whole.to_string();
    }
    format!("{whole}.{fraction:09}").trim_end_matches('0').to_owned()
}

fn wait_in_words(wait: Duration) -> String {
    format!("try again in {}", duration_in_words(wait))
}

/// The duration in its one or two largest units, rounded up, so that nobody comes back too early.
fn duration_in_words(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let (large, small) = match seconds {
        0..60 => return plural(seconds.max(1), "second"),
        60..3_600 => (("minute", 60), ("second", 1)),
        3_600..86_400 => (("hour", 3_600), ("minute", 60)),
        86_400.. => (("day", 86_400), ("hour", 3_600)),
    };
    let in_small = seconds.div_ceil(small.1);
    let ratio = large.1 / small.1;
    let first = plural(in_small / ratio, large.0);
    match in_small % ratio {
        0 => first,
        rest => format!("{first} {}", plural(rest, small.0)),
    }
}

fn plural(count: u64, unit: &str) -> String {
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(window: LimitWindow, on_deny: Option<&str>) -> Limit {
        Limit {
            counter: "calls".into(),
            window,
            max: 10 * UNIT,
            scope: Scope::Grant,
            count: Count::Attempts,
            constant_unit: true,
            on_deny: on_deny.map(str::to_owned),
            on_store_failure: OnStoreFailure::Deny,
            shadow: false,
            pointer: "/tools/x/limits/0".into(),
        }
    }

    #[test]
    fn tells_the_wait_in_words() {
        let minute = limit(LimitWindow::Sliding(Duration::from_mins(1)), None);
        for (millis, expected) in [
            (1, "1 second"),
            (41_001, "42 seconds"),
            (60_000, "1 minute"),
            (61_000, "1 minute 1 second"),
            (7_200_000, "2 hours"),
            (86_399_500, "1 day"),
            (3 * 86_400_000 + 1, "3 days 1 hour"),
        ] {
            let text = limit_denial_text(&minute, Some(Duration::from_millis(millis)));
            assert_eq!(text, format!("Limit reached: at most 10 per minute (try again in {expected})"));
        }
        assert_eq!(limit_denial_text(&minute, None), "Limit reached: at most 10 per minute");
        let own = limit(LimitWindow::Sliding(Duration::from_secs(90)), Some("Slow down"));
        assert_eq!(
            limit_denial_text(&own, Some(Duration::from_secs(2))),
            "Slow down (try again in 2 seconds)"
        );
        let odd = limit(LimitWindow::Sliding(Duration::from_secs(90)), None);
        assert_eq!(limit_denial_text(&odd, None), "Limit reached: at most 10 in 1 minute 30 seconds");
        assert_eq!(
            limit_denial_text(&limit(LimitWindow::Concurrent, None), None),
            "At most 10 calls at a time"
        );
    }

    #[test]
    fn prints_amounts() {
        assert_eq!(amount_in_words(UNIT * 3 / 2), "1.5");
        assert_eq!(amount_in_words(1), "0.000000001");
        assert_eq!(amount_in_words(0), "0");
    }
}
