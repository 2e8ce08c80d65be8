//! Locks as this crate takes them: what a thread that panicked has left is still whole, since every change
//! under a lock is one step.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock, whoever held it before.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
