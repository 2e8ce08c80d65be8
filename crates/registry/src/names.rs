//! The names of the whole catalogue, one server after the other, for whoever compares them with other names. It
//! makes no file: where there is no catalogue, there is nothing to read.

use std::path::Path;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use serde::Deserialize;
use sqlx::{ConnectOptions as _, Row as _};
use toolgate_catalog::precheck::Listed;
use toolgate_catalog::{Ecosystem, package_name};

use crate::database;
use crate::entry::status_of;
use crate::error::CatalogError;

/// Longest time that all of it may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a lock of another process is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// Hands each server that a registry told of to `each`, by its newest version, and counts them; none where there
/// is no catalogue. Servers that are known by their tools alone are left out: their names are nobody's.
///
/// # Errors
///
/// The catalogue cannot be read, or not in due time; `each` then had a part of it.
pub async fn read_names(
    data_directory: &Path,
    each: impl FnMut(&Listed),
) -> Result<Option<u64>, CatalogError> {
    let late = CatalogError::TimedOut { seconds: PATIENCE.as_secs() };
    tokio::time::timeout(PATIENCE, read(data_directory, each)).await.unwrap_or(Err(late))
}

async fn read(data_directory: &Path, mut each: impl FnMut(&Listed)) -> Result<Option<u64>, CatalogError> {
    let path = database::file_of(data_directory);
    let kind = match std::fs::metadata(&path) {
        Ok(kind) => kind,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(CatalogError::File { path, source }),
    };
    if !kind.is_file() {
        // Opening a pipe would wait for ever.
        let source = std::io::Error::other("it is not a file");
        return Err(CatalogError::File { path, source });
    }
    if !database::is_ready(data_directory).await? {
        return Ok(None);
    }
    // Each page is read once, and views of a file that somebody else made are not to do anything.
    let options = database::reading(data_directory)
        .busy_timeout(LOCK_WAIT)
        .pragma("mmap_size", "0")
        .pragma("trusted_schema", "off");
    let mut connection = options.connect().await?;
    let mut count = 0;
    let mut rows = sqlx::query(
        "SELECT name, status, document FROM server \
         JOIN version ON server_id = server.id AND version.version = server.version",
    )
    .fetch(&mut connection);
    while let Some(row) = rows.try_next().await? {
        each(&listed(row.try_get("name")?, row.try_get("status")?, row.try_get("document")?));
        count += 1;
    }
    Ok(Some(count))
}

/// What is needed of `server.json`.
#[derive(Default, Deserialize)]
struct Document {
    #[serde(default)]
    packages: Option<Vec<Package>>,
    #[serde(default)]
    remotes: Option<Vec<Remote>>,
}

/// A package, in the words of 2025-09 and later, or of before.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(default, alias = "registry_type", alias = "registry_name")]
    registry_type: Option<String>,
    #[serde(default, alias = "registry_base_url")]
    registry_base_url: Option<String>,
    #[serde(default)]
    identifier: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Remote {
    #[serde(default)]
    url: Option<String>,
}

fn listed(name: String, status: i64, document: &str) -> Listed {
    let status = status_of(status);
    // What is written otherwise names nothing that could be compared.
    let Document { packages, remotes } = serde_json::from_str(document).unwrap_or_default();
    let packages = packages.unwrap_or_default().into_iter().filter_map(package).collect();
    let addresses = remotes.unwrap_or_default().into_iter().filter_map(|remote| remote.url).collect();
    Listed { name, status, packages, addresses }
}

fn package(raw: Package) -> Option<(Ecosystem, String)> {
    let identifier = raw.identifier.or(raw.name)?;
    match raw.registry_type.as_deref()? {
        "npm" => Some((Ecosystem::Npm, package_name(Ecosystem::Npm, &identifier)?)),
        "pypi" => Some((Ecosystem::PyPi, package_name(Ecosystem::PyPi, &identifier)?)),
        "oci" | "docker" => {
            let base = raw.registry_base_url.unwrap_or_default();
            let host = base.split_once("://").map_or(base.as_str(), |(_, host)| host).trim_end_matches('/');
            // The name has the host in it since 2025-09, and had none before.
            let whole = if host.is_empty() || identifier.starts_with(host) {
                identifier
            } else {
                format!("{host}/{identifier}")
            };
            Some((Ecosystem::Image, package_name(Ecosystem::Image, &whole)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Status;
    use crate::{Dump, ImportOptions, import};

    fn names(document: &str) -> Vec<(Ecosystem, String)> {
        listed("a.b/c".to_owned(), 0, document).packages
    }

    #[test]
    fn packages_have_the_names_that_commands_have() {
        let one = |registry: &str, identifier: &str| {
            names(&format!(
                r#"{{"packages":[{{"registryType":"{registry}","identifier":"{identifier}","x":[]}}]}}"#
            ))
        };
        for (registry, identifier, expected) in [
            ("npm", "@a/b", Some((Ecosystem::Npm, "@a/b"))),
            ("pypi", "A_b.c", Some((Ecosystem::PyPi, "a-b-c"))),
            ("oci", "docker.io/a/b:1.0.0", Some((Ecosystem::Image, "a/b"))),
            ("oci", "ghcr.io/a/b@sha256:00", Some((Ecosystem::Image, "ghcr.io/a/b"))),
            ("nuget", "A.B", None),
            ("npm", "", None),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(kind, name)| (kind, name.to_owned())).collect();
            assert_eq!(one(registry, identifier), expected, "{registry} {identifier}");
        }
        for old in [
            r#"{"packages":[{"registry_name":"docker","name":"a/b","version":"1"}]}"#,
            r#"{"packages":[{"registry_type":"oci","registry_base_url":"https://docker.io","identifier":"a/b"}]}"#,
        ] {
            assert_eq!(names(old), [(Ecosystem::Image, "a/b".to_owned())], "{old}");
        }
        let hosted =
            r#"{"packages":[{"registryType":"oci","registryBaseUrl":"https://ghcr.io","identifier":"a/b"}]}"#;
        assert_eq!(names(hosted), [(Ecosystem::Image, "ghcr.io/a/b".to_owned())]);
        for odd in ["", "[]", r#"{"packages":7}"#, r#"{"packages":[{"registryType":"npm","identifier":7}]}"#]
        {
            assert_eq!(names(odd), [], "{odd}");
        }
    }

    fn all(directory: &Path) -> Result<(Option<u64>, Vec<Listed>), CatalogError> {
        let mut all = Vec::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let count = runtime.block_on(read_names(directory, |server| all.push(server.clone())))?;
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((count, all))
    }

    #[test]
    fn each_server_is_read_by_its_newest_version() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(all(folder.path()).unwrap(), (None, vec![]));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made");
        let item = |name: &str, version: &str, status: &str, package: &str| {
            format!(
                r#"{{"server":{{"name":"{name}","version":"{version}","packages":[{{"registryType":"npm","identifier":"{package}"}}],
                    "remotes":[{{"type":"sse","url":"https://{package}.example/"}}]}},
                    "_meta":{{"io.modelcontextprotocol.registry/official":{{"status":"{status}"}}}}}}"#
            )
            .replace('\n', "")
        };
        let lines = [
            item("io.github.a/one", "1.0.0", "active", "old"),
            item("io.github.a/one", "2.0.0", "deprecated", "new"),
            item("io.github.b/two", "1.0.0", "deleted", "two"),
            r#"{"server":"known by its tools","tool":"t","input_schema":{}}"#.to_owned(),
        ];
        let dump = folder.path().join("dump.jsonl");
        std::fs::write(&dump, lines.join("\n")).unwrap();
        let data = tempfile::tempdir().unwrap();
        let options =
            ImportOptions { data_directory: data.path().to_owned(), server: None, threads: 1, now: 1 };
        import(&Dump::File(dump), &options, &mut |_| {}).unwrap();
        let listed = |name: &str, status, package: &str| Listed {
            name: name.to_owned(),
            status,
            packages: vec![(Ecosystem::Npm, package.to_owned())],
            addresses: vec![format!("https://{package}.example/")],
        };
        let expected = vec![
            listed("io.github.a/one", Status::Deprecated, "new"),
            listed("io.github.b/two", Status::Deleted, "two"),
        ];
        assert_eq!(all(data.path()).unwrap(), (Some(2), expected));
    }

    #[test]
    fn what_is_no_catalogue_is_told() {
        for broken in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(crate::FILE);
            if broken {
                std::fs::write(&path, "no database at all".repeat(100)).unwrap();
            } else {
                std::fs::create_dir(&path).unwrap();
            }
            assert!(all(folder.path()).is_err(), "{broken}");
        }
    }
}
