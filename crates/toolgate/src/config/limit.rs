//! The limits and the journal's part of the config file.

use toolgate_gateway::settings::{Durability, JournalSettings, LimitSettings};
use toolgate_policy::Place;

use super::scalar::Reader;

const DURABILITIES: [(&str, Durability); 2] =
    [("process", Durability::Process), ("power", Durability::Power)];
/// Bytes of a message.
const MESSAGE: std::ops::RangeInclusive<u64> = 1 << 10..=1 << 30;
const MILLION: usize = 1_000_000;

impl Reader<'_> {
    /// A value that is wrong leaves its default, and the file is refused for it.
    pub(super) fn limits(&mut self, place: Option<Place<'_>>) -> LimitSettings {
        let mut limits = LimitSettings::default();
        let Some(place) = place else { return limits };
        for (name, slot) in [("body", &mut limits.body), ("result", &mut limits.result)] {
            let size = place.get(name).and_then(|value| self.size(value, MESSAGE));
            *slot = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(*slot);
        }
        for (name, slot, range) in [
            ("depth", &mut limits.depth, 8..=128),
            ("values", &mut limits.values, 100..=100 * MILLION),
            ("headers", &mut limits.headers, 16..=1_000),
            ("connections", &mut limits.connections, 1..=MILLION),
            ("in_flight_per_grant", &mut limits.in_flight_per_grant, 1..=MILLION),
            ("in_flight_per_server", &mut limits.in_flight_per_server, 1..=MILLION),
            ("sessions_per_grant", &mut limits.sessions_per_grant, 1..=10_000),
            ("streams_per_grant", &mut limits.streams_per_grant, 1..=100_000),
        ] {
            *slot = place.get(name).and_then(|value| self.count(value, range)).unwrap_or(*slot);
        }
        for (name, slot) in [
            ("header_timeout", &mut limits.header_timeout),
            ("body_timeout", &mut limits.body_timeout),
            ("shutdown_grace", &mut limits.shutdown_grace),
        ] {
            *slot = place.get(name).and_then(|value| self.duration(value)).unwrap_or(*slot);
        }
        limits
    }

    /// As [`Reader::limits`].
    pub(super) fn journal(&mut self, place: Option<Place<'_>>) -> JournalSettings {
        let default = JournalSettings::default();
        let Some(place) = place else { return default };
        let durability = place.get("durability").and_then(|value| self.word(value, &DURABILITIES));
        let rotate = place.get("rotate").and_then(|value| self.size(value, 64 << 10..=1 << 40));
        let low_water = place.get("low_water").and_then(|value| self.size(value, 0..=1 << 50));
        JournalSettings {
            durability: durability.unwrap_or(default.durability),
            rotate: rotate.unwrap_or(default.rotate),
            keep_bytes: place.get("keep_bytes").and_then(|value| self.size(value, 64 << 10..=1 << 60)),
            keep_age: place.get("keep_age").and_then(|value| self.duration(value)),
            low_water: low_water.unwrap_or(default.low_water),
        }
    }
}
