//! What clients put in place of values: variables of the environment, folders, files, answers to questions.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// How a client's files refer to values that stand elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum References {
    /// Not at all.
    None,
    /// `${NAME}`, `${NAME:-otherwise}`
    Shell,
    /// As in a shell, and `$NAME`.
    Dollar,
    /// `${env:NAME}`, `${input:ID}`, `${userHome}`, `${workspaceFolder}` and the like.
    Editor,
    /// `{env:NAME}`, `{file:PATH}`
    Braces,
    /// `${{ secrets.NAME }}`
    Secrets,
}

/// What references stand for.
#[derive(Clone, Default)]
pub struct Variables {
    /// The variables of the environment.
    pub environment: BTreeMap<String, String>,
    /// The user's own folder.
    pub home: PathBuf,
    /// The folder of the project that the file belongs to.
    pub project: Option<PathBuf>,
    /// The folder of the file.
    pub folder: PathBuf,
}

impl fmt::Debug for Variables {
    /// Values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variables").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Variables {
    fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }
}

/// Longest file that a reference puts in place of itself.
const LONGEST_FILE: u64 = 64 << 10;

/// The text with its references replaced; or the first that stands for nothing, and why.
pub(crate) fn expand(text: &str, how: References, variables: &Variables) -> Result<String, String> {
    let (open, close) = match how {
        References::None => return Ok(text.to_owned()),
        References::Shell | References::Dollar | References::Editor => ("${", "}"),
        References::Braces => ("{", "}"),
        References::Secrets => ("${{", "}}"),
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        let Some((inner, behind)) = after.split_once(close) else { break };
        out.push_str(&bare(before, how, variables));
        match value(inner.trim(), how, variables)? {
            Some(value) => out.push_str(&value),
            None => out.extend([open, inner, close]),
        }
        rest = behind;
    }
    out.push_str(&bare(rest, how, variables));
    Ok(out)
}

/// What one reference stands for; none if it is no reference.
fn value(inner: &str, how: References, variables: &Variables) -> Result<Option<String>, String> {
    let needed = |name: &str| {
        let missing =
            || format!("the variable `{name}` that it refers to is not set: set it and run this again");
        variables.variable(name).map(Some).ok_or_else(missing)
    };
    match how {
        References::None => Ok(None),
        References::Shell | References::Dollar => match inner.split_once(":-") {
            Some((name, otherwise)) => {
                Ok(Some(variables.variable(name).unwrap_or_else(|| otherwise.to_owned())))
            }
            None => needed(inner),
        },
        References::Editor => editor(inner, variables, needed),
        References::Braces => match inner.split_once(':') {
            Some(("env", name)) => needed(name),
            Some(("file", path)) => file(path, variables).map(Some),
            _ => Ok(None),
        },
        References::Secrets => match inner.split_once('.') {
            Some((_, name)) => needed(name.rsplit('.').next().unwrap_or(name)),
            None => Ok(None),
        },
    }
}

fn editor(
    inner: &str,
    variables: &Variables,
    needed: impl Fn(&str) -> Result<Option<String>, String>,
) -> Result<Option<String>, String> {
    let shown = |path: &PathBuf| path.to_string_lossy().into_owned();
    let project = || {
        let project = variables.project.as_ref();
        project.ok_or_else(|| format!("it refers to `{inner}`, which only an open project has"))
    };
    match inner.split_once(':') {
        Some(("env", name)) => return needed(name),
        Some(("input", id)) => {
            let name = input_variable(id);
            return variables.variable(&name).map(Some).ok_or_else(|| {
                format!("it asks for `{id}` when it starts: set {name} to the answer and run this again")
            });
        }
        Some((kind, _)) => return Err(format!("it refers to `{kind}:`, which only the client can tell")),
        None => {}
    }
    Ok(match inner {
        "userHome" => Some(shown(&variables.home)),
        "workspaceFolder" | "workspaceRoot" => Some(shown(project()?)),
        "workspaceFolderBasename" => {
            Some(project()?.file_name().unwrap_or_default().to_string_lossy().into_owned())
        }
        "pathSeparator" | "/" => Some(std::path::MAIN_SEPARATOR_STR.to_owned()),
        _ => None,
    })
}

/// The variable that answers what an editor would ask for.
fn input_variable(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("TOOLGATE_INPUT_{}", id.chars().map(plain).collect::<String>())
}

fn file(path: &str, variables: &Variables) -> Result<String, String> {
    let path = match path.strip_prefix("~/") {
        Some(rest) => variables.home.join(rest),
        None => variables.folder.join(path),
    };
    let small = path.metadata().is_ok_and(|found| found.is_file() && found.len() <= LONGEST_FILE);
    let text = if small { std::fs::read_to_string(&path).ok() } else { None };
    let text =
        text.ok_or_else(|| format!("the file `{}` that it refers to cannot be read", path.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// `$NAME` replaced, where that is a reference; one that is not set stays.
fn bare(text: &str, how: References, variables: &Variables) -> String {
    if how != References::Dollar {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
        let (name, behind) = after.split_at_checked(end).unwrap_or((after, ""));
        out.push_str(before);
        match variables.variable(name) {
            Some(value) => out.push_str(&value),
            None => out.extend(["$", name]),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables {
            environment: BTreeMap::from([("KEY".to_owned(), "v".to_owned())]),
            home: PathBuf::from("/home/ann"),
            project: Some(PathBuf::from("/work/shop")),
            folder: PathBuf::from("/work/shop/.vscode"),
        }
    }

    fn check(how: References, text: &str, expected: &str) {
        assert_eq!(expand(text, how, &variables()).unwrap(), expected, "{text}");
    }

    #[test]
    fn each_client_has_its_own_references() {
        check(References::None, "${KEY}", "${KEY}");
        check(References::Shell, "a ${KEY} ${NONE:-b} $KEY", "a v b $KEY");
        check(References::Dollar, "$KEY/${KEY}/$NONE/$", "v/v/$NONE/$");
        check(References::Editor, "${env:KEY}:${userHome}:${workspaceFolder}", "v:/home/ann:/work/shop");
        check(References::Editor, "${workspaceFolderBasename} ${unknown} ${", "shop ${unknown} ${");
        check(References::Braces, "Bearer {env:KEY} {x}", "Bearer v {x}");
        check(References::Secrets, "Bearer ${{ secrets.KEY }}", "Bearer v");
    }

    #[test]
    fn what_stands_for_nothing_is_told() {
        let check = |how, text: &str, expected: &str| {
            let error = expand(text, how, &variables()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(References::Shell, "${NONE}", "the variable `NONE`");
        check(References::Editor, "${input:api-key}", "TOOLGATE_INPUT_API_KEY");
        check(References::Editor, "${command:pick}", "only the client");
        check(References::Braces, "{file:/nowhere/at/all}", "cannot be read");
    }
}
