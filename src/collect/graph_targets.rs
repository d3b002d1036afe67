//! One cheap read of each mailbox by Graph, with the product's own token.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::directory::{Reading, mailbox_in_the_cloud, row};
use super::scope::mailboxes;
use super::session::Resource;
use super::{Access, Call, Context, Protocol, Target, Yield};
use crate::facts::{Absence, Reason};
use crate::wire::answer::{Answer, Said};
use crate::wire::graph::encode;

pub(super) const CALLS: &[Call] = &[row!(
    "graph.targets", Account, Access::Subject, speaks_graph, after [], targets,
    yields ["graph.targets"],
)];

fn speaks_graph(target: &Target) -> bool {
    mailbox_in_the_cloud(target) && target.protocol == Protocol::Graph
}

/// What to read for a permission: the first word of its name, the path below the mailbox, the query.
pub(super) type Cheap = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const ONE: &[(&str, &str)] = &[("$top", "1"), ("$select", "id")];

const READS: [Cheap; 4] = [
    ("Contacts", "contactFolders", ONE),
    ("Calendars", "calendars", ONE),
    ("Mail", "mailFolders/inbox", &[("$select", "id")]),
    ("MailboxSettings", "mailboxSettings", &[("$select", "timeZone")]),
];

/// The read that the first mailbox permission of the product allows.
pub(super) fn cheapest(target: &Target) -> Cheap {
    let wanted = target.application_permissions.iter().chain(&target.delegated_permissions);
    let names: Vec<_> =
        wanted.filter(|(resource, _)| resource == "graph").map(|(_, name)| name.split('.').next()).collect();
    READS.into_iter().find(|(word, ..)| names.contains(&Some(word))).unwrap_or(READS[0])
}

/// Reads something cheap of a mailbox as the product, once in the run.
pub async fn probe(context: &Context, mailbox: &str) -> Result<Arc<Said>, Absence> {
    read(context, mailbox, cheapest(&context.target)).await
}

/// Reads something cheap of a default folder of a mailbox as the product, once in the run.
pub async fn probe_folder(context: &Context, mailbox: &str, folder: &str) -> Result<Arc<Said>, Absence> {
    read(context, mailbox, of_folder(folder)).await
}

/// The read of a default folder.
pub(super) fn of_folder(folder: &str) -> Cheap {
    match folder {
        "contacts" => READS[0],
        "calendar" => READS[1],
        _ => READS[2],
    }
}

async fn read(context: &Context, mailbox: &str, (_, below, query): Cheap) -> Result<Arc<Said>, Absence> {
    let token = context.subject_token(Resource::Graph).await?;
    let graph = context.graph_with(token.secret);
    let path = format!("/v1.0/users/{}/{below}", encode(mailbox));
    let target = &context.target;
    let app = target.subject.client_id.as_deref().unwrap_or_default();
    let key = format!("{} {app} as {} {path}", target.tenant, target.account);
    let said = context.session.answers.get(key, || async move { graph.get(&path, query).await }).await;
    let said = said.map(documented);
    said.ok_or_else(|| Absence::new(Reason::Unreadable).with_text("reading broke in this tool"))
}

/// The same answer, unreadable where a success is not what is documented for any of the reads.
fn documented(said: Arc<Said>) -> Arc<Said> {
    match &said.answer {
        Answer::Found(body)
            if !(body["value"].is_array() || body["id"].is_string() || body["timeZone"].is_string()) =>
        {
            let answer = Answer::Unreadable("the answer lacks what is documented".into());
            Arc::new(Said { answer, ..Said::clone(&said) })
        }
        _ => said,
    }
}

async fn targets(context: &Context) -> Reading {
    let mailboxes = mailboxes(&context.target);
    let answers = join_all(mailboxes.iter().map(|mailbox| probe(context, mailbox))).await;
    let (mut found, mut rows) = (Yield::new(), Vec::new());
    for (mailbox, said) in mailboxes.iter().zip(answers) {
        let said = said?;
        found.exchanges.extend(said.exchanges.iter().cloned());
        let own = mailbox.eq_ignore_ascii_case(&context.target.account);
        rows.push(target_row(mailbox, &said.answer, own));
    }
    found.set("graph.targets", rows);
    Ok(found)
}

fn target_row(mailbox: &str, answer: &Answer, own: bool) -> Value {
    let result = match answer {
        Answer::Found(_) => "ok",
        Answer::Missing(_) | Answer::Denied(_) | Answer::Unlicensed(_) | Answer::Rejected(_) => "error",
        Answer::Throttled(_) => "throttled",
        Answer::Down(_) => "server-error",
        Answer::Unreachable(_) | Answer::Unreadable(_) => "failed",
    };
    let text = match answer {
        Answer::Found(_) => None,
        Answer::Unreachable(failure) => Some(failure.to_string()),
        Answer::Unreadable(text) => Some(text.clone()),
        other => other.problem().map(|problem| problem.message.clone()),
    };
    let status = match answer {
        Answer::Found(_) => Some(200),
        other => other.problem().map(|problem| problem.status),
    };
    json!({
        "target": mailbox,
        "status": status,
        "result": result,
        "code": answer.problem().and_then(|problem| problem.code.clone()),
        "text": text,
        "own": own,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Failure;
    use crate::wire::answer::Problem;

    #[test]
    fn a_refusal_keeps_code_and_text() {
        let problem = Problem {
            status: 403,
            code: Some("ErrorAccessDenied".into()),
            message: "[RAOP] no".into(),
            ..Problem::default()
        };
        let row = target_row("t@contoso.com", &Answer::Denied(problem), false);
        assert_eq!(
            (&row["result"], &row["status"], &row["code"]),
            (&json!("error"), &json!(403), &json!("ErrorAccessDenied"))
        );
        assert_eq!(row["text"], "[RAOP] no");
    }

    #[test]
    fn no_answer_is_neither_ok_nor_refused() {
        let failure = Failure::TimedOut { phase: "request", seconds: 10 };
        let row = target_row("t@contoso.com", &Answer::Unreachable(failure), true);
        assert_eq!((&row["result"], &row["status"]), (&json!("failed"), &Value::Null));
        let row = target_row("t@contoso.com", &Answer::Throttled(Problem::default()), true);
        assert_eq!(row["result"], "throttled");
    }
}
