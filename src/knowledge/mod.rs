//! What is known of error codes and causes: meanings, likely causes, what else a code proves.
//!
//! Pure, and knows nothing of checks: the repair of a cause stands in the checks that find it. The
//! texts lie in `checks/knowledge/*.toml`, one table a code. Only the table that is asked for is
//! parsed: a short command must not read them all.

pub mod diagnosis;
mod entry;
mod error;
mod index;
mod own;

use std::borrow::Cow;
use std::sync::LazyLock;

use rust_embed::RustEmbed;

pub use entry::{Apart, Brought, Case, CauseEntry, Entry, Heals, Likely, Origin, Others};
pub use error::KnowledgeError;
use index::{Block, blocks};
pub use own::OwnFile;

#[derive(RustEmbed)]
#[folder = "checks/knowledge/"]
struct Embedded;

/// The file of causes.
const CAUSES: &str = "causes";

/// The folder of the files that hold texts without a code; every other file holds codes.
const TEXTS: &str = "texts/";

/// Most causes whose signs are told.
const SIGNS: usize = 4;

/// All knowledge files, found but not read.
#[derive(Debug)]
pub struct Knowledge {
    files: Vec<File>,
}

#[derive(Debug, Clone)]
struct File {
    name: String,
    text: Cow<'static, str>,
    /// The path of a file that a user brought along.
    brought: Option<String>,
}

static EMBEDDED: LazyLock<Knowledge> = LazyLock::new(|| {
    let files = Embedded::iter().filter_map(|path| {
        let name = path.strip_suffix(".toml")?.to_owned();
        let text = match Embedded::get(&path)?.data {
            Cow::Borrowed(bytes) => str::from_utf8(bytes).ok()?.into(),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok()?.into(),
        };
        Some(File { name, text, brought: None })
    });
    Knowledge { files: files.collect() }
});

impl Knowledge {
    /// What the program brings along.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Reads (name, text) pairs; later files win over earlier ones.
    ///
    /// # Errors
    ///
    /// When a table does not hold what it should.
    pub fn load(files: impl IntoIterator<Item = (String, String)>) -> Result<Self, KnowledgeError> {
        let mut files: Vec<File> =
            files.into_iter().map(|(name, text)| File { name, text: text.into(), brought: None }).collect();
        files.reverse();
        let knowledge = Self { files };
        knowledge.examine()?;
        Ok(knowledge)
    }

    /// Reads every table.
    ///
    /// # Errors
    ///
    /// Names the first table that does not hold what it should.
    pub fn examine(&self) -> Result<(), KnowledgeError> {
        self.files.iter().try_for_each(|file| file.examine().into_iter().next().map_or(Ok(()), Err))
    }

    fn codes(&self) -> impl Iterator<Item = (&File, Block<'_>)> {
        self.tables(|file| file.name != CAUSES && !file.name.starts_with(TEXTS))
    }

    fn tables(&self, wanted: fn(&File) -> bool) -> impl Iterator<Item = (&File, Block<'_>)> {
        self.files.iter().filter(move |file| wanted(file)).flat_map(|file| {
            blocks(&file.text).filter(|block| block.name != "file").map(move |block| (file, block))
        })
    }

    /// Every entry, read: first those of codes, then those of texts, each with whether it is a code.
    /// A name that stood before is left out: later files win.
    pub(in crate::knowledge) fn entries(&self) -> Vec<(Entry, bool)> {
        let texts = self.tables(|file| file.name.starts_with(TEXTS)).map(|table| (table, false));
        let mut names = std::collections::HashSet::new();
        let mut entries = Vec::new();
        for ((file, block), is_code) in self.codes().map(|table| (table, true)).chain(texts) {
            if names.insert(block.name.to_ascii_lowercase()) {
                entries.extend(self.entry(file, &block).map(|entry| (entry, is_code)));
            }
        }
        entries
    }

    /// Every code with its other names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.codes().flat_map(|(_, block)| std::iter::once(block.name).chain(block.others()))
    }

    /// The entry of a code, whatever its letters' case; a bare number is an AADSTS number, unless a
    /// signal is a number.
    pub fn code(&self, name: &str) -> Option<Entry> {
        let wanted = name.trim();
        let sign_in = wanted.parse::<u64>().map(|number| format!("AADSTS{number}")).unwrap_or_default();
        let (file, block) = self.codes().find(|(_, block)| {
            let mut names = std::iter::once(block.name).chain(block.others());
            names.any(|name| name.eq_ignore_ascii_case(wanted) || name.eq_ignore_ascii_case(&sign_in))
        })?;
        self.entry(file, &block)
    }

    /// What is known of an HTTP status by itself.
    pub fn status(&self, status: u16) -> Option<Entry> {
        let wanted = format!("status-{status}");
        let mut texts = self.tables(|file| file.name.starts_with(TEXTS));
        let (file, block) = texts.find(|(_, block)| block.name == wanted)?;
        self.entry(file, &block)
    }

    /// The codes that stand in a text as somebody pasted it, in order, each once.
    pub fn codes_in(&self, text: &str) -> Vec<&str> {
        let mut found: Vec<(usize, &str)> = Vec::new();
        let lower = text.to_ascii_lowercase();
        for (_, block) in self.codes() {
            let names = std::iter::once(block.name).chain(block.others());
            if let Some(at) = names.filter_map(|name| whole_word(&lower, &name.to_ascii_lowercase())).min() {
                found.push((at, block.name));
            }
        }
        // Of two tables that say what one name means, the first one holds.
        found.sort_by_key(|(at, _)| *at);
        found.dedup_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, name)| name).collect()
    }

    /// Codes that may stem from a cause, the likeliest first.
    pub fn leading_to(&self, cause: &str) -> Vec<&str> {
        let quoted = format!("\"{cause}\"");
        let mut found: Vec<(u8, &str)> = Vec::new();
        for (_, block) in self.codes().filter(|(_, block)| block.text.contains(&quoted)) {
            let overridden = self.codes().find(|(_, other)| other.name == block.name);
            if overridden.is_some_and(|(_, other)| !std::ptr::eq(other.text, block.text)) {
                continue;
            }
            let entry = block.read::<Entry>().ok();
            let likely =
                entry.and_then(|entry| entry.causes.into_iter().find(|likely| likely.cause == cause));
            found.extend(likely.map(|likely| (100 - likely.weight.min(100), block.name)));
        }
        found.sort_by_key(|(rank, _)| *rank);
        found.into_iter().map(|(_, name)| name).collect()
    }

    /// The entry of a table, with its name and origin.
    fn entry(&self, file: &File, block: &Block<'_>) -> Option<Entry> {
        let mut entry = block.read::<Entry>().ok()?;
        block.name.clone_into(&mut entry.code);
        let origin = blocks(&file.text).find(|block| block.name == "file");
        entry.origin = origin.and_then(|block| block.read().ok()).unwrap_or_default();
        if entry.tells.is_none() && entry.causes.len() > 1 {
            entry.tells = self.signs(&entry.causes);
        }
        if let Some(path) = &file.brought {
            let built_in = self.files.iter().filter(|file| file.brought.is_none() && file.name != CAUSES);
            let overrides = built_in.flat_map(|file| blocks(&file.text)).any(|known| {
                let mut names = std::iter::once(known.name).chain(known.others());
                names.any(|name| name != "file" && name.eq_ignore_ascii_case(block.name))
            });
            entry.brought = Some(Brought { file: path.clone(), overrides });
            if entry.origin.title.is_empty() {
                entry.origin.title.clone_from(path);
            }
        }
        Some(entry)
    }

    /// What tells the likeliest of these causes apart.
    fn signs(&self, causes: &[Likely]) -> Option<String> {
        let signs: Vec<String> = causes
            .iter()
            .take(SIGNS)
            .filter_map(|likely| {
                self.cause(&likely.cause)?.sign.map(|sign| format!("{} if {sign}", likely.cause))
            })
            .collect();
        (signs.len() > 1).then(|| format!("{}.", signs.join("; ")))
    }

    /// What a cause looks like, and the way out where no check holds one.
    pub fn cause(&self, name: &str) -> Option<CauseEntry> {
        let files = self.files.iter().filter(|file| file.name == CAUSES);
        let block = files.flat_map(|file| blocks(&file.text)).find(|block| block.name == name)?;
        block.read().ok()
    }

    /// Every cause that is described.
    pub fn causes(&self) -> impl Iterator<Item = &str> {
        let files = self.files.iter().filter(|file| file.name == CAUSES);
        files.flat_map(|file| blocks(&file.text)).map(|block| block.name)
    }
}

/// Where a name stands as a word of its own; both in lower case.
fn whole_word(text: &str, name: &str) -> Option<usize> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back().is_some_and(part);
        let after = text[at + name.len()..].chars().next().is_some_and(part);
        !before && !after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowledge() -> &'static Knowledge {
        Knowledge::embedded()
    }

    #[test]
    fn every_embedded_file_holds_what_it_should() {
        assert_eq!(knowledge().examine(), Ok(()));
    }

    #[test]
    fn a_code_is_found_in_any_case_and_as_a_number() {
        for name in ["AADSTS50076", "aadsts50076", " 50076 "] {
            assert_eq!(
                knowledge().code(name).map(|entry| entry.code).as_deref(),
                Some("AADSTS50076"),
                "{name}"
            );
        }
    }

    #[test]
    fn a_code_is_found_by_its_other_names() {
        let entry = knowledge().code("AADSTS90012").expect("an alias");
        assert_eq!(entry.code, "AADSTS90006");
    }

    #[test]
    fn codes_of_a_pasted_text_come_in_its_order() {
        let text = "invalid_grant: AADSTS50076: Due to a change, you must use MFA (not aadsts500761).";
        assert_eq!(knowledge().codes_in(text), ["invalid_grant", "AADSTS50076"]);
        assert!(knowledge().codes_in("nothing is known of AADSTS99").is_empty());
    }

    #[test]
    fn the_likeliest_code_of_a_cause_comes_first() {
        let codes = knowledge().leading_to("app-secret-expired");
        assert_eq!(codes.first(), Some(&"AADSTS7000222"));
        assert!(codes.contains(&"invalid_client"));
    }

    #[test]
    fn no_name_stands_twice() {
        let mut names: Vec<String> = knowledge().names().map(str::to_ascii_lowercase).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn the_world_and_the_others_decide_between_causes() {
        let entry = knowledge().code("ErrorImpersonateUserDenied").expect("known");
        let cause = |world, others| entry.likeliest(world, others).map(|likely| likely.cause.as_str());
        assert_eq!(cause(Some("exchange-server"), Some(Others::Open)), Some("impersonation-scope"));
        assert_eq!(cause(Some("exchange-server"), Some(Others::Closed)), Some("impersonation-role-missing"));
        assert_eq!(cause(Some("online-delegated"), Some(Others::Closed)), Some("impersonation-retired"));
        assert_eq!(cause(Some("online-ews-app"), Some(Others::Open)), Some("app-access-policy"));
    }

    #[test]
    fn a_later_file_wins() {
        let entry = |means: &str| format!("[X1]\nmeans = \"{means}\"\ncauses = []\n");
        let files = [("a".to_owned(), entry("old")), ("b".to_owned(), entry("new"))];
        let knowledge = Knowledge::load(files).expect("loads");
        assert_eq!(knowledge.code("x1").map(|entry| entry.means).as_deref(), Some("new"));
    }

    #[test]
    fn weights_beyond_a_hundred_are_refused() {
        let text =
            "[X1]\nmeans = 'm'\ncauses = [{ cause = 'a', weight = 60 }, { cause = 'b', weight = 50 }]\n";
        let error = Knowledge::load([("a".to_owned(), text.to_owned())]).expect_err("refused");
        assert!(error.to_string().contains("[X1]") && error.to_string().contains("110"), "{error}");
    }

    #[test]
    fn a_misspelt_key_is_refused_with_its_table() {
        let text = "[X1]\nmeens = 'm'\n";
        let error = Knowledge::load([("a".to_owned(), text.to_owned())]).expect_err("refused");
        assert!(error.to_string().contains("[X1]") && error.to_string().contains("meens"), "{error}");
    }
}
