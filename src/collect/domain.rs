//! Where the account's domain signs in, as the directory says it: domain, federation, staged rollout,
//! home-realm policy.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::directory::{
    Entry, Reading, body, flag, found, in_the_cloud, number, object, reads, row, rows, text, texts,
};
use super::{Call, Context, Yield};
use crate::wire::graph::encode;

const HYBRID: &str = "Policy.Read.HybridAuthentication";

/// Rollout features by which the password is checked by Entra.
const PASSWORD_FEATURES: [&str; 2] = ["passwordhashsync", "passthroughauthentication"];

pub(super) const CALLS: &[Call] = &[
    row!("graph.domain", Account, reads("Domain.Read.All", &["Directory.Read.All"]), in_the_cloud, after [],
        domain, yields ["sso.domain"]),
    row!("graph.federation", Account,
        reads("Domain-InternalFederation.Read.All", &[]), in_the_cloud,
        after [], federation, yields ["sso.federation"]),
    row!("graph.rollout", Account, reads(HYBRID, &["Directory.ReadWrite.All"]), in_the_cloud, after [], rollout,
        yields ["sso.rollout"]),
    row!("graph.home-realm", Account, reads("Policy.Read.All", &[]), in_the_cloud, after [], home_realm,
        yields ["sso.home_realm_allows_cloud_password"]),
];

/// Domain of the sign-in name: as configured, as the directory has it, or that of the address.
async fn sign_in_domain(context: &Context) -> String {
    let of = |name: &str| name.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
    if let Some(domain) = context.target.subject.username.as_deref().and_then(of) {
        return domain;
    }
    let lookup = context.user().await;
    let upn = match &lookup.entry {
        Ok(Entry::User(user)) => user.get("userPrincipalName").and_then(Value::as_str),
        _ => None,
    };
    upn.and_then(of).unwrap_or_else(|| context.target.mail_domain())
}

async fn domain(context: &Context) -> Reading {
    let name = sign_in_domain(context).await;
    let said = context.shared_object(format!("/v1.0/domains/{}", encode(&name)), &[]).await?;
    let domain = object(&said, "Domain.Read.All", "authenticationType")?.unwrap_or_default();
    let mut found = Yield::new();
    found.set("sso.domain", domain_facts(&name, &domain));
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

fn domain_facts(name: &str, domain: &Value) -> Value {
    let authentication =
        domain.get("authenticationType").and_then(Value::as_str).map(str::to_ascii_lowercase);
    json!({
        "name": name,
        "authentication": authentication,
        "password_validity_days": number(domain, "passwordValidityPeriodInDays"),
    })
}

async fn federation(context: &Context) -> Reading {
    let name = sign_in_domain(context).await;
    let path = format!("/v1.0/domains/{}/federationConfiguration", encode(&name));
    let said = context.shared_list(path, &[]).await?;
    let list = found(&said, "Domain-InternalFederation.Read.All")?.unwrap_or_default();
    let mut found = Yield::new();
    found.set("sso.federation", federation_facts(list.get(0).unwrap_or(&Value::Null)));
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

fn federation_facts(configuration: &Value) -> Value {
    let not_after = configuration.get("signingCertificate").and_then(Value::as_str).and_then(not_after);
    json!({
        "issuer": text(configuration, "issuerUri"),
        "mfa_behavior": text(configuration, "federatedIdpMfaBehavior"),
        "certificate_not_after": not_after,
        "has_next_certificate": match configuration {
            Value::Null => Value::Null,
            _ => (!text(configuration, "nextSigningCertificate").is_null()).into(),
        },
    })
}

/// End of validity of a certificate in base64.
fn not_after(certificate: &str) -> Option<String> {
    let compact: String = certificate.chars().filter(|c| !c.is_whitespace()).collect();
    let der = STANDARD.decode(compact).ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let seconds = certificate.validity().not_after.timestamp();
    Some(jiff::Timestamp::from_second(seconds).ok()?.to_string())
}

async fn rollout(context: &Context) -> Reading {
    let said =
        context.shared_list("/v1.0/policies/featureRolloutPolicies", &[("$expand", "appliesTo")]).await?;
    let list = body(&said, HYBRID)?;
    let mut yielded = Yield::new();
    yielded.exchanges.clone_from(&said.exchanges);
    let enabled: Vec<_> = rows(&list).filter(|policy| policy["isEnabled"] == true).collect();
    let mut groups = Vec::new();
    if enabled.iter().any(|policy| rows(&policy["appliesTo"]).next().is_some()) {
        // Nested groups do not count for a rollout: only direct memberships are asked for.
        let query = [("$select", "id"), ("$top", "999")];
        let said = context.of_user("v1.0", "memberOf", &query, true).await?;
        let member_of = found(&said, "Directory.Read.All")?.unwrap_or_default();
        groups = rows(&member_of).filter_map(|group| group["id"].as_str().map(str::to_owned)).collect();
        yielded.exchanges.extend(said.exchanges);
    }
    yielded.set("sso.rollout", rollout_facts(&enabled, &groups));
    Ok(yielded)
}

fn rollout_facts(enabled: &[&Value], groups: &[String]) -> Value {
    let reaches = |policy: &Value| {
        let everybody = policy["isAppliedToOrganization"] == true;
        everybody
            || rows(&policy["appliesTo"])
                .filter_map(|group| group["id"].as_str())
                .any(|id| groups.iter().any(|group| group.eq_ignore_ascii_case(id)))
    };
    let checks_password = |policy: &Value| {
        let feature = policy["feature"].as_str().unwrap_or_default().to_ascii_lowercase();
        PASSWORD_FEATURES.contains(&feature.as_str())
    };
    let policies = enabled.iter().map(|policy| {
        json!({ "name": text(policy, "displayName"), "feature": text(policy, "feature"), "applies": reaches(policy) })
    });
    json!({
        "applies": enabled.iter().any(|policy| checks_password(policy) && reaches(policy)),
        "policies": policies.collect::<Value>(),
    })
}

async fn home_realm(context: &Context) -> Reading {
    let said = context.shared_list("/v1.0/policies/homeRealmDiscoveryPolicies", &[]).await?;
    let list = body(&said, "Policy.Read.All")?;
    let mut found = Yield::new();
    let allows =
        rows(&list).flat_map(|policy| texts(policy, "definition")).any(|text| allows_password(&text));
    found.set("sso.home_realm_allows_cloud_password", allows);
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

/// Whether a policy definition, which is JSON inside a text, allows cloud password validation.
fn allows_password(definition: &str) -> bool {
    let definition = crate::wire::json::parse(definition.as_bytes()).unwrap_or_default();
    let policy = definition.get("HomeRealmDiscoveryPolicy").unwrap_or(&Value::Null);
    flag(policy, "AllowCloudPasswordValidation") == true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_reaches_direct_members_only() {
        let policy = json!({ "displayName": "PHS", "feature": "passwordHashSync", "isEnabled": true,
            "appliesTo": [{ "id": "G-1" }] });
        let facts = |groups: &[&str]| {
            let groups: Vec<_> = groups.iter().map(|group| (*group).to_owned()).collect();
            rollout_facts(&[&policy], &groups)
        };
        assert_eq!(facts(&["g-1"])["applies"], true);
        assert_eq!(facts(&["g-2"])["applies"], false);
    }

    #[test]
    fn a_rollout_of_another_feature_does_not_move_the_password() {
        let policy = json!({ "feature": "certificateBasedAuthentication", "isAppliedToOrganization": true });
        let facts = rollout_facts(&[&policy], &[]);
        assert_eq!((&facts["applies"], &facts["policies"][0]["applies"]), (&json!(false), &json!(true)));
    }

    #[test]
    fn a_definition_is_json_inside_a_text() {
        assert!(allows_password(r#"{"HomeRealmDiscoveryPolicy":{"AllowCloudPasswordValidation":true}}"#));
        assert!(!allows_password(r#"{"HomeRealmDiscoveryPolicy":{}}"#));
        assert!(!allows_password("nonsense"));
    }

    #[test]
    fn a_managed_domain_has_no_federation() {
        assert_eq!(federation_facts(&Value::Null)["has_next_certificate"], Value::Null);
        let facts = federation_facts(&json!({ "issuerUri": "urn:x", "signingCertificate": "not base64!" }));
        assert_eq!((&facts["issuer"], &facts["certificate_not_after"]), (&json!("urn:x"), &Value::Null));
        assert_eq!(facts["has_next_certificate"], false);
    }

    #[test]
    fn a_certificate_says_when_it_ends() {
        let mut parameters = rcgen::CertificateParams::default();
        parameters.not_after = rcgen::date_time_ymd(2027, 1, 2);
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let text = STANDARD.encode(certificate.der());
        assert_eq!(not_after(&text).as_deref(), Some("2027-01-02T00:00:00Z"));
    }
}
