//! `toolgate scan --definitions FILE`: one line in, one line out, in order, however many there are.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::Path;

use serde_json::json;
use toolgate_catalog::Definition;

use super::report::{Scale, Scanned};
use crate::answer::{Answer, Done, Failure};
use crate::shell::Shell;

/// The longest line.
const LINE: u64 = 16 << 20;

/// Classifies every line of the file. A line that is no definition gets a line with its number and what is
/// wrong with it, and the answer is no.
pub(super) fn run(path: &Path, scale: Option<&Scale>, shell: &mut Shell) -> Done {
    let mut input = open(path)?;
    let mut out = BufWriter::new(&mut shell.out);
    let mut bad = 0_u64;
    for number in 1_u64.. {
        let Some(line) = next_line(&mut *input)? else { break };
        if line.trim_ascii().is_empty() {
            continue;
        }
        match read(&line) {
            Ok(definition) => serde_json::to_writer(&mut out, &Scanned::new(&definition, scale))?,
            Err(error) => {
                bad += 1;
                serde_json::to_writer(&mut out, &json!({ "line": number, "error": error }))?;
            }
        }
        out.write_all(b"\n")?;
    }
    out.flush()?;
    drop(out);
    if bad > 0 {
        shell.note(format_args!(
            "error: {bad} of the lines are no tool definitions; they have an `error` in the output"
        ))?;
        return Ok(Answer::No);
    }
    Ok(Answer::Yes)
}

/// All definitions of a file.
pub(crate) fn read_all(path: &Path) -> Result<Vec<Definition>, Failure> {
    let mut input = open(path)?;
    let mut tools = Vec::new();
    for number in 1_u64.. {
        let Some(line) = next_line(&mut *input)? else { break };
        if !line.trim_ascii().is_empty() {
            let place =
                |error: String| Failure::no(format_args!("`{}`, line {number}: {error}", path.display()));
            tools.push(read(&line).map_err(place)?);
        }
    }
    Ok(tools)
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(BufReader::new(file))),
        Err(error) => Err(Failure::unreachable(anyhow::anyhow!("cannot read `{}`: {error}", path.display()))),
    }
}

/// The next line; of one that is too long its beginning, which is no JSON.
fn next_line(input: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if input.take(LINE).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\n") {
        skip_line(input)?;
    }
    Ok(Some(line))
}

/// Passes over what is left of a line.
fn skip_line(input: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let (used, ended) = match input.fill_buf()? {
            [] => return Ok(()),
            bytes => match bytes.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (bytes.len(), false),
            },
        };
        input.consume(used);
        if ended {
            return Ok(());
        }
    }
}

fn read(line: &[u8]) -> Result<Definition, String> {
    if line.len() as u64 >= LINE {
        return Err(format!("longer than {LINE} bytes"));
    }
    let value: serde_json::Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    Definition::from_value(&value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_they_end() {
        let mut input: &[u8] = b"one\n\ntwo";
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut input).unwrap() {
            lines.push(line);
        }
        assert_eq!(lines, [b"one\n".to_vec(), b"\n".to_vec(), b"two".to_vec()]);
    }

    #[test]
    fn a_line_that_is_too_long_hides_no_other() {
        let size = usize::try_from(LINE).unwrap();
        let mut text = vec![b' '; size + 5];
        text.extend(b"\n{}\n");
        let mut input: &[u8] = &text;
        assert!(read(&next_line(&mut input).unwrap().unwrap()).unwrap_err().contains("longer"));
        assert_eq!(next_line(&mut input).unwrap().unwrap(), b"{}\n");
        assert_eq!(next_line(&mut input).unwrap(), None);
    }
}
