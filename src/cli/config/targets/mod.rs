//! From a configuration and the wishes of the command line to what is to be examined.

mod subject;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use toml::Spanned;
use url::Url;

use super::{
    File, Source, Vault, address,
    file::{self, CloudName, HeldBy},
    net, sign_in,
    worlds::Signs,
};
use crate::{
    cli::problem::Problem,
    collect::{
        ActiveDirectory, Endpoints, Protocol, Reader, Subject, Target, TestSync, import::Import,
        session::Tasks,
    },
    engine::Permission,
    wire::NetConfig,
};

/// What a plan must know of a profile.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// Name.
    pub name: String,
    /// Worlds that the product knows; empty: all.
    pub worlds: Vec<String>,
    /// `graph` or `ews`.
    pub protocol: String,
    /// Features in use.
    pub features: Vec<String>,
    /// The product's app id.
    pub app_id: Option<String>,
    /// Its user agent.
    pub user_agent: Option<String>,
    /// `organization` or `listed`.
    pub scope: String,
    /// Permissions as an app.
    pub application: Vec<Permission>,
    /// Permissions as a user.
    pub delegated: Vec<Permission>,
}

/// What the command line asks for.
#[derive(Debug, Default)]
pub struct Wishes<'a> {
    /// Addresses; empty: all of the configuration.
    pub accounts: &'a [String],
    /// Profile for all of them.
    pub profile: Option<&'a str>,
    /// Other mailboxes to try.
    pub also: &'a [String],
    /// No sign-in as the product.
    pub no_sign_in: bool,
    /// Protocol instead of the product's usual one.
    pub protocol: Option<Protocol>,
    /// The test sync, where it is asked for.
    pub test_sync: Option<&'a TestSync>,
    /// Further mailboxes that the test sync must find refused.
    pub outside: &'a [String],
}

/// What is to be examined, and how.
#[derive(Debug)]
pub struct Plan {
    /// Targets in the order asked for.
    pub targets: Vec<Target>,
    /// The client's settings.
    pub net: NetConfig,
    /// Time limit of the run, where the configuration sets one.
    pub deadline: Option<Duration>,
    /// Files that fill what no call can read; put in by whoever may open files.
    pub imports: Arc<[Import]>,
    /// What goes on until it has cleaned up behind it.
    pub tasks: Tasks,
}

/// Makes the plan; `profiles` are all there are, by name.
pub fn plan(
    file: &File,
    source: &Source,
    wishes: &Wishes<'_>,
    profiles: &BTreeMap<String, Profile>,
) -> Result<Plan, Problem> {
    let cloud = net::cloud(file.tenant.as_ref().and_then(|tenant| tenant.get_ref().cloud));
    let mut planner = Planner {
        file,
        source,
        wishes,
        profiles,
        endpoints: net::endpoints(source, file, cloud)?,
        vault: Vault::default(),
        reader: None,
        active_directory: None,
    };
    let net = net::net(source, file)?;
    let deadline = file.limits.run.as_ref().map(|given| net::time(source, given)).transpose()?;
    planner.check_tenant()?;
    let chosen = planner.chosen()?;
    if !chosen.is_empty() {
        planner.reader = planner.reader()?;
        planner.active_directory = planner.active_directory()?;
    }
    let targets = chosen.into_iter().map(|chosen| planner.target(&chosen)).collect::<Result<_, _>>()?;
    Ok(Plan { targets, net, deadline, imports: Arc::default(), tasks: Tasks::default() })
}

/// An account with its table, if the configuration has one for it.
struct Chosen<'a> {
    address: String,
    table: Option<&'a Spanned<file::Account>>,
}

struct Planner<'a> {
    file: &'a File,
    source: &'a Source,
    wishes: &'a Wishes<'a>,
    profiles: &'a BTreeMap<String, Profile>,
    endpoints: Endpoints,
    vault: Vault,
    reader: Option<Reader>,
    active_directory: Option<ActiveDirectory>,
}

impl<'a> Planner<'a> {
    fn check_tenant(&self) -> Result<(), Problem> {
        let Some(tenant) = &self.file.tenant else { return Ok(()) };
        let (span, tenant) = (tenant.span(), tenant.get_ref());
        if let Some(domain) = &tenant.domain
            && address::fault(&format!("x@{}", domain.get_ref())).is_some()
        {
            let message = format!("`{}` is not a domain", domain.get_ref());
            return Err(self.source.problem(domain.span(), message, "not a domain"));
        }
        if let Some(id) = &tenant.id
            && uuid::Uuid::parse_str(id.get_ref()).is_err()
        {
            let message = format!("`{}` is not a tenant id", id.get_ref());
            return Err(self.source.problem(id.span(), message, "a GUID is wanted"));
        }
        if tenant.domain.is_none() && tenant.id.is_none() {
            return Err(self.source.problem(
                span,
                "the tenant has neither `domain` nor `id`",
                "one is needed",
            ));
        }
        Ok(())
    }

    fn chosen(&self) -> Result<Vec<Chosen<'a>>, Problem> {
        let mut configured = Vec::new();
        for table in &self.file.accounts {
            let Some(given) = &table.get_ref().address else {
                return Err(self.source.problem(
                    table.span(),
                    "the account has no `address`",
                    "one is needed",
                ));
            };
            self.checked(given)?;
            if configured.iter().any(|other: &Chosen<'_>| other.address.eq_ignore_ascii_case(given.get_ref()))
            {
                let message = format!("the account {} stands here twice", given.get_ref());
                return Err(self.source.problem(given.span(), message, "for the second time"));
            }
            configured.push(Chosen { address: given.get_ref().clone(), table: Some(table) });
        }
        if self.wishes.accounts.is_empty() {
            return Ok(configured);
        }
        let mut chosen: Vec<Chosen<'a>> = Vec::new();
        for wanted in self.wishes.accounts {
            plain_address(wanted)?;
            if chosen.iter().any(|other| other.address.eq_ignore_ascii_case(wanted)) {
                continue;
            }
            let known = configured.iter().find(|other| other.address.eq_ignore_ascii_case(wanted));
            chosen.push(Chosen { address: wanted.clone(), table: known.and_then(|known| known.table) });
        }
        Ok(chosen)
    }

    fn checked(&self, given: &Spanned<String>) -> Result<(), Problem> {
        address::fault(given.get_ref()).map_or(Ok(()), |fault| {
            let message = format!("`{}` is not a mail address: {fault}", given.get_ref());
            Err(self.source.problem(given.span(), message, "not an address"))
        })
    }

    fn reader(&mut self) -> Result<Option<Reader>, Problem> {
        let Some(table) = &self.file.reader else { return Ok(None) };
        sign_in::reader(self.source, &mut self.vault, table).map(Some)
    }

    fn active_directory(&mut self) -> Result<Option<ActiveDirectory>, Problem> {
        let Some(table) = &self.file.active_directory else { return Ok(None) };
        sign_in::active_directory(self.source, &mut self.vault, table).map(Some)
    }

    /// The profile; of the two bases, the one whose protocol was wished for.
    fn profile(&self, table: Option<&file::Account>) -> Result<&'a Profile, Problem> {
        let chosen = self.chosen_profile(table)?;
        let base = match self.wishes.protocol {
            Some(Protocol::Ews) if chosen.name == "generic-graph" => "generic-ews",
            Some(Protocol::Graph) if chosen.name == "generic-ews" => "generic-graph",
            _ => return Ok(chosen),
        };
        Ok(self.profiles.get(base).filter(|_| self.wishes.profile.is_none()).unwrap_or(chosen))
    }

    fn chosen_profile(&self, table: Option<&file::Account>) -> Result<&'a Profile, Problem> {
        let names: Vec<&String> = self.profiles.keys().collect();
        let find = |name: &str, problem: &dyn Fn(String) -> Problem| {
            self.profiles
                .get(name)
                .ok_or_else(|| problem(format!("unknown profile `{name}`")).choices(name, &names, "profiles"))
        };
        if let Some(name) = self.wishes.profile {
            return find(name, &|message| Problem::new(message));
        }
        if let Some(given) = table.and_then(|table| table.profile.as_ref()) {
            let problem = |message| self.source.problem(given.span(), message, "no such profile");
            return find(given.get_ref(), &problem);
        }
        let speaks_ews = |table: &file::Account| {
            let world = table.world.as_ref().map(Spanned::get_ref);
            let protocol = table.protocol.as_ref().map(Spanned::get_ref);
            matches!(world, Some(file::WorldName::ExchangeServer | file::WorldName::OnlineEwsApp))
                || protocol == Some(&file::ProtocolName::Ews)
        };
        let ews = table.is_some_and(speaks_ews) || (self.own_server() && self.file.tenant.is_none());
        find(if ews { "generic-ews" } else { "generic-graph" }, &|message| Problem::new(message))
    }

    /// Nobody chose a profile: an Exchange Server, if that is what comes to light, wants its own.
    fn profile_on_premises(&self, chosen: &Chosen<'_>) -> Option<String> {
        let named = chosen.table.is_some_and(|table| table.get_ref().profile.is_some());
        (self.wishes.profile.is_none() && !named).then(|| "generic-ews".to_owned())
    }

    fn own_server(&self) -> bool {
        self.endpoints.ews.as_ref().is_some_and(|url: &Url| !net::is_microsoft(url))
    }

    fn target(&mut self, chosen: &Chosen<'_>) -> Result<Target, Problem> {
        let table = chosen.table.map(Spanned::get_ref);
        let profile = self.profile(table)?;
        let raw = table.and_then(|table| table.subject.as_ref());
        let named = table.and_then(|table| table.world.as_ref()).map(|world| *world.get_ref());
        let protocol = table.and_then(|table| table.protocol.as_ref()).map(|protocol| *protocol.get_ref());
        let wished = self.wishes.protocol;
        let signs = Signs {
            named: named.map(|named| wished.map_or(named, |wished| beside(named, wished))),
            protocol: wished.map(protocol_name).or(protocol),
            kind: raw.and_then(|raw| raw.get_ref().kind.as_ref()).map(|kind| *kind.get_ref()),
            scheme: raw.and_then(|raw| raw.get_ref().scheme.as_ref()).map(|scheme| *scheme.get_ref()),
            own_server: self.own_server(),
            tenant: self.file.tenant.is_some(),
            profile,
        };
        if let (Some(contradiction), Some(wished)) = (signs.contradiction(), wished) {
            let how = if wished == Protocol::Ews { "ews" } else { "graph" };
            let message =
                format!("{} cannot be reached with `--protocol {how}`: {contradiction}", chosen.address);
            return Err(Problem::new(message));
        }
        if let (Some(contradiction), Some(table)) = (signs.contradiction(), chosen.table) {
            return Err(self.source.problem(table.span(), contradiction, "impossible combination"));
        }
        let world = signs.world();
        let subject = self.subject(chosen, raw, profile, world)?;
        self.assemble(chosen, profile, &signs, subject)
    }

    fn assemble(
        &self,
        chosen: &Chosen<'_>,
        profile: &Profile,
        signs: &Signs<'_>,
        subject: Subject,
    ) -> Result<Target, Problem> {
        let table = chosen.table.map(Spanned::get_ref);
        let tenant = self.file.tenant.as_ref().map(Spanned::get_ref);
        let text = |given: &Option<Spanned<String>>| given.as_ref().map(|given| given.get_ref().clone());
        let tenant_id = tenant.and_then(|tenant| text(&tenant.id));
        let mail_domain = chosen.address.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        let domain = tenant.and_then(|tenant| text(&tenant.domain)).map(|domain| domain.to_ascii_lowercase());
        let held = table
            .and_then(|table| table.subject.as_ref())
            .and_then(|subject| subject.get_ref().held_by.as_ref());
        Ok(Target {
            tenant: domain.clone().unwrap_or_else(|| mail_domain.clone()),
            domain: domain.or_else(|| tenant_id.clone()).unwrap_or(mail_domain),
            tenant_id,
            cloud: net::cloud(tenant.and_then(|tenant: &file::Tenant| -> Option<CloudName> { tenant.cloud })),
            endpoints: self.endpoints.clone(),
            account: chosen.address.clone(),
            world: signs.world(),
            hybrid: tenant.is_some_and(|tenant| tenant.hybrid),
            protocol: signs.protocol(),
            subject,
            reader: self.reader.clone(),
            active_directory: self.active_directory.clone(),
            profile: profile.name.clone(),
            profile_on_premises: self.profile_on_premises(chosen),
            application_permissions: wanted(&profile.application, signs.protocol()),
            delegated_permissions: wanted(&profile.delegated, signs.protocol()),
            features: table.and_then(|table| table.features.as_ref()).map_or_else(
                || profile.features.clone(),
                |given| given.iter().map(|f| feature_name(*f).into()).collect(),
            ),
            scope: match table.and_then(|table| table.scope) {
                Some(file::ScopeName::Listed) => "listed".into(),
                Some(file::ScopeName::Organization) => "organization".into(),
                None => profile.scope.clone(),
            },
            phase: table.and_then(|table| table.phase).map(|phase| match phase {
                file::Phase::Operation => "operation".into(),
                file::Phase::Setup => "setup".into(),
            }),
            also: self.also(table)?,
            public_folders: table.map(|table| table.public_folders.clone()).unwrap_or_default(),
            shared_mailboxes: self.mailboxes(table.map(|table| table.shared_mailboxes.as_slice()), &[])?,
            outside_mailboxes: self
                .mailboxes(table.map(|table| table.outside_mailboxes.as_slice()), self.wishes.outside)?,
            test_sync: self.wishes.test_sync.cloned(),
            wanted_users: table
                .and_then(|table| table.wanted_users.as_ref())
                .map(|wanted| super::wanted::read(self.source, wanted))
                .transpose()?,
            sign_in_allowed: !self.wishes.no_sign_in,
            vendor_credential: held.is_some_and(|held| *held.get_ref() == HeldBy::Vendor),
            consenting_admin: self.consenting_admin(table)?,
            attested: Vec::new(),
        })
    }

    fn consenting_admin(&self, table: Option<&file::Account>) -> Result<Option<String>, Problem> {
        let Some(given) = table.and_then(|table| table.consenting_admin.as_ref()) else { return Ok(None) };
        self.checked(given)?;
        Ok(Some(given.get_ref().clone()))
    }

    fn also(&self, table: Option<&file::Account>) -> Result<Vec<String>, Problem> {
        self.mailboxes(table.map(|table| table.also.as_slice()), self.wishes.also)
    }

    /// Mailboxes of the configuration and of the command line.
    fn mailboxes(
        &self,
        configured: Option<&[Spanned<String>]>,
        wished: &[String],
    ) -> Result<Vec<String>, Problem> {
        let mut mailboxes: Vec<String> = Vec::new();
        for given in configured.unwrap_or_default() {
            self.checked(given)?;
            mailboxes.push(given.get_ref().clone());
        }
        for wanted in wished {
            plain_address(wanted)?;
            if !mailboxes.iter().any(|other| other.eq_ignore_ascii_case(wanted)) {
                mailboxes.push(wanted.clone());
            }
        }
        Ok(mailboxes)
    }
}

/// The world of the same credential in which that protocol is spoken.
fn beside(named: file::WorldName, protocol: Protocol) -> file::WorldName {
    use file::WorldName::{OnlineEwsApp, OnlineGraphApp};
    match (named, protocol) {
        (OnlineGraphApp, Protocol::Ews) => OnlineEwsApp,
        (OnlineEwsApp, Protocol::Graph) => OnlineGraphApp,
        _ => named,
    }
}

fn protocol_name(protocol: Protocol) -> file::ProtocolName {
    match protocol {
        Protocol::Ews => file::ProtocolName::Ews,
        Protocol::Graph => file::ProtocolName::Graph,
    }
}

/// The (resource, permission) pairs that a product needs that speaks the protocol.
fn wanted(permissions: &[Permission], protocol: Protocol) -> Vec<(String, String)> {
    let name = if protocol == Protocol::Ews { "ews" } else { "graph" };
    let fitting = permissions.iter().filter(|wanted| wanted.is_for(name));
    fitting.map(|wanted| (wanted.resource.clone(), wanted.permission.clone())).collect()
}

/// Refuses what is no address on the command line.
pub fn plain_address(text: &str) -> Result<(), Problem> {
    address::fault(text).map_or(Ok(()), |fault| {
        Err(Problem::new(format!("`{text}` is not a mail address: {fault}"))
            .help("write it like svc-sync@contoso.com"))
    })
}

fn feature_name(feature: file::Feature) -> &'static str {
    match feature {
        file::Feature::Calendars => "calendars",
        file::Feature::Contacts => "contacts",
        file::Feature::Gal => "gal",
        file::Feature::Notifications => "notifications",
        file::Feature::PublicFolders => "public-folders",
        file::Feature::SharedMailboxes => "shared-mailboxes",
    }
}
