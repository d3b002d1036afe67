//! What is to be examined: one account in its tenant, whom the product signs in as, and who reads.

use std::collections::BTreeSet;

use url::Url;

use crate::sync::Part;
use crate::wire::{Secret, certificate::AppKey, sign_in::ManagedIdentity};

/// Where the account lives and how the product reaches it: decides what is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum World {
    /// Exchange Server, EWS, RBAC impersonation.
    ExchangeServer,
    /// Exchange Online by EWS as an app.
    OnlineEwsApp,
    /// Exchange Online by Graph as an app.
    OnlineGraphApp,
    /// Exchange Online by a signed-in service account.
    OnlineDelegated,
}

impl World {
    /// As in `world.kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExchangeServer => "exchange-server",
            Self::OnlineEwsApp => "online-ews-app",
            Self::OnlineGraphApp => "online-graph-app",
            Self::OnlineDelegated => "online-delegated",
        }
    }

    /// Exchange Online.
    pub fn is_cloud(self) -> bool {
        self != Self::ExchangeServer
    }

    /// The subject is an app, not an account.
    pub fn is_app(self) -> bool {
        matches!(self, Self::OnlineEwsApp | Self::OnlineGraphApp)
    }
}

/// Protocol of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Exchange Web Services.
    Ews,
    /// Microsoft Graph.
    Graph,
}

/// National clouds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cloud {
    /// 21Vianet.
    China,
    /// Department of Defense.
    Dod,
    /// GCC High.
    GccHigh,
    /// Worldwide, GCC included.
    #[default]
    Worldwide,
}

/// How the reader signs in.
#[derive(Debug, Clone)]
pub enum SignIn {
    /// Certificate of an app.
    Certificate(AppKey),
    /// App secret.
    ClientSecret(Secret),
    /// A program of the user's own that prints a token.
    Command {
        /// `azure-cli` or `token-command`.
        kind: &'static str,
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// An assertion of somebody whom the app's federated credential names.
    Federated(Secret),
    /// The identity of the Azure resource that this runs on.
    ManagedIdentity(ManagedIdentity),
    /// Password.
    Password {
        /// User name.
        username: String,
        /// Password.
        password: Secret,
    },
    /// The session of a person who has just signed in.
    Session {
        /// `browser` or `device-code`.
        kind: &'static str,
        /// Refresh token, held for this run only; `None`: nobody has signed in yet.
        token: Option<Secret>,
    },
}

impl SignIn {
    /// As in `reader.kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Certificate(_) => "client-certificate",
            Self::ClientSecret(_) => "client-secret",
            Self::Command { kind, .. } | Self::Session { kind, .. } => kind,
            Self::Federated(_) => "workload-identity",
            Self::ManagedIdentity(_) => "managed-identity",
            Self::Password { .. } => "password",
        }
    }

    /// It is an app's, whatever it gets.
    pub fn is_app(&self) -> bool {
        matches!(
            self,
            Self::Certificate(_) | Self::ClientSecret(_) | Self::Federated(_) | Self::ManagedIdentity(_)
        )
    }

    /// User name, where it signs in with a password.
    pub fn username(&self) -> Option<&str> {
        match self {
            Self::Password { username, .. } => Some(username),
            _ => None,
        }
    }
}

/// The identity that reads the directory.
#[derive(Debug, Clone)]
pub struct Reader {
    /// How it signs in.
    pub sign_in: SignIn,
    /// App id; `None` where somebody else brings the token.
    pub client_id: Option<String>,
}

/// Kind of the subject's credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// App secret.
    ClientSecret,
    /// Certificate of an app.
    ClientCertificate,
    /// Nothing configured.
    None,
    /// Password: Basic on-premises, the OAuth password grant in the cloud.
    Password,
    /// Refresh token.
    RefreshToken,
}

/// Whom the product signs in as.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Kind.
    pub kind: SubjectKind,
    /// The product's app id.
    pub client_id: Option<String>,
    /// Sign-in name of a password subject.
    pub username: Option<String>,
    /// The secret, if it is in the configuration.
    pub secret: Option<Secret>,
    /// The certificate with its key, if it is in the configuration.
    pub certificate: Option<AppKey>,
    /// HTTP scheme wanted by the product against its own server: basic, ntlm, negotiate or oauth.
    pub scheme: String,
    /// The configuration says the scheme; otherwise it is the usual one of the world.
    pub scheme_given: bool,
    /// User agent of the product.
    pub user_agent: Option<String>,
}

impl Subject {
    /// Its credential is in the configuration.
    pub fn is_held(&self) -> bool {
        self.secret.is_some() || self.certificate.is_some()
    }
}

/// Where to reach the services.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// `https://login.microsoftonline.com`
    pub sign_in: Url,
    /// `https://graph.microsoft.com`
    pub graph: Url,
    /// `https://outlook.office365.com`
    pub exchange_admin: Url,
    /// EWS URL; `None`: to be discovered (or the cloud's).
    pub ews: Option<Url>,
    /// Autodiscover base URL; `None`: as published.
    pub autodiscover: Option<Url>,
    /// URLs of the configuration that are not Microsoft's.
    pub custom: Vec<String>,
}

/// A domain controller to read the account from.
#[derive(Debug, Clone)]
pub struct ActiveDirectory {
    /// `ldaps://HOST`, or `ldap://HOST`, where TLS is begun before anything is said.
    pub url: Url,
    /// User name and password of a reader; `None`: the service account's own.
    pub identity: Option<(String, Secret)>,
    /// Where the search begins; `None`: the server's domain.
    pub base_dn: Option<String>,
}

/// The users whom the product is to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedUsers {
    /// These addresses.
    Listed(Vec<String>),
    /// The members of the group with this address or object id.
    Group(String),
}

/// A test sync that somebody asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestSync {
    /// Parts to do; `None`: those that the features in use and the protocol suggest.
    pub parts: Option<BTreeSet<Part>>,
    /// Mailboxes of others are written to as well.
    pub write_to_others: bool,
    /// All leftovers are removed at once, and nothing else is done.
    pub only_sweep: bool,
}

/// One account to examine.
#[derive(Debug, Clone)]
pub struct Target {
    /// Name of its tenant: configured domain, else the address's domain.
    pub tenant: String,
    /// Tenant domain (or id) to ask sign-in for.
    pub domain: String,
    /// Tenant id in the configuration.
    pub tenant_id: Option<String>,
    /// Cloud whose hosts are in use.
    pub cloud: Cloud,
    /// Hosts.
    pub endpoints: Endpoints,
    /// The account's address.
    pub account: String,
    /// World, where configuration or profile decide it; `None`: to be observed from outside.
    pub world: Option<World>,
    /// The configuration says that mailboxes live on both sides.
    pub hybrid: bool,
    /// Protocol of the product.
    pub protocol: Protocol,
    /// Whom the product signs in as.
    pub subject: Subject,
    /// Who reads the directory.
    pub reader: Option<Reader>,
    /// Where the account is read on-premises.
    pub active_directory: Option<ActiveDirectory>,
    /// Profile name.
    pub profile: String,
    /// Profile to use instead when the world turns out to be an Exchange Server; `None`: the user chose.
    pub profile_on_premises: Option<String>,
    /// Permissions that the product wants, as application permissions: (resource `graph` or
    /// `exchange`, permission).
    pub application_permissions: Vec<(String, String)>,
    /// Permissions that the product wants, as delegated permissions.
    pub delegated_permissions: Vec<(String, String)>,
    /// Features in use.
    pub features: Vec<String>,
    /// `organization` or `listed`.
    pub scope: String,
    /// `setup`, `operation`, or `None`: by what is found.
    pub phase: Option<String>,
    /// Other mailboxes named by the user.
    pub also: Vec<String>,
    /// Public folders to sync.
    pub public_folders: Vec<String>,
    /// Shared mailboxes that the product syncs.
    pub shared_mailboxes: Vec<String>,
    /// Mailboxes outside of what the product may reach.
    pub outside_mailboxes: Vec<String>,
    /// What the test sync is to do; `None`: nobody asked for one, and nothing is ever written.
    pub test_sync: Option<TestSync>,
    /// Users whom the product is to serve.
    pub wanted_users: Option<WantedUsers>,
    /// A live sign-in as the product is allowed in this run.
    pub sign_in_allowed: bool,
    /// The product's credential is held by its vendor.
    pub vendor_credential: bool,
    /// Administrator named to give the product's consent.
    pub consenting_admin: Option<String>,
    /// What persons said about this account.
    pub attested: Vec<Attested>,
}

/// An answer that a person gave to the question of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The check that asks.
    pub question: String,
    /// One of its answers.
    pub answer: String,
    /// Who answered.
    pub name: String,
    /// Day, `YYYY-MM-DD`.
    pub date: String,
}

impl Target {
    /// Distinguished names of the folders that the product syncs in each mailbox; the inbox where it
    /// syncs neither contacts nor calendars.
    pub fn synced_folders(&self) -> Vec<&'static str> {
        let uses = |feature: &str| self.features.iter().any(|own| own == feature);
        let folders = [("calendars", "calendar"), ("contacts", "contacts")];
        let synced: Vec<_> =
            folders.into_iter().filter(|(feature, _)| uses(feature)).map(|(_, folder)| folder).collect();
        if synced.is_empty() { vec!["inbox"] } else { synced }
    }

    /// The account's mail domain, lower case.
    pub fn mail_domain(&self) -> String {
        self.account.rsplit('@').next().unwrap_or_default().to_ascii_lowercase()
    }
}
