//! `toolgate up`: runs gateway and console until a signal, and tells how to connect.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use tokio::runtime::Builder;
use toolgate_admin::FilePolicy;
use toolgate_gateway::data_dir::DataDir;
use toolgate_gateway::settings::Settings;
use toolgate_gateway::{Loaded, Pending, Ready, RunError, RunOptions, token};
use toolgate_policy::Format;
use toolgate_store::KeySource;

use crate::answer::{Answer, Done, Failure};
use crate::config::{self, Administration, Finding, Overrides, Surroundings};
use crate::control_plane::ControlPlane;
use crate::data_dir::CONFIG_FILE;
use crate::demo;
use crate::environment::Environment;
use crate::resources::{FileRead, Opening, ReadFile, Resources};
use crate::shell::{Shell, now_micros};
use crate::store::key_source;
use crate::telemetry::{self, LogFormat};
use crate::welcome::{Welcome, console_url};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Config file
    #[arg(long, value_name = "FILE", default_value = CONFIG_FILE)]
    config: PathBuf,
    /// Data directory, in place of the config file's
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port of the data plane, in place of the config file's
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Address and port of the console, in place of the config file's
    #[arg(long, value_name = "ADDR")]
    console: Option<SocketAddr>,
    /// Without a config file: an image server that draws locally, under a policy that caps one tool
    #[arg(long, conflicts_with = "config")]
    demo: bool,
    /// How log lines on standard error look
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    telemetry::start(&shell.environment, arguments.log_format, "info")?;
    let overrides = Overrides {
        data_dir: arguments.data_dir.clone(),
        listen: arguments.listen,
        console: arguments.console,
    };
    let demo_token = if arguments.demo { Some(mint()?) } else { None };
    let (read_file, file): (Arc<ReadFile>, _) = match &demo_token {
        Some(token) => {
            (demo_reader(&shell.environment, overrides, token.clone()), PathBuf::from("the demo's config"))
        }
        None => (file_reader(&shell.environment, overrides, &arguments.config)?, arguments.config.clone()),
    };
    let FileRead { loaded: Loaded { settings, .. }, administration, .. } =
        read_file().map_err(|problems| refused(&problems))?;
    refuse_open_demo(&settings, arguments)?;
    // What does not serve calls has a thread of its own, so that it cannot keep calls waiting.
    let control_plane = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let data_dir = DataDir::open(&settings.data_dir)?;
    let key = key_source(&shell.environment, data_dir.path())?;
    let (resources, minted) =
        control_plane.block_on(open(Resources::opening(read_file, file), data_dir.path(), key))?;
    let plane = ControlPlane::start(
        Arc::clone(&resources),
        administration,
        data_dir.path(),
        control_plane.handle().clone(),
    )?;
    let demo = demo_token.map(|token| (demo::GRANT.to_owned(), token));
    let welcome = Welcome::new(&settings, demo, minted);
    let (pages, greeting) = (plane.clone(), greeting(welcome, plane.clone(), shell.another()));
    let runtime = control_plane.handle().clone();
    let options = RunOptions {
        data_dir,
        source: resources,
        control_plane: control_plane.handle().clone(),
        pages: Box::new(move |control, ready| pages.pages(control, ready)),
        base_env: shell.environment.for_children(),
        on_ready: Box::new(move |ready| {
            runtime.spawn(greeting(ready.clone()));
        }),
    };
    let ended = toolgate_gateway::run(options);
    control_plane.block_on(plane.stop());
    control_plane.shutdown_timeout(Duration::from_secs(1));
    ended.map_err(|error| match error {
        RunError::Settings(problems) => refused(&problems),
        error => Failure::from(error),
    })?;
    Ok(Answer::Yes)
}

/// Tells how to connect, once requests are served.
fn greeting(
    welcome: Welcome,
    plane: ControlPlane,
    mut printer: Shell,
) -> impl FnOnce(Ready) -> Pending<'static, ()> + Send {
    move |ready| {
        Box::pin(async move {
            let link = match plane.open(&ready).await {
                Ok(link) => Some(format!("{}{link}", console_url(&ready))),
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "nobody can be let into the admin API");
                    None
                }
            };
            // A gateway whose output nobody reads serves all the same.
            printer.line(welcome.text(&ready, link.as_deref())).unwrap_or_default();
        })
    }
}

/// Opens the store, takes over what an older program kept, and mints tokens for grants that have none.
async fn open(
    opening: Opening,
    data_dir: &Path,
    key: KeySource,
) -> Result<(Arc<Resources>, Vec<(String, String)>), Failure> {
    let resources = opening.open(data_dir, key).await?;
    let minted = resources.mint_missing(now_micros()).await.map_err(|problems| refused(&problems))?;
    Ok((Arc::new(resources), minted))
}

fn mint() -> Result<String, Failure> {
    token::mint().map_err(|error| Failure::unreachable(anyhow!("the system gives no random bytes: {error}")))
}

fn refused(problems: &[String]) -> Failure {
    Failure::no(problems.join("\n"))
}

fn demo_reader(environment: &Environment, overrides: Overrides, token: String) -> Arc<ReadFile> {
    let environment = environment.clone();
    Arc::new(move || {
        let settings =
            demo::settings(&environment, &overrides, &token).map_err(|error| vec![format!("{error:#}")])?;
        let document = FilePolicy { format: Format::Json, text: demo::POLICY.to_owned() };
        Ok(FileRead {
            loaded: Loaded { settings, files: Vec::new(), warnings: Vec::new() },
            policies: BTreeMap::from([(demo::POLICY_NAME.to_owned(), document)]),
            administration: Administration::default(),
        })
    })
}

fn file_reader(
    environment: &Environment,
    overrides: Overrides,
    path: &Path,
) -> Result<Arc<ReadFile>, Failure> {
    if !path.exists() {
        return Err(Failure::usage(format_args!(
            "there is no config file `{}`: write one, name one with `--config`, or try `toolgate up --demo`",
            path.display()
        )));
    }
    let (environment, path) = (environment.clone(), path.to_owned());
    Ok(Arc::new(move || {
        let reading = config::read(&path, Surroundings { environment: &environment, overrides: &overrides });
        let (errors, warnings): (Vec<_>, Vec<_>) =
            reading.findings.iter().partition(|finding| finding.is_error());
        match reading.settings {
            Some(settings) => {
                let warnings = warnings.into_iter().map(Finding::render).collect();
                Ok(FileRead {
                    loaded: Loaded { settings, files: reading.files, warnings },
                    policies: documents(reading.policies),
                    administration: reading.administration,
                })
            }
            None => Err(errors.into_iter().map(Finding::render).collect()),
        }
    }))
}

/// The documents of policies, as far as their files are still there to be shown.
fn documents(files: Vec<(String, PathBuf)>) -> BTreeMap<String, FilePolicy> {
    let document = |(name, path): (String, PathBuf)| {
        let text = std::fs::read_to_string(&path).ok()?;
        Some((name, FilePolicy { format: config::format_of(&path, &text), text }))
    };
    files.into_iter().filter_map(document).collect()
}

/// The demo has no key that could allow it to be reached from other machines.
fn refuse_open_demo(settings: &Settings, arguments: &Arguments) -> Result<(), Failure> {
    let open = [settings.listen, settings.console].into_iter().find(|address| !address.ip().is_loopback());
    match open {
        Some(address) if arguments.demo => Err(Failure::no(format_args!(
            "`{address}` can be reached from other machines: the demo runs on loopback addresses only"
        ))),
        _ => Ok(()),
    }
}
