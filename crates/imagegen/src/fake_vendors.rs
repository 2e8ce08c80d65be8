//! Fakes of the vendors, for tests and for trying the server by hand without a key or a bill: one HTTP server with a
//! path for each vendor. They check every request against the vendors' own schemas, draw real pictures, and count.
//!
//! | path | vendor | key begins with |
//! | --- | --- | --- |
//! | `/replicate/v1` | Replicate: predictions, cancelling, models | `r8_fake` |
//! | `/delivery` | where Replicate's pictures are fetched | |
//! | `/openai/v1` | OpenAI: generations, edits, streams | `sk-fake` |
//! | `/gemini` | Gemini: `generateContent` | `AIza-fake` |
//! | `/imagen` | Imagen as Vertex serves it: `:predict` | `AIza-fake` |
//! | `/custom/generate` | an endpoint of one's own | `AIza-fake` |
//! | `/counts`, `/requests` | what was seen, as JSON; without keys | |
//!
//! A plain request succeeds at once. What shall go differently is named by *twists*, in the prompt
//! (`a cube [fake:polls=3,failed]`) or in the key after a colon (`r8_fake:polls=3,failed`); `imagegen-mcp fake-vendors
//! --help` lists them. A twist that the vendor does not know is refused, so that a test which misspells one fails.
//!
//! The fakes know nothing of the clients in this crate; they are written from the vendors' documentation.

mod answer;
mod custom;
mod delivery;
mod desk;
mod drawing;
mod gemini;
mod google;
mod imagen;
mod ledger;
mod openai;
mod replicate;
mod scenario;
mod schema;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::get;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::answer::Cut;
use self::desk::Desk;
pub use self::ledger::{Event, Ledger, Vendor};

/// The largest request body, in bytes: a few pictures to edit.
const LARGEST_BODY: usize = 128 * 1024 * 1024;
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a connection may be idle, as at many front ends.
const IDLE_PATIENCE: Duration = Duration::from_secs(75);

/// A bound fake server.
#[derive(Debug)]
pub struct FakeVendors {
    listener: TcpListener,
    address: SocketAddr,
    desk: Arc<Desk>,
}

impl FakeVendors {
    /// Binds the address; port 0 takes a free one.
    ///
    /// # Errors
    /// The operating system's refusal.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, desk: Arc::new(Desk::new(address)) })
    }

    /// The address with the port that was really given.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is seen from now on.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.desk.ledger.clone()
    }

    /// The environment that makes `imagegen-mcp` use these fakes.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let base = format!("http://{}", self.address);
        let imagen =
            "imagen/v1/projects/p/locations/l/publishers/google/models/imagen-4.0-generate-001:predict";
        vec![
            ("REPLICATE_API_TOKEN", "r8_fake".to_owned()),
            ("REPLICATE_BASE_URL", format!("{base}/replicate/v1")),
            ("IMAGEGEN_DELIVERY_HOSTS", self.address.to_string()),
            ("OPENAI_API_KEY", "sk-fake".to_owned()),
            ("OPENAI_BASE_URL", format!("{base}/openai/v1")),
            ("GOOGLE_API_KEY", "AIza-fake".to_owned()),
            ("GOOGLE_GEMINI_BASE_URL", format!("{base}/gemini")),
            ("GOOGLE_IMAGEN_ENDPOINT", format!("{base}/{imagen}")),
        ]
    }

    /// Serves until `stop` is cancelled; calls in progress are then broken off.
    pub async fn serve(self, stop: CancellationToken) {
        let app = TowerToHyperService::new(router().with_state(Arc::clone(&self.desk)));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = stop.cancelled() => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, app.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// The twists of every vendor, a line for each.
#[must_use]
pub fn twists() -> String {
    scenario::listing()
}

fn router() -> Router<Arc<Desk>> {
    Router::new()
        .nest("/replicate/v1", replicate::router())
        .nest("/delivery", delivery::router())
        .nest("/openai/v1", openai::router())
        .nest("/gemini", gemini::router())
        .nest("/imagen", imagen::router())
        .nest("/custom", custom::router())
        .route("/counts", get(counts))
        .route("/requests", get(requests))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
}

async fn counts(State(desk): State<Arc<Desk>>) -> Response {
    answer::json(200, &desk.ledger.counts())
}

async fn requests(State(desk): State<Arc<Desk>>) -> Response {
    answer::json(200, &Value::Array(desk.ledger.requests()))
}

/// Serves one connection. An answer that is marked as cut is an error here, which closes the connection.
async fn connection(stream: TcpStream, app: TowerToHyperService<Router>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answered = app.call(request.map(Body::new));
        async move {
            let Ok(response) = answered.await;
            match response.extensions().get::<Cut>() {
                Some(Cut) => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                None => Ok(response),
            }
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = serving.await {
        tracing::debug!(%error, "a connection broke off");
    }
}

#[cfg(test)]
mod tests;
