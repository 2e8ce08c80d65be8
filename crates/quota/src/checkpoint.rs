//! The counters as bytes and back, so that a restart forgets nothing. Times are those of the wall clock: the
//! monotonic one means nothing to the next process.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::calendar::Bounds;
use crate::demand::{CounterKey, Mode};
use crate::now::{Moment, Tick};
use crate::sliding::Slot;
use crate::tally::Tally;
use crate::window::{CalendarUnit, Span, Window, WindowError, Zone};

/// The version of the format.
const VERSION: u32 = 1;

/// Why bytes cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// They are not a checkpoint.
    #[error(
        "the counters' checkpoint cannot be read: {0}; remove it to rebuild the counters from the journal"
    )]
    Unreadable(#[from] serde_json::Error),
    /// They were written in another version of the format.
    #[error(
        "the counters' checkpoint has version `{0}`, known is `{VERSION}`; use the release that wrote it"
    )]
    UnknownVersion(u32),
    /// A counter has a window that cannot be.
    #[error("the counters' checkpoint names a window that cannot be: {0}")]
    Window(#[from] WindowError),
}

/// All counters.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    counters: Vec<Image>,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// One counter in a checkpoint.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    key: String,
    mode: Mode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    usage: Usage,
}

/// What counts, in smallest units of amounts.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Usage {
    /// The length in nanoseconds; of each slot the last event in microseconds of the wall clock, by how many
    /// nanoseconds the first came before it, and the amount.
    Sliding { span: u64, slots: Vec<(i64, u64, u128)> },
    /// The bounds in microseconds of the wall clock.
    Calendar { unit: CalendarUnit, zone: String, start: i64, end: i64, used: u128 },
}

/// One counter from a checkpoint.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) key: CounterKey,
    pub(crate) group: Option<Arc<str>>,
    usage: SavedUsage,
}

#[derive(Debug)]
enum SavedUsage {
    Sliding(Vec<Slot>),
    Calendar(Bounds, Amount),
}

/// The image of a counter; none if nothing counts on it that outlives the process.
pub(crate) fn image(key: &CounterKey, group: Option<&str>, tally: &mut Tally, now: Moment) -> Option<Image> {
    if tally.used(now).is_zero() {
        return None;
    }
    let usage = match (&key.window, tally) {
        (Window::Sliding(span), Tally::Sliding(sliding)) => {
            let slots = sliding
                .slots()
                .map(|slot| (now.wall_at(slot.last), slot.last.since(slot.first), slot.amount.units()));
            Usage::Sliding { span: span.nanoseconds(), slots: slots.collect() }
        }
        (Window::Calendar { unit, zone }, Tally::Calendar(calendar)) => {
            let (Bounds { start, end }, used) = calendar.state();
            Usage::Calendar { unit: *unit, zone: zone.name().to_owned(), start, end, used: used.units() }
        }
        (Window::Sliding(_) | Window::Calendar { .. } | Window::Concurrent, _) => return None,
    };
    Some(Image { key: key.name.to_string(), mode: key.mode, group: group.map(str::to_owned), usage })
}

/// The bytes of all images.
pub(crate) fn write(counters: Vec<Image>) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "strings, numbers and lists always have a JSON form")]
    serde_json::to_vec(&Document { version: VERSION, counters }).expect("a form in JSON")
}

/// The counters in `bytes`, with their times as seen from now.
pub(crate) fn read(bytes: &[u8], now: Moment) -> Result<Vec<Saved>, RestoreError> {
    let Version { version } = serde_json::from_slice(bytes)?;
    if version != VERSION {
        return Err(RestoreError::UnknownVersion(version));
    }
    let document: Document = serde_json::from_slice(bytes)?;
    document.counters.into_iter().map(|image| Saved::read(image, now)).collect()
}

impl Saved {
    fn read(image: Image, now: Moment) -> Result<Saved, RestoreError> {
        let (window, usage) = match image.usage {
            Usage::Sliding { span, slots } => {
                let span = Span::new(Duration::from_nanos(span))?;
                let slots = slots.into_iter().map(|(last, spread, units)| {
                    let last: Tick = now.past(last).tick;
                    Slot { first: last.minus(spread), last, amount: Amount::from_units(units) }
                });
                (Window::Sliding(span), SavedUsage::Sliding(slots.collect()))
            }
            Usage::Calendar { unit, zone, start, end, used } => {
                let window = Window::Calendar { unit, zone: Zone::named(&zone)? };
                (window, SavedUsage::Calendar(Bounds { start, end }, Amount::from_units(used)))
            }
        };
        let key = CounterKey { name: image.key.into(), window, mode: image.mode };
        Ok(Saved { key, group: image.group.map(Arc::from), usage })
    }

    /// Adds what was saved to its counter.
    pub(crate) fn add_to(&self, tally: &mut Tally, now: Moment) {
        match (tally, &self.usage) {
            (Tally::Sliding(sliding), SavedUsage::Sliding(slots)) => {
                slots.iter().for_each(|slot| sliding.restore(*slot));
            }
            (Tally::Calendar(calendar), SavedUsage::Calendar(bounds, used)) => {
                calendar.restore(*bounds, *used, now.wall);
            }
            // A counter of another window, which its identity rules out.
            (Tally::Sliding(_) | Tally::Calendar(_) | Tally::InFlight(_), _) => {}
        }
    }
}
