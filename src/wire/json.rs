//! JSON from outside: bounded in depth before it is parsed. Knows nothing of what the JSON means.

use serde_json::Value;

/// Deepest nesting that is read.
const DEPTH: usize = 64;

/// Parses a body; the error says in words why it could not be read.
pub fn parse(body: &[u8]) -> Result<Value, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if depth(body) > DEPTH {
        return Err(format!("the answer nests deeper than {DEPTH} levels"));
    }
    serde_json::from_slice(body).map_err(|error| format!("the answer is not JSON: {error}"))
}

/// Nesting of brackets outside of strings.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The first `limit` characters of a text, on one line.
pub fn clip(text: &str, limit: usize) -> String {
    let mut clipped: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(limit).collect();
    if text.chars().nth(limit).is_some() {
        clipped.push('…');
    }
    clipped.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_nesting_is_refused_before_it_is_parsed() {
        let body = "[".repeat(200) + &"]".repeat(200);
        assert!(parse(body.as_bytes()).is_err_and(|error| error.contains("nests deeper")));
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        let body = format!("{{\"a\": \"{}\\\"[[\"}}", "[".repeat(100));
        assert!(parse(body.as_bytes()).is_ok());
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(parse(b"\xef\xbb\xbf{}").ok(), Some(serde_json::json!({})));
    }

    #[test]
    fn clipping_keeps_whole_characters_on_one_line() {
        assert_eq!(clip("äö\nü", 3), "äö …");
    }
}
