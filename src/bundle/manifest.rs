//! What a bundle says of itself: its files, and what was taken out of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Book;
use crate::facts::Tool;

/// Version of the format that this build writes and reads.
pub const FORMAT: u32 = 1;

/// Marks a manifest as ours.
pub const KIND: &str = "syncready-bundle";

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Manifest of a syncready bundle")]
pub struct Manifest {
    /// Version of this format; 1.
    pub format: u32,
    /// Always `syncready-bundle`.
    pub kind: String,
    /// What made it.
    pub tool: Made,
    /// When the run began whose facts it holds, RFC 3339, UTC.
    pub started_at: String,
    /// Whether personal values were taken out. Secrets always are.
    pub redacted: bool,
    /// Every other file, by name.
    pub files: Vec<Listed>,
}

/// Name and version of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Made {
    /// Program.
    pub name: String,
    /// Version.
    pub version: String,
}

/// A file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listed {
    /// Name in the archive.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// A manifest that lists no files yet.
    pub fn new(started_at: &str, redacted: bool) -> Self {
        let Tool { name, version } = Tool::this();
        let tool = Made { name, version };
        Self {
            format: FORMAT,
            kind: KIND.into(),
            tool,
            started_at: started_at.into(),
            redacted,
            files: Vec::new(),
        }
    }
}

/// `redaction.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Redaction report of a syncready bundle")]
pub struct Redaction {
    /// Version of this format; 1.
    pub format: u32,
    /// Whether personal values were taken out. Secrets always are.
    pub redacted: bool,
    /// What was replaced: by file, kind of value and rule.
    pub replaced: Vec<Replaced>,
    /// Number of different values by kind.
    pub values: BTreeMap<String, usize>,
    /// Values that stand in the bundle as they are, because they belong to everybody or because support
    /// needs them.
    pub kept: Vec<Kept>,
    /// Whether the redacted facts are judged as the original ones were.
    pub rejudged: Rejudged,
    /// What is to be known beside.
    pub notes: Vec<String>,
}

/// How often values of a kind were replaced in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replaced {
    /// File.
    pub file: String,
    /// Kind of value.
    pub kind: String,
    /// What told it.
    pub rule: String,
    /// How often.
    pub count: u64,
}

/// Values that stayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kept {
    /// Of which kind.
    pub what: String,
    /// The values, in small letters.
    pub values: Vec<String>,
}

/// Whether the redacted facts are judged as the original ones were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejudged {
    /// All results, causes and verdicts are equal.
    pub alike: bool,
    /// Those that are not.
    pub differs: Vec<Difference>,
}

/// A check that comes out otherwise on redacted facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Account, as its token.
    pub account: String,
    /// Check.
    pub check: String,
    /// Result on the original facts.
    pub original: String,
    /// Result on those in the bundle.
    pub redacted: String,
}

/// The redaction report of a book.
pub fn redaction(book: &Book, rejudged: Rejudged, mut notes: Vec<String>) -> Redaction {
    if book.is_full() {
        notes.push("there were more values than tokens: those beyond have the number 0".into());
    }
    let replaced = book.lines().iter().map(|(line, count)| Replaced {
        file: line.file.clone(),
        kind: line.kind.clone(),
        rule: line.rule.to_owned(),
        count: *count,
    });
    let kept = book.kept().map(|(what, values)| Kept {
        what: what.to_owned(),
        values: values.into_iter().map(str::to_owned).collect(),
    });
    Redaction {
        format: FORMAT,
        redacted: !book.keep,
        replaced: replaced.collect(),
        values: book.values().clone(),
        kept: kept.collect(),
        rejudged,
        notes,
    }
}
