//! The running gateway behind the seam: `toolgate_gateway::Control`, and what the config file says.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::broadcast;
use toolgate_gateway::settings::{ServerSettings, Settings};
use toolgate_gateway::{
    ConsoleRefusal, Control, LiveEvent, Occupancy, PageBody, Pages, Pending, ProbeReport, ProbedTool,
    ServerState, Survey,
};
use toolgate_journal::Kind;

use crate::admin::Admin;
use crate::running::{FileView, GatewayHealth, Noted, Running, Subject};

/// Tells what the config file manages, as of the last time that it was read.
pub type FileSource = dyn Fn() -> Arc<FileView> + Send + Sync;

/// A gateway of this process.
pub struct Live {
    control: Control,
    file: Arc<FileSource>,
}

impl Live {
    /// The gateway that `control` leads to; `file` tells of its config file.
    #[must_use]
    pub fn new(control: Control, file: Arc<FileSource>) -> Self {
        Self { control, file }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("control", &self.control).finish_non_exhaustive()
    }
}

impl Running for Live {
    fn settings(&self) -> Arc<Settings> {
        self.control.settings()
    }

    fn file(&self) -> Arc<FileView> {
        (self.file)()
    }

    fn reload(&self) -> Pending<'_, Result<(), Vec<String>>> {
        Box::pin(self.control.reload())
    }

    fn servers(&self) -> Vec<ServerState> {
        self.control.servers()
    }

    fn tools<'a>(&'a self, server: &'a str) -> Pending<'a, Result<Vec<ProbedTool>, String>> {
        Box::pin(self.control.tools(server))
    }

    fn known_tools(&self, server: &str) -> Option<Vec<ProbedTool>> {
        self.control.known_tools(server)
    }

    fn survey<'a>(&'a self, server: &'a str) -> Pending<'a, Result<Survey, String>> {
        Box::pin(self.control.survey(server))
    }

    fn test<'a>(&'a self, server: &'a ServerSettings) -> Pending<'a, Result<ProbeReport, String>> {
        Box::pin(self.control.probe(server))
    }

    fn limits(&self) -> Vec<Occupancy> {
        self.control.limits()
    }

    fn events(&self) -> broadcast::Receiver<LiveEvent> {
        self.control.watch()
    }

    fn note(&self, noted: &Noted<'_>) -> Result<(), String> {
        let (kind, grant) = match noted.subject {
            Subject::Server => (Kind::Server, None),
            Subject::Policy => (Kind::Policy, None),
            Subject::Override => (Kind::Definition, None),
            Subject::Grant => (Kind::Grant, Some(noted.name)),
            Subject::Settings => (Kind::Reload, None),
            Subject::User | Subject::AdminToken | Subject::Session => (Kind::People, None),
        };
        self.control.note(kind, noted.author, grant, noted.detail)
    }

    fn refused(&self, client: IpAddr, refused: ConsoleRefusal) {
        self.control.note_refused(client, refused);
    }

    fn health(&self) -> GatewayHealth {
        GatewayHealth {
            data_plane: Some(self.control.listen_address()),
            journal_problem: self.control.journal_ailment(),
            reload_problems: self.control.problems(),
            sessions: self.control.sessions(),
        }
    }
}

impl Pages for Admin {
    fn has(&self, path: &str) -> bool {
        Self::answers(path)
    }

    fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: IpAddr,
    ) -> Pending<'static, Response<PageBody>> {
        Box::pin(async move {
            let answer = self.answer(request, client).await;
            answer.map(|body| body.map_err(Into::into).boxed_unsync())
        })
    }
}
