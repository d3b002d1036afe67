//! The product's app in the tenant: its service principal, registration, and who is assigned to it.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::directory::{Reading, flag, found, in_the_cloud, object, reads, row, rows, text, time};
use super::permission_ids::{EXCHANGE, GRAPH};
use super::{Call, Context, Yield};
use crate::facts::{Absence, Reason};
use crate::wire::answer::{Answer, Said};
use crate::wire::certificate;
use crate::wire::graph::{encode, literal};

const READS: &str = "Application.Read.All";
const OR: &[&str] = &["Directory.Read.All"];

/// The resources that mailbox products call.
pub const RESOURCES: [(&str, &str); 2] =
    [(GRAPH, "Microsoft Graph"), (EXCHANGE, "Office 365 Exchange Online")];

pub(super) const CALLS: &[Call] = &[
    row!("graph.app", App, reads(READS, OR), in_the_cloud, after [], principal,
        yields ["app.client_id", "app.present", "app.id", "app.display_name", "app.enabled",
            "app.disabled_by_microsoft", "app.assignment_required", "app.kind", "app.owner_tenant", "app.owned_here"]),
    row!("graph.resources", App, reads(READS, OR), in_the_cloud, after [], resources,
        yields ["app.disabled_resources"]),
    row!("graph.app-assigned", App, reads(READS, OR), in_the_cloud, after [], assigned,
        yields ["app.assigned_principals"]),
    row!("graph.registration-of-app", App, reads(READS, OR), in_the_cloud, after [], registration,
        yields ["app.registration_id", "app.credentials"]),
    row!("graph.assignment", Account, reads("Directory.Read.All", &[]), in_the_cloud, after [],
        assignment, yields ["assignment.assigned"]),
];

/// The key form of a service principal's path.
pub fn principal_path(app_id: &str) -> String {
    format!("/v1.0/servicePrincipals(appId={})", encode_literal(app_id))
}

fn encode_literal(text: &str) -> String {
    format!("'{}'", encode(literal(text).trim_matches('\'')))
}

impl Context {
    /// The product's app id.
    ///
    /// # Errors
    ///
    /// When it is not known.
    pub fn app_id(&self) -> Result<&str, Absence> {
        let unknown = || Absence::new(Reason::NotAsked).with_text("the product's app id is not known");
        self.target.subject.client_id.as_deref().ok_or_else(unknown)
    }

    /// The service principal of the product's app, read once in the run; a missing one is an answer.
    ///
    /// # Errors
    ///
    /// When there is no app id, no reader, or no token.
    pub async fn app_principal(&self) -> Result<Arc<Said>, Absence> {
        const SELECT: &str = "id,appId,displayName,accountEnabled,disabledByMicrosoftStatus,\
appRoleAssignmentRequired,servicePrincipalType,appOwnerOrganizationId";
        let said = self.shared_object(principal_path(self.app_id()?), &[("$select", SELECT)]).await?;
        // Every tenant has the one of Microsoft Graph: where it is missing too, nothing can be told.
        if matches!(said.answer, Answer::Missing(_))
            && matches!(self.resource_principal(GRAPH).await?.answer, Answer::Missing(_))
        {
            let text = "this server shows no service principals at all, not even that of Microsoft Graph";
            return Err(Absence::new(Reason::Unreadable).with_text(text));
        }
        Ok(said)
    }

    /// The service principal of a resource, with the names of its permissions, read once in the run.
    ///
    /// # Errors
    ///
    /// When there is no reader, or it got no token.
    pub async fn resource_principal(&self, app_id: &str) -> Result<Arc<Said>, Absence> {
        const SELECT: &str = "id,appId,displayName,accountEnabled,appRoles,oauth2PermissionScopes";
        self.shared_object(principal_path(app_id), &[("$select", SELECT)]).await
    }

    /// The object id of the product's service principal, if policies can reach it: only apps that are
    /// registered in the tenant are reached.
    ///
    /// # Errors
    ///
    /// When it could not be read.
    pub async fn app_for_policies(&self) -> Result<Option<String>, Absence> {
        let said = self.app_principal().await?;
        let principal = object(&said, READS, "id").map_err(|stop| stop.absence)?.unwrap_or_default();
        let own = owned_here(&principal, self.tenant_id().await.as_deref()) == true;
        let id = principal.get("id").and_then(Value::as_str);
        Ok(id.filter(|_| own && principal["servicePrincipalType"] != "ManagedIdentity").map(str::to_owned))
    }

    /// The tenant's id: configured, or as the reader's token says.
    pub async fn tenant_id(&self) -> Option<String> {
        if let Some(id) = &self.target.tenant_id {
            return Some(id.clone());
        }
        let token = self.reader_token(super::session::Resource::Graph).await.ok()?;
        token.claims?.tenant_id
    }
}

/// Whether an app is registered in the tenant; null where one of the ids is not known.
fn owned_here(principal: &Value, tenant: Option<&str>) -> Value {
    match (principal.get("appOwnerOrganizationId").and_then(Value::as_str), tenant) {
        (Some(owner), Some(tenant)) => owner.eq_ignore_ascii_case(tenant).into(),
        _ => Value::Null,
    }
}

async fn principal(context: &Context) -> Reading {
    let said = context.app_principal().await?;
    let principal = object(&said, READS, "id")?.unwrap_or_default();
    let mut found = Yield::new();
    let tenant = context.tenant_id().await;
    found.set("app", principal_facts(context.app_id()?, &principal, tenant.as_deref()));
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

fn principal_facts(client_id: &str, principal: &Value, tenant: Option<&str>) -> Value {
    let disabled = text(principal, "disabledByMicrosoftStatus");
    json!({
        "client_id": client_id,
        "present": !principal.is_null(),
        "id": text(principal, "id"),
        "display_name": text(principal, "displayName"),
        "enabled": flag(principal, "accountEnabled"),
        "disabled_by_microsoft": if disabled == "NotDisabled" { Value::Null } else { disabled },
        "assignment_required": flag(principal, "appRoleAssignmentRequired"),
        "kind": text(principal, "servicePrincipalType"),
        "owner_tenant": text(principal, "appOwnerOrganizationId"),
        "owned_here": owned_here(principal, tenant),
    })
}

async fn resources(context: &Context) -> Reading {
    let (graph, exchange) =
        tokio::join!(context.resource_principal(GRAPH), context.resource_principal(EXCHANGE));
    let (mut found, mut disabled) = (Yield::new(), Vec::new());
    for (said, (_, name)) in [graph?, exchange?].iter().zip(RESOURCES) {
        let principal = object(said, READS, "accountEnabled")?.unwrap_or_default();
        if flag(&principal, "accountEnabled") == false {
            disabled.push(name);
        }
        found.exchanges.extend(said.exchanges.iter().cloned());
    }
    found.set("app.disabled_resources", json!(disabled));
    Ok(found)
}

async fn assigned(context: &Context) -> Reading {
    let path = format!("{}/appRoleAssignedTo", principal_path(context.app_id()?));
    let said = context.graph().await?.list(&path, &[("$top", "999")]).await;
    let list = found(&said, READS)?.unwrap_or_default();
    let people = rows(&list).filter(|row| row["principalType"] != "ServicePrincipal");
    let mut found = Yield::new();
    found.set("app.assigned_principals", people.map(|row| text(row, "principalId")).collect::<Value>());
    found.exchanges = said.exchanges;
    Ok(found)
}

async fn registration(context: &Context) -> Reading {
    const SELECT: &str = "id,appId,displayName,passwordCredentials,keyCredentials";
    let path = format!("/v1.0/applications(appId={})", encode_literal(context.app_id()?));
    let said = context.graph().await?.get(&path, &[("$select", SELECT)]).await;
    let mut yielded = Yield::new();
    if let Some(registration) = object(&said, READS, "id")? {
        yielded.set("app.registration_id", text(&registration, "id"));
        yielded.set("app.credentials", credentials(&registration));
    } else {
        let elsewhere = Absence::new(Reason::UnsupportedHere)
            .with_text("the app is registered in another tenant, which keeps its credentials");
        yielded.set("app.registration_id", Value::Null).absent("app.credentials", elsewhere);
    }
    yielded.exchanges = said.exchanges;
    Ok(yielded)
}

/// Secrets and certificates of a registration.
fn credentials(registration: &Value) -> Value {
    let of = |list: &str, kind: &'static str| {
        let list = registration.get(list).cloned().unwrap_or_default();
        let rows: Vec<_> = rows(&list)
            .map(|row| {
                json!({
                    "kind": kind,
                    "name": text(row, "displayName"),
                    "key_id": text(row, "keyId"),
                    "starts_at": time(row, "startDateTime"),
                    "ends_at": time(row, "endDateTime"),
                    "hint": text(row, "hint"),
                    "thumbprint": thumbprint(row),
                })
            })
            .collect();
        rows
    };
    let mut all = of("passwordCredentials", "secret");
    all.extend(of("keyCredentials", "certificate"));
    all.into()
}

/// The SHA-1 thumbprint of a certificate: of the certificate itself where it is told, else as the entry
/// names it, which is the thumbprint unless its maker chose another name.
fn thumbprint(credential: &Value) -> Option<String> {
    let bytes = |name: &str| STANDARD.decode(credential.get(name)?.as_str()?).ok();
    if let Some(certificate) = bytes("key").filter(|der| !der.is_empty()) {
        return Some(certificate::thumbprint(&certificate));
    }
    let name = bytes("customKeyIdentifier")?;
    let written = std::str::from_utf8(&name).ok().filter(|text| text.len() == 40);
    match written.filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        Some(text) => Some(text.to_ascii_uppercase()),
        None => (name.len() == 20).then(|| certificate::hex(&name)),
    }
}

async fn assignment(context: &Context) -> Reading {
    let query = [("$top", "999")];
    let of_user = context.of_user("v1.0", "appRoleAssignments", &query, true);
    let (said, principal) = tokio::join!(of_user, context.app_principal());
    let (said, principal) = (said?, principal?);
    let app = object(&principal, READS, "id")?.unwrap_or_default();
    let list = found(&said, "Directory.Read.All")?.unwrap_or_default();
    let mut found = Yield::new();
    found.set("assignment.assigned", is_assigned(&list, &app));
    found.exchanges = said.exchanges;
    Ok(found)
}

/// Whether one of the assignments is to the app.
fn is_assigned(assignments: &Value, app: &Value) -> bool {
    let id = app.get("id").and_then(Value::as_str);
    id.is_some_and(|id| {
        rows(assignments).any(|row| row["resourceId"].as_str().is_some_and(|of| of.eq_ignore_ascii_case(id)))
    })
}

/// The list of permission names of a resource's service principal: id and value.
pub fn permission_names(principal: &Value) -> Vec<(String, String)> {
    let roles = principal.get("appRoles").cloned().unwrap_or_default();
    rows(&roles)
        .filter_map(|role| Some((role["id"].as_str()?.to_lowercase(), role["value"].as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_principal_is_not_present() {
        let facts = principal_facts("a-1", &Value::Null, Some("t-1"));
        assert_eq!(
            (&facts["present"], &facts["id"], &facts["owned_here"]),
            (&json!(false), &Value::Null, &Value::Null)
        );
    }

    #[test]
    fn ownership_is_a_comparison_of_tenants() {
        let principal = json!({ "id": "sp", "appOwnerOrganizationId": "T-1", "disabledByMicrosoftStatus": "NotDisabled" });
        let facts = principal_facts("a-1", &principal, Some("t-1"));
        assert_eq!((&facts["owned_here"], &facts["disabled_by_microsoft"]), (&json!(true), &Value::Null));
        assert_eq!(principal_facts("a-1", &principal, Some("t-2"))["owned_here"], false);
        assert_eq!(principal_facts("a-1", &principal, None)["owned_here"], Value::Null);
    }

    #[test]
    fn credentials_of_both_kinds_are_listed() {
        let list = credentials(&json!({
            "passwordCredentials": [{ "displayName": "one", "keyId": "k", "endDateTime": "2026-12-01T00:00:00Z", "hint": "abc" }],
            "keyCredentials": [{ "displayName": null, "endDateTime": "nonsense" }] }));
        assert_eq!(
            (&list[0]["kind"], &list[0]["ends_at"]),
            (&json!("secret"), &json!("2026-12-01T00:00:00Z"))
        );
        assert_eq!((&list[1]["kind"], &list[1]["ends_at"]), (&json!("certificate"), &Value::Null));
    }

    #[test]
    fn only_an_assignment_to_this_app_counts() {
        let list = json!([{ "resourceId": "SP-1" }]);
        assert!(is_assigned(&list, &json!({ "id": "sp-1" })));
        assert!(!is_assigned(&list, &json!({ "id": "sp-2" })));
        assert!(!is_assigned(&list, &Value::Null));
    }

    #[test]
    fn an_app_id_cannot_leave_its_quotes() {
        assert_eq!(principal_path("a'b/c"), "/v1.0/servicePrincipals(appId='a%27%27b%2Fc')");
    }
}
