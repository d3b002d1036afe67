//! The kinds of values, and how the token of each is written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Book, cased};
use crate::bundle::{
    domain, form,
    words::{self, known},
};

impl Book {
    /// The name of a person or a thing, whose words count by themselves as well.
    pub fn name(&mut self, value: &str) -> String {
        let token = self.named("name", value);
        self.pieces(value);
        let words: Vec<&str> =
            value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        self.spoken(&words, &token.to_lowercase());
        token
    }

    /// The account that the bundle is about: its name is told from those of others.
    pub fn subject(&mut self, address: &str) {
        if let Some((local, _)) = address.rsplit_once('@').filter(|_| !self.keep) {
            let key = ("user".to_owned(), local.to_lowercase());
            if !self.tokens.contains_key(&key) {
                let token =
                    self.learning(|book| book.token("account", local, |number| format!("account-{number}")));
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
        self.seek(local, &token, false);
        self.pieces(local);
        self.spelled(local);
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
    pub(in crate::bundle) fn netbios(&mut self, name: &str) -> String {
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
    pub(in crate::bundle) fn registered(&mut self, domain: &str, label: &str) -> String {
        let token = self.token("domain", domain, |number| format!("domain-{number}"));
        self.seek(label, &token, true);
        cased(&token, label)
    }

    /// A label that names a host or a subdomain.
    pub(in crate::bundle) fn label(&mut self, label: &str) -> String {
        if words::is_host_label(label) {
            return label.to_owned();
        }
        let token = self.token("host", label, |number| format!("host-{number}"));
        if label.chars().any(|c| c.is_ascii_digit()) {
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
