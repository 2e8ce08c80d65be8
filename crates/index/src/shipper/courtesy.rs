//! When the index holds back: while calls come fast, the processor is theirs. It catches up when they are calm,
//! and goes on in small steps when they never are.

use std::time::Duration;

/// Calls are calm when they came slower for this long.
const CALM: Duration = Duration::from_secs(10);
/// The longest that it holds back without a step.
const LONGEST: Duration = Duration::from_secs(60);
/// The rest between steps once it has held back for the longest.
const BETWEEN: Duration = Duration::from_secs(5);

/// Decides by how fast the journal grows.
#[derive(Debug)]
pub(crate) struct Courtesy {
    /// Records a second from which on calls count as fast; none never holds back.
    fast: Option<u64>,
    /// How far the journal went when it was last looked at, and when.
    seen: Option<(u64, i64)>,
    /// Until when calls count as fast.
    fast_until: i64,
    /// Since when it holds back.
    held_since: Option<i64>,
}

impl Courtesy {
    pub(crate) fn new(fast: Option<u64>) -> Self {
        Self { fast, seen: None, fast_until: i64::MIN, held_since: None }
    }

    /// Whether to hold back now that the journal goes to `last`. Times are microseconds; one before the last look
    /// (a clock that was set back) begins anew.
    pub(crate) fn holds_back(&mut self, last: u64, now: i64) -> bool {
        let Some(fast) = self.fast else { return false };
        match self.seen {
            Some((_, before)) if now < before => *self = Self::new(self.fast),
            // Too close together to tell how fast it grows.
            Some((_, before)) if now - before < 100_000 => return self.is_holding(now),
            Some((seq, before)) => {
                let grown = u128::from(last.saturating_sub(seq)) * 1_000_000;
                if grown >= u128::from(fast) * u128::from(now.abs_diff(before)) {
                    self.fast_until = now.saturating_add(micros(CALM));
                }
            }
            None => {}
        }
        self.seen = Some((last, now));
        if now >= self.fast_until {
            self.held_since = None;
        } else if self.held_since.is_none() {
            self.held_since = Some(now);
        }
        if self.held_since.is_some() && !self.is_holding(now) {
            // One step, and then a rest.
            self.held_since = Some(now.saturating_sub(micros(LONGEST)).saturating_add(micros(BETWEEN)));
            return false;
        }
        self.is_holding(now)
    }

    fn is_holding(&self, now: i64) -> bool {
        self.held_since.is_some_and(|since| now.saturating_sub(since) < micros(LONGEST))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    /// Whether it holds back in each second in which the journal grows by so many records.
    fn seconds(courtesy: &mut Courtesy, grown: &[u64]) -> Vec<bool> {
        let (mut last, mut now) = (0, 0);
        courtesy.holds_back(last, now);
        let step = |by: &u64| {
            (last, now) = (last + by, now + SECOND);
            courtesy.holds_back(last, now)
        };
        grown.iter().map(step).collect()
    }

    #[test]
    fn slow_calls_are_followed_at_once() {
        let held = seconds(&mut Courtesy::new(Some(5000)), &[0, 4999, 100, 4999]);
        assert_eq!(held, [false; 4]);
    }

    #[test]
    fn fast_calls_go_first_until_they_have_been_calm_for_ten_seconds() {
        let mut grown = vec![5000];
        grown.extend([0; 12]);
        let held = seconds(&mut Courtesy::new(Some(5000)), &grown);
        assert_eq!(held.iter().filter(|held| **held).count(), 10);
        assert_eq!(held.last(), Some(&false));
    }

    #[test]
    fn calls_that_are_never_calm_are_followed_in_steps() {
        let held = seconds(&mut Courtesy::new(Some(5000)), &[9000; 100]);
        let steps: Vec<usize> =
            held.iter().enumerate().filter(|(_, held)| !**held).map(|(at, _)| at).collect();
        assert_eq!(steps, (60..100).step_by(5).collect::<Vec<_>>());
    }

    #[test]
    fn a_clock_that_is_set_back_begins_anew() {
        let mut courtesy = Courtesy::new(Some(5000));
        assert!(!courtesy.holds_back(0, 100 * SECOND));
        assert!(courtesy.holds_back(9000, 101 * SECOND));
        assert!(!courtesy.holds_back(9001, 0));
        assert!(!courtesy.holds_back(9002, SECOND));
    }

    #[test]
    fn without_a_threshold_it_never_holds_back() {
        assert_eq!(seconds(&mut Courtesy::new(None), &[1_000_000; 3]), [false; 3]);
    }
}
