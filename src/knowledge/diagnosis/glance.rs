//! The quick look at long logs: which lines can show anything at all.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};

use super::fold::Fold;
use super::matcher::{Known, Matcher, build};
use super::{secret, unknown};

/// Patterns of so many bytes fit into a table; more of them are looked for more slowly.
const TABLE: usize = 256 << 10;

/// Sees in one pass whether a line is worth a closer look, and knows lines again.
#[derive(Debug)]
pub(super) struct Glance {
    automaton: AhoCorasick,
    /// So many patterns of the automaton, the first ones, are enough by themselves.
    enough: usize,
    /// All patterns of entries that want several.
    rows: AhoCorasick,
    /// The entry of each, and the bits of its row and of all rows.
    owners: Vec<(usize, [u32; 2])>,
    entries: usize,
    pub fold: Fold,
}

impl Glance {
    /// For everything that is known.
    pub fn new(matcher: &Matcher) -> Result<Self, BuildError> {
        let telling =
            |known: &Known| known.is_evidence() || known.entry.heals.is_some() || known.entry.world.is_some();
        let (single, partial): (Vec<_>, Vec<_>) = matcher.triggers(telling).partition(|(_, single)| *single);
        let words = secret::triggers().chain(unknown::TRIGGERS.iter().copied());
        let bytes = |text: &str| text.as_bytes().to_vec();
        let mut patterns: Vec<Vec<u8>> = single.into_iter().map(|(text, _)| bytes(text)).collect();
        patterns.extend(words.map(bytes).chain(strange()));
        let enough = patterns.len();
        patterns.extend(partial.into_iter().map(|(text, _)| bytes(text)));
        let (mut texts, mut owners, mut places) = (Vec::new(), Vec::new(), HashMap::new());
        for (text, known, bits) in matcher.rows(telling) {
            let count = places.len();
            texts.push(bytes(text));
            owners.push((*places.entry(known).or_insert(count), bits));
        }
        let (automaton, rows) = (table(&patterns)?, table(&texts)?);
        Ok(Self { automaton, enough, rows, owners, entries: places.len(), fold: Fold::new(matcher)? })
    }

    /// Whether a line can show nothing: as it stands it is as its writer meant it, and nothing known is in
    /// it.
    pub fn is_idle(&self, line: &[u8]) -> bool {
        let mut found = self.automaton.find_overlapping_iter(line).map(|found| found.pattern().as_usize());
        let Some(first) = found.next() else { return true };
        first >= self.enough && found.all(|pattern| pattern >= self.enough) && !self.is_complete(line)
    }

    /// Whether every row of some entry stands in a line, however far apart.
    fn is_complete(&self, line: &[u8]) -> bool {
        let mut there = vec![0; self.entries];
        self.rows.find_overlapping_iter(line).any(|found| {
            let (entry, [row, all]) = self.owners[found.pattern().as_usize()];
            there[entry] |= row;
            there[entry] & all == all
        })
    }
}

/// A table, as long as it is not too large.
fn table(patterns: &[Vec<u8>]) -> Result<AhoCorasick, BuildError> {
    let size: usize = patterns.iter().map(Vec::len).sum();
    build(patterns, if size <= TABLE { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA })
}

/// What makes a text another one when it is read as its writer meant it.
fn strange() -> impl Iterator<Item = Vec<u8>> {
    let control = (0..b' ').filter(|byte| *byte != b'\n').map(|byte| vec![byte]);
    let beyond = (0x7f..=0xff).map(|byte| vec![byte]);
    let signs = ["\\", "&", "%", "`", "  ", "=3D"].iter().map(|sign| sign.as_bytes().to_vec());
    // A plus sign is a space between letters.
    let letters = || b'a'..=b'z';
    let joined = letters().flat_map(move |one| letters().map(move |two| vec![one, b'+', two]));
    control.chain(beyond).chain(signs).chain(joined)
}
