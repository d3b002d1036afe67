//! Words of a server that everybody could have written, and those that only this one could: names.

use super::Found;
use crate::bundle::{
    book::Book,
    words::{self, known},
};

/// Longest text in quotes that counts as one value.
const LONGEST: usize = 200;

/// What is in quotes and is not known to everybody, and words that look like names.
pub(super) fn find(book: &mut Book, text: &str) -> Found {
    let mut found = quoted(book, text);
    let taken = |at: usize, found: &Found| found.iter().any(|(range, _)| range.contains(&at));
    let word = |c: char| c.is_alphanumeric() || "-_".contains(c);
    let mut at = 0;
    while let Some(start) = text[at..].find(word).map(|next| at + next) {
        let end = text[start..].find(|c| !word(c)).map_or(text.len(), |length| start + length);
        at = end;
        let run = &text[start..end];
        if !taken(start, &found) && is_name(run) && !book.is_token(run) {
            found.push((start..end, book.named("word", run)));
        }
    }
    found.sort_by_key(|(range, _)| range.start);
    found
}

/// Values in quotes.
fn quoted(book: &mut Book, text: &str) -> Found {
    let mut found = Found::new();
    let mut at = 0;
    while let Some(open) = text[at..].find(['\'', '"']).map(|next| at + next) {
        at = open + 1;
        let mark = &text[open..at];
        let opens = text[..open].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '\\');
        let Some(close) = text[at..].find(mark).map(|next| at + next).filter(|_| opens) else { continue };
        let value = &text[at..close];
        if !value.starts_with(char::is_alphanumeric) || value.len() > LONGEST {
            continue;
        }
        at = close + 1;
        let known_phrase = known().is_phrase(value);
        let several = value.contains(' ') && words::parts(value).count() <= 4;
        if !book.is_token(value) && (!known_phrase || several) {
            found.push((open + 1..close, book.named("word", value)));
        }
    }
    found
}

/// A capital or a digit in a word that nobody knows.
fn is_name(run: &str) -> bool {
    let letters = run.chars().filter(|c| c.is_alphabetic()).count();
    let marked = run.chars().any(|c| c.is_uppercase() || c.is_ascii_digit());
    letters >= 3 && marked && !known().is_phrase(run) && !is_code(run)
}

/// `AADSTS50076`, `ErrorAccessDenied`, `0x80070005`: codes begin alike.
fn is_code(run: &str) -> bool {
    let leads = ["AADSTS", "Error", "0x", "ECONN", "ETIME", "ENOT", "EAI_", "CERT_", "SSL_", "TLS"];
    leads.iter().any(|lead| run.starts_with(lead)) && run.chars().all(|c| c.is_alphanumeric() || c == '_')
}
