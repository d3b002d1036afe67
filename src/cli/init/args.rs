//! Options of `init`: each of them answers one question.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{cli::args::Look, collect::World};

/// `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  syncready init
  syncready init --account svc-sync@contoso.com --profile cirasync
  syncready init --account svc-sync@contoso.com --yes --stdout
  syncready init --account svc-sync@contoso.com --world online-graph-app --reader client-certificate \\
      --reader-id 00000000-0000-0000-0000-000000000000 --reader-certificate reader.pem --yes

It asks what no option answers; with --yes it takes what it finds. A secret itself is never asked for: say where \
it is, as env:NAME, file:PATH or prompt. A file that is there already stays as it is.")]
pub struct Init {
    /// Address of the service account; in app worlds, of a mailbox to try.
    #[arg(long, value_name = "ADDRESS", help_heading = "Answers")]
    pub account: Option<String>,
    /// What the sync product needs.
    #[arg(long, value_name = "NAME", help_heading = "Answers")]
    pub profile: Option<String>,
    /// Where the mailbox lives and how the product signs in.
    #[arg(long, value_enum, value_name = "WORLD", help_heading = "Answers")]
    pub world: Option<World>,
    /// Who reads the directory.
    #[arg(long, value_enum, value_name = "KIND", help_heading = "Answers")]
    pub reader: Option<Reader>,
    /// App id of the reader.
    #[arg(long, value_name = "ID", help_heading = "Answers")]
    pub reader_id: Option<String>,
    /// Where the reader's secret is.
    #[arg(long, value_name = "PLACE", help_heading = "Answers")]
    pub reader_secret: Option<String>,
    /// PEM file with the reader's certificate and key.
    #[arg(long, value_name = "FILE", help_heading = "Answers")]
    pub reader_certificate: Option<String>,
    /// Whom the product signs in as.
    #[arg(long, value_enum, value_name = "KIND", help_heading = "Answers")]
    pub subject: Option<Subject>,
    /// App id of the product.
    #[arg(long, value_name = "ID", help_heading = "Answers")]
    pub subject_id: Option<String>,
    /// Where the product's secret, password or refresh token is.
    #[arg(long, value_name = "PLACE", help_heading = "Answers")]
    pub subject_secret: Option<String>,
    /// Take what is found, or what is usual, wherever no option answers.
    #[arg(short, long, help_heading = "Answers")]
    pub yes: bool,

    /// A further value of the configuration, for example `network.proxy=http://proxy:8080`; repeatable.
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Configuration")]
    pub set: Vec<String>,
    /// Do not look at the domain from outside.
    #[arg(long, help_heading = "Configuration")]
    pub offline: bool,

    /// File to write.
    #[arg(short, long, value_name = "FILE", default_value = "syncready.toml", help_heading = "Output")]
    pub output: PathBuf,
    /// Print the configuration instead of writing a file.
    #[arg(long, conflicts_with = "output", help_heading = "Output")]
    pub stdout: bool,
    /// How it looks.
    #[command(flatten)]
    pub look: Look,
}

/// Who reads the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Reader {
    /// Nobody: what can be seen from outside, and by the product's own sign-in.
    None,
    /// A person, in a browser on this machine.
    Browser,
    /// An app with a certificate.
    ClientCertificate,
    /// An app with a secret.
    ClientSecret,
    /// A person, who types a code in a browser anywhere.
    DeviceCode,
}

/// Whom the product signs in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// Not tried.
    None,
    /// An app with a secret.
    ClientSecret,
    /// The account with its password.
    Password,
    /// The account with a refresh token.
    RefreshToken,
    /// An app whose credential the vendor keeps.
    Vendor,
}
