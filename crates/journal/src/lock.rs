//! A lock on a file or folder that is given back the moment its holder is done with it.

use std::fs::{File, TryLockError};

/// Holds an exclusive lock until dropped.
///
/// Closing the file alone would not do: a process that is being started by another thread shares the open file
/// until it runs its own program, and with it the lock.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Takes the lock on what `file` is.
    ///
    /// # Errors
    ///
    /// Another holds it, or the system refuses.
    pub fn take(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What cannot be given back here goes with the file a moment later.
        self.0.unlock().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_holder_though_the_file_is_still_open_elsewhere() {
        let file = tempfile::tempfile().unwrap();
        let elsewhere = file.try_clone().unwrap();
        let lock = Lock::take(file).unwrap();
        drop(lock);
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&elsewhere));
        assert!(Lock::take(File::open(path).unwrap()).is_ok());
    }
}
