//! The bundle: what a run saw and found, in one archive for somebody else, without what is personal.
//!
//! ```text
//! facts ─► facts without names ─► judged again ─► findings, summary ┐
//! logs, configuration, run log ─► scrubbed by the same book ────────┼─► manifest, archive
//! book of tokens ─► redaction report ───────────────────────────────┘
//! ```
//!
//! Structured values are redacted by what their path is declared to be ([`crate::facts::privacy`]), text
//! by its form and by the names that the book has learned. Findings are made from redacted facts, so they
//! hold nothing else. Pure: no files, no network, no clock.

mod archive;
mod book;
mod configuration;
mod domain;
mod facts;
mod form;
mod lenient;
mod logs;
mod manifest;
mod names;
mod reveal;
mod run_log;
mod scrub;
mod words;

pub use archive::{Bundle, Member, Refusal, open, pack};
pub use book::Book;
pub use configuration::redact as configuration;
pub use facts::redact as facts;
pub use form::is_guid;
pub use logs::{Log, LogText};
pub use manifest::{Difference, FORMAT, Kept, Listed, Manifest, Redaction, Rejudged, Replaced, redaction};
pub use reveal::{KIND as MAP_KIND, Map, reveal};
pub use run_log::run_log;
pub use scrub::{Scrubber, Text, url};

/// Names of the files of a bundle.
pub mod file {
    /// What the archive holds.
    pub const MANIFEST: &str = "manifest.json";
    /// What was taken out, and what stayed on purpose.
    pub const REDACTION: &str = "redaction.json";
    /// The facts.
    pub const FACTS: &str = "facts.json";
    /// What came of judging them.
    pub const FINDINGS: &str = "findings.json";
    /// The same, to read.
    pub const SUMMARY: &str = "summary.txt";
    /// The calls of the run, and what it said.
    pub const RUN_LOG: &str = "run.log";
    /// Where it ran.
    pub const ENVIRONMENT: &str = "environment.json";
    /// The configuration, without secrets.
    pub const CONFIGURATION: &str = "configuration.toml";
}

/// Whether the field of this name, in small letters, holds an id by which a vendor finds a request.
fn is_request_field(name: &str) -> bool {
    let bare: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    ["requestid", "correlationid", "traceid", "activityid"].iter().any(|end| bare.ends_with(end))
}
