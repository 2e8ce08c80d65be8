//! What goes wrong, or differently, with one request: twists, named in the prompt or in the key.

use std::collections::BTreeMap;

use super::ledger::Vendor;

/// One thing that differs from a plain success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Twist {
    Status,
    Throttle,
    ThrottleBody,
    ThrottleBare,
    Always,
    Echo,
    Cut,
    Slow,
    Endless,
    Jpeg,
    Html,
    Polls,
    Hold,
    Failed,
    Nsfw,
    Canceled,
    Aborted,
    GetError,
    Array,
    String,
    Empty,
    Null,
    DataUri,
    NotFound,
    Truncated,
    Bomb,
    Redirect,
    RedirectNear,
    Elsewhere,
    ShortVersion,
    Quota,
    Moderation,
    Billing,
    Verify,
    NoData,
    StreamCut,
    StreamError,
    Text,
    TextFirst,
    Thought,
    Draft,
    Blocked,
    Finish,
    NoCandidates,
    Filtered,
    Data,
    B64,
    Base64,
}

/// A twist's name, the vendors that know it, whether it takes a number, and what it does.
struct Facts {
    twist: Twist,
    name: &'static str,
    vendors: &'static [Vendor],
    /// The number that the twist has when none is given; `None` for a twist without a number.
    number: Option<u64>,
    does: &'static str,
}

use Vendor::{Custom, Gemini, Imagen, OpenAi, Replicate};

const ALL: &[Vendor] = &[Replicate, OpenAi, Gemini, Imagen, Custom];

const fn facts(
    twist: Twist,
    name: &'static str,
    vendors: &'static [Vendor],
    number: Option<u64>,
    does: &'static str,
) -> Facts {
    Facts { twist, name, vendors, number, does }
}

/// Every twist, in the order of [`Twist`].
const TABLE: &[Facts] = &[
    facts(Twist::Status, "status", ALL, Some(500), "the create is refused with this HTTP status"),
    facts(
        Twist::Throttle,
        "throttle",
        &[Replicate, OpenAi, Custom],
        Some(2),
        "429 once for this prompt; the header Retry-After names the seconds",
    ),
    facts(
        Twist::ThrottleBody,
        "throttle-body",
        &[Replicate, OpenAi, Gemini],
        Some(2),
        "429 once for this prompt; only the body names the seconds",
    ),
    facts(Twist::ThrottleBare, "throttle-bare", ALL, None, "429 once for this prompt; nothing names a time"),
    facts(Twist::Always, "always", ALL, None, "with a throttle: every time, not once"),
    facts(
        Twist::Echo,
        "echo",
        ALL,
        None,
        "the create is refused, and the vendor's words quote the key whole",
    ),
    facts(
        Twist::Cut,
        "cut",
        ALL,
        None,
        "the create is accepted, then the connection breaks without an answer",
    ),
    facts(Twist::Slow, "slow", ALL, None, "the bytes of the picture come one a second"),
    facts(Twist::Endless, "endless", ALL, None, "the bytes of the picture never end"),
    facts(Twist::Jpeg, "jpeg", ALL, None, "a JPEG, called whatever was asked for"),
    facts(Twist::Html, "html", ALL, None, "an HTML page in place of the picture or of the answer"),
    facts(Twist::Polls, "polls", &[Replicate], Some(2), "`starting`, then final at this poll"),
    facts(Twist::Hold, "hold", &[Replicate], None, "held as long as `Prefer: wait=n` says, then 202"),
    facts(Twist::Failed, "failed", &[Replicate], None, "ends as `failed`"),
    facts(Twist::Nsfw, "nsfw", &[Replicate], None, "ends as `failed` with the refusal E005"),
    facts(Twist::Canceled, "canceled", &[Replicate], None, "ends as `canceled`"),
    facts(Twist::Aborted, "aborted", &[Replicate], None, "ends as `aborted`"),
    facts(Twist::GetError, "get-error", &[Replicate], Some(1), "the first so many polls are answered 500"),
    facts(Twist::Array, "array", &[Replicate], None, "the output is an array, whatever the model"),
    facts(Twist::String, "string", &[Replicate], None, "the output is one string, whatever the model"),
    facts(Twist::Empty, "empty", &[Replicate], None, "the output is an empty array"),
    facts(Twist::Null, "null", &[Replicate], None, "the output is null, and `data_removed` true"),
    facts(Twist::DataUri, "data-uri", &[Replicate], None, "the output is a `data:` URI"),
    facts(Twist::NotFound, "not-found", &[Replicate], None, "the download is answered 404"),
    facts(Twist::Truncated, "truncated", &[Replicate], None, "the download breaks off half way"),
    facts(Twist::Bomb, "bomb", &[Replicate], None, "a tiny file that claims 60000x60000 pixels"),
    facts(Twist::Redirect, "redirect", &[Replicate], None, "the download redirects to a private address"),
    facts(Twist::RedirectNear, "redirect-near", &[Replicate], None, "the download redirects on its own host"),
    facts(Twist::Elsewhere, "elsewhere", &[Replicate], None, "the output is on a host that delivers nothing"),
    facts(Twist::ShortVersion, "short-version", &[Replicate], None, "versions need not be 64 hex digits"),
    facts(Twist::Quota, "quota", &[OpenAi], None, "429 `insufficient_quota`, which no waiting mends"),
    facts(Twist::Moderation, "moderation", &[OpenAi], None, "400 `moderation_blocked`"),
    facts(Twist::Billing, "billing", &[OpenAi], None, "400 `billing_hard_limit_reached`"),
    facts(Twist::Verify, "verify", &[OpenAi], None, "403: the organization must be verified"),
    facts(Twist::NoData, "no-data", &[OpenAi, Imagen, Custom], None, "200 without a picture"),
    facts(Twist::StreamCut, "stream-cut", &[OpenAi], None, "a stream breaks after its partial pictures"),
    facts(Twist::StreamError, "stream-error", &[OpenAi], None, "a stream ends with an error event"),
    facts(Twist::Text, "text", &[Gemini], None, "a text instead of a picture"),
    facts(Twist::TextFirst, "text-first", &[Gemini], None, "a text, then the picture"),
    facts(Twist::Thought, "thought", &[Gemini], None, "a picture marked as thought, then the picture"),
    facts(Twist::Draft, "draft", &[Gemini], None, "a draft of 64x64, then the picture"),
    facts(Twist::Blocked, "blocked", &[Gemini], None, "no candidates, and a `blockReason`"),
    facts(Twist::Finish, "finish", &[Gemini], None, "no picture, `finishReason` IMAGE_SAFETY"),
    facts(Twist::NoCandidates, "no-candidates", &[Gemini], None, "no candidates, and no reason"),
    facts(Twist::Filtered, "filtered", &[Imagen], None, "a `raiFilteredReason` instead of a picture"),
    facts(Twist::Data, "data", &[Custom], None, "the picture as `data[0].b64_json`"),
    facts(Twist::B64, "b64", &[Custom], None, "the picture as `b64`"),
    facts(Twist::Base64, "base64", &[Custom], None, "the picture as `base64`"),
];

/// The twists of one request, each with its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scenario(BTreeMap<Twist, u64>);

/// A twist that cannot be had.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{asked}` is no twist of {vendor}; known are {known}", vendor = vendor.name())]
pub(super) struct UnknownTwist {
    asked: String,
    vendor: Vendor,
    known: String,
}

impl Scenario {
    /// The twists that the key names after a colon (`r8_fake:polls=3,failed`) and the prompt in a marker
    /// (`a cube [fake:polls=3,failed]`).
    ///
    /// # Errors
    /// A name that is no twist of this vendor: a test that misspells one must not pass.
    pub(super) fn of(vendor: Vendor, key: &str, prompt: &str) -> Result<Self, UnknownTwist> {
        let in_key = key.split_once(':').map_or("", |(_, twists)| twists);
        let in_prompt = prompt
            .split_once("[fake:")
            .and_then(|(_, rest)| rest.split_once(']'))
            .map_or("", |(twists, _)| twists);
        let mut scenario = Self::default();
        for asked in in_key.split(',').chain(in_prompt.split(',')).map(str::trim) {
            if !asked.is_empty() {
                let (twist, number) = one(vendor, asked)?;
                scenario.0.insert(twist, number);
            }
        }
        Ok(scenario)
    }

    pub(super) fn has(&self, twist: Twist) -> bool {
        self.0.contains_key(&twist)
    }

    /// The twist's number, if the twist is there.
    pub(super) fn number(&self, twist: Twist) -> Option<u64> {
        self.0.get(&twist).copied()
    }
}

fn one(vendor: Vendor, asked: &str) -> Result<(Twist, u64), UnknownTwist> {
    let (name, number) = asked.split_once('=').map_or((asked, None), |(name, number)| (name, Some(number)));
    let known = || TABLE.iter().filter(|facts| facts.vendors.contains(&vendor));
    let unknown = || UnknownTwist {
        asked: asked.to_owned(),
        vendor,
        known: known().map(|facts| facts.name).collect::<Vec<_>>().join(", "),
    };
    let facts = known().find(|facts| facts.name == name).ok_or_else(unknown)?;
    let number = match (number, facts.number) {
        (None, usual) => usual.unwrap_or_default(),
        (Some(digits), Some(_)) => digits.parse().map_err(|_| unknown())?,
        (Some(_), None) => return Err(unknown()),
    };
    Ok((facts.twist, number))
}

/// A line for each twist, below the vendors that know it; for people.
pub(super) fn listing() -> String {
    let mut groups: Vec<&[Vendor]> = Vec::new();
    for facts in TABLE {
        if !groups.contains(&facts.vendors) {
            groups.push(facts.vendors);
        }
    }
    let mut lines = String::new();
    for group in groups {
        let names: Vec<_> = group.iter().map(|vendor| vendor.name()).collect();
        lines.push_str(&format!("  {}:\n", names.join(", ")));
        for facts in TABLE.iter().filter(|facts| facts.vendors == group) {
            let end = if facts.number.is_some() { "=N" } else { "" };
            let name = format!("{}{end}", facts.name);
            lines.push_str(&format!("    {name:<16}{}\n", facts.does));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_and_prompt_name_twists() {
        let scenario = Scenario::of(Replicate, "r8_fake:polls=7", "a cube [fake:failed, array]").unwrap();
        assert_eq!(scenario.number(Twist::Polls), Some(7));
        assert!(scenario.has(Twist::Failed) && scenario.has(Twist::Array) && !scenario.has(Twist::Cut));
        assert_eq!(Scenario::of(OpenAi, "sk-fake", "plain [not a marker]").unwrap(), Scenario::default());
        assert_eq!(Scenario::of(Replicate, "k:polls", "").unwrap().number(Twist::Polls), Some(2));
    }

    #[test]
    fn what_is_no_twist_of_the_vendor_is_an_error() {
        for (vendor, twists) in [
            (Replicate, "pols=3"),
            (OpenAi, "polls=3"),
            (Replicate, "failed=1"),
            (Replicate, "polls=many"),
            (Gemini, "throttle"),
        ] {
            let error = Scenario::of(vendor, "", &format!("[fake:{twists}]")).unwrap_err();
            assert!(error.to_string().contains(vendor.name()), "{error}");
        }
    }

    #[test]
    fn the_table_has_each_twist_once_in_order() {
        for (place, facts) in TABLE.iter().enumerate() {
            assert_eq!(facts.twist as usize, place, "{}", facts.name);
        }
        assert_eq!(TABLE.last().unwrap().twist, Twist::Base64);
        let listed = listing();
        assert_eq!(listed.lines().filter(|line| line.starts_with("    ")).count(), TABLE.len());
    }
}
