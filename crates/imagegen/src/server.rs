//! The tools behind the protocol: finds the tool, checks its arguments, has the picture made, answers. Pictures that
//! were saved are resources.

mod finish;
mod making;
mod model_list;
mod progress;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, ServerCapabilities, ServerConfig, Tool as Definition,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::arguments::{Arguments, quoted};
use crate::call::Call;
use crate::failure::Failure;
use crate::gallery::Gallery;
use crate::money::Budget;
use crate::secret::Secrets;
use crate::settings::Settings;
use crate::storage::OutputDir;
use crate::tool::{MODEL_LIST, Naming, Tool, model_list_definition};
use crate::vendor::{Progress, Vendor};
use crate::wire::Fetcher;
use progress::Reporter;

/// How many calls may be drawing or waiting for their turn; further ones are told to come back.
const MOST_CALLS: usize = 256;
/// How many requests may be at vendors at a time: each may hold a large answer.
const MOST_REQUESTS: usize = 32;
/// How long calls that were told to end may take to call off what they have begun.
const END_PATIENCE: Duration = Duration::from_secs(15);

/// One server; clones share its settings, its output directory and its limits.
#[derive(Clone, Debug)]
pub struct Server(Arc<Shared>);

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

#[derive(Debug)]
struct Shared {
    settings: Settings,
    secrets: Secrets,
    clock: Clock,
    output: OutputDir,
    gallery: Gallery,
    budget: Budget,
    definitions: Vec<Definition>,
    /// Made when first needed: only then are keys and certificates missed.
    vendors: [OnceLock<Result<Arc<Vendor>, Failure>>; 4],
    fetcher: OnceLock<Result<Fetcher, Failure>>,
    /// One permit for each call that is let in.
    admitted: Arc<Semaphore>,
    /// One permit for each core: drawing is all computation, and a large picture takes 50 MB.
    drawing: Arc<Semaphore>,
    /// One permit for each request at a vendor.
    asking: Semaphore,
    /// Calls at work, also those that nobody waits for any more.
    tasks: TaskTracker,
    /// Ends the calls at work.
    ending: CancellationToken,
}

impl Clock {
    /// Tells the time by `now`.
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::new(now)
    }

    fn now(&self) -> SystemTime {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Clock")
    }
}

impl Server {
    /// A server with these settings. Nothing is written or sent before the first call.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::with_clock(settings, Clock::system())
    }

    /// A server that takes dates from `clock`: for names of files, and for the end of models.
    #[must_use]
    pub fn with_clock(settings: Settings, clock: Clock) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut definitions = Tool::ALL.map(|tool| tool.definition(settings.naming)).to_vec();
        definitions.push(model_list_definition(settings.naming));
        Self(Arc::new(Shared {
            secrets: settings.secrets(),
            clock,
            output: OutputDir::new(&settings.output_dir),
            gallery: Gallery::default(),
            budget: Budget::new(settings.bounds),
            definitions,
            vendors: Default::default(),
            fetcher: OnceLock::new(),
            admitted: Arc::new(Semaphore::new(MOST_CALLS)),
            drawing: Arc::new(Semaphore::new(cores)),
            asking: Semaphore::new(MOST_REQUESTS),
            tasks: TaskTracker::new(),
            ending: CancellationToken::new(),
            settings,
        }))
    }

    /// Ends the calls at work, and waits until they have called off at the vendors what they had begun.
    pub async fn end(&self) {
        self.0.ending.cancel();
        self.0.tasks.close();
        if tokio::time::timeout(END_PATIENCE, self.0.tasks.wait()).await.is_err() {
            tracing::warn!("calls in progress did not end within {END_PATIENCE:?}");
        }
    }

    /// Carries a call out as a task of its own, so that it is ended in order also where its caller is gone.
    async fn generate(
        &self,
        tool: Tool,
        arguments: Arguments,
        cancel: CancellationToken,
        mut reporter: Option<Reporter>,
    ) -> CallToolResult {
        let shared = &self.0;
        let Ok(admitted) = Arc::clone(&shared.admitted).try_acquire_owned() else {
            return too_many().into_result(&shared.secrets);
        };
        let cancel = cancel.child_token();
        let call = Call::new(cancel.clone(), shared.settings.patience);
        let mut stages = call.stages();
        let progress = if reporter.is_some() { Progress::Followed } else { Progress::Unwatched };
        let work = Arc::clone(shared);
        let mut task = shared.tasks.spawn(async move {
            let outcome = work.make(tool, arguments, progress, &call).await;
            drop(admitted);
            outcome
        });
        // Whatever ends this wait early ends the call.
        let ending = cancel.clone();
        let gone = cancel.drop_guard();
        loop {
            let report = async {
                match &mut reporter {
                    Some(reporter) => reporter.next(&mut stages, &shared.secrets).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                done = &mut task => {
                    gone.disarm();
                    let outcome = done.unwrap_or_else(|_| Err(broken()));
                    return outcome.unwrap_or_else(|failure| failure.naming(shared.settings.naming).into_result(&shared.secrets));
                }
                () = shared.ending.cancelled(), if !ending.is_cancelled() => ending.cancel(),
                () = report => {}
            }
        }
    }
}

impl Shared {
    fn vendor(&self, tool: Tool) -> Result<Arc<Vendor>, Failure> {
        let place = Tool::ALL.iter().position(|other| *other == tool).unwrap_or_default();
        let Some(vendor) = self.vendors.get(place) else { return Err(broken()) };
        let connect = || Vendor::of(tool, &self.settings, &self.fetcher()?).map(Arc::new);
        vendor.get_or_init(connect).clone()
    }

    fn fetcher(&self) -> Result<Fetcher, Failure> {
        self.fetcher.get_or_init(|| Fetcher::new(self.settings.addresses.delivery.clone())).clone()
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let name = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .with_title("ImageGen")
            .with_description("Makes pictures from text, saves them to files and returns their paths");
        let able = ServerCapabilities::builder().enable_tools().enable_resources().build();
        ServerConfig::new(able).with_server_info(name)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.0.definitions.clone()))
    }

    fn get_tool(&self, name: &str) -> Option<Definition> {
        self.0.definitions.iter().find(|definition| definition.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let naming = self.0.settings.naming;
        let invalid = |message: String| ErrorData::invalid_params(message, None);
        if request.name == naming.of(MODEL_LIST) {
            let provider = model_list::check(naming, request.arguments.as_ref()).map_err(invalid)?;
            return Ok(self.0.model_list(provider).into());
        }
        let tool =
            Tool::by_name(&request.name, naming).ok_or_else(|| invalid(unknown(&request.name, naming)))?;
        let arguments = Arguments::check(tool, request.arguments.as_ref())
            .map_err(|mistakes| invalid(mistakes.to_string()))?;
        let reporter =
            context.meta.get_progress_token().map(|token| Reporter::new(context.peer.clone(), token));
        Ok(self.generate(tool, arguments, context.ct, reporter).await.into())
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(self.0.gallery.list()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let shared = Arc::clone(&self.0);
        let uri = request.uri;
        let shown = quoted(&uri);
        let read = tokio::task::spawn_blocking(move || shared.gallery.read(&uri, &shared.output)).await;
        match read {
            Ok(Ok(contents)) => Ok(ReadResourceResult::new(vec![contents]).into()),
            Ok(Err(error)) => Err(ErrorData::resource_not_found(format!("`{shown}`: {error}"), None)),
            Err(_) => Err(ErrorData::internal_error(format!("`{shown}` could not be read"), None)),
        }
    }
}

fn unknown(name: &str, naming: Naming) -> String {
    let known = Tool::ALL.map(Tool::name).into_iter().chain([MODEL_LIST]).map(|name| naming.of(name));
    format!("tool `{}` not found; known are {}", quoted(name), known.collect::<Vec<_>>().join(", "))
}

fn too_many() -> Failure {
    Failure::new(
        format!("No picture was made: {MOST_CALLS} calls are waiting already."),
        "too_many_calls (nothing was sent)",
        "try again in a few seconds.",
    )
}

fn broken() -> Failure {
    Failure::new(
        "No picture was made: the call failed inside the server.",
        "internal",
        "try another size or format, and report the fault.",
    )
    .perhaps_spent()
}

#[expect(clippy::disallowed_methods, reason = "the edge where real time enters")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests;
