//! What makes two pieces of a log the same failure: everything but numbers, ids and names.
//!
//! A piece is folded only where that cannot change what is recognized in it: a run of letters and digits
//! is left out when no known text can begin, end or lie in it, and when no escape touches it. So the
//! outcome of one piece is that of every piece with the same key, and only the first is looked at closely.

use std::collections::HashSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::matcher::{Matcher, build};
use super::normal::is_quoted_printable;
use super::secret;

/// Words before unknown codes: what stands behind them is never left out.
const CODES: &[&str] = &["aadsts", "error", "eyj"];
/// How far before a run the word `code` makes it one.
const BEFORE: usize = 16;

/// Knows what may be left out.
#[derive(Debug)]
pub(super) struct Fold {
    /// Runs that stand in known texts with a border on both sides.
    exact: HashSet<Box<[u8]>>,
    /// Runs with which known texts end, by their first byte.
    heads: Vec<Vec<Box<[u8]>>>,
    /// Runs with which known texts begin, by their last byte.
    tails: Vec<Vec<Box<[u8]>>>,
    /// Known texts that are one run.
    inside: Option<AhoCorasick>,
    /// A word behind which a text is hidden.
    claims: memchr::memmem::Finder<'static>,
}

/// A key, mixed eight bytes at a time.
pub(super) struct Key(pub u64);

impl Key {
    fn word(&mut self, word: u64) {
        let product = u128::from(self.0 ^ 0x9E37_79B9_7F4A_7C15) * u128::from(word ^ 0xF39C_C060_5CED_C835);
        let [low, high] = [product & u128::from(u64::MAX), product >> 64];
        self.0 = u64::try_from(low ^ high).unwrap_or_default();
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        for eight in eights {
            self.word(u64::from_le_bytes(*eight));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        // The length closes what stands verbatim, so that parts cannot be told as others.
        self.word(u64::from_le_bytes(last));
        self.word(bytes.len() as u64);
    }
}

impl Fold {
    /// For everything that is known.
    pub fn new(matcher: &Matcher) -> Self {
        let mut fold = Self {
            exact: HashSet::new(),
            heads: vec![Vec::new(); 256],
            tails: vec![Vec::new(); 256],
            inside: None,
            claims: memchr::memmem::Finder::new("claims="),
        };
        let mut inside: Vec<Vec<u8>> = CODES.iter().map(|code| code.as_bytes().to_vec()).collect();
        let known = matcher.every_pattern();
        // Those of tokens are seen to by themselves.
        let triggers = secret::triggers().filter(|trigger| !trigger.as_bytes().ends_with(b".a"));
        for (text, whole) in known.chain(triggers.map(|trigger| (trigger, false))) {
            fold.add(&text.to_ascii_lowercase(), whole, &mut inside);
        }
        fold.exact.extend([b"0"[..].into(), b"1"[..].into()]);
        inside.sort_unstable();
        inside.dedup();
        fold.inside = build(&inside, AhoCorasickKind::DFA).ok();
        for list in fold.heads.iter_mut().chain(&mut fold.tails) {
            list.sort_unstable();
            list.dedup();
        }
        fold
    }

    fn add(&mut self, text: &str, whole: bool, inside: &mut Vec<Vec<u8>>) {
        let runs: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        let last = runs.len() - 1;
        for (place, run) in runs.into_iter().enumerate().filter(|(_, run)| !run.is_empty()) {
            let bytes = run.as_bytes();
            match (whole, place == 0, place == last) {
                (true, ..) | (false, false, false) => {
                    self.exact.insert(bytes.into());
                }
                (false, true, true) => inside.push(bytes.to_vec()),
                (false, true, false) => self.tails[usize::from(bytes[bytes.len() - 1])].push(bytes.into()),
                (false, false, true) => self.heads[usize::from(bytes[0])].push(bytes.into()),
            }
        }
    }

    /// The key of a piece.
    pub fn key(&self, piece: &[u8]) -> u64 {
        let mut key = Key(0x5bd1_e995_9e37_79b9);
        // Color codes end in a letter, which belongs to no word.
        if memchr::memchr(b'\x1b', piece).is_some()
            || is_quoted_printable(piece)
            || self.claims.find(piece).is_some()
        {
            key.bytes(piece);
            return key.0;
        }
        let mut kept = 0;
        let mut at = 0;
        while let Some(found) = piece[at..].iter().position(|byte| SORT[usize::from(*byte)] != 0) {
            let place = at + found;
            let run =
                if piece[place] == b'@' { mailbox(piece, kept, place) } else { alnum(piece, kept, place) };
            at = run.end.max(place + 1);
            if run.is_empty() || touched(piece, run.start, run.end) {
                continue;
            }
            let free =
                piece[place] == b'@' || piece.get(run.end) == Some(&b'@') || self.is_free(piece, run.clone());
            if !free {
                continue;
            }
            key.bytes(&piece[kept..run.start]);
            // How far apart texts stand may count.
            key.word(run.len() as u64);
            kept = run.end;
        }
        key.bytes(&piece[kept..]);
        key.0
    }

    /// Whether no known text can touch a run.
    fn is_free(&self, piece: &[u8], range: std::ops::Range<usize>) -> bool {
        let run = &piece[range.clone()];
        let mut lower = [0; 48];
        let lower = if run.len() <= lower.len() {
            for (to, from) in lower.iter_mut().zip(run) {
                *to = from.to_ascii_lowercase();
            }
            &lower[..run.len()]
        } else {
            return self.is_free_long(piece, range);
        };
        self.is_free_run(lower) && !is_code(piece, &range) && !is_token(piece, range.start)
    }

    fn is_free_long(&self, piece: &[u8], range: std::ops::Range<usize>) -> bool {
        let lower = piece[range.clone()].to_ascii_lowercase();
        self.is_free_run(&lower) && !is_code(piece, &range) && !is_token(piece, range.start)
    }

    fn is_free_run(&self, run: &[u8]) -> bool {
        let head = self.heads[usize::from(run[0])].iter().any(|head| run.starts_with(head));
        let tail = || self.tails[usize::from(run[run.len() - 1])].iter().any(|tail| run.ends_with(tail));
        let inside = || self.inside.as_ref().is_none_or(|inside| inside.is_match(run));
        !head && !tail() && !self.exact.contains(run) && !inside()
    }
}

/// Refresh tokens begin with `0.A` or `1.A`.
fn is_token(piece: &[u8], start: usize) -> bool {
    piece[start].eq_ignore_ascii_case(&b'A')
        && start >= 2
        && matches!(&piece[start - 2..start], b"0." | b"1.")
}

/// What stands behind `"code":` may be a code that nobody knows.
fn is_code(piece: &[u8], run: &std::ops::Range<usize>) -> bool {
    if !piece[run.start].is_ascii_uppercase() {
        return false;
    }
    let before = &piece[run.start.saturating_sub(BEFORE)..run.start];
    before.windows(4).any(|four| four.eq_ignore_ascii_case(b"code"))
}

/// An escape, a letter beyond ASCII or an underscore stands right beside it: it may not be what it seems.
fn touched(piece: &[u8], start: usize, end: usize) -> bool {
    let odd = |byte: u8| byte >= 0x80 || b"\\%&#;_=".contains(&byte);
    let before = start.checked_sub(1).is_some_and(|at| odd(piece[at]) && piece[at] != b'=');
    let after = match piece.get(end) {
        Some(b'=') => piece.get(end + 1).is_some_and(|next| b"\r\n".contains(next)),
        Some(b'_') | None => false,
        Some(byte) => odd(*byte),
    };
    let wrapped =
        start >= 2 && piece[start - 1] == b'\n' && piece[..start - 1].trim_ascii_end().ends_with(b"=");
    before || after || wrapped
}

/// The run of letters and digits around a digit, no earlier than `from`.
fn alnum(piece: &[u8], from: usize, at: usize) -> std::ops::Range<usize> {
    let before = piece[from..at].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let behind = piece[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    at - before..at + behind
}

/// The name before an at sign, no earlier than `from`.
fn mailbox(piece: &[u8], from: usize, at: usize) -> std::ops::Range<usize> {
    let before = piece[from..at].iter().rev().take_while(|byte| is_mailbox(**byte)).count();
    at - before..at
}

/// A sign of the name before an at sign.
pub(super) fn is_mailbox(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
}

/// Digits and the at sign.
const SORT: [u8; 256] = {
    let mut sort = [0; 256];
    let mut byte = b'0';
    while byte <= b'9' {
        sort[byte as usize] = 1;
        byte += 1;
    }
    sort[b'@' as usize] = 2;
    sort
};
