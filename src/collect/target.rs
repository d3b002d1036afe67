//! What is to be examined: one account in its tenant, whom the product signs in as, and who reads.

use url::Url;

use crate::wire::Secret;

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

/// How an identity signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// App secret.
    ClientSecret,
    /// Password.
    Password,
}

/// The identity that reads the directory.
#[derive(Debug, Clone)]
pub struct Reader {
    /// How it signs in.
    pub sign_in: SignIn,
    /// App id.
    pub client_id: String,
    /// User name, where it signs in with a password.
    pub username: Option<String>,
    /// Secret or password.
    pub secret: Secret,
}

/// Kind of the subject's credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// App secret.
    ClientSecret,
    /// Certificate of an app (not yet spoken).
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
    /// The credential, if it is in the configuration.
    pub secret: Option<Secret>,
    /// HTTP scheme wanted by the product against its own server: basic, ntlm, negotiate or oauth.
    pub scheme: String,
    /// The configuration says the scheme; otherwise it is the usual one of the world.
    pub scheme_given: bool,
    /// User agent of the product.
    pub user_agent: Option<String>,
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
    /// A live sign-in as the product is allowed in this run.
    pub sign_in_allowed: bool,
    /// The product's credential is held by its vendor.
    pub vendor_credential: bool,
    /// Administrator named to give the product's consent.
    pub consenting_admin: Option<String>,
}

impl Target {
    /// The account's mail domain, lower case.
    pub fn mail_domain(&self) -> String {
        self.account.rsplit('@').next().unwrap_or_default().to_ascii_lowercase()
    }
}
