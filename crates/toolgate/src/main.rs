//! The command line of Toolgate: reads the arguments, runs one command, and turns its answer into an
//! exit code.

mod answer;
mod api;
mod bridge;
mod command;
mod config;
mod control_plane;
mod data_dir;
mod demo;
mod environment;
mod resources;
mod shell;
mod store;
mod telemetry;
mod welcome;

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use clap::Parser;

use crate::answer::{Answer, Failure};
use crate::command::Command;
use crate::shell::{Shell, Tone};

/// Each call takes and gives back some sixty blocks: this allocator gives out again the one that was given back last.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A gateway between AI agents and MCP servers: nothing reaches a server without passing your rules.
#[derive(Debug, Parser)]
#[command(name = "toolgate", version, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // `--help` and `--version` come here too, with code 0.
        Err(error) => {
            let printed = error.print();
            return if printed.is_ok() && error.exit_code() == 0 { Answer::Yes } else { Answer::Usage }
                .into();
        }
    };
    let mut shell = Shell::of_process();
    let done = command::run(&arguments.command, &mut shell);
    done.unwrap_or_else(|failure| report(&failure, &mut shell)).into()
}

/// Says why a command failed. A reader who has seen enough (`| head`) is no failure.
fn report(failure: &Failure, shell: &mut Shell) -> Answer {
    let of_pipe = |error: &io::Error| error.kind() == ErrorKind::BrokenPipe;
    if failure.error.chain().filter_map(|cause| cause.downcast_ref()).any(of_pipe) {
        return Answer::Yes;
    }
    let label = shell.toned(Tone::Bad, "error");
    // If even this cannot be printed, the exit code still says it.
    shell.note(format_args!("{label}: {:#}", failure.error)).unwrap_or_default();
    failure.answer
}
