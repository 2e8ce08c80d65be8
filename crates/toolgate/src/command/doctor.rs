//! `toolgate doctor`: looks at everything that a gateway depends on, and says what to do.

mod certificate;
mod journal;
mod listener;
mod store;
mod upstream;

use clap::Args;
use serde::Serialize;
use toolgate_gateway::settings::Settings;

use crate::answer::{Answer, Done};
use crate::config::{self, Finding, Overrides, Reading, Surroundings};
use crate::data_dir;
use crate::shell::{Shell, Tone, counted, now_micros, printable};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: data_dir::Options,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Fine,
    /// It works, but somebody should look at it.
    Doubtful,
    /// It keeps the gateway, or calls, from working.
    Bad,
    /// It does not answer.
    Unreachable,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    subject: String,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Check {
    fn new(subject: impl Into<String>, state: State, found: impl Into<String>) -> Self {
        Self { subject: subject.into(), state, found: found.into(), advice: None }
    }

    fn fine(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(subject, State::Fine, found)
    }

    fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let checks = look(arguments, shell);
    let has = |state: State| checks.iter().any(|check| check.state == state);
    let answer = match (has(State::Bad), has(State::Unreachable)) {
        (true, _) => Answer::No,
        (false, true) => Answer::Unreachable,
        (false, false) => Answer::Yes,
    };
    if arguments.json {
        shell.json(&serde_json::json!({ "ok": answer == Answer::Yes, "checks": checks }))?;
        return Ok(answer);
    }
    for check in &checks {
        print(check, shell)?;
    }
    Ok(answer)
}

fn look(arguments: &Arguments, shell: &Shell) -> Vec<Check> {
    let mut checks = Vec::new();
    let reading = arguments.data_dir.config().map(|path| {
        let overrides = Overrides { data_dir: arguments.data_dir.chosen(), ..Overrides::default() };
        let surroundings = Surroundings { environment: &shell.environment, overrides: &overrides };
        (path.clone(), config::read(&path, surroundings))
    });
    match &reading {
        Some((path, reading)) => checks.push(config_file(&path.display().to_string(), reading)),
        None => {
            checks.push(Check::new("config", State::Doubtful, "there is no config file").with_advice(
                "name one with `--config`; without it no server and no listener can be looked at",
            ))
        }
    }
    let now = now_micros();
    let mut running = store::Running::No;
    match arguments.data_dir.locate(&shell.environment) {
        Ok(path) => {
            running = store::look(&path, &mut checks);
            journal::look(&path, (now, running), &mut checks);
        }
        Err(failure) => checks.push(Check::new("data directory", State::Bad, format!("{:#}", failure.error))),
    }
    if let Some((_, reading)) = &reading
        && let Some(settings) = &reading.settings
    {
        listener::look(settings, (now, running), &mut checks);
        servers(settings, reading, shell, &mut checks);
    }
    checks
}

fn config_file(path: &str, reading: &Reading) -> Check {
    let errors = reading.findings.iter().filter(|finding| finding.is_error()).count();
    let advice = format!("run `toolgate check {path}`");
    let subject = format!("config `{path}`");
    let first =
        reading.findings.iter().find(|finding| errors == 0 || finding.is_error()).map(Finding::render);
    match first {
        Some(first) if errors > 0 => Check::new(
            subject,
            State::Bad,
            format!("{}, the first: {first}", counted(errors as u64, "error")),
        )
        .with_advice(advice),
        Some(first) => Check::new(subject, State::Doubtful, first).with_advice(advice),
        None => {
            let count = reading.settings.as_ref().map_or(0, |settings| settings.servers.len());
            Check::fine(
                subject,
                format!(
                    "read, with {} and {}",
                    counted(count as u64, "server"),
                    counted(reading.policies.len() as u64, "policy file")
                ),
            )
        }
    }
}

fn servers(settings: &Settings, reading: &Reading, shell: &Shell, checks: &mut Vec<Check>) {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let environment = shell.environment.for_children();
            runtime.block_on(upstream::look(settings, &reading.policies, &environment, checks));
        }
        Err(error) => checks.push(Check::new("servers", State::Bad, format!("cannot start: {error}"))),
    }
}

fn print(check: &Check, shell: &mut Shell) -> std::io::Result<()> {
    let (tone, mark) = match check.state {
        State::Fine => (Tone::Good, "ok"),
        State::Doubtful => (Tone::Doubtful, "look"),
        State::Bad => (Tone::Bad, "bad"),
        State::Unreachable => (Tone::Bad, "away"),
    };
    let mark = shell.toned(tone, &format!("{mark:<5}"));
    shell.line(format_args!("{mark} {}: {}", printable(&check.subject), printable(&check.found)))?;
    match &check.advice {
        Some(advice) => shell.line(format_args!("      {}", printable(advice))),
        None => Ok(()),
    }
}
