//! Options of `permissions`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, builder::PossibleValue};

use crate::cli::args::{Filter, Look, Output};
use crate::collect::World;

/// `permissions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready permissions
  syncready permissions --world online-graph-app --only mfa,consent
  syncready permissions --script powershell -o register-reader.ps1
  syncready permissions --script sh --tenant contoso.com -o register-reader.sh
  syncready permissions --consent-link --config contoso.toml
  syncready permissions --excess

--excess signs in as the configured reader; it ends with 0 when the reader holds exactly what is needed, \
with 1 when it holds more or less, with 3 when its token could not be got or read.")]
pub struct Permissions {
    /// What the sync product needs.
    #[arg(long, value_name = "NAME", help_heading = "Selection")]
    pub profile: Option<String>,
    /// Only for this world; without it, those of the configuration, else of the profile, else all.
    #[arg(long, value_enum, value_name = "WORLD", help_heading = "Selection")]
    pub world: Option<World>,
    /// Which checks.
    #[command(flatten)]
    pub filter: Filter,

    /// Configuration; without it ./syncready.toml, if it is there.
    #[arg(long, value_name = "FILE", env = "SYNCREADY_CONFIG", help_heading = "Configuration")]
    pub config: Option<PathBuf>,
    /// Directory of checks of your own; repeatable.
    #[arg(long, value_name = "DIR", help_heading = "Configuration")]
    pub checks: Vec<PathBuf>,
    /// Override a value of the configuration, for example `tenant.domain=contoso.com`.
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Configuration")]
    pub set: Vec<String>,
    /// Tenant for the link and the script, instead of the configured one.
    #[arg(long, value_name = "DOMAIN", help_heading = "Configuration")]
    pub tenant: Option<String>,
    /// App id for the link, instead of the configured reader's.
    #[arg(long, value_name = "ID", help_heading = "Configuration")]
    pub client_id: Option<String>,

    /// Print a script that registers the reader; it adds what is missing and replaces nothing.
    #[arg(long, value_enum, value_name = "SHELL", group = "instead", help_heading = "Instead of the plan")]
    pub script: Option<Shell>,
    /// Print the addresses where an administrator consents for the reader.
    #[arg(long, group = "instead", help_heading = "Instead of the plan")]
    pub consent_link: bool,
    /// Sign in as the configured reader and compare what it holds with what is needed.
    #[arg(long, group = "instead", help_heading = "Instead of the plan")]
    pub excess: bool,

    /// Format.
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Output")]
    pub format: Format,
    /// Where it goes.
    #[command(flatten)]
    pub output: Output,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

/// Formats of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// For tickets and wikis.
    Markdown,
}

/// Shells that a script can be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// PowerShell with the Microsoft Graph modules.
    Powershell,
    /// A POSIX shell with the Azure CLI.
    Sh,
}

impl ValueEnum for World {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::ExchangeServer, Self::OnlineDelegated, Self::OnlineEwsApp, Self::OnlineGraphApp]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()).help(match self {
            Self::ExchangeServer => "Exchange Server",
            Self::OnlineDelegated => "Exchange Online, a signed-in service account",
            Self::OnlineEwsApp => "Exchange Online, EWS as an app",
            Self::OnlineGraphApp => "Exchange Online, Graph as an app",
        }))
    }
}
