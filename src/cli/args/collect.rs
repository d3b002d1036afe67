//! The options of `collect`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{Check, Look, Output, Setting, duration};

/// `collect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready collect --script svc-sync@contoso.com --as alice@contoso.com -o import.ps1
  syncready check svc-sync@contoso.com --import roles.json
  syncready collect -o facts.json && syncready check --from facts.json

The script is read-only. It runs in the Exchange Management Shell, as a member of View-Only
Organization Management:  .\\import.ps1 > roles.json")]
pub struct Collect {
    /// Addresses; without any, all accounts of the configuration.
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
    /// Print a PowerShell script that reads what no protocol of an Exchange Server tells.
    #[arg(long, conflicts_with_all = ["profile", "retry_sign_in"])]
    pub script: bool,

    /// Whom it is about.
    #[command(flatten)]
    pub setting: Setting,
    /// Also ask about this mailbox, read only; repeatable.
    #[arg(long = "as", value_name = "MAILBOX", help_heading = "Configuration")]
    pub as_mailboxes: Vec<String>,
    /// Also read what such a script wrote on an Exchange Server; repeatable.
    #[arg(long = "import", value_name = "FILE", conflicts_with = "script", help_heading = "Configuration")]
    pub imports: Vec<PathBuf>,
    /// Do not sign in as the product, even where its credential is configured.
    #[arg(long, conflicts_with_all = ["retry_sign_in", "script"], help_heading = "Configuration")]
    pub no_sign_in: bool,
    /// Time limit of the whole run.
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "script")]
    #[arg(help_heading = "Configuration")]
    pub timeout: Option<Duration>,

    /// Only what these checks or areas need; repeatable, or separated by commas.
    #[arg(long, value_name = "ID", value_delimiter = ',', conflicts_with = "script")]
    #[arg(help_heading = "Selection")]
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
        Check {
            accounts: self.accounts.clone(),
            setting: self.setting.clone(),
            as_mailboxes: self.as_mailboxes.clone(),
            imports: self.imports.clone(),
            no_sign_in: self.no_sign_in,
            timeout: self.timeout,
            only: self.only.clone(),
            look: self.look.clone(),
            ..Check::plain()
        }
    }
}
