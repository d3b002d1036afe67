//! What a user adds to the catalogue, or puts in the place of something in it: files laid out like the
//! built-in ones. All that is wrong with all of them is told at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::catalogue::{Area, Catalogue, Drafted};
use super::check::{Check, CheckError};
use super::example::example_document;
use super::expr::suggest;
use super::origin::{Origin, Setting};
use super::profile::Draft;
use crate::facts::Shape;

/// What a user brings along.
#[derive(Debug, Default)]
pub struct Own {
    /// Directories of checks; of two that say something about the same, the later one holds.
    pub folders: Vec<Folder>,
    /// Facts of external collectors, by collector.
    pub externals: BTreeMap<String, Shape>,
    /// Profiles of the configuration; they hold over those of the directories.
    pub profiles: Vec<OwnProfile>,
}

impl Own {
    /// Nothing is brought along.
    pub fn is_empty(&self) -> bool {
        self.folders.is_empty() && self.externals.is_empty() && self.profiles.is_empty()
    }
}

/// A profile of the configuration.
#[derive(Debug)]
pub struct OwnProfile {
    /// Name.
    pub name: String,
    /// What it says.
    pub draft: Draft,
    /// File.
    pub file: String,
    /// Text of the file.
    pub text: String,
    /// Offset where it begins.
    pub from: usize,
}

/// A directory of checks.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    /// As the user named it.
    pub name: String,
    /// Its files.
    pub files: Vec<FolderFile>,
}

/// A file of a directory of checks.
#[derive(Debug, Clone)]
pub struct FolderFile {
    /// Path inside of the directory, with `/`.
    pub path: String,
    /// Path as the user would write it.
    pub shown: String,
    /// Its text.
    pub text: String,
}

/// What the catalogue of a run holds besides the built-in one, or in the place of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Additions {
    /// Directories of checks.
    pub directories: Vec<String>,
    /// Checks that are new.
    pub added: Vec<String>,
    /// Built-in checks that one of the user's stands for.
    pub overridden: Vec<String>,
    /// Profiles, new or in the place of built-in ones.
    pub profiles: Vec<String>,
    /// Parameters that the configuration sets, as `CHECK.NAME`.
    pub params: Vec<String>,
    /// New titles of areas.
    pub areas: BTreeMap<String, String>,
    /// New causes and what they mean.
    pub causes: BTreeMap<String, String>,
}

impl Additions {
    /// Nothing is other than built in.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// In one line, for people.
    pub fn words(&self) -> String {
        let number =
            |list: &[String], what: &str| (!list.is_empty()).then(|| format!("{} {what}", list.len()));
        let parts = [
            number(&self.added, "added"),
            number(&self.overridden, "in place of built-in ones"),
            number(&self.profiles, "of the profiles"),
            number(&self.params, "of the parameters"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match (self.directories.is_empty(), parts.is_empty()) {
            (true, _) => format!("of the configuration: {}", parts.join(", ")),
            (false, true) => self.directories.join(", "),
            (false, false) => format!("{}: {}", self.directories.join(", "), parts.join(", ")),
        }
    }
}

/// `areas.toml` of a directory.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnAreas {
    area: Vec<OwnArea>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnArea {
    id: String,
    title: Option<String>,
    /// The area that it comes right after; without it, a new one comes last.
    after: Option<Spanned<String>>,
    #[serde(default)]
    checks: Vec<String>,
}

/// `causes.toml` of a directory.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnCauses {
    /// The causes.
    cause: Vec<OwnCause>,
}

/// A root cause of the user's own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnCause {
    /// Name, in kebab-case.
    #[schemars(with = "String")]
    name: Spanned<String>,
    /// What it means, as a sentence without capital and full stop.
    means: String,
}

/// Puts everything together, and gathers what is wrong.
struct Builder {
    catalogue: Catalogue,
    setting: Setting,
    checks: Vec<(String, FolderFile)>,
    wrong: Vec<CheckError>,
}

/// The built-in catalogue with what the user brings.
pub(super) fn build(base: Catalogue, own: Own) -> Result<Catalogue, Vec<CheckError>> {
    let setting = Setting { externals: own.externals, ..Setting::default() };
    let mut builder = Builder { catalogue: base, setting, checks: Vec::new(), wrong: Vec::new() };
    for folder in own.folders {
        builder.catalogue.additions.directories.push(folder.name);
        folder.files.into_iter().for_each(|file| builder.take(file));
    }
    for own in own.profiles {
        let (draft, text) = (own.draft.named(&own.name), own.text.into());
        let drafted = Drafted { draft, file: own.file, text, from: own.from };
        if let Some((word, message, help)) = drafted.draft.fault() {
            builder.wrong.push(drafted.refuse(&word, &message, Some(help)));
        }
        builder.draft(&own.name, drafted);
    }
    builder.finish()
}

impl Builder {
    fn refuse(
        &mut self,
        file: &FolderFile,
        span: Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.wrong.push(CheckError::new(&file.shown, &file.text, span, message, help));
    }

    fn parsed<T: for<'de> Deserialize<'de>>(&mut self, file: &FolderFile) -> Option<T> {
        let refuse = |error: toml::de::Error| {
            self.refuse(file, error.span().unwrap_or(0..0), error.message().trim(), None);
        };
        toml::from_str(&file.text).map_err(refuse).ok()
    }

    fn take(&mut self, file: FolderFile) {
        let path = file.path.clone();
        let parts: Vec<&str> = path.strip_suffix(".toml").unwrap_or(&path).split('/').collect();
        match parts.as_slice() {
            ["areas"] => self.areas(&file),
            ["causes"] => self.causes(&file),
            ["knowledge", _] | ["knowledge", "texts", _] => {}
            ["profiles", name] if is_kebab(name) => self.profile(name, file),
            [area, statement] if *area != "profiles" && is_kebab(area) && is_kebab(statement) => {
                self.checks.push((format!("{area}/{statement}"), file));
            }
            _ => {
                let help = "AREA/STATEMENT.toml, profiles/NAME.toml, areas.toml and causes.toml, named in \
                            lower-case letters, digits and hyphens; knowledge/NAME.toml and \
                            knowledge/texts/NAME.toml";
                self.refuse(
                    &file,
                    0..1,
                    "this file has no place in a directory of checks",
                    Some(help.into()),
                );
            }
        }
    }

    fn areas(&mut self, file: &FolderFile) {
        let Some(areas) = self.parsed::<OwnAreas>(file) else { return };
        for own in areas.area {
            let mut areas = std::mem::take(&mut self.catalogue.areas);
            let known = areas.iter().position(|area| area.id == own.id);
            let mut area = match known {
                Some(at) => areas.remove(at),
                None => Area { title: own.id.clone(), id: own.id, checks: Vec::new(), only_with: None },
            };
            if let Some(title) = own.title {
                self.catalogue.additions.areas.insert(area.id.clone(), title.clone());
                area.title = title;
            }
            if !own.checks.is_empty() {
                area.checks = own.checks;
            }
            let place = own.after.as_ref().map(|after| areas.iter().position(|a| a.id == *after.get_ref()));
            if let (Some(after), Some(None)) = (&own.after, place) {
                let help = suggest(after.get_ref(), areas.iter().map(|area| area.id.as_str()));
                let message = format!("there is no area \"{}\"", after.get_ref());
                self.refuse(file, after.span(), message, Some(help));
            }
            let at = place.flatten().map(|at| at + 1).or(known).unwrap_or(areas.len());
            areas.insert(at, area);
            self.catalogue.areas = areas;
        }
    }

    fn causes(&mut self, file: &FolderFile) {
        let Some(causes) = self.parsed::<OwnCauses>(file) else { return };
        for OwnCause { name, means } in causes.cause {
            let plain = name.get_ref().clone();
            if !is_kebab(&plain) {
                let help = "lower-case letters, digits and hyphens".to_owned();
                self.refuse(file, name.span(), "this is no name of a cause", Some(help));
            } else if super::causes::meaning(&plain).is_some() {
                let help = "use it as it is, or take another name".to_owned();
                self.refuse(file, name.span(), "this cause is built in, and means what it means", Some(help));
            } else {
                self.catalogue.additions.causes.insert(plain.clone(), means.clone());
                self.setting.causes.insert(plain, means);
            }
        }
    }

    fn profile(&mut self, name: &str, file: FolderFile) {
        match Draft::parse(name, &file.shown, &file.text) {
            Ok(draft) => {
                self.draft(name, Drafted { draft, file: file.shown, text: file.text.into(), from: 0 });
            }
            Err(error) => self.wrong.push(error),
        }
    }

    fn draft(&mut self, name: &str, drafted: Drafted) {
        let profiles = &mut self.catalogue.additions.profiles;
        if !profiles.iter().any(|known| known == name) {
            profiles.push(name.to_owned());
        }
        self.catalogue.drafts.insert(name.to_owned(), drafted);
    }

    fn finish(mut self) -> Result<Catalogue, Vec<CheckError>> {
        self.setting.areas.clone_from(&self.catalogue.additions.areas);
        let setting = Arc::new(std::mem::take(&mut self.setting));
        for (id, file) in std::mem::take(&mut self.checks) {
            self.check(&id, file, &setting);
        }
        let present = present(&self.catalogue.checks);
        for drafted in self.catalogue.drafts.values_mut() {
            drafted.draft.take_present_ids(&present);
        }
        for name in &self.catalogue.additions.profiles {
            self.wrong.extend(self.catalogue.faults(&self.catalogue.drafts[name]));
        }
        self.checks_hold();
        if !self.wrong.is_empty() {
            return Err(in_order(self.wrong));
        }
        self.catalogue.setting = setting;
        self.catalogue.order();
        match self.catalogue.inherit() {
            Ok(()) => self.examples_hold(),
            Err(error) => self.wrong.push(error),
        }
        if self.wrong.is_empty() { Ok(self.catalogue) } else { Err(in_order(self.wrong)) }
    }

    /// Adds a check, or puts it in the place of the one that has, or once had, its id.
    fn check(&mut self, id: &str, file: FolderFile, setting: &Arc<Setting>) {
        let checks = &mut self.catalogue.checks;
        let here = |check: &Check| {
            check.id() == id || check.origin().is_none() && check.aliases().iter().any(|alias| alias == id)
        };
        let place = checks.iter().position(here);
        let replaced = place.map(|at| checks.remove(at));
        let id = replaced.as_ref().map_or(id, Check::id).to_owned();
        let overrides =
            replaced.as_ref().is_some_and(|check| check.origin().is_none_or(|origin| origin.overrides));
        let additions = &mut self.catalogue.additions;
        let list = if overrides { &mut additions.overridden } else { &mut additions.added };
        if !list.contains(&id) {
            list.push(id.clone());
        }
        let origin = Origin { file: file.shown, overrides };
        checks.push(Check::own(&id, file.text, origin, setting.clone()));
    }

    fn checks_hold(&mut self) {
        let present = present(&self.catalogue.checks);
        let ids: Vec<String> = self.catalogue.checks.iter().map(|check| check.id().to_owned()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut sound = true;
        for check in self.catalogue.checks.iter_mut().filter(|check| check.origin().is_some()) {
            let wrong = check.examine(&ids, &present);
            if wrong.is_empty() {
                check.resolve_after(&present);
            }
            sound &= wrong.is_empty();
            self.wrong.extend(wrong);
        }
        if !sound {
            return;
        }
        let own = self.catalogue.checks.iter().filter(|check| check.origin().is_some());
        let circles = own.filter(|check| self.catalogue.ancestors(check.id()).contains(&check.id()));
        let refuse = |check: &Check| {
            let help = "a check that another one waits for must not wait for it";
            check.refuse(check.first_after(), "the check comes `after` itself", Some(help.into()))
        };
        self.wrong.extend(circles.map(refuse));
    }

    fn examples_hold(&mut self) {
        let catalogue = &self.catalogue;
        for check in catalogue.checks.iter().filter(|check| check.origin().is_some()) {
            let examples = check.file().example.iter();
            self.wrong
                .extend(examples.filter_map(|example| example_document(catalogue, check, example).err()));
        }
    }
}

/// The present id behind an earlier one.
fn present(checks: &[Check]) -> impl Fn(&str) -> Option<String> + use<> {
    let aliases: BTreeMap<String, String> = checks
        .iter()
        .filter(|check| check.origin().is_none())
        .flat_map(|check| check.aliases().iter().map(|alias| (alias.clone(), check.id().to_owned())))
        .collect();
    move |id: &str| aliases.get(id).cloned()
}

fn in_order(mut wrong: Vec<CheckError>) -> Vec<CheckError> {
    wrong.sort_by(|a, b| (&a.file, a.span.start).cmp(&(&b.file, b.span.start)));
    wrong
}

fn is_kebab(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    plain && !name.is_empty() && !name.starts_with('-')
}

impl Catalogue {
    /// The built-in catalogue with what a user brings along.
    ///
    /// # Errors
    ///
    /// With everything that is wrong with the user's files, by file and place.
    pub fn with(own: Own) -> Result<Self, Vec<CheckError>> {
        build(Self::built_in(), own)
    }

    /// What this catalogue holds besides the built-in one, or in the place of it.
    pub fn additions(&self) -> &Additions {
        &self.additions
    }

    /// Every cause, those of the user's own included.
    pub fn causes(&self) -> impl Iterator<Item = &str> {
        let own = self.setting.causes.keys().map(String::as_str);
        super::causes::CAUSES.iter().map(|(name, _)| *name).chain(own)
    }

    /// What a cause means.
    pub fn meaning(&self, cause: &str) -> Option<&str> {
        self.setting.meaning(cause)
    }
}
