//! Users and what hangs on them, domains, the organization and its subscriptions.

#![expect(clippy::unnecessary_wraps, reason = "the handlers of the route table share one signature")]

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};

use super::error::Refusal;
use super::routes::{Call, Found};
use crate::lab::authority;
use crate::lab::names::{self, made_up};
use crate::lab::view::{has, public, rows, text, texts};

/// The user that the path names; an alias is no key.
pub(super) fn user<'a>(call: &Call<'a>) -> Result<&'a Value, Refusal> {
    let key = call.arg(0);
    let key = if key == "me" { call.ask.claim("oid") } else { key };
    call.view.user(key).ok_or_else(|| Refusal::not_found(key))
}

/// Whether the path names the token's own user.
pub(super) fn own(call: &Call) -> bool {
    let key = call.arg(0);
    let id = call.ask.claim("oid");
    key == "me" || (!id.is_empty() && call.view.user(key).is_some_and(|user| text(user, "id") == id))
}

/// A user with everything that follows from the rest of the world.
pub(super) fn complete(call: &Call, user: &Value) -> Value {
    let mut row = public(user);
    let licenses = assigned(call, user);
    row["assignedLicenses"] = licenses
        .iter()
        .map(|(sku, given)| json!({ "skuId": sku["skuId"], "disabledPlans": disabled_ids(sku, given) }))
        .collect();
    row["licenseAssignmentStates"] = licenses
        .iter()
        .map(|(sku, given)| {
            let state = given["state"].as_str().unwrap_or(if given["error"].is_string() {
                "Error"
            } else {
                "Active"
            });
            json!({ "skuId": sku["skuId"], "assignedByGroup": null, "disabledPlans": disabled_ids(sku, given),
                "state": state, "error": given["error"].as_str().unwrap_or("None"),
                "lastUpdatedDateTime": given["lastUpdatedDateTime"].as_str().or(user["createdDateTime"].as_str()) })
        })
        .collect();
    row["assignedPlans"] = licenses.iter().flat_map(|(sku, given)| plans(user, sku, given)).collect();
    row["businessPhones"] = json!(texts(&user["businessPhones"]));
    if call.query.names("expand").contains(&"manager") {
        row["manager"] = manager_of(call, user).map_or(Value::Null, complete_basic);
    }
    let asked = call.query.names("select").iter().any(|name| name.eq_ignore_ascii_case("signInActivity"));
    if let (false, Value::Object(map)) = (asked, &mut row) {
        map.remove("signInActivity");
    }
    basic_only(call, row)
}

/// What a caller with only the basic permission sees of somebody else.
fn basic_only(call: &Call, mut row: Value) -> Value {
    let held = if call.ask.app_only() { "roles" } else { "scp" };
    let words = call.ask.claim_words(held);
    let full = words.iter().any(|word| !matches!(*word, "User.ReadBasic.All" | "LicenseAssignment.Read.All"));
    if let (false, Value::Object(map)) = (full, &mut row) {
        const BASIC: &[&str] = &["id", "displayName", "givenName", "surname", "mail", "userPrincipalName"];
        map.retain(|name, _| BASIC.contains(&name.as_str()));
    }
    row
}

fn complete_basic(user: &Value) -> Value {
    json!({ "@odata.type": "#microsoft.graph.user", "id": user["id"], "displayName": user["displayName"],
        "userPrincipalName": user["userPrincipalName"], "mail": user["mail"] })
}

/// Subscriptions assigned to a user, each with how it was assigned.
fn assigned<'a>(call: &Call<'a>, user: &'a Value) -> Vec<(&'a Value, &'a Value)> {
    let given = rows(&user["x"]["licenses"]).into_iter();
    given
        .filter_map(|given| {
            let part = given.as_str().or_else(|| given["sku"].as_str())?;
            Some((call.view.named("subscribed_skus", part)?, given))
        })
        .collect()
}

/// Whether a plan, named by id or name, is switched off in an assignment.
fn is_disabled(given: &Value, id: &str, name: &str) -> bool {
    texts(&given["disabled_plans"]).iter().any(|plan| *plan == id || plan.eq_ignore_ascii_case(name))
}

fn disabled_ids<'a>(sku: &'a Value, given: &Value) -> Vec<&'a str> {
    let plans = sku["plans"].as_object().into_iter().flatten();
    plans
        .filter(|(id, name)| is_disabled(given, id, name.as_str().unwrap_or_default()))
        .map(|(id, _)| id.as_str())
        .collect()
}

fn plans(user: &Value, sku: &Value, given: &Value) -> Vec<Value> {
    let exchange = |name: &str| if name.starts_with("EXCHANGE") { "exchange" } else { "AADPremiumService" };
    let enabled = sku["capabilityStatus"].as_str().unwrap_or("Enabled");
    let plans = sku["plans"].as_object().into_iter().flatten();
    plans
        .filter_map(|(id, name)| Some((id, name.as_str()?)))
        .map(|(id, name)| {
            let off = is_disabled(given, id, name);
            json!({ "servicePlanId": id, "service": exchange(name), "assignedDateTime": user["createdDateTime"],
                "capabilityStatus": if off { "Deleted" } else { enabled } })
        })
        .collect()
}

/// `/contacts`: those that the organization knows without a mailbox of its own.
pub(super) fn org_contacts(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(call.view.rows("org_contacts").into_iter().map(public).collect()))
}

/// `/contacts/{id}`.
pub(super) fn org_contact(call: &Call) -> Result<Found, Refusal> {
    let mut all = call.view.rows("org_contacts").into_iter();
    let found = all.find(|contact| has(contact, "id", call.arg(0))).map(public);
    found.map(Found::One).ok_or_else(|| Refusal::not_found(call.arg(0)))
}

/// `/users/{id}`.
pub(super) fn get(call: &Call) -> Result<Found, Refusal> {
    let user = user(call)?;
    if call.query.names("select").iter().any(|name| name.eq_ignore_ascii_case("signInActivity")) {
        if !text(user, "id").eq_ignore_ascii_case(call.arg(0)) {
            let text = "Get By Key only supports UserId and the key has to be a valid Guid";
            return Err(Refusal::new(400, "BadRequest", text));
        }
        activity_allowed(call)?;
    }
    Ok(Found::One(complete(call, user)))
}

/// Sign-in activity wants the log's permission and a premium subscription; else nothing is answered.
fn activity_allowed(call: &Call) -> Result<(), Refusal> {
    super::rights::Right::both("AuditLog.Read.All").check(call.ask, false)?;
    if call.view.premium() { Ok(()) } else { Err(Refusal::not_premium()) }
}

/// `/users`.
pub(super) fn list(call: &Call) -> Result<Found, Refusal> {
    if call.query.names("select").iter().any(|name| name.eq_ignore_ascii_case("signInActivity")) {
        activity_allowed(call)?;
    }
    let whole = |users: Vec<&Value>| users.into_iter().map(|user| complete(call, user)).collect();
    Ok(match call.users_named(&["id", "userPrincipalName", "mail", "proxyAddresses"]) {
        Some(users) => Found::Many(whole(users)),
        None => Found::Everybody(whole(call.view.rows("users")), None),
    })
}

/// `/users/{id}/licenseDetails`.
pub(super) fn license_details(call: &Call) -> Result<Found, Refusal> {
    let user = user(call)?;
    let details = assigned(call, user).into_iter().map(|(sku, given)| {
        let plans = sku["plans"].as_object().into_iter().flatten().map(|(id, name)| {
            let name = name.as_str().unwrap_or_default();
            let status = given["status"][name].as_str().or_else(|| given["status"][id].as_str());
            let usual = if is_disabled(given, id, name) { "Disabled" } else { "Success" };
            json!({ "servicePlanId": id, "servicePlanName": name, "provisioningStatus": status.unwrap_or(usual), "appliesTo": "User" })
        });
        let part = call.view.name_of("subscribed_skus", "skuId", text(sku, "skuId"));
        json!({ "id": made_up(&["license", text(user, "id"), text(sku, "skuId")]), "skuId": sku["skuId"],
            "skuPartNumber": part, "servicePlans": plans.collect::<Vec<_>>() })
    });
    Ok(Found::Many(details.collect()))
}

fn manager_of<'a>(call: &Call<'a>, user: &Value) -> Option<&'a Value> {
    call.view.named("users", user["x"]["manager"].as_str()?)
}

/// `/users/{id}/manager`.
pub(super) fn manager(call: &Call) -> Result<Found, Refusal> {
    let user = user(call)?;
    let manager = manager_of(call, user).ok_or_else(|| Refusal::not_found("manager"))?;
    let mut row = public(manager);
    row["@odata.type"] = "#microsoft.graph.user".into();
    Ok(Found::One(row))
}

/// A directory role as a member of the directory.
fn role_object(named: &str) -> Value {
    let (name, template) = names::role(named);
    json!({ "@odata.type": "#microsoft.graph.directoryRole", "id": made_up(&["role", &template]), "deletedDateTime": null,
        "description": null, "displayName": name, "roleTemplateId": template })
}

fn group_object(group: &Value) -> Value {
    let mut row = public(group);
    row["@odata.type"] = "#microsoft.graph.group".into();
    row
}

/// Groups and active roles of a user, directly or through groups.
fn memberships(call: &Call, nested: bool) -> Result<Vec<Value>, Refusal> {
    let user = user(call)?;
    let groups = call.view.groups_of(user, nested);
    let through = groups.iter().flat_map(|group| texts(&group["x"]["roles"]));
    let roles: Vec<Value> = texts(&user["x"]["roles"]).into_iter().chain(through).map(role_object).collect();
    Ok(groups.into_iter().map(group_object).chain(roles).collect())
}

/// `/users/{id}/transitiveMemberOf`.
pub(super) fn transitive(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(memberships(call, true)?))
}

/// `/users/{id}/memberOf`.
pub(super) fn direct(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(memberships(call, false)?))
}

/// `/users/{id}/transitiveMemberOf/microsoft.graph.directoryRole`, and the same for groups.
pub(super) fn transitive_cast(call: &Call) -> Result<Found, Refusal> {
    let kind = format!("#{}", call.arg(1));
    let mut found = memberships(call, true)?;
    found.retain(|member| member["@odata.type"] == kind);
    for member in found.iter_mut().filter_map(Value::as_object_mut) {
        member.remove("@odata.type");
    }
    Ok(Found::Many(found))
}

/// `/groups`.
pub(super) fn groups(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(call.view.rows("groups").into_iter().map(public).collect()))
}

/// `/groups/{id}/members/microsoft.graph.user`.
pub(super) fn direct_members_cast(call: &Call) -> Result<Found, Refusal> {
    members(call, false)
}

/// `/groups/{id}/transitiveMembers/microsoft.graph.user`.
pub(super) fn members_cast(call: &Call) -> Result<Found, Refusal> {
    members(call, true)
}

fn members(call: &Call, nested: bool) -> Result<Found, Refusal> {
    let wanted = call.arg(0);
    let group = call.view.group(wanted).ok_or_else(|| Refusal::not_found(wanted))?;
    let inside = |user: &&Value| {
        let mut all = call.view.groups_of(user, nested).into_iter();
        all.any(|own| has(own, "id", text(group, "id")))
    };
    let written = call.view.rows("users").into_iter().filter(inside).map(public).collect();
    Ok(Found::Everybody(written, Some(text(group, "id").to_owned())))
}

/// `/directory/administrativeUnits/{id}/members/microsoft.graph.user`.
pub(super) fn unit_members_cast(call: &Call) -> Result<Found, Refusal> {
    let wanted = call.arg(0);
    let mut all = call.view.rows("administrative_units").into_iter();
    let unit = all.find(|unit| has(unit, "id", wanted)).ok_or_else(|| Refusal::not_found(wanted))?;
    let members = texts(&unit["x"]["members"]).into_iter();
    Ok(Found::Many(members.filter_map(|key| call.view.named("users", key)).map(public).collect()))
}

/// `POST /users/{id}/checkMemberGroups`.
pub(super) fn check_groups(call: &Call) -> Result<Found, Refusal> {
    let user = user(call)?;
    let body = call.body()?;
    let asked = texts(&body["groupIds"]);
    if asked.is_empty() || asked.len() > 20 {
        let text = "Invalid value specified for property 'groupIds' of resource.";
        return Err(Refusal::new(400, "Request_BadRequest", text));
    }
    let groups = call.view.groups_of(user, true);
    let held = groups
        .iter()
        .map(|group| text(group, "id"))
        .filter(|id| asked.iter().any(|ask| ask.eq_ignore_ascii_case(id)));
    let context = format!("https://{}/v1.0/$metadata#Collection(Edm.String)", call.ask.host);
    Ok(Found::Raw(json!({ "@odata.context": context, "value": held.collect::<Vec<_>>() })))
}

/// `/directory/deletedItems/microsoft.graph.user`.
pub(super) fn deleted(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(call.view.rows("deleted_users").into_iter().map(public).collect()))
}

/// `/directory/deletedItems/{id}`.
pub(super) fn deleted_one(call: &Call) -> Result<Found, Refusal> {
    let all = call.view.rows("deleted_users").into_iter();
    let found = all.map(public).find(|user| text(user, "id").eq_ignore_ascii_case(call.arg(0)));
    let mut row = found.ok_or_else(|| Refusal::not_found(call.arg(0)))?;
    row["@odata.type"] = "#microsoft.graph.user".into();
    Ok(Found::One(row))
}

/// `/domains`.
pub(super) fn domains(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(call.view.rows("domains").into_iter().map(public).collect()))
}

fn domain_object<'a>(call: &Call<'a>) -> Result<&'a Value, Refusal> {
    let all = call.view.rows("domains").into_iter();
    let mut named = all.filter(|domain| text(domain, "id").eq_ignore_ascii_case(call.arg(0)));
    named.next().ok_or_else(|| Refusal::not_found(call.arg(0)))
}

/// `/domains/{id}`.
pub(super) fn domain(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::One(public(domain_object(call)?)))
}

/// `/domains/{id}/federationConfiguration`.
pub(super) fn federation(call: &Call) -> Result<Found, Refusal> {
    let domain = domain_object(call)?;
    let federation = &domain["x"]["federation"];
    if !federation.is_object() {
        let text = format!("Domain federation configuration was not found for domain {}.", call.arg(0));
        return Err(Refusal::new(404, "Request_ResourceNotFound", text));
    }
    let mut row = public(federation);
    if !row["id"].is_string() {
        row["id"] = made_up(&["federation", call.arg(0)]).into();
    }
    if !row["signingCertificate"].is_string() {
        row["signingCertificate"] = signing_certificate(text(&federation["x"], "not_after")).into();
    }
    Ok(Found::Many(vec![row]))
}

/// Days that a signing certificate lasts when the world does not say.
const SIGNING_DAYS: i64 = 300;

/// A token-signing certificate that ends at that time, as the directory keeps it; null when none can
/// be made.
fn signing_certificate(ends: &str) -> Option<String> {
    let usual = Timestamp::now() + SignedDuration::from_hours(24 * SIGNING_DAYS);
    let ends = ends.parse().unwrap_or(usual);
    let mut params = CertificateParams::new(Vec::new()).ok()?;
    params.distinguished_name.push(DnType::CommonName, "ADFS Signing");
    authority::validity(&mut params, ends, -365, 0);
    let key = KeyPair::generate().ok()?;
    Some(BASE64_STANDARD.encode(params.self_signed(&key).ok()?.der()))
}

/// `/organization`.
pub(super) fn organization(call: &Call) -> Result<Found, Refusal> {
    let tenant = call.view.at("tenant");
    let synced = call.view.rows("users").into_iter().any(|user| user["onPremisesSyncEnabled"] == true);
    let domains: Vec<Value> = call
        .view
        .rows("domains")
        .into_iter()
        .map(|domain| {
            json!({ "name": domain["id"], "isDefault": domain["isDefault"], "isInitial": domain["isInitial"],
            "type": domain["authenticationType"], "capabilities": "Email, OfficeCommunicationsOnline" })
        })
        .collect();
    let plans: Vec<Value> = call
        .view
        .rows("subscribed_skus")
        .into_iter()
        .flat_map(|sku| {
            let ids = sku["plans"].as_object().into_iter().flatten();
            let status = sku["capabilityStatus"].as_str().unwrap_or("Enabled").to_owned();
            ids.map(move |(id, name)| {
            let exchange = name.as_str().is_some_and(|name| name.starts_with("EXCHANGE"));
            json!({ "servicePlanId": id, "service": if exchange { "exchange" } else { "AADPremiumService" },
                "capabilityStatus": status, "assignedDateTime": null })
        })
        })
        .collect();
    Ok(Found::Many(vec![
        json!({ "id": tenant["id"], "displayName": tenant["display_name"], "tenantType": "AAD",
        "onPremisesSyncEnabled": synced.then_some(true), "verifiedDomains": domains, "assignedPlans": plans,
        "countryLetterCode": "US", "technicalNotificationMails": [] }),
    ]))
}

/// `/subscribedSkus`.
pub(super) fn skus(call: &Call) -> Result<Found, Refusal> {
    let all = call.view.at("subscribed_skus").as_object().into_iter().flatten();
    let tenant = text(call.view.at("tenant"), "id");
    let rows = all.filter(|(_, sku)| sku.is_object()).map(|(part, sku)| {
        let plans = sku["plans"].as_object().into_iter().flatten().map(|(id, name)| {
            json!({ "servicePlanId": id, "servicePlanName": name, "provisioningStatus": "Success", "appliesTo": "User" })
        });
        let used = call.view.rows("users").into_iter().filter(|user| assigned(call, user).iter().any(|(own, _)| own["skuId"] == sku["skuId"]));
        json!({ "id": format!("{tenant}_{}", text(sku, "skuId")), "accountId": tenant, "appliesTo": "User",
            "skuId": sku["skuId"], "skuPartNumber": part, "capabilityStatus": sku["capabilityStatus"].as_str().unwrap_or("Enabled"),
            "consumedUnits": used.count(), "prepaidUnits": { "enabled": 25, "suspended": 0, "warning": 0, "lockedOut": 0 },
            "servicePlans": plans.collect::<Vec<_>>() })
    });
    Ok(Found::Many(rows.collect()))
}

/// `/directory/onPremisesSynchronization`.
pub(super) fn synchronization(call: &Call) -> Result<Found, Refusal> {
    let switch = call.view.at("policies.cloud_password_policy_for_synced").as_bool().unwrap_or(false);
    Ok(Found::Many(vec![json!({ "id": call.view.at("tenant.id"),
        "configuration": { "accidentalDeletionPrevention": { "synchronizationPreventionType": "enabledForCount", "alertThreshold": 500 } },
        "features": { "passwordSyncEnabled": true, "passwordWritebackEnabled": false,
            "cloudPasswordPolicyForPasswordSyncedUsersEnabled": switch, "userForcePasswordChangeOnLogonEnabled": false } })]))
}
