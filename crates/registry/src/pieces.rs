//! A file in pieces: lines of JSON, or the items of one JSON document. Pieces come in parcels that are worked on one by
//! one, each with the position behind it, so that reading can go on there.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use serde_json::value::RawValue;

use crate::read::LONGEST;

/// Pieces in a parcel, at most.
const PIECES: usize = 256;
/// Bytes in a parcel after which no further piece is added.
const BYTES: usize = 1 << 20;
/// Longest document that is one JSON text.
const DOCUMENT: u64 = 1 << 30;

/// Some pieces in order.
#[derive(Debug, Default)]
pub(crate) struct Parcel {
    /// Counts up from 0.
    pub(crate) number: u64,
    /// The pieces with their lines (or items), from 1; of one that is too long nothing but that.
    pub(crate) pieces: Vec<(u64, Option<Vec<u8>>)>,
    /// Bytes (or items) up to the end of the parcel.
    pub(crate) position: u64,
    /// Lines (or items) up to the end of the parcel.
    pub(crate) line: u64,
}

/// Where pieces come from.
pub(crate) enum Pieces {
    /// Lines of a file or of a stream.
    Lines { input: Box<dyn BufRead + Send>, position: u64, line: u64, number: u64 },
    /// Items of a document.
    Items { items: std::vec::IntoIter<Box<RawValue>>, line: u64, number: u64 },
}

impl Pieces {
    /// The pieces of a file behind what was read of it before.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no JSON.
    pub(crate) fn of_file(path: &Path, (position, line): (u64, u64)) -> Result<Self, PiecesError> {
        let mut file = File::open(path)?;
        if is_document(&mut file)? {
            let mut text = Vec::new();
            if file.take(DOCUMENT + 1).read_to_end(&mut text)? as u64 > DOCUMENT {
                return Err(PiecesError::Form(format!("one JSON document of more than {DOCUMENT} bytes")));
            }
            let mut items = items(&text).map_err(PiecesError::Form)?.into_iter();
            let skipped = usize::try_from(position).unwrap_or(usize::MAX);
            if skipped > 0 {
                items.nth(skipped.saturating_sub(1));
            }
            return Ok(Self::Items { items, line, number: 0 });
        }
        file.seek(SeekFrom::Start(position))?;
        let input = Box::new(BufReader::with_capacity(1 << 18, file));
        Ok(Self::Lines { input, position, line, number: 0 })
    }

    /// The lines of a stream.
    pub(crate) fn of_stream(input: impl BufRead + Send + 'static) -> Self {
        Self::Lines { input: Box::new(input), position: 0, line: 0, number: 0 }
    }

    /// The next parcel.
    pub(crate) fn next(&mut self) -> io::Result<Option<Parcel>> {
        let mut parcel = Parcel::default();
        let mut bytes = 0;
        while parcel.pieces.len() < PIECES && bytes < BYTES {
            match self {
                Self::Lines { input, position, line, .. } => {
                    let (text, length) = next_line(&mut **input)?;
                    if length == 0 {
                        break;
                    }
                    *position += length;
                    *line += 1;
                    bytes += text.as_ref().map_or(0, Vec::len);
                    if text.as_ref().is_none_or(|text| !text.trim_ascii().is_empty()) {
                        parcel.pieces.push((*line, text));
                    }
                }
                Self::Items { items, line, .. } => {
                    let Some(item) = items.next() else { break };
                    *line += 1;
                    let text = Some(item.get().as_bytes().to_vec()).filter(|text| text.len() <= LONGEST);
                    bytes += item.get().len();
                    parcel.pieces.push((*line, text));
                }
            }
        }
        let (Self::Lines { number, line, .. } | Self::Items { number, line, .. }) = self;
        (parcel.number, parcel.line) = (*number, *line);
        *number += 1;
        parcel.position = match self {
            Self::Lines { position, .. } => *position,
            Self::Items { line, .. } => *line,
        };
        Ok((!parcel.pieces.is_empty()).then_some(parcel))
    }
}

/// Why a file has no pieces.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PiecesError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("{0}")]
    Form(String),
}

/// Whether a file is one JSON document rather than lines: an array, or an object that does not end on its first line.
fn is_document(file: &mut File) -> io::Result<bool> {
    let mut input = BufReader::with_capacity(1 << 16, &mut *file);
    let mut first = Vec::new();
    loop {
        first.clear();
        let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX);
        if (&mut input).take(limit).read_until(b'\n', &mut first)? == 0 {
            break;
        }
        if !first.trim_ascii().is_empty() {
            break;
        }
    }
    drop(input);
    file.rewind()?;
    let first = first.trim_ascii();
    Ok(match first.first() {
        Some(b'[') => true,
        Some(b'{') => match serde_json::from_slice::<&RawValue>(first) {
            Ok(line) => is_list(line.get()),
            Err(error) => error.is_eof(),
        },
        Some(_) | None => false,
    })
}

/// An object with a list of items in it.
#[derive(serde::Deserialize)]
struct List {
    #[serde(default)]
    servers: Option<Vec<Box<RawValue>>>,
    #[serde(default)]
    tools: Option<Vec<Box<RawValue>>>,
}

fn is_list(text: &str) -> bool {
    // An item has no member of these names.
    serde_json::from_str::<List>(text).is_ok_and(|list| list.servers.is_some() || list.tools.is_some())
}

/// The items of a document: an array, the lists `servers` and `tools` of an object, or the object itself.
fn items(text: &[u8]) -> Result<Vec<Box<RawValue>>, String> {
    let whole: Box<RawValue> =
        serde_json::from_slice(text).map_err(|error| format!("it is no JSON: {error}"))?;
    if whole.get().starts_with('[') {
        return serde_json::from_str(whole.get()).map_err(|error| format!("it is no JSON: {error}"));
    }
    let list: List =
        serde_json::from_str(whole.get()).map_err(|_| "its `servers` and `tools` are no lists".to_owned())?;
    let found: Vec<_> = list.servers.into_iter().chain(list.tools).flatten().collect();
    Ok(if found.is_empty() { vec![whole] } else { found })
}

/// The next line with its length, 0 at the end; of one that is too long the length alone.
fn next_line(input: &mut dyn BufRead) -> io::Result<(Option<Vec<u8>>, u64)> {
    let most = LONGEST as u64 + 1;
    let mut line = Vec::new();
    let read = input.take(most).read_until(b'\n', &mut line)? as u64;
    if read < most || line.ends_with(b"\n") {
        return Ok((Some(line), read));
    }
    let mut length = read;
    loop {
        let (used, ended) = match input.fill_buf()? {
            [] => return Ok((None, length)),
            bytes => match bytes.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (bytes.len(), false),
            },
        };
        input.consume(used);
        length += used as u64;
        if ended {
            return Ok((None, length));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut pieces: Pieces) -> Vec<(u64, Option<String>)> {
        let mut all = Vec::new();
        while let Some(parcel) = pieces.next().unwrap() {
            let text = |text: Vec<u8>| String::from_utf8(text).unwrap().trim().to_owned();
            all.extend(parcel.pieces.into_iter().map(|(line, piece)| (line, piece.map(text))));
        }
        all
    }

    fn of(text: &str, from: (u64, u64)) -> Vec<(u64, Option<String>)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        lines(Pieces::of_file(file.path(), from).unwrap())
    }

    #[test]
    fn lines_are_counted_with_empty_ones() {
        let expected = vec![(2, Some("{}".to_owned())), (4, Some("{\"a\":1}".to_owned()))];
        assert_eq!(of("\n{}\n\n{\"a\":1}", (0, 0)), expected);
        assert_eq!(of("\n{}\n\n{\"a\":1}", (4, 2)), expected[1..]);
    }

    #[test]
    fn documents_are_taken_apart() {
        let two = vec![(1, Some("1".to_owned())), (2, Some("2".to_owned()))];
        for text in ["[1,2]", " [ 1,\n2]", "{\"servers\":[1,2]}", "{\n\"servers\": [1],\n\"tools\": [2]}"] {
            assert_eq!(of(text, (0, 0)), two, "{text}");
        }
        assert_eq!(of("[1,2]", (1, 1)), two[1..]);
        assert_eq!(of("{\n\"name\": 1}", (0, 0)), [(1, Some("{\n\"name\": 1}".to_owned()))]);
    }

    #[test]
    fn a_line_that_is_too_long_hides_no_other() {
        let long = " ".repeat(LONGEST + 5);
        let found = lines(Pieces::of_stream(io::Cursor::new(format!("{{}}\n{long}\n{{\"a\":1}}\n"))));
        assert_eq!(found, [(1, Some("{}".to_owned())), (2, None), (3, Some("{\"a\":1}".to_owned()))]);
    }
}
