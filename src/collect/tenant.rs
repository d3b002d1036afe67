//! The Microsoft Entra tenant of a domain, by its public `OpenID` metadata.

use serde_json::{Value, json};

use super::{
    Access, Call, Context, Target, Yield, anonymous,
    directory::{Reading, in_the_cloud, row},
};
use crate::facts::Reason;
use crate::wire::{
    Reply, Response, json,
    sign_in::{codes_in, first_sentence},
};

/// Numbers by which the sign-in service says that it does not know a domain.
const UNKNOWN_TENANT: &[i64] = &[90002, 900_021, 900_023];

/// The calls of this collector.
pub const CALLS: &[Call] = &[row!(
    "tenant.openid", Tenant, Access::Anonymous, applies, after [], openid,
    yields [
        "tenant.domain", "tenant.found", "tenant.id", "tenant.configured_id", "tenant.error_code",
        "tenant.error_text", "tenant.region_scope", "tenant.region_sub_scope", "tenant.cloud_instance",
        "tenant.graph_host", "tenant.cloud",
    ],
)];

/// Also on-premises where sign-in is Entra's (hybrid modern authentication).
fn applies(target: &Target) -> bool {
    in_the_cloud(target) || target.subject.scheme == "oauth"
}

/// The metadata of the target's domain, asked for once in a run.
async fn metadata(context: &Context) -> std::sync::Arc<Reply> {
    let target = &context.target;
    let mut url = target.endpoints.sign_in.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend([&target.domain, "v2.0", ".well-known", "openid-configuration"]);
    }
    context.fetch(&url).await
}

fn read(response: &Response) -> Option<Value> {
    match (response.status.as_u16(), json::parse(&response.body)) {
        (200, Ok(body)) => tenant_id(&body).map(|id| found(&id, &body)),
        (400 | 404, Ok(body)) => unknown(&body),
        _ => None,
    }
}

/// Whether the sign-in service knows the domain, for those who cannot wait for all facts about it.
pub(super) async fn exists(context: &Context) -> bool {
    let reply = metadata(context).await;
    let facts = reply.outcome.as_ref().ok().and_then(read);
    facts.is_some_and(|facts| facts["found"] == true)
}

/// The tenant's id as its public metadata says.
pub(super) async fn id(context: &Context) -> Option<String> {
    let reply = metadata(context).await;
    tenant_id(&json::parse(&reply.outcome.as_ref().ok()?.body).ok()?)
}

async fn openid(context: &Context) -> Reading {
    let target = &context.target;
    let reply = metadata(context).await;
    let Ok(response) = &reply.outcome else {
        return Err(anonymous::stop(&reply, Reason::Unreachable, ""));
    };
    let Some(mut facts) = read(response) else {
        return Err(anonymous::stop(&reply, unreadable(response), "the answer is not OpenID metadata"));
    };
    facts["domain"] = json!(target.domain);
    facts["configured_id"] = json!(target.tenant_id);
    let mut yielded = Yield::new();
    yielded.set("tenant", facts).exchange(reply.exchange.clone());
    Ok(yielded)
}

fn unreadable(response: &Response) -> Reason {
    match response.status.as_u16() {
        429 => Reason::Throttled,
        _ => Reason::Unreadable,
    }
}

/// The tenant's id stands in the issuer, between host and version.
fn tenant_id(body: &Value) -> Option<String> {
    let issuer = body.get("issuer").or_else(|| body.get("token_endpoint"))?.as_str()?;
    let issuer: url::Url = issuer.parse().ok()?;
    let id = issuer.path_segments()?.next()?.to_ascii_lowercase();
    uuid::Uuid::parse_str(&id).ok().map(|_| id)
}

fn found(id: &str, body: &Value) -> Value {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(|text| json::clip(text, 100));
    let (sub_scope, instance) = (text("tenant_region_sub_scope"), text("cloud_instance_name"));
    json!({
        "found": true,
        "id": id,
        "error_code": null,
        "error_text": null,
        "region_scope": text("tenant_region_scope"),
        "cloud": cloud(sub_scope.as_deref(), instance.as_deref()),
        "region_sub_scope": sub_scope,
        "cloud_instance": instance,
        "graph_host": text("msgraph_host"),
    })
}

fn cloud(sub_scope: Option<&str>, instance: Option<&str>) -> &'static str {
    match (sub_scope, instance) {
        (Some("DODCON"), _) => "gcc-high",
        (Some("DOD"), _) => "dod",
        (Some("GCC"), _) => "gcc",
        (_, Some(name)) if name.rsplit('.').next() == Some("cn") => "china",
        (_, Some(name)) if name.rsplit('.').next() == Some("us") => "gcc-high",
        _ => "worldwide",
    }
}

/// Only a refusal that says so means that there is no such tenant.
fn unknown(body: &Value) -> Option<Value> {
    let description = body.get("error_description").and_then(Value::as_str).unwrap_or_default();
    let listed = body.get("error_codes").and_then(Value::as_array).into_iter().flatten();
    let code = listed.filter_map(Value::as_i64).chain(codes_in(description)).next();
    let refused = body.get("error").and_then(Value::as_str) == Some("invalid_tenant");
    (refused || code.is_some_and(|code| UNKNOWN_TENANT.contains(&code))).then(|| {
        json!({
            "found": false,
            "id": null,
            "error_code": code,
            "error_text": first_sentence(description),
            "region_scope": null,
            "region_sub_scope": null,
            "cloud_instance": null,
            "graph_host": null,
            "cloud": null,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_government_clouds_are_told_apart() {
        assert_eq!(cloud(Some("DODCON"), Some("microsoftonline.us")), "gcc-high");
        assert_eq!(cloud(Some("DOD"), Some("microsoftonline.us")), "dod");
        assert_eq!(cloud(Some("GCC"), Some("microsoftonline.com")), "gcc");
        assert_eq!(cloud(None, Some("microsoftonline.com")), "worldwide");
    }

    #[test]
    fn a_refusal_for_an_unknown_domain_says_not_found() {
        let text = "AADSTS90002: Tenant 'x.example' not found. Check the name. Trace ID: 1";
        let facts = unknown(&json!({"error": "invalid_tenant", "error_description": text})).expect("unknown");
        assert_eq!((&facts["found"], &facts["error_code"]), (&json!(false), &json!(90002)));
    }

    #[test]
    fn another_refusal_is_no_answer() {
        assert_eq!(unknown(&json!({"error": "temporarily_unavailable", "error_codes": [90033]})), None);
    }

    #[test]
    fn an_issuer_without_id_is_no_tenant() {
        assert_eq!(tenant_id(&json!({"issuer": "https://login.example/common/v2.0"})), None);
    }
}
