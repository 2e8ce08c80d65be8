//! Takes back what the last run did: each file that is still as the run left it gets its old bytes, its grant is
//! revoked, and servers and policies that nobody changed or uses are removed.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use toolgate_clients::{Held, hold, replace};
use toolgate_store::{Change, FileNames, Store, StoreError};

use super::Arguments;
use super::apply::shown;
use super::record::{Changed, Run, fingerprint};
use crate::answer::{Answer, Done, Failure};
use crate::shell::{Shell, Tone};
use crate::store::{AUTHOR, must_exist, with_store};

/// What became of one file.
enum Fate {
    /// It is to get its old bytes.
    Restore(Held),
    /// It has them.
    Already,
    /// It is left, for this reason.
    Left(String),
}

/// What was done.
#[derive(Default)]
struct Report {
    restored: Vec<PathBuf>,
    left: Vec<(PathBuf, String)>,
    kept: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, now: i64, shell: &mut Shell) -> Done {
    let directory = arguments.data_dir.existing(&shell.environment)?;
    let Some(mut run) = Run::latest(&directory)? else {
        let directory = directory.display();
        return Err(Failure::no(format_args!(
            "`{directory}` keeps no run of `toolgate init` that could be taken back"
        )));
    };
    let mut report = Report::default();
    if arguments.dry_run {
        for changed in &run.record.files {
            match fate(changed, arguments.force) {
                Fate::Restore(_) => report.restored.push(changed.path.clone()),
                Fate::Already => {}
                Fate::Left(why) => report.left.push((changed.path.clone(), why)),
            }
        }
        return tell(arguments, &report, shell);
    }
    must_exist(&directory)?;
    let released = restore(&mut run, arguments.force, &mut report)?;
    let names = FileNames::default();
    let change = Change::new(AUTHOR, now, &names);
    let all = report.left.is_empty();
    with_store(&directory, async |store| {
        for label in &released {
            absent_is_fine(store.grants().revoke(label, &change).await)?;
        }
        if all { remove(&run, store, &change, &mut report.kept).await } else { Ok(()) }
    })?;
    run.record.files.retain(|changed| !released.contains(&changed.grant));
    if all {
        remove_config(&run, &mut report.kept)?;
        // What was put aside by --force is kept.
        if arguments.force { run.close()? } else { run.forget()? }
    } else {
        run.save()?;
    }
    tell(arguments, &report, shell)
}

/// Restores the files; the labels of the grants that are no longer needed.
fn restore(run: &mut Run, force: bool, report: &mut Report) -> Result<Vec<String>, Failure> {
    let mut released = Vec::new();
    for changed in run.record.files.iter().rev() {
        match fate(changed, force) {
            Fate::Restore(held) => {
                let bytes = run.kept(&changed.backup)?;
                if !held.text().is_ok_and(|text| fingerprint(text) == changed.after) {
                    run.keep(&format!("{}.replaced", changed.backup), &held.bytes)?;
                }
                match replace(&held, &bytes) {
                    Ok(()) => report.restored.push(changed.path.clone()),
                    Err(error) => {
                        report.left.push((changed.path.clone(), error.to_string()));
                        continue;
                    }
                }
            }
            Fate::Already => {}
            Fate::Left(why) => {
                let backup = shown(&run.folder.join(&changed.backup));
                report.left.push((changed.path.clone(), format!("{why}; its backup is {backup}")));
                continue;
            }
        }
        released.push(changed.grant.clone());
    }
    Ok(released)
}

fn fate(changed: &Changed, force: bool) -> Fate {
    let held = match hold(&changed.path, None) {
        Ok(held) => held,
        Err(error) => return Fate::Left(error.to_string()),
    };
    if held.real != changed.real {
        return Fate::Left("it is a link to another place by now".to_owned());
    }
    let present = held.text().map(fingerprint).unwrap_or_default();
    if present == changed.before {
        Fate::Already
    } else if present == changed.after || force {
        Fate::Restore(held)
    } else {
        Fate::Left("it was changed since: take the changes out, or give --force".to_owned())
    }
}

/// Removes the servers and policies of the run that are still as it made them.
async fn remove(
    run: &Run,
    store: &Store,
    change: &Change<'_>,
    kept: &mut Vec<String>,
) -> Result<(), StoreError> {
    for made in &run.record.servers {
        let removed = store.servers().remove(&made.name, &change.if_revision(made.revision)).await;
        note_kept(removed, kept)?;
    }
    for made in &run.record.policies {
        let removed = store.policies().remove(&made.name, &change.if_revision(made.revision)).await;
        note_kept(removed, kept)?;
    }
    Ok(())
}

/// What somebody changed or uses stays, and is told.
fn note_kept(removed: Result<(), StoreError>, kept: &mut Vec<String>) -> Result<(), StoreError> {
    match removed {
        Err(error @ (StoreError::InUse { .. } | StoreError::Conflict { .. })) => {
            kept.push(error.to_string());
            Ok(())
        }
        other => absent_is_fine(other),
    }
}

fn absent_is_fine(done: Result<(), StoreError>) -> Result<(), StoreError> {
    match done {
        Err(StoreError::NotFound { .. }) => Ok(()),
        other => other,
    }
}

fn remove_config(run: &Run, kept: &mut Vec<String>) -> Result<(), Failure> {
    let Some((path, after)) = &run.record.config else { return Ok(()) };
    match fs::read_to_string(path) {
        Ok(text) if fingerprint(&text) == *after => fs::remove_file(path)?,
        Ok(_) => kept.push(format!("the config file `{}` was changed since", shown(path))),
        Err(_) => {}
    }
    Ok(())
}

fn tell(arguments: &Arguments, report: &Report, shell: &mut Shell) -> Done {
    let answer = if report.left.is_empty() { Answer::Yes } else { Answer::No };
    if arguments.json {
        let left = |(path, why): &(PathBuf, String)| json!({ "path": path, "reason": why });
        let left: Vec<_> = report.left.iter().map(left).collect();
        shell.json(&json!({
            "dry_run": arguments.dry_run, "restored": report.restored, "left": left, "kept": report.kept,
        }))?;
        return Ok(answer);
    }
    let verb = if arguments.dry_run { "would be restored" } else { "is restored" };
    for path in &report.restored {
        shell.line(format_args!("{} {verb}", shown(path)))?;
    }
    for (path, why) in &report.left {
        let label = shell.toned(Tone::Bad, "left");
        shell.line(format_args!("{label}: {}: {why}", shown(path)))?;
    }
    for kept in &report.kept {
        shell.line(format_args!("kept: {kept}"))?;
    }
    if report.left.is_empty() && !arguments.dry_run {
        shell.line("All that the last run did is taken back. Start your clients anew.")?;
    }
    Ok(answer)
}
