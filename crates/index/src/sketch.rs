//! Latencies summed up so that percentiles can be told, to 1 % of the value, and sums be added up.

use std::fmt;

use sketches_ddsketch::{Config, DDSketch};

/// Latencies in microseconds.
#[derive(Clone)]
pub(crate) struct Latencies(DDSketch);

impl Latencies {
    pub(crate) fn new() -> Latencies {
        Latencies(DDSketch::new(Config::defaults()))
    }

    /// Adds one latency.
    pub(crate) fn add(&mut self, micros: u64) {
        // Above 2^53 µs, 285 years, the value is rounded.
        #[expect(clippy::cast_precision_loss, reason = "the sketch itself is exact to 1 % only")]
        self.0.add(micros as f64);
    }

    /// Adds those of a stored sketch; whether it could be read.
    pub(crate) fn merge_stored(&mut self, bytes: &[u8]) -> bool {
        DDSketch::from_java_bytes(bytes).is_ok_and(|other| self.0.merge(&other).is_ok())
    }

    /// A stored sketch, if it can be read.
    pub(crate) fn from_stored(bytes: &[u8]) -> Option<Latencies> {
        DDSketch::from_java_bytes(bytes).ok().map(Latencies)
    }

    /// As it is stored.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.to_java_bytes()
    }

    /// The latency that the share `quantile` (0 to 1) of all does not pass; `None` if there are none.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<u64> {
        let micros = self.0.quantile(quantile).ok().flatten()?.round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast from a float saturates"
        )]
        Some(micros as u64)
    }
}

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} latencies", self.0.count())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn percentiles_are_near_and_survive_storing_and_merging(
            mut values in proptest::collection::vec(0u64..100_000_000, 1..400),
            split in 0usize..400,
            quantile in 0.0f64..=1.0,
        ) {
            let (mut whole, mut left, mut right) = (Latencies::new(), Latencies::new(), Latencies::new());
            for (position, value) in values.iter().enumerate() {
                whole.add(*value);
                if position < split { left.add(*value) } else { right.add(*value) }
            }
            let mut merged = Latencies::new();
            prop_assert!(merged.merge_stored(&left.to_bytes()) && merged.merge_stored(&right.to_bytes()));
            prop_assert_eq!(merged.quantile(quantile), whole.quantile(quantile));
            values.sort_unstable();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
            let exact = values[(quantile * (values.len() - 1) as f64) as usize];
            let told = whole.quantile(quantile).unwrap();
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let allowed = exact as f64 * 0.011 + 1.0;
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let off = told.abs_diff(exact) as f64;
            prop_assert!(off <= allowed, "{told} for {exact}");
        }
    }

    #[test]
    fn nothing_has_no_percentile_and_rubbish_is_refused() {
        assert_eq!(Latencies::new().quantile(0.5), None);
        assert!(!Latencies::new().merge_stored(b""));
        assert!(!Latencies::new().merge_stored(&[0xff, 1, 2]));
    }
}
