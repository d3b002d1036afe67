//! The command line: one file a subcommand, plus configuration, exit codes, output files, progress.
//!
//! The only module that knows all others. Standard output carries the one document asked for,
//! everything else goes to standard error.

pub mod args;
pub mod config;
pub mod exit;
mod guard;
mod look;
pub mod output;
pub mod problem;
mod refused;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

/// Parses the command line, runs the subcommand, and says how it went.
pub fn main() -> ExitCode {
    ExitCode::from(guard::guarded(run))
}

fn run() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { exit::READY };
        }
    };
    match cli.command {
        Command::Check(_) | Command::Explain(_) | Command::Checks(_) | Command::Lab(_) => exit::NOTHING,
    }
}
