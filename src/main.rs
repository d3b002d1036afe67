//! The `syncready` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    syncready::cli::main()
}
