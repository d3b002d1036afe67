//! What a log says: its failures, the causes that they may have, and which one is likeliest.
//!
//! Pure: bytes in, a diagnosis out. Reads once from the front in bounded memory, whatever the size and
//! the encoding. What it knows stands in `checks/knowledge/`; lines of a log are data and nothing else.

mod archive;
mod beside;
mod conclude;
mod edges;
mod failures;
mod fold;
mod glance;
mod key;
mod matcher;
mod normal;
mod pieces;
mod reader;
mod remembered;
#[cfg(test)]
mod sameness;
mod secret;
mod source;
mod status;
mod subject;
mod unknown;
mod weigh;
mod when;

use std::io::{self, Read};
use std::sync::OnceLock;

use super::{Entry, Knowledge};
pub use failures::Line;
use glance::Glance;
use matcher::Matcher;
use reader::Reader;
pub use secret::find as secrets;
pub use source::Source;

/// Diagnoses logs.
#[derive(Debug)]
pub struct Engine {
    matcher: Matcher,
    glance: OnceLock<Option<Glance>>,
}

/// What a log says.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Diagnosis {
    /// Causes, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// Failures that were not over at the end, the first one first.
    pub failures: Vec<Episode>,
    /// Failures after which the same thing worked.
    pub recovered: Vec<Episode>,
    /// Codes that nothing is known of.
    pub unknown_codes: Vec<UnknownCode>,
    /// Secrets that stand in the log.
    pub secrets: Vec<Secret>,
    /// The world that it shows: `exchange-server` or `online`.
    pub world: Option<String>,
    /// Lines read.
    pub lines: u64,
    /// Bytes read, unpacked.
    pub bytes: u64,
    /// There was more than is ever read.
    pub cut: bool,
    /// Kinds of failures beyond those that are kept.
    pub more: u64,
}

/// A cause that a log may have.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Candidate {
    /// Its name.
    pub cause: String,
    /// How sure it is, of one.
    pub confidence: f64,
    /// Why.
    pub because: Vec<String>,
    /// The lines that this rests on.
    pub lines: Vec<u64>,
    /// What the evidence proves besides.
    pub proves: Vec<String>,
    /// What tells it from the others.
    pub tells: Option<String>,
    /// What to do, beyond the repairs of the checks.
    pub advice: Vec<String>,
}

/// Failures of one kind.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Episode {
    /// What may stand behind it, the likeliest first.
    pub causes: Vec<String>,
    /// The codes and meanings that were recognized.
    pub says: Vec<String>,
    /// How often.
    pub count: u64,
    /// Line of the first.
    pub first_line: u64,
    /// Line of the last.
    pub last_line: u64,
    /// Milliseconds between them, where the lines carry times.
    pub span_ms: Option<i64>,
    /// Some of its lines.
    pub lines: Vec<Line>,
    /// It only follows from the first cause.
    pub echo: bool,
}

/// A code that nothing is known of.
#[derive(Debug, Clone, serde::Serialize)]
pub struct UnknownCode {
    /// The code.
    pub code: String,
    /// How often it was seen.
    pub count: u64,
    /// Where it stands.
    pub line: Line,
}

/// Secrets of one kind that stand in a log.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Secret {
    /// What it is.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// The first lines that hold one.
    pub lines: Vec<u64>,
}

/// Where something was found: how often, and the first lines.
#[derive(Debug, Clone, Default)]
struct Found {
    count: u64,
    lines: Vec<u64>,
}

impl Found {
    fn add(&mut self, line: u64) {
        self.count += 1;
        if self.lines.len() < 8 && self.lines.last() != Some(&line) {
            self.lines.push(line);
        }
    }
}

impl Engine {
    /// Reads what is known.
    ///
    /// # Panics
    ///
    /// Never with the embedded knowledge; with a user's, when it holds more than an automaton can.
    pub fn new(knowledge: &Knowledge) -> Self {
        let matcher = Matcher::new(knowledge).expect("a few thousand short texts fit into an automaton");
        Self { matcher, glance: OnceLock::new() }
    }

    /// Diagnoses a log.
    ///
    /// # Errors
    ///
    /// When it cannot be read or unpacked.
    pub fn read(&self, log: impl Read) -> io::Result<Diagnosis> {
        let mut source = Source::open(log)?;
        let mut reader = Reader::new(&self.matcher);
        reader.read(&mut source, || self.glance.get_or_init(|| Glance::new(&self.matcher).ok()).as_ref())?;
        Ok(conclude::conclude(&self.matcher, &reader, source.bytes, source.cut))
    }

    /// What is wrong with an example of an entry: it must be recognized in it, and its first cause lead.
    pub fn complaint(&self, entry: &Entry, example: &str) -> Option<String> {
        let seen = self.matcher.find(&normal::nameless_normal(example).text, true);
        if !seen.iter().any(|seen| self.matcher.known(seen.known).entry.code == entry.code) {
            return Some("it is not recognized in it".to_owned());
        }
        let wanted: Vec<&str> = entry.leads_to().collect();
        let found = self.text(example).candidates;
        match found.first() {
            _ if wanted.is_empty() => None,
            Some(first) if wanted.contains(&first.cause.as_str()) => None,
            Some(first) => Some(format!("it leads to {} first, not to {}", first.cause, wanted.join(" or "))),
            None => Some(format!("it leads to no cause, not to {}", wanted.join(" or "))),
        }
    }

    /// Diagnoses a text that somebody pasted.
    pub fn text(&self, text: &str) -> Diagnosis {
        self.read(text.as_bytes()).unwrap_or_default()
    }
}
