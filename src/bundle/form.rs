//! The forms by which values are told: ids, addresses, digests. Looks, and replaces nothing.

use std::net::IpAddr;
use std::ops::Range;

/// Length of a GUID with its hyphens.
const GUID: usize = 36;

/// Every GUID in a text.
pub fn guids(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        // The first hyphen stands behind eight digits: only there it is worth looking.
        while let Some(found) = memchr::memchr(b'-', &bytes[at.min(bytes.len())..]) {
            let hyphen = at + found;
            let range = hyphen.wrapping_sub(8)..hyphen.wrapping_add(GUID - 8);
            if hyphen >= 8 && is_guid_at(bytes, &range) {
                at = range.end;
                return Some(range);
            }
            at = hyphen + 1;
        }
        None
    })
}

fn is_guid_at(bytes: &[u8], range: &Range<usize>) -> bool {
    let free = |at: Option<&u8>| at.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    bytes.get(range.clone()).is_some_and(is_guid_bytes)
        && free(range.start.checked_sub(1).and_then(|at| bytes.get(at)))
        && free(bytes.get(range.end))
}

fn is_guid_bytes(bytes: &[u8]) -> bool {
    let hyphen = |at: usize| [8, 13, 18, 23].contains(&at);
    bytes.len() == GUID
        && bytes
            .iter()
            .enumerate()
            .all(|(at, byte)| if hyphen(at) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// Whether a text is a GUID.
pub fn is_guid(text: &str) -> bool {
    is_guid_bytes(text.as_bytes())
}

/// The host address in a text, with whatever port behind it.
pub fn ip(text: &str) -> Option<(IpAddr, &str)> {
    if let Ok(ip) = text.parse() {
        return Some((ip, ""));
    }
    if let Some(inner) = text.strip_prefix('[') {
        let (ip, rest) = inner.split_once(']')?;
        return Some((ip.parse().ok()?, rest));
    }
    let (ip, port) = text.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    let ip: std::net::Ipv4Addr = ip.parse().ok()?;
    Some((IpAddr::V4(ip), &text[text.len() - port.len() - 1..]))
}

/// Whether a text is a time or a day, as documents write it.
pub fn is_time(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::Date>().is_ok()
}

/// Whether it looks like a mail address.
pub fn is_address(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !text.contains(char::is_whitespace)
            && !text.contains("://")
    })
}

/// Whether it looks like a host with a domain.
pub fn is_host(text: &str) -> bool {
    let labels: Vec<&str> = text.trim_end_matches('.').split('.').collect();
    let fits = |label: &&str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_' || c == '*')
    };
    let top = labels.last().copied().unwrap_or_default();
    labels.len() >= 2 && labels.iter().all(fits) && top.len() >= 2 && top.chars().all(char::is_alphabetic)
}

/// Whether it looks like a distinguished name.
pub fn is_distinguished(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["cn=", "ou=", "dc=", "/o="].iter().any(|lead| lower.starts_with(lead))
}

/// Whether it is a digest in hexadecimal digits: SHA-1 or SHA-256.
pub fn is_digest(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether it is a word, a code, a version: nothing that could carry a person's name and address.
pub fn is_plain(text: &str) -> bool {
    text.len() <= 160
        && !text.contains(['@', '\\', '"', '\''])
        && guids(text).next().is_none()
        && text.parse::<IpAddr>().is_err()
        && !text.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_found_within_texts_and_only_whole() {
        let text = "id=0a0a0a0a-0000-4000-8000-000000000001, x0a0a0a0a-0000-4000-8000-000000000001";
        assert_eq!(guids(text).collect::<Vec<_>>(), vec![3..39]);
        assert!(guids("a-b").next().is_none() && guids("-").next().is_none());
    }

    #[test]
    fn addresses_of_hosts_keep_their_port_apart() {
        assert_eq!(ip("127.0.0.1:53").map(|(_, port)| port), Some(":53"));
        assert_eq!(ip("[::1]:53").map(|(_, port)| port), Some(":53"));
        assert!(ip("fe80::1").is_some() && ip("contoso.com:443").is_none());
    }

    #[test]
    fn hosts_are_told_from_versions_and_sentences() {
        assert!(is_host("mail.contoso.com") && is_host("_autodiscover._tcp.contoso.com"));
        assert!(!is_host("15.2.1748") && !is_host("done. next") && !is_host("word"));
    }
}
