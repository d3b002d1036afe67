//! Tenant-wide sign-in policies: security defaults, what users may consent to, Conditional Access.

use serde_json::Value;

use super::directory::{Reading, body, existing, flag, in_the_cloud, reads, row, rows, texts};
use super::{Call, Context, Yield};

/// Prefix of the entries by which users consent for themselves.
const FOR_SELF: &str = "managepermissiongrantsforself.";

pub(super) const CALLS: &[Call] = &[
    row!("graph.security-defaults", Tenant, reads("Policy.Read.All", &[]), in_the_cloud, after [],
        security_defaults, yields ["policies.security_defaults"]),
    row!("graph.authorization-policy", Tenant, reads("Policy.Read.All", &[]), in_the_cloud, after [],
        authorization, yields ["policies.user_consent"]),
    row!("graph.conditional-access", Tenant, reads("Policy.Read.All", &[]), in_the_cloud, after [],
        conditional_access, yields ["policies.conditional_access"]),
];

async fn security_defaults(context: &Context) -> Reading {
    let path = "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy";
    let said = context.graph().await?.get(path, &[]).await;
    let mut found = Yield::new();
    found.set(
        "policies.security_defaults",
        flag(&existing(&said, "Policy.Read.All", "isEnabled")?, "isEnabled"),
    );
    found.exchanges = said.exchanges;
    Ok(found)
}

async fn authorization(context: &Context) -> Reading {
    let said = context.graph().await?.get("/v1.0/policies/authorizationPolicy", &[]).await;
    let mut found = Yield::new();
    let policy = existing(&said, "Policy.Read.All", "defaultUserRolePermissions")?;
    found.set("policies.user_consent", user_consent(&policy));
    found.exchanges = said.exchanges;
    Ok(found)
}

/// Ids of the permission-grant policies by which users consent for themselves.
pub fn user_consent(policy: &Value) -> Value {
    let role = policy.get("defaultUserRolePermissions").unwrap_or(&Value::Null);
    let assigned = texts(role, "permissionGrantPoliciesAssigned");
    assigned
        .iter()
        .filter(|entry| entry.to_ascii_lowercase().starts_with(FOR_SELF))
        .filter_map(|entry| entry.get(FOR_SELF.len()..))
        .map(Value::from)
        .collect()
}

async fn conditional_access(context: &Context) -> Reading {
    let said = context.conditional_access().await?;
    let mut found = Yield::new();
    found.set("policies.conditional_access", rows(&body(&said, "Policy.Read.All")?).count());
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_policies_for_oneself_count() {
        let policy = json!({ "defaultUserRolePermissions": { "permissionGrantPoliciesAssigned": [
            "managePermissionGrantsForSelf.microsoft-user-default-low", "ManagePermissionGrantsForOwnedResource.x" ] } });
        assert_eq!(user_consent(&policy), json!(["microsoft-user-default-low"]));
        assert_eq!(user_consent(&json!({})), json!([]));
    }
}
