//! What nobody may have: secrets, keys, tokens, and packed data that nobody can look into.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use super::{Found, patterns};
use crate::bundle::{
    book::Book,
    form,
    words::{self, known},
};
use crate::knowledge::diagnosis;

/// What stands in the place of a secret.
pub const SECRET: &str = "[secret removed]";

/// What stands in the place of packed data.
const PACKED: &str = "[data removed]";

/// Shortest run that may be packed data, and from which on it always counts as such.
const SHORT: usize = 12;
const LONG: usize = 40;

/// Secrets and packed data.
pub(super) fn find(book: &mut Book, text: &str) -> Found {
    let mut found: Found = diagnosis::secrets(text)
        .into_iter()
        .map(|(range, kind)| {
            book.removed(kind);
            (range, SECRET.to_owned())
        })
        .collect();
    for range in runs(text) {
        let run = &text[range.clone()];
        if let Some(shown) = judge(book, &text[..range.start], run) {
            found.push((range, shown));
        }
    }
    found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    found
}

/// Runs of the signs of base64 and of hexadecimal numbers.
fn runs(text: &str) -> Vec<std::ops::Range<usize>> {
    let packed = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte);
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|byte| packed(byte)).count();
        if length >= SHORT {
            found.push(at..at + length);
        }
        at += length.max(1);
    }
    found
}

fn judge(book: &mut Book, before: &str, run: &str) -> Option<String> {
    if book.is_token(run)
        || run.split(['-', '=', '/', '_']).any(|part| part.len() >= 12 && book.is_token(part))
    {
        return None;
    }
    let hex = run.bytes().all(|byte| byte.is_ascii_hexdigit());
    if form::is_digest(run) && run.bytes().any(|byte| !byte.is_ascii_digit()) {
        return (!book.keep).then(|| book.thumbprint(run));
    }
    if hex && run.len() >= 32 && run.bytes().any(|byte| byte.is_ascii_digit()) {
        if patterns::names_request(before) {
            book.keeps("request id", run);
            return None;
        }
        book.removed("long number");
        return Some(SECRET.to_owned());
    }
    if run.len() >= LONG && is_random(run) {
        book.removed("packed data");
        return Some(PACKED.to_owned());
    }
    hides(run).then(|| {
        book.removed("packed data");
        PACKED.to_owned()
    })
}

/// Signs in such a mixture that no word and no path is like it.
fn is_random(run: &str) -> bool {
    let known_letters: usize =
        words::parts(run).filter(|part| part.len() >= 3 && known().is_word(part)).map(str::len).sum();
    if known_letters * 2 > run.len() {
        return false;
    }
    let longest = run.split(['/', '-', '_', '=']).max_by_key(|part| part.len()).unwrap_or_default();
    let some = |fits: fn(&u8) -> bool| longest.bytes().any(|byte| fits(&byte));
    let mixed = some(u8::is_ascii_uppercase) && some(u8::is_ascii_lowercase) && some(u8::is_ascii_digit);
    let even = longest.len() >= 60 && some(u8::is_ascii_uppercase) && some(u8::is_ascii_lowercase);
    longest.len() >= 20 && (mixed || even)
}

/// Whether it is base64 of a text with an address, an id or a URL in it.
fn hides(run: &str) -> bool {
    let bare = run.trim_matches('=').replace('-', "+").replace('_', "/");
    let bare = &bare[..bare.len() - usize::from(bare.len() % 4 == 1)];
    let Ok(bytes) = STANDARD_NO_PAD.decode(bare) else { return false };
    let wide: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    let text = if wide.len() * 2 <= bytes.len() + 1 { wide } else { bytes };
    let printable = text.iter().filter(|byte| (b' '..=b'~').contains(byte)).count();
    printable == text.len() && text.iter().any(|byte| b"@.\\ :-".contains(byte))
}
