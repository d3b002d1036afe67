//! Sign-in policies, sign-in methods, the sign-in log, and directory roles.

#![expect(clippy::unnecessary_wraps, reason = "the handlers of the route table share one signature")]

use serde_json::{Value, json};

use super::directory::user;
use super::error::Refusal;
use super::routes::{Call, Found};
use crate::lab::names::{self, made_up};
use crate::lab::view::{P2, public, rows, text, texts};

/// `/policies/identitySecurityDefaultsEnforcementPolicy`.
pub(super) fn security_defaults(call: &Call) -> Result<Found, Refusal> {
    let on = call.view.at("policies.security_defaults").as_bool().unwrap_or(false);
    Ok(Found::One(json!({ "id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults",
        "description": "Security defaults is a set of basic identity security mechanisms recommended by Microsoft.", "isEnabled": on })))
}

/// `/policies/authorizationPolicy`.
pub(super) fn authorization(call: &Call) -> Result<Found, Refusal> {
    let policy = call.view.at("policies.authorization");
    let granted = texts(&policy["permissionGrantPoliciesAssigned"]);
    Ok(Found::One(json!({ "id": "authorizationPolicy", "displayName": "Authorization Policy",
        "description": "Used to manage authorization related settings across the company.",
        "allowInvitesFrom": "everyone", "allowedToSignUpEmailBasedSubscriptions": true, "allowedToUseSSPR": true,
        "allowEmailVerifiedUsersToJoinOrganization": false, "blockMsolPowerShell": false,
        "allowUserConsentForRiskyApps": policy["allowUserConsentForRiskyApps"],
        "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
        "defaultUserRolePermissions": { "allowedToCreateApps": true, "allowedToCreateSecurityGroups": true,
            "allowedToReadBitlockerKeysForOwnedDevice": true, "allowedToReadOtherUsers": true,
            "permissionGrantPoliciesAssigned": granted } })))
}

/// `/policies/adminConsentRequestPolicy`.
pub(super) fn admin_consent(call: &Call) -> Result<Found, Refusal> {
    let policy = call.view.at("policies.admin_consent");
    Ok(Found::One(
        json!({ "isEnabled": policy["isEnabled"].as_bool().unwrap_or(false), "notifyReviewers": false,
        "remindersEnabled": false, "requestDurationInDays": 0, "version": 0, "reviewers": [] }),
    ))
}

/// `/policies/featureRolloutPolicies`.
pub(super) fn rollout(call: &Call) -> Result<Found, Refusal> {
    let policies = call.view.at("policies.rollout").as_object().into_iter().flatten();
    let found = policies.filter(|(_, policy)| policy.is_object()).map(|(name, policy)| {
        let mut row = public(policy);
        for (field, usual) in [
            ("id", json!(made_up(&["rollout", name]))),
            ("displayName", json!(name)),
            ("description", json!("")),
            ("isEnabled", json!(true)),
            ("isAppliedToOrganization", json!(false)),
        ] {
            if row[field].is_null() {
                row[field] = usual;
            }
        }
        let groups = texts(&policy["x"]["groups"]).into_iter().filter_map(|key| call.view.group(key));
        row["appliesTo"] = groups
            .map(|group| json!({ "@odata.type": "#microsoft.graph.group", "id": group["id"], "displayName": group["displayName"] }))
            .collect();
        row
    });
    Ok(Found::Many(found.collect()))
}

/// `/policies/homeRealmDiscoveryPolicies`.
pub(super) fn home_realm(call: &Call) -> Result<Found, Refusal> {
    let policies = call.view.at("policies.home_realm").as_object().into_iter().flatten();
    let found = policies.filter(|(_, policy)| policy.is_object()).map(|(name, policy)| {
        let mut row = public(policy);
        if row["id"].is_null() {
            row["id"] = made_up(&["home-realm", name]).into();
        }
        row
    });
    Ok(Found::Many(found.collect()))
}

/// `/identity/conditionalAccess/policies`.
pub(super) fn conditional_access(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(call.view.rows("policies.conditional_access").into_iter().map(public).collect()))
}

/// `/identity/conditionalAccess/policies/{id}`.
pub(super) fn conditional_access_one(call: &Call) -> Result<Found, Refusal> {
    let all = call.view.rows("policies.conditional_access").into_iter();
    let found = all.map(public).find(|policy| text(policy, "id") == call.arg(0));
    found.map(Found::One).ok_or_else(|| {
        Refusal::new(404, "NotFound", format!("{} cannot be found in the system", call.arg(0)))
    })
}

/// `/identity/conditionalAccess/namedLocations`.
pub(super) fn named_locations(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(call.view.rows("policies.named_locations").into_iter().map(public).collect()))
}

/// `/users/{id}/authentication/requirements` (beta).
pub(super) fn requirements(call: &Call) -> Result<Found, Refusal> {
    let state = user(call)?["x"]["per_user_mfa"].as_str().unwrap_or("disabled");
    Ok(Found::One(json!({ "perUserMfaState": state })))
}

/// The method that every account has.
const PASSWORD_METHOD: &str = "28c10230-6103-485e-b985-444c60001490";

/// `/users/{id}/authentication/methods`.
pub(super) fn methods(call: &Call) -> Result<Found, Refusal> {
    let user = user(call)?;
    let mut found =
        vec![json!({ "@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": PASSWORD_METHOD,
        "password": null, "createdDateTime": user["lastPasswordChangeDateTime"] })];
    for (name, method) in
        user["x"]["methods"].as_object().into_iter().flatten().filter(|(_, method)| method.is_object())
    {
        let mut row = public(method);
        let kind = text(method, "type").to_owned();
        if let Value::Object(map) = &mut row {
            map.remove("type");
        }
        row["@odata.type"] = format!("#microsoft.graph.{kind}").into();
        if row["id"].is_null() {
            row["id"] = made_up(&["method", text(user, "id"), name]).into();
        }
        found.push(row);
    }
    Ok(Found::Many(found))
}

/// Registration of one user, as the report shows it.
fn registration(user: &Value) -> Value {
    let known = &user["x"]["registration"];
    let admin = !texts(&user["x"]["roles"]).is_empty();
    let kind = user["userType"].as_str().unwrap_or("Member").to_lowercase();
    let mut row = json!({ "id": user["id"], "userPrincipalName": user["userPrincipalName"],
        "userDisplayName": user["displayName"], "userType": kind, "isAdmin": admin, "isMfaCapable": false,
        "isMfaRegistered": false, "isPasswordlessCapable": false, "isSsprCapable": false, "isSsprEnabled": false,
        "isSsprRegistered": false, "isSystemPreferredAuthenticationMethodEnabled": true, "methodsRegistered": [],
        "systemPreferredAuthenticationMethods": [], "userPreferredMethodForSecondaryAuthentication": "none",
        "lastUpdatedDateTime": user["createdDateTime"] });
    for (name, value) in known.as_object().into_iter().flatten() {
        row[name] = value.clone();
    }
    row
}

/// `/reports/authenticationMethods/userRegistrationDetails`.
pub(super) fn registrations(call: &Call) -> Result<Found, Refusal> {
    premium(call)?;
    Ok(Found::Many(call.users(&["id", "userPrincipalName"]).into_iter().map(registration).collect()))
}

/// `/reports/authenticationMethods/userRegistrationDetails/{id}`.
pub(super) fn registration_one(call: &Call) -> Result<Found, Refusal> {
    premium(call)?;
    let all = call.view.users_named(&[call.arg(0)]).into_iter();
    let found =
        all.filter(|user| text(user, "id").eq_ignore_ascii_case(call.arg(0))).map(registration).next();
    found.map(Found::One).ok_or_else(|| Refusal::not_found(call.arg(0)))
}

fn premium(call: &Call) -> Result<(), Refusal> {
    if call.view.premium() { Ok(()) } else { Err(Refusal::not_premium()) }
}

/// Permissions that let an app see which policies were applied.
const SEES_POLICIES: &str =
    "Policy.Read.All Policy.Read.ConditionalAccess Policy.ReadWrite.ConditionalAccess";
/// Roles that let a user see it.
const SEES_POLICIES_ROLES: &[&str] =
    &["Global Reader", "Security Reader", "Security Administrator", "Conditional Access Administrator"];

/// `/auditLogs/signIns`, newest first.
pub(super) fn sign_ins(call: &Call) -> Result<Found, Refusal> {
    premium(call)?;
    let held = call.ask.claim_words("wids");
    let by_role = SEES_POLICIES_ROLES.iter().any(|role| held.contains(&names::role(role).1.as_str()));
    let shows = by_role || (call.ask.app_only() && super::rights::holds(call.ask, "roles", SEES_POLICIES));
    let entries = call.view.at("sign_ins").as_object().into_iter().flatten();
    let mut found: Vec<Value> = entries
        .filter(|(_, entry)| entry.is_object())
        // Without a filter on the event type, only the sign-ins of users are answered.
        .filter(|(_, entry)| call.beta || entry["service_principal"].is_null())
        .map(|(name, entry)| sign_in(call, name, entry))
        .collect();
    for map in found.iter_mut().filter(|_| !shows).filter_map(Value::as_object_mut) {
        map.remove("appliedConditionalAccessPolicies");
    }
    found.sort_by(|a, b| text(b, "createdDateTime").cmp(text(a, "createdDateTime")));
    Ok(Found::Many(found))
}

/// One entry of the log, completed from what the rest of the world says.
fn sign_in(call: &Call, name: &str, entry: &Value) -> Value {
    let null = Value::Null;
    let user = call.view.named("users", text(entry, "user")).unwrap_or(&null);
    let app_key = text(entry, "app");
    let app = call.view.named("service_principals", app_key).unwrap_or(&null);
    let principal = call.view.named("service_principals", text(entry, "service_principal")).unwrap_or(&null);
    let resource_key = entry["resource"].as_str().unwrap_or("graph");
    let resource = call.view.named("service_principals", resource_key).unwrap_or(&null);
    let code = entry["errorCode"].as_i64().unwrap_or(0);
    let interactive = entry["isInteractive"].as_bool().unwrap_or(false);
    let event = match (principal.is_object(), interactive) {
        (true, _) => "servicePrincipal",
        (false, true) => "interactiveUser",
        (false, false) => "nonInteractiveUser",
    };
    let client = call.view.at("client");
    let place = entry["country"].as_str().or_else(|| client["country"].as_str());
    let mut row = json!({ "id": made_up(&["sign-in", name]), "createdDateTime": entry["createdDateTime"],
        "userId": user["id"], "userDisplayName": user["displayName"], "userPrincipalName": user["userPrincipalName"],
        "appId": if app.is_object() { app["appId"].clone() } else { entry["app"].clone() },
        "appDisplayName": if app.is_object() { app["displayName"].clone() } else { entry["appDisplayName"].clone() },
        "servicePrincipalId": principal["id"], "servicePrincipalName": principal["displayName"],
        "resourceId": resource["appId"], "resourceDisplayName": resource["displayName"],
        "ipAddress": entry["ip"].as_str().or_else(|| client["ip"].as_str()),
        "clientAppUsed": entry["clientAppUsed"], "userAgent": entry["userAgent"], "correlationId": made_up(&["correlation", name]),
        "conditionalAccessStatus": entry["conditionalAccessStatus"].as_str().unwrap_or("notApplied"),
        "isInteractive": interactive, "riskDetail": "none", "riskLevelAggregated": "none", "riskLevelDuringSignIn": "none",
        "riskState": "none", "riskEventTypes": [], "riskEventTypes_v2": [],
        "status": { "errorCode": code, "failureReason": entry["failureReason"].as_str().unwrap_or("Other."), "additionalDetails": entry["additionalDetails"] },
        "deviceDetail": { "deviceId": "", "displayName": "", "operatingSystem": "", "browser": "", "isCompliant": false, "isManaged": false, "trustType": "" },
        "location": { "city": null, "state": null, "countryOrRegion": place, "geoCoordinates": { "altitude": null, "latitude": null, "longitude": null } },
        "appliedConditionalAccessPolicies": applied(call, entry, code) });
    if call.beta {
        row["signInEventTypes"] = json!([event]);
        row["authenticationRequirement"] =
            entry["authenticationRequirement"].as_str().unwrap_or("singleFactorAuthentication").into();
        row["authenticationProtocol"] = entry["authenticationProtocol"].as_str().unwrap_or("none").into();
    }
    row
}

/// Policies of a log entry, in the form in which the log shows them.
fn applied(call: &Call, entry: &Value, code: i64) -> Value {
    let named = texts(&entry["policies"]).into_iter();
    let rows = named.filter_map(|name| call.view.named("policies.conditional_access", name)).map(|policy| {
        let grant = &policy["grantControls"];
        let mut controls: Vec<String> = texts(&grant["builtInControls"]).into_iter().map(capital).collect();
        controls.extend(grant["authenticationStrength"]["displayName"].as_str().map(str::to_owned));
        let result = match (text(policy, "state"), code) {
            ("enabledForReportingButNotEnforced", 0) => "reportOnlySuccess",
            ("enabledForReportingButNotEnforced", _) => "reportOnlyInterrupted",
            (_, 0) => "success",
            _ => "failure",
        };
        json!({ "id": policy["id"], "displayName": policy["displayName"], "enforcedGrantControls": controls,
            "enforcedSessionControls": [], "result": result })
    });
    rows.collect()
}

/// The log writes controls with a capital letter.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Directory roles of users and service principals, as rows of the role management.
fn role_rows(call: &Call, kind: &str) -> Vec<Value> {
    let holders = call.users(&["principalId"]).into_iter().chain(call.view.rows("service_principals"));
    let each = holders.flat_map(|holder| {
        rows(&holder["x"][kind]).into_iter().filter_map(move |role| Some((holder, role.as_str()?)))
    });
    each.map(|(holder, role)| {
        let (name, template) = names::role(role);
        json!({ "id": made_up(&[kind, text(holder, "id"), &template]), "principalId": holder["id"],
            "roleDefinitionId": template, "directoryScopeId": "/", "appScopeId": null,
            "roleDefinition": { "id": template, "displayName": name, "templateId": template, "isBuiltIn": true, "isEnabled": true } })
    })
    .collect()
}

/// `/roleManagement/directory/roleAssignments`.
pub(super) fn role_assignments(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(role_rows(call, "roles")))
}

/// `/roleManagement/directory/roleEligibilityScheduleInstances`.
pub(super) fn eligible(call: &Call) -> Result<Found, Refusal> {
    if !call.view.premium() || !(call.view.owns_plan(&[P2]) || call.view.at("tenant.governance") == true) {
        let text = "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.";
        return Err(Refusal::new(400, "AadPremiumLicenseRequired", text));
    }
    let mut found = role_rows(call, "eligible_roles");
    for row in &mut found {
        row["memberType"] = "Direct".into();
        row["startDateTime"] = Value::Null;
        row["endDateTime"] = Value::Null;
        row["roleEligibilityScheduleId"] = row["id"].clone();
    }
    Ok(Found::Many(found))
}

/// `/roleManagement/directory/roleDefinitions` and `/directoryRoles`.
pub(super) fn definitions(_: &Call) -> Result<Found, Refusal> {
    let rows = names::ROLES.iter().map(|(name, id)| {
        json!({ "id": id, "displayName": name, "templateId": id, "roleTemplateId": id, "isBuiltIn": true, "isEnabled": true, "description": null })
    });
    Ok(Found::Many(rows.collect()))
}
