//! The version of a document: a hash of what it says, whatever its notation and layout.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::located::Place;

/// The first 16 hexadecimal digits of the SHA-256 of the canonical document.
pub(super) fn of(root: Place<'_>) -> String {
    let mut canonical = Vec::new();
    root.write_canonical(&mut canonical);
    let hash = Sha256::digest(&canonical);
    let mut version = String::with_capacity(16);
    for byte in hash.iter().take(8) {
        // Writing to a string cannot fail.
        write!(version, "{byte:02x}").unwrap_or_default();
    }
    version
}
