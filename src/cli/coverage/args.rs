//! The options of `coverage`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use crate::cli::args::{Check, Live, Look, Report, Setting, duration};
use crate::collect::coverage::Shard;

/// Where a Kubernetes indexed job says which of its pods this is, counted from 0.
const JOB_INDEX: &str = "JOB_COMPLETION_INDEX";

/// Formats of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Failures by cause, for people.
    Table,
    /// One JSON document: the summary.
    Json,
    /// JSON Lines: every mailbox as soon as it is known, the summary last.
    Jsonl,
}

/// `coverage`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready coverage --list users.txt -o coverage.jsonl
  syncready coverage --resume coverage.jsonl --list users.txt
  syncready coverage --group sales@contoso.com --since last-week.jsonl
  syncready coverage --all --shard 3/8 -o part-3.jsonl
  syncready coverage --all --rate 100 --limit 1000 --format json
  syncready coverage --group sales@contoso.com --sample 5 --yes
  Get-Mailbox -ResultSize Unlimited | % PrimarySmtpAddress | syncready coverage --list -

Reads one id in each mailbox, as the product would, and changes nothing without --yes. It asks 20 mailboxes a second \
at most and 10 at the same time, unless --rate says otherwise, and waits whenever the service asks for it.

Exit codes: 0 every mailbox opened, 1 some do not, 2 wrong usage, 3 some could not be found out, \
4 no mailbox to ask for, 130 and 143 on signals (what is in the file can be resumed).")]
pub struct Coverage {
    /// The account whose product is meant; not needed where the configuration has just one.
    #[arg(value_name = "ACCOUNT")]
    pub account: Option<String>,

    /// Mailboxes of FILE (`-`: standard input): one address a line, or the first column of a CSV.
    #[arg(long, value_name = "FILE", group = "source", help_heading = "Mailboxes")]
    pub list: Option<PathBuf>,
    /// Members of this group, by address or object id, through groups inside it too.
    #[arg(long, value_name = "GROUP", group = "source", help_heading = "Mailboxes")]
    pub group: Option<String>,
    /// Members of the groups that limit what the app may reach.
    #[arg(long, group = "source", help_heading = "Mailboxes")]
    pub scope: bool,
    /// Everybody in the directory who has a mail address, guests left out.
    #[arg(long, group = "source", help_heading = "Mailboxes")]
    pub all: bool,
    /// Only this part of them: `3/8` is the third of eight; `index/8` takes the number from
    /// `JOB_COMPLETION_INDEX`.
    #[arg(long, value_name = "I/N", value_parser = shard, help_heading = "Mailboxes")]
    pub shard: Option<Shard>,
    /// Ask for this many at most.
    #[arg(long, value_name = "N", help_heading = "Mailboxes")]
    pub limit: Option<u64>,
    /// Say what would be asked, and ask no mailbox.
    #[arg(long, help_heading = "Mailboxes")]
    pub dry_run: bool,

    /// Then do a whole test sync in N of those that opened, always the same ones; it reads only, unless
    /// `--yes` is given.
    #[arg(long, value_name = "N", help_heading = "Mailboxes")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub sample: Option<u16>,
    /// Let the test sync of the sample write: into folders of its own, which it removes.
    #[arg(long, requires = "sample", help_heading = "Mailboxes")]
    pub yes: bool,

    /// Most mailboxes a second; `max`: as fast as answers come.
    #[arg(long, value_name = "RATE", value_parser = rate, default_value = "20", help_heading = "Pace")]
    pub rate: Rate,
    /// Most mailboxes at the same time; without it, by the rate.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512), help_heading = "Pace")]
    pub concurrency: Option<u16>,
    /// Stop when more than this many percent of the latest 100 are refused; 100: never.
    #[arg(long, value_name = "PERCENT", default_value_t = 50, help_heading = "Pace")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=100))]
    pub stop_at: u8,

    /// Go on with the file of an interrupted run: what is known there is not asked again.
    #[arg(long, value_name = "FILE", conflicts_with = "output", help_heading = "Earlier runs")]
    pub resume: Option<PathBuf>,
    /// Compare with the file of an earlier run: mailboxes that it does not name are new.
    #[arg(long, value_name = "FILE", help_heading = "Earlier runs")]
    pub since: Option<PathBuf>,

    /// Whom it is about.
    #[command(flatten)]
    pub setting: Setting,
    /// Also read what a script of `collect --script` wrote on an Exchange Server; repeatable.
    #[arg(long = "import", value_name = "FILE", help_heading = "Configuration")]
    pub imports: Vec<PathBuf>,
    /// Time limit for finding out what there is to know before the first mailbox is asked.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Configuration")]
    pub timeout: Option<Duration>,

    /// Format of the result.
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Output")]
    pub format: Format,
    /// Write every mailbox to FILE as soon as it is known, readable for you only; `--resume` goes on with it.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

/// Mailboxes a second; `None`: as fast as answers come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate(pub Option<f64>);

fn rate(text: &str) -> Result<Rate, String> {
    if text.eq_ignore_ascii_case("max") {
        return Ok(Rate(None));
    }
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && (0.01..=1e6).contains(&rate) => Ok(Rate(Some(rate))),
        _ => Err(format!("`{text}` is no rate; write mailboxes a second, like 20 or 0.5, or max")),
    }
}

fn shard(text: &str) -> Result<Shard, String> {
    let Some(of) = text.strip_prefix("index/") else { return text.parse() };
    let index = std::env::var(JOB_INDEX).map_err(|_| format!("{JOB_INDEX} is not set"))?;
    let refusal = || format!("{JOB_INDEX} is `{index}` and the shards are `{of}`: that is no shard");
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| refusal());
    Shard::new(number(&index)?, number(of)?).ok_or_else(refusal)
}

impl Coverage {
    /// The check that would see the same.
    pub fn as_check(&self) -> Check {
        let plain = Check::plain();
        Check {
            accounts: self.account.iter().cloned().collect(),
            live: Live {
                setting: self.setting.clone(),
                imports: self.imports.clone(),
                timeout: self.timeout,
                ..Live::default()
            },
            report: Report { look: self.look.clone(), ..plain.report },
            ..plain
        }
    }

    /// Most mailboxes at the same time: enough for the rate where an answer takes half a second.
    pub fn width(&self) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 10..=64")]
        let usual = self.rate.0.map_or(64, |rate| (rate / 2.0).clamp(10.0, 64.0) as usize);
        self.concurrency.map_or(usual, usize::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_or_max() {
        assert_eq!(rate("0.5"), Ok(Rate(Some(0.5))));
        assert_eq!(rate("max"), Ok(Rate(None)));
        for wrong in ["0", "-1", "inf", "NaN", "fast", ""] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_shard_is_written_with_its_number() {
        assert_eq!(shard("2/4").map(|shard| shard.to_string()).as_deref(), Ok("2/4"));
        assert!(shard("5/4").is_err());
    }
}
