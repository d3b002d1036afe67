//! What makes two pieces of a log the same failure: everything but numbers, ids and names.
//!
//! A run of letters and digits is left out of the key of a piece where that cannot change what is
//! recognized: what stays of it is its length, and which parts of known texts stand where in it. So the
//! outcome of one piece is that of every piece with the same key, and only the first is looked at closely.

use std::ops::Range;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, BuildError, MatchKind};
use memchr::memmem::Finder;

use super::beside::{is_code, joined, plain};
use super::edges::{ANY, BORDER, Edges, is_part};
use super::key::Key;
use super::matcher::{Matcher, begins_a_word};
use super::normal::is_quoted_printable;
use super::{normal, secret, unknown};

/// Words of which the letters' case counts: what they stand in is never left out.
const CODES: &[&str] = &["aadsts", "error", "responsecode", "eyj", "caused"];

/// What makes a piece the same as another one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// What stands in it.
    pub key: u64,
    /// How far apart.
    pub lengths: u64,
}

impl Shape {
    /// One number for both.
    pub fn exact(self) -> u64 {
        let mut key = Key(self.key);
        key.number(self.lengths | 1);
        key.0
    }
}

/// Knows what may be left out.
#[derive(Debug)]
pub(super) struct Fold {
    /// Finds in a run, with what stands beside it, the parts of known texts that it can be.
    runs: DFA,
    start: StateID,
    /// Its state behind a border beyond which nothing counts.
    border: StateID,
    edges: Edges,
    /// A word behind which a text is hidden.
    claims: Finder<'static>,
}

impl Fold {
    /// For everything that is known.
    pub fn new(matcher: &Matcher) -> Result<Self, BuildError> {
        let (mut parts, mut edges) = (Vec::new(), Edges::default());
        let signs = secret::triggers().chain(unknown::TRIGGERS.iter().copied()).chain(normal::LINKS);
        for (text, whole) in matcher.every_pattern().chain(signs.map(|sign| (sign, false))) {
            add(text.to_ascii_lowercase().as_bytes(), whole, &mut parts, &mut edges);
        }
        parts.sort_unstable();
        parts.dedup();
        let codes = CODES.iter().map(|code| code.as_bytes());
        let runs = DFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(codes.chain(parts.iter().map(Vec::as_slice)))?;
        let start = runs.start_state(Anchored::No).unwrap_or_default();
        let border = runs.next_state(Anchored::No, start, BORDER);
        Ok(Self { runs, start, border, edges, claims: Finder::new("claims=") })
    }

    /// The shape of a piece.
    pub fn shape(&self, piece: &[u8]) -> Shape {
        let (mut key, mut lengths) = (Key(0x5bd1_e995_9e37_79b9), Key(0));
        if self.is_written_otherwise(piece) {
            key.bytes(piece);
            return Shape { key: key.0, lengths: 0 };
        }
        let (mut kept, mut at) = (0, 0);
        while let Some(run) = next(piece, at) {
            at = run.end + usize::from(piece.get(run.end) == Some(&b'@'));
            let Some((run, parts)) = plain(piece, run).and_then(|run| self.parts(piece, run)) else {
                continue;
            };
            key.part(&piece[kept..run.start], 1 + joined(piece, &run));
            key.number(parts);
            lengths.number(run.len() as u64);
            kept = run.end;
        }
        key.bytes(&piece[kept..]);
        Shape { key: key.0, lengths: lengths.0 }
    }

    /// Whether a piece is read in a way in which no part of it stands for itself. Color codes end in a
    /// letter, which belongs to no word.
    fn is_written_otherwise(&self, piece: &[u8]) -> bool {
        memchr::memchr2(b'=', b'\x1b', piece).is_some_and(|first| {
            let rest = &piece[first..];
            memchr::memchr(b'\x1b', rest).is_some()
                || is_quoted_printable(piece)
                || self.claims.find(piece).is_some()
        })
    }

    /// A run that may be left out, and a number for the parts of known texts in it and where they stand.
    fn parts(&self, piece: &[u8], run: Range<usize>) -> Option<(Range<usize>, u64)> {
        let bytes = &piece[run.clone()];
        if piece.get(run.end) == Some(&b'@') {
            return is_nobody(bytes).then_some((run, 0));
        }
        // What is left of a run without its digits is a word like others.
        if !is_noise(bytes) || is_code(piece, run.start) {
            return None;
        }
        let mut parts = Parts {
            runs: &self.runs,
            run: bytes,
            from: 0,
            state: self.border,
            at: 0,
            first: None,
            number: 0,
        };
        if let Some([near, next, far]) = self.edges.before(piece, &run) {
            (parts.state, parts.from) = (self.start, 4);
            parts.take(&[far, next, near, BORDER]);
        }
        let there = parts.take(bytes) && parts.take(&[BORDER]);
        let behind = self.edges.behind(piece, &run);
        (there && behind.is_none_or(|signs| parts.take(&signs))).then_some((run, parts.number))
    }
}

/// Goes through a run and what stands beside it.
struct Parts<'f> {
    runs: &'f DFA,
    run: &'f [u8],
    /// Signs that are taken in before the run.
    from: usize,
    state: StateID,
    at: usize,
    /// Where the first part ends.
    first: Option<usize>,
    number: u64,
}

impl Parts<'_> {
    /// Takes in some bytes; `false`: a code may stand there.
    #[inline]
    fn take(&mut self, bytes: &[u8]) -> bool {
        let mut state = self.state;
        for (place, byte) in bytes.iter().enumerate() {
            state = self.runs.next_state(Anchored::No, state, *byte);
            if self.runs.is_match(state) && !self.note(state, self.at + place) {
                return false;
            }
        }
        (self.state, self.at) = (state, self.at + bytes.len());
        true
    }

    #[cold]
    fn note(&mut self, state: StateID, at: usize) -> bool {
        let distance = at - *self.first.get_or_insert(at);
        let mut number = self.number.rotate_left(29) ^ u64::from(state.as_u32()) << 32 ^ distance as u64;
        let mut codes = false;
        for found in (0..self.runs.match_len(state)).map(|place| self.runs.match_pattern(state, place)) {
            codes |= found.as_usize() < CODES.len();
            // Some texts count only where a word begins.
            let start = (at + 1).checked_sub(self.from + self.runs.pattern_len(found));
            let begins = start.is_none_or(|start| start >= self.run.len() || begins_a_word(self.run, start));
            number = number.rotate_left(1) ^ u64::from(begins);
        }
        self.number = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        !codes
    }
}

/// Adds what runs of a known text can be to those of a log: the same between two borders, the end of one,
/// the beginning of one, or anything within one.
fn add(text: &[u8], whole: bool, parts: &mut Vec<Vec<u8>>, edges: &mut Edges) {
    let mut start = 0;
    for run in text.split(|byte| !is_part(*byte)) {
        let end = start + run.len();
        // Signs at the ends of a known text need no border.
        let word = |byte: Option<&u8>| whole && byte.is_some_and(|byte| !b".-".contains(byte));
        let before = beyond(text[..start].iter().rev(), word(run.first()));
        let behind = beyond(text[end..].iter(), word(run.last()));
        start = end + 1;
        if run.is_empty() || !(before[0].is_empty() || behind[0].is_empty() || is_noise(run)) {
            continue;
        }
        edges.add(&before, &behind, run);
        for before in &before {
            parts.extend(behind.iter().map(|behind| {
                let before = before.iter().rev().copied();
                before.chain(run.iter().copied()).chain(behind.iter().copied()).collect::<Vec<u8>>()
            }));
        }
    }
}

/// What must stand beside a run of a known text, from the run on: signs behind the border of the run in a
/// log, some border of a word, or nothing.
fn beyond<'t>(signs: impl Iterator<Item = &'t u8>, word: bool) -> Vec<Vec<u8>> {
    let signs: Vec<u8> = signs.take(3).copied().collect();
    match signs.first() {
        Some(sign) => {
            vec![[&[BORDER], &signs[..]].concat(), vec![BORDER, *sign, ANY], vec![BORDER, ANY]]
        }
        None if word => vec![vec![BORDER], vec![b'.'], vec![b'-']],
        None => vec![Vec::new()],
    }
}

/// Whether a run may be left out: digits stand in it.
fn is_noise(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_digit)
}

/// Whether the name of a mailbox is no token.
fn is_nobody(name: &[u8]) -> bool {
    !name.windows(3).any(|three| three.eq_ignore_ascii_case(b"eyj"))
}

/// The next run from `at` on that may be left out.
fn next(piece: &[u8], at: usize) -> Option<Range<usize>> {
    let mut from = at;
    loop {
        let place = from + piece[from..].iter().position(|byte| SORT[usize::from(*byte)])?;
        let before = piece[at..place].iter().rev().take_while(|byte| is_part(**byte)).count();
        let behind = piece[place..].iter().take_while(|byte| is_part(**byte)).count();
        if before + behind > 0 {
            return Some(place - before..place + behind);
        }
        from = place + 1;
    }
}

/// Digits and the at sign.
const SORT: [bool; 256] = {
    let mut sort = [false; 256];
    let mut byte = b'0';
    while byte <= b'9' {
        sort[byte as usize] = true;
        byte += 1;
    }
    sort[b'@' as usize] = true;
    sort
};
