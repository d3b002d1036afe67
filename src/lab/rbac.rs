//! Role-based access of an Exchange Server: who holds `ApplicationImpersonation`, and for which mailboxes.
//! EWS and the import that an administrator's script writes answer by the same rules.

use std::collections::BTreeSet;

use serde_json::Value;

use super::view::{View, text, texts};

/// An assignment with its short name.
pub type Row<'a> = (&'a str, &'a Value);

/// The members of a collection that are there, with their short names.
pub fn entries<'a>(view: View<'a>, path: &str) -> Vec<Row<'a>> {
    let all = view.at(path).as_object().into_iter().flatten();
    all.filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.as_str(), value)).collect()
}

/// Whether an assignment reaches a user: directly, or by groups that carry rights.
pub fn reaches(view: View, assignment: &Value, user: &str) -> bool {
    text(assignment, "user") == user || members(view, text(assignment, "group")).contains(user)
}

/// Everybody and every group in a group, through security groups only.
fn members<'a>(view: View<'a>, group: &'a str) -> BTreeSet<&'a str> {
    let (mut found, mut open) = (BTreeSet::new(), vec![group]);
    while let Some(key) = open.pop() {
        let Some(group) = view.named("rbac.groups", key) else { continue };
        if text(group, "kind") == "distribution" {
            continue;
        }
        open.extend(texts(&group["members"]).into_iter().filter(|member| found.insert(*member)));
    }
    found
}

/// Whether an assignment lets its holders act, and not only hand the role on.
pub fn is_usable(assignment: &Value) -> bool {
    text(assignment, "kind") == "Regular" && assignment["enabled"] != false
}

/// Whether a scope holds a mailbox; no scope is the whole organization.
pub fn in_scope(view: View, scope: &str, mailbox: &Value) -> bool {
    scope.is_empty()
        || view.named("rbac.scopes", scope).is_some_and(|scope| view.reaches(&scope["members"], mailbox))
}

/// Whether a user may act for a mailbox: an exclusive scope shuts out everybody who does not hold it.
pub fn may_act(view: View, user: &str, mailbox: &Value) -> bool {
    let held: Vec<&Value> = entries(view, "rbac.assignments")
        .into_iter()
        .map(|(_, assignment)| assignment)
        .filter(|assignment| is_usable(assignment) && reaches(view, assignment, user))
        .filter(|assignment| in_scope(view, text(assignment, "scope"), mailbox))
        .collect();
    let guards: Vec<&str> = entries(view, "rbac.scopes")
        .into_iter()
        .filter(|(key, scope)| scope["exclusive"] == true && in_scope(view, key, mailbox))
        .map(|(key, _)| key)
        .collect();
    let admitted = |assignment: &&Value| guards.is_empty() || guards.contains(&text(assignment, "scope"));
    held.iter().any(admitted)
}
