//! Secrets that stand in a text as they are, told by their form or by the name that they stand under. What is
//! told never repeats them.

/// A secret that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// What it is, in words that do not show it.
    pub what: &'static str,
    /// How it was told.
    pub by: ToldBy,
}

/// How a secret is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ToldBy {
    /// The name that it stands under says what it is.
    Name,
    /// It has the form that its issuer gives it.
    Form,
}

/// Beginnings that issuers give their tokens, the least length of what follows, and what they are.
const FORMS: [(&str, usize, &str); 36] = [
    ("ghp_", 30, "a personal access token of GitHub"),
    ("gho_", 30, "an access token of GitHub"),
    ("ghu_", 30, "an access token of GitHub"),
    ("ghs_", 30, "an access token of GitHub"),
    ("ghr_", 30, "a refresh token of GitHub"),
    ("github_pat_", 30, "a personal access token of GitHub"),
    ("glpat-", 16, "a personal access token of GitLab"),
    ("sk-ant-", 20, "an API key of Anthropic"),
    ("sk-proj-", 20, "an API key of OpenAI"),
    ("sk-or-", 20, "an API key of OpenRouter"),
    ("sk_live_", 16, "a secret key of Stripe"),
    ("rk_live_", 16, "a restricted key of Stripe"),
    ("sk_test_", 16, "a test key of Stripe"),
    ("xoxb-", 16, "a bot token of Slack"),
    ("xoxp-", 16, "a user token of Slack"),
    ("xapp-", 16, "an app token of Slack"),
    ("AKIA", 16, "an access key of AWS"),
    ("ASIA", 16, "a temporary access key of AWS"),
    ("AIza", 30, "an API key of Google"),
    ("ya29.", 20, "an access token of Google"),
    ("npm_", 30, "an access token of npm"),
    ("pypi-", 30, "an API token of PyPI"),
    ("hf_", 24, "an access token of Hugging Face"),
    ("r8_", 30, "an API token of Replicate"),
    ("dop_v1_", 30, "an access token of DigitalOcean"),
    ("dckr_pat_", 20, "an access token of Docker Hub"),
    ("SG.", 30, "an API key of SendGrid"),
    ("lin_api_", 24, "an API key of Linear"),
    ("ntn_", 24, "an integration token of Notion"),
    ("figd_", 24, "an access token of Figma"),
    ("sntrys_", 24, "an auth token of Sentry"),
    ("shpat_", 24, "an access token of Shopify"),
    ("sbp_", 30, "an access token of Supabase"),
    ("tvly-", 20, "an API key of Tavily"),
    ("fc-", 30, "an API key of Firecrawl"),
    ("tg_", 40, "a token of a Toolgate grant"),
];
/// Words of names that secrets stand under, without separators.
const NAMES: [&str; 17] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "authorization",
    "credential",
    "privatekey",
    "accesskey",
    "secretkey",
    "signingkey",
    "encryptionkey",
    "clientkey",
    "bearer",
    "cookie",
    "authkey",
];
/// Ends of names that say something about a secret and are none.
const ABOUT: [&str; 18] = [
    "file", "path", "dir", "url", "uri", "endpoint", "env", "name", "id", "type", "ttl", "expiry", "expires",
    "limit", "tokens", "count", "region", "header",
];
/// Words that stand where a secret is to be filled in.
const PLACEHOLDERS: [&str; 14] = [
    "your",
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "replace",
    "example",
    "dummy",
    "insert",
    "todo",
    "xxxx",
    "****",
    "....",
    "redacted",
];
/// The shortest text that counts as a secret by its name.
const SHORTEST: usize = 8;

/// The secret that a value is, or holds; `name` is what it stands under, such as a variable or a header.
#[must_use]
pub fn credential_in(name: &str, value: &str) -> Option<Credential> {
    if let Some(what) = by_form(value) {
        return Some(Credential { what, by: ToldBy::Form });
    }
    let bare = without_scheme(value);
    if !names_secret(name) || bare.len() < SHORTEST || is_reference(bare) || is_plain(bare) {
        return None;
    }
    Some(Credential { what: "a literal value under a name that says it is secret", by: ToldBy::Name })
}

/// Whether the name of a variable, header or option says that its value is secret.
#[must_use]
pub fn names_secret(name: &str) -> bool {
    let letters: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let letters = letters.to_ascii_lowercase();
    let last = name.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    !ABOUT.contains(&last.to_ascii_lowercase().as_str()) && NAMES.iter().any(|word| letters.contains(word))
}

/// Whether the secret is to come from elsewhere: `${NAME}`, `$NAME`, `%NAME%`, `{{name}}`, `<your key>`.
fn is_reference(value: &str) -> bool {
    let value = without_scheme(value.trim());
    let lower = value.to_ascii_lowercase();
    value.is_empty()
        || value.contains("${")
        || value.contains("{{")
        || value.starts_with('$')
        || value.starts_with('<') && value.ends_with('>')
        || value.len() > 2 && value.starts_with('%') && value.ends_with('%')
        || PLACEHOLDERS.iter().any(|word| lower.contains(word))
}

/// What stands behind `Bearer`, `Basic` or `Token`.
fn without_scheme(value: &str) -> &str {
    match value.trim().split_once(' ') {
        Some((scheme, rest)) if ["bearer", "basic", "token"].contains(&&*scheme.to_ascii_lowercase()) => {
            rest.trim()
        }
        _ => value.trim(),
    }
}

/// Whether a value is a word, number, switch, path or address rather than a secret.
fn is_plain(value: &str) -> bool {
    value.contains(char::is_whitespace)
        || value.parse::<f64>().is_ok()
        || ["true", "false", "none", "null", "disabled", "enabled", "required"]
            .contains(&value.to_ascii_lowercase().as_str())
        || value.starts_with(['/', '~', '.'])
        || value.contains("://")
}

fn by_form(value: &str) -> Option<&'static str> {
    if value.contains("-----BEGIN ") && value.contains("PRIVATE KEY") {
        return Some("a private key");
    }
    if let Some(found) = pieces(value).find_map(by_form_strict) {
        return Some(found);
    }
    if pieces(value).any(is_signed_token) {
        return Some("a signed token (JWT)");
    }
    has_password(value).then_some("a password within an address")
}

/// The pieces of a value that may be tokens by themselves.
fn pieces(value: &str) -> impl Iterator<Item = &str> {
    value.split(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c))).filter(|piece| piece.len() >= 16)
}

fn by_form_strict(piece: &str) -> Option<&'static str> {
    if piece.to_ascii_lowercase().contains("example") {
        return None;
    }
    let (_, _, what) = FORMS.iter().find(|(start, least, _)| {
        piece.strip_prefix(start).is_some_and(|rest| {
            rest.len() >= *least && !is_repetitive(rest) && rest.chars().any(|c| c.is_ascii_digit())
        })
    })?;
    Some(what)
}

/// `xxxxxxxx` and the like, which stand in for a token.
fn is_repetitive(text: &str) -> bool {
    let mut kinds: Vec<char> = text.chars().collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.len() < 5
}

fn is_signed_token(piece: &str) -> bool {
    let mut parts = piece.split('.');
    piece.len() > 40
        && parts.next().is_some_and(|head| head.starts_with("eyJ") && head.len() > 10)
        && parts.next().is_some_and(|body| body.starts_with("eyJ"))
}

/// `scheme://name:password@host`, with a password that is there.
fn has_password(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else { return false };
    user.split_once(':').is_some_and(|(_, password)| !password.is_empty() && !is_reference(password))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(name: &str, value: &str) -> Option<ToldBy> {
        credential_in(name, value).map(|credential| credential.by)
    }

    #[test]
    fn secrets_are_told_by_form_wherever_they_stand() {
        let tail = "x7Kq2Lw9Zr4Tn8Vb3Md6Yc1Pq5Hs0Jf2Gk4Wd";
        for value in [
            format!("ghp_{tail}"),
            format!("Bearer sk-ant-{tail}"),
            format!("--key=AIza{tail}"),
            "postgres://app:hunter22@db.example/x".to_owned(),
            "-----BEGIN RSA PRIVATE KEY-----\nMII".to_owned(),
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N".to_owned(),
        ] {
            assert_eq!(found("ANYTHING", &value), Some(ToldBy::Form), "{value}");
        }
    }

    #[test]
    fn secrets_are_told_by_their_name() {
        for (name, value) in [
            ("GITHUB_TOKEN", "f00dfeedbeef1234"),
            ("X-Api-Key", "k3v9x2m8q1"),
            ("Authorization", "Bearer abcdef123456"),
            ("dbPassword", "correcthorse"),
            ("--secret", "s3cr3tvalue"),
        ] {
            assert_eq!(found(name, value), Some(ToldBy::Name), "{name}");
        }
    }

    #[test]
    fn what_is_no_secret_is_left_alone() {
        for (name, value) in [
            ("GITHUB_TOKEN", "${GITHUB_TOKEN}"),
            ("GITHUB_TOKEN", "${env:GITHUB_TOKEN}"),
            ("GITHUB_TOKEN", "$GITHUB_TOKEN"),
            ("GITHUB_TOKEN", "%GITHUB_TOKEN%"),
            ("GITHUB_TOKEN", "<your token here>"),
            ("GITHUB_TOKEN", "YOUR_TOKEN_HERE"),
            ("GITHUB_TOKEN", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
            ("GITHUB_TOKEN", ""),
            ("Authorization", "Bearer ${TOKEN}"),
            ("TOKEN_FILE", "/run/secrets/token"),
            ("TOKEN_PATH", "relative/secret.txt"),
            ("API_KEY_ENV", "SOME_VARIABLE"),
            ("MAX_TOKENS", "1000000000"),
            ("TOKEN_URL", "https://auth.example/token"),
            ("PASSWORD_REQUIRED", "required"),
            ("LOG_LEVEL", "debugdebug"),
            ("DATABASE_URL", "postgres://app@db.example/x"),
            ("DATABASE_URL", "postgres://app:${PASSWORD}@db.example/x"),
        ] {
            assert_eq!(found(name, value), None, "{name}={value}");
        }
    }

    proptest! {
        #[test]
        fn nothing_repeats_the_secret(name in ".{0,20}", value in ".{0,60}") {
            if let Some(credential) = credential_in(&name, &value) {
                prop_assert!(value.len() < 4 || !credential.what.contains(&value));
            }
        }
    }
}
