//! What may ask for a second factor: per-user state, Conditional Access, registered methods.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::conditional_access::{self as access, EXCHANGE, Reach, Who};
use super::directory::{
    Entry, Reading, Stop, absence, body, flag, found, in_the_cloud, object, reads, row, rows, text, texts,
};
use super::{Call, Context, SubjectKind, World, Yield};
use crate::facts::Absence;
use crate::wire::answer::{Answer, Said};
use crate::wire::graph::encode;

/// Most accounts of a run for which Microsoft's own evaluation is asked: its rate is one request a
/// second for the whole tenant.
const EVALUATED: usize = 3;

/// Reasons by which Microsoft's evaluation rules a policy out whatever the other conditions are.
const RULED_OUT: [&str; 4] = ["users", "workloadIdentities", "application", "clientApps"];

const POLICIES: &str = "Policy.Read.All";
const METHODS: &str = "UserAuthenticationMethod.Read.All";

pub(super) const CALLS: &[Call] = &[
    row!("graph.per-user-mfa", Account, reads(POLICIES, &[]), in_the_cloud, after [], per_user,
        yields ["mfa.per_user_state"]),
    row!("graph.policies-for-account", Account, reads(POLICIES, &[]), in_the_cloud, after [], policies,
        yields ["mfa.policies", "mfa.excluded_by"]),
    row!("graph.methods", Account, reads(METHODS, &["UserAuthenticationMethod.ReadWrite.All"]), in_the_cloud,
        after [], methods, yields ["mfa.methods"]),
    row!("graph.registration", Account, reads("AuditLog.Read.All", &[]), in_the_cloud, after [], registration,
        yields ["mfa.registered", "mfa.registration_methods"]),
];

impl Context {
    /// The tenant's Conditional Access policies, read once in the run.
    ///
    /// # Errors
    ///
    /// When there is no reader, or it got no token.
    pub async fn conditional_access(&self) -> Result<Arc<Said>, Absence> {
        self.shared_list("/v1.0/identity/conditionalAccess/policies", &[]).await
    }

    /// Whether the product signs in as an app.
    pub fn signs_in_as_app(&self) -> bool {
        let by_kind =
            matches!(self.target.subject.kind, SubjectKind::ClientSecret | SubjectKind::ClientCertificate);
        self.target.world.map_or(by_kind, World::is_app)
    }
}

async fn per_user(context: &Context) -> Reading {
    let said = context.of_user("beta", "authentication/requirements", &[], false).await?;
    let state = object(&said, POLICIES, "perUserMfaState")?.unwrap_or_default();
    let mut found = Yield::new();
    found.set("mfa.per_user_state", text(&state, "perUserMfaState"));
    found.exchanges = said.exchanges;
    Ok(found)
}

async fn methods(context: &Context) -> Reading {
    let said = context.of_user("v1.0", "authentication/methods", &[], true).await?;
    let list = found(&said, METHODS)?.unwrap_or_default();
    let mut found = Yield::new();
    found.set("mfa.methods", method_words(&list));
    found.exchanges = said.exchanges;
    Ok(found)
}

/// The kinds of the methods besides the password, for example `phone` or `microsoftAuthenticator`.
pub fn method_words(list: &Value) -> Value {
    let words = rows(list).filter_map(|method| {
        let kind = method["@odata.type"].as_str()?.strip_prefix("#microsoft.graph.")?;
        Some(kind.strip_suffix("AuthenticationMethod").unwrap_or(kind))
    });
    let words: BTreeSet<_> = words.filter(|word| *word != "password").collect();
    json!(words)
}

async fn registration(context: &Context) -> Reading {
    let mut yielded = Yield::new();
    let details = match context.user_id().await? {
        None => Value::Null,
        Some(id) => {
            let path = format!("/v1.0/reports/authenticationMethods/userRegistrationDetails/{}", encode(&id));
            let said = context.graph().await?.get(&path, &[]).await;
            let details = object(&said, "AuditLog.Read.All", "isMfaRegistered")?.unwrap_or_default();
            yielded.exchanges = said.exchanges;
            details
        }
    };
    let methods = if details.is_null() { Value::Null } else { json!(texts(&details, "methodsRegistered")) };
    yielded.set("mfa.registered", flag(&details, "isMfaRegistered")).set("mfa.registration_methods", methods);
    Ok(yielded)
}

async fn policies(context: &Context) -> Reading {
    let (who, read) = tokio::join!(who(context), context.conditional_access());
    let (said, mut yielded) = (read?, Yield::new());
    yielded.exchanges.clone_from(&said.exchanges);
    let Some(who) = who? else {
        // Nobody signs in whom a policy could reach.
        yielded.set("mfa.policies", json!([])).set("mfa.excluded_by", json!([]));
        return Ok(yielded);
    };
    let evaluated = match &who {
        Who::User { id, .. } if context.session.accounts <= EVALUATED => Some(evaluate(context, id).await?),
        _ => None,
    };
    yielded.exchanges.extend(evaluated.iter().flat_map(|said| said.exchanges.iter().cloned()));
    let verdicts = evaluated.as_ref().and_then(|said| verdicts(&said.answer));
    match (body(&said, POLICIES), verdicts) {
        (Ok(list), verdicts) => {
            let judged = judge(&list, &who, verdicts.as_ref());
            yielded.set("mfa.policies", judged.policies).set("mfa.excluded_by", judged.excluded_by);
        }
        (Err(_), Some(verdicts)) => {
            yielded.set("mfa.policies", evaluated_only(&verdicts, &who));
            yielded.absent("mfa.excluded_by", absence(&said.answer, POLICIES));
        }
        (Err(stop), None) => return Err(Stop { exchanges: yielded.exchanges, ..stop }),
    }
    Ok(yielded)
}

/// Who signs in; `None`: no such account, or an app that no policy can reach.
async fn who(context: &Context) -> Result<Option<Who>, Absence> {
    if context.signs_in_as_app() {
        return context.app_for_policies().await.map(|id| id.map(|id| Who::App { id }));
    }
    let (lookup, memberships) = tokio::join!(context.user(), context.memberships());
    let user = match &lookup.entry {
        Ok(Entry::User(user)) => user,
        Ok(_) => return Ok(None),
        Err(absence) => return Err(absence.clone()),
    };
    let memberships = match &memberships?.answer {
        Answer::Found(list) => Some(list.clone()),
        _ => None,
    };
    let word = |name: &str| user.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
    Ok(Some(Who::User {
        id: word("id"),
        groups: memberships.as_ref().map(|list| ids(list, "#microsoft.graph.group", "id")),
        roles: memberships.as_ref().map(|list| ids(list, "#microsoft.graph.directoryRole", "roleTemplateId")),
        guest: word("userType") == "guest" || word("userPrincipalName").contains("#ext#"),
        refresh_token: context.target.subject.kind == SubjectKind::RefreshToken,
    }))
}

fn ids(list: &Value, kind: &str, name: &str) -> BTreeSet<String> {
    let rows = rows(list).filter(|row| row["@odata.type"] == kind);
    rows.filter_map(|row| row[name].as_str().map(str::to_lowercase)).collect()
}

/// Asks Microsoft's own evaluation. What is not known is not stated.
async fn evaluate(context: &Context, user_id: &str) -> Result<Said, Absence> {
    let question = json!({
        "signInIdentity": { "@odata.type": "#microsoft.graph.userSignIn", "userId": user_id },
        "signInContext": { "@odata.type": "#microsoft.graph.applicationContext", "includeApplications": [EXCHANGE] },
        "signInConditions": { "clientAppType": "mobileAppsAndDesktopClients" },
        "appliedPoliciesOnly": false,
    });
    Ok(context.graph().await?.evaluate(question).await)
}

/// The rows of Microsoft's evaluation; `None`: it did not answer.
fn verdicts(answer: &Answer) -> Option<Vec<Value>> {
    let Answer::Found(body) = answer else { return None };
    Some(rows(body.get("value")?).cloned().collect())
}

/// Policies that reach the sign-in, and those that leave it out.
#[derive(Debug, PartialEq)]
pub struct Judged {
    /// Rows of `mfa.policies`.
    pub policies: Value,
    /// Names for `mfa.excluded_by`.
    pub excluded_by: Value,
}

/// Judges the policies locally, corrected by Microsoft's evaluation where there is one.
pub fn judge(list: &Value, who: &Who, verdicts: Option<&Vec<Value>>) -> Judged {
    let (mut policies, mut excluded_by) = (Vec::new(), Vec::new());
    for policy in rows(list).filter(|policy| access::state(policy) != "disabled") {
        let verdict = verdicts.and_then(|all| all.iter().find(|row| row["id"] == policy["id"]));
        match (access::reach(policy, who), verdict.map(Verdict::of)) {
            (Reach::Yes { .. }, Some(Verdict::RuledOut)) => {}
            (Reach::Yes { .. }, Some(Verdict::Applies)) => {
                policies.push(access::row(policy, &[], "evaluated"));
            }
            (Reach::Yes { undecided }, _) => policies.push(access::row(policy, &undecided, "local")),
            (Reach::No, Some(Verdict::Applies)) => policies.push(access::row(policy, &[], "evaluated")),
            (Reach::Excluded, _) if access::state(policy) == "enabled" => {
                excluded_by.push(text(policy, "displayName"));
            }
            (Reach::No | Reach::Excluded, _) => {}
        }
    }
    Judged { policies: policies.into(), excluded_by: excluded_by.into() }
}

/// The policies of an evaluation alone, where the list itself may not be read.
fn evaluated_only(verdicts: &[Value], who: &Who) -> Value {
    let live = verdicts.iter().filter(|policy| access::state(policy) != "disabled");
    let rows = live.filter_map(|policy| match (Verdict::of(policy), access::reach(policy, who)) {
        (Verdict::Applies, _) => Some(access::row(policy, &[], "evaluated")),
        (Verdict::Open, Reach::Yes { undecided }) => Some(access::row(policy, &undecided, "local")),
        _ => None,
    });
    rows.collect()
}

/// What Microsoft's evaluation says of one policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Applies,
    RuledOut,
    Open,
}

impl Verdict {
    fn of(row: &Value) -> Self {
        let reasons = row["analysisReasons"].as_str().unwrap_or_default();
        let mut reasons = reasons.split(',').map(str::trim);
        if row["policyApplies"] == true {
            Self::Applies
        } else if reasons.any(|reason| RULED_OUT.contains(&reason)) {
            Self::RuledOut
        } else {
            Self::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> Who {
        let none = Some(BTreeSet::new());
        Who::User { id: "u-1".into(), groups: none.clone(), roles: none, guest: false, refresh_token: false }
    }

    fn policy(id: &str, state: &str, users: &Value) -> Value {
        json!({ "id": id, "displayName": id, "state": state,
            "conditions": { "users": users, "applications": { "includeApplications": ["All"] },
                "locations": { "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] } },
            "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } })
    }

    #[test]
    fn disabled_policies_are_left_out_and_excluding_ones_are_named() {
        let everybody = json!({ "includeUsers": ["All"] });
        let but = json!({ "includeUsers": ["All"], "excludeUsers": ["u-1"] });
        let list = json!([
            policy("off", "disabled", &everybody),
            policy("report", "enabledForReportingButNotEnforced", &everybody),
            policy("but", "enabled", &but),
            policy("report-but", "enabledForReportingButNotEnforced", &but),
        ]);
        let judged = judge(&list, &user(), None);
        let names: Vec<_> = rows(&judged.policies).map(|row| row["id"].clone()).collect();
        assert_eq!((names, judged.excluded_by), (vec![json!("report")], json!(["but"])));
    }

    #[test]
    fn the_evaluation_settles_what_is_open_here() {
        let list = json!([policy("p", "enabled", &json!({ "includeUsers": ["All"] }))]);
        let judged = |verdict: Value| judge(&list, &user(), Some(&vec![verdict])).policies;
        let applies = judged(json!({ "id": "p", "policyApplies": true, "analysisReasons": "notSet" }));
        assert_eq!((&applies[0]["certain"], &applies[0]["source"]), (&json!(true), &json!("evaluated")));
        assert_eq!(
            judged(json!({ "id": "p", "policyApplies": false, "analysisReasons": "users" })),
            json!([])
        );
        let open =
            judged(json!({ "id": "p", "policyApplies": false, "analysisReasons": "notEnoughInformation" }));
        assert_eq!((&open[0]["certain"], &open[0]["source"]), (&json!(false), &json!("local")));
    }

    #[test]
    fn the_password_is_no_second_factor() {
        let list = json!([
            { "@odata.type": "#microsoft.graph.passwordAuthenticationMethod" },
            { "@odata.type": "#microsoft.graph.phoneAuthenticationMethod" },
            { "@odata.type": "#microsoft.graph.fido2AuthenticationMethod" },
        ]);
        assert_eq!(method_words(&list), json!(["fido2", "phone"]));
    }
}
