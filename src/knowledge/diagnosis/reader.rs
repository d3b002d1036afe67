//! Reads a log once, from the front: finds what is known, and keeps what it needs to conclude.

use std::collections::{BTreeMap, HashSet};
use std::io;

use super::failures::{Failures, Line, Moment, Sighting};
use super::glance::Glance;
use super::matcher::{Known, Matcher, Seen};
use super::normal::{LINKS, Normal, nameless_normal, normal};
use super::pieces::{self, Layout};
use super::remembered::{Outcome, Remembered, Shows};
use super::source::{Source, text};
use super::{Found, archive, secret, subject, unknown, when};

/// Up to this size everything is looked at closely.
const SMALL: usize = 1 << 20;
/// Bytes looked at together.
const CHUNK: usize = 4 << 20;
/// Bytes that tell the layout.
const SAMPLE: usize = 64 << 10;
/// Longest excerpt, in characters.
const SHOWN: usize = 240;
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
    remembered: Remembered,
    /// The line of the archive that everything in a piece stands for.
    at: Option<u64>,
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
            remembered: Remembered::default(),
            at: None,
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
        if archive::is_archive(&buffer) {
            more = more && fill(source, &mut buffer, archive::MOST)?;
            if !more && self.take_archive(&buffer) {
                return Ok(());
            }
        }
        self.small = !more;
        self.layout =
            pieces::layout(&buffer[..buffer.len().min(SAMPLE)], self.small && buffer.len() <= SAMPLE);
        let glance = if more { glance() } else { None };
        loop {
            let used = self.take(&buffer, !more, glance);
            buffer.drain(..used);
            if !more {
                return Ok(());
            }
            more = fill(source, &mut buffer, CHUNK)?;
        }
    }

    /// Reads a log that lies in memory as if it were a long one.
    #[cfg(test)]
    pub fn read_whole(&mut self, log: &[u8], layout: Layout, glance: Option<&Glance>) {
        (self.small, self.layout) = (false, layout);
        self.take(log, true, glance);
    }

    /// Takes in an archive of exchanges; `false`: it is none.
    fn take_archive(&mut self, archive: &[u8]) -> bool {
        let Some(exchanges) = str::from_utf8(archive).ok().and_then(archive::exchanges) else { return false };
        self.layout = Layout::Timed;
        for exchange in exchanges {
            self.at = Some(exchange.line);
            self.study(exchange.text.as_bytes());
        }
        self.at = None;
        self.lines += newlines(archive) + u64::from(!archive.ends_with(b"\n"));
        true
    }

    /// Takes in every piece that is complete; gives the bytes that are done with.
    fn take(&mut self, chunk: &[u8], last: bool, glance: Option<&Glance>) -> usize {
        let mut at = 0;
        while at < chunk.len() {
            let piece = pieces::from(chunk, at, self.layout);
            if !last && piece.end == chunk.len() && piece.len() < pieces::LONGEST {
                return at;
            }
            let bytes = &chunk[piece.clone()];
            let lines = newlines(bytes);
            match glance {
                Some(glance) => self.skim(bytes, lines, glance),
                None => drop(self.study(bytes)),
            }
            self.lines += lines;
            at = piece.end;
        }
        self.lines += u64::from(last && !chunk.is_empty() && !chunk.ends_with(b"\n"));
        at
    }

    /// Looks closely only at what can show something and was not seen before.
    fn skim(&mut self, bytes: &[u8], lines: u64, glance: &Glance) {
        let shape = glance.fold.shape(bytes);
        let mut known = self.remembered.get(shape.key);
        if known.is_some_and(|outcome| outcome.spaced) {
            known = self.remembered.get(shape.exact());
        }
        if let Some(outcome) = known
            && self.again(outcome, bytes)
        {
            return;
        }
        let one = lines == 0 || lines == 1 && bytes.ends_with(b"\n");
        let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let idle = one && glance.is_idle(text.strip_suffix(b"\r").unwrap_or(text));
        let outcome = if idle { Outcome::NOTHING } else { self.study(bytes) };
        if outcome.spaced {
            self.remembered.put(shape.exact(), Outcome { spaced: false, ..outcome });
        }
        self.remembered.put(shape.key, outcome);
    }

    /// Counts a piece that comes to what an earlier one came to; `false`: its line is wanted, too.
    fn again(&mut self, outcome: Outcome, bytes: &[u8]) -> bool {
        let moment = || Moment { line: self.lines + 1 + u64::from(outcome.row), time: when::of_line(bytes) };
        match outcome.shows {
            Shows::Nothing => {}
            Shows::Success(heals) => self.failures.succeeded(heals, moment(), &subject::of_success(bytes)),
            Shows::Failure(None) => self.failures.more += 1,
            Shows::Failure(Some(place)) if self.failures.wants_lines(place) => return false,
            Shows::Failure(Some(place)) => self.failures.again(place, moment(), &subject::of_failure(bytes)),
        }
        if outcome.secrets {
            self.note_secrets(&text(bytes));
        }
        true
    }

    /// Looks closely at a piece.
    fn study(&mut self, bytes: &[u8]) -> Outcome {
        let text = text(bytes);
        let secrets = secret::may_stand_in(&text);
        if secrets {
            self.note_secrets(&text);
        }
        let (shows, row, spaced) = self.look(bytes, &text);
        Outcome { shows, row: u32::try_from(row).unwrap_or_default(), secrets, spaced }
    }

    /// The number of a line of the piece that is looked at.
    fn line(&self, row: u64) -> u64 {
        self.at.unwrap_or(self.lines + row) + 1
    }

    fn note_secrets(&mut self, text: &str) {
        for (range, kind) in secret::find(text) {
            let line = self.line(newlines(&text.as_bytes()[..range.start]));
            self.secrets.entry(kind).or_default().add(line);
        }
    }

    /// What a piece shows, on which of its lines, and whether it counts how far apart its parts stand.
    fn look(&mut self, bytes: &[u8], text: &str) -> (Shows, u64, bool) {
        let normal = nameless_normal(text);
        let (seen, spaced) = self.matcher.find_spaced(&normal.text, self.layout == Layout::Paste);
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
        if evidence.is_empty() && unknown.is_empty() {
            let Some(heals) = healed else { return (Shows::Nothing, 0, spaced) };
            let moment = Moment { line: self.line(0), time: when::of_line(bytes) };
            self.failures.succeeded(heals, moment, &subject::of_success(bytes));
            return (Shows::Success(heals), 0, spaced);
        }
        let sighting = self.sighting(text, &normal, evidence, unknown, contexts, subject::of_failure(bytes));
        let row = sighting.line.number.saturating_sub(self.lines + 1);
        (Shows::Failure(self.failures.add(sighting)), row, spaced)
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
        let line = Line { number: self.line(row as u64), text: excerpt(text, normal, row, at) };
        let moment = Moment { line: line.number, time: when::of_line(text.as_bytes()) };
        evidence.sort_unstable_by_key(|seen| seen.known);
        evidence.dedup_by_key(|seen| seen.known);
        let depth = depths(&normal.text, &evidence);
        let evidence = evidence.into_iter().map(|seen| seen.known).collect();
        Sighting { evidence, depth, contexts, unknown, line, moment, subjects }
    }
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

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// How many links of a chain of errors stand deeper than each piece of evidence.
fn depths(text: &str, evidence: &[Seen]) -> Vec<u8> {
    let links: Vec<usize> =
        LINKS.iter().flat_map(|link| text.match_indices(link)).map(|(at, _)| at).collect();
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
