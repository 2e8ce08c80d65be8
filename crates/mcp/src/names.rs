//! Member names that the protocol gives a meaning, and names that only imitate them.
//!
//! A reader that folds case, normalises, or cuts at a NUL would take `Name`, `ｎame` or `name\u0000` for
//! `name`, and act on what was not judged. Such an imitation is refused; any other unknown name passes.

use unicode_normalization::UnicodeNormalization;

/// The names that mean something in one place of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vocabulary {
    names: &'static [&'static str],
    is_known: fn(&str) -> bool,
    /// Names that begin like this are the protocol's own, known or not.
    reserved: Option<&'static str>,
}

macro_rules! vocabulary {
    ($(reserved $reserved:literal,)? $($name:literal),+ $(,)?) => {
        Vocabulary {
            names: &[$($name),+],
            is_known: |name| matches!(name, $($name)|+),
            reserved: reserved!($($reserved)?),
        }
    };
}

macro_rules! reserved {
    () => {
        None
    };
    ($prefix:literal) => {
        Some($prefix)
    };
}

/// Members of a message.
pub(crate) const ENVELOPE: Vocabulary = vocabulary!["jsonrpc", "id", "method", "params", "result", "error"];

/// Members of `params`, of all methods of all revisions.
pub(crate) const PARAMS: Vocabulary = vocabulary![
    "name",
    "arguments",
    "_meta",
    "uri",
    "cursor",
    "ref",
    "argument",
    "context",
    "taskId",
    "task",
    "status",
    "inputResponses",
    "requestState",
    "protocolVersion",
    "capabilities",
    "clientInfo",
    "level",
    "logger",
    "data",
    "requestId",
    "progressToken",
    "progress",
    "total",
    "message",
    "reason",
    "filter",
    "notifications",
    "elicitationId",
    "mode",
    "url",
    "requestedSchema",
    "messages",
    "modelPreferences",
    "systemPrompt",
    "includeContext",
    "temperature",
    "maxTokens",
    "stopSequences",
    "metadata",
    "tools",
    "toolChoice",
];

/// Members of `params._meta`.
pub(crate) const META: Vocabulary = vocabulary![
    reserved "io.modelcontextprotocol/",
    "progressToken",
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/logLevel",
    "io.modelcontextprotocol/subscriptionId",
    "io.modelcontextprotocol/related-task",
    "traceparent",
    "tracestate",
    "baggage",
];

/// Members of `params.ref` of a completion.
pub(crate) const REFERENCE: Vocabulary = vocabulary!["type", "name", "uri"];

/// Members of `params.notifications` of a subscription.
pub(crate) const FILTER: Vocabulary = vocabulary![
    "toolsListChanged",
    "promptsListChanged",
    "resourcesListChanged",
    "resourceSubscriptions",
    "taskIds",
];

impl Vocabulary {
    /// The known name that `name` imitates; none for a known name itself and for any other.
    pub(crate) fn imitated(&self, name: &str) -> Option<&'static str> {
        if (self.is_known)(name) {
            return None;
        }
        if is_plain(name) {
            return self.resembled(name, name);
        }
        self.resembled(&folded(name), name)
    }

    fn resembled(&self, folded: &str, name: &str) -> Option<&'static str> {
        let known = self.names.iter().copied().find(|known| known.eq_ignore_ascii_case(folded));
        known.or_else(|| {
            let reserved = self.reserved?;
            let start = folded.get(..reserved.len())?;
            (start.eq_ignore_ascii_case(reserved) && !name.starts_with(reserved)).then_some(reserved)
        })
    }
}

/// Whether `name` equals `known`, an ASCII name, exactly or by imitation.
pub(crate) fn is_or_imitates(name: &str, known: &str) -> bool {
    name.eq_ignore_ascii_case(known) || (!is_plain(name) && folded(name).eq_ignore_ascii_case(known))
}

/// Whether folding could change nothing but ASCII case.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_graphic())
}

/// The name as the laxest reader would take it: NFKC, without characters that show nothing, in lower case.
///
/// Beyond `char::to_lowercase`, the characters whose full case folding (or whose other case, in some
/// language's rules) is plain ASCII letters: `ß` and `ẞ` fold to `ss`, dotless `ı` and dotted `İ` to `i`.
/// `ſ`, the Kelvin sign, full-width and ligature letters are NFKC's work. All known names are ASCII, so no
/// other folding can lead to one.
fn folded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.nfkc().filter(|c| !is_invisible(*c)) {
        match c {
            'ß' | 'ẞ' => out.push_str("ss"),
            'ı' | 'İ' => out.push('i'),
            other => out.extend(other.to_lowercase()),
        }
    }
    out
}

/// Control characters, white space, and what Unicode calls format or default-ignorable characters.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{600}'..='\u{605}' | '\u{6DD}' | '\u{70F}' | '\u{890}' | '\u{891}'
            | '\u{8E2}' | '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imitations_are_seen_through() {
        let cases = [
            ("Name", "name"),
            ("NAME", "name"),
            ("ARGUMENTS", "arguments"),
            ("taskid", "taskId"),
            ("TaskID", "taskId"),
            ("argumentſ", "arguments"),
            ("\u{212A}", ""),
            ("tas\u{212A}", "task"),
            ("ｎame", "name"),
            ("ＮＡＭＥ", "name"),
            ("name\0", "name"),
            ("\0name", "name"),
            ("na\0me", "name"),
            ("name ", "name"),
            (" name", "name"),
            ("name\t", "name"),
            ("name\u{A0}", "name"),
            ("name\u{200B}", "name"),
            ("\u{FEFF}name", "name"),
            ("na\u{AD}me", "name"),
            ("name\u{FE0F}", "name"),
            ("ur\u{131}", "uri"),
            ("UR\u{130}", "uri"),
            ("me\u{DF}age", "message"),
            ("me\u{1E9E}age", "message"),
            ("𝐧ame", "name"),
            ("ⓝame", "name"),
            ("_Meta", "_meta"),
            ("＿meta", "_meta"),
        ];
        for (name, known) in cases {
            let expected = (!known.is_empty()).then_some(known);
            assert_eq!(PARAMS.imitated(name), expected, "{name:?}");
        }
    }

    #[test]
    fn known_and_foreign_names_pass() {
        for name in PARAMS.names {
            assert_eq!(PARAMS.imitated(name), None, "{name}");
        }
        for name in
            ["", "names", "nam", "x-name", "na-me", "na.me", "имя", "名前", "n\u{E4}me", "com.example/name"]
        {
            assert_eq!(PARAMS.imitated(name), None, "{name:?}");
        }
    }

    #[test]
    fn every_known_name_is_ascii_and_unlike_the_others() {
        for vocabulary in [ENVELOPE, PARAMS, META, REFERENCE, FILTER] {
            for name in vocabulary.names {
                assert!(name.bytes().all(|b| b.is_ascii_graphic()));
                assert_eq!(vocabulary.imitated(&name.to_ascii_uppercase()), Some(*name));
                let alike = vocabulary.names.iter().filter(|other| other.eq_ignore_ascii_case(name));
                assert_eq!(alike.count(), 1, "{name}");
            }
        }
    }

    #[test]
    fn the_reserved_prefix_has_one_spelling() {
        for name in
            ["IO.modelcontextprotocol/new", "io.ModelContextProtocol/x", "io.modelcontextprotocol／new"]
        {
            assert_eq!(META.imitated(name), Some("io.modelcontextprotocol/"), "{name}");
        }
        assert_eq!(META.imitated("io.modelcontextprotocol/new"), None);
        assert_eq!(META.imitated("io.modelcontextprotoco"), None);
        let known = "io.modelcontextprotocol/protocolVersion";
        assert_eq!(META.imitated("io.modelcontextprotocol/protocolversion"), Some(known));
    }

    #[test]
    fn a_capability_is_found_in_disguise() {
        for name in ["sampling", "Sampling", "ſampling", "sampling\0", "sampling "] {
            assert!(is_or_imitates(name, "sampling"), "{name:?}");
        }
        assert!(!is_or_imitates("samplings", "sampling"));
    }
}
