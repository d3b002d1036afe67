//! The report: one file a format, and the pieces that the formats share.
//!
//! Renders what the engine found and judges nothing itself. Knows no terminal, no file and no clock:
//! the width, colour and character set of the output are handed in.

pub mod bundle;
mod cause;
pub mod coverage;
pub mod explain;
mod grid;
pub mod json;
pub mod jsonl;
pub mod list;
mod mark;
mod page;
pub mod permissions;
pub mod profile;
pub mod requirements;
mod sheet;
pub mod short;
pub mod sync;
pub mod table;
pub mod ticket;
pub mod topic;
pub mod troubleshoot;
mod verdict;
mod wrap;

/// How text is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal; nothing is wider, except commands and URLs, which must stay whole.
    pub width: usize,
    /// Colour by ANSI escape sequences; never the only bearer of a meaning.
    pub color: bool,
    /// Marks beyond ASCII.
    pub unicode: bool,
}

impl Default for Style {
    /// Plain text of 80 columns.
    fn default() -> Self {
        Self { width: 80, color: false, unicode: true }
    }
}
