//! Service health: what Microsoft itself reports as broken, as far as a sync product rests on it.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::directory::{Reading, Stop, body, in_the_cloud, lacks, reads, row, rows, text, time};
use super::{Call, Context, Yield};
use crate::facts::{Absence, Reason};

const READS: &str = "ServiceHealth.Read.All";

pub(super) const CALLS: &[Call] = &[row!(
    "graph.service-issues", Tenant, reads(READS, &[]), in_the_cloud, after [], issues,
    yields ["service.issues"],
)];

/// Services whose outage a product feels, as Microsoft names them now or did before. Graph has no name
/// of its own there: its outages stand under the suite.
const SERVICES: [&str; 6] = [
    "Exchange Online",
    "Microsoft Entra",
    "Azure Active Directory",
    "Identity Service",
    "Microsoft 365 suite",
    "Microsoft Graph",
];

/// States of an issue that is over, whatever else is said of it.
const OVER: [&str; 6] = [
    "falsePositive",
    "postIncidentReviewPublished",
    "resolved",
    "resolvedExternal",
    "serviceOperational",
    "serviceRestored",
];

/// What is read of an issue; its posts alone would be pages of text.
const SELECT: &str =
    "id,title,service,classification,status,startDateTime,feature,featureGroup,origin,isResolved";

/// Most issues that are kept: incidents before advisories, the newest first.
const KEPT: usize = 20;

/// Most characters of a title.
const TITLE: usize = 160;

async fn issues(context: &Context) -> Reading {
    let query = [("$filter", "isResolved eq false"), ("$select", SELECT)];
    let said = context.graph().await?.list("/v1.0/admin/serviceAnnouncement/issues", &query).await;
    let list = body(&said, READS)?;
    if said.truncated {
        let absence = Absence::new(Reason::Unreadable).with_text("the list of issues does not end");
        return Err(Stop { absence, exchanges: said.exchanges });
    }
    let mut found = Yield::new();
    found.set("service.issues", open(&list).map_err(|property| lacks(&said, property))?);
    found.exchanges = said.exchanges;
    Ok(found)
}

/// The open issues of the services that matter; or the property that one of the list lacks.
pub fn open(list: &Value) -> Result<Value, &'static str> {
    let mut kept = Vec::new();
    for issue in rows(list) {
        for property in ["id", "service", "classification"] {
            if text(issue, property).is_null() {
                return Err(property);
            }
        }
        if matters(issue) {
            kept.push(fact(issue));
        }
    }
    kept.sort_by_cached_key(|issue| {
        let started = issue["started_at"].as_str().unwrap_or_default().to_owned();
        (issue["classification"] != "incident", Reverse(started), issue["id"].to_string())
    });
    kept.truncate(KEPT);
    Ok(kept.into())
}

fn matters(issue: &Value) -> bool {
    let service = issue["service"].as_str().unwrap_or_default().trim();
    let over =
        issue["isResolved"] == true || word(issue, "status").as_str().is_some_and(|s| OVER.contains(&s));
    !over && SERVICES.iter().any(|known| known.eq_ignore_ascii_case(service))
}

fn fact(issue: &Value) -> Value {
    let title = issue["title"].as_str().map(|title| title.chars().take(TITLE).collect::<String>());
    json!({
        "id": text(issue, "id"),
        "service": text(issue, "service"),
        "title": title,
        "classification": word(issue, "classification"),
        "status": word(issue, "status"),
        "started_at": time(issue, "startDateTime"),
        "feature": text(issue, "feature"),
        "feature_group": text(issue, "featureGroup"),
        "origin": word(issue, "origin"),
    })
}

/// A value of an enumeration. The model begins it small, examples of answers begin it large.
fn word(issue: &Value, name: &str) -> Value {
    let Some(text) = issue.get(name).and_then(Value::as_str) else { return Value::Null };
    let mut rest = text.chars();
    rest.next().map_or(Value::Null, |first| first.to_lowercase().chain(rest).collect::<String>().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(id: &str, service: &str, classification: &str, start: &str) -> Value {
        json!({ "id": id, "service": service, "classification": classification, "title": "Slow",
            "status": "ServiceDegradation", "startDateTime": start, "isResolved": false, "origin": "Microsoft" })
    }

    fn ids(list: &Value) -> Vec<String> {
        let kept = open(list).expect("complete issues");
        rows(&kept).filter_map(|issue| issue["id"].as_str().map(str::to_owned)).collect()
    }

    #[test]
    fn incidents_come_first_then_the_newest() {
        let list = json!([
            issue("EX1", "Exchange Online", "Advisory", "2026-11-21T07:00:00Z"),
            issue("EX2", "Exchange Online", "incident", "2026-11-20T07:00:00Z"),
            issue("MO3", "Microsoft 365 suite", "Incident", "2026-11-21T06:00:00Z"),
        ]);
        assert_eq!(ids(&list), ["MO3", "EX2", "EX1"]);
        let kept = open(&list).expect("complete issues");
        let first = (&kept[0]["classification"], &kept[0]["status"], &kept[0]["origin"]);
        assert_eq!(first, (&json!("incident"), &json!("serviceDegradation"), &json!("microsoft")));
    }

    #[test]
    fn other_services_and_what_is_over_are_left_out() {
        let mut resolved = issue("EX4", "Exchange Online", "incident", "2026-11-21T06:00:00Z");
        resolved["isResolved"] = true.into();
        let mut restored = issue("EX5", "Exchange Online", "incident", "2026-11-21T06:00:00Z");
        restored["status"] = "ServiceRestored".into();
        let teams = issue("TM6", "Microsoft Teams", "incident", "2026-11-21T06:00:00Z");
        assert!(ids(&json!([resolved, restored, teams])).is_empty());
    }

    #[test]
    fn there_is_a_bound_to_issues_and_to_titles() {
        let mut long = issue("EX7", "exchange online", "incident", "2026-11-21T06:00:00Z");
        long["title"] = "x".repeat(5000).into();
        let kept = open(&vec![long; 200].into()).expect("complete issues");
        assert_eq!(kept.as_array().map(Vec::len), Some(KEPT));
        assert_eq!(kept[0]["title"].as_str().map(str::len), Some(TITLE));
    }

    #[test]
    fn an_issue_without_its_id_or_kind_makes_the_list_unreadable() {
        assert_eq!(open(&json!([{ "service": "Exchange Online", "classification": "incident" }])), Err("id"));
        assert_eq!(open(&json!([{ "id": "EX8", "service": "Exchange Online" }])), Err("classification"));
        assert_eq!(open(&json!([null])), Err("id"));
    }
}
