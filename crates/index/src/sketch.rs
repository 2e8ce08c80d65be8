//! Latencies summed up so that percentiles can be told, to 1 % of the value, and sums be added up.
//!
//! The bins are those of a DDSketch. They are stored as they are, few and far between: most sums are of a
//! few calls, for which a sketch's own format takes five times the room.

use std::sync::LazyLock;

use sketches_ddsketch::Config;

/// Which latencies share a bin, and what latency a bin stands for.
static BINS: LazyLock<Config> = LazyLock::new(Config::defaults);

/// The bin of a latency in microseconds; none is taken for less than 1 µs.
pub(crate) fn bin(micros: u64) -> i32 {
    #[expect(clippy::cast_precision_loss, reason = "a bin is exact to 1 % only")]
    BINS.key(micros.max(1) as f64)
}

/// The latency in microseconds that a bin stands for.
fn micros(bin: i32) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast from a float saturates"
    )]
    {
        BINS.value(bin).round() as u64
    }
}

/// How many latencies lie in which bin.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Latencies {
    /// In any order, and a bin may stand more than once.
    bins: Vec<(i32, u64)>,
}

impl Latencies {
    /// Adds one latency by its bin.
    pub(crate) fn add(&mut self, bin: i32) {
        self.bins.push((bin, 1));
    }

    /// Adds stored ones; whether all of them could be read.
    pub(crate) fn add_stored(&mut self, mut bytes: &[u8]) -> bool {
        let mut bin = 0_i32;
        while !bytes.is_empty() {
            let Some((step, count)) = take_number(&mut bytes).zip(take_number(&mut bytes)) else {
                return false;
            };
            let Ok(step) = i32::try_from(step) else { return false };
            let Some(next) = bin.checked_add(step) else { return false };
            bin = next;
            self.bins.push((bin, count));
        }
        true
    }

    /// As they are stored: for each bin the distance from the one before, and how many. Bins begin at 0,
    /// because no latency is less than 1 µs.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.tidy();
        let (mut bytes, mut before) = (Vec::with_capacity(self.bins.len() * 3), 0);
        for (bin, count) in &self.bins {
            push_number(&mut bytes, u64::from(bin.abs_diff(before)));
            push_number(&mut bytes, *count);
            before = *bin;
        }
        bytes
    }

    /// The 50th, 95th and 99th percentile in microseconds; `None` if there are none.
    pub(crate) fn percentiles(&mut self) -> Option<[u64; 3]> {
        self.quantiles([0.5, 0.95, 0.99])
    }

    /// The latencies in microseconds that these shares (0 to 1) of all do not pass; `None` if there are none.
    fn quantiles<const N: usize>(&mut self, shares: [f64; N]) -> Option<[u64; N]> {
        self.tidy();
        let total: u64 = self.bins.iter().map(|(_, count)| count).sum();
        let last = total.checked_sub(1)?;
        Some(shares.map(|share| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a rank is as exact as the sketch"
            )]
            let rank = (share * last as f64) as u64;
            let mut passed = 0;
            let found = self.bins.iter().find(|(_, count)| {
                passed += count;
                passed > rank
            });
            found.or(self.bins.last()).map_or(0, |(bin, _)| micros(*bin))
        }))
    }

    /// Puts the bins in order, each once.
    fn tidy(&mut self) {
        self.bins.sort_unstable_by_key(|(bin, _)| *bin);
        self.bins.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(later.1);
            }
            same
        });
    }
}

/// Seven bits a byte, the lowest first; all but the last byte have the highest bit.
fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return bytes.push(low & 0x7f);
        }
        bytes.push(low | 0x80);
    }
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sketches_ddsketch::DDSketch;

    use super::*;

    proptest! {
        #[test]
        fn percentiles_are_those_of_the_library_and_survive_storing(
            mut values in proptest::collection::vec(1u64..100_000_000, 1..400),
            split in 0usize..400,
            share in 0.001f64..0.999,
        ) {
            let mut library = DDSketch::new(Config::defaults());
            let mut parts = [Latencies::default(), Latencies::default()];
            for (position, value) in values.iter().enumerate() {
                #[expect(clippy::cast_precision_loss, reason = "small")]
                library.add(*value as f64);
                parts[usize::from(position < split)].add(bin(*value));
            }
            let mut whole = Latencies::default();
            for part in parts {
                prop_assert!(whole.add_stored(&part.into_bytes()));
            }
            let [told] = whole.quantiles([share]).unwrap();
            let expected = library.quantile(share).unwrap().unwrap();
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let same = (told as f64 - expected).abs() <= 0.5;
            prop_assert!(same, "{told} for {expected}");
            values.sort_unstable();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
            let exact = values[(share * (values.len() - 1) as f64) as usize];
            prop_assert!(told.abs_diff(exact) <= exact / 99 + 1, "{told} for {exact}");
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut latencies = Latencies::default();
            if latencies.add_stored(&bytes) {
                let mut again = Latencies::default();
                prop_assert!(again.add_stored(&latencies.into_bytes()));
            }
        }
    }

    #[test]
    fn bins_begin_at_none_and_none_has_no_percentile() {
        assert_eq!((bin(0), bin(1)), (0, 0));
        assert!(bin(u64::MAX) < 3000);
        assert_eq!(Latencies::default().quantiles([0.5]), None);
        assert_eq!(Latencies::default().into_bytes(), b"");
    }
}
