//! A file as it was found, and putting another text in its place: whole or not at all, with its mode and owner, and
//! only if it is still what it was.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Uid, fchown};
use thiserror::Error;

use crate::syntax::SyntaxError;

/// Longest file that is read, in bytes; Claude Code keeps much in the file that names its servers.
const LONGEST: u64 = 64 << 20;

/// A file as it was found.
#[derive(Clone)]
pub struct Held {
    /// Where it was looked for.
    pub path: PathBuf,
    /// Where it is, with all links followed.
    pub real: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Held {
    /// Files of clients hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Why a file cannot be read or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// The system refuses.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A device, a pipe, a folder.
    #[error("it is no regular file")]
    NotAFile,
    /// Longer than any such file.
    #[error("it is {0} bytes long, and at most {LONGEST} are read")]
    TooLong(u64),
    /// A link within a project leads out of it.
    #[error("it is a link that leads out of its project")]
    LeadsOut,
    /// Not UTF-8.
    #[error("line {line}, column {column}: it is not UTF-8", line = .0.line, column = .0.column)]
    NotText(SyntaxError),
    /// Somebody else changed it.
    #[error("it was changed meanwhile, so it is left as it is: run this again")]
    Changed,
}

impl Held {
    /// Its text.
    ///
    /// # Errors
    ///
    /// It is not UTF-8.
    pub fn text(&self) -> Result<&str, FileError> {
        std::str::from_utf8(&self.bytes).map_err(|error| {
            let good = self.bytes.get(..error.valid_up_to()).unwrap_or_default();
            let good = std::str::from_utf8(good).unwrap_or_default();
            FileError::NotText(SyntaxError::at(good, good.len(), "it is not UTF-8"))
        })
    }
}

/// Reads a file; within a project links must stay there.
///
/// # Errors
///
/// It cannot be read, is no regular file, is too long, or leads out of its project.
pub fn hold(path: &Path, project: Option<&Path>) -> Result<Held, FileError> {
    let real = path.canonicalize()?;
    if let Some(project) = project
        && !real.starts_with(project.canonicalize()?)
    {
        return Err(FileError::LeadsOut);
    }
    let bytes = read(&real)?.0;
    Ok(Held { path: path.to_owned(), real, bytes })
}

fn read(real: &Path) -> Result<(Vec<u8>, Metadata), FileError> {
    // Looked at before it is opened: opening a pipe would wait for its other end.
    if !fs::metadata(real)?.is_file() {
        return Err(FileError::NotAFile);
    }
    let file = File::open(real)?;
    let found = file.metadata()?;
    if found.len() > LONGEST {
        return Err(FileError::TooLong(found.len()));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok((bytes, found))
}

/// Puts `new` in the place of a file that is still what it was when it was held.
///
/// # Errors
///
/// It was changed or moved meanwhile, or the system refuses; then it is as it was.
pub fn replace(held: &Held, new: &[u8]) -> Result<(), FileError> {
    let folder = held.real.parent().ok_or(FileError::NotAFile)?;
    let found = fs::metadata(&held.real)?;
    let mut fresh = tempfile::Builder::new().prefix(".toolgate-").tempfile_in(folder)?;
    fresh.write_all(new)?;
    let made = fresh.as_file().metadata()?;
    if (made.uid(), made.gid()) != (found.uid(), found.gid()) {
        let (owner, group) = (Uid::from_raw(found.uid()), Gid::from_raw(found.gid()));
        fchown(fresh.as_file(), Some(owner), Some(group)).map_err(io::Error::from)?;
    }
    fresh.as_file().set_permissions(fs::Permissions::from_mode(found.mode() & 0o7777))?;
    fresh.as_file().sync_all()?;
    let (bytes, now) = read(&held.path.canonicalize()?)?;
    if held.path.canonicalize()? != held.real || bytes != held.bytes || now.ino() != found.ino() {
        return Err(FileError::Changed);
    }
    fresh.persist(&held.real).map_err(|error| error.error)?;
    // The name is on the disk, too, where the system can do that.
    File::open(folder)?.sync_all().or_else(|error| match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => Ok(()),
        _ => Err(error),
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_with_its_mode_and_behind_its_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.json"), folder.path().join("link.json"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real.json", &link).unwrap();
        let held = hold(&link, None).unwrap();
        replace(&held, b"new").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left behind");
    }

    #[test]
    fn what_changed_meanwhile_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::write(&path, "old").unwrap();
        let held = hold(&path, None).unwrap();
        fs::write(&path, "theirs").unwrap();
        assert!(matches!(replace(&held, b"new"), Err(FileError::Changed)));
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        // A link that was put in its place is noticed, too.
        fs::write(folder.path().join("b.json"), "old").unwrap();
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("b.json", &path).unwrap();
        assert!(matches!(replace(&held, b"new"), Err(FileError::Changed) | Err(FileError::Io(_))));
        assert_eq!(fs::read(folder.path().join("b.json")).unwrap(), b"old");
    }

    #[test]
    fn what_is_no_file_of_its_place_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir(&project).unwrap();
        fs::write(folder.path().join("outside"), "{}").unwrap();
        std::os::unix::fs::symlink("../outside", project.join("out.json")).unwrap();
        assert!(matches!(hold(&project.join("out.json"), Some(&project)), Err(FileError::LeadsOut)));
        assert!(hold(&project.join("out.json"), None).is_ok());
        assert!(matches!(hold(&project, None), Err(FileError::NotAFile)));
        assert!(matches!(hold(&project.join("none"), None), Err(FileError::Io(_))));
        fs::write(project.join("latin"), b"{\n \"a\": \"\xfc\"}").unwrap();
        let held = hold(&project.join("latin"), Some(&project)).unwrap();
        assert_eq!(held.text().unwrap_err().to_string(), "line 2, column 8: it is not UTF-8");
    }
}
