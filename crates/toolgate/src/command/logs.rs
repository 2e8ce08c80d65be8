//! `toolgate logs`: what a stdio server wrote to its standard error; the gateway redacted it.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;

use crate::answer::{Answer, Done, Failure};
use crate::config::is_server_name;
use crate::data_dir;
use crate::shell::Shell;

/// How long to wait before looking for new lines.
const PAUSE: Duration = Duration::from_millis(200);
/// Bytes at the end of the file among which the latest lines are looked for.
const TAIL: u64 = 4 << 20;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Name of the server
    server: String,
    /// Go on with what is appended, until interrupted
    #[arg(short, long)]
    follow: bool,
    /// How many of the latest lines to begin with
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    lines: usize,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let server = &arguments.server;
    if !is_server_name(server) {
        return Err(Failure::usage(format_args!("`{server}` is no name for a server")));
    }
    let path = arguments.data_dir.existing(&shell.environment)?.join("logs").join(format!("{server}.log"));
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let path = path.display();
            return Err(Failure::no(format_args!(
                "there is no `{path}`: no child of `{server}` has written to its standard error yet"
            )));
        }
        Err(error) => return Err(Failure::unreachable(anyhow!("cannot read `{}`: {error}", path.display()))),
    };
    for line in latest(&mut file, arguments.lines)? {
        shell.out.write_all(&line)?;
    }
    if !arguments.follow {
        return Ok(Answer::Yes);
    }
    loop {
        io::copy(&mut file, &mut shell.out)?;
        shell.out.flush()?;
        std::thread::sleep(PAUSE);
        if let Some(newer) = replaced(&file, &path)? {
            io::copy(&mut file, &mut shell.out)?;
            file = newer;
        }
    }
}

/// The last lines of a file, which is left at its end.
fn latest(file: &mut File, count: usize) -> io::Result<Vec<Vec<u8>>> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut reader = BufReader::new(file.by_ref().take(length - start));
    if start > 0 {
        reader.skip_until(b'\n')?;
    }
    let mut lines = std::collections::VecDeque::new();
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        lines.push_back(line);
        if lines.len() > count {
            lines.pop_front();
        }
    }
    Ok(lines.into())
}

/// The file that stands at the path now, if it is another or begins anew.
fn replaced(file: &File, path: &Path) -> io::Result<Option<File>> {
    let newer = match File::open(path) {
        Ok(newer) => newer,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let same = newer.metadata()?.ino() == file.metadata()?.ino();
    Ok(if same { None } else { Some(newer) })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_latest_lines_are_found() {
        let mut file = tempfile::tempfile().unwrap();
        for number in 0..100 {
            writeln!(file, "line {number}").unwrap();
        }
        write!(file, "torn").unwrap();
        let text = |lines: Vec<Vec<u8>>| String::from_utf8(lines.concat()).unwrap();
        assert_eq!(text(latest(&mut file, 2).unwrap()), "line 99\ntorn");
        assert_eq!(latest(&mut file, 1_000).unwrap().len(), 101);
        assert!(latest(&mut file, 0).unwrap().is_empty());
    }
}
