//! The fields of a policy document: one table for checking, suggestions, documentation and the JSON
//! Schema of the document.

use crate::shape::{Field, Shape, Table};

const fn field(name: &'static str, shape: Shape, docs: &'static str) -> Field {
    Field { name, shape, required: false, docs }
}

const fn required(name: &'static str, shape: Shape, docs: &'static str) -> Field {
    Field { name, shape, required: true, docs }
}

const EFFECT: Shape = Shape::OneOf(&["allow", "deny"]);
const MODE: Shape = Shape::OneOf(&["enforce", "shadow"]);
const NUMBER_OR_TEXT: Shape = Shape::Either(&[Shape::Number, Shape::Text]);
const CONDITIONS: Shape = Shape::List(&Shape::Object(&CONDITION));
const GROUPS: Shape = Shape::List(&Shape::Object(&GROUP));
const LIMITS: Shape = Shape::List(&Shape::Object(&LIMIT));
const RATE_LIMIT_SHAPE: Shape = Shape::Either(&[Shape::Object(&RATE_LIMIT), Shape::Text]);

/// The whole document.
pub(crate) static DOCUMENT: Table = Table {
    name: "policy",
    fields: &[
        required("version", Shape::OneOf(&["1"]), "the version of the language, the string \"1\""),
        field("$schema", Shape::Text, "where an editor finds the JSON Schema of this document; ignored"),
        field("description", Shape::Text, "free text; ignored"),
        field("default", EFFECT, "what holds for names without an entry; `deny` when absent"),
        field("mode", MODE, "`shadow` records denials without enforcing them; `enforce` when absent"),
        field(
            "hide",
            Shape::List(&Shape::Text),
            "names and globs that lists never show and calls never reach",
        ),
        field(
            "list",
            Shape::OneOf(&["callable", "all"]),
            "whether lists leave out what is certainly denied (`callable`, when absent) or only what is hidden",
        ),
        field("all_tools", Shape::Object(&SHARED), "rules for every tool"),
        field("tools", Shape::Map(&Shape::Object(&TOOL)), "rules by tool name or glob"),
        field("resources", Shape::Map(&Shape::Object(&ACCESS)), "rules by URI or glob"),
        field("prompts", Shape::Map(&Shape::Object(&ACCESS)), "rules by prompt name or glob"),
        field("server_requests", Shape::Object(&SERVER_REQUESTS), "what a server may ask of the client"),
        field("timezone", Shape::Text, "IANA name for calendar windows and `time.*`; UTC when absent"),
        field(
            "record_arguments",
            Shape::Flag,
            "whether the journal keeps argument values; false when absent",
        ),
        field(
            "report_budget",
            Shape::Flag,
            "whether results tell what is left of the limits; false when absent",
        ),
        field(
            "flows",
            Shape::Unavailable,
            "rules over what a session has done before; not available in this version",
        ),
        field(
            "responses",
            Shape::Unavailable,
            "inspection of what comes back; not available in this version",
        ),
        field(
            "approvals",
            Shape::Unavailable,
            "settings of the local dialect for approvals; not available in this version",
        ),
    ],
};

/// Rules for every tool.
pub(crate) static SHARED: Table = Table {
    name: "all_tools",
    fields: &[
        field("require", GROUPS, "groups of conditions that must hold"),
        field("deny_if", GROUPS, "groups of conditions that deny"),
        field("require_approval", Shape::Object(&APPROVAL), "a person's consent"),
        field("limits", LIMITS, "counters"),
    ],
};

/// Rules for one tool.
pub(crate) static TOOL: Table = Table {
    name: "tool",
    fields: &[
        field(
            "action",
            Shape::OneOf(&["allow", "deny", "require_approval"]),
            "`deny` wins over every other entry; `allow` when absent",
        ),
        field("reason", Shape::Text, "what the agent is told when `action` is `deny` or `require_approval`"),
        field("require", GROUPS, "groups of conditions that must hold"),
        field("deny_if", GROUPS, "groups of conditions that deny"),
        field("require_approval", Shape::Object(&APPROVAL), "a person's consent"),
        field("limits", LIMITS, "counters"),
        field(
            "rate_limit",
            RATE_LIMIT_SHAPE,
            "one sliding limit for each session, `{\"max\": 10, \"window\": 60}` or `\"10/minute\"`",
        ),
        field(
            "arguments",
            Shape::Either(&[Shape::OneOf(&["schema", "strict", "off"]), Shape::AnyObject]),
            "how arguments are checked: `schema` (the tool's own, when absent), `strict` (unknown arguments are refused too), `off`, or a JSON Schema in addition to the tool's own",
        ),
        field("mode", MODE, "as in the document, for this tool's own rules"),
        field(
            "record_arguments",
            Shape::Flag,
            "whether the journal keeps argument values; as the document when absent",
        ),
        field(
            "responses",
            Shape::Unavailable,
            "inspection of what comes back; not available in this version",
        ),
        field(
            "rules",
            Shape::List(&Shape::Object(&RULE)),
            "the local dialect: rules in place of `require`, `deny_if` and `limits`",
        ),
    ],
};

/// Rules for one resource or prompt.
pub(crate) static ACCESS: Table = Table {
    name: "entry",
    fields: &[
        field(
            "action",
            Shape::OneOf(&["allow", "deny", "require_approval"]),
            "`deny` wins over every other entry; `allow` when absent",
        ),
        field("reason", Shape::Text, "what the agent is told when `action` is `deny` or `require_approval`"),
        field("require", GROUPS, "groups of conditions that must hold"),
        field("deny_if", GROUPS, "groups of conditions that deny"),
        field("require_approval", Shape::Object(&APPROVAL), "a person's consent"),
        field("limits", LIMITS, "counters"),
        field("rate_limit", RATE_LIMIT_SHAPE, "one sliding limit for each session"),
        field("mode", MODE, "as in the document, for this entry's own rules"),
    ],
};

/// A group of conditions.
pub(crate) static GROUP: Table = Table {
    name: "group",
    fields: &[
        required("conditions", CONDITIONS, "all must hold; an empty list always holds"),
        field("on_deny", Shape::Text, "what the agent is told"),
        field("mode", MODE, "as in the document, for this group"),
    ],
};

/// One condition.
pub(crate) static CONDITION: Table = Table {
    name: "condition",
    fields: &[
        field("path", Shape::Text, "what is looked at, such as `args.amount`"),
        field("op", Shape::Text, "an operator"),
        field("value", Shape::Any, "what the operator compares with"),
        field(
            "cel",
            Shape::Unavailable,
            "an expression in place of the three; not available in this version",
        ),
    ],
};

/// A person's consent.
pub(crate) static APPROVAL: Table = Table {
    name: "require_approval",
    fields: &[
        field("when", CONDITIONS, "asked for when all hold; always when absent"),
        field("timeout", Shape::Text, "how long a request waits, such as `30m`"),
        field("message", Shape::Text, "what the approver and the agent are told"),
        field("approvers", Shape::List(&Shape::Text), "who may approve"),
        field("mode", MODE, "as in the document, for this rule"),
    ],
};

/// A counter and what it allows.
pub(crate) static LIMIT: Table = Table {
    name: "limit",
    fields: &[
        required("counter", Shape::Text, "the counter's name; entries of one name are one counter"),
        field(
            "window",
            NUMBER_OR_TEXT,
            "`second`, `minute`, `hour`, `day`, `week`, `month`, a duration (`10m`), or seconds",
        ),
        field(
            "align",
            Shape::OneOf(&["sliding", "calendar"]),
            "`sliding` (when absent): any interval of the window's length; `calendar`: from the start of the named window",
        ),
        required("max", Shape::Number, "the most that one window may hold, 0 or more"),
        field(
            "scope",
            Shape::OneOf(&["grant", "session", "server", "policy"]),
            "what counts together; `grant` when absent",
        ),
        field(
            "amount",
            Shape::Either(&[Shape::Number, Shape::Object(&AMOUNT)]),
            "what one call draws; 1 when absent",
        ),
        field(
            "count",
            Shape::OneOf(&["attempts", "successes"]),
            "whether failed calls are given back; `attempts` (when absent) gives back none that was sent",
        ),
        field("concurrent", Shape::Flag, "true in place of `window`: calls in flight"),
        field("on_deny", Shape::Text, "what the agent is told; the wait is added"),
        field(
            "on_store_failure",
            EFFECT,
            "what holds when the counters cannot be reached; `deny` when absent",
        ),
        field(
            "mode",
            MODE,
            "as in the document, for this limit; in shadow it counts in a counter of its own",
        ),
    ],
};

/// An amount that an argument names.
pub(crate) static AMOUNT: Table = Table {
    name: "amount",
    fields: &[
        required("from", Shape::Text, "the argument's path, such as `args.amount`"),
        field(
            "default",
            Shape::Number,
            "what counts when the argument is missing; without it such a call is denied",
        ),
    ],
};

/// The short form of a limit.
pub(crate) static RATE_LIMIT: Table = Table {
    name: "rate_limit",
    fields: &[
        required("max", Shape::Number, "calls in a window"),
        required("window", NUMBER_OR_TEXT, "seconds, a name or a duration"),
    ],
};

/// What a server may ask of the client.
pub(crate) static SERVER_REQUESTS: Table = Table {
    name: "server_requests",
    fields: &[
        field("sampling", EFFECT, "`sampling/createMessage`; as `default` when absent"),
        field("elicitation", EFFECT, "`elicitation/create`; as `default` when absent"),
        field("roots", EFFECT, "`roots/list`; as `default` when absent"),
    ],
};

/// A rule of the local dialect.
pub(crate) static RULE: Table = Table {
    name: "rule",
    fields: &[
        field("name", Shape::Text, "what messages call the rule"),
        field(
            "action",
            Shape::OneOf(&["evaluate", "deny", "require_approval"]),
            "`evaluate` when absent: the conditions must hold; `deny`; `require_approval`: asked for when the conditions hold",
        ),
        field("conditions", CONDITIONS, "all must hold for the call to pass"),
        field("on_deny", Shape::Text, "what the agent is told"),
        field(
            "rate_limit",
            Shape::Text,
            "`N/minute`, `N/hour` or `N/day`, by the calendar, for all callers together",
        ),
        field("state", Shape::Object(&STATE), "a counter that a condition on `state.*` bounds"),
        field("approval_timeout", Shape::Text, "how long a request for approval waits"),
        field("mode", MODE, "as in the document, for this rule"),
    ],
};

/// A counter of the local dialect.
pub(crate) static STATE: Table = Table {
    name: "state",
    fields: &[
        required("counter", Shape::Text, "the counter's name within the tool"),
        required("window", Shape::OneOf(&["minute", "hour", "day"]), "by the calendar, in UTC"),
        field("increment", Shape::Number, "what one call adds; 1 when absent"),
        field("increment_from", Shape::Text, "the argument that is added instead, such as `args.amount`"),
    ],
};

/// All tables, the document first.
pub static TABLES: &[&Table] = &[
    &DOCUMENT,
    &SHARED,
    &TOOL,
    &ACCESS,
    &GROUP,
    &CONDITION,
    &APPROVAL,
    &LIMIT,
    &AMOUNT,
    &RATE_LIMIT,
    &SERVER_REQUESTS,
    &RULE,
    &STATE,
];
