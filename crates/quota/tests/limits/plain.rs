//! The plain reference for sliding windows, and a source of chance that can be repeated.

use std::cell::Cell;

/// Every event ever counted, searched in full for each question.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plain {
    pub(crate) window: u64,
    /// Time, amount; in order of time.
    pub(crate) events: Vec<(u64, u64)>,
}

impl Plain {
    /// What lies in the interval of `length` that ends with `end`: without its start, with its end.
    pub(crate) fn sum(&self, end: u64, length: u64) -> u64 {
        let up_to_end = self.events.iter().rev().skip_while(|(time, _)| *time > end);
        up_to_end.take_while(|(time, _)| time + length > end).map(|(_, amount)| amount).sum()
    }

    /// The first moment from `now` on at which `amount` more fits under `max`, if events counted `late` longer.
    pub(crate) fn fits_from(&self, now: u64, late: u64, amount: u64, max: u64) -> Option<u64> {
        let length = self.window + late;
        let freed = self.events.iter().map(|(time, _)| time + length).filter(|time| *time > now);
        [now].into_iter().chain(freed).find(|moment| self.sum(*moment, length) + amount <= max)
    }

    /// The most that any interval of the window's length holds.
    pub(crate) fn peak(&self) -> u64 {
        self.events.iter().map(|(end, _)| self.sum(*end, self.window)).max().unwrap_or(0)
    }
}

/// Chance from a seed (the SplitMix64 generator).
#[derive(Debug)]
pub(crate) struct Chance(Cell<u64>);

impl Chance {
    pub(crate) fn new(seed: u64) -> Chance {
        Chance(Cell::new(seed))
    }

    /// A number below `end`.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
        let mixed = self.0.get();
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    /// A place in a list of this length.
    pub(crate) fn place(&self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }

    pub(crate) fn pick<T: Copy>(&self, from: &[T]) -> T {
        from[self.place(from.len())]
    }
}
