//! The mailbox behind the address, as Graph and as Exchange see it.

use serde_json::{Map, Value, json};

use super::account::smtp_addresses;
use super::directory::{
    Reading, Stop, absence, flag, found, lacks, mailbox_in_the_cloud, reads, row, text, texts, time,
};
use super::reader::EXCHANGE;
use super::session::Resource;
use super::{Call, Context, Protocol, Yield};
use crate::wire::answer::{Answer, Said};
use crate::wire::graph::encode;

const INBOX: &str = "Mail.ReadBasic.All";

pub(super) const CALLS: &[Call] = &[
    row!("graph.inbox", Account, super::Access::Subject, mailbox_in_the_cloud, after [], inbox,
        yields ["mailbox.graph_status", "mailbox.graph_code"]),
    row!("exchange.mailbox", Account, reads(EXCHANGE, &[]), mailbox_in_the_cloud, after [], mailbox,
        yields ["mailbox.exists", "mailbox.soft_deleted", "mailbox.recipient_type", "mailbox.primary_address",
            "mailbox.addresses", "mailbox.hidden", "mailbox.move_status", "mailbox.created_at"]),
    row!("exchange.mailbox-statistics", Account, reads(EXCHANGE, &[]), mailbox_in_the_cloud, after [],
        statistics, yields ["mailbox.quota_percent", "mailbox.quarantined"]),
    row!("exchange.cas-mailbox", Account, reads(EXCHANGE, &[]), mailbox_in_the_cloud, after [], cas,
        yields ["mailbox.cas"]),
];

/// Probes the inbox: as the reader, and where that may not look, as the product.
async fn inbox(context: &Context) -> Reading {
    let mut earlier = Vec::new();
    let mut stop = match context.reader_token(Resource::Graph).await {
        Err(absence) => Stop::from(absence),
        Ok(token) => match probe(context, token.secret).await {
            Ok(said) if !matches!(said.answer, Answer::Denied(_)) => return Ok(probed(&said, earlier)),
            Ok(said) => {
                earlier.clone_from(&said.exchanges);
                Stop::from(absence(&said.answer, INBOX))
            }
            Err(stop) => stop,
        },
    };
    // A product that does not speak Graph is not made to sign in to it.
    if context.target.protocol == Protocol::Graph
        && let Ok(token) = context.subject_token(Resource::Graph).await
    {
        let said = probe(context, token.secret).await?;
        return Ok(probed(&said, earlier));
    }
    stop.exchanges = earlier;
    Err(stop)
}

/// An answer of the service is a fact, whatever it says; only no answer is none.
async fn probe(context: &Context, token: crate::wire::Secret) -> Result<Said, Stop> {
    let path = format!("/v1.0/users/{}/mailFolders/inbox", encode(&context.target.account));
    let said = context.graph_with(token).get(&path, &[("$select", "id")]).await;
    match (&said.answer, said.answer.problem()) {
        (Answer::Found(folder), _) if folder.get("id").is_some() => Ok(said),
        (Answer::Found(_), _) => Err(lacks(&said, "id")),
        (Answer::Denied(_) | Answer::Missing(_) | Answer::Rejected(_), Some(problem))
            if problem.code.is_some() =>
        {
            Ok(said)
        }
        (other, _) => Err(Stop { absence: absence(other, INBOX), exchanges: said.exchanges }),
    }
}

fn probed(said: &Said, earlier: Vec<crate::facts::Exchange>) -> Yield {
    let (status, code) = match said.answer.problem() {
        None => (200, Value::Null),
        Some(problem) => (problem.status, problem.code.clone().map_or(Value::Null, Value::from)),
    };
    let mut found = Yield::new();
    found.set("mailbox.graph_status", status).set("mailbox.graph_code", code);
    found.exchanges = earlier;
    found.exchanges.extend(said.exchanges.iter().cloned());
    found
}

/// The first row of a cmdlet's answer, which always has a property; `None`: Exchange does not have the
/// object.
fn first(said: &Said, property: &str) -> Result<Option<Value>, Stop> {
    let row = found(said, EXCHANGE)?.and_then(|mut list| list.get_mut(0).map(Value::take));
    match &row {
        Some(row) if row.get(property).is_none() => Err(lacks(said, property)),
        _ => Ok(row),
    }
}

async fn mailbox(context: &Context) -> Reading {
    let account = &context.target.account;
    let said = context.cmdlet("Get-Mailbox", json!({ "Identity": account })).await?;
    let mut yielded = Yield::new();
    yielded.exchanges.clone_from(&said.exchanges);
    let mailbox = first(&said, "RecipientTypeDetails")?;
    let deleted = if let Some(mailbox) = &mailbox {
        flag(mailbox, "IsInactiveMailbox") == true
    } else {
        let parameters = json!({ "Identity": account, "SoftDeletedMailbox": true });
        let said = context.cmdlet("Get-Mailbox", parameters).await?;
        yielded.exchanges.extend(said.exchanges.iter().cloned());
        first(&said, "RecipientTypeDetails")?.is_some()
    };
    yielded.set("mailbox", Value::Object(facts(mailbox.as_ref(), deleted)));
    Ok(yielded)
}

fn facts(mailbox: Option<&Value>, soft_deleted: bool) -> Map<String, Value> {
    let (exists, mailbox) = (mailbox.is_some(), mailbox.unwrap_or(&Value::Null));
    let facts = json!({
        "exists": exists,
        "soft_deleted": soft_deleted,
        "recipient_type": text(mailbox, "RecipientTypeDetails"),
        "primary_address": mailbox["PrimarySmtpAddress"].as_str().map(str::to_lowercase),
        "addresses": smtp_addresses(&texts(mailbox, "EmailAddresses")).1,
        "hidden": flag(mailbox, "HiddenFromAddressListsEnabled"),
        "move_status": text(mailbox, "MailboxMoveStatus"),
        "created_at": time(mailbox, "WhenMailboxCreated"),
    });
    facts.as_object().cloned().unwrap_or_default()
}

async fn statistics(context: &Context) -> Reading {
    let parameters = json!({ "Identity": context.target.account });
    let (mailbox, statistics) = tokio::join!(
        context.cmdlet("Get-Mailbox", parameters.clone()),
        context.cmdlet("Get-MailboxStatistics", parameters.clone()),
    );
    let (mailbox, said) = (mailbox?, statistics?);
    let mailbox = first(&mailbox, "RecipientTypeDetails")?.unwrap_or_default();
    let statistics = first(&said, "TotalItemSize")?.unwrap_or_default();
    let mut found = Yield::new();
    found.set("mailbox.quota_percent", percent(&mailbox["ProhibitSendQuota"], &statistics["TotalItemSize"]));
    found.set("mailbox.quarantined", flag(&statistics, "IsQuarantined"));
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

/// The used share of a quota; null where one of them is unlimited or not told.
pub(super) fn percent(quota: &Value, used: &Value) -> Value {
    match (bytes(quota), bytes(used)) {
        (Some(quota), Some(used)) if quota > 0 => (used.saturating_mul(100) / quota).into(),
        _ => Value::Null,
    }
}

/// Bytes of a size such as `1 GB (1,073,741,824 bytes)`, alone or under `Value`.
fn bytes(size: &Value) -> Option<i64> {
    match size {
        Value::Number(bytes) => bytes.as_i64(),
        Value::Object(size) => bytes(size.get("Value")?),
        Value::String(size) => {
            let inner = size.split_once('(')?.1.split(" bytes").next()?;
            inner.replace([',', '.', '\u{a0}', ' '], "").parse().ok()
        }
        _ => None,
    }
}

async fn cas(context: &Context) -> Reading {
    let said = context.cmdlet("Get-CASMailbox", json!({ "Identity": context.target.account })).await?;
    let cas = first(&said, "EwsEnabled")?.unwrap_or_default();
    let mut found = Yield::new();
    found.set("mailbox.cas", ews_switches(&cas));
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

/// The EWS switches that an organization and a mailbox have in common.
pub fn ews_switches(object: &Value) -> Value {
    json!({
        "ews_enabled": flag(object, "EwsEnabled"),
        "ews_application_access_policy": text(object, "EwsApplicationAccessPolicy"),
        "ews_allow_list": texts(object, "EwsAllowList"),
        "ews_block_list": texts(object, "EwsBlockList"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_becomes_facts() {
        let facts = facts(
            Some(&json!({ "PrimarySmtpAddress": "Svc@contoso.com", "RecipientTypeDetails": "UserMailbox",
                "EmailAddresses": ["smtp:a@contoso.com", "SMTP:Svc@contoso.com", "SIP:x"],
                "WhenMailboxCreated": "2026-01-02T03:04:05" })),
            false,
        );
        assert_eq!(facts["addresses"], json!(["svc@contoso.com", "a@contoso.com"]));
        assert_eq!((&facts["exists"], &facts["created_at"]), (&json!(true), &json!("2026-01-02T03:04:05Z")));
        assert_eq!(facts["primary_address"], "svc@contoso.com");
    }

    #[test]
    fn a_missing_mailbox_is_known_to_be_missing() {
        let facts = facts(None, true);
        assert_eq!((&facts["exists"], &facts["soft_deleted"]), (&json!(false), &json!(true)));
        assert_eq!(facts["recipient_type"], Value::Null);
    }

    #[test]
    fn quotas_are_read_in_bytes() {
        let quota = json!("1 KB (1,000 bytes)");
        assert_eq!(percent(&quota, &json!({ "Value": "0.9 KB (905 bytes)" })), 90);
        assert_eq!(percent(&json!("Unlimited"), &quota), Value::Null);
        assert_eq!(percent(&json!(0), &quota), Value::Null);
    }

    #[test]
    fn an_unset_switch_is_null_and_an_unset_list_is_empty() {
        let switches =
            ews_switches(&json!({ "EwsEnabled": null, "EwsAllowList": null, "EwsBlockList": ["x*"] }));
        assert_eq!((&switches["ews_enabled"], &switches["ews_allow_list"]), (&Value::Null, &json!([])));
        assert_eq!(switches["ews_block_list"], json!(["x*"]));
    }
}
