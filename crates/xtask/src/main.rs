//! `cargo xtask`: commands of this repository that are programs.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people, which answers on its streams"
)]

mod risk;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask eval-risk FILE [--labels FILE] [--part NAME] [--misses]

  eval-risk   compares the classifier with the labels of a file of tool definitions, one JSON object a line
              (`label`, `category` or `vendor_class`), or with labels from another file (`key`, `label`)
    --labels FILE   take the labels from this file, found by the SHA-256 of server, tool and description
    --part NAME     only labels whose `part` is this
    --misses        print every row where the two differ";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((command, rest)) if command == "eval-risk" => risk::run(rest),
        Some(_) | None => Err(anyhow::anyhow!("{USAGE}")),
    };
    match done {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
