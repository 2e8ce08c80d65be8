//! Variables: those of the process, and those of a file for what the process leaves unset.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use super::SettingsError;

/// The file beside which the server was started.
const DOT_ENV: &str = ".env";

/// Finds a variable of the process.
type Lookup<'a> = Box<dyn Fn(&str) -> Option<OsString> + 'a>;

/// Where variables come from.
pub struct Variables<'a> {
    process: Lookup<'a>,
    file: Vec<(String, String)>,
}

/// Where a variable was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the process's environment.
    Process,
    /// In the file.
    File,
}

impl<'a> Variables<'a> {
    /// Variables of `process`; those of `file` where it has none.
    pub fn new(process: impl Fn(&str) -> Option<OsString> + 'a, file: Vec<(String, String)>) -> Self {
        Self { process: Box::new(process), file }
    }

    /// The process's environment and `.env` in the working directory.
    ///
    /// # Errors
    /// There is such a file, but it cannot be read.
    pub fn of_process() -> Result<Self, SettingsError> {
        let file = match dotenvy::from_path_iter(DOT_ENV) {
            Ok(lines) => lines.collect::<Result<_, _>>().map_err(|error| unusable(&error))?,
            Err(error) if error.not_found() => Vec::new(),
            Err(error) => return Err(unusable(&error)),
        };
        Ok(Self::new(|name| std::env::var_os(name), file))
    }

    /// Where the variable is set; an empty value counts as unset.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<Origin> {
        self.find(name).map(|(_, origin)| origin)
    }

    /// The value as text.
    ///
    /// # Errors
    /// It is not text.
    pub fn text(&self, name: &'static str) -> Result<Option<String>, SettingsError> {
        let value = self.find(name).map(|(value, _)| value.into_string());
        value.transpose().map_err(|_| SettingsError::NotText(name))
    }

    /// The value as a path.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.find(name).map(|(value, _)| PathBuf::from(value))
    }

    fn find(&self, name: &str) -> Option<(OsString, Origin)> {
        if let Some(value) = (self.process)(name) {
            // Set but empty in the process overrides the file, as with any other value.
            return Some((value, Origin::Process)).filter(|(value, _)| !value.is_empty());
        }
        let set = self.file.iter().find(|(key, _)| key == name);
        let value = set.map(|(_, value)| (OsString::from(value), Origin::File));
        value.filter(|(value, _)| !value.is_empty())
    }
}

impl std::fmt::Debug for Variables<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Variables({} from the file)", self.file.len())
    }
}

/// The error without the line that it is about, which may hold a key.
fn unusable(error: &dotenvy::Error) -> SettingsError {
    let said = match error {
        dotenvy::Error::LineParse(_, at) => format!("a line cannot be read (at its character {at})"),
        dotenvy::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            "it is not text".to_owned()
        }
        dotenvy::Error::Io(error) => error.to_string(),
        _ => "it is not in the form NAME=value".to_owned(),
    };
    SettingsError::DotEnv(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_comes_before_the_file() {
        let process = |name: &str| match name {
            "A" => Some(OsString::from("process")),
            "EMPTY" => Some(OsString::new()),
            _ => None,
        };
        let file = ["A", "B", "EMPTY"].map(|name| (name.to_owned(), "file".to_owned())).to_vec();
        let variables = Variables::new(process, file);
        assert_eq!(variables.text("A").unwrap().as_deref(), Some("process"));
        assert_eq!(variables.text("B").unwrap().as_deref(), Some("file"));
        assert_eq!(variables.text("EMPTY").unwrap(), None);
        assert_eq!(variables.text("C").unwrap(), None);
        assert_eq!(
            (variables.origin("A"), variables.origin("B")),
            (Some(Origin::Process), Some(Origin::File))
        );
    }

    #[test]
    fn a_broken_file_is_told_without_its_line() {
        let error = dotenvy::Error::LineParse("KEY=canary'".to_owned(), 4);
        assert!(!unusable(&error).to_string().contains("canary"));
    }
}
