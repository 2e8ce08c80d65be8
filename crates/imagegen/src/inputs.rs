//! Pictures to start from: fetched, decoded or read, each only from where it may come from.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::call::Call;
use crate::failure::{Failure, quoted};
use crate::picture::{Format, facts};
use crate::storage::OutputDir;
use crate::wire::{Fetched, Fetcher};

/// The largest picture to start from, in bytes.
const LARGEST: usize = 20 * 1024 * 1024;

/// A picture to start from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// Somewhere else, for a vendor that fetches it itself.
    Address(String),
    /// Here.
    Picture {
        /// The file.
        bytes: Bytes,
        /// Read from the bytes.
        format: Format,
    },
}

/// Whether a vendor fetches addresses itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addresses {
    /// It does.
    Passed,
    /// It wants the bytes.
    Fetched,
}

impl Input {
    /// The picture as a `data:` URI, or its address.
    #[must_use]
    pub(crate) fn uri(&self) -> String {
        match self {
            Self::Address(address) => address.clone(),
            Self::Picture { bytes, format } => {
                format!("data:{};base64,{}", format.mime(), STANDARD.encode(bytes))
            }
        }
    }
}

/// A picture may be private, so only its size is shown.
impl std::fmt::Debug for Input {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(_) => out.write_str("Address"),
            Self::Picture { bytes, format } => write!(out, "Picture({format:?}, {} bytes)", bytes.len()),
        }
    }
}

/// Where pictures may come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    /// For addresses.
    pub(crate) fetcher: &'a Fetcher,
    /// For paths.
    pub(crate) output: &'a OutputDir,
    /// For addresses, too.
    pub(crate) addresses: Addresses,
}

impl Sources<'_> {
    /// Gets the picture that a call names.
    ///
    /// # Errors
    /// It may not be had, is too large, or is no picture.
    pub(crate) async fn get(self, named: &str, call: &Call) -> Result<Input, Failure> {
        if let Some(data) = named.strip_prefix("data:") {
            return picture(from_data(data)?);
        }
        let lower = named.get(..8).unwrap_or(named).to_ascii_lowercase();
        if lower.starts_with("http:") || lower.starts_with("https:") {
            let url = self.fetcher.check(named, Fetched::Input)?;
            return match self.addresses {
                Addresses::Passed => Ok(Input::Address(url.to_string())),
                Addresses::Fetched => picture(self.fetcher.fetch(named, Fetched::Input, call).await?),
            };
        }
        let (named, output) = (named.to_owned(), self.output.clone());
        let read = tokio::task::spawn_blocking(move || read(&named, &output)).await;
        picture(read.unwrap_or_else(|_| Err(refused("it could not be read")))?)
    }
}

fn read(named: &str, output: &OutputDir) -> Result<Bytes, Failure> {
    let path = match named.strip_prefix(crate::gallery::SCHEME) {
        Some(name) => PathBuf::from(name),
        None => PathBuf::from(named.strip_prefix("file://").unwrap_or(named)),
    };
    let file = output.find(&path).ok_or_else(|| outside(&path))?;
    let length = std::fs::metadata(&file).map(|facts| facts.len());
    match length {
        Ok(length) if usize::try_from(length).is_ok_and(|length| length <= LARGEST) => {
            std::fs::read(&file).map(Bytes::from).map_err(|error| refused(&error.to_string()))
        }
        Ok(_) => Err(refused("it is larger than 20 MB")),
        Err(error) => Err(refused(&error.to_string())),
    }
}

fn from_data(data: &str) -> Result<Bytes, Failure> {
    let (kind, encoded) = data.split_once(',').ok_or_else(|| refused("its data: URI has no comma"))?;
    if !kind.ends_with(";base64") {
        return Err(refused("its data: URI is not in base64"));
    }
    if encoded.len() / 4 * 3 > LARGEST {
        return Err(refused("it is larger than 20 MB"));
    }
    STANDARD.decode(encoded.trim()).map(Bytes::from).map_err(|_| refused("its data: URI is broken"))
}

fn picture(bytes: Bytes) -> Result<Input, Failure> {
    if bytes.len() > LARGEST {
        return Err(refused("it is larger than 20 MB"));
    }
    let format = facts(&bytes).map_err(|error| refused(&error.to_string()))?.format;
    Ok(Input::Picture { bytes, format })
}

fn refused(why: &str) -> Failure {
    Failure::new(
        format!("No picture was made: the picture to start from cannot be used: {why}."),
        "bad_input_image (nothing was sent)",
        "give a PNG, JPEG or WebP of at most 20 MB as an https address, a data: URI, or a picture saved here.",
    )
}

fn outside(path: &Path) -> Failure {
    let shown = quoted(&path.display().to_string());
    Failure::new(
        format!("No picture was made: `{shown}` is no file in the directory of saved pictures."),
        "bad_input_image (nothing was sent)",
        "give the path or uri of a picture saved by this server, an https address, or a data: URI.",
    )
}

#[cfg(test)]
mod tests;
