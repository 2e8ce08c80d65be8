//! What the gateway runs with, checked: the config file's content after names, paths and values were
//! resolved. Reading the file belongs to the command line; these types cannot hold a bad value.

pub mod limit;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use toolgate_policy::Plan;

/// Everything that a running gateway is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address of the data plane.
    pub listen: SocketAddr,
    /// Address of console, metrics and status page.
    pub console: SocketAddr,
    /// Where journal, grants, keys and logs live; mode 0700.
    pub data_dir: PathBuf,
    /// Threads of the data plane; 0 is one per core.
    pub workers: usize,
    /// TLS of the data plane's listener.
    pub tls: Option<Tls>,
    /// TLS of the console's listener.
    pub console_tls: Option<Tls>,
    /// Where browsers reach the console, if not at its address: scheme and authority, `http` or `https`.
    pub console_url: Option<Uri>,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// The MCP servers by name, in the order of the file.
    pub servers: Vec<ServerSettings>,
    /// The policies by name.
    pub policies: Vec<Arc<Plan>>,
    /// The grants; one without tokens is listed and opens nothing.
    pub grants: Vec<GrantSettings>,
    /// Host names that requests may carry, beyond loopback names and the listen address.
    pub allowed_hosts: Vec<String>,
    /// Origins that browsers may send, beyond none at all.
    pub allowed_origins: Vec<String>,
    /// Limits on what a request, an answer and a grant may cost.
    pub limits: LimitSettings,
    /// How the journal is kept.
    pub journal: JournalSettings,
}

impl Settings {
    /// Whether browsers reach the console by https: it speaks TLS itself, or something before it does.
    #[must_use]
    pub fn console_is_https(&self) -> bool {
        let https = |url: &Uri| url.scheme_str() == Some("https");
        self.console_tls.is_some() || self.console_url.as_ref().is_some_and(https)
    }
}

/// Certificate chain and private key, PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The chain, leaf first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// An address range: `10.0.0.0/8`, `::1`, `192.0.2.7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `ADDRESS` or `ADDRESS/PREFIX`; none if it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address.parse::<IpAddr>().ok()?, Some(prefix.parse::<u8>().ok()?)),
            None => (text.parse::<IpAddr>().ok()?, None),
        };
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(width);
        (prefix <= width).then_some(Self { address, prefix })
    }

    /// Whether the address lies in the range; an IPv4-mapped address counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |a: IpAddr| match a {
            IpAddr::V4(a) => (u128::from(u32::from(a)) << 96, 32),
            IpAddr::V6(a) => (u128::from(a), 128),
        };
        let ((ours, width), (theirs, other_width)) = (bits(self.address), bits(address.to_canonical()));
        let mask = if self.prefix == 0 { 0 } else { u128::MAX << (128 - u32::from(self.prefix)) };
        width == other_width && ours & mask == theirs & mask
    }
}

/// One MCP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Its name in routes, policies and the journal: `[a-z0-9_-]`, at most 64 characters.
    pub name: String,
    /// How it is reached.
    pub reach: Reach,
    /// Which era of the protocol it is spoken to in.
    pub protocol: Protocol,
    /// How long it may stay without a byte or progress.
    pub timeout: Duration,
    /// How long one call may take in all.
    pub max_duration: Duration,
}

/// The two ways to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Streamable HTTP.
    Http {
        /// `http` or `https`, with a host.
        url: Uri,
        /// Sent with every request; values are secret.
        headers: Vec<(HeaderName, HeaderValue)>,
    },
    /// A child process that speaks on its standard streams.
    Command {
        /// The program, looked up in `PATH`.
        program: String,
        /// Its arguments.
        args: Vec<String>,
        /// What it gets beside `PATH`, `HOME`, `LANG`, `TMPDIR`; values are secret.
        env: Vec<(String, String)>,
        /// Whether one child of the legacy era serves all sessions.
        shared: bool,
    },
}

/// `protocol` of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Found by asking.
    Auto,
    /// Revisions up to 2025-11-25 only.
    Legacy,
    /// 2026-07-28 only.
    Modern,
}

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantSettings {
    /// Its name, for people, the journal and `grant.label`.
    pub label: String,
    /// The tokens that open it: one, or more while a rotation overlaps.
    pub tokens: Vec<TokenSettings>,
    /// Server name and policy name of each server that it includes.
    pub servers: Vec<(String, String)>,
    /// Unix microseconds from which on it is no longer valid.
    pub expires: Option<i64>,
    /// Free words for `grant.tags`.
    pub tags: Vec<String>,
    /// How tool names are shown to its clients.
    pub names: Names,
}

/// A token of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// Its SHA-256.
    pub hash: [u8; 32],
    /// Unix microseconds from which on it opens nothing; none while no rotation ends it.
    pub ends: Option<i64>,
}

impl TokenSettings {
    /// A token that no rotation ends.
    #[must_use]
    pub fn lasting(hash: [u8; 32]) -> Self {
        Self { hash, ends: None }
    }
}

/// `names` of a grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// As the server gives them.
    #[default]
    Dotted,
    /// Dots replaced by underscores, for clients that refuse dots.
    Underscore,
}

/// `limits` of the config file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Bytes of a request's body.
    pub body: usize,
    /// Bytes of an answer, or of one event of it.
    pub result: usize,
    /// Levels of nesting in a message.
    pub depth: usize,
    /// Values and member names in a message.
    pub values: usize,
    /// Header lines of a request.
    pub headers: usize,
    /// Client connections open at once.
    pub connections: usize,
    /// Calls of one grant in flight.
    pub in_flight_per_grant: usize,
    /// Calls to one server in flight.
    pub in_flight_per_server: usize,
    /// Live sessions of one grant.
    pub sessions_per_grant: usize,
    /// Open event streams of one grant.
    pub streams_per_grant: usize,
    /// How long the head of a request may take.
    pub header_timeout: Duration,
    /// How long the body of a request may take.
    pub body_timeout: Duration,
    /// How long requests in flight may take after a signal to stop.
    pub shutdown_grace: Duration,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            body: 16 << 20,
            result: 64 << 20,
            depth: 64,
            values: 1_000_000,
            headers: 100,
            connections: 20_000,
            in_flight_per_grant: 256,
            in_flight_per_server: 512,
            sessions_per_grant: 64,
            streams_per_grant: 64,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(30),
        }
    }
}

/// `journal` of the config file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalSettings {
    /// What a written record survives.
    pub durability: Durability,
    /// Bytes at which a file is full and the next begins.
    pub rotate: u64,
    /// Bytes that all files together may take before the oldest is removed; none keeps all.
    pub keep_bytes: Option<u64>,
    /// Age at which a file is removed; none keeps all.
    pub keep_age: Option<Duration>,
    /// Free bytes on the disk below which calls are refused.
    pub low_water: u64,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            durability: Durability::Process,
            rotate: 256 << 20,
            keep_bytes: None,
            keep_age: None,
            low_water: 256 << 20,
        }
    }
}

/// `journal.durability`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A crash of the process.
    Process,
    /// A crash of the machine too: synced in groups before the call leaves.
    Power,
}
