//! Cuts a log into what belongs together: a line that begins something, and those that hang on it.

use std::ops::Range;

use super::when;

/// Longest piece; a longer one is cut.
pub(super) const LONGEST: usize = 64 << 10;
/// A paste without times, up to this size, is one piece.
const PASTE: usize = 24 << 10;
/// Most lines that hang on one.
const LINES: usize = 400;

/// How a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Lines begin with times; others hang on them.
    Timed,
    /// Every line is a document of JSON.
    Documents,
    /// Empty lines divide it.
    Paragraphs,
    /// A short text that belongs together.
    Paste,
}

/// Tells the layout from the beginning of a log; `whole`: there is no more.
pub(super) fn layout(sample: &[u8], whole: bool) -> Layout {
    let lines: Vec<&[u8]> =
        sample.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
    let count = |wanted: fn(&[u8]) -> bool| lines.iter().filter(|line| wanted(line)).count();
    let documents = count(is_document);
    if documents >= 2 && documents * 2 >= lines.len() {
        return Layout::Documents;
    }
    let timed = count(when::begins);
    if timed >= 2 && timed * 40 >= lines.len() {
        return Layout::Timed;
    }
    let marks = lines.iter().filter(|line| is_mark(line) && !line.starts_with(b"{")).count();
    if whole && sample.len() <= PASTE && marks < 2 { Layout::Paste } else { Layout::Paragraphs }
}

/// A line that is one object.
fn is_document(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.len() > 8 && line.starts_with(b"{") && line.ends_with(b"}")
}

/// Whether a line begins something new.
fn is_head(line: &[u8], layout: Layout) -> bool {
    match layout {
        Layout::Timed => when::begins(line),
        Layout::Documents => line.starts_with(b"{") || when::begins(line),
        Layout::Paragraphs => line.trim_ascii().is_empty() || has_entry(line) || is_mark(line),
        Layout::Paste => false,
    }
}

/// The beginning of an event, of a trace, of an object in a list, or a rule between exchanges.
fn is_mark(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    let marked = [&b"<Event "[..], b"<Event>", b"<Trace "].iter().any(|mark| text.starts_with(mark));
    let rule = text.len() >= 20 && text.iter().all(|byte| *byte == text[0]) && b"-=*_".contains(&text[0]);
    marked || rule || line.starts_with(b"{")
}

/// The beginning of an exchange in an HTTP archive.
fn has_entry(line: &[u8]) -> bool {
    line.len() < 256 && line.trim_ascii_start().starts_with(b"\"startedDateTime\"")
}

fn line_end(text: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |newline| at + newline + 1)
}

/// The piece that begins at a place.
pub(super) fn from(text: &[u8], start: usize, layout: Layout) -> Range<usize> {
    start..end(text, start, layout)
}

/// The end of a piece that begins at `start`.
fn end(text: &[u8], start: usize, layout: Layout) -> usize {
    let limit = text.len().min(start + LONGEST);
    let within = &text[..limit];
    let (mut end, mut lines) = (line_end(within, start), 0);
    while end < limit && lines < LINES && !is_head(&within[end..line_end(within, end)], layout) {
        end = line_end(within, end);
        lines += 1;
    }
    if end < text.len() && !within[..end].ends_with(b"\n") { cut(text, start, limit) } else { end }
}

/// Where a long line is cut: between two objects, or anywhere.
fn cut(text: &[u8], start: usize, limit: usize) -> usize {
    let half = start + (limit - start) / 2;
    let last =
        |mark: &[u8], kept: usize| memchr::memmem::rfind(&text[half..limit], mark).map(|at| half + at + kept);
    let found = last(b"</Event>", 8).or_else(|| last(b"},{", 1)).unwrap_or(limit);
    let steps = (0..4).find(|back| text.get(found - back).is_none_or(|byte| byte & 0xc0 != 0x80));
    found - steps.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<&str> {
        let layout = layout(text.as_bytes(), true);
        let (mut at, mut found) = (0, Vec::new());
        while at < text.len() {
            let piece = from(text.as_bytes(), at, layout);
            found.push(&text[piece.clone()]);
            assert!(piece.end > at);
            at = piece.end;
        }
        found
    }

    #[test]
    fn a_stack_trace_hangs_on_its_line() {
        let text = "10:00:00 one\n10:00:01 boom\n  at A.b()\nCaused by: c\n10:00:02 two\n";
        assert_eq!(
            all(text),
            ["10:00:00 one\n", "10:00:01 boom\n  at A.b()\nCaused by: c\n", "10:00:02 two\n"]
        );
    }

    #[test]
    fn a_paste_is_one_piece_and_documents_are_many() {
        assert_eq!(all("boom\n\nat once\n").len(), 1);
        assert_eq!(all("{\"level\":\"a\"}\n{\"level\":\"b\"}\n").len(), 2);
    }

    #[test]
    fn an_endless_line_is_cut_between_letters() {
        let text = "é".repeat(LONGEST);
        assert!(all(&text).iter().all(|piece| piece.len() <= LONGEST));
    }
}
