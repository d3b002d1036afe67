//! The options of `bundle`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};

use crate::cli::args::{
    Brings, Check, Cli, Command, ExitCodes, Filter, Live, Look, Output, Report, Setting, TextFormat, days,
};

/// `bundle`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Bundle {
    /// What to do with a bundle that is there; without it, one is made.
    #[command(subcommand)]
    pub action: Option<Action>,
    /// What goes into it.
    #[command(flatten)]
    pub create: Create,
}

impl Bundle {
    /// How its output looks.
    pub fn look(&self) -> &Look {
        match &self.action {
            Some(Action::Show(args)) => &args.look,
            Some(Action::Check(args)) => &args.report.look,
            Some(Action::Reveal(args)) => &args.look,
            None => &self.create.look,
        }
    }

    /// Its convention of exit codes.
    pub fn exit_codes(&self) -> ExitCodes {
        match &self.action {
            Some(Action::Check(args)) => args.report.exit_codes,
            _ => ExitCodes::Plain,
        }
    }
}

/// What to do with a bundle.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Show exactly what leaves the house: the files, what was taken out, each file on demand.
    Show(Show),
    /// Judge the facts of a bundle again, without any network.
    Check(Box<Recheck>),
    /// Put values back in the place of tokens, in a text on standard input.
    Reveal(Reveal),
}

/// `bundle` without a further word.
#[derive(Debug, Clone, Args)]
pub struct Create {
    /// Addresses; without any, all accounts of the configuration.
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
    /// Take an account of the simulated tenant.
    #[arg(long, value_name = "SCENARIO", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with_all = ["accounts", "from"])]
    pub demo: Option<String>,
    /// Take saved facts instead of looking again; `-`: standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["accounts", "set", "as_mailboxes", "imports"])]
    pub from: Option<PathBuf>,
    /// Put this log of the product in, redacted too; repeatable. Any encoding, also packed by gzip; of a long
    /// one its last 16 MiB.
    #[arg(long = "log", value_name = "FILE")]
    pub logs: Vec<PathBuf>,

    /// Keep addresses, names and ids as they are. Secrets are removed nevertheless.
    #[arg(long, help_heading = "Redaction", conflicts_with = "reverse_map")]
    pub keep_personal: bool,
    /// Also write which token stands for which value. Keep this file: whoever has it can undo the redaction.
    #[arg(long, value_name = "FILE", help_heading = "Redaction")]
    pub reverse_map: Option<PathBuf>,

    /// How it is looked at.
    #[command(flatten)]
    pub live: Live,
    /// Directory of checks of your own; repeatable.
    #[arg(long, value_name = "DIR", help_heading = "Configuration")]
    pub checks: Vec<PathBuf>,

    /// Which checks.
    #[command(flatten)]
    pub filter: Filter,

    /// The archive, written whole or not at all, readable for you only; without it
    /// ./syncready-bundle-TIME.tar.gz.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

impl Create {
    /// The command line without any option.
    pub fn plain() -> Self {
        let parsed = Cli::try_parse_from(["syncready", "bundle", "--config", "unused"]);
        match parsed.map(|cli| cli.command) {
            Ok(Command::Bundle(bundle)) => bundle.create,
            _ => unreachable!("the line above is a valid bundle command"),
        }
    }

    /// The check that sees the same.
    pub fn as_check(&self) -> Check {
        let plain = Check::plain();
        Check {
            accounts: self.accounts.clone(),
            demo: self.demo.clone(),
            from: self.from.clone(),
            live: self.live.clone(),
            checks: self.checks.clone(),
            filter: self.filter.clone(),
            report: Report { look: self.look.clone(), ..plain.report },
            ..plain
        }
    }
}

/// `bundle show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready bundle show syncready-bundle-20261122T080000Z.tar.gz
  syncready bundle show syncready-bundle-20261122T080000Z.tar.gz --file facts.json")]
pub struct Show {
    /// The bundle.
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// Print this file of it.
    #[arg(long, value_name = "NAME")]
    pub file: Option<String>,
    /// Format of the list.
    #[arg(long, value_enum, default_value_t = TextFormat::Text, conflicts_with = "file", help_heading = "Output")]
    pub format: TextFormat,
    /// Where it goes.
    #[command(flatten)]
    pub output: Output,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

/// `bundle check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready bundle check syncready-bundle-20261122T080000Z.tar.gz
  syncready bundle check syncready-bundle-20261122T080000Z.tar.gz --format json --only mfa")]
pub struct Recheck {
    /// The bundle.
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// What is brought along.
    #[command(flatten)]
    pub brings: Brings,
    /// Judge by this profile instead of the account's own.
    #[arg(long, value_name = "NAME", help_heading = "Selection")]
    pub profile: Option<String>,
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

impl Recheck {
    /// The check that judges the same.
    pub fn as_check(&self) -> Check {
        let setting = Setting {
            config: self.brings.config.clone(),
            profile: self.profile.clone(),
            ..Setting::default()
        };
        Check {
            from: Some(self.bundle.clone()),
            live: Live { setting, ..Live::default() },
            checks: self.brings.checks.clone(),
            filter: self.filter.clone(),
            changed_within: self.changed_within,
            report: self.report.clone(),
            ..Check::plain()
        }
    }
}

/// `bundle reveal`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready bundle svc-sync@contoso.com --reverse-map map.json -o bundle.tar.gz
  syncready bundle reveal --map map.json < answer-of-support.txt")]
pub struct Reveal {
    /// The map that `--reverse-map` wrote.
    #[arg(long, value_name = "FILE")]
    pub map: PathBuf,
    /// Where it goes.
    #[command(flatten)]
    pub output: Output,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

const EXAMPLES: &str = "\
Examples:
  syncready bundle svc-sync@contoso.com --log sync.log -o bundle.tar.gz
  syncready bundle show bundle.tar.gz              what leaves the house, before it does
  syncready bundle check bundle.tar.gz             what support sees: the same findings
  syncready bundle --demo per-user-mfa-enforced
  syncready bundle --from facts.json --reverse-map map.json

Addresses, names, ids, hosts and host addresses are replaced by tokens, the same value by the same \
token everywhere. Codes, times, permissions, request ids and the class of a domain stay. Secrets are \
removed always.

Exit codes: 0 done, 2 wrong usage or configuration, or not a bundle, 4 nothing to bundle; of \
`bundle check` those of `check`.";
