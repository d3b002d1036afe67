//! What everybody knows: the words of the checks, ids and hosts of Microsoft and of product vendors.
//!
//! None of it tells anything of a customer, so it stays in a bundle, and names that are nothing but such
//! words are not looked for in running text.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::form;
use crate::engine::Catalogue;
use crate::facts::catalogue;

/// Ids that Microsoft gives to its own apps and tenants.
const IDS: &[&str] = &[
    "00000000-0000-0000-0000-000000000000",
    "00000002-0000-0000-c000-000000000000",
    "00000002-0000-0ff1-ce00-000000000000",
    "00000003-0000-0000-c000-000000000000",
    "00000003-0000-0ff1-ce00-000000000000",
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    "14d82eec-204b-4c2f-b7e8-296a70dab67e",
    "1950a258-227b-4e31-a9cf-717495945fc2",
    "1b730954-1685-4b74-9bfd-dac224a7b894",
    "27922004-5251-4030-b22d-91ecd9a37ea4",
    "9188040d-6c67-4b5b-b112-36a304b66dad",
    "a0c73c16-a7e3-4564-9a95-2bdf47383716",
    "d3590ed6-52b3-4102-aeff-aad2292ab01c",
    "de8bc8b5-d9f9-48b1-a8ad-b748da725064",
    "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
    "fb78d390-0c51-40cd-8e17-fdbfab77341b",
];

/// Domains of services that anybody may use, and of authorities that sign anybody's certificates.
const DOMAINS: &[&str] = &[
    "amazontrust.com",
    "digicert.com",
    "entrust.net",
    "github.com",
    "gmail.com",
    "globalsign.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "letsencrypt.org",
    "live.com",
    "microsoftazuread-sso.com",
    "mozilla.org",
    "msauth.net",
    "msftauth.net",
    "office.com",
    "office.net",
    "office365.com",
    "microsoftonline.com",
    "outlook.com",
    "schemas.xmlsoap.org",
    "sectigo.com",
    "w3.org",
    "xmlsoap.org",
    "yahoo.com",
];

/// Names that stand for customers and people in examples, and are no words.
const EXAMPLES: &[&str] = &[
    "adatum",
    "adventure",
    "alice",
    "bob",
    "carol",
    "contoso",
    "doe",
    "erika",
    "fabrikam",
    "jane",
    "john",
    "litware",
    "max",
    "meier",
    "mueller",
    "northwind",
    "tailspin",
    "wingtip",
];

/// Words that logs are full of, beside those of the checks.
const MORE: &str = "january february march april june july august september october november december \
    jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday \
    mon tue wed thu fri sat sun utc gmt cet cest est edt pst pdt am pm \
    debug info information warn warning error err fatal trace notice critical verbose severe exception \
    get post put patch delete head options connect http https tls ssl tcp udp dns soap xml json html utf \
    system net web services data microsoft exchange outlook office azure entra graph windows linux macos \
    java python node php ruby perl golang curl openssl dotnet powershell runtime thread task async await \
    request response header headers body content length type user agent host accept encoding connection keep \
    alive date server via cookie location cache control pragma expires transfer chunked gzip deflate identity \
    retry after backoff attempt timeout cancelled canceled refused reset closed aborted started stopped finished \
    completed skipped success successful succeeded failure failed done ok starting stopping begin end caused by \
    stack line column file method class module function object reference null none true false undefined value \
    handler client worker scheduler queue job batch sync synchronization synchronize syncing mailbox mailboxes \
    calendar calendars contact contacts folder folders item items event events inbox subscription notification \
    impersonation impersonated impersonate delegate service account application tenant directory domain \
    invalid operation argument access denied unauthorized forbidden not found bad gateway unavailable internal \
    transitive member of eligibility schedule instances assignment creation expand metadata entity collection \
    odata context entra directory objects definition delta batch beta admin api invoke command autodiscover \
    federation configuration rollout discovery well known openid oauth token authorize common organizations \
    too many requests moved permanently temporary redirect see other created accepted no partial";

/// Parts of names that many organizations give to hosts, and that say what a host is for.
const HOST_LABELS: &[&str] = &[
    "*",
    "adfs",
    "api",
    "autodiscover",
    "enterpriseenrollment",
    "enterpriseregistration",
    "ews",
    "exchange",
    "fs",
    "hybrid",
    "imap",
    "ldap",
    "legacy",
    "login",
    "lyncdiscover",
    "mail",
    "mobile",
    "msoid",
    "mx",
    "outlook",
    "owa",
    "pop",
    "proxy",
    "relay",
    "remote",
    "smtp",
    "sso",
    "sts",
    "webmail",
    "www",
];

/// Names of groups, roles and resources that every organization has.
const NAMES: &[&str] = &[
    "application impersonation",
    "applicationimpersonation",
    "compliance management",
    "delegated setup",
    "discovery management",
    "everyone",
    "exchange",
    "graph",
    "help desk",
    "hygiene management",
    "microsoft graph",
    "office 365 exchange online",
    "organization management",
    "public folder management",
    "recipient management",
    "records management",
    "server management",
    "um management",
    "view-only organization management",
    "windows azure active directory",
];

/// What is known to everybody.
pub struct Known {
    words: HashSet<String>,
    ids: HashSet<String>,
    domains: HashSet<String>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut known = Known { words: HashSet::new(), ids: HashSet::new(), domains: HashSet::new() };
    for text in Catalogue::embedded_texts() {
        known.learn(text.split("[[example]]").next().unwrap_or_default());
    }
    for group in catalogue::GROUPS {
        known.learn(group.doc);
        for fact in group.facts {
            known.learn(&fact.path.replace('_', " "));
            known.learn(fact.doc);
        }
    }
    known.words.extend(MORE.split_whitespace().map(str::to_owned));
    known.ids.extend(IDS.iter().map(|id| (*id).to_owned()));
    known.domains.extend(DOMAINS.iter().map(|domain| (*domain).to_owned()));
    known.words.retain(|word| !EXAMPLES.contains(&word.as_str()));
    known.domains.retain(|domain| !EXAMPLES.iter().any(|name| domain.contains(name)));
    known
});

/// What the program brings along.
pub fn known() -> &'static Known {
    &KNOWN
}

impl Known {
    fn learn(&mut self, text: &str) {
        for chunk in text.split_whitespace() {
            // Pieces of a word with an escaped letter (`inv\u00e1li`) are nobody's words.
            if chunk.contains('@') || chunk.contains("\\u") {
                continue;
            }
            for (at, _) in chunk.match_indices("://") {
                let host: String = chunk[at + 3..]
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || ".-".contains(*c))
                    .collect();
                self.domains.extend(psl::domain_str(&host).map(str::to_lowercase));
            }
            self.ids.extend(form::guids(chunk).map(|range| chunk[range].to_lowercase()));
            for part in parts(chunk) {
                self.words.insert(part.to_lowercase());
            }
        }
    }

    /// Whether it is one word, and everybody's.
    pub fn is_word(&self, word: &str) -> bool {
        word.chars().count() < 2 || self.words.contains(&word.to_lowercase())
    }

    /// Whether it is made of nothing but everybody's words.
    pub fn is_phrase(&self, text: &str) -> bool {
        let number = text.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() >= 7);
        let number = number || form::ip(text).is_some();
        !number && form::guids(text).next().is_none() && parts(text).all(|part| self.is_word(part))
    }

    /// Whether an id is Microsoft's or a vendor's.
    pub fn is_id(&self, id: &str) -> bool {
        self.ids.contains(&id.to_ascii_lowercase())
    }

    /// Whether a host belongs to a service that anybody may use.
    pub fn is_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.domains.contains(&host)
            || psl::domain_str(&host).is_some_and(|domain| self.domains.contains(domain))
    }

    /// Whether every organization has something of this name.
    pub fn is_name(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let microsofts = ["microsoft ", "office 365 ", "azure ", "windows azure ", "application "];
        NAMES.contains(&name.as_str())
            || microsofts.iter().any(|lead| name.starts_with(lead)) && self.is_phrase(&name)
    }
}

/// Whether a label says what a host is for, and nothing of who has it.
pub fn is_host_label(label: &str) -> bool {
    label.starts_with('_') || HOST_LABELS.contains(&label.to_ascii_lowercase().as_str())
}

/// The words of a text: runs of letters, taken apart where small letters are followed by a capital.
pub fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic()).filter(|run| !run.is_empty()).flat_map(humps)
}

fn humps(run: &str) -> Vec<&str> {
    let chars: Vec<(usize, char)> = run.char_indices().collect();
    let (mut found, mut start) = (Vec::new(), 0);
    for index in 1..chars.len() {
        let (at, here) = chars[index];
        let before = chars[index - 1].1;
        let next_is_small = chars.get(index + 1).is_some_and(|(_, next)| next.is_lowercase());
        if here.is_uppercase() && (before.is_lowercase() || before.is_uppercase() && next_is_small) {
            found.push(&run[start..at]);
            start = at;
        }
    }
    found.push(&run[start..]);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_checks_are_known_and_names_of_examples_are_not() {
        assert!(known().is_phrase("the mailbox is not enabled"));
        assert!(known().is_phrase("MailboxNotEnabled"));
        for name in ["contoso", "Alice", "Fabrikam", "Kowalczyk"] {
            assert!(!known().is_word(name), "{name}");
        }
    }

    #[test]
    fn ids_and_hosts_of_microsoft_are_known() {
        assert!(known().is_id("00000003-0000-0000-C000-000000000000"));
        assert!(known().is_host("learn.microsoft.com") && !known().is_host("autodiscover.contoso.com"));
        assert!(known().is_name("Organization Management") && !known().is_name("Contoso Management"));
    }

    #[test]
    fn words_are_taken_apart_at_capitals() {
        assert_eq!(parts("EWSAccess_toMailbox2").collect::<Vec<_>>(), ["EWS", "Access", "to", "Mailbox"]);
    }
}
