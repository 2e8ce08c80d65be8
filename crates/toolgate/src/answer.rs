//! What a command found, and the exit code that says so.

use std::process::ExitCode;

/// The four ways in which a command can end; the numbers are part of the command line's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// All is well.
    Yes,
    /// The answer is no: invalid, denied, not found, verification failed.
    No,
    /// The command cannot be understood as it was given.
    Usage,
    /// Something that the answer depends on cannot be reached.
    Unreachable,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        ExitCode::from(match answer {
            Answer::Yes => 0,
            Answer::No => 1,
            Answer::Usage => 2,
            Answer::Unreachable => 3,
        })
    }
}

/// Why a command could not be done, where that is not an answer of its own.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What the exit code says.
    pub(crate) answer: Answer,
    /// What the message says.
    pub(crate) error: anyhow::Error,
}

impl Failure {
    /// Something could not be reached.
    pub(crate) fn unreachable(error: impl Into<anyhow::Error>) -> Self {
        Self { answer: Answer::Unreachable, error: error.into() }
    }

    /// The answer is no, with a reason.
    pub(crate) fn no(message: impl std::fmt::Display) -> Self {
        Self { answer: Answer::No, error: anyhow::anyhow!("{message}") }
    }

    /// The options do not go together.
    pub(crate) fn usage(message: impl std::fmt::Display) -> Self {
        Self { answer: Answer::Usage, error: anyhow::anyhow!("{message}") }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { answer: Answer::No, error: error.into() }
    }
}

/// What every command returns.
pub(crate) type Done = Result<Answer, Failure>;
