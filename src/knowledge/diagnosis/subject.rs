//! Whom a line speaks of: its mail addresses, as numbers.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Most addresses of one piece.
const MOST: usize = 4;
/// Longest part of an address.
const LONGEST: usize = 128;

/// The addresses in a piece, each once.
pub(super) fn all(bytes: &[u8]) -> Vec<u64> {
    let mut found = Vec::new();
    for at in memchr::memchr_iter(b'@', bytes) {
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+".contains(byte);
        let before = bytes[..at].iter().rev().take(LONGEST).take_while(|byte| part(byte)).count();
        let behind = bytes[at + 1..].iter().take(LONGEST).take_while(|byte| part(byte)).count();
        let host = &bytes[at + 1..at + 1 + behind];
        if before == 0 || !host.contains(&b'.') {
            continue;
        }
        let mut key = DefaultHasher::new();
        bytes[at - before..=at + behind].trim_ascii_end().to_ascii_lowercase().hash(&mut key);
        let number = key.finish();
        if !found.contains(&number) {
            found.push(number);
        }
        if found.len() == MOST {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        assert_eq!(all(b"a@x.com, A@X.COM; b@x.com").len(), 2);
        assert!(all(b"@ x@ @y.com me@host").is_empty());
    }
}
