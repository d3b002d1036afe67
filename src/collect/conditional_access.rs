//! Conditional Access, judged locally: does a policy reach this sign-in, and what does it ask for?
//!
//! Exclusion always wins; a condition that cannot be decided from outside makes a policy one that may
//! apply, never one that does not. Knows policies as Graph gives them, and nothing of how they came.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::directory::{text, texts, time};

/// Exchange Online: the resource of EWS, and the one by which Graph's mail permissions are judged.
pub const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";

/// How password, refresh-token and other native clients appear in policies.
const CLIENT: &str = "mobileAppsAndDesktopClients";

/// Controls that take a person.
const INTERACTIVE: [&str; 3] = ["mfa", "passwordchange", "riskremediation"];

/// Controls that take a managed device or app.
const DEVICE: [&str; 4] =
    ["compliantdevice", "domainjoineddevice", "approvedapplication", "compliantapplication"];

/// Conditions that are judged below; any other that is set cannot be decided.
const KNOWN: [&str; 13] = [
    "users",
    "applications",
    "clientAppTypes",
    "locations",
    "platforms",
    "devices",
    "signInRiskLevels",
    "userRiskLevels",
    "servicePrincipalRiskLevels",
    "insiderRiskLevels",
    "authenticationFlows",
    "clientApplications",
    "deviceStates",
];

/// Who signs in.
#[derive(Debug, Clone)]
pub enum Who {
    /// A user.
    User {
        /// Object id.
        id: String,
        /// Ids of its groups, nested ones too; `None`: not known.
        groups: Option<BTreeSet<String>>,
        /// Template ids of its active roles; `None`: not known.
        roles: Option<BTreeSet<String>>,
        /// It is a guest.
        guest: bool,
        /// It signs in with a refresh token, which may stem from any flow.
        refresh_token: bool,
    },
    /// An app that is registered in the tenant.
    App {
        /// Object id of its service principal.
        id: String,
    },
}

/// Whether a policy reaches the sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It does not.
    No,
    /// It would, but it excludes the account.
    Excluded,
    /// It does, unless one of these conditions says otherwise.
    Yes {
        /// Conditions that could not be decided.
        undecided: Vec<&'static str>,
    },
}

/// A yes, a no, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tri {
    No,
    Yes,
    Unknown,
}

impl Tri {
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            _ => Self::No,
        }
    }
}

impl From<bool> for Tri {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// Whether a policy reaches a sign-in to Exchange Online (also through Graph).
pub fn reach(policy: &Value, who: &Who) -> Reach {
    let conditions = policy.get("conditions").unwrap_or(&Value::Null);
    let mut undecided = Vec::new();
    let (included, excluded) = subject(conditions, who);
    match included {
        Tri::No => return Reach::No,
        Tri::Unknown => undecided.push("users"),
        Tri::Yes => {}
    }
    for condition in [resource(conditions), client(conditions, who), flow(conditions, who)] {
        match condition {
            (Tri::No, _) => return Reach::No,
            (Tri::Unknown, name) => undecided.push(name),
            (Tri::Yes, _) => {}
        }
    }
    match excluded {
        Tri::Yes => return Reach::Excluded,
        Tri::Unknown if !undecided.contains(&"users") => undecided.push("users"),
        _ => {}
    }
    undecided.extend(open_conditions(conditions));
    Reach::Yes { undecided }
}

/// Whether the policy includes the one who signs in, and whether it excludes it.
fn subject(conditions: &Value, who: &Who) -> (Tri, Tri) {
    let workload = conditions.get("clientApplications").unwrap_or(&Value::Null);
    let principals = texts(workload, "includeServicePrincipals");
    match who {
        Who::App { id } => {
            let holds =
                |list: &[String], all: &str| list.iter().any(|entry| same(entry, id) || same(entry, all));
            let included = holds(&principals, "ServicePrincipalsInMyTenant");
            let filter = is_set(workload.get("servicePrincipalFilter"));
            let excluded = holds(&texts(workload, "excludeServicePrincipals"), "ServicePrincipalsInMyTenant");
            let included = if !included && filter { Tri::Unknown } else { included.into() };
            (included, if !excluded && filter { Tri::Unknown } else { excluded.into() })
        }
        Who::User { .. } if !principals.is_empty() => (Tri::No, Tri::No),
        Who::User { id, groups, roles, guest, .. } => {
            let users = conditions.get("users").unwrap_or(&Value::Null);
            let side = |users_of: &str, groups_of: &str, roles_of: &str, guests_of: &str| {
                let listed = texts(users, users_of);
                let by_name = listed.iter().any(|entry| same(entry, "All") || same(entry, id));
                let guests = listed.iter().any(|entry| same(entry, "GuestsOrExternalUsers"));
                let guest_kinds = is_set(users.get(guests_of));
                let by_guest = match (*guest, guests, guest_kinds) {
                    (false, ..) | (true, false, false) => Tri::No,
                    (true, true, _) => Tri::Yes,
                    (true, false, true) => Tri::Unknown,
                };
                Tri::from(by_name)
                    .or(member(&texts(users, groups_of), groups.as_ref()))
                    .or(member(&texts(users, roles_of), roles.as_ref()))
                    .or(by_guest)
            };
            (
                side("includeUsers", "includeGroups", "includeRoles", "includeGuestsOrExternalUsers"),
                side("excludeUsers", "excludeGroups", "excludeRoles", "excludeGuestsOrExternalUsers"),
            )
        }
    }
}

fn member(listed: &[String], held: Option<&BTreeSet<String>>) -> Tri {
    match held {
        _ if listed.is_empty() => Tri::No,
        None => Tri::Unknown,
        Some(held) => listed.iter().any(|id| held.contains(&id.to_lowercase())).into(),
    }
}

/// Whether the policy covers Exchange Online.
fn resource(conditions: &Value) -> (Tri, &'static str) {
    let applications = conditions.get("applications").unwrap_or(&Value::Null);
    let covers = |list: &str| {
        texts(applications, list).iter().any(|entry| same(entry, EXCHANGE) || same(entry, "Office365"))
    };
    let all = texts(applications, "includeApplications").iter().any(|entry| same(entry, "All"));
    let filter = is_set(applications.get("applicationFilter"));
    let reached = match (all || covers("includeApplications"), covers("excludeApplications"), filter) {
        (_, true, _) => Tri::No,
        (_, false, true) => Tri::Unknown,
        (included, false, false) => included.into(),
    };
    (reached, "application filter")
}

/// Whether the policy covers clients without a browser.
fn client(conditions: &Value, who: &Who) -> (Tri, &'static str) {
    let kinds = texts(conditions, "clientAppTypes");
    let covered = kinds.is_empty() || kinds.iter().any(|kind| same(kind, "all") || same(kind, CLIENT));
    ((covered || matches!(who, Who::App { .. })).into(), "client app")
}

/// Whether the policy is about the way of signing in. A password is no device code; a refresh token
/// may stem from one.
fn flow(conditions: &Value, who: &Who) -> (Tri, &'static str) {
    let flows = conditions.get("authenticationFlows").unwrap_or(&Value::Null);
    let methods = texts(flows, "transferMethods").join(",");
    let bound = methods.split(',').map(str::trim).any(|method| !method.is_empty() && !same(method, "none"));
    let reached = match (bound, who) {
        (false, _) => Tri::Yes,
        (true, Who::User { refresh_token: true, .. }) => Tri::Unknown,
        (true, _) => Tri::No,
    };
    (reached, "authentication flow")
}

/// Conditions that depend on where and on what the product runs, on risk, or on what is new.
fn open_conditions(conditions: &Value) -> Vec<&'static str> {
    let mut open = Vec::new();
    if is_location_bound(conditions) {
        open.push("location");
    }
    let platforms = conditions.get("platforms").unwrap_or(&Value::Null);
    let any_platform = texts(platforms, "includePlatforms").iter().any(|entry| same(entry, "all"))
        && texts(platforms, "excludePlatforms").is_empty();
    if is_set(Some(platforms)) && !any_platform {
        open.push("device platform");
    }
    let others = [
        ("devices", "device filter"),
        ("deviceStates", "device state"),
        ("signInRiskLevels", "sign-in risk"),
        ("userRiskLevels", "user risk"),
        ("servicePrincipalRiskLevels", "app risk"),
        ("insiderRiskLevels", "insider risk"),
    ];
    open.extend(others.iter().filter(|(name, _)| is_set(conditions.get(*name))).map(|(_, word)| *word));
    let known = |name: &String| KNOWN.contains(&name.as_str()) || name.contains('@');
    let unknown =
        conditions.as_object().into_iter().flatten().any(|(name, value)| !known(name) && is_set(Some(value)));
    if unknown {
        open.push("a condition that this version does not know");
    }
    open
}

/// Whether a location decides.
fn is_location_bound(conditions: &Value) -> bool {
    let locations = conditions.get("locations").unwrap_or(&Value::Null);
    let included = texts(locations, "includeLocations");
    let everywhere = included.is_empty() || included.iter().any(|entry| same(entry, "All"));
    !everywhere || !texts(locations, "excludeLocations").is_empty()
}

/// Whether a condition holds anything.
fn is_set(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty() && !same(text, "none"),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(map)) => {
            map.iter().any(|(name, value)| !name.contains('@') && is_set(Some(value)))
        }
        Some(_) => true,
    }
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// What a policy asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// It lets nobody in.
    pub blocks: bool,
    /// A person is needed.
    pub interactive: bool,
    /// A managed device or app is needed.
    pub device: bool,
    /// Controls, as words.
    pub controls: Vec<String>,
}

/// What kind of proof one control asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Control {
    Free,
    Interactive,
    Device,
}

/// What a policy asks of a client that runs without a person.
pub fn demand(policy: &Value) -> Demand {
    let grant = policy.get("grantControls").unwrap_or(&Value::Null);
    let built_in = texts(grant, "builtInControls");
    let mut demand =
        Demand { blocks: built_in.iter().any(|control| same(control, "block")), ..Demand::default() };
    let mut kinds: Vec<_> = built_in.iter().map(|control| kind(control)).collect();
    demand.controls.extend(built_in);
    if let Some(strength) = grant.get("authenticationStrength").filter(|strength| strength.is_object()) {
        let single = strength.get("requirementsSatisfied").and_then(Value::as_str) == Some("none");
        kinds.push(if single { Control::Free } else { Control::Interactive });
        let name = strength.get("displayName").and_then(Value::as_str);
        demand.controls.push(
            name.map_or("authentication strength".into(), |name| format!("authentication strength {name}")),
        );
    }
    for (list, word) in [("termsOfUse", "terms of use"), ("customAuthenticationFactors", "custom control")] {
        if !texts(grant, list).is_empty() {
            kinds.push(Control::Interactive);
            demand.controls.push(word.into());
        }
    }
    let needs = |wanted| kinds.contains(&wanted);
    let all = grant.get("operator").and_then(Value::as_str).is_some_and(|operator| same(operator, "AND"));
    if !demand.blocks && (all || !needs(Control::Free)) {
        demand.interactive = needs(Control::Interactive);
        demand.device = needs(Control::Device) && (all || !demand.interactive);
    }
    demand
}

fn kind(control: &str) -> Control {
    let control = control.to_ascii_lowercase();
    if DEVICE.contains(&control.as_str()) {
        Control::Device
    } else if INTERACTIVE.contains(&control.as_str()) || !control.is_empty() {
        // A control that is not known yet is one that a service cannot be counted on to satisfy.
        Control::Interactive
    } else {
        Control::Free
    }
}

/// Sign-in frequency in hours; 0: every time; null: none.
fn frequency(policy: &Value) -> Value {
    let frequency = policy.pointer("/sessionControls/signInFrequency").unwrap_or(&Value::Null);
    if frequency.is_null() || frequency.get("isEnabled") == Some(&Value::Bool(false)) {
        return Value::Null;
    }
    if frequency["frequencyInterval"].as_str().is_some_and(|interval| same(interval, "everyTime")) {
        return 0.into();
    }
    let hours = if frequency["type"].as_str().is_some_and(|unit| same(unit, "days")) { 24 } else { 1 };
    frequency["value"].as_i64().and_then(|value| value.checked_mul(hours)).map_or(Value::Null, Value::from)
}

/// `enabled`, `disabled` or `report-only`.
pub fn state(policy: &Value) -> &'static str {
    match policy.get("state").and_then(Value::as_str).unwrap_or_default() {
        "enabled" => "enabled",
        "enabledForReportingButNotEnforced" => "report-only",
        _ => "disabled",
    }
}

/// One row of `mfa.policies`.
pub fn row(policy: &Value, undecided: &[&str], source: &str) -> Value {
    let demand = demand(policy);
    let name = policy.get("displayName").and_then(Value::as_str).unwrap_or_default();
    let managed = name.to_ascii_lowercase().starts_with("microsoft-managed");
    let mut row = Map::new();
    row.insert("id".into(), text(policy, "id"));
    row.insert("name".into(), text(policy, "displayName"));
    row.insert("state".into(), state(policy).into());
    row.insert("certain".into(), undecided.is_empty().into());
    row.insert("undecided".into(), json!(undecided));
    row.insert("blocks".into(), demand.blocks.into());
    row.insert("requires_mfa".into(), demand.interactive.into());
    row.insert("requires_device".into(), demand.device.into());
    row.insert("controls".into(), json!(demand.controls));
    let bound = is_location_bound(policy.get("conditions").unwrap_or(&Value::Null));
    row.insert("location_bound".into(), bound.into());
    row.insert("sign_in_frequency_hours".into(), frequency(policy));
    row.insert("microsoft_managed".into(), managed.into());
    row.insert("created_at".into(), time(policy, "createdDateTime"));
    row.insert("modified_at".into(), time(policy, "modifiedDateTime"));
    row.insert("source".into(), source.into());
    Value::Object(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> Who {
        let set = |ids: &[&str]| Some(ids.iter().map(|id| (*id).to_owned()).collect());
        Who::User {
            id: "u-1".into(),
            groups: set(&["g-1", "g-2"]),
            roles: set(&["r-1"]),
            guest: false,
            refresh_token: false,
        }
    }

    /// A policy for everybody and everything, with some conditions replaced.
    fn policy(conditions: Value) -> Value {
        let mut all = json!({ "users": { "includeUsers": ["All"] },
            "applications": { "includeApplications": ["All"] }, "clientAppTypes": ["all"] });
        if let (Some(all), Value::Object(conditions)) = (all.as_object_mut(), conditions) {
            all.extend(conditions);
        }
        json!({ "state": "enabled", "displayName": "P", "conditions": all })
    }

    fn undecided(conditions: Value) -> Vec<&'static str> {
        match reach(&policy(conditions), &user()) {
            Reach::Yes { undecided } => undecided,
            other => panic!("does not reach: {other:?}"),
        }
    }

    fn reached(conditions: Value) -> Reach {
        reach(&policy(conditions), &user())
    }

    const CERTAIN: Reach = Reach::Yes { undecided: Vec::new() };

    #[test]
    fn users_are_included_by_name_group_or_role() {
        for users in [
            json!({ "includeUsers": ["All"] }),
            json!({ "includeUsers": ["U-1"] }),
            json!({ "includeUsers": [], "includeGroups": ["G-2"] }),
            json!({ "includeRoles": ["r-1"] }),
        ] {
            assert_eq!(reached(json!({ "users": users })), CERTAIN, "{users}");
        }
        for users in [
            json!({ "includeUsers": ["None"] }),
            json!({ "includeUsers": ["GuestsOrExternalUsers"] }),
            json!({ "includeGroups": ["g-9"], "includeRoles": ["r-9"] }),
            json!({}),
        ] {
            assert_eq!(reached(json!({ "users": users })), Reach::No, "{users}");
        }
    }

    #[test]
    fn exclusion_wins_over_every_inclusion() {
        for users in [
            json!({ "includeUsers": ["All", "u-1"], "excludeUsers": ["u-1"] }),
            json!({ "includeUsers": ["All"], "excludeGroups": ["g-2"] }),
            json!({ "includeRoles": ["r-1"], "excludeRoles": ["r-1"] }),
        ] {
            assert_eq!(reached(json!({ "users": users })), Reach::Excluded, "{users}");
        }
    }

    #[test]
    fn a_policy_for_other_resources_excludes_nobody() {
        let conditions = json!({ "users": { "includeUsers": ["All"], "excludeUsers": ["u-1"] },
            "applications": { "includeApplications": ["other"] } });
        assert_eq!(reached(conditions), Reach::No);
    }

    #[test]
    fn unknown_memberships_leave_the_policy_open() {
        let who =
            Who::User { id: "u-1".into(), groups: None, roles: None, guest: false, refresh_token: false };
        let by_group = policy(json!({ "users": { "includeGroups": ["g-9"] } }));
        let except_group = policy(json!({ "users": { "includeUsers": ["All"], "excludeGroups": ["g-9"] } }));
        for policy in [by_group, except_group] {
            assert_eq!(reach(&policy, &who), Reach::Yes { undecided: vec!["users"] });
        }
    }

    #[test]
    fn the_resource_is_exchange_by_any_of_its_names() {
        for (applications, reaches) in [
            (json!({ "includeApplications": ["Office365"] }), true),
            (json!({ "includeApplications": [EXCHANGE] }), true),
            (json!({ "includeApplications": ["None"] }), false),
            (json!({ "includeApplications": ["All"], "excludeApplications": ["Office365"] }), false),
            (json!({ "includeApplications": [], "includeUserActions": ["urn:user:registerdevice"] }), false),
            (json!({ "includeApplications": ["MicrosoftAdminPortals"] }), false),
        ] {
            let reach = reached(json!({ "applications": applications }));
            assert_eq!(reach == CERTAIN, reaches, "{applications}");
        }
        let filtered = json!({ "applications": { "applicationFilter": { "mode": "include", "rule": "x" } } });
        assert_eq!(undecided(filtered), ["application filter"]);
    }

    #[test]
    fn only_policies_for_native_clients_count() {
        assert_eq!(reached(json!({ "clientAppTypes": ["browser"] })), Reach::No);
        assert_eq!(reached(json!({ "clientAppTypes": ["exchangeActiveSync", "other"] })), Reach::No);
        assert_eq!(reached(json!({ "clientAppTypes": [CLIENT] })), CERTAIN);
    }

    #[test]
    fn conditions_that_only_the_moment_decides_are_named() {
        for (conditions, word) in [
            (
                json!({ "locations": { "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] } }),
                "location",
            ),
            (json!({ "locations": { "includeLocations": ["l-1"] } }), "location"),
            (json!({ "platforms": { "includePlatforms": ["iOS"] } }), "device platform"),
            (json!({ "devices": { "deviceFilter": { "mode": "exclude", "rule": "x" } } }), "device filter"),
            (json!({ "signInRiskLevels": ["high"] }), "sign-in risk"),
            (json!({ "userRiskLevels": ["high"] }), "user risk"),
            (json!({ "agentRisk": ["high"] }), "a condition that this version does not know"),
        ] {
            assert_eq!(undecided(conditions), [word]);
        }
    }

    #[test]
    fn empty_conditions_decide_nothing() {
        let conditions = json!({ "locations": { "includeLocations": ["All"], "excludeLocations": [] },
            "platforms": null, "devices": null, "signInRiskLevels": [], "newThing": { "@odata.type": "x", "list": [] },
            "clientApplications": null, "insiderRiskLevels": null,
            "platforms@odata.context": "x" });
        assert_eq!(undecided(conditions), Vec::<&str>::new());
    }

    #[test]
    fn a_device_code_policy_does_not_reach_a_password() {
        let conditions =
            json!({ "authenticationFlows": { "transferMethods": "deviceCodeFlow,authenticationTransfer" } });
        assert_eq!(reached(conditions.clone()), Reach::No);
        let mut who = user();
        if let Who::User { refresh_token, .. } = &mut who {
            *refresh_token = true;
        }
        assert_eq!(reach(&policy(conditions), &who), Reach::Yes { undecided: vec!["authentication flow"] });
        assert_eq!(reached(json!({ "authenticationFlows": { "transferMethods": "none" } })), CERTAIN);
    }

    #[test]
    fn apps_are_reached_by_workload_policies_only() {
        let app = Who::App { id: "sp-1".into() };
        let workload = |list: Value| policy(json!({ "users": {}, "clientApplications": list }));
        assert_eq!(reach(&policy(json!({})), &app), Reach::No);
        let all = workload(json!({ "includeServicePrincipals": ["ServicePrincipalsInMyTenant"] }));
        assert_eq!(reach(&all, &app), CERTAIN);
        assert_eq!(reach(&all, &user()), Reach::No);
        let except = workload(json!({ "includeServicePrincipals": ["ServicePrincipalsInMyTenant"],
            "excludeServicePrincipals": ["sp-1"] }));
        assert_eq!(reach(&except, &app), Reach::Excluded);
    }

    fn demands(grant: &Value) -> (bool, bool, bool) {
        let demand = demand(&json!({ "grantControls": grant }));
        (demand.blocks, demand.interactive, demand.device)
    }

    #[test]
    fn grant_controls_become_demands() {
        for (grant, expected) in [
            (json!(null), (false, false, false)),
            (json!({ "operator": "OR", "builtInControls": ["block"] }), (true, false, false)),
            (json!({ "operator": "OR", "builtInControls": ["mfa"] }), (false, true, false)),
            (json!({ "operator": "OR", "builtInControls": ["compliantDevice"] }), (false, false, true)),
            (
                json!({ "operator": "OR", "builtInControls": ["mfa", "compliantDevice"] }),
                (false, true, false),
            ),
            (
                json!({ "operator": "AND", "builtInControls": ["mfa", "compliantDevice"] }),
                (false, true, true),
            ),
            (json!({ "operator": "OR", "builtInControls": [], "termsOfUse": ["t"] }), (false, true, false)),
            (json!({ "operator": "OR", "builtInControls": ["unknownFutureValue"] }), (false, true, false)),
        ] {
            assert_eq!(demands(&grant), expected, "{grant}");
        }
    }

    #[test]
    fn a_strength_counts_without_a_built_in_control() {
        let strength = |satisfied: &str| {
            json!({ "operator": "OR", "builtInControls": [],
            "authenticationStrength": { "id": "s", "displayName": "Strong", "requirementsSatisfied": satisfied } })
        };
        assert_eq!(demands(&strength("mfa")), (false, true, false));
        assert_eq!(demands(&strength("none")), (false, false, false));
        let either = json!({ "operator": "OR", "builtInControls": ["mfa"],
            "authenticationStrength": { "requirementsSatisfied": "none" } });
        assert_eq!(demands(&either), (false, false, false));
        let both = json!({ "operator": "AND", "builtInControls": ["mfa"],
            "authenticationStrength": { "requirementsSatisfied": "none" } });
        assert_eq!(demands(&both), (false, true, false));
    }

    #[test]
    fn sign_in_frequency_comes_in_hours() {
        let hours = |control: Value| frequency(&json!({ "sessionControls": { "signInFrequency": control } }));
        assert_eq!(hours(json!({ "value": 2, "type": "days", "frequencyInterval": "timeBased" })), 48);
        assert_eq!(hours(json!({ "value": 12, "type": "hours" })), 12);
        assert_eq!(hours(json!({ "frequencyInterval": "everyTime", "value": null })), 0);
        assert_eq!(hours(json!({ "isEnabled": false, "value": 1 })), Value::Null);
        assert_eq!(frequency(&json!({})), Value::Null);
    }

    #[test]
    fn a_row_carries_every_field_of_the_catalogue() {
        let mut policy = policy(json!({}));
        policy["displayName"] = "Microsoft-managed: all users".into();
        policy["state"] = "enabledForReportingButNotEnforced".into();
        let row = row(&policy, &["location"], "local");
        assert_eq!(
            (&row["state"], &row["certain"], &row["microsoft_managed"]),
            (&json!("report-only"), &json!(false), &json!(true))
        );
        let mut names: Vec<_> = row.as_object().expect("an object").keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, crate::facts::catalogue::children("mfa.policies[]"));
    }
}
