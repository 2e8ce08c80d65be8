//! What the classifier says about a tool, and what a person may say instead.

use serde::{Deserialize, Serialize};

/// The worst thing that one ordinary call can do. The order is that of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Returns information and leaves the world as it was.
    Read,
    /// Creates or changes what its owner can change back, or tells other people something.
    Write,
    /// Starts something whose effects its arguments decide.
    Execute,
    /// Removes, overwrites or revokes what the caller cannot simply restore.
    Destructive,
    /// Moves money, or commits someone to pay.
    Financial,
}

impl Category {
    /// All, from the least to the worst.
    pub const ALL: [Self; 5] = [Self::Read, Self::Write, Self::Execute, Self::Destructive, Self::Financial];

    /// Its name in files and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Execute => "execute",
            Self::Destructive => "destructive",
            Self::Financial => "financial",
        }
    }

    /// The category of a name, in any case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name().eq_ignore_ascii_case(name))
    }

    /// How bad a call of this category is where nothing else is known.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::Read => Severity::Low,
            Self::Write => Severity::Medium,
            Self::Execute => Severity::High,
            Self::Destructive | Self::Financial => Severity::Critical,
        }
    }

    /// What a call does, as the rest of a sentence that begins with `it`.
    #[must_use]
    pub fn effect(self) -> &'static str {
        match self {
            Self::Read => "returns information and changes nothing",
            Self::Write => "creates or changes data, or tells other people something",
            Self::Execute => "starts something whose effects depend on its arguments",
            Self::Destructive => "removes or overwrites what the caller cannot simply restore",
            Self::Financial => "moves money or commits someone to pay",
        }
    }
}

/// How bad a call can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nobody needs to look.
    Low,
    /// It can be set right.
    Medium,
    /// It can do harm.
    High,
    /// It can do harm that stays.
    Critical,
}

impl Severity {
    /// All, from the least to the worst.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Its name in files and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What the arguments of a tool take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// A place in a file system.
    Path,
    /// A URL or another address of a machine.
    Url,
    /// Code or a command.
    Code,
    /// A query in a language of its own.
    Query,
    /// HTML or a template.
    Template,
    /// Who gets a message.
    Recipients,
    /// An amount, a price or a currency.
    Money,
    /// A switch that skips a safeguard.
    Force,
    /// A secret.
    Credentials,
    /// An argument that selects what the call does.
    ActionSelector,
    /// Ten parameters or more.
    ManyParameters,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Path,
        Self::Url,
        Self::Code,
        Self::Query,
        Self::Template,
        Self::Recipients,
        Self::Money,
        Self::Force,
        Self::Credentials,
        Self::ActionSelector,
        Self::ManyParameters,
    ];

    /// Its name in files and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Url => "url",
            Self::Code => "code",
            Self::Query => "query",
            Self::Template => "template",
            Self::Recipients => "recipients",
            Self::Money => "money",
            Self::Force => "force",
            Self::Credentials => "credentials",
            Self::ActionSelector => "action_selector",
            Self::ManyParameters => "many_parameters",
        }
    }

    /// What it means, as the rest of a sentence that begins with `it`.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Path => "takes a place in a file system",
            Self::Url => "takes an address that something is fetched from or sent to",
            Self::Code => "takes free-form code or a command",
            Self::Query => "takes a free-form query",
            Self::Template => "takes HTML or a template",
            Self::Recipients => "takes who is to be told",
            Self::Money => "takes an amount of money",
            Self::Force => "takes a switch that skips a safeguard",
            Self::Credentials => "needs or takes a secret",
            Self::ActionSelector => "has an argument that selects what the call does",
            Self::ManyParameters => "takes ten parameters or more",
        }
    }
}

/// What a tool is to flows: where data comes from, and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Label {
    /// Returns what is not meant for everybody.
    #[serde(rename = "source:private")]
    SourcePrivate,
    /// Returns text that strangers may have written.
    #[serde(rename = "source:untrusted")]
    SourceUntrusted,
    /// Returns secrets.
    #[serde(rename = "source:secret")]
    SourceSecret,
    /// Carries data out, to people or machines.
    #[serde(rename = "sink:external")]
    SinkExternal,
    /// Removes things.
    #[serde(rename = "sink:destructive")]
    SinkDestructive,
    /// Spends money.
    #[serde(rename = "sink:financial")]
    SinkFinancial,
    /// Runs code.
    #[serde(rename = "sink:code")]
    SinkCode,
    /// Changes who may do what.
    #[serde(rename = "sink:access")]
    SinkAccess,
}

impl Label {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SourcePrivate,
        Self::SourceUntrusted,
        Self::SourceSecret,
        Self::SinkExternal,
        Self::SinkDestructive,
        Self::SinkFinancial,
        Self::SinkCode,
        Self::SinkAccess,
    ];

    /// Its name in policies.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SourcePrivate => "source:private",
            Self::SourceUntrusted => "source:untrusted",
            Self::SourceSecret => "source:secret",
            Self::SinkExternal => "sink:external",
            Self::SinkDestructive => "sink:destructive",
            Self::SinkFinancial => "sink:financial",
            Self::SinkCode => "sink:code",
            Self::SinkAccess => "sink:access",
        }
    }
}

/// Words of the definition that a statement rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The words, as they stand there.
    pub quote: String,
    /// Where they stand: a JSON pointer into the definition, such as `/description`.
    pub at: String,
}

/// Text in a definition that speaks to the model behind its user's back, or names an attack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suspicion {
    /// What the text does.
    pub kind: SuspicionKind,
    /// The words.
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// What makes a text suspicious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspicionKind {
    /// It tells the model to drop its instructions.
    Override,
    /// It tells the model to keep something from the user.
    Secrecy,
    /// It is marked as meant for the model alone.
    HiddenMarkup,
    /// It asks for files or secrets that the tool has no use for.
    Harvest,
    /// It steers what the model does with other tools.
    OtherTools,
    /// It has characters that no reader sees.
    InvisibleText,
    /// It names an attack as its purpose.
    HostilePurpose,
}

/// The machine's word on a tool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assessment {
    /// The worst that one ordinary call can do.
    pub category: Category,
    /// How bad that is.
    pub severity: Severity,
    /// How sure the classifier is, from 0 to 1: 0.95 where name and description say the same.
    pub confidence: f64,
    /// Why, in a sentence.
    pub reason: String,
    /// Why the severity is not that of the category, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity_reason: Option<String>,
    /// The words that the category rests on. Never empty for a tool with a name.
    pub evidence: Vec<Evidence>,
    /// What its arguments take, each once, in order.
    pub signals: Vec<Signal>,
    /// What it is to flows, each once, in order.
    pub labels: Vec<Label>,
    /// Text that speaks to the model behind its user's back. It never lowers anything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suspicious: Vec<Suspicion>,
}

impl Assessment {
    /// Whether the arguments take this.
    #[must_use]
    pub fn has_signal(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }

    /// Whether the tool has this label.
    #[must_use]
    pub fn has_label(&self, label: Label) -> bool {
        self.labels.contains(&label)
    }
}

/// A person's word on a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Override {
    /// The category that holds instead.
    pub category: Category,
    /// The severity that holds instead; that of the category where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Why.
    pub reason: String,
}

/// The machine's word and, apart from it, a person's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The machine's word; no override changes it.
    pub machine: Assessment,
    /// The person's word, which wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
}

impl Verdict {
    /// What holds.
    #[must_use]
    pub fn category(&self) -> Category {
        self.overridden.as_ref().map_or(self.machine.category, |person| person.category)
    }

    /// How bad that is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.overridden
            .as_ref()
            .map_or(self.machine.severity, |person| person.severity.unwrap_or(person.category.severity()))
    }
}
