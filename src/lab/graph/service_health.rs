//! Service health: the issues that the world says Microsoft reports.

#![expect(clippy::unnecessary_wraps, reason = "the handlers of the route table share one signature")]

use serde_json::{Value, json};

use super::error::Refusal;
use super::routes::{Call, Found};

/// `/admin/serviceAnnouncement/issues`.
pub(super) fn issues(call: &Call) -> Result<Found, Refusal> {
    let issues = call.view.at("service_health").as_object().into_iter().flatten();
    let found = issues.filter(|(_, issue)| issue.is_object()).map(|(id, issue)| row(id, issue));
    Ok(Found::Many(found.collect()))
}

/// The issue with what every issue has.
fn row(id: &str, issue: &Value) -> Value {
    let mut row = issue.clone();
    for (field, usual) in [
        ("id", json!(id)),
        ("title", json!("Some users may be unable to access their mailbox")),
        ("impactDescription", json!("Users may be unable to access their mailbox.")),
        ("service", json!("Exchange Online")),
        ("feature", json!("E-Mail and calendar access")),
        ("featureGroup", json!("E-Mail and calendar access")),
        ("classification", json!("incident")),
        ("origin", json!("microsoft")),
        ("status", json!("serviceDegradation")),
        ("lastModifiedDateTime", issue["startDateTime"].clone()),
        ("endDateTime", Value::Null),
        ("isResolved", json!(!issue["endDateTime"].is_null())),
        ("details", json!([])),
        ("posts", json!([])),
    ] {
        if row[field].is_null() {
            row[field] = usual;
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_with_an_end_is_resolved() {
        let open = row("EX1", &json!({ "startDateTime": "2026-11-21T06:00:00Z" }));
        let ended = row("EX1", &json!({ "endDateTime": "2026-11-21T07:00:00Z" }));
        assert_eq!((&open["isResolved"], &ended["isResolved"]), (&json!(false), &json!(true)));
        assert_eq!(
            (&open["id"], &open["lastModifiedDateTime"]),
            (&json!("EX1"), &json!("2026-11-21T06:00:00Z"))
        );
    }
}
