//! Profiles: what a sync product needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A permission on a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// `graph` or `exchange`.
    pub resource: String,
    /// Value of the app role or scope.
    pub permission: String,
}

/// Permissions by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    /// Application permissions.
    #[serde(default)]
    pub application: Vec<Permission>,
    /// Delegated permissions.
    #[serde(default)]
    pub delegated: Vec<Permission>,
}

/// How much a profile cares about a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A fail counts as a warning.
    Advised,
    /// A fail is a fail.
    Required,
    /// Not part of the product's needs.
    Unwanted,
}

/// Which checks a profile requires, advises, does not want: ids, or whole areas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
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

/// A vendor's or Microsoft's statement that the profile rests on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// What it says, in our words.
    pub says: String,
    /// Where.
    pub url: String,
    /// Where it is outdated, what holds today.
    pub today: Option<String>,
}

/// A profile.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// File name without ending.
    #[serde(skip)]
    pub name: String,
    /// Title.
    pub title: String,
    /// Profile it starts from.
    pub extends: Option<String>,
    /// Worlds it can work in.
    #[serde(default)]
    pub worlds: Vec<String>,
    /// `graph` or `ews`.
    #[serde(default)]
    pub protocol: String,
    /// Sign-in kinds of the product: `app`, `password`, `refresh-token`.
    #[serde(default)]
    pub sign_in: Vec<String>,
    /// Features it uses unless the configuration says otherwise.
    #[serde(default)]
    pub features: Vec<String>,
    /// The product's app id.
    pub app_id: Option<String>,
    /// The product's user agent.
    pub user_agent: Option<String>,
    /// `organization` or `listed`.
    #[serde(default)]
    pub scope: String,
    /// Permissions by kind.
    #[serde(default)]
    pub permissions: Permissions,
    /// Levels of checks.
    #[serde(default)]
    pub checks: Levels,
    /// Parameters of checks: id → values.
    #[serde(default)]
    pub params: BTreeMap<String, toml::Table>,
    /// What it rests on.
    #[serde(default)]
    pub statement: Vec<Statement>,
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

    /// The `profile` variable of rules.
    pub(super) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "name": self.name, "title": self.title, "worlds": self.worlds, "protocol": self.protocol,
            "sign_in": self.sign_in, "features": self.features, "app_id": self.app_id,
            "user_agent": self.user_agent, "scope": self.scope, "permissions": self.permissions,
        })
    }

    /// Fills what this profile leaves open from the one it extends.
    pub(super) fn inherit(&mut self, base: &Self) {
        let fill = |own: &mut Vec<String>, base: &[String]| {
            if own.is_empty() {
                *own = base.to_vec();
            }
        };
        fill(&mut self.worlds, &base.worlds);
        fill(&mut self.sign_in, &base.sign_in);
        fill(&mut self.features, &base.features);
        for (own, base) in [(&mut self.protocol, &base.protocol), (&mut self.scope, &base.scope)] {
            if own.is_empty() {
                own.clone_from(base);
            }
        }
        self.app_id = self.app_id.take().or_else(|| base.app_id.clone());
        self.user_agent = self.user_agent.take().or_else(|| base.user_agent.clone());
        if self.permissions == Permissions::default() {
            self.permissions = base.permissions.clone();
        }
        let own = &self.checks;
        let new = |list: &[String]| -> Vec<String> {
            let named =
                |id: &String| [&own.required, &own.advised, &own.unwanted].iter().any(|l| l.contains(id));
            list.iter().filter(|id| !named(id)).cloned().collect()
        };
        let (required, advised, unwanted) =
            (new(&base.checks.required), new(&base.checks.advised), new(&base.checks.unwanted));
        self.checks.required.extend(required);
        self.checks.advised.extend(advised);
        self.checks.unwanted.extend(unwanted);
        for (id, values) in &base.params {
            self.params.entry(id.clone()).or_insert_with(|| values.clone());
        }
    }
}

impl Profile {
    /// A profile that requires nothing, for documents whose profile this version does not know.
    pub(super) fn bare() -> Self {
        Self {
            name: "none".into(),
            title: "No profile".into(),
            extends: None,
            worlds: Vec::new(),
            protocol: String::new(),
            sign_in: Vec::new(),
            features: Vec::new(),
            app_id: None,
            user_agent: None,
            scope: String::new(),
            permissions: Permissions::default(),
            checks: Levels::default(),
            params: BTreeMap::new(),
            statement: Vec::new(),
        }
    }
}
