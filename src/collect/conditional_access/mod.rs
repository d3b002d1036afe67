//! Conditional Access, judged locally: does a policy reach this sign-in, and what does it ask for?
//!
//! Exclusion always wins; a condition that cannot be decided from outside makes a policy one that may
//! apply, never one that does not. Knows policies as Graph gives them, and nothing of how they came.

mod demand;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

use super::directory::texts;
pub use demand::{row, state};

/// Exchange Online: the resource of EWS, and the one by which Graph's mail permissions are judged.
pub const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";

/// How password, refresh-token and other native clients appear in policies.
const CLIENT: &str = "mobileAppsAndDesktopClients";

/// Conditions that are judged below; any other that is set cannot be decided.
const KNOWN: [&str; 13] = [
    "users",
    "applications",
    "clientAppTypes",
    "locations",
    "platforms",
    "devices",
    "signInRiskLevels",
    "userRiskLevels",
    "servicePrincipalRiskLevels",
    "insiderRiskLevels",
    "authenticationFlows",
    "clientApplications",
    "deviceStates",
];

/// Who signs in.
#[derive(Debug, Clone)]
pub enum Who {
    /// A user.
    User {
        /// Object id.
        id: String,
        /// Ids of its groups, nested ones too; `None`: not known.
        groups: Option<BTreeSet<String>>,
        /// Template ids of its active roles; `None`: not known.
        roles: Option<BTreeSet<String>>,
        /// It is a guest.
        guest: bool,
        /// It signs in with a refresh token, which may stem from any flow.
        refresh_token: bool,
    },
    /// An app that is registered in the tenant.
    App {
        /// Object id of its service principal.
        id: String,
    },
}

/// Whether a policy reaches the sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It does not.
    No,
    /// It would, but it excludes the account.
    Excluded,
    /// It does, unless one of these conditions says otherwise.
    Yes {
        /// Conditions that could not be decided.
        undecided: Vec<&'static str>,
    },
}

/// A yes, a no, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tri {
    No,
    Yes,
    Unknown,
}

impl Tri {
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            _ => Self::No,
        }
    }
}

impl From<bool> for Tri {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// Whether a policy reaches a sign-in to Exchange Online (also through Graph).
pub fn reach(policy: &Value, who: &Who) -> Reach {
    let conditions = policy.get("conditions").unwrap_or(&Value::Null);
    let mut undecided = Vec::new();
    let (included, excluded) = subject(conditions, who);
    match included {
        Tri::No => return Reach::No,
        Tri::Unknown => undecided.push("users"),
        Tri::Yes => {}
    }
    for condition in [resource(conditions), client(conditions, who), flow(conditions, who)] {
        match condition {
            (Tri::No, _) => return Reach::No,
            (Tri::Unknown, name) => undecided.push(name),
            (Tri::Yes, _) => {}
        }
    }
    match excluded {
        Tri::Yes => return Reach::Excluded,
        Tri::Unknown if !undecided.contains(&"users") => undecided.push("users"),
        _ => {}
    }
    undecided.extend(open_conditions(conditions));
    Reach::Yes { undecided }
}

/// Whether the policy includes the one who signs in, and whether it excludes it.
fn subject(conditions: &Value, who: &Who) -> (Tri, Tri) {
    let workload = conditions.get("clientApplications").unwrap_or(&Value::Null);
    let principals = texts(workload, "includeServicePrincipals");
    match who {
        Who::App { id } => {
            let holds =
                |list: &[String], all: &str| list.iter().any(|entry| same(entry, id) || same(entry, all));
            let included = holds(&principals, "ServicePrincipalsInMyTenant");
            let filter = is_set(workload.get("servicePrincipalFilter"));
            let excluded = holds(&texts(workload, "excludeServicePrincipals"), "ServicePrincipalsInMyTenant");
            let included = if !included && filter { Tri::Unknown } else { included.into() };
            (included, if !excluded && filter { Tri::Unknown } else { excluded.into() })
        }
        Who::User { .. } if !principals.is_empty() => (Tri::No, Tri::No),
        Who::User { id, groups, roles, guest, .. } => {
            let users = conditions.get("users").unwrap_or(&Value::Null);
            let side = |users_of: &str, groups_of: &str, roles_of: &str, guests_of: &str| {
                let listed = texts(users, users_of);
                let by_name = listed.iter().any(|entry| same(entry, "All") || same(entry, id));
                let guests = listed.iter().any(|entry| same(entry, "GuestsOrExternalUsers"));
                let guest_kinds = is_set(users.get(guests_of));
                let by_guest = match (*guest, guests, guest_kinds) {
                    (false, ..) | (true, false, false) => Tri::No,
                    (true, true, _) => Tri::Yes,
                    (true, false, true) => Tri::Unknown,
                };
                Tri::from(by_name)
                    .or(member(&texts(users, groups_of), groups.as_ref()))
                    .or(member(&texts(users, roles_of), roles.as_ref()))
                    .or(by_guest)
            };
            (
                side("includeUsers", "includeGroups", "includeRoles", "includeGuestsOrExternalUsers"),
                side("excludeUsers", "excludeGroups", "excludeRoles", "excludeGuestsOrExternalUsers"),
            )
        }
    }
}

fn member(listed: &[String], held: Option<&BTreeSet<String>>) -> Tri {
    match held {
        _ if listed.is_empty() => Tri::No,
        None => Tri::Unknown,
        Some(held) => listed.iter().any(|id| held.contains(&id.to_lowercase())).into(),
    }
}

/// Whether the policy covers Exchange Online.
fn resource(conditions: &Value) -> (Tri, &'static str) {
    let applications = conditions.get("applications").unwrap_or(&Value::Null);
    let covers = |list: &str| {
        texts(applications, list).iter().any(|entry| same(entry, EXCHANGE) || same(entry, "Office365"))
    };
    let all = texts(applications, "includeApplications").iter().any(|entry| same(entry, "All"));
    let filter = is_set(applications.get("applicationFilter"));
    let reached = match (all || covers("includeApplications"), covers("excludeApplications"), filter) {
        (_, true, _) => Tri::No,
        (_, false, true) => Tri::Unknown,
        (included, false, false) => included.into(),
    };
    (reached, "application filter")
}

/// Whether the policy covers clients without a browser.
fn client(conditions: &Value, who: &Who) -> (Tri, &'static str) {
    let kinds = texts(conditions, "clientAppTypes");
    let covered = kinds.is_empty() || kinds.iter().any(|kind| same(kind, "all") || same(kind, CLIENT));
    ((covered || matches!(who, Who::App { .. })).into(), "client app")
}

/// Whether the policy is about the way of signing in. A password is no device code; a refresh token
/// may stem from one.
fn flow(conditions: &Value, who: &Who) -> (Tri, &'static str) {
    let flows = conditions.get("authenticationFlows").unwrap_or(&Value::Null);
    let methods = texts(flows, "transferMethods").join(",");
    let bound = methods.split(',').map(str::trim).any(|method| !method.is_empty() && !same(method, "none"));
    let reached = match (bound, who) {
        (false, _) => Tri::Yes,
        (true, Who::User { refresh_token: true, .. }) => Tri::Unknown,
        (true, _) => Tri::No,
    };
    (reached, "authentication flow")
}

/// Conditions that depend on where and on what the product runs, on risk, or on what is new.
fn open_conditions(conditions: &Value) -> Vec<&'static str> {
    let mut open = Vec::new();
    if is_location_bound(conditions) {
        open.push("location");
    }
    let platforms = conditions.get("platforms").unwrap_or(&Value::Null);
    let any_platform = texts(platforms, "includePlatforms").iter().any(|entry| same(entry, "all"))
        && texts(platforms, "excludePlatforms").is_empty();
    if is_set(Some(platforms)) && !any_platform {
        open.push("device platform");
    }
    let others = [
        ("devices", "device filter"),
        ("deviceStates", "device state"),
        ("signInRiskLevels", "sign-in risk"),
        ("userRiskLevels", "user risk"),
        ("servicePrincipalRiskLevels", "app risk"),
        ("insiderRiskLevels", "insider risk"),
    ];
    open.extend(others.iter().filter(|(name, _)| is_set(conditions.get(*name))).map(|(_, word)| *word));
    let known = |name: &String| KNOWN.contains(&name.as_str()) || name.contains('@');
    let unknown =
        conditions.as_object().into_iter().flatten().any(|(name, value)| !known(name) && is_set(Some(value)));
    if unknown {
        open.push("a condition that this version does not know");
    }
    open
}

/// Whether a location decides.
fn is_location_bound(conditions: &Value) -> bool {
    let locations = conditions.get("locations").unwrap_or(&Value::Null);
    let included = texts(locations, "includeLocations");
    let everywhere = included.is_empty() || included.iter().any(|entry| same(entry, "All"));
    !everywhere || !texts(locations, "excludeLocations").is_empty()
}

/// Whether a condition holds anything.
fn is_set(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty() && !same(text, "none"),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(map)) => {
            map.iter().any(|(name, value)| !name.contains('@') && is_set(Some(value)))
        }
        Some(_) => true,
    }
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}
