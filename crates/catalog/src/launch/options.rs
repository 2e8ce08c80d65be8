//! The options of programs that fetch what they run: which of them take a value, so that the first word that
//! is no option can be told.

use super::Word;

/// The options of one program.
#[derive(Debug)]
pub(super) struct Options {
    program: &'static str,
    /// Those that name the package themselves.
    pub(super) naming: &'static [&'static str],
    /// How to tell whether an option takes the next word.
    values: Values,
}

#[derive(Debug)]
enum Values {
    /// These take one.
    Only(&'static [&'static str]),
    /// All long ones take one but these; of short ones, those without these letters alone.
    AllBut(&'static [&'static str], &'static str),
}

static RUNNERS: [Options; 7] = [
    Options {
        program: "npx",
        naming: &["-p", "--package"],
        values: Values::Only(&[
            "-p",
            "--package",
            "-c",
            "--call",
            "-w",
            "--workspace",
            "--prefix",
            "--cache",
            "--registry",
            "--userconfig",
            "--loglevel",
        ]),
    },
    Options { program: "bunx", naming: &["-p", "--package"], values: Values::Only(&["-p", "--package"]) },
    Options { program: "pnpx", naming: &["--package"], values: Values::Only(&["--package"]) },
    Options {
        program: "uvx",
        naming: &["--from"],
        values: Values::Only(&[
            "--from",
            "--with",
            "-w",
            "--with-editable",
            "--with-requirements",
            "--python",
            "-p",
            "--index",
            "--index-url",
            "-i",
            "--extra-index-url",
            "--default-index",
            "--find-links",
            "-f",
            "--cache-dir",
            "--constraints",
            "-c",
            "--overrides",
            "--env-file",
            "--directory",
            "--project",
            "--config-file",
            "--prerelease",
            "--resolution",
            "--exclude-newer",
            "--link-mode",
            "--keyring-provider",
            "--index-strategy",
            "--refresh-package",
            "--reinstall-package",
            "--upgrade-package",
            "-P",
        ]),
    },
    Options {
        program: "pipx",
        naming: &["--spec"],
        values: Values::Only(&["--spec", "--python", "--index-url", "-i", "--pip-args", "--with"]),
    },
    Options {
        program: "docker",
        naming: &[],
        values: Values::AllBut(
            &[
                "--rm",
                "--init",
                "--interactive",
                "--tty",
                "--detach",
                "--privileged",
                "--read-only",
                "--publish-all",
                "--no-healthcheck",
                "--oom-kill-disable",
                "--sig-proxy",
                "--quiet",
                "--disable-content-trust",
                "--use-api-socket",
                "--replace",
                "--no-hosts",
            ],
            "itdPq",
        ),
    },
    Options {
        program: "go",
        naming: &[],
        values: Values::Only(&["-C", "-tags", "-mod", "-ldflags", "-exec"]),
    },
];

/// The options of a program, by its name.
pub(super) fn of_runner(program: &str) -> Option<&'static Options> {
    RUNNERS.iter().find(|options| options.program == program)
}

impl Options {
    /// The first word that is neither an option nor its value.
    pub(super) fn first_word<'a, 'w>(&self, words: &'w [Word<'a>]) -> Option<&'w Word<'a>> {
        words.get(self.place(words))
    }

    /// The words in front of it.
    pub(super) fn head<'a, 'w>(&self, words: &'w [Word<'a>]) -> &'w [Word<'a>] {
        words.get(..self.place(words)).unwrap_or(words)
    }

    fn place(&self, words: &[Word<'_>]) -> usize {
        let mut at = 0;
        while let Some(word) = words.get(at) {
            if word.text == "--" {
                return at + 1;
            }
            if !word.text.starts_with('-') || word.text.len() < 2 {
                return at;
            }
            at += if self.takes_next(word.text) { 2 } else { 1 };
        }
        at
    }

    fn takes_next(&self, option: &str) -> bool {
        if option.contains('=') {
            return false;
        }
        match self.values {
            Values::Only(these) => these.contains(&option),
            Values::AllBut(these, _) if option.starts_with("--") => !these.contains(&option),
            Values::AllBut(_, flags) => {
                // `-it` is two flags; `-eNAME` brings its value; `-e`, and `-ie`, take the next word.
                let letters = option.trim_start_matches('-');
                letters.find(|c| !flags.contains(c)).is_some_and(|at| at + 1 == letters.len())
            }
        }
    }
}
