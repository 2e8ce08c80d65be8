//! Which arguments of a command hold a secret. Variables and headers all count as secret; arguments are looked at
//! by what stands before them and by their form.

/// What the keys of well-known services begin with.
const BEGINNINGS: [&str; 22] = [
    "sk-",
    "sk_",
    "pk_",
    "rk_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "npm_",
    "hf_",
    "tg_",
    "eyJ",
];
/// Words in the name of an option whose value is a secret.
const WORDS: [&str; 9] =
    ["token", "secret", "password", "passwd", "apikey", "api-key", "api_key", "credential", "authorization"];
/// Shorter texts are no keys.
const SHORTEST: usize = 8;
/// A row of so many letters and digits without a word in it may be a key.
const LONG: usize = 24;

/// Whether an argument holds a secret: by itself, or by the option before it.
#[must_use]
pub fn is_secret_argument(argument: &str, before: Option<&str>) -> bool {
    let names = |option: &str| {
        let option = option.to_ascii_lowercase();
        WORDS.iter().any(|word| option.contains(word)) || option.trim_start_matches('-') == "key"
    };
    let is_option = |text: &str| text.starts_with('-');
    if let Some((option, value)) = argument.split_once('=')
        && (is_option(option) || option.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
    {
        return (names(option) && !value.is_empty()) || is_key(value);
    }
    if before.is_some_and(|before| is_option(before) && !before.contains('=') && names(before)) {
        return !is_option(argument) && !argument.is_empty();
    }
    !is_option(argument) && is_key(argument)
}

/// Whether a text has the form of a key, or is an address with a password.
fn is_key(text: &str) -> bool {
    if let Some((scheme, rest)) = text.split_once("://") {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let password = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
        return !scheme.is_empty() && password;
    }
    if let Some((header, value)) = text.split_once(':')
        && (header.eq_ignore_ascii_case("authorization") || header.to_ascii_lowercase().contains("api-key"))
    {
        return !value.trim().is_empty();
    }
    if text.len() < SHORTEST || text.contains(char::is_whitespace) {
        return false;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let begins = BEGINNINGS.iter().any(|beginning| text.starts_with(beginning));
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'='));
    (begins && text.len() >= 16) || (plain && text.len() >= LONG && digits >= 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_their_form_and_by_their_option() {
        for (argument, before) in [
            ("--api-key=abc", None),
            ("abc", Some("--token")),
            ("GITHUB_TOKEN=x", Some("-e")),
            ("sk-proj-0123456789abcdef", None),
            ("postgres://ann:hunter2@db.example/shop", None),
            ("9f86d081884c7d659a2feaa0c55ad015", None),
            ("Authorization: Bearer x", Some("--header")),
        ] {
            assert!(is_secret_argument(argument, before), "{argument}");
        }
        for (argument, before) in [
            ("-y", None),
            ("@modelcontextprotocol/server-filesystem", None),
            ("/home/ann/documents", None),
            ("--port=8080", None),
            ("--no-token", Some("--password")),
            ("https://example.com/mcp", None),
            ("a-rather-long-name-of-a-package", None),
            ("NODE_ENV=production", Some("-e")),
        ] {
            assert!(!is_secret_argument(argument, before), "{argument}");
        }
    }
}
