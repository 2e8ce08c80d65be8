//! Compiling limits: windows, maxima and amounts, and the short form `rate_limit`.

use std::time::Duration;

use toolgate_json::Decimal;

use super::{Compiler, mode_of, word};
use crate::decide::PLACES;
use crate::duration::parse_duration;
use crate::limit::{CalendarUnit, Count, Limit, LimitWindow, OnStoreFailure, Scope, UNIT};
use crate::located::Place;
use crate::path::{Path, Root};
use crate::plan::{Amount, Charge, Mode};

/// No window is longer.
const LONGEST: Duration = Duration::from_hours(366 * 24);

impl Compiler {
    pub(super) fn limits(&mut self, list: Option<Place<'_>>, outer: Mode) -> Vec<Charge> {
        list.into_iter().flat_map(Place::elements).filter_map(|place| self.limit(place, outer)).collect()
    }

    fn limit(&mut self, place: Place<'_>, outer: Mode) -> Option<Charge> {
        let counter = self.counter_name(place.get("counter")?);
        let window = self.window(place);
        let max = self.amount_at(place.get("max")?, "max");
        let amount = self.amount(place.get("amount"));
        let limit = Limit {
            counter: counter?,
            window: window?,
            max: max?,
            scope: word(place, "scope").and_then(Scope::of_name).unwrap_or(Scope::Grant),
            count: if word(place, "count") == Some("successes") { Count::Successes } else { Count::Attempts },
            constant_unit: false,
            on_deny: word(place, "on_deny").map(str::to_owned),
            on_store_failure: match word(place, "on_store_failure") {
                Some("allow") => OnStoreFailure::Allow,
                _ => OnStoreFailure::Deny,
            },
            shadow: mode_of(place, outer) == Mode::Shadow,
            pointer: place.pointer(),
        };
        Some(self.charge(place, limit, amount?))
    }

    fn counter_name(&mut self, place: Place<'_>) -> Option<String> {
        let name = place.as_str()?;
        if name.is_empty() || name.len() > 512 || name.contains(char::is_control) {
            self.problems.error(place, "a counter's name is 1 to 512 bytes without control characters");
            return None;
        }
        Some(name.to_owned())
    }

    /// `concurrent`, or `window` as `align` says.
    fn window(&mut self, place: Place<'_>) -> Option<LimitWindow> {
        let concurrent = place.get("concurrent").and_then(Place::as_bool) == Some(true);
        let window = match (place.get("window"), concurrent) {
            (None, true) => {
                if let Some(align) = place.get("align") {
                    self.problems.error(align, "`align` has no meaning with `concurrent`");
                }
                return Some(LimitWindow::Concurrent);
            }
            (Some(window), true) => {
                self.problems.error(window, "`concurrent` stands instead of `window`; remove one");
                return None;
            }
            (None, false) => {
                self.problems.error(place, "limit lacks the field `window` (or `concurrent`)");
                return None;
            }
            (Some(window), false) => window,
        };
        if word(place, "align") != Some("calendar") {
            return self.length(window).map(LimitWindow::Sliding);
        }
        match window.as_str().and_then(CalendarUnit::of_name) {
            Some(unit) => Some(LimitWindow::Calendar { unit, zone: self.zone.clone() }),
            None => {
                let message = "a calendar window is one of second, minute, hour, day, week, month";
                self.problems.error(window, message);
                None
            }
        }
    }

    /// The length of a sliding window: a name, a duration, or seconds.
    fn length(&mut self, place: Place<'_>) -> Option<Duration> {
        let length = match (place.as_str(), place.as_number()) {
            (Some(name), _) => match CalendarUnit::of_name(name) {
                Some(unit) => Ok(unit.length()),
                None => parse_duration(name).map_err(|_| self.unknown_window(name)),
            },
            (None, Some(number)) => whole_seconds(number),
            (None, None) => return None,
        };
        match length {
            Ok(length) if length <= LONGEST => Some(length),
            Ok(_) => {
                self.problems.error(place, "the window is longer than 366 days");
                None
            }
            Err(message) => {
                self.problems.error(place, message);
                None
            }
        }
    }

    fn unknown_window(&self, name: &str) -> String {
        let units = || CalendarUnit::TABLE.iter().map(|(_, name, _)| *name);
        let advice = match crate::nearest::nearest(name, units()) {
            Some(unit) => format!("did you mean `{unit}`?"),
            None => format!(
                "known: {}, a duration such as 10m, or seconds",
                units().collect::<Vec<_>>().join(", ")
            ),
        };
        format!("unknown window `{}`; {advice}", crate::shape::shorten(name))
    }

    /// A number of the document in 10^-9 units.
    pub(super) fn amount_at(&mut self, place: Place<'_>, what: &str) -> Option<u128> {
        let scaled = Decimal::parse(place.as_number()?).and_then(|decimal| decimal.scaled(PLACES));
        let amount = scaled.and_then(|scaled| u128::try_from(scaled).ok());
        if amount.is_none() {
            let message = format!("`{what}` is a number of 0 or more with at most {PLACES} decimal places");
            self.problems.error(place, message);
        }
        amount
    }

    fn amount(&mut self, place: Option<Place<'_>>) -> Option<Amount> {
        let Some(place) = place else { return Some(Amount::Fixed(UNIT)) };
        if place.as_number().is_some() {
            return self.amount_at(place, "amount").map(Amount::Fixed);
        }
        let path = self.argument_path(place.get("from")?)?;
        let default = match place.get("default") {
            Some(default) => Some(self.amount_at(default, "default")?),
            None => None,
        };
        Some(Amount::Argument { path, default })
    }

    /// The path of one argument.
    pub(super) fn argument_path(&mut self, place: Place<'_>) -> Option<Path> {
        let message = match Path::parse(place.as_str()?) {
            Ok(path) if path.root == Root::Args && !path.steps.is_empty() && !path.is_many() => {
                return Some(path);
            }
            Ok(_) => "an amount comes from one argument, such as `args.amount`".to_owned(),
            Err(message) => message,
        };
        self.problems.error(place, message);
        None
    }

    /// `{"max": 10, "window": 60}` or `"10/minute"`: one sliding limit for each session.
    pub(super) fn rate_limit(&mut self, place: Option<Place<'_>>, key: &str, mode: Mode) -> Option<Charge> {
        let place = place?;
        let (max, window) = match place.as_str() {
            Some(text) => self.rate(place, text)?,
            None => {
                let max = place.get("max").and_then(|max| self.amount_at(max, "max"));
                let window = place.get("window").and_then(|window| self.length(window));
                (max?, window?)
            }
        };
        let limit = Limit {
            counter: format!("rate_limit/{key}"),
            window: LimitWindow::Sliding(window),
            max,
            scope: Scope::Session,
            count: Count::Attempts,
            constant_unit: true,
            on_deny: None,
            on_store_failure: OnStoreFailure::Deny,
            shadow: mode == Mode::Shadow,
            pointer: place.pointer(),
        };
        Some(self.charge(place, limit, Amount::Fixed(UNIT)))
    }

    fn rate(&mut self, place: Place<'_>, text: &str) -> Option<(u128, Duration)> {
        match rate_parts(text) {
            Some((max, unit)) => Some((max, unit.length())),
            None => {
                self.problems.error(place, "a rate is written as in `10/minute`");
                None
            }
        }
    }
}

/// The parts of `10/minute`, the number in 10^-9 units.
pub(super) fn rate_parts(text: &str) -> Option<(u128, CalendarUnit)> {
    let (count, unit) = text.split_once('/')?;
    let plain = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
    let max = u128::from(count.parse::<u64>().ok().filter(|_| plain)?) * UNIT;
    Some((max, CalendarUnit::of_name(unit)?))
}

fn whole_seconds(number: &str) -> Result<Duration, String> {
    Decimal::parse(number)
        .and_then(|decimal| decimal.scaled(0))
        .and_then(|seconds| u64::try_from(seconds).ok())
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs)
        .ok_or_else(|| "a window in seconds is a whole number of 1 or more".to_owned())
}
