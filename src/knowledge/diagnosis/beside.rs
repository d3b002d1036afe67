//! What stands beside a run of letters and digits, and whether the run is what it seems to be.

use std::ops::Range;

use super::edges::is_part;

/// How far before a word `code` makes it one.
const BEFORE: usize = 32;
/// How far before its end an entity begins.
const ENTITY: usize = 10;

/// The part of a run that stands for itself: no sign beside it makes another letter of it, takes one away
/// or puts one there. `None`: it may not be what it seems.
#[inline]
pub(super) fn plain(piece: &[u8], run: Range<usize>) -> Option<Range<usize>> {
    let quiet =
        |at: Option<usize>| at.and_then(|at| piece.get(at)).is_some_and(|sign| QUIET[usize::from(*sign)]);
    if quiet(run.start.checked_sub(1)) && quiet(Some(run.end)) {
        return Some(run);
    }
    let start = begin(piece, &run)?;
    (start < run.end && is_closed(piece, run.end)).then_some(start..run.end)
}

/// Where a run begins behind the sign before it.
fn begin(piece: &[u8], run: &Range<usize>) -> Option<usize> {
    let start = run.start;
    let Some(before) = start.checked_sub(1).map(|at| piece[at]) else { return Some(start) };
    match before {
        b'\\' => match piece[start] {
            b'u' | b'_' => None,
            // A line break, which is a space.
            b'r' | b'n' | b't' => Some(start + 1),
            _ => Some(start),
        },
        b'%' => match percent(&piece[start - 1..]) {
            Percent::Itself => Some(start),
            Percent::Sign => Some(start + 2),
            Percent::Letter => None,
        },
        b'&' => (piece.get(run.end) != Some(&b';')).then_some(start),
        b'#' => (!matches!(piece[..start - 1].last(), Some(b'&' | b';'))).then_some(start),
        b';' => (!piece[start.saturating_sub(ENTITY)..start].contains(&b'#')).then_some(start),
        b'\n' => (!piece[..start - 1].trim_ascii_end().ends_with(b"=")).then_some(start),
        0x80.. => None,
        _ => Some(start),
    }
}

/// Whether nothing behind the end of a run can continue it.
fn is_closed(piece: &[u8], end: usize) -> bool {
    let rest = &piece[end..];
    match rest.first() {
        Some(b'\\') => !matches!(rest.iter().find(|byte| **byte != b'\\'), Some(b'u' | b'_')),
        Some(b'%') => !matches!(percent(rest), Percent::Letter),
        Some(b'&') => rest.get(1) != Some(&b'#') && !rest.starts_with(b"&amp;"),
        Some(b'=') => !rest.get(1).is_some_and(|next| b"\r\n".contains(next)),
        Some(byte) => *byte < 0x80,
        None => true,
    }
}

/// What a percent sign and the two bytes behind it stand for.
enum Percent {
    Itself,
    Sign,
    /// A part of a run, or something that needs a closer look.
    Letter,
}

fn percent(bytes: &[u8]) -> Percent {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    match (digit(1), digit(2)) {
        (Some(2), Some(5)) => Percent::Letter,
        (Some(high), Some(low)) => {
            let part = u8::try_from(high * 16 + low).is_ok_and(is_part);
            if part { Percent::Letter } else { Percent::Sign }
        }
        _ => Percent::Itself,
    }
}

/// What stands behind `"code":` may be a code that nobody knows.
#[inline]
pub(super) fn is_code(piece: &[u8], start: usize) -> bool {
    piece[start].is_ascii_uppercase()
        && piece[start.saturating_sub(BEFORE)..start]
            .windows(4)
            .any(|four| four.eq_ignore_ascii_case(b"code"))
}

/// Between letters a plus sign is a space: whether letters stand at the ends that touch one.
#[inline]
pub(super) fn joined(piece: &[u8], run: &Range<usize>) -> u32 {
    let plus = |at: Option<usize>| at.and_then(|at| piece.get(at)) == Some(&b'+');
    let letter = |at: usize| u32::from(piece[at].is_ascii_alphabetic());
    let before = if plus(run.start.checked_sub(1)) { letter(run.start) } else { 0 };
    let behind = if plus(Some(run.end)) { letter(run.end - 1) } else { 0 };
    before | behind << 1
}

/// Signs that are only what they seem to be.
const QUIET: [bool; 256] = {
    let (mut quiet, mut byte) = ([false; 256], b' ');
    while byte < 0x7f {
        quiet[byte as usize] = !matches!(byte, b'\\' | b'%' | b'&' | b'#' | b';' | b'=');
        byte += 1;
    }
    quiet
};
