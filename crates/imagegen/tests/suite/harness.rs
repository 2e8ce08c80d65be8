//! A server with its own output directory, and clients of each era over each transport.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

use imagegen_mcp::http::Listen;
use imagegen_mcp::{Provider, Server, Settings, stdio};
use rmcp::ClientLifecycleMode;
use rmcp::model::{CallToolRequestParams, CallToolResult, ErrorData, JsonObject, ProtocolVersion};
use rmcp::service::{RoleClient, RunningService, ServiceError, serve_client_with_lifecycle};
use rmcp::transport::StreamableHttpClientTransport;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::DuplexStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How a client opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// With the `initialize` handshake.
    Legacy,
    /// With `server/discover`, of revision 2026-07-28.
    Modern,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Over {
    Pipes,
    Http,
}

pub(crate) const EVERY_WAY: [(Over, Era); 4] = [
    (Over::Pipes, Era::Legacy),
    (Over::Pipes, Era::Modern),
    (Over::Http, Era::Legacy),
    (Over::Http, Era::Modern),
];

/// A running server and what it saves; both end with it.
#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) dir: TempDir,
    server: Server,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

pub(crate) type Client = RunningService<RoleClient, ()>;

impl Rig {
    pub(crate) fn placeholder() -> Self {
        Self::with(Provider::Placeholder)
    }

    pub(crate) fn with(provider: Provider) -> Self {
        match provider {
            Provider::Placeholder => Self::of(&[("IMAGEGEN_PROVIDER", "placeholder")]),
            Provider::Vendors => Self::of(&[]),
        }
    }

    /// With these variables, the first of each name, and an output directory of its own unless one is named.
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::from_lookup(|name| {
            let named =
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
            named.or_else(|| (name == "OUTPUT_DIR").then(|| dir.path().join("outputs").into()))
        });
        let server = Server::new(settings.unwrap());
        Self { dir, server, stop: CancellationToken::new(), tasks: JoinSet::new() }
    }

    pub(crate) async fn client(&mut self, over: Over, era: Era) -> Client {
        let mode = match era {
            Era::Legacy => ClientLifecycleMode::Initialize,
            Era::Modern => {
                ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
            }
        };
        match over {
            Over::Pipes => serve_client_with_lifecycle((), self.pipes(), mode).await.unwrap(),
            Over::Http => {
                let address = self.listen().await;
                let transport = StreamableHttpClientTransport::from_uri(format!("http://{address}/mcp"));
                serve_client_with_lifecycle((), transport, mode).await.unwrap()
            }
        }
    }

    /// Our end of a pair of pipes that the server serves.
    pub(crate) fn pipes(&mut self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (input, output) = tokio::io::split(theirs);
        let (server, stop) = (self.server.clone(), self.stop.clone());
        self.tasks.spawn(async move { stdio::serve(server, input, output, stop).await.unwrap() });
        ours
    }

    pub(crate) async fn listen(&mut self) -> SocketAddr {
        let listen = Listen::new("127.0.0.1:0".parse().unwrap(), vec![]).unwrap();
        let bound = listen.bind().await.unwrap();
        let address = bound.address();
        let serving = bound.serve(self.server.clone(), self.stop.clone());
        self.tasks.spawn(serving);
        address
    }

    /// Asks all transports to stop and waits until they have.
    pub(crate) async fn stop(&mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }

    pub(crate) fn files(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("outputs")).map_or(0, Iterator::count)
    }
}

pub(crate) async fn call(client: &Client, tool: &str, arguments: Value) -> Result<CallToolResult, ErrorData> {
    let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(object(arguments));
    match client.call_tool(request).await {
        Ok(result) => Ok(result),
        Err(ServiceError::McpError(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

pub(crate) fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

pub(crate) fn text(result: &CallToolResult) -> &str {
    &result.content[0].as_text().unwrap().text
}

/// The path in the first line of a reply.
pub(crate) fn saved(text: &str) -> &Path {
    let line = text.lines().next().unwrap();
    Path::new(line.split_once(" saved=").unwrap().1)
}

pub(crate) fn prompt() -> Value {
    json!({ "prompt": "a lake at dawn" })
}
