//! The operating system's side of a server: a process group of its own, started without a shell,
//! signalled and reaped whole.

use std::io;
use std::process::Stdio;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};

use crate::stdio::fault::Exit;
use crate::stdio::spec::{ChildSpec, SpawnError};

/// A started process that leads its own group. Dropping it kills the group.
#[derive(Debug)]
pub(crate) struct Process {
    /// Dropped first: dropping the leader may reap it.
    group: Group,
    child: Child,
    child_signals: SignalStream,
}

/// The standard streams of a process.
#[derive(Debug)]
pub(crate) struct Pipes {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    pub(crate) stderr: ChildStderr,
}

/// The group that a process leads.
///
/// INVARIANT: its number names no other group as long as the leader is not reaped, so that it is
/// signalled only while the leader runs or is a zombie.
#[derive(Debug)]
struct Group(Option<Pid>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            // The group may be gone already, which is what the signal was for.
            rustix::process::kill_process_group(pid, signal).ok();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

impl Process {
    /// Starts the command. Must be called within a Tokio runtime.
    pub(crate) fn start(spec: &ChildSpec) -> Result<(Self, Pipes), SpawnError> {
        let program = spec.executable()?;
        let mut command = Command::new(&program);
        command
            .args(&spec.args)
            .env_clear()
            .envs(spec.environment()?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(directory) = &spec.directory {
            command.current_dir(directory);
        }
        Self::launch(command).map_err(|source| {
            let program = program.display().to_string();
            SpawnError::Refused { program, source }
        })
    }

    fn launch(mut command: Command) -> io::Result<(Self, Pipes)> {
        tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        // Listening begins before the start, or a process that ends at once would go unnoticed.
        let child_signals = signal(SignalKind::child())?;
        let mut child = command.spawn()?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let group = Group(pid);
        let pipes = child.stdin.take().zip(child.stdout.take()).zip(child.stderr.take());
        let ((stdin, stdout), stderr) = pipes.ok_or_else(|| io::Error::other("no pipe to the process"))?;
        Ok((Self { group, child, child_signals }, Pipes { stdin, stdout, stderr }))
    }

    /// The process id, also the number of its group.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Waits until the process has ended, and leaves it a zombie. Safe to cancel.
    pub(crate) async fn ended(&mut self) {
        while !self.has_ended() {
            if self.child_signals.recv().await.is_none() {
                return;
            }
        }
    }

    /// Signals the process and all that it started in its group.
    pub(crate) fn signal(&self, signal: Signal) {
        self.group.signal(signal);
    }

    /// Kills what is left of the group and collects the leader's status.
    pub(crate) async fn reap(mut self) -> Exit {
        self.group.signal(Signal::KILL);
        self.group.0 = None;
        self.child.wait().await.map_or(Exit::Unknown, Exit::from)
    }

    fn has_ended(&self) -> bool {
        let Some(pid) = self.group.0 else { return true };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match rustix::process::waitid(WaitId::Pid(pid), options) {
            Ok(status) => status.is_some(),
            // No such child: somebody else reaped it.
            Err(_) => true,
        }
    }
}
