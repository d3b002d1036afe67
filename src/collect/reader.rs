//! The reader: whether it signs in, what its tokens carry, and what the selected checks would need.

use serde_json::{Value, json};

use super::directory::{Reading, in_the_cloud, row};
use super::session::{NotSent, Resource, SignInResult};
use super::{Access, Call, Context, Grant, Yield};
use crate::facts::overlaps;
use crate::wire::sign_in::{Attempt, Claims, Outcome};

/// What reading Exchange Online takes: an app permission and a directory role.
pub const EXCHANGE: &str = "Exchange.ManageAsApp + Global Reader";

/// Directory roles by which Exchange lets an app read: Global Reader, then the wider ones.
const EXCHANGE_ROLES: [&str; 7] = [
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "5d6b6bb7-de71-4623-b4af-96380a352509",
    "194ae4cb-b126-40b2-bd5b-6091b380977d",
    "29232cdf-9323-42fd-ade2-1d097af3e4de",
    "31392ffb-586c-42d1-9346-e59415a2cc4e",
    "62e90394-69f5-4237-9190-012177145e10",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8",
];

/// Directory roles by which an app that may manage Exchange may also write there.
const WRITING_ROLES: [&str; 3] = [
    "29232cdf-9323-42fd-ade2-1d097af3e4de",
    "31392ffb-586c-42d1-9346-e59415a2cc4e",
    "62e90394-69f5-4237-9190-012177145e10",
];

pub(super) const CALLS: &[Call] = &[row!(
    "reader.token", Tenant, Access::Anonymous, in_the_cloud, after [], token,
    yields ["reader"],
)];

async fn token(context: &Context) -> Reading {
    let mut found = Yield::new();
    let Some(reader) = &context.target.reader else {
        without_reader(context, &mut found);
        return Ok(found);
    };
    found
        .set("reader.configured", true)
        .set("reader.kind", reader.sign_in.kind())
        .set("reader.client_id", json!(reader.client_id));
    let graph = context.reader_attempt(Resource::Graph).await;
    let mut claims = Vec::new();
    take(graph.as_deref(), &mut claims, &mut found);
    let mut telling = graph.clone();
    if wants_exchange(context) {
        let exchange = context.reader_attempt(Resource::Exchange).await;
        take(exchange.as_deref(), &mut claims, &mut found);
        if matches!(graph.as_deref(), Some(Err(NotSent::RefusedBefore))) {
            // The other service was asked first and refused; its answer says why.
            telling = exchange;
        }
    }
    set_refusal(telling.as_deref(), &mut found);
    set_claims(context, &claims, signed_in(graph.as_deref()), &mut found);
    Ok(found)
}

fn without_reader(context: &Context, found: &mut Yield) {
    found.set("reader.configured", false).set("reader.signed_in", false);
    for path in ["kind", "client_id", "error_code", "error", "error_text"] {
        found.set(&format!("reader.{path}"), Value::Null);
    }
    let nothing = Carried { known: true, ..Carried::default() };
    set_carried(context, &nothing, found);
}

/// Keeps the evidence of a sign-in and the claims of its token.
fn take(attempt: Option<&SignInResult>, claims: &mut Vec<Option<Claims>>, found: &mut Yield) {
    if let Some(Ok(attempt)) = attempt {
        found.exchange(attempt.exchange.clone());
        if let Outcome::Token(token) = &attempt.outcome {
            claims.push(token.claims.clone());
        }
    }
}

fn signed_in(attempt: Option<&SignInResult>) -> bool {
    matches!(attempt, Some(Ok(Attempt { outcome: Outcome::Token(_), .. })))
}

fn set_refusal(attempt: Option<&SignInResult>, found: &mut Yield) {
    let (code, error, text) = match attempt {
        Some(Ok(attempt)) => match &attempt.outcome {
            Outcome::Token(_) => (None, None, None),
            Outcome::Refused(refusal) => (refusal.code, refusal.error.clone(), refusal.text.clone()),
            Outcome::Busy { status } => {
                (None, None, Some(format!("the sign-in service answers HTTP {status}")))
            }
            Outcome::NoAnswer(failure) => (None, None, Some(failure.to_string())),
            Outcome::Unreadable { text, .. } => (None, None, Some(text.clone())),
        },
        Some(Err(NotSent::RefusedBefore)) => {
            (None, None, Some("its credential was refused before and is not sent again".into()))
        }
        Some(Err(_)) => (None, None, Some("its way of signing in lacks a detail".into())),
        None => (None, None, Some("signing in broke in this tool".into())),
    };
    found.set("reader.error_code", code.map_or(Value::Null, Value::from));
    found.set("reader.error", error.map_or(Value::Null, Value::from));
    found.set("reader.error_text", text.map_or(Value::Null, Value::from));
    found.set("reader.signed_in", signed_in(attempt));
}

/// What the reader's tokens carry.
#[derive(Debug, Clone, Default)]
struct Carried {
    /// All tokens could be read.
    known: bool,
    permissions: Vec<String>,
    roles: Vec<String>,
}

fn set_claims(context: &Context, claims: &[Option<Claims>], signed_in: bool, found: &mut Yield) {
    let mut carried =
        Carried { known: !signed_in || claims.iter().all(Option::is_some), ..Carried::default() };
    for claims in claims.iter().flatten() {
        for permission in claims.roles.iter().chain(&claims.scopes) {
            if !carried.permissions.contains(permission) {
                carried.permissions.push(permission.clone());
            }
        }
        for role in &claims.directory_roles {
            if !carried.roles.contains(role) {
                carried.roles.push(role.clone());
            }
        }
    }
    carried.permissions.sort();
    set_carried(context, &carried, found);
}

fn set_carried(context: &Context, carried: &Carried, found: &mut Yield) {
    let or_null = |list: &[String]| if carried.known { json!(list) } else { Value::Null };
    let writing: Vec<_> =
        carried.permissions.iter().filter(|name| writes(name, &carried.roles)).cloned().collect();
    found.set("reader.permissions", or_null(&carried.permissions));
    found.set("reader.directory_roles", or_null(&carried.roles));
    found.set("reader.write_permissions", or_null(&writing));
    found.set("reader.needs", needs(context, carried));
}

/// Whether a permission lets its holder change something.
fn writes(permission: &str, roles: &[String]) -> bool {
    let may_write = roles.iter().any(|role| WRITING_ROLES.contains(&role.as_str()));
    match permission {
        "Exchange.ManageAsApp" | "Exchange.Manage" => may_write,
        "full_access_as_app" | "EWS.AccessAsUser.All" => true,
        _ => permission.contains("Write") || permission.split('.').any(|part| part.starts_with("Send")),
    }
}

fn wants_exchange(context: &Context) -> bool {
    wanted(context).any(|(grant, _)| grant.permission == EXCHANGE)
}

/// The calls of the reader behind the selected checks, with the wanted paths that each yields.
fn wanted(context: &Context) -> impl Iterator<Item = (Grant, Vec<&String>)> {
    super::calls()
        .chain(context.session.extra.calls())
        .filter(|call| (call.applies)(&context.target))
        .filter_map(|call| {
            let Access::Reader(grant) = call.access else { return None };
            let paths: Vec<_> = context
                .session
                .needed
                .iter()
                .filter(|path| {
                    !path.contains("[]") && call.yields.iter().any(|yielded| overlaps(yielded, path))
                })
                .collect();
            (!paths.is_empty()).then_some((grant, paths))
        })
}

/// Permissions that no app can hold for the paths they open: nobody is told to grant them to one.
///
/// Source: Microsoft Graph's map of paths to permissions, which lists them as delegated only.
pub const DELEGATED_ONLY: &[&str] = &["OnPremDirectorySynchronization.Read.All"];

/// Permissions that are worth having and not worth asking for: that one is missing is told where it would
/// help, and not among the reader's needs.
pub const OPTIONAL: &[&str] = &["ServiceHealth.Read.All"];

fn needs(context: &Context, carried: &Carried) -> Value {
    let app = context.target.reader.as_ref().is_some_and(|reader| reader.sign_in.is_app());
    let mut rows: Vec<(Grant, Vec<String>)> = Vec::new();
    for (grant, paths) in wanted(context) {
        if app && DELEGATED_ONLY.contains(&grant.permission) {
            continue;
        }
        if OPTIONAL.contains(&grant.permission) && !grants(carried, grant) {
            continue;
        }
        let paths = paths.into_iter().cloned();
        match rows.iter_mut().find(|(known, _)| known.permission == grant.permission) {
            Some((_, known)) => known.extend(paths),
            None => rows.push((grant, paths.collect())),
        }
    }
    let rows = rows.into_iter().map(|(grant, mut facts)| {
        facts.sort();
        facts.dedup();
        let granted = if carried.known { Value::Bool(grants(carried, grant)) } else { Value::Null };
        json!({ "permission": grant.permission, "granted": granted, "facts": facts })
    });
    rows.collect()
}

/// Whether the tokens carry a permission, or one that includes it.
fn grants(carried: &Carried, grant: Grant) -> bool {
    let holds = |name: &str| carried.permissions.iter().any(|held| held == name);
    if grant.permission == EXCHANGE {
        let manages = ["Exchange.ManageAsApp", "Exchange.Manage"].into_iter().any(holds);
        return manages && carried.roles.iter().any(|role| EXCHANGE_ROLES.contains(&role.as_str()));
    }
    let reads = |name: &str| holds(name) || holds(&name.replacen(".Read.", ".ReadWrite.", 1));
    reads(grant.permission) || grant.or.iter().any(|name| reads(name))
}

/// What the tokens of a reader carry, as the facts say it.
#[derive(Debug, Clone, Default)]
pub struct Holding(Carried);

impl Holding {
    /// Permissions by name, directory roles by template id.
    pub fn new(permissions: Vec<String>, roles: Vec<String>) -> Self {
        Self(Carried { known: true, permissions, roles })
    }

    /// Whether it suffices for a grant.
    pub fn covers(&self, grant: Grant) -> bool {
        grants(&self.0, grant)
    }

    /// Whether a permission lets its holder change something.
    pub fn may_write(&self, permission: &str) -> bool {
        writes(permission, &self.0.roles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(permissions: &[&str], roles: &[&str]) -> Carried {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Carried { known: true, permissions: owned(permissions), roles: owned(roles) }
    }

    #[test]
    fn a_wider_permission_grants_the_narrower_one() {
        let grant = Grant { permission: "User.Read.All", or: &["Directory.Read.All"] };
        assert!(grants(&carried(&["Directory.Read.All"], &[]), grant));
        assert!(grants(&carried(&["User.ReadWrite.All"], &[]), grant));
        assert!(!grants(&carried(&["User.ReadBasic.All"], &[]), grant));
    }

    #[test]
    fn exchange_takes_the_permission_and_a_role() {
        let grant = Grant { permission: EXCHANGE, or: &[] };
        assert!(grants(&carried(&["Exchange.ManageAsApp"], &[EXCHANGE_ROLES[0]]), grant));
        assert!(!grants(&carried(&["Exchange.ManageAsApp"], &[]), grant));
        assert!(!grants(&carried(&[], &[EXCHANGE_ROLES[0]]), grant));
    }

    #[test]
    fn writing_is_told_from_the_name_or_the_role() {
        assert!(writes("Mail.ReadWrite", &[]));
        assert!(writes("Mail.Send", &[]));
        assert!(writes("full_access_as_app", &[]));
        assert!(!writes("Policy.Read.All", &[]));
        assert!(!writes("Exchange.ManageAsApp", &[EXCHANGE_ROLES[0].to_owned()]));
        assert!(writes("Exchange.ManageAsApp", &[WRITING_ROLES[0].to_owned()]));
    }
}
