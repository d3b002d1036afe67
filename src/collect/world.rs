//! Which world an account lives in, where neither configuration nor profile say.

use super::World;
use crate::facts::{Absence, Reason, Section};
use crate::wire::hosts;

/// The calls that the observation rests on.
pub(super) const OBSERVERS: &[&str] = &["tenant.openid", "discovery.mailbox", "discovery.route"];

/// What the observation found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Observed {
    /// Nothing had to be observed.
    Configured,
    /// A world.
    Seen {
        /// The world.
        world: World,
        /// Signs of both sides were seen.
        hybrid: bool,
    },
    /// Nothing that would decide it.
    Nothing(Absence),
}

/// Decides from the public facts: the tenant, and where Autodiscover leads.
pub(super) fn observe(known: &Section) -> Observed {
    let found = known.get("tenant.found").and_then(serde_json::Value::as_bool);
    let route = ["mailbox.route_url", "discovery.ews_url"]
        .iter()
        .find_map(|path| known.get(path)?.as_str()?.parse::<url::Url>().ok());
    let elsewhere = route.as_ref().is_some_and(|url| !url.host_str().is_some_and(hosts::is_microsoft));
    match (found, elsewhere) {
        (Some(true), false) => Observed::Seen { world: World::OnlineDelegated, hybrid: false },
        (Some(tenant), true) => Observed::Seen { world: World::ExchangeServer, hybrid: tenant },
        (Some(false), false) => {
            Observed::Nothing(Absence::new(Reason::Unreadable).with_text(
                "the sign-in service does not know the domain, and no Exchange server is published",
            ))
        }
        (None, true) => Observed::Seen { world: World::ExchangeServer, hybrid: false },
        (None, false) => Observed::Nothing(known.absence("tenant.found").cloned().unwrap_or_else(|| {
            Absence::new(Reason::NotAsked).with_text("neither the tenant nor a server could be asked")
        })),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn observed(found: Option<bool>, route: Option<&str>) -> Observed {
        let mut known = Section::default();
        match found {
            Some(found) => known.set("tenant.found", json!(found)),
            None => known.set_absent("tenant.found", Absence::new(Reason::Unreachable)),
        }
        known.set("discovery.ews_url", json!(route));
        observe(&known)
    }

    #[test]
    fn a_tenant_without_a_server_elsewhere_is_the_cloud() {
        let cloud = Observed::Seen { world: World::OnlineDelegated, hybrid: false };
        assert_eq!(observed(Some(true), Some("https://outlook.office365.com/EWS/Exchange.asmx")), cloud);
        assert_eq!(observed(Some(true), None), cloud);
    }

    #[test]
    fn a_server_without_a_tenant_is_exchange_server() {
        let server = Observed::Seen { world: World::ExchangeServer, hybrid: false };
        assert_eq!(observed(Some(false), Some("https://mail.contoso.example/EWS/Exchange.asmx")), server);
    }

    #[test]
    fn without_anything_seen_the_reason_stays() {
        let Observed::Nothing(absence) = observed(None, None) else { panic!("nothing was seen") };
        assert_eq!(absence.reason, Reason::Unreachable);
    }
}
