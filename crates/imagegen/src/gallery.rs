//! The pictures that this process saved, as resources: listed newest first, read only while they lie where they were
//! saved.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rmcp::model::{Resource, ResourceContents};

use crate::picture::Format;
use crate::storage::OutputDir;

/// What the URI of every saved picture begins with; its file's name follows.
pub const SCHEME: &str = "image://saved/";
/// How many pictures are remembered; older ones stay on disk.
const REMEMBERED: usize = 200;
/// The largest file that is read as a resource, in bytes.
const LARGEST: u64 = 32 * 1024 * 1024;

/// Pictures that were saved.
#[derive(Debug, Default)]
pub struct Gallery(Mutex<VecDeque<Entry>>);

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    path: PathBuf,
    format: Format,
    bytes: u64,
}

/// Why a resource cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No remembered picture has this URI.
    #[error("there is no such picture, or it was saved too long ago; resources/list shows the newest")]
    Unknown,
    /// The file is gone, or something else took its place.
    #[error("the file is no longer there")]
    Gone,
    /// The file is too large for an answer.
    #[error("the file is larger than 32 MB; use its path")]
    TooLarge,
}

/// The URI of a saved picture.
#[must_use]
pub fn uri(path: &std::path::Path) -> String {
    // The name is made of `a-z0-9-_.` alone, so that nothing in it needs escaping.
    format!("{SCHEME}{}", path.file_name().unwrap_or_default().display())
}

impl Gallery {
    /// Remembers a picture.
    pub fn add(&self, path: &std::path::Path, format: Format, bytes: usize) {
        let name = path.file_name().unwrap_or_default().display().to_string();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push_front(Entry { name, path: path.to_owned(), format, bytes });
        entries.truncate(REMEMBERED);
    }

    /// All remembered pictures, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Resource> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(Entry::resource).collect()
    }

    /// The resource of one picture.
    #[must_use]
    pub fn resource(&self, uri: &str) -> Option<Resource> {
        self.find(uri).map(|entry| entry.resource())
    }

    /// Reads a picture.
    ///
    /// # Errors
    /// It is unknown, gone, or too large.
    pub fn read(&self, uri: &str, output: &OutputDir) -> Result<ResourceContents, ReadError> {
        let entry = self.find(uri).ok_or(ReadError::Unknown)?;
        let file = output.find(&entry.path).ok_or(ReadError::Gone)?;
        let length = std::fs::metadata(&file).map_err(|_| ReadError::Gone)?.len();
        if length > LARGEST {
            return Err(ReadError::TooLarge);
        }
        let bytes = std::fs::read(&file).map_err(|_| ReadError::Gone)?;
        Ok(ResourceContents::blob(STANDARD.encode(bytes), uri).with_mime_type(entry.format.mime()))
    }

    fn find(&self, uri: &str) -> Option<Entry> {
        let name = uri.strip_prefix(SCHEME)?;
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().find(|entry| entry.name == name).cloned()
    }
}

impl Entry {
    fn resource(&self) -> Resource {
        let mut resource = Resource::new(format!("{SCHEME}{}", self.name), self.name.clone());
        resource.mime_type = Some(self.format.mime().to_owned());
        resource.size = Some(self.bytes);
        resource
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::storage::NewFile;

    #[test]
    fn saved_pictures_are_listed_and_read_until_they_are_gone() {
        let dir = tempfile::tempdir().unwrap();
        let output = OutputDir::new(dir.path());
        let gallery = Gallery::default();
        let save = |bytes: &[u8]| {
            let file = NewFile { at: SystemTime::UNIX_EPOCH, hint: "x", extension: "png" };
            let path = output.save(file, bytes).unwrap().path;
            gallery.add(&path, Format::Png, bytes.len());
            path
        };
        let (first, second) = (save(b"one"), save(b"two"));
        let uris: Vec<_> = gallery.list().into_iter().map(|resource| resource.uri).collect();
        assert_eq!(uris, [uri(&second), uri(&first)], "newest first");
        let ResourceContents::BlobResourceContents { blob, mime_type, .. } =
            gallery.read(&uri(&first), &output).unwrap()
        else {
            panic!("pictures are blobs")
        };
        assert_eq!((blob.as_str(), mime_type.as_deref()), ("b25l", Some("image/png")));
        std::fs::remove_file(&first).unwrap();
        assert_eq!(gallery.read(&uri(&first), &output), Err(ReadError::Gone));
        for unknown in ["image://saved/../../etc/passwd", "file:///etc/passwd", "image://saved/", ""] {
            assert_eq!(gallery.read(unknown, &output), Err(ReadError::Unknown), "{unknown}");
        }
        for _ in 0..REMEMBERED {
            save(b"more");
        }
        assert_eq!(gallery.list().len(), REMEMBERED);
        assert_eq!(gallery.read(&uri(&second), &output), Err(ReadError::Unknown), "forgotten");
    }
}
