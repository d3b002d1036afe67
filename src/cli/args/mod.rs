//! The command line: every subcommand, option and help text. Parses, and decides nothing.

mod check;
mod collect;
mod shared;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, builder::styling};

pub use check::Check;
pub use collect::Collect;
pub use shared::{
    Brings, Color, ExitCodes, Filter, Format, Live, Look, Output, PageFormat, Report, Setting, TextFormat,
    days, duration,
};

const STYLES: styling::Styles = styling::Styles::styled()
    .header(styling::AnsiColor::Green.on_default().bold())
    .usage(styling::AnsiColor::Green.on_default().bold())
    .literal(styling::AnsiColor::Cyan.on_default().bold())
    .placeholder(styling::AnsiColor::Cyan.on_default());

/// Says whether a sync product's service account is ready, and if not, which one thing to fix.
#[derive(Debug, Parser)]
#[command(name = "syncready", version, styles = STYLES, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = TOP_EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const TOP_EXAMPLES: &str = "\
Examples:
  syncready check --demo                  see it work on a simulated tenant
  syncready check svc-sync@contoso.com    what can be seen from outside, without signing in
  syncready check                         the accounts in ./syncready.toml
  syncready explain mfa/per-user-mfa-is-off
  syncready troubleshoot --log sync.log   the likeliest cause behind a log

Exit codes: 0 ready or done, 1 not ready, 2 wrong usage or configuration, 3 undetermined, \
4 nothing to check, 70 our fault, 130 and 143 on signals.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check accounts: ready, or the first cause and its fix.
    Check(Box<Check>),
    /// Put what a run sees and finds into one archive for support, without names and secrets.
    Bundle(Box<super::bundle::args::Bundle>),
    /// Save what a run sees, or print the script for what no protocol tells.
    Collect(Box<Collect>),
    /// Do once what the product does: write to marked folders of its own, and remove them again.
    #[command(name = "sync-test")]
    SyncTest(Box<crate::cli::sync_test::args::SyncTest>),
    /// Ask every mailbox in scope whether the product can open it, and group the failures by cause.
    Coverage(Box<crate::cli::coverage::args::Coverage>),
    /// Say what a check, a cause or an error code means, and show the way out.
    Explain(Explain),
    /// Name the likeliest cause behind a log or an error text, prove it on an account, and show the way out.
    Troubleshoot(Box<crate::cli::troubleshoot::args::Troubleshoot>),
    /// List the checks, or run the examples that prove them.
    Checks(Checks),
    /// Serve a simulated tenant on this machine until Ctrl-C.
    Lab(Lab),
    /// Ask what is needed, look at the domain from outside, and write a configuration.
    Init(Box<crate::cli::init::args::Init>),
    /// Say which permissions the reader needs for the selected checks, and no more.
    Permissions(Box<crate::cli::permissions::args::Permissions>),
    /// Write pages for others.
    Docs(Docs),
    /// Print completions for a shell.
    Completions(Completions),
    /// Print a page of the manual, or write all of them into a folder.
    Man(Manual),
}

/// `explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready explain mfa/per-user-mfa-is-off        a check
  syncready explain consent-missing                a cause: the checks that find it, the way out
  syncready explain AADSTS50076                    a code of the sign-in, of EWS or of Graph
  syncready explain 'AADSTS7000222: The provided client secret keys are expired'
  syncready explain cirasync                       a profile, with what it rests on
  syncready explain mfa --format markdown          an area
  syncready explain 3                              an exit code

It needs no network. What is not known ends with exit code 2 and the nearest name.")]
pub struct Explain {
    /// Check, area, cause, profile, error code, exit code, or the text of an error.
    #[arg(value_name = "NAME", required = true, num_args = 1..)]
    pub id: Vec<String>,
    /// What is brought along.
    #[command(flatten)]
    pub brings: Brings,
    /// Format.
    #[arg(long, value_enum, default_value_t = PageFormat::Text, help_heading = "Output")]
    pub format: PageFormat,
    /// Where it goes.
    #[command(flatten)]
    pub output: Output,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

/// `docs`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready docs requirements --profile cirasync    what to set up, for the customer")]
pub struct Docs {
    /// Which page.
    #[command(subcommand)]
    pub page: DocsPage,
}

/// Pages for others.
#[derive(Debug, Subcommand)]
pub enum DocsPage {
    /// What a product needs, in the order of set-up, for the customer who sets it up.
    Requirements(Requirements),
}

/// `docs requirements`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready docs requirements --profile cirasync
  syncready docs requirements --profile cirrus-insight --world exchange-server --format html -o needs.html")]
pub struct Requirements {
    /// The product.
    #[arg(long, value_name = "NAME")]
    pub profile: String,
    /// Where the mailboxes live and how the product signs in; without it the product's usual world.
    #[arg(long, value_name = "WORLD")]
    pub world: Option<String>,
    /// What is brought along.
    #[command(flatten)]
    pub brings: Brings,
    /// Format.
    #[arg(long, value_enum, default_value_t = DocsFormat::Markdown, help_heading = "Output")]
    pub format: DocsFormat,
    /// Where it goes.
    #[command(flatten)]
    pub output: Output,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

/// Formats of pages for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DocsFormat {
    /// For wikis and tickets.
    Markdown,
    /// One page for a browser or a printer.
    Html,
    /// For a terminal.
    Text,
}

/// `checks`.
#[derive(Debug, Args)]
pub struct Checks {
    /// What to do with them.
    #[command(subcommand)]
    pub action: ChecksAction,
}

/// What to do with the checks.
#[derive(Debug, Subcommand)]
pub enum ChecksAction {
    /// List all checks by area.
    #[command(after_help = "Example:\n  syncready checks list --format json")]
    List {
        /// What is brought along.
        #[command(flatten)]
        brings: Brings,
        /// Format.
        #[arg(long, value_enum, default_value_t = TextFormat::Text, help_heading = "Output")]
        format: TextFormat,
        /// Where it goes.
        #[command(flatten)]
        output: Output,
        /// How it looks.
        #[command(flatten)]
        look: Look,
    },
    /// Run the examples of all checks, of a directory of checks, or of single check files.
    #[command(after_help = "\
Examples:
  syncready checks test
  syncready checks test my-checks
  syncready checks test my-checks/license/some-are-left.toml")]
    Test {
        /// Directories of checks, or check files; without any, all checks.
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// What is brought along.
        #[command(flatten)]
        brings: Brings,
        /// How it looks.
        #[command(flatten)]
        look: Look,
    },
    /// Start a check: a file that explains itself and whose examples hold.
    #[command(after_help = "\
Examples:
  syncready checks new license/some-are-left --dir my-checks
  syncready checks new license/some-are-left --dir my-checks --graph /v1.0/subscribedSkus")]
    New {
        /// Area and healthy statement, for example `license/some-are-left`.
        #[arg(value_name = "AREA/STATEMENT")]
        id: String,
        /// Directory of checks.
        #[arg(long, value_name = "DIR", default_value = "checks")]
        dir: PathBuf,
        /// Begin with a query to this path of Microsoft Graph.
        #[arg(long, value_name = "PATH")]
        graph: Option<String>,
        /// How it looks.
        #[command(flatten)]
        look: Look,
    },
}

impl ChecksAction {
    /// How its output looks.
    pub fn look(&self) -> &Look {
        match self {
            Self::List { look, .. } | Self::New { look, .. } | Self::Test { look, .. } => look,
        }
    }
}

/// `lab`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready lab
  syncready lab expired-secret --print json
  syncready lab healthy-app-ews --mailboxes 1000000")]
pub struct Lab {
    /// Scenario to serve; without one, a healthy tenant.
    #[arg(value_name = "SCENARIO")]
    pub scenario: Option<String>,
    /// Serve so many mailboxes more: box0000001@contoso.com and so on, computed when they are asked for.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..10_000_000))]
    pub mailboxes: Option<u64>,
    /// Add this to every answer.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub latency: Option<Duration>,
    /// Print addresses and credentials as text, or as one line of JSON.
    #[arg(long, value_enum, default_value_t = TextFormat::Text, value_name = "FORMAT")]
    pub print: TextFormat,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

/// `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready completions bash -o ~/.local/share/bash-completion/completions/syncready
  syncready completions zsh -o ~/.zfunc/_syncready
  syncready completions fish -o ~/.config/fish/completions/syncready.fish
  syncready completions powershell >> $PROFILE

In bash, zsh and fish they offer the names of checks, profiles, scenarios and causes, too.")]
pub struct Completions {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
    /// Where it goes.
    #[command(flatten)]
    pub output: Output,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

/// `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready man | man -l -
  syncready man check | man -l -
  syncready man -o ~/.local/share/man/man1")]
pub struct Manual {
    /// Page of this command; without one, of the whole program.
    #[arg(value_name = "COMMAND", conflicts_with = "output")]
    pub command: Vec<String>,
    /// Write the pages of all commands into DIR.
    #[arg(short, long, value_name = "DIR", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_holds_no_contradiction() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_demo_may_go_without_a_name() {
        let cli = Cli::try_parse_from(["syncready", "check", "--demo"]).expect("parses");
        let Command::Check(check) = cli.command else { panic!("check") };
        assert_eq!(check.demo.as_deref(), Some(""));
    }

    #[test]
    fn checks_may_be_separated_by_commas() {
        let cli = Cli::try_parse_from(["syncready", "check", "--only", "mfa,sso", "--only", "dns"]);
        let Command::Check(check) = cli.expect("parses").command else { panic!("check") };
        assert_eq!(check.filter.only, ["mfa", "sso", "dns"]);
    }
}
