//! The What-If evaluation of Conditional Access: which policies meet a described sign-in, and why not.
//!
//! Exclusions win over inclusions; a condition that the caller did not describe cannot be judged and
//! is answered as not enough information; report-only policies count as applying.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::error::Refusal;
use super::routes::{Call, Found};
use crate::lab::names;
use crate::lab::view::{View, has, lists, public, text, texts};

/// Apps that stand behind the group `Office365`.
const OFFICE: &[&str] = &[
    "00000002-0000-0ff1-ce00-000000000000",
    "00000003-0000-0ff1-ce00-000000000000",
    "00000004-0000-0ff1-ce00-000000000000",
    "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe",
];
/// Apps that stand behind the group `MicrosoftAdminPortals`.
const PORTALS: &[&str] = &["c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "00000006-0000-0ff1-ce00-000000000000"];

/// Whether a condition of a policy is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// It is, or the policy does not set it.
    Yes,
    /// It is not.
    No,
    /// The caller did not say enough.
    Unknown,
}

/// The sign-in that the caller describes.
struct SignIn<'a> {
    view: View<'a>,
    user: Option<&'a Value>,
    principal: Option<&'a Value>,
    apps: Vec<&'a str>,
    actions: Vec<&'a str>,
    contexts: Vec<&'a str>,
    conditions: &'a Value,
}

/// `POST /identity/conditionalAccess/evaluate`.
pub(super) fn evaluate(call: &Call) -> Result<Found, Refusal> {
    let body = call.body()?;
    let sign_in = describe(call.view, &body)?;
    let applied_only = body["appliedPoliciesOnly"].as_bool().unwrap_or(false);
    let mut rows = Vec::new();
    for policy in call.view.rows("policies.conditional_access") {
        let reasons = reasons(&sign_in, policy);
        if !reasons.is_empty() && applied_only {
            continue;
        }
        let mut row = public(policy);
        row["policyApplies"] = reasons.is_empty().into();
        row["analysisReasons"] = if reasons.is_empty() { "notSet".into() } else { reasons.join(",").into() };
        rows.push(row);
    }
    let context =
        format!("https://{}/v1.0/$metadata#Collection(microsoft.graph.whatIfAnalysisResult)", call.ask.host);
    Ok(Found::Raw(json!({ "@odata.context": context, "value": rows })))
}

/// Reads the description; its identity and context are required.
fn describe<'a>(view: View<'a>, body: &'a Value) -> Result<SignIn<'a>, Refusal> {
    let bad = |text: String| Refusal::new(400, "BadRequest", text);
    let identity = &body["signInIdentity"];
    let (user, principal) = match text(identity, "@odata.type").trim_start_matches('#') {
        "microsoft.graph.userSignIn" => {
            let id = text(identity, "userId");
            let user = view.users_named(&[id]).into_iter().find(|user| has(user, "id", id));
            (Some(user.ok_or_else(|| bad(format!("1037: Invalid user id: {id}")))?), None)
        }
        "microsoft.graph.servicePrincipalSignIn" => {
            let id = text(identity, "servicePrincipalId");
            let all = view.rows("service_principals").into_iter();
            let principal = all.into_iter().find(|principal| has(principal, "id", id));
            (None, Some(principal.ok_or_else(|| bad(format!("1037: Invalid service principal id: {id}")))?))
        }
        _ => return Err(bad("1037: signInIdentity is required.".to_owned())),
    };
    let context = &body["signInContext"];
    if !context.is_object() {
        return Err(bad("1037: signInContext is required.".to_owned()));
    }
    let contexts = context["authenticationContextValue"].as_str().into_iter().collect();
    let actions = context["userAction"].as_str().into_iter().collect();
    let apps = texts(&context["includeApplications"]);
    Ok(SignIn { view, user, principal, apps, actions, contexts, conditions: &body["signInConditions"] })
}

/// A condition: name that the analysis gives it, and its judgement.
type Condition = (&'static str, fn(&SignIn, &Value) -> Met);

/// Every condition of a policy.
const CONDITIONS: &[Condition] = &[
    ("users", users),
    ("workloadIdentities", workloads),
    ("application", applications),
    ("userActions", user_actions),
    ("authenticationContext", authentication_context),
    ("devicePlatform", platforms),
    ("devices", devices),
    ("clientApps", client_apps),
    ("location", locations),
    ("signInRisk", sign_in_risk),
    ("userRisk", user_risk),
    ("insiderRisk", insider_risk),
    ("authenticationFlow", flows),
];

/// Why a policy does not meet the sign-in; empty when it does.
fn reasons(sign_in: &SignIn, policy: &Value) -> Vec<&'static str> {
    if text(policy, "state") == "disabled" {
        return vec!["policyNotEnabled"];
    }
    if policy["grantControls"].is_null() && policy["sessionControls"].is_null() {
        return vec!["emptyPolicy"];
    }
    let judged = CONDITIONS.iter().map(|(name, judge)| (*name, judge(sign_in, &policy["conditions"])));
    let mut found: Vec<&str> =
        judged.clone().filter(|(_, met)| *met == Met::No).map(|(name, _)| name).collect();
    if found.is_empty() && judged.clone().any(|(_, met)| met == Met::Unknown) {
        found.push("notEnoughInformation");
        found.extend(judged.filter(|(_, met)| *met == Met::Unknown).map(|(name, _)| name));
    }
    found
}

fn met(held: bool) -> Met {
    if held { Met::Yes } else { Met::No }
}

fn users(sign_in: &SignIn, conditions: &Value) -> Met {
    let Some(user) = sign_in.user else { return Met::Yes };
    let scope = &conditions["users"];
    let guest = has(user, "userType", "Guest");
    let groups = sign_in.view.groups_of(user, true);
    let roles: Vec<String> = texts(&user["x"]["roles"]).into_iter().map(|role| names::role(role).1).collect();
    let reached = |side: &str| {
        let named = &scope[format!("{side}Users")];
        lists(named, "All")
            || lists(named, text(user, "id"))
            || (guest
                && (lists(named, "GuestsOrExternalUsers")
                    || guests(&scope[format!("{side}GuestsOrExternalUsers")])))
            || groups.iter().any(|group| lists(&scope[format!("{side}Groups")], text(group, "id")))
            || roles.iter().any(|role| lists(&scope[format!("{side}Roles")], role))
    };
    met(reached("include") && !reached("exclude"))
}

/// Whether a guest condition names the kind that the lab's guests are.
fn guests(condition: &Value) -> bool {
    let kinds = text(condition, "guestOrExternalUserTypes");
    kinds.split(',').any(|kind| kind.trim() == "b2bCollaborationGuest")
}

fn workloads(sign_in: &SignIn, conditions: &Value) -> Met {
    let scope = &conditions["clientApplications"];
    let included = texts(&scope["includeServicePrincipals"]);
    let Some(principal) = sign_in.principal else {
        return met(included.is_empty());
    };
    // Only service principals of apps that belong to this tenant alone are in reach.
    let foreign = !has(principal, "appOwnerOrganizationId", text(sign_in.view.at("tenant"), "id"));
    let managed = has(principal, "servicePrincipalType", "ManagedIdentity");
    let id = text(principal, "id");
    let named =
        included.iter().any(|one| *one == "ServicePrincipalsInMyTenant" || one.eq_ignore_ascii_case(id));
    met(named && !foreign && !managed && !lists(&scope["excludeServicePrincipals"], id))
}

fn applications(sign_in: &SignIn, conditions: &Value) -> Met {
    let scope = &conditions["applications"];
    if sign_in.apps.is_empty() {
        let other = !sign_in.actions.is_empty() || !sign_in.contexts.is_empty();
        return if other { Met::Yes } else { Met::Unknown };
    }
    if scope["applicationFilter"]["rule"].is_string() {
        return Met::Unknown;
    }
    let within = |list: &Value, app: &str| {
        lists(list, "All")
            || lists(list, app)
            || (lists(list, "Office365") && OFFICE.contains(&app))
            || (lists(list, "MicrosoftAdminPortals") && PORTALS.contains(&app))
    };
    let reached = sign_in
        .apps
        .iter()
        .any(|app| within(&scope["includeApplications"], app) && !within(&scope["excludeApplications"], app));
    met(reached)
}

fn user_actions(sign_in: &SignIn, conditions: &Value) -> Met {
    let wanted = texts(&conditions["applications"]["includeUserActions"]);
    if sign_in.actions.is_empty() && wanted.is_empty() {
        return Met::Yes;
    }
    met(sign_in.actions.iter().any(|action| wanted.contains(action)))
}

fn authentication_context(sign_in: &SignIn, conditions: &Value) -> Met {
    let wanted = texts(&conditions["applications"]["includeAuthenticationContextClassReferences"]);
    if sign_in.contexts.is_empty() && wanted.is_empty() {
        return Met::Yes;
    }
    met(sign_in.contexts.iter().any(|context| wanted.contains(context)))
}

fn platforms(sign_in: &SignIn, conditions: &Value) -> Met {
    let scope = &conditions["platforms"];
    let included = texts(&scope["includePlatforms"]);
    if included.is_empty() {
        return Met::Yes;
    }
    let Some(platform) = sign_in.conditions["devicePlatform"].as_str() else {
        let everything =
            lists(&scope["includePlatforms"], "all") && texts(&scope["excludePlatforms"]).is_empty();
        return if everything { Met::Yes } else { Met::Unknown };
    };
    let within = |side: &str| lists(&scope[side], "all") || lists(&scope[side], platform);
    met(within("includePlatforms") && !within("excludePlatforms"))
}

fn devices(_: &SignIn, conditions: &Value) -> Met {
    // The rule language is not evaluated: with or without a device, the answer stays open.
    if conditions["devices"]["deviceFilter"]["rule"].is_string() { Met::Unknown } else { Met::Yes }
}

fn client_apps(sign_in: &SignIn, conditions: &Value) -> Met {
    let wanted = texts(&conditions["clientAppTypes"]);
    if wanted.is_empty() || wanted.contains(&"all") {
        return Met::Yes;
    }
    match sign_in.conditions["clientAppType"].as_str() {
        None => Met::Unknown,
        Some("all") => Met::Yes,
        Some(kind) => met(wanted.contains(&kind)),
    }
}

fn locations(sign_in: &SignIn, conditions: &Value) -> Met {
    let scope = &conditions["locations"];
    let included = texts(&scope["includeLocations"]);
    if included.is_empty() {
        return Met::Yes;
    }
    let any = |side: &str| {
        let judged = texts(&scope[side]).into_iter().map(|id| location(sign_in, id));
        judged.max_by_key(|met| match met {
            Met::No => 0,
            Met::Unknown => 1,
            Met::Yes => 2,
        })
    };
    match (any("includeLocations").unwrap_or(Met::No), any("excludeLocations").unwrap_or(Met::No)) {
        (Met::No, _) | (_, Met::Yes) => Met::No,
        (Met::Yes, Met::No) => Met::Yes,
        _ => Met::Unknown,
    }
}

/// Whether the sign-in comes from a named location.
fn location(sign_in: &SignIn, id: &str) -> Met {
    let all = sign_in.view.rows("policies.named_locations");
    let trusted = || all.iter().filter(|place| place["isTrusted"] == true);
    match id {
        "All" => Met::Yes,
        "AllTrusted" if trusted().count() == 0 => Met::No,
        "AllTrusted" => {
            trusted().map(|place| inside(sign_in, place)).find(|met| *met != Met::No).unwrap_or(Met::No)
        }
        _ => all.iter().find(|place| has(place, "id", id)).map_or(Met::No, |place| inside(sign_in, place)),
    }
}

fn inside(sign_in: &SignIn, place: &Value) -> Met {
    if place["countriesAndRegions"].is_array() {
        return match sign_in.conditions["country"].as_str() {
            Some(country) => met(lists(&place["countriesAndRegions"], country)),
            None => Met::Unknown,
        };
    }
    let Some(address) = sign_in.conditions["ipAddress"].as_str().and_then(|ip| ip.parse().ok()) else {
        return Met::Unknown;
    };
    let mut ranges = place["ipRanges"].as_array().into_iter().flatten();
    met(ranges.any(|range| contains(text(range, "cidrAddress"), address)))
}

/// Whether a range in prefix notation contains an address.
fn contains(range: &str, address: IpAddr) -> bool {
    let Some((base, length)) = range.split_once('/') else { return false };
    let (Ok(base), Ok(length)) = (base.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
    let bits = |address: IpAddr| match address {
        IpAddr::V4(four) => (u128::from(u32::from(four)) << 96, 32),
        IpAddr::V6(six) => (u128::from(six), 128),
    };
    let ((base, width), (address, other)) = (bits(base), bits(address));
    let mask = u128::MAX.checked_shl(128 - length.min(128)).unwrap_or(0);
    width == other && length <= width && (base & mask) == (address & mask)
}

/// A risk condition: levels that the policy wants against the level described.
fn risk(sign_in: &SignIn, wanted: &Value, field: &str) -> Met {
    let listed = wanted.as_str().map_or_else(|| texts(wanted), |one| one.split(',').map(str::trim).collect());
    if listed.is_empty() {
        return Met::Yes;
    }
    match sign_in.conditions[field].as_str() {
        None => Met::Unknown,
        Some(level) => met(listed.contains(&level)),
    }
}

fn sign_in_risk(sign_in: &SignIn, conditions: &Value) -> Met {
    let for_apps = risk(sign_in, &conditions["servicePrincipalRiskLevels"], "servicePrincipalRiskLevel");
    if for_apps == Met::Yes {
        risk(sign_in, &conditions["signInRiskLevels"], "signInRiskLevel")
    } else {
        for_apps
    }
}

fn user_risk(sign_in: &SignIn, conditions: &Value) -> Met {
    risk(sign_in, &conditions["userRiskLevels"], "userRiskLevel")
}

fn insider_risk(sign_in: &SignIn, conditions: &Value) -> Met {
    risk(sign_in, &conditions["insiderRiskLevels"], "insiderRiskLevel")
}

fn flows(sign_in: &SignIn, conditions: &Value) -> Met {
    let wanted = text(&conditions["authenticationFlows"], "transferMethods");
    let mut wanted =
        wanted.split(',').map(str::trim).filter(|method| !method.is_empty() && *method != "none").peekable();
    if wanted.peek().is_none() {
        return Met::Yes;
    }
    match sign_in.conditions["authenticationFlow"]["transferMethod"].as_str() {
        // A sign-in without a transfer is the ordinary one, not an unknown one.
        None | Some("none") => Met::No,
        Some(method) => met(wanted.any(|one| one == method)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_contain_their_addresses_only() {
        let address = |text: &str| text.parse().expect("an address");
        assert!(contains("203.0.113.0/24", address("203.0.113.7")));
        assert!(!contains("203.0.113.0/24", address("203.0.114.7")));
        assert!(contains("0.0.0.0/0", address("198.51.100.1")));
        assert!(contains("2001:db8::/32", address("2001:db8::1")));
        assert!(!contains("0.0.0.0/0", address("2001:db8::1")));
        assert!(!contains("203.0.113.0/99", address("203.0.113.7")));
    }
}
