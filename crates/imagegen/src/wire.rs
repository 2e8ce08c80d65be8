//! Talking to a vendor: the key goes to the vendor's address and nowhere else, answers have limits, and nothing is
//! sent twice that may have been accepted once.

mod guard;
mod multipart;
mod retry;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use toolgate_egress::Guard;

pub(crate) use guard::{Fetched, Fetcher};
pub(crate) use multipart::{Form, Part};

use crate::call::Call;
use crate::failure::{Failure, quoted};
use crate::secret::Secret;
use retry::{Pauses, retry_after};

/// The largest answer, in bytes: a large picture in base64 is some 20 MB, and there may be several.
const LARGEST_ANSWER: usize = 96 * 1024 * 1024;
/// The largest error text that is read, in bytes.
const LARGEST_ERROR: usize = 64 * 1024;
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// How long an unused connection is kept. Vendors close theirs after a minute or so, and a create that meets such a
/// one could not be told from a create that was accepted.
const IDLE: Duration = Duration::from_secs(15);
/// How long an answer that has begun may say nothing.
const STALL_PATIENCE: Duration = Duration::from_secs(60);

/// How a vendor takes its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    /// `Authorization: Bearer`.
    Bearer,
    /// `x-goog-api-key`.
    GoogleKey,
}

/// A vendor's address together with the key that only it receives.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    vendor: &'static str,
    client: Client,
    base: Url,
    key: (HeaderName, HeaderValue),
    more: HeaderMap,
}

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `GET` may be repeated; any other method may not, once it was sent.
    pub(crate) method: Method,
    /// Added to the vendor's address; begins with a slash, or is empty.
    pub(crate) path: String,
    /// Besides key and content type.
    pub(crate) headers: HeaderMap,
    /// The media type and the bytes.
    pub(crate) body: Option<(String, Bytes)>,
    /// Where the answer names what would have to be called off: how long it is awaited, also when the call has ended.
    pub(crate) held: Option<Duration>,
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub(crate) struct Answer {
    vendor: &'static str,
    response: reqwest::Response,
}

impl Request {
    /// Asks for something.
    #[must_use]
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: HeaderMap::new(), body: None, held: None }
    }

    /// Sends JSON.
    #[must_use]
    pub(crate) fn post(path: impl Into<String>, body: &serde_json::Value) -> Self {
        let body = Some(("application/json".to_owned(), Bytes::from(body.to_string())));
        Self { method: Method::POST, path: path.into(), headers: HeaderMap::new(), body, held: None }
    }
}

/// A client that follows no redirects, keeps no cookies and uses no proxy.
///
/// # Errors
/// The system's certificates cannot be used.
pub(crate) fn client(guard: Option<Guard>) -> Result<Client, Failure> {
    let mut builder = Client::builder()
        .user_agent(concat!("imagegen-mcp/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .http1_only()
        .pool_idle_timeout(IDLE)
        .connect_timeout(CONNECT_PATIENCE);
    if let Some(guard) = guard {
        builder = builder.dns_resolver(guard);
    }
    builder.build().map_err(|error| {
        Failure::new(
            format!("No picture was made: secure connections cannot be set up: {}", causes(&error)),
            "tls_setup (nothing was sent)",
            "install the system's certificates (often a package named ca-certificates).",
        )
    })
}

impl Api {
    /// The address `base` with its key.
    ///
    /// # Errors
    /// The key cannot stand in a header, or the address is none.
    pub(crate) fn new(
        vendor: &'static str,
        client: Client,
        base: &str,
        auth: Auth,
        key: &Secret,
    ) -> Result<Self, Failure> {
        let (name, text) = match auth {
            Auth::Bearer => (AUTHORIZATION, format!("Bearer {}", key.expose())),
            Auth::GoogleKey => (HeaderName::from_static("x-goog-api-key"), key.expose().to_owned()),
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            Failure::new(
                format!("No picture was made: the key for {vendor} holds characters that no key has."),
                "bad_key (nothing was sent)",
                "copy the key again, without line breaks or quotes.",
            )
        })?;
        value.set_sensitive(true);
        let base = Url::parse(base).map_err(|_| {
            Failure::new(
                format!("No picture was made: the address of {vendor} cannot be used."),
                "bad_address (nothing was sent)",
                "check the variable that sets it.",
            )
        })?;
        Ok(Self { vendor, client, base, key: (name, value), more: HeaderMap::new() })
    }

    /// Sends this header with every request.
    #[must_use]
    pub(crate) fn with_header(mut self, name: &'static str, value: Option<&str>) -> Self {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            self.more.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// The whole address of a request, without a query.
    #[must_use]
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().split('?').next().unwrap_or_default().trim_end_matches('/'))
    }

    /// Sends a request until there is an answer: again after a failure to connect and after 429, and what only reads
    /// also after other failures. An answer with an error status is an answer.
    ///
    /// # Errors
    /// There is no answer, or the call ended first.
    pub(crate) async fn send(&self, request: &Request, call: &Call) -> Result<Answer, Failure> {
        let url = self.url(&request.path)?;
        let mut pauses = Pauses::default();
        loop {
            let sent = match request.held {
                None => call.race(self.once(request, url.clone())).await?,
                Some(longest) => tokio::time::timeout(longest, self.once(request, url.clone()))
                    .await
                    .map_err(|_| lost(self.vendor, "no answer came"))?,
            };
            let pause = match sent {
                Ok(response) => match self.pause_after(response, request, &mut pauses).await? {
                    Waiting::Answered(response) => return Ok(Answer { vendor: self.vendor, response }),
                    Waiting::Again(pause) => pause,
                },
                Err(error) => {
                    let again = error.is_connect() || request.method == Method::GET;
                    let pause = again.then(|| pauses.next()).flatten();
                    pause.ok_or_else(|| self.unanswered(&error, request))?
                }
            };
            if pause >= call.remaining() {
                return Err(self.too_long(pause));
            }
            call.say(format!("{}: waiting {} s before the next try", self.vendor, pause.as_secs_f32()));
            call.sleep(pause).await?;
        }
    }

    async fn once(&self, request: &Request, url: Url) -> reqwest::Result<reqwest::Response> {
        let mut sending = self.client.request(request.method.clone(), url);
        sending = sending.headers(self.more.clone()).headers(request.headers.clone());
        sending = sending.header(self.key.0.clone(), self.key.1.clone());
        if let Some((kind, bytes)) = &request.body {
            sending = sending.header(CONTENT_TYPE, kind).body(bytes.clone());
        }
        sending.send().await
    }

    /// Whether the answer is one to wait after.
    async fn pause_after(
        &self,
        response: reqwest::Response,
        request: &Request,
        pauses: &mut Pauses,
    ) -> Result<Waiting, Failure> {
        let status = response.status();
        let reading = request.method == Method::GET && status.is_server_error();
        if status != StatusCode::TOO_MANY_REQUESTS && !reading {
            return Ok(Waiting::Answered(response));
        }
        let (headers, url) = (response.headers().clone(), response.url().clone());
        let answer = Answer { vendor: self.vendor, response };
        let body = answer.read(LARGEST_ERROR).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        // No money is no matter of waiting.
        if !text.contains("insufficient_quota")
            && let Some(pause) = pauses.next()
        {
            let told = retry_after(&headers, &text);
            return Ok(Waiting::Again(told.unwrap_or(pause)));
        }
        let mut again = http::Response::new(body);
        *again.status_mut() = status;
        *again.headers_mut() = headers;
        again.extensions_mut().insert(url);
        Ok(Waiting::Answered(again.into()))
    }

    /// The address of a path, which must not lead away from the vendor's.
    fn url(&self, path: &str) -> Result<Url, Failure> {
        let joined = if path.is_empty() { Ok(self.base.clone()) } else { Url::parse(&self.address(path)) };
        let inside = |url: &Url| {
            url.origin() == self.base.origin()
                && url.path().starts_with(self.base.path().trim_end_matches('/'))
        };
        let rooted = path.is_empty() || path.starts_with('/');
        joined.ok().filter(|url| rooted && inside(url)).ok_or_else(|| {
            Failure::new(
                format!("No picture was made: `{}` is no path at {}.", quoted(path), self.vendor),
                "bad_path (nothing was sent)",
                "check the name of the model.",
            )
        })
    }

    fn unanswered(&self, error: &reqwest::Error, request: &Request) -> Failure {
        let why = causes(error);
        if error.is_connect() {
            return Failure::new(
                format!("No picture was made: {} cannot be reached: {why}.", self.vendor),
                "connect (nothing was sent)",
                "check the network and the address, then try again.",
            );
        }
        let failure = Failure::new(
            format!("{}: the connection broke before there was an answer: {why}.", self.vendor),
            "connection_lost",
            "the vendor may have accepted the request and may charge for it, so it was not sent again; look there \
             before trying again.",
        );
        if request.method == Method::GET { failure } else { failure.perhaps_spent() }
    }

    fn too_long(&self, pause: Duration) -> Failure {
        Failure::new(
            format!(
                "No picture was made: {} asks to wait {} s, which is longer than this call may take.",
                self.vendor,
                pause.as_secs_f32()
            ),
            "429 rate_limit",
            "try again after that time.",
        )
    }
}

/// What becomes of an answer.
enum Waiting {
    Answered(reqwest::Response),
    Again(Duration),
}

impl Answer {
    /// The status.
    #[must_use]
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The media type, in lower case and without parameters.
    #[must_use]
    pub(crate) fn media_type(&self) -> String {
        let value = self.response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The next part of the body; `None` at its end.
    ///
    /// # Errors
    /// The connection broke, nothing came for too long, or the call ended.
    pub(crate) async fn chunk(&mut self, call: &Call) -> Result<Option<Bytes>, Failure> {
        let vendor = self.vendor;
        let next = tokio::time::timeout(STALL_PATIENCE, self.response.chunk());
        match call.race(next).await? {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => Err(lost(vendor, &causes(&error))),
            Err(_) => Err(lost(vendor, &format!("nothing came for {} s", STALL_PATIENCE.as_secs()))),
        }
    }

    /// The whole body as JSON.
    ///
    /// # Errors
    /// It does not come, is too large, or is no JSON.
    pub(crate) async fn json(mut self, call: &Call) -> Result<serde_json::Value, Failure> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk(call).await? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(lost(self.vendor, "the answer is larger than 96 MB"));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|_| {
            let said = quoted(&String::from_utf8_lossy(body.get(..200).unwrap_or(&body)));
            Failure::new(
                format!("{}: the answer cannot be read: `{said}`.", self.vendor),
                format!("{} (not JSON)", self.status().as_u16()),
                "check the address that is set for the vendor, or try again later.",
            )
            .perhaps_spent()
        })
    }

    /// The body of an error, as text; what cannot be read is left out.
    pub(crate) async fn error_text(self, call: &Call) -> String {
        let body = call.race(self.read(LARGEST_ERROR)).await;
        String::from_utf8_lossy(&body.ok().flatten().unwrap_or_default()).into_owned()
    }

    /// The body up to a limit; `None` if nothing came for too long.
    async fn read(mut self, limit: usize) -> Option<Bytes> {
        let mut body = BytesMut::new();
        let reading = async {
            while let Ok(Some(chunk)) = self.response.chunk().await {
                body.extend_from_slice(&chunk);
                if body.len() >= limit {
                    break;
                }
            }
        };
        tokio::time::timeout(STALL_PATIENCE, reading).await.ok()?;
        body.truncate(limit);
        Some(body.freeze())
    }
}

fn lost(vendor: &str, why: &str) -> Failure {
    Failure::new(
        format!("{vendor}: the answer broke off: {why}."),
        "connection_lost",
        "the picture may have been made and charged for; look at the vendor before trying again.",
    )
    .perhaps_spent()
}

/// An error with all its causes and without its address, which may hold a key.
fn causes(error: &reqwest::Error) -> String {
    let mut told = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told.push(error.to_string());
        cause = error.source();
    }
    if told.is_empty() { "no reason was given".to_owned() } else { quoted(&told.join(": ")) }
}

#[cfg(test)]
mod tests;
