//! A text as its writer meant it: without escapes, line breaks, typographic signs and color codes.

use base64::{Engine as _, engine::GeneralPurpose, engine::GeneralPurposeConfig, engine::general_purpose};

/// Longest text hidden in base64 that is read.
const HIDDEN: usize = 8 << 10;

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
    let mut normal = Normal::default();
    normal.text.reserve(raw.len());
    let bytes = raw.as_bytes();
    let (mut at, mut fresh) = (0, true);
    while at < bytes.len() {
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
    fn claims_of_a_challenge_are_read() {
        let text = read(
            "Bearer error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJ2YWx1ZSI6ImMxIn19fQ==\"",
        );
        assert!(text.ends_with(r#"{"access_token":{"acrs":{"value":"c1"}}}"#), "{text}");
    }
}
