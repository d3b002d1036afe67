//! What the product's app was granted: application permissions and delegated ones.

use serde_json::{Value, json};

use super::app::{RESOURCES, permission_names, principal_path};
use super::directory::{Reading, found, in_the_cloud, reads, row, rows, text, time};
use super::permission_ids::{self, EXCHANGE, GRAPH};
use super::{Call, Context, Yield};
use crate::facts::Absence;
use crate::wire::answer::Answer;

pub(super) const CALLS: &[Call] = &[
    row!("graph.app-permissions", App, reads("Application.Read.All", &["Directory.Read.All"]), in_the_cloud, after [],
        application, yields ["consent.application"]),
    row!("graph.delegated-grants", App,
        reads("Directory.Read.All", &["DelegatedPermissionGrant.Read.All"]), in_the_cloud, after [], delegated,
        yields ["consent.delegated"]),
];

/// What is known of the resources in this tenant.
#[derive(Debug, Default)]
pub struct Resources(Vec<Known>);

#[derive(Debug)]
struct Known {
    object_id: String,
    app_id: &'static str,
    names: Vec<(String, String)>,
}

impl Resources {
    /// Takes the service principal of a resource.
    pub fn add(&mut self, app_id: &'static str, principal: &Value) {
        if let Some(id) = principal.get("id").and_then(Value::as_str) {
            self.0.push(Known { object_id: id.to_lowercase(), app_id, names: permission_names(principal) });
        }
    }

    fn of(&self, row: &Value) -> Option<&Known> {
        let id = row["resourceId"].as_str()?.to_lowercase();
        self.0.iter().find(|known| known.object_id == id)
    }

    /// `graph`, `exchange`, or the resource's name.
    fn word(&self, row: &Value) -> Value {
        let by_name = || {
            let name = row["resourceDisplayName"].as_str()?;
            RESOURCES.iter().find(|(_, known)| *known == name).map(|(id, _)| *id)
        };
        match self.of(row).map(|known| known.app_id).or_else(by_name) {
            Some(GRAPH) => "graph".into(),
            Some(EXCHANGE) => "exchange".into(),
            _ => match text(row, "resourceDisplayName") {
                Value::Null => text(row, "resourceId"),
                name => name,
            },
        }
    }

    /// The name of the permission that a row grants; its id where nobody tells the name.
    fn permission(&self, row: &Value) -> Value {
        let id = row["appRoleId"].as_str().unwrap_or_default().to_lowercase();
        let known = self.of(row);
        let told = known
            .and_then(|known| known.names.iter().find(|(of, _)| *of == id))
            .map(|(_, name)| name.as_str());
        let app_id = match self.word(row).as_str() {
            Some("graph") => GRAPH,
            Some("exchange") => EXCHANGE,
            _ => "",
        };
        told.or_else(|| permission_ids::role(app_id, &id)).unwrap_or(&id).into()
    }
}

/// The resources as the tenant has them; one that cannot be read is left to the table of ids.
async fn resources(context: &Context) -> Result<Resources, Absence> {
    let (graph, exchange) =
        tokio::join!(context.resource_principal(GRAPH), context.resource_principal(EXCHANGE));
    let mut resources = Resources::default();
    for (said, app_id) in [(graph?, GRAPH), (exchange?, EXCHANGE)] {
        if let Answer::Found(principal) = &said.answer {
            resources.add(app_id, principal);
        }
    }
    Ok(resources)
}

async fn application(context: &Context) -> Reading {
    let (path, graph) = (principal_path(context.app_id()?), context.graph().await?);
    let path = format!("{path}/appRoleAssignments");
    let (said, resources) = tokio::join!(graph.list(&path, &[("$top", "999")]), resources(context));
    let list = found(&said, "Application.Read.All")?.unwrap_or_default();
    let mut found = Yield::new();
    found.set("consent.application", application_rows(&list, &resources?));
    found.exchanges = said.exchanges;
    Ok(found)
}

/// Rows of `consent.application`; the default access of an app without roles is no permission.
pub fn application_rows(list: &Value, resources: &Resources) -> Value {
    const DEFAULT: &str = "00000000-0000-0000-0000-000000000000";
    let granted = rows(list).filter(|row| row["appRoleId"] != DEFAULT).map(|row| {
        json!({
            "permission": resources.permission(row),
            "resource": resources.word(row),
            "granted_at": time(row, "createdDateTime"),
        })
    });
    granted.collect()
}

async fn delegated(context: &Context) -> Reading {
    let (path, graph) = (principal_path(context.app_id()?), context.graph().await?);
    let path = format!("{path}/oauth2PermissionGrants");
    let (said, resources) = tokio::join!(graph.list(&path, &[("$top", "999")]), resources(context));
    let list = found(&said, "Directory.Read.All")?.unwrap_or_default();
    let mut found = Yield::new();
    found.set("consent.delegated", delegated_rows(&list, &resources?));
    found.exchanges = said.exchanges;
    Ok(found)
}

/// Rows of `consent.delegated`, one a scope.
pub fn delegated_rows(list: &Value, resources: &Resources) -> Value {
    let granted = rows(list).flat_map(|row| {
        let scopes = row["scope"].as_str().unwrap_or_default().split_whitespace();
        scopes.map(move |scope| {
            json!({
                "permission": scope,
                "resource": resources.word(row),
                "everyone": row["consentType"] == "AllPrincipals",
                "principal_id": text(row, "principalId"),
            })
        })
    });
    granted.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources() -> Resources {
        let mut resources = Resources::default();
        resources.add(GRAPH, &json!({ "id": "O-1", "appRoles": [{ "id": "R-1", "value": "Custom.Read" }] }));
        resources.add(EXCHANGE, &json!({ "id": "o-2" }));
        resources
    }

    #[test]
    fn a_permission_is_named_by_its_resource() {
        let id = "ef54d2bf-783f-4e0f-bca1-3210c0444d99";
        let list = json!([
            { "resourceId": "o-1", "appRoleId": "r-1", "createdDateTime": "2026-01-01T00:00:00Z" },
            { "resourceId": "o-1", "appRoleId": id },
            { "resourceId": "o-2", "appRoleId": id },
            { "resourceId": "o-3", "resourceDisplayName": "Other", "appRoleId": id },
            { "resourceId": "o-1", "appRoleId": "00000000-0000-0000-0000-000000000000" },
        ]);
        let rows = application_rows(&list, &resources());
        let named: Vec<_> = rows
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| format!("{} {}", row["resource"], row["permission"]))
            .collect();
        assert_eq!(
            named,
            [
                r#""graph" "Custom.Read""#,
                r#""graph" "Calendars.ReadWrite""#,
                r#""exchange" "Calendars.ReadWrite.All""#,
                &format!("\"Other\" \"{id}\""),
            ]
        );
    }

    #[test]
    fn a_resource_that_was_not_read_is_known_by_its_name() {
        let row = json!([{ "resourceId": "x", "resourceDisplayName": "Office 365 Exchange Online",
            "appRoleId": "dc890d15-9560-4a4c-9b7f-a736ec74ec40" }]);
        let rows = application_rows(&row, &Resources::default());
        assert_eq!(
            (&rows[0]["resource"], &rows[0]["permission"]),
            (&json!("exchange"), &json!("full_access_as_app"))
        );
    }

    #[test]
    fn scopes_are_taken_apart() {
        let list = json!([
            { "resourceId": "o-1", "consentType": "AllPrincipals", "principalId": null, "scope": " User.Read  Mail.Read" },
            { "resourceId": "o-2", "consentType": "Principal", "principalId": "u-1", "scope": "EWS.AccessAsUser.All" },
        ]);
        let rows = delegated_rows(&list, &resources());
        assert_eq!(rows.as_array().map(Vec::len), Some(3));
        assert_eq!((&rows[1]["permission"], &rows[1]["everyone"]), (&json!("Mail.Read"), &json!(true)));
        assert_eq!((&rows[2]["resource"], &rows[2]["principal_id"]), (&json!("exchange"), &json!("u-1")));
    }
}
