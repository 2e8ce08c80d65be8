//! The data directory: there, private, of a known format, and whether a gateway runs on it.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use toolgate_gateway::data_dir::FORMAT;
use toolgate_store::{FILE, Store};

use super::{Check, State};
use crate::data_dir::is_in_use;

const FORMAT_FILE: &str = "format";

/// Whether a gateway runs on the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Running {
    Yes,
    No,
}

pub(super) fn look(path: &Path, checks: &mut Vec<Check>) -> Running {
    let subject = format!("data directory `{}`", path.display());
    let mode = match path.metadata() {
        Ok(found) if found.is_dir() => found.permissions().mode() & 0o777,
        Ok(_) => {
            let check = Check::new(subject, State::Bad, "is no folder");
            checks.push(check.with_advice("choose another `data_dir`"));
            return Running::No;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            checks.push(Check::fine(subject, "not there yet; the first start makes it"));
            return Running::No;
        }
        Err(error) => {
            checks.push(Check::new(subject, State::Bad, format!("cannot be read: {error}")));
            return Running::No;
        }
    };
    if mode & 0o077 != 0 {
        let found = format!("others can look into it (mode {mode:o}), so the gateway refuses it");
        let advice = format!("run `chmod 700 {}`", path.display());
        checks.push(Check::new(subject.as_str(), State::Bad, found).with_advice(advice));
    }
    if let Some(found) = unknown_format(path) {
        checks.push(
            Check::new(subject.as_str(), State::Bad, found).with_advice("use the program that wrote it"),
        );
    }
    for fault in store_faults(&path.join(FILE)) {
        checks.push(Check::new(subject.as_str(), State::Bad, fault));
    }
    let running = if is_in_use(path) { Running::Yes } else { Running::No };
    if !checks.iter().any(|check| check.subject == subject) {
        let found = match running {
            Running::Yes => "private, and a gateway runs on it",
            Running::No => "private; no gateway runs on it",
        };
        checks.push(Check::fine(subject, found));
    }
    running
}

/// What is wrong in the store's file, if it is there.
fn store_faults(file: &Path) -> Vec<String> {
    if !file.exists() {
        return Vec::new();
    }
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => match runtime.block_on(Store::examine(file)) {
            Ok(examination) => examination.faults,
            Err(error) => vec![error.to_string()],
        },
        Err(error) => vec![error.to_string()],
    }
}

fn unknown_format(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path.join(FORMAT_FILE)).ok()?;
    let known = text.trim().parse::<u32>().is_ok_and(|format| format <= FORMAT);
    (!known).then(|| format!("has the format `{}`, and this program knows {FORMAT}", text.trim()))
}
