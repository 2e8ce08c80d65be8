//! The servers of a config, asked for their tools: a few at once, each with its own time limit.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use toolgate_catalog::Definition;
use toolgate_catalog::precheck::Way;
use toolgate_gateway::rules::{UrlFault, server_url};
use toolgate_gateway::settings::Reach;

use super::super::filling::{Unfilled, fill};
use super::super::listing::{Unlisted, definitions, header};
use super::client_config::Entry;
use crate::answer::Failure;
use crate::environment::Environment;

/// How many servers are asked at once.
const AT_ONCE: usize = 4;

/// What each server answered, in the order of the entries.
pub(super) fn ask_all(
    entries: &[Entry],
    patience: Duration,
    environment: &Environment,
) -> Result<Vec<Result<Vec<Definition>, Unlisted>>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let reaches: Vec<Result<Reach, Unlisted>> =
        entries.iter().map(|entry| reach(entry, environment)).collect();
    let base = environment.for_children();
    runtime.block_on(async {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        let mut answers: Vec<Option<Result<Vec<Definition>, Unlisted>>> = Vec::new();
        for (at, reach) in reaches.into_iter().enumerate() {
            let reach = match reach {
                Ok(reach) => reach,
                Err(unlisted) => {
                    answers.push(Some(Err(unlisted)));
                    continue;
                }
            };
            answers.push(None);
            let (places, base) = (Arc::clone(&places), base.clone());
            tasks.spawn(async move {
                let place = places.acquire().await;
                let answer = Box::pin(definitions(reach, &base, patience)).await;
                drop(place);
                (at, answer)
            });
        }
        while let Some(done) = tasks.join_next().await {
            let (at, answer) = done?;
            if let Some(place) = answers.get_mut(at) {
                *place = Some(refused_in_words(answer));
            }
        }
        let missing = || Err(Unlisted::because("it was not asked"));
        Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(missing)).collect())
    })
}

fn refused_in_words(answer: Result<Vec<Definition>, Unlisted>) -> Result<Vec<Definition>, Unlisted> {
    answer.map_err(|mut unlisted| {
        if unlisted.refused {
            unlisted.why.push_str("; give the token that it wants in `headers`, by the name of a variable");
        }
        unlisted
    })
}

/// The way to a server, with variables filled in.
fn reach(entry: &Entry, environment: &Environment) -> Result<Reach, Unlisted> {
    let filled = |text: &str| fill(text, environment).map_err(|fault| unfilled(&fault));
    let pairs = |pairs: &[(String, String)]| -> Result<Vec<(String, String)>, Unlisted> {
        pairs.iter().map(|(name, value)| Ok((name.clone(), filled(value)?))).collect()
    };
    match &entry.written.way {
        Way::Unknown => Err(Unlisted::because("its entry has neither a command nor an address")),
        Way::Command { program, arguments } => {
            let program = filled(program)?;
            let program = match &entry.folder {
                Some(folder) if program.contains('/') => folder.join(program).to_string_lossy().into_owned(),
                Some(_) | None => program,
            };
            let args = arguments.iter().map(|word| filled(word)).collect::<Result<Vec<_>, _>>()?;
            let env = pairs(&entry.written.variables)?;
            if args
                .iter()
                .chain([&program])
                .chain(env.iter().flat_map(|(n, v)| [n, v]))
                .any(|t| t.contains('\0'))
            {
                return Err(Unlisted::because("its entry holds a NUL character"));
            }
            if env.iter().any(|(name, _)| name.is_empty() || name.contains('=')) {
                return Err(Unlisted::because("its entry has a variable without a name"));
            }
            Ok(Reach::Command { program, args, env, shared: false })
        }
        Way::Url(url) => {
            let url = server_url(&filled(url)?).map_err(|fault| {
                Unlisted::because(match fault {
                    UrlFault::Form => "its address is not an http or https URL with a host",
                    UrlFault::Credentials => "its address holds credentials; they belong into a header",
                })
            })?;
            let headers = pairs(&entry.written.headers)?;
            let headers = headers.iter().map(|(name, value)| header(name, value));
            let headers: Result<Vec<_>, Failure> = headers.collect();
            Ok(Reach::Http { url, headers: headers.map_err(|failure| Unlisted::because(failure.error))? })
        }
    }
}

fn unfilled(unfilled: &Unfilled) -> Unlisted {
    let advice = match unfilled {
        Unfilled::Missing(_) => "; set it, or leave the server out with `--no-start`",
        Unfilled::Foreign(_) => "; `--no-start` does without",
    };
    Unlisted::because(format_args!("{unfilled}{advice}"))
}
