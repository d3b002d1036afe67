//! The objects of the simulated Active Directory, with the attributes that it keeps and those that it
//! computes.

use jiff::Timestamp;
use serde_json::Value;

use crate::lab::{World, world::items};

/// A time that never comes, and what stands for "never" in directory times.
const NEVER: i64 = i64::MAX;

/// One object.
#[derive(Debug)]
pub struct Object {
    /// Key in the world; empty for the domain itself.
    pub key: String,
    /// Distinguished name.
    pub name: String,
    /// Attributes with their values.
    pub attributes: Vec<(&'static str, Vec<String>)>,
}

impl Object {
    /// The values of an attribute.
    pub fn values(&self, name: &str) -> &[String] {
        let found = self.attributes.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, values)| values.as_slice()).unwrap_or_default()
    }

    fn has_bit(&self, name: &str, bit: i64) -> bool {
        self.values(name)
            .first()
            .and_then(|value| value.parse::<i64>().ok())
            .is_some_and(|value| value & bit != 0)
    }

    /// Why a right password is refused all the same: the number that follows `data`.
    pub fn refusal(&self) -> Option<&'static str> {
        if self.has_bit("userAccountControl", 2) {
            return Some("533");
        }
        if self.has_bit("msDS-User-Account-Control-Computed", 0x10) {
            return Some("775");
        }
        if self.values("pwdLastSet").first().is_some_and(|value| value == "0") {
            return Some("773");
        }
        self.has_bit("msDS-User-Account-Control-Computed", 0x80_0000).then_some("532")
    }
}

/// The name of the domain's own object.
pub fn base(world: &World) -> String {
    let domain = world.text("/tenant/domain").unwrap_or("contoso.com");
    domain.split('.').map(|part| format!("DC={part}")).collect::<Vec<_>>().join(",")
}

/// Everything below the domain, and itself.
pub fn all(world: &World) -> Vec<Object> {
    let mut found = vec![domain(world)];
    found.extend(world.entries("/directory/objects").map(|(key, row)| object(world, key, row)));
    found
}

fn domain(world: &World) -> Object {
    let number = |name: &str| world.at("/directory/domain")[name].as_i64().unwrap_or_default();
    let minutes = number("lockout_minutes");
    let lasts = if minutes == 0 { i64::MIN } else { -minutes * 600_000_000 };
    Object {
        key: String::new(),
        name: base(world),
        attributes: vec![
            ("objectClass", vec!["top".into(), "domain".into(), "domainDNS".into()]),
            ("distinguishedName", vec![base(world)]),
            ("lockoutThreshold", vec![number("lockoutThreshold").to_string()]),
            ("lockoutDuration", vec![lasts.to_string()]),
        ],
    }
}

/// A time of the world as a directory writes it: 100 nanoseconds since 1601; 0 where there is none.
fn ticks(value: &Value) -> i64 {
    let time = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    time.map_or(0, |time| (time.as_second() + 11_644_473_600) * 10_000_000)
}

fn object(world: &World, key: &str, row: &Value) -> Object {
    let text = |name: &str| row[name].as_str().map(|value| vec![value.to_owned()]).unwrap_or_default();
    let class = row["objectClass"].as_str().unwrap_or("user");
    let mut classes = vec!["top".to_owned()];
    if class == "user" {
        classes.extend(["person".to_owned(), "organizationalPerson".to_owned()]);
    }
    classes.push(class.to_owned());
    let mailbox = &world.at("/exchange/mailboxes")[key];
    let mut addresses: Vec<String> =
        items(&mailbox["EmailAddresses"]).filter_map(Value::as_str).map(str::to_owned).collect();
    addresses.extend(items(&row["proxyAddresses"]).filter_map(Value::as_str).map(str::to_owned));
    let mut attributes = vec![
        ("objectClass", classes),
        ("distinguishedName", text("distinguishedName")),
        ("sAMAccountName", text("sAMAccountName")),
        ("userPrincipalName", text("userPrincipalName")),
        ("displayName", text("displayName")),
        ("mail", text("mail")),
        ("proxyAddresses", addresses),
    ];
    if class == "user" {
        attributes.extend(account(world, row));
    }
    let name = row["distinguishedName"].as_str().unwrap_or_default().to_owned();
    Object { key: key.to_owned(), name, attributes }
}

fn account(world: &World, row: &Value) -> Vec<(&'static str, Vec<String>)> {
    let now = Timestamp::now();
    let minutes = world.at("/directory/domain/lockout_minutes").as_i64().unwrap_or_default();
    let locked_at = row["lockoutTime"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let locked = locked_at.is_some_and(|at| minutes == 0 || now.duration_since(at).as_secs() < minutes * 60);
    let ends = row["expires"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let must_change = row["pwdLastSet"] == 0;
    let expired = must_change || ends.is_some_and(|ends| ends <= now);
    let computed = i64::from(locked) * 0x10 + i64::from(expired) * 0x80_0000;
    let expiry = match (must_change, ends) {
        (true, _) => 0,
        (false, Some(_)) => ticks(&row["expires"]),
        (false, None) => NEVER,
    };
    let mut attributes = vec![
        ("userAccountControl", vec![row["userAccountControl"].as_i64().unwrap_or(512).to_string()]),
        ("pwdLastSet", vec![ticks(&row["pwdLastSet"]).to_string()]),
        ("msDS-User-Account-Control-Computed", vec![computed.to_string()]),
        ("msDS-UserPasswordExpiryTimeComputed", vec![expiry.to_string()]),
    ];
    // Nobody was ever locked out: the attribute is not there at all.
    if !row["lockoutTime"].is_null() {
        attributes.push(("lockoutTime", vec![ticks(&row["lockoutTime"]).to_string()]));
    }
    attributes
}
