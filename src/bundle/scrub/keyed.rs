//! Values that the name before them calls a name: `displayName: …`, `<t:Subject>…`, `From: … <…>`.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::Found;
use crate::bundle::{book::Book, form, words::known};

/// Names of fields, in small letters, and the kind of what stands in them.
const FIELDS: &[(&str, &str)] = &[
    ("displayname", "name"),
    ("display_name", "name"),
    ("display name", "name"),
    ("givenname", "name"),
    ("surname", "name"),
    ("firstname", "name"),
    ("first_name", "name"),
    ("lastname", "name"),
    ("last_name", "name"),
    ("full_name", "name"),
    ("fullname", "name"),
    ("companyname", "organization"),
    ("company_name", "organization"),
    ("tenantname", "organization"),
    ("username", "user"),
    ("user_name", "user"),
    ("user name", "user"),
    ("samaccountname", "user"),
    ("mailnickname", "user"),
    ("computername", "host"),
    ("machinename", "host"),
    ("servername", "host"),
    ("hostname", "host"),
    ("subject", "subject"),
    ("body", "text"),
    ("jobtitle", "title"),
    ("department", "unit"),
    ("officelocation", "place"),
    ("streetaddress", "place"),
    ("location>", "place"),
    ("mobilephone", "phone"),
    ("businessphone", "phone"),
    ("telephonenumber", "phone"),
    ("foldername", "folder"),
];

static AUTOMATON: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder().ascii_case_insensitive(true).build(FIELDS.iter().map(|(name, _)| name)).ok()
});

/// Longest value that counts as one.
const LONGEST: usize = 300;

/// Names behind the names of fields, and before addresses in angle brackets.
pub(super) fn find(book: &mut Book, text: &str) -> Found {
    let mut found = Found::new();
    let Some(automaton) = AUTOMATON.as_ref() else { return found };
    for hit in automaton.find_iter(text) {
        if text[..hit.start()].ends_with(|c: char| c.is_alphanumeric() && c != 't') {
            continue;
        }
        let kind = FIELDS[hit.pattern().as_usize()].1;
        let end = if text[..hit.end()].ends_with('>') { hit.end() - 1 } else { hit.end() };
        if let Some(range) = value(text, end) {
            let shown = text[range.clone()].trim();
            if !shown.is_empty() && !is_plain(book, kind, shown) {
                found.push((range.clone(), token(book, kind, shown)));
            }
        }
    }
    found
}

fn is_plain(book: &Book, kind: &str, value: &str) -> bool {
    let nothing = ["null", "none", "true", "false", "(null)", "undefined", "n/a", "-"];
    book.is_token(value)
        || nothing.contains(&value.to_ascii_lowercase().as_str())
        || value.chars().all(|c| !c.is_alphanumeric())
        || value.starts_with(['{', '[', '<'])
        || kind == "subject" && known().is_phrase(value)
        || kind == "text" && value.bytes().all(|byte| byte.is_ascii_digit())
}

fn token(book: &mut Book, kind: &str, value: &str) -> String {
    match kind {
        _ if form::is_address(value) => book.address(value),
        _ if form::is_guid(value) => book.id(value),
        "name" => book.name(value),
        "user" => book.address(value),
        "host" => book.host(value),
        kind => book.named(kind, value),
    }
}

/// The value behind a field's name: in quotes, up to a tag, or up to the end of what is written there.
fn value(text: &str, end: usize) -> Option<std::ops::Range<usize>> {
    let rest = &text[end..];
    let gap = rest.len() - rest.trim_start_matches(['"', '\'', '\\', ':', '=', ' ', '>', '\t']).len();
    let between = &rest[..gap];
    if !between.contains([':', '=', '>']) {
        return None;
    }
    let value = &rest[gap..];
    let quote = between.chars().next_back().filter(|c| ['"', '\''].contains(c));
    let length = match quote {
        Some(quote) => value.find([quote, '\n']).unwrap_or(value.len()),
        None if between.contains('>') => value.find(['<', '\n']).unwrap_or(value.len()),
        None => value.find([',', ';', '\n', '\r', '<', '|', '&', '}', ']', ')', '"']).unwrap_or(value.len()),
    };
    let length = length - (value[..length].len() - value[..length].trim_end_matches('\\').len());
    (length > 0 && length <= LONGEST).then_some(end + gap..end + gap + length)
}
