//! An HTTP server that answers as a test's script says, and remembers what it was asked. It speaks just enough
//! HTTP/1.1, on threads, so that a test sees exactly the bytes of both sides.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Long enough for any machine; a test that gets here fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) verb: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(crate) fn method(&self) -> String {
        self.json()["method"].as_str().unwrap_or_default().to_owned()
    }
}

/// What the script answers.
pub(crate) enum Reply {
    /// A whole answer: status, more headers, type and body.
    Whole(u16, Vec<(&'static str, String)>, &'static str, String),
    /// An event stream: what the channel brings, until it closes.
    Stream(Receiver<String>),
}

impl Reply {
    pub(crate) fn json(body: impl Into<String>) -> Self {
        Self::Whole(200, Vec::new(), "application/json", body.into())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::Whole(status, Vec::new(), "text/plain", String::new())
    }

    /// An event stream that ends.
    pub(crate) fn events(events: &[&str]) -> Self {
        let (sender, receiver) = channel();
        events.iter().for_each(|event| sender.send((*event).to_owned()).unwrap());
        Self::Stream(receiver)
    }

    /// An event stream, and its other end.
    pub(crate) fn stream() -> (Sender<String>, Self) {
        let (sender, receiver) = channel();
        (sender, Self::Stream(receiver))
    }
}

type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

/// The server; its threads end with the test's process.
pub(crate) struct Scripted {
    address: SocketAddr,
    asked: Arc<(Mutex<Vec<Asked>>, Condvar)>,
}

impl Scripted {
    pub(crate) fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let (script, log): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                std::thread::spawn(move || serve(stream.unwrap(), &*script, &log));
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp/images", self.address)
    }

    /// Everything asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.0.lock().unwrap().clone()
    }

    /// Waits for a request that fits.
    pub(crate) fn wait_for(&self, what: &str, fits: impl Fn(&Asked) -> bool) -> Asked {
        let (asked, changed) = &*self.asked;
        let none = |asked: &mut Vec<Asked>| !asked.iter().any(&fits);
        let (asked, late) = changed.wait_timeout_while(asked.lock().unwrap(), PATIENCE, none).unwrap();
        assert!(!late.timed_out(), "no {what} among {asked:#?}");
        asked.iter().find(|asked| fits(asked)).cloned().unwrap()
    }
}

fn serve(stream: TcpStream, script: &Script, log: &(Mutex<Vec<Asked>>, Condvar)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(asked) = read(&mut reader) {
        log.0.lock().unwrap().push(asked.clone());
        log.1.notify_all();
        // A client that went away ends the connection.
        if write(&mut writer, script(&asked)).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (verb, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { verb, path, headers, body: String::from_utf8(body).unwrap() })
}

fn write(writer: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    match reply {
        Reply::Whole(status, headers, kind, body) => {
            let headers: String =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let length = body.len();
            write!(
                writer,
                "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
            )
        }
        Reply::Stream(events) => {
            write!(
                writer,
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )?;
            for event in events {
                write!(writer, "{:x}\r\n{event}\r\n", event.len())?;
                writer.flush()?;
            }
            write!(writer, "0\r\n\r\n")
        }
    }
}
