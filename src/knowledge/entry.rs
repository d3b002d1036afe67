//! What stands in a knowledge file.

use serde::{Deserialize, Serialize};

/// One code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The code: the name of its table.
    #[serde(skip)]
    pub code: String,
    /// Other codes that mean the same.
    #[serde(default)]
    pub also: Vec<String>,
    /// What it means.
    pub means: String,
    /// What may stand behind it, the likeliest first.
    #[serde(default)]
    pub causes: Vec<Likely>,
    /// Other shares of the causes, where something else stands beside it; the first that fits wins.
    #[serde(default)]
    pub cases: Vec<Case>,
    /// Of a hundred, how much it decides; `None`: 95 for a code, 70 for a text.
    pub strength: Option<u8>,
    /// What it explains: the names of codes and texts that say no more beside it.
    #[serde(default)]
    pub silences: Vec<String>,
    /// Free words: they say no more where a code or a known text decides.
    #[serde(default)]
    pub free: bool,
    /// A text without a code: parts by which it is recognized, whatever their letters' case.
    #[serde(default)]
    pub any: Vec<String>,
    /// The same, where no letter or digit may stand before or behind.
    #[serde(default)]
    pub words: Vec<String>,
    /// One text of each row, near each other.
    #[serde(default)]
    pub all: Vec<Vec<String>>,
    /// How many bytes the rows may lie apart; `None`: 600.
    pub near: Option<u16>,
    /// HTTP status codes, in the forms in which they are printed.
    #[serde(default)]
    pub status: Vec<u16>,
    /// Names of codes and texts that must be there, too: one of them.
    #[serde(default)]
    pub seen: Vec<String>,
    /// Names of codes and texts that must not be there.
    #[serde(default)]
    pub unless: Vec<String>,
    /// It says that something went well.
    pub heals: Option<Heals>,
    /// The world that it shows.
    pub world: Option<String>,
    /// What it proves besides.
    #[serde(default)]
    pub proves: Vec<String>,
    /// What tells the causes apart.
    pub tells: Option<String>,
    /// The same cause by cause: how each shows, and the checks that prove it.
    #[serde(default)]
    pub apart: Vec<Apart>,
    /// What to do, beyond the repairs of the checks that find its causes.
    #[serde(default)]
    pub advice: Vec<String>,
    /// Microsoft's documentation says what it means; otherwise it is known from the field.
    #[serde(default = "yes")]
    pub documented: bool,
    /// Where to read of it; `None`: the source of the file.
    pub source: Option<String>,
    /// Texts that must be recognized as this, and lead to its first cause.
    #[serde(default)]
    pub examples: Vec<String>,
    /// Who says what the file holds.
    #[serde(skip)]
    pub origin: Origin,
    /// Who brought it along; `None`: it is built in.
    #[serde(skip)]
    pub brought: Option<Brought>,
}

/// Where an entry of the user's own comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Brought {
    /// File, as the user named its directory.
    pub file: String,
    /// It stands in the place of a built-in entry.
    pub overrides: bool,
}

impl Brought {
    /// In words.
    pub fn words(&self) -> String {
        let place = if self.overrides { ", in place of the built-in entry" } else { "" };
        format!("{}{place}", self.file)
    }
}

/// What a success shows to be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heals {
    /// Failures that come and go by themselves.
    Passing,
    /// Those, and failed sign-ins.
    SignIn,
    /// Every failure.
    Everything,
}

/// Shares of the causes where something else stands beside a code or text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Names of codes and texts that are there, too.
    pub seen: Vec<String>,
    /// What may stand behind it then, the likeliest first.
    pub causes: Vec<Likely>,
}

/// One of several causes of the same answer, and what tells it from the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apart {
    /// What refuses, in a few words.
    pub what: String,
    /// Name of the cause.
    pub cause: String,
    /// How it shows.
    pub shows: String,
    /// Checks that prove it.
    pub checks: Vec<String>,
}

/// A cause that may stand behind a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Likely {
    /// Name of the cause.
    pub cause: String,
    /// Of a hundred cases, how many; what is left of the hundred is unknown.
    pub weight: u8,
    /// When it is this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The worlds in which it can be this one; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worlds: Vec<String>,
    /// What became of other mailboxes asked by the same identity, where that tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<Others>,
}

/// What became of other mailboxes asked by the same identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Others {
    /// Some open.
    Open,
    /// None opens.
    Closed,
}

/// Where the codes of a file come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Who says them.
    pub title: String,
    /// Where they are documented.
    pub source: String,
}

/// One cause.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CauseEntry {
    /// How it shows from outside.
    pub shows: String,
    /// By what it is told from others, in half a sentence.
    pub sign: Option<String>,
    /// In a few words, for counts; without it, its name.
    pub short: Option<String>,
    /// The way out, where no check holds one.
    #[serde(default)]
    pub steps: Vec<String>,
    /// Usual and longest time until that acts.
    pub waits: Option<[String; 2]>,
    /// Where to read of it.
    pub source: Option<String>,
}

const fn yes() -> bool {
    true
}

impl Entry {
    /// The likeliest cause, in this world and with what is known of other mailboxes.
    pub fn likeliest(&self, world: Option<&str>, others: Option<Others>) -> Option<&Likely> {
        let here = |likely: &&Likely| {
            let world = world.is_none_or(|world| {
                likely.worlds.is_empty() || likely.worlds.iter().any(|known| known == world)
            });
            world && others.is_none_or(|seen| likely.others.is_none_or(|others| others == seen))
        };
        self.causes.iter().filter(here).max_by_key(|likely| {
            // What the others tell outweighs what is usual.
            (likely.others.is_some() && likely.others == others, likely.weight)
        })
    }

    /// Where to read of it.
    pub fn source(&self) -> &str {
        self.source.as_deref().unwrap_or(&self.origin.source)
    }

    /// The causes that come first in it, in whatever company.
    pub fn leads_to(&self) -> impl Iterator<Item = &str> {
        let spreads = std::iter::once(&self.causes).chain(self.cases.iter().map(|case| &case.causes));
        spreads.filter_map(|spread| spread.first()).map(|likely| likely.cause.as_str())
    }

    /// Every cause that it names, and those of its cases.
    pub(super) fn all_causes(&self) -> impl Iterator<Item = &Likely> {
        self.causes.iter().chain(self.cases.iter().flat_map(|case| &case.causes))
    }

    /// Every other entry that it names.
    pub(super) fn company(&self) -> impl Iterator<Item = &str> {
        let cases = self.cases.iter().flat_map(|case| &case.seen);
        self.seen.iter().chain(&self.unless).chain(&self.silences).chain(cases).map(String::as_str)
    }

    /// Refuses what cannot be true.
    pub(super) fn examine(&self) -> Result<(), String> {
        for causes in std::iter::once(&self.causes).chain(self.cases.iter().map(|case| &case.causes)) {
            let sum: u32 = causes.iter().map(|likely| u32::from(likely.weight)).sum();
            if sum > 100 {
                return Err(format!("the weights add up to {sum}, more than 100"));
            }
            if !causes.windows(2).all(|pair| pair[0].weight >= pair[1].weight) {
                return Err("the likeliest cause must come first".to_owned());
            }
        }
        let texts = self.any.iter().chain(&self.words).chain(self.all.iter().flatten());
        if texts.into_iter().any(|text| text.trim().is_empty()) {
            return Err("an empty text stands everywhere".to_owned());
        }
        if self.strength.is_some_and(|strength| strength > 100) {
            return Err("`strength` is more than 100".to_owned());
        }
        Ok(())
    }
}
