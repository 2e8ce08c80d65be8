//! A look at all that a server offers: tools, resources, templates of resources, prompts. For people who want to see
//! what can be reached; calls are judged by what the pipeline fetches.

use std::sync::Arc;

use tokio_util::task::TaskTracker;
use toolgate_mcp::method::Listed;

use crate::clock::{Clock, SystemClock};
use crate::live::Live;
use crate::probe::{ProbedTool, legacy_leg, list};
use crate::settings::{ServerSettings, Settings};
use crate::upstream::{Offer, Server, Servers, UpstreamError};

/// What a server offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Its tools by name.
    pub tools: Vec<ProbedTool>,
    /// Its resources, by URI, in the order of its list.
    pub resources: Vec<Offer>,
    /// Its templates of resources, by URI template.
    pub templates: Vec<Offer>,
    /// Its prompts, by name.
    pub prompts: Vec<Offer>,
    /// Lists that it would not give, in words.
    pub problems: Vec<String>,
}

/// Asks a server of `settings` for all that it offers, in the newest era that it speaks. Children are started and
/// ended again.
pub(crate) async fn survey(
    settings: &Settings,
    server: &ServerSettings,
    base_env: &[(String, String)],
) -> Result<Survey, String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let logs = settings.data_dir.join(crate::data_dir::LOGS);
    let servers = Servers::new(clock, TaskTracker::new(), base_env.to_vec(), logs, Live::default());
    let live = servers.open(server, settings, None);
    let found = look(&live).await;
    live.stop().await;
    found
}

async fn look(server: &Server) -> Result<Survey, String> {
    let leg = match server.modern_leg().await {
        Ok(leg) => leg,
        Err(first) => legacy_leg(server).await.map_err(|second| match first {
            UpstreamError::OtherEra(_) => second.to_string(),
            first => first.to_string(),
        })?,
    };
    let tools = list(server, &leg).await?;
    let mut survey = Survey { tools, ..Survey::default() };
    for (listed, offers) in [
        (Listed::Resources, &mut survey.resources),
        (Listed::Templates, &mut survey.templates),
        (Listed::Prompts, &mut survey.prompts),
    ] {
        match server.offers(&leg, listed).await {
            Ok(found) => *offers = found,
            Err(error) => survey.problems.push(format!("{}: {error}", listed.member())),
        }
    }
    server.end(&leg).await;
    Ok(survey)
}
