//! What is started and within which bounds: the command, its exact environment, the limits.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

/// The variables that a server gets from the gateway's environment; nothing else is passed on.
const PASSED: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

/// A server to start. Its command comes from the operator's configuration, never from a request.
#[derive(Clone)]
pub struct ChildSpec {
    /// A path, or a name that is looked up in the `PATH` of `base_env`.
    pub program: PathBuf,
    /// The arguments, as they are: there is no shell.
    pub args: Vec<String>,
    /// Variables that the configuration gives to the server; they win over `base_env`.
    pub env: Vec<(String, String)>,
    /// The gateway's own environment, of which `PATH`, `HOME`, `LANG` and `TMPDIR` are passed on.
    pub base_env: Vec<(String, String)>,
    /// The directory to run in; absent: the gateway's. A relative program path starts from here.
    pub directory: Option<PathBuf>,
    /// The server's name in logs.
    pub label: String,
}

impl fmt::Debug for ChildSpec {
    /// Leaves values out: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("ChildSpec")
            .field("label", &self.label)
            .field("program", &self.program)
            .field("env", &names)
            .finish_non_exhaustive()
    }
}

/// What a server may cost. The defaults are those of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one line from the server; default 64 MiB.
    pub line: usize,
    /// Nesting of one message; default 64.
    pub depth: usize,
    /// Values and member names in one message; default four million.
    pub values: usize,
    /// Messages that may wait to be written; default 1,024.
    pub queue_messages: usize,
    /// Bytes that may wait to be written, a single larger message aside; default 32 MiB.
    pub queue_bytes: usize,
    /// Notifications of one request that its caller has not taken yet; default 1,024.
    pub mailbox_messages: usize,
    /// Bytes of such notifications; default 4 MiB.
    pub mailbox_bytes: usize,
    /// Events that the gateway has not taken yet; default 256.
    pub events: usize,
    /// How long the server may take to end after its input was closed; default 2 s.
    pub grace: Duration,
    /// How long it may take after SIGTERM, before SIGKILL; default 2 s.
    pub term: Duration,
    /// How long its last output is read once it has ended; default 1 s.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 64 << 20,
            depth: 64,
            values: 4_000_000,
            queue_messages: 1_024,
            queue_bytes: 32 << 20,
            mailbox_messages: 1_024,
            mailbox_bytes: 4 << 20,
            events: 256,
            grace: Duration::from_secs(2),
            term: Duration::from_secs(2),
            drain: Duration::from_secs(1),
        }
    }
}

/// Why a server could not be started.
#[derive(Debug, Error)]
pub enum SpawnError {
    /// No file of that name that can be executed.
    #[error(
        "cannot find the command `{0}`: no executable file of that name in PATH; name it by its whole path"
    )]
    NotInPath(String),
    /// The path does not lead to an executable file.
    #[error("cannot run `{0}`: not an executable file")]
    NotExecutable(String),
    /// A variable's name is empty, or it holds `=` or NUL.
    #[error("the environment variable `{0}` cannot be passed on: a name has no `=`, and neither has a NUL")]
    Variable(String),
    /// The operating system refused.
    #[error("cannot start `{program}`: {source}")]
    Refused {
        /// The file that was to be run.
        program: String,
        /// Its reason.
        source: io::Error,
    },
}

impl ChildSpec {
    /// The whole environment of the server.
    pub(crate) fn environment(&self) -> Result<BTreeMap<&str, &str>, SpawnError> {
        let passed = self.base_env.iter().filter(|(name, _)| PASSED.contains(&name.as_str()));
        let mut environment = BTreeMap::new();
        for (name, value) in passed.chain(&self.env) {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return Err(SpawnError::Variable(name.replace('\0', "\\0")));
            }
            environment.insert(name.as_str(), value.as_str());
        }
        Ok(environment)
    }

    /// The file to execute.
    pub(crate) fn executable(&self) -> Result<PathBuf, SpawnError> {
        if self.program.components().count() > 1 || self.program.is_absolute() {
            let path = self.directory.as_deref().map_or(self.program.clone(), |d| d.join(&self.program));
            // Relative to the gateway's directory, not to the one that the server will be in.
            let whole = std::path::absolute(&path).ok().filter(|path| is_executable(path));
            return whole.ok_or_else(|| SpawnError::NotExecutable(shown(&path)));
        }
        let path = self.base_env.iter().rfind(|(name, _)| name == "PATH").map_or("", |(_, path)| path);
        std::env::split_paths(path)
            // A relative entry would make the command depend on where the gateway was started.
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join(&self.program))
            .find(|candidate| is_executable(candidate))
            .ok_or_else(|| SpawnError::NotInPath(shown(&self.program)))
    }
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(program: &str, env: &[(&str, &str)], base_env: &[(&str, &str)]) -> ChildSpec {
        let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
        ChildSpec {
            program: program.into(),
            args: Vec::new(),
            env: owned(env),
            base_env: owned(base_env),
            directory: None,
            label: "test".to_owned(),
        }
    }

    #[test]
    fn the_environment_is_the_allow_list_and_what_is_given() {
        let base = [("PATH", "/bin"), ("HOME", "/root"), ("LD_PRELOAD", "/evil.so"), ("SECRET", "1")];
        let spec = spec("x", &[("KEY", "k"), ("HOME", "/srv"), ("EMPTY", "")], &base);
        let environment: Vec<_> = spec.environment().expect("valid").into_iter().collect();
        assert_eq!(environment, [("EMPTY", ""), ("HOME", "/srv"), ("KEY", "k"), ("PATH", "/bin")]);
        assert!(!format!("{spec:?}").contains("/srv"), "values stay out of Debug");
    }

    #[test]
    fn bad_variables_are_refused() {
        for (name, value) in [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "x\0y")] {
            let refused = spec("x", &[(name, value)], &[]).environment().expect_err("refused").to_string();
            assert!(refused.starts_with("the environment variable `"), "{refused}");
        }
    }

    #[test]
    fn commands_are_found_in_the_given_path_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("server");
        std::fs::write(&file, "#!/bin/sh\n").expect("a file");
        let path = format!("relative::/nonexistent:{}", directory.path().display());
        let look = |program: &str| spec(program, &[], &[("PATH", &path)]).executable();
        assert!(matches!(look("server"), Err(SpawnError::NotInPath(_))), "not executable");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        assert_eq!(look("server").expect("found"), file);
        assert_eq!(look(&file.display().to_string()).expect("absolute"), file);
        assert!(matches!(look("missing"), Err(SpawnError::NotInPath(_))));
        assert!(matches!(look(""), Err(SpawnError::NotInPath(_))));
        assert!(matches!(look("./server"), Err(SpawnError::NotExecutable(_))));
        let in_path = spec("server", &[("PATH", &path)], &[]).executable();
        assert!(in_path.is_err(), "the server's own PATH does not choose its command");
        let beside = ChildSpec { directory: Some(directory.path().into()), ..spec("./server", &[], &[]) };
        assert!(beside.executable().is_ok());
    }
}
