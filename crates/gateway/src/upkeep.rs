//! What goes on beside requests: writing what waits, trying again, checkpoints, ends that are due.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::nanos;
use crate::gateway::Gateway;
use crate::recovery;
use crate::upstream::{AGE, Leg};

/// How often outcomes that wait are written.
const FLUSH: Duration = Duration::from_millis(100);
/// How often what is due is looked for; ends of grants act within a second.
const ROUND: Duration = Duration::from_millis(500);
/// Rounds of the journal's thread between checkpoints of the counters: ten seconds.
const CHECKPOINT_ROUNDS: u64 = 100;
/// A session with a child of its own ends after this long without use.
const CHILD_IDLE: Duration = Duration::from_secs(600);
/// Any other session ends after this long without use.
const WEB_IDLE: Duration = Duration::from_secs(3600);

/// The thread that keeps the journal: writing must not wait for requests, nor they for a slow disk's sync.
#[derive(Debug)]
pub(crate) struct JournalKeeper {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl JournalKeeper {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The system has no thread left.
    pub(crate) fn start(gateway: Arc<Gateway>, data_dir: PathBuf) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || {
            let mut checkpointed = 0;
            for round in 1_u64.. {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                std::thread::park_timeout(FLUSH);
                keep(&gateway, round);
                if round.is_multiple_of(CHECKPOINT_ROUNDS) && gateway.journal.healthy() {
                    let (now, counters) = (gateway.clock.now(), &gateway.counters);
                    match recovery::checkpoint(&data_dir, &gateway.journal, counters, now, checkpointed) {
                        Ok(sequence) => checkpointed = sequence,
                        Err(error) => tracing::warn!(%error, "the counters' checkpoint was not written"),
                    }
                }
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends the thread.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        if self.thread.join().is_err() {
            tracing::error!("the journal's thread had failed");
        }
    }
}

fn keep(gateway: &Gateway, round: u64) {
    let journal = &gateway.journal;
    let every_second = round.is_multiple_of(10);
    let now = gateway.clock.now().wall;
    let healthy = journal.healthy();
    let kept = if !healthy {
        if every_second && journal.retry(now) {
            tracing::info!("the journal can be written again");
        }
        Ok(())
    } else if every_second {
        gateway.flush_refused();
        journal.tick(now).map_err(|e| e.to_string())
    } else {
        journal.flush().map_err(|e| e.to_string())
    };
    if let Err(error) = kept {
        tracing::error!(%error, "the journal's upkeep failed; calls are refused while it cannot be written");
    }
    gateway.metrics.journal_healthy.set(i64::from(journal.healthy()));
}

/// Ends what is due, until the gateway stops: tokens, sessions, tasks, counters nobody uses.
pub(crate) async fn rounds(gateway: Arc<Gateway>) {
    let mut round = 0_u64;
    loop {
        tokio::select! {
            () = gateway.stop.cancelled() => return,
            () = tokio::time::sleep(ROUND) => {}
        }
        round += 1;
        let now = gateway.clock.now();
        let snapshot = gateway.snapshot.load_full();
        for label in snapshot.end_lives(&snapshot, now.wall) {
            tracing::info!(grant = label, "a token of the grant has ended; its streams are cut");
        }
        let idle_for = |leg: &Leg| match leg {
            Leg::Child { own: true, .. } => nanos(CHILD_IDLE),
            Leg::Child { .. } | Leg::Web { .. } => nanos(WEB_IDLE),
        };
        let idle = gateway.sessions.remove_where(|s| s.idle(now.mono).is_some_and(|i| i >= idle_for(&s.leg)));
        for session in idle {
            gateway.end_session(session);
        }
        gateway.task_ids.expire(now.mono);
        gateway.metrics.sessions.set(i64::try_from(gateway.sessions.count()).unwrap_or(i64::MAX));
        if u128::from(round).is_multiple_of(AGE.as_millis() / ROUND.as_millis()) {
            snapshot.servers.values().for_each(|server| server.age());
        }
        if round.is_multiple_of(20) {
            gateway.counters.sweep(now);
        }
    }
}
