//! The book of tokens: which value has which token in this bundle.
//!
//! Tokens are numbered as values come up, so nothing of a value can be worked out from its token. The
//! same value has the same token in whatever letter case; how it was written (small, capital, mixed)
//! stays visible, because services tell some names apart by it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::domain;
use super::form;
use super::words::{self, known};

/// Most values that get a token of their own.
const MOST: usize = 200_000;

/// Kinds of values that are told apart although they may be written alike.
const NAMED: &[&str] =
    &["account", "domain", "host", "id", "relative identifier", "security identifier", "user"];

/// A value for which running text is searched.
#[derive(Debug, Clone)]
pub struct Needle {
    /// The value as it was first seen.
    pub value: String,
    /// Its token in small letters.
    pub token: String,
    /// Only this letter case counts: it is made of everybody's words.
    pub exact: bool,
    /// It counts inside longer words too.
    pub inside: bool,
}

/// How often values of a kind were replaced in a file, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// File in the bundle.
    pub file: String,
    /// Kind of value.
    pub kind: String,
    /// What told it.
    pub rule: &'static str,
}

/// Values, tokens, and what was counted.
#[derive(Debug, Default)]
pub struct Book {
    /// Personal values stay; secrets go nevertheless.
    pub keep: bool,
    tokens: HashMap<(String, String), String>,
    counts: BTreeMap<String, usize>,
    issued: HashSet<String>,
    first: BTreeMap<String, String>,
    needles: Vec<Needle>,
    sought: HashSet<String>,
    requests: HashSet<String>,
    file: String,
    rule: &'static str,
    learning: bool,
    lines: BTreeMap<Line, u64>,
    kept: BTreeMap<&'static str, std::collections::BTreeSet<String>>,
    full: bool,
    hosts: Option<fn(&str) -> bool>,
}

impl Book {
    /// An empty book; `keep`: personal values stay as they are.
    pub fn new(keep: bool) -> Self {
        Self { keep, ..Self::default() }
    }

    /// Hosts that stay, beside those of [`known`].
    #[must_use]
    pub fn keeping_hosts(mut self, hosts: fn(&str) -> bool) -> Self {
        self.hosts = Some(hosts);
        self
    }

    pub(super) fn is_kept_host(&self, host: &str) -> bool {
        self.hosts.is_some_and(|keeps| keeps(host))
    }

    /// From here on values stand in this file.
    pub fn open(&mut self, file: &str) {
        file.clone_into(&mut self.file);
    }

    /// From here on values are told by this rule; gives the rule before.
    pub fn by(&mut self, rule: &'static str) -> &'static str {
        std::mem::replace(&mut self.rule, rule)
    }

    /// From here on values get tokens, and are not counted.
    pub fn learn(&mut self, learning: bool) {
        self.learning = learning;
    }

    fn count(&mut self, kind: &str) {
        if !self.learning {
            let line = Line { file: self.file.clone(), kind: kind.to_owned(), rule: self.rule };
            *self.lines.entry(line).or_default() += 1;
        }
    }

    /// Counts a value that was found once more by its token.
    pub fn again(&mut self, token: &str) {
        let kind = token.rsplit_once('-').map_or(token, |(kind, _)| kind).to_owned();
        self.count(&kind);
    }

    /// Counts a secret that was removed.
    pub fn removed(&mut self, kind: &str) {
        let before = self.by("secret");
        self.count(kind);
        self.rule = before;
    }

    /// Notes a value that stays.
    pub fn keeps(&mut self, what: &'static str, value: &str) {
        let kept = self.kept.entry(what).or_default();
        if kept.len() < 1000 {
            kept.insert(value.to_lowercase());
        }
    }

    /// Whether this is a token of this book.
    pub fn is_token(&self, text: &str) -> bool {
        self.issued.contains(&text.to_lowercase())
    }

    /// An id by which a vendor finds a request: it stays wherever it stands.
    pub fn request(&mut self, id: &str) {
        if self.requests.len() < MOST {
            self.requests.insert(id.to_lowercase());
        }
    }

    /// Whether it is such an id.
    pub fn is_request(&self, id: &str) -> bool {
        self.requests.contains(&id.to_lowercase())
    }

    /// What was replaced, and how often.
    pub fn lines(&self) -> &BTreeMap<Line, u64> {
        &self.lines
    }

    /// What stayed on purpose, by kind.
    pub fn kept(&self) -> impl Iterator<Item = (&'static str, Vec<&str>)> {
        self.kept.iter().map(|(what, values)| (*what, values.iter().map(String::as_str).collect()))
    }

    /// Number of values by kind of token.
    pub fn values(&self) -> &BTreeMap<String, usize> {
        &self.counts
    }

    /// Token → value, as it was first seen.
    pub fn reverse(&self) -> &BTreeMap<String, String> {
        &self.first
    }

    /// What running text is searched for.
    pub fn needles(&self) -> &[Needle] {
        &self.needles
    }

    /// There were more values than tokens.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// The token of a value in a group of its own numbers; `make` writes a number down.
    fn token(&mut self, kind: &str, value: &str, make: impl Fn(usize) -> String) -> String {
        if self.keep {
            return value.to_owned();
        }
        self.count(kind);
        // A name is the same name whatever bears it: the group, the app, the line of a log.
        let space = if NAMED.contains(&kind) { kind } else { "" };
        let key = (space.to_owned(), value.to_lowercase());
        if let Some(token) = self.tokens.get(&key) {
            return token.clone();
        }
        if self.tokens.len() >= MOST {
            self.full = true;
            return make(0);
        }
        let number = self.counts.entry(kind.to_owned()).or_default();
        *number += 1;
        let token = make(*number);
        self.issued.insert(token.clone());
        self.first.insert(token.clone(), value.to_owned());
        self.tokens.insert(key, token.clone());
        token
    }

    /// A name: `group-3`. Running text is searched for it from now on.
    pub fn named(&mut self, kind: &str, value: &str) -> String {
        let value = value.trim();
        let token = self.token(kind, value, |number| format!("{kind}-{number}"));
        if !self.keep {
            self.seek(value, &token, false);
        }
        cased(&token, value)
    }

    fn seek(&mut self, value: &str, token: &str, inside: bool) {
        let letters = value.chars().filter(|c| c.is_alphabetic()).count();
        let word = words::parts(value).count() <= 1 && known().is_word(value);
        if letters < 3 || value.len() > 400 || word || known().is_name(value) {
            return;
        }
        if self.sought.insert(value.to_lowercase()) {
            let exact = known().is_phrase(value);
            let inside = inside && letters >= 5 && !exact;
            self.needles.push(Needle { value: value.to_owned(), token: token.to_owned(), exact, inside });
        }
    }

    /// The name of a person or a thing, whose words count by themselves as well.
    pub fn name(&mut self, value: &str) -> String {
        let token = self.named("name", value);
        if !self.keep {
            self.pieces(value);
            let words: Vec<&str> =
                value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
            self.spoken(&words, &token.to_lowercase());
        }
        token
    }

    /// The other ways in which the name of a person is written: `Doe, Jane`, `jane.doe`, `jdoe`.
    fn spoken(&mut self, words: &[&str], token: &str) {
        let person = |word: &&str| word.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '’');
        let [first, middle @ .., last] = words else { return };
        if middle.len() > 2 || !words.iter().all(person) || words.iter().all(|word| known().is_phrase(word)) {
            return;
        }
        let whole = [&[*first], middle].concat().join(" ");
        let mut ways = vec![format!("{last}, {whole}"), format!("{last} {whole}"), format!("{whole} {last}")];
        for (one, other) in [(first, last), (last, first)] {
            let initial: String = one.chars().take(1).collect();
            ways.extend([" ", ", ", ".", "_", "-"].map(|between| format!("{one}{between}{other}")));
            ways.extend(["", ".", ". "].map(|between| format!("{initial}{between}{other}")));
        }
        for way in ways.iter().filter(|way| way.chars().count() >= 4) {
            self.seek(way, token, false);
        }
    }

    /// The name that an address is made of: `jane.doe@…` is Jane Doe's.
    fn spelled(&mut self, local: &str) {
        let words: Vec<&str> = local.split(['.', '_']).collect();
        let fits =
            |word: &&str| word.chars().count() >= 2 && word.chars().all(|c| c.is_alphabetic() || c == '-');
        if !(2..=3).contains(&words.len()) || !words.iter().all(fits) || known().is_phrase(local) {
            return;
        }
        let learning = std::mem::replace(&mut self.learning, true);
        let name = words.join(" ");
        let token = self.token("name", &name, |number| format!("name-{number}"));
        self.learning = learning;
        self.seek(&name, &token, false);
        let words: Vec<&str> = words.iter().flat_map(|word| word.split('-')).collect();
        self.spoken(&words, &token);
    }

    /// The words of a name: in running text they often stand alone.
    fn pieces(&mut self, value: &str) {
        let pieces: Vec<&str> = value.split(|c: char| !c.is_alphanumeric()).collect();
        if pieces.len() < 2 || pieces.len() > 6 {
            return;
        }
        for piece in pieces {
            let fits = piece.chars().count() >= 4
                && piece.chars().all(char::is_alphabetic)
                && !known().is_phrase(piece);
            if fits && !self.sought.contains(&piece.to_lowercase()) {
                let learning = std::mem::replace(&mut self.learning, true);
                let token = self.token("name", piece, |number| format!("name-{number}"));
                self.learning = learning;
                self.seek(piece, &token, false);
            }
        }
    }

    /// The account that the bundle is about: its name is told from those of others.
    pub fn subject(&mut self, address: &str) {
        if let Some((local, _)) = address.rsplit_once('@').filter(|_| !self.keep) {
            let key = ("user".to_owned(), local.to_lowercase());
            if !self.tokens.contains_key(&key) {
                let learning = std::mem::replace(&mut self.learning, true);
                let token = self.token("account", local, |number| format!("account-{number}"));
                self.learning = learning;
                self.tokens.insert(key, token);
            }
        }
    }

    /// The part of an address before the `@`, or a sign-in name without domain.
    pub fn local(&mut self, local: &str) -> String {
        if form::is_guid(local) {
            return self.id(local);
        }
        if let Some(at) = local.to_ascii_lowercase().find("#ext#") {
            return self.local(&local[..at]) + &local[at..];
        }
        let token = self.token("user", local, |number| format!("user-{number}"));
        if !self.keep {
            self.seek(local, &token, false);
            self.pieces(local);
            self.spelled(local);
        }
        cased(&token, local)
    }

    /// A mail address or sign-in name.
    pub fn address(&mut self, address: &str) -> String {
        match address.rsplit_once('@') {
            Some((local, domain)) => {
                let local = self.local(local);
                local + "@" + &self.host(domain)
            }
            None if address.contains('\\') => self.down_level(address),
            None => self.local(address),
        }
    }

    /// `DOMAIN\user`.
    pub fn down_level(&mut self, name: &str) -> String {
        let (domain, user) = name.split_once('\\').unwrap_or(("", name));
        let domain = self.netbios(domain);
        domain + "\\" + &self.local(user)
    }

    /// The first label of a domain by itself.
    pub(super) fn netbios(&mut self, name: &str) -> String {
        if name.is_empty() || ["NT AUTHORITY", "BUILTIN", "."].contains(&name) {
            return name.to_owned();
        }
        let same =
            self.needles.iter().find(|needle| needle.inside && needle.value.eq_ignore_ascii_case(name));
        match same.map(|needle| needle.token.clone()) {
            Some(token) => {
                self.count("domain");
                cased(&token, name)
            }
            None => self.named("domain", name),
        }
    }

    /// A host, or a domain: its class stays, and what everybody knows.
    pub fn host(&mut self, host: &str) -> String {
        domain::redact(self, host)
    }

    /// The label under which a customer registered a domain.
    pub(super) fn registered(&mut self, domain: &str, label: &str) -> String {
        let token = self.token("domain", domain, |number| format!("domain-{number}"));
        if !self.keep {
            self.seek(label, &token, true);
        }
        cased(&token, label)
    }

    /// A label that names a host or a subdomain.
    pub(super) fn label(&mut self, label: &str) -> String {
        if words::is_host_label(label) {
            return label.to_owned();
        }
        let token = self.token("host", label, |number| format!("host-{number}"));
        if !self.keep && label.chars().any(|c| c.is_ascii_digit()) {
            self.seek(label, &token, false);
        }
        cased(&token, label)
    }

    /// An id of an object, as an id. Well-known ones stay.
    pub fn id(&mut self, id: &str) -> String {
        if !form::is_guid(id) {
            return if form::is_address(id) { self.address(id) } else { self.named("id", id) };
        }
        if known().is_id(id) || self.is_request(id) {
            self.keeps("id", id);
            return id.to_owned();
        }
        self.token("id", id, |number| format!("1d000000-0000-8000-8000-{number:012}"))
    }

    /// An address of a host, as one of the same class; a port stays.
    pub fn ip(&mut self, text: &str) -> String {
        let Some((ip, rest)) = form::ip(text) else { return self.host(text) };
        if ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() {
            self.keeps("address of no host", &ip.to_string());
            return text.to_owned();
        }
        let (kind, make) = class(ip);
        let shown = self.token(kind, &ip.to_string(), |number| make(number).to_string());
        if text.starts_with('[') { format!("[{shown}]{rest}") } else { shown + rest }
    }

    /// The digest of a certificate, as one of the same length.
    pub fn thumbprint(&mut self, text: &str) -> String {
        let width = text.len().max(8);
        self.token("thumbprint", text, |number| format!("{number:0width$}"))
    }

    /// A security identifier; those that every system has stay.
    pub fn sid(&mut self, text: &str) -> String {
        let upper = text.to_ascii_uppercase();
        let Some((domain, relative)) = upper.strip_prefix("S-1-5-21-").and_then(|rest| rest.rsplit_once('-'))
        else {
            return text.to_owned();
        };
        let kind = "security identifier";
        if self.keep {
            return text.to_owned();
        }
        let domain = self.token(kind, domain, |number| format!("S-1-5-21-0-0-{number}"));
        match relative.parse::<u32>() {
            Ok(known) if known < 1000 => format!("{domain}-{known}"),
            _ => self.token(kind, &upper, |number| format!("{domain}-{}", 10_000 + number)),
        }
    }
}

fn class(ip: IpAddr) -> (&'static str, fn(usize) -> IpAddr) {
    match ip {
        IpAddr::V4(ip) if ip.is_link_local() => ("link-local IPv4 address", |n| v4([169, 254], n)),
        IpAddr::V4(ip) if ip.is_private() => ("private IPv4 address", |n| v4([10, 64], n)),
        IpAddr::V4(_) => ("public IPv4 address", |n| v4([198, 18], n)),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => ("link-local IPv6 address", |n| v6(0xfe80, 0, n)),
        IpAddr::V6(ip) if ip.is_unique_local() => ("private IPv6 address", |n| v6(0xfd00, 0, n)),
        IpAddr::V6(_) => ("public IPv6 address", |n| v6(0x2001, 0xdb8, n)),
    }
}

fn v4([a, b]: [u8; 2], number: usize) -> IpAddr {
    let [.., more, c, d] = number.to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(a, b.wrapping_add(more), c, d))
}

fn v6(a: u16, b: u16, number: usize) -> IpAddr {
    let number = u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    let [high, low] = [[number[0], number[1]], [number[2], number[3]]].map(u16::from_be_bytes);
    IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, 0, high, low))
}

/// A token in the letters of what it stands for: small, capital, or mixed.
pub fn cased(token: &str, value: &str) -> String {
    let letters: Vec<char> = value.chars().filter(|c| c.is_alphabetic()).collect();
    let (small, capital) =
        (letters.iter().any(|c| c.is_lowercase()), letters.iter().any(|c| c.is_uppercase()));
    match (small, capital) {
        (false, true) => token.to_uppercase(),
        (true, true) => {
            let mut chars = token.chars();
            chars
                .next()
                .map(|first| first.to_uppercase().collect::<String>() + chars.as_str())
                .unwrap_or_default()
        }
        _ => token.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_has_the_same_token_and_its_letters_stay_visible() {
        let mut book = Book::new(false);
        let token = book.address("alice@contoso.com");
        assert_eq!(token, "user-1@domain-1.example");
        assert_eq!(book.address("ALICE@contoso.com"), "USER-1@domain-1.example");
        assert_eq!(book.address("Alice@Contoso.com"), "User-1@Domain-1.example");
        assert_eq!(book.address("bob@contoso.onmicrosoft.com"), "user-2@domain-2.onmicrosoft.com");
    }

    #[test]
    fn the_account_is_recognized() {
        let mut book = Book::new(false);
        book.subject("svc-sync@contoso.com");
        assert_eq!(book.address("svc-sync@contoso.com"), "account-1@domain-1.example");
        assert_eq!(book.local("svc-sync"), "account-1");
    }

    #[test]
    fn ids_stay_ids_and_those_of_microsoft_stay() {
        let mut book = Book::new(false);
        let token = book.id("5B1E0C1E-0000-4000-8000-00000000A001");
        assert!(form::is_guid(&token), "{token}");
        assert_eq!(book.id("5b1e0c1e-0000-4000-8000-00000000a001"), token);
        assert_eq!(book.id("00000003-0000-0000-c000-000000000000"), "00000003-0000-0000-c000-000000000000");
    }

    #[test]
    fn the_class_of_an_address_stays() {
        let mut book = Book::new(false);
        assert_eq!(book.ip("192.168.7.9:53"), "10.64.0.1:53");
        assert_eq!(book.ip("203.0.113.7"), "198.18.0.1");
        assert_eq!(book.ip("2a00:1450::5"), "2001:db8::1");
        assert_eq!(book.ip("127.0.0.1"), "127.0.0.1");
    }

    #[test]
    fn who_keeps_personal_values_gets_them() {
        let mut book = Book::new(true);
        assert_eq!(book.address("alice@contoso.com"), "alice@contoso.com");
        assert_eq!(book.named("group", "Sales EMEA"), "Sales EMEA");
    }

    #[test]
    fn sids_keep_what_every_domain_has() {
        let mut book = Book::new(false);
        assert_eq!(book.sid("S-1-5-21-1004336348-1177238915-682003330-512"), "S-1-5-21-0-0-1-512");
        assert_eq!(book.sid("S-1-5-21-1004336348-1177238915-682003330-1104"), "S-1-5-21-0-0-1-10002");
        assert_eq!(book.sid("S-1-5-18"), "S-1-5-18");
    }
}
