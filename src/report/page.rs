//! A page of text under construction: indented, wrapped, painted lines.

use super::Style;
use super::mark::Paint;
use super::wrap::{pasteable, plain, width, wrap};

/// Widest text column: longer lines tire the eye, however wide the terminal is.
const WIDEST: usize = 100;

/// Columns that a label such as `Expected` takes, with the gap behind it.
const LABEL: usize = 11;

/// Lines so far, and the style of all of them.
pub(super) struct Page<'a> {
    style: &'a Style,
    text: String,
}

impl<'a> Page<'a> {
    /// An empty page.
    pub(super) fn new(style: &'a Style) -> Self {
        Self { style, text: String::new() }
    }

    /// The style of the page.
    pub(super) fn style(&self) -> &'a Style {
        self.style
    }

    /// Columns in use.
    pub(super) fn width(&self) -> usize {
        self.style.width.clamp(20, WIDEST)
    }

    /// One empty line, never two in a row and none at the top.
    pub(super) fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A line that is composed and painted already.
    pub(super) fn raw(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// Wrapped text behind an indent.
    pub(super) fn text(&mut self, indent: usize, text: &str, paint: Paint) {
        self.hang(indent, "", text, paint);
    }

    /// Wrapped text behind a lead; further lines stand below the text, not below the lead.
    pub(super) fn hang(&mut self, indent: usize, lead: &str, text: &str, paint: Paint) {
        let start = indent + width(lead);
        for (index, line) in wrap(text, self.width().saturating_sub(start)).iter().enumerate() {
            let before = if index == 0 { indent } else { start };
            let lead = if index == 0 { lead } else { "" };
            let line = paint.on(line, self.style);
            self.raw(&format!("{:before$}{lead}{line}", ""));
        }
    }

    /// Wrapped text behind a label, all of them in one column.
    pub(super) fn labelled(&mut self, label: &str, text: &str, paint: Paint) {
        self.hang(2, &format!("{label:<LABEL$}"), text, paint);
    }

    /// A command of one line behind a label; it is not wrapped.
    pub(super) fn labelled_command(&mut self, label: &str, command: &str) {
        let command = Paint::Bold.on(&plain(command), self.style);
        self.raw(&format!("  {label:<LABEL$}{command}"));
    }

    /// A heading with a line under it.
    pub(super) fn heading(&mut self, title: &str) {
        self.blank();
        let line = if self.style.unicode { "─" } else { "-" };
        for title in wrap(title, self.width()) {
            let under = line.repeat(width(&title));
            self.raw(&Paint::Bold.on(&title, self.style));
            self.raw(&Paint::Dim.on(&under, self.style));
        }
    }

    /// Lines to be copied as they are: never wrapped, nothing around them. Text whose line ends
    /// matter to the shell (here-documents) loses its indent, too.
    pub(super) fn command(&mut self, indent: usize, command: &str) {
        let Some(command) = pasteable(command) else {
            self.text(indent, "(not shown: a value in the command holds control characters)", Paint::Warn);
            return;
        };
        let indent = if ["<<", "@'", "@\""].iter().any(|mark| command.contains(mark)) { 0 } else { indent };
        for line in command.lines() {
            let line = Paint::Bold.on(line.trim_end(), self.style);
            self.raw(&format!("{:indent$}{line}", ""));
        }
    }

    /// The finished text, ending in one line break.
    pub(super) fn finish(mut self) -> String {
        self.text.truncate(self.text.trim_end_matches('\n').len());
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text
    }
}

/// A number with its noun: `1 check`, `4 checks`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_lines_hang_below_the_text() {
        let style = Style { width: 20, color: false, unicode: true };
        let mut page = Page::new(&style);
        page.hang(2, "1. ", "one two three four five", Paint::Plain);
        assert_eq!(page.finish(), "  1. one two three\n     four five\n");
    }

    #[test]
    fn a_here_document_stands_at_the_margin() {
        let style = Style::default();
        let mut page = Page::new(&style);
        page.command(4, "cat <<END\nx\nEND");
        page.command(4, "one\ntwo");
        assert_eq!(page.finish(), "cat <<END\nx\nEND\n    one\n    two\n");
    }
}
