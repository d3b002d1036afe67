//! What the domain of an address shows without any sign-in.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use serde_json::Value;

use crate::{
    cli::{
        args::Look,
        config::{self, Source, Wishes},
        live, select,
        trouble::Trouble,
    },
    engine::Catalogue,
};

/// Facts to find out.
const WANTED: &[&str] = &[
    "tenant.found",
    "tenant.id",
    "tenant.cloud",
    "world.kind",
    "world.mailbox_location",
    "discovery.ews_url",
];

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The sign-in service knows the domain: tenant id.
    pub tenant: Option<String>,
    /// The sign-in service says that no tenant has the domain.
    pub no_tenant: bool,
    /// National cloud, as the configuration names it.
    pub cloud: Option<String>,
    /// The mailbox lives on an Exchange Server.
    pub on_premises: bool,
    /// Its EWS URL.
    pub ews: Option<String>,
}

impl Found {
    /// In words.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        match (&self.tenant, &self.cloud) {
            (Some(id), cloud) => {
                let cloud = cloud.as_ref().map(|cloud| format!(" in the cloud {cloud}")).unwrap_or_default();
                words.push(format!("found: the tenant {id}{cloud}"));
            }
            (None, _) if self.no_tenant => words.push("found: no tenant of that domain".to_owned()),
            (None, _) => {
                words.push("not found out: whether the domain has a tenant; nobody answered".to_owned());
            }
        }
        if let (true, Some(url)) = (self.on_premises, &self.ews) {
            words.push(format!("found: an Exchange Server at {url}"));
        }
        words
    }
}

/// Looks at the domain of an address; `set` are values of the configuration to look with.
pub fn look(address: &str, set: &[String], look: &Look, catalogue: &Catalogue) -> Result<Found, Trouble> {
    let text = format!("[[account]]\naddress = {}\n", toml::Value::from(address));
    let source = Source { name: "the answers".into(), folder: PathBuf::from("."), text };
    let (mut file, source) = config::load(source, set)?;
    config::without_secrets(&mut file);
    let wishes = Wishes { no_sign_in: true, ..Wishes::default() };
    let plan = config::plan(&file, &source, &wishes, &select::profiles(catalogue))?;
    let needed: BTreeSet<String> = WANTED.iter().map(|&path| path.to_owned()).collect();
    let document = live::interruptible(live::gather(plan, &needed, None, look, None, Arc::default()))?;
    let account = document.accounts.first();
    let tenant = account.and_then(|account| document.tenants.get(&account.tenant));
    let fact = |path: &str| {
        let own = account.and_then(|account| account.section.get(path));
        own.or_else(|| tenant.and_then(|tenant| tenant.section.get(path)))
    };
    let text = |path: &str| fact(path).and_then(Value::as_str).map(str::to_owned);
    let known = fact("tenant.found") == Some(&Value::Bool(true));
    let cloud = text("tenant.cloud").map(|cloud| if cloud == "gcc" { "worldwide".into() } else { cloud });
    Ok(Found {
        tenant: text("tenant.id").filter(|_| known),
        no_tenant: fact("tenant.found") == Some(&Value::Bool(false)),
        cloud: cloud.filter(|_| known),
        on_premises: text("world.kind").as_deref() == Some("exchange-server")
            || text("world.mailbox_location").as_deref() == Some("on-premises"),
        ews: text("discovery.ews_url"),
    })
}
