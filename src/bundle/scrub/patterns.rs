//! What is told by its form, whoever it belongs to.

use std::ops::Range;

use super::Found;
use crate::bundle::{book::Book, form, words};

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || "._-+~#$!'^".contains(c)
}

fn is_domain(c: char) -> bool {
    c.is_alphanumeric() || ".-".contains(c)
}

/// The run of such signs that ends at a place.
fn before(text: &str, end: usize, fits: fn(char) -> bool) -> usize {
    text[..end].char_indices().rev().take_while(|(_, c)| fits(*c)).last().map_or(end, |(at, _)| at)
}

/// The run of such signs that begins at a place.
fn behind(text: &str, start: usize, fits: impl Fn(char) -> bool) -> usize {
    text[start..].find(|c| !fits(c)).map_or(text.len(), |length| start + length)
}

/// Mail addresses, also with `%40` or `=40` for the sign in their middle.
pub(super) fn addresses(book: &mut Book, text: &str) -> Found {
    let mut found = Found::new();
    for (at, sign) in signs(text) {
        let mut start = before(text, at, is_local);
        start += text[start..at].len() - text[start..at].trim_start_matches(['\'', '.', '#', '!', '^']).len();
        let domain = at + sign;
        let mut end = behind(text, domain, is_domain);
        end = domain + text[domain..end].trim_end_matches(['.', '-']).len();
        let (local, host) = (&text[start..at], &text[domain..end]);
        let fits = !local.is_empty() && host.chars().any(char::is_alphabetic);
        if fits && !is_token_address(book, local, host) {
            let name = local.replace("%23", "#");
            found.push((start..end, book.local(&name) + &text[at..domain] + &book.host(host)));
        } else if fits {
            found.push((start..end, text[start..end].to_owned()));
        }
    }
    found
}

fn is_token_address(book: &Book, local: &str, host: &str) -> bool {
    book.is_token(local) && host.split('.').any(|label| book.is_token(label))
}

fn signs(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for at in memchr::memchr3_iter(b'@', b'%', b'=', bytes) {
        match bytes[at] {
            b'@' => found.push((at, 1)),
            _ if bytes.get(at + 1..at + 3) == Some(b"40") => found.push((at, 3)),
            _ => {}
        }
    }
    found
}

/// Distinguished names: every value in them is a name.
pub(super) fn distinguished(book: &mut Book, text: &str) -> Found {
    let mut found = Found::new();
    let lower = text.to_ascii_lowercase();
    for (name, _) in lower.match_indices('=') {
        let start = before(text, name, |c| c.is_ascii_alphabetic());
        let kind = match &lower[start..name] {
            "cn" | "o" | "l" | "st" | "street" | "sn" | "givenname" => "name",
            "ou" => "unit",
            "dc" => "domain",
            "uid" | "samaccountname" => "user",
            _ => continue,
        };
        if start > 0
            && !text[..start].ends_with([',', '/', ' ', '\'', '"', '(', '[', '=', ';', ':', '<', '>', '+'])
        {
            continue;
        }
        let end = value_end(text, name + 1);
        let value = text[name + 1..end].trim_end();
        if !value.is_empty() && !book.is_token(value) {
            found.push((name + 1..name + 1 + value.len(), part(book, kind, value)));
        }
    }
    found
}

/// Where the value of a distinguished name ends.
fn value_end(text: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, c) in text[start..].char_indices() {
        if !escaped && ",/'\"+;)]<>\n|&".contains(c) {
            return start + at;
        }
        escaped = !escaped && c == '\\';
    }
    text.len()
}

/// One value of a distinguished name.
pub(in crate::bundle) fn part(book: &mut Book, kind: &str, value: &str) -> String {
    const PLAIN: &[&str] = &[
        "com",
        "net",
        "org",
        "local",
        "de",
        "users",
        "computers",
        "configuration",
        "recipients",
        "services",
        "microsoft exchange",
        "microsoft exchange security groups",
        "schema",
        "builtin",
        "external",
    ];
    let lower = value.to_ascii_lowercase();
    match kind {
        _ if PLAIN.contains(&lower.as_str()) => value.to_owned(),
        _ if words::known().is_name(value) => value.to_owned(),
        _ if form::is_guid(value) => book.id(value),
        _ if form::is_address(value) => book.address(value),
        _ if form::is_host(value) => book.host(value),
        "user" => book.local(value),
        "domain" => book.netbios(value),
        "name" => book.name(value),
        _ => book.named(kind, value),
    }
}

/// Ids, except those by which vendors find a request.
pub(super) fn ids(book: &mut Book, text: &str) -> Found {
    let mut found = Found::new();
    for range in form::guids(text) {
        let id = &text[range.clone()];
        let shown = if book.is_token(id) {
            id.to_owned()
        } else if names_request(&text[..range.start]) {
            book.request(id);
            book.keeps("request id", id);
            id.to_owned()
        } else {
            book.id(id)
        };
        found.push((range, shown));
    }
    found
}

/// Whether a text ends with the name of an id by which a vendor finds a request.
pub(super) fn names_request(text: &str) -> bool {
    const NAMES: &[&str] = &[
        "requestid",
        "correlationid",
        "traceid",
        "activityid",
        "correlationvector",
        "traceparent",
        "xmsactivityid",
        "operationid",
        "diagnosticid",
        "clientrequestid",
        "errorid",
        "callid",
        "transactionid",
        "requestguid",
    ];
    let mut start = text.len().saturating_sub(48);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let near = text[start..].trim_end_matches(|c: char| " \"'\\:=>[({".contains(c)).to_ascii_lowercase();
    let bare: String = near.chars().filter(char::is_ascii_alphanumeric).collect();
    NAMES.iter().any(|name| bare.ends_with(name))
}

/// Security identifiers of domains.
pub(super) fn sids(book: &mut Book, text: &str) -> Found {
    let lower = text.to_ascii_lowercase();
    let starts = lower.match_indices("s-1-5-21-").map(|(at, _)| at);
    let range = |at: usize| at..behind(text, at + 2, |c| c.is_ascii_digit() || c == '-');
    starts
        .map(range)
        .filter(|range| !text[range.clone()].starts_with("S-1-5-21-0-0-"))
        .map(|range| (range.clone(), book.sid(text[range].trim_end_matches('-'))))
        .collect()
}

/// Addresses of hosts.
pub(super) fn ips(book: &mut Book, text: &str) -> Found {
    let mut found = Found::new();
    let part = |c: char| c.is_ascii_hexdigit() || ".:".contains(c);
    let mut at = 0;
    while let Some(start) = text[at..].find(part).map(|next| at + next) {
        let end = behind(text, start, part);
        at = end;
        let run = &text[start..end];
        let lone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '-');
        let free = lone(text[..start].chars().next_back()) && lone(text[end..].chars().next());
        if free && let Some(range) = address_in(run) {
            let ip = &run[range.clone()];
            let shown = if book.is_token(ip) { ip.to_owned() } else { book.ip(ip) };
            found.push((start + range.start..start + range.end, shown));
        }
    }
    found
}

/// The address in a run of hexadecimal digits, dots and colons: without a port, and no version of a program.
fn address_in(run: &str) -> Option<Range<usize>> {
    let lead = run.len() - run.trim_start_matches(['.', ':']).len();
    let lead = if run.starts_with("::") { 0 } else { lead };
    let bare = run[lead..].trim_end_matches('.');
    let bare = if bare.ends_with("::") { bare } else { bare.trim_end_matches(':') };
    if let Some((ip, port)) = bare.split_once(':').filter(|(ip, _)| ip.matches('.').count() == 3) {
        let plain = port.bytes().all(|byte| byte.is_ascii_digit());
        return (plain && ip.parse::<std::net::Ipv4Addr>().is_ok()).then_some(lead..lead + ip.len());
    }
    let ip: std::net::IpAddr = bare.parse().ok()?;
    // 15.1.2507.6 is none anyway, 15.0.0.0 and the like are versions.
    let version = |ip: std::net::Ipv4Addr| ip.octets()[0] == 0 || ip.octets()[2..] == [0, 0];
    match ip {
        std::net::IpAddr::V4(ip) if version(ip) => None,
        std::net::IpAddr::V6(_) if bare.matches(':').count() < 2 || bare.len() < 4 => None,
        _ => Some(lead..lead + bare.len()),
    }
}

/// `DOMAIN\user` and `\\server\share`.
pub(super) fn backslashes(book: &mut Book, text: &str) -> Found {
    let mut found = Found::new();
    let name = |c: char| c.is_alphanumeric() || "._-$".contains(c);
    let mut at = 0;
    while let Some(slash) = text[at..].find('\\').map(|next| at + next) {
        let slashes = behind(text, slash, |c| c == '\\');
        let (start, end) = (before(text, slash, name), behind(text, slashes, name));
        let (domain, user) = (&text[start..slash], &text[slashes..end]);
        at = end.max(slashes);
        let drive = domain.is_empty() && text[..slash].ends_with(':');
        if user.len() < 2 || drive || text[end..].starts_with(['\\', '(', ':']) && !domain.is_empty() {
            continue;
        }
        if domain.is_empty()
            && slashes - slash >= 2
            && !text[..slash].ends_with(|c: char| c.is_alphanumeric())
        {
            found.push((slashes..end, if book.is_token(user) { user.to_owned() } else { book.host(user) }));
        } else if is_domain_user(text, start, domain, user) {
            let between = &text[slash..slashes];
            let (domain, user) = (domain.to_owned(), user.to_owned());
            let shown = book.down_level(&format!("{domain}\\{user}"));
            found.push((start..end, shown.replacen('\\', between, 1)));
        }
    }
    found
}

/// `CONTOSO\alice`, and not `n\r`, `C:\Program` or `src\main.rs`.
fn is_domain_user(text: &str, start: usize, domain: &str, user: &str) -> bool {
    let alone = text[..start].chars().next_back().is_none_or(|c| " \t\"'(<[=:,;>".contains(c));
    let netbios = domain.len() >= 2
        && domain.len() <= 15
        && domain.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-');
    let small = domain.len() >= 3
        && domain.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        && !user.contains('.');
    let system = ["NT AUTHORITY", "BUILTIN", "AUTHORITY", "HKLM", "HKCU", "HKEY"];
    alone && (netbios || small) && !system.contains(&domain) && !text[..start].ends_with(":\\")
}

/// Folders of people.
pub(super) fn homes(book: &mut Book, text: &str) -> Found {
    let mut found = Found::new();
    let lower = text.to_ascii_lowercase();
    for lead in ["\\users\\", "/users/", "/home/", "\\\\users\\\\", "\\documents and settings\\"] {
        let rooted = |at: usize| {
            lead.starts_with("/home")
                || at == 0
                || text[..at].ends_with(|c| ":".contains(c))
                || lead == "/users/" && text[..at].ends_with(char::is_whitespace)
        };
        for (at, _) in lower.match_indices(lead).filter(|(at, _)| rooted(*at)) {
            let start = at + lead.len();
            let end = behind(text, start, |c| c.is_alphanumeric() || "._-".contains(c));
            let name = &text[start..end];
            if name.len() >= 2
                && !["Public", "Default", "public", "default"].contains(&name)
                && !book.is_token(name)
            {
                found.push((start..end, book.local(name)));
            }
        }
    }
    found.sort_by_key(|(range, _)| range.start);
    found
}

/// Ends of file names that are ends of domains as well.
const FILES: &[&str] = &[
    "ai", "app", "asmx", "aspx", "bat", "cc", "cfg", "cmd", "conf", "config", "cpp", "cs", "dll", "exe",
    "gz", "java", "js", "json", "log", "md", "mo", "net", "php", "pl", "pm", "ps", "py", "rb", "rs", "sh",
    "so", "sys", "tar", "tmp", "toml", "ts", "txt", "vb", "wsdl", "xml", "xsd", "yml", "zip",
];

/// Host names with a domain.
pub(super) fn hosts(book: &mut Book, text: &str) -> Found {
    let mut found = Found::new();
    let part = |c: char| c.is_alphanumeric() || ".-_".contains(c);
    let mut at = 0;
    while let Some(start) = text[at..].find(part).map(|next| at + next) {
        let end = behind(text, start, part);
        at = end;
        let run = text[start..end].trim_end_matches(['.', '-', '_']);
        let lead = run.len() - run.trim_start_matches(['.', '-']).len();
        let host = &run[lead..];
        if is_host(host) && !text[end..].starts_with('(') {
            found.push((start + lead..start + run.len(), book.host(host)));
        }
    }
    found
}

/// Whether it is a host with a domain, and no name in a program and no file.
pub(in crate::bundle) fn is_host(text: &str) -> bool {
    if !text.contains('.') || !form::is_host(text) || text.contains("__") {
        return false;
    }
    let lower = text.to_lowercase();
    let top = lower.rsplit('.').next().unwrap_or_default();
    let internal = ["local", "lan", "internal", "corp", "intra", "example", "test", "invalid"].contains(&top);
    let public = psl::suffix(lower.as_bytes()).is_some_and(|suffix| suffix.is_known());
    // System.Net is a name in a program, readme.md a file.
    let mixed =
        |label: &str| label.starts_with(char::is_uppercase) && label.chars().skip(1).any(char::is_lowercase);
    let labels = text.split('.').count();
    let program = text.split('.').filter(|label| mixed(label)).count() * 2 >= labels;
    let file = labels == 2 && FILES.contains(&top);
    (internal || public) && !program && !file
}

/// Phone numbers with a country's code.
pub(super) fn phones(book: &mut Book, text: &str) -> Found {
    let mut found = Found::new();
    for (at, _) in text.match_indices('+') {
        let end = behind(text, at + 1, |c| c.is_ascii_digit() || " -./()".contains(c));
        let run = text[at..end].trim_end_matches([' ', '-', '.', '/', '(', ')']);
        let digits = run.chars().filter(char::is_ascii_digit).count();
        let first = text[at + 1..].chars().next().is_some_and(|c| ('1'..='9').contains(&c));
        let lone =
            text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '%' && c != '+');
        let rest = text[at + run.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric());
        if first && lone && rest && (8..=15).contains(&digits) {
            found.push((at..at + run.len(), book.named("phone", run)));
        }
    }
    found
}
