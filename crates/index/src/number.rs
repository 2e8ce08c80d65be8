//! Whole numbers on their way into the database, which knows only signed ones, and back.

/// As the database holds it; what it cannot hold becomes the largest.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// As it was; a negative number, which `stored` never makes, becomes 0.
pub(crate) fn read(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
