//! Archives of HTTP exchanges (HAR): one document, read exchange by exchange, in the order of their times.

use std::fmt::Write;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// Larger archives are read as plain text.
pub(super) const MOST: usize = 32 << 20;
/// Most bytes of one body that are looked at.
const BODY: usize = 32 << 10;
/// Bytes at the beginning that tell an archive.
const SAMPLE: usize = 4 << 10;

/// One exchange: its time, the line it begins on, and what was said.
#[derive(Debug)]
pub(super) struct Exchange {
    /// The line, from 0.
    pub line: u64,
    /// In one paragraph that begins with the time.
    pub text: String,
}

/// Whether a text may be an archive.
pub(super) fn is_archive(beginning: &[u8]) -> bool {
    let sample = &beginning[..beginning.len().min(SAMPLE)];
    let sample = sample.trim_ascii_start();
    let named = |name: &[u8]| memchr::memmem::find(sample, name).is_some();
    sample.starts_with(b"{") && named(b"\"log\"") && (named(b"\"entries\"") || named(b"\"creator\""))
}

/// Its exchanges in the order of their times; `None`: it is no archive after all.
pub(super) fn exchanges(text: &str) -> Option<Vec<Exchange>> {
    let document: Value = serde_json::from_str(text).ok()?;
    let entries = document["log"]["entries"].as_array()?;
    let mut lines = starts(text).into_iter();
    let mut found: Vec<(String, Exchange)> = Vec::with_capacity(entries.len());
    for entry in entries {
        let time = entry["startedDateTime"].as_str().unwrap_or_default().to_owned();
        let line = lines.next().unwrap_or_default();
        let text = exchange(entry, &time);
        found.push((time, Exchange { line, text }));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Some(found.into_iter().map(|(_, exchange)| exchange).collect())
}

/// The lines on which the exchanges begin: those of their requests.
fn starts(text: &str) -> Vec<u64> {
    let (mut line, mut from, mut found) = (0, 0, Vec::new());
    for at in memchr::memmem::find_iter(text.as_bytes(), b"\"startedDateTime\"") {
        line += memchr::memchr_iter(b'\n', &text.as_bytes()[from..at]).count() as u64;
        from = at;
        found.push(line);
    }
    found
}

/// What was asked and answered, as a trace would show it.
fn exchange(entry: &Value, time: &str) -> String {
    let (request, response) = (&entry["request"], &entry["response"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let status = response["status"].as_i64().unwrap_or_default();
    let mut shown = format!("{time} {} {}\n", text(&request["method"]), text(&request["url"]));
    heads(&request["headers"], &mut shown);
    shown.push_str(&body(&request["postData"]));
    if status > 0 {
        let _ = write!(shown, "\nHTTP/1.1 {status} {}\n", text(&response["statusText"]));
    }
    heads(&response["headers"], &mut shown);
    shown.push_str(&body(&response["content"]));
    // Browsers say so where no answer came.
    for error in [&response["_error"], &entry["_error"], &entry["comment"]] {
        if let Some(error) = error.as_str().filter(|error| !error.is_empty()) {
            let _ = write!(shown, "\n{error}");
        }
    }
    shown
}

fn heads(heads: &Value, shown: &mut String) {
    for head in heads.as_array().into_iter().flatten().take(100) {
        let part =
            |name: &str| head[name].as_str().unwrap_or_default().chars().take(4096).collect::<String>();
        let _ = writeln!(shown, "{}: {}", part("name"), part("value"));
    }
}

/// A body, unpacked where the archive packs it.
fn body(content: &Value) -> String {
    let text = content["text"].as_str().unwrap_or_default();
    let end = (0..=text.len().min(BODY)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    if content["encoding"] == "base64" {
        let whole = &text[..end - end % 4];
        return STANDARD
            .decode(whole)
            .map(|bytes| super::source::text(&bytes).into_owned())
            .unwrap_or_default();
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanges_come_in_the_order_of_their_times() {
        let text = r#"{"log": {"creator": {}, "entries": [
            {"startedDateTime": "2026-01-01T10:00:01Z", "request": {"method": "GET", "url": "https://b/"},
             "response": {"status": 403, "headers": [{"name": "x-a", "value": "v"}], "content": {"text": "Ym9keQ==", "encoding": "base64"}}},
            {"startedDateTime": "2026-01-01T10:00:00Z", "request": {"method": "GET", "url": "https://a/"}, "response": {"status": 200}}]}}"#;
        assert!(is_archive(text.as_bytes()));
        let found = exchanges(text).expect("an archive");
        let lines: Vec<u64> = found.iter().map(|exchange| exchange.line).collect();
        assert_eq!(lines, [3, 1]);
        assert_eq!(found[1].text, "2026-01-01T10:00:01Z GET https://b/\n\nHTTP/1.1 403 \nx-a: v\nbody");
        assert!(exchanges("{\"log\": 1}").is_none());
    }
}
