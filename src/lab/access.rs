//! What Exchange lets an app or a user do with a mailbox: access policies, application roles,
//! delegation and user-agent lists. Graph, EWS and the admin API answer by the same rules.

use serde_json::Value;

use super::view::{View, has, lists, rows, text, texts};

/// Whether the legacy access policies let an app at a mailbox: a matching denial refuses, a matching
/// restriction allows, any other restriction of the same app refuses, else everything is allowed.
pub fn policies_allow(view: View, app_id: &str, mailbox: &Value) -> bool {
    let policies =
        view.rows("exchange.access_policies").into_iter().filter(|policy| has(policy, "AppId", app_id));
    let (mut restricted, mut inside) = (false, false);
    for policy in policies {
        let reached = view.reaches_nested(&policy["x"]["members"], mailbox);
        if has(policy, "AccessRight", "DenyAccess") {
            if reached {
                return false;
            }
        } else {
            restricted = true;
            inside |= reached;
        }
    }
    inside || !restricted
}

/// What `Test-ApplicationAccessPolicy` says: the world's word on it, else what the policies say.
pub fn policy_test(view: View, app_id: &str, mailbox: &Value) -> &'static str {
    let tests = view.at("exchange.access_policy_tests").as_object().into_iter().flatten();
    let mut named = tests.filter(|(address, _)| super::view::answers_to(mailbox, address));
    let granted = match named.next().and_then(|(_, result)| result.as_str()) {
        Some(result) => result == "Granted",
        None => policies_allow(view, app_id, mailbox),
    };
    if granted { "Granted" } else { "Denied" }
}

/// Application roles assigned to an app in Exchange.
pub fn roles_of<'a>(view: View<'a>, app_id: &str) -> Vec<&'a Value> {
    let assignments = view.rows("exchange.role_assignments").into_iter();
    assignments
        .filter(|row| {
            let app = text(row, "app");
            let principal = view.named("service_principals", app);
            app.eq_ignore_ascii_case(app_id)
                || principal.is_some_and(|principal| has(principal, "appId", app_id))
        })
        .collect()
}

/// The same, as far as they have an effect: roles of an app that Exchange knows by another object id
/// than its service principal's reach nobody.
pub fn live_roles_of<'a>(view: View<'a>, app_id: &str) -> Vec<&'a Value> {
    let known = view.rows("exchange.service_principals").into_iter().find(|row| has(row, "AppId", app_id));
    let astray = known.zip(view.service_principal(app_id)).is_some_and(|(known, principal)| {
        !has(known, "ObjectId", text(principal, "id")) && known["ObjectId"].is_string()
    });
    if astray { Vec::new() } else { roles_of(view, app_id) }
}

/// Whether an assignment's scope covers a mailbox; without members it is the whole organization.
pub fn in_scope(view: View, assignment: &Value, mailbox: &Value) -> bool {
    let members = match unit_of(view, assignment) {
        Some(unit) => &unit["x"]["members"],
        None => &assignment["members"],
    };
    members.is_null() || view.reaches(members, mailbox)
}

/// The administrative unit that an assignment is limited to.
pub fn unit_of<'a>(view: View<'a>, assignment: &Value) -> Option<&'a Value> {
    view.named("administrative_units", assignment["unit"].as_str()?)
}

/// Permissions that an application role gives.
pub fn permissions_of(assignment: &Value) -> Vec<&str> {
    let listed = texts(&assignment["permissions"]);
    if !listed.is_empty() {
        return listed;
    }
    match text(assignment, "role").strip_prefix("Application ").unwrap_or_default() {
        "Mail Full Access" => vec!["Mail.ReadWrite", "Mail.Send"],
        "Exchange Full Access" => {
            vec![
                "Mail.ReadWrite",
                "Mail.Send",
                "MailboxSettings.ReadWrite",
                "Calendars.ReadWrite",
                "Contacts.ReadWrite",
            ]
        }
        "" => Vec::new(),
        one => vec![one],
    }
}

/// How an app may reach a mailbox with one of the wanted permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It may.
    Granted,
    /// It has the permission, but not for this mailbox.
    OutOfScope,
    /// It has no such permission at all.
    NoPermission,
}

/// The union of the consent in Entra, narrowed by access policies, and the application roles.
/// `consented`: the token carries one of the permissions.
pub fn app_reach(view: View, app_id: &str, wanted: &str, consented: bool, mailbox: &Value) -> Reach {
    let wanted: Vec<&str> = wanted.split_whitespace().collect();
    let assignments = live_roles_of(view, app_id).into_iter();
    let fitting: Vec<&Value> =
        assignments.filter(|row| permissions_of(row).iter().any(|own| wanted.contains(own))).collect();
    if fitting.iter().any(|row| in_scope(view, row, mailbox))
        || (consented && policies_allow(view, app_id, mailbox))
    {
        Reach::Granted
    } else if consented || !fitting.is_empty() {
        Reach::OutOfScope
    } else {
        Reach::NoPermission
    }
}

/// Rights that a mailbox gives to a user, by the user's short name, id or sign-in name.
pub fn rights_of<'a>(view: View, mailbox: &'a Value, user: &str) -> Vec<&'a str> {
    let given = mailbox["x"]["full_access"].as_object().into_iter().flatten();
    let mut found = Vec::new();
    for (holder, rights) in given {
        let account = view.named("users", holder);
        let same = holder.eq_ignore_ascii_case(user)
            || account
                .is_some_and(|account| has(account, "id", user) || has(account, "userPrincipalName", user));
        if same && rights.as_bool() == Some(true) {
            found.push("FullAccess");
        } else if same {
            found.extend(texts(rights));
        }
    }
    found
}

/// Whether a user may read a default folder (`calendar`, `contacts`) of somebody else's mailbox, by full
/// access or by a permission on the folder.
pub fn reads_folder(view: View, mailbox: &Value, folder: &str, user: &str) -> bool {
    lists(&Value::from(rights_of(view, mailbox, user)), "FullAccess")
        || folder_rights(view, mailbox, folder, user)
            .iter()
            .any(|right| !matches!(*right, "None" | "Contributor" | "FolderVisible" | "AvailabilityOnly"))
}

/// Rights that a default folder gives to a user, by the user's short name, id or sign-in name.
pub fn folder_rights<'a>(view: View, mailbox: &'a Value, folder: &str, user: &str) -> Vec<&'a str> {
    let given = mailbox["x"]["folders"][folder]["permissions"].as_object().into_iter().flatten();
    let same = |holder: &str| {
        let account = view.named("users", holder);
        holder.eq_ignore_ascii_case(user)
            || account
                .is_some_and(|account| has(account, "id", user) || has(account, "userPrincipalName", user))
    };
    given.filter(|(holder, _)| same(holder)).filter_map(|(_, level)| level.as_str()).collect()
}

/// Whether the user-agent rules of organization and mailbox let a caller through; the mailbox's own
/// rule replaces the organization's.
pub fn agent_allowed(view: View, mailbox: &Value, agent: &str) -> bool {
    let (organization, own) = (view.at("exchange.organization"), &mailbox["cas"]);
    let rule = if own["EwsApplicationAccessPolicy"].is_string() { own } else { organization };
    let named = |list: &str| texts(&rule[list]).into_iter().any(|pattern| wildcard(pattern, agent));
    match text(rule, "EwsApplicationAccessPolicy") {
        "EnforceAllowList" => named("EwsAllowList"),
        "EnforceBlockList" => !named("EwsBlockList"),
        _ => true,
    }
}

/// Whether a text fits a pattern in which `*` stands for anything, whatever the case.
fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
        last = Some(part);
    }
    rest.is_empty() || last.is_some_and(|part| part.is_empty() || text.ends_with(part))
}

/// Whether a cloud user may have a mailbox by license; shared and resource mailboxes need none.
pub fn licensed(view: View, user: &Value, mailbox: &Value) -> bool {
    if !has(mailbox, "RecipientTypeDetails", "UserMailbox") {
        return true;
    }
    plans(view, user).into_iter().any(gives_mailbox)
}

/// Names of the service plans that work for a user.
fn plans<'a>(view: View<'a>, user: &Value) -> Vec<&'a str> {
    let mut working = Vec::new();
    for given in rows(&user["x"]["licenses"]) {
        let part = given.as_str().or_else(|| given["sku"].as_str()).unwrap_or_default();
        let Some(sku) = view.named("subscribed_skus", part) else { continue };
        for (id, name) in sku["plans"].as_object().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            let off = lists(&given["disabled_plans"], name) || lists(&given["disabled_plans"], id);
            let status = given["status"][name].as_str().unwrap_or("Success");
            if !off && !matches!(status, "Disabled" | "Error") {
                working.push(name);
            }
        }
    }
    working
}

/// Whether one of a cloud user's live plans carries public folders; deskless plans do not.
pub fn carries_public_folders(view: View, user: &Value) -> bool {
    plans(view, user).into_iter().any(|name| gives_mailbox(name) && !name.contains("DESKLESS"))
}

/// Whether a service plan of that name carries a mailbox.
fn gives_mailbox(name: &str) -> bool {
    let kinds = ["EXCHANGE_S_", "EXCHANGE_L_", "EXCHANGE_B_"];
    let mut kind = kinds.iter().filter_map(|prefix| name.strip_prefix(prefix));
    kind.any(|rest| {
        ["STANDARD", "ENTERPRISE", "DESKLESS", "ESSENTIALS"].iter().any(|plan| rest.starts_with(plan))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mailbox() -> Value {
        json!({"PrimarySmtpAddress": "a@contoso.com", "UserPrincipalName": "a@contoso.com"})
    }

    #[test]
    fn a_denial_wins_and_a_foreign_restriction_refuses() {
        let world = |policies: Value| json!({"exchange": {"access_policies": policies}});
        let deny = json!({"d": {"AppId": "1", "AccessRight": "DenyAccess", "x": {"members": ["a@contoso.com"]}},
            "r": {"AppId": "1", "AccessRight": "RestrictAccess", "x": {"members": ["*"]}}});
        assert!(!policies_allow(View::new(&world(deny), None), "1", &mailbox()));
        let other = json!({"r": {"AppId": "1", "AccessRight": "RestrictAccess", "x": {"members": ["b@contoso.com"]}}});
        assert!(!policies_allow(View::new(&world(other.clone()), None), "1", &mailbox()));
        assert!(policies_allow(View::new(&world(other), None), "2", &mailbox()));
    }

    #[test]
    fn consent_and_application_roles_add_up() {
        let world = json!({"exchange": {
            "access_policies": {"r": {"AppId": "1", "AccessRight": "RestrictAccess", "x": {"members": []}}},
            "role_assignments": {"e": {"app": "1", "role": "Application EWS.AccessAsApp", "members": ["a@contoso.com"]}}}});
        let view = View::new(&world, None);
        assert_eq!(app_reach(view, "1", "EWS.AccessAsApp", true, &mailbox()), Reach::Granted);
        assert_eq!(app_reach(view, "1", "Contacts.Read", true, &mailbox()), Reach::OutOfScope);
        assert_eq!(app_reach(view, "1", "Contacts.Read", false, &mailbox()), Reach::NoPermission);
    }

    #[test]
    fn user_agent_patterns_fit_as_a_whole() {
        assert!(wildcard("CiraSync/*", "cirasync/2.1"));
        assert!(wildcard("*sync*", "CiraSync/2.1"));
        assert!(!wildcard("CiraSync", "CiraSync/2.1"));
        assert!(!wildcard("*Sync", "CiraSync/2.1"));
    }

    #[test]
    fn foundation_alone_gives_no_mailbox() {
        assert!(gives_mailbox("EXCHANGE_S_DESKLESS_GOV"));
        assert!(!gives_mailbox("EXCHANGE_S_FOUNDATION"));
        assert!(!gives_mailbox("EXCHANGE_S_ARCHIVE_ADDON"));
    }
}
