//! A disk that fails when told to: after so many bytes, at cutting, at syncing, or by being full.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use toolgate_journal::{Disk, LocalDisk, SegmentFile};

/// Shared by the disk and the test.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Bytes that can still be written; then writes fail, the last one after a part.
    pub(crate) budget: AtomicU64,
    pub(crate) fail_cut: AtomicBool,
    pub(crate) fail_create: AtomicBool,
    /// Syncs from this one on fail, and what was written since the last good one is lost.
    pub(crate) fail_sync_from: AtomicU64,
    /// Syncs from this one on succeed again, whatever was lost: as kernels do.
    pub(crate) good_sync_from: AtomicU64,
    pub(crate) free_bytes: AtomicU64,
    /// Syncs begun.
    pub(crate) syncs: AtomicU64,
    gate: Mutex<bool>,
    /// The gate was opened or closed, or a sync was begun.
    changed: Condvar,
}

impl Faults {
    pub(crate) fn none() -> Arc<Faults> {
        Arc::new(Faults {
            budget: AtomicU64::new(u64::MAX),
            fail_cut: AtomicBool::new(false),
            fail_create: AtomicBool::new(false),
            fail_sync_from: AtomicU64::new(u64::MAX),
            good_sync_from: AtomicU64::new(u64::MAX),
            free_bytes: AtomicU64::new(u64::MAX),
            syncs: AtomicU64::new(0),
            gate: Mutex::new(true),
            changed: Condvar::new(),
        })
    }

    /// Lets syncs pass, or makes them wait.
    pub(crate) fn set_gate(&self, open: bool) {
        *self.gate.lock().unwrap() = open;
        self.changed.notify_all();
    }

    /// Waits until so many syncs were begun.
    pub(crate) fn wait_for_sync(&self, number: u64) {
        let mut gate = self.gate.lock().unwrap();
        while self.syncs.load(Ordering::SeqCst) < number {
            gate = self.changed.wait(gate).unwrap();
        }
    }
}

#[derive(Debug)]
pub(crate) struct FailingDisk(pub(crate) Arc<Faults>);

impl FailingDisk {
    fn wrap(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        let file = File::options().read(true).write(true).open(path)?;
        let synced = Mutex::new(fs::read(path)?);
        Ok(Arc::new(FailingFile { file, path: path.to_owned(), faults: Arc::clone(&self.0), synced }))
    }
}

impl Disk for FailingDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        if self.0.fail_create.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        LocalDisk.create(path)?;
        self.wrap(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        self.wrap(path)
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        match self.0.free_bytes.load(Ordering::SeqCst) {
            0 => Err(io::Error::other("no figures")),
            free => Ok(free),
        }
    }
}

#[derive(Debug)]
struct FailingFile {
    file: File,
    path: PathBuf,
    faults: Arc<Faults>,
    /// What a loss of power would leave.
    synced: Mutex<Vec<u8>>,
}

impl SegmentFile for FailingFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let budget = self.faults.budget.load(Ordering::SeqCst);
        let most = usize::try_from(budget).unwrap_or(usize::MAX).min(bytes.len());
        if most == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let written = FileExt::write_at(&self.file, &bytes[..most], offset)?;
        if budget != u64::MAX {
            self.faults.budget.fetch_sub(written as u64, Ordering::SeqCst);
        }
        Ok(written)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        if self.faults.fail_cut.load(Ordering::SeqCst) {
            return Err(io::Error::other("cannot cut"));
        }
        self.file.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        let mut open = self.faults.gate.lock().unwrap();
        let number = self.faults.syncs.fetch_add(1, Ordering::SeqCst) + 1;
        self.faults.changed.notify_all();
        // What is written while a sync runs need not be covered by it.
        let written = fs::read(&self.path)?;
        while !*open {
            open = self.faults.changed.wait(open).unwrap();
        }
        drop(open);
        let mut synced = self.synced.lock().unwrap();
        let failing = self.faults.fail_sync_from.load(Ordering::SeqCst)
            ..self.faults.good_sync_from.load(Ordering::SeqCst);
        if failing.contains(&number) {
            fs::write(&self.path, &*synced).unwrap();
            return Err(io::Error::other("sync failed"));
        }
        *synced = written;
        Ok(())
    }
}
