//! Reading the world document: the look-ups that several services share.
//!
//! Collections of the document are maps under short names, so that a patch can change or remove one
//! member; a service sees their values. Must not know any protocol.

use serde_json::Value;

use super::{
    crowd::{Crowd, Made, Side},
    index::{Index, Names},
};

/// Service plan of Entra ID P1.
pub const P1: &str = "41781fb2-bc02-4b7c-bd55-b576c07bb09d";
/// Service plan of Entra ID P2.
pub const P2: &str = "eec0eb4f-6444-4f95-aba0-50c24d67f998";

/// The world document with its look-ups.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    document: &'a Value,
    index: Option<&'a Index>,
    made: Option<&'a Made>,
}

impl<'a> View<'a> {
    /// A document, and what it was indexed by.
    pub fn new(document: &'a Value, index: Option<&'a Index>) -> Self {
        Self { document, index, made: None }
    }

    /// The same, with the members of the crowd that are asked for; they are kept there.
    pub fn keeping(self, made: &'a Made) -> Self {
        Self { made: Some(made), ..self }
    }

    /// Those who are computed and not written down, none of whom [`View::rows`] shows.
    pub fn crowd(self) -> Option<&'a Crowd> {
        self.index?.crowd.as_ref()
    }

    /// The member of the crowd with that number, and its short name.
    fn made(self, side: Side, number: u64) -> Option<(&'a str, &'a Value)> {
        self.made?.member(self.crowd()?, side, number)
    }

    /// The value at a dotted path; null where nothing is.
    pub fn at(self, path: &str) -> &'a Value {
        path.split('.').fold(self.document, |value, key| &value[key])
    }

    /// The members of the collection at a dotted path that are written down.
    pub fn rows(self, path: &str) -> Vec<&'a Value> {
        rows(self.at(path))
    }

    /// Those members of a collection that may answer to one of these names: without an index, all.
    fn named_by(self, path: &str, names: Option<&Names>, wanted: &[&str]) -> Vec<&'a Value> {
        match names {
            Some(names) => {
                let keys = names.keys(wanted).into_iter();
                let written = keys.filter_map(|name| self.named(path, name));
                written.chain(self.computed(path, wanted).map(|(_, member)| member)).collect()
            }
            None => self.rows(path),
        }
    }

    /// The members of the crowd that may answer to one of these names, each with its short name.
    fn computed(self, path: &str, wanted: &[&str]) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let crowd = self.crowd().zip(Side::of(path));
        let found =
            crowd.into_iter().flat_map(|(crowd, side)| crowd.numbers(side, wanted).map(move |n| (side, n)));
        let found: Vec<_> = found.collect();
        found.into_iter().filter_map(move |(side, number)| self.made(side, number))
    }

    /// Users of whom each may have one of these ids, sign-in names or addresses, and no other user has.
    pub fn users_named(self, wanted: &[&str]) -> Vec<&'a Value> {
        self.named_by("users", self.index.map(|index| &index.users), wanted)
    }

    /// Mailboxes of which each may answer to that name, and no other one does.
    pub fn mailboxes_named(self, wanted: &str) -> Vec<&'a Value> {
        self.named_by("exchange.mailboxes", self.index.map(|index| &index.mailboxes), &[wanted])
    }

    /// The user with that object id or sign-in name.
    pub fn user(self, key: &str) -> Option<&'a Value> {
        let mut users = self.users_named(&[key]).into_iter();
        users.find(|user| has(user, "id", key) || has(user, "userPrincipalName", key))
    }

    /// The short name of the user with that object id.
    pub fn user_key(self, id: &str) -> Option<&'a str> {
        let Some(index) = self.index else { return self.name_of("users", "id", id) };
        let fits = |key: &&str| self.named("users", key).is_some_and(|user| has(user, "id", id));
        let written = index.users.keys(&[id]).into_iter().find(fits);
        written.or_else(|| {
            self.computed("users", &[id]).find(|(_, user)| has(user, "id", id)).map(|(key, _)| key)
        })
    }

    /// The member of a collection under that short name.
    pub fn named(self, path: &str, name: &str) -> Option<&'a Value> {
        let written = self.at(path).get(name).filter(|member| !member.is_null());
        written.or_else(|| {
            let (side, number) = (Side::of(path)?, self.crowd()?.number_of_key(name)?);
            self.made(side, number).map(|(_, member)| member)
        })
    }

    /// The short name of the member of a collection whose field has that value.
    pub fn name_of(self, path: &str, field: &str, value: &str) -> Option<&'a str> {
        let members = self.at(path).as_object()?.iter();
        members.into_iter().find(|(_, member)| has(member, field, value)).map(|(name, _)| name.as_str())
    }

    /// The group of that short name or object id.
    pub fn group(self, key: &str) -> Option<&'a Value> {
        self.named("groups", key)
            .or_else(|| self.rows("groups").into_iter().find(|group| has(group, "id", key)))
    }

    /// The service principal with that object id or app id.
    pub fn service_principal(self, key: &str) -> Option<&'a Value> {
        let all = self.rows("service_principals");
        all.into_iter().find(|principal| has(principal, "id", key) || has(principal, "appId", key))
    }

    /// The mailbox with that address, sign-in name or object id; any proxy address counts.
    pub fn mailbox(self, key: &str) -> Option<&'a Value> {
        self.mailboxes_named(key).into_iter().find(|mailbox| answers_to(mailbox, key))
    }

    /// The mailbox of a directory user.
    pub fn mailbox_of(self, user: &Value) -> Option<&'a Value> {
        self.mailbox(text(user, "id")).or_else(|| self.mailbox(text(user, "userPrincipalName")))
    }

    /// Groups of a user or group: direct ones, or all through nesting.
    pub fn groups_of(self, member: &'a Value, nested: bool) -> Vec<&'a Value> {
        let mut found: Vec<&'a Value> = Vec::new();
        let mut open = vec![member];
        while let Some(member) = open.pop() {
            let direct = texts(&member["x"]["groups"]).into_iter().chain(texts(&member["x"]["member_of"]));
            for key in direct {
                let Some(group) = self.group(key) else { continue };
                if !found.iter().any(|known| has(known, "id", text(group, "id"))) {
                    found.push(group);
                    if nested {
                        open.push(group);
                    }
                }
            }
        }
        found
    }

    /// Whether the tenant owns one of the service plans in a subscription that is alive.
    pub fn owns_plan(self, plans: &[&str]) -> bool {
        self.rows("subscribed_skus").into_iter().any(|sku| {
            let alive = matches!(text(sku, "capabilityStatus"), "" | "Enabled" | "Warning");
            alive && plans.iter().any(|plan| sku["plans"][plan].is_string())
        })
    }

    /// Whether the tenant has Entra ID P1 or better.
    pub fn premium(self) -> bool {
        self.at("tenant.premium").as_bool() != Some(false) && self.owns_plan(&[P1, P2])
    }

    /// Whether a list of members (short names of users or groups, addresses) reaches a mailbox.
    /// Members of a listed group count when they are direct ones.
    pub fn reaches(self, members: &Value, mailbox: &Value) -> bool {
        self.reaches_by(members, mailbox, false)
    }

    /// The same, where members of a group in a listed group count as well.
    pub fn reaches_nested(self, members: &Value, mailbox: &Value) -> bool {
        self.reaches_by(members, mailbox, true)
    }

    fn reaches_by(self, members: &Value, mailbox: &Value, nested: bool) -> bool {
        let members = texts(members);
        if members.contains(&"*") || members.iter().any(|member| lists(&mailbox["x"]["member_of"], member)) {
            return true;
        }
        let user = self.user(text(mailbox, "UserPrincipalName"));
        members.into_iter().any(|member| {
            let named = self.named("users", member).map_or(member, |user| text(user, "userPrincipalName"));
            let group = user.is_some_and(|user| {
                lists(&user["x"]["groups"], member) || {
                    let id = self.group(member).map_or("", |group| text(group, "id"));
                    self.groups_of(user, nested).into_iter().any(|group| has(group, "id", id))
                }
            });
            group || answers_to(mailbox, named)
        })
    }
}

/// What a mailbox answers to, besides its addresses.
pub const MAILBOX_NAMES: [&str; 5] =
    ["PrimarySmtpAddress", "UserPrincipalName", "ExternalDirectoryObjectId", "Guid", "Alias"];

/// Whether a mailbox answers to an address, sign-in name or object id.
pub fn answers_to(mailbox: &Value, key: &str) -> bool {
    !key.is_empty()
        && (MAILBOX_NAMES.iter().any(|name| has(mailbox, name, key))
            || texts(&mailbox["EmailAddresses"]).into_iter().any(|address| {
                let bare = address.split_once(':').map_or(address, |(_, bare)| bare);
                bare.eq_ignore_ascii_case(key)
            }))
}

/// Members of a collection, whether it is written as a map or as a list.
pub fn rows(collection: &Value) -> Vec<&Value> {
    match collection {
        Value::Object(map) => map.values().filter(|value| !value.is_null()).collect(),
        Value::Array(list) => list.iter().collect(),
        _ => Vec::new(),
    }
}

/// Members of a collection of texts, whether it is written as a map or as a list.
pub fn texts(collection: &Value) -> Vec<&str> {
    rows(collection).into_iter().filter_map(Value::as_str).collect()
}

/// A member as text; empty when it is none.
pub fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}

/// Whether a member is that text, whatever the case.
pub fn has(object: &Value, key: &str, wanted: &str) -> bool {
    !wanted.is_empty() && text(object, key).eq_ignore_ascii_case(wanted)
}

/// Whether a list of texts holds that text, whatever the case.
pub fn lists(collection: &Value, wanted: &str) -> bool {
    texts(collection).into_iter().any(|text| text.eq_ignore_ascii_case(wanted))
}

/// An object without what only the lab knows of it.
pub fn public(object: &Value) -> Value {
    let mut object = object.clone();
    if let Value::Object(map) = &mut object {
        map.remove("x");
    }
    object
}
