//! The lines of a coverage file: a header, one line a mailbox, a summary. Written by one run, read by the
//! next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::collect::coverage::{Answer, Declared, Row, Standing};
use crate::facts::Tool;
pub use crate::report::coverage::Options;

/// Version of the lines.
pub const FORMAT: u32 = 1;
/// `kind` of the first line.
pub const KIND: &str = "syncready-coverage";
/// `kind` of the last line of a run.
pub const SUMMARY: &str = "syncready-coverage-summary";

/// `kind` of the line of a test sync.
pub const SAMPLE: &str = "syncready-coverage-sample";

/// The first line, and again where a run was resumed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// Always `syncready-coverage`.
    pub kind: String,
    /// Version of the lines.
    pub format: u32,
    /// When this part of the run began, RFC 3339, UTC.
    pub started_at: String,
    /// Program and version.
    #[schemars(with = "serde_json::Value")]
    pub tool: Tool,
    /// What was asked for; a run can only be resumed with the same.
    pub options: Options,
    /// What the directory says of the scope, in words.
    pub scope: Vec<String>,
    /// What the security team is told.
    pub notice: String,
}

/// One mailbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// Its address, as the list has it.
    pub address: String,
    /// `inside`, `outside` or `unknown`: what the directory says.
    pub declared: String,
    /// `open`, `denied`, `faulty`, `throttled` or `failed`: what opening it came to.
    pub proven: String,
    /// The likeliest cause, as far as the run knew by then; null: it opened, or nothing is known.
    pub cause: Option<String>,
    /// Error code of the service; null: none was told.
    pub code: Option<String>,
    /// HTTP status; null: no answer.
    pub status: Option<u16>,
    /// Milliseconds that the answer took.
    pub ms: u64,
    /// When it came, RFC 3339, UTC.
    pub at: String,
    /// What the service, or the failure, said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Address that the service names instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggested: Option<String>,
    /// How often it was asked, where that is more than once.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub attempts: u32,
    /// The earlier run does not name it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new: bool,
}

const fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
const fn is_once(attempts: &u32) -> bool {
    *attempts == 1
}

impl Line {
    /// The line of a row.
    pub fn of(row: &Row, cause: Option<&str>, new: bool) -> Self {
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Self {
            address: row.mailbox.address.to_string(),
            declared: row.mailbox.declared.as_str().to_owned(),
            proven: row.answer.standing.as_str().to_owned(),
            cause: cause.map(str::to_owned),
            code: text(&row.answer.code),
            status: row.answer.status,
            ms: row.ms,
            at: row.at.to_string(),
            text: text(&row.answer.text),
            suggested: text(&row.answer.suggested),
            attempts: row.attempts,
            new,
        }
    }

    /// How it ended; `None`: a word that this version does not know.
    pub fn standing(&self) -> Option<Standing> {
        Standing::named(&self.proven)
    }

    /// What the directory said.
    pub fn declared(&self) -> Declared {
        let all = [Declared::Inside, Declared::Outside];
        all.into_iter().find(|declared| declared.as_str() == self.declared).unwrap_or_default()
    }

    /// The answer that it tells of.
    pub fn answer(&self) -> Option<Answer> {
        let boxed = |text: &Option<String>| text.as_deref().map(Into::into);
        Some(Answer {
            status: self.status,
            code: boxed(&self.code),
            text: boxed(&self.text),
            suggested: boxed(&self.suggested),
            ..Answer::new(self.standing()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let row = Row {
            mailbox: crate::collect::coverage::Mailbox {
                address: "a@contoso.com".into(),
                declared: Declared::Outside,
            },
            answer: Answer {
                status: Some(403),
                code: Some("ErrorAccessDenied".into()),
                text: Some("[RAOP]".into()),
                ..Answer::new(Standing::Denied)
            },
            ms: 12,
            at: jiff::Timestamp::UNIX_EPOCH,
            attempts: 2,
        };
        let line = Line::of(&row, Some("app-access-policy"), true);
        let text = serde_json::to_string(&line).expect("JSON");
        let read: Line = serde_json::from_str(&text).expect("a line");
        assert_eq!((read.answer(), read.declared()), (Some(row.answer), Declared::Outside));
        assert_eq!(read, line);
    }

    #[test]
    fn options_that_differ_are_named() {
        let was = Options {
            account: "Svc@contoso.com".into(),
            app: None,
            world: None,
            protocol: "ews".into(),
            source: "list users.txt".into(),
            shard: None,
        };
        assert_eq!(was.difference(&Options { account: "svc@contoso.com".into(), ..was.clone() }), None);
        let now = Options { shard: Some("1/2".into()), ..was.clone() };
        assert_eq!(was.difference(&now), Some(("shard", "none".into(), "1/2".into())));
    }
}
