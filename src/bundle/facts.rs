//! A facts document without what is personal in it, that is still one, and is judged alike.
//!
//! What a text is, its path says ([`privacy`]). What stands at a path that nobody declared is taken out,
//! unless its form alone says that it tells nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::book::Book;
use super::form;
use super::lenient;
use super::names;
use super::scrub::{self, Scrubber, Text, url};
use super::words::known;
use crate::facts::{
    Absence, Account, Document, Exchange, Section, Tenant, catalogue,
    privacy::{self, Privacy},
};

/// Redacts a document. Names are learned first, so that words of servers lose those that come up later.
pub fn redact(document: &Document, book: &mut Book) -> Document {
    learn(document, book);
    let scrubber = Scrubber::new(book);
    Walk { book, scrubber: &scrubber }.document(document)
}

/// Gives tokens to everything in a document, and counts nothing.
fn learn(document: &Document, book: &mut Book) {
    for account in &document.accounts {
        book.subject(&account.address);
    }
    let tenants = document.tenants.values();
    let sections = tenants.flat_map(|tenant| std::iter::once(&tenant.section).chain(tenant.apps.values()));
    for section in sections.chain(document.accounts.iter().map(|account| &account.section)) {
        for exchange in section.evidence.values() {
            for id in exchange.request_id.iter().chain(&exchange.client_request_id) {
                book.request(id);
            }
        }
        for path in ["sign_in.trace_id", "sign_in.correlation_id"] {
            if let Some(id) = section.get(path).and_then(Value::as_str) {
                book.request(id);
            }
        }
    }
    book.learn(true);
    let scrubber = Scrubber::new(book);
    let mut walk = Walk { book, scrubber: &scrubber };
    for account in &document.accounts {
        walk.account(account);
    }
    walk.document(document);
    book.learn(false);
}

/// Fields of answers that hold words, in small letters.
const WORDS: &[&str] = &["message", "error_description", "errordescription"];

/// Fields of answers that hold codes and kinds.
const CODES: &[&str] = &[
    "@odata.type",
    "classification",
    "code",
    "error",
    "errorcode",
    "protocol",
    "recipienttypedetails",
    "reasonphrase",
    "result",
    "servicestatus",
    "state",
    "status",
    "suberror",
    "token_type",
    "type",
    "usertype",
];

/// Whether a value of a documented set may look like this.
fn is_public(text: &str) -> bool {
    form::is_plain(text) && !form::is_distinguished(text) && !scrub::is_host(text)
}

/// Whether it may be an id that a server gave to a request.
fn is_request_id(text: &str) -> bool {
    form::is_guid(text)
        || text.len() <= 100 && text.chars().all(|c| c.is_ascii_alphanumeric() || "+/=-_".contains(c))
}

struct Walk<'b> {
    book: &'b mut Book,
    scrubber: &'b Scrubber,
}

impl Walk<'_> {
    fn document(&mut self, document: &Document) -> Document {
        let mut shown = document.clone();
        shown.run.facts = self.groups(&document.run.facts);
        shown.tenants = document.tenants.iter().map(|(name, tenant)| self.tenant(name, tenant)).collect();
        shown.accounts = document.accounts.iter().map(|account| self.account(account)).collect();
        shown
    }

    fn tenant(&mut self, name: &str, tenant: &Tenant) -> (String, Tenant) {
        let name = self.formed("tenant", name);
        let apps = tenant.apps.iter();
        let apps =
            apps.map(|(id, section)| (self.app(id), self.section(section))).collect::<BTreeMap<_, _>>();
        (name, Tenant { section: self.section(&tenant.section), apps })
    }

    fn app(&mut self, id: &str) -> String {
        // An unknown app has a name of our own.
        if form::is_guid(id) || !known().is_phrase(id) { self.book.id(id) } else { id.to_owned() }
    }

    fn account(&mut self, account: &Account) -> Account {
        Account {
            address: self.by("account", |walk| walk.book.address(&account.address)),
            tenant: self.formed("tenant", &account.tenant),
            app: account.app.as_deref().map(|id| self.app(id)),
            profile: account.profile.clone(),
            section: self.section(&account.section),
        }
    }

    fn section(&mut self, section: &Section) -> Section {
        let absent = section.absent.iter();
        let evidence = section.evidence.iter();
        Section {
            facts: self.groups(&section.facts),
            absent: absent.map(|(path, absence)| (self.path(path), self.absence(absence))).collect(),
            evidence: evidence.map(|(id, exchange)| (id.clone(), self.exchange(exchange))).collect(),
        }
    }

    fn groups(&mut self, facts: &Map<String, Value>) -> Map<String, Value> {
        facts.iter().map(|(group, value)| (group.clone(), self.value(group, value, &Map::new()))).collect()
    }

    fn by<T>(&mut self, rule: &'static str, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.book.by(rule);
        let done = work(self);
        self.book.by(before);
        done
    }

    /// The value at a path; `beside`: the fields beside it.
    fn value(&mut self, path: &str, value: &Value, beside: &Map<String, Value>) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(path, text, beside)),
            Value::Array(items) => {
                let path = format!("{path}[]");
                Value::Array(items.iter().map(|item| self.value(&path, item, beside)).collect())
            }
            Value::Object(fields) => {
                let known = catalogue::is_known(path);
                let each = |(name, value): (&String, &Value)| {
                    let shown = if known { name.clone() } else { self.key(name) };
                    (shown, self.value(&format!("{path}.{name}"), value, fields))
                };
                Value::Object(fields.iter().map(each).collect())
            }
            plain => plain.clone(),
        }
    }

    /// The name of a field that no catalogue lists.
    fn key(&mut self, name: &str) -> String {
        if known().is_phrase(name) && !name.contains('@') {
            return name.to_owned();
        }
        self.by("undeclared field", |walk| {
            let shown = walk.scrubber.text(walk.book, name, Text::Answer);
            if shown == name && !walk.book.keep { walk.book.named("field", name) } else { shown }
        })
    }

    fn text(&mut self, path: &str, text: &str, beside: &Map<String, Value>) -> String {
        let class = match privacy::of(path) {
            Privacy::Other => {
                let fact = beside.get("fact").and_then(Value::as_str).unwrap_or_default();
                privacy::of(fact)
            }
            class => class,
        };
        if text.is_empty() || form::is_time(text) {
            return text.to_owned();
        }
        self.by("fact", |walk| walk.declared(class, text))
    }

    fn declared(&mut self, class: Privacy, text: &str) -> String {
        match class {
            Privacy::Public if is_public(text) => text.to_owned(),
            Privacy::Public if form::is_guid(text) => {
                self.book.keeps("public id", text);
                text.to_owned()
            }
            Privacy::Request if is_request_id(text) => {
                self.book.keeps("request id", text);
                text.to_owned()
            }
            Privacy::Secret => self.secret(text),
            Privacy::Public | Privacy::Prose | Privacy::Other => self.prose(text),
            Privacy::Agent => self.scrubber.text(self.book, text, Text::Log),
            Privacy::Unknown | Privacy::Request => self.by("undeclared", |walk| walk.formed("text", text)),
            class => names::redact(self.book, class, text),
        }
    }

    fn secret(&mut self, text: &str) -> String {
        self.book.removed("piece of a secret");
        "*".repeat(text.chars().count().min(8))
    }

    /// Words; those that were cut off in the middle of one lose the rest of it.
    fn prose(&mut self, text: &str) -> String {
        let whole = match text.strip_suffix('…') {
            Some(cut) => &cut[..cut.rfind([' ', ',', ';', '>']).unwrap_or(0)],
            None => text,
        };
        let shown = self.scrubber.text(self.book, whole, Text::Answer);
        if whole.len() == text.len() { shown } else { shown + "…" }
    }

    fn formed(&mut self, kind: &'static str, text: &str) -> String {
        names::redact(self.book, Privacy::Formed(kind), text)
    }

    /// A path in the map of what is absent.
    fn path(&mut self, path: &str) -> String {
        let group = path.split(['.', '[']).next().unwrap_or_default();
        if catalogue::group(group).is_some() || known().is_phrase(path) {
            return path.to_owned();
        }
        path.split('.').map(|part| self.key(part)).collect::<Vec<_>>().join(".")
    }

    fn absence(&mut self, absence: &Absence) -> Absence {
        self.by("absence", |walk| {
            let mut words = |text: &Option<String>| text.as_deref().map(|text| walk.prose(text));
            let text = words(&absence.text);
            let plain = |text: &String| text.chars().all(|c| c.is_ascii_alphanumeric() || "._- ".contains(c));
            let (permission, source) = (absence.permission.clone(), absence.source.clone());
            Absence {
                reason: absence.reason,
                permission: permission.filter(plain).or_else(|| words(&absence.permission)),
                source: source.filter(plain).or_else(|| words(&absence.source)),
                text,
            }
        })
    }

    fn exchange(&mut self, exchange: &Exchange) -> Exchange {
        self.by("evidence", |walk| {
            let microsofts = walk.is_public(&exchange.url);
            let mut shown = exchange.clone();
            shown.url = walk.target(&exchange.url);
            for id in exchange.request_id.iter().chain(&exchange.client_request_id) {
                walk.book.keeps("request id", id);
            }
            shown.diagnostics = exchange.diagnostics.as_deref().map(|text| walk.prose(text));
            shown.server = exchange.server.as_deref().map(|server| {
                if microsofts {
                    walk.book.keeps("server of the cloud", server);
                    server.to_owned()
                } else {
                    walk.book.host(server)
                }
            });
            shown.answer = exchange.answer.as_deref().map(|answer| walk.answer(answer));
            shown
        })
    }

    fn is_public(&self, url: &str) -> bool {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = rest.split(['/', ':', ' ', '?']).next().unwrap_or_default();
        known().is_host(host) || self.book.is_kept_host(host)
    }

    /// `https://…`, `NAME TYPE` of a question to DNS, or `HOST:PORT`.
    fn target(&mut self, text: &str) -> String {
        if text.contains("://") {
            return url(self.book, text);
        }
        match text.split_once(' ') {
            Some((host, rest)) => self.book.host(host) + " " + &self.prose(rest),
            None => self.book.host(text),
        }
    }

    /// The beginning of an answer: JSON value by value, everything else as words.
    fn answer(&mut self, text: &str) -> String {
        if self.book.keep || !text.starts_with(['{', '[']) {
            return self.prose(text);
        }
        let mut last = None;
        let cut = |key: &str, piece: &str| {
            last = WORDS.contains(&key.to_ascii_lowercase().as_str()).then(|| piece.to_owned());
            None
        };
        let shown = lenient::each_string(text, |key, value| self.field(key, value), cut);
        // Of words that were cut off, the whole ones stay.
        match last {
            Some(piece) => format!("{}\"{}", shown.trim_end_matches('…'), self.prose(&piece)),
            None => shown,
        }
    }

    /// A text in an answer in JSON.
    fn field(&mut self, key: &str, value: &str) -> String {
        let key = key.to_ascii_lowercase();
        if value.is_empty() || form::is_time(value) {
            return value.to_owned();
        }
        if form::is_guid(value) && super::is_request_field(&key) {
            self.book.keeps("request id", value);
            return value.to_owned();
        }
        if WORDS.contains(&key.as_str()) {
            return self.prose(value);
        }
        if CODES.contains(&key.as_str()) && is_public(value) && !value.contains(' ') {
            return value.to_owned();
        }
        if value.contains("://") {
            return url(self.book, value);
        }
        self.formed("text", value)
    }
}
