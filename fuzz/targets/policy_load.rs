//! Any text is loaded as a policy, or refused with at least one problem.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toolgate_policy::{Format, load};

fuzz_target!(|text: &str| {
    for format in [Format::Json, Format::Yaml] {
        if let Err(problems) = load(text, format, "fuzzed") {
            assert!(!problems.is_empty());
        }
    }
});
