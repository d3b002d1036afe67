//! A text as its writer meant it: without escapes, line breaks, typographic signs and color codes.

use super::edges::is_part;
use base64::{Engine as _, engine::GeneralPurpose, engine::GeneralPurposeConfig, engine::general_purpose};

/// Longest text hidden in base64 that is read.
const HIDDEN: usize = 8 << 10;

/// What stands between the links of a chain of errors.
pub(super) const LINKS: [&str; 2] = ["--->", "Caused by:"];

/// A text on one line, and where each line of the original begins in it.
#[derive(Debug, Default)]
pub(super) struct Normal {
    /// The text.
    pub text: String,
    /// Offsets in `text` of the second and further lines.
    breaks: Vec<usize>,
}

impl Normal {
    /// The line (from 0) of the original that an offset stands on.
    pub fn line(&self, at: usize) -> usize {
        self.breaks.partition_point(|start| *start <= at)
    }

    /// Where a line (from 0) of the original begins.
    pub fn start(&self, line: usize) -> usize {
        line.checked_sub(1).and_then(|line| self.breaks.get(line)).copied().unwrap_or_default()
    }

    fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }

    fn put(&mut self, c: char) {
        match c {
            '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{61c}'
            | '\u{2060}'..='\u{2064}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0000}'..='\u{e007f}'
            | '\u{feff}' => {}
            c if c.is_whitespace() || c.is_control() => self.space(),
            '`' | '´' | '‘' | '’' | '‚' => self.text.push('\''),
            '“' | '”' | '„' | '«' | '»' => self.text.push('"'),
            '–' | '—' | '‐' | '‑' => self.text.push('-'),
            '…' => self.text.push_str("..."),
            c => self.text.push(c),
        }
    }
}

/// Reads a text.
pub(super) fn normal(raw: &str) -> Normal {
    match quoted_printable(raw) {
        Some(text) => unescaped(&text),
        None => unescaped(raw),
    }
}

/// Whether a text is written as mails are sent: lines end in an equals sign where they are broken.
pub(super) fn is_quoted_printable(raw: &[u8]) -> bool {
    memchr::memchr_iter(b'=', raw).any(|at| match &raw[at + 1..] {
        [b'3', b'D', ..] => true,
        [b'\n', ..] | [b'\r', b'\n', ..] => at > 0 && raw[at - 1] != b'=' && at + 3 < raw.len(),
        _ => false,
    })
}

/// The text of a mail, its broken lines joined; lines are counted as before.
fn quoted_printable(raw: &str) -> Option<String> {
    if !is_quoted_printable(raw.as_bytes()) {
        return None;
    }
    let bytes = raw.as_bytes();
    let (mut text, mut at, mut joined) = (Vec::with_capacity(bytes.len()), 0, 0);
    while at < bytes.len() {
        let rest = &bytes[at..];
        let soft = [&b"=\n"[..], b"=\r\n"].into_iter().find(|soft| rest.starts_with(soft));
        match (soft, rest.get(1..3).filter(|_| rest[0] == b'=').and_then(hex)) {
            (Some(soft), _) => (at, joined) = (at + soft.len(), joined + 1),
            (None, Some(code)) => {
                text.push(u8::try_from(code).unwrap_or(b'?'));
                at += 3;
            }
            (None, None) => {
                text.push(rest[0]);
                at += 1;
                // Where lines were joined, the next end of a line stands for them, too.
                if rest[0] == b'\n' {
                    text.extend(std::iter::repeat_n(b'\n', std::mem::take(&mut joined)));
                }
            }
        }
    }
    Some(super::source::text(&text).into_owned())
}

/// Reads a text that is written as it stands.
fn unescaped(raw: &str) -> Normal {
    let mut normal = Normal::default();
    normal.text.reserve(raw.len());
    let bytes = raw.as_bytes();
    let (mut at, mut fresh) = (0, true);
    while at < bytes.len() {
        let quoted = fresh && bytes[at] == b'>';
        let plain = if quoted {
            0
        } else {
            plain(&bytes[at..], fresh || normal.text.is_empty() || normal.text.ends_with(' '))
        };
        if plain > 0 {
            normal.text.push_str(&raw[at..at + plain]);
            (at, fresh) = (at + plain, false);
            continue;
        }
        let used = match bytes[at] {
            b'\n' => {
                normal.space();
                normal.breaks.push(normal.text.len());
                fresh = true;
                at += 1;
                continue;
            }
            b' ' | b'\t' | b'>' if fresh => 1,
            b'\x1b' => color(&bytes[at..]),
            b'\\' => escape(&bytes[at..], &mut normal),
            b'&' => entity(&raw[at..], &mut normal),
            b'%' => percent(&bytes[at..], &mut normal),
            b'+' if joins(bytes, at) => {
                normal.space();
                1
            }
            _ => 0,
        };
        if used > 0 {
            fresh = fresh && matches!(bytes[at], b' ' | b'\t' | b'>');
            at += used;
            continue;
        }
        fresh = false;
        let c = raw[at..].chars().next().unwrap_or('\u{fffd}');
        normal.put(c);
        at += c.len_utf8();
    }
    hidden(raw, &mut normal);
    normal
}

/// The same without the names of mailboxes, in which nothing is recognized.
pub(super) fn nameless_normal(raw: &str) -> Normal {
    let mut normal = normal(raw);
    nameless(&mut normal.text);
    normal
}

/// Who has a mailbox says nothing: names before at signs are starred.
fn nameless(text: &mut String) {
    if memchr::memchr(b'@', text.as_bytes()).is_none() {
        return;
    }
    let mut bytes = std::mem::take(text).into_bytes();
    let mut from = 0;
    while let Some(found) = memchr::memchr(b'@', &bytes[from..]) {
        let at = from + found;
        for byte in bytes[from..at].iter_mut().rev().take_while(|byte| is_part(**byte)) {
            *byte = b'*';
        }
        from = at + 1;
    }
    *text = String::from_utf8(bytes).unwrap_or_default();
}

/// Bytes from here on that stand for themselves; `spaced`: a space stands before them.
fn plain(bytes: &[u8], mut spaced: bool) -> usize {
    let end = bytes.iter().position(|byte| {
        let before = std::mem::replace(&mut spaced, *byte == b' ');
        if spaced { before } else { !PLAIN[usize::from(*byte)] }
    });
    end.unwrap_or(bytes.len())
}

/// What stands for itself wherever it stands, but not at the beginning of a line.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0x21_u8;
    while byte < 0x7f {
        plain[byte as usize] = !matches!(byte, b'\\' | b'&' | b'%' | b'+' | b'`');
        byte += 1;
    }
    plain
};

/// A sign of addresses that stands for a space: between letters.
fn joins(bytes: &[u8], at: usize) -> bool {
    let letter = |place: Option<&u8>| place.is_some_and(u8::is_ascii_alphabetic);
    at > 0 && letter(bytes.get(at - 1)) && letter(bytes.get(at + 1))
}

/// Bytes of a terminal's color code.
fn color(bytes: &[u8]) -> usize {
    if bytes.get(1) != Some(&b'[') {
        return 1;
    }
    let end = bytes.iter().skip(2).take(32).position(|byte| (0x40..=0x7e).contains(byte));
    end.map_or(1, |end| end + 3)
}

/// Backslashes, however many, and what they stand for.
fn escape(bytes: &[u8], normal: &mut Normal) -> usize {
    let run = bytes.iter().take_while(|byte| **byte == b'\\').count();
    match bytes.get(run) {
        Some(b'r' | b'n' | b't') => {
            normal.space();
            run + 1
        }
        Some(c @ (b'"' | b'\'' | b'/')) => {
            normal.put(char::from(*c));
            run + 1
        }
        // Markdown writes so what would otherwise be emphasis.
        Some(c @ (b'_' | b'*')) if run == 1 => {
            normal.put(char::from(*c));
            2
        }
        Some(b'u') => match bytes.get(run + 1..run + 5).and_then(hex) {
            Some(code) => {
                normal.put(char::from_u32(code).unwrap_or(' '));
                run + 5
            }
            None => run,
        },
        _ => {
            normal.put('\\');
            run
        }
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

/// An entity of HTML or XML; those of ampersands may be nested.
fn entity(text: &str, normal: &mut Normal) -> usize {
    let mut start = 1;
    while text[start..].starts_with("amp;") {
        start += 4;
    }
    let name = text.as_bytes()[start..].iter().take(8).position(|byte| *byte == b';');
    let name = name.and_then(|end| text.get(start..start + end)).unwrap_or_default();
    let c = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => numbered(name),
    };
    let Some(c) = c else {
        normal.put('&');
        return start;
    };
    normal.put(c);
    start + name.len() + 1
}

fn numbered(name: &str) -> Option<char> {
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

/// A byte of an address; those of percent signs may be nested. Zero: it is no such byte.
fn percent(bytes: &[u8], normal: &mut Normal) -> usize {
    let mut start = 1;
    while bytes.get(start..start + 2) == Some(b"25")
        && bytes.get(start + 2..start + 4).and_then(hex).is_some()
    {
        start += 2;
    }
    let Some(code) = bytes.get(start..start + 2).and_then(hex) else { return 0 };
    match u8::try_from(code).ok().filter(u8::is_ascii) {
        Some(byte) => normal.put(char::from(byte)),
        None => normal.put('?'),
    }
    start + 2
}

/// What a challenge hides in base64 is put behind the text.
fn hidden(raw: &str, normal: &mut Normal) {
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
    let url = GeneralPurpose::new(&base64::alphabet::URL_SAFE, lenient);
    for (at, _) in raw.match_indices("claims=").take(4) {
        let value = raw[at + 7..].trim_start_matches(['\\', '"', '\'']);
        let end = value
            .bytes()
            .take(HIDDEN)
            .position(|byte| !(byte.is_ascii_alphanumeric() || b"-_+/=".contains(&byte)));
        let value = &value[..end.unwrap_or_else(|| value.len().min(HIDDEN))];
        if !value.starts_with("eyJ") {
            continue;
        }
        let decoded = url
            .decode(value)
            .or_else(|_| general_purpose::STANDARD_NO_PAD.decode(value.trim_end_matches('=')));
        if let Some(text) = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
            normal.space();
            text.chars().for_each(|c| normal.put(c));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> String {
        normal(raw).text
    }

    #[test]
    fn escapes_of_any_depth_are_undone() {
        assert_eq!(read(r"the key\r\nis \u0027old\u0027"), "the key is 'old'");
        assert_eq!(read(r#"{\\\"error\\\":\\\"bad\\\"} a\\r\\nb"#), "{\"error\":\"bad\"} a b");
        assert_eq!(read("it&#39;s &amp;lt;b&amp;gt; &quot;x&quot; &#x27;"), "it's <b> \"x\" '");
        assert_eq!(read("AADSTS65001%3a+The+user%2520has"), "AADSTS65001: The user has");
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(read(r"C:\Program 5 & 6, 100% sure, 1+1"), r"C:\Program 5 & 6, 100% sure, 1+1");
        assert_eq!(read(r"\"), r"\");
        assert_eq!(read("&#xffffffff; %zz &"), "&#xffffffff; %zz &");
    }

    #[test]
    fn lines_are_joined_and_found_again() {
        let normal = normal("> one\n> two\r\n   three");
        assert_eq!(normal.text, "one two three");
        let lines: Vec<usize> = ["one", "two", "three"]
            .iter()
            .map(|word| normal.line(normal.text.find(word).expect("there")))
            .collect();
        assert_eq!(lines, [0, 1, 2]);
    }

    #[test]
    fn colors_and_typographic_signs_go() {
        assert_eq!(read("\u{1b}[31mdon’t\u{1b}[0m “do”\u{202e}"), "don't \"do\"");
    }

    #[test]
    fn mails_and_markdown_are_read() {
        assert_eq!(
            read("> AADSTS501=\r\n26: =22x=22\r\n> two=3D2"),
            "AADSTS501> 26: \"x\" two=2".replace("> ", "")
        );
        assert_eq!(read(r"`invalid\_grant` \*x\*"), "'invalid_grant' *x*");
    }

    #[test]
    fn claims_of_a_challenge_are_read() {
        let text = read(
            "Bearer error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJ2YWx1ZSI6ImMxIn19fQ==\"",
        );
        assert!(text.ends_with(r#"{"access_token":{"acrs":{"value":"c1"}}}"#), "{text}");
    }
}
