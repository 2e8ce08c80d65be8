//! The journal: hash-chained records on disk, signed checkpoints, and the offline verifier.
