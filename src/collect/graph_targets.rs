//! One cheap read of each mailbox by Graph, with the product's own token.

use std::sync::Arc;

use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::directory::{Reading, mailbox_in_the_cloud, row};
use super::scope::mailboxes;
use super::session::Resource;
use super::{Access, Call, Context, Protocol, Target, Yield};
use crate::facts::{Absence, Reason};
use crate::wire::answer::{Answer, Said};
use crate::wire::graph::{Graph, encode};
use crate::wire::refusal::{self, Given};

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

/// Reads the same of a mailbox under another program's name.
pub(super) async fn probe_as(context: &Context, mailbox: &str, agent: HeaderValue) -> Result<Said, Absence> {
    let graph = client(context).await?.named(agent);
    let (_, below, query) = cheapest(&context.target);
    // One row more than under the own name, so that nothing on the way answers from its memory.
    let rows = |(name, value)| (name, if name == "$top" { "2" } else { value });
    let query: Vec<_> = query.iter().copied().map(rows).collect();
    Ok(graph.get(&format!("/v1.0/users/{}/{below}", encode(mailbox)), &query).await)
}

async fn client(context: &Context) -> Result<Graph, Absence> {
    let token = context.subject_token(Resource::Graph).await?;
    Ok(context.graph_with(token.secret))
}

async fn read(context: &Context, mailbox: &str, (_, below, query): Cheap) -> Result<Arc<Said>, Absence> {
    let graph = client(context).await?;
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
        rows.push(target_row(mailbox, &said, own));
    }
    found.set("graph.targets", rows);
    Ok(found)
}

/// How an answer ended, as in the facts.
pub(super) fn result(said: &Said) -> &'static str {
    match &said.answer {
        Answer::Found(_) => "ok",
        Answer::Missing(_) | Answer::Denied(_) | Answer::Unlicensed(_) | Answer::Rejected(_) => "error",
        Answer::Throttled(_) => "throttled",
        Answer::Down(_) => "server-error",
        // Somebody refused, if only something in between.
        Answer::Unreadable(_) if is_refused(said) => "error",
        Answer::Unreachable(_) | Answer::Unreadable(_) => "failed",
    }
}

/// HTTP status of an answer; `None` when none came.
pub(super) fn status(said: &Said) -> Option<u16> {
    match &said.answer {
        Answer::Found(_) => Some(200),
        Answer::Unreadable(_) if is_refused(said) => last_status(said),
        other => other.problem().map(|problem| problem.status),
    }
}

fn last_status(said: &Said) -> Option<u16> {
    said.exchanges.last()?.status
}

fn is_refused(said: &Said) -> bool {
    last_status(said) == Some(403)
}

/// What a refusal itself gives as its reason.
pub(super) fn reason(said: &Said) -> Option<&'static str> {
    let given = match &said.answer {
        Answer::Unreadable(_) if is_refused(said) => {
            let page = said.exchanges.last()?.answer.clone().unwrap_or_default();
            refusal::given(403, &HeaderMap::new(), page.as_bytes(), false)
        }
        other => other.problem()?.reason,
    };
    given.map(Given::as_str)
}

fn target_row(mailbox: &str, said: &Said, own: bool) -> Value {
    let answer = &said.answer;
    let text = match answer {
        Answer::Found(_) => None,
        Answer::Unreachable(failure) => Some(failure.to_string()),
        Answer::Unreadable(text) => Some(text.clone()),
        other => other.problem().map(|problem| problem.message.clone()),
    };
    json!({
        "target": mailbox,
        "status": status(said),
        "result": result(said),
        "code": answer.problem().and_then(|problem| problem.code.clone()),
        "text": text,
        "reason": reason(said),
        "own": own,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Exchange;
    use crate::wire::Failure;
    use crate::wire::answer::Problem;

    fn row(answer: Answer, status: Option<u16>, page: &str) -> Value {
        let exchange = Exchange { status, answer: Some(page.to_owned()), ..Exchange::default() };
        target_row("t@contoso.com", &Said { answer, exchanges: vec![exchange], truncated: false }, true)
    }

    #[test]
    fn a_refusal_keeps_code_text_and_reason() {
        let problem = Problem {
            status: 403,
            code: Some("ErrorAccessDenied".into()),
            message: "[RAOP] no".into(),
            reason: Some(Given::AccessPolicy),
            ..Problem::default()
        };
        let row = row(Answer::Denied(problem), Some(403), "");
        assert_eq!(
            (&row["result"], &row["status"], &row["code"], &row["reason"]),
            (&json!("error"), &json!(403), &json!("ErrorAccessDenied"), &json!("access-policy"))
        );
        assert_eq!(row["text"], "[RAOP] no");
    }

    #[test]
    fn a_page_that_refuses_is_a_refusal_by_a_stranger() {
        let refused = row(Answer::Unreadable("no".into()), Some(403), "<html>Forbidden</html>");
        assert_eq!((&refused["result"], &refused["reason"]), (&json!("error"), &json!("stranger")));
        assert_eq!(refused["status"], 403);
        let worded =
            row(Answer::Unreadable("no".into()), Some(403), "<html>Access to OData is disabled</html>");
        assert_eq!(worded["reason"], "odata-off");
        assert_eq!(row(Answer::Unreadable("no".into()), Some(200), "<html>")["result"], "failed");
    }

    #[test]
    fn no_answer_is_neither_ok_nor_refused() {
        let failure = Failure::TimedOut { phase: "request", seconds: 10 };
        let unreachable = row(Answer::Unreachable(failure), None, "");
        assert_eq!((&unreachable["result"], &unreachable["status"]), (&json!("failed"), &Value::Null));
        assert_eq!(row(Answer::Throttled(Problem::default()), Some(429), "")["result"], "throttled");
    }
}
