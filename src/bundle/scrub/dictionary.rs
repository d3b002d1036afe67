//! The names that a bundle knows, wherever they stand in running text, however they are encoded.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::Found;
use crate::bundle::book::{Book, Needle, cased};

/// All names at once.
pub(super) struct Dictionary {
    automaton: Option<AhoCorasick>,
    /// What each pattern of the automaton stands for: a needle, and the form searched for.
    patterns: Vec<(Needle, String)>,
}

impl Dictionary {
    pub fn new(needles: &[Needle]) -> Self {
        let patterns: Vec<(Needle, String)> = needles
            .iter()
            .flat_map(|needle| forms(&needle.value).into_iter().map(|form| (needle.clone(), form)))
            .collect();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(patterns.iter().map(|(_, form)| form));
        Self { automaton: automaton.ok().filter(|_| !patterns.is_empty()), patterns }
    }

    pub fn find(&self, book: &mut Book, text: &str) -> Found {
        let mut found = Found::new();
        let Some(automaton) = &self.automaton else { return found };
        let mut at = 0;
        while let Some(hit) = automaton.find(aho_corasick::Input::new(text).range(at..text.len())) {
            let (needle, form) = &self.patterns[hit.pattern().as_usize()];
            let seen = &text[hit.range()];
            let whole = needle.inside || stands_alone(text, hit.start(), hit.end());
            if whole && (!needle.exact || seen == form) && text.is_char_boundary(hit.start()) {
                found.push((hit.range(), cased(&needle.token, seen)));
                book.again(&needle.token);
                at = hit.end();
            } else {
                at = hit.start() + text[hit.start()..].chars().next().map_or(1, char::len_utf8);
            }
        }
        found
    }
}

fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !part(text[..start].chars().next_back()) && !part(text[end..].chars().next())
}

/// A name as it is, and as URLs, forms, JSON, XML and mails write it.
fn forms(value: &str) -> BTreeSet<String> {
    let lower = value.to_lowercase();
    let upper = value.to_uppercase();
    let mut forms = BTreeSet::from([value.to_owned()]);
    if !value.is_ascii() {
        forms.extend([lower, upper]);
    }
    let all: Vec<String> = forms.iter().cloned().collect();
    for value in all {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        forms.insert(each(&value, plain, |c| bytes(c, '%')));
        forms.insert(each(&value, |c| plain(c) || c == '@', |c| bytes(c, '%')));
        forms.insert(each(&value, plain, |c| if c == ' ' { "+".into() } else { bytes(c, '%') }));
        forms.insert(each(&value, |c| c.is_ascii() && c != '=', |c| bytes(c, '=')));
        forms.insert(each(&value, plain, |c| bytes(c, '=')));
        forms.insert(each(&value, |c| c.is_ascii() && !"\"\\".contains(c), escaped));
        forms.insert(each(&value, |c| !"&<>\"'".contains(c), |c| format!("&#{};", u32::from(c))));
        forms.insert(each(&value, |c| !"&<>\"'".contains(c), entity));
        forms.insert(each(&value, char::is_alphanumeric, |_| "_".into()));
    }
    forms
}

fn each(value: &str, plain: impl Fn(char) -> bool, other: impl Fn(char) -> String) -> String {
    value.chars().map(|c| if plain(c) { c.to_string() } else { other(c) }).collect()
}

fn bytes(c: char, lead: char) -> String {
    let mut buffer = [0; 4];
    c.encode_utf8(&mut buffer).bytes().fold(String::new(), |shown, byte| format!("{shown}{lead}{byte:02X}"))
}

fn escaped(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        c => c
            .encode_utf16(&mut [0; 2])
            .iter()
            .fold(String::new(), |shown, unit| format!("{shown}\\u{unit:04x}")),
    }
}

fn entity(c: char) -> String {
    match c {
        '&' => "&amp;".into(),
        '<' => "&lt;".into(),
        '>' => "&gt;".into(),
        '"' => "&quot;".into(),
        _ => "&apos;".into(),
    }
}
