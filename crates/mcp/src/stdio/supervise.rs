//! The tasks that keep a server: one writes to it, two read from it, one sees it to its end.

use std::sync::Arc;

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::stdio::event::Event;
use crate::stdio::exchange::Written;
use crate::stdio::fault::{Exit, Fault};
use crate::stdio::leg::Leg;
use crate::stdio::line::{Line, LineSplitter};
use crate::stdio::logs::Logs;
use crate::stdio::outbox::Parcel;
use crate::stdio::process::{Pipes, Process};
use crate::stdio::route::Router;

/// Bytes that one reading takes at most: what a pipe holds.
const CHUNK: usize = 64 << 10;

/// The tasks around a process.
#[derive(Debug)]
struct Tasks {
    writer: JoinHandle<()>,
    stdout: JoinHandle<()>,
    stderr: JoinHandle<()>,
}

/// Starts all tasks of a server on the current runtime.
pub(crate) fn supervise(
    leg: &Arc<Leg>,
    process: Process,
    pipes: Pipes,
    events: mpsc::Sender<Event>,
    tracker: &TaskTracker,
) {
    let tasks = Tasks {
        writer: tracker.spawn(write(pipes.stdin, Arc::clone(leg))),
        stdout: tracker.spawn(read_stdout(pipes.stdout, Arc::clone(leg), events)),
        stderr: tracker.spawn(read_stderr(pipes.stderr, Arc::clone(leg))),
    };
    tracker.spawn(keep(process, tasks, Arc::clone(leg)));
}

/// Sees the process to its end: by itself, or stopped when the leg closes.
async fn keep(mut process: Process, mut tasks: Tasks, leg: Arc<Leg>) {
    let asked = tokio::select! {
        () = process.ended() => false,
        () = leg.closing.cancelled() => true,
    };
    if asked {
        stop(&mut process, &tasks.writer, &leg).await;
    }
    let exit = process.reap().await;
    // What it wrote before it ended is still read; a process that left the group may hold the pipes.
    let drained = timeout(leg.limits.drain, async {
        (&mut tasks.stdout).await.ok();
        (&mut tasks.stderr).await.ok();
    });
    drained.await.ok();
    tasks.writer.abort();
    tasks.stdout.abort();
    tasks.stderr.abort();
    report(&leg, exit, asked);
    leg.finish(exit);
}

/// Closes the server's input, then terminates, then kills; each step waits for the one before.
async fn stop(process: &mut Process, writer: &JoinHandle<()>, leg: &Leg) {
    leg.close();
    if timeout(leg.limits.grace, process.ended()).await.is_ok() {
        return;
    }
    writer.abort();
    process.signal(Signal::TERM);
    if timeout(leg.limits.term, process.ended()).await.is_ok() {
        return;
    }
    tracing::warn!(server = leg.label, pid = leg.pid, "the server did not end when asked to and is killed");
    process.signal(Signal::KILL);
    process.ended().await;
}

fn report(leg: &Leg, exit: Exit, asked: bool) {
    let (server, pid) = (&leg.label, leg.pid);
    if asked {
        tracing::info!(server, pid, %exit, "the server was stopped");
    } else {
        tracing::warn!(server, pid, %exit, "the server ended by itself");
    }
}

/// Writes what callers send, one whole message after the other; closes the input at the end.
async fn write(mut stdin: ChildStdin, leg: Arc<Leg>) {
    while let Some(parcel) = leg.outbox.next().await {
        if !deliver(&mut stdin, &parcel, &leg).await {
            leg.clear_outbox(Fault::InputClosed);
            leg.closing.cancel();
            return;
        }
    }
}

/// Writes one message; false if the server takes no more.
async fn deliver(stdin: &mut ChildStdin, parcel: &Parcel, leg: &Leg) -> bool {
    let mut rest = parcel.line.as_slice();
    while !rest.is_empty() {
        let written = stdin.write(rest).await.unwrap_or_default();
        if written == 0 {
            break;
        }
        rest = rest.get(written..).unwrap_or_default();
    }
    let Some(ticket) = &parcel.ticket else { return rest.is_empty() };
    if rest.is_empty() {
        ticket.mailbox.mark(Written::Whole);
        return true;
    }
    if rest.len() == parcel.line.len() {
        ticket.mailbox.mark(Written::Nothing);
    }
    leg.fail(ticket.number, Fault::InputClosed);
    false
}

/// Reads messages. A server that closes its output can answer nothing more and is stopped.
async fn read_stdout(stdout: ChildStdout, leg: Arc<Leg>, events: mpsc::Sender<Event>) {
    let router = Router::new(Arc::clone(&leg), events);
    read_lines(stdout, leg.limits.line, |line| router.line(line)).await;
    leg.close();
}

async fn read_stderr(stderr: ChildStderr, leg: Arc<Leg>) {
    read_lines(stderr, Logs::line_cap(), |line| leg.logs.stderr(line)).await;
}

async fn read_lines(mut from: impl AsyncRead + Unpin, cap: usize, mut sink: impl FnMut(&Line<'_>)) {
    let mut splitter = LineSplitter::new(cap);
    let mut chunk = vec![0; CHUNK];
    loop {
        // An error means that nothing more can be read, as the end does.
        let count = from.read(&mut chunk).await.unwrap_or_default();
        if count == 0 {
            break;
        }
        splitter.feed(chunk.get(..count).unwrap_or_default(), |line| sink(&line));
    }
    splitter.finish(|line| sink(&line));
}
