//! How a change is made: one at a time; kept in the store, written into the journal with who did it, and taken
//! over by the gateway at once. A change that the gateway cannot take over is taken back, or, where that is not
//! possible or would be wrong, said to stand.

use std::sync::Arc;

use http::{StatusCode, header};
use tokio::sync::MutexGuard;
use toolgate_gateway::Pending;
use toolgate_store::{Change, StoreError};

use crate::admin::Shared;
use crate::identity::Who;
use crate::precondition::IfMatch;
use crate::problem::{Mistake, Problem};
use crate::running::{FileView, Noted, Subject};

/// A change that is being made. No other begins before it is over.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    shared: &'a Shared,
    /// What the config file manages.
    pub(crate) file: Arc<FileView>,
    /// Who makes the change.
    pub(crate) author: String,
    /// Unix microseconds.
    pub(crate) now: i64,
    _others_wait: MutexGuard<'a, ()>,
}

/// What becomes of a change that the gateway cannot take over.
pub(crate) enum Otherwise<'a> {
    /// It is taken back by this.
    Undo(Pending<'a, Result<(), StoreError>>),
    /// It stands: what was revoked must not come back.
    Stands,
}

impl<'a> Otherwise<'a> {
    /// Takes it back.
    pub(crate) fn undo(undo: impl Future<Output = Result<(), StoreError>> + Send + 'a) -> Self {
        Self::Undo(Box::pin(undo))
    }
}

/// What was changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done<'a> {
    /// What kind of thing.
    pub(crate) subject: Subject,
    /// Its name.
    pub(crate) name: &'a str,
    /// What was done to it, in words.
    pub(crate) detail: &'a str,
}

impl Shared {
    /// Begins a change.
    pub(crate) async fn turn(&self, who: &Who) -> Result<Turn<'_>, Problem> {
        let others_wait = self.changes.lock().await;
        if let Some(problem) = self.gateway().health().journal_problem {
            let detail = format!("nothing is changed while the journal cannot be written: {problem}");
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
            return Err(problem.header(header::RETRY_AFTER, "1"));
        }
        let (file, now) = (self.gateway().file(), self.wall());
        Ok(Turn { shared: self, file, author: who.author(), now, _others_wait: others_wait })
    }

    /// Writes into the journal what changes nothing that calls are judged by.
    pub(crate) fn note_only(&self, noted: &Noted<'_>) {
        if let Err(error) = self.gateway().note(noted) {
            let Noted { author, subject, name, detail } = noted;
            let subject = subject.as_str();
            tracing::error!(author, subject, name, detail, error, "a record is not in the journal");
        }
    }
}

impl Turn<'_> {
    /// The change on a condition.
    pub(crate) fn change(&self, condition: &IfMatch) -> Change<'_> {
        condition.on(self.change_new())
    }

    /// The change that makes something new, or has no condition.
    pub(crate) fn change_new(&self) -> Change<'_> {
        Change::new(&self.author, self.now, &self.file.names)
    }

    /// Ends a change of what calls are judged by: journal, then the gateway.
    pub(crate) async fn take_over(self, done: Done<'_>, otherwise: Otherwise<'_>) -> Result<(), Problem> {
        let must_act = matches!(otherwise, Otherwise::Stands);
        let reasons = match self.note(done.subject, done.name, done.detail) {
            Ok(()) => self.shared.gateway().reload().await.err(),
            // What was revoked must act, whatever the journal says.
            Err(error) if must_act => {
                let more = self.shared.gateway().reload().await.err().unwrap_or_default();
                Some(std::iter::once(error).chain(more).collect())
            }
            Err(error) => Some(vec![error]),
        };
        let Some(reasons) = reasons else { return Ok(()) };
        let state = match otherwise {
            Otherwise::Undo(undo) => match undo.await {
                Ok(()) => "the change was taken back, and all is as before".to_owned(),
                Err(error) => format!(
                    "and the change could not be taken back ({error}): it is in the store, and acts as soon as \
                     the settings can be used"
                ),
            },
            Otherwise::Stands => {
                "the change stands in the store, and acts as soon as the settings can be used".to_owned()
            }
        };
        if let Err(error) = self.note(done.subject, done.name, &format!("not taken over: {state}")) {
            tracing::error!(error, "a record is not in the journal");
        }
        let kind = ("/problems/not-taken-over", "the gateway could not take the change over");
        let detail = format!("the gateway cannot use the settings that would result: {state}");
        let problem = Problem::of(StatusCode::INTERNAL_SERVER_ERROR, kind, detail);
        Err(problem.with_errors(reasons.into_iter().map(|reason| Mistake::at("", reason)).collect()))
    }

    /// Ends a change of people, which calls are not judged by.
    pub(crate) fn keep(self, done: Done<'_>) {
        let Done { subject, name, detail } = done;
        self.shared.note_only(&Noted { author: &self.author, subject, name, detail });
    }

    fn note(&self, subject: Subject, name: &str, detail: &str) -> Result<(), String> {
        let noted = Noted { author: &self.author, subject, name, detail };
        let written = self.shared.gateway().note(&noted);
        written.map_err(|error| format!("the journal cannot be written: {error}"))
    }
}
