//! The clients, and what is particular about the files of each.

use crate::reference::References;

/// An MCP client whose files are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// Claude Desktop
    ClaudeDesktop,
    /// Claude Code
    ClaudeCode,
    /// Cursor
    Cursor,
    /// VS Code, its Insiders build, and VSCodium
    VsCode,
    /// Windsurf
    Windsurf,
    /// Codex
    Codex,
    /// Gemini CLI
    Gemini,
    /// Zed
    Zed,
    /// opencode
    OpenCode,
    /// Continue
    Continue,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ClaudeDesktop,
        Self::ClaudeCode,
        Self::Cursor,
        Self::VsCode,
        Self::Windsurf,
        Self::Codex,
        Self::Gemini,
        Self::Zed,
        Self::OpenCode,
        Self::Continue,
    ];

    /// Its name on the command line and in the label of its grant.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "claude-desktop",
            Self::ClaudeCode => "claude-code",
            Self::Cursor => "cursor",
            Self::VsCode => "vscode",
            Self::Windsurf => "windsurf",
            Self::Codex => "codex",
            Self::Gemini => "gemini-cli",
            Self::Zed => "zed",
            Self::OpenCode => "opencode",
            Self::Continue => "continue",
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "Claude Desktop",
            Self::ClaudeCode => "Claude Code",
            Self::Cursor => "Cursor",
            Self::VsCode => "VS Code",
            Self::Windsurf => "Windsurf",
            Self::Codex => "Codex",
            Self::Gemini => "Gemini CLI",
            Self::Zed => "Zed",
            Self::OpenCode => "opencode",
            Self::Continue => "Continue",
        }
    }

    /// Whether its files can name a URL and headers; one that cannot is given a command.
    #[must_use]
    pub fn sends_headers(self) -> bool {
        match self {
            Self::ClaudeDesktop => false,
            Self::ClaudeCode
            | Self::Cursor
            | Self::VsCode
            | Self::Windsurf
            | Self::Codex
            | Self::Gemini
            | Self::Zed
            | Self::OpenCode
            | Self::Continue => true,
        }
    }

    /// The members under which its servers stand: `*` stands for any name.
    pub(crate) fn containers(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::ClaudeCode => &[&["mcpServers"], &["projects", "*", "mcpServers"]],
            Self::ClaudeDesktop | Self::Cursor | Self::Windsurf | Self::Gemini | Self::Continue => {
                &[&["mcpServers"]]
            }
            // The second is that of `settings.json` in older versions.
            Self::VsCode => &[&["servers"], &["mcp", "servers"]],
            Self::Codex => &[&["mcp_servers"]],
            Self::Zed => &[&["context_servers"]],
            Self::OpenCode => &[&["mcp"], &["mcp", "servers"]],
        }
    }

    /// How its files refer to variables.
    pub(crate) fn references(self) -> References {
        match self {
            Self::ClaudeDesktop | Self::Codex | Self::Zed => References::None,
            Self::ClaudeCode => References::Shell,
            Self::Gemini => References::Dollar,
            Self::Cursor | Self::VsCode | Self::Windsurf => References::Editor,
            Self::OpenCode => References::Braces,
            Self::Continue => References::Secrets,
        }
    }
}
