//! The tenant's sign-in log of the last seven days: the account's entries, and those of the product.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::directory::{Reading, in_the_cloud, listed, number, reads, row, rows, text, time};
use super::{Call, Context, Yield};
use crate::facts::Reason;
use crate::wire::answer::Said;
use crate::wire::graph::literal;

const READS: &str = "AuditLog.Read.All";

/// Hours that are looked back.
const WINDOW: i64 = 7 * 24;

/// Hours for an account and the product alone: as long as the log is kept with a premium license.
const LONG_WINDOW: i64 = 30 * 24;

pub(super) const CALLS: &[Call] = &[
    row!("graph.sign-ins", Account, reads(READS, &[]), in_the_cloud, after [], of_account,
        yields ["sign_in_log.user", "sign_in_log.apps", "sign_in_log.since"]),
    row!("graph.product-sign-ins", Account, reads(READS, &[]), in_the_cloud, after [], of_product,
        yields ["sign_in_log.product", "sign_in_log.product_since"]),
    row!("graph.app-identities", App, reads(READS, &[]), in_the_cloud, after [], identities,
        yields ["app.log_readable", "app.identities"]),
];

/// Start of a window, to the second.
fn since(hours: i64) -> String {
    let start = Timestamp::now() - SignedDuration::from_hours(hours);
    Timestamp::from_second(start.as_second()).unwrap_or(start).to_string()
}

/// The newest hundred entries that a filter lets through.
async fn newest(context: &Context, version: &str, filter: &str) -> Result<Said, super::directory::Stop> {
    let query = [("$filter", filter), ("$top", "100")];
    Ok(context.graph().await?.get(&format!("/{version}/auditLogs/signIns"), &query).await)
}

async fn of_account(context: &Context) -> Reading {
    let (mut found, since) = (Yield::new(), since(WINDOW));
    let mut list = json!([]);
    if let Some(id) = context.user_id().await? {
        let filter = format!("userId eq {} and createdDateTime ge {since}", literal(&id));
        let said = newest(context, "v1.0", &filter).await?;
        list = listed(&said, READS)?;
        found.exchanges = said.exchanges;
    }
    let apps: BTreeSet<_> = rows(&list).filter_map(|entry| entry["appDisplayName"].as_str()).collect();
    found.set("sign_in_log.apps", json!(apps));
    found.set("sign_in_log.user", entries(&list)).set("sign_in_log.since", since);
    Ok(found)
}

async fn of_product(context: &Context) -> Reading {
    let window = if context.signs_in_as_app() { WINDOW } else { LONG_WINDOW };
    let (app, since) = (literal(context.app_id()?), since(window));
    // Entries of apps and those without a person stand in the newer version of the log only.
    let filter = if context.signs_in_as_app() {
        format!(
            "appId eq {app} and createdDateTime ge {since} and signInEventTypes/any(t:t eq 'servicePrincipal')"
        )
    } else {
        let Some(id) = context.user_id().await? else {
            let mut found = Yield::new();
            found.set("sign_in_log.product", json!([])).set("sign_in_log.product_since", since);
            return Ok(found);
        };
        let kinds = "signInEventTypes/any(t:t eq 'interactiveUser' or t eq 'nonInteractiveUser')";
        format!("userId eq {} and appId eq {app} and createdDateTime ge {since} and {kinds}", literal(&id))
    };
    let said = newest(context, "beta", &filter).await?;
    let list = listed(&said, READS)?;
    let mut found = Yield::new();
    found.set("sign_in_log.product", entries(&list)).set("sign_in_log.product_since", since);
    found.exchanges = said.exchanges;
    Ok(found)
}

/// The accounts as which the app works on its own. Sign-ins of people at its pages say nothing of that.
async fn identities(context: &Context) -> Reading {
    let (app, since) = (literal(context.app_id()?), since(WINDOW));
    let kind = "signInEventTypes/any(t:t eq 'nonInteractiveUser')";
    let filter = format!("appId eq {app} and createdDateTime ge {since} and {kind}");
    let said = newest(context, "beta", &filter).await?;
    let mut found = Yield::new();
    match listed(&said, READS) {
        Ok(list) => {
            found.set("app.log_readable", true).set("app.identities", working(&list));
        }
        Err(stop) => {
            // That the log is closed is known then, which a check may go by; what it holds is not.
            let closed = matches!(stop.absence.reason, Reason::Denied | Reason::Unlicensed);
            if !closed {
                return Err(stop);
            }
            found.set("app.log_readable", false);
            found.absent("app.identities", stop.absence);
        }
    }
    found.exchanges = said.exchanges;
    Ok(found)
}

/// Each account with a success, and its latest.
fn working(list: &Value) -> Value {
    let mut latest: Vec<Value> = Vec::new();
    let succeeded = rows(list).filter(|entry| entry["status"]["errorCode"] == 0);
    for entry in succeeded.filter(|entry| entry["userId"].is_string()) {
        let row = json!({ "id": text(entry, "userId"), "upn": text(entry, "userPrincipalName"),
            "last_at": time(entry, "createdDateTime") });
        match latest.iter_mut().find(|known| known["id"] == row["id"]) {
            Some(known) if known["last_at"].as_str() < row["last_at"].as_str() => *known = row,
            Some(_) => {}
            None => latest.push(row),
        }
    }
    latest.sort_by(|a, b| b["last_at"].as_str().cmp(&a["last_at"].as_str()));
    latest.into()
}

/// Entries of the log as facts, newest first.
pub fn entries(list: &Value) -> Value {
    let mut entries: Vec<_> = rows(list).map(entry).collect();
    entries.sort_by(|a, b| b["at"].as_str().cmp(&a["at"].as_str()));
    entries.into()
}

fn entry(entry: &Value) -> Value {
    let status = entry.get("status").unwrap_or(&Value::Null);
    let failed =
        rows(&entry["appliedConditionalAccessPolicies"]).filter(|policy| policy["result"] == "failure");
    json!({
        "at": time(entry, "createdDateTime"),
        "app_id": text(entry, "appId"),
        "app_name": text(entry, "appDisplayName"),
        "error_code": number(status, "errorCode"),
        "reason": text(status, "failureReason"),
        "conditional_access": text(entry, "conditionalAccessStatus"),
        "policies": failed.map(|policy| text(policy, "displayName")).collect::<Value>(),
        "ip": text(entry, "ipAddress"),
        "country": entry.get("location").map_or(Value::Null, |location| text(location, "countryOrRegion")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_the_policies_that_failed_it() {
        let entries = entries(&json!([{ "createdDateTime": "2026-11-20T10:00:00Z", "appId": "a",
            "status": { "errorCode": 53003, "failureReason": "blocked" }, "location": { "countryOrRegion": "CH" },
            "appliedConditionalAccessPolicies": [
                { "displayName": "Block", "result": "failure" },
                { "displayName": "Report", "result": "reportOnlyFailure" } ] }]));
        assert_eq!((&entries[0]["policies"], &entries[0]["error_code"]), (&json!(["Block"]), &json!(53003)));
        assert_eq!((&entries[0]["country"], &entries[0]["app_name"]), (&json!("CH"), &Value::Null));
    }

    #[test]
    fn an_account_at_work_is_named_once_with_its_latest_success() {
        let entry = |id: &str, at: &str, code: i64| {
            json!({ "userId": id, "userPrincipalName": format!("{id}@contoso.com"), "createdDateTime": at,
                "status": { "errorCode": code } })
        };
        let list = json!([entry("a", "2026-11-19T10:00:00Z", 0), entry("a", "2026-11-20T10:00:00Z", 0),
            entry("b", "2026-11-20T12:00:00Z", 50173), { "status": { "errorCode": 0 } }]);
        let wanted = json!([{ "id": "a", "upn": "a@contoso.com", "last_at": "2026-11-20T10:00:00Z" }]);
        assert_eq!(working(&list), wanted);
    }

    #[test]
    fn the_newest_entry_comes_first() {
        let list = json!([{ "createdDateTime": "2026-11-19T10:00:00Z" }, { "createdDateTime": "2026-11-20T10:00:00Z" }]);
        assert_eq!(entries(&list)[0]["at"], "2026-11-20T10:00:00Z");
    }
}
