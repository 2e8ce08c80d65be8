//! Findings that someone has looked at and accepts, by their fingerprints.

use std::collections::BTreeMap;
use std::path::Path;

use crate::answer::Failure;
use crate::shell::printable;

use super::client_config::read_file;

/// The longest such file.
const LONGEST: u64 = 4 << 20;

/// Fingerprints with the reasons that stand behind them.
#[derive(Debug, Default)]
pub(super) struct Accepted(BTreeMap<String, String>);

impl Accepted {
    /// Reads a file: a fingerprint a line, and a reason behind it; lines that begin with `#` say nothing.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = read_file(path, LONGEST)?;
        let mut accepted = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (fingerprint, reason) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let place = || format!("{}:{number}", printable(&path.display().to_string()));
            if fingerprint.len() != 32 || !fingerprint.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(Failure::usage(format_args!(
                    "{}: a line begins with a fingerprint of 32 hexadecimal digits, as reports show it",
                    place()
                )));
            }
            if reason.trim().is_empty() {
                return Err(Failure::usage(format_args!(
                    "{}: say behind the fingerprint why the finding is accepted",
                    place()
                )));
            }
            accepted.insert(fingerprint.to_ascii_lowercase(), reason.trim().to_owned());
        }
        Ok(Self(accepted))
    }

    /// Why a finding is accepted, if it is.
    pub(super) fn reason(&self, fingerprint: &str) -> Option<&str> {
        self.0.get(fingerprint).map(String::as_str)
    }

    /// All fingerprints.
    pub(super) fn fingerprints(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
