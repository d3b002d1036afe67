//! The account in the directory: its entry, who shares its address, its roles.

use serde_json::{Map, Value, json};

use super::directory::{
    Entry, Reading, Stop, absence, body, flag, found, in_the_cloud, object, reads, row, rows, text, texts,
    time,
};
use super::{Access, Call, Context, Yield};
use crate::wire::answer::Answer;
use crate::wire::graph::literal;

/// Facts of the entry that are texts: name here, name in the directory.
const TEXTS: [(&str, &str); 8] = [
    ("upn", "userPrincipalName"),
    ("display_name", "displayName"),
    ("given_name", "givenName"),
    ("surname", "surname"),
    ("mail", "mail"),
    ("usage_location", "usageLocation"),
    ("user_type", "userType"),
    ("job_title", "jobTitle"),
];

const USER: &[&str] = &["Directory.Read.All", "User.ReadWrite.All"];

pub(super) const CALLS: &[Call] = &[
    row!("graph.user", Account, reads("User.Read.All", USER), in_the_cloud, after [], user,
        yields ["account.exists", "account.deleted", "account.deleted_at", "account.id", "account.upn",
            "account.display_name", "account.given_name", "account.surname", "account.mail",
            "account.proxy_addresses", "account.primary_address", "account.usage_location",
            "account.enabled", "account.user_type", "account.external", "account.creation_type",
            "account.created_at", "account.synced", "account.password_never_expires",
            "account.must_change_password", "account.last_password_change",
            "account.sessions_valid_from", "account.job_title"]),
    row!("graph.same-address", Account, reads("User.Read.All", USER), in_the_cloud, after [], duplicates,
        yields ["account.duplicates"]),
    row!("graph.manager", Account, reads("User.Read.All", USER), in_the_cloud, after [], manager,
        yields ["account.has_manager"]),
    row!("graph.roles", Account, reads("Directory.Read.All", &["RoleManagement.Read.Directory"]), in_the_cloud,
        after [], roles, yields ["account.roles"]),
    row!("graph.eligible-roles", Account,
        reads("RoleEligibilitySchedule.Read.Directory", &["RoleManagement.Read.Directory", "RoleManagement.Read.All"]),
        in_the_cloud, after [], eligible_roles, yields ["account.eligible_roles"]),
    row!("graph.synchronization", Account, reads("OnPremDirectorySynchronization.Read.All", &[]), in_the_cloud,
        after [], synchronization, yields ["account.cloud_password_policy_for_synced"]),
    row!("reader.is-account", Account, Access::Anonymous, in_the_cloud, after [], is_reader,
        yields ["account.is_reader"]),
];

async fn user(context: &Context) -> Reading {
    let lookup = context.user().await;
    let entry = lookup
        .entry
        .as_ref()
        .map_err(|absence| Stop { absence: absence.clone(), exchanges: lookup.exchanges.clone() })?;
    let mut yielded = Yield::new();
    let mut facts = facts(entry);
    if let Entry::Gone(absence) = entry {
        for name in ["deleted", "deleted_at"] {
            facts.remove(name);
            yielded.absent(&format!("account.{name}"), absence.clone());
        }
    }
    yielded.set("account", Value::Object(facts));
    yielded.exchanges.clone_from(&lookup.exchanges);
    Ok(yielded)
}

/// The facts of the directory's entry.
pub fn facts(entry: &Entry) -> Map<String, Value> {
    let none = Value::Null;
    let (user, deleted) = match entry {
        Entry::User(user) => (user, &none),
        Entry::Deleted(deleted) => (&none, deleted),
        Entry::None | Entry::Gone(_) => (&none, &none),
    };
    let seen = if user.is_null() { deleted } else { user };
    let upn = seen.get("userPrincipalName").and_then(Value::as_str);
    let (primary, addresses) = addresses(user);
    let profile = user.get("passwordProfile").unwrap_or(&Value::Null);
    let mut facts: Map<_, _> =
        TEXTS.iter().map(|(fact, name)| ((*fact).to_owned(), text(seen, name))).collect();
    let more = json!({
        "exists": !user.is_null(),
        "deleted": !deleted.is_null(),
        "deleted_at": time(deleted, "deletedDateTime"),
        "id": text(seen, "id"),
        "proxy_addresses": addresses,
        "primary_address": primary,
        "enabled": flag(user, "accountEnabled"),
        "external": upn.map(|upn| upn.to_ascii_uppercase().contains("#EXT#")),
        "creation_type": text(user, "creationType"),
        "created_at": time(user, "createdDateTime"),
        "synced": flag(user, "onPremisesSyncEnabled"),
        "password_never_expires": never_expires(user),
        "must_change_password": flag(profile, "forceChangePasswordNextSignIn"),
        "last_password_change": time(user, "lastPasswordChangeDateTime"),
        "sessions_valid_from": time(user, "signInSessionsValidFromDateTime"),
    });
    if let Value::Object(more) = more {
        facts.extend(more);
    }
    facts
}

/// Whether the password policies switch expiry off; null when there is no account.
fn never_expires(user: &Value) -> Value {
    if user.is_null() {
        return Value::Null;
    }
    let policies = user.get("passwordPolicies").and_then(Value::as_str).unwrap_or_default();
    policies.split(',').any(|policy| policy.trim().eq_ignore_ascii_case("DisablePasswordExpiration")).into()
}

/// The primary SMTP address, and all SMTP addresses with it first.
fn addresses(user: &Value) -> (Value, Vec<String>) {
    smtp_addresses(&texts(user, "proxyAddresses"))
}

/// The primary SMTP address of a list with prefixes, and all SMTP addresses with it first.
pub fn smtp_addresses(list: &[String]) -> (Value, Vec<String>) {
    let mut primary = Value::Null;
    let mut addresses = Vec::new();
    for entry in list {
        let (kind, address) = entry.split_once(':').unwrap_or(("smtp", entry));
        if !kind.eq_ignore_ascii_case("smtp") {
            continue;
        }
        let address = address.to_lowercase();
        if kind == "SMTP" {
            primary = address.clone().into();
            addresses.insert(0, address);
        } else {
            addresses.push(address);
        }
    }
    (primary, addresses)
}

async fn duplicates(context: &Context) -> Reading {
    let (said, lookup) = (context.same_address().await?, context.user().await);
    let list = body(&said, "User.Read.All")?;
    let own = match &lookup.entry {
        Ok(Entry::User(user)) => text(user, "id"),
        Ok(_) => Value::Null,
        Err(absence) => return Err(absence.clone().into()),
    };
    let others = rows(&list).filter(|row| text(row, "id") != own).map(|row| {
        json!({ "id": text(row, "id"), "upn": text(row, "userPrincipalName"), "display_name": text(row, "displayName") })
    });
    let mut found = Yield::new();
    found.set("account.duplicates", others.collect::<Value>());
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

async fn manager(context: &Context) -> Reading {
    let said = context.of_user("v1.0", "manager", &[("$select", "id")], false).await?;
    let manager = object(&said, "User.Read.All", "id")?;
    let has = match (manager, context.user_id().await?) {
        (Some(_), _) => true.into(),
        (None, Some(_)) => false.into(),
        (None, None) => Value::Null,
    };
    let mut found = Yield::new();
    found.set("account.has_manager", has);
    found.exchanges = said.exchanges;
    Ok(found)
}

async fn roles(context: &Context) -> Reading {
    let said = context.memberships().await?;
    let list = found(&said, "Directory.Read.All")?.unwrap_or_default();
    let roles = active_roles(&list);
    if roles.iter().any(|role| role["template_id"].is_null()) {
        let hidden = Answer::Denied(crate::wire::answer::Problem {
            status: 200,
            message: "the roles came back without their names".into(),
            ..Default::default()
        });
        let exchanges = said.exchanges.clone();
        return Err(Stop { absence: absence(&hidden, "RoleManagement.Read.Directory"), exchanges });
    }
    let mut found = Yield::new();
    found.set("account.roles", Value::Array(roles));
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

/// The directory roles among the memberships.
pub fn active_roles(memberships: &Value) -> Vec<Value> {
    rows(memberships)
        .filter(|row| row["@odata.type"] == "#microsoft.graph.directoryRole")
        .map(|row| json!({ "name": text(row, "displayName"), "template_id": text(row, "roleTemplateId") }))
        .collect()
}

async fn eligible_roles(context: &Context) -> Reading {
    let Some(id) = context.user_id().await? else {
        let mut found = Yield::new();
        found.set("account.eligible_roles", json!([]));
        return Ok(found);
    };
    let filter = format!("principalId eq {}", literal(&id));
    let query = [("$filter", filter.as_str()), ("$expand", "roleDefinition")];
    let path = "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances";
    let said = context.graph().await?.list(path, &query).await;
    let list = body(&said, "RoleEligibilitySchedule.Read.Directory")?;
    let mut found = Yield::new();
    found.set("account.eligible_roles", eligible(&list));
    found.exchanges = said.exchanges;
    Ok(found)
}

/// The eligible roles of a list of schedule instances.
fn eligible(list: &Value) -> Value {
    let roles = rows(list).map(|row| {
        let role = row.get("roleDefinition").unwrap_or(&Value::Null);
        let template = match text(role, "templateId") {
            Value::Null => text(row, "roleDefinitionId"),
            template => template,
        };
        json!({ "name": text(role, "displayName"), "template_id": template })
    });
    roles.collect()
}

async fn synchronization(context: &Context) -> Reading {
    let said = context.shared_list("/v1.0/directory/onPremisesSynchronization", &[]).await?;
    let list = body(&said, "OnPremDirectorySynchronization.Read.All")?;
    let features = list.pointer("/0/features").unwrap_or(&Value::Null);
    let mut found = Yield::new();
    let path = "account.cloud_password_policy_for_synced";
    found.set(path, flag(features, "cloudPasswordPolicyForPasswordSyncedUsersEnabled"));
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

async fn is_reader(context: &Context) -> Reading {
    let target = &context.target;
    let reader = target.reader.as_ref().and_then(|reader| reader.sign_in.username());
    let account = [Some(target.account.as_str()), target.subject.username.as_deref()];
    let same =
        reader.is_some_and(|reader| account.iter().flatten().any(|name| name.eq_ignore_ascii_case(reader)));
    let mut found = Yield::new();
    found.set("account.is_reader", same);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::catalogue;

    #[test]
    fn an_entry_becomes_facts() {
        let facts = facts(&Entry::User(json!({
            "id": "u-1", "userPrincipalName": "svc@contoso.com", "accountEnabled": true,
            "proxyAddresses": ["smtp:Alias@contoso.com", "SMTP:Svc@contoso.com", "x500:/o=x"],
            "passwordPolicies": "DisableStrongPassword, disablePasswordExpiration",
            "passwordProfile": { "forceChangePasswordNextSignIn": false },
            "onPremisesSyncEnabled": null, "createdDateTime": "2026-01-02T03:04:05Z",
        })));
        assert_eq!(facts["primary_address"], "svc@contoso.com");
        assert_eq!(facts["proxy_addresses"], json!(["svc@contoso.com", "alias@contoso.com"]));
        assert_eq!(facts["password_never_expires"], true);
        assert_eq!((&facts["must_change_password"], &facts["synced"]), (&json!(false), &Value::Null));
        assert_eq!(
            (&facts["exists"], &facts["deleted"], &facts["external"]),
            (&json!(true), &json!(false), &json!(false))
        );
    }

    #[test]
    fn a_hidden_password_profile_is_not_told() {
        let facts = facts(&Entry::User(json!({ "id": "u-1", "passwordProfile": null })));
        assert_eq!(facts["must_change_password"], Value::Null);
        assert_eq!(facts["password_never_expires"], false);
    }

    #[test]
    fn a_deleted_account_does_not_exist() {
        let facts = facts(&Entry::Deleted(json!({ "id": "u-1", "deletedDateTime": "2026-11-14T00:00:00Z" })));
        assert_eq!((&facts["exists"], &facts["deleted"]), (&json!(false), &json!(true)));
        assert_eq!(facts["deleted_at"], "2026-11-14T00:00:00Z");
    }

    #[test]
    fn every_fact_of_the_entry_is_written_and_known() {
        let facts = facts(&Entry::None);
        for path in CALLS[0].yields {
            let name = path.strip_prefix("account.").expect("a fact of the account");
            assert!(facts.contains_key(name), "{path}");
        }
        for name in facts.keys() {
            assert!(catalogue::is_known(&format!("account.{name}")), "{name}");
        }
    }

    #[test]
    fn only_directory_roles_are_roles() {
        let list = json!([
            { "@odata.type": "#microsoft.graph.group", "id": "g-1" },
            { "@odata.type": "#microsoft.graph.directoryRole", "displayName": "Reader", "roleTemplateId": "t-1" },
        ]);
        assert_eq!(active_roles(&list), [json!({ "name": "Reader", "template_id": "t-1" })]);
    }

    #[test]
    fn an_eligible_role_falls_back_to_its_definition_id() {
        let list = json!([{ "roleDefinitionId": "d-1", "roleDefinition": { "displayName": "Admin" } }]);
        assert_eq!(eligible(&list), json!([{ "name": "Admin", "template_id": "d-1" }]));
    }
}
