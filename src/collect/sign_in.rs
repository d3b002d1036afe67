//! The one sign-in as the product, and what its answer says.

use serde_json::{Value, json};

use super::directory::{Reading, body, in_the_cloud, reads, row, rows, text};
use super::session::{NotSent, Resource};
use super::{Access, Call, Context, Protocol, SubjectKind, Target, Yield};
use crate::facts::{Absence, Reason};
use crate::wire::sign_in::{Attempt, Outcome, Refusal, Token};

/// What is known only after an attempt.
const ANSWER: [&str; 18] = [
    "token",
    "error",
    "suberror",
    "error_code",
    "error_codes",
    "error_text",
    "policy_ids",
    "proves_password",
    "trace_id",
    "correlation_id",
    "audience",
    "tenant_id",
    "identity_kind",
    "roles",
    "scopes",
    "app_id",
    "capabilities",
    "flow",
];

pub(super) const CALLS: &[Call] = &[
    row!("sign-in.attempt", Account, Access::Subject, signs_in_at_entra, after [], attempt,
        yields ["sign_in.attempted", "sign_in.not_attempted_because", "sign_in.flow", "sign_in.token",
            "sign_in.error", "sign_in.suberror", "sign_in.error_code", "sign_in.error_codes",
            "sign_in.error_text", "sign_in.policy_ids", "sign_in.proves_password", "sign_in.trace_id",
            "sign_in.correlation_id", "sign_in.audience", "sign_in.tenant_id", "sign_in.identity_kind",
            "sign_in.roles", "sign_in.scopes", "sign_in.app_id", "sign_in.capabilities"]),
    row!(
        "sign-in.policy-names",
        Account,
        reads("Policy.Read.All", &[]),
        signs_in_at_entra,
        after["sign-in.attempt"],
        policy_names,
        yields["sign_in.policy_names"]
    ),
];

/// A password for a server of the organization is not sent to Microsoft.
fn signs_in_at_entra(target: &Target) -> bool {
    let oauth = target.subject.scheme.eq_ignore_ascii_case("oauth");
    match target.world {
        Some(world) => world.is_cloud() || oauth,
        None => in_the_cloud(target) && target.subject.kind != SubjectKind::Password,
    }
}

/// The resource that the product calls.
fn resource(target: &Target) -> Resource {
    match target.protocol {
        Protocol::Ews => Resource::Exchange,
        Protocol::Graph => Resource::Graph,
    }
}

async fn attempt(context: &Context) -> Reading {
    let mut found = Yield::new();
    let Some(attempt) = context.subject_attempt(resource(&context.target)).await else {
        return Err(Absence::new(Reason::Unreadable).with_text("signing in broke in this tool").into());
    };
    match attempt.as_ref() {
        Err(why) => not_attempted(context, *why, &mut found),
        Ok(attempt) => {
            found.exchange(attempt.exchange.clone());
            found.set("sign_in", answer(attempt));
        }
    }
    Ok(found)
}

fn not_attempted(context: &Context, why: NotSent, found: &mut Yield) {
    found.set("sign_in.attempted", false).set("sign_in.not_attempted_because", why.as_str());
    let absence = Absence::new(Reason::NotAsked).with_text("no sign-in as the product was attempted");
    for name in ANSWER {
        found.absent(&format!("sign_in.{name}"), absence.clone());
    }
    let flow = match context.target.subject.kind {
        SubjectKind::ClientSecret | SubjectKind::ClientCertificate => "client-credentials",
        SubjectKind::Password => "password",
        SubjectKind::RefreshToken => "refresh-token",
        SubjectKind::None => return,
    };
    found.section.absent.remove("sign_in.flow");
    found.set("sign_in.flow", flow);
}

/// The facts of an attempt; what the answer does not tell is null.
pub fn answer(attempt: &Attempt) -> Value {
    let mut facts = json!({ "attempted": true, "not_attempted_because": null });
    for name in ANSWER {
        facts[name] = Value::Null;
    }
    for list in ["error_codes", "policy_ids", "roles", "scopes", "capabilities"] {
        facts[list] = json!([]);
    }
    facts["flow"] = attempt.flow.into();
    match &attempt.outcome {
        Outcome::Token(token) => {
            facts["token"] = true.into();
            facts["proves_password"] = if attempt.flow == "password" { true.into() } else { Value::Null };
            set_claims(&mut facts, token);
        }
        Outcome::Refused(refusal) => {
            facts["token"] = false.into();
            set_refusal(&mut facts, refusal, attempt.flow);
        }
        Outcome::Busy { status } => {
            facts["error_text"] = format!("the sign-in service answers HTTP {status}").into();
        }
        Outcome::NoAnswer(failure) => facts["error_text"] = failure.to_string().into(),
        Outcome::Unreadable { text, .. } => facts["error_text"] = text.clone().into(),
    }
    facts
}

fn set_claims(facts: &mut Value, token: &Token) {
    let Some(claims) = &token.claims else { return };
    facts["audience"] = json!(claims.audience);
    facts["tenant_id"] = json!(claims.tenant_id);
    facts["identity_kind"] = json!(claims.identity_kind);
    facts["roles"] = json!(claims.roles);
    facts["scopes"] = json!(claims.scopes);
    facts["app_id"] = json!(claims.app_id);
    facts["capabilities"] = json!(claims.capabilities);
}

fn set_refusal(facts: &mut Value, refusal: &Refusal, flow: &str) {
    facts["error"] = json!(refusal.error);
    facts["suberror"] = json!(refusal.suberror);
    facts["error_code"] = json!(refusal.code);
    facts["error_codes"] = json!(refusal.codes);
    facts["error_text"] = json!(refusal.text);
    facts["policy_ids"] = json!(refusal.policy_ids);
    facts["trace_id"] = json!(refusal.trace_id);
    facts["correlation_id"] = json!(refusal.correlation_id);
    facts["proves_password"] = match flow {
        "password" => json!(refusal.proves_password()),
        _ => Value::Null,
    };
}

async fn policy_names(context: &Context) -> Reading {
    let mut found = Yield::new();
    let Some(ids) = context.fact("sign_in.policy_ids").cloned() else {
        let absence = context.before.absence("sign_in.policy_ids").cloned();
        return Err(absence.unwrap_or(Absence::new(Reason::NotAsked)).into());
    };
    if rows(&ids).next().is_none() {
        found.set("sign_in.policy_names", json!([]));
        return Ok(found);
    }
    let said = context.conditional_access().await?;
    found.set("sign_in.policy_names", names(&ids, &body(&said, "Policy.Read.All")?));
    found.exchanges.clone_from(&said.exchanges);
    Ok(found)
}

/// Names of the policies with these ids; one that is not listed is left out.
fn names(ids: &Value, policies: &Value) -> Value {
    let name = |id: &Value| {
        let id = id.as_str()?;
        let policy = rows(policies)
            .find(|policy| policy["id"].as_str().is_some_and(|of| of.eq_ignore_ascii_case(id)))?;
        Some(text(policy, "displayName"))
    };
    rows(ids).filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Exchange, catalogue};
    use crate::wire::sign_in::Claims;

    fn attempt(flow: &'static str, outcome: Outcome) -> Value {
        answer(&Attempt { exchange: Exchange::default(), outcome, flow })
    }

    #[test]
    fn a_token_brings_its_claims_and_not_itself() {
        let claims =
            Claims { audience: Some("aud".into()), roles: vec!["Mail.Read".into()], ..Claims::default() };
        let token = Token { claims: Some(claims), ..Token::new("tok-secret") };
        let facts = attempt("client-credentials", Outcome::Token(token));
        assert_eq!((&facts["token"], &facts["roles"]), (&json!(true), &json!(["Mail.Read"])));
        assert_eq!(facts["proves_password"], Value::Null);
        assert!(!facts.to_string().contains("tok-secret"));
    }

    #[test]
    fn a_policy_block_proves_the_password() {
        let refusal = Refusal { code: Some(53003), policy_ids: vec!["p".into()], ..Refusal::default() };
        let facts = attempt("password", Outcome::Refused(refusal));
        assert_eq!((&facts["token"], &facts["proves_password"]), (&json!(false), &json!(true)));
        assert_eq!((&facts["error_code"], &facts["policy_ids"]), (&json!(53003), &json!(["p"])));
    }

    #[test]
    fn no_answer_is_neither_a_token_nor_a_refusal() {
        let facts = attempt("password", Outcome::Busy { status: 503 });
        assert_eq!((&facts["token"], &facts["error_code"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn every_yielded_fact_is_written() {
        let facts = attempt("password", Outcome::Busy { status: 503 });
        for path in CALLS[0].yields {
            let name = path.strip_prefix("sign_in.").expect("a fact of the sign-in");
            assert!(facts.get(name).is_some(), "{path}");
            assert!(catalogue::is_known(path));
        }
    }

    #[test]
    fn policies_are_named_where_they_are_listed() {
        let policies = json!([{ "id": "P-1", "displayName": "Block" }]);
        assert_eq!(names(&json!(["p-1", "p-2"]), &policies), json!(["Block"]));
    }
}
