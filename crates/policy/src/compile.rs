//! From a document to a plan. Every mistake of the document is reported with its place; a document with
//! a mistake gives no plan.

mod conditions;
mod counters;
mod entries;
mod limits;
mod local;
mod rules;
mod version;

use jiff::tz::TimeZone;

use crate::glob::{self, Alphabet, Glob};
use crate::located::{Format, Located, Place};
use crate::plan::{Effect, Listing, Mode, Names, Plan, Rules, ServerRequests};
use crate::problem::{Problem, Problems};
use crate::shape::Shape;
use crate::vocabulary::DOCUMENT;

use counters::Counters;
use entries::SectionKind;

/// A policy that can be used, and what is odd about it.
#[derive(Debug)]
pub struct Loaded {
    /// The compiled policy.
    pub plan: Plan,
    /// What its author should look at.
    pub warnings: Vec<Problem>,
}

static SHAPE: Shape = Shape::Object(&DOCUMENT);

/// Reads, checks and compiles a policy document. `name` is the policy's name, such as `images`.
///
/// # Errors
///
/// Everything that is wrong with the document, and its warnings, by their place in the text.
pub fn load(text: &str, format: Format, name: &str) -> Result<Loaded, Vec<Problem>> {
    let document = Located::read(text, format)?;
    let root = document.root();
    let mut problems = Problems::new();
    SHAPE.check(root, &mut problems);
    let plan = Compiler::new(root, problems).compile(root, name);
    match plan {
        (plan, problems) if problems.has_errors() => {
            drop(plan);
            Err(problems.into_sorted())
        }
        (plan, problems) => Ok(Loaded { plan, warnings: problems.into_sorted() }),
    }
}

/// What the parts of a document share while it is compiled.
struct Compiler {
    problems: Problems,
    counters: Counters,
    zone: TimeZone,
    mode: Mode,
    record_arguments: bool,
    /// Whether the document is written in the local dialect, with `rules` under its tools.
    local: bool,
}

impl Compiler {
    fn new(root: Place<'_>, problems: Problems) -> Self {
        let record_arguments = root.get("record_arguments").and_then(Place::as_bool).unwrap_or(false);
        Self {
            problems,
            counters: Counters::default(),
            zone: TimeZone::UTC,
            mode: mode_of(root, Mode::Enforce),
            record_arguments,
            local: local::is_local(root),
        }
    }

    fn compile(mut self, root: Place<'_>, name: &str) -> (Plan, Problems) {
        self.zone = self.time_zone(root.get("timezone"));
        let default = self.default_effect(root);
        let hide = self.hide(root.get("hide"));
        let mut all_tools = self.shared(root.get("all_tools"));
        let mut tools = self.section(root.get("tools"), SectionKind::Tools);
        if self.local {
            self.local_tools(root, &mut tools, &mut all_tools);
        }
        let mut resources = self.section(root.get("resources"), SectionKind::Resources);
        let mut prompts = self.section(root.get("prompts"), SectionKind::Prompts);
        self.warn_of_hidden(root, &hide);
        self.counters.settle(&mut all_tools);
        for section in [&mut tools, &mut resources, &mut prompts] {
            section.entries.iter_mut().for_each(|entry| self.counters.settle(&mut entry.rules));
        }
        let plan = Plan {
            name: name.to_owned(),
            version: version::of(root),
            default,
            mode: self.mode,
            listing: if word(root, "list") == Some("all") { Listing::All } else { Listing::Callable },
            hide,
            all_tools,
            tools,
            resources,
            prompts,
            server_requests: server_requests(root, default),
            limits: self.counters.into_limits(),
            record_arguments: self.record_arguments,
            report_budget: root.get("report_budget").and_then(Place::as_bool).unwrap_or(false),
            zone: self.zone,
        };
        (plan, self.problems)
    }

    fn default_effect(&mut self, root: Place<'_>) -> Effect {
        match word(root, "default").and_then(effect_of) {
            Some(effect) => effect,
            None if self.local => {
                let message =
                    "`default` is absent, which allows every unlisted tool in a document with `rules`";
                self.problems.warning(root, message);
                Effect::Allow
            }
            None => Effect::Deny,
        }
    }

    fn time_zone(&mut self, place: Option<Place<'_>>) -> TimeZone {
        let Some((place, name)) = place.and_then(|place| Some((place, place.as_str()?))) else {
            return TimeZone::UTC;
        };
        TimeZone::get(name).unwrap_or_else(|_| {
            let message = format!("unknown time zone `{}`", crate::shape::shorten(name));
            self.problems.error_with_help(place, message, "use an IANA name such as `Europe/Berlin`");
            TimeZone::UTC
        })
    }

    fn hide(&mut self, list: Option<Place<'_>>) -> Names {
        let mut names = Names::default();
        for (place, name) in list.into_iter().flat_map(Place::elements).filter_map(|p| Some((p, p.as_str()?)))
        {
            if !self.is_usable_key(place, name) {
                continue;
            }
            // One list for tools, prompts and URIs: `*` runs over `/` too, which can only hide more.
            // URIs are compared in their normal spelling, names as they are.
            let normal = crate::uri::normalise(name).ok().filter(|uri| uri != name);
            for spelling in normal.into_iter().chain([name.to_owned()]) {
                if glob::is_pattern(name, Alphabet::Names) {
                    names.globs.push(Glob::new(&spelling, Alphabet::Names));
                } else {
                    names.exact.insert(spelling.into());
                }
            }
        }
        names
    }

    fn is_usable_key(&mut self, place: Place<'_>, name: &str) -> bool {
        let message = if name.is_empty() {
            "the name is empty".to_owned()
        } else if name.len() > glob::MAX_LENGTH {
            format!("the name is longer than {} bytes", glob::MAX_LENGTH)
        } else if name.trim() != name || name.contains(char::is_control) {
            "the name begins or ends with white space, or holds a control character".to_owned()
        } else {
            return true;
        };
        self.problems.name_error(place, message, None);
        false
    }

    fn warn_of_hidden(&mut self, root: Place<'_>, hide: &Names) {
        for key in ["tools", "prompts"].into_iter().filter_map(|key| root.get(key)).flat_map(Place::members) {
            if key.name().is_some_and(|name| !glob::is_pattern(name, Alphabet::Names) && hide.matches(name)) {
                self.problems.warning(key, "`hide` covers this name, so the entry has no effect");
            }
        }
    }

    fn shared(&mut self, place: Option<Place<'_>>) -> Rules {
        place.map_or_else(Rules::default, |place| self.rules(place, SectionKind::Tools, self.mode))
    }
}

/// The value of a field that is a word; other types were reported by the shape.
fn word<'t>(place: Place<'t>, name: &str) -> Option<&'t str> {
    place.get(name).and_then(Place::as_str)
}

fn effect_of(word: &str) -> Option<Effect> {
    match word {
        "allow" => Some(Effect::Allow),
        "deny" => Some(Effect::Deny),
        _ => None,
    }
}

fn mode_of(place: Place<'_>, outer: Mode) -> Mode {
    match word(place, "mode") {
        Some("shadow") => Mode::Shadow,
        Some("enforce") => Mode::Enforce,
        _ => outer,
    }
}

fn server_requests(root: Place<'_>, default: Effect) -> ServerRequests {
    let requests = root.get("server_requests");
    let of = |kind| requests.and_then(|place| word(place, kind)).and_then(effect_of).unwrap_or(default);
    ServerRequests { sampling: of("sampling"), elicitation: of("elicitation"), roots: of("roots") }
}

#[cfg(test)]
mod tests;
