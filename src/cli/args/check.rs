//! The options of `check`, from which those of all live runs are made.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser};

use super::{Cli, Command, ExitCodes, Format, Look, Output, Setting, days, duration};
use crate::cli::sync_test::args::SyncOptions;

/// `check`.
#[derive(Debug, Clone, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct Check {
    /// Addresses to check; without any, all accounts of the configuration.
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,

    /// Check an account of the simulated tenant; `list` names the scenarios.
    #[arg(long, value_name = "SCENARIO", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with_all = ["accounts", "from"])]
    pub demo: Option<String>,
    /// Judge saved facts (`-`: standard input) again, without any network.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["accounts", "set", "as_mailboxes"])]
    pub from: Option<PathBuf>,
    /// Save everything that was seen, readable for you only; `--from` judges it again. `FILE.jsonl` is
    /// written account by account.
    #[arg(long, value_name = "FILE")]
    pub save_facts: Option<PathBuf>,

    /// Whom it is about.
    #[command(flatten)]
    pub setting: Setting,
    /// Directory of checks of your own; repeatable.
    #[arg(long, value_name = "DIR", help_heading = "Configuration")]
    pub checks: Vec<PathBuf>,
    /// Also try this mailbox, read only; repeatable.
    #[arg(long = "as", value_name = "MAILBOX", help_heading = "Configuration")]
    pub as_mailboxes: Vec<String>,
    /// Also read what a script of `collect --script` wrote on an Exchange Server; repeatable.
    #[arg(long = "import", value_name = "FILE", conflicts_with = "from", help_heading = "Configuration")]
    pub imports: Vec<PathBuf>,
    /// Do not sign in as the product, even where its credential is configured.
    #[arg(long, conflicts_with = "retry_sign_in", help_heading = "Configuration")]
    pub no_sign_in: bool,
    /// Time limit of the whole run.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Configuration")]
    pub timeout: Option<Duration>,

    /// Also do the test sync: it writes to marked folders of its own and removes them again.
    #[arg(long, conflicts_with_all = ["from", "no_sign_in"], help_heading = "Test sync")]
    pub sync: bool,
    /// What the test sync does.
    #[command(flatten)]
    pub test_sync: SyncOptions,
    /// Leftovers of test syncs are all that is looked at.
    #[arg(skip)]
    pub sweep: bool,

    /// Only these checks or areas; repeatable, or separated by commas.
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "Selection")]
    pub only: Vec<String>,
    /// Not these checks or areas; repeatable, or separated by commas.
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "Selection")]
    pub skip: Vec<String>,
    /// Let warnings and unknowns count.
    #[arg(long, help_heading = "Selection")]
    pub strict: bool,

    /// How long before the run a change counts as lately, for example `14d`.
    #[arg(long, value_name = "TIME", value_parser = days, help_heading = "Output")]
    pub changed_within: Option<Duration>,
    /// Format of the report.
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Output")]
    pub format: Format,
    /// Convention of exit codes.
    #[arg(long, value_enum, default_value_t = ExitCodes::Plain, value_name = "KIND", help_heading = "Output")]
    pub exit_codes: ExitCodes,
    /// Where it goes.
    #[command(flatten)]
    pub output: Output,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

impl Check {
    /// The command line without any option.
    pub fn plain() -> Self {
        let parsed = Cli::try_parse_from(["syncready", "check", "--config", "unused"]);
        match parsed.map(|cli| cli.command) {
            Ok(Command::Check(check)) => *check,
            _ => unreachable!("the line above is a valid check command"),
        }
    }
}

const CHECK_EXAMPLES: &str = "\
Examples:
  syncready check --demo per-user-mfa-enforced
  syncready check svc-sync@contoso.com --profile generic-ews
  syncready check --config contoso.toml --as ceo@contoso.com --format short
  syncready check --save-facts facts.json && syncready check --from facts.json --format json
  syncready check --only mfa,sso --strict

Passwords and app secrets never stand on the command line: the configuration says where they are.";
