//! Whom a log speaks of: addresses, apps and tenants in the lines of its failures, beside those of the
//! account that is looked at.

use serde_json::Value;

use crate::{
    bundle::is_guid,
    facts::{Account, Document},
    knowledge::diagnosis::Diagnosis,
};

/// How far before an id the word that says what it is may stand, in bytes.
const BEFORE: usize = 48;

/// Words before an id, and what they make of it.
const WORDS: &[(&str, Kind)] = &[
    ("app", Kind::App),
    ("client", Kind::App),
    ("tenant", Kind::Tenant),
    ("directory", Kind::Tenant),
    ("microsoftonline.com/", Kind::Tenant),
    ("sts.windows.net/", Kind::Tenant),
    ("trace", Kind::Other),
    ("correlation", Kind::Other),
    ("request", Kind::Other),
    ("session", Kind::Other),
    ("resource", Kind::Other),
    ("user", Kind::Other),
    ("object", Kind::Other),
    ("device", Kind::Other),
    ("policy", Kind::Other),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    App,
    Tenant,
    Other,
}

/// Whom it speaks of.
#[derive(Debug, Default, PartialEq, Eq)]
struct Names {
    addresses: Vec<String>,
    apps: Vec<String>,
    tenants: Vec<String>,
}

/// What in a log is about somebody else than the account, in sentences.
pub fn differs(diagnosis: &Diagnosis, account: &Account, document: &Document) -> Vec<String> {
    let mut names = Names::default();
    for line in diagnosis.failures.iter().flat_map(|failure| &failure.lines) {
        read(&line.text, &mut names);
    }
    let section = |path: &str| account.section.get(path).and_then(Value::as_str);
    let mut found = Vec::new();
    let app = section("subject.client_id").or(account.app.as_deref());
    if let Some(own) = app
        && other(&names.apps, &[own])
    {
        found.push(format!(
            "The log is about app {}; the account's product is app {own}.",
            names.apps.join(", ")
        ));
    }
    let tenant = document.tenants.get(&account.tenant);
    let id = tenant.and_then(|tenant| tenant.section.get("tenant.id")).and_then(Value::as_str);
    let domain = account.address.rsplit('@').next().unwrap_or_default();
    let ids = names.tenants.iter().any(|name| is_guid(name));
    // Ids are told from ids, and names from names.
    let known: Vec<&str> = [account.tenant.as_str(), domain].into_iter().chain(id).collect();
    if (id.is_some() || !ids) && other(&names.tenants, &known) {
        let own = id.map_or_else(|| account.tenant.clone(), |id| format!("{} ({id})", account.tenant));
        found.push(format!("The log is about tenant {}; the account's is {own}.", names.tenants.join(", ")));
    }
    let domains = names.addresses.iter().filter_map(|address| address.rsplit('@').next());
    let domains: Vec<String> = domains.map(ToOwned::to_owned).collect();
    let own = section("subject.username").and_then(|name| name.rsplit_once('@')).map(|(_, domain)| domain);
    let known: Vec<&str> = [domain, &account.tenant].into_iter().chain(own).collect();
    if other(&domains, &known) {
        let shown: Vec<&str> = names.addresses.iter().take(3).map(String::as_str).collect();
        found.push(format!("The log is about {}; the account is {}.", shown.join(", "), account.address));
    }
    found
}

/// Whether some are named, and none of them is known.
fn other(named: &[String], known: &[&str]) -> bool {
    !named.is_empty() && !named.iter().any(|name| known.iter().any(|own| own.eq_ignore_ascii_case(name)))
}

fn read(line: &str, names: &mut Names) {
    let sign = |c: char| !(c.is_ascii_alphanumeric() || "-_.@+".contains(c));
    let mut at = 0;
    for word in line.split(sign) {
        let start = at;
        // The signs between words are of any width.
        at += word.len() + line[at + word.len()..].chars().next().map_or(0, char::len_utf8);
        let word = word.trim_matches(['.', '-', '_']);
        let list = if is_guid(word) && !word.starts_with("0000000") {
            match kind(&line[..start]) {
                Kind::App => &mut names.apps,
                Kind::Tenant => &mut names.tenants,
                Kind::Other => continue,
            }
        } else if is_address(word) {
            &mut names.addresses
        } else if line[..start].ends_with("microsoftonline.com/") && word.contains('.') {
            &mut names.tenants
        } else {
            continue;
        };
        if !list.iter().any(|known| known.eq_ignore_ascii_case(word)) && list.len() < 8 {
            list.push(word.to_owned());
        }
    }
}

/// What the nearest word before an id makes of it.
fn kind(before: &str) -> Kind {
    let mut from = before.len().saturating_sub(BEFORE);
    while !before.is_char_boundary(from) {
        from += 1;
    }
    let near = before[from..].to_ascii_lowercase();
    let places = WORDS.iter().filter_map(|(word, kind)| Some((near.rfind(word)?, *kind)));
    places.max_by_key(|(at, _)| *at).map_or(Kind::Other, |(_, kind)| kind)
}

fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && domain.contains('.') && !domain.contains('@') && !domain.ends_with('.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Names {
        let mut names = Names::default();
        read(line, &mut names);
        names
    }

    #[test]
    fn the_nearest_word_says_what_an_id_is() {
        let found = names(
            "AADSTS700016: Application with identifier '5b1e0c1e-0000-4000-8000-00000000a001' was not found in the \
             directory '7777aaaa-0000-4000-8000-000000000001'. Trace ID: 1234aaaa-0000-4000-8000-000000000001",
        );
        assert_eq!(found.apps, ["5b1e0c1e-0000-4000-8000-00000000a001"]);
        assert_eq!(found.tenants, ["7777aaaa-0000-4000-8000-000000000001"]);
    }

    #[test]
    fn addresses_and_the_tenant_of_a_sign_in_are_found() {
        let found = names(
            "POST https://login.microsoftonline.com/fabrikam.com/oauth2 for <Jo.Doe@fabrikam.com>: é 401",
        );
        assert_eq!(found.addresses, ["Jo.Doe@fabrikam.com"]);
        assert_eq!(found.tenants, ["fabrikam.com"]);
        assert_eq!(names("Microsoft's own 00000003-0000-0000-c000-000000000000 app"), Names::default());
    }

    #[test]
    fn a_client_request_id_is_no_app() {
        assert_eq!(names("client-request-id: 5b1e0c1e-0000-4000-8000-00000000a001"), Names::default());
    }
}
