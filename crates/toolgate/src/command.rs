//! The commands, one file each.

mod audit;
mod backup;
mod catalog;
mod check;
mod connect;
mod doctor;
mod grant;
mod init;
mod inventory;
mod logs;
mod policy;
mod restore;
mod scan;
mod secrets;
mod server;
mod status;
mod top;
mod up;

use clap::Subcommand;

use crate::answer::Done;
use crate::shell::Shell;

/// What the program can be asked to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run gateway and console
    Up(up::Arguments),
    /// Find the MCP clients of this machine, and put the gateway in front of their servers
    Init(Box<init::Arguments>),
    /// Check config and policy files, and tell every mistake in them
    Check(check::Arguments),
    /// What a policy says
    #[command(subcommand)]
    Policy(policy::Arguments),
    /// Grants: who may use which server under which policy
    #[command(subcommand)]
    Grant(grant::Arguments),
    /// Servers of a running gateway
    #[command(subcommand)]
    Server(server::Arguments),
    /// What grants of a running gateway can reach, how risky that is, and how much it is used
    Inventory(inventory::Arguments),
    /// How a running gateway is
    Status(status::Arguments),
    /// A running gateway at a glance, on a terminal
    Top(top::Arguments),
    /// The journal of all decisions
    #[command(subcommand)]
    Audit(audit::Arguments),
    /// Carry a stdio client's messages to a gateway
    Connect(connect::Arguments),
    /// Check config, data directory, journal, clock, certificates, ports and servers
    Doctor(doctor::Arguments),
    /// What the tools of a server can do, and how risky that is
    Scan(scan::Arguments),
    /// Servers and tools that exist: import from registries and dumps, search, a tool's page
    #[command(subcommand)]
    Catalog(catalog::Arguments),
    /// Copy the store to a file, also while a gateway runs
    Backup(backup::Arguments),
    /// Put a backup in the place of the store
    Restore(restore::Arguments),
    /// The key under which headers and variables of servers are kept
    #[command(subcommand)]
    Secrets(secrets::Arguments),
    /// What a stdio server wrote to its standard error, redacted
    Logs(logs::Arguments),
}

/// Runs one command.
pub(crate) fn run(command: &Command, shell: &mut Shell) -> Done {
    match command {
        Command::Up(arguments) => up::run(arguments, shell),
        Command::Init(arguments) => init::run(arguments, shell),
        Command::Check(arguments) => check::run(arguments, shell),
        Command::Policy(arguments) => policy::run(arguments, shell),
        Command::Grant(arguments) => grant::run(arguments, shell),
        Command::Server(arguments) => server::run(arguments, shell),
        Command::Inventory(arguments) => inventory::run(arguments, shell),
        Command::Status(arguments) => status::run(arguments, shell),
        Command::Top(arguments) => top::run(arguments, shell),
        Command::Audit(arguments) => audit::run(arguments, shell),
        Command::Connect(arguments) => connect::run(arguments, shell),
        Command::Doctor(arguments) => doctor::run(arguments, shell),
        Command::Scan(arguments) => scan::run(arguments, shell),
        Command::Catalog(arguments) => catalog::run(arguments, shell),
        Command::Backup(arguments) => backup::run(arguments, shell),
        Command::Restore(arguments) => restore::run(arguments, shell),
        Command::Secrets(arguments) => secrets::run(arguments, shell),
        Command::Logs(arguments) => logs::run(arguments, shell),
    }
}
