//! `DATA/admin.json`: where a running gateway's admin API is, and a token for it. The gateway makes the file at
//! start, readable by its owner alone, and removes it when it stops.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::anyhow;
use http::Uri;
use serde::Deserialize;

use crate::answer::Failure;

/// The file's name in the data directory.
const FILE: &str = "admin.json";

/// Where the API is.
pub(super) struct Address {
    /// The console's URL.
    pub(super) url: Uri,
    /// What opens it.
    pub(super) token: String,
    /// The certificate that it shows, DER, in hexadecimal; none where it speaks plain HTTP.
    pub(super) certificate: Option<String>,
}

#[derive(Deserialize)]
struct Raw {
    url: String,
    token: String,
    certificate: Option<String>,
}

/// What the file says; none if it is not there.
pub(super) fn read(data_dir: &Path) -> Result<Option<Address>, Failure> {
    let path = data_dir.join(FILE);
    let shown = path.display();
    let unreadable = |error| Failure::unreachable(anyhow!("cannot read `{shown}`: {error}"));
    let mode = match path.metadata() {
        Ok(found) => found.permissions().mode() & 0o777,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    if mode & 0o077 != 0 {
        return Err(Failure::unreachable(anyhow!(
            "`{shown}` is open to others (mode {mode:o}), so that its token is no secret: restart the gateway"
        )));
    }
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    // No detail: it could repeat the token.
    let raw = serde_json::from_str::<Raw>(&text).ok();
    let address = raw.and_then(|Raw { url, token, certificate }| {
        let url = url.parse::<Uri>().ok().filter(|url| url.authority().is_some())?;
        Some(Address { url, token, certificate })
    });
    let address = address.ok_or_else(|| {
        Failure::unreachable(anyhow!("`{shown}` does not tell where the gateway is: restart the gateway"))
    })?;
    Ok(Some(address))
}
