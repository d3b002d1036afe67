//! Where the domain of the sign-in name signs in, as the sign-in page is told.

use serde_json::{Value, json};

use super::{
    Access, Call, Context, Target, Yield, anonymous,
    directory::{Reading, in_the_cloud, row},
};
use crate::facts::Reason;
use crate::wire::json;

/// The calls of this collector.
pub const CALLS: &[Call] = &[row!(
    "sso.realm", Account, Access::Anonymous, applies, after [], realm,
    yields ["sso.realm.namespace", "sso.realm.auth_url", "sso.realm.protocol", "sso.realm.brand"],
)];

fn applies(target: &Target) -> bool {
    in_the_cloud(target) || target.subject.scheme == "oauth"
}

async fn realm(context: &Context) -> Reading {
    let target = &context.target;
    let name = target.subject.username.as_deref().filter(|name| name.contains('@'));
    let domain = name.unwrap_or(&target.account).rsplit('@').next().unwrap_or_default();
    // The answer is the domain's: a fixed name in front of it lets all accounts share one question.
    let login = format!("user@{}", domain.to_ascii_lowercase());
    let mut url = target.endpoints.sign_in.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["common", "userrealm", &login]);
    }
    url.set_query(Some("api-version=1.0"));
    let reply = context.fetch(&url).await;
    let body = match &reply.outcome {
        Ok(response) if response.status.is_success() => json::parse(&response.body).ok(),
        _ => None,
    };
    let Some(facts) = body.as_ref().and_then(facts) else {
        let throttled = matches!(&reply.outcome, Ok(response) if response.status.as_u16() == 429);
        let reason = if throttled { Reason::Throttled } else { Reason::Unreadable };
        return Err(anonymous::stop(&reply, reason, "the answer does not name the kind of realm"));
    };
    let mut yielded = Yield::new();
    yielded.set("sso.realm", facts).exchange(reply.exchange.clone());
    Ok(yielded)
}

fn facts(body: &Value) -> Option<Value> {
    let text = |names: &[&str]| {
        names.iter().find_map(|name| body.get(name)?.as_str()).map(|text| json::clip(text, 300))
    };
    let namespace = text(&["account_type", "NameSpaceType"])?.to_ascii_lowercase();
    let namespace = match namespace.as_str() {
        "managed" | "federated" => namespace,
        _ => "unknown".to_owned(),
    };
    Some(json!({
        "namespace": namespace,
        "auth_url": text(&["AuthURL", "federation_active_auth_url"]),
        "protocol": text(&["federation_protocol"]),
        "brand": text(&["FederationBrandName"]),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_federated_domain_names_its_provider() {
        let body = json!({"ver": "1.0", "account_type": "Federated", "federation_protocol": "WSTrust",
            "federation_active_auth_url": "https://sts.corp.example/adfs"});
        let facts = facts(&body).expect("facts");
        assert_eq!(facts["namespace"], "federated");
        assert_eq!(facts["auth_url"], "https://sts.corp.example/adfs");
    }

    #[test]
    fn an_answer_without_a_kind_is_none() {
        assert_eq!(facts(&json!({"ver": "1.0"})), None);
    }
}
