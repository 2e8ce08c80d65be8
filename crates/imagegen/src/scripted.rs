//! A vendor for tests: answers each request by a script and remembers what it was asked, and when.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Method and path.
    pub(crate) line: String,
    /// In lower case, without the first line.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Instant,
}

/// What a request is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Status, headers and body.
    Http(u16, &'static str, Vec<u8>),
    /// The connection is closed without an answer.
    Break,
    /// A body without an end.
    Endless,
    /// The same, later.
    After(Duration, Box<Reply>),
}

pub(crate) struct Scripted {
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    tasks: TaskTracker,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::Http(status, "content-type: application/json\r\n", body.to_string().into_bytes())
    }

    pub(crate) fn after(self, pause: Duration) -> Self {
        Self::After(pause, Box::new(self))
    }
}

impl Scripted {
    /// Answers the n-th request, counted from 0, by `script`.
    pub(crate) async fn start(script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, tasks) = (Arc::new(script), TaskTracker::new());
        let serving = {
            let (seen, tasks) = (Arc::clone(&seen), tasks.clone());
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                    tasks.spawn(async move { drop(serve(stream, &seen, &*script).await) });
                }
            }
        };
        tasks.spawn(serving);
        Self { base, seen, tasks }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Method and path of each request.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    pub(crate) fn port(&self) -> u16 {
        self.base.rsplit(':').next().unwrap().parse().unwrap()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.tasks.close();
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Seen>>,
    script: &(impl Fn(usize, &Seen) -> Reply + Sync),
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let (first, head) = text.split_once("\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    let length: usize = length.unwrap_or(0);
    while bytes.len() < head_end + length {
        stream.read_buf(&mut bytes).await?;
    }
    let line = first.rsplit_once(' ').unwrap().0.to_owned();
    let request = Seen { line, head, body: bytes[head_end..].to_vec(), at: Instant::now() };
    let reply = {
        let mut all = seen.lock().unwrap();
        all.push(request.clone());
        script(all.len() - 1, &request)
    };
    answer(&mut stream, reply).await
}

async fn answer(stream: &mut TcpStream, mut reply: Reply) -> std::io::Result<()> {
    while let Reply::After(pause, later) = reply {
        tokio::time::sleep(pause).await;
        reply = *later;
    }
    match reply {
        Reply::Break | Reply::After(..) => {}
        Reply::Http(status, headers, body) => {
            let head = format!(
                "HTTP/1.1 {status} Said\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
        }
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await?;
            loop {
                stream.write_all(&[0; 16 * 1024]).await?;
            }
        }
    }
    stream.shutdown().await
}
