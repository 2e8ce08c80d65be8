//! What servers offer, as it was seen last: asked for when somebody wants to see it, kept for minutes, each
//! definition judged once and its tokens counted once.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use toolgate_catalog::{Assessment, Definition, Tokenizer, classify};
use toolgate_gateway::settings::ServerSettings;
use toolgate_gateway::{Offer, ProbedTool, Survey};

use crate::admin::Shared;
use crate::problem::Problem;

/// What was seen within this time is shown as it was: microseconds.
const FRESH: i64 = 300_000_000;
/// How long a server may take while somebody only looks, and while it is asked on purpose.
const LOOK: Duration = Duration::from_secs(10);
const REFRESH: Duration = Duration::from_secs(60);
/// Servers that are asked at the same time.
const AT_ONCE: usize = 4;

/// What all servers offer.
#[derive(Debug, Default)]
pub(crate) struct Surveys {
    seen: Mutex<HashMap<String, Arc<Seen>>>,
    /// Held while servers are asked, so that two who look do not ask twice.
    asking: tokio::sync::Mutex<()>,
    /// Held while tokens are counted, so that the vocabulary is there once.
    counting: tokio::sync::Mutex<()>,
}

/// What one server offers. Its settings may hold secrets.
pub(super) struct Seen {
    settings: ServerSettings,
    /// When it was asked last.
    pub(super) at: i64,
    /// Why it could not be asked, or which lists it would not give.
    pub(super) problem: Option<String>,
    /// Its tools by name.
    pub(super) tools: Vec<Arc<Tool>>,
    pub(super) resources: Vec<Offer>,
    pub(super) templates: Vec<Offer>,
    pub(super) prompts: Vec<Offer>,
    /// Which definitions calls were judged by at that time.
    judged_by: Option<u64>,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("at", &self.at).finish_non_exhaustive()
    }
}

/// A tool with what its definition tells.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) hash: String,
    pub(super) definition: Arc<str>,
    /// Why calls cannot be checked against its schema.
    pub(super) schema_error: Option<String>,
    pub(super) assessment: Assessment,
    tokens: OnceLock<u64>,
}

impl Tool {
    fn new(server: &str, tool: ProbedTool) -> Self {
        let assessment = classify(&definition_of(server, &tool.name, &tool.definition));
        let ProbedTool { name, definition, hash, schema_error } = tool;
        Self { name, hash, definition, schema_error, assessment, tokens: OnceLock::new() }
    }

    /// Its definition, read.
    pub(super) fn read(&self, server: &str) -> Definition {
        definition_of(server, &self.name, &self.definition)
    }

    /// The tokens of its definition, if they were counted.
    pub(super) fn tokens(&self) -> Option<u64> {
        self.tokens.get().copied()
    }
}

/// A definition; of one that cannot be read its name.
fn definition_of(server: &str, name: &str, text: &str) -> Definition {
    let read = serde_json::from_str(text).ok().and_then(|value| Definition::from_value(&value).ok());
    let definition = read.unwrap_or_else(|| Definition { name: name.to_owned(), ..Definition::default() });
    Definition { server: server.to_owned(), ..definition }
}

/// How new what is shown must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A few minutes old at most.
    Recent,
    /// Asked for now.
    Now,
}

impl Surveys {
    fn get(&self, server: &str) -> Option<Arc<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(server).cloned()
    }

    fn put(&self, server: &str, seen: Arc<Seen>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(server.to_owned(), seen);
    }

    fn keep_only(&self, servers: &[ServerSettings]) {
        let names: HashSet<&str> = servers.iter().map(|server| server.name.as_str()).collect();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|name, _| names.contains(name.as_str()));
    }
}

impl Shared {
    /// What servers offer, in the order given. A server that cannot be asked keeps what was seen of it before, with
    /// the reason.
    pub(super) async fn seen(&self, servers: &[ServerSettings], wanted: Wanted) -> Vec<(String, Arc<Seen>)> {
        let is_due = |server: &&ServerSettings| match self.surveys.get(&server.name) {
            Some(seen) => {
                wanted == Wanted::Now
                    || seen.settings != **server
                    || self.wall().saturating_sub(seen.at) >= FRESH
            }
            None => true,
        };
        if servers.iter().any(|server| is_due(&server)) {
            let asked_at = self.wall();
            let _asking = self.surveys.asking.lock().await;
            let has_been_asked = |server: &ServerSettings| {
                self.surveys
                    .get(&server.name)
                    .is_some_and(|seen| seen.at > asked_at && seen.settings == *server)
            };
            let due: Vec<&ServerSettings> =
                servers.iter().filter(is_due).filter(|server| !has_been_asked(server)).collect();
            futures_util::stream::iter(due)
                .for_each_concurrent(AT_ONCE, |server| Box::pin(self.ask(server, wanted)))
                .await;
            self.surveys.keep_only(&self.gateway().settings().servers);
        }
        let mut all = Vec::new();
        for server in servers {
            self.take_over_known(server).await;
            all.extend(self.surveys.get(&server.name).map(|seen| (server.name.clone(), seen)));
        }
        all
    }

    /// Asks one server.
    async fn ask(&self, server: &ServerSettings, wanted: Wanted) {
        let patience = if wanted == Wanted::Now { REFRESH } else { LOOK };
        let answer = tokio::time::timeout(patience, self.gateway().survey(&server.name)).await;
        let before = self.surveys.get(&server.name).filter(|seen| seen.settings == *server);
        let judged_by = self.gateway().known_tools(&server.name).map(|tools| stamp(&tools));
        let (survey, problem) = match answer {
            Ok(Ok(survey)) => {
                let problems = survey.problems.join("; ");
                (Some(survey), Some(problems).filter(|text| !text.is_empty()))
            }
            Ok(Err(error)) => (None, Some(error)),
            Err(_) => (None, Some(format!("no answer within {} seconds", patience.as_secs()))),
        };
        let at = self.wall();
        let seen = match (survey, before) {
            (Some(survey), before) => {
                self.note_sighting(&server.name, &survey.tools).await;
                let Survey { tools, resources, templates, prompts, .. } = survey;
                let tools = judged(&server.name, tools, before.as_deref()).await;
                Seen {
                    settings: server.clone(),
                    at,
                    problem,
                    tools,
                    resources,
                    templates,
                    prompts,
                    judged_by,
                }
            }
            // What calls are judged by is taken over even so.
            (None, before) => {
                let (tools, resources, templates, prompts) = before.map_or_else(Default::default, |seen| {
                    let Seen { tools, resources, templates, prompts, .. } = &*seen;
                    (tools.clone(), resources.clone(), templates.clone(), prompts.clone())
                });
                let settings = server.clone();
                Seen { settings, at, problem, tools, resources, templates, prompts, judged_by: None }
            }
        };
        self.surveys.put(&server.name, Arc::new(seen));
    }

    /// Takes over definitions that calls have been judged by since the server was asked.
    async fn take_over_known(&self, server: &ServerSettings) {
        let (Some(seen), Some(known)) =
            (self.surveys.get(&server.name), self.gateway().known_tools(&server.name))
        else {
            return;
        };
        let judged_by = Some(stamp(&known));
        if seen.judged_by == judged_by {
            return;
        }
        self.note_sighting(&server.name, &known).await;
        let tools = judged(&server.name, known, Some(&seen)).await;
        let newer = Seen {
            settings: seen.settings.clone(),
            at: seen.at,
            problem: seen.problem.clone(),
            tools,
            resources: seen.resources.clone(),
            templates: seen.templates.clone(),
            prompts: seen.prompts.clone(),
            judged_by,
        };
        self.surveys.put(&server.name, Arc::new(newer));
    }

    /// Notes which definitions a server's tools have now.
    pub(crate) async fn note_sighting(&self, server: &str, tools: &[ProbedTool]) {
        let tools: Vec<(&str, &str)> =
            tools.iter().map(|tool| (tool.name.as_str(), tool.hash.as_str())).collect();
        if let Err(error) = self.store().sightings().note(server, &tools, self.wall()).await {
            tracing::warn!(server, %error, "which definitions its tools have is not noted this time");
        }
    }

    /// Counts the tokens of tools that were not counted yet. The vocabulary is there only while this runs.
    pub(super) async fn count_tokens(&self, tools: &[(String, Arc<Tool>)]) -> Result<(), Problem> {
        let is_open = |(_, tool): &&(String, Arc<Tool>)| tool.tokens.get().is_none();
        if !tools.iter().any(|tool| is_open(&tool)) {
            return Ok(());
        }
        let _counting = self.surveys.counting.lock().await;
        let open: Vec<(String, Arc<Tool>)> = tools.iter().filter(is_open).cloned().collect();
        let counted = tokio::task::spawn_blocking(move || {
            let tokenizer = Tokenizer::load().map_err(|error| error.to_string())?;
            for (server, tool) in open {
                tool.tokens.get_or_init(|| tokenizer.count_definition(&tool.read(&server)));
            }
            Ok(())
        });
        let counted: Result<(), String> = counted.await.unwrap_or_else(|error| Err(error.to_string()));
        counted.map_err(|error| Problem::new(http::StatusCode::INTERNAL_SERVER_ERROR, error))
    }
}

/// Judges tools, but for those that were judged before.
async fn judged(server: &str, tools: Vec<ProbedTool>, before: Option<&Seen>) -> Vec<Arc<Tool>> {
    let known: HashMap<(String, String), Arc<Tool>> = before
        .into_iter()
        .flat_map(|seen| &seen.tools)
        .map(|tool| ((tool.name.clone(), tool.hash.clone()), Arc::clone(tool)))
        .collect();
    let server = server.to_owned();
    let judge = move || {
        let judge = |tool: ProbedTool| match known.get(&(tool.name.clone(), tool.hash.clone())) {
            Some(known) => Arc::clone(known),
            None => Arc::new(Tool::new(&server, tool)),
        };
        tools.into_iter().map(judge).collect()
    };
    // It ends early only with the program.
    tokio::task::spawn_blocking(judge).await.unwrap_or_default()
}

/// A number that stands for these definitions.
fn stamp(tools: &[ProbedTool]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for tool in tools {
        (&tool.name, &tool.hash).hash(&mut hasher);
    }
    hasher.finish()
}
