//! The options of `troubleshoot`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::{Check, Live, Look, Output, PageFormat, Report};
use crate::cli::sync_test::args::SyncOptions;

/// `troubleshoot`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, mut_arg("as_mailboxes", |arg| arg.help(AS_MAILBOXES)))]
pub struct Troubleshoot {
    /// The account that it is about: the checks that confirm the log's causes or rule them out are run
    /// against it; without a log, all checks.
    #[arg(value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// The log, or the text of an error, of any size and encoding, also packed by gzip; `-`: standard
    /// input.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Prove it on an account of the simulated tenant; `syncready check --demo list` names the scenarios.
    #[arg(long, value_name = "SCENARIO", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with_all = ["account", "from"])]
    pub demo: Option<String>,
    /// Judge saved facts, without any network.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["set", "as_mailboxes", "imports"])]
    pub from: Option<PathBuf>,
    /// Save everything that was seen, readable for you only.
    #[arg(long, value_name = "FILE")]
    pub save_facts: Option<PathBuf>,

    /// How it is looked at.
    #[command(flatten)]
    pub live: Live,
    /// Directory of checks of your own; repeatable.
    #[arg(long, value_name = "DIR", help_heading = "Configuration")]
    pub checks: Vec<PathBuf>,

    /// Also do the test sync, where it may decide: it writes to marked folders of its own and removes them
    /// again.
    #[arg(long, conflicts_with_all = ["from", "no_sign_in"], help_heading = "Test sync")]
    pub sync: bool,
    /// What the test sync does.
    #[command(flatten)]
    pub test_sync: SyncOptions,

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

impl Troubleshoot {
    /// Whether an account is looked at, and not only a log. A log alone never goes over the network.
    pub fn is_about_an_account(&self) -> bool {
        self.log.is_none() || self.account.is_some() || self.demo.is_some() || self.from.is_some()
    }

    /// The check that sees the same.
    pub fn as_check(&self) -> Check {
        let plain = Check::plain();
        Check {
            accounts: self.account.iter().cloned().collect(),
            demo: self.demo.clone(),
            from: self.from.clone(),
            save_facts: self.save_facts.clone(),
            live: self.live.clone(),
            checks: self.checks.clone(),
            sync: self.sync,
            test_sync: self.test_sync.clone(),
            report: Report { output: self.output.clone(), look: self.look.clone(), ..plain.report },
            ..plain
        }
    }
}

const AS_MAILBOXES: &str = "Also try this mailbox, read only, as the one that the log is about; repeatable";

const EXAMPLES: &str = "\
Examples:
  syncready troubleshoot --log sync.log.gz
  journalctl -u sync | syncready troubleshoot --log -
  syncready troubleshoot svc-sync@contoso.com --log error.txt
  syncready troubleshoot svc-sync@contoso.com
  syncready troubleshoot --demo secret-expired --log error.txt --format json

A log alone is compared with what is known, and nothing leaves this machine. With an account, the checks \
that confirm its likely causes or rule them out are run, and no others, unless they prove nothing. What \
stands in a log is taken as data only, and secrets in it are never printed.

Exit codes: 0 a cause is proven (without an account: named), 2 wrong usage, 3 nothing is proven (without \
an account: something failed and nothing known fits), 4 nothing is wrong: the checks pass, and nothing \
failed in the log, or only what worked again later.";
