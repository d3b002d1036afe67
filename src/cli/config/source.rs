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
        for (lead, what) in [("unknown field ", "key"), ("unknown variant ", "value")] {
            if let Some(rest) = message.strip_prefix(lead) {
                let names: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
                let (given, valid) = names.split_first().unwrap_or((&"", &[]));
                return self
                    .problem(span, format!("unknown {what} `{given}`"), format!("no such {what} here"))
                    .choices(given, valid, &format!("{what}s"));
            }
        }
        self.problem(span, message, "here")
    }
}
