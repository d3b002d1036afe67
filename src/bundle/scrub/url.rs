//! URLs: host, path and query part by part.

use super::{Found, patterns};
use crate::bundle::{
    book::Book,
    form,
    words::{self, known},
};

/// URLs in a text.
pub(super) fn find(book: &mut Book, text: &str) -> Found {
    let mut found = Found::new();
    for (at, _) in text.match_indices("://") {
        let scheme = text[..at]
            .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '+')
            .map_or(0, |last| last + text[last..].chars().next().map_or(1, char::len_utf8));
        let end = text[at..]
            .find(|c: char| c.is_whitespace() || "\"'<>`|\\^{}\u{2026}".contains(c))
            .map_or(text.len(), |length| at + length);
        let whole = text[scheme..end].trim_end_matches(['.', ',', ';', ')', ']', ':']);
        if scheme < at && whole.len() > at - scheme + 3 {
            found.push((scheme..scheme + whole.len(), redact(book, whole)));
        }
    }
    found
}

/// A URL with tokens in the place of names.
pub fn redact(book: &mut Book, url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://").filter(|_| !book.keep) else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let shown = if host.is_empty() { String::new() } else { book.host(host) };
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let segments: Vec<String> = path.split('/').map(|segment| part(book, segment)).collect();
    let query = query.map(|query| {
        let pairs: Vec<String> = query.split('&').map(|pair| self::pair(book, pair)).collect();
        format!("?{}", pairs.join("&"))
    });
    format!("{scheme}://{shown}{}{}", segments.join("/"), query.unwrap_or_default())
}

fn pair(book: &mut Book, pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, value)) => format!("{}={}", part(book, name), expression(book, value)),
        None => part(book, pair),
    }
}

/// A value of a query, which may be an expression with several values in it.
fn expression(book: &mut Book, text: &str) -> String {
    let plain = decode(text);
    let mut shown = String::new();
    for (index, value) in plain.split('\'').enumerate() {
        if index > 0 {
            shown.push('\'');
        }
        if index % 2 == 1 {
            shown.push_str(&value_of(book, value));
            continue;
        }
        for part in value.split_inclusive([' ', ',']) {
            let word = part.trim_end_matches([' ', ',']);
            shown.push_str(&value_of(book, word));
            shown.push_str(&part[word.len()..]);
        }
    }
    encode(&shown, text)
}

/// One segment of a path, or the name of a parameter.
fn part(book: &mut Book, text: &str) -> String {
    let plain = decode(text);
    encode(&value_of(book, &plain), text)
}

/// A value as it stands after decoding.
fn value_of(book: &mut Book, text: &str) -> String {
    if let Some((lead, value)) =
        text.split_once(':').filter(|(lead, _)| ["smtp", "sip", "SMTP", "upn"].contains(lead))
    {
        return format!("{lead}:{}", value_of(book, value));
    }
    if text.is_empty()
        || book.is_token(text)
        || known().is_phrase(text) && !text.contains('@') && !has_long_number(text)
    {
        return text.to_owned();
    }
    match () {
        () if text.contains("://") => redact(book, text),
        () if form::is_guid(text) => book.id(text),
        () if form::ip(text).is_some() => book.ip(text),
        () if form::is_address(text) && !text.contains(['(', '/']) => {
            let tokens = text.split(['@', '.']).next().is_some_and(|local| book.is_token(local));
            if tokens { text.to_owned() } else { book.address(text) }
        }
        () if form::is_time(text) => text.to_owned(),
        () if form::is_host(text) && psl::domain(text.as_bytes()).is_some_and(|d| d.suffix().is_known()) => {
            book.host(text)
        }
        () => pieces(book, text),
    }
}

/// A value of several parts: those that everybody knows stay.
fn pieces(book: &mut Book, text: &str) -> String {
    let mut found = patterns::ids(book, text);
    found.extend(patterns::addresses(book, text));
    found.sort_by_key(|(range, _)| range.start);
    let (mut shown, mut at) = (String::new(), 0);
    for (range, token) in found {
        if range.start >= at {
            shown.push_str(&rest(book, &text[at..range.start]));
            shown.push_str(&token);
            at = range.end;
        }
    }
    shown + &rest(book, &text[at..])
}

fn rest(book: &mut Book, text: &str) -> String {
    let plain = text.split(|c: char| !c.is_alphanumeric()).all(|word| {
        word.is_empty() || book.is_token(word) || words::parts(word).all(|part| known().is_word(part))
    });
    let short = text.chars().all(|c| !c.is_alphabetic()) && !has_long_number(text);
    if text.is_empty() || (plain && !has_long_number(text)) || short || book.is_token(text) {
        return text.to_owned();
    }
    book.named("path", text)
}

fn has_long_number(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() >= 7)
}

fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = digits.filter(|_| bytes[at] == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        plain.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// Written again as it was: signs that were encoded before are encoded again.
fn encode(plain: &str, before: &str) -> String {
    if !before.contains('%') {
        return plain.to_owned();
    }
    let mut shown = String::new();
    for c in plain.chars() {
        let was = |code: &str| before.to_ascii_uppercase().contains(code);
        match c {
            ' ' => shown.push_str("%20"),
            '@' if was("%40") => shown.push_str("%40"),
            '\'' if was("%27") => shown.push_str("%27"),
            '/' if was("%2F") => shown.push_str("%2F"),
            ':' if was("%3A") => shown.push_str("%3A"),
            '%' => shown.push_str("%25"),
            '&' => shown.push_str("%26"),
            '#' => shown.push_str("%23"),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_knows_stays() {
        let mut book = Book::new(false);
        for url in [
            "https://outlook.office365.com/EWS/Exchange.asmx",
            "https://graph.microsoft.com/v1.0/policies/homeRealmDiscoveryPolicies",
            "https://graph.microsoft.com/v1.0/users?$select=id,userPrincipalName",
        ] {
            assert_eq!(redact(&mut book, url), url);
        }
    }

    #[test]
    fn names_in_paths_and_queries_go() {
        let mut book = Book::new(false);
        for (url, shown) in [
            ("https://mail.contoso.com/EWS/Exchange.asmx", "https://mail.domain-1.example/EWS/Exchange.asmx"),
            (
                "https://graph.microsoft.com/v1.0/users/alice%40contoso.com",
                "https://graph.microsoft.com/v1.0/users/user-1%40domain-1.example",
            ),
            (
                "https://graph.microsoft.com/v1.0/users?$filter=proxyAddresses/any(p:p%20eq%20%27smtp:alice@contoso.com%27)",
                "https://graph.microsoft.com/v1.0/users?$filter=proxyAddresses/any(p:p%20eq%20%27smtp:user-1@domain-1.example%27)",
            ),
            ("https://svc:hunter2@mail.contoso.com/x", "https://mail.domain-1.example/x"),
            (
                "https://login.microsoftonline.com/5b1e0c1e-0000-4000-8000-00000000a001/oauth2/v2.0/token",
                "https://login.microsoftonline.com/1d000000-0000-8000-8000-000000000001/oauth2/v2.0/token",
            ),
        ] {
            assert_eq!(redact(&mut book, url), shown);
        }
        let shown = redact(&mut book, "https://x.contoso.com/people/Kowalczyk?owner=Zielinska");
        assert!(!shown.contains("owalczyk") && !shown.contains("ielinska"), "{shown}");
    }
}
