//! Verification of a journal on disk: feeds its segments to the [`Verifier`].

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use crate::error::ReadError;
use crate::key::PublicKey;
use crate::store::segments::{list_segments, segment_directory};
use crate::verify::{Position, Report, Verifier};

const BUFFER: usize = 256 << 10;

/// Verifies the journal in a data directory. Works beside a running gateway: what it writes meanwhile may
/// or may not be looked at. `key` should be a copy kept elsewhere; with the one that lies beside the
/// journal, whoever can replace both is not found out. `expect_seq` is a record known to have been written.
pub fn verify_directory(
    data_directory: &Path,
    key: PublicKey,
    expect_seq: Option<u64>,
) -> Result<Report, ReadError> {
    let directory = segment_directory(data_directory);
    let segments = list_segments(&directory).map_err(at(&directory))?;
    let mut verifier = Verifier::new(key);
    let mut rest = segments.iter().peekable();
    while let Some(segment) = rest.next() {
        let position = if rest.peek().is_some() { Position::Inner } else { Position::Last };
        let file = File::open(&segment.path).map_err(at(&segment.path))?;
        verifier
            .segment(&segment.name(), segment.first_seq, BufReader::with_capacity(BUFFER, file), position)
            .map_err(at(&segment.path))?;
    }
    Ok(verifier.finish(expect_seq))
}

fn at(path: &Path) -> impl Fn(io::Error) -> ReadError {
    move |source| ReadError::File { path: path.to_owned(), source }
}
