//! The quick look at long logs: which lines can show anything at all.

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};

use super::fold::Fold;
use super::matcher::{Matcher, build};
use super::{secret, unknown};

/// Patterns of so many bytes fit into a table; more of them are looked for more slowly.
const TABLE: usize = 256 << 10;

/// Sees in one pass whether a line is worth a closer look, and knows lines again.
#[derive(Debug)]
pub(super) struct Glance {
    automaton: AhoCorasick,
    pub fold: Fold,
}

impl Glance {
    /// For everything that is known.
    pub fn new(matcher: &Matcher) -> Result<Self, BuildError> {
        let telling = |known: &super::matcher::Known| {
            known.is_evidence() || known.entry.heals.is_some() || known.entry.world.is_some()
        };
        let mut patterns: Vec<Vec<u8>> =
            matcher.patterns(telling).map(|text| text.as_bytes().to_vec()).collect();
        let words = secret::triggers().chain(unknown::TRIGGERS.iter().copied());
        patterns.extend(words.map(|word| word.as_bytes().to_vec()));
        patterns.extend(strange());
        let size: usize = patterns.iter().map(Vec::len).sum();
        let kind = if size <= TABLE { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
        Ok(Self { automaton: build(&patterns, kind)?, fold: Fold::new(matcher) })
    }

    /// Whether a line can show nothing: as it stands it is as its writer meant it, and nothing known is in
    /// it.
    pub fn is_idle(&self, line: &[u8]) -> bool {
        !self.automaton.is_match(line)
    }
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
