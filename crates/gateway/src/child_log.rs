//! What children print: redacted, kept in a file for `toolgate logs`, bounded on disk.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use toolgate_mcp::stdio::logs::{LogSink, Source};

/// Bytes at which a file is put aside as `NAME.log.1`, in place of the one before.
const FULL: u64 = 8 << 20;
/// Shorter values are words that happen to be configured, not secrets.
const SHORTEST_SECRET: usize = 6;
/// What stands in place of a secret.
const REDACTED: &str = "[redacted]";

/// The sink for one server's children: lines go to `NAME.log` in `folder`, without the values of `env`.
#[must_use]
pub(crate) fn sink(folder: &Path, server: &str, env: &[(String, String)]) -> LogSink {
    let secrets: Vec<String> =
        env.iter().map(|(_, value)| value.clone()).filter(|v| v.len() >= SHORTEST_SECRET).collect();
    let file = Mutex::new(LogFile { path: folder.join(format!("{server}.log")), open: None });
    LogSink {
        redact: Arc::new(move |line| redact(line, &secrets)),
        on_line: Some(Arc::new(move |source, line| {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.append(source, line) {
                tracing::debug!(path = %file.path.display(), %error, "a line of a server's log is lost");
            }
        })),
    }
}

/// Replaces configured secrets and whatever follows `Bearer`, and makes control characters visible.
fn redact(line: &str, secrets: &[String]) -> String {
    let hidden = secrets.iter().fold(line.to_owned(), |text, secret| text.replace(secret.as_str(), REDACTED));
    let visible: String =
        hidden.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
    match visible.split_once("Bearer ") {
        None => visible,
        Some((before, after)) => {
            let rest = after.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
            format!("{before}Bearer {REDACTED} {rest}").trim_end().to_owned()
        }
    }
}

#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    open: Option<(File, u64)>,
}

impl LogFile {
    fn append(&mut self, source: Source, line: &str) -> std::io::Result<()> {
        if self.open.as_ref().is_some_and(|(_, length)| *length >= FULL) {
            self.open = None;
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
        }
        let (file, length) = match &mut self.open {
            Some(open) => open,
            closed => {
                let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?;
                let length = file.metadata()?.len();
                closed.insert((file, length))
            }
        };
        let mark = if source == Source::Stdout { "stdout: " } else { "" };
        let text = format!("{mark}{line}\n");
        *length += text.len() as u64;
        file.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_reach_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let env = [("TOKEN".to_owned(), "s3cr3t-value".to_owned()), ("N".to_owned(), "1".to_owned())];
        let sink = sink(folder.path(), "x", &env);
        for line in ["1 try with s3cr3t-value", "Authorization: Bearer abc.def trailing", "\u{1b}[31mred"] {
            let line = (sink.redact)(line);
            (sink.on_line.as_ref().unwrap())(Source::Stderr, &line);
        }
        let text = std::fs::read_to_string(folder.path().join("x.log")).unwrap();
        let expected = "1 try with [redacted]\nAuthorization: Bearer [redacted] trailing\n\u{fffd}[31mred\n";
        assert_eq!(text, expected);
    }
}
