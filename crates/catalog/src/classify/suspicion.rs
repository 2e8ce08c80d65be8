//! Text in a definition that speaks to the model behind its user's back, or names an attack as its
//! purpose. It is reported, never followed, and never lowers anything.
//!
//! Capitals and `important` alone are no sign: honest servers write them. What counts is an order that a
//! tool's description has no use for.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;

use super::beginning;
use crate::assessment::{Evidence, Suspicion, SuspicionKind};
use crate::definition::Definition;
use crate::words;

/// How much of each text is searched, in bytes. The search takes one pass, so filling does not hide much.
const SEARCHED: usize = 1 << 20;
/// How much of a name and of a description is searched for the purpose that it states, in bytes.
const STATED: usize = 4 << 10;
/// How many findings are told.
const TOLD: usize = 8;
/// How deep schemas are searched.
const DEPTH: usize = 12;

const PHRASES: &[(SuspicionKind, &[&str])] = &[
    (
        SuspicionKind::Override,
        &[
            "ignore previous instruction",
            "ignore all previous",
            "ignore the previous instruction",
            "ignore prior instruction",
            "ignore all prior",
            "ignore your instruction",
            "ignore your previous",
            "ignore any previous",
            "disregard previous",
            "disregard all previous",
            "disregard prior",
            "disregard your instruction",
            "disregard the above",
            "forget your instruction",
            "forget all previous",
            "forget previous instruction",
            "override your instruction",
            "reveal your system prompt",
            "reveal system prompt",
            "reveal the system prompt",
            "you are no longer bound",
            "new system prompt",
            "ignore the above instruction",
            "bypass your safety",
        ],
    ),
    (
        SuspicionKind::Secrecy,
        &[
            "do not tell the user",
            "don't tell the user",
            "do not mention this to the user",
            "don't mention this to the user",
            "do not mention that you",
            "never tell the user",
            "do not inform the user",
            "don't inform the user",
            "without telling the user",
            "without informing the user",
            "without the user's knowledge",
            "without user's knowledge",
            "hide this from the user",
            "keep this from the user",
            "keep this secret from",
            "do not reveal this to the user",
            "do not show this to the user",
            "do not disclose this to",
            "without the user knowing",
            "user must not know",
            "do not notify the user",
            "user does not need to know",
            "user doesn't need to know",
            "without alerting the user",
        ],
    ),
    (
        SuspicionKind::HiddenMarkup,
        &[
            "<important>",
            "</important>",
            "<hidden>",
            "<system>",
            "</system>",
            "<secret_instruction",
            "<!-- system",
            "[system]:",
            "<|im_start|>",
            "<instructions_for_ai",
            "[hidden instruction",
            "<assistant_only",
            "<system_instruction",
        ],
    ),
    (
        SuspicionKind::Harvest,
        &[
            "~/.ssh/",
            ".ssh/id_rsa",
            "id_ed25519",
            "~/.aws/credentials",
            "~/.cursor/mcp.json",
            ".cursor/mcp.json",
            "/etc/shadow",
            "pass its content as",
            "contents as 'sidenote'",
            "chmod -r 0666",
            "chmod -r 777",
        ],
    ),
    (
        SuspicionKind::OtherTools,
        &[
            "always bcc",
            "always cc the",
            "will override the recipient",
            "instead of the recipient",
            "override the recipient",
            "before using any other tool",
            "before calling any other tool",
            "all other tools must",
            "send all emails to",
            "send a copy of every",
            "also send a copy to",
            "do not use any other tool",
        ],
    ),
];

/// Words that name an attack, whoever writes them.
const HOSTILE: &[&str] = &[
    "exfiltrat",
    "reverse shell",
    "reverse_shell",
    "bind shell",
    "web shell",
    "webshell",
    "backdoor",
    "keylog",
    "ransomware",
    "rootkit",
    "botnet",
    "fork bomb",
    "fork_bomb",
    "privilege escalation",
    "privesc",
    "steal ",
    "steal_",
    "phishing",
    "password spray",
    "credential stuff",
    "deserialization attack",
    "covert channel",
    "lateral movement",
    "cryptojack",
    "shellcode",
    "zip slip",
    "zip bomb",
    "cover tracks",
    "anti-forensic",
    "container escape",
    "escape container",
    "sandbox escape",
    "dump password",
    "dump credential",
    "dump hash",
    "harvest credential",
    "without detection",
    "evade detection",
    "arbitrary command on target",
    "shell command on target",
    "sql injection attack",
    "exfil",
    "cmdi_",
    "recon_",
    "stolen",
    "mimikatz",
    "lsass",
    "pass the hash",
    "pass_the_hash",
    "pass the ticket",
    "pass_the_ticket",
    "kerberoast",
    "hide data",
    "capture credentials",
    "grab credentials",
    "sniff",
    "shadow file",
    "password hashes",
    "valid usernames",
    "intercept file",
    "command injection attack",
    "denial of service",
    "exhaust process",
    "disable antivirus",
    "disable security",
];

/// Words that name an attack where the tool does it; a tool that looks for attacks writes them too.
const MAYBE_HOSTILE: &[&str] = &[
    "malware",
    "exploit",
    "attack",
    "spoof",
    "brute force",
    "brute_force",
    "bruteforce",
    "forge ",
    "_forge",
    "hijack",
    "poison",
    "bypass",
    "crack ",
    "_crack",
    "injection",
    "sensitive file",
    "saved password",
    "tamper",
    "impersonat",
    "malicious",
    "traversal attack",
    "persistence mechanism",
    "flood ",
    "_flood",
    "smuggl",
    "target host",
    "target system",
    "decrypt saved",
    "evasion",
];

static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let all = PHRASES.iter().flat_map(|(_, phrases)| phrases.iter());
    AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(all).ok()
});

static HOSTILITY: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .build(HOSTILE)
        .ok()
});

static MAYBE_HOSTILITY: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .build(MAYBE_HOSTILE)
        .ok()
});

/// Everything suspicious in a definition.
pub(super) fn look(definition: &Definition) -> Vec<Suspicion> {
    let mut found = Vec::new();
    for (text, at) in [
        (&definition.name, "/name"),
        (&definition.title, "/title"),
        (&definition.description, "/description"),
    ] {
        search(text, at, &mut found);
    }
    descend(&definition.input_schema, "/inputSchema", 0, &mut found);
    hostile(definition, &mut found);
    found.truncate(TOLD);
    found
}

fn descend(value: &Value, at: &str, depth: usize, found: &mut Vec<Suspicion>) {
    if depth > DEPTH || found.len() >= TOLD {
        return;
    }
    match value {
        Value::String(text) => search(text, at, found),
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                descend(element, &format!("{at}/{index}"), depth + 1, found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                search(name, &at, found);
                descend(member, &at, depth + 1, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn search(text: &str, at: &str, found: &mut Vec<Suspicion>) {
    let text = beginning(text, SEARCHED);
    let evidence = |quote: &str| Evidence { quote: quote.to_owned(), at: at.to_owned() };
    if text.len() > 8
        && let Some(search) = SEARCH.as_ref()
    {
        for hit in search.find_iter(text).take(TOLD) {
            if let (Some(kind), Some(quote)) = (kind_of(hit.pattern().as_usize()), text.get(hit.range())) {
                found.push(Suspicion { kind, evidence: evidence(quote) });
            }
        }
    }
    if !text.is_ascii()
        && let Some((start, c)) = text.char_indices().find(|(_, c)| is_invisible(*c))
        && let Some(quote) = text.get(start..start + c.len_utf8())
    {
        found.push(Suspicion { kind: SuspicionKind::InvisibleText, evidence: evidence(quote) });
    }
}

/// Characters that carry text which no reader sees: tags, bidirectional controls, variation selectors of
/// the supplement. Joiners inside emoji and words of some scripts are honest.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{e0000}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
}

fn kind_of(mut index: usize) -> Option<SuspicionKind> {
    for (kind, texts) in PHRASES {
        match index.checked_sub(texts.len()) {
            None => return Some(*kind),
            Some(rest) => index = rest,
        }
    }
    None
}

fn hostile(definition: &Definition, found: &mut Vec<Suspicion>) {
    let (name, description) =
        (beginning(&definition.name, STATED), beginning(&definition.description, STATED));
    let first = words::sentences(description, 1).first().map_or("", |(_, sentence)| *sentence);
    let defends = defends(name) || defends(first);
    for (text, at) in [(name, "/name"), (first, "/description")] {
        let sure = HOSTILITY.as_ref().and_then(|search| search.find(text));
        let maybe = || MAYBE_HOSTILITY.as_ref().filter(|_| !defends).and_then(|search| search.find(text));
        if let Some(hit) = sure.or_else(maybe)
            && let Some(quote) = text.get(hit.range())
        {
            let evidence = Evidence { quote: quote.to_owned(), at: at.to_owned() };
            found.push(Suspicion { kind: SuspicionKind::HostilePurpose, evidence });
        }
    }
}

/// Whether a text speaks of looking for attacks, or of telling about them.
fn defends(text: &str) -> bool {
    const LOOKING: [&str; 34] = [
        "scan",
        "scans",
        "detect",
        "detects",
        "detection",
        "analyze",
        "analyzes",
        "analysis",
        "check",
        "checks",
        "get",
        "gets",
        "list",
        "lists",
        "search",
        "searches",
        "retrieve",
        "retrieves",
        "fetch",
        "fetches",
        "return",
        "returns",
        "protect",
        "prevent",
        "block",
        "report",
        "monitor",
        "review",
        "audit",
        "validate",
        "explain",
        "describe",
        "dump",
        "defend",
    ];
    words::of_name(text).iter().any(|word| LOOKING.contains(&word.lower.as_str()))
}
