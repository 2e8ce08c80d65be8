//! Name and version of a package as its ecosystem writes them, and whether the version is fixed.

use super::Ecosystem;

/// Whether a reference names one thing for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pinning {
    /// It names an exact version, a digest or a commit.
    Exact,
    /// It names no version: the newest is taken at each start.
    Absent,
    /// It names a range, a branch or a tag that moves, as written.
    Moving(String),
}

/// A reference taken apart; none if it is a file or folder, or no name at all.
pub(super) fn split(ecosystem: Ecosystem, text: &str) -> Option<(Ecosystem, String, Pinning)> {
    let text = text.trim();
    if text.is_empty() || is_local(text) || text.contains("${") {
        return None;
    }
    if let Some(address) = address(text) {
        let (name, revision) = address;
        return Some((Ecosystem::Address, name, revision));
    }
    let (name, pinning) = match ecosystem {
        Ecosystem::Npm => npm(text),
        Ecosystem::PyPi => pypi(text),
        Ecosystem::Image => image(text),
        Ecosystem::Go => go(text),
        Ecosystem::Address => (text.to_owned(), Pinning::Absent),
    };
    (!name.is_empty()).then_some((ecosystem, name, pinning))
}

fn is_local(text: &str) -> bool {
    text == "."
        || text.starts_with(['/', '~', '\\'])
        || text.starts_with("./")
        || text.starts_with("../")
        || text.starts_with("file:")
        || text.get(1..3).is_some_and(|s| matches!(s, ":\\" | ":/"))
}

/// Code fetched from a repository or by a URL: the address without credentials and query, and its revision.
fn address(text: &str) -> Option<(String, Pinning)> {
    // `name @ git+https://…` is how PyPI's tools write a name with an address.
    let text = text.split_once(" @ ").map_or(text, |(_, address)| address.trim());
    let short = ["github:", "gitlab:", "bitbucket:", "gist:"].into_iter().any(|form| text.starts_with(form));
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None if short => text.split_once(':')?,
        None => return None,
    };
    let (rest, fragment) =
        rest.split_once('#').map_or((rest, None), |(rest, fragment)| (rest, Some(fragment)));
    let rest = rest.split('?').next().unwrap_or_default();
    let slash = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(slash)?;
    let host = host.rsplit('@').next().unwrap_or(host);
    // pip writes the revision behind `@`, npm behind `#`; `#subdirectory=` and `#egg=` are none.
    let (path, at) = path.rsplit_once('@').map_or((path, None), |(path, at)| (path, Some(at)));
    let revision = at.or(fragment.filter(|f| !f.contains('=')));
    let pinning = match revision {
        Some(revision) if is_commit(revision) => Pinning::Exact,
        Some(revision) => Pinning::Moving(revision.to_owned()),
        None => Pinning::Absent,
    };
    let separator = if short { ":" } else { "://" };
    Some((format!("{scheme}{separator}{host}{path}"), pinning))
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn npm(text: &str) -> (String, Pinning) {
    let at = text.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
    match at.and_then(|at| text.split_at_checked(at)) {
        None => (text.to_owned(), Pinning::Absent),
        Some((name, version)) => (name.to_owned(), pinning(version.trim_start_matches('@'))),
    }
}

/// Names of PyPI are compared without case, and with `-`, `_` and `.` as one (PEP 503).
fn pypi(text: &str) -> (String, Pinning) {
    let end = text.find(|c: char| "=<>!~@;[ ".contains(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let mut normal = String::with_capacity(name.len());
    for c in name.to_lowercase().chars() {
        let c = if matches!(c, '_' | '.') { '-' } else { c };
        if c != '-' || !normal.ends_with('-') {
            normal.push(c);
        }
    }
    let rest = rest.split(';').next().unwrap_or_default();
    // Extras stand in brackets between name and version.
    let rest = rest.split_once(']').map_or(rest, |(_, behind)| behind).trim();
    let pinned = if let Some(version) = rest.strip_prefix("===").or(rest.strip_prefix("==")) {
        if version.contains(['*', ',']) { Pinning::Moving(rest.to_owned()) } else { exact(version.trim(), 1) }
    } else if let Some(version) = rest.strip_prefix('@') {
        exact(version.trim(), 1)
    } else if rest.is_empty() {
        Pinning::Absent
    } else {
        Pinning::Moving(rest.to_owned())
    };
    (normal, pinned)
}

fn image(text: &str) -> (String, Pinning) {
    let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
    let path = name.rfind('/').map_or(0, |at| at + 1);
    let tag = name.get(path..).and_then(|last| last.split_once(':'));
    let bare = tag.map_or(name, |(_, tag)| name.strip_suffix(tag).unwrap_or(name).trim_end_matches(':'));
    let bare = ["docker.io/", "index.docker.io/", "registry-1.docker.io/"]
        .into_iter()
        .find_map(|host| bare.strip_prefix(host))
        .unwrap_or(bare);
    let bare = bare.strip_prefix("library/").unwrap_or(bare).to_owned();
    let hash = digest.and_then(|digest| digest.strip_prefix("sha256:"));
    let pinned = match (hash, tag) {
        (Some(hash), _) if hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => Pinning::Exact,
        (_, Some((_, tag))) => exact(tag, 3),
        (_, None) => Pinning::Absent,
    };
    (bare, pinned)
}

fn go(text: &str) -> (String, Pinning) {
    match text.split_once('@') {
        None => (text.to_owned(), Pinning::Absent),
        Some((name, version)) => (name.to_owned(), pinning(version)),
    }
}

/// Of npm and Go: three numbers, with what stands behind them.
fn pinning(version: &str) -> Pinning {
    if is_commit(version) { Pinning::Exact } else { exact(version, 3) }
}

/// Exact if the text begins with so many numbers parted by dots, and holds nothing of a range.
fn exact(version: &str, numbers: usize) -> Pinning {
    let bare = version.strip_prefix('v').unwrap_or(version);
    let head = bare.split(['-', '+']).next().unwrap_or_default();
    let found = head.split('.').take_while(|part| part.starts_with(|c: char| c.is_ascii_digit())).count();
    let plain = bare.chars().all(|c| c.is_ascii_alphanumeric() || ".-+!_".contains(c));
    // Dates are versions too: `2026-08-31`.
    let date = head.len() == 4 && bare.split('-').take_while(|part| part.parse::<u32>().is_ok()).count() >= 3;
    let range = head.split('.').any(|part| part.eq_ignore_ascii_case("x"));
    if plain && !range && (found >= numbers || date) {
        return Pinning::Exact;
    }
    if version.is_empty() { Pinning::Absent } else { Pinning::Moving(version.to_owned()) }
}
