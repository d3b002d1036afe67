//! What tells the causes of a refused call apart: the mailboxes side by side, the same call under the
//! product's own name, and the same mailbox by Graph. Nothing is sent unless a call was refused and the
//! answer leaves several causes open.

use http::HeaderValue;
use serde_json::{Value, json};

use super::directory::{Reading, row};
use super::ews::converse;
use super::{Access, Call, Context, Protocol, Target, World, Yield, graph_targets};
use crate::facts::{Exchange, Reason};
use crate::wire::answer::Said;
use crate::wire::ews::{Client, Kind, Mailbox, Outcome};
use crate::wire::refusal::Given;

pub(super) const CALLS: &[Call] = &[row!(
    "refusal.probes", Account, Access::Subject, always,
    after ["ews.own", "ews.impersonated", "ews.others", "graph.targets"], probes,
    yields ["refusal.opened", "refusal.closed", "refusal.as_product", "refusal.by_graph"],
)];

fn always(_: &Target) -> bool {
    true
}

/// Reasons that a list of programs' names may stand behind.
const BY_NAME: [&str; 4] = ["not-admitted", "odata-off", "denied", "stranger"];

/// Reasons of EWS that the answer of Graph may narrow down.
const COMPARABLE: [&str; 3] = ["not-admitted", "denied", "stranger"];

async fn probes(context: &Context) -> Reading {
    let mut found = Yield::new();
    let seen = seen(context);
    let of = |opened: bool| seen.iter().filter(move |row| (row["result"] == "ok") == opened);
    let opened: Vec<&Value> = of(true).map(|row| &row["target"]).collect();
    let closed: Vec<Value> = of(false).filter(|row| is_refused(row)).map(closed).collect();
    let refused = closed.iter().find(|row| is_account(context, &row["target"])).or(closed.first());
    as_product(context, refused, &mut found).await;
    by_graph(context, refused, &mut found).await;
    found.set("refusal.opened", json!(opened)).set("refusal.closed", closed);
    Ok(found)
}

/// Each mailbox with its answer by the product's protocol.
fn seen(context: &Context) -> Vec<Value> {
    let list = |path: &str| context.fact(path).and_then(Value::as_array).cloned().unwrap_or_default();
    if context.target.protocol == Protocol::Graph {
        return list("graph.targets");
    }
    // In Exchange Online an account opens its own mailbox as itself, an app only by impersonation.
    let own =
        if context.target.world == Some(World::OnlineDelegated) { "ews.own" } else { "ews.impersonated" };
    let mut rows = Vec::new();
    if context.fact(&format!("{own}.attempted")) == Some(&Value::Bool(true)) {
        let field = |name: &str| context.fact(&format!("{own}.{name}")).cloned().unwrap_or_default();
        rows.push(json!({ "target": context.target.account, "status": field("status"),
            "result": field("result"), "reason": field("reason"), "code": field("code") }));
    }
    rows.extend(list("ews.others"));
    rows
}

/// Response codes of Exchange that refuse a mailbox.
const REFUSING: [&str; 3] = ["ErrorAccessDenied", "ErrorImpersonateUserDenied", "ErrorImpersonationDenied"];

fn is_refused(row: &Value) -> bool {
    row["reason"].is_string() || row["code"].as_str().is_some_and(|code| REFUSING.contains(&code))
}

fn closed(row: &Value) -> Value {
    json!({ "target": row["target"], "status": row["status"], "reason": row["reason"] })
}

fn is_account(context: &Context, target: &Value) -> bool {
    target.as_str().is_some_and(|target| target.eq_ignore_ascii_case(&context.target.account))
}

/// How a probe ended.
struct Ended {
    status: Option<u16>,
    result: &'static str,
    reason: Option<&'static str>,
    exchanges: Vec<Exchange>,
}

impl Ended {
    fn new(ok: bool, status: Option<u16>, reason: Option<&'static str>, exchanges: Vec<Exchange>) -> Self {
        let result = match (ok, reason) {
            (true, _) => "ok",
            (false, Some(_)) => "refused",
            (false, None) => "other",
        };
        Self { status, result, reason, exchanges }
    }

    fn of_ews(outcome: Outcome) -> Self {
        let reason = outcome.reason.map(Given::as_str);
        Self::new(outcome.kind == Kind::Ok, outcome.status, reason, outcome.exchanges)
    }

    fn of_graph(said: &Said) -> Self {
        let (status, reason) = (graph_targets::status(said), graph_targets::reason(said));
        Self::new(graph_targets::result(said) == "ok", status, reason, said.exchanges.clone())
    }
}

fn write(found: &mut Yield, path: &str, ended: Result<Ended, &str>) {
    let facts = match ended {
        Ok(ended) => {
            found.exchanges.extend(ended.exchanges);
            json!({ "attempted": true, "not_attempted_because": null, "status": ended.status,
                "result": ended.result, "reason": ended.reason })
        }
        Err(because) => json!({ "attempted": false, "not_attempted_because": because, "status": null,
            "result": null, "reason": null }),
    };
    found.set(path, facts);
}

async fn as_product(context: &Context, refused: Option<&Value>, found: &mut Yield) {
    let agent = context.target.subject.user_agent.as_deref();
    let ended = match (refused, agent.and_then(|agent| HeaderValue::from_str(agent).ok())) {
        (None, _) => Err("no-refusal"),
        (Some(row), _) if !has_reason(row, &BY_NAME) => Err("not-by-name"),
        (Some(_), None) => Err("name-unknown"),
        (Some(row), Some(agent)) => {
            let mailbox = row["target"].as_str().unwrap_or_default();
            match context.target.protocol {
                Protocol::Graph => graph_as(context, mailbox, agent).await,
                Protocol::Ews => ews_as(context, mailbox, agent).await,
            }
        }
    };
    write(found, "refusal.as_product", ended);
}

fn has_reason(row: &Value, reasons: &[&str]) -> bool {
    row["reason"].as_str().is_some_and(|reason| reasons.contains(&reason))
}

async fn graph_as(context: &Context, mailbox: &str, agent: HeaderValue) -> Result<Ended, &'static str> {
    let said = graph_targets::probe_as(context, mailbox, agent).await;
    said.map(|said| Ended::of_graph(&said)).map_err(|_| "no-answer")
}

async fn ews_as(context: &Context, mailbox: &str, agent: HeaderValue) -> Result<Ended, &'static str> {
    let address = mailbox.to_owned();
    let mailbox = match context.target.world {
        Some(World::OnlineDelegated) => Mailbox::Own(address),
        _ => Mailbox::Impersonated(address),
    };
    let talk = |client: Client| async move { client.named(agent).open_inbox(&mailbox).await };
    converse(context, talk).await.map(Ended::of_ews).map_err(|_| "no-answer")
}

async fn by_graph(context: &Context, refused: Option<&Value>, found: &mut Yield) {
    let in_the_cloud = context.target.world.is_some_and(World::is_cloud);
    let ended = match refused {
        _ if context.target.protocol == Protocol::Graph || !in_the_cloud => Err("not-comparable"),
        None => Err("no-refusal"),
        Some(row) if !has_reason(row, &COMPARABLE) => Err("not-comparable"),
        Some(row) => match graph_targets::probe(context, row["target"].as_str().unwrap_or_default()).await {
            Ok(said) => Ok(Ended::of_graph(&said)),
            Err(absence) if absence.reason == Reason::Unreadable => Err("no-answer"),
            Err(_) => Err("no-token"),
        },
    };
    write(found, "refusal.by_graph", ended);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_code_refuses_as_a_status_does() {
        assert!(is_refused(
            &json!({ "result": "error", "status": 500, "code": "ErrorImpersonateUserDenied" })
        ));
        assert!(is_refused(
            &json!({ "result": "forbidden", "status": 403, "reason": "denied", "code": null })
        ));
        assert!(!is_refused(&json!({ "result": "error", "status": 500, "code": "ErrorNonExistentMailbox" })));
        assert!(!is_refused(&json!({ "result": "failed", "status": null, "reason": null })));
    }

    #[test]
    fn a_probe_ends_open_refused_or_otherwise() {
        let ended = |ok, reason| Ended::new(ok, Some(403), reason, Vec::new()).result;
        assert_eq!((ended(true, None), ended(false, Some("denied"))), ("ok", "refused"));
        assert_eq!(ended(false, None), "other");
    }
}
