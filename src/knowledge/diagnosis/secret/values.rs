//! The values of secrets: where each begins and ends.

use std::ops::Range;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use super::LONGEST;

pub(super) fn token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte)
}

pub(super) fn base64_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte)
}

/// Bytes of one sort from a place on.
pub(super) fn run(text: &[u8], from: usize, wanted: impl Fn(u8) -> bool) -> Option<Range<usize>> {
    let count = text.get(from..)?.iter().take(LONGEST).take_while(|byte| wanted(**byte)).count();
    (count > 0).then_some(from..from + count)
}

pub(super) fn holds_password(value: &[u8]) -> bool {
    let trimmed: Vec<u8> = value.iter().copied().filter(|byte| *byte != b'=').collect();
    value.len() >= 8 && STANDARD_NO_PAD.decode(trimmed).is_ok_and(|decoded| decoded.contains(&b':'))
}

/// The value behind a key: quotes, equals signs, colons and escapes lie between.
pub(super) fn value(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    if start > 0 && text[start - 1].is_ascii_alphabetic() {
        return None; // Part of another word.
    }
    let (gap, assigned) = gap(text, end)?;
    let range =
        run(text, end + gap, |byte| !byte.is_ascii_whitespace() && !b"\"'&,;<>{}()|\\".contains(&byte))?;
    let found = &text[range.clone()];
    let enough = if assigned { found.len() >= 4 } else { found.len() >= 8 && looks_chosen(found) };
    (enough && !is_word(found)).then_some(range)
}

/// The bytes between a key and its value, and whether it is assigned or only spoken of; `None`: neither.
pub(super) fn gap(text: &[u8], end: usize) -> Option<(usize, bool)> {
    let rest = text.get(end..)?;
    let gap = rest.iter().take(12).take_while(|byte| b"\"'\\: =>".contains(byte)).count();
    let between = &rest[..gap];
    let spoken = between.contains(&b':');
    let quoted = spoken && between.iter().any(|byte| b"\"'".contains(byte));
    let assigned = quoted || between.contains(&b'=') || between.contains(&b'>');
    (assigned || spoken).then_some((gap, assigned))
}

/// Letters and something else: what nobody writes as prose.
pub(super) fn looks_chosen(value: &[u8]) -> bool {
    let some = |wanted: fn(&u8) -> bool| value.iter().any(wanted);
    some(u8::is_ascii_alphabetic)
        && some(u8::is_ascii_digit)
        && !value.contains(&b'/')
        && !value.starts_with(b"AADSTS")
}

/// Words that stand where a secret would.
pub(super) fn is_word(value: &[u8]) -> bool {
    const WORDS: &[&str] = &[
        "null",
        "none",
        "true",
        "false",
        "undefined",
        "empty",
        "removed",
        "redacted",
        "hidden",
        "expired",
        "invalid",
        "missing",
        "string",
        "value",
        "required",
    ];
    let lower = value.to_ascii_lowercase();
    let lower = String::from_utf8_lossy(&lower);
    let bare = lower.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    WORDS.contains(&bare) || bare.is_empty()
}

/// Somebody took it out before: stars, dots, one and the same sign, a name in brackets.
pub(super) fn is_removed(value: &[u8]) -> bool {
    let value = &value[..value.len().min(256)];
    let first = value.first().copied().unwrap_or_default();
    let same = value.iter().all(|byte| *byte == first);
    let marked =
        value.windows(3).any(|three| three == b"***" || three == b"...") || b"[<{$%".contains(&first);
    let text = value.to_ascii_lowercase();
    let said = [&b"redact"[..], b"removed", b"masked", b"xxxx", b"hidden"]
        .iter()
        .any(|word| text.windows(word.len()).any(|part| part == *word));
    same || marked || said
}

/// The rest of a line that begins like a cookie.
pub(super) fn line(text: &[u8], end: usize) -> Option<Range<usize>> {
    let begins = &text[end..text.len().min(end + 256)];
    let begins = &begins[..memchr::memchr(b'\n', begins).unwrap_or(begins.len())];
    memchr::memchr(b'=', begins)?;
    run(text, end, |byte| byte != b'\n' && byte != b'\r').filter(|range| range.len() >= 8)
}

/// What an element holds whose name and first sign behind it end at `end`.
pub(super) fn content(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    if start == 0 || !b"<:".contains(&text[start - 1]) {
        return None;
    }
    let near = &text[..text.len().min(end + 512)];
    let attributes = run(near, end, |byte| byte != b'>' && byte != b'<')?;
    let closed = text.get(attributes.end) == Some(&b'>') && text[attributes.end - 1] != b'/';
    let range = run(text, attributes.end + 1, |byte| byte != b'<' && byte != b'\\')?;
    (closed && range.len() >= 3).then_some(range)
}

/// A statement from its first attribute to its closing tag, or as far as it is looked at.
pub(super) fn assertion(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    if start == 0 || !b"<:;".contains(&text[start - 1]) || text.get(end) == Some(&b'<') {
        return None;
    }
    let rest = &text[end..text.len().min(end + LONGEST)];
    let closing =
        memchr::memmem::find(rest, b"Assertion>").or_else(|| memchr::memmem::find(rest, b"Assertion&gt;"));
    let length = closing.unwrap_or(rest.len());
    (length >= 40).then_some(end..end + length)
}

/// The body of a key: what stands between the two lines with hyphens.
pub(super) fn pem(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let head = run(text, end, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ')?;
    if !text[head.clone()].ends_with(b"PRIVATE KEY") || start == head.end {
        return None;
    }
    let body = (head.end + 5).min(text.len());
    let rest = &text[body..text.len().min(body + LONGEST)];
    let length = memchr::memmem::find(rest, b"-----END").unwrap_or(rest.len());
    (length >= 8).then_some(body..body + length)
}

/// The literal behind an option; variables and further options are none.
pub(super) fn literal(text: &[u8], end: usize) -> Option<Range<usize>> {
    let rest = text.get(end..)?;
    let named = if rest.len() >= 8 && rest[..8].eq_ignore_ascii_case(b"-string ") { 8 } else { 0 };
    let from = end + named + rest[named..].iter().take(4).take_while(|byte| **byte == b' ').count();
    let first = *text.get(from)?;
    let range = if b"\"'".contains(&first) {
        run(text, from + 1, |byte| byte != first && byte != b'\n')?
    } else {
        let bare = run(text, from, |byte| byte.is_ascii_graphic() && !b"$(-".contains(&first))?;
        looks_chosen(&text[bare.clone()]).then_some(bare)?
    };
    (range.len() >= 4 && !b"$(".contains(&text[range.start]) && !is_word(&text[range.clone()]))
        .then_some(range)
}

/// `user:password` behind an option.
pub(super) fn pair(text: &[u8], end: usize) -> Option<Range<usize>> {
    let quote = usize::from(text.get(end).is_some_and(|byte| b"\"'".contains(byte)));
    let user = run(text, end + quote, |byte| byte.is_ascii_graphic() && !b":\"'".contains(&byte))?;
    if text.get(user.end) != Some(&b':') {
        return None;
    }
    run(text, user.end + 1, |byte| byte.is_ascii_graphic() && !b"\"'".contains(&byte))
        .filter(|range| range.len() >= 4)
}

/// A long value of a parameter.
pub(super) fn signature(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    if start > 0 && (text[start - 1].is_ascii_alphanumeric() || text[start - 1] == b'_') {
        return None;
    }
    run(text, end, |byte| token_byte(byte) || byte == b'%').filter(|range| range.len() >= 20)
}

/// The value beside the name of a header, as archives write it.
pub(super) fn header(text: &[u8], end: usize) -> Option<Range<usize>> {
    let rest = &text[end..text.len().min(end + 48)];
    let value = memchr::memmem::find(rest, b"\"value\"")?;
    let from = end + value + 7;
    let gap = text.get(from..)?.iter().take(4).take_while(|byte| b": ".contains(byte)).count();
    if text.get(from + gap) != Some(&b'"') {
        return None;
    }
    run(text, from + gap + 1, |byte| byte != b'"' && byte != b'\n').filter(|range| range.len() >= 4)
}

/// Three parts in base64 with dots between.
pub(super) fn jwt(text: &[u8], start: usize) -> Option<Range<usize>> {
    if !text[start..].starts_with(b"eyJ") || start > 0 && base64_byte(text[start - 1]) {
        return None;
    }
    let range = run(text, start, |byte| base64_byte(byte) || byte == b'.')?;
    let parts: Vec<usize> = text[range.clone()].split(|byte| *byte == b'.').map(<[u8]>::len).collect();
    (parts.len() >= 2 && parts[0] >= 10 && parts[1] >= 10).then_some(range)
}

/// `xxx8Q~` and 31 or more signs.
pub(super) fn entra(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at.checked_sub(4)?;
    let head = text.get(start..at)?;
    let fits = head[..3].iter().all(|byte| token_byte(*byte)) && head[3].is_ascii_digit() && text[at] == b'Q';
    let range = run(text, start, |byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))?;
    (fits && (37..=44).contains(&range.len())).then_some(range)
}

/// `user:password@` behind `://`.
pub(super) fn address(text: &[u8], end: usize) -> Option<Range<usize>> {
    let (name, password) = parts_of_address(text, end)?;
    (name.len() <= 128 && password.len() < 256).then_some(password)
}

/// Whether `user:password@` stands behind `://`, however long.
pub(super) fn holds_address(text: &[u8], end: usize) -> bool {
    parts_of_address(text, end).is_some()
}

fn parts_of_address(text: &[u8], end: usize) -> Option<(Range<usize>, Range<usize>)> {
    let all = |from: usize, wanted: fn(u8) -> bool| {
        let count = text.get(from..)?.iter().take_while(|byte| wanted(**byte)).count();
        (count > 0).then_some(from..from + count)
    };
    let name = all(end, |byte| byte.is_ascii_alphanumeric() || b"._%-+".contains(&byte))?;
    if text.get(name.end) != Some(&b':') {
        return None;
    }
    let password = all(name.end + 1, |byte| byte.is_ascii_graphic() && !b"/@\"'<> ".contains(&byte))?;
    (text.get(password.end) == Some(&b'@')).then_some((name, password))
}
