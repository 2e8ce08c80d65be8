//! Names and order of the segment files. A segment is named by its first record:
//! `00000000000000000001.jsonl`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One file of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Sequence number of its first record, as the name says.
    pub(crate) first_seq: u64,
    /// Where it is.
    pub(crate) path: PathBuf,
}

impl Segment {
    /// The segment that begins with `first_seq`, whether or not it exists.
    pub(crate) fn new(directory: &Path, first_seq: u64) -> Segment {
        Segment { first_seq, path: directory.join(format!("{first_seq:020}.jsonl")) }
    }

    /// The file's name without its folder.
    pub(crate) fn name(&self) -> String {
        format!("{:020}.jsonl", self.first_seq)
    }
}

/// The folder of the segments inside a data directory.
pub(crate) fn segment_directory(data_directory: &Path) -> PathBuf {
    data_directory.join("journal")
}

/// The segments in a folder, oldest first. Other files are not looked at.
pub(crate) fn list_segments(directory: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(directory)? {
        if let Some(first_seq) = entry?.file_name().to_str().and_then(parse_name) {
            segments.push(Segment::new(directory, first_seq));
        }
    }
    segments.sort_unstable_by_key(|segment| segment.first_seq);
    Ok(segments)
}

fn parse_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".jsonl")?;
    let canonical = digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit());
    if canonical { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_names_are_segments() {
        assert_eq!(parse_name("00000000000000000042.jsonl"), Some(42));
        for name in [
            "42.jsonl",
            "00000000000000000042.json",
            "+0000000000000000042.jsonl",
            "99999999999999999999.jsonl",
        ] {
            assert_eq!(parse_name(name), None, "{name}");
        }
        assert_eq!(Segment::new(Path::new("j"), 42).path, Path::new("j/00000000000000000042.jsonl"));
    }
}
