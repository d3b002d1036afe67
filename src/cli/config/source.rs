//! A configuration text with its name: turns positions in it into problems.

use std::{ops::Range, path::PathBuf};

use crate::cli::problem::Problem;

/// The text that was read, and where relative paths in it start.
#[derive(Debug, Clone)]
pub struct Source {
    /// Name for messages.
    pub name: String,
    /// Folder of the file.
    pub folder: PathBuf,
    /// The text.
    pub text: String,
}

impl Source {
    /// A problem at a range of the text.
    pub fn problem(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Problem {
        Problem::new(message).within(&self.name, &self.text, span, label)
    }

    /// The parser's refusal in our words.
    pub fn refusal(&self, error: &toml::de::Error) -> Problem {
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        if let Some((what, given, valid)) = unknown(message) {
            return self
                .problem(span, format!("unknown {what} `{given}`"), format!("no such {what} here"))
                .choices(given, &valid, &format!("{what}s"));
        }
        self.problem(span, message, "here")
    }
}

/// What the parser does not know, by its refusal: key or value, the name given, the valid ones.
pub fn unknown(message: &str) -> Option<(&'static str, &str, Vec<&str>)> {
    let known = [("unknown field ", "key"), ("unknown variant ", "value")];
    let (what, rest) =
        known.into_iter().find_map(|(lead, what)| Some((what, message.strip_prefix(lead)?)))?;
    let mut names = rest.split('`').skip(1).step_by(2);
    Some((what, names.next().unwrap_or_default(), names.collect()))
}
