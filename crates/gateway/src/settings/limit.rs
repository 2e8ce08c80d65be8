//! The table of the limits that are numbers: their names, their bounds, and when a change of each acts. The config
//! file and the admin API are both checked against it.

use std::ops::RangeInclusive;

use super::LimitSettings;

/// One limit.
#[derive(Clone, Copy, Debug)]
pub struct LimitKey {
    /// Its name under `limits` of the config file.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// When a change acts.
    pub acts: Acts,
    least: usize,
    most: usize,
    slot: fn(&mut LimitSettings) -> &mut usize,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things.
    Count,
}

/// When a changed limit acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acts {
    /// On the next call.
    AtOnce,
    /// The listeners have it from their start.
    AtNextStart,
}

impl LimitKey {
    /// The values that it may have.
    #[must_use]
    pub fn range(&self) -> RangeInclusive<usize> {
        self.least..=self.most
    }

    /// Its value.
    #[must_use]
    pub fn of(&self, limits: &LimitSettings) -> usize {
        let mut copy = *limits;
        *(self.slot)(&mut copy)
    }

    /// Sets it; none, and nothing is changed, if the value is out of bounds.
    pub fn set(&self, limits: &mut LimitSettings, value: usize) -> Option<()> {
        self.range().contains(&value).then(|| *(self.slot)(limits) = value)
    }
}

const fn count(name: &'static str, (least, most): (usize, usize), slot: Slot) -> LimitKey {
    LimitKey { name, unit: Unit::Count, acts: Acts::AtOnce, least, most, slot }
}

const fn bytes(name: &'static str, slot: Slot) -> LimitKey {
    LimitKey { name, unit: Unit::Bytes, acts: Acts::AtOnce, least: 1 << 10, most: 1 << 30, slot }
}

const fn at_next_start(key: LimitKey) -> LimitKey {
    LimitKey { acts: Acts::AtNextStart, ..key }
}

type Slot = fn(&mut LimitSettings) -> &mut usize;

const MILLION: usize = 1_000_000;

/// All limits that are numbers.
pub static LIMITS: [LimitKey; 10] = [
    bytes("body", |limits| &mut limits.body),
    bytes("result", |limits| &mut limits.result),
    count("depth", (8, 128), |limits| &mut limits.depth),
    count("values", (100, 100 * MILLION), |limits| &mut limits.values),
    at_next_start(count("headers", (16, 1_000), |limits| &mut limits.headers)),
    at_next_start(count("connections", (1, MILLION), |limits| &mut limits.connections)),
    count("in_flight_per_grant", (1, MILLION), |limits| &mut limits.in_flight_per_grant),
    count("in_flight_per_server", (1, MILLION), |limits| &mut limits.in_flight_per_server),
    count("sessions_per_grant", (1, 10_000), |limits| &mut limits.sessions_per_grant),
    count("streams_per_grant", (1, 100_000), |limits| &mut limits.streams_per_grant),
];

/// The limit of a name whose change acts at once.
#[must_use]
pub fn changeable(name: &str) -> Option<&'static LimitKey> {
    LIMITS.iter().find(|key| key.name == name && key.acts == Acts::AtOnce)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_limit_has_a_place_of_its_own_and_keeps_its_bounds() {
        let mut limits = LimitSettings::default();
        for key in &LIMITS {
            assert!(key.range().contains(&key.of(&limits)), "{}: the default is within bounds", key.name);
            assert_eq!(key.set(&mut limits, key.range().end() + 1), None);
            key.set(&mut limits, *key.range().end()).unwrap();
            key.set(&mut limits, *key.range().start()).unwrap();
        }
        // One after the other, so that two with the same place would show.
        for (value, key) in (200..).zip(&LIMITS) {
            *(key.slot)(&mut limits) = value;
        }
        assert_eq!(LIMITS.iter().map(|key| key.of(&limits)).collect::<BTreeSet<_>>().len(), LIMITS.len());
        assert!(changeable("connections").is_none() && changeable("depth").is_some());
    }
}
