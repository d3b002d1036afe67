//! Who in a world answers to a name, without looking at everybody: what makes a thousand users as
//! quick to serve as one.
//!
//! What is found may answer to the name in another way than the one asked for: whoever asks still
//! compares.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    crowd::Crowd,
    view::{text, texts},
};

/// The index of a world. Made once: a world that is served does not change.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// Users by object id, sign-in name, addresses and refresh token.
    pub users: Names,
    /// Mailboxes by all that they answer to.
    pub mailboxes: Names,
    /// Those that are computed.
    pub crowd: Option<Crowd>,
}

impl Index {
    /// The index of a world's document.
    pub fn new(document: &Value) -> Self {
        Self {
            users: Names::new(&document["users"], user_names),
            mailboxes: Names::new(&document["exchange"]["mailboxes"], mailbox_names),
            crowd: Crowd::new(document),
        }
    }
}

/// The members of one collection by their names.
#[derive(Debug, Clone, Default)]
pub struct Names {
    keys: Vec<String>,
    places: HashMap<String, Vec<usize>>,
}

impl Names {
    fn new(collection: &Value, names: impl Fn(&Value) -> Vec<&str>) -> Self {
        let mut index = Self::default();
        for (key, member) in collection.as_object().into_iter().flatten() {
            for name in names(member).into_iter().filter(|name| !name.is_empty()) {
                let places = index.places.entry(name.to_lowercase()).or_default();
                if places.last() != Some(&index.keys.len()) {
                    places.push(index.keys.len());
                }
            }
            index.keys.push(key.clone());
        }
        index
    }

    /// Short names of the members that answer to one of these names, in the order of the collection.
    pub fn keys(&self, names: &[&str]) -> Vec<&str> {
        let places = names.iter().filter_map(|name| self.places.get(&name.to_lowercase()));
        let mut places: Vec<usize> = places.flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| self.keys.get(place)).map(String::as_str).collect()
    }
}

/// Everything that a user is found by.
pub fn user_names(user: &Value) -> Vec<&str> {
    let mut names = texts(&user["proxyAddresses"]);
    names.extend(["id", "userPrincipalName", "mail"].map(|name| text(user, name)));
    names.push(text(&user["x"], "refresh_token"));
    names
}

/// Everything that a mailbox is found by.
pub fn mailbox_names(mailbox: &Value) -> Vec<&str> {
    let bare = |address: &'_ str| address.find(':').map_or(0, |at| at + 1);
    let addresses = texts(&mailbox["EmailAddresses"]).into_iter();
    let mut names: Vec<&str> = addresses.map(|address| &address[bare(address)..]).collect();
    names.extend(super::view::MAILBOX_NAMES.map(|name| text(mailbox, name)));
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_found_by_any_name_in_the_order_of_the_collection() {
        let world = json!({
            "users": {
                "a": {"id": "1", "userPrincipalName": "A@contoso.com", "mail": "a@contoso.com"},
                "b": {"id": "2", "proxyAddresses": ["SMTP:b@contoso.com", "smtp:a@contoso.com"]},
                "gone": null},
            "exchange": {"mailboxes": {"m": {"Alias": "m", "EmailAddresses": ["SMTP:M@contoso.com", "x500:/o=x"]}}}});
        let index = Index::new(&world);
        assert_eq!(index.users.keys(&["SMTP:A@contoso.com", "a@contoso.com"]), ["a", "b"]);
        assert_eq!(index.users.keys(&["2"]), ["b"]);
        assert_eq!(index.users.keys(&["", "c@contoso.com"]), [""; 0]);
        assert_eq!(index.mailboxes.keys(&["m@CONTOSO.com", "/o=x", "M"]), ["m"]);
    }
}
