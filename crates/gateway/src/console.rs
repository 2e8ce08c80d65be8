//! The console's address: metrics and a small status page, which change nothing and show no secret; what lies
//! behind its other paths is handed in.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method as Verb, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;

use crate::body::Body;
use crate::door::{Door, client_address};
use crate::gateway::Gateway;
use crate::refusal::{ConsoleRefusal, RefusedBy, json};
use crate::reload::{Pending, Reloader};

const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
/// Counters shown on `/metrics`; beyond that the rest is left out.
const MOST_COUNTERS: usize = 10_000;

/// The body of a page of the console.
pub type PageBody = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// What the console serves beside metrics and its status page.
pub trait Pages: Send + Sync + 'static {
    /// Whether a path is one of its own.
    fn has(&self, path: &str) -> bool;

    /// Answers a request of a client for such a path; its `Host` and `Origin` are acceptable.
    fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: IpAddr,
    ) -> Pending<'static, Response<PageBody>>;
}

/// The console of a gateway.
pub(crate) struct Console {
    /// The gateway.
    pub(crate) gateway: Arc<Gateway>,
    /// Its reloads.
    pub(crate) reloader: Arc<Reloader>,
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Where the data plane is reached.
    pub(crate) data_plane: String,
    /// What else there is.
    pub(crate) pages: Arc<dyn Pages>,
}

impl Console {
    /// Answers one request.
    pub(crate) async fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<PageBody> {
        let mut response = self.route(request, peer).await;
        let headers = response.headers_mut();
        let policy = HeaderValue::from_static(SECURITY_POLICY);
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // The sign-in page has another one, because a browser must say the form's origin.
        headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }

    async fn route(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<PageBody> {
        let settings = Arc::clone(&self.gateway.snapshot.load().settings);
        let client = client_address(&settings, &request, peer);
        if let Err(fault) = Door::of_console(&settings, self.listen).check(&request) {
            let refused = ConsoleRefusal::from(fault);
            self.gateway.note_refused(RefusedBy { client, reason: refused.reason() });
            return boxed(problem(StatusCode::FORBIDDEN, fault.advice()));
        }
        if self.pages.has(request.uri().path()) {
            return Arc::clone(&self.pages).serve(request, client).await;
        }
        if request.method() != Verb::GET {
            let mut refused = problem(StatusCode::METHOD_NOT_ALLOWED, "only `GET` is possible here");
            refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
            return boxed(refused);
        }
        boxed(match request.uri().path() {
            "/" => page(self.status()),
            "/metrics" => text(self.metrics(), METRICS_TYPE),
            "/healthz" => json(StatusCode::OK, r#"{"status":"ok"}"#),
            _ => problem(StatusCode::NOT_FOUND, "nothing is here; the console is at `/`"),
        })
    }

    fn metrics(&self) -> String {
        let occupancy = self.gateway.counters.occupancy(self.gateway.clock.now());
        let rows: Vec<(String, f64, f64)> = occupancy
            .into_iter()
            .take(MOST_COUNTERS)
            .map(|o| (o.key.replace('\u{1f}', "/"), number(&o.used), number(&o.max)))
            .collect();
        self.gateway.metrics.text(&rows)
    }

    fn status(&self) -> String {
        let snapshot = self.gateway.snapshot.load();
        let state = self.reloader.state();
        let mut rows = String::new();
        for server in &snapshot.settings.servers {
            let down = snapshot.servers.get(&server.name).is_some_and(|s| s.is_down());
            let (mark, word) = if down { ("bad", "cannot be reached") } else { ("good", "no failure seen") };
            let url = format!("{}/mcp/{}", self.data_plane, server.name);
            row(&mut rows, &server.name, &format!("{} — {word}", escape(&url)), mark);
        }
        let mut health = String::new();
        match self.gateway.journal.ailment() {
            None => row(&mut health, "journal", "written", "good"),
            Some(error) => row(&mut health, "journal", &escape(&error.to_string()), "bad"),
        }
        if state.problems.is_empty() {
            row(&mut health, "settings", "in use as the files are", "good");
        } else {
            let list = state.problems.iter().map(|p| escape(p)).collect::<Vec<_>>().join("<br>");
            row(
                &mut health,
                "settings",
                &format!("the changed files cannot be used; the old ones stay:<br>{list}"),
                "bad",
            );
        }
        let sessions = self.gateway.sessions.count().to_string();
        row(&mut health, "sessions", &sessions, "");
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
             <title>Toolgate</title><style>{STYLE}</style><main><h1>Toolgate <small>{}</small></h1>\
             <h2>Servers</h2><table>{rows}</table><h2>State</h2><table>{health}</table>\
             <p><a href=\"/metrics\">metrics</a></p></main>",
            env!("CARGO_PKG_VERSION")
        )
    }
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f6f7f9;color:#1b1f24}\
main{max-width:44rem;margin:2rem auto;padding:0 1rem}h1 small{color:#667;font-weight:400;font-size:1rem}\
table{border-collapse:collapse;width:100%;background:#fff;border:1px solid #dde1e6}\
td{padding:.5rem .75rem;border-top:1px solid #eef0f2;vertical-align:top}td:first-child{font-weight:600;width:9rem}\
.good td:first-child::before{content:'\u{25cf} ';color:#1a7f37}.bad td:first-child::before{content:'\u{25cf} ';color:#cf222e}\
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}table{background:#161b22;border-color:#30363d}\
td{border-color:#21262d}a{color:#58a6ff}}";

fn row(rows: &mut String, name: &str, value: &str, mark: &str) {
    // Writing to a string does not fail.
    write!(
        rows,
        "<tr class={}><td>{}<td>{value}",
        if mark.is_empty() { "plain" } else { mark },
        escape(name)
    )
    .ok();
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn number(amount: &toolgate_quota::Amount) -> f64 {
    amount.to_string().parse().unwrap_or(f64::NAN)
}

fn boxed(response: Response<Body>) -> Response<PageBody> {
    response.map(|body| body.map_err(|never| match never {}).boxed_unsync())
}

/// A problem document (RFC 9457), as the admin API answers too.
fn problem(status: StatusCode, detail: &str) -> Response<Body> {
    let title = status.canonical_reason().unwrap_or("Error");
    let document = serde_json::json!({
        "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail,
    });
    let mut response = text(document.to_string(), "application/problem+json");
    *response.status_mut() = status;
    // The request's body was not read.
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn page(html: String) -> Response<Body> {
    text(html, "text/html; charset=utf-8")
}

fn text(body: String, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::whole(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The URL of an address, as a client on this machine uses it.
#[must_use]
pub(crate) fn url_of(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    let shown = if address.ip().is_unspecified() {
        SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), address.port())
    } else {
        address
    };
    format!("{scheme}://{shown}")
}
