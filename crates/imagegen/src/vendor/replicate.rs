//! Replicate: creates a prediction once, follows it to its end, calls it off when nobody wants it any more, and
//! fetches its pictures.

mod input;
mod schema;
mod trouble;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Batch, Body, Job, Plan};
use crate::call::Call;
use crate::catalogue::Known;
use crate::failure::{Failure, quoted};
use crate::wire::{Api, Fetched, Fetcher, Request};
use input::Reference;
use trouble::{explain, failed, unknown_model, unreadable};

/// How long the answer to a create may be held back for the picture, in seconds: well below the patience of
/// clients, and short enough for a cancelled call to learn soon which prediction it has to call off.
const WAIT: u64 = 10;
/// How long the answer to a create is awaited, also when the call has ended.
const CREATE_PATIENCE: Duration = Duration::from_secs(WAIT + 30);
/// How long calling off a prediction may take.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);
/// The pauses between polls, in milliseconds; the last one repeats.
const POLLS: [u64; 6] = [500, 500, 1_000, 1_500, 2_000, 3_000];

/// Models that Replicate hosts.
#[derive(Debug)]
pub(crate) struct Replicate {
    api: Api,
    fetcher: Fetcher,
}

impl Replicate {
    pub(super) fn new(api: Api, fetcher: Fetcher) -> Self {
        Self { api, fetcher }
    }

    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    pub(super) async fn plan(&self, job: &Job, call: &Call) -> Result<Plan, Failure> {
        let reference = Reference::parse(&job.model_id)?;
        job.check_inputs()?;
        input::check_size(&job.inputs)?;
        if job.model.known == Known::Listed {
            return Ok(input::plan(job, &reference));
        }
        let described = self.describe(&reference, call).await?;
        let reference = reference.versioned(described.as_ref());
        Ok(schema::plan(job, &reference, described.as_ref()))
    }

    /// What Replicate says about a model; `None` if it does not know one of that name.
    async fn describe(&self, reference: &Reference, call: &Call) -> Result<Option<Value>, Failure> {
        let request = Request::get(format!("/models/{}/{}", reference.owner, reference.name));
        let answer = self.api.send(&request, call).await?;
        match answer.status() {
            StatusCode::OK => answer.json(call).await.map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(explain(status, &answer.error_text(call).await)),
        }
    }

    pub(super) async fn run(&self, plan: &Plan, call: &Call) -> Result<Batch, Failure> {
        call.say("Replicate: sending the request");
        let mut prediction = self.create(plan, call).await?;
        let id = text(&prediction, "id").filter(|id| is_id(id)).map(str::to_owned);
        let mut polls = POLLS.iter().copied();
        let mut pause = Duration::ZERO;
        while !is_final(&prediction) {
            let Some(id) = &id else { return Err(unreadable("it has no id")) };
            call.say(stage(&prediction));
            pause = polls.next().map_or(pause, Duration::from_millis);
            match self.poll(id, pause, call).await {
                Ok(next) => prediction = next,
                Err(failure) => {
                    self.call_off(id).await;
                    return Err(failure.perhaps_spent());
                }
            }
        }
        if call.is_cancelled() {
            // The picture is there, but nobody wants it.
            call.sleep(Duration::ZERO).await?;
        }
        let named = id.as_deref().unwrap_or_default();
        if !named.is_empty() && !is_known_end(&prediction) {
            // Whatever its status means, nobody will fetch what comes of it.
            self.call_off(named).await;
        }
        let pictures = self.pictures(&prediction, call).await.map_err(|failure| failure.of_run(named))?;
        Ok(Batch { pictures, cost: None, id })
    }

    /// Creates the prediction. Its answer is awaited even if the call ends meanwhile, since only the answer tells
    /// which prediction to call off.
    async fn create(&self, plan: &Plan, call: &Call) -> Result<Value, Failure> {
        let Body::Json(body) = &plan.body else { return Err(unreadable("the request is a form")) };
        let mut request = Request::post(&*plan.path, body);
        request.held = Some(CREATE_PATIENCE);
        request.headers.insert(HeaderName::from_static("prefer"), wait_header());
        let minutes = call.patience().as_secs().div_ceil(60).max(1);
        if let Ok(limit) = HeaderValue::from_str(&format!("{minutes}m")) {
            request.headers.insert(HeaderName::from_static("cancel-after"), limit);
        }
        let answer = self.api.send(&request, call).await?;
        let held = Call::new(CancellationToken::new(), CREATE_PATIENCE);
        if !answer.status().is_success() {
            let status = answer.status();
            let model = plan.path.strip_prefix("/models/").and_then(|rest| rest.strip_suffix("/predictions"));
            let said = answer.error_text(&held).await;
            return Err(match model {
                Some(model) if status == StatusCode::NOT_FOUND => unknown_model(model, &said),
                Some(_) | None => explain(status, &said),
            });
        }
        answer.json(&held).await
    }

    async fn poll(&self, id: &str, pause: Duration, call: &Call) -> Result<Value, Failure> {
        call.sleep(pause).await?;
        let answer = self.api.send(&Request::get(format!("/predictions/{id}")), call).await?;
        if !answer.status().is_success() {
            let status = answer.status();
            return Err(explain(status, &answer.error_text(call).await));
        }
        answer.json(call).await
    }

    /// Ends a prediction that nobody waits for. Where that fails, `Cancel-After` ends it.
    async fn call_off(&self, id: &str) {
        let call = Call::new(CancellationToken::new(), CANCEL_PATIENCE);
        let request =
            Request::post(format!("/predictions/{id}/cancel"), &Value::Object(serde_json::Map::new()));
        match self.api.send(&request, &call).await {
            Ok(answer) => tracing::debug!(status = answer.status().as_u16(), "a prediction was called off"),
            Err(_) => tracing::warn!("a prediction could not be called off; it ends by its own deadline"),
        }
    }

    async fn pictures(&self, prediction: &Value, call: &Call) -> Result<Vec<Bytes>, Failure> {
        if text(prediction, "status") != Some("succeeded") {
            return Err(failed(prediction));
        }
        let output = prediction.get("output").unwrap_or(&Value::Null);
        let addresses: Vec<&str> = match output {
            Value::String(address) => vec![address],
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
        };
        if addresses.is_empty() {
            return Err(unreadable("it names no picture"));
        }
        let mut pictures = Vec::new();
        for address in addresses.into_iter().take(usize::from(crate::tool::MOST_PICTURES)) {
            call.say("Replicate: downloading the picture");
            pictures.push(match address.strip_prefix("data:") {
                Some(data) => decoded(data)?,
                None => self.fetcher.fetch(address, Fetched::Delivery, call).await.map_err(undelivered)?,
            });
        }
        Ok(pictures)
    }
}

/// A picture that was made and paid for, but did not arrive.
fn undelivered(failure: Failure) -> Failure {
    failure.led_by("Replicate API error: ").perhaps_spent()
}

fn decoded(data: &str) -> Result<Bytes, Failure> {
    let encoded = data.split_once(";base64,").map(|(_, encoded)| encoded);
    let bytes = encoded.and_then(|encoded| STANDARD.decode(encoded.trim()).ok());
    bytes.map(Bytes::from).ok_or_else(|| unreadable("its data: URI is broken"))
}

fn wait_header() -> HeaderValue {
    HeaderValue::from_str(&format!("wait={WAIT}")).unwrap_or(HeaderValue::from_static("wait"))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// Ids stand in paths, so they may hold nothing that a path gives a meaning to.
fn is_id(id: &str) -> bool {
    (1..=100).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn is_known_end(prediction: &Value) -> bool {
    matches!(text(prediction, "status"), Some("succeeded" | "failed" | "canceled" | "aborted"))
}

fn is_final(prediction: &Value) -> bool {
    // An answer that names no known status is no prediction that could be followed.
    !matches!(text(prediction, "status"), Some("starting" | "processing" | "queued"))
}

/// How far a prediction is, from its status and the last progress bar in its log.
fn stage(prediction: &Value) -> String {
    let status = quoted(text(prediction, "status").unwrap_or_default());
    let logs = text(prediction, "logs").unwrap_or_default();
    let bar = logs.rsplit_once("%|").map(|(front, _)| front);
    let digits =
        bar.map(|front| front.rsplit(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default());
    match digits.filter(|digits| (1..=3).contains(&digits.len())) {
        Some(percent) => format!("Replicate: {status}, {percent} %"),
        None => format!("Replicate: {status}"),
    }
}

#[cfg(test)]
mod tests;
