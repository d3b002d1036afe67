//! Which mailboxes the product may reach: access policies, application roles, mailbox permissions.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::directory::{
    Reading, Stop, found, in_the_cloud, mailbox_in_the_cloud, reads, row, rows, text, texts,
};
use super::graph_targets::probe_folder;
use super::reader::EXCHANGE;
use super::{Access, Call, Context, Protocol, Target, World, Yield};
use crate::facts::Absence;
use crate::wire::answer::{Answer, Said};

/// Most mailboxes that are tried for one account.
pub const TARGETS: usize = 50;

pub(super) const CALLS: &[Call] = &[
    row!("exchange.access-policies", Account, reads(EXCHANGE, &[]), mailbox_in_the_cloud, after [],
        access_policies, yields ["scope.access_policies"]),
    row!("exchange.access-policy-tests", Account, reads(EXCHANGE, &[]), mailbox_in_the_cloud, after [],
        access_policy_tests, yields ["scope.access_policy_tests"]),
    row!("exchange.role-tests", Account, reads(EXCHANGE, &[]), mailbox_in_the_cloud, after [], role_tests,
        yields ["scope.role_assignments"]),
    row!("exchange.service-principal", Account, reads(EXCHANGE, &[]), mailbox_in_the_cloud, after [], principal,
        yields ["scope.exchange_principal", "scope.exchange_principal_object_id"]),
    row!("exchange.mailbox-permissions", Account, reads(EXCHANGE, &[]), is_delegated, after [],
        mailbox_permissions, yields ["scope.mailbox_permissions"]),
    row!("exchange.folder-permissions", Account, reads(EXCHANGE, &[]), is_delegated, after [],
        folder_permissions, yields ["scope.folder_permissions"]),
    row!("exchange.role-groups", Account, reads(EXCHANGE, &[]), mailbox_in_the_cloud, after [], role_groups,
        yields ["scope.role_groups"]),
    row!("graph.delegate-tests", Account, Access::Subject, is_delegated_graph, after [], delegate_tests,
        yields ["scope.delegate_tests"]),
];

fn is_delegated(target: &Target) -> bool {
    in_the_cloud(target) && target.world.is_none_or(|world| world == World::OnlineDelegated)
}

fn is_delegated_graph(target: &Target) -> bool {
    is_delegated(target) && target.protocol == Protocol::Graph
}

/// The account and each mailbox named by the user, each once.
pub fn mailboxes(target: &Target) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for address in std::iter::once(&target.account).chain(&target.also) {
        if !all.iter().any(|known| known.eq_ignore_ascii_case(address)) {
            all.push(address.clone());
        }
    }
    all.truncate(TARGETS);
    all
}

/// Runs a cmdlet once for each mailbox. One that Exchange does not have yields no rows.
async fn for_each(
    context: &Context,
    cmdlet: &'static str,
    parameters: impl Fn(&str) -> Value,
) -> Result<Vec<(String, Arc<Said>)>, Absence> {
    let targets = mailboxes(&context.target);
    let asked = targets.iter().map(|target| context.cmdlet(cmdlet, parameters(target)));
    let answers = join_all(asked).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(targets.into_iter().zip(answers).collect())
}

/// Rows of all answers with their mailbox; an answer that is neither rows nor "not there" stops.
fn rows_of(answers: &[(String, Arc<Said>)]) -> Result<Vec<(&str, Value)>, Stop> {
    let mut all = Vec::new();
    for (target, said) in answers {
        let list = found(said, EXCHANGE)?.unwrap_or_default();
        all.extend(rows(&list).map(|row| (target.as_str(), row.clone())));
    }
    Ok(all)
}

fn with_evidence(answers: &[(String, Arc<Said>)]) -> Yield {
    let mut found = Yield::new();
    found.exchanges.extend(answers.iter().flat_map(|(_, said)| said.exchanges.iter().cloned()));
    found
}

async fn access_policies(context: &Context) -> Reading {
    let said = context.cmdlet("Get-ApplicationAccessPolicy", json!({})).await?;
    let list = found(&said, EXCHANGE)?.unwrap_or_default();
    let mut found = Yield::new();
    found.set("scope.access_policies", policies_of(&list, context.app_id()?));
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

/// The policies of one app.
fn policies_of(list: &Value, app_id: &str) -> Value {
    let own =
        rows(list).filter(|row| row["AppId"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(app_id)));
    let rows = own.map(|row| {
        let group = match text(row, "ScopeName") {
            Value::Null => text(row, "ScopeIdentity"),
            name => name,
        };
        json!({ "right": text(row, "AccessRight"), "group": group })
    });
    rows.collect()
}

async fn access_policy_tests(context: &Context) -> Reading {
    let app_id = context.app_id()?;
    let parameters = |target: &str| json!({ "Identity": target, "AppId": app_id });
    let answers = for_each(context, "Test-ApplicationAccessPolicy", parameters).await?;
    let tests = rows_of(&answers)?.into_iter().map(|(target, row)| {
        json!({ "target": target, "result": row["AccessCheckResult"].as_str().map(str::to_lowercase) })
    });
    let mut found = with_evidence(&answers);
    found.set("scope.access_policy_tests", tests.collect::<Value>());
    Ok(found)
}

/// What Exchange says of the app's roles, for each mailbox; asked once in the run.
async fn role_answers(context: &Context) -> Result<Vec<(String, Arc<Said>)>, Stop> {
    let app_id = context.app_id()?;
    let parameters = |target: &str| json!({ "Identity": app_id, "Resource": target });
    Ok(for_each(context, "Test-ServicePrincipalAuthorization", parameters).await?)
}

async fn role_tests(context: &Context) -> Reading {
    let answers = role_answers(context).await?;
    let tests = rows_of(&answers)?.into_iter().map(|(target, row)| role_test(target, &row));
    let mut found = with_evidence(&answers);
    found.set("scope.role_assignments", tests.collect::<Value>());
    Ok(found)
}

fn role_test(target: &str, row: &Value) -> Value {
    json!({
        "role": text(row, "RoleName"),
        "permissions": words(row, "GrantedPermissions"),
        "target": target,
        "in_scope": super::directory::flag(row, "InScope"),
        "scope": text(row, "AllowedResourceScope"),
        "scope_kind": text(row, "ScopeType"),
    })
}

/// The words of a list, or of one text with commas, with or without braces.
fn words(row: &Value, name: &str) -> Vec<String> {
    let texts = texts(row, name);
    let words = texts.iter().flat_map(|text| text.split(',')).map(|word| word.trim_matches(['{', '}', ' ']));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

async fn principal(context: &Context) -> Reading {
    let said = context.cmdlet("Get-ServicePrincipal", json!({ "Identity": context.app_id()? })).await?;
    let list = found(&said, EXCHANGE)?.unwrap_or_default();
    let principal = list.get(0).unwrap_or(&Value::Null);
    let object_id = match text(principal, "ObjectId") {
        Value::Null => text(principal, "ServiceId"),
        id => id,
    };
    let mut found = Yield::new();
    found.set("scope.exchange_principal", !principal.is_null());
    found.set("scope.exchange_principal_object_id", object_id);
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

async fn mailbox_permissions(context: &Context) -> Reading {
    let account = &context.target.account;
    let parameters = |target: &str| json!({ "Identity": target, "User": account });
    let answers = for_each(context, "Get-MailboxPermission", parameters).await?;
    let mut found = with_evidence(&answers);
    let mut permissions = Vec::new();
    for (target, said) in answers.iter().filter(|(target, _)| !target.eq_ignore_ascii_case(account)) {
        let list = super::directory::found(said, EXCHANGE)?.unwrap_or_default();
        permissions.push(json!({ "target": target, "rights": rights(&list) }));
    }
    found.set("scope.mailbox_permissions", permissions);
    Ok(found)
}

/// The rights that a list of permissions grants.
pub(super) fn rights(list: &Value) -> Vec<String> {
    let granting = rows(list).filter(|row| super::directory::flag(row, "Deny") != true);
    granting.flat_map(|row| words(row, "AccessRights")).collect()
}

/// Most groups whose members are read for one account.
const GROUPS: usize = 30;

/// Groups inside the groups that are scopes of the app's roles. Exchange counts direct members of a scope
/// group only, so whoever is a member of an inner one is left out.
async fn role_groups(context: &Context) -> Reading {
    let answers = role_answers(context).await?;
    let scopes: BTreeSet<String> = rows_of(&answers)?
        .into_iter()
        .filter(|(_, row)| !matches!(row["ScopeType"].as_str(), Some("Organization" | "AdministrativeUnit")))
        .filter_map(|(_, row)| row["AllowedResourceScope"].as_str().map(str::to_owned))
        .collect();
    let targets = mailboxes(&context.target);
    let (mut found, mut groups, mut left) = (Yield::new(), Vec::new(), GROUPS);
    for scope in scopes {
        for inner in members(context, &scope, &mut left, &mut found).await?.iter().filter(|row| is_group(row))
        {
            let inside = addresses_below(context, inner, &mut left, &mut found).await?;
            let lost: Vec<&String> =
                targets.iter().filter(|target| inside.contains(&target.to_lowercase())).collect();
            groups.push(json!({ "group": scope, "nested": text(inner, "Name"), "targets": lost }));
        }
    }
    found.set("scope.role_groups", groups);
    Ok(found)
}

/// Direct members of a group; none where the name is no group's.
async fn members(
    context: &Context,
    group: &str,
    left: &mut usize,
    found: &mut Yield,
) -> Result<Vec<Value>, Stop> {
    if *left == 0 {
        return Ok(Vec::new());
    }
    *left -= 1;
    let said = context.cmdlet("Get-DistributionGroupMember", json!({ "Identity": group })).await?;
    found.exchanges.extend(said.exchanges.iter().cloned());
    let list = super::directory::found(&said, EXCHANGE)?.unwrap_or_default();
    Ok(rows(&list).cloned().collect())
}

fn is_group(row: &Value) -> bool {
    ["RecipientTypeDetails", "RecipientType"]
        .iter()
        .any(|name| row[*name].as_str().is_some_and(|kind| kind.contains("Group")))
}

/// Addresses of everybody in a group, through further groups too, in lower case.
async fn addresses_below(
    context: &Context,
    group: &Value,
    left: &mut usize,
    found: &mut Yield,
) -> Result<BTreeSet<String>, Stop> {
    let mut addresses = BTreeSet::new();
    let mut open = vec![group.clone()];
    while let Some(group) = open.pop() {
        let Some(name) = identity(&group) else { continue };
        for member in members(context, &name, left, found).await? {
            if is_group(&member) {
                open.push(member);
            } else if let Some(address) = member["PrimarySmtpAddress"].as_str() {
                addresses.insert(address.to_lowercase());
            }
        }
    }
    Ok(addresses)
}

/// What names a group best.
fn identity(group: &Value) -> Option<String> {
    let named = ["ExternalDirectoryObjectId", "PrimarySmtpAddress", "Guid", "Name"];
    let texts = named.iter().filter_map(|name| group[*name].as_str());
    texts.map(str::to_owned).find(|text| !text.is_empty())
}

/// Rights of the account on the folders that the product syncs, in each of the other mailboxes. Folders
/// have names in the language of the mailbox, so these are looked up first.
async fn folder_permissions(context: &Context) -> Reading {
    let mut found = Yield::new();
    let others: Vec<_> = mailboxes(&context.target).into_iter().skip(1).collect();
    let folders = context.target.synced_folders();
    let asked = others.iter().flat_map(|target| folders.iter().map(move |folder| (target, *folder)));
    let answers = join_all(asked.map(|(target, folder)| folder_right(context, target, folder))).await;
    let mut permissions = Vec::new();
    for answer in answers {
        let (row, exchanges) = answer?;
        found.exchanges.extend(exchanges);
        permissions.push(row);
    }
    found.set("scope.folder_permissions", permissions);
    Ok(found)
}

async fn folder_right(
    context: &Context,
    target: &str,
    folder: &'static str,
) -> Result<(Value, Vec<crate::facts::Exchange>), Stop> {
    let scope = match folder {
        "calendar" => "Calendar",
        "contacts" => "Contacts",
        _ => "Inbox",
    };
    let statistics = json!({ "Identity": target, "FolderScope": scope });
    let said = context.cmdlet("Get-MailboxFolderStatistics", statistics).await?;
    let list = found(&said, EXCHANGE)?.unwrap_or_default();
    let of_kind =
        |row: &&Value| row["FolderType"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case(scope));
    let path = rows(&list).find(of_kind).and_then(|row| row["FolderPath"].as_str());
    let path = path.map_or_else(|| scope.to_owned(), |path| path.trim_start_matches('/').replace('/', "\\"));
    let identity = format!("{target}:\\{path}");
    let parameters = json!({ "Identity": identity, "User": context.target.account });
    let answer = context.cmdlet("Get-MailboxFolderPermission", parameters).await?;
    let list = found(&answer, EXCHANGE)?.unwrap_or_default();
    let rights: Vec<String> = rows(&list).flat_map(|row| words(row, "AccessRights")).collect();
    let exchanges = said.exchanges.iter().chain(&answer.exchanges).cloned().collect();
    Ok((json!({ "target": target, "folder": folder, "name": identity, "rights": rights }), exchanges))
}

async fn delegate_tests(context: &Context) -> Reading {
    let others: Vec<_> = mailboxes(&context.target).into_iter().skip(1).collect();
    let folders = context.target.synced_folders();
    let questions: Vec<_> =
        others.iter().flat_map(|target| folders.iter().map(move |folder| (target, *folder))).collect();
    let mut found = Yield::new();
    let asked = questions.iter().map(|(target, folder)| probe_folder(context, target, folder));
    let answers = join_all(asked).await;
    let mut tests = Vec::new();
    for ((target, folder), said) in questions.into_iter().zip(answers) {
        let said = said?;
        found.exchanges.extend(said.exchanges.iter().cloned());
        let (status, code) = match (&said.answer, said.answer.problem()) {
            (Answer::Found(_), _) => (json!(200), Value::Null),
            (_, Some(problem)) => {
                (json!(problem.status), problem.code.clone().map_or(Value::Null, Value::from))
            }
            (_, None) => (Value::Null, Value::Null),
        };
        tests.push(json!({ "target": target, "folder": folder, "status": status, "code": code }));
    }
    found.set("scope.delegate_tests", tests);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_of_other_apps_are_left_out() {
        let list = json!([
            { "AppId": "A-1", "AccessRight": "RestrictAccess", "ScopeName": "Sync" },
            { "AppId": "a-2", "AccessRight": "DenyAccess", "ScopeName": "Board" },
        ]);
        assert_eq!(policies_of(&list, "a-1"), json!([{ "right": "RestrictAccess", "group": "Sync" }]));
    }

    #[test]
    fn scope_tests_come_as_booleans_or_words() {
        let row = json!({ "RoleName": "Application Mail.Read", "GrantedPermissions": "Mail.Read, Mail.Send",
            "InScope": "False", "AllowedResourceScope": "Sync", "ScopeType": "CustomRecipientScope" });
        let test = role_test("t@contoso.com", &row);
        assert_eq!(
            (&test["in_scope"], &test["permissions"]),
            (&json!(false), &json!(["Mail.Read", "Mail.Send"]))
        );
        assert_eq!(role_test("t", &json!({ "InScope": "Not Run" }))["in_scope"], Value::Null);
    }

    #[test]
    fn a_denying_entry_grants_nothing() {
        let list = json!([
            { "AccessRights": ["FullAccess"], "Deny": false },
            { "AccessRights": "{ReadPermission}", "Deny": "True" },
        ]);
        assert_eq!(rights(&list), ["FullAccess"]);
    }
}
