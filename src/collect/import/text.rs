//! From bytes to a text that is safe to parse: encodings, size, depth. Knows nothing of what it means.

use super::{MAX_BYTES, Refusal};

/// Deepest nesting that is read.
const DEPTH: usize = 64;

/// The text of a file: UTF-8, or UTF-16 with the mark that PowerShell's `>` puts in front.
pub fn decode(bytes: &[u8]) -> Result<String, Refusal> {
    let start = |message: String| Refusal { message, line: 1, column: 1 };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(start(format!("the import is larger than {} MiB", MAX_BYTES >> 20)));
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let text = std::str::from_utf8(bytes).map_err(|error| {
                let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                Refusal { message: "the import is neither UTF-8 nor UTF-16 text".into(), ..end_of(&valid) }
            })?;
            Ok(text.to_owned())
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Refusal> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut text = String::with_capacity(bytes.len() / 2);
    for decoded in char::decode_utf16(units) {
        let Ok(character) = decoded else {
            return Err(Refusal { message: "the import is broken UTF-16 text".into(), ..end_of(&text) });
        };
        text.push(character);
    }
    if bytes.len().is_multiple_of(2) {
        Ok(text)
    } else {
        Err(Refusal { message: "the import is cut off within a character".into(), ..end_of(&text) })
    }
}

/// Refuses what nests too deeply, before anything recurses into it.
pub fn bounded(text: &str) -> Result<(), Refusal> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH {
            let message = format!("the import nests deeper than {DEPTH} levels");
            return Err(Refusal { message, ..end_of(&text[..at]) });
        }
    }
    Ok(())
}

/// Where a piece of the text stands; its beginning if it does not.
pub fn position_of(text: &str, piece: &str) -> Refusal {
    end_of(&text[..text.find(piece).unwrap_or_default()])
}

/// The position right behind a text.
fn end_of(text: &str) -> Refusal {
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Refusal { message: String::new(), line, column }
}
