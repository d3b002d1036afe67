//! An outage at Microsoft that stands in the facts while a cause is found that it may explain: nobody
//! is to repair at home what is broken there.

use serde::Serialize;
use serde_json::Value;

use super::causes;
use super::change::values;
use super::view::View;

/// Most incidents that are named.
const NAMED: usize = 3;

/// Incidents that Microsoft reports while the cause stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outage {
    /// Ids of the incidents, the newest first.
    pub ids: Vec<String>,
    /// In one sentence, with what to do.
    pub text: String,
}

/// The open incidents, if the cause is one that an outage may have.
pub(super) fn outage(view: &View<'_>, cause: &str) -> Option<Outage> {
    if !causes::OF_AN_OUTAGE.contains(&cause) {
        return None;
    }
    let issues = values(view.group("service")?, "issues[]");
    let incidents: Vec<(&str, String)> = issues
        .into_iter()
        .filter(|issue| issue["classification"] == "incident")
        .filter_map(|issue| Some((issue["id"].as_str()?, named(issue)?)))
        .collect();
    if incidents.is_empty() {
        return None;
    }
    let mut names: Vec<&str> = incidents.iter().take(NAMED).map(|(_, name)| name.as_str()).collect();
    let more = incidents.len().saturating_sub(NAMED);
    let rest = format!("{more} more");
    names.extend((more > 0).then_some(rest.as_str()));
    let them = if incidents.len() == 1 { "it" } else { "them" };
    Some(Outage {
        text: format!("Microsoft reports {}: wait for {them} before changing anything", names.join(", ")),
        ids: incidents.iter().map(|(id, _)| (*id).to_owned()).collect(),
    })
}

/// `EX123456 (Exchange Online) since 2026-11-21 06:00 UTC`
fn named(issue: &Value) -> Option<String> {
    let service = issue["service"].as_str().map(|service| format!(" ({service})")).unwrap_or_default();
    let since = issue["started_at"].as_str().and_then(|at| at.get(..16));
    let since = since.map(|at| format!(" since {} UTC", at.replacen('T', " ", 1))).unwrap_or_default();
    Some(format!("{}{service}{since}", issue["id"].as_str()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::facts::{Account, Document, Tenant};

    fn told(cause: &str, issues: &Value) -> Option<Outage> {
        let mut tenant = Tenant::default();
        tenant.section.set("service.issues", issues.clone());
        let (document, account) = (Document::new("2026-11-21T08:00:00Z"), Account::default());
        outage(&View::new(&document.run, &tenant, &account), cause)
    }

    fn incident(id: &str) -> Value {
        json!({ "id": id, "service": "Exchange Online", "classification": "incident",
            "started_at": "2026-11-21T06:00:00Z" })
    }

    #[test]
    fn an_incident_is_named_with_the_time_since_when() {
        let outage = told("server-error", &json!([incident("EX123456")])).expect("an outage");
        assert_eq!(outage.ids, ["EX123456"]);
        let wanted = "Microsoft reports EX123456 (Exchange Online) since 2026-11-21 06:00 UTC: wait for it before \
                      changing anything";
        assert_eq!(outage.text, wanted);
    }

    #[test]
    fn all_of_many_are_in_the_list_and_few_in_the_text() {
        let all: Vec<Value> = (1..=5).map(|n| incident(&format!("EX{n}"))).collect();
        let outage = told("server-busy", &all.into()).expect("an outage");
        assert_eq!(outage.ids.len(), 5);
        assert!(outage.text.contains("EX3") && !outage.text.contains("EX4"), "{}", outage.text);
        assert!(outage.text.contains("2 more: wait for them"), "{}", outage.text);
    }

    #[test]
    fn neither_an_advisory_nor_another_cause_is_an_outage() {
        let mut advisory = incident("EX123456");
        advisory["classification"] = "advisory".into();
        assert_eq!(told("server-error", &json!([advisory])), None);
        assert_eq!(told("bad-password", &json!([incident("EX123456")])), None);
        assert_eq!(told("server-error", &Value::Null), None);
    }

    #[test]
    fn causes_of_an_outage_are_causes() {
        assert!(causes::OF_AN_OUTAGE.iter().all(|cause| causes::meaning(cause).is_some()));
    }
}
