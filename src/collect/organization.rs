//! Settings of the Exchange Online organization, and what is left of the retired impersonation role.

use serde_json::{Value, json};

use super::directory::{Reading, body, flag, found, lacks, mailbox_in_the_cloud, reads, row, rows, text};
use super::mailbox::ews_switches;
use super::reader::EXCHANGE;
use super::{Call, Context, Yield};

pub(super) const CALLS: &[Call] = &[
    row!("exchange.organization", Tenant, reads(EXCHANGE, &[]), mailbox_in_the_cloud, after [], organization,
        yields ["organization.ews_enabled", "organization.ews_application_access_policy",
            "organization.ews_allow_list", "organization.ews_block_list",
            "organization.public_folders_enabled", "organization.public_folder_mailbox",
            "organization.oauth_enabled"]),
    row!("exchange.ews-apps", Tenant, reads(EXCHANGE, &[]), mailbox_in_the_cloud, after [], allowed_apps,
        yields ["organization.ews_allowed_app_ids"]),
    row!("exchange.impersonation", Tenant, reads(EXCHANGE, &[]), mailbox_in_the_cloud, after [], leftovers,
        yields ["impersonation.leftovers"]),
];

async fn organization(context: &Context) -> Reading {
    let said = context.cmdlet("Get-OrganizationConfig", json!({})).await?;
    let list = body(&said, EXCHANGE)?;
    let Some(configuration) = list.get(0).filter(|row| row.get("EwsEnabled").is_some()) else {
        return Err(lacks(&said, "EwsEnabled"));
    };
    let mut found = Yield::new();
    found.set("organization", ews_switches(configuration));
    found.set("organization.public_folders_enabled", text(configuration, "PublicFoldersEnabled"));
    found.set("organization.public_folder_mailbox", root_mailbox(configuration));
    found.set("organization.oauth_enabled", flag(configuration, "OAuth2ClientProfileEnabled"));
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

/// The mailbox that keeps the hierarchy of the public folders: a name, an id, or an object with one.
fn root_mailbox(configuration: &Value) -> Value {
    let stated = &configuration["RootPublicFolderMailbox"];
    let id = stated.as_str().or_else(|| stated["HierarchyMailboxGuid"].as_str()).unwrap_or_default().trim();
    let none = id.chars().all(|letter| matches!(letter, '0' | '-'));
    if none { Value::Null } else { id.into() }
}

async fn allowed_apps(context: &Context) -> Reading {
    let parameters = json!({ "RetrieveEwsOperationAccessPolicy": true });
    let said = context.cmdlet("Get-OrganizationConfig", parameters).await?;
    let list = body(&said, EXCHANGE)?;
    let Some(ids) = list.pointer("/0/EwsAllowedAppIDs") else {
        return Err(lacks(&said, "EwsAllowedAppIDs"));
    };
    let mut found = Yield::new();
    found.set("organization.ews_allowed_app_ids", app_ids(ids));
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

/// App ids of a list, or of one text with commas; lower case.
fn app_ids(ids: &Value) -> Value {
    let texts = match ids {
        Value::String(text) => vec![text.as_str()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let ids = texts.iter().flat_map(|text| text.split([',', ';'])).map(|id| id.trim().to_lowercase());
    ids.filter(|id| !id.is_empty()).map(Value::from).collect()
}

async fn leftovers(context: &Context) -> Reading {
    let parameters = json!({ "Role": "ApplicationImpersonation" });
    let said = context.cmdlet("Get-ManagementRoleAssignment", parameters).await?;
    let list = found(&said, EXCHANGE)?.unwrap_or_default();
    let mut found = Yield::new();
    let rows = rows(&list).map(|row| {
        let assignee = match text(row, "RoleAssigneeName") {
            Value::Null => text(row, "RoleAssignee"),
            name => name,
        };
        json!({ "name": text(row, "Name"), "assignee": assignee, "assignee_type": text(row, "RoleAssigneeType") })
    });
    found.set("impersonation.leftovers", rows.collect::<Value>());
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_ids_come_as_one_text_or_a_list() {
        assert_eq!(app_ids(&json!("A-1, b-2,")), json!(["a-1", "b-2"]));
        assert_eq!(app_ids(&json!(["A-1"])), json!(["a-1"]));
        assert_eq!(app_ids(&Value::Null), json!([]));
    }

    #[test]
    fn an_empty_id_is_no_mailbox_for_public_folders() {
        let root = |value: Value| root_mailbox(&json!({ "RootPublicFolderMailbox": value }));
        assert_eq!(root(json!("PFMailbox1")), json!("PFMailbox1"));
        assert_eq!(root(json!({ "HierarchyMailboxGuid": "0f1e" })), json!("0f1e"));
        assert_eq!(root(json!("00000000-0000-0000-0000-000000000000")), Value::Null);
        assert_eq!(root(Value::Null), Value::Null);
    }
}
