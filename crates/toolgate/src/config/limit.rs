//! The limits and the journal's part of the config file.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use toolgate_gateway::settings::limit::{LIMITS, Unit};
use toolgate_gateway::settings::{Durability, JournalSettings, LimitSettings};
use toolgate_policy::Place;

use super::scalar::Reader;

const DURABILITIES: [(&str, Durability); 2] =
    [("process", Durability::Process), ("power", Durability::Power)];

/// The numbers among the limits that a config file sets.
pub(super) fn set_in(place: Option<Place<'_>>) -> BTreeSet<String> {
    let names = LIMITS.iter().map(|key| key.name);
    names.filter(|name| place.is_some_and(|place| place.get(name).is_some())).map(str::to_owned).collect()
}

impl Reader<'_> {
    /// A value that is wrong leaves its default, and the file is refused for it.
    pub(super) fn limits(&mut self, place: Option<Place<'_>>) -> LimitSettings {
        let mut limits = LimitSettings::default();
        let Some(place) = place else { return limits };
        for key in &LIMITS {
            let Some(value) = place.get(key.name) else { continue };
            let read = match key.unit {
                Unit::Bytes => {
                    self.size(value, bytes(key.range())).and_then(|size| usize::try_from(size).ok())
                }
                Unit::Count => self.count(value, key.range()),
            };
            // Read within the same bounds.
            read.and_then(|read| key.set(&mut limits, read)).unwrap_or_default();
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

fn bytes(range: RangeInclusive<usize>) -> RangeInclusive<u64> {
    let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    wide(*range.start())..=wide(*range.end())
}
