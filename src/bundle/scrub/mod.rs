//! Running text: whatever in it is a secret, an address, an id, a known name is replaced, the rest stays.
//!
//! Rules go one after the other, from what is surest to what is least so; what one rule has replaced,
//! no later one sees.

mod dictionary;
mod keyed;
mod opaque;
mod patterns;
mod persons;
mod unknown;
mod url;

use std::ops::Range;

use super::book::Book;
use dictionary::Dictionary;

pub(super) use patterns::{is_host, part};
pub use url::redact as url;

/// What kind of text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// A line of a log, or words of this program.
    Log,
    /// Words of a server about one thing: what is not known to everybody goes.
    Answer,
}

/// A part of a text, replaced or not.
#[derive(Debug)]
enum Piece<'t> {
    Raw(&'t str),
    Done(String),
}

type Found = Vec<(Range<usize>, String)>;
type Rule = (&'static str, fn(&mut Book, &str) -> Found);

/// In this order; the names stand in the redaction report.
const RULES: &[Rule] = &[
    ("URL", url::find),
    ("person", persons::find),
    ("mail address", patterns::addresses),
    ("distinguished name", patterns::distinguished),
    ("id", patterns::ids),
    ("security identifier", patterns::sids),
    ("host address", patterns::ips),
    ("share or domain user", patterns::backslashes),
    ("home folder", patterns::homes),
    ("field", keyed::find),
    ("host", patterns::hosts),
    ("phone number", patterns::phones),
];

/// Replaces what a book knows, and what can be told by its form.
pub struct Scrubber {
    dictionary: Dictionary,
}

impl Scrubber {
    /// For the names that the book holds by now.
    pub fn new(book: &Book) -> Self {
        Self { dictionary: Dictionary::new(book.needles()) }
    }

    /// A text without what is personal or secret in it.
    pub fn text(&self, book: &mut Book, text: &str, kind: Text) -> String {
        let mut pieces = apply(vec![Piece::Raw(text)], |text| opaque::find(book, text));
        if !book.keep {
            for (name, rule) in RULES {
                let before = book.by(name);
                pieces = apply(pieces, |text| rule(book, text));
                book.by(before);
            }
            let before = book.by("known name");
            pieces = apply(pieces, |text| self.dictionary.find(book, text));
            if kind == Text::Answer {
                book.by("unknown word");
                pieces = apply(pieces, |text| unknown::find(book, text));
            }
            book.by(before);
        }
        pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Raw(text) => text.to_owned(),
                Piece::Done(text) => text,
            })
            .collect()
    }
}

fn apply(pieces: Vec<Piece<'_>>, mut rule: impl FnMut(&str) -> Found) -> Vec<Piece<'_>> {
    let mut out = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let Piece::Raw(text) = piece else {
            out.push(piece);
            continue;
        };
        let mut at = 0;
        for (range, shown) in rule(text) {
            if range.start < at {
                continue;
            }
            if range.start > at {
                out.push(Piece::Raw(&text[at..range.start]));
            }
            out.push(Piece::Done(shown));
            at = range.end;
        }
        if at < text.len() {
            out.push(Piece::Raw(&text[at..]));
        }
    }
    out
}

#[cfg(test)]
mod tests;
