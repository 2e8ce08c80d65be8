//! The vendors: each turns a job into a request of its own kind, sends it, and gives the bytes of pictures back.

mod custom;
mod gemini;
mod imagen;
mod openai;
mod replicate;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::arguments::Arguments;
use crate::call::Call;
use crate::catalogue::{Known, Model};
use crate::failure::Failure;
use crate::inputs::{Addresses, Input};
use crate::money::Usd;
use crate::picture::Shape;
use crate::settings::Settings;
use crate::tool::Tool;
use crate::wire::{Api, Auth, Fetcher, Form};

/// A vendor that can be asked.
#[derive(Debug)]
pub(crate) enum Vendor {
    /// Models that Replicate hosts.
    Replicate(replicate::Replicate),
    /// OpenAI's image API.
    OpenAi(openai::OpenAi),
    /// Gemini's `generateContent`.
    Gemini(gemini::Gemini),
    /// A `:predict` endpoint.
    Imagen(imagen::Imagen),
    /// An endpoint with a contract of its own.
    Custom(custom::Custom),
}

/// What is to be made.
#[derive(Debug)]
pub(crate) struct Job {
    /// The checked arguments.
    pub(crate) arguments: Arguments,
    /// The model.
    pub(crate) model: Arc<Model>,
    /// The model as it was named, with a version if one was.
    pub(crate) model_id: String,
    /// The size asked for.
    pub(crate) shape: Shape,
    /// Pictures to start from.
    pub(crate) inputs: Vec<Input>,
    /// A picture whose transparent places may be changed.
    pub(crate) mask: Option<Input>,
    /// What the choice of model and size left to say.
    pub(crate) notes: Vec<String>,
}

/// A request to be, and what is known of its outcome.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Added to the vendor's address.
    pub(crate) path: String,
    /// What is sent.
    pub(crate) body: Body,
    /// Where the seed stands in the body, and its value; later requests count it up.
    pub(crate) seed: Option<(&'static str, i64)>,
    /// How many requests are sent.
    pub(crate) requests: u8,
    /// How many pictures one request gives.
    pub(crate) pictures: u8,
    /// The size that will come, where it is certain.
    pub(crate) sides: Option<(u32, u32)>,
    /// What one picture costs, as far as it is known before.
    pub(crate) estimate: Option<Usd>,
    /// What differs from what was asked for.
    pub(crate) notes: Vec<String>,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// JSON.
    Json(Value),
    /// A form with files.
    Form(Form),
}

/// What a request gave.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The pictures' files; at least one.
    pub(crate) pictures: Vec<Bytes>,
    /// What it did cost, where the vendor tells.
    pub(crate) cost: Option<Usd>,
    /// The vendor's id of the run.
    pub(crate) id: Option<String>,
}

impl Vendor {
    /// The vendor that `tool` asks.
    ///
    /// # Errors
    /// Its key or address is not set.
    pub(crate) fn of(tool: Tool, settings: &Settings, fetcher: &Fetcher) -> Result<Self, Failure> {
        let key = settings.key(tool).ok_or_else(|| missing_key(tool))?;
        let client = crate::wire::client(None)?;
        let api = |base: &str, auth| Api::new(tool.vendor(), client.clone(), base, auth, key);
        let addresses = &settings.addresses;
        match tool {
            Tool::Replicate => {
                let api = api(addresses.replicate.as_str(), Auth::Bearer)?;
                Ok(Self::Replicate(replicate::Replicate::new(api, fetcher.clone())))
            }
            Tool::OpenAi => {
                let account = &settings.openai_account;
                let api = api(addresses.openai.as_str(), Auth::Bearer)?
                    .with_header("openai-organization", account.organization.as_deref())
                    .with_header("openai-project", account.project.as_deref());
                Ok(Self::OpenAi(openai::OpenAi::new(api, settings.partial_images)))
            }
            Tool::Gemini => {
                let api = api(addresses.gemini.as_str(), Auth::GoogleKey)?;
                Ok(Self::Gemini(gemini::Gemini::at_vendor(api)))
            }
            Tool::Google => Self::google(settings, api),
        }
    }

    /// The endpoint that the operator names speaks what its path ends with.
    fn google(
        settings: &Settings,
        api: impl Fn(&str, Auth) -> Result<Api, Failure>,
    ) -> Result<Self, Failure> {
        let endpoint = settings.addresses.imagen.as_ref().ok_or_else(missing_endpoint)?.as_str();
        let at_google = endpoint.contains("//generativelanguage.googleapis.com");
        let auth = if at_google { Auth::GoogleKey } else { Auth::Bearer };
        let path = endpoint.split('?').next().unwrap_or_default();
        let Some((front, verb)) = path.rsplit_once(':').filter(|(_, verb)| !verb.contains('/')) else {
            return Ok(Self::Custom(custom::Custom::new(api(endpoint, auth)?)));
        };
        let (base, model) = front.rsplit_once('/').unwrap_or((front, ""));
        let model = if model == "{model}" { "" } else { model };
        match verb {
            "predict" => Ok(Self::Imagen(imagen::Imagen::new(api(base, auth)?, model))),
            "generateContent" => {
                // Vertex speaks of projects and takes tokens; the Gemini interface takes keys, wherever it is.
                let auth = if path.contains("/projects/") { auth } else { Auth::GoogleKey };
                Ok(Self::Gemini(gemini::Gemini::at_endpoint(api(base, auth)?, model)))
            }
            _ => Ok(Self::Custom(custom::Custom::new(api(endpoint, auth)?))),
        }
    }

    /// The model that an endpoint's own address names.
    #[must_use]
    pub(crate) fn own_model(&self) -> &str {
        match self {
            Self::Imagen(imagen) => imagen.model(),
            Self::Gemini(gemini) => gemini.model(),
            Self::Replicate(_) | Self::OpenAi(_) | Self::Custom(_) => "",
        }
    }

    /// Whether the vendor fetches addresses of pictures itself.
    #[must_use]
    pub(crate) fn addresses(&self) -> Addresses {
        match self {
            Self::Replicate(_) => Addresses::Passed,
            Self::OpenAi(_) | Self::Gemini(_) | Self::Imagen(_) | Self::Custom(_) => Addresses::Fetched,
        }
    }

    /// Makes a request of a job. Nothing is sent that costs anything.
    ///
    /// # Errors
    /// The job cannot be done by this vendor.
    pub(crate) async fn plan(&self, job: &Job, progress: Progress, call: &Call) -> Result<Plan, Failure> {
        match self {
            Self::Replicate(replicate) => replicate.plan(job, call).await,
            Self::OpenAi(openai) => openai.plan(job, progress),
            Self::Gemini(gemini) => gemini.plan(job),
            Self::Imagen(imagen) => imagen.plan(job),
            Self::Custom(custom) => Ok(custom.plan(job)),
        }
    }

    /// Sends the request; `round` counts from 0.
    ///
    /// # Errors
    /// The vendor gave no picture.
    pub(crate) async fn run(
        &self,
        plan: &Plan,
        round: u8,
        model: &Model,
        call: &Call,
    ) -> Result<Batch, Failure> {
        let plan = plan.of_round(round);
        match self {
            Self::Replicate(replicate) => replicate.run(&plan, call).await,
            Self::OpenAi(openai) => openai.run(&plan, model, call).await,
            Self::Gemini(gemini) => gemini.run(&plan, call).await,
            Self::Imagen(imagen) => imagen.run(&plan, call).await,
            Self::Custom(custom) => custom.run(&plan, call).await,
        }
    }

    /// The whole address of a request.
    #[must_use]
    pub(crate) fn address(&self, plan: &Plan) -> String {
        let api = match self {
            Self::Replicate(replicate) => replicate.api(),
            Self::OpenAi(openai) => openai.api(),
            Self::Gemini(gemini) => gemini.api(),
            Self::Imagen(imagen) => imagen.api(),
            Self::Custom(custom) => custom.api(),
        };
        api.address(&plan.path)
    }
}

/// Whether anybody follows the progress of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Somebody does.
    Followed,
    /// Nobody does.
    Unwatched,
}

impl Plan {
    /// The estimated price of all pictures.
    #[must_use]
    pub(crate) fn price(&self) -> Option<Usd> {
        self.estimate.map(|one| one.times(u64::from(self.requests) * u64::from(self.pictures)))
    }

    /// The body as people are shown it: pictures are cut away.
    #[must_use]
    pub(crate) fn shown(&self) -> Value {
        match &self.body {
            Body::Json(body) => shortened(body),
            Body::Form(form) => {
                let parts = form.parts().iter().map(|part| {
                    let value = match &part.file {
                        Some((name, kind)) => json!(format!("{name} ({kind}, {} bytes)", part.value.len())),
                        None => json!(String::from_utf8_lossy(&part.value)),
                    };
                    (part.name.to_owned(), value)
                });
                Value::Object(parts.collect())
            }
        }
    }

    fn of_round(&self, round: u8) -> Self {
        let mut plan = self.clone();
        if let (Some((pointer, seed)), Body::Json(body)) = (self.seed, &mut plan.body)
            && let Some(place) = body.pointer_mut(pointer)
        {
            *place = json!(seed.wrapping_add(i64::from(round)));
        }
        plan
    }
}

impl Job {
    /// How many requests give the wanted number of pictures, and how many pictures each gives: no more than wanted,
    /// since each is paid for.
    fn rounds(&self) -> (u8, u8) {
        let wanted = self.arguments.count;
        let most = self.model.pictures.min(wanted).max(1);
        let each = (1..=most).rev().find(|each| wanted.is_multiple_of(*each)).unwrap_or(1);
        (wanted / each, each)
    }

    /// Refuses more pictures to start from than the model takes.
    fn check_inputs(&self) -> Result<(), Failure> {
        let (given, most) = (self.inputs.len(), self.model.inputs);
        if given <= most || self.model.known == Known::Guessed {
            return Ok(());
        }
        let id = &self.model.id;
        let happened = match most {
            0 => format!("No picture was made: model `{id}` takes no picture to start from."),
            1 => format!("No picture was made: model `{id}` starts from one picture, not from {given}."),
            _ => {
                format!("No picture was made: model `{id}` starts from at most {most} pictures, not {given}.")
            }
        };
        let advice = "call again with fewer pictures or another model; image.models.list tells the limits.";
        Err(Failure::new(happened, "too_many_input_images (nothing was sent)", advice))
    }

    /// The prompt with what the vendor has no field for, as sentences at its end.
    fn folded_prompt(&self, what: Fold, notes: &mut Vec<String>) -> String {
        let mut prompt = self.arguments.prompt.text().to_owned();
        let mut fold = |name: &str, lead: &str, text: &str| {
            prompt.push_str(&format!("\n{lead}: {text}"));
            notes.push(format!(
                "adjusted: {name} became a sentence of the prompt, as the model has no field for it"
            ));
        };
        if let Some(text) = &self.arguments.style {
            fold("style", "Style", text);
        }
        if let (Fold::StyleAndNegative, Some(negative)) = (what, &self.arguments.negative_prompt) {
            fold("negativePrompt", "Avoid", negative.text());
        }
        prompt
    }
}

/// What becomes part of the prompt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fold {
    StyleAndNegative,
    Style,
}

fn missing_key(tool: Tool) -> Failure {
    let (variable, vendor) = (tool.key_variable(), tool.vendor());
    Failure::new(
        format!("Missing {variable} environment variable"),
        "missing_key (nothing was sent)",
        format!(
            "set {variable} to a key of {vendor} where the server is started, or start it with \
             IMAGEGEN_PROVIDER=placeholder to draw locally and for free."
        ),
    )
}

fn missing_endpoint() -> Failure {
    Failure::new(
        "Missing GOOGLE_IMAGEN_ENDPOINT environment variable",
        "missing_endpoint (nothing was sent)",
        "set GOOGLE_IMAGEN_ENDPOINT to the REST endpoint of Google's image model, or use image.generate.gemini.",
    )
}

/// A line that names fields which a model cannot honour.
fn ignored(given: &[(&str, bool)], why: &str) -> Option<String> {
    let names: Vec<_> = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    (!names.is_empty()).then(|| format!("ignored: {}, because {why}", names.join(", ")))
}

/// JSON without the long texts that pictures are.
fn shortened(value: &Value) -> Value {
    const LONGEST: usize = 4_000;
    match value {
        Value::String(text) if text.len() > LONGEST => json!(format!("({} characters)", text.len())),
        Value::Array(list) => list.iter().map(shortened).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), shortened(value))).collect::<Map<_, _>>().into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// What is wrong with the vendor itself rather than with the call.
fn server_trouble(vendor: &str, status: u16, said: &str) -> Failure {
    Failure::new(
        format!("{vendor} API error: {said}"),
        format!("{status}"),
        "the vendor has trouble and may have charged for the request; look there, then try again later.",
    )
    .perhaps_spent()
}
