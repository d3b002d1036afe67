//! What the directory says of a mailbox: does it lie in what the identity was granted? Worked out once for
//! the whole list from the facts of a check; the members of the groups that limit the right are kept as
//! eight bytes each.

use std::collections::HashSet;

use futures_util::StreamExt as _;
use serde_json::Value;

use super::directory::{Members, list_id, members};
use super::{Declared, Key};
use crate::collect::{Context, Target, World};
use crate::facts::{Absence, Section};

/// Fact paths that [`Rule::of`] reads.
pub const NEEDED: &[&str] = &[
    "consent.application",
    "scope.access_policies",
    "scope.access_policy_tests",
    "scope.folder_permissions",
    "scope.mailbox_permissions",
    "scope.role_assignments",
    "rbac.assignments",
    "rbac.reach",
    "rbac.scopes",
];

/// Levels of a folder's permissions with which its items are read, as cmdlets name them.
const READING: [&str; 8] = [
    "Owner",
    "PublishingEditor",
    "Editor",
    "PublishingAuthor",
    "Author",
    "NonEditingAuthor",
    "Reviewer",
    "ReadItems",
];

/// A set of mailboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Set {
    Everybody,
    These(HashSet<Key>),
    /// Nobody could tell who is in it.
    Unknown,
}

impl Set {
    fn holds(&self, key: Key) -> Option<bool> {
        match self {
            Self::Everybody => Some(true),
            Self::These(keys) => Some(keys.contains(&key)),
            Self::Unknown => None,
        }
    }
}

/// The mailboxes that a role reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reach {
    set: Set,
    /// What Exchange said of single ones, by key.
    told: Vec<(Key, bool)>,
}

impl Reach {
    fn holds(&self, key: Key) -> Option<bool> {
        said(&self.told, key).or_else(|| self.set.holds(key))
    }
}

/// What was said of one mailbox, in a list by key.
fn said(told: &[(Key, bool)], key: Key) -> Option<bool> {
    told.binary_search_by_key(&key, |(told, _)| *told).ok().map(|at| told[at].1)
}

/// A list by key; of two words on the same mailbox the better one counts.
fn sorted(mut told: Vec<(Key, bool)>) -> Vec<(Key, bool)> {
    told.sort_unstable_by_key(|(key, inside)| (*key, !inside));
    told.dedup_by_key(|(key, _)| *key);
    told
}

/// How to tell whether a mailbox lies inside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// A consent reaches everybody, unless access policies limit it: to these, and never to those.
    consent: Option<Consent>,
    /// Roles reach their scopes, whatever the policies say.
    roles: Vec<Reach>,
    /// It could not be told whether there is a consent or a role.
    in_the_dark: bool,
    /// Mailboxes that somebody was asked about one by one, whatever else is known.
    told: Vec<(Key, bool)>,
    /// What limits the right, in words.
    notes: Vec<String>,
    /// The groups that limit it.
    groups: Vec<(String, Members)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Consent {
    only: Vec<Set>,
    never: Vec<Set>,
    /// What Exchange said of single ones, by key.
    told: Vec<(Key, bool)>,
}

impl Rule {
    /// Works the rule out from the facts of the account, its app and its tenant.
    pub async fn of(context: &Context, facts: &Section) -> Self {
        let mut rule = Self::default();
        match context.target.world {
            Some(World::ExchangeServer) => rule.take_import(facts),
            Some(World::OnlineEwsApp | World::OnlineGraphApp) => rule.take_app(context, facts).await,
            Some(World::OnlineDelegated) => rule.take_permissions(&context.target, facts),
            None => rule.in_the_dark = true,
        }
        rule
    }

    /// What it says of a mailbox.
    pub fn says(&self, key: Key) -> Declared {
        if let Some(inside) = said(&self.told, key) {
            return if inside { Declared::Inside } else { Declared::Outside };
        }
        let ways = self.consent.iter().map(|consent| consent.reaches(key));
        let ways: Vec<Option<bool>> = ways.chain(self.roles.iter().map(|role| role.holds(key))).collect();
        if ways.contains(&Some(true)) {
            Declared::Inside
        } else if self.in_the_dark || ways.contains(&None) {
            Declared::Unknown
        } else {
            Declared::Outside
        }
    }

    /// What limits the right, in words.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The groups that the right is limited to; empty: it is not limited, or not by groups alone.
    pub fn groups(&self) -> &[(String, Members)] {
        &self.groups
    }

    /// Everybody lies inside.
    pub fn is_everybody(&self) -> bool {
        let consented =
            self.consent.as_ref().is_some_and(|consent| consent.only.is_empty() && consent.never.is_empty());
        consented || self.roles.iter().any(|role| role.set == Set::Everybody)
    }

    async fn take_app(&mut self, context: &Context, facts: &Section) {
        let wanted = &context.target.application_permissions;
        match facts.get("consent.application").and_then(Value::as_array) {
            Some(granted) => {
                let fits = |row: &Value| {
                    wanted
                        .iter()
                        .any(|(resource, name)| row["resource"] == **resource && row["permission"] == **name)
                };
                if granted.iter().any(fits) {
                    self.take_policies(context, facts).await;
                }
            }
            None => self.dark("the app's consents", facts.absence("consent.application")),
        }
        self.take_roles(context, facts).await;
    }

    async fn take_policies(&mut self, context: &Context, facts: &Section) {
        let Some(policies) = facts.get("scope.access_policies").and_then(Value::as_array) else {
            return self.dark("the access policies", facts.absence("scope.access_policies"));
        };
        let mut consent = Consent::default();
        for policy in policies {
            let group = policy["group"].as_str().unwrap_or_default();
            let set = self.resolve(context, group, Members::Transitive).await;
            match policy["right"].as_str() {
                Some(right) if right.eq_ignore_ascii_case("DenyAccess") => {
                    self.notes.push(format!("an access policy denies the members of {group}"));
                    consent.never.push(set);
                }
                Some(right) if right.eq_ignore_ascii_case("RestrictAccess") => {
                    self.notes.push(format!("an access policy allows only the members of {group}"));
                    self.groups.push((group.to_owned(), Members::Transitive));
                    consent.only.push(set);
                }
                _ => consent.only.push(Set::Unknown),
            }
        }
        if policies.is_empty() {
            self.notes.push("consented for the whole organization, and no access policy limits it".into());
        }
        let tests = facts.get("scope.access_policy_tests").and_then(Value::as_array).into_iter().flatten();
        let tests = tests.filter_map(|test| {
            let inside = match test["result"].as_str()? {
                "granted" => true,
                "denied" => false,
                _ => return None,
            };
            Some((Key::of(test["target"].as_str()?), inside))
        });
        consent.told = sorted(tests.collect());
        self.consent = Some(consent);
    }

    async fn take_roles(&mut self, context: &Context, facts: &Section) {
        let Some(rows) = facts.get("scope.role_assignments").and_then(Value::as_array) else {
            return self.dark("the app's roles", facts.absence("scope.role_assignments"));
        };
        let wanted = &context.target.application_permissions;
        let mut seen: Vec<&str> = Vec::new();
        for row in rows {
            let scope = row["scope"].as_str().unwrap_or_default();
            let role = row["role"].as_str().unwrap_or_default();
            let fits = |name: &str| {
                let granted = row["permissions"].as_array().into_iter().flatten().filter_map(Value::as_str);
                role == format!("Application {name}") || granted.into_iter().any(|granted| granted == name)
            };
            let useful = wanted
                .iter()
                .any(|(_, name)| fits(name) || (name == "full_access_as_app" && fits("EWS.AccessAsApp")));
            if !useful || seen.contains(&scope) {
                continue;
            }
            seen.push(scope);
            let tests = rows.iter().filter(|test| test["scope"] == scope && test["role"] == role);
            let told = tests
                .filter_map(|test| Some((Key::of(test["target"].as_str()?), test["in_scope"].as_bool()?)));
            let told = sorted(told.collect());
            let members = match row["scope_kind"].as_str() {
                Some("Organization") => {
                    self.notes.push(format!("the role {role} reaches the whole organization"));
                    self.roles.push(Reach { set: Set::Everybody, told });
                    continue;
                }
                Some("AdministrativeUnit") => Some(Members::Unit),
                Some(_) => Some(Members::Direct),
                None => None,
            };
            self.notes.push(format!("the role {role} reaches the scope {scope}"));
            let set = match members {
                Some(which) => self.scope_of(context, scope, which, &told).await,
                None => Set::Unknown,
            };
            self.roles.push(Reach { set, told });
        }
    }

    /// Who lies in the scope of a role. It may be a filter that has the name of a group, so that the members
    /// count only where they agree with what Exchange said of single mailboxes.
    async fn scope_of(
        &mut self,
        context: &Context,
        scope: &str,
        which: Members,
        told: &[(Key, bool)],
    ) -> Set {
        let set = self.resolve(context, scope, which).await;
        if told.iter().any(|(key, inside)| set.holds(*key).is_some_and(|holds| holds != *inside)) {
            self.notes.push(format!(
                "the scope {scope} is not the group of that name, or has not caught up with it yet"
            ));
            return Set::Unknown;
        }
        self.groups.push((scope.to_owned(), which));
        set
    }

    /// What permissions on mailboxes tell: only those of the account itself and of configured mailboxes are
    /// read, and a group may give more, so that none of them leaves anybody out.
    fn take_permissions(&mut self, target: &Target, facts: &Section) {
        self.in_the_dark = true;
        let list = |path: &str| facts.get(path).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut told = vec![(Key::of(&target.account), true)];
        let holds = |row: &Value, right: &str| {
            row["rights"].as_array().is_some_and(|rights| rights.iter().any(|own| own == right))
        };
        for row in list("scope.mailbox_permissions").iter().filter(|row| holds(row, "FullAccess")) {
            told.extend(row["target"].as_str().map(|target| (Key::of(target), true)));
        }
        let folders = list("scope.folder_permissions");
        let reads = |row: &&Value| READING.iter().any(|level| holds(row, level));
        for row in folders.iter().filter(reads) {
            let Some(mailbox) = row["target"].as_str() else { continue };
            let all = folders.iter().filter(|other| other["target"] == mailbox).all(|other| reads(&other));
            told.extend(all.then(|| (Key::of(mailbox), true)));
        }
        self.told = sorted(told);
        self.notes.push(
            "permissions on single mailboxes are read for the configured ones only; of others, opening them tells"
                .into(),
        );
    }

    /// The members of a group, as far as they can be read.
    async fn resolve(&mut self, context: &Context, group: &str, which: Members) -> Set {
        match keys_of(context, group, which).await {
            Ok(Some(keys)) => Set::These(keys),
            Ok(None) => {
                self.notes.push(format!(
                    "who belongs to {group} could not be told: no group of that name, or a filter"
                ));
                Set::Unknown
            }
            Err(absence) => {
                let why = absence.text.unwrap_or_else(|| absence.reason.as_str().to_owned());
                self.notes.push(format!("who belongs to {group} could not be read: {why}"));
                Set::Unknown
            }
        }
    }

    fn take_import(&mut self, facts: &Section) {
        let Some(assignments) = facts.get("rbac.assignments").and_then(Value::as_array) else {
            return self.dark("the impersonation role", facts.absence("rbac.assignments"));
        };
        let counts =
            |row: &&Value| row["effective"] == true && row["enabled"] == true && row["kind"] != "delegating";
        let everywhere = |row: &Value| row["write_scope"] == "Organization" && row["scope"].is_null();
        let useful: Vec<&Value> = assignments.iter().filter(counts).collect();
        let list = |path: &str| facts.get(path).and_then(Value::as_array).cloned().unwrap_or_default();
        let exclusive =
            list("rbac.scopes").iter().any(|scope| scope["exclusive"] == true && scope["own"] != true);
        for row in list("rbac.reach") {
            let guarded = row["guarded_by"].as_array().is_some_and(|by| !by.is_empty());
            if let (Some(target), Some(covered)) = (row["target"].as_str(), row["covered"].as_bool()) {
                self.told.push((Key::of(target), covered && !guarded));
            }
        }
        self.told = sorted(std::mem::take(&mut self.told));
        for row in useful {
            let name = row["name"].as_str().unwrap_or_default();
            let set = if everywhere(row) && !exclusive { Set::Everybody } else { Set::Unknown };
            let scope = row["scope"].as_str().or(row["write_scope"].as_str()).unwrap_or("unknown");
            self.notes.push(format!("the assignment {name} reaches the write scope {scope}"));
            self.roles.push(Reach { set, told: Vec::new() });
        }
    }

    fn dark(&mut self, what: &str, absence: Option<&Absence>) {
        self.in_the_dark = true;
        let why = absence.map(|absence| match (&absence.text, &absence.permission) {
            (_, Some(permission)) => format!(": it takes {permission}"),
            (Some(text), None) => format!(": {text}"),
            (None, None) => format!(": {}", absence.reason.as_str()),
        });
        self.notes.push(format!("{what} could not be read{}", why.unwrap_or_default()));
    }
}

impl Consent {
    fn reaches(&self, key: Key) -> Option<bool> {
        if let Some(inside) = said(&self.told, key) {
            return Some(inside);
        }
        let any = |sets: &[Set]| {
            let held: Vec<Option<bool>> = sets.iter().map(|set| set.holds(key)).collect();
            if held.contains(&Some(true)) {
                Some(true)
            } else if held.contains(&None) {
                None
            } else {
                Some(false)
            }
        };
        match (any(&self.never), if self.only.is_empty() { Some(true) } else { any(&self.only) }) {
            (Some(true), _) | (_, Some(false)) => Some(false),
            (Some(false), Some(true)) => Some(true),
            _ => None,
        }
    }
}

async fn keys_of(context: &Context, group: &str, which: Members) -> Result<Option<HashSet<Key>>, Absence> {
    let Some(id) = list_id(context, group, which).await? else { return Ok(None) };
    let mut listed = members(context, &id, which).await?;
    let mut keys = HashSet::new();
    while let Some(address) = listed.next().await {
        keys.insert(Key::of(&address?));
    }
    Ok(Some(keys))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn these(addresses: &[&str]) -> Set {
        Set::These(addresses.iter().map(|address| Key::of(address)).collect())
    }

    fn role(set: Set) -> Reach {
        Reach { set, told: Vec::new() }
    }

    fn says(rule: &Rule, address: &str) -> Declared {
        rule.says(Key::of(address))
    }

    #[test]
    fn a_consent_reaches_whom_its_policies_leave() {
        let open = Rule { consent: Some(Consent::default()), ..Rule::default() };
        assert_eq!(says(&open, "a@x.y"), Declared::Inside);
        let only = Consent { only: vec![these(&["a@x.y"])], ..Consent::default() };
        let limited = Rule { consent: Some(only), ..Rule::default() };
        assert_eq!((says(&limited, "A@x.y"), says(&limited, "b@x.y")), (Declared::Inside, Declared::Outside));
        let never = Consent { never: vec![these(&["b@x.y"])], ..Consent::default() };
        let denied = Rule { consent: Some(never), ..Rule::default() };
        assert_eq!((says(&denied, "a@x.y"), says(&denied, "b@x.y")), (Declared::Inside, Declared::Outside));
    }

    #[test]
    fn a_role_opens_what_a_policy_closes() {
        let none = Consent { only: vec![these(&[])], ..Consent::default() };
        let rule = Rule { consent: Some(none), roles: vec![role(these(&["a@x.y"]))], ..Rule::default() };
        assert_eq!((says(&rule, "a@x.y"), says(&rule, "b@x.y")), (Declared::Inside, Declared::Outside));
    }

    #[test]
    fn what_could_not_be_read_is_never_outside() {
        let unread = Rule { roles: vec![role(Set::Unknown), role(these(&["a@x.y"]))], ..Rule::default() };
        assert_eq!((says(&unread, "a@x.y"), says(&unread, "b@x.y")), (Declared::Inside, Declared::Unknown));
        let dark = Rule { in_the_dark: true, ..Rule::default() };
        assert_eq!(says(&dark, "a@x.y"), Declared::Unknown);
        let half = Consent { never: vec![Set::Unknown], ..Consent::default() };
        assert_eq!(says(&Rule { consent: Some(half), ..Rule::default() }, "a@x.y"), Declared::Unknown);
        assert_eq!(says(&Rule::default(), "a@x.y"), Declared::Outside, "neither consent nor role");
    }

    #[test]
    fn what_exchange_said_of_a_mailbox_outweighs_who_belongs_to_a_group() {
        let told = |pairs: &[(&str, bool)]| {
            sorted(pairs.iter().map(|(address, inside)| (Key::of(address), *inside)).collect())
        };
        let filter = Reach { set: Set::Unknown, told: told(&[("a@x.y", true), ("b@x.y", false)]) };
        let rule = Rule { roles: vec![filter], ..Rule::default() };
        let all = ["a@x.y", "b@x.y", "c@x.y"].map(|address| says(&rule, address));
        assert_eq!(all, [Declared::Inside, Declared::Outside, Declared::Unknown]);
        let only =
            Consent { only: vec![Set::Unknown], told: told(&[("a@x.y", false)]), ..Consent::default() };
        let rule = Rule { consent: Some(only), ..Rule::default() };
        let all = ["a@x.y", "c@x.y"].map(|address| says(&rule, address));
        assert_eq!(all, [Declared::Outside, Declared::Unknown]);
    }

    #[test]
    fn an_import_tells_of_single_mailboxes_and_of_whole_organizations() {
        let mut facts = Section::default();
        facts.set(
            "rbac.assignments",
            json!([{ "name": "A", "effective": true, "enabled": true, "kind": "regular",
            "write_scope": "CustomRecipientScope", "scope": "Sync" }]),
        );
        facts.set(
            "rbac.reach",
            json!([
                { "target": "a@x.y", "covered": true, "guarded_by": [] },
                { "target": "b@x.y", "covered": false, "guarded_by": [] },
                { "target": "c@x.y", "covered": true, "guarded_by": ["VIP"] },
                { "target": "d@x.y", "covered": null, "guarded_by": [] },
            ]),
        );
        let mut rule = Rule::default();
        rule.take_import(&facts);
        let all = ["a@x.y", "b@x.y", "c@x.y", "d@x.y"].map(|address| says(&rule, address));
        assert_eq!(all, [Declared::Inside, Declared::Outside, Declared::Outside, Declared::Unknown]);
        facts.set(
            "rbac.assignments",
            json!([{ "name": "A", "effective": true, "enabled": true, "kind": "regular",
            "write_scope": "Organization", "scope": null }]),
        );
        let mut rule = Rule::default();
        rule.take_import(&facts);
        assert_eq!(says(&rule, "z@x.y"), Declared::Inside);
    }
}
