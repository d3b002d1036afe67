use serde_json::json;

use super::demand::{demand, frequency};
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
    let who = Who::User { id: "u-1".into(), groups: None, roles: None, guest: false, refresh_token: false };
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
        (json!({ "operator": "OR", "builtInControls": ["mfa", "compliantDevice"] }), (false, true, false)),
        (json!({ "operator": "AND", "builtInControls": ["mfa", "compliantDevice"] }), (false, true, true)),
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
