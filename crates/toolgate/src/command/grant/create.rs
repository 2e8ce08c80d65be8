//! `toolgate grant create`

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use toolgate_gateway::settings::Settings;
use toolgate_gateway::token;
use toolgate_policy::nearest;
use toolgate_store::{Binding, Change, GrantSpec, NameStyle, TokenHash};

use super::{file_names, mint, parse_label, show_token, token_of};
use crate::answer::{Answer, Done, Failure};
use crate::api::{Api, Target};
use crate::config::{self, Finding, Overrides, Surroundings, is_policy_name, is_server_name, is_tag, unit};
use crate::shell::{Shell, now_micros};
use crate::store::{AUTHOR, with_store};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Name for people, the journal and conditions
    #[arg(value_parser = parse_label)]
    label: String,
    /// A server that the grant includes, and the policy that judges its calls there; may be repeated
    #[arg(long = "server", value_name = "NAME=POLICY", required = true, value_parser = parse_binding)]
    servers: Vec<(String, String)>,
    /// Day (00:00 UTC) or RFC 3339 time at which it ends
    #[arg(long, value_name = "DATE", value_parser = parse_expiry)]
    expires: Option<i64>,
    /// A word for `grant.tags`; may be repeated
    #[arg(long = "tag", value_name = "TAG", value_parser = parse_tag)]
    tags: Vec<String>,
    /// How tool names are shown to its clients
    #[arg(long, value_enum, default_value_t = ShownNames::Dotted)]
    names: ShownNames,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ShownNames {
    /// As the server gives them
    Dotted,
    /// With underscores in place of dots
    Underscore,
}

pub(crate) fn run(arguments: &Arguments, shell: &mut Shell) -> Done {
    let now = now_micros();
    if arguments.expires.is_some_and(|expires| expires <= now) {
        return Err(Failure::usage("the grant would have ended already: give a later `--expires`"));
    }
    let token = match arguments.target.find(shell)? {
        Some(api) => over_api(arguments, &api)?,
        None => on_store(arguments, now, shell)?,
    };
    let json = json!({ "label": arguments.label, "token": token });
    show_token(&token, arguments.json.then_some(json), shell)?;
    Ok(Answer::Yes)
}

/// Has a running gateway make the grant.
fn over_api(arguments: &Arguments, api: &Api) -> Result<String, Failure> {
    let mut servers = Map::new();
    for (server, policy) in &arguments.servers {
        if servers.insert(server.clone(), policy.as_str().into()).is_some() {
            return Err(Failure::usage(format_args!("the server `{server}` is given twice")));
        }
    }
    let names = match arguments.names {
        ShownNames::Dotted => "dotted",
        ShownNames::Underscore => "underscore",
    };
    let mut body =
        json!({ "label": arguments.label, "servers": servers, "tags": arguments.tags, "names": names });
    if let (Some(expires), Value::Object(body)) = (arguments.expires, &mut body) {
        body.insert("expires".to_owned(), unit::show_time(expires).into());
    }
    token_of(&api.post("grants", &body)?)
}

/// Keeps the grant in the store.
fn on_store(arguments: &Arguments, now: i64, shell: &mut Shell) -> Result<String, Failure> {
    let in_file = check_names(arguments, shell)?;
    if in_file.contains(&arguments.label) {
        return Err(Failure::no(format_args!(
            "the config file has a grant `{}`: choose another label",
            arguments.label
        )));
    }
    let directory = arguments.target.data_dir.ensured(&shell.environment)?;
    let names = file_names(
        &arguments.target.data_dir,
        arguments.target.data_dir.outline(&shell.environment).as_ref(),
    );
    let token = mint()?;
    let change = Change::new(AUTHOR, now, &names);
    let spec = spec(arguments);
    with_store(&directory, async |store| {
        store.grants().create(&arguments.label, &spec, TokenHash::new(token::hash(&token)), &change).await
    })?;
    Ok(token)
}

fn spec(arguments: &Arguments) -> GrantSpec {
    let binding =
        |(server, policy): &(String, String)| Binding { server: server.clone(), policy: policy.clone() };
    GrantSpec {
        servers: arguments.servers.iter().map(binding).collect(),
        expires: arguments.expires,
        tags: arguments.tags.clone(),
        names: match arguments.names {
            ShownNames::Dotted => NameStyle::Dotted,
            ShownNames::Underscore => NameStyle::Underscore,
        },
    }
}

/// Checks servers and policies against the config file, if there is one, and tells its grants.
fn check_names(arguments: &Arguments, shell: &mut Shell) -> Result<Vec<String>, Failure> {
    let Some(path) = arguments.target.data_dir.config() else {
        shell.note("warning: without a config file, names of servers and policies are not checked")?;
        return Ok(Vec::new());
    };
    let surroundings = Surroundings { environment: &shell.environment, overrides: &Overrides::default() };
    let reading = config::read(&path, surroundings);
    let Some(settings) = reading.settings else {
        let first = reading.findings.iter().find(|finding| finding.is_error()).map(Finding::render);
        let first = first.unwrap_or_default();
        return Err(Failure::no(format_args!("the config file cannot be used: {first}")));
    };
    for (server, policy) in &arguments.servers {
        known("server", server, settings.servers.iter().map(|server| server.name.as_str()))?;
        known("policy", policy, settings.policies.iter().map(|policy| policy.name()))?;
    }
    Ok(labels(settings))
}

fn labels(settings: Settings) -> Vec<String> {
    settings.grants.into_iter().map(|grant| grant.label).collect()
}

fn known<'a>(kind: &str, name: &str, all: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let all: Vec<&str> = all.collect();
    if all.contains(&name) {
        return Ok(());
    }
    let help = match nearest(name, all.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("it has {}", all.join(", ")),
    };
    Err(Failure::no(format_args!("the config file has no {kind} `{name}`: {help}")))
}

fn parse_binding(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((server, policy)) if is_server_name(server) && is_policy_name(policy) => {
            Ok((server.to_owned(), policy.to_owned()))
        }
        _ => Err("write the name of a server, `=`, and the name of a policy".to_owned()),
    }
}

fn parse_expiry(text: &str) -> Result<i64, String> {
    unit::parse_date(text).ok_or_else(|| unit::DATE_FORM.to_owned())
}

fn parse_tag(text: &str) -> Result<String, String> {
    if is_tag(text) { Ok(text.to_owned()) } else { Err("use 1 to 64 characters".to_owned()) }
}
