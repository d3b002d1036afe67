//! Why a knowledge file is refused, and where.

use std::ops::Range;

/// Why a knowledge file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shown}:{line}:{column}: {}{message}", table.as_ref().map(|table| format!("[{table}]: ")).unwrap_or_default())]
pub struct KnowledgeError {
    /// File as the user would write it.
    pub shown: Box<str>,
    /// Table in which it stands.
    pub table: Option<Box<str>>,
    /// What is wrong with it.
    pub message: Box<str>,
    /// Valid choices, or another way out.
    pub help: Option<Box<str>>,
    /// The text of the file.
    pub text: Box<str>,
    /// Bytes of the text that are wrong.
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl KnowledgeError {
    /// At a place of a file.
    pub(super) fn new((shown, text): (&str, &str), span: Range<usize>, message: impl Into<Box<str>>) -> Self {
        let mut start = span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &text[..start];
        Self {
            shown: shown.into(),
            table: None,
            message: message.into(),
            help: None,
            text: text.into(),
            span: start..span.end.clamp(start, text.len()),
            line: before.matches('\n').count() + 1,
            column: before.rsplit('\n').next().unwrap_or_default().chars().count() + 1,
        }
    }

    /// Within a table.
    pub(super) fn of(mut self, table: &str) -> Self {
        self.table = Some(table.into());
        self
    }

    /// With valid choices, or another way out.
    pub(super) fn help(mut self, help: impl Into<Box<str>>) -> Self {
        self.help = Some(help.into());
        self
    }
}
