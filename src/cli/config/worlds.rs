//! Which world an account lives in, as far as configuration and profile decide it.

use super::{
    Profile,
    file::{Kind, ProtocolName, Scheme, WorldName},
};
use crate::collect::{Protocol, World};

/// What the decision rests on.
#[derive(Debug, Clone, Copy)]
pub struct Signs<'a> {
    /// World that the configuration names.
    pub named: Option<WorldName>,
    /// Protocol that the configuration names.
    pub protocol: Option<ProtocolName>,
    /// Credential of the subject.
    pub kind: Option<Kind>,
    /// Scheme of the subject.
    pub scheme: Option<Scheme>,
    /// An own EWS server is configured.
    pub own_server: bool,
    /// A tenant is configured.
    pub tenant: bool,
    /// Needs of the product.
    pub profile: &'a Profile,
}

/// Every world with its name.
pub const WORLDS: &[(WorldName, World)] = &[
    (WorldName::ExchangeServer, World::ExchangeServer),
    (WorldName::OnlineDelegated, World::OnlineDelegated),
    (WorldName::OnlineEwsApp, World::OnlineEwsApp),
    (WorldName::OnlineGraphApp, World::OnlineGraphApp),
];

impl Signs<'_> {
    /// The protocol: named, of the named world, or the profile's.
    pub fn protocol(&self) -> Protocol {
        let ews = match (self.protocol, self.named) {
            (Some(protocol), _) => protocol == ProtocolName::Ews,
            (None, Some(WorldName::ExchangeServer | WorldName::OnlineEwsApp)) => true,
            (None, Some(WorldName::OnlineGraphApp)) => false,
            (None, None) if self.means_a_server() => true,
            (None, Some(WorldName::OnlineDelegated) | None) => self.profile.protocol == "ews",
        };
        if ews { Protocol::Ews } else { Protocol::Graph }
    }

    /// Nothing is named, but all that is said fits a server of one's own, which the product knows.
    fn means_a_server(&self) -> bool {
        let known = self.profile.worlds.iter().any(|world| world == World::ExchangeServer.as_str());
        let schemes = matches!(self.scheme, Some(Scheme::Basic | Scheme::Ntlm | Scheme::Negotiate));
        let app = matches!(self.kind, Some(Kind::ClientSecret | Kind::ClientCertificate));
        known && !app && (schemes || (self.own_server && !self.tenant))
    }

    /// The world; `None` where it has to be observed.
    pub fn world(&self) -> Option<World> {
        if let Some(named) = self.named {
            return WORLDS.iter().find(|(name, _)| *name == named).map(|(_, world)| *world);
        }
        match (self.kind?, self.protocol()) {
            (Kind::ClientSecret | Kind::ClientCertificate, Protocol::Graph) => Some(World::OnlineGraphApp),
            (Kind::ClientSecret | Kind::ClientCertificate, Protocol::Ews) => Some(World::OnlineEwsApp),
            (Kind::RefreshToken, _) | (Kind::Password, Protocol::Graph) => Some(World::OnlineDelegated),
            (Kind::Password, Protocol::Ews) => Some(self.password_by_ews()),
        }
    }

    fn password_by_ews(&self) -> World {
        let on_premises = match self.scheme {
            Some(Scheme::Basic | Scheme::Ntlm | Scheme::Negotiate) => true,
            Some(Scheme::Oauth) => false,
            None => self.own_server || !self.tenant,
        };
        if on_premises { World::ExchangeServer } else { World::OnlineDelegated }
    }

    /// Why these settings cannot go together; `None` when they can.
    pub fn contradiction(&self) -> Option<String> {
        let world = self.world()?;
        let (name, protocol) = (world.as_str(), self.protocol());
        let fits = match world {
            World::ExchangeServer | World::OnlineEwsApp => protocol == Protocol::Ews,
            World::OnlineGraphApp => protocol == Protocol::Graph,
            World::OnlineDelegated => true,
        };
        if !fits {
            let protocol = if protocol == Protocol::Ews { "EWS" } else { "Graph" };
            return Some(format!("the world `{name}` does not go with the protocol {protocol}"));
        }
        if self.kind.is_some_and(|kind| !allowed(world).contains(&kind)) {
            let kinds: Vec<&str> = allowed(world).iter().map(|kind| kind_name(*kind)).collect();
            return Some(format!("in the world `{name}` a product signs in with {}", kinds.join(" or ")));
        }
        if world.is_cloud() && self.scheme.is_some_and(|scheme| scheme != Scheme::Oauth) {
            return Some(format!(
                "the world `{name}` knows OAuth only: the other schemes ended there in 2022"
            ));
        }
        let worlds = &self.profile.worlds;
        if !worlds.is_empty() && !worlds.iter().any(|known| known == name) {
            return Some(format!("profile `{}` does not know the world `{name}`", self.profile.name));
        }
        None
    }
}

fn allowed(world: World) -> &'static [Kind] {
    match world {
        World::ExchangeServer => &[Kind::Password],
        World::OnlineDelegated => &[Kind::Password, Kind::RefreshToken],
        World::OnlineEwsApp | World::OnlineGraphApp => &[Kind::ClientSecret, Kind::ClientCertificate],
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::ClientCertificate => "client-certificate",
        Kind::ClientSecret => "client-secret",
        Kind::Password => "password",
        Kind::RefreshToken => "refresh-token",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(profile: &Profile) -> Signs<'_> {
        Signs {
            named: None,
            protocol: None,
            kind: None,
            scheme: None,
            own_server: false,
            tenant: true,
            profile,
        }
    }

    fn profile(protocol: &str) -> Profile {
        Profile { name: "test".into(), protocol: protocol.into(), ..Profile::default() }
    }

    #[test]
    fn without_a_credential_the_world_is_observed() {
        assert_eq!(signs(&profile("graph")).world(), None);
    }

    #[test]
    fn an_app_secret_and_graph_make_the_graph_app_world() {
        let profile = profile("graph");
        assert_eq!(
            Signs { kind: Some(Kind::ClientSecret), ..signs(&profile) }.world(),
            Some(World::OnlineGraphApp)
        );
    }

    #[test]
    fn a_password_for_an_own_server_makes_the_server_world() {
        let profile = profile("ews");
        let signs = Signs { kind: Some(Kind::Password), own_server: true, ..signs(&profile) };
        assert_eq!(signs.world(), Some(World::ExchangeServer));
    }

    #[test]
    fn a_product_for_both_sides_speaks_ews_to_a_server_of_ones_own() {
        let worlds = vec!["online-graph-app".into(), "exchange-server".into()];
        let profile = Profile { worlds, ..profile("graph") };
        let own = Signs { kind: Some(Kind::Password), own_server: true, tenant: false, ..signs(&profile) };
        assert_eq!((own.world(), own.contradiction()), (Some(World::ExchangeServer), None));
        let basic = Signs { kind: Some(Kind::Password), scheme: Some(Scheme::Basic), ..signs(&profile) };
        assert_eq!(basic.world(), Some(World::ExchangeServer));
    }

    #[test]
    fn an_app_secret_does_not_go_with_an_exchange_server() {
        let profile = profile("ews");
        let named = Some(WorldName::ExchangeServer);
        let signs = Signs { named, kind: Some(Kind::ClientSecret), ..signs(&profile) };
        assert!(signs.contradiction().is_some_and(|text| text.contains("password")));
    }

    #[test]
    fn a_profile_that_does_not_know_the_world_contradicts_it() {
        let profile = Profile { worlds: vec!["online-delegated".into()], ..profile("graph") };
        let signs = Signs { kind: Some(Kind::ClientSecret), ..signs(&profile) };
        assert!(signs.contradiction().is_some_and(|text| text.contains("online-graph-app")));
    }
}
