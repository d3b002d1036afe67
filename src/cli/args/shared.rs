//! What several subcommands share: groups of options, formats, and readers of values.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

/// How the output looks.
#[derive(Debug, Clone, Args)]
pub struct Look {
    /// Color: auto means on a terminal, unless `NO_COLOR` is set.
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN", help_heading = "Output")]
    pub color: Color,
    /// Use plain ASCII marks and lines.
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,
}

/// What the user brings along.
#[derive(Debug, Clone, Args)]
pub struct Brings {
    /// Directory of checks of your own; repeatable.
    #[arg(long, value_name = "DIR", help_heading = "Configuration")]
    pub checks: Vec<PathBuf>,
    /// Configuration, for its checks and collectors; without it ./syncready.toml, if it is there.
    #[arg(long, value_name = "FILE", env = "SYNCREADY_CONFIG", help_heading = "Configuration")]
    pub config: Option<PathBuf>,
}

/// Whom a live run is about, and as whom.
#[derive(Debug, Clone, Default, Args)]
pub struct Setting {
    /// Configuration; without it ./syncready.toml, if it is there.
    #[arg(long, value_name = "FILE", env = "SYNCREADY_CONFIG", help_heading = "Configuration")]
    pub config: Option<PathBuf>,
    /// Override a value of the configuration, for example `tenant.domain=contoso.com`.
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Configuration")]
    pub set: Vec<String>,
    /// What the sync product needs.
    #[arg(long, value_name = "NAME", help_heading = "Configuration")]
    pub profile: Option<String>,
    /// Send a credential again that was refused less than 24 hours ago.
    #[arg(long, help_heading = "Configuration")]
    pub retry_sign_in: bool,
}

/// A live run: whom it is about, as whom it looks, and how long it may take.
#[derive(Debug, Clone, Default, Args)]
pub struct Live {
    /// Whom it is about.
    #[command(flatten)]
    pub setting: Setting,
    /// Also try this mailbox, read only; repeatable.
    #[arg(long = "as", value_name = "MAILBOX", help_heading = "Configuration")]
    pub as_mailboxes: Vec<String>,
    /// Also read what a script of `collect --script` wrote on an Exchange Server; repeatable.
    #[arg(long = "import", value_name = "FILE", help_heading = "Configuration")]
    pub imports: Vec<PathBuf>,
    /// Do not sign in as the product, even where its credential is configured.
    #[arg(long, conflicts_with = "retry_sign_in", help_heading = "Configuration")]
    pub no_sign_in: bool,
    /// Time limit of the whole run.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Configuration")]
    pub timeout: Option<Duration>,
}

/// Which checks.
#[derive(Debug, Clone, Default, Args)]
pub struct Filter {
    /// Only these checks or areas; repeatable, or separated by commas.
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "Selection")]
    pub only: Vec<String>,
    /// Not these checks or areas; repeatable, or separated by commas.
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "Selection")]
    pub skip: Vec<String>,
}

/// Where the document goes.
#[derive(Debug, Clone, Args)]
pub struct Output {
    /// Write to FILE, whole or not at all, instead of standard output.
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
}

/// What the verdict is, and how it is told.
#[derive(Debug, Clone, Args)]
pub struct Report {
    /// Let warnings and unknowns count.
    #[arg(long, help_heading = "Selection")]
    pub strict: bool,
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

/// When to use color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Everything, ground-up.
    Table,
    /// Only what needs attention.
    Short,
    /// One JSON document.
    Json,
    /// JSON Lines, for fleets: one account a line, written as soon as it is judged.
    Jsonl,
    /// One paragraph about the first cause, to paste into a ticket.
    Ticket,
}

/// Formats of everything that is text or JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

/// Formats of what may be handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PageFormat {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// For tickets and wikis.
    Markdown,
}

/// Conventions of exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExitCodes {
    /// 0 ready, 1 not ready, 2 usage, 3 undetermined, 4 nothing to check.
    Plain,
    /// 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
    Nagios,
}

/// Reads `60s`, `2m`, `1m 30s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let refusal = || format!("`{text}` is not a time; write it like 30s, 2m or 1m30s");
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| refusal())?;
    let duration = Duration::try_from(parsed).map_err(|_| refusal())?;
    if duration.is_zero() { Err("a time limit of zero lets nothing finish".into()) } else { Ok(duration) }
}

/// Reads `14d` besides what [`duration`] reads.
pub fn days(text: &str) -> Result<Duration, String> {
    match text.strip_suffix('d').map(str::parse::<u64>) {
        Some(Ok(days)) => Ok(Duration::from_hours(days.saturating_mul(24))),
        _ => duration(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
    }

    #[test]
    fn a_window_may_be_given_in_days() {
        assert_eq!(days("2d"), Ok(Duration::from_hours(48)));
        assert_eq!(days("36h"), Ok(Duration::from_hours(36)));
    }

    #[test]
    fn a_time_without_a_unit_is_refused() {
        assert!(duration("60").is_err());
    }
}
