//! The catalogue: all checks, areas and profiles, embedded in the program or given as text.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use rust_embed::RustEmbed;
use serde::Deserialize;

use super::check::{Check, CheckError};
use super::expr::suggest;
use super::origin::Setting;
use super::own::Additions;
use super::profile::{Draft, Profile, place};

#[derive(RustEmbed)]
#[folder = "checks/"]
struct Embedded;

/// An area: a group of checks, in ground-up order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// Name, the first part of its checks' ids.
    pub id: String,
    /// Heading.
    pub title: String,
    /// Its checks in ground-up order; those that are not named follow by name.
    #[serde(default)]
    pub checks: Vec<String>,
    /// Fact group that is only collected when somebody asks for it: without it, these checks take no part.
    pub only_with: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Areas {
    area: Vec<Area>,
}

/// All checks, areas and profiles.
#[derive(Debug)]
pub struct Catalogue {
    pub(super) areas: Vec<Area>,
    pub(super) checks: Vec<Check>,
    pub(super) drafts: BTreeMap<String, Drafted>,
    pub(super) profiles: BTreeMap<String, Profile>,
    pub(super) additions: Additions,
    pub(super) setting: Arc<Setting>,
}

/// A profile as it was written, and where.
#[derive(Debug)]
pub(super) struct Drafted {
    pub draft: Draft,
    /// File.
    pub file: String,
    /// Its text.
    pub text: Cow<'static, str>,
    /// Offset from which on it is about this profile.
    pub from: usize,
}

impl Drafted {
    pub fn refuse(&self, word: &str, message: &str, help: Option<String>) -> CheckError {
        let rest = self.text.get(self.from..).unwrap_or_default();
        let place = place(rest, word);
        let span = self.from + place.start..self.from + place.end;
        CheckError::new(&self.file, &self.text, span, message, help)
    }
}

static EMBEDDED: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::gather(embedded_files()).expect("the embedded files are proven by tests"));

fn embedded_files() -> impl Iterator<Item = (Cow<'static, str>, Cow<'static, str>)> {
    Embedded::iter().filter_map(|path| {
        let text = match Embedded::get(&path)?.data {
            Cow::Borrowed(bytes) => str::from_utf8(bytes).ok()?.into(),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok()?.into(),
        };
        Some((path, text))
    })
}

/// Does something with every check, on all processors.
pub(super) fn each<C: Borrow<Check> + Sync>(
    checks: &[C],
    work: impl Fn(&Check) -> Result<(), CheckError> + Sync,
) -> Result<(), CheckError> {
    if checks.iter().all(|check| check.borrow().is_compiled()) {
        return Ok(());
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
    let (size, work) = (checks.len().div_ceil(threads).max(1), &work);
    std::thread::scope(|scope| {
        let parts: Vec<_> = checks
            .chunks(size)
            .map(|part| scope.spawn(move || part.iter().try_for_each(|check| work(check.borrow()))))
            .collect();
        parts.into_iter().try_for_each(|part| part.join().expect("reading a check does not panic"))
    })
}

impl Catalogue {
    /// The checks that the program brings along. Each file is read when it is first used: all of
    /// them would take most of the time of a short command.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// The texts of all files that the program brings along, knowledge included.
    pub fn embedded_texts() -> impl Iterator<Item = Cow<'static, str>> {
        embedded_files().map(|(_, text)| text)
    }

    /// Reads a catalogue from (path, text) pairs: `areas.toml`, `profiles/NAME.toml`,
    /// `AREA/STATEMENT.toml`.
    ///
    /// # Errors
    ///
    /// With file, line and column when a file cannot be read or an `after` names no check.
    pub fn load(files: impl IntoIterator<Item = (String, String)>) -> Result<Self, CheckError> {
        let catalogue = Self::gather(files.into_iter().map(|(path, text)| (path.into(), text.into())))?;
        catalogue.examine()?;
        Ok(catalogue)
    }

    /// Areas and profiles read, checks unread.
    fn gather(
        files: impl Iterator<Item = (Cow<'static, str>, Cow<'static, str>)>,
    ) -> Result<Self, CheckError> {
        let mut catalogue = Self::unordered(files)?;
        catalogue.order();
        catalogue.inherit()?;
        Ok(catalogue)
    }

    /// The built-in catalogue before its profiles inherit and its checks are in order.
    pub(super) fn built_in() -> Self {
        Self::unordered(embedded_files()).expect("the embedded files are proven by tests")
    }

    fn unordered(
        files: impl Iterator<Item = (Cow<'static, str>, Cow<'static, str>)>,
    ) -> Result<Self, CheckError> {
        let mut catalogue = Self {
            areas: Vec::new(),
            checks: Vec::new(),
            drafts: BTreeMap::new(),
            profiles: BTreeMap::new(),
            additions: Additions::default(),
            setting: Setting::usual(),
        };
        for (path, text) in files {
            let Some(id) = path.strip_suffix(".toml") else { continue };
            let refuse = |error: toml::de::Error| {
                let span = error.span().unwrap_or(0..0);
                CheckError::new(&format!("checks/{path}"), &text, span, error.message().trim(), None)
            };
            if id == "areas" {
                catalogue.areas = toml::from_str::<Areas>(&text).map_err(refuse)?.area;
            } else if let Some(name) = id.strip_prefix("profiles/") {
                let file = format!("checks/{path}");
                let draft = Draft::parse(name, &file, &text)?;
                catalogue.drafts.insert(name.to_owned(), Drafted { draft, file, text, from: 0 });
            } else if !id.starts_with("knowledge/") {
                catalogue.checks.push(Check::unread(id, text));
            }
        }
        Ok(catalogue)
    }

    /// Reads every check and refuses what cannot hold between them.
    fn examine(&self) -> Result<(), CheckError> {
        each(&self.checks, |check| check.read().map(drop))?;
        let ids: Vec<&str> = self.checks.iter().map(Check::id).collect();
        self.checks.iter().try_for_each(|check| check.examine_after(&ids))?;
        self.examine_profiles()?;
        self.refuse_circles()
    }

    pub(super) fn order(&mut self) {
        let rank = |check: &Check| {
            let area = self.areas.iter().position(|area| area.id == check.area()).unwrap_or(usize::MAX);
            let within =
                self.areas.get(area).and_then(|area| area.checks.iter().position(|id| id == check.id()));
            (area, within.unwrap_or(usize::MAX), check.id().to_owned())
        };
        let mut checks = std::mem::take(&mut self.checks);
        checks.sort_by_cached_key(rank);
        self.checks = checks;
    }

    pub(super) fn inherit(&mut self) -> Result<(), CheckError> {
        let names: Vec<String> = self.drafts.keys().cloned().collect();
        for name in names {
            let profile = self.resolved(&name, &mut Vec::new())?;
            self.profiles.insert(name, profile);
        }
        Ok(())
    }

    /// A profile with everything that it takes from others; `seen` are those on the way to it.
    fn resolved(&self, name: &str, seen: &mut Vec<String>) -> Result<Profile, CheckError> {
        let drafted = &self.drafts[name];
        let draft = &drafted.draft;
        let Some(base) = &draft.extends else { return Ok(draft.resolve(&Profile::default())) };
        seen.push(name.to_owned());
        let refuse = |message: &str, help: Option<String>| Err(drafted.refuse("extends", message, help));
        if !self.drafts.contains_key(base) {
            let help = suggest(base, self.drafts.keys().map(String::as_str));
            return refuse(&format!("there is no profile \"{base}\""), Some(help));
        }
        if seen.contains(base) {
            return refuse("the profile extends itself", None);
        }
        Ok(draft.resolve(&self.resolved(base, seen)?))
    }

    fn examine_profiles(&self) -> Result<(), CheckError> {
        self.drafts
            .values()
            .try_for_each(|drafted| self.faults(drafted).into_iter().next().map_or(Ok(()), Err))
    }

    /// Names in a profile that nothing has.
    pub(super) fn faults(&self, drafted: &Drafted) -> Vec<CheckError> {
        let areas = self.areas.iter().map(|area| area.id.as_str());
        let ids = self.checks.iter().map(Check::id);
        let mut known: Vec<&str> = ids.chain(areas).chain(self.checks.iter().map(Check::area)).collect();
        known.sort_unstable();
        known.dedup();
        let parameters = |id: &str| {
            let check = self.checks.iter().find(|check| check.id() == id)?;
            Some(check.read().ok()?.params.keys().map(String::as_str).collect())
        };
        let faults = drafted.draft.faults(&known, parameters).into_iter();
        faults.map(|fault| drafted.refuse(&fault.word, &fault.message, Some(fault.help))).collect()
    }

    fn refuse_circles(&self) -> Result<(), CheckError> {
        for check in &self.checks {
            if self.ancestors(check.id()).contains(&check.id()) {
                return Err(check.refuse(0..1, "the check comes `after` itself", None));
            }
        }
        Ok(())
    }

    /// Areas in ground-up order.
    pub fn areas(&self) -> &[Area] {
        &self.areas
    }

    /// Heading of an area.
    pub fn area_title<'a>(&'a self, area: &'a str) -> &'a str {
        self.areas.iter().find(|known| known.id == area).map_or(area, |known| &known.title)
    }

    /// The fact group without which a check takes no part, where there is one.
    pub fn only_with(&self, check: &Check) -> Option<&str> {
        self.areas.iter().find(|area| area.id == check.area())?.only_with.as_deref()
    }

    /// All checks in ground-up order.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The check of that id, or of that earlier id.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks
            .iter()
            .find(|check| check.id() == id)
            .or_else(|| self.checks.iter().find(|check| check.aliases().iter().any(|alias| alias == id)))
    }

    /// All profiles by name.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.values()
    }

    /// The profile of that name.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// Help for a name that is neither a check nor an area.
    pub fn suggest_check(&self, wrong: &str) -> String {
        let ids = self.checks.iter().map(Check::id);
        let areas = self.areas.iter().map(|area| area.id.as_str());
        let all: Vec<&str> = ids.chain(areas).collect();
        let near = super::expr::suggest(wrong, all.iter().copied());
        match near.strip_prefix("did you mean ") {
            Some(rest) => format!("did you mean {}", rest.split('?').next().unwrap_or(rest)) + "?",
            None => "`syncready checks list` shows them all".to_owned(),
        }
    }

    /// Help for a name that is no profile.
    pub fn suggest_profile(&self, wrong: &str) -> String {
        suggest(wrong, self.profiles.keys().map(String::as_str))
    }

    /// All checks that a check comes after, directly or not.
    pub(super) fn ancestors(&self, id: &str) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let Some(check) = self.checks.iter().find(|check| check.id() == id) else { continue };
            for parent in check.after() {
                if !found.contains(&parent.as_str()) {
                    found.push(parent);
                    open.push(parent);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_files_hold_to_the_laws_of_the_loader() {
        let files = embedded_files().map(|(path, text)| (path.into_owned(), text.into_owned()));
        Catalogue::load(files).map(drop).expect("they load");
    }

    #[test]
    fn the_head_of_a_check_says_what_its_file_says() {
        for check in Catalogue::gather(embedded_files()).expect("they load").checks() {
            let head = (check.title().to_owned(), check.since().to_owned(), check.after().to_vec());
            let file = check.file();
            let after = file.after.iter().map(ToString::to_string).collect();
            assert_eq!(head, (file.title.to_string(), file.since.clone(), after), "{}", check.id());
        }
    }

    fn refused(files: &[(&str, &str)]) -> String {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Catalogue::load(files).expect_err("refused").to_string()
    }

    #[test]
    fn a_profile_cannot_extend_what_is_not_there_nor_itself() {
        let shown = refused(&[("profiles/a.toml", "title = 'A'\nextends = 'b'\n")]);
        assert!(shown.contains("profiles/a.toml:2:1: there is no profile"), "{shown}");
        let circle = [
            ("profiles/a.toml", "title='A'\nextends='b'\n"),
            ("profiles/b.toml", "title='B'\nextends='a'\n"),
        ];
        assert!(refused(&circle).contains("the profile extends itself"));
    }

    #[test]
    fn a_profile_names_checks_and_parameters_that_exist() {
        let check = (
            "x/y.toml",
            "title='A'\nsince='1'\nwhy='w'\n[params]\ndays = 1\n[[outcome]]\nresult='pass'\nmessage='m'\n",
        );
        let shown = refused(&[check, ("profiles/a.toml", "title='A'\n[checks]\nrequired = [\"x/z\"]\n")]);
        assert!(shown.contains("there is no check or area \"x/z\""), "{shown}");
        let shown = refused(&[check, ("profiles/a.toml", "title='A'\n[params.\"x/y\"]\ndaze = 2\n")]);
        assert!(shown.contains("x/y has no parameter \"daze\""), "{shown}");
        let about = "title='A'\n[[statement]]\nabout = [\"colour\"]\nsays='s'\nurl='u'\n";
        assert!(refused(&[check, ("profiles/a.toml", about)]).contains("cannot be about"));
    }

    #[test]
    fn a_bracket_in_a_text_does_not_cut_the_head() {
        let text = "title = 'A'\nsince = '1'\nwhy = '''\n[no table]\n'''\nafter = ['a/b']\n[[outcome]]\nresult = 'pass'\nmessage = 'm'\n";
        assert_eq!(Check::unread("a/c", text.into()).after(), ["a/b"]);
    }
}
