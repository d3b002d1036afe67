//! The cmdlets that the admin API runs here, each from the world to its rows.

#![expect(clippy::unnecessary_wraps, reason = "the cmdlets of the table share one signature")]

use serde_json::{Map, Value, json};

use super::{Failure, named};
use crate::lab::access;
use crate::lab::names::{GRAPH_APP, made_up};
use crate::lab::view::{View, answers_to, has, public, text};

/// One run of a cmdlet.
pub(super) struct Run<'a> {
    /// The world.
    pub view: View<'a>,
    /// Parameters given.
    pub parameters: &'a Map<String, Value>,
}

impl<'a> Run<'a> {
    fn parameter(&self, name: &str) -> &'a Value {
        const NULL: &Value = &Value::Null;
        self.parameters
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map_or(NULL, |(_, value)| value)
    }

    fn word(&self, name: &str) -> &'a str {
        self.parameter(name).as_str().unwrap_or_default()
    }

    /// Whether a switch is on; PowerShell also sends it as text.
    fn switch(&self, name: &str) -> bool {
        self.parameter(name) == true || self.word(name).eq_ignore_ascii_case("true")
    }

    /// The mailbox that a parameter names, alive ones only.
    fn mailbox(&self, name: &str) -> Result<&'a Value, Failure> {
        let identity = self.word(name);
        let found = self.view.mailbox(identity).filter(|mailbox| mailbox["x"]["soft_deleted"] != true);
        found.ok_or_else(|| Failure::not_found(identity))
    }
}

/// One cmdlet.
pub(super) struct Cmdlet {
    /// Name.
    pub name: &'static str,
    /// Type of the rows in the context annotation.
    pub kind: &'static str,
    /// Parameters beside the common ones.
    pub parameters: &'static [&'static str],
    /// Parameters that must be given.
    pub required: &'static [&'static str],
    /// What it does.
    pub run: fn(&Run) -> Result<Vec<Value>, Failure>,
}

const fn cmdlet(
    name: &'static str,
    parameters: &'static [&'static str],
    required: &'static [&'static str],
    run: fn(&Run) -> Result<Vec<Value>, Failure>,
) -> Cmdlet {
    Cmdlet { name, kind: "Exchange", parameters, required, run }
}

/// Every cmdlet.
pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("Get-OrganizationConfig", &["RetrieveEwsOperationAccessPolicy"], &[], organization),
    cmdlet(
        "Get-Mailbox",
        &["Identity", "SoftDeletedMailbox", "PublicFolder", "RecipientTypeDetails", "Filter", "Anr"],
        &[],
        mailboxes,
    ),
    cmdlet(
        "Get-EXOMailbox",
        &["Identity", "ExternalDirectoryObjectId", "PropertySets", "Properties"],
        &[],
        mailboxes,
    ),
    cmdlet("Get-CASMailbox", &["Identity", "Filter"], &[], cas),
    cmdlet("Get-MailboxStatistics", &["Identity", "IncludeSoftDeletedRecipients"], &["Identity"], statistics),
    cmdlet("Get-MailboxPermission", &["Identity", "User", "Owner"], &["Identity"], permissions),
    cmdlet("Get-MailboxFolderStatistics", &["Identity", "FolderScope"], &["Identity"], folder_statistics),
    cmdlet("Get-MailboxFolderPermission", &["Identity", "User"], &["Identity"], folder_permissions),
    cmdlet("Get-DistributionGroupMember", &["Identity", "ResultSize"], &["Identity"], group_members),
    cmdlet("Get-ApplicationAccessPolicy", &["Identity"], &[], access_policies),
    cmdlet("Test-ApplicationAccessPolicy", &["Identity", "AppId"], &["Identity", "AppId"], test_policy),
    cmdlet("Get-ServicePrincipal", &["Identity", "Organization"], &[], service_principals),
    cmdlet(
        "Test-ServicePrincipalAuthorization",
        &["Identity", "Resource"],
        &["Identity"],
        test_authorization,
    ),
    cmdlet(
        "Get-ManagementRoleAssignment",
        &[
            "Identity",
            "Role",
            "RoleAssignee",
            "GetEffectiveUsers",
            "Delegating",
            "Enabled",
            "WritableRecipient",
            "RoleAssigneeType",
        ],
        &[],
        role_assignments,
    ),
];

fn organization(run: &Run) -> Result<Vec<Value>, Failure> {
    let mut row = public(run.view.at("exchange.organization"));
    let id = run.view.at("tenant.initial_domain");
    row["Identity"] = id.clone();
    row["Guid"] = made_up(&["organization", text(run.view.at("tenant"), "id")]).into();
    // Unset is null here, and not left out.
    for name in
        ["EwsEnabled", "EwsAllowedAppIDs", "EwsApplicationAccessPolicy", "EwsAllowList", "EwsBlockList"]
    {
        row[name] = row[name].take();
    }
    if !run.switch("RetrieveEwsOperationAccessPolicy")
        && let Value::Object(map) = &mut row
    {
        map.remove("EwsAllowedAppIDs");
    }
    Ok(vec![row])
}

/// Rows of mailboxes: those that one identity names, or all of the kind asked for.
fn chosen<'a>(run: &Run<'a>, soft_deleted: bool) -> Result<Vec<&'a Value>, Failure> {
    let identity = match run.word("Identity") {
        "" => run.word("ExternalDirectoryObjectId"),
        identity => identity,
    };
    let view = run.view;
    let all =
        if identity.is_empty() { view.rows("exchange.mailboxes") } else { view.mailboxes_named(identity) };
    let all = all.into_iter();
    let mut found: Vec<&Value> =
        all.filter(|mailbox| (mailbox["x"]["soft_deleted"] == true) == soft_deleted).collect();
    found.retain(|mailbox| is_mailbox(mailbox));
    if !identity.is_empty() {
        found.retain(|mailbox| answers_to(mailbox, identity));
        if found.is_empty() {
            return Err(Failure::not_found(identity));
        }
    }
    Ok(found)
}

/// Mail users and remote mailboxes are recipients here, but no mailboxes.
fn is_mailbox(recipient: &Value) -> bool {
    !matches!(
        text(recipient, "RecipientTypeDetails"),
        "MailUser" | "GuestMailUser" | "RemoteUserMailbox" | "MailContact"
    )
}

fn mailboxes(run: &Run) -> Result<Vec<Value>, Failure> {
    let mut found = chosen(run, run.switch("SoftDeletedMailbox"))?;
    if run.switch("PublicFolder") {
        found.retain(|mailbox| text(mailbox, "RecipientTypeDetails") == "PublicFolderMailbox");
    }
    let kind = run.word("RecipientTypeDetails");
    found.retain(|mailbox| kind.is_empty() || has(mailbox, "RecipientTypeDetails", kind));
    Ok(found.into_iter().map(|mailbox| mailbox_row(run.view, mailbox)).collect())
}

fn mailbox_row(view: View, mailbox: &Value) -> Value {
    let mut row = public(mailbox);
    let alias = text(mailbox, "Alias").to_owned();
    let organization = text(view.at("tenant"), "initial_domain");
    let enabled = view.user(text(mailbox, "UserPrincipalName")).map(|user| user["accountEnabled"] != false);
    let soft = mailbox["x"]["soft_deleted"] == true;
    for (name, usual) in [
        ("Identity", json!(mailbox["DisplayName"])),
        ("Id", json!(mailbox["DisplayName"])),
        ("Name", json!(alias)),
        (
            "DistinguishedName",
            json!(format!(
                "CN={alias},OU={organization},OU=Microsoft Exchange Hosted Organizations,DC=EURPRD01A001,DC=PROD,DC=OUTLOOK,DC=COM"
            )),
        ),
        ("OrganizationId", json!(organization)),
        ("IsMailboxEnabled", json!(true)),
        ("AccountDisabled", json!(enabled == Some(false))),
        ("IsInactiveMailbox", json!(false)),
        ("IsSoftDeletedByRemove", json!(soft)),
        ("LitigationHoldEnabled", json!(false)),
        ("MailboxMoveStatus", json!("None")),
    ] {
        if row[name].is_null() {
            row[name] = usual;
        }
    }
    if let Value::Object(map) = &mut row {
        map.remove("cas");
    }
    row
}

fn cas(run: &Run) -> Result<Vec<Value>, Failure> {
    let found = chosen(run, false)?.into_iter();
    Ok(found
        .map(|mailbox| {
            let mut row = json!({ "Name": mailbox["Alias"], "Identity": mailbox["DisplayName"],
                "DisplayName": mailbox["DisplayName"], "PrimarySmtpAddress": mailbox["PrimarySmtpAddress"],
                "ExternalDirectoryObjectId": mailbox["ExternalDirectoryObjectId"], "Guid": mailbox["Guid"],
                "EwsEnabled": null, "EwsAllowOutlook": null, "EwsAllowMacOutlook": null, "EwsAllowEntourage": null,
                "EwsApplicationAccessPolicy": null, "EwsAllowList": null, "EwsBlockList": null, "OWAEnabled": true,
                "MAPIEnabled": true, "ImapEnabled": true, "PopEnabled": true, "ActiveSyncEnabled": true });
            for (name, value) in mailbox["cas"].as_object().into_iter().flatten() {
                row[name] = value.clone();
            }
            row
        })
        .collect())
}

/// A size as the cmdlets print it: rounded, then exact.
#[expect(clippy::cast_precision_loss, reason = "the figure is printed with four digits")]
fn size(bytes: u64) -> String {
    let digits = bytes.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match bytes {
        0..0x10_0000 => format!("{:.4} KB ({grouped} bytes)", bytes as f64 / 1024.0),
        0x10_0000..0x4000_0000 => format!("{:.4} MB ({grouped} bytes)", bytes as f64 / 1_048_576.0),
        _ => format!("{:.4} GB ({grouped} bytes)", bytes as f64 / 1_073_741_824.0),
    }
}

fn statistics(run: &Run) -> Result<Vec<Value>, Failure> {
    let mailbox = run.mailbox("Identity")?;
    let used = mailbox["x"]["used_bytes"].as_u64().unwrap_or(0);
    Ok(vec![json!({ "DisplayName": mailbox["DisplayName"], "MailboxGuid": mailbox["ExchangeGuid"],
        "ItemCount": used / 65_536, "TotalItemSize": size(used), "DeletedItemCount": 0,
        "TotalDeletedItemSize": "0 B (0 bytes)", "StorageLimitStatus": null, "IsQuarantined": mailbox["x"]["quarantined"] == true,
        "LastLogonTime": null })])
}

fn permissions(run: &Run) -> Result<Vec<Value>, Failure> {
    let mailbox = run.mailbox("Identity")?;
    let wanted = run.word("User");
    let row = |user: &str, rights: Vec<&str>| {
        json!({ "Identity": mailbox["DisplayName"], "User": user, "UserSid": null, "AccessRights": rights,
            "IsInherited": false, "Deny": false, "InheritanceType": "All", "IsValid": true })
    };
    let mut rows = Vec::new();
    if wanted.is_empty() {
        rows.push(row("NT AUTHORITY\\SELF", vec!["FullAccess", "ReadPermission"]));
    }
    for holder in mailbox["x"]["full_access"].as_object().into_iter().flatten().map(|(holder, _)| holder) {
        let user = run.view.named("users", holder);
        let name = user.map_or(holder.as_str(), |user| text(user, "userPrincipalName"));
        let asked = wanted.is_empty()
            || name.eq_ignore_ascii_case(wanted)
            || user.is_some_and(|user| has(user, "id", wanted) || has(user, "displayName", wanted));
        let rights = access::rights_of(run.view, mailbox, holder);
        if asked && !rights.is_empty() {
            rows.push(row(name, rights));
        }
    }
    Ok(rows)
}

/// Default folders that can be asked for: scope, world's name, English name.
const SCOPES: &[(&str, &str, &str)] = &[
    ("Calendar", "calendar", "Calendar"),
    ("Contacts", "contacts", "Contacts"),
    ("Inbox", "inbox", "Inbox"),
];

/// Name of a default folder in the language of the mailbox.
fn shown<'a>(mailbox: &'a Value, folder: &str, english: &'a str) -> &'a str {
    mailbox["x"]["folders"][folder]["shown"].as_str().unwrap_or(english)
}

fn folder_statistics(run: &Run) -> Result<Vec<Value>, Failure> {
    let mailbox = run.mailbox("Identity")?;
    let wanted = run.word("FolderScope");
    let rows = SCOPES.iter().filter(|(scope, ..)| wanted.is_empty() || scope.eq_ignore_ascii_case(wanted));
    let row = |(scope, folder, english): &(&str, &str, &str)| {
        let name = shown(mailbox, folder, english);
        let count = mailbox["x"]["folders"][*folder]["items"].as_u64().unwrap_or(0);
        json!({ "Name": name, "FolderPath": format!("/{name}"), "FolderType": scope, "ItemsInFolder": count,
            "FolderSize": size(count * 4096), "Identity": format!("{}\\{name}", text(mailbox, "DisplayName")) })
    };
    Ok(rows.map(row).collect())
}

/// The default folder that `MAILBOX:\PATH` names.
fn folder_of<'a>(run: &Run<'a>) -> Result<(&'a Value, &'static str), Failure> {
    let identity = run.word("Identity");
    let (name, path) = identity.split_once(":\\").ok_or_else(|| Failure::not_found(identity))?;
    let mailbox = run.view.mailbox(name).filter(|mailbox| mailbox["x"]["soft_deleted"] != true);
    let mailbox = mailbox.ok_or_else(|| Failure::not_found(name))?;
    let named = |(_, folder, english): &&(&str, &str, &str)| {
        shown(mailbox, folder, english).eq_ignore_ascii_case(path)
    };
    let found = SCOPES.iter().find(named).ok_or_else(|| Failure::not_found(identity))?;
    Ok((mailbox, found.1))
}

fn folder_permissions(run: &Run) -> Result<Vec<Value>, Failure> {
    let (mailbox, folder) = folder_of(run)?;
    let wanted = run.word("User");
    let row = |user: &str, rights: Vec<&str>| json!({ "FolderName": folder, "User": user, "AccessRights": rights, "IsValid": true });
    if !wanted.is_empty() {
        let rights = access::folder_rights(run.view, mailbox, folder, wanted);
        if rights.is_empty() {
            return Err(Failure::no_permission_entry(wanted));
        }
        return Ok(vec![row(wanted, rights)]);
    }
    let given = mailbox["x"]["folders"][folder]["permissions"].as_object().into_iter().flatten();
    let own = given.map(|(holder, level)| row(holder, level.as_str().into_iter().collect()));
    Ok([row("Default", vec!["None"]), row("Anonymous", vec!["None"])].into_iter().chain(own).collect())
}

fn group_members(run: &Run) -> Result<Vec<Value>, Failure> {
    let identity = run.word("Identity");
    let groups = run.view.at("groups").as_object().into_iter().flatten();
    let named = |group: &Value| ["displayName", "mail", "id"].iter().any(|field| has(group, field, identity));
    let mut found = groups.filter(|(_, group)| named(group)).map(|(key, _)| key.as_str());
    let key = found.next().ok_or_else(|| Failure::not_found(identity))?;
    let below = |member: &Value, list: &str| crate::lab::view::lists(&member["x"][list], key);
    let users = run.view.rows("users").into_iter().filter(|user| below(user, "groups"));
    let users = users.filter_map(|user| run.view.mailbox_of(user)).map(|mailbox| {
        json!({ "Name": mailbox["Alias"], "DisplayName": mailbox["DisplayName"],
            "PrimarySmtpAddress": mailbox["PrimarySmtpAddress"], "RecipientType": "UserMailbox",
            "RecipientTypeDetails": mailbox["RecipientTypeDetails"] })
    });
    let groups = run.view.rows("groups").into_iter().filter(|group| below(group, "member_of")).map(|group| {
        let mail = group["mail"].as_str().unwrap_or_default();
        let kind = if mail.is_empty() { "Group" } else { "MailUniversalSecurityGroup" };
        json!({ "Name": group["displayName"], "DisplayName": group["displayName"], "PrimarySmtpAddress": mail,
            "RecipientType": kind, "RecipientTypeDetails": kind, "ExternalDirectoryObjectId": group["id"] })
    });
    Ok(users.chain(groups).collect())
}

fn access_policies(run: &Run) -> Result<Vec<Value>, Failure> {
    let policies = run.view.at("exchange.access_policies").as_object().into_iter().flatten();
    let rows = policies.filter(|(_, policy)| policy.is_object()).map(|(name, policy)| {
        let mut row = public(policy);
        let tenant = text(run.view.at("tenant"), "id");
        for (field, usual) in [
            ("ScopeIdentity", row["ScopeName"].clone()),
            ("ScopeIdentityRaw", made_up(&["scope", name]).into()),
            (
                "Identity",
                format!("{tenant}\\{}:{}", text(policy, "AppId"), made_up(&["policy", name])).into(),
            ),
            ("Description", "".into()),
            ("IsValid", true.into()),
        ] {
            if row[field].is_null() {
                row[field] = usual;
            }
        }
        row
    });
    Ok(rows.collect())
}

fn test_policy(run: &Run) -> Result<Vec<Value>, Failure> {
    let app_id = run.word("AppId");
    let mailbox = run.mailbox("Identity")?;
    Ok(vec![json!({ "AppId": app_id, "Mailbox": mailbox["Alias"], "MailboxId": mailbox["ExchangeGuid"],
        "MailboxSid": null, "AccessCheckResult": access::policy_test(run.view, app_id, mailbox) })])
}

fn service_principals(run: &Run) -> Result<Vec<Value>, Failure> {
    let identity = run.word("Identity");
    let all = run.view.rows("exchange.service_principals").into_iter().map(principal_row);
    let rows: Vec<Value> = all.filter(|row| identity.is_empty() || named(row, identity)).collect();
    if rows.is_empty() && !identity.is_empty() { Err(Failure::not_found(identity)) } else { Ok(rows) }
}

fn principal_row(principal: &Value) -> Value {
    let mut row = public(principal);
    let id = text(principal, "ObjectId").to_owned();
    row["Identity"] = id.clone().into();
    row["Id"] = id.clone().into();
    row["Name"] = id.into();
    row["Sid"] = format!("S-1-5-21-{}", text(principal, "AppId").len()).into();
    row
}

/// Application roles and, as in reality, nothing of the consent in Entra.
fn test_authorization(run: &Run) -> Result<Vec<Value>, Failure> {
    let identity = run.word("Identity");
    let all = run.view.rows("exchange.service_principals").into_iter().map(principal_row);
    let registered =
        all.into_iter().find(|row| named(row, identity)).ok_or_else(|| Failure::not_found(identity))?;
    let target = if run.word("Resource").is_empty() { None } else { Some(run.mailbox("Resource")?) };
    let rows = access::roles_of(run.view, text(&registered, "AppId")).into_iter().map(|assignment| {
        let in_scope = target.map_or("Not Run".to_owned(), |mailbox| {
            if access::in_scope(run.view, assignment, mailbox) { "True".to_owned() } else { "False".to_owned() }
        });
        let usual = match (access::unit_of(run.view, assignment), assignment["members"].is_null()) {
            (Some(unit), _) => (text(unit, "id"), "AdministrativeUnit"),
            (None, true) => ("Organization", "Organization"),
            (None, false) => ("Organization", "CustomRecipientScope"),
        };
        json!({ "RoleName": assignment["role"], "GrantedPermissions": access::permissions_of(assignment).join(", "),
            "AllowedResourceScope": assignment["scope"].as_str().unwrap_or(usual.0),
            "ScopeType": assignment["scope_type"].as_str().unwrap_or(usual.1), "InScope": in_scope })
    });
    Ok(rows.collect())
}

fn role_assignments(run: &Run) -> Result<Vec<Value>, Failure> {
    let role = run.word("Role");
    let leftovers = run.view.rows("exchange.leftovers").into_iter().map(|row| assignment_row(public(row)));
    let by_app = run
        .view
        .rows("exchange.role_assignments")
        .into_iter()
        .map(|row| assignment_row(app_row(run.view, row)));
    let mut rows: Vec<Value> = leftovers.chain(by_app).collect();
    rows.retain(|row| role.is_empty() || has(row, "Role", role));
    let assignee = run.word("RoleAssignee");
    rows.retain(|row| {
        assignee.is_empty() || has(row, "RoleAssigneeName", assignee) || has(row, "App", assignee)
    });
    Ok(rows)
}

/// An application role as a row of the role assignments.
fn app_row(view: View, assignment: &Value) -> Value {
    let app = text(assignment, "app");
    let principal = view.named("service_principals", app).or_else(|| view.service_principal(app));
    let id = principal.map_or(app, |principal| text(principal, "id"));
    let mut row = json!({ "Name": format!("{}-{id}", text(assignment, "role")), "Role": assignment["role"], "App": id,
        "RoleAssignee": id, "RoleAssigneeName": id, "RoleAssigneeType": "ServicePrincipal" });
    if let Some(unit) = access::unit_of(view, assignment) {
        row["RecipientAdministrativeUnitScope"] = unit["id"].clone();
        row["RecipientWriteScope"] = "AdministrativeUnit".into();
    } else {
        let whole = assignment["members"].is_null();
        row["CustomResourceScope"] = assignment["scope"].clone();
        row["RecipientWriteScope"] = if whole { "Organization" } else { "CustomRecipientScope" }.into();
    }
    row
}

/// What every role assignment has besides.
fn assignment_row(mut row: Value) -> Value {
    let name = text(&row, "Name").to_owned();
    for (field, usual) in [
        ("Identity", json!(name)),
        ("Guid", json!(made_up(&["role-assignment", &name, GRAPH_APP]))),
        ("AssignmentMethod", json!("Direct")),
        ("AssignmentChain", json!("")),
        ("EffectiveUserName", json!("All Group Members")),
        ("RoleAssignmentDelegationType", json!("Regular")),
        ("CustomRecipientWriteScope", Value::Null),
        ("CustomResourceScope", Value::Null),
        ("CustomConfigWriteScope", Value::Null),
        ("RecipientReadScope", json!("Organization")),
        ("RecipientWriteScope", json!("Organization")),
        ("ConfigReadScope", json!("None")),
        ("ConfigWriteScope", json!("None")),
        ("Enabled", json!(true)),
        ("IsValid", json!(true)),
    ] {
        if row[field].is_null() {
            row[field] = usual;
        }
    }
    row
}
