//! What a limit says: over which window it counts, and how much it lets through.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::amount::Amount;

/// The longest sliding window: 100 years.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);
/// Into how many parts a sliding window is divided that is not kept exactly.
const PARTS: u64 = 64;

/// Over what a limit counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Any interval of this length, on the monotonic clock.
    Sliding(Span),
    /// The present unit of the calendar, by the wall clock of a time zone.
    Calendar {
        /// The unit at whose start the count begins anew.
        unit: CalendarUnit,
        /// Where the unit starts.
        zone: Zone,
    },
    /// The calls in flight.
    Concurrent,
}

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CalendarUnit {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour of the local clock.
    Hour,
    /// A local day; 23 or 25 hours where the clock is changed.
    Day,
    /// A local week; starts on Monday.
    Week,
    /// A local month.
    Month,
}

/// The length of a sliding window: from 1 nanosecond to 100 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span(u64);

/// A time zone of the IANA database; equal to another of the same name.
#[derive(Clone)]
pub struct Zone(Arc<NamedZone>);

struct NamedZone {
    name: String,
    rules: TimeZone,
}

/// Why a window cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// A sliding window of no length.
    #[error("a window must be longer than zero")]
    Empty,
    /// A sliding window beyond 100 years.
    #[error("a window is at most 100 years long")]
    TooLong,
    /// The name is not in the time zone database.
    #[error("unknown time zone `{0}`; use an IANA name such as `Europe/Berlin`")]
    UnknownZone(String),
}

/// One limit: a window and how much may pass in it.
///
/// The window is part of a counter's identity, `max` is not. So when `max` changes the counter keeps its history,
/// and a changed window is another counter; see [`LimitSpec::continues`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSpec {
    window: Window,
    max: Amount,
    amounts: Amounts,
}

/// What the calls under a limit count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amounts {
    One,
    Various,
}

impl LimitSpec {
    /// A limit of at most `max` in `window`; `unit_amounts` says that every call counts exactly 1.
    ///
    /// A sliding limit with `max` up to 64 whose calls count 1 is kept by exact times. Any other frees what it
    /// holds up to 1/64 of the window late, never early.
    #[must_use]
    pub fn new(window: Window, max: Amount, unit_amounts: bool) -> LimitSpec {
        let amounts = if unit_amounts { Amounts::One } else { Amounts::Various };
        LimitSpec { window, max, amounts }
    }

    /// Over what it counts.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// How much may pass.
    #[must_use]
    pub fn max(&self) -> Amount {
        self.max
    }

    /// Whether a counter under this limit goes on with the history that it has under `before`. If not, it starts
    /// anew: then a reload must say so.
    #[must_use]
    pub fn continues(&self, before: &LimitSpec) -> bool {
        self.window == before.window
    }

    /// How finely times are kept.
    pub(crate) fn grain(&self) -> Grain {
        match self.amounts {
            Amounts::One if self.max <= Amount::whole(64) => Grain::Exact,
            Amounts::One | Amounts::Various => Grain::Coarse,
        }
    }
}

impl Window {
    /// Whether what counts in it still counts after a restart.
    pub(crate) fn outlives_process(&self) -> bool {
        match self {
            Window::Sliding(_) | Window::Calendar { .. } => true,
            Window::Concurrent => false,
        }
    }
}

/// How finely a sliding window keeps times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Grain {
    /// Each event by its own time.
    #[default]
    Exact,
    /// Events by 1/64 of the window.
    Coarse,
}

impl Span {
    /// The span of this duration.
    ///
    /// # Errors
    /// When it is zero or beyond 100 years.
    pub fn new(length: Duration) -> Result<Span, WindowError> {
        if length > LONGEST {
            return Err(WindowError::TooLong);
        }
        match u64::try_from(length.as_nanos()) {
            Ok(0) => Err(WindowError::Empty),
            Ok(nanoseconds) => Ok(Span(nanoseconds)),
            Err(_) => Err(WindowError::TooLong),
        }
    }

    /// How long it is.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    pub(crate) fn nanoseconds(self) -> u64 {
        self.0
    }

    /// The width of the slots in which events are counted together, in nanoseconds.
    pub(crate) fn slot(self, grain: Grain) -> u64 {
        match grain {
            Grain::Exact => 1,
            Grain::Coarse => self.0.div_ceil(PARTS),
        }
    }
}

impl Zone {
    /// The zone of this IANA name, in any case of letters.
    ///
    /// # Errors
    /// When the database has no such zone.
    pub fn named(name: &str) -> Result<Zone, WindowError> {
        let rules = TimeZone::get(name).map_err(|_| WindowError::UnknownZone(name.to_owned()))?;
        let name = rules.iana_name().unwrap_or(name).to_owned();
        Ok(Zone(Arc::new(NamedZone { name, rules })))
    }

    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Zone {
        Zone(Arc::new(NamedZone { name: "UTC".to_owned(), rules: TimeZone::UTC }))
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn rules(&self) -> &TimeZone {
        &self.0.rules
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.name() == other.name()
    }
}

impl Eq for Zone {}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Zone").field(&self.name()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_neither_empty_nor_endless() {
        assert_eq!(Span::new(Duration::ZERO), Err(WindowError::Empty));
        assert_eq!(Span::new(Duration::MAX), Err(WindowError::TooLong));
        assert_eq!(Span::new(LONGEST).unwrap().duration(), LONGEST);
        assert_eq!(Span::new(Duration::from_nanos(1)).unwrap().duration(), Duration::from_nanos(1));
    }

    #[test]
    fn zones_are_equal_by_name() {
        assert_eq!(Zone::named("europe/berlin").unwrap(), Zone::named("Europe/Berlin").unwrap());
        assert_ne!(Zone::named("Europe/Paris").unwrap(), Zone::named("Europe/Berlin").unwrap());
        assert_eq!(Zone::named("UTC").unwrap(), Zone::utc());
        let error = Zone::named("Mars/Olympus").unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown time zone `Mars/Olympus`; use an IANA name such as `Europe/Berlin`"
        );
    }

    #[test]
    fn only_a_changed_window_starts_a_counter_anew() {
        let minute = Window::Sliding(Span::new(Duration::from_secs(60)).unwrap());
        let hour = Window::Sliding(Span::new(Duration::from_secs(3600)).unwrap());
        let day = |zone| Window::Calendar { unit: CalendarUnit::Day, zone };
        let limit = |window: &Window, max| LimitSpec::new(window.clone(), Amount::whole(max), true);
        let utc = day(Zone::utc());
        let berlin = day(Zone::named("Europe/Berlin").unwrap());
        assert!(limit(&minute, 50).continues(&limit(&minute, 30)));
        assert!(limit(&minute, 500).continues(&limit(&minute, 30)));
        assert!(!limit(&hour, 30).continues(&limit(&minute, 30)));
        assert!(!limit(&utc, 30).continues(&limit(&minute, 30)));
        assert!(!limit(&berlin, 30).continues(&limit(&utc, 30)));
    }
}
