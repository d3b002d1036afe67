//! Logs that somebody gives along: read twice, first for the names in them, then to be scrubbed. Of a
//! long one the end is kept.

use std::io::{self, Read};

use super::book::Book;
use super::scrub::{Scrubber, Text};
use crate::knowledge::diagnosis::Source;

/// Longest line that is taken as one; a longer one is cut where it may be.
const LINE: usize = 1 << 20;

/// Most bytes of a log in a bundle.
const KEPT: u64 = 16 << 20;

/// A log, read for names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// Bytes of text in it.
    pub bytes: u64,
}

/// A log as it stands in the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogText {
    /// Without names and secrets.
    pub text: String,
    /// Bytes of its beginning that are left out.
    pub left_out: u64,
}

impl Log {
    /// Learns the names in a log.
    pub fn learn(from: impl Read, book: &mut Book) -> io::Result<Self> {
        book.learn(true);
        let scrubber = Scrubber::new(book);
        let read = each_line(from, |_, line| {
            scrubber.text(book, line, Text::Log);
        });
        book.learn(false);
        Ok(Self { bytes: read? })
    }

    /// The text of the log, scrubbed.
    pub fn text(self, from: impl Read, book: &mut Book, scrubber: &Scrubber) -> io::Result<LogText> {
        let left_out = self.bytes.saturating_sub(KEPT);
        let mut text = String::new();
        let mut within = Within::Text;
        let mut skipped = 0;
        each_line(from, |at, line| {
            if at < left_out {
                skipped = at + line.len() as u64;
                return;
            }
            within = within.then(line);
            match within {
                Within::Key => {}
                Within::KeyEnd | Within::Packed => {
                    book.removed("key or packed data");
                    text.push_str("[data removed]\n");
                }
                Within::Text => text.push_str(&scrubber.text(book, line, Text::Log)),
            }
        })?;
        Ok(LogText { text, left_out: skipped })
    }
}

/// What a line is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Text,
    /// A private key over several lines.
    Key,
    KeyEnd,
    /// Base64 over several lines.
    Packed,
}

impl Within {
    fn then(self, line: &str) -> Self {
        let packed = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        let bare = line.trim();
        match self {
            Self::Key if bare.contains("-----END") => Self::KeyEnd,
            Self::Key => Self::Key,
            _ if bare.contains("-----BEGIN") && bare.contains("-----END") => Self::KeyEnd,
            _ if bare.contains("-----BEGIN") => Self::Key,
            _ if bare.len() >= 60 && bare.bytes().all(packed) => Self::Packed,
            Self::Packed if bare.len() >= 4 && bare.bytes().all(packed) => Self::Packed,
            _ => Self::Text,
        }
    }
}

/// Hands on each line, its end included, with the place at which it begins; gives the bytes of all.
fn each_line(from: impl Read, mut take: impl FnMut(u64, &str)) -> io::Result<u64> {
    let mut source = Source::open(from)?;
    let (mut buffer, mut at) = (Vec::new(), 0_u64);
    loop {
        let more = source.fill(&mut buffer)?;
        let mut start = 0;
        while let Some(end) = next(&buffer[start..], more) {
            take(at, &String::from_utf8_lossy(&buffer[start..start + end]));
            start += end;
            at += end as u64;
        }
        buffer.drain(..start);
        if !more {
            return Ok(at);
        }
    }
}

/// Bytes of the next line.
fn next(buffer: &[u8], more: bool) -> Option<usize> {
    match memchr::memchr(b'\n', &buffer[..buffer.len().min(LINE)]) {
        Some(newline) => Some(newline + 1),
        None if buffer.len() >= LINE => {
            let cut = buffer[..LINE]
                .iter()
                .rposition(|byte| byte.is_ascii_whitespace() || b",;{}<>".contains(byte));
            Some(cut.map_or(LINE, |cut| cut + 1))
        }
        None => (!more && !buffer.is_empty()).then_some(buffer.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(text: &[u8]) -> String {
        let mut book = Book::new(false);
        let log = Log::learn(text, &mut book).expect("read");
        let scrubber = Scrubber::new(&book);
        log.text(text, &mut book, &scrubber).expect("read").text
    }

    #[test]
    fn a_name_is_found_before_the_line_that_tells_it() {
        let text = scrubbed(b"opening kowalczyk\ndone for anna.kowalczyk@fabrikam.de\n");
        assert!(!text.contains("kowalczyk") && text.contains("user-1@domain-1.example"), "{text}");
    }

    #[test]
    fn keys_over_many_lines_go() {
        let text = scrubbed(
            b"a\n-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END PRIVATE KEY-----\nb\n",
        );
        assert_eq!(text, "a\n[data removed]\nb\n");
    }

    #[test]
    fn other_encodings_are_read() {
        let wide: Vec<u8> =
            "\u{feff}user anna@fabrikam.de\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(scrubbed(&wide), "user user-1@domain-1.example\r\n");
    }

    #[test]
    fn of_a_long_log_the_end_is_kept() {
        let lines = usize::try_from(KEPT / 16 + 10).expect("few");
        let mut long = b"0123456789abcde\n".repeat(lines);
        long.extend_from_slice(b"the end\n");
        let mut book = Book::new(true);
        let all = Log { bytes: long.len() as u64 };
        let scrubber = Scrubber::new(&book);
        let kept = all.text(long.as_slice(), &mut book, &scrubber).expect("read");
        assert!(kept.text.ends_with("the end\n") && kept.text.len() as u64 <= KEPT, "{}", kept.text.len());
        assert_eq!(kept.left_out + kept.text.len() as u64, long.len() as u64);
    }
}
