//! Every method of every revision: in which revisions it exists, who may send it, and what it is judged as.
//!
//! The set is closed. What is not in it, or not in it under the revision spoken, is refused.

use crate::revision::{Era, Revision};

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The agent's side.
    Client,
    /// The server that offers tools.
    Server,
}

/// Whether a message expects an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Carries an id and is answered.
    Request,
    /// Carries no id and is never answered.
    Notification,
}

/// What a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listed {
    /// `tools/list`
    Tools,
    /// `prompts/list`
    Prompts,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    Templates,
}

impl Listed {
    /// The member of the result that holds the elements.
    #[must_use]
    pub fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
        }
    }
}

/// What a server asks of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// `sampling/createMessage`
    Sampling,
    /// `elicitation/create`
    Elicitation,
    /// `roots/list`
    Roots,
}

/// By which rules a method is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Judged {
    /// Opens a session or tells what a server can do.
    Lifecycle,
    /// A sign of life.
    Ping,
    /// The level of log messages.
    Logging,
    /// A list, filtered element by element.
    List(Listed),
    /// A tool call.
    Tool,
    /// One resource, by its URI.
    Resource,
    /// One prompt, by its name.
    Prompt,
    /// Completion of an argument, judged as what it refers to.
    Completion,
    /// Changes of resources or lists.
    Subscription,
    /// A task, by its id.
    Task,
    /// A server's request of the client.
    Asked(Asked),
    /// A cancellation.
    Cancel,
    /// Progress of a request under way.
    Progress,
    /// A note that something changed, or a log message.
    Note,
}

/// A member of `params` that a modern request repeats in the `Mcp-Name` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mirrored {
    /// `params.name`
    Name,
    /// `params.uri`
    Uri,
    /// `params.taskId`
    TaskId,
}

impl Mirrored {
    /// The name of the member.
    #[must_use]
    pub fn member(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Uri => "uri",
            Self::TaskId => "taskId",
        }
    }
}

/// Who may send a method in one era.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Senders {
    Nobody,
    Client,
    Server,
    Both,
}

impl Senders {
    fn include(self, side: Side) -> bool {
        match self {
            Self::Nobody => false,
            Self::Client => side == Side::Client,
            Self::Server => side == Side::Server,
            Self::Both => true,
        }
    }
}

/// One line of the table: from which legacy revision on, and by whom in each era.
#[derive(Clone, Copy, Debug)]
struct Facts {
    name: &'static str,
    kind: Kind,
    judged: Judged,
    since: Revision,
    legacy: Senders,
    modern: Senders,
}

macro_rules! methods {
    ($($method:ident = $name:literal: $kind:ident, $judged:expr, since $since:ident, $legacy:ident / $modern:ident;)*) => {
        /// A method of the protocol. The variants are named as the methods are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Method {
            $(#[doc = concat!("`", $name, "`")] $method,)*
        }

        impl Method {
            /// Every method of every revision.
            pub const ALL: &[Method] = &[$(Self::$method),*];

            /// The method of exactly that name, whatever the revision.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$method),)*
                    _ => None,
                }
            }

            fn facts(self) -> Facts {
                match self {
                    $(Self::$method => Facts {
                        name: $name,
                        kind: Kind::$kind,
                        judged: $judged,
                        since: Revision::$since,
                        legacy: Senders::$legacy,
                        modern: Senders::$modern,
                    },)*
                }
            }
        }
    };
}

// Source: the schema of each revision; `tasks/*` of the modern era: the tasks extension. In 2025-11-25
// either side may run a task for the other.
methods! {
    Initialize = "initialize": Request, Judged::Lifecycle, since V2024_11_05, Client / Nobody;
    Ping = "ping": Request, Judged::Ping, since V2024_11_05, Both / Nobody;
    ServerDiscover = "server/discover": Request, Judged::Lifecycle, since V2026_07_28, Nobody / Client;
    ToolsList = "tools/list": Request, Judged::List(Listed::Tools), since V2024_11_05, Client / Client;
    ToolsCall = "tools/call": Request, Judged::Tool, since V2024_11_05, Client / Client;
    ResourcesList = "resources/list": Request, Judged::List(Listed::Resources), since V2024_11_05, Client / Client;
    ResourcesTemplatesList = "resources/templates/list": Request, Judged::List(Listed::Templates), since V2024_11_05, Client / Client;
    ResourcesRead = "resources/read": Request, Judged::Resource, since V2024_11_05, Client / Client;
    ResourcesSubscribe = "resources/subscribe": Request, Judged::Resource, since V2024_11_05, Client / Nobody;
    ResourcesUnsubscribe = "resources/unsubscribe": Request, Judged::Resource, since V2024_11_05, Client / Nobody;
    PromptsList = "prompts/list": Request, Judged::List(Listed::Prompts), since V2024_11_05, Client / Client;
    PromptsGet = "prompts/get": Request, Judged::Prompt, since V2024_11_05, Client / Client;
    CompletionComplete = "completion/complete": Request, Judged::Completion, since V2024_11_05, Client / Client;
    LoggingSetLevel = "logging/setLevel": Request, Judged::Logging, since V2024_11_05, Client / Nobody;
    SubscriptionsListen = "subscriptions/listen": Request, Judged::Subscription, since V2026_07_28, Nobody / Client;
    TasksGet = "tasks/get": Request, Judged::Task, since V2025_11_25, Both / Client;
    TasksCancel = "tasks/cancel": Request, Judged::Task, since V2025_11_25, Both / Client;
    TasksResult = "tasks/result": Request, Judged::Task, since V2025_11_25, Both / Nobody;
    TasksList = "tasks/list": Request, Judged::Task, since V2025_11_25, Both / Nobody;
    TasksUpdate = "tasks/update": Request, Judged::Task, since V2026_07_28, Nobody / Client;
    SamplingCreateMessage = "sampling/createMessage": Request, Judged::Asked(Asked::Sampling), since V2024_11_05, Server / Nobody;
    RootsList = "roots/list": Request, Judged::Asked(Asked::Roots), since V2024_11_05, Server / Nobody;
    ElicitationCreate = "elicitation/create": Request, Judged::Asked(Asked::Elicitation), since V2025_06_18, Server / Nobody;
    Initialized = "notifications/initialized": Notification, Judged::Lifecycle, since V2024_11_05, Client / Nobody;
    Cancelled = "notifications/cancelled": Notification, Judged::Cancel, since V2024_11_05, Both / Both;
    Progress = "notifications/progress": Notification, Judged::Progress, since V2024_11_05, Both / Server;
    RootsListChanged = "notifications/roots/list_changed": Notification, Judged::Note, since V2024_11_05, Client / Nobody;
    LogMessage = "notifications/message": Notification, Judged::Logging, since V2024_11_05, Server / Server;
    ResourcesUpdated = "notifications/resources/updated": Notification, Judged::Subscription, since V2024_11_05, Server / Server;
    ResourcesListChanged = "notifications/resources/list_changed": Notification, Judged::Note, since V2024_11_05, Server / Server;
    ToolsListChanged = "notifications/tools/list_changed": Notification, Judged::Note, since V2024_11_05, Server / Server;
    PromptsListChanged = "notifications/prompts/list_changed": Notification, Judged::Note, since V2024_11_05, Server / Server;
    ElicitationComplete = "notifications/elicitation/complete": Notification, Judged::Note, since V2025_11_25, Server / Nobody;
    TasksStatus = "notifications/tasks/status": Notification, Judged::Task, since V2025_11_25, Both / Nobody;
    SubscriptionsAcknowledged = "notifications/subscriptions/acknowledged": Notification, Judged::Subscription, since V2026_07_28, Nobody / Server;
    Tasks = "notifications/tasks": Notification, Judged::Task, since V2026_07_28, Nobody / Server;
}

impl Method {
    /// The method of that name, if a message of that kind from that side may carry it under that
    /// revision. None: the gateway answers as for an unknown method.
    #[must_use]
    pub fn admit(name: &str, revision: Revision, from: Side, kind: Kind) -> Option<Self> {
        Self::parse(name).filter(|method| method.kind() == kind && method.exists(revision, from))
    }

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Whether it is a request or a notification.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.facts().kind
    }

    /// By which rules it is judged.
    #[must_use]
    pub fn judged(self) -> Judged {
        self.facts().judged
    }

    /// Whether that side may send it under that revision.
    #[must_use]
    pub fn exists(self, revision: Revision, from: Side) -> bool {
        let facts = self.facts();
        let senders = match revision.era() {
            Era::Legacy => facts.legacy,
            Era::Modern => facts.modern,
        };
        revision >= facts.since && senders.include(from)
    }

    /// The member of `params` that `Mcp-Name` repeats (Streamable HTTP of 2026-07-28, standard request
    /// headers; tasks extension).
    #[must_use]
    pub fn mirrored(self) -> Option<Mirrored> {
        match self {
            Self::ToolsCall | Self::PromptsGet => Some(Mirrored::Name),
            Self::ResourcesRead => Some(Mirrored::Uri),
            Self::TasksGet | Self::TasksUpdate | Self::TasksCancel => Some(Mirrored::TaskId),
            _ => None,
        }
    }

    /// Whether a modern server may answer it with `input_required` (2026-07-28, multi-round-trip requests).
    #[must_use]
    pub fn may_require_input(self) -> bool {
        matches!(self, Self::ToolsCall | Self::PromptsGet | Self::ResourcesRead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exists(name: &str, from: Side) -> Vec<&'static str> {
        let method = Method::parse(name).unwrap();
        Revision::ALL.iter().filter(|r| method.exists(**r, from)).map(|r| r.as_str()).collect()
    }

    const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

    #[test]
    fn names_round_trip() {
        for method in Method::ALL {
            assert_eq!(Method::parse(method.name()), Some(*method));
            assert_eq!(method.kind() == Kind::Notification, method.name().starts_with("notifications/"));
        }
    }

    #[test]
    fn the_handshake_is_legacy_and_discovery_modern() {
        for name in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"]
        {
            assert_eq!(exists(name, Side::Client), LEGACY, "{name}");
        }
        for name in ["server/discover", "subscriptions/listen", "tasks/update"] {
            assert_eq!(exists(name, Side::Client), ["2026-07-28"], "{name}");
            assert!(exists(name, Side::Server).is_empty(), "{name}");
        }
        for name in ["tasks/result", "tasks/list"] {
            assert_eq!(exists(name, Side::Client), ["2025-11-25"], "{name}");
        }
        assert_eq!(exists("tasks/get", Side::Client), ["2025-11-25", "2026-07-28"]);
        assert_eq!(exists("elicitation/create", Side::Server), ["2025-06-18", "2025-11-25"]);
        assert_eq!(exists("tools/call", Side::Client).len(), 5);
    }

    #[test]
    fn a_modern_server_sends_no_request() {
        for method in Method::ALL.iter().filter(|m| m.kind() == Kind::Request) {
            assert!(!method.exists(Revision::V2026_07_28, Side::Server), "{method:?}");
        }
    }

    #[test]
    fn every_method_exists_somewhere() {
        for method in Method::ALL {
            let sides = [Side::Client, Side::Server];
            assert!(sides.iter().any(|side| !exists(method.name(), *side).is_empty()), "{method:?}");
        }
    }

    #[test]
    fn the_wrong_kind_side_or_spelling_is_unknown() {
        let admit = |name, side, kind| Method::admit(name, Revision::V2025_11_25, side, kind);
        assert_eq!(admit("tools/call", Side::Client, Kind::Request), Some(Method::ToolsCall));
        assert_eq!(admit("tools/call", Side::Client, Kind::Notification), None);
        assert_eq!(admit("tools/call", Side::Server, Kind::Request), None);
        assert_eq!(admit("Tools/Call", Side::Client, Kind::Request), None);
        assert_eq!(admit("tools/call ", Side::Client, Kind::Request), None);
        assert_eq!(admit("notifications/initialized", Side::Client, Kind::Request), None);
    }
}
