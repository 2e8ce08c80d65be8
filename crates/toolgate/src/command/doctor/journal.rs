//! The end of the journal, and the clock against it. The whole of it is the business of `toolgate audit verify`.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use toolgate_journal::{Fault, Position, Records, Report, Verifier, public_key};

use super::store::Running;
use super::{Check, State};
use crate::config::unit;

const SUBJECT: &str = "journal";
/// 2026-01-01 and 2100-01-01, in microseconds: outside, the clock was never set.
const SANE: std::ops::Range<i64> = 1_767_225_600_000_000..4_102_444_800_000_000;
/// How far the last record may be ahead of the clock.
const AHEAD: i64 = 1_000_000;

pub(super) fn look(data_dir: &Path, (now, running): (i64, Running), checks: &mut Vec<Check>) {
    let segment = newest_segment(&data_dir.join("journal"));
    match segment {
        None => checks.push(Check::fine(SUBJECT, "not begun yet")),
        Some((name, first_seq)) => match verify(data_dir, &name, first_seq) {
            Ok(report) => checks.push(judge(&name, &report, running)),
            Err(error) => checks.push(Check::new(SUBJECT, State::Bad, format!("cannot be read: {error:#}"))),
        },
    }
    checks.push(clock(now, last_time(data_dir)));
}

/// Name and first record of the newest file.
fn newest_segment(folder: &Path) -> Option<(String, u64)> {
    let names =
        std::fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let numbered = names.filter_map(|name| {
        let first = name.strip_suffix(".jsonl").filter(|digits| digits.len() == 20)?.parse().ok()?;
        Some((name, first))
    });
    numbered.max_by_key(|(_, first)| *first)
}

fn verify(data_dir: &Path, name: &str, first_seq: u64) -> anyhow::Result<Report> {
    let file = File::open(data_dir.join("journal").join(name))?;
    let mut verifier = Verifier::new(public_key(data_dir)?);
    verifier.segment(name, first_seq, BufReader::with_capacity(256 << 10, file), Position::Last)?;
    Ok(verifier.finish(None))
}

fn judge(name: &str, report: &Report, running: Running) -> Check {
    let advice = "run `toolgate audit verify` to see how far the journal is good";
    match &report.fault {
        // The files before this one were not looked at.
        None | Some((_, Fault::NoBeginning { .. })) => {}
        Some((place, fault)) => {
            return Check::new(SUBJECT, State::Bad, format!("{place}: {fault}")).with_advice(advice);
        }
    }
    if report.torn_bytes > 0 && running == Running::No {
        let found =
            format!("the last line of `{name}` is torn ({} bytes): a crash in mid-write", report.torn_bytes);
        return Check::new(SUBJECT, State::Doubtful, found)
            .with_advice("the next start removes it, and says so");
    }
    let found = format!(
        "the newest file is intact, up to record {}; {} not yet signed",
        report.last_seq,
        report.unsigned_tail()
    );
    Check::fine(SUBJECT, found)
}

/// The wall time of the last record.
fn last_time(data_dir: &Path) -> Option<i64> {
    let mut records = Records::latest(data_dir, 1).ok()?;
    let record = records.next_record().ok()??;
    record.view().ok()?.ts_micros()
}

fn clock(now: i64, last: Option<i64>) -> Check {
    let shown = unit::show_time(now);
    if !SANE.contains(&now) {
        let found = format!("says {shown}, which cannot be");
        return Check::new("clock", State::Bad, found).with_advice("set it: expiries of grants depend on it");
    }
    match last.filter(|last| *last > now + AHEAD) {
        Some(last) => {
            let found =
                format!("says {shown}, and the journal's last record is of {}", unit::show_time(last));
            let advice =
                "set the clock; until it has caught up, what the journal counted last counts as of now";
            Check::new("clock", State::Doubtful, found).with_advice(advice)
        }
        None => Check::fine("clock", shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_held_against_the_journal() {
        let now = SANE.start + 5;
        assert_eq!(clock(now, None).state, State::Fine);
        assert_eq!(clock(now, Some(now + AHEAD)).state, State::Fine);
        assert_eq!(clock(now, Some(now + AHEAD + 1)).state, State::Doubtful);
        assert_eq!(clock(0, None).state, State::Bad);
    }
}
