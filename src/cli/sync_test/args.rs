//! Options of `sync-test`, and those that it shares with `check --sync`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, builder::PossibleValue};

use crate::cli::args::{Check, Filter, Live, Report, Setting, duration};
use crate::collect::{Protocol, TestSync};
use crate::sync::Part;

/// `sync-test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready sync-test --demo healthy-on-premises
  syncready sync-test svc-sync@contoso.com
  syncready sync-test svc-sync@contoso.com --as alice@contoso.com --yes
  syncready sync-test svc-sync@contoso.com --negative ceo@contoso.com
  syncready sync-test --dry-run
  syncready sync-test --sweep

It makes a contact folder and a calendar of its own, works in them and removes them. Nothing else in the \
mailbox is changed. Ctrl-C cleans up first; a second one ends at once.")]
pub struct SyncTest {
    /// Accounts; without any, all of the configuration.
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
    /// Try it on an account of the simulated tenant; `list` names the scenarios.
    #[arg(long, value_name = "SCENARIO", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with = "accounts")]
    pub demo: Option<String>,
    /// Save everything that was seen, readable for you only.
    #[arg(long, value_name = "FILE")]
    pub save_facts: Option<PathBuf>,
    /// Also open this mailbox; read only without --yes; repeatable.
    #[arg(long = "as", value_name = "MAILBOX")]
    pub as_mailboxes: Vec<String>,
    /// What is shared with `check --sync`.
    #[command(flatten)]
    pub options: SyncOptions,
    /// Remove all leftovers of earlier runs, however young, and do nothing else.
    #[arg(long, conflicts_with_all = ["steps", "negative"])]
    pub sweep: bool,
    /// Print what would be done; ask no server.
    #[arg(long)]
    pub dry_run: bool,

    /// Whom it is about.
    #[command(flatten)]
    pub setting: Setting,
    /// Time limit of the whole run, cleaning up included; 3m for one mailbox.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Configuration")]
    pub timeout: Option<Duration>,
    /// What is told of it.
    #[command(flatten)]
    pub report: Report,
}

impl SyncTest {
    /// The check that does the same.
    pub fn as_check(&self) -> Check {
        Check {
            accounts: self.accounts.clone(),
            demo: self.demo.clone(),
            save_facts: self.save_facts.clone(),
            live: Live {
                setting: self.setting.clone(),
                as_mailboxes: self.as_mailboxes.clone(),
                timeout: self.timeout,
                ..Live::default()
            },
            filter: Filter { only: vec![AREA.to_owned()], ..Filter::default() },
            sync: true,
            sweep: self.sweep,
            test_sync: self.options.clone(),
            report: self.report.clone(),
            ..Check::plain()
        }
    }
}

/// The area whose checks judge a test sync, and the fact group that it fills.
pub const AREA: &str = "sync";

/// What a test sync does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct SyncOptions {
    /// Protocol, where it is not the product's usual one.
    #[arg(long, value_enum, value_name = "PROTOCOL", help_heading = "Test sync")]
    pub protocol: Option<Protocol>,
    /// Only these parts; repeatable, or separated by commas.
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',', help_heading = "Test sync")]
    pub steps: Vec<Part>,
    /// This mailbox must be refused: an answer is a finding; repeatable.
    #[arg(long, value_name = "MAILBOX", help_heading = "Test sync")]
    pub negative: Vec<String>,
    /// Also write to mailboxes of others; without it they are only read.
    #[arg(long, help_heading = "Test sync")]
    pub yes: bool,
}

impl SyncOptions {
    /// The same as the collectors know it.
    pub fn wishes(&self, only_sweep: bool) -> TestSync {
        TestSync {
            parts: (!self.steps.is_empty()).then(|| self.steps.iter().copied().collect()),
            // Removing what a run left in somebody else's mailbox is writing as well.
            write_to_others: self.yes,
            only_sweep,
        }
    }
}

impl ValueEnum for Protocol {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Ews, Self::Graph]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Ews => PossibleValue::new("ews").help("Exchange Web Services"),
            Self::Graph => PossibleValue::new("graph").help("Microsoft Graph"),
        })
    }
}

impl ValueEnum for Part {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()).help(self.about()))
    }
}
