//! Hosts and domains: whose they are is taken out, of which class they are stays.

use super::book::Book;
use super::words::known;

/// Domains below which every customer has a name of its own.
const SHARED: &[&str] = &[
    "azurewebsites.net",
    "b2clogin.com",
    "ciamlogin.com",
    "cloudapp.azure.com",
    "cloudapp.net",
    "core.windows.net",
    "mail.onmicrosoft.com",
    "mail.protection.office365.us",
    "mail.protection.outlook.com",
    "mail.protection.partner.outlook.cn",
    "msappproxy.net",
    "okta.com",
    "oktapreview.com",
    "onmicrosoft.com",
    "onmicrosoft.us",
    "partner.onmschina.cn",
    "pingone.com",
    "sharepoint.com",
    "sharepoint.us",
    "vault.azure.net",
];

/// Ends of names that no public server resolves: they say that a name is an internal one.
const INTERNAL: &[&str] = &[
    "ad",
    "corp",
    "home",
    "internal",
    "intra",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "test",
];

/// The end of a name in the place of a public one. Nobody can register below it.
const PUBLIC: &str = "example";

/// A host or a domain with tokens in the place of names; a port behind it stays.
pub fn redact(book: &mut Book, text: &str) -> String {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, &text[host.len()..]),
        _ => (text, ""),
    };
    if super::form::ip(text).is_some() {
        return book.ip(text);
    }
    let bare = host.trim_end_matches('.');
    if bare.is_empty() || bare.eq_ignore_ascii_case("localhost") || book.keep {
        return text.to_owned();
    }
    redacted(book, bare) + &host[bare.len()..] + port
}

fn redacted(book: &mut Book, host: &str) -> String {
    if host.parse::<std::net::IpAddr>().is_ok() {
        return book.ip(host);
    }
    let lower = host.to_lowercase();
    // Tokens come by again where a text was made of redacted facts.
    if lower.split('.').any(|label| label.starts_with("domain-") && book.is_token(label)) {
        return host.to_owned();
    }
    let shared = SHARED.iter().filter(|suffix| lower.len() > suffix.len() && lower.ends_with(*suffix));
    let shared = shared.filter(|suffix| lower[..lower.len() - suffix.len()].ends_with('.'));
    if let Some(suffix) = shared.max_by_key(|suffix| suffix.len()) {
        return below(book, host, suffix.len(), suffix);
    }
    if known().is_host(&lower) || book.is_kept_host(&lower) {
        book.keeps("host", &lower);
        return host.to_owned();
    }
    let top = lower.rsplit('.').next().unwrap_or_default();
    match psl::suffix(lower.as_bytes()).filter(psl::Suffix::is_known) {
        Some(suffix) if suffix.as_bytes().len() == lower.len() => host.to_owned(),
        Some(suffix) => below(book, host, suffix.as_bytes().len(), PUBLIC),
        None if lower.contains('.') => {
            let end = if INTERNAL.contains(&top) || top == PUBLIC { top } else { "internal" };
            below(book, host, top.len(), end)
        }
        None => book.label(host),
    }
}

/// The name before a suffix of so many bytes, label by label, and the suffix in other words.
fn below(book: &mut Book, host: &str, suffix: usize, shown: &str) -> String {
    let name = host[..host.len() - suffix].trim_end_matches('.');
    let (hosts, label) = name.rsplit_once('.').map_or((None, name), |(hosts, label)| (Some(hosts), label));
    let registered = &host[host.len() - suffix - label.len() - 1..];
    if label == "*" || label.starts_with('_') {
        return format!("{name}.{shown}");
    }
    let mut labels: Vec<String> =
        hosts.into_iter().flat_map(|hosts| hosts.split('.')).map(|label| book.label(label)).collect();
    labels.push(book.registered(registered, label));
    labels.push(shown.to_owned());
    labels.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_domains_stay() {
        let mut book = Book::new(false);
        for (host, shown) in [
            ("contoso.com", "domain-1.example"),
            ("autodiscover.contoso.com", "autodiscover.domain-1.example"),
            ("ex01.eu.contoso.com:443", "host-1.host-2.domain-1.example:443"),
            ("fabrikam.co.uk", "domain-2.example"),
            ("fabrikam.onmicrosoft.com", "domain-3.onmicrosoft.com"),
            ("fabrikam.mail.onmicrosoft.com", "domain-4.mail.onmicrosoft.com"),
            ("corp.fabrikam.local", "host-3.domain-5.local"),
            ("EX01", "HOST-1"),
            ("*.contoso.com", "*.domain-1.example"),
            ("outlook.office365.com", "outlook.office365.com"),
            ("_autodiscover._tcp.contoso.com", "_autodiscover._tcp.domain-1.example"),
            ("contoso-com.mail.protection.outlook.com", "domain-6.mail.protection.outlook.com"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(book.host(host), shown, "{host}");
        }
    }

    #[test]
    fn a_token_is_no_host_to_be_redacted_again() {
        let mut book = Book::new(false);
        let token = book.host("mail.contoso.com");
        assert_eq!(book.host(&token), token);
    }
}
