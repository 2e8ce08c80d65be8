//! A future that seldom has something to tell, within a task that is polled often: it is polled only when it
//! has been woken itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// The future, and the bell that it rings when it wants to be polled.
#[derive(Debug)]
pub(crate) struct Seldom<F> {
    future: Pin<Box<F>>,
    bell: Arc<Bell>,
    /// Whom the bell wakes now.
    task: Option<Waker>,
}

#[derive(Debug)]
struct Bell {
    rung: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // First the mark, then the task: whoever is polled for it finds it.
        self.rung.store(true, Ordering::Release);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl<F: Future> Seldom<F> {
    /// Holds a future that was not polled yet.
    pub(crate) fn new(future: F) -> Self {
        let bell = Bell { rung: AtomicBool::new(true), task: Mutex::new(None) };
        Self { future: Box::pin(future), bell: Arc::new(bell), task: None }
    }
}

impl<F: Future> Future for Seldom<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        if !self.task.as_ref().is_some_and(|task| task.will_wake(context.waker())) {
            self.task = Some(context.waker().clone());
            *self.bell.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        }
        if !self.bell.rung.load(Ordering::Acquire) || !self.bell.rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let bell = Waker::from(Arc::clone(&self.bell));
        self.future.as_mut().poll(&mut Context::from_waker(&bell))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use tokio::sync::oneshot;

    use super::*;

    /// Counts how often it is polled.
    struct Counted<F>(F, Arc<AtomicU32>);

    impl<F: Future + Unpin> Future for Counted<F> {
        type Output = F::Output;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
            self.1.fetch_add(1, Ordering::SeqCst);
            Pin::new(&mut self.0).poll(context)
        }
    }

    /// A task that counts how often it is woken.
    #[derive(Default)]
    struct Task(AtomicU32);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn polled_once_until_it_is_woken_and_rings_in_the_task_that_polled_last() {
        let (polls, first, last) =
            (Arc::new(AtomicU32::new(0)), Arc::<Task>::default(), Arc::<Task>::default());
        let (sender, receiver) = oneshot::channel();
        let mut seldom = Seldom::new(Counted(receiver, Arc::clone(&polls)));
        let mut poll = |task: &Arc<Task>| {
            let waker = Waker::from(Arc::clone(task));
            Pin::new(&mut seldom).poll(&mut Context::from_waker(&waker))
        };
        for _ in 0..100 {
            assert!(poll(&first).is_pending());
        }
        assert!(poll(&last).is_pending());
        assert_eq!(polls.load(Ordering::SeqCst), 1);
        sender.send(7).unwrap();
        assert_eq!((first.0.load(Ordering::SeqCst), last.0.load(Ordering::SeqCst)), (0, 1));
        assert_eq!(poll(&last), Poll::Ready(Ok(7)));
        assert_eq!(polls.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn woken_before_the_next_look_is_not_missed() {
        let (sender, receiver) = oneshot::channel();
        let mut seldom = Seldom::new(receiver);
        assert!(std::future::poll_fn(|c| Poll::Ready(Pin::new(&mut seldom).poll(c))).await.is_pending());
        sender.send(1).unwrap();
        assert_eq!(seldom.await, Ok(1));
    }
}
