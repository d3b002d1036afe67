//! Users and mailboxes that a world does not write down: each is computed from its number when somebody
//! asks for it, so that a million of them take no memory.
//!
//! They are found by the same names as those that are written down, and look the same to every service.
//! What was made for one request lives in a [`Made`] as long as the request.

use std::sync::OnceLock;

use serde_json::Value;

use super::{
    index::{mailbox_names, user_names},
    world::{entries, merge},
};

/// What everybody in a crowd looks like, unless the world says otherwise.
const USUAL: &str = include_str!("worlds/crowd.json");
/// What stands for the number in the texts of a template.
const MARK: &str = "{n}";
/// Digits of a number.
const DIGITS: usize = 7;
/// Largest number.
const MOST: u64 = 9_999_999;
/// What the short names of the members begin with.
const KEY: &str = "crowd-";

/// The two collections that a crowd is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `users`.
    Users,
    /// `exchange.mailboxes`.
    Mailboxes,
}

impl Side {
    /// The collection at a dotted path.
    pub fn of(path: &str) -> Option<Self> {
        match path {
            "users" => Some(Self::Users),
            "exchange.mailboxes" => Some(Self::Mailboxes),
            _ => None,
        }
    }
}

/// A world's crowd.
#[derive(Debug, Clone)]
pub struct Crowd {
    count: u64,
    kinds: Vec<Kind>,
    user_names: Vec<Pattern>,
    mailbox_names: Vec<Pattern>,
}

/// What some of the crowd look like.
#[derive(Debug, Clone)]
struct Kind {
    /// One of so many; 0: nobody.
    every: u64,
    /// The rest that its numbers leave.
    at: u64,
    user: Option<Value>,
    mailbox: Option<Value>,
}

/// What stands around the number in a name, lower case.
type Pattern = (String, String);

impl Crowd {
    /// The crowd of a world's document, if it has one.
    pub fn new(document: &Value) -> Option<Self> {
        let own = &document["crowd"];
        let count = own["count"].as_u64().filter(|count| *count > 0)?.min(MOST);
        let mut kinds: Vec<Kind> = entries(&own["variants"]).map(|(_, variant)| kind(own, variant)).collect();
        kinds.push(Kind { every: 1, ..kind(own, &Value::Null) });
        if document["tenant"]["exists"] != true {
            for kind in &mut kinds {
                kind.user = None;
            }
        }
        let users = kinds.iter().filter_map(|kind| kind.user.as_ref()).flat_map(user_names);
        let user_names = patterns(users);
        let mailboxes = kinds.iter().filter_map(|kind| kind.mailbox.as_ref()).flat_map(mailbox_names);
        let mailbox_names = patterns(mailboxes);
        Some(Self { count, kinds, user_names, mailbox_names })
    }

    /// How many there are; their numbers begin at 1.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Numbers of the members that may answer to one of these names.
    pub fn numbers<'a>(&'a self, side: Side, wanted: &'a [&str]) -> impl Iterator<Item = u64> + 'a {
        let patterns = match side {
            Side::Users => &self.user_names,
            Side::Mailboxes => &self.mailbox_names,
        };
        wanted.iter().filter_map(|name| {
            let name = name.to_lowercase();
            patterns.iter().find_map(|(head, tail)| {
                self.number(name.strip_prefix(head.as_str())?.strip_suffix(tail.as_str())?)
            })
        })
    }

    /// The number of the member under that short name.
    pub fn number_of_key(&self, key: &str) -> Option<u64> {
        self.number(key.strip_prefix(KEY)?)
    }

    fn number(&self, digits: &str) -> Option<u64> {
        let plain = digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse().ok().filter(|number| plain && (1..=self.count).contains(number))
    }

    /// The member of that number; `None`: nobody of that number is in the collection.
    pub fn member(&self, side: Side, number: u64) -> Option<Value> {
        Some(fill(self.template(side, self.kind_of(number))?, number))
    }

    /// Which of the kinds the member of that number is.
    pub fn kind_of(&self, number: u64) -> usize {
        let fits = |kind: &Kind| kind.every > 0 && number % kind.every == kind.at;
        self.kinds.iter().position(fits).unwrap_or_default()
    }

    /// What members of a kind look like, for [`fill`].
    pub fn template(&self, side: Side, kind: usize) -> Option<&Value> {
        let kind = self.kinds.get(kind)?;
        match side {
            Side::Users => kind.user.as_ref(),
            Side::Mailboxes => kind.mailbox.as_ref(),
        }
    }

    /// How many kinds there are.
    pub fn kinds(&self) -> usize {
        self.kinds.len()
    }
}

/// Completes a world's crowd by what is usual; its relative times are still as written.
pub fn complete(document: &mut Value) {
    if document["crowd"]["count"].is_null() {
        return;
    }
    let mut crowd: Value = serde_json::from_str(USUAL).expect("embedded worlds are JSON: proven by a test");
    merge(&mut crowd, &document["crowd"]);
    document["crowd"] = crowd;
}

fn kind(crowd: &Value, variant: &Value) -> Kind {
    let side = |name: &str| {
        let mut template = crowd[name].clone();
        if !variant[name].is_null() {
            merge(&mut template, &variant[name]);
        }
        template.is_object().then_some(template)
    };
    let number = |name: &str| variant[name].as_u64().unwrap_or_default();
    Kind { every: number("every"), at: number("at"), user: side("user"), mailbox: side("mailbox") }
}

fn patterns<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Pattern> {
    let mut found: Vec<Pattern> = names
        .filter_map(|name| name.split_once(MARK))
        .map(|(head, tail)| (head.to_lowercase(), tail.to_lowercase()))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// A template with the number in its place.
pub fn fill(template: &Value, number: u64) -> Value {
    fill_with(template, &format!("{number:0DIGITS$}"))
}

fn fill_with(template: &Value, digits: &str) -> Value {
    match template {
        Value::String(text) if text.contains(MARK) => text.replace(MARK, digits).into(),
        Value::Array(list) => list.iter().map(|item| fill_with(item, digits)).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), fill_with(value, digits))).collect()
        }
        other => other.clone(),
    }
}

/// What was made of a crowd for one request: each member once, kept until the request is answered.
#[derive(Debug, Default)]
pub struct Made(OnceLock<Box<Node>>);

#[derive(Debug)]
struct Node {
    side: Side,
    number: u64,
    key: String,
    value: Option<Value>,
    next: Made,
}

impl Made {
    /// The member of that number with its short name.
    pub fn member<'a>(&'a self, crowd: &Crowd, side: Side, number: u64) -> Option<(&'a str, &'a Value)> {
        let mut place = self;
        loop {
            let node = place.0.get_or_init(|| {
                let (key, value) = (format!("{KEY}{number:0DIGITS$}"), crowd.member(side, number));
                Box::new(Node { side, number, key, value, next: Self::default() })
            });
            if node.side == side && node.number == number {
                return Some((&node.key, node.value.as_ref()?));
            }
            place = &node.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lab::World;

    fn world(crowd: Value) -> World {
        let mut document = World::base("online-graph-app").expect("a base world");
        document["crowd"] = crowd;
        World::new(document, jiff::Timestamp::now()).expect("a world")
    }

    #[test]
    fn members_are_found_by_every_name_and_by_their_short_name() {
        let (world, made) = (world(json!({ "count": 1_000_000 })), Made::default());
        let view = world.view_keeping(&made);
        let user = view.user("BOX0123456@contoso.com").expect("a user");
        assert_eq!(user["id"], "5c000000-0000-4000-8000-000000123456");
        assert_eq!(view.user_key("5c000000-0000-4000-8000-000000123456"), Some("crowd-0123456"));
        assert_eq!(view.named("users", "crowd-0123456"), Some(user));
        for name in ["alias0123456@contoso.com", "5c000000-0000-4000-8000-000000123456", "box0123456"] {
            assert_eq!(view.mailbox(name).expect(name)["PrimarySmtpAddress"], "box0123456@contoso.com");
        }
        assert_eq!(view.mailbox_of(user), view.mailbox("box0123456@contoso.com"));
        for name in ["box0000000@contoso.com", "box1000001@contoso.com", "box123@contoso.com", "box+000001@x"]
        {
            assert!(view.mailbox(name).is_none(), "{name}");
        }
    }

    #[test]
    fn every_so_many_are_of_another_kind() {
        let variants = json!({ "alias": { "every": 10, "at": 3 }, "none": { "every": 4 } });
        let (world, made) = (world(json!({ "count": 50, "variants": variants })), Made::default());
        let view = world.view_keeping(&made);
        let primary = |name: &str| view.mailbox(name).map(|mailbox| mailbox["PrimarySmtpAddress"].clone());
        assert_eq!(primary("box0000013@contoso.com"), Some(json!("first0000013@contoso.com")));
        assert_eq!(primary("first0000013@contoso.com"), Some(json!("first0000013@contoso.com")));
        assert_eq!(primary("first0000014@contoso.com"), None);
        assert_eq!(primary("box0000008@contoso.com"), None);
        assert!(view.user("box0000008@contoso.com").is_some());
    }

    #[test]
    fn who_is_outside_is_reached_by_no_list_of_the_crowd() {
        let world = world(json!({ "count": 9, "variants": { "outside": { "every": 9 } } }));
        let made = Made::default();
        let view = world.view_keeping(&made);
        let reached = |number: u64, list: Value| {
            let mailbox = view.mailbox(&format!("box{number:07}@contoso.com")).expect("a mailbox");
            view.reaches(&list, mailbox)
        };
        assert!(reached(1, json!(["crowd"])) && reached(1, json!(["sync-users"])));
        assert!(!reached(9, json!(["crowd"])) && !reached(9, json!(["sync-users"])));
        assert!(reached(9, json!(["outside"])) && reached(9, json!(["*"])));
    }

    #[test]
    fn a_world_without_a_crowd_has_nobody_else() {
        let (world, made) = (world(Value::Null), Made::default());
        assert!(world.view_keeping(&made).mailbox("box0000001@contoso.com").is_none());
    }
}
