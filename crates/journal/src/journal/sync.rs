//! The thread that syncs the journal with [`crate::Durability::Power`]: one `fdatasync` for all records
//! written while the one before it ran (group commit).

use std::sync::{Arc, PoisonError};

use crate::journal::Shared;
use crate::store::unsynced::SyncJob;
use crate::store::writer::SyncState;

/// Called on the syncing thread after each sync, outside all locks.
pub type OnSynced = Box<dyn Fn(SyncState) + Send + Sync>;

/// What the thread has to do next.
enum Work {
    Sync(SyncJob),
    Announce(SyncState),
    End,
}

/// Runs until the journal is dropped and all that can be synced is.
pub(crate) fn run(shared: &Arc<Shared>, on_synced: Option<&OnSynced>) {
    let mut announced = SyncState::default();
    loop {
        match wait_for_work(shared, announced) {
            Work::End => return,
            Work::Announce(state) => {
                announced = state;
                shared.synced.notify_all();
                if let Some(on_synced) = on_synced {
                    on_synced(state);
                }
            }
            Work::Sync(job) => {
                let result = job.file.sync();
                let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.writer.finish_sync(&job, &result);
                if let Err(error) = &result {
                    state.fail(error);
                }
                shared.publish(&state);
            }
        }
    }
}

fn wait_for_work(shared: &Shared, announced: SyncState) -> Work {
    let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let progress = state.writer.sync_state();
        if progress != announced {
            return Work::Announce(progress);
        }
        if let Some(job) = state.writer.sync_job() {
            return Work::Sync(job);
        }
        if shared.is_ending() {
            return Work::End;
        }
        state = shared.written.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}
