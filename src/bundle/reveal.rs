//! Tokens back to values, for whoever made the bundle and kept its map.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Deserialize, Serialize};

/// Marks a map as ours.
pub const KIND: &str = "syncready-bundle-map";

/// The map of a bundle. It never leaves the house.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Map {
    /// Version of this format; 1.
    pub format: u32,
    /// Always `syncready-bundle-map`.
    pub kind: String,
    /// SHA-256 of the archive to which it belongs.
    pub bundle: String,
    /// Token → value.
    pub tokens: BTreeMap<String, String>,
}

impl Map {
    /// The map that belongs to an archive.
    pub fn new(archive: &[u8], tokens: BTreeMap<String, String>) -> Self {
        let bundle = super::archive::sha256(archive);
        Self { format: super::FORMAT, kind: KIND.into(), bundle, tokens }
    }
}

/// A text with values in the place of tokens, whatever the letter case in which these are written.
pub fn reveal(text: &str, tokens: &BTreeMap<String, String>) -> String {
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .build(tokens.keys());
    let Ok(automaton) = automaton else { return text.to_owned() };
    let values: Vec<&String> = tokens.values().collect();
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    for hit in automaton.find_iter(text) {
        let domain = text[hit.range()].to_ascii_lowercase().starts_with("domain-");
        let before = text[..hit.start()].chars().next_back();
        let inside = before.is_some_and(|c| c.is_ascii_alphanumeric()) && !domain;
        if inside || text[hit.end()..].starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        shown.push_str(&text[at..hit.start()]);
        let value = values[hit.pattern().as_usize()];
        let class = if domain { class(&text[hit.end()..]) } else { 0 };
        // A domain's token stands for its first label, and for all of it where its class follows.
        let value = if domain && class == 0 { value.split('.').next().unwrap_or_default() } else { value };
        let end = hit.end() + class;
        shown.push_str(value);
        at = end;
    }
    shown + &text[at..]
}

/// Bytes of the class behind a domain's token: `.example`.
fn class(text: &str) -> usize {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-')).unwrap_or(text.len());
    let whole = text[..end].trim_end_matches(['.', '-']);
    if whole.starts_with('.') { whole.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_whole_and_in_any_letters() {
        let pairs =
            [("user-1", "alice"), ("user-12", "bob"), ("domain-1", "contoso.com"), ("name-1", "Alice Meier")];
        let tokens = pairs.iter().map(|(token, value)| ((*token).to_owned(), (*value).to_owned())).collect();
        let text = "USER-1@Domain-1.example, user-12@domain-1.example. Name-1 (name-10) DC=domain-1,";
        let shown = reveal(text, &tokens);
        assert_eq!(shown, "alice@contoso.com, bob@contoso.com. Alice Meier (name-10) DC=contoso,");
    }
}
