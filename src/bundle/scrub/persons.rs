//! Names of people by the shapes in which prose carries them: before and behind an address, behind a
//! salutation, behind a word that says that somebody follows.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::Found;
use crate::bundle::{book::Book, words::known};

/// Words behind which a person may stand, and how many words a name needs there to be taken for one: a
/// single word behind `user` may be anything.
const CUES: &[(&str, usize)] = &[
    ("account", 2),
    ("assistant", 2),
    ("attendee", 2),
    ("benutzer", 2),
    ("benutzerin", 2),
    ("colleague", 2),
    ("contact", 2),
    ("delegate", 2),
    ("employee", 2),
    ("impersonating", 2),
    ("mailbox", 2),
    ("manager", 2),
    ("member", 2),
    ("mitarbeiter", 2),
    ("mitarbeiterin", 2),
    ("organiser", 2),
    ("organizer", 2),
    ("owner", 2),
    ("person", 2),
    ("postfach", 2),
    ("recipient", 2),
    ("sender", 2),
    ("user", 2),
    ("usuario", 2),
    ("utilisateur", 2),
    ("calendar of", 1),
    ("contacts of", 1),
    ("mailbox of", 1),
    ("on behalf of", 1),
    ("postfach von", 1),
    ("kalender von", 1),
    ("signed in as", 1),
    ("dear", 1),
    ("hello", 1),
    ("hallo", 1),
    ("hi", 1),
    ("liebe", 1),
    ("lieber", 1),
    ("mr", 1),
    ("mr.", 1),
    ("mrs", 1),
    ("mrs.", 1),
    ("ms", 1),
    ("ms.", 1),
    ("dr.", 1),
    ("prof.", 1),
    ("herr", 1),
    ("herrn", 1),
    ("frau", 1),
    ("monsieur", 1),
    ("madame", 1),
    ("señor", 1),
    ("señora", 1),
];

static CUE: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(aho_corasick::MatchKind::LeftmostLongest)
        .build(CUES.iter().map(|(cue, _)| cue))
        .ok()
});

/// Words between a cue and a name.
const BETWEEN: &[&str] =
    &["is", "named", "called", "name", "of", "von", "dr.", "prof.", "mr.", "mrs.", "ms."];
/// Small words within names.
const PARTICLES: &[&str] = &[
    "af", "al", "bin", "da", "de", "del", "den", "der", "di", "dos", "du", "el", "la", "le", "ten", "ter",
    "van", "von", "y", "zu", "zum", "zur",
];
/// Most words of a name, and longest one in bytes.
const WORDS: usize = 5;
const LONGEST: usize = 100;

/// Names of people.
pub(super) fn find(book: &mut Book, text: &str) -> Found {
    let mut found = beside_addresses(book, text);
    found.extend(behind_cues(book, text));
    found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    // A name behind a cue may stand before an address, too.
    let mut end = 0;
    found.retain(|(range, _)| {
        let free = range.start >= end;
        end = end.max(range.end);
        free
    });
    found
}

/// `"Jane Doe" <jane@…>`, `Doe, Jane (jane@…)`, `jane@… (Jane Doe)`.
fn beside_addresses(book: &mut Book, text: &str) -> Found {
    let mut found = Found::new();
    for at in memchr::memchr_iter(b'@', text.as_bytes()) {
        let sign = |c: char| !(c.is_whitespace() || "<>()[]\"',;".contains(c));
        let start =
            text[..at].char_indices().rev().take_while(|(_, c)| sign(*c)).last().map_or(at, |(at, _)| at);
        let end = text[at..].find(|c| !sign(c)).map_or(text.len(), |length| at + length);
        let local = &text[start..at];
        let opens = text[..start].ends_with(['<', '(', '[']);
        let before = text[..start].trim_end_matches(['<', '(', '[']);
        if opens && let Some(range) = name_before(before, local) {
            found.push((range.clone(), book.name(&text[range])));
        }
        if let Some(inner) = text[end..].strip_prefix(" (")
            && let Some(length) = inner.find(')').filter(|length| *length <= LONGEST)
        {
            let (range, name) = (end + 2..end + 2 + length, &inner[..length]);
            if run(name).is_some_and(|words| words.end == name.len()) && is_persons(book, name, local) {
                found.push((range, book.name(name)));
            }
        }
    }
    found.retain(|(range, _)| !book.is_token(&text[range.clone()]));
    found
}

/// The name that ends where the bracket of an address begins.
fn name_before(before: &str, local: &str) -> Option<Range<usize>> {
    let bare = before.trim_end_matches(' ');
    if before.len() - bare.len() > 1 {
        return None;
    }
    if let Some(quote) = bare.chars().next_back().filter(|c| ['"', '\''].contains(c)) {
        let inner = bare[..bare.len() - 1].trim_end_matches('\\');
        let open = inner.rfind(quote)?;
        let name = &inner[open + 1..];
        let said = !name.trim().is_empty() && name.len() <= LONGEST && !name.contains(['@', '\n', '=']);
        return (said && name.chars().any(char::is_alphabetic)).then_some(open + 1..inner.len());
    }
    let mut start = bare.len();
    let mut words = 0;
    // Backwards, word by word, as long as they may belong to a name.
    while words < WORDS {
        let rest = bare[..start].trim_end_matches(' ');
        let rest = if words > 0 { rest.trim_end_matches(',') } else { rest };
        let from = rest
            .rfind(|c: char| !is_part(c))
            .map_or(0, |at| at + rest[at..].chars().next().map_or(1, char::len_utf8));
        let word = &rest[from..];
        let free = rest[..from].chars().next_back().is_none_or(|c| " \t:;,=>|'\"(".contains(c));
        if rest.len() + 2 < start || !free || !(is_capital(word) || PARTICLES.contains(&word)) {
            break;
        }
        start = from;
        words += 1;
    }
    let name = bare[start..].trim_start();
    let start = bare.len() - name.len();
    let lead = PARTICLES.iter().any(|particle| name.split(' ').next() == Some(*particle));
    (words >= 2 && !lead && is_foreign(name, local)).then_some(start..bare.len())
}

/// Somebody behind a word that announces him.
fn behind_cues(book: &mut Book, text: &str) -> Found {
    let mut found = Found::new();
    let Some(automaton) = CUE.as_ref() else { return found };
    for hit in automaton.find_iter(text) {
        let lone =
            |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '-' && c != '.');
        if !lone(text[..hit.start()].chars().next_back()) {
            continue;
        }
        let Some(start) = behind(text, hit.end()) else { continue };
        let Some(words) = run(&text[start..]) else { continue };
        let name = trimmed(&text[start..start + words.end]);
        let enough = name.split(' ').count() >= CUES[hit.pattern().as_usize()].1;
        if enough && is_persons(book, name, "") {
            found.push((start..start + name.len(), book.name(name)));
        }
    }
    found
}

/// Where a name begins behind a cue.
fn behind(text: &str, end: usize) -> Option<usize> {
    let mut at = end;
    for _ in 0..3 {
        let rest = &text[at..];
        let gap = rest.len() - rest.trim_start_matches([' ', ':', '=', '\'', '"', '(', '[']).len();
        if gap == 0 || gap > 4 {
            return None;
        }
        at += gap;
        let lower = |word: &&&str| {
            let follows = text.get(at..at + word.len()).is_some_and(|next| next.eq_ignore_ascii_case(word));
            follows && text[at + word.len()..].starts_with([' ', ':'])
        };
        match BETWEEN.iter().find(lower) {
            Some(word) => at += word.len(),
            None => return Some(at),
        }
    }
    None
}

/// The words of a name with which a text begins.
fn run(text: &str) -> Option<Range<usize>> {
    let (mut end, mut at) = (0, 0);
    for _ in 0..WORDS {
        let length = text[at..].find(|c| !is_part(c)).unwrap_or(text.len() - at);
        let word = &text[at..at + length];
        let follows = text[at + length..].chars().next();
        // `Name-1`, `Foo.Bar`, `key=value` are none.
        if follows.is_some_and(|c| c.is_alphanumeric() || "_=\\/@".contains(c)) {
            break;
        }
        if is_capital(word) {
            end = at + length;
        } else if end == 0 || !PARTICLES.contains(&word) {
            break;
        }
        match text[at + length..].strip_prefix(' ') {
            Some(_) => at += length + 1,
            None => break,
        }
    }
    (end > 0 && end <= LONGEST).then_some(0..end)
}

/// Letters, and what stands between those of a name: `O'Brien`, `Meier-Huber`, `J.`
fn is_part(c: char) -> bool {
    c.is_alphabetic() || "'’-.".contains(c)
}

/// A capital with small letters, or an initial.
fn is_capital(word: &str) -> bool {
    let mut letters = word.chars();
    let capital = letters.next().is_some_and(char::is_uppercase);
    let initial = word.chars().count() == 2 && word.ends_with('.');
    let small = word.chars().filter(|c| c.is_lowercase()).count();
    let humps = word
        .split(['\'', '’', '-'])
        .all(|part| part.chars().skip(2).filter(|c| c.is_uppercase()).count() <= 1);
    let dots = word.trim_end_matches('.').contains('.');
    capital && !dots && (initial || small > 0 && humps && (!word.ends_with('.') || small <= 3))
}

/// Without the words behind a name that begin the next thing that is said.
fn trimmed(name: &str) -> &str {
    let mut name = name.trim_end_matches(['.', '-', '\'']);
    while let Some((before, last)) = name.rsplit_once(' ') {
        let verb = before.contains(' ') && ["ing", "ed", "tion"].iter().any(|end| last.ends_with(end));
        if !verb && !known().is_phrase(last) && !PARTICLES.contains(&last) {
            break;
        }
        name = before;
    }
    name
}

/// Whether it has a word that not everybody uses, or one that stands in the address beside it.
fn is_foreign(name: &str, local: &str) -> bool {
    let local = local.to_lowercase();
    name.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() >= 2).any(|word| {
        !known().is_word(word) && !known().is_phrase(word) || local.contains(&word.to_lowercase())
    })
}

fn is_persons(book: &Book, name: &str, local: &str) -> bool {
    !name.is_empty() && !book.is_token(name) && !known().is_name(name) && is_foreign(name, local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        let mut book = Book::new(false);
        let mut found: Vec<&str> = Vec::new();
        for (range, _) in find(&mut book, text) {
            found.push(&text[range]);
        }
        found
    }

    #[test]
    fn names_stand_beside_addresses() {
        for (text, name) in [
            ("From: \"Doe, Jane\" <jd@contoso.com>", "Doe, Jane"),
            ("sent to Jane van der Doe <jane@contoso.com>", "Jane van der Doe"),
            ("To: Doe, Jane <jane@contoso.com>; next", "Doe, Jane"),
            ("mailbox of Zoë O'Brien-Meier (zoe@contoso.com) opened", "Zoë O'Brien-Meier"),
            ("jane@contoso.com (Jane Doe) was refused", "Jane Doe"),
            ("'Østergård Å.' <o@contoso.com>", "Østergård Å."),
        ] {
            assert_eq!(names(text), [name], "{text}");
        }
    }

    #[test]
    fn names_stand_behind_words_that_announce_them() {
        for (text, name) in [
            ("cannot sync user Jane Doe: timeout", "Jane Doe"),
            ("user 'Jane Doe' is gone", "Jane Doe"),
            ("Benutzer: Jürgen Groß Failed", "Jürgen Groß"),
            ("opening mailbox of Kowalczyk now", "Kowalczyk"),
            ("Sehr geehrte Frau Dr. Kowalczyk,", "Kowalczyk"),
            ("Dear Jane,", "Jane"),
            ("acting on behalf of J. Doe.", "J. Doe"),
        ] {
            assert_eq!(names(text), [name], "{text}");
        }
    }

    #[test]
    fn what_everybody_says_and_what_is_code_is_no_name() {
        for text in [
            "user Authentication Failed",
            "the mailbox Is Not Found",
            "user agent Mozilla/5.0",
            "System.Net.Mail.User Name.Space",
            "account Name-1 <User-1@Domain-1.example>",
            "user AADSTS50126 ErrorAccessDenied",
            "owner=svc-sync@contoso.com",
            "user.Name(x@y)",
        ] {
            assert!(names(text).is_empty(), "{text}: {:?}", names(text));
        }
    }
}
