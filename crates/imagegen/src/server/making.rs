//! One call from its arguments to its result: by the placeholder or by a vendor.

use std::sync::Arc;

use bytes::Bytes;
use image::DynamicImage;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::json;
use tokio::task::JoinSet;

use super::finish::{Raw, Wish};
use super::{Shared, broken};
use crate::arguments::{Arguments, Run};
use crate::call::Call;
use crate::catalogue::{Day, Model};
use crate::failure::{Failure, Spent};
use crate::inputs::{Input, Sources};
use crate::money::Usd;
use crate::picture::{Facts, Shape, Wanted, encode, landscape};
use crate::reply::{MOST_EMBEDDED, Made, Picture, told_model};
use crate::settings::Provider;
use crate::tool::Tool;
use crate::vendor::{Batch, Job, Plan, Progress, Vendor};

/// A call that is only shown.
struct DryRun<'a> {
    provider: &'static str,
    model: &'a str,
    request: serde_json::Value,
    price: Option<Usd>,
    notes: Vec<String>,
}

/// What the requests of one call gave.
#[derive(Default)]
struct Gathered {
    batches: Vec<Batch>,
    failures: Vec<Failure>,
}

impl Shared {
    /// Carries a call out.
    pub(super) async fn make(
        self: Arc<Self>,
        tool: Tool,
        arguments: Arguments,
        progress: Progress,
        call: &Call,
    ) -> Result<CallToolResult, Failure> {
        match self.settings.provider {
            Provider::Placeholder => self.draw(tool, arguments, call).await,
            Provider::Vendors => self.ask(tool, arguments, progress, call).await,
        }
    }

    /// Draws on a thread of its own. The permit stays with the work, also if nobody waits for it any more.
    async fn draw(
        self: Arc<Self>,
        tool: Tool,
        arguments: Arguments,
        call: &Call,
    ) -> Result<CallToolResult, Failure> {
        call.say("placeholder: drawing");
        let turn = call.race(Arc::clone(&self.drawing).acquire_owned()).await?;
        let (shared, stop) = (Arc::clone(&self), call.clone());
        let work = tokio::task::spawn_blocking(move || {
            let made = shared.place(tool, &arguments, &stop);
            drop(turn);
            made
        });
        call.race(work).await?.map_err(|_| broken())?
    }

    /// Draws and saves the placeholder's pictures. A call that is cancelled by then leaves no file.
    pub(super) fn place(
        &self,
        tool: Tool,
        arguments: &Arguments,
        call: &Call,
    ) -> Result<CallToolResult, Failure> {
        let Wanted { size, format, mut adjustments } = Wanted::of(arguments);
        adjustments.extend(ignored(arguments));
        let model =
            arguments.model.as_deref().unwrap_or_else(|| self.settings.default_model(tool)).to_owned();
        if arguments.run == Run::Dry {
            let request = json!({ "width": size.width(), "height": size.height(), "format": format.name() });
            return Ok(self.shown(DryRun {
                provider: "placeholder",
                model: &model,
                request,
                price: Some(Usd::default()),
                notes: adjustments,
            }));
        }
        let wish =
            Wish { sides: None, format: None, ..self.wish(tool, arguments, usize::from(arguments.count)) };
        let mut pictures = Vec::new();
        for round in 0..arguments.count {
            // Without a seed the first picture is the one that the prompt alone gives.
            let seed = match (arguments.seed, round) {
                (None, 0) => None,
                (seed, round) => Some(seed.unwrap_or(0).wrapping_add(i64::from(round))),
            };
            let picture = DynamicImage::from(landscape(arguments.prompt.text(), seed, size));
            let bytes = encode(&picture, format).map_err(|_| broken())?.into();
            if call.is_cancelled() {
                return Err(crate::call::Stop::Cancelled.into());
            }
            let raw = Raw { bytes, drawn: Some((Facts { format, size }, picture)) };
            pictures.push(self.finish(raw, &wish, &mut adjustments)?);
        }
        let made = Made {
            provider: "placeholder",
            model,
            pictures,
            seed: arguments.seed,
            cost: Some(Usd::default()),
            elapsed: call.elapsed(),
            prediction: None,
            adjustments,
        };
        Ok(made.into_result(&self.secrets))
    }

    /// Has a vendor make the pictures.
    async fn ask(
        self: Arc<Self>,
        tool: Tool,
        arguments: Arguments,
        progress: Progress,
        call: &Call,
    ) -> Result<CallToolResult, Failure> {
        let vendor = self.vendor(tool)?;
        let mut job = self.job(tool, &vendor, arguments, call).await?;
        let mut plan = vendor.plan(&job, progress, call).await?;
        let mut notes = std::mem::take(&mut job.notes);
        notes.append(&mut plan.notes);
        let arguments = &job.arguments;
        if arguments.run == Run::Dry {
            let request =
                json!({ "address": vendor.address(&plan), "body": plan.shown(), "times": plan.requests });
            return Ok(self.shown(DryRun {
                provider: tool.told_provider(),
                model: &job.model_id,
                request,
                price: plan.price(),
                notes,
            }));
        }
        let reservation = self.budget.reserve(plan.price(), &job.model_id)?;
        let plan = Arc::new(plan);
        let gathered = self.gather(&vendor, &plan, &job.model, call).await;
        let cost = gathered.cost(&plan);
        match cost {
            Some(cost) => reservation.settle(cost),
            // Dropped, the estimate counts as spent.
            None => drop(reservation),
        }
        let Gathered { batches, failures } = gathered;
        if let Some(failure) = failures.first() {
            if batches.is_empty() {
                return Err(failure.clone());
            }
            let said = failure.text(&self.secrets).replace('\n', "; ");
            notes.push(format!("missing: {} of {} requests failed: {said}", failures.len(), plan.requests));
        }
        let prediction = batches.iter().find_map(|batch| batch.id.clone());
        let files: Vec<_> = batches.into_iter().flat_map(|batch| batch.pictures).collect();
        let wish = Wish {
            sides: plan.sides.or(job.shape.sides),
            format: job.arguments.format,
            ..self.wish(tool, &job.arguments, files.len())
        };
        let pictures = Arc::clone(&self).save_all(files, wish, &mut notes).await?;
        let made = Made {
            provider: tool.told_provider(),
            model: job.model_id.clone(),
            pictures,
            seed: plan.seed.map(|(_, seed)| seed),
            cost,
            elapsed: call.elapsed(),
            prediction,
            adjustments: notes,
        };
        Ok(made.into_result(&self.secrets))
    }

    /// Chooses the model and gets the pictures to start from.
    async fn job(
        &self,
        tool: Tool,
        vendor: &Vendor,
        arguments: Arguments,
        call: &Call,
    ) -> Result<Job, Failure> {
        let mut notes = Vec::new();
        let own = Some(vendor.own_model()).filter(|model| !model.is_empty());
        let named = arguments.model.clone().filter(|model| !model.is_empty());
        let model_id =
            named.unwrap_or_else(|| own.unwrap_or_else(|| self.settings.default_model(tool)).to_owned());
        // A `:generateContent` endpoint speaks of Gemini's models.
        let family = if matches!(vendor, Vendor::Gemini(_)) { Tool::Gemini } else { tool };
        let model = self.settings.catalogue.model(family, &model_id);
        model.check_alive(&Day::of(self.clock.now()))?;
        notes.extend(model.warning());
        let shape = Shape::of(&arguments, &mut notes);
        let fetcher = self.fetcher()?;
        let sources = Sources { fetcher: &fetcher, output: &self.output, addresses: vendor.addresses() };
        let mut inputs: Vec<Input> = Vec::new();
        for named in &arguments.images {
            call.say("getting the pictures to start from");
            inputs.push(sources.get(named.text(), call).await?);
        }
        let mask = match &arguments.mask {
            Some(named) => Some(sources.get(named.text(), call).await?),
            None => None,
        };
        Ok(Job { arguments, model, model_id, shape, inputs, mask, notes })
    }

    /// Sends all requests of a plan side by side.
    async fn gather(
        self: &Arc<Self>,
        vendor: &Arc<Vendor>,
        plan: &Arc<Plan>,
        model: &Arc<Model>,
        call: &Call,
    ) -> Gathered {
        let mut requests = JoinSet::new();
        for round in 0..plan.requests {
            let (shared, vendor, call) = (Arc::clone(self), Arc::clone(vendor), call.clone());
            let (plan, model) = (Arc::clone(plan), Arc::clone(model));
            requests.spawn(async move {
                let turn = call.race(shared.asking.acquire()).await;
                let outcome = match turn {
                    Ok(_turn) => vendor.run(&plan, round, &model, &call).await,
                    Err(stop) => Err(stop.into()),
                };
                (round, outcome)
            });
        }
        let mut outcomes = Vec::new();
        while let Some(ended) = requests.join_next().await {
            outcomes.push(ended.unwrap_or_else(|_| (u8::MAX, Err(broken()))));
        }
        outcomes.sort_by_key(|(round, _)| *round);
        let mut gathered = Gathered::default();
        for (_, outcome) in outcomes {
            match outcome {
                Ok(batch) => gathered.batches.push(batch),
                Err(failure) => gathered.failures.push(failure),
            }
        }
        gathered
    }

    /// Reads and saves the pictures, one after the other, on a thread of its own.
    async fn save_all(
        self: Arc<Self>,
        files: Vec<Bytes>,
        wish: Wish,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Picture>, Failure> {
        let Ok(turn) = Arc::clone(&self.drawing).acquire_owned().await else { return Err(broken()) };
        let shared = Arc::clone(&self);
        let work = tokio::task::spawn_blocking(move || {
            let mut said = Vec::new();
            let pictures: Vec<_> = files
                .into_iter()
                .map(|bytes| shared.finish(Raw { bytes, drawn: None }, &wish, &mut said))
                .collect();
            drop(turn);
            (pictures, said)
        });
        let (outcomes, said) = work.await.map_err(|_| broken())?;
        notes.extend(said);
        let mut pictures = Vec::new();
        let mut failed = None;
        for outcome in outcomes {
            match outcome {
                Ok(picture) => pictures.push(picture),
                Err(failure) => {
                    notes.push(format!("missing: {}", failure.text(&self.secrets).replace('\n', "; ")));
                    failed = Some(failure);
                }
            }
        }
        match failed {
            Some(failure) if pictures.is_empty() => Err(failure),
            Some(_) | None => Ok(pictures),
        }
    }

    fn wish(&self, tool: Tool, arguments: &Arguments, pictures: usize) -> Wish {
        Wish {
            at: self.clock.now(),
            hint: arguments.filename_hint.as_deref().unwrap_or_else(|| tool.file_hint()).to_owned(),
            format: None,
            sides: None,
            embed: arguments.embed,
            share: MOST_EMBEDDED / pictures.max(1),
        }
    }

    fn shown(&self, mut dry: DryRun<'_>) -> CallToolResult {
        dry.notes.iter_mut().for_each(|line| *line = self.secrets.scrub(line));
        let model = told_model(dry.model);
        let estimate = dry.price.map_or_else(|| "unknown".to_owned(), |price| price.to_string());
        let mut text =
            format!("provider={} model={model} dry_run=true cost={estimate}\n{}", dry.provider, dry.request);
        for note in &dry.notes {
            text.push('\n');
            text.push_str(note);
        }
        let mut facts = json!({
            "provider": dry.provider,
            "model": model,
            "dry_run": true,
            "request": dry.request,
            "adjustments": dry.notes
        });
        if let (Some(price), Some(facts)) = (dry.price, facts.as_object_mut()) {
            facts.insert("cost_usd".to_owned(), json!(price.dollars()));
        }
        let mut result = CallToolResult::success(vec![ContentBlock::text(self.secrets.scrub(&text))]);
        result.structured_content = Some(facts);
        result
    }
}

impl Gathered {
    /// What the requests did cost: what the vendor told, else the estimate, and nothing for what it refused. `None`
    /// where there is no estimate either.
    fn cost(&self, plan: &Plan) -> Option<Usd> {
        let estimate =
            |pictures: usize| plan.estimate.map(|one| one.times(u64::try_from(pictures).unwrap_or(u64::MAX)));
        let made = self.batches.iter().map(|batch| batch.cost.or_else(|| estimate(batch.pictures.len())));
        let lost = self.failures.iter().map(|failure| match failure.spent() {
            Spent::Nothing => Some(Usd::default()),
            Spent::Perhaps => estimate(usize::from(plan.pictures)),
        });
        made.chain(lost).try_fold(Usd::default(), |sum, cost| Some(sum.plus(cost?)))
    }
}

/// A line that names the fields which the placeholder cannot honour.
fn ignored(arguments: &Arguments) -> Option<String> {
    let fields = [
        ("negativePrompt", arguments.negative_prompt.is_some()),
        ("quality", arguments.quality.is_some()),
        ("style", arguments.style.is_some()),
        ("background", arguments.background.is_some()),
        ("image", !arguments.images.is_empty()),
        ("mask", arguments.mask.is_some()),
    ];
    let given: Vec<_> = fields.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
    (!given.is_empty())
        .then(|| format!("ignored: {}, because the placeholder draws without it", given.join(", ")))
}
