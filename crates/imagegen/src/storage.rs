//! Where pictures are saved: unique names, written whole or not at all, never outside the output directory.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::Builder;

/// The longest part of a file's name that a hint makes, in bytes.
const SLUG: usize = 80;
/// How often another name is tried when one is taken: 32 random bits hardly collide once.
const ATTEMPTS: u32 = 8;

/// The directory that pictures are saved in, and the one that takes its place when it cannot be written.
#[derive(Clone, Debug)]
pub struct OutputDir {
    preferred: PathBuf,
    /// Made when first needed, open to its owner alone.
    fallback: Arc<Mutex<Option<PathBuf>>>,
}

/// A file to be.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// When its picture was asked for; the name begins with it.
    pub at: SystemTime,
    /// The wish for a name; only its letters, digits, `-` and `_` are taken.
    pub hint: &'a str,
    /// The ending, without the dot.
    pub extension: &'a str,
}

/// A file that is there.
#[derive(Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its absolute path.
    pub path: PathBuf,
    /// Why it is not in the output directory, for people.
    pub moved: Option<String>,
}

/// Neither the output directory nor the one in its place could be written.
#[derive(Debug, thiserror::Error)]
#[error("`{preferred}` cannot be written ({reason}), and neither can a temporary directory ({fallback})")]
pub struct SaveError {
    preferred: String,
    reason: io::Error,
    fallback: io::Error,
}

impl OutputDir {
    /// Saves into `preferred`; a relative path counts from the working directory of this moment. Nothing is made yet.
    #[must_use]
    pub fn new(preferred: &Path) -> Self {
        let preferred = std::path::absolute(preferred).unwrap_or_else(|_| preferred.to_path_buf());
        Self { preferred, fallback: Arc::default() }
    }

    /// Writes `bytes` to a new file.
    ///
    /// # Errors
    /// Neither this directory nor a temporary one can be written.
    pub fn save(&self, file: NewFile<'_>, bytes: &[u8]) -> Result<Saved, SaveError> {
        match write_new(&self.preferred, file, bytes) {
            Ok(path) => Ok(Saved { path, moved: None }),
            Err(reason) => match self.fallback().and_then(|dir| write_new(&dir, file, bytes)) {
                Ok(path) => {
                    let moved = format!(
                        "moved: `{}` cannot be written ({reason}), so the file is in a temporary directory; set \
                         OUTPUT_DIR to a directory that can be written",
                        self.preferred.display()
                    );
                    Ok(Saved { path, moved: Some(moved) })
                }
                Err(fallback) => {
                    Err(SaveError { preferred: self.preferred.display().to_string(), reason, fallback })
                }
            },
        }
    }

    /// The file at `path`, if it is a file in one of the two directories; links that lead out of them do not count.
    /// A relative path counts from the directories.
    #[must_use]
    pub fn find(&self, path: &Path) -> Option<PathBuf> {
        let made = self.fallback.lock().unwrap_or_else(PoisonError::into_inner).clone();
        [Some(self.preferred.clone()), made].into_iter().flatten().find_map(|root| {
            let root = root.canonicalize().ok()?;
            let file = root.join(path).canonicalize().ok()?;
            (file.starts_with(&root) && file.is_file()).then_some(file)
        })
    }

    fn fallback(&self) -> io::Result<PathBuf> {
        let mut made = self.fallback.lock().unwrap_or_else(PoisonError::into_inner);
        match made.as_ref() {
            Some(dir) if dir.is_dir() => Ok(dir.clone()),
            Some(_) | None => {
                // A random name that only this process knows: nobody can put a link in its place beforehand.
                let dir = Builder::new().prefix("imagegen-mcp-").tempdir()?.keep();
                *made = Some(dir.clone());
                Ok(dir)
            }
        }
    }
}

/// The part of a file's name that a hint makes: lower case, with one hyphen for each run of characters other than
/// `a-z`, `0-9`, `-`, `_`, and none at the edges; `image` if nothing is left.
#[must_use]
pub fn slug(hint: &str) -> String {
    let mut slug = String::new();
    for letter in hint.to_lowercase().chars() {
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '-' | '_') {
            slug.push(letter);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() > SLUG + 1 {
            break;
        }
    }
    let cut: String = slug.trim_matches('-').chars().take(SLUG).collect();
    match cut.trim_end_matches('-') {
        "" => "image".to_owned(),
        name => name.to_owned(),
    }
}

/// Writes a temporary file beside its final place, then renames it, never over a file that is there.
fn write_new(dir: &Path, file: NewFile<'_>, bytes: &[u8]) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).create(dir)?;
    let mut whole = temporary(dir)?;
    whole.write_all(bytes)?;
    let mut attempt = 1;
    loop {
        let path = dir.join(name(file)?);
        match whole.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists && attempt < ATTEMPTS => {
                attempt += 1;
                whole = taken.file;
            }
            Err(failed) => return Err(failed.error),
        }
    }
}

fn temporary(dir: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".imagegen-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Like any file that a program saves for its user: what the umask leaves.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(dir)
}

fn name(file: NewFile<'_>) -> io::Result<String> {
    let millis = file.at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let unique = getrandom::u32().map_err(io::Error::other)?;
    Ok(format!("{millis}-{}-{unique:08x}.{}", slug(file.hint), file.extension))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn file(hint: &str) -> NewFile<'_> {
        NewFile { at: UNIX_EPOCH + Duration::from_millis(1_234), hint, extension: "png" }
    }

    #[test]
    fn a_slug_keeps_letters_digits_hyphens_and_underscores() {
        for (hint, expected) in [
            ("Sunset", "sunset"),
            ("a  b//c", "a-b-c"),
            ("snake_case-9", "snake_case-9"),
            ("../../etc/passwd", "etc-passwd"),
            ("--edge--", "edge"),
            ("a--b", "a--b"),
            ("\u{0}\n", "image"),
            ("Ünder", "nder"),
            ("日本", "image"),
            ("", "image"),
        ] {
            assert_eq!(slug(hint), expected, "{hint:?}");
        }
        assert_eq!(slug(&"x".repeat(500)).len(), 80);
    }

    #[test]
    fn a_name_is_time_slug_and_something_unique() {
        let dir = tempfile::tempdir().unwrap();
        let out = OutputDir::new(&dir.path().join("deep/er"));
        let saved = out.save(file("My Cat"), b"bytes").unwrap();
        let name = saved.path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("1234-my-cat-") && name.ends_with(".png"), "{name}");
        assert_eq!(name.len(), "1234-my-cat-01234567.png".len());
        assert_eq!(saved.path.parent().unwrap(), dir.path().join("deep/er"));
        assert_eq!(fs::read(&saved.path).unwrap(), b"bytes");
        assert_eq!(saved.moved, None);
    }

    #[test]
    fn calls_at_the_same_moment_get_their_own_files_and_leave_no_part() {
        let dir = tempfile::tempdir().unwrap();
        let out = OutputDir::new(dir.path());
        let paths: HashSet<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0_u8..20)
                .map(|number| {
                    scope.spawn({
                        let out = &out;
                        move || out.save(file("same"), &[number]).unwrap().path
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(paths.len(), 20);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 20, "no temporary file is left");
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_replaced_and_the_reply_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("a-file");
        fs::write(&blocked, b"").unwrap();
        let out = OutputDir::new(&blocked.join("outputs"));
        let first = out.save(file("x"), b"1").unwrap();
        let second = out.save(file("x"), b"2").unwrap();
        assert!(first.moved.unwrap().contains("OUTPUT_DIR"));
        assert_eq!(first.path.parent(), second.path.parent(), "the place is made once");
        assert!(first.path.starts_with(std::env::temp_dir()));
        fs::remove_dir_all(first.path.parent().unwrap()).unwrap();
        let third = out.save(file("x"), b"3").unwrap();
        assert_eq!(fs::read(&third.path).unwrap(), b"3", "a place that was swept away is made anew");
        fs::remove_dir_all(third.path.parent().unwrap()).unwrap();
    }

    #[test]
    fn only_files_inside_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("out");
        let out = OutputDir::new(&root);
        let saved = out.save(file("x"), b"1").unwrap().path;
        fs::write(dir.path().join("outside.png"), b"2").unwrap();
        assert_eq!(out.find(&saved), Some(saved.canonicalize().unwrap()));
        assert!(out.find(Path::new(saved.file_name().unwrap())).is_some(), "by its name");
        for wrong in ["../outside.png", "/etc/passwd", "nothing.png", "", "."] {
            assert_eq!(out.find(Path::new(wrong)), None, "{wrong}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path().join("outside.png"), root.join("link.png")).unwrap();
            assert_eq!(out.find(Path::new("link.png")), None, "a link that leads out");
        }
    }

    proptest! {
        #[test]
        fn no_hint_leaves_the_directory(hint: String) {
            let slug = slug(&hint);
            prop_assert!(!slug.is_empty() && slug.len() <= SLUG);
            prop_assert!(slug.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')));
            prop_assert!(!slug.starts_with('-') && !slug.ends_with('-'));
        }
    }
}
