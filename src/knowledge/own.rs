//! What a user brings along: tables that are added to the built-in ones, or stand in the place of one.
//! All that is wrong with them is told at once.

use std::collections::BTreeSet;
use std::ops::Range;

use super::index::{Block, blocks};
use super::{CAUSES, CauseEntry, Entry, File, Knowledge, KnowledgeError, Origin, TEXTS};
use crate::facts::WORLDS;

/// Most bytes of all files together: what is larger is no list of codes.
const MOST: usize = 1 << 20;
/// How many names are offered for one that nothing has.
const OFFERED: usize = 3;
/// Worlds that a text may show.
const SHOWN_WORLDS: &[&str] = &["exchange-server", "online"];

/// A knowledge file of the user's own.
#[derive(Debug, Clone)]
pub struct OwnFile {
    /// Path below `knowledge/`, without its ending: `codes`, `texts/codes`, `causes`.
    pub name: String,
    /// Path as the user would write it.
    pub shown: String,
    /// Its text.
    pub text: String,
}

impl Knowledge {
    /// The built-in knowledge with what a user brings along; of two tables of one name the later holds.
    /// `causes` are those that exist.
    ///
    /// # Errors
    ///
    /// With everything that is wrong with the user's files, by file and place.
    pub fn with(
        own: impl IntoIterator<Item = OwnFile>,
        causes: &[&str],
    ) -> Result<Self, Vec<KnowledgeError>> {
        let own = own.into_iter().map(|file| File {
            name: file.name,
            text: file.text.into(),
            brought: Some(file.shown),
        });
        let mut files: Vec<File> = own.collect();
        files.reverse();
        let count = files.len();
        files.extend(Self::embedded().files.iter().cloned());
        let knowledge = Self { files };
        let wrong = knowledge.faults(count, causes);
        if wrong.is_empty() { Ok(knowledge) } else { Err(wrong) }
    }

    /// Every entry that a user brought along, each once, with whether it is a code.
    pub fn brought(&self) -> impl Iterator<Item = (Entry, bool)> {
        self.entries().into_iter().filter(|(entry, _)| entry.brought.is_some())
    }

    /// What is brought along, in one line; `None`: nothing.
    pub fn additions(&self) -> Option<String> {
        self.files.iter().find(|file| file.brought.is_some())?;
        let mut files: Vec<(String, usize, usize)> = Vec::new();
        for brought in self.brought().filter_map(|(entry, _)| entry.brought) {
            let (one, instead) = (1, usize::from(brought.overrides));
            match files.iter_mut().find(|(file, ..)| *file == brought.file) {
                Some(known) => (known.1, known.2) = (known.1 + one, known.2 + instead),
                None => files.push((brought.file, one, instead)),
            }
        }
        files.sort();
        let words: Vec<String> =
            files.into_iter().map(|(file, all, instead)| words(&file, all, instead)).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// Every entry that carries examples.
    pub fn with_examples(&self) -> impl Iterator<Item = Entry> {
        self.entries().into_iter().map(|(entry, _)| entry).filter(|entry| !entry.examples.is_empty())
    }

    /// What is wrong with the first so many files.
    fn faults(&self, count: usize, causes: &[&str]) -> Vec<KnowledgeError> {
        let all: usize = self.files[..count].iter().map(|file| file.text.len()).sum();
        if let Some(file) = self.files.first().filter(|_| all > MOST) {
            let message = format!("own knowledge is larger than {} KiB in all", MOST >> 10);
            return vec![file.refuse(0..1, message)];
        }
        let tables = self.tables(|file| file.name != CAUSES);
        let names: BTreeSet<String> = tables
            .flat_map(|(_, block)| std::iter::once(block.name).chain(block.others()))
            .map(str::to_ascii_lowercase)
            .collect();
        let known = Known { causes, names: &names };
        let mut wrong: Vec<KnowledgeError> =
            self.files[..count].iter().rev().flat_map(|file| file.faults(&known)).collect();
        wrong.sort_by(|a, b| (&a.shown, a.span.start).cmp(&(&b.shown, b.span.start)));
        wrong
    }
}

/// What a user's file may name.
struct Known<'a> {
    causes: &'a [&'a str],
    names: &'a BTreeSet<String>,
}

impl File {
    fn refuse(&self, span: Range<usize>, message: impl Into<Box<str>>) -> KnowledgeError {
        let shown = self.brought.clone().unwrap_or_else(|| format!("knowledge/{}.toml", self.name));
        KnowledgeError::new((&shown, &self.text), span, message)
    }

    /// Reads every table; names the first thing that is wrong with each.
    pub(super) fn examine(&self) -> Vec<KnowledgeError> {
        let parsed = match toml::from_str::<toml::Table>(&self.text) {
            Ok(parsed) => parsed,
            Err(error) => return vec![self.refuse(error.span().unwrap_or(0..0), error.message().trim())],
        };
        if let Some(wrong) = self.misplaced(&parsed) {
            return vec![wrong];
        }
        blocks(&self.text).filter_map(|block| self.examine_table(&block)).collect()
    }

    /// What stands outside of the tables that are found without a parser.
    fn misplaced(&self, parsed: &toml::Table) -> Option<KnowledgeError> {
        let found: BTreeSet<&str> = blocks(&self.text).map(|block| block.name).collect();
        let strange = |name: &&String| !found.contains(name.as_str());
        let refuse = |at: usize, message: &str| {
            let help = "one table a code: `[CODE]` at the beginning of a line, then its keys; no line of a \
                        text begins with `[`";
            self.refuse(at..at + 1, message).help(help)
        };
        if let Some(name) = parsed.keys().find(strange) {
            let at = self.text.find(name.as_str()).unwrap_or_default();
            return Some(refuse(at, "this stands in no table"));
        }
        let extra = blocks(&self.text).find(|block| !parsed.contains_key(block.name))?;
        Some(refuse(extra.head, "this is no table of a code"))
    }

    fn examine_table(&self, block: &Block<'_>) -> Option<KnowledgeError> {
        let refuse = |error: toml::de::Error| {
            let span = error.span().unwrap_or(0..0);
            let placed = if span.is_empty() && span.start == 0 {
                block.head_span()
            } else {
                block.body + span.start..block.body + span.end
            };
            self.refuse(placed, error.message().trim()).of(block.name)
        };
        match (self.name.as_str(), block.name) {
            (CAUSES, _) => block.parse::<CauseEntry>().map_err(refuse).err(),
            (_, "file") => block.parse::<Origin>().map_err(refuse).err(),
            _ => match block.parse::<Entry>() {
                Err(error) => Some(refuse(error)),
                Ok(entry) => self.examine_entry(block, &entry).err(),
            },
        }
    }

    fn examine_entry(&self, block: &Block<'_>, entry: &Entry) -> Result<(), KnowledgeError> {
        let refuse = |span, message: String| self.refuse(span, message).of(block.name);
        entry.examine().map_err(|message| refuse(block.head_span(), message))?;
        let is_text = self.name.starts_with(TEXTS);
        let patterns = entry.any.len() + entry.words.len() + entry.all.len() + entry.status.len();
        if is_text && patterns == 0 {
            let message = "nothing says how it is recognized".to_owned();
            let help = "`any`, `words`, `all` or `status`; a code stands in a file beside `texts/`";
            return Err(refuse(block.head_span(), message).help(help));
        }
        if !block.others().eq(entry.also.iter().map(String::as_str)) {
            let span = place(block, "also").unwrap_or_else(|| block.head_span());
            let help = "also = [\"OTHER1\", \"OTHER2\"]";
            return Err(refuse(span, "`also` must stand in one line of its own".into()).help(help));
        }
        Ok(())
    }

    /// The same for a file of the user's, whose names must lead somewhere.
    fn faults(&self, known: &Known<'_>) -> Vec<KnowledgeError> {
        let wrong = self.examine();
        if !wrong.is_empty() {
            return wrong;
        }
        let tables = blocks(&self.text).filter(|block| block.name != "file");
        tables.flat_map(|block| self.table_faults(&block, known)).collect()
    }

    fn table_faults(&self, block: &Block<'_>, known: &Known<'_>) -> Vec<KnowledgeError> {
        let refuse = |name: &str, message: String, choices: &mut dyn Iterator<Item = &str>| {
            let span = place(block, name).unwrap_or_else(|| block.head_span());
            let error = self.refuse(span, message).of(block.name);
            match nearest(name, choices) {
                near if near.is_empty() => error,
                near => error.help(format!("nearest valid names: {}", near.join(", "))),
            }
        };
        if self.name == CAUSES {
            let exists = known.causes.contains(&block.name);
            let message = "there is no such cause; declare it in `causes.toml` beside `knowledge/`";
            return if exists {
                Vec::new()
            } else {
                vec![refuse(block.name, message.into(), &mut known.causes.iter().copied())]
            };
        }
        let Ok(entry) = block.read::<Entry>() else { return Vec::new() };
        let mut wrong = Vec::new();
        for likely in entry.all_causes() {
            if !known.causes.contains(&likely.cause.as_str()) {
                let message = format!("there is no cause `{}`", likely.cause);
                let error = refuse(&likely.cause, message, &mut known.causes.iter().copied());
                let own = "or declare it in `causes.toml` beside `knowledge/`";
                let help = error.help.as_ref().map_or(own.to_owned(), |help| format!("{help}; {own}"));
                wrong.push(error.help(help));
            }
            for world in likely.worlds.iter().filter(|world| !WORLDS.contains(&world.as_str())) {
                let message = format!("there is no world `{world}`");
                wrong.push(refuse(world, message, &mut WORLDS.iter().copied()));
            }
        }
        for name in entry.company().filter(|name| !known.names.contains(&name.to_ascii_lowercase())) {
            let message = format!("there is no code or text `{name}`");
            wrong.push(refuse(name, message, &mut known.names.iter().map(String::as_str)));
        }
        if let Some(world) = entry.world.as_deref().filter(|world| !SHOWN_WORLDS.contains(world)) {
            let message = format!("no text shows a world `{world}`");
            wrong.push(refuse(world, message, &mut SHOWN_WORLDS.iter().copied()));
        }
        wrong
    }
}

/// Where a name stands in a table: in quotes, or as a word.
fn place(block: &Block<'_>, name: &str) -> Option<Range<usize>> {
    let quoted = [format!("\"{name}\""), format!("'{name}'")];
    let found = quoted.iter().find_map(|text| block.text.find(text)).map(|at| at + 1);
    let at = found.or_else(|| block.text.find(name))?;
    Some(block.body + at..block.body + at + name.len())
}

fn words(file: &str, all: usize, instead: usize) -> String {
    let entries = if all == 1 { "1 entry".to_owned() } else { format!("{all} entries") };
    let place = if instead == 0 { String::new() } else { format!(", {instead} in place of built-in ones") };
    format!("{file}: {entries}{place}")
}

/// The valid names that are written most alike.
fn nearest<'a>(wrong: &str, choices: &mut dyn Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut near: Vec<(f64, &str)> = choices
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(like, _)| *like > 0.75)
        .collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    near.truncate(OFFERED);
    near.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(name: &str, text: &str) -> Result<Knowledge, String> {
        let file =
            OwnFile { name: name.into(), shown: format!("own/knowledge/{name}.toml"), text: text.into() };
        let told = |wrong: Vec<KnowledgeError>| {
            let lines: Vec<String> = wrong
                .iter()
                .map(|error| format!("{error} ({})", error.help.as_deref().unwrap_or_default()))
                .collect();
            lines.join("\n")
        };
        Knowledge::with([file], &["bad-password", "own-cause"]).map_err(told)
    }

    #[test]
    fn an_own_table_is_added_or_stands_in_the_place_of_a_built_in_one() {
        let text = "[X1]\nmeans = 'm'\ncauses = [{ cause = 'own-cause', weight = 90 }]\n\n\
                    [AADSTS90012]\nmeans = 'ours'\n";
        let knowledge = own("codes", text).expect("nothing is wrong");
        let brought = |name: &str| knowledge.code(name).and_then(|entry| entry.brought);
        assert_eq!(brought("x1").map(|brought| brought.overrides), Some(false));
        assert_eq!(brought("AADSTS90012").map(|brought| brought.overrides), Some(true));
        assert_eq!(brought("AADSTS90006"), None);
        assert_eq!(knowledge.brought().count(), 2);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_what_would_be_right() {
        for (name, text, parts) in [
            ("c", "[X1]\nmeens = 'm'\n", &["c.toml:2:1: [X1]: unknown field `meens`", "`means`"][..]),
            ("c", "[X1]\ncauses = []\n", &["c.toml:1:1: [X1]: missing field `means`"]),
            (
                "c",
                "[X1]\nmeans = 'm'\ncauses = [{ cause = 'bad-pasword', weight = 9 }]\n",
                &["c.toml:3:22: [X1]: there is no cause `bad-pasword`", "bad-password", "causes.toml"],
            ),
            (
                "c",
                "[X1]\nmeans = 'm'\nseen = [\"by-ewss\"]\n",
                &["c.toml:3:10:", "no code or text", "by-ews"],
            ),
            ("c", "[X1]\nmeans = 'm\n", &["c.toml:2:11: "]),
            ("c", "means = 'm'\n", &["c.toml:1:1: this stands in no table"]),
            (
                "c",
                "[X1]\nmeans = 'm'\nalso = [\n  \"X2\",\n]\n",
                &["c.toml:3:1: [X1]: `also` must stand in one line"],
            ),
            ("texts/c", "[x1]\nmeans = 'm'\n", &["c.toml:1:1: [x1]: nothing says how", "`any`"]),
            ("texts/c", "[x1]\nmeans = 'm'\nany = ['']\n", &["an empty text"]),
            ("causes", "[own-caus]\nshows = 's'\n", &["there is no such cause", "own-cause"]),
        ] {
            let told = own(name, text).expect_err(text);
            for part in parts {
                assert!(told.contains(part), "{part}: {told}");
            }
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let told = own("c", "[X1]\nmeens = 'm'\n\n[X2]\nmeans = 1\n").expect_err("refused");
        assert!(told.contains("[X1]") && told.contains("[X2]"), "{told}");
    }
}
