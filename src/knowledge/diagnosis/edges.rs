//! What stands beside a run of letters and digits: only what also stands beside such a run in known texts
//! is told.

use std::ops::Range;

/// Where a run begins or ends.
pub(super) const BORDER: u8 = 1;
/// Beyond a border: signs that may be read as any.
pub(super) const ANY: u8 = 2;
/// Beyond those: nothing that counts.
const NONE: u8 = 3;
/// How far before a sign an escape begins that it may belong to.
const ESCAPE: usize = 8;
/// Bits of the filter; a power of two.
const BITS: usize = 1 << 16;

/// Three signs beside a run, the nearest first.
pub(super) type Side = [u8; 3];

/// Which signs stand in known texts beside runs with a certain letter at that end. What is not in it
/// certainly does not; what is in it nearly always does.
#[derive(Debug)]
pub(super) struct Edges {
    /// By the nearest sign: whether there are any, and whether it is enough.
    near: Vec<(bool, bool)>,
    /// By two or three signs.
    far: Vec<u64>,
}

impl Default for Edges {
    fn default() -> Self {
        Self { near: vec![(false, false); 2 << 15], far: vec![0; BITS / 64] }
    }
}

impl Edges {
    /// Adds the signs, from the border on, that may stand beside a run of a known text.
    pub fn add(&mut self, before: &[Vec<u8>], behind: &[Vec<u8>], run: &[u8]) {
        let ends = [(0, before, run[0]), (1, behind, run[run.len() - 1])];
        for (end, sides, letter) in ends {
            for signs in sides.iter().filter_map(|side| side.strip_prefix(&[BORDER])) {
                let Some(sign) = signs.first() else { continue };
                let near = &mut self.near[near(end, *sign, letter)];
                *near = (true, near.1 || signs.len() == 1);
                let (place, bit) = place(end, signs, letter);
                self.far[place] |= bit;
            }
        }
    }

    /// What stands before a run, where it counts.
    #[inline]
    pub fn before(&self, piece: &[u8], run: &Range<usize>) -> Option<Side> {
        let (signs, letter) = (&piece[..run.start], piece[run.start].to_ascii_lowercase());
        let sign = signs.last().map_or(ANY, |sign| if is_part(*sign) { ANY } else { read_as(*sign) });
        let near = near(0, sign, letter);
        self.side(0, near, letter, || before(signs))
    }

    /// What stands behind a run, where it counts.
    #[inline]
    pub fn behind(&self, piece: &[u8], run: &Range<usize>) -> Option<Side> {
        let (signs, letter) = (&piece[run.end..], piece[run.end - 1].to_ascii_lowercase());
        let near = near(1, signs.first().map_or(ANY, |sign| read_as(*sign)), letter);
        self.side(1, near, letter, || side(signs.iter()))
    }

    #[inline]
    fn side(&self, end: u8, near: usize, letter: u8, side: impl FnOnce() -> Side) -> Option<Side> {
        let (some, enough) = self.near[near];
        if !some {
            return None;
        }
        let side = side();
        let mut lower = side;
        lower.make_ascii_lowercase();
        let there = |signs: &[u8]| {
            let (place, bit) = place(end, signs, letter);
            self.far[place] & bit != 0
        };
        (enough || there(&lower[..2]) || there(&lower)).then_some(side)
    }
}

/// The place of a sign beside a letter of ASCII at one end.
#[inline]
fn near(end: u8, sign: u8, letter: u8) -> usize {
    usize::from(end) << 15 | usize::from(letter & 0x7f) << 8 | usize::from(sign)
}

/// The bit of some signs beside a letter at one end.
#[inline]
fn place(end: u8, signs: &[u8], letter: u8) -> (usize, u64) {
    let packed = signs
        .iter()
        .fold(u64::from(end) << 8 | u64::from(letter), |packed, sign| packed << 8 | u64::from(*sign));
    let mixed = packed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let bit = usize::try_from(mixed).unwrap_or_default() % BITS;
    (bit / 64, 1 << (bit % 64))
}

/// The signs before a run. Where an escape may have made one of the farther ones, they may be any.
fn before(signs: &[u8]) -> Side {
    let side = side(signs.iter().rev());
    let near = &signs[signs.len().saturating_sub(ESCAPE)..];
    if side[1] != ANY && near.iter().any(|byte| b"\\%".contains(byte)) {
        return [side[0], ANY, NONE];
    }
    side
}

/// The signs beside a run in the text as its writer meant it, as far as they can be but one thing each.
fn side<'p>(mut signs: impl Iterator<Item = &'p u8>) -> Side {
    let mut next = || signs.next().map_or(ANY, |sign| read_as(*sign));
    match next() {
        // Behind an escape that ends in a letter.
        sign if sign == ANY || is_part(sign) => [ANY, NONE, NONE],
        sign => match [next(), next()] {
            // Spaces behind each other are one.
            [ANY | b' ', _] | [_, ANY] => [sign, ANY, NONE],
            [one, two] => [sign, one, two],
        },
    }
}

/// What a sign is in the text as its writer meant it.
fn read_as(sign: u8) -> u8 {
    READ_AS[usize::from(sign)]
}

const READ_AS: [u8; 256] = {
    let (mut read_as, mut byte) = ([ANY; 256], b'!');
    while byte < 0x7f {
        if !matches!(byte, b'\\' | b'%' | b'&' | b'#' | b';' | b'+' | b'`' | b'>') {
            read_as[byte as usize] = byte;
        }
        byte += 1;
    }
    read_as[b' ' as usize] = b' ';
    read_as[b'\t' as usize] = b' ';
    read_as[b'\r' as usize] = b' ';
    read_as[b'\n' as usize] = b' ';
    read_as
};

/// A sign of numbers, ids and names, as of the names before at signs.
pub(super) fn is_part(byte: u8) -> bool {
    PART[usize::from(byte)]
}

const PART: [bool; 256] = {
    let (mut part, mut byte) = ([false; 256], 0_u8);
    while byte < 0x80 {
        part[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        byte += 1;
    }
    part
};
