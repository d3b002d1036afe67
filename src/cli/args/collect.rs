//! The options of `collect`.

use clap::Args;

use super::{Check, Filter, Live, Look, Output, Report};

/// `collect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready collect --script svc-sync@contoso.com --as alice@contoso.com -o import.ps1
  syncready check svc-sync@contoso.com --import roles.json
  syncready collect -o facts.json && syncready check --from facts.json

The script is read-only. It runs in the Exchange Management Shell, as a member of View-Only \
Organization Management:  .\\import.ps1 > roles.json")]
#[command(mut_arg("as_mailboxes", |arg| arg.help("Also ask about this mailbox, read only; repeatable")))]
pub struct Collect {
    /// Addresses; without any, all accounts of the configuration.
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
    /// Print a PowerShell script that reads what no protocol of an Exchange Server tells.
    #[arg(long, conflicts_with_all = ["profile", "retry_sign_in", "imports", "no_sign_in", "timeout", "only"])]
    pub script: bool,

    /// How it is looked at.
    #[command(flatten)]
    pub live: Live,

    /// Only what these checks or areas need; repeatable, or separated by commas.
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = "Selection")]
    pub only: Vec<String>,

    /// Where it goes.
    #[command(flatten)]
    pub output: Output,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

impl Collect {
    /// The check that would see the same.
    pub fn as_check(&self) -> Check {
        let plain = Check::plain();
        Check {
            accounts: self.accounts.clone(),
            live: self.live.clone(),
            filter: Filter { only: self.only.clone(), ..Filter::default() },
            report: Report { look: self.look.clone(), ..plain.report },
            ..plain
        }
    }
}
