//! The options of `troubleshoot`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::{Brings, Look, Output, PageFormat};

/// `troubleshoot`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Troubleshoot {
    /// The log, or the text of an error, of any size and encoding, also packed by gzip; `-`: standard
    /// input.
    #[arg(long, value_name = "FILE", required = true)]
    pub log: PathBuf,
    /// What is brought along.
    #[command(flatten)]
    pub brings: Brings,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t = PageFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub format: PageFormat,
    /// Where it goes.
    #[command(flatten)]
    pub output: Output,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

const EXAMPLES: &str = "\
Examples:
  syncready troubleshoot --log sync.log.gz
  journalctl -u sync | syncready troubleshoot --log -
  syncready troubleshoot --log error.txt --format json

Nothing leaves this machine: a log is read and compared with what is known. What stands in it is taken
as data only, and secrets in it are never printed.

Exit codes: 0 a cause is named, 2 wrong usage, 3 something failed and nothing known fits, 4 nothing
failed, or only what worked again later.";
