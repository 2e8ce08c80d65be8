//! Asks servers for their tools, several at a time, and finds a policy for each.

use std::time::Duration;

use tokio::task::JoinSet;
use toolgate_catalog::{Category, Definition, Document, Preset, Rated, Verdict, classify, recommend};

use super::kept::Kept;
use crate::answer::Failure;
use crate::command::scan::listing::{ask, definitions_of};

/// How many servers are asked at once.
const AT_ONCE: usize = 6;
/// What a server says that wants another sign-in than it was given.
const REFUSED: &str = "refused the credentials";

/// What is known of a server's tools.
#[derive(Clone)]
pub(super) enum Listing {
    /// Its tools.
    Tools(Vec<Tool>),
    /// It could not be asked, for this reason.
    Silent(String),
    /// It wants a sign-in that a gateway cannot do.
    Refused,
}

/// A tool, and what the policy does with it.
#[derive(Clone)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) category: Category,
    pub(super) treatment: &'static str,
}

/// A policy to begin with.
#[derive(Clone)]
pub(super) struct Proposal {
    pub(super) document: String,
    pub(super) notes: Vec<String>,
}

/// Asks all servers; the answers are in the order of the questions.
pub(super) fn ask_all(
    servers: &[Kept],
    environment: &[(String, String)],
    (patience, preset): (Duration, Preset),
) -> Result<Vec<(Listing, Proposal)>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answers = runtime.block_on(async {
        let mut waiting = servers.iter().cloned().enumerate();
        let mut asking = JoinSet::new();
        let mut answers: Vec<Result<Vec<Definition>, String>> =
            vec![Err("it was not asked".to_owned()); servers.len()];
        loop {
            while asking.len() < AT_ONCE
                && let Some((at, server)) = waiting.next()
            {
                let environment = environment.to_vec();
                asking.spawn(async move { (at, one(&server, &environment, patience).await) });
            }
            let Some(done) = asking.join_next().await else { break answers };
            if let Ok((at, answer)) = done
                && let Some(place) = answers.get_mut(at)
            {
                *place = answer;
            }
        }
    });
    answers.into_iter().map(|answer| judged(answer, preset)).collect()
}

async fn one(
    server: &Kept,
    environment: &[(String, String)],
    patience: Duration,
) -> Result<Vec<Definition>, String> {
    let answer = ask(server.settings()?, environment, patience).await;
    let tools = answer.map_err(|error| server.without_secrets(&error))?;
    definitions_of(&tools).map_err(|error| format!("its list holds something that is no tool: {error:#}"))
}

fn judged(answer: Result<Vec<Definition>, String>, preset: Preset) -> Result<(Listing, Proposal), Failure> {
    let denied = || Proposal { document: Document::deny_all().to_json(), notes: Vec::new() };
    let tools = match answer {
        Ok(tools) => tools,
        Err(error) if error.contains(REFUSED) => return Ok((Listing::Refused, denied())),
        Err(error) => return Ok((Listing::Silent(error), denied())),
    };
    let rate = |tool| {
        let verdict = Verdict { machine: classify(tool), overridden: None };
        Rated::new(&tool.name, &verdict)
    };
    let rated: Vec<Rated> = tools.iter().map(rate).collect();
    let found = recommend(&rated, preset).map_err(Failure::no)?;
    let tool = |rated: &Rated| Tool {
        treatment: treatment(&found.policy, &rated.name),
        name: rated.name.clone(),
        category: rated.category,
    };
    let listed = rated.iter().map(tool).collect();
    Ok((Listing::Tools(listed), Proposal { document: found.policy.to_json(), notes: found.notes }))
}

/// What a policy does with a tool, in a word.
fn treatment(policy: &Document, name: &str) -> &'static str {
    match policy.tools.get(name) {
        _ if policy.hide.iter().any(|hidden| hidden == name) => "hidden",
        None => "denied",
        Some(entry) if !entry.deny_if.is_empty() => "denied",
        Some(entry) if !entry.limits.is_empty() => "limited",
        Some(_) => "allowed",
    }
}
