//! The four tools behind the protocol: finds the tool, checks its arguments, makes the picture, answers.

use std::sync::Arc;
use std::time::SystemTime;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool as Definition,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::arguments::{Arguments, Embed, quoted};
use crate::picture::{EncodeError, Wanted, encode, landscape, preview};
use crate::reply::{Embedded, MOST_EMBEDDED, Made, refusal};
use crate::settings::{Provider, Settings};
use crate::storage::{NewFile, OutputDir, SaveError};
use crate::tool::Tool;

/// How many calls may be drawing or waiting for their turn; further ones are told to come back.
const MOST_CALLS: usize = 256;

/// One server; clones share its settings, its output directory and its limits.
#[derive(Clone, Debug)]
pub struct Server(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: Settings,
    output: OutputDir,
    definitions: Vec<Definition>,
    /// One permit for each call that is let in.
    admitted: Arc<Semaphore>,
    /// One permit for each core: drawing is all computation, and a large picture takes 50 MB.
    drawing: Arc<Semaphore>,
}

/// Why a picture was not made.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the call was cancelled")]
    Cancelled,
    #[error("{0}")]
    Encode(#[from] EncodeError),
    #[error("the picture was made, but could not be saved: {0}")]
    Save(#[from] SaveError),
}

impl Server {
    /// A server with these settings. Nothing is written before the first call.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self(Arc::new(Shared {
            output: OutputDir::new(&settings.output_dir),
            definitions: Tool::ALL.map(Tool::definition).to_vec(),
            admitted: Arc::new(Semaphore::new(MOST_CALLS)),
            drawing: Arc::new(Semaphore::new(cores)),
            settings,
        }))
    }

    async fn generate(&self, tool: Tool, arguments: Arguments, cancel: CancellationToken) -> CallToolResult {
        match self.0.settings.provider {
            Provider::Placeholder => self.draw(tool, arguments, cancel).await,
            Provider::Vendors => refusal(
                &format!(
                    "No picture was made: this build draws only with the placeholder provider, and {} is not \
                     built in yet, with or without its key.",
                    tool.vendor()
                ),
                "start the server with the environment variable IMAGEGEN_PROVIDER=placeholder.",
            ),
        }
    }

    /// Draws on a thread of its own. The permits stay with the work, also if nobody waits for it any more.
    async fn draw(&self, tool: Tool, arguments: Arguments, cancel: CancellationToken) -> CallToolResult {
        let Ok(admitted) = Arc::clone(&self.0.admitted).try_acquire_owned() else {
            return refusal(
                &format!("No picture was made: {MOST_CALLS} calls are waiting already."),
                "try again in a few seconds.",
            );
        };
        let turn = tokio::select! {
            turn = Arc::clone(&self.0.drawing).acquire_owned() => turn,
            () = cancel.cancelled() => return failed(&Failure::Cancelled),
        };
        let at = now();
        let shared = Arc::clone(&self.0);
        let stopped = cancel.clone();
        let work = tokio::task::spawn_blocking(move || {
            let made = shared.place(tool, &arguments, at, &stopped);
            drop((admitted, turn));
            made
        });
        let done = tokio::select! {
            done = work => done,
            () = cancel.cancelled() => return failed(&Failure::Cancelled),
        };
        match done {
            Ok(Ok(made)) => made.into_result(),
            Ok(Err(failure)) => failed(&failure),
            Err(_) => refusal(
                "No picture was made: drawing it failed inside the server.",
                "try another size or format, and report the fault.",
            ),
        }
    }
}

impl Shared {
    /// Draws and saves the placeholder's picture. A call that is cancelled by then leaves no file.
    fn place(
        &self,
        tool: Tool,
        arguments: &Arguments,
        at: SystemTime,
        cancel: &CancellationToken,
    ) -> Result<Made, Failure> {
        let Wanted { size, format, mut adjustments } = Wanted::of(arguments);
        adjustments.extend(ignored(arguments));
        let picture = landscape(arguments.prompt.text(), arguments.seed, size);
        let file = encode(&picture, format)?;
        let bytes = file.len();
        if cancel.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        let hint = arguments.filename_hint.as_deref().unwrap_or_else(|| tool.file_hint());
        let saved = self.output.save(NewFile { at, hint, extension: format.extension() }, &file)?;
        let embedded = match arguments.embed {
            Embed::No => Embedded::Nothing,
            Embed::Yes if bytes <= MOST_EMBEDDED => Embedded::Picture(file),
            Embed::Yes => preview(&picture, MOST_EMBEDDED)?.map_or(Embedded::TooLarge, Embedded::Preview),
        };
        let model = arguments.model.as_deref().unwrap_or_else(|| self.settings.default_model(tool));
        Ok(Made {
            provider: "placeholder",
            model: model.to_owned(),
            saved,
            format,
            size,
            bytes,
            seed: arguments.seed,
            adjustments,
            embedded,
        })
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let name = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .with_title("ImageGen")
            .with_description("Makes pictures from text, saves them to files and returns their paths");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build()).with_server_info(name)
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
        let Some(tool) = Tool::by_name(&request.name) else {
            let known = Tool::ALL.map(Tool::name).join(", ");
            let message = format!("tool `{}` not found; known are {known}", quoted(&request.name));
            return Err(ErrorData::invalid_params(message, None));
        };
        let arguments = Arguments::check(tool, request.arguments.as_ref())
            .map_err(|mistakes| ErrorData::invalid_params(mistakes.to_string(), None))?;
        Ok(self.generate(tool, arguments, context.ct).await.into())
    }
}

fn failed(failure: &Failure) -> CallToolResult {
    let advice = match failure {
        Failure::Cancelled => "call again if the picture is still wanted.",
        Failure::Encode(_) => "try another size or format, and report the fault.",
        Failure::Save(_) => "set OUTPUT_DIR to a directory that can be written, or free space on the disk.",
    };
    refusal(&format!("No picture was saved: {failure}."), advice)
}

/// A line that names the fields which the placeholder cannot honour.
fn ignored(arguments: &Arguments) -> Option<String> {
    let fields = [
        ("negativePrompt", arguments.negative_prompt.is_some()),
        ("quality", arguments.quality.is_some()),
        ("style", arguments.style.is_some()),
        ("background", arguments.background.is_some()),
    ];
    let given: Vec<_> = fields.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
    (!given.is_empty())
        .then(|| format!("ignored: {}, because the placeholder draws without it", given.join(", ")))
}

#[expect(clippy::disallowed_methods, reason = "the edge where real time enters; it only names a file")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn server(dir: &tempfile::TempDir) -> Server {
        let settings = Settings::from_lookup(|name| match name {
            "OUTPUT_DIR" => Some(dir.path().join("outputs").into()),
            "IMAGEGEN_PROVIDER" => Some("placeholder".into()),
            _ => None,
        });
        Server::new(settings.unwrap())
    }

    fn arguments(size: &str) -> Arguments {
        let raw = json!({ "prompt": "p", "size": size, "returnBase64": true });
        Arguments::check(Tool::OpenAi, raw.as_object()).unwrap()
    }

    #[test]
    fn a_cancelled_call_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let cancel = CancellationToken::new();
        cancel.cancel();
        let outcome =
            server(&dir).0.place(Tool::OpenAi, &arguments("16x16"), SystemTime::UNIX_EPOCH, &cancel);
        assert!(matches!(outcome, Err(Failure::Cancelled)));
        assert!(!dir.path().join("outputs").exists());
    }

    #[tokio::test]
    async fn a_call_beyond_the_bound_is_told_to_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let server = server(&dir);
        let all = server.0.admitted.try_acquire_many(256).unwrap();
        let call = || server.draw(Tool::OpenAi, arguments("16x16"), CancellationToken::new());
        let refused = call().await;
        assert_eq!(refused.is_error, Some(true));
        assert!(refused.content[0].as_text().unwrap().text.contains("try again"));
        drop(all);
        assert_eq!(call().await.is_error, Some(false));
    }
}
