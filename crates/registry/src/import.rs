//! Reading a dump into the catalogue: one thread reads, several judge, one writes, and never is more in memory than a
//! few parcels and a batch. The position is stored with each batch, so that an import that was killed goes on there.

use std::collections::BTreeMap;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::UNIX_EPOCH;

use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

use crate::entry::Entry;
use crate::error::{CatalogError, ImportError};
use crate::pieces::{Parcel, Pieces, PiecesError};
use crate::read;
use crate::writer::{Position, Tally, Writer};

/// Entries of a transaction.
const BATCH: usize = 5000;
/// Problems that are told with their lines.
const TOLD: usize = 10;

/// What an import did, and how far it is while it runs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// The file or registry.
    pub source: String,
    /// Lines or items that were read in this run.
    pub read: u64,
    /// What became of entries.
    #[serde(flatten)]
    pub tally: Tally,
    /// Lines or items that are no entries.
    pub bad: u64,
    /// The first of them.
    pub problems: Vec<LineProblem>,
    /// The line or item behind which this run went on where an earlier one was broken off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed_after: Option<u64>,
    /// Bytes (or items) of the source that are stored.
    pub position: u64,
    /// Bytes of the source; 0 where that is not known.
    pub length: u64,
    /// Whether the source was read to its end.
    pub complete: bool,
}

/// A line or item that is no entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineProblem {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong.
    pub problem: String,
}

impl Summary {
    /// Adds what is no entry; the first ones are told.
    pub(crate) fn problem(&mut self, line: u64, problem: String) {
        self.bad += 1;
        if self.problems.len() < TOLD {
            self.problems.push(LineProblem { line, problem });
        }
    }
}

/// Where a dump is.
#[derive(Clone, Debug)]
pub enum Dump {
    /// A file: lines of JSON, or one JSON document with a list.
    File(PathBuf),
    /// Standard input: lines of JSON. It cannot be gone on with.
    Stdin,
}

/// How a dump is read.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The data directory.
    pub data_directory: PathBuf,
    /// Whose tools are meant where lines do not say.
    pub server: Option<String>,
    /// Threads that judge; 0 is one per core.
    pub threads: usize,
    /// Wall time, microseconds since 1970.
    pub now: i64,
}

/// Reads a dump to its end. `told` is told of each batch that is stored.
///
/// # Errors
///
/// The source cannot be read or the catalogue cannot be written. Lines that are no entries are no error.
pub fn import(
    dump: &Dump,
    options: &ImportOptions,
    told: &mut dyn FnMut(&Summary),
) -> Result<Summary, ImportError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ImportError::Broken(error.to_string()))?;
    let mut writer = runtime.block_on(open(&options.data_directory))?;
    let (mut position, length) = begin(dump, options)?;
    let before = runtime.block_on(writer.position(&position.place))?;
    let mut summary = Summary { source: position.place.clone(), length, ..Summary::default() };
    if let Some(before) = before.filter(|before| before.finished.is_none() && goes_on(before, &position)) {
        summary.resumed_after = Some(unsigned(before.line));
        position = before;
    }
    let from = (unsigned(position.position), unsigned(position.line));
    let pieces = match dump {
        Dump::File(path) => {
            Pieces::of_file(path, from).map_err(|error| cannot_read(&position.place, error))?
        }
        Dump::Stdin => Pieces::of_stream(BufReader::new(io::stdin())),
    };
    summary.position = from.0;
    told(&summary);
    let mut work = Work { runtime: &runtime, writer: &mut writer, position, summary, told };
    flow(pieces, options, &mut work)?;
    let Work { mut position, mut summary, .. } = work;
    position.finished = Some(options.now);
    summary.complete = true;
    runtime.block_on(async {
        writer.store(Vec::new(), Some(&position)).await?;
        if summary.tally.tools_added + summary.tally.servers_added > 0 {
            writer.settle().await?;
        }
        writer.close().await
    })?;
    Ok(summary)
}

/// Opens the catalogue for writing; a new one has its first entries.
pub(crate) async fn open(data_directory: &Path) -> Result<Writer, CatalogError> {
    let (mut writer, fresh) = Writer::open(data_directory).await?;
    if fresh {
        writer.store(crate::first::entries(), None).await?;
    }
    Ok(writer)
}

/// A number of the database, which has signed ones alone.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A number for the database.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The beginning of a dump, and its length.
fn begin(dump: &Dump, options: &ImportOptions) -> Result<(Position, u64), ImportError> {
    let mut position = Position { started: options.now, ..Position::default() };
    let Dump::File(path) = dump else {
        "-".clone_into(&mut position.place);
        return Ok((position, 0));
    };
    let failed = |source| ImportError::Read { place: path.display().to_string(), source };
    let whole = path.canonicalize().map_err(failed)?;
    let file = std::fs::metadata(&whole).map_err(failed)?;
    let changed = file.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    position.place = whole.display().to_string();
    position.identity = format!("{} {}", file.len(), changed.map_or(0, |time| time.as_nanos()));
    Ok((position, file.len()))
}

/// Whether an import that was broken off was of the same file.
fn goes_on(before: &Position, now: &Position) -> bool {
    !now.identity.is_empty() && before.identity == now.identity
}

fn cannot_read(place: &str, error: PiecesError) -> ImportError {
    let place = place.to_owned();
    match error {
        PiecesError::Read(source) => ImportError::Read { place, source },
        PiecesError::Form(why) => ImportError::Form { place, why },
    }
}

/// A parcel that was judged.
struct Judged {
    number: u64,
    entries: Vec<Entry>,
    problems: Vec<(u64, String)>,
    read: u64,
    position: u64,
    line: u64,
}

/// What the writing thread works with.
struct Work<'a> {
    runtime: &'a Runtime,
    writer: &'a mut Writer,
    position: Position,
    summary: Summary,
    told: &'a mut dyn FnMut(&Summary),
}

/// Lets the pieces flow through the threads, in order.
fn flow(mut pieces: Pieces, options: &ImportOptions, work: &mut Work<'_>) -> Result<(), ImportError> {
    let cores = thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let threads = if options.threads == 0 { cores } else { options.threads };
    let (to_judges, from_reader) = sync_channel::<Parcel>(threads);
    let (to_writer, from_judges) = sync_channel::<Judged>(threads * 2);
    let from_reader = Arc::new(Mutex::new(from_reader));
    let server = options.server.as_deref();
    thread::scope(|scope| {
        let reader = scope.spawn(move || -> io::Result<()> {
            while let Some(parcel) = pieces.next()? {
                // The others have ended: why, they tell.
                if to_judges.send(parcel).is_err() {
                    break;
                }
            }
            Ok(())
        });
        for _ in 0..threads {
            let (to_writer, from_reader) = (to_writer.clone(), Arc::clone(&from_reader));
            scope.spawn(move || judge_all(&from_reader, &to_writer, server));
        }
        // Whoever ends first lets the others end: nobody else holds their channels.
        drop((to_writer, from_reader));
        let written = write_all(from_judges, work);
        let place = work.position.place.clone();
        let read = if written.is_ok() { reader.join() } else { Ok(Ok(())) };
        written?;
        match read {
            Ok(done) => done.map_err(|source| ImportError::Read { place, source }),
            Err(_) => Err(ImportError::Broken("the reading thread ended without a word".to_owned())),
        }
    })
}

fn judge_all(parcels: &Mutex<Receiver<Parcel>>, to_writer: &SyncSender<Judged>, server: Option<&str>) {
    loop {
        let next = parcels.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(parcel) = next else { return };
        if to_writer.send(judge(parcel, server)).is_err() {
            return;
        }
    }
}

fn judge(parcel: Parcel, server: Option<&str>) -> Judged {
    let Parcel { number, pieces, position, line } = parcel;
    let read = pieces.len() as u64;
    let (mut entries, mut problems) = (Vec::with_capacity(pieces.len()), Vec::new());
    for (line, piece) in pieces {
        let entry = match piece {
            Some(text) => read::entry(text.trim_ascii(), server),
            None => Err(format!("longer than {} bytes", read::LONGEST)),
        };
        match entry {
            Ok(entry) => entries.push(entry),
            Err(problem) => problems.push((line, problem)),
        }
    }
    Judged { number, entries, problems, read, position, line }
}

/// Stores what was judged, in the order of the source.
fn write_all(judged: Receiver<Judged>, work: &mut Work<'_>) -> Result<(), ImportError> {
    let mut early: BTreeMap<u64, Judged> = BTreeMap::new();
    let (mut next, mut batch) = (0, Vec::new());
    for parcel in judged {
        early.insert(parcel.number, parcel);
        while let Some(parcel) = early.remove(&next) {
            next += 1;
            batch.extend(parcel.entries);
            work.summary.read += parcel.read;
            work.position.position = signed(parcel.position);
            work.position.line = signed(parcel.line);
            for (line, problem) in parcel.problems {
                work.summary.problem(line, problem);
            }
            if batch.len() >= BATCH {
                work.store(std::mem::take(&mut batch))?;
            }
        }
    }
    work.store(batch)
}

impl Work<'_> {
    fn store(&mut self, batch: Vec<Entry>) -> Result<(), ImportError> {
        let tally = self.runtime.block_on(self.writer.store(batch, Some(&self.position)))?;
        self.summary.tally.add(tally);
        self.summary.position = unsigned(self.position.position);
        (self.told)(&self.summary);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
