//! The entity types behind the lab's paths: their properties, and what they return unasked.

use std::sync::LazyLock;

use crate::lab::ask::Ask;

/// Properties by type, as Microsoft's v1.0 model names them.
const PROPERTIES: &str = include_str!("properties.txt");

/// Properties that only the beta model has, on types that the lab serves there.
const BETA_SIGN_IN: &str = "authenticationDetails authenticationProtocol authenticationRequirement \
    authenticationRequirementPolicies mfaDetail originalTransferMethod signInEventTypes conditionalAccessAudiences";

/// One entity type.
#[derive(Debug, Clone)]
pub(super) struct Entity {
    /// Name without its namespace.
    pub name: &'static str,
    /// Properties; empty: not checked.
    pub properties: Vec<&'static str>,
    /// What comes back unasked; empty: everything.
    pub default: &'static [&'static str],
    /// Members that come only when expanded.
    pub navigation: &'static [&'static str],
}

impl Entity {
    /// A property's own spelling, found whatever the case.
    pub(super) fn spelled(&self, name: &str) -> Option<&'static str> {
        self.properties.iter().find(|known| known.eq_ignore_ascii_case(name)).copied()
    }
}

/// What a user returns unasked.
const USER: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];

/// What objects of a mailbox show when it is expanded.
const OUTLOOK: &[&str] = &["singleValueExtendedProperties"];

/// Navigation members by type.
const NAVIGATION: &[(&str, &[&str])] = &[
    ("user", &["manager", "memberOf"]),
    ("contact", OUTLOOK),
    ("contactFolder", OUTLOOK),
    ("calendar", OUTLOOK),
    ("event", OUTLOOK),
    ("featureRolloutPolicy", &["appliesTo"]),
    ("unifiedRoleAssignment", &["roleDefinition", "principal"]),
    ("unifiedRoleEligibilityScheduleInstance", &["roleDefinition", "principal"]),
];

static ENTITIES: LazyLock<Vec<Entity>> = LazyLock::new(|| {
    PROPERTIES
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, properties)| {
            let mut properties: Vec<_> = properties.split_whitespace().collect();
            if name == "signIn" {
                properties.extend(BETA_SIGN_IN.split_whitespace());
            }
            let default = if name == "user" { USER } else { &[] };
            let navigation =
                NAVIGATION.iter().find(|(owner, _)| *owner == name).map_or(&[][..], |(_, names)| *names);
            Entity { name, properties, default, navigation }
        })
        .collect()
});

/// A type whose properties are not checked.
static OPEN: Entity = Entity { name: "entity", properties: Vec::new(), default: &[], navigation: &[] };

/// The type of that name; one without a table takes every name.
pub(super) fn entity(name: &str) -> &'static Entity {
    ENTITIES.iter().find(|entity| entity.name == name).unwrap_or(&OPEN)
}

/// The context annotation of an answer.
pub(super) fn context(ask: &Ask, list: bool) -> String {
    let mut segments = ask.path.trim_matches('/').split('/');
    let version = segments.next().unwrap_or("v1.0");
    let path = segments.collect::<Vec<_>>().join("/");
    let entity = if list { "" } else { "/$entity" };
    format!("https://{}/{version}/$metadata#{path}{entity}", ask.host)
}
