//! What changed lately: dates of changes that stand in the facts, the newest first.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::change::values;
use super::view::View;
use crate::facts::catalogue::GROUPS;

/// How long before the run a change counts as lately, where nobody says otherwise.
pub const USUAL_WINDOW: Duration = Duration::from_hours(14 * 24);

/// Most changes that are told.
const TOLD: usize = 10;

/// A change shortly before the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedLately {
    /// When, RFC 3339, UTC.
    pub at: String,
    /// What happened.
    pub text: String,
    /// The fact that says so.
    pub path: String,
}

/// Everything about this account, its app and its tenant that changed within the window.
pub(super) fn changed_lately(view: &View<'_>, window: Duration) -> Vec<ChangedLately> {
    let Ok(now) = view.started_at().parse::<Timestamp>() else { return Vec::new() };
    let window = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
    let mut found: Vec<(Timestamp, ChangedLately)> = Vec::new();
    for group in GROUPS {
        for fact in group.facts {
            let (Some(since), Some(facts)) = (fact.since, view.group(group.name)) else { continue };
            let (list, field) =
                fact.path.rsplit_once("[].").map_or(("", fact.path), |(list, field)| (list, field));
            let entries = if list.is_empty() { vec![facts] } else { values(facts, &format!("{list}[]")) };
            for (index, entry) in entries.into_iter().enumerate() {
                let Some(at) =
                    values(entry, field).first().and_then(|at| at.as_str()?.parse::<Timestamp>().ok())
                else {
                    continue;
                };
                let age = now.duration_since(at);
                let of_microsoft = entry["microsoft"] == true;
                if age.is_negative() || age > window || of_microsoft {
                    continue;
                }
                let place =
                    if list.is_empty() { field.to_owned() } else { format!("{list}[{index}].{field}") };
                let path = format!("{}.{place}", group.name);
                let text = fill(since, entry);
                found.push((at, ChangedLately { at: at.to_string(), text, path }));
            }
        }
    }
    found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut told: Vec<ChangedLately> = Vec::new();
    for (_, change) in found {
        if !told.iter().any(|known| (&known.text, &known.at) == (&change.text, &change.at)) {
            told.push(change);
        }
    }
    told.truncate(TOLD);
    told
}

/// Puts fields of the entry where the text asks for them.
fn fill(text: &str, entry: &Value) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (field, behind) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(before);
        filled.push_str(entry[field].as_str().unwrap_or("without a name"));
        rest = behind;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::facts::{Account, Document, Tenant, catalogue};

    fn told(facts: &Value) -> Vec<String> {
        let mut account = Account::default();
        account.section.facts = facts.as_object().cloned().unwrap_or_default();
        let (document, tenant) = (Document::new("2026-11-21T08:00:00Z"), Tenant::default());
        let view = View::new(&document.run, &tenant, &account);
        changed_lately(&view, USUAL_WINDOW).into_iter().map(|change| change.text).collect()
    }

    #[test]
    fn the_newest_comes_first_and_old_and_coming_changes_are_left_out() {
        let facts = json!({
            "account": { "last_password_change": "2026-11-20T08:00:00Z", "created_at": "2024-01-01T00:00:00Z" },
            "mfa": { "policies": [
                { "name": "MFA for all", "created_at": "2026-11-21T07:00:00Z", "modified_at": null },
                { "name": "Later", "created_at": "2026-12-01T00:00:00Z" },
            ] },
        });
        assert_eq!(told(&facts), ["the policy \"MFA for all\" was created", "the password was changed"]);
    }

    #[test]
    fn what_microsoft_renews_every_few_weeks_is_no_news() {
        let host = |microsoft: bool| json!({ "tls": { "hosts": [{ "host": "mail.contoso.com", "microsoft": microsoft, "not_before": "2026-11-20T00:00:00Z" }] } });
        assert_eq!(told(&host(false)), ["a new certificate of mail.contoso.com took effect"]);
        assert!(told(&host(true)).is_empty());
    }

    #[test]
    fn every_change_asks_for_fields_that_its_entry_has() {
        for group in GROUPS {
            for fact in group.facts {
                let Some(since) = fact.since else { continue };
                assert_eq!(fact.kind, catalogue::Kind::Time, "{}.{}", group.name, fact.path);
                let list = fact.path.rsplit_once("[].").map(|(list, _)| list).unwrap_or_default();
                for field in since.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
                    let path = format!("{}.{list}[].{field}", group.name);
                    assert!(catalogue::fact(&path).is_some(), "{path}");
                }
            }
        }
    }
}
