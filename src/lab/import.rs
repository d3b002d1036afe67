//! What an administrator's script prints about the Exchange Server of a world: role assignments, groups,
//! scopes, the mailbox, and attributes of Active Directory as they are stored there.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    rbac::{self, Row, entries},
    view::{View, text, texts},
};

/// The role that everything is about.
const ROLE: &str = "ApplicationImpersonation";

/// 100 ns between 1601 and 1970.
const SINCE_1601: i64 = 116_444_736_000_000_000;

/// The file, where the world says that the script ran.
pub fn render(view: View) -> Option<String> {
    let import = view.at("import");
    let made_at = import["made"].as_str()?;
    let accounts = texts(&import["accounts"]).into_iter().map(|key| account(view, key));
    let assignments = entries(view, "rbac.assignments");
    let users = entries(view, "directory.objects");
    let effective = assignments.iter().flat_map(|row| {
        let held = users.iter().filter(|(key, _)| rbac::reaches(view, row.1, key));
        held.map(|(key, _)| effective(view, row, key)).collect::<Vec<_>>()
    });
    let file = json!({
        "format": 1,
        "kind": "syncready-import",
        "made_at": made_at,
        "tool": { "name": "syncready", "version": env!("CARGO_PKG_VERSION") },
        "organization": "Contoso Organization",
        "server": "EX01",
        "accounts": accounts.collect::<Value>(),
        "roles": [ROLE],
        "assignments": assignments.iter().map(|row| assignment(view, row.1)).collect::<Value>(),
        "effective": effective.collect::<Value>(),
        "groups": entries(view, "rbac.groups").into_iter().map(|row| group(view, row.1)).collect::<Value>(),
        "scopes": entries(view, "rbac.scopes").into_iter().map(|row| scope(row.1)).collect::<Value>(),
        "organization_config": [organization(view)],
        "errors": [],
    });
    serde_json::to_string_pretty(&file).ok()
}

/// `contoso.com/OU/Name` of an object or group.
fn canonical(view: View, key: &str) -> String {
    if let Some(group) = view.named("rbac.groups", key) {
        return format!("{}/Microsoft Exchange Security Groups/{}", domain(view), text(group, "name"));
    }
    let name = view.named("directory.objects", key).map_or(key, |object| text(object, "distinguishedName"));
    let parts: Vec<&str> = name.split(',').filter_map(|part| part.split_once('=')).map(|(_, v)| v).collect();
    let domain = domain(view).split('.').count();
    let path = parts.get(..parts.len().saturating_sub(domain)).unwrap_or_default();
    let path: Vec<&str> = path.iter().rev().copied().collect();
    format!("{}/{}", self::domain(view), path.join("/"))
}

fn domain(view: View<'_>) -> &str {
    text(view.at("tenant"), "domain")
}

fn assignee(view: View, assignment: &Value) -> String {
    let group = text(assignment, "group");
    canonical(view, if group.is_empty() { text(assignment, "user") } else { group })
}

fn assignment(view: View, row: &Value) -> Value {
    let group = view.named("rbac.groups", text(row, "group"));
    let kind = match group.map(|group| text(group, "kind")) {
        Some("role-group") => "RoleGroup",
        Some(_) => "SecurityGroup",
        None => "User",
    };
    let scope = view.named("rbac.scopes", text(row, "scope"));
    let write_scope = match scope.map(|scope| scope["exclusive"] == true) {
        Some(true) => "ExclusiveRecipientScope",
        Some(false) => "CustomRecipientScope",
        None => "Organization",
    };
    let assignee = assignee(view, row);
    json!({
        "Name": text(row, "name"),
        "Role": ROLE,
        "RoleAssignee": assignee,
        "RoleAssigneeName": assignee.rsplit('/').next(),
        "RoleAssigneeType": kind,
        "RoleAssignmentDelegationType": text(row, "kind"),
        "Enabled": row["enabled"] != false,
        "RecipientWriteScope": write_scope,
        "CustomRecipientWriteScope": scope.map(|scope| text(scope, "name")),
        "RecipientOrganizationalUnitScope": null,
        "WhenChangedUTC": row["changed"],
    })
}

fn effective(view: View, row: &Row<'_>, user: &str) -> Value {
    let group = view.named("rbac.groups", text(row.1, "group"));
    let method = match group.map(|group| text(group, "kind")) {
        Some("role-group") => "RoleGroup",
        Some(_) => "SecurityGroup",
        None => "Direct",
    };
    let object = view.named("directory.objects", user).unwrap_or(&Value::Null);
    json!({
        "Name": text(row.1, "name"),
        "EffectiveUserName": text(object, "displayName"),
        "User": canonical(view, user),
        "AssignmentMethod": method,
        "AssignmentChain": group.map(|group| text(group, "name")),
    })
}

fn group(view: View, group: &Value) -> Value {
    let (kind, details) = match text(group, "kind") {
        "role-group" => ("Universal, SecurityEnabled", "RoleGroup"),
        "security" => ("Universal, SecurityEnabled", "MailUniversalSecurityGroup"),
        _ => ("Universal", "MailUniversalDistributionGroup"),
    };
    let names = |list: &Value| texts(list).into_iter().map(|key| canonical(view, key)).collect::<Value>();
    json!({
        "Name": text(group, "name"),
        "Identity": format!("{}/Microsoft Exchange Security Groups/{}", domain(view), text(group, "name")),
        "GroupType": kind,
        "RecipientTypeDetails": details,
        "Members": names(&group["members"]),
        "ManagedBy": names(&group["managers"]),
        "WhenChangedUTC": group["changed"],
    })
}

fn scope(scope: &Value) -> Value {
    json!({
        "Name": text(scope, "name"),
        "RecipientFilter": text(scope, "filter"),
        "RecipientRoot": scope["root"],
        "Exclusive": scope["exclusive"] == true,
        "WhenChangedUTC": scope["changed"],
    })
}

fn account(view: View, key: &str) -> Value {
    let mailbox = view.named("exchange.mailboxes", key);
    let object = view.named("directory.objects", key);
    let address = object
        .map(|object| text(object, "mail"))
        .or_else(|| mailbox.map(|mailbox| text(mailbox, "PrimarySmtpAddress")))
        .unwrap_or(view.at("account").as_str().unwrap_or_default());
    let held: Vec<_> = entries(view, "rbac.assignments")
        .into_iter()
        .filter(|row| object.is_some() && rbac::reaches(view, row.1, key))
        .collect();
    let targets = texts(&view.at("import")["targets"]);
    let reach = std::iter::once(address).chain(targets).map(|target| reach(view, target, &held));
    let objects = entries(view, "directory.objects").into_iter().map(|(_, object)| object);
    let same = objects.filter(|object| {
        ["mail", "userPrincipalName"].iter().any(|name| text(object, name).eq_ignore_ascii_case(address))
    });
    json!({
        "address": address,
        "user": object.map_or(json!([]), |object| json!([user(view, key, object)])),
        "assignments": held.iter().map(|row| effective(view, row, key)).collect::<Value>(),
        "reach": reach.collect::<Value>(),
        "recipient": mailbox.map_or(json!([]), |mailbox| json!([recipient(mailbox)])),
        "mailbox": mailbox.map_or(json!([]), |mailbox| json!([self::mailbox(mailbox)])),
        "statistics": mailbox.map_or(json!([]), |mailbox| json!([statistics(mailbox)])),
        "cas": mailbox.map_or(json!([]), |mailbox| json!([switches(&mailbox["cas"])])),
        "objects": same.map(attributes).collect::<Value>(),
        "domain": [rules(view)],
    })
}

fn user(view: View, key: &str, object: &Value) -> Value {
    json!({
        "Name": text(object, "displayName"),
        "Identity": canonical(view, key),
        "DistinguishedName": text(object, "distinguishedName"),
        "SamAccountName": text(object, "sAMAccountName"),
        "UserPrincipalName": text(object, "userPrincipalName"),
    })
}

/// Assumed: what the server counts as writable does not look at exclusive scopes of others.
fn reach(view: View, target: &str, held: &[Row<'_>]) -> Value {
    let Some(mailbox) = view.mailbox(target) else {
        return json!({ "target": target, "assignments": null, "scopes": [] });
    };
    let writable = held.iter().filter(|row| rbac::in_scope(view, text(row.1, "scope"), mailbox));
    let scopes = entries(view, "rbac.scopes").into_iter();
    let fitting = scopes.filter(|(key, _)| rbac::in_scope(view, key, mailbox));
    json!({
        "target": target,
        "assignments": writable.map(|row| text(row.1, "name")).collect::<Value>(),
        "scopes": fitting.map(|(_, scope)| text(scope, "name")).collect::<Value>(),
    })
}

fn recipient(mailbox: &Value) -> Value {
    json!({
        "RecipientTypeDetails": mailbox["RecipientTypeDetails"],
        "PrimarySmtpAddress": mailbox["PrimarySmtpAddress"],
        "EmailAddresses": mailbox["EmailAddresses"],
    })
}

fn mailbox(mailbox: &Value) -> Value {
    let mut row = recipient(mailbox);
    row["HiddenFromAddressListsEnabled"] = (mailbox["HiddenFromAddressListsEnabled"] == true).into();
    row["ProhibitSendQuota"] = "Unlimited".into();
    row["UseDatabaseQuotaDefaults"] = true.into();
    row
}

fn statistics(mailbox: &Value) -> Value {
    let used = mailbox["x"]["used_bytes"].as_u64().unwrap_or(52_428_800);
    json!({
        "TotalItemSize": format!("{} MB ({used} bytes)", used >> 20),
        "DatabaseProhibitSendQuota": "2 GB (2,147,483,648 bytes)",
    })
}

fn switches(object: &Value) -> Value {
    json!({
        "EwsEnabled": object["EwsEnabled"],
        "EwsApplicationAccessPolicy": object["EwsApplicationAccessPolicy"],
        "EwsAllowList": texts(&object["EwsAllowList"]),
        "EwsBlockList": texts(&object["EwsBlockList"]),
    })
}

fn organization(view: View) -> Value {
    let organization = view.at("exchange.organization");
    let mut row = switches(organization);
    row["PublicFoldersEnabled"] = "Local".into();
    row["OAuth2ClientProfileEnabled"] = (organization["OAuth2ClientProfileEnabled"] == true).into();
    row
}

/// Attributes as Active Directory stores them: times in 100 ns since 1601, as text.
fn attributes(object: &Value) -> Value {
    let locked = object["lockoutTime"].is_string();
    json!({
        "distinguishedName": text(object, "distinguishedName"),
        "objectClass": text(object, "objectClass"),
        "sAMAccountName": object["sAMAccountName"],
        "userPrincipalName": object["userPrincipalName"],
        "displayName": object["displayName"],
        "userAccountControl": object["userAccountControl"].as_i64().map(|flags| flags.to_string()),
        "msDS-User-Account-Control-Computed": if locked { "16" } else { "0" },
        "lockoutTime": filetime(&object["lockoutTime"], "0"),
        "pwdLastSet": filetime(&object["pwdLastSet"], "0"),
        "msDS-UserPasswordExpiryTimeComputed": filetime(&object["expires"], "9223372036854775807"),
    })
}

fn filetime(time: &Value, none: &str) -> String {
    let at = time.as_str().and_then(|time| time.parse::<Timestamp>().ok());
    at.map_or(none.to_owned(), |at| (at.as_second() * 10_000_000 + SINCE_1601).to_string())
}

fn rules(view: View) -> Value {
    let domain = view.at("directory.domain");
    let duration = match domain["lockout_minutes"].as_i64() {
        Some(0) | None => i64::MIN,
        Some(minutes) => -minutes * 600_000_000,
    };
    json!({
        "lockoutThreshold": domain["lockoutThreshold"].as_i64().unwrap_or_default().to_string(),
        "lockoutDuration": duration.to_string(),
    })
}
