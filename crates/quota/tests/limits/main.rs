//! What a policy promises of its limits, seen from outside and held against plain references.
//!
//! `TOOLGATE_QUOTA_SCALE` multiplies how much the random tests do; 1 when absent, fractions allowed.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at its first mistake")]

mod any_interval;
mod plain;
mod promises;
mod restart;
mod sessions;
mod threads;

use std::time::Duration;

use toolgate_quota::{Amount, Demand, LimitSpec, Mode, Now, Span, Window};

const SECOND: u64 = 1_000_000_000;

/// So many nanoseconds after both clocks' zero.
fn at(nanoseconds: u64) -> Now {
    Now { mono: nanoseconds, wall: i64::try_from(nanoseconds / 1000).unwrap() }
}

/// A sliding limit on calls.
fn sliding(length: Duration, max: u32) -> LimitSpec {
    LimitSpec::new(Window::Sliding(Span::new(length).unwrap()), Amount::whole(max), true)
}

/// What one call demands of a limit.
fn one<'a>(key: &'a str, spec: &'a LimitSpec) -> Demand<'a> {
    Demand { key, session: None, spec, amount: Amount::ONE, mode: Mode::Enforce }
}

/// How often a random test is repeated.
#[expect(clippy::disallowed_methods, reason = "a test's size is set from outside")]
fn scaled(count: u32) -> u32 {
    let scale = std::env::var("TOOLGATE_QUOTA_SCALE").map_or(1.0, |scale| scale.parse::<f64>().unwrap());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, saturating")]
    let count = (f64::from(count) * scale) as u32;
    count.max(1)
}
