//! The client's two pipes, on threads of their own so that neither can hold up the other.

use std::io::{BufRead as _, Read as _, Write as _};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// The longest line of a client that is carried.
const MAX_LINE: u64 = 256 << 20;
/// Lines that wait in each direction.
const WAITING: usize = 64;

/// The client's lines, without their line feeds; ends with the client's output.
pub(crate) type Input = mpsc::Receiver<Vec<u8>>;

enum Order {
    Write(Vec<u8>),
    Finish(oneshot::Sender<()>),
}

/// Lines for the client.
#[derive(Clone)]
pub(crate) struct Output {
    orders: mpsc::Sender<Order>,
    broken: CancellationToken,
}

/// Starts reading standard input.
pub(crate) fn standard_input() -> std::io::Result<Input> {
    let (lines, input) = mpsc::channel(WAITING);
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut stdin = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let read = stdin.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
            let whole = line.pop_if(|last| *last == b'\n').is_some();
            // Without its end, a line of that length is none; a last line may lack it.
            if !matches!(read, Ok(1..)) || (!whole && line.len() as u64 >= MAX_LINE) {
                return;
            }
            if !line.trim_ascii().is_empty() && lines.blocking_send(line).is_err() {
                return;
            }
        }
    })?;
    Ok(input)
}

/// Starts writing to standard output.
pub(crate) fn standard_output() -> std::io::Result<Output> {
    let (orders, mut queue) = mpsc::channel(WAITING);
    let broken = CancellationToken::new();
    let output = Output { orders, broken: broken.clone() };
    std::thread::Builder::new().name("stdout".to_owned()).spawn(move || {
        let mut stdout = std::io::stdout().lock();
        while let Some(order) = queue.blocking_recv() {
            match order {
                Order::Write(line) => {
                    if stdout.write_all(&line).and_then(|()| stdout.flush()).is_err() {
                        broken.cancel();
                        return;
                    }
                }
                // Whoever asked may have stopped waiting.
                Order::Finish(done) => return done.send(()).unwrap_or_default(),
            }
        }
    })?;
    Ok(output)
}

impl Output {
    /// Writes a message as one line: line breaks between its tokens become spaces, and within a JSON string
    /// there can be none.
    pub(super) async fn write(&self, mut message: Vec<u8>) {
        for byte in &mut message {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        message.push(b'\n');
        // A client that reads no more is told of by `closed`.
        self.orders.send(Order::Write(message)).await.unwrap_or_default();
    }

    /// Waits until the client reads no more.
    pub(super) async fn closed(&self) {
        self.broken.cancelled().await;
    }

    /// Waits until everything is written.
    pub(super) async fn finish(&self) {
        let (done, written) = oneshot::channel();
        if self.orders.send(Order::Finish(done)).await.is_ok() {
            drop(written.await);
        }
    }
}

/// Waits for a signal to stop.
pub(super) async fn interrupted() {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
        // Without a handler the system's own way of stopping is in force.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
