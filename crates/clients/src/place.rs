//! Where clients keep their files: for the user, and within a project. Only folders of which a client reads all
//! files are listed; nothing is opened.

use std::fs;
use std::path::{Path, PathBuf};

use crate::client::Client;
use crate::syntax::Syntax;

/// Longest list of files taken from one folder.
const MOST_FILES: usize = 256;

/// A system that clients run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Linux and its like
    Linux,
    /// macOS
    MacOs,
    /// Windows
    Windows,
}

impl Platform {
    /// The one that this program runs on.
    #[must_use]
    pub fn of_process() -> Self {
        if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Linux
        }
    }
}

/// The folders that clients' places begin at.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The system.
    pub platform: Platform,
    /// The user's own folder.
    pub home: PathBuf,
    /// `XDG_CONFIG_HOME`, else `.config` in the user's own folder.
    pub config: PathBuf,
    /// `APPDATA` of Windows, else `AppData/Roaming` in the user's own folder.
    pub app_data: PathBuf,
    /// `CODEX_HOME`, else `.codex` in the user's own folder.
    pub codex: PathBuf,
}

impl Folders {
    /// The folders of a home, where no variable says otherwise.
    #[must_use]
    pub fn of_home(platform: Platform, home: PathBuf) -> Self {
        Self {
            platform,
            config: home.join(".config"),
            app_data: home.join("AppData").join("Roaming"),
            codex: home.join(".codex"),
            home,
        }
    }

    /// Where applications keep what belongs to the user.
    fn applications(&self) -> PathBuf {
        match self.platform {
            Platform::Linux => self.config.clone(),
            Platform::MacOs => self.home.join("Library").join("Application Support"),
            Platform::Windows => self.app_data.clone(),
        }
    }

    /// Where Zed keeps its settings.
    fn zed(&self) -> PathBuf {
        match self.platform {
            Platform::Linux | Platform::MacOs => self.config.join("zed"),
            Platform::Windows => self.app_data.join("Zed"),
        }
    }
}

/// For whom a file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The user, wherever he works.
    User,
    /// Whoever works in this folder.
    Project(PathBuf),
}

/// A file that a client reads, if it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The client.
    pub client: Client,
    /// For whom.
    pub scope: Scope,
    /// Where.
    pub path: PathBuf,
    /// How it is written.
    pub syntax: Syntax,
}

/// The files of all clients that are there, the user's first.
#[must_use]
pub fn places(folders: &Folders, projects: &[PathBuf]) -> Vec<Place> {
    let mut found = Vec::new();
    for client in Client::ALL {
        found.extend(existing(client, &Scope::User, of_user(client, folders)));
    }
    for project in projects {
        for client in Client::ALL {
            found.extend(existing(client, &Scope::Project(project.clone()), of_project(client, project)));
        }
    }
    found
}

fn existing(client: Client, scope: &Scope, paths: Vec<PathBuf>) -> Vec<Place> {
    // A broken link is there, too, and is to be told.
    let there = paths.into_iter().filter(|path| path.symlink_metadata().is_ok_and(|found| !found.is_dir()));
    let place = |path: PathBuf| Place { client, scope: scope.clone(), syntax: Syntax::of_file(&path), path };
    there.map(place).collect()
}

fn of_user(client: Client, folders: &Folders) -> Vec<PathBuf> {
    let home = &folders.home;
    match client {
        Client::ClaudeDesktop => {
            vec![folders.applications().join("Claude").join("claude_desktop_config.json")]
        }
        Client::ClaudeCode => vec![home.join(".claude.json")],
        Client::Cursor => vec![home.join(".cursor").join("mcp.json")],
        Client::VsCode => vs_code(&folders.applications()),
        Client::Windsurf => vec![home.join(".codeium").join("windsurf").join("mcp_config.json")],
        Client::Codex => vec![folders.codex.join("config.toml")],
        Client::Gemini => vec![home.join(".gemini").join("settings.json")],
        Client::Zed => vec![folders.zed().join("settings.json")],
        Client::OpenCode => {
            let folder = folders.config.join("opencode");
            vec![folder.join("opencode.json"), folder.join("opencode.jsonc")]
        }
        Client::Continue => {
            let folder = home.join(".continue");
            let mut paths = vec![folder.join("config.yaml")];
            paths.extend(listed(&folder.join("mcpServers"), &["yaml", "yml", "json"]));
            paths
        }
    }
}

fn of_project(client: Client, project: &Path) -> Vec<PathBuf> {
    match client {
        Client::ClaudeDesktop | Client::Windsurf => Vec::new(),
        Client::ClaudeCode => vec![project.join(".mcp.json")],
        Client::Cursor => vec![project.join(".cursor").join("mcp.json")],
        Client::VsCode => vec![project.join(".vscode").join("mcp.json")],
        Client::Codex => vec![project.join(".codex").join("config.toml")],
        Client::Gemini => vec![project.join(".gemini").join("settings.json")],
        Client::Zed => vec![project.join(".zed").join("settings.json")],
        Client::OpenCode => ["opencode.json", "opencode.jsonc"]
            .iter()
            .flat_map(|name| [project.join(name), project.join(".opencode").join(name)])
            .collect(),
        Client::Continue => listed(&project.join(".continue").join("mcpServers"), &["yaml", "yml", "json"]),
    }
}

/// The user's file of each build, and that of each profile.
fn vs_code(applications: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for build in ["Code", "Code - Insiders", "VSCodium"] {
        let user = applications.join(build).join("User");
        paths.push(user.join("mcp.json"));
        let mut profiles: Vec<PathBuf> =
            folder(&user.join("profiles")).filter(|path| path.is_dir()).collect();
        profiles.sort();
        paths.extend(profiles.into_iter().take(MOST_FILES).map(|profile| profile.join("mcp.json")));
        paths.push(user.join("settings.json"));
    }
    paths
}

/// The files of a folder with one of these endings, by name.
fn listed(path: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let fits = |path: &PathBuf| path.extension().is_some_and(|ending| endings.iter().any(|e| ending == *e));
    let mut paths: Vec<PathBuf> = folder(path).filter(fits).collect();
    paths.sort();
    paths.truncate(MOST_FILES);
    paths
}

fn folder(path: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(path).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(platform: Platform, client: Client, expected: &[&str]) {
        let home = tempfile::tempdir().unwrap();
        for path in expected {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        let folders = Folders::of_home(platform, home.path().to_owned());
        let found: Vec<_> = places(&folders, &[]).into_iter().filter(|p| p.client == client).collect();
        let expected: Vec<_> = expected.iter().map(|path| home.path().join(path)).collect();
        assert_eq!(
            found.into_iter().map(|p| p.path).collect::<Vec<_>>(),
            expected,
            "{platform:?} {client:?}"
        );
    }

    #[test]
    fn each_platform_has_its_own_places() {
        use Platform::{Linux, MacOs, Windows};
        let support = "Library/Application Support";
        check(Linux, Client::ClaudeDesktop, &[".config/Claude/claude_desktop_config.json"]);
        check(MacOs, Client::ClaudeDesktop, &[&format!("{support}/Claude/claude_desktop_config.json")]);
        check(Windows, Client::ClaudeDesktop, &["AppData/Roaming/Claude/claude_desktop_config.json"]);
        check(
            Linux,
            Client::VsCode,
            &[".config/Code/User/mcp.json", ".config/Code/User/profiles/a1/mcp.json"],
        );
        check(MacOs, Client::VsCode, &[&format!("{support}/Code - Insiders/User/mcp.json")]);
        check(Windows, Client::VsCode, &["AppData/Roaming/VSCodium/User/mcp.json"]);
        check(MacOs, Client::Zed, &[".config/zed/settings.json"]);
        check(Windows, Client::Zed, &["AppData/Roaming/Zed/settings.json"]);
        for platform in [Linux, MacOs, Windows] {
            check(platform, Client::ClaudeCode, &[".claude.json"]);
            check(platform, Client::Cursor, &[".cursor/mcp.json"]);
            check(platform, Client::Windsurf, &[".codeium/windsurf/mcp_config.json"]);
            check(platform, Client::Codex, &[".codex/config.toml"]);
            check(platform, Client::Gemini, &[".gemini/settings.json"]);
            check(
                platform,
                Client::OpenCode,
                &[".config/opencode/opencode.json", ".config/opencode/opencode.jsonc"],
            );
            check(platform, Client::Continue, &[".continue/config.yaml", ".continue/mcpServers/a.yaml"]);
        }
    }

    #[test]
    fn projects_are_looked_at_only_where_they_are_named() {
        let project = tempfile::tempdir().unwrap();
        for path in [
            ".mcp.json",
            ".cursor/mcp.json",
            ".vscode/mcp.json",
            ".codex/config.toml",
            ".gemini/settings.json",
            ".zed/settings.json",
            "opencode.jsonc",
            ".continue/mcpServers/b.json",
        ] {
            let path = project.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        let folders = Folders::of_home(Platform::Linux, project.path().join("nobody"));
        assert!(places(&folders, &[]).is_empty());
        let found = places(&folders, &[project.path().to_owned()]);
        assert_eq!(found.len(), 8, "{found:?}");
        assert!(found.iter().all(|place| place.scope == Scope::Project(project.path().to_owned())));
    }
}
