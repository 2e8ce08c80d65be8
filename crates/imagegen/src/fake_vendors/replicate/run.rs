//! Predictions: how they go from `starting` to their end, and what is delivered of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::super::drawing::{Easel, Encoding, Sketch};
use super::super::scenario::{Scenario, Twist};
use super::models::{Model, Shape, VERSION};

/// Predictions that are kept; the oldest go first.
const MOST_RUNS: usize = 1000;
const AT: &str = "2026-01-01T00:00:00.000Z";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Starting,
    Processing,
    Succeeded,
    Failed,
    Canceled,
    Aborted,
}

/// One prediction.
#[derive(Debug)]
pub(in crate::fake_vendors) struct Run {
    model: &'static Model,
    input: Map<String, Value>,
    pub(in crate::fake_vendors) scenario: Scenario,
    polls: u64,
    stage: Stage,
    deadline: Option<Instant>,
}

/// All predictions, by number.
#[derive(Debug, Default)]
pub(in crate::fake_vendors) struct Runs(Mutex<BTreeMap<u64, Run>>);

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Aborted => "aborted",
        }
    }

    fn is_final(self) -> bool {
        !matches!(self, Self::Starting | Self::Processing)
    }
}

impl Runs {
    /// Keeps a prediction and gives its id.
    pub(in crate::fake_vendors) fn begin(&self, run: Run) -> String {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = runs.last_key_value().map_or(1, |(last, _)| last + 1);
        runs.insert(number, run);
        if runs.len() > MOST_RUNS {
            runs.pop_first();
        }
        format!("fake{number:022}")
    }

    /// What `look` makes of the prediction with this id.
    pub(in crate::fake_vendors) fn with<T>(&self, id: &str, look: impl FnOnce(&mut Run) -> T) -> Option<T> {
        let number: u64 = id.strip_prefix("fake")?.parse().ok()?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&number).map(look)
    }
}

impl Run {
    pub(super) fn new(
        model: &'static Model,
        input: Map<String, Value>,
        scenario: Scenario,
        cancel_after: Option<Duration>,
    ) -> Self {
        let deadline = cancel_after.and_then(|after| Instant::now().checked_add(after));
        Self { model, input, scenario, polls: 0, stage: Stage::Starting, deadline }
    }

    /// The answer to a create: ended already if the client waits, unless a twist keeps it going.
    pub(super) fn created(&mut self, id: &str, base: &str, waits: bool) -> Value {
        if waits && !self.scenario.has(Twist::Polls) {
            self.stage = self.end();
        }
        self.shown(id, base)
    }

    /// The answer to a create whose wait ran out.
    pub(super) fn still_processing(&mut self, id: &str, base: &str) -> Value {
        if !self.stage.is_final() {
            self.stage = Stage::Processing;
        }
        self.shown(id, base)
    }

    /// The answer to a poll; `None` is an internal error.
    pub(super) fn poll(&mut self, id: &str, base: &str) -> Option<Value> {
        self.polls += 1;
        if self.polls <= self.scenario.number(Twist::GetError).unwrap_or(0) {
            return None;
        }
        if !self.stage.is_final() {
            self.stage = self.next();
        }
        Some(self.shown(id, base))
    }

    pub(super) fn cancel(&mut self, id: &str, base: &str) -> Value {
        if !self.stage.is_final() {
            self.stage = Stage::Canceled;
        }
        self.shown(id, base)
    }

    /// The picture that is delivered.
    pub(in crate::fake_vendors) fn sketch(&self) -> Sketch {
        let (width, height, encoding) = self.model.picture(&self.input);
        let encoding = if self.scenario.has(Twist::Jpeg) { Encoding::Jpeg } else { encoding };
        Sketch { width, height, encoding }
    }

    /// The format that the delivered picture is said to have.
    pub(in crate::fake_vendors) fn claimed(&self) -> Encoding {
        self.model.picture(&self.input).2
    }

    fn next(&self) -> Stage {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return if self.stage == Stage::Starting { Stage::Aborted } else { Stage::Canceled };
        }
        match self.scenario.number(Twist::Polls) {
            Some(last) if self.polls < last => {
                if self.polls == 1 {
                    Stage::Starting
                } else {
                    Stage::Processing
                }
            }
            Some(_) | None => self.end(),
        }
    }

    fn end(&self) -> Stage {
        let ends = [
            (Twist::Failed, Stage::Failed),
            (Twist::Nsfw, Stage::Failed),
            (Twist::Canceled, Stage::Canceled),
            (Twist::Aborted, Stage::Aborted),
        ];
        let end = ends.into_iter().find(|(twist, _)| self.scenario.has(*twist));
        end.map_or(Stage::Succeeded, |(_, stage)| stage)
    }

    fn shown(&self, id: &str, base: &str) -> Value {
        let ended = self.stage.is_final();
        let error = match self.stage {
            Stage::Failed if self.scenario.has(Twist::Nsfw) => json!(
                "The input or output was flagged as sensitive. Please try again with different inputs. (E005)"
            ),
            Stage::Failed => json!("Prediction interrupted; please retry (code: PA)"),
            Stage::Starting | Stage::Processing | Stage::Succeeded | Stage::Canceled | Stage::Aborted => {
                Value::Null
            }
        };
        let output = if self.stage == Stage::Succeeded { self.output(id, base) } else { Value::Null };
        let api = format!("{base}/replicate/v1/predictions/{id}");
        json!({
            "id": id, "model": self.model.name, "version": VERSION, "input": self.input,
            "logs": self.logs(), "output": output, "error": error, "status": self.stage.name(),
            "created_at": AT, "started_at": (self.stage != Stage::Starting).then_some(AT),
            "completed_at": ended.then_some(AT), "source": "api",
            "data_removed": self.stage == Stage::Succeeded && self.scenario.has(Twist::Null),
            "metrics": if ended { json!({ "predict_time": 1.5, "image_count": 1 }) } else { json!({}) },
            "urls": { "get": api, "cancel": format!("{api}/cancel"),
                "web": format!("https://replicate.com/p/{id}") },
        })
    }

    /// The progress bar of a diffusion model, which moves with each poll.
    fn logs(&self) -> String {
        let last = self.scenario.number(Twist::Polls).unwrap_or(1).max(1);
        let percent = 100 * self.polls.min(last) / last;
        match self.stage {
            Stage::Starting => String::new(),
            _ => format!("Using seed: 42\n{percent:3}%|#####     | {}/{last} [00:01<00:01]\n", self.polls),
        }
    }

    fn output(&self, id: &str, base: &str) -> Value {
        if self.scenario.has(Twist::Empty) {
            return json!([]);
        }
        if self.scenario.has(Twist::Null) {
            return Value::Null;
        }
        let many = self.model.pictures(&self.input);
        let extension = self.claimed().extension();
        let of = |number| {
            if self.scenario.has(Twist::DataUri) {
                let bytes = Easel::default().draw(self.sketch());
                return format!("data:{};base64,{}", self.sketch().encoding.mime(), STANDARD.encode(bytes));
            }
            let host = if self.scenario.has(Twist::Elsewhere) { "https://elsewhere.invalid" } else { base };
            format!("{host}/delivery/{id}/out-{number}.{extension}")
        };
        let list = match self.model.shape {
            _ if self.scenario.has(Twist::Array) => true,
            _ if self.scenario.has(Twist::String) => false,
            Shape::List => true,
            Shape::One => many > 1,
        };
        if list { (0..many).map(of).collect() } else { of(0).into() }
    }
}
