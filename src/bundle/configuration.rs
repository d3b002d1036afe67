//! The configuration without names and secrets: which keys it has, and what they are set to in kind.

use toml::{Table, Value};

use super::book::Book;
use super::form;
use super::names;
use super::scrub::{Scrubber, Text};
use super::words::known;
use crate::facts::privacy::Privacy;

/// Key → what stands there, wherever the key stands.
const KEYS: &[(Privacy, &[&str])] = &[
    (
        Privacy::Address,
        &[
            "address",
            "username",
            "consenting_admin",
            "account",
            "as",
            "shared_mailboxes",
            "outside_mailboxes",
            "users",
        ],
    ),
    (Privacy::Host, &["domain", "connect_to", "dns"]),
    (Privacy::Id, &["id", "client_id"]),
    (
        Privacy::Url,
        &["url", "proxy", "sign_in_url", "graph", "exchange_admin", "ews", "autodiscover", "autodiscover_v2"],
    ),
    (Privacy::Named("group"), &["group"]),
    (Privacy::Named("file"), &["file", "key_file", "ca_file", "directories", "import", "wanted_users"]),
    (Privacy::Named("command"), &["command", "token_command"]),
    (Privacy::Named("name"), &["by", "name"]),
    (Privacy::Folders, &["public_folders"]),
    (Privacy::Distinguished, &["base_dn"]),
    (Privacy::Agent, &["user_agent"]),
    (Privacy::Prose, &["reason"]),
];

/// The configuration's text; `Err`: it is no TOML.
pub fn redact(text: &str, book: &mut Book, scrubber: &Scrubber) -> Result<String, String> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let before = book.by("configuration");
    let shown = Walk { book, scrubber }.table(&table, "");
    book.by(before);
    toml::to_string_pretty(&shown).map_err(|error| error.to_string())
}

struct Walk<'b> {
    book: &'b mut Book,
    scrubber: &'b Scrubber,
}

impl Walk<'_> {
    fn table(&mut self, table: &Table, above: &str) -> Table {
        let each = |(key, value): (&String, &Value)| match (above, value) {
            ("secret", Value::String(text)) if key == "env" => {
                (key.clone(), Value::String(self.variable(text)))
            }
            ("connect_to", Value::String(text)) => (self.book.host(key), Value::String(self.book.ip(text))),
            _ => (self.key(key), self.value(key, value)),
        };
        table.iter().map(each).collect()
    }

    /// A key that is not of the configuration's own words, for example a profile's name.
    fn key(&mut self, key: &str) -> String {
        if known().is_phrase(key) || self.book.keep { key.to_owned() } else { self.book.named("field", key) }
    }

    fn variable(&mut self, name: &str) -> String {
        let sound = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && name.len() <= 64;
        if sound { name.to_owned() } else { self.book.named("variable", name) }
    }

    fn value(&mut self, key: &str, value: &Value) -> Value {
        match value {
            Value::Table(table) => Value::Table(self.table(table, key)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(key, item)).collect()),
            Value::String(text) => Value::String(self.text(key, text)),
            plain => plain.clone(),
        }
    }

    fn text(&mut self, key: &str, text: &str) -> String {
        if ["secret", "password", "client_secret"].contains(&key) {
            self.book.removed("secret in the configuration");
            return "[secret removed]".into();
        }
        let class = KEYS.iter().find(|(_, keys)| keys.contains(&key)).map(|(class, _)| *class);
        match class {
            _ if text.is_empty() || form::is_time(text) => text.to_owned(),
            Some(Privacy::Prose | Privacy::Agent) => self.scrubber.text(self.book, text, Text::Answer),
            Some(Privacy::Host) => self.book.host(text),
            Some(class) => names::redact(self.book, class, text),
            None if form::is_plain(text) && !text.contains(' ') && known().is_phrase(text) => text.to_owned(),
            None => names::redact(self.book, Privacy::Formed("text"), text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_secrets_stay_and_names_go() {
        let text = r#"
            [tenant]
            domain = "contoso.com"
            [reader]
            sign_in = "client-secret"
            secret = { env = "SYNCREADY_READER_SECRET" }
            [[account]]
            address = "svc-sync@contoso.com"
            profile = "cirasync"
            subject = { kind = "password", secret = { command = ["pass", "show", "contoso/svc"] } }
            [network]
            connect_to = { "autodiscover.contoso.com:443" = "127.0.0.1:8443" }
            [limits]
            run = "90s"
        "#;
        let mut book = Book::new(false);
        let scrubber = Scrubber::new(&book);
        let shown = redact(text, &mut book, &scrubber).expect("TOML");
        for wanted in [
            "client-secret",
            "SYNCREADY_READER_SECRET",
            "cirasync",
            "127.0.0.1:8443",
            "autodiscover.domain-1.example:443",
            "90s",
        ] {
            assert!(shown.contains(wanted), "{wanted}: {shown}");
        }
        for gone in ["contoso", "svc", "pass\""] {
            assert!(!shown.contains(gone), "{gone}: {shown}");
        }
    }
}
