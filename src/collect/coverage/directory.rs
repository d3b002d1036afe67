//! Lists of mailboxes from the directory, page after page, with the reader's permission.

use std::collections::VecDeque;

use futures_util::{Stream, stream};
use serde_json::Value;
use url::Url;

use crate::collect::Context;
use crate::collect::directory::absence;
use crate::facts::{Absence, Reason};
use crate::wire::answer::Answer;
use crate::wire::graph::{Graph, encode, literal};

/// What the reader needs to list everybody.
const USERS: &str = "User.Read.All";
/// What it needs for the members of a group.
const GROUPS: &str = "GroupMember.Read.All";
/// What it needs for the members of an administrative unit.
const UNITS: &str = "AdministrativeUnit.Read.All";

/// Which of a group's members count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Members {
    /// Those of the group itself.
    Direct,
    /// Those of the groups in it as well.
    Transitive,
    /// It is an administrative unit; groups in it count for themselves alone.
    Unit,
}

/// Whom a row names.
#[derive(Debug, PartialEq, Eq)]
enum Named<'a> {
    Address(&'a str),
    /// Somebody who has no mailbox.
    Nobody,
    /// Somebody whose properties the reader may not see.
    Hidden,
}

struct Pages {
    context: Context,
    graph: Graph,
    next: Option<Url>,
    rows: VecDeque<Box<str>>,
    needs: &'static str,
    address: fn(&Value) -> Named<'_>,
}

/// Addresses of everybody in the directory who may have a mailbox: guests have none.
///
/// # Errors
///
/// When there is no reader, or it got no token.
pub async fn everybody(
    context: &Context,
) -> Result<impl Stream<Item = Result<Box<str>, Absence>> + Send + Unpin + use<>, Absence> {
    let query = [("$select", "id,mail,userType"), ("$top", "999")];
    list(context, "/v1.0/users", &query, USERS, of_user).await
}

/// Addresses of the members of a group. Someone without one is named by the sign-in name.
///
/// # Errors
///
/// When there is no reader, or it got no token.
pub async fn members(
    context: &Context,
    group: &str,
    which: Members,
) -> Result<impl Stream<Item = Result<Box<str>, Absence>> + Send + Unpin + use<>, Absence> {
    let (above, below, needs) = match which {
        Members::Direct => ("groups", "members", GROUPS),
        Members::Transitive => ("groups", "transitiveMembers", GROUPS),
        Members::Unit => ("directory/administrativeUnits", "members", UNITS),
    };
    let path = format!("/v1.0/{above}/{}/{below}/microsoft.graph.user", encode(group));
    let query = [("$select", "id,mail,userPrincipalName"), ("$top", "999")];
    list(context, &path, &query, needs, of_member).await
}

fn of_user(row: &Value) -> Named<'_> {
    match row["mail"].as_str().filter(|_| row["userType"] != "Guest") {
        Some(address) => Named::Address(address),
        None => Named::Nobody,
    }
}

/// Every user has a sign-in name: one without is somebody whom the reader may not see.
fn of_member(row: &Value) -> Named<'_> {
    let address = row["mail"].as_str().or(row["userPrincipalName"].as_str());
    address.map_or(Named::Hidden, Named::Address)
}

/// The object id of the group with this id, address or name, or of the administrative unit with this id;
/// `None`: there is none, or several.
///
/// # Errors
///
/// When the directory could not be read.
pub async fn list_id(context: &Context, name: &str, which: Members) -> Result<Option<String>, Absence> {
    if uuid::Uuid::parse_str(name).is_ok() {
        return Ok(Some(name.to_owned()));
    }
    if which == Members::Unit {
        return Ok(None);
    }
    let field = if name.contains('@') { "mail" } else { "displayName" };
    let filter = format!("{field} eq {}", literal(name));
    let query = [("$filter", filter.as_str()), ("$select", "id,mail,displayName")];
    let said = context.graph().await?.list("/v1.0/groups", &query).await;
    match &said.answer {
        Answer::Found(Value::Array(rows)) if rows.len() == 1 => Ok(rows[0]["id"].as_str().map(str::to_owned)),
        Answer::Found(_) | Answer::Missing(_) => Ok(None),
        other => Err(absence(other, GROUPS)),
    }
}

async fn list(
    context: &Context,
    path: &str,
    query: &[(&str, &str)],
    needs: &'static str,
    address: fn(&Value) -> Named<'_>,
) -> Result<impl Stream<Item = Result<Box<str>, Absence>> + Send + Unpin + use<>, Absence> {
    let graph = context.graph().await?;
    let next = Some(graph.first_page(path, query));
    let pages = Pages { context: context.clone(), graph, next, rows: VecDeque::new(), needs, address };
    Ok(Box::pin(stream::unfold(Some(pages), |pages| async move {
        let mut pages = pages?;
        match pages.row().await {
            Ok(Some(row)) => Some((Ok(row), Some(pages))),
            Ok(None) => None,
            Err(absence) => Some((Err(absence), None)),
        }
    })))
}

impl Pages {
    async fn row(&mut self) -> Result<Option<Box<str>>, Absence> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Ok(Some(row));
            }
            let Some(at) = self.next.take() else { return Ok(None) };
            let (rows, next) = self.page(at).await?;
            for row in &rows {
                match (self.address)(row) {
                    Named::Address(address) => self.rows.push_back(address.into()),
                    Named::Nobody => {}
                    Named::Hidden => return Err(hidden()),
                }
            }
            self.next = next;
        }
    }

    /// One page; with a new token where the old one has run out meanwhile.
    async fn page(&mut self, at: Url) -> Result<(Vec<Value>, Option<Url>), Absence> {
        let answer = match self.graph.page(at.clone()).await {
            Ok(page) => return Ok(page),
            Err(answer) => answer,
        };
        if answer.problem().is_some_and(|problem| problem.status == 401) {
            self.context.session.forget_tokens();
            self.graph = self.context.graph().await?;
            return self.graph.page(at).await.map_err(|answer| absence(&answer, self.needs));
        }
        Err(absence(&answer, self.needs))
    }
}

/// Members were listed by nothing but their ids.
fn hidden() -> Absence {
    Absence::new(Reason::Denied)
        .with_permission(USERS)
        .with_text("the members are listed without their addresses: the reader may not see users")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_without_any_name_is_one_whom_the_reader_may_not_see() {
        let member = |row: Value| format!("{:?}", of_member(&row));
        assert_eq!(member(json!({ "id": "1", "mail": null, "userPrincipalName": null })), "Hidden");
        assert_eq!(member(json!({ "id": "1", "userPrincipalName": "a@x.y" })), "Address(\"a@x.y\")");
        assert_eq!(of_user(&json!({ "mail": "g@x.y", "userType": "Guest" })), Named::Nobody);
        assert_eq!(of_user(&json!({ "mail": "a@x.y" })), Named::Address("a@x.y"));
    }
}
