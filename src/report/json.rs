//! The report as one JSON document, the contract for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::wrap::steers;
use crate::engine::Report;

/// The whole report, indented, with a line break at the end.
pub fn render(report: &Report) -> String {
    pretty(report)
}

/// Any document, indented, with a line break at the end.
pub(super) fn pretty(document: &impl Serialize) -> String {
    let text =
        serde_json::to_string_pretty(document).expect("our documents have text keys and finite numbers");
    quiet(&text) + "\n"
}

/// Spells out what JSON allows in strings although it steers terminals; outside of strings the
/// document holds no such character but its line breaks.
pub(super) fn quiet(text: &str) -> String {
    let mut quiet = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !steers(c) {
            quiet.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(quiet, "\\u{unit:04x}").expect("writing to a string succeeds");
        }
    }
    quiet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steering_characters_are_escaped_and_read_back_equal() {
        let hostile = "a\u{9b}2J\u{202e}b\u{e0041}\u{7f}\x1b";
        let text = quiet(&serde_json::to_string(hostile).expect("text is JSON"));
        assert!(text.is_ascii(), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).expect("still JSON"), hostile);
    }
}
