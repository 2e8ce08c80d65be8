//! Records in other formats, one after the other to any writer: as they are, as CSV for spreadsheets, as
//! OCSF events for security tools.

mod csv;
mod ocsf;

use std::io::{self, Write};
use std::str::FromStr;

use crate::view::RecordView;

/// A format to export to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The lines as they are: what is exported whole can still be verified.
    Jsonl,
    /// RFC 4180 with a header; cells that a spreadsheet would take for a formula begin with `'`.
    Csv,
    /// OCSF 1.6.0 events of the class API Activity (6003), one JSON object a line.
    Ocsf,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Format, UnknownFormat> {
        match name {
            "jsonl" => Ok(Format::Jsonl),
            "csv" => Ok(Format::Csv),
            "ocsf" => Ok(Format::Ocsf),
            _ => Err(UnknownFormat(name.to_owned())),
        }
    }
}

/// A name that is no format's.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no export format: use jsonl, csv or ocsf")]
pub struct UnknownFormat(String);

/// Why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The line is no record.
    #[error("a line is no record ({0}): run `toolgate audit verify`")]
    Record(#[from] serde_json::Error),
    /// The output cannot be written.
    #[error("cannot write the export: {0}")]
    Output(#[from] io::Error),
}

/// Writes records to an output in one format.
#[derive(Debug)]
pub struct Exporter<W> {
    format: Format,
    output: W,
    buffer: Vec<u8>,
}

impl<W: Write> Exporter<W> {
    /// An exporter; a CSV begins with its header.
    pub fn new(format: Format, output: W) -> Result<Exporter<W>, ExportError> {
        let mut exporter = Exporter { format, output, buffer: Vec::new() };
        if format == Format::Csv {
            csv::push_header(&mut exporter.buffer);
            exporter.output.write_all(&exporter.buffer)?;
        }
        Ok(exporter)
    }

    /// Exports one line of the journal, given without its line feed.
    pub fn record(&mut self, line: &[u8]) -> Result<(), ExportError> {
        self.buffer.clear();
        match self.format {
            Format::Jsonl => {
                self.buffer.extend_from_slice(line);
                self.buffer.push(b'\n');
            }
            Format::Csv => csv::push_row(&mut self.buffer, &RecordView::parse(line)?),
            Format::Ocsf => {
                serde_json::to_writer(&mut self.buffer, &ocsf::event(&RecordView::parse(line)?))?;
                self.buffer.push(b'\n');
            }
        }
        Ok(self.output.write_all(&self.buffer)?)
    }

    /// Flushes the output and gives it back.
    pub fn finish(mut self) -> Result<W, ExportError> {
        self.output.flush()?;
        Ok(self.output)
    }
}

#[cfg(test)]
mod tests;
