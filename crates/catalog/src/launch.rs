//! What a command line fetches and runs: the package or image behind `npx`, `uvx`, `docker run` and the like,
//! and whether its version is fixed. Nothing is looked up; the words say it, or nothing does.

mod options;
mod version;

use options::{Options, of_runner};
pub use version::Pinning;

/// A package or image that a command line names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Where names of its kind live.
    pub ecosystem: Ecosystem,
    /// Its name without version, as its ecosystem compares names; without credentials where it is an address.
    pub name: String,
    /// Whether the same thing runs tomorrow.
    pub pinning: Pinning,
    /// Which argument names it, counted from 0.
    pub argument: usize,
}

/// Where names of packages live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    /// Packages of npm, JSR too.
    Npm,
    /// Packages of PyPI.
    PyPi,
    /// Images of a container registry.
    Image,
    /// Modules of Go.
    Go,
    /// An address that code is fetched from.
    Address,
}

/// The package that a command runs; none if it runs what is on the machine, or nothing says what.
#[must_use]
pub fn package_of(program: &str, arguments: &[String]) -> Option<Package> {
    let words: Vec<Word<'_>> =
        arguments.iter().enumerate().map(|(argument, text)| Word { text, argument }).collect();
    launched(&base_name(program), &words, 0)
}

/// The name of a package as [`package_of`] has it, from what a registry or a person writes: without version, as
/// its ecosystem compares names; none if that is no name.
#[must_use]
pub fn package_name(ecosystem: Ecosystem, text: &str) -> Option<String> {
    let (found, name, _) = version::split(ecosystem, text)?;
    (found == ecosystem).then_some(name)
}

/// A word of a command line, and the argument that it stands in.
#[derive(Clone, Copy, Debug)]
struct Word<'a> {
    text: &'a str,
    argument: usize,
}

/// How many commands may stand within each other.
const NESTED: usize = 4;

fn launched(program: &str, words: &[Word<'_>], depth: usize) -> Option<Package> {
    if depth > NESTED {
        return None;
    }
    match program {
        "sh" | "bash" | "zsh" | "dash" | "cmd" | "env" => within(program, words, depth),
        "npx" | "bunx" | "pnpx" => packaged(Ecosystem::Npm, of_runner(program)?, words),
        "npm" | "pnpm" | "yarn" | "bun" => {
            let (first, rest) = words.split_first()?;
            matches!(first.text, "exec" | "x" | "dlx").then_some(())?;
            packaged(Ecosystem::Npm, of_runner("npx")?, rest)
        }
        "uvx" => packaged(Ecosystem::PyPi, of_runner(program)?, words),
        "uv" => match words {
            [first, second, rest @ ..] if (first.text, second.text) == ("tool", "run") => {
                packaged(Ecosystem::PyPi, of_runner("uvx")?, rest)
            }
            // What `uv run` runs is here; what it brings along is not.
            [first, rest @ ..] if first.text == "run" => named(Ecosystem::PyPi, rest, &["--with"]),
            _ => None,
        },
        "pipx" => {
            let (first, rest) = words.split_first()?;
            (first.text == "run").then_some(())?;
            packaged(Ecosystem::PyPi, of_runner(program)?, rest)
        }
        "docker" | "podman" | "nerdctl" => {
            let rest = match words {
                [first, rest @ ..] if first.text == "run" => rest,
                [first, second, rest @ ..] if (first.text, second.text) == ("container", "run") => rest,
                _ => return None,
            };
            packaged(Ecosystem::Image, of_runner("docker")?, rest)
        }
        "go" => {
            let (first, rest) = words.split_first()?;
            (first.text == "run").then_some(())?;
            let package = packaged(Ecosystem::Go, of_runner("go")?, rest)?;
            package.name.contains('.').then_some(package)
        }
        "deno" => deno(words),
        _ => None,
    }
}

/// The command that a shell or `env` runs.
fn within(program: &str, words: &[Word<'_>], depth: usize) -> Option<Package> {
    let rest: Vec<Word<'_>> = match program {
        "env" => {
            words.iter().skip_while(|w| w.text.starts_with('-') || w.text.contains('=')).copied().collect()
        }
        "cmd" => words.iter().skip_while(|w| w.text.starts_with('/')).copied().collect(),
        _ => {
            let at = words.iter().position(|w| w.text.starts_with('-') && w.text.ends_with('c'))?;
            let line = words.get(at + 1)?;
            let word = |text| Word { text, argument: line.argument };
            let parts = line.text.split([' ', '\t', '\n', ';', '&', '|', '(', ')', '"', '\'']);
            let all: Vec<Word<'_>> = parts.filter(|part| !part.is_empty()).map(word).collect();
            all.into_iter().skip_while(|w| w.text == "exec" || w.text.contains('=')).collect()
        }
    };
    let (first, rest) = rest.split_first()?;
    launched(&base_name(first.text), rest, depth + 1)
}

fn deno(words: &[Word<'_>]) -> Option<Package> {
    let (first, rest) = words.split_first()?;
    (first.text == "run").then_some(())?;
    let word = rest.iter().find(|word| !word.text.starts_with('-'))?;
    let (ecosystem, text) = match word.text.split_once(':')? {
        ("npm" | "jsr", text) => (Ecosystem::Npm, text),
        ("https" | "http", _) => (Ecosystem::Address, word.text),
        _ => return None,
    };
    reference(ecosystem, text.trim_start_matches('/'), word.argument)
}

/// The package that an option names, else the first word that is none.
fn packaged(ecosystem: Ecosystem, options: &Options, words: &[Word<'_>]) -> Option<Package> {
    if let Some(package) = named(ecosystem, options.head(words), options.naming) {
        return Some(package);
    }
    let word = options.first_word(words)?;
    reference(ecosystem, word.text, word.argument)
}

/// The package that one of these options names.
fn named(ecosystem: Ecosystem, words: &[Word<'_>], naming: &[&str]) -> Option<Package> {
    words.iter().enumerate().find_map(|(at, word)| {
        if word.text == "--" {
            return None;
        }
        let (option, value) = match word.text.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option, Some((value, word.argument))),
            _ => (word.text, words.get(at + 1).map(|next| (next.text, next.argument))),
        };
        let (value, argument) = value.filter(|_| naming.contains(&option))?;
        reference(ecosystem, value, argument)
    })
}

fn reference(ecosystem: Ecosystem, text: &str, argument: usize) -> Option<Package> {
    let (ecosystem, name, pinning) = version::split(ecosystem, text)?;
    Some(Package { ecosystem, name, pinning, argument })
}

/// The program's name without folder and ending, in lower case.
fn base_name(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
    let ending = [".exe", ".cmd", ".bat", ".ps1"].into_iter().find_map(|ending| name.strip_suffix(ending));
    ending.map_or(name.clone(), str::to_owned)
}

#[cfg(test)]
mod tests;
