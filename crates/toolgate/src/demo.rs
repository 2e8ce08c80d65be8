//! The built-in config of `toolgate up --demo`: one server with its free provider, one policy, one grant.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use toolgate_gateway::settings::{
    GrantSettings, JournalSettings, LimitSettings, Names, Protocol, Reach, ServerSettings, Settings,
    TokenSettings,
};
use toolgate_gateway::token;
use toolgate_policy::Format;

use crate::config::{DATA_DIR, Overrides, default_console, default_listen};
use crate::environment::Environment;

/// The server's name.
pub(crate) const SERVER: &str = "imagegen";
/// The grant's label.
pub(crate) const GRANT: &str = "demo";
/// A tool that the policy allows.
pub(crate) const TOOL: &str = "image.generate.replicate";
/// The policy: everything is denied but one tool, and that is capped.
pub(crate) const POLICY: &str = include_str!("demo/policy.json");
/// Its name.
pub(crate) const POLICY_NAME: &str = "imagegen";
const PROGRAM: &str = "imagegen-mcp";

/// The settings of the demo, for a grant with this token. Addresses and data directory may be chosen.
pub(crate) fn settings(
    environment: &Environment,
    overrides: &Overrides,
    token: &str,
) -> anyhow::Result<Settings> {
    let data_dir = overrides.data_dir.clone().unwrap_or_else(|| PathBuf::from(DATA_DIR));
    let outputs = std::path::absolute(&data_dir)?.join("outputs");
    let plan = toolgate_policy::load(POLICY, Format::Json, POLICY_NAME)
        .map_err(|problems| anyhow!("the built-in policy is broken: {problems:?}"))?
        .plan;
    Ok(Settings {
        listen: overrides.listen.unwrap_or(default_listen()),
        console: overrides.console.unwrap_or(default_console()),
        data_dir,
        workers: 0,
        tls: None,
        console_tls: None,
        console_url: None,
        trusted_proxies: Vec::new(),
        servers: vec![server(&program(environment)?, &outputs)],
        policies: vec![Arc::new(plan)],
        grants: vec![GrantSettings {
            label: GRANT.to_owned(),
            tokens: vec![TokenSettings::lasting(token::hash(token))],
            servers: vec![(SERVER.to_owned(), POLICY_NAME.to_owned())],
            expires: None,
            tags: Vec::new(),
            names: Names::Dotted,
        }],
        allowed_hosts: Vec::new(),
        allowed_origins: Vec::new(),
        limits: LimitSettings::default(),
        journal: JournalSettings::default(),
    })
}

fn server(program: &Path, outputs: &Path) -> ServerSettings {
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    ServerSettings {
        name: SERVER.to_owned(),
        reach: Reach::Command {
            program: program.to_string_lossy().into_owned(),
            args: vec!["stdio".to_owned()],
            env: vec![
                variable("IMAGEGEN_PROVIDER", "placeholder"),
                variable("OUTPUT_DIR", &outputs.to_string_lossy()),
            ],
            shared: false,
        },
        protocol: Protocol::Auto,
        timeout: std::time::Duration::from_secs(60),
        max_duration: std::time::Duration::from_mins(10),
    }
}

/// The server's program: beside this one, else in `PATH`.
fn program(environment: &Environment) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this program is")?;
    let beside = own.parent().map(|folder| folder.join(PROGRAM)).filter(|path| path.is_file());
    let in_path = || {
        let folders =
            environment.get("PATH").unwrap_or_default().split(':').filter(|folder| !folder.is_empty());
        folders.map(|folder| Path::new(folder).join(PROGRAM)).find(|path| path.is_file())
    };
    beside.or_else(in_path).with_context(|| {
        format!(
            "the demo's server `{PROGRAM}` is neither beside `{}` nor in PATH: build it with `cargo build -p {PROGRAM}`",
            own.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_caps_one_tool_and_denies_the_rest() {
        let loaded = toolgate_policy::load(POLICY, Format::Json, POLICY_NAME).unwrap();
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        assert!(loaded.plan.prejudge(TOOL).is_none());
        assert!(loaded.plan.prejudge("image.generate.flux").is_some());
        let [limit] = loaded.plan.limits() else { panic!() };
        assert_eq!(
            (limit.counter.as_str(), limit.max),
            ("image.generate.replicate_rate", 10 * toolgate_policy::UNIT)
        );
    }
}
