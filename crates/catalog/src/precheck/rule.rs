//! The rules of a precheck: one table of what each is called, how bad breaking it is, why, and what to do.

use crate::assessment::Severity;

/// What a precheck looks for. The order is that of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A definition speaks to the model behind its user's back.
    HiddenInstructions,
    /// A definition names an attack as its purpose.
    HostilePurpose,
    /// A name was made to be taken for another.
    LookAlikeName,
    /// A registry took the server away, or does not recommend it.
    WithdrawnServer,
    /// A secret stands in the config.
    LiteralSecret,
    /// A server is reached over a network without encryption.
    PlainHttp,
    /// A tool claims to do less than its words say.
    LyingAnnotation,
    /// A tool can do harm.
    RiskyTool,
    /// What runs is whatever its publisher released last.
    UnpinnedPackage,
    /// The tools of a server are not known.
    UnlistedServer,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::HiddenInstructions,
        Self::HostilePurpose,
        Self::LookAlikeName,
        Self::WithdrawnServer,
        Self::LiteralSecret,
        Self::PlainHttp,
        Self::LyingAnnotation,
        Self::RiskyTool,
        Self::UnpinnedPackage,
        Self::UnlistedServer,
    ];

    /// Its name in reports; it does not change.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::HiddenInstructions => "hidden-instructions",
            Self::HostilePurpose => "hostile-purpose",
            Self::LookAlikeName => "look-alike-name",
            Self::WithdrawnServer => "withdrawn-server",
            Self::LiteralSecret => "literal-secret",
            Self::PlainHttp => "plain-http",
            Self::LyingAnnotation => "lying-annotation",
            Self::RiskyTool => "risky-tool",
            Self::UnpinnedPackage => "unpinned-package",
            Self::UnlistedServer => "unlisted-server",
        }
    }

    /// How bad it usually is.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::HiddenInstructions | Self::HostilePurpose => Severity::Critical,
            Self::LookAlikeName
            | Self::WithdrawnServer
            | Self::LiteralSecret
            | Self::PlainHttp
            | Self::LyingAnnotation
            | Self::RiskyTool => Severity::High,
            Self::UnpinnedPackage | Self::UnlistedServer => Severity::Medium,
        }
    }

    /// What it is about, in a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::HiddenInstructions => "A tool's definition gives orders to the model",
            Self::HostilePurpose => "A tool's definition names an attack",
            Self::LookAlikeName => "A name can be taken for another",
            Self::WithdrawnServer => "A registry has withdrawn the server",
            Self::LiteralSecret => "A secret stands in the config file",
            Self::PlainHttp => "A server is reached without encryption",
            Self::LyingAnnotation => "A tool claims to do less than its words say",
            Self::RiskyTool => "A tool can do harm",
            Self::UnpinnedPackage => "A server's version is not fixed",
            Self::UnlistedServer => "A server could not be asked for its tools",
        }
    }

    /// Why it matters, in a sentence or two.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::HiddenInstructions => {
                "A model reads definitions as it reads its user's words, and may follow them without anyone seeing it."
            }
            Self::HostilePurpose => "Whoever calls it, on purpose or led to it, carries the attack out.",
            Self::LookAlikeName => {
                "Packages with such names are published to be installed by mistake, and run with the rights of whoever starts them."
            }
            Self::WithdrawnServer => {
                "Registries delete servers that did harm or broke their rules; what was deprecated is not mended any more."
            }
            Self::LiteralSecret => {
                "Config files are committed, copied and read by other programs; a secret in one has to be taken for known."
            }
            Self::PlainHttp => {
                "Anyone on the way reads tokens and data, and can change the tools that the model is shown."
            }
            Self::LyingAnnotation => {
                "Clients skip their question to the user for tools that claim to be harmless."
            }
            Self::RiskyTool => "A model that was misled, or that errs, can call it and do that harm.",
            Self::UnpinnedPackage => {
                "Each start runs whatever was published last, so that one bad release reaches every machine at once."
            }
            Self::UnlistedServer => "What was not listed was not looked at.",
        }
    }

    /// What to do.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::HiddenInstructions => {
                "Remove the server until its publisher explains the text; report it to the registry that it came from."
            }
            Self::HostilePurpose => "Remove the server, or hide the tool by policy.",
            Self::LookAlikeName => {
                "Compare the name with the publisher's own documentation letter by letter, and write the name that was meant."
            }
            Self::WithdrawnServer => {
                "Ask its publisher or the registry why, and remove the server or put what replaced it in its place."
            }
            Self::LiteralSecret => "Revoke the secret, and name a variable of the environment in its place.",
            Self::PlainHttp => "Write an https address, or reach the server through a tunnel.",
            Self::LyingAnnotation => {
                "Do not let a client trust the server's annotations; judge the tool by its category, and tell its publisher."
            }
            Self::RiskyTool => {
                "Put the server behind a policy that hides, limits or asks before this tool: `toolgate policy recommend` proposes one. What is wanted as it is can be accepted."
            }
            Self::UnpinnedPackage => {
                "Name an exact version; for an image a version or, better, its digest; for a repository a commit."
            }
            Self::UnlistedServer => {
                "Mend the entry, set the variables that it needs, or start the server; then look again."
            }
        }
    }
}
