//! Text for a terminal: hostile characters made visible, long text broken by display width.
//!
//! Knows nothing of reports. Most of what passes here was written by servers.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Longest text shown; anything longer ends in `…`. Servers can be talkative.
const LONGEST: usize = 4000;

/// Columns that a text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text in one paragraph that cannot steer a terminal: white space becomes a space, controls and
/// direction marks are spelled out.
pub(super) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (index, c) in text.chars().enumerate() {
        match c {
            _ if index == LONGEST => {
                safe.push('…');
                break;
            }
            c if c.is_whitespace() => safe.push(' '),
            c if steers(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// The command as it is to be copied; `None` if it holds a character that could steer the terminal:
/// such a command is better not pasted.
pub(super) fn pasteable(command: &str) -> Option<&str> {
    let command = command.trim_matches('\n');
    (!command.contains(|c| steers(c) && !matches!(c, '\n' | '\t'))).then_some(command)
}

/// Characters that move the cursor, change the direction of writing or hide in other text.
pub(super) fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Breaks a text into lines of at most `limit` columns. Only URLs may be longer.
pub(super) fn wrap(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(8);
    let text = plain(text);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace().flat_map(|word| pieces(word, limit)) {
        if !line.is_empty() && width(&line) + 1 + width(&word) > limit {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A word cut so that each piece fits; whole if it is a URL or fits.
fn pieces(word: &str, limit: usize) -> Vec<String> {
    if width(word) <= limit || word.contains("://") {
        return vec![word.to_owned()];
    }
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut joined = false;
    for c in word.chars() {
        let columns = c.width().unwrap_or(0);
        if columns > 0 && !joined && width(&piece) + columns > limit {
            let rest = piece.split_off(good_break(&piece));
            pieces.push(std::mem::replace(&mut piece, rest));
        }
        joined = c == '\u{200d}';
        piece.push(c);
    }
    pieces.push(piece);
    pieces
}

/// Where a full piece is best cut: behind its last separator, unless that leaves it short.
fn good_break(piece: &str) -> usize {
    let behind = piece.rfind(['/', '-', '.', '@', '_', ',', ';', ':', '=']).map_or(0, |at| at + 1);
    if behind * 2 > piece.len() { behind } else { piece.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_within_the_limit_by_display_width() {
        for line in wrap("会议室 联系人同步服务账户会议室联系人同步服务账户 👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦 end", 9)
        {
            assert!(width(&line) <= 9, "{line}");
        }
    }

    #[test]
    fn a_long_word_breaks_behind_a_separator() {
        assert_eq!(
            wrap("impersonation/product-does-not-rely", 24),
            ["impersonation/product-", "does-not-rely"]
        );
    }

    #[test]
    fn a_url_stays_whole() {
        let url = "https://learn.microsoft.com/en-us/graph/permissions-reference";
        assert_eq!(wrap(&format!("see {url} there"), 20), ["see", url, "there"]);
    }

    #[test]
    fn nothing_can_steer_the_terminal() {
        assert_eq!(plain("a\x1b[31mb\u{9b}2J\u{202e}c\r\nd\t\u{7f}"), {
            "a\\u{1b}[31mb\\u{9b}2J\\u{202e}c  d \\u{7f}"
        });
    }

    #[test]
    fn a_command_that_could_steer_the_terminal_is_not_offered() {
        assert_eq!(pasteable("\na\n\tb\n"), Some("a\n\tb"));
        assert_eq!(pasteable("a\x07"), None);
    }

    #[test]
    fn empty_text_is_one_empty_line() {
        assert_eq!(wrap(" \n ", 20), [""]);
    }

    #[test]
    fn endless_text_is_cut() {
        assert_eq!(plain(&"x".repeat(LONGEST * 2)).chars().count(), LONGEST + 1);
    }
}
