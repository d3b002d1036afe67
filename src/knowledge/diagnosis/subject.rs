//! Whom a line speaks of: its mail addresses, and the hosts in its addresses of services, as numbers.

use super::key::Key;

/// Most addresses of one piece.
const MOST: usize = 4;
/// Longest part of an address.
const LONGEST: usize = 128;

/// Whom a failure is about: mailboxes, or else hosts.
pub(super) fn of_failure(bytes: &[u8]) -> Vec<u64> {
    let mailboxes = mailboxes(bytes);
    if mailboxes.is_empty() { hosts(bytes) } else { mailboxes }
}

/// Whom a success is about: mailboxes and hosts.
pub(super) fn of_success(bytes: &[u8]) -> Vec<u64> {
    let mut found = mailboxes(bytes);
    found.extend(hosts(bytes));
    found
}

/// The hosts behind `://`, each once.
fn hosts(bytes: &[u8]) -> Vec<u64> {
    let mut found = Vec::new();
    for colon in memchr::memchr_iter(b':', bytes) {
        let Some(rest) = bytes[colon..].strip_prefix(b"://") else { continue };
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
        let length = rest.iter().take(LONGEST).take_while(|byte| part(byte)).count();
        let number = number(&rest[..length]);
        if length > 0 && !found.contains(&number) {
            found.push(number);
        }
        if found.len() == MOST {
            break;
        }
    }
    found
}

/// The addresses in a piece, each once.
fn mailboxes(bytes: &[u8]) -> Vec<u64> {
    let mut found = Vec::new();
    for at in memchr::memchr_iter(b'@', bytes) {
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+".contains(byte);
        let before = bytes[..at].iter().rev().take(LONGEST).take_while(|byte| part(byte)).count();
        let behind = bytes[at + 1..].iter().take(LONGEST).take_while(|byte| part(byte)).count();
        let host = &bytes[at + 1..at + 1 + behind];
        if before == 0 || !host.contains(&b'.') {
            continue;
        }
        let number = number(&bytes[at - before..=at + behind]);
        if !found.contains(&number) {
            found.push(number);
        }
        if found.len() == MOST {
            break;
        }
    }
    found
}

/// A name as a number, whatever its letters' case.
fn number(name: &[u8]) -> u64 {
    let mut key = Key(0);
    for part in name.chunks(32) {
        let mut lower = [0; 32];
        lower[..part.len()].copy_from_slice(part);
        lower.make_ascii_lowercase();
        key.bytes(&lower[..part.len()]);
    }
    key.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        assert_eq!(mailboxes(b"a@x.com, A@X.COM; b@x.com").len(), 2);
        assert!(mailboxes(b"@ x@ @y.com me@host").is_empty());
    }
}
