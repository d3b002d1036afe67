//! Which mailboxes the product may reach: access policies, application roles, mailbox permissions.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::directory::{
    Reading, Stop, found, in_the_cloud, mailbox_in_the_cloud, reads, row, rows, text, texts,
};
use super::graph_targets::probe;
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

async fn role_tests(context: &Context) -> Reading {
    let app_id = context.app_id()?;
    let parameters = |target: &str| json!({ "Identity": app_id, "Resource": target });
    let answers = for_each(context, "Test-ServicePrincipalAuthorization", parameters).await?;
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
fn rights(list: &Value) -> Vec<String> {
    let granting = rows(list).filter(|row| super::directory::flag(row, "Deny") != true);
    granting.flat_map(|row| words(row, "AccessRights")).collect()
}

async fn delegate_tests(context: &Context) -> Reading {
    let others: Vec<_> = mailboxes(&context.target).into_iter().skip(1).collect();
    let mut found = Yield::new();
    let answers = join_all(others.iter().map(|target| probe(context, target))).await;
    let mut tests = Vec::new();
    for (target, said) in others.iter().zip(answers) {
        let said = said?;
        found.exchanges.extend(said.exchanges.iter().cloned());
        let (status, code) = match (&said.answer, said.answer.problem()) {
            (Answer::Found(_), _) => (json!(200), Value::Null),
            (_, Some(problem)) => {
                (json!(problem.status), problem.code.clone().map_or(Value::Null, Value::from))
            }
            (_, None) => (Value::Null, Value::Null),
        };
        tests.push(json!({ "target": target, "status": status, "code": code }));
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
