//! Strict JSON: one borrowed reading that refuses what two parsers could read differently.
