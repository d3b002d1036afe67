//! Marks, words and colours of results and verdicts.

use anstyle::{AnsiColor, Style as Ansi};

use super::Style;
use crate::engine::{Finding, Verdict, Word};

/// What a piece of text is painted like; nothing but looks hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    /// As it comes.
    Plain,
    /// Headings.
    Bold,
    /// What may be read over.
    Dim,
    /// A pass.
    Good,
    /// A warning, or something unknown.
    Warn,
    /// A fail.
    Bad,
    /// The heading of the first cause.
    Alarm,
}

impl Paint {
    fn ansi(self) -> Ansi {
        match self {
            Self::Plain => Ansi::new(),
            Self::Bold => Ansi::new().bold(),
            Self::Dim => Ansi::new().dimmed(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warn => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Alarm => AnsiColor::Red.on_default().bold(),
        }
    }

    /// The text in this paint, if the output has colour.
    pub(super) fn on(self, text: &str, style: &Style) -> String {
        if !style.color || self == Self::Plain || text.is_empty() {
            return text.to_owned();
        }
        let ansi = self.ansi();
        format!("{ansi}{text}{ansi:#}")
    }
}

/// One column that leads a line.
pub(super) fn mark(word: Word, style: &Style) -> &'static str {
    match (word, style.unicode) {
        (Word::Pass, true) => "✓",
        (Word::Pass, false) => "+",
        (Word::Warn, _) => "!",
        (Word::Fail, true) => "✗",
        (Word::Fail, false) => "x",
        (Word::Unknown, _) => "?",
        (Word::Skipped | Word::NotApplicable, _) => "-",
    }
}

/// The result as a person reads it.
pub(super) fn word(finding: &Finding) -> &'static str {
    match finding.result {
        _ if finding.waived.is_some() => "waived",
        Word::Pass => "ok",
        Word::Warn => "warn",
        Word::Fail => "FAIL",
        Word::Unknown => "unknown",
        Word::Skipped => "skipped",
        Word::NotApplicable => "n/a",
    }
}

/// The paint of a result.
pub(super) fn paint(finding: &Finding) -> Paint {
    match finding.result {
        _ if finding.waived.is_some() => Paint::Dim,
        Word::Pass => Paint::Good,
        Word::Warn | Word::Unknown => Paint::Warn,
        Word::Fail => Paint::Bad,
        Word::Skipped | Word::NotApplicable => Paint::Dim,
    }
}

/// The verdict as a person reads it.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ready => "ready",
        Verdict::NotReady => "not ready",
        Verdict::Undetermined => "undetermined",
        Verdict::NothingChecked => "nothing checked",
    }
}

/// The paint of a verdict.
pub(super) fn verdict_paint(verdict: Verdict) -> Paint {
    match verdict {
        Verdict::Ready => Paint::Good,
        Verdict::NotReady => Paint::Alarm,
        Verdict::Undetermined | Verdict::NothingChecked => Paint::Warn,
    }
}
