//! Lists of mailboxes from the directory, page after page, with the reader's permission.

use std::collections::VecDeque;

use futures_util::{Stream, stream};
use serde_json::Value;
use url::Url;

use crate::collect::Context;
use crate::collect::directory::absence;
use crate::facts::Absence;
use crate::wire::answer::Answer;
use crate::wire::graph::{Graph, encode, literal};

/// What the reader needs to list everybody.
const USERS: &str = "User.Read.All";
/// What it needs for the members of a group.
const GROUPS: &str = "GroupMember.Read.All";

/// Which of a group's members count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Members {
    /// Those of the group itself.
    Direct,
    /// Those of the groups in it as well.
    Transitive,
}

struct Pages {
    context: Context,
    graph: Graph,
    next: Option<Url>,
    rows: VecDeque<Box<str>>,
    needs: &'static str,
    address: fn(&Value) -> Option<&str>,
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
    let below = match which {
        Members::Direct => "members",
        Members::Transitive => "transitiveMembers",
    };
    let path = format!("/v1.0/groups/{}/{below}/microsoft.graph.user", encode(group));
    let query = [("$select", "id,mail,userPrincipalName"), ("$top", "999")];
    list(context, &path, &query, GROUPS, of_member).await
}

fn of_user(row: &Value) -> Option<&str> {
    if row["userType"] == "Guest" { None } else { row["mail"].as_str() }
}

fn of_member(row: &Value) -> Option<&str> {
    row["mail"].as_str().or(row["userPrincipalName"].as_str())
}

/// The object id of the group with this id, address or name; `None`: there is none, or several.
///
/// # Errors
///
/// When the directory could not be read.
pub async fn group_id(context: &Context, name: &str) -> Result<Option<String>, Absence> {
    if uuid::Uuid::parse_str(name).is_ok() {
        return Ok(Some(name.to_owned()));
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
    address: fn(&Value) -> Option<&str>,
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
            self.rows.extend(rows.iter().filter_map(self.address).map(Into::into));
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
