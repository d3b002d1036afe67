//! What stands in a check file.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, Range};

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::engine::finding::{Reference, Word};
use crate::engine::query::QueryFile;
use crate::engine::template::Quoting;

/// A text of a check file that knows where it stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Text(Spanned<String>);

impl Text {
    /// Bytes of the file, quotes included.
    pub(in crate::engine) fn span(&self) -> Range<usize> {
        self.0.span()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.get_ref()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// A check file as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckFile {
    /// The healthy condition.
    #[schemars(with = "String")]
    pub title: Text,
    /// Version that brought it.
    pub since: String,
    /// Earlier ids.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Checks that must not have failed.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub after: Vec<Text>,
    /// Where it makes sense; `None`: everywhere.
    #[schemars(with = "Option<String>")]
    pub applies: Option<Text>,
    /// What breaks for the user, and how it shows.
    #[schemars(with = "String")]
    pub why: Text,
    /// Numbers and lists that profiles may change.
    #[serde(default)]
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub params: toml::Table,
    /// What it asks beyond the facts that every check may read, as `query.NAME`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, QueryFile>")]
    pub query: BTreeMap<String, Spanned<QueryFile>>,
    /// Names for sub-expressions.
    #[serde(default, rename = "let")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub lets: BTreeMap<String, Text>,
    /// A question that only a person can answer, in the configuration.
    pub ask: Option<Ask>,
    /// Rows in order; the first true one wins.
    pub outcome: Vec<Outcome>,
    /// Sources of the rule.
    #[serde(default)]
    pub reference: Vec<Reference>,
    /// Tests and illustrations.
    #[serde(default)]
    pub example: Vec<Example>,
}

/// A question to a person, answered by an `[[attest]]` table of the configuration.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The question.
    pub question: String,
    /// What may be answered, and what it means.
    pub answers: BTreeMap<String, String>,
}

/// One outcome row.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Result of the check when the row is hit.
    #[schemars(with = "Word")]
    pub result: Spanned<Word>,
    /// Root cause.
    #[schemars(with = "Option<String>")]
    pub cause: Option<Text>,
    /// Rule; `None`: always.
    #[schemars(with = "Option<String>")]
    pub when: Option<Text>,
    /// What was seen.
    #[schemars(with = "String")]
    pub message: Text,
    /// What was expected.
    #[schemars(with = "Option<String>")]
    pub expected: Option<Text>,
    /// What was found.
    #[schemars(with = "Option<String>")]
    pub actual: Option<Text>,
    /// Usual and longest waiting time after a repair, for example `["5m", "1h"]`.
    pub settles: Option<[String; 2]>,
    /// Ways to repair.
    #[serde(default)]
    pub fix: Vec<FixFile>,
}

/// One way to repair.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixFile {
    /// World or case it is for; `None`: always.
    #[schemars(with = "Option<String>")]
    pub when: Option<Text>,
    /// What to do.
    #[schemars(with = "Vec<String>")]
    pub steps: Vec<Text>,
    /// A command.
    #[schemars(with = "Option<String>")]
    pub command: Option<Text>,
    /// Its shell.
    pub shell: Option<Shell>,
    /// Who does it.
    pub who: Option<String>,
    /// The least role.
    pub role: Option<String>,
    /// The command replaces what stands there.
    #[serde(default)]
    pub overwrites: bool,
    /// How to see that it worked.
    #[schemars(with = "Option<String>")]
    pub verify: Option<Text>,
}

/// Shell of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Shell {
    /// PowerShell.
    PowerShell,
    /// A POSIX shell.
    Sh,
    /// No shell: lines for the configuration.
    Toml,
}

impl Shell {
    /// How its values are quoted.
    pub(in crate::engine) fn quoting(self) -> Quoting {
        match self {
            Self::PowerShell => Quoting::PowerShell,
            Self::Sh => Quoting::Sh,
            Self::Toml => Quoting::Toml,
        }
    }
}

/// A test that documents: facts, and what the check says of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What it shows.
    #[schemars(with = "String")]
    pub name: Text,
    /// World whose healthy settings it starts from.
    #[schemars(with = "Option<String>")]
    pub given: Option<Text>,
    /// Profile; `None`: the base profile of the world.
    #[schemars(with = "Option<String>")]
    pub profile: Option<Text>,
    /// Facts by group.
    #[serde(default)]
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub facts: toml::Table,
    /// Paths of facts that are known to be empty.
    #[serde(default)]
    pub nulls: Vec<String>,
    /// Paths that are missing, with the reason.
    #[serde(default)]
    pub absent: BTreeMap<String, String>,
    /// Parameters.
    #[serde(default)]
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub params: toml::Table,
    /// Expected result.
    pub expect: Word,
    /// Expected cause.
    pub cause: Option<String>,
    /// Part of the expected message.
    pub contains: Option<String>,
}

/// What stands above the tables of a check file: all that a list of checks needs.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    pub title: String,
    pub since: String,
    #[serde(default)]
    pub aliases: Vec<String>,
    #[serde(default)]
    pub after: Vec<String>,
}

impl Head {
    /// Reads no further than the first line that may begin a table. `None` where that line stands
    /// inside of a text, which cuts the text.
    pub(super) fn read(source: &str) -> Option<Self> {
        let end = source.find("\n[").map_or(source.len(), |at| at + 1);
        toml::from_str(&source[..end]).ok()
    }
}

impl From<&CheckFile> for Head {
    fn from(file: &CheckFile) -> Self {
        Self {
            title: file.title.to_string(),
            since: file.since.clone(),
            aliases: file.aliases.clone(),
            after: file.after.iter().map(ToString::to_string).collect(),
        }
    }
}
