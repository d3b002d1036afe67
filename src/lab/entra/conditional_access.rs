//! Which Conditional Access policies of the world meet a sign-in, and what they demand.

use std::{collections::BTreeSet, net::Ipv4Addr};

use serde_json::Value;

use crate::lab::{
    World,
    world::{entries, is, items, role_template_id},
};

const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// A policy that meets the sign-in.
#[derive(Debug)]
pub struct Hit<'a> {
    policy: &'a Value,
}

impl Hit<'_> {
    /// Policy id.
    pub fn id(&self) -> String {
        self.policy["id"].as_str().unwrap_or_default().to_owned()
    }

    fn controls(&self) -> impl Iterator<Item = &str> {
        items(&self.policy["grantControls"]["builtInControls"]).filter_map(Value::as_str)
    }

    /// The policy lets nobody through.
    pub fn blocks(&self) -> bool {
        self.controls().any(|control| control == "block")
    }

    /// The policy wants a second factor.
    pub fn wants_factor(&self) -> bool {
        let strength = &self.policy["grantControls"]["authenticationStrength"];
        self.controls().any(|control| control == "mfa")
            || (!strength.is_null() && strength["requirementsSatisfied"] != "none")
    }

    /// The policy wants a managed device or app.
    pub fn wants_device(&self) -> bool {
        const DEVICE: [&str; 4] =
            ["compliantDevice", "domainJoinedDevice", "approvedApplication", "compliantApplication"];
        self.controls().any(|control| DEVICE.contains(&control))
    }

    /// The policy wants something to be accepted or done elsewhere.
    pub fn wants_step(&self) -> bool {
        let grant = &self.policy["grantControls"];
        items(&grant["termsOfUse"]).chain(items(&grant["customAuthenticationFactors"])).next().is_some()
    }

    /// Hours after which a session ends; `None` without such a control.
    pub fn frequency_hours(&self) -> Option<i64> {
        let frequency = &self.policy["sessionControls"]["signInFrequency"];
        if frequency.is_null() || frequency["isEnabled"] == false {
            return None;
        }
        if frequency["frequencyInterval"] == "everyTime" {
            return Some(0);
        }
        let value = frequency["value"].as_i64()?;
        Some(if frequency["type"] == "days" { value * 24 } else { value })
    }
}

/// The enabled policies that meet a user's sign-in to a resource.
pub fn for_user<'a>(world: &'a World, user: &Value, resource_app_id: &str) -> Vec<Hit<'a>> {
    enabled(world)
        .filter(|policy| policy["conditions"]["clientApplications"].is_null())
        .filter(|policy| {
            let conditions = &policy["conditions"];
            users_match(world, &conditions["users"], user)
                && application_matches(&conditions["applications"], resource_app_id)
                && client_matches(conditions)
                && location_matches(world, &conditions["locations"])
        })
        .map(|policy| Hit { policy })
        .collect()
}

/// The enabled policies that meet the sign-in of an app by itself.
pub fn for_app<'a>(world: &'a World, principal: &Value) -> Vec<Hit<'a>> {
    // Apps that other tenants own are out of reach of such policies.
    if !is(&principal["appOwnerOrganizationId"], world.tenant_id()) {
        return Vec::new();
    }
    enabled(world)
        .filter(|policy| {
            let apps = &policy["conditions"]["clientApplications"];
            let named = |list: &Value| {
                items(list).any(|id| id == "ServicePrincipalsInMyTenant" || id == &principal["id"])
            };
            named(&apps["includeServicePrincipals"])
                && !named(&apps["excludeServicePrincipals"])
                && location_matches(world, &policy["conditions"]["locations"])
        })
        .map(|policy| Hit { policy })
        .collect()
}

fn enabled(world: &World) -> impl Iterator<Item = &Value> {
    world
        .entries("/policies/conditional_access")
        .map(|(_, policy)| policy)
        .filter(|p| p["state"] == "enabled")
}

fn users_match(world: &World, condition: &Value, user: &Value) -> bool {
    let groups: BTreeSet<&str> =
        world.groups_of(user).into_iter().filter_map(|key| world.at("/groups")[key]["id"].as_str()).collect();
    let roles: Vec<_> =
        entries(&user["x"]["roles"]).filter_map(|(_, role)| role_template_id(role.as_str()?)).collect();
    let guest = user["userType"] == "Guest";
    let named = |prefix: &str| {
        let list = |suffix: &str| items(&condition[format!("{prefix}{suffix}")]).filter_map(Value::as_str);
        list("Users").any(|id| id == "All" || is(&user["id"], id) || (guest && id == "GuestsOrExternalUsers"))
            || list("Groups").any(|id| groups.contains(id))
            || list("Roles").any(|id| roles.contains(&id))
    };
    named("include") && !named("exclude")
}

fn application_matches(condition: &Value, resource: &str) -> bool {
    // Calls to Graph with mail permissions are judged as calls to the service behind it.
    let own = [resource, if resource == GRAPH { EXCHANGE } else { resource }];
    let named = |field: &str| {
        items(&condition[field]).filter_map(Value::as_str).any(|id| {
            id == "All"
                || own.contains(&id)
                || (id == "Office365" && (own.contains(&EXCHANGE) || own.contains(&GRAPH)))
        })
    };
    named("includeApplications") && !named("excludeApplications")
}

/// Password and refresh-token requests come from a native client without device or platform.
fn client_matches(conditions: &Value) -> bool {
    let kinds: Vec<_> = items(&conditions["clientAppTypes"]).filter_map(Value::as_str).collect();
    let native = kinds.is_empty() || kinds.contains(&"all") || kinds.contains(&"mobileAppsAndDesktopClients");
    let platforms = &conditions["platforms"]["includePlatforms"];
    let any_platform = platforms.is_null() || items(platforms).any(|platform| platform == "all");
    let no_risk =
        ["signInRiskLevels", "userRiskLevels"].iter().all(|risk| items(&conditions[*risk]).next().is_none());
    let any_flow = conditions["authenticationFlows"]["transferMethods"].is_null();
    native && any_platform && no_risk && any_flow
}

fn location_matches(world: &World, condition: &Value) -> bool {
    if condition.is_null() {
        return true;
    }
    let named = |field: &str| items(&condition[field]).filter_map(Value::as_str).any(|id| is_at(world, id));
    named("includeLocations") && !named("excludeLocations")
}

fn is_at(world: &World, location: &str) -> bool {
    if location == "All" {
        return true;
    }
    world
        .entries("/policies/named_locations")
        .filter(|(_, own)| match location {
            "AllTrusted" => own["isTrusted"] == true,
            id => is(&own["id"], id),
        })
        .any(|(_, own)| {
            let ip = world.text("/client/ip").unwrap_or_default();
            let country = world.text("/client/country").unwrap_or_default();
            items(&own["ipRanges"])
                .filter_map(|range| range["cidrAddress"].as_str())
                .any(|cidr| contains(cidr, ip))
                || items(&own["countriesAndRegions"]).any(|own| is(own, country))
        })
}

fn contains(cidr: &str, ip: &str) -> bool {
    let parse = || {
        let (network, bits) = cidr.split_once('/')?;
        let (network, ip) = (network.parse::<Ipv4Addr>().ok()?, ip.parse::<Ipv4Addr>().ok()?);
        let mask = u32::MAX.checked_shl(32_u32.checked_sub(bits.parse().ok()?)?).unwrap_or(0);
        Some(network.to_bits() & mask == ip.to_bits() & mask)
    };
    parse().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lab::world;

    fn hits(policy: &Value, groups: &[&str]) -> usize {
        let mut document = World::base("online-delegated").unwrap();
        world::merge(&mut document, &json!({"policies": {"conditional_access": {"p": policy}}}));
        let world = World::new(document, "2026-11-21T08:00:00Z".parse().unwrap()).unwrap();
        let mut user = world.at("/users/svc").clone();
        user["x"]["groups"] = json!(groups);
        for_user(&world, &user, GRAPH).len()
    }

    fn policy(users: &Value, more: &Value) -> Value {
        let mut policy = json!({"id": "p", "state": "enabled", "conditions": {
            "applications": {"includeApplications": ["Office365"]}, "users": users}});
        world::merge(&mut policy, more);
        policy
    }

    #[test]
    fn exclusion_by_group_wins_over_everybody() {
        let all = policy(
            &json!({"includeUsers": ["All"], "excludeGroups": ["9a9a9a9a-0000-4000-8000-000000000001"]}),
            &json!({}),
        );
        assert_eq!((hits(&all, &["sales"]), hits(&all, &["sync-users"])), (1, 0));
    }

    #[test]
    fn report_only_policies_meet_nobody() {
        let policy =
            policy(&json!({"includeUsers": ["All"]}), &json!({"state": "enabledForReportingButNotEnforced"}));
        assert_eq!(hits(&policy, &[]), 0);
    }

    #[test]
    fn a_trusted_place_is_left_out() {
        let mut document = World::base("online-delegated").unwrap();
        let locations = json!({"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]});
        world::merge(
            &mut document,
            &json!({"policies": {"named_locations": {"office": {
            "id": "l", "isTrusted": true, "ipRanges": [{"cidrAddress": "203.0.113.0/24"}]}}}}),
        );
        let world = World::new(document, "2026-11-21T08:00:00Z".parse().unwrap()).unwrap();
        assert!(!location_matches(&world, &locations));
        assert!(!contains("198.51.100.0/24", "203.0.113.7") && contains("0.0.0.0/0", "203.0.113.7"));
    }
}
