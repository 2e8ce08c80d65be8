//! Patterns of schemas: ECMA-262 syntax, run by a linear-time engine, with bounds on what they cost.

use regex::{Regex, RegexBuilder};

/// Patterns of one schema.
const MAX_PATTERNS: usize = 200;
/// Most patterns compile to less than this.
const SMALL_BYTES: usize = 64 << 10;
/// The bound for the few that do not.
const LARGE_BYTES: usize = 512 << 10;
const MAX_LARGE: usize = 2;

/// What the patterns of one schema may still cost.
#[derive(Debug)]
pub(super) struct PatternBudget {
    patterns: usize,
    large: usize,
}

impl PatternBudget {
    pub(super) fn new() -> Self {
        Self { patterns: MAX_PATTERNS, large: MAX_LARGE }
    }

    pub(super) fn compile(&mut self, pattern: &str) -> Result<Regex, String> {
        self.patterns = self
            .patterns
            .checked_sub(1)
            .ok_or_else(|| format!("more than {MAX_PATTERNS} patterns in one schema"))?;
        let translated = jsonschema_regex::to_rust_regex(pattern).map_err(|()| unreadable())?;
        let build = |bytes| RegexBuilder::new(&translated).size_limit(bytes).dfa_size_limit(bytes).build();
        match build(SMALL_BYTES) {
            Ok(regex) => return Ok(regex),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(_) => return Err(unreadable()),
        }
        let too_large = || "the pattern is too large once compiled".to_owned();
        self.large = self.large.checked_sub(1).ok_or_else(too_large)?;
        build(LARGE_BYTES).map_err(|_| too_large())
    }
}

fn unreadable() -> String {
    "not a pattern that can be run in linear time (look-around and back-references cannot)".to_owned()
}
