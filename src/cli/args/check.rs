//! The options of `check`, from which those of all live runs are made.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser};

use super::{Cli, Command, Filter, Live, Report, days};
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
    #[arg(long, value_name = "FILE", conflicts_with_all = ["accounts", "set", "as_mailboxes", "imports"])]
    pub from: Option<PathBuf>,
    /// Save everything that was seen, readable for you only; `--from` judges it again. `FILE.jsonl` is
    /// written account by account.
    #[arg(long, value_name = "FILE")]
    pub save_facts: Option<PathBuf>,

    /// How it is looked at.
    #[command(flatten)]
    pub live: Live,
    /// Directory of checks of your own; repeatable.
    #[arg(long, value_name = "DIR", help_heading = "Configuration")]
    pub checks: Vec<PathBuf>,

    /// Also do the test sync: it writes to marked folders of its own and removes them again.
    #[arg(long, conflicts_with_all = ["from", "no_sign_in"], help_heading = "Test sync")]
    pub sync: bool,
    /// What the test sync does.
    #[command(flatten)]
    pub test_sync: SyncOptions,
    /// Leftovers of test syncs are all that is looked at.
    #[arg(skip)]
    pub sweep: bool,

    /// Which checks.
    #[command(flatten)]
    pub filter: Filter,

    /// How long before the run a change counts as lately, for example `14d`.
    #[arg(long, value_name = "TIME", value_parser = days, help_heading = "Output")]
    pub changed_within: Option<Duration>,
    /// What is told of it.
    #[command(flatten)]
    pub report: Report,
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
