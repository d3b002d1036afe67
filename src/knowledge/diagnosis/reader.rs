//! Reads a log once, from the front: finds what is known, and keeps what it needs to conclude.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::failures::{Failures, Line, Moment, Sighting};
use super::matcher::{Known, Matcher, Seen};
use super::normal::{Normal, normal};
use super::pieces::{self, Layout};
use super::source::{Source, text};
use super::{Found, secret, subject, unknown, when};

/// Up to this size everything is looked at closely.
const SMALL: usize = 1 << 20;
/// Bytes looked at together.
const CHUNK: usize = 4 << 20;
/// Bytes that tell the layout.
const SAMPLE: usize = 64 << 10;
/// Longest excerpt, in characters.
const SHOWN: usize = 240;
/// Most pieces whose outcome is remembered.
const REMEMBERED: usize = 1 << 16;
/// Bytes of a piece by which it is recognized.
const RECOGNIZED: usize = 4096;

/// What is looked for in a long log.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sign {
    /// An entry that points to causes.
    Evidence,
    /// A word that failures use.
    Word,
    /// What stands before a secret.
    Secret(usize),
    /// An entry that says that something went well.
    Success(usize),
}

/// The quick look: an automaton and what its patterns mean.
#[derive(Debug)]
pub(super) struct Glance {
    pub automaton: AhoCorasick,
    pub signs: Vec<Sign>,
}

/// Everything that a log has shown so far.
pub(super) struct Reader<'e> {
    matcher: &'e Matcher,
    layout: Layout,
    /// Failures, grouped.
    pub failures: Failures,
    /// Circumstances anywhere in a short log, and those that show the world in any.
    pub contexts: HashSet<usize>,
    /// Secrets by kind.
    pub secrets: BTreeMap<&'static str, Found>,
    /// Lines so far.
    pub lines: u64,
    /// The whole log fits into one look.
    pub small: bool,
    remembered: HashMap<u64, Option<usize>>,
}

impl<'e> Reader<'e> {
    /// Nothing read yet.
    pub fn new(matcher: &'e Matcher) -> Self {
        Self {
            matcher,
            layout: Layout::Paste,
            failures: Failures::default(),
            contexts: HashSet::new(),
            secrets: BTreeMap::new(),
            lines: 0,
            small: true,
            remembered: HashMap::new(),
        }
    }

    /// Reads to the end. `glance` is asked for only where the log is long.
    pub fn read<'g>(
        &mut self,
        source: &mut Source<'_>,
        glance: impl FnOnce() -> Option<&'g Glance>,
    ) -> io::Result<()> {
        let mut buffer = Vec::new();
        let mut more = fill(source, &mut buffer, SMALL)?;
        self.small = !more;
        self.layout =
            pieces::layout(&buffer[..buffer.len().min(SAMPLE)], self.small && buffer.len() <= SAMPLE);
        let glance = if more { glance() } else { None };
        loop {
            let whole = if more { last_line(&buffer) } else { buffer.len() };
            match glance {
                Some(glance) => self.skim(&buffer[..whole], glance),
                None => self.study(&buffer[..whole]),
            }
            buffer.drain(..whole);
            if !more {
                return Ok(());
            }
            more = fill(source, &mut buffer, CHUNK)?;
        }
    }

    /// Looks at every piece closely.
    fn study(&mut self, chunk: &[u8]) {
        let mut at = 0;
        while at < chunk.len() {
            let piece = pieces::from(chunk, at, self.layout);
            let bytes = &chunk[piece.clone()];
            self.note_secrets(&text(bytes));
            self.look(bytes);
            self.lines += newlines(bytes);
            at = piece.end;
        }
        self.lines += u64::from(!chunk.is_empty() && !chunk.ends_with(b"\n"));
    }

    fn note_secrets(&mut self, text: &str) {
        for (range, kind) in secret::find(text) {
            let line = self.lines + 1 + newlines(&text.as_bytes()[..range.start]);
            self.secrets.entry(kind).or_default().add(line);
        }
    }

    /// Looks closely only where something stands that failures use.
    fn skim(&mut self, chunk: &[u8], glance: &Glance) {
        let mut skim = Skim { counted: 0, piece: 0..0, key: DefaultHasher::new(), success: 0, secret: 0 };
        for hit in glance.automaton.find_overlapping_iter(chunk) {
            match glance.signs[hit.pattern().as_usize()] {
                Sign::Secret(trigger) if hit.start() >= skim.secret => {
                    if let Some((range, kind)) = secret::behind(chunk, trigger, hit.start(), hit.end()) {
                        skim.secret = range.end;
                        let line = self.line_at(&mut skim, chunk, hit.start());
                        self.secrets.entry(kind).or_default().add(line);
                    }
                }
                Sign::Success(known) if !self.failures.is_empty() && hit.start() >= skim.success => {
                    self.success(&mut skim, chunk, hit.start(), known);
                }
                Sign::Secret(_) | Sign::Success(_) => {}
                Sign::Word | Sign::Evidence if hit.start() < skim.piece.end => {
                    hit.pattern().as_u32().hash(&mut skim.key);
                }
                Sign::Word | Sign::Evidence => {
                    self.close(&mut skim, chunk);
                    skim.piece = pieces::around(chunk, hit.start(), skim.piece.end, self.layout);
                    skim.key = DefaultHasher::new();
                    hit.pattern().as_u32().hash(&mut skim.key);
                }
            }
        }
        self.close(&mut skim, chunk);
        self.line_at(&mut skim, chunk, chunk.len());
        self.lines += u64::from(!chunk.is_empty() && !chunk.ends_with(b"\n"));
    }

    /// The number of the line at a place; earlier places count as the last one.
    fn line_at(&mut self, skim: &mut Skim, chunk: &[u8], at: usize) -> u64 {
        if at > skim.counted {
            self.lines += newlines(&chunk[skim.counted..at]);
            skim.counted = at;
        }
        self.lines + 1
    }

    /// The piece is complete: the same as one before, or to be looked at.
    fn close(&mut self, skim: &mut Skim, chunk: &[u8]) {
        if skim.piece.is_empty() {
            return;
        }
        let bytes = &chunk[skim.piece.clone()];
        // A secret or a success may have been counted beyond the beginning of this piece.
        let over = skim.counted.saturating_sub(skim.piece.start);
        let line = self.line_at(skim, chunk, skim.piece.start) - newlines(&bytes[..over.min(bytes.len())]);
        shape(&bytes[..bytes.len().min(RECOGNIZED)], &mut skim.key);
        let key = skim.key.finish();
        match self.remembered.get(&key).copied() {
            Some(None) => {}
            Some(Some(place)) => {
                let moment = Moment { line, time: when::of_line(bytes) };
                self.failures.again(place, moment, &subject::all(bytes));
            }
            None => {
                let before = std::mem::replace(&mut self.lines, line - 1);
                let outcome = self.look(bytes);
                self.lines = before;
                if self.remembered.len() < REMEMBERED {
                    self.remembered.insert(key, outcome);
                }
            }
        }
    }

    fn success(&mut self, skim: &mut Skim, chunk: &[u8], at: usize, known: usize) {
        let start = memchr::memrchr(b'\n', &chunk[..at]).map_or(0, |newline| newline + 1);
        let end = memchr::memchr(b'\n', &chunk[at..]).map_or(chunk.len(), |newline| at + newline);
        skim.success = end;
        let Some(heals) = self.matcher.known(known).entry.heals else { return };
        let line = &chunk[start..end];
        let moment =
            Moment { line: self.line_at(skim, chunk, start.max(skim.counted)), time: when::of_line(line) };
        self.failures.succeeded(heals, moment, &subject::all(line));
    }

    /// Looks closely at one piece; gives the place of the failure that it shows.
    fn look(&mut self, bytes: &[u8]) -> Option<usize> {
        let text = text(bytes);
        let normal = normal(&text);
        let seen = self.matcher.find(&normal.text, self.layout == Layout::Paste);
        let matcher = self.matcher;
        let is =
            |wanted: fn(&Known) -> bool| seen.iter().filter(move |seen| wanted(matcher.known(seen.known)));
        let contexts: Vec<usize> =
            is(|known| !known.is_evidence() && known.entry.heals.is_none()).map(|seen| seen.known).collect();
        let evidence: Vec<Seen> = is(Known::is_evidence).copied().collect();
        let healed = is(|known| known.entry.heals.is_some())
            .filter_map(|seen| matcher.known(seen.known).entry.heals)
            .max();
        let unknown = unknown::codes(&normal.text, self.matcher);
        let wide = |place: &&usize| self.small || matcher.known(**place).entry.world.is_some();
        let kept: Vec<usize> = contexts.iter().filter(wide).copied().collect();
        self.contexts.extend(kept);
        let subjects = subject::all(bytes);
        if evidence.is_empty() && unknown.is_empty() {
            if let Some(heals) = healed {
                let moment = Moment { line: self.lines + 1, time: when::of_line(bytes) };
                self.failures.succeeded(heals, moment, &subjects);
            }
            return None;
        }
        let sighting = self.sighting(&text, &normal, evidence, unknown, contexts, subjects);
        self.failures.add(sighting)
    }

    fn sighting(
        &self,
        text: &str,
        normal: &Normal,
        mut evidence: Vec<Seen>,
        unknown: Vec<String>,
        contexts: Vec<usize>,
        subjects: Vec<u64>,
    ) -> Sighting {
        self.matcher.silence(&mut evidence);
        let strongest = |one: &&Seen, other: &&Seen| {
            let strength = |seen: &Seen| self.matcher.known(seen.known).strength();
            strength(one).total_cmp(&strength(other)).then(other.at.cmp(&one.at))
        };
        let code = unknown.first().and_then(|code| normal.text.find(code.as_str()));
        let at = evidence.iter().max_by(strongest).map(|seen| seen.at).or(code).unwrap_or_default();
        let row = normal.line(at);
        let line = Line { number: self.lines + 1 + row as u64, text: excerpt(text, normal, row, at) };
        let moment = Moment { line: line.number, time: when::of_line(text.as_bytes()) };
        evidence.sort_unstable_by_key(|seen| seen.known);
        evidence.dedup_by_key(|seen| seen.known);
        let depth = depths(&normal.text, &evidence);
        let evidence = evidence.into_iter().map(|seen| seen.known).collect();
        Sighting { evidence, depth, contexts, unknown, line, moment, subjects }
    }
}

/// How far a chunk is read.
struct Skim {
    counted: usize,
    piece: Range<usize>,
    key: DefaultHasher,
    success: usize,
    secret: usize,
}

/// Appends at least so many bytes; `false`: nothing is left.
fn fill(source: &mut Source<'_>, buffer: &mut Vec<u8>, want: usize) -> io::Result<bool> {
    while buffer.len() < want {
        if !source.fill(buffer)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The end of the last whole line; all of it where a line has no end.
fn last_line(buffer: &[u8]) -> usize {
    memchr::memrchr(b'\n', buffer).map_or(buffer.len(), |newline| newline + 1)
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// What is the same in two failures of one kind: no times, no ids.
fn shape(bytes: &[u8], key: &mut DefaultHasher) {
    let (mut kept, mut length) = ([0_u8; RECOGNIZED], 0);
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if !byte.is_ascii_alphanumeric() {
            kept[length] = byte;
            (length, at) = (length + 1, at + 1);
            continue;
        }
        let end = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let word = &bytes[at..end];
        let status = word.len() == 3 && (at == 0 || !b".,:".contains(&bytes[at - 1]));
        if word.iter().any(u8::is_ascii_digit) && !status {
            kept[length] = b'0';
            length += 1;
        } else {
            kept[length..length + word.len()].copy_from_slice(word);
            length += word.len();
        }
        at = end;
    }
    kept[..length].hash(key);
}

/// How many links of a chain of errors stand deeper than each piece of evidence.
fn depths(text: &str, evidence: &[Seen]) -> Vec<u8> {
    let links: Vec<usize> =
        ["--->", "Caused by:"].iter().flat_map(|link| text.match_indices(link)).map(|(at, _)| at).collect();
    let before = |at: usize| links.iter().filter(|link| **link < at).count();
    let deepest = evidence.iter().map(|seen| before(seen.at)).max().unwrap_or_default();
    evidence.iter().map(|seen| u8::try_from(deepest - before(seen.at)).unwrap_or(u8::MAX)).collect()
}

/// One line for people: bounded, around what counts, without secrets.
fn excerpt(text: &str, whole: &Normal, row: usize, at: usize) -> String {
    let line = text.split('\n').nth(row).unwrap_or_default();
    let shown = secret::redact(&normal(&secret::redact(line)).text);
    let shown = shown.trim();
    let length = shown.chars().count();
    if length <= SHOWN {
        return shown.to_owned();
    }
    let place = whole.text[whole.start(row).min(at)..at].chars().count();
    let start = place.saturating_sub(SHOWN / 3).min(length - SHOWN);
    let middle: String = shown.chars().skip(start).take(SHOWN).collect();
    let (head, tail) = (if start > 0 { "…" } else { "" }, if start + SHOWN < length { "…" } else { "" });
    format!("{head}{middle}{tail}")
}
