//! The users whom the product is to serve, and whether a bounded number of them lies in reach.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::directory::{Reading, Stop, found, in_the_cloud, mailbox_in_the_cloud, reads, row, rows};
use super::reader::EXCHANGE;
use super::scope::{TARGETS, rights};
use super::{Call, Context, Target, WantedUsers, World, Yield};
use crate::facts::{Absence, Exchange, Reason};
use crate::wire::answer::Said;
use crate::wire::graph::{encode, literal};

const GROUP: &str = "Directory.Read.All";
/// Most members of a group that are kept.
const MEMBERS: usize = 50_000;

pub(super) const CALLS: &[Call] = &[
    row!("graph.wanted-group", Account, reads(GROUP, &["GroupMember.Read.All", "Group.Read.All"]), names_a_group,
        after [], group, yields ["scope.wanted_members"]),
    row!(
        "exchange.wanted-tests",
        Account,
        reads(EXCHANGE, &[]),
        wants_users,
        after["graph.wanted-group"],
        tests,
        yields["scope.wanted_tests"]
    ),
];

fn names_a_group(target: &Target) -> bool {
    in_the_cloud(target) && matches!(target.wanted_users, Some(WantedUsers::Group(_)))
}

fn wants_users(target: &Target) -> bool {
    mailbox_in_the_cloud(target) && target.wanted_users.is_some()
}

/// Addresses of a group's members, through groups inside it too.
async fn group(context: &Context) -> Reading {
    let Some(WantedUsers::Group(name)) = &context.target.wanted_users else { return Ok(Yield::new()) };
    let mut found = Yield::new();
    let id =
        if name.contains('@') { by_address(context, name, &mut found).await? } else { Some(name.clone()) };
    let members = match id {
        Some(id) => members(context, &id, &mut found).await?,
        None => Vec::new(),
    };
    found.set("scope.wanted_members", members);
    Ok(found)
}

async fn by_address(context: &Context, name: &str, found: &mut Yield) -> Result<Option<String>, Stop> {
    let filter = format!("mail eq {}", literal(name));
    let query = [("$filter", filter.as_str()), ("$select", "id,mail,displayName")];
    let said = context.graph().await?.list("/v1.0/groups", &query).await;
    found.exchanges.extend(said.exchanges.iter().cloned());
    let list = super::directory::body(&said, GROUP)?;
    Ok(list.get(0).and_then(|group| group["id"].as_str()).map(str::to_owned))
}

async fn members(context: &Context, id: &str, found: &mut Yield) -> Result<Vec<String>, Stop> {
    let path = format!("/v1.0/groups/{}/transitiveMembers/microsoft.graph.user", encode(id));
    let query = [("$select", "id,mail,userPrincipalName"), ("$top", "999")];
    let said = context.graph().await?.list(&path, &query).await;
    found.exchanges.extend(said.exchanges.iter().cloned());
    let list = super::directory::found(&said, GROUP)?.unwrap_or_default();
    let address =
        |row: &Value| row["mail"].as_str().or_else(|| row["userPrincipalName"].as_str()).map(str::to_owned);
    Ok(rows(&list).filter_map(address).take(MEMBERS).collect())
}

/// What Exchange says of the first wanted users: of an app its policies and roles, of an account its
/// permissions on their mailboxes.
async fn tests(context: &Context) -> Reading {
    let wanted: Vec<String> = wanted(context)?.into_iter().take(TARGETS).collect();
    let app = context.target.world.is_none_or(World::is_app);
    let mut yielded = Yield::new();
    let mut list = Vec::new();
    for answer in join_all(wanted.iter().map(|user| one(context, user, app))).await {
        let (row, exchanges) = answer?;
        yielded.exchanges.extend(exchanges);
        list.push(row);
    }
    yielded.set("scope.wanted_tests", list);
    Ok(yielded)
}

/// The wanted users, as the configuration or the group tells them.
fn wanted(context: &Context) -> Result<Vec<String>, Stop> {
    if let Some(WantedUsers::Listed(users)) = &context.target.wanted_users {
        return Ok(users.clone());
    }
    let path = "scope.wanted_members";
    if let Some(members) = context.fact(path).and_then(Value::as_array) {
        return Ok(members.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    }
    let nobody = || Absence::new(Reason::NotAsked).with_text("nobody named the users");
    Err(Stop::from(context.before.absent.get(path).cloned().unwrap_or_else(nobody)))
}

type Tested = (Value, Vec<Exchange>);

async fn one(context: &Context, user: &str, app: bool) -> Result<Tested, Stop> {
    if !app {
        let parameters = json!({ "Identity": user, "User": context.target.account });
        let said = context.cmdlet("Get-MailboxPermission", parameters).await?;
        let known = found(&said, EXCHANGE)?;
        let full = known.as_ref().is_some_and(|list| rights(list).iter().any(|right| right == "FullAccess"));
        let row = json!({ "target": user, "mailbox": known.is_some(), "policy": null, "role": null, "full_access": full });
        return Ok((row, said.exchanges.clone()));
    }
    let app_id = context.app_id()?;
    let policy =
        context.cmdlet("Test-ApplicationAccessPolicy", json!({ "Identity": user, "AppId": app_id })).await?;
    let role = context
        .cmdlet("Test-ServicePrincipalAuthorization", json!({ "Identity": app_id, "Resource": user }))
        .await?;
    let said = found(&policy, EXCHANGE)?;
    let result =
        said.as_ref().and_then(|list| list.pointer("/0/AccessCheckResult")?.as_str()).map(str::to_lowercase);
    let row = json!({
        "target": user, "mailbox": said.is_some(), "policy": result, "role": role_of(&role)?, "full_access": null,
    });
    Ok((row, policy.exchanges.iter().chain(&role.exchanges).cloned().collect()))
}

/// in: a role covers the mailbox; out: roles exist and none does; none: the app has no role.
fn role_of(said: &Said) -> Result<&'static str, Stop> {
    let list = found(said, EXCHANGE)?.unwrap_or_default();
    let scopes: Vec<Value> = rows(&list).map(|row| super::directory::flag(row, "InScope")).collect();
    Ok(match scopes.as_slice() {
        [] => "none",
        all if all.contains(&Value::Bool(true)) => "in",
        _ => "out",
    })
}

#[cfg(test)]
mod role_tests {
    use super::*;
    use crate::wire::answer::Answer;

    #[test]
    fn one_role_in_scope_is_enough() {
        let said =
            |rows: Value| Said { answer: Answer::Found(rows), exchanges: Vec::new(), truncated: false };
        let both = json!([{ "InScope": "False" }, { "InScope": "True" }]);
        assert!(matches!(role_of(&said(both)), Ok("in")));
        assert!(matches!(role_of(&said(json!([{ "InScope": "False" }]))), Ok("out")));
        assert!(matches!(role_of(&said(json!([]))), Ok("none")));
    }
}
