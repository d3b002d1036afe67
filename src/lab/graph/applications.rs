//! Enterprise applications, app registrations, and what was granted to them.

#![expect(clippy::unnecessary_wraps, reason = "the handlers of the route table share one signature")]

use serde_json::{Value, json};

use super::error::Refusal;
use super::routes::{Call, Found};
use crate::lab::names::{self, made_up};
use crate::lab::view::{public, rows, text};

/// A service principal as the directory shows it; resources list their permissions.
fn complete(principal: &Value) -> Value {
    let mut row = public(principal);
    let resource = text(&principal["x"], "resource");
    let list = |entries: Vec<Value>| Value::Array(entries);
    if !row["appRoles"].is_array() {
        row["appRoles"] = list(names::permissions(resource).filter_map(app_role).collect());
    }
    if !row["oauth2PermissionScopes"].is_array() {
        row["oauth2PermissionScopes"] = list(names::permissions(resource).filter_map(scope).collect());
    }
    for (name, usual) in [
        ("accountEnabled", json!(true)),
        ("appRoleAssignmentRequired", json!(false)),
        ("servicePrincipalType", json!("Application")),
        ("servicePrincipalNames", json!([principal["appId"]])),
        (
            "verifiedPublisher",
            json!({ "displayName": null, "verifiedPublisherId": null, "addedDateTime": null }),
        ),
        ("passwordCredentials", json!([])),
        ("keyCredentials", json!([])),
        ("tags", json!(["WindowsAzureActiveDirectoryIntegratedApp"])),
        ("appDisplayName", principal["displayName"].clone()),
    ] {
        if row[name].is_null() {
            row[name] = usual;
        }
    }
    row
}

fn app_role(permission: names::Permission) -> Option<Value> {
    Some(json!({ "id": permission.role_id?, "value": permission.name, "displayName": permission.name,
        "description": permission.name, "allowedMemberTypes": ["Application"], "isEnabled": true, "origin": "Application" }))
}

fn scope(permission: names::Permission) -> Option<Value> {
    Some(json!({ "id": permission.scope_id?, "value": permission.name, "type": "Admin", "isEnabled": true,
        "adminConsentDisplayName": permission.name, "adminConsentDescription": permission.name,
        "userConsentDisplayName": permission.name, "userConsentDescription": permission.name }))
}

/// The service principal that the path names by object id, or by `appId='…'`.
fn principal<'a>(call: &Call<'a>) -> Result<&'a Value, Refusal> {
    let key = call.arg(0);
    let field = match app_id(key) {
        Some(_) => "appId",
        None => "id",
    };
    let wanted = app_id(key).unwrap_or(key);
    let mut all = call.view.rows("service_principals").into_iter();
    all.find(|principal| text(principal, field).eq_ignore_ascii_case(wanted))
        .ok_or_else(|| Refusal::not_found(wanted))
}

/// The app id in a key of the form `appId='…'`.
fn app_id(key: &str) -> Option<&str> {
    key.strip_prefix("appId='")?.strip_suffix('\'')
}

/// `/servicePrincipals`.
pub(super) fn principals(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(call.view.rows("service_principals").into_iter().map(complete).collect()))
}

/// `/servicePrincipals/{id}` and `/servicePrincipals(appId='…')`.
pub(super) fn principal_one(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::One(complete(principal(call)?)))
}

/// `/applications`.
pub(super) fn applications(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(call.view.rows("applications").into_iter().map(public).collect()))
}

/// `/applications/{id}` and `/applications(appId='…')`.
pub(super) fn application(call: &Call) -> Result<Found, Refusal> {
    let key = call.arg(0);
    let (field, wanted) = app_id(key).map_or(("id", key), |app| ("appId", app));
    let mut all = call.view.rows("applications").into_iter();
    let found = all.find(|application| text(application, field).eq_ignore_ascii_case(wanted));
    found.map(|application| Found::One(public(application))).ok_or_else(|| Refusal::not_found(wanted))
}

/// `/servicePrincipals/{id}/appRoleAssignments`: application permissions of an app.
pub(super) fn role_assignments(call: &Call) -> Result<Found, Refusal> {
    let principal = principal(call)?;
    let found = rows(&principal["x"]["app_role_assignments"]).into_iter().filter_map(|given| {
        let name = text(given, "resource");
        let resource = call.view.named("service_principals", name)?;
        let family = resource["x"]["resource"].as_str().unwrap_or(name);
        let role = names::app_role_id(family, text(given, "permission"));
        Some(assignment(&role, principal, "ServicePrincipal", resource, &given["created"]))
    });
    Ok(Found::Many(found.collect()))
}

fn assignment(role: &str, principal: &Value, kind: &str, resource: &Value, created: &Value) -> Value {
    json!({ "id": made_up(&["assignment", text(principal, "id"), text(resource, "id"), role]), "deletedDateTime": null,
        "appRoleId": role, "createdDateTime": created, "principalDisplayName": principal["displayName"],
        "principalId": principal["id"], "principalType": kind, "resourceDisplayName": resource["displayName"],
        "resourceId": resource["id"] })
}

/// The app role of a plain assignment.
const DEFAULT_ROLE: &str = "00000000-0000-0000-0000-000000000000";

/// Assignments of users and groups to one app.
fn assigned<'a>(call: &Call<'a>, resource: &'a Value) -> Vec<(&'a Value, &'static str, &'a Value)> {
    let given = rows(&resource["x"]["assigned"]).into_iter();
    given
        .filter_map(|given| {
            let user =
                given["user"].as_str().or(given.as_str()).and_then(|name| call.view.named("users", name));
            let group =
                given["group"].as_str().or(given.as_str()).and_then(|name| call.view.named("groups", name));
            let found = user.map(|user| (user, "User")).or_else(|| group.map(|group| (group, "Group")));
            found.map(|(principal, kind)| (principal, kind, &given["created"]))
        })
        .collect()
}

/// `/servicePrincipals/{id}/appRoleAssignedTo`: who is assigned to an app.
pub(super) fn assigned_to(call: &Call) -> Result<Found, Refusal> {
    let resource = principal(call)?;
    let found = assigned(call, resource).into_iter();
    let row =
        |(who, kind, created): (&Value, &str, &Value)| assignment(DEFAULT_ROLE, who, kind, resource, created);
    Ok(Found::Many(found.map(row).collect()))
}

/// `/users/{id}/appRoleAssignments`: apps that a user is assigned to, directly or by a direct group.
pub(super) fn user_assignments(call: &Call) -> Result<Found, Refusal> {
    let user = super::directory::user(call)?;
    let mut holders: Vec<&str> =
        call.view.groups_of(user, false).into_iter().map(|group| text(group, "id")).collect();
    holders.push(text(user, "id"));
    let mut found = Vec::new();
    for resource in call.view.rows("service_principals") {
        for (who, kind, created) in assigned(call, resource) {
            if holders.contains(&text(who, "id")) {
                found.push(assignment(DEFAULT_ROLE, who, kind, resource, created));
            }
        }
    }
    Ok(Found::Many(found))
}

/// Delegated grants of one client.
fn grants_of(call: &Call, client: &Value) -> Vec<Value> {
    let given = rows(&client["x"]["oauth2_grants"]).into_iter();
    given
        .filter_map(|given| {
            let resource = call.view.named("service_principals", text(given, "resource"))?;
            let who = given["principal"].as_str();
            let user = who.map(|who| call.view.named("users", who).map_or(who, |user| text(user, "id")));
            let kind = given["consentType"].as_str().unwrap_or("AllPrincipals");
            let id = made_up(&["grant", text(client, "id"), text(resource, "id"), user.unwrap_or("")]);
            Some(json!({ "id": id, "clientId": client["id"], "consentType": kind, "principalId": user,
                "resourceId": resource["id"], "scope": given["scope"] }))
        })
        .collect()
}

/// `/oauth2PermissionGrants`.
pub(super) fn grants(call: &Call) -> Result<Found, Refusal> {
    let all = call.view.rows("service_principals").into_iter();
    Ok(Found::Many(all.flat_map(|client| grants_of(call, client)).collect()))
}

/// `/servicePrincipals/{id}/oauth2PermissionGrants`.
pub(super) fn principal_grants(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(grants_of(call, principal(call)?)))
}

/// `/users/{id}/oauth2PermissionGrants`: grants for one user alone.
pub(super) fn user_grants(call: &Call) -> Result<Found, Refusal> {
    let user = super::directory::user(call)?;
    let all = call.view.rows("service_principals").into_iter();
    let mut found: Vec<Value> = all.flat_map(|client| grants_of(call, client)).collect();
    found.retain(|grant| grant["principalId"] == user["id"]);
    Ok(Found::Many(found))
}
