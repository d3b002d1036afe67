//! Profiles: what a sync product needs, and the statements that each line of it rests on.
//!
//! A profile may extend another. What it writes replaces what the other says, key by key: an empty list
//! is a value, too. Of `[checks]` only the named checks change (an area stands for all its checks, those
//! included that the other profile names one by one), of `[params]` only the named keys. Statements
//! add up, each with the profile that makes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::CheckError;
use super::expr::suggest;
use crate::facts::WORLDS;

/// A permission on a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// `graph` or `exchange`.
    pub resource: String,
    /// Value of the app role or scope.
    pub permission: String,
    /// Needed only where the product speaks this protocol; `None`: always.
    #[serde(default, skip_serializing)]
    pub protocol: Option<String>,
}

impl Permission {
    /// Whether a product needs it that speaks this protocol.
    pub fn is_for(&self, protocol: &str) -> bool {
        self.protocol.as_deref().is_none_or(|only| only == protocol)
    }
}

/// Permissions by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Permissions {
    /// Application permissions.
    pub application: Vec<Permission>,
    /// Delegated permissions.
    pub delegated: Vec<Permission>,
    /// Permissions of either kind that features of the product ask for which are not judged here:
    /// neither missing nor too much.
    pub optional: Vec<Permission>,
}

/// How much a profile cares about a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A fail is a fail.
    Required,
    /// A fail counts as a warning.
    Advised,
    /// Not part of the product's needs.
    Unwanted,
}

impl Level {
    /// As profiles write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Advised => "advised",
            Self::Unwanted => "unwanted",
        }
    }
}

/// Which checks a profile requires, advises, does not want: ids, or whole areas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// Required.
    #[serde(default)]
    pub required: Vec<String>,
    /// Advised; also everything that is not named.
    #[serde(default)]
    pub advised: Vec<String>,
    /// Unwanted.
    #[serde(default)]
    pub unwanted: Vec<String>,
}

impl Levels {
    fn lists(&self) -> [&Vec<String>; 3] {
        [&self.required, &self.advised, &self.unwanted]
    }

    /// Every name in it.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.lists().into_iter().flatten()
    }
}

/// A vendor's or Microsoft's statement that the profile rests on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Keys of the profile, checks or areas that rest on it.
    #[serde(default)]
    pub about: Vec<String>,
    /// What it says, in our words.
    pub says: String,
    /// Where.
    pub url: String,
    /// Where it is outdated, what holds today, and the road from here.
    pub today: Option<String>,
    /// The profile that makes it.
    #[serde(skip)]
    pub of: String,
}

impl Statement {
    /// Whether a check rests on it.
    pub fn is_about(&self, check: &str) -> bool {
        let area = check.split('/').next().unwrap_or_default();
        self.about.iter().any(|name| name == check || name == area)
    }
}

/// A profile with everything that it takes from others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// File name without ending.
    pub name: String,
    /// Title.
    pub title: String,
    /// Profile it starts from.
    pub extends: Option<String>,
    /// Worlds it can work in, the usual one first.
    pub worlds: Vec<String>,
    /// `graph` or `ews`.
    pub protocol: String,
    /// Sign-in kinds of the product: `app`, `password`, `refresh-token`.
    pub sign_in: Vec<String>,
    /// Features it uses unless the configuration says otherwise.
    pub features: Vec<String>,
    /// The product's app id.
    pub app_id: Option<String>,
    /// The product's user agent.
    pub user_agent: Option<String>,
    /// `organization` or `listed`.
    pub scope: String,
    /// Permissions by kind.
    pub permissions: Permissions,
    /// Levels of checks.
    pub checks: Levels,
    /// Parameters of checks: id → values.
    pub params: BTreeMap<String, toml::Table>,
    /// What it rests on: its own statements, then those of the profiles it extends.
    pub statement: Vec<Statement>,
}

/// A profile as written. What it leaves open comes from the one that it extends.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    #[serde(skip)]
    name: String,
    /// Title.
    title: String,
    /// Profile that it starts from.
    pub(super) extends: Option<String>,
    /// Worlds that it can work in, the usual one first.
    worlds: Option<Vec<String>>,
    /// `graph` or `ews`.
    protocol: Option<String>,
    /// Sign-in kinds of the product: `app`, `password`, `refresh-token`.
    sign_in: Option<Vec<String>>,
    /// Features that it uses unless the configuration says otherwise.
    features: Option<Vec<String>>,
    /// The product's app id.
    app_id: Option<String>,
    /// The product's user agent.
    user_agent: Option<String>,
    /// `organization` or `listed`.
    scope: Option<String>,
    /// Permissions by kind.
    #[serde(default)]
    permissions: DraftPermissions,
    /// Levels of checks.
    #[serde(default)]
    checks: Levels,
    /// Parameters of checks, by check.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Map<String, serde_json::Value>>")]
    params: BTreeMap<String, toml::Table>,
    /// What it rests on.
    #[serde(default)]
    statement: Vec<Statement>,
}

/// Permissions by kind, as written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DraftPermissions {
    application: Option<Vec<Permission>>,
    delegated: Option<Vec<Permission>>,
    optional: Option<Vec<Permission>>,
}

/// Keys that a statement may be about, besides checks and areas.
const KEYS: &[&str] =
    &["app_id", "features", "permissions", "protocol", "scope", "sign_in", "user_agent", "worlds"];

const PROTOCOLS: &[&str] = &["ews", "graph"];
const SIGN_INS: &[&str] = &["app", "password", "refresh-token"];
const FEATURES: &[&str] =
    &["calendars", "contacts", "gal", "notifications", "public-folders", "shared-mailboxes"];
const SCOPES: &[&str] = &["listed", "organization"];
const RESOURCES: &[&str] = &["exchange", "graph"];

/// A name in a profile that nothing has.
pub(super) struct Fault {
    pub word: String,
    pub message: String,
    pub help: String,
}

impl Draft {
    /// Reads a profile file.
    pub(super) fn parse(name: &str, file: &str, text: &str) -> Result<Self, CheckError> {
        let draft: Self = toml::from_str(text).map_err(|error| {
            CheckError::new(file, text, error.span().unwrap_or(0..0), error.message().trim(), None)
        })?;
        let draft = draft.named(name);
        match draft.fault() {
            None => Ok(draft),
            Some((word, message, help)) => {
                Err(CheckError::new(file, text, place(text, &word), message, Some(help)))
            }
        }
    }

    /// The same under a name.
    #[must_use]
    pub(super) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Takes earlier ids of checks for the present ones.
    pub(super) fn take_present_ids(&mut self, present: &impl Fn(&str) -> Option<String>) {
        let levels = &mut self.checks;
        for name in levels.required.iter_mut().chain(&mut levels.advised).chain(&mut levels.unwanted) {
            if let Some(present) = present(name) {
                *name = present;
            }
        }
        let params = std::mem::take(&mut self.params);
        self.params = params.into_iter().map(|(id, values)| (present(&id).unwrap_or(id), values)).collect();
    }

    /// The first value that is none: (value, what is wrong, help).
    pub(super) fn fault(&self) -> Option<(String, String, String)> {
        let one = |value: &Option<String>| value.iter().cloned().collect::<Vec<_>>();
        let many = |values: &Option<Vec<String>>| values.clone().unwrap_or_default();
        let own = &self.permissions;
        let wanted = [&own.application, &own.delegated, &own.optional].into_iter().flatten().flatten();
        let (resources, protocols): (Vec<String>, Vec<Option<String>>) =
            wanted.map(|wanted| (wanted.resource.clone(), wanted.protocol.clone())).unzip();
        let listed = [
            ("world", many(&self.worlds), WORLDS.as_slice()),
            ("protocol", one(&self.protocol), PROTOCOLS),
            ("way to sign in", many(&self.sign_in), SIGN_INS),
            ("feature", many(&self.features), FEATURES),
            ("scope", one(&self.scope), SCOPES),
            ("resource", resources, RESOURCES),
            ("protocol", protocols.into_iter().flatten().collect(), PROTOCOLS),
        ];
        for (what, values, known) in listed {
            if let Some(wrong) = values.into_iter().find(|value| !known.contains(&value.as_str())) {
                let help = suggest(&wrong, known.iter().copied());
                return Some((wrong.clone(), format!("there is no {what} \"{wrong}\""), help));
            }
        }
        let twice = |name: &&String| self.checks.names().filter(|other| other == name).count() > 1;
        let name = self.checks.names().find(twice)?;
        let message = format!("\"{name}\" stands in [checks] twice");
        Some((name.clone(), message, "say once whether it is required, advised or unwanted".into()))
    }

    /// Names of checks, areas and parameters that do not exist. `known` are checks and areas;
    /// `parameters` gives those of a check.
    pub(super) fn faults<'k>(
        &self,
        known: &[&'k str],
        parameters: impl Fn(&str) -> Option<Vec<&'k str>>,
    ) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut refuse = |word: &str, message: String, help: String| {
            faults.push(Fault { word: word.to_owned(), message, help });
        };
        let choices = || known.iter().copied();
        for name in self.checks.names().filter(|name| !known.contains(&name.as_str())) {
            refuse(name, format!("there is no check or area \"{name}\""), suggest(name, choices()));
        }
        for name in self.statement.iter().flat_map(|statement| &statement.about) {
            if !KEYS.contains(&name.as_str()) && !known.contains(&name.as_str()) {
                let message = format!("a statement cannot be about \"{name}\": no key, check or area");
                refuse(name, message, suggest(name, choices().chain(KEYS.iter().copied())));
            }
        }
        for (check, values) in &self.params {
            let Some(valid) = parameters(check) else {
                refuse(check, format!("there is no check \"{check}\""), suggest(check, choices()));
                continue;
            };
            for wrong in values.keys().filter(|key| !valid.contains(&key.as_str())) {
                let help = suggest(wrong, valid.iter().copied());
                refuse(wrong, format!("{check} has no parameter \"{wrong}\""), help);
            }
        }
        faults
    }

    /// The profile, with what it leaves open taken from the one that it extends.
    pub(super) fn resolve(&self, base: &Profile) -> Profile {
        let own = self.clone();
        let or_none = |own: Option<String>, base: &Option<String>| match own {
            Some(text) => Some(text).filter(|text| !text.is_empty()),
            None => base.clone(),
        };
        let mut statement = own.statement;
        for statement in &mut statement {
            statement.of.clone_from(&self.name);
        }
        statement.extend(base.statement.iter().cloned());
        Profile {
            name: own.name,
            title: own.title,
            extends: own.extends,
            worlds: own.worlds.unwrap_or_else(|| base.worlds.clone()),
            protocol: own.protocol.unwrap_or_else(|| base.protocol.clone()),
            sign_in: own.sign_in.unwrap_or_else(|| base.sign_in.clone()),
            features: own.features.unwrap_or_else(|| base.features.clone()),
            app_id: or_none(own.app_id, &base.app_id),
            user_agent: or_none(own.user_agent, &base.user_agent),
            scope: own.scope.unwrap_or_else(|| base.scope.clone()),
            permissions: own.permissions.over(&base.permissions),
            checks: own.checks.over(&base.checks),
            params: over(own.params, &base.params),
            statement,
        }
    }
}

impl DraftPermissions {
    fn over(self, base: &Permissions) -> Permissions {
        Permissions {
            application: self.application.unwrap_or_else(|| base.application.clone()),
            delegated: self.delegated.unwrap_or_else(|| base.delegated.clone()),
            optional: self.optional.unwrap_or_else(|| base.optional.clone()),
        }
    }
}

impl Levels {
    /// These, and of the others whatever is not said here of the same check or its whole area.
    fn over(mut self, base: &Self) -> Self {
        let own: Vec<String> = self.names().cloned().collect();
        let new = |list: &[String]| -> Vec<String> {
            let area = |id: &str| id.split('/').next().unwrap_or_default().to_owned();
            list.iter().filter(|id| !own.contains(id) && !own.contains(&area(id))).cloned().collect()
        };
        self.required.extend(new(&base.required));
        self.advised.extend(new(&base.advised));
        self.unwanted.extend(new(&base.unwanted));
        self
    }
}

fn over(
    mut own: BTreeMap<String, toml::Table>,
    base: &BTreeMap<String, toml::Table>,
) -> BTreeMap<String, toml::Table> {
    for (check, values) in base {
        let mine = own.entry(check.clone()).or_default();
        for (key, value) in values {
            mine.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    own
}

/// Where a word stands in a file, in quotes if it does so anywhere.
pub(super) fn place(text: &str, word: &str) -> std::ops::Range<usize> {
    let quoted = text.find(&format!("\"{word}\"")).map(|at| at + 1);
    let start = quoted.or_else(|| text.find(word)).unwrap_or(0);
    start..start + word.len()
}

impl Profile {
    /// The level of a check: its id wins over its area, "unwanted" over "required" over "advised".
    pub fn level(&self, id: &str) -> Level {
        let area = id.split('/').next().unwrap_or_default();
        for name in [id, area] {
            let named = |list: &[String]| list.iter().any(|entry| entry == name);
            if named(&self.checks.unwanted) {
                return Level::Unwanted;
            }
            if named(&self.checks.required) {
                return Level::Required;
            }
            if named(&self.checks.advised) {
                return Level::Advised;
            }
        }
        Level::Advised
    }

    /// The statements that a check rests on.
    pub fn statements_about<'p>(&'p self, check: &'p str) -> impl Iterator<Item = &'p Statement> {
        self.statement.iter().filter(move |statement| statement.is_about(check))
    }

    /// The `profile` variable of rules, for a product that speaks this protocol.
    pub(super) fn to_json(&self, protocol: Option<&str>) -> serde_json::Value {
        let protocol = protocol.unwrap_or(&self.protocol);
        let fitting = |list: &[Permission]| -> Vec<Permission> {
            list.iter().filter(|wanted| wanted.is_for(protocol)).cloned().collect()
        };
        let permissions = Permissions {
            application: fitting(&self.permissions.application),
            delegated: fitting(&self.permissions.delegated),
            optional: fitting(&self.permissions.optional),
        };
        serde_json::json!({
            "name": self.name, "title": self.title, "worlds": self.worlds, "protocol": self.protocol,
            "sign_in": self.sign_in, "features": self.features, "app_id": self.app_id,
            "user_agent": self.user_agent, "scope": self.scope, "permissions": permissions,
        })
    }

    /// A profile that requires nothing, for documents whose profile this version does not know.
    pub(super) fn bare() -> Self {
        Self { name: "none".into(), title: "No profile".into(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(name: &str, text: &str) -> Draft {
        Draft::parse(name, "checks/profiles/p.toml", text).expect("a sound profile")
    }

    fn refused(text: &str) -> String {
        Draft::parse("p", "checks/profiles/p.toml", text).expect_err("refused").to_string()
    }

    fn base() -> Profile {
        let text = "title = 'Base'\nworlds = ['online-graph-app']\nprotocol = 'graph'\nfeatures = ['contacts']\n\
                    app_id = 'a'\n[permissions]\napplication = [{ resource = 'graph', permission = 'A' }]\n\
                    delegated = [{ resource = 'graph', permission = 'D' }]\n\
                    [checks]\nrequired = ['mfa/a', 'mfa/b', 'app']\nunwanted = ['ews']\n\
                    [params.'mfa/a']\nx = 1\ny = 1\n[[statement]]\nsays = 'base'\nurl = 'u'\n";
        draft("base", text).resolve(&Profile::default())
    }

    #[test]
    fn what_is_left_out_comes_from_the_base_and_an_empty_list_is_a_value() {
        let child = draft("child", "title = 'Child'\nextends = 'base'\nfeatures = []\napp_id = ''\n");
        let child = child.resolve(&base());
        assert_eq!((child.features.len(), child.app_id.as_deref()), (0, None));
        assert_eq!((child.protocol.as_str(), child.worlds.len()), ("graph", 1));
    }

    #[test]
    fn one_kind_of_permission_is_replaced_without_the_other() {
        let child = draft("child", "title = 'Child'\nextends = 'base'\n[permissions]\ndelegated = []\n");
        let child = child.resolve(&base());
        assert_eq!((child.permissions.application.len(), child.permissions.delegated.len()), (1, 0));
    }

    #[test]
    fn an_area_of_the_child_stands_for_each_of_its_checks() {
        let child = draft("child", "title = 'C'\nextends = 'base'\n[checks]\nadvised = ['mfa', 'app/x']\n");
        let child = child.resolve(&base());
        let levels = ["mfa/a", "mfa/b", "app/x", "app/y", "ews/z"].map(|id| child.level(id));
        let advised = Level::Advised;
        assert_eq!(levels, [advised, advised, advised, Level::Required, Level::Unwanted]);
    }

    #[test]
    fn parameters_are_merged_key_by_key() {
        let child =
            draft("child", "title = 'C'\nextends = 'base'\n[params.'mfa/a']\nx = 2\n").resolve(&base());
        let wanted: toml::Table = toml::from_str("x = 2\ny = 1").expect("TOML");
        assert_eq!(child.params["mfa/a"], wanted);
    }

    #[test]
    fn statements_add_up_and_keep_their_profile() {
        let text = "title = 'C'\nextends = 'base'\n[[statement]]\nsays = 'own'\nurl = 'u'\n";
        let child = draft("child", text).resolve(&base());
        let of: Vec<&str> = child.statement.iter().map(|statement| statement.of.as_str()).collect();
        assert_eq!(of, ["child", "base"]);
    }

    #[test]
    fn a_permission_may_belong_to_one_protocol() {
        let text = "title = 'C'\nprotocol = 'graph'\n[permissions]\napplication = [\
                    { resource = 'graph', permission = 'G', protocol = 'graph' },\
                    { resource = 'exchange', permission = 'E', protocol = 'ews' }]\n";
        let profile = draft("c", text).resolve(&Profile::default());
        let named =
            |protocol| profile.to_json(protocol)["permissions"]["application"][0]["permission"].clone();
        assert_eq!((named(None), named(Some("ews"))), ("G".into(), "E".into()));
    }

    #[test]
    fn a_value_that_is_none_is_shown_where_it_stands() {
        let shown = refused("title = 'C'\nfeatures = [\"contacts\", \"callendars\"]\n");
        assert!(shown.contains("profiles/p.toml:2:26") && shown.contains("calendars"), "{shown}");
    }

    #[test]
    fn a_check_has_one_level() {
        let shown = refused("title = 'C'\n[checks]\nrequired = [\"mfa\"]\nadvised = [\"mfa\"]\n");
        assert!(shown.contains("twice"), "{shown}");
    }
}
