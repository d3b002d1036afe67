//! What may stand in `syncready.toml`: the shape only. The published schema is made of these types.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::secret::SecretSource;

/// The whole configuration of `syncready`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "syncready configuration")]
pub struct File {
    /// The Entra tenant; left out for an Exchange Server.
    #[schemars(with = "Option<Tenant>")]
    pub tenant: Option<Spanned<Tenant>>,
    /// The identity that reads the directory.
    #[schemars(with = "Option<Reader>")]
    pub reader: Option<Spanned<Reader>>,
    /// A domain controller to read accounts from.
    #[schemars(with = "Option<ActiveDirectory>")]
    pub active_directory: Option<Spanned<ActiveDirectory>>,
    /// The accounts to check.
    #[serde(default, rename = "account")]
    #[schemars(with = "Vec<Account>")]
    pub accounts: Vec<Spanned<Account>>,
    /// Files that the script of `syncready collect --script` wrote; relative to this file.
    #[serde(default, rename = "import")]
    #[schemars(with = "Vec<PathBuf>")]
    pub imports: Vec<Spanned<PathBuf>>,
    /// Servers to use instead of the cloud's own.
    #[serde(default)]
    pub endpoints: Endpoints,
    /// How servers are reached.
    #[serde(default)]
    pub network: Network,
    /// Bounds on time.
    #[serde(default)]
    pub limits: Limits,
    /// Answers to what only a person can know.
    #[serde(default, rename = "attest")]
    #[schemars(with = "Vec<Attest>")]
    pub attests: Vec<Spanned<Attest>>,
    /// Checks of your own.
    #[serde(default)]
    pub checks: OwnChecks,
    /// Parameters of checks, by check: they hold over those of the check and of the profile.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, BTreeMap<String, serde_json::Value>>")]
    pub params: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<toml::Value>>>,
    /// Profiles of your own, by name.
    #[serde(default, rename = "profile")]
    #[schemars(with = "BTreeMap<String, crate::engine::Draft>")]
    pub profiles: BTreeMap<String, Spanned<crate::engine::Draft>>,
    /// External commands that collect facts.
    #[serde(default, rename = "collector")]
    #[schemars(with = "Vec<Collector>")]
    pub collectors: Vec<Spanned<Collector>>,
    /// Findings that are known and accepted for a while.
    #[serde(default, rename = "waiver")]
    #[schemars(with = "Vec<Waiver>")]
    pub waivers: Vec<Spanned<Waiver>>,
}

/// Checks of your own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnChecks {
    /// Directories laid out like the built-in one, relative to this file; of two that say something about
    /// the same check, the later one holds.
    #[serde(default)]
    #[schemars(with = "Vec<PathBuf>")]
    pub directories: Vec<Spanned<PathBuf>>,
}

/// An external command that collects facts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collector {
    /// Name: its facts stand below `external.NAME`.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Program and arguments; no shell takes part. A program with `/` in it is relative to this file.
    #[schemars(with = "Vec<String>")]
    pub command: Spanned<Vec<String>>,
    /// How widely its facts hold, and so how often it is run.
    #[serde(default)]
    pub scope: CollectorScope,
    /// How long it may take; 10s.
    #[schemars(with = "Option<String>")]
    pub deadline: Option<Spanned<String>>,
    /// The facts that it yields, each with its kind.
    #[schemars(with = "crate::facts::Shape")]
    pub facts: Spanned<crate::facts::Shape>,
}

/// How widely the facts of a collector hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CollectorScope {
    /// One account.
    #[default]
    Account,
    /// The product's app in one tenant.
    App,
    /// One tenant.
    Tenant,
}

/// The Entra tenant.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// A verified domain, for example `contoso.com`.
    #[schemars(with = "Option<String>")]
    pub domain: Option<Spanned<String>>,
    /// Tenant id.
    #[schemars(with = "Option<String>")]
    pub id: Option<Spanned<String>>,
    /// National cloud.
    pub cloud: Option<CloudName>,
    /// Mailboxes live in the cloud and on the own servers.
    #[serde(default)]
    pub hybrid: bool,
}

/// National clouds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CloudName {
    /// 21Vianet.
    China,
    /// Department of Defense.
    Dod,
    /// GCC High.
    GccHigh,
    /// Worldwide, GCC included.
    Worldwide,
}

/// The identity that reads the directory.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// How it signs in.
    #[schemars(with = "ReaderSignIn")]
    pub sign_in: Option<Spanned<ReaderSignIn>>,
    /// Id of its app registration.
    #[schemars(with = "Option<String>")]
    pub client_id: Option<Spanned<String>>,
    /// User name, where it signs in with a password.
    pub username: Option<String>,
    /// Where its secret is.
    #[schemars(with = "Option<SecretSource>")]
    pub secret: Option<Spanned<SecretSource>>,
    /// Where its certificate is.
    #[schemars(with = "Option<Certificate>")]
    pub certificate: Option<Spanned<Certificate>>,
    /// Program that prints a token, with its arguments; `{resource}` and `{tenant}` are filled in.
    #[schemars(with = "Option<Vec<String>>")]
    pub token_command: Option<Spanned<Vec<String>>>,
}

/// Where a certificate and its private key are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// PEM file with the certificate, and with its key unless that has a file of its own.
    pub file: PathBuf,
    /// PEM file with the private key.
    pub key_file: Option<PathBuf>,
}

/// A domain controller to read accounts from, over TLS only.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActiveDirectory {
    /// `ldaps://dc01.contoso.com`; with `ldap://` TLS is begun (`StartTLS`) before anything is said.
    #[schemars(with = "String")]
    pub url: Option<Spanned<String>>,
    /// Who reads: `DOMAIN\name` or a user principal name; without it the service account itself.
    pub username: Option<String>,
    /// Where the reader's password is.
    #[schemars(with = "Option<SecretSource>")]
    pub secret: Option<Spanned<SecretSource>>,
    /// Distinguished name below which accounts are looked for; without it the server's domain.
    pub base_dn: Option<String>,
}

/// How the reader signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReaderSignIn {
    /// Whoever is signed in at the Azure CLI (`az`).
    AzureCli,
    /// A person, in a browser on this machine; nothing is stored.
    Browser,
    /// An app with a certificate.
    ClientCertificate,
    /// An app with a secret.
    ClientSecret,
    /// A person, who types a code in a browser anywhere; nothing is stored.
    DeviceCode,
    /// The identity of the Azure resource that this runs on.
    ManagedIdentity,
    /// A user with a password.
    Password,
    /// A program that prints a token.
    TokenCommand,
    /// A federated credential: the token of `AZURE_FEDERATED_TOKEN_FILE`.
    WorkloadIdentity,
}

/// One account to check.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its mail address; in app worlds the mailbox that is tried.
    #[schemars(with = "String")]
    pub address: Option<Spanned<String>>,
    /// What the sync product needs.
    #[schemars(with = "Option<String>")]
    pub profile: Option<Spanned<String>>,
    /// Where the mailbox lives and how the product signs in.
    #[schemars(with = "Option<WorldName>")]
    pub world: Option<Spanned<WorldName>>,
    /// Protocol of the product.
    #[schemars(with = "Option<ProtocolName>")]
    pub protocol: Option<Spanned<ProtocolName>>,
    /// Before or after the product was set up.
    pub phase: Option<Phase>,
    /// Administrator who gives the product's consent, where the account itself shall not.
    #[schemars(with = "Option<String>")]
    pub consenting_admin: Option<Spanned<String>>,
    /// Features in use; without it the profile's.
    pub features: Option<Vec<Feature>>,
    /// Which mailboxes the product shall reach.
    pub scope: Option<ScopeName>,
    /// Whom the product signs in as.
    #[schemars(with = "Option<Subject>")]
    pub subject: Option<Spanned<Subject>>,
    /// Other mailboxes to try, read only; `sync-test --yes` also writes to them.
    #[serde(default, rename = "as")]
    #[schemars(with = "Vec<String>")]
    pub also: Vec<Spanned<String>>,
    /// Shared mailboxes that the product syncs; the test sync opens each of them.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub shared_mailboxes: Vec<Spanned<String>>,
    /// Mailboxes outside of what the product may reach; the test sync tries whether they are refused.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub outside_mailboxes: Vec<Spanned<String>>,
    /// Public folders to sync.
    #[serde(default)]
    pub public_folders: Vec<String>,
    /// The users whom the product is to serve; they are held against what it may reach.
    #[schemars(with = "Option<super::wanted::Wanted>")]
    pub wanted_users: Option<Spanned<super::wanted::Wanted>>,
}

/// The four worlds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorldName {
    /// Exchange Server, EWS.
    ExchangeServer,
    /// Exchange Online, a signed-in service account.
    OnlineDelegated,
    /// Exchange Online, EWS as an app.
    OnlineEwsApp,
    /// Exchange Online, Graph as an app.
    OnlineGraphApp,
}

/// Protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProtocolName {
    /// Exchange Web Services.
    Ews,
    /// Microsoft Graph.
    Graph,
}

/// Phases of a roll-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The product runs.
    Operation,
    /// The product is being set up.
    Setup,
}

/// Features of sync products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Calendars.
    Calendars,
    /// Contacts.
    Contacts,
    /// The global address list.
    Gal,
    /// Notifications of changes.
    Notifications,
    /// Public folders.
    PublicFolders,
    /// Shared mailboxes.
    SharedMailboxes,
}

/// Which mailboxes the product shall reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeName {
    /// Only some.
    Listed,
    /// All.
    Organization,
}

/// Whom the product signs in as.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Kind of its credential.
    #[schemars(with = "Kind")]
    pub kind: Option<Spanned<Kind>>,
    /// The product's app id.
    pub client_id: Option<String>,
    /// Sign-in name; without it the account's address.
    pub username: Option<String>,
    /// Where its secret is.
    #[schemars(with = "Option<SecretSource>")]
    pub secret: Option<Spanned<SecretSource>>,
    /// Where the certificate of an app is.
    #[schemars(with = "Option<Certificate>")]
    pub certificate: Option<Spanned<Certificate>>,
    /// Scheme that the product uses against its server.
    #[schemars(with = "Option<Scheme>")]
    pub scheme: Option<Spanned<Scheme>>,
    /// User agent of the product; without it the profile's.
    pub user_agent: Option<String>,
    /// `vendor`: the credential cannot be had.
    #[schemars(with = "Option<HeldBy>")]
    pub held_by: Option<Spanned<HeldBy>>,
}

/// Kinds of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Certificate of an app.
    ClientCertificate,
    /// App secret.
    ClientSecret,
    /// Password.
    Password,
    /// Refresh token.
    RefreshToken,
}

/// HTTP schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Basic.
    Basic,
    /// Negotiate: not yet spoken.
    Negotiate,
    /// NTLM: not yet spoken.
    Ntlm,
    /// OAuth 2.0.
    Oauth,
}

/// Who holds a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeldBy {
    /// The product's vendor.
    Vendor,
}

/// Servers to use instead of the cloud's own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// In place of `https://login.microsoftonline.com`.
    #[schemars(with = "Option<String>")]
    pub sign_in: Option<Spanned<String>>,
    /// In place of `https://graph.microsoft.com`.
    #[schemars(with = "Option<String>")]
    pub graph: Option<Spanned<String>>,
    /// In place of `https://outlook.office365.com`.
    #[schemars(with = "Option<String>")]
    pub exchange_admin: Option<Spanned<String>>,
    /// EWS URL; without it, it is discovered.
    #[schemars(with = "Option<String>")]
    pub ews: Option<Spanned<String>>,
    /// Autodiscover; without it, as published.
    #[schemars(with = "Option<String>")]
    pub autodiscover: Option<Spanned<String>>,
}

/// How servers are reached.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// PEM file with additional trusted roots; relative to this file.
    #[schemars(with = "Option<PathBuf>")]
    pub ca_file: Option<Spanned<PathBuf>>,
    /// Name server, `ADDRESS:PORT`.
    #[schemars(with = "Option<String>")]
    pub dns: Option<Spanned<String>>,
    /// Proxy URL, or `none`.
    #[schemars(with = "Option<String>")]
    pub proxy: Option<Spanned<String>>,
    /// `HOST:PORT` of a URL = `ADDRESS:PORT` to connect to instead.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub connect_to: BTreeMap<String, Spanned<String>>,
}

/// Bounds on time, for example `10s`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The whole run; 60s.
    #[schemars(with = "Option<String>")]
    pub run: Option<Spanned<String>>,
    /// One request; 10s.
    #[schemars(with = "Option<String>")]
    pub request: Option<Spanned<String>>,
    /// TCP and TLS; 5s.
    #[schemars(with = "Option<String>")]
    pub connect: Option<Spanned<String>>,
    /// One DNS question; 3s.
    #[schemars(with = "Option<String>")]
    pub dns: Option<Spanned<String>>,
}

/// A finding that is known and accepted for a while.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The check.
    #[schemars(with = "String")]
    pub check: Option<Spanned<String>>,
    /// For this account only.
    pub account: Option<String>,
    /// Why it is accepted.
    #[schemars(with = "String")]
    pub reason: Option<Spanned<String>>,
    /// Last day, `YYYY-MM-DD`; without it the waiver holds for good.
    #[schemars(with = "Option<String>")]
    pub until: Option<Spanned<String>>,
}

/// What a person knows and no server tells: the answer to the question of a check.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attest {
    /// The check that asks.
    #[schemars(with = "String")]
    pub question: Option<Spanned<String>>,
    /// For this account only.
    pub account: Option<String>,
    /// One of the answers that the check offers.
    #[schemars(with = "String")]
    pub answer: Option<Spanned<String>>,
    /// Who answers.
    #[schemars(with = "String")]
    pub name: Option<Spanned<String>>,
    /// Day of the answer, `YYYY-MM-DD`; it counts for 180 days.
    #[schemars(with = "String")]
    pub date: Option<Spanned<String>>,
}
