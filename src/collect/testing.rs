//! Targets for unit tests.

use super::{Cloud, Endpoints, Protocol, Subject, SubjectKind, Target, World};
use crate::wire::{Net, NetConfig, ProxySetting};

/// A delegated account without reader and without credential.
pub fn target(account: &str) -> Target {
    let url = |text: &str| text.parse().expect("a URL");
    let domain = account.rsplit('@').next().unwrap_or_default().to_owned();
    Target {
        tenant: domain.clone(),
        domain,
        tenant_id: None,
        cloud: Cloud::Worldwide,
        endpoints: Endpoints {
            sign_in: url("https://login.microsoftonline.com"),
            graph: url("https://graph.microsoft.com"),
            exchange_admin: url("https://outlook.office365.com"),
            ews: None,
            autodiscover: None,
            custom: Vec::new(),
        },
        account: account.to_owned(),
        world: Some(World::OnlineDelegated),
        hybrid: false,
        protocol: Protocol::Graph,
        subject: Subject {
            kind: SubjectKind::None,
            client_id: None,
            username: None,
            secret: None,
            certificate: None,
            scheme: "oauth".into(),
            scheme_given: false,
            user_agent: None,
        },
        reader: None,
        active_directory: None,
        profile: "generic-graph".into(),
        profile_on_premises: None,
        application_permissions: Vec::new(),
        delegated_permissions: Vec::new(),
        features: Vec::new(),
        scope: "organization".into(),
        phase: None,
        also: Vec::new(),
        public_folders: Vec::new(),
        shared_mailboxes: Vec::new(),
        outside_mailboxes: Vec::new(),
        test_sync: None,
        wanted_users: None,
        sign_in_allowed: false,
        vendor_credential: false,
        consenting_admin: None,
        attested: Vec::new(),
    }
}

/// A client that knows no proxy and asks a name server that nobody runs.
pub fn offline() -> Net {
    let mut config = NetConfig { proxy: ProxySetting::Direct, ..NetConfig::default() };
    config.dns = Some(([127, 0, 0, 1], 9).into());
    config.limits.dns = std::time::Duration::from_millis(50);
    Net::new(config).expect("a client")
}
