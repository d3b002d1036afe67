//! Where the mailboxes come from: a file, a group, the scope, everybody, or what the configuration says.

use futures_util::{StreamExt as _, stream};

use super::args::Coverage;
use super::list::{self, List};
use crate::cli::{problem::Problem, trouble::Trouble};
use crate::collect::coverage::{
    Rule,
    directory::{Members, everybody, list_id, members},
};
use crate::collect::{Context, WantedUsers, World};
use crate::facts::Absence;

/// A list with what is known of it beforehand.
pub struct Origin {
    /// What it is, in words.
    pub name: String,
    /// Its mailboxes.
    pub list: List,
    /// How many there are; `None`: nobody knows.
    pub count: Option<u64>,
    /// Every one of them should be open to the product.
    pub wanted: bool,
}

/// The list that is asked for.
pub async fn of(args: &Coverage, context: &Context, rule: &Rule) -> Result<Origin, Trouble> {
    let whole = context.target.scope == "organization";
    if let Some(path) = &args.list {
        let stdin = list::is_stdin(path);
        let name = if stdin { "standard input".to_owned() } else { format!("the list {}", path.display()) };
        let count = if stdin { None } else { list::count(path) };
        return Ok(Origin { name, list: list::file(path)?, count, wanted: true });
    }
    if let Some(group) = &args.group {
        return of_group(context, group).await;
    }
    if args.scope {
        return of_scope(context, rule).await;
    }
    match (&context.target.wanted_users, args.all) {
        (Some(WantedUsers::Listed(users)), false) => {
            let count = u64::try_from(users.len()).ok();
            let users: Vec<Box<str>> = users.iter().map(|user| user.as_str().into()).collect();
            let list: List = Box::pin(stream::iter(users.into_iter().map(Ok)));
            Ok(Origin { name: "the configured users".into(), list, count, wanted: true })
        }
        (Some(WantedUsers::Group(group)), false) => of_group(context, group).await,
        (None, false) if !whole => {
            let problem = Problem::new("nobody says which mailboxes are meant");
            Err(problem
                .help("name them by `--list FILE`, `--group GROUP`, `--scope` or `--all`")
                .help("or in the configuration: wanted_users = { file = \"users.txt\" }")
                .into())
        }
        _ => of_everybody(context, "the whole directory".into(), whole).await,
    }
}

async fn of_group(context: &Context, group: &str) -> Result<Origin, Trouble> {
    let id = list_id(context, group, Members::Transitive).await;
    let id = id.map_err(|absence| refused(context, &absence))?;
    let Some(id) = id else {
        return Err(Problem::new(format!("the directory has no group `{group}`, or several")).into());
    };
    let listed = members(context, &id, Members::Transitive).await;
    let list: List = Box::pin(listed.map_err(|absence| refused(context, &absence))?);
    Ok(Origin { name: format!("the group {group}"), list, count: None, wanted: true })
}

async fn of_scope(context: &Context, rule: &Rule) -> Result<Origin, Trouble> {
    if rule.is_everybody() {
        return of_everybody(context, "the scope, which is everybody".into(), true).await;
    }
    let mut all: Vec<List> = Vec::new();
    for (group, which) in rule.groups() {
        let id = list_id(context, group, *which).await.map_err(|absence| refused(context, &absence))?;
        let Some(id) = id else {
            return Err(unresolved(
                rule,
                &format!("the scope {group} is no group or administrative unit of the directory"),
            ));
        };
        let listed = members(context, &id, *which).await.map_err(|absence| refused(context, &absence))?;
        all.push(Box::pin(listed));
    }
    if all.is_empty() {
        return Err(unresolved(rule, "no group limits what the identity may reach"));
    }
    let names: Vec<&str> = rule.groups().iter().map(|(group, _)| group.as_str()).collect();
    let name = format!("the scope {}", names.join(", "));
    let list: List = Box::pin(stream::iter(all).flatten());
    Ok(Origin { name, list, count: None, wanted: true })
}

async fn of_everybody(context: &Context, name: String, wanted: bool) -> Result<Origin, Trouble> {
    let listed = everybody(context).await.map_err(|absence| refused(context, &absence))?;
    Ok(Origin { name, list: Box::pin(listed), count: None, wanted })
}

/// The directory cannot be read: what else there is.
fn refused(context: &Context, absence: &Absence) -> Trouble {
    let why = absence.text.clone().unwrap_or_else(|| absence.reason.as_str().to_owned());
    let mut problem = Problem::new(format!("the directory cannot be read: {why}"));
    if let Some(permission) = &absence.permission {
        problem = problem.help(format!("the reader needs {permission}"));
    }
    if context.target.world == Some(World::ExchangeServer) {
        problem = problem.help(
            "an Exchange Server tells its mailboxes in its shell only: Get-Mailbox -ResultSize Unlimited | \
             Select-Object PrimarySmtpAddress | Export-Csv -NoTypeInformation users.csv",
        );
    }
    problem.help("`--list FILE` needs no directory").into()
}

fn unresolved(rule: &Rule, why: &str) -> Trouble {
    let mut problem = Problem::new(format!("the scope cannot be listed: {why}"));
    for note in rule.notes() {
        problem = problem.help(note.clone());
    }
    problem.help("`--list FILE`, `--group GROUP` or `--all` name mailboxes without it").into()
}
