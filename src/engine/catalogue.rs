//! The catalogue: all checks, areas and profiles, embedded in the program or given as text.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rust_embed::RustEmbed;
use serde::Deserialize;

use super::check::{Check, CheckError};
use super::expr::suggest;
use super::profile::Profile;

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
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Areas {
    area: Vec<Area>,
}

/// All checks, areas and profiles.
#[derive(Debug)]
pub struct Catalogue {
    areas: Vec<Area>,
    checks: Vec<Check>,
    profiles: BTreeMap<String, Profile>,
}

static EMBEDDED: LazyLock<Catalogue> = LazyLock::new(|| {
    let files = Embedded::iter().filter_map(|path| {
        let text = String::from_utf8(Embedded::get(&path)?.data.into_owned()).ok()?;
        Some((path.into_owned(), text))
    });
    Catalogue::load(files).expect("the embedded checks are proven by tests")
});

/// Parses on all processors: it is nearly all of the time that a start takes.
fn parse_all(files: &[(String, String)]) -> Result<Vec<Check>, CheckError> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
    let size = files.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let parse =
            |part: &[(String, String)]| part.iter().map(|(id, text)| Check::parse(id, text)).collect();
        let work: Vec<_> = files.chunks(size).map(|part| scope.spawn(move || parse(part))).collect();
        let mut checks = Vec::with_capacity(files.len());
        for part in work {
            let parsed: Result<Vec<Check>, CheckError> = part.join().expect("parsing does not panic");
            checks.append(&mut parsed?);
        }
        Ok(checks)
    })
}

impl Catalogue {
    /// The checks that the program brings along.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Reads a catalogue from (path, text) pairs: `areas.toml`, `profiles/NAME.toml`,
    /// `AREA/STATEMENT.toml`.
    ///
    /// # Errors
    ///
    /// With file, line and column when a file cannot be read or an `after` names no check.
    pub fn load(files: impl IntoIterator<Item = (String, String)>) -> Result<Self, CheckError> {
        let mut catalogue = Self { areas: Vec::new(), checks: Vec::new(), profiles: BTreeMap::new() };
        let mut checks = Vec::new();
        for (path, text) in files {
            let Some(id) = path.strip_suffix(".toml") else { continue };
            let refuse = |error: toml::de::Error| {
                let span = error.span().unwrap_or(0..0);
                CheckError::new(&format!("checks/{path}"), &text, span, error.message().trim(), None)
            };
            if id == "areas" {
                catalogue.areas = toml::from_str::<Areas>(&text).map_err(refuse)?.area;
            } else if let Some(name) = id.strip_prefix("profiles/") {
                let mut profile: Profile = toml::from_str(&text).map_err(refuse)?;
                name.clone_into(&mut profile.name);
                catalogue.profiles.insert(name.to_owned(), profile);
            } else if !id.starts_with("knowledge/") {
                checks.push((id.to_owned(), text));
            }
        }
        catalogue.checks = parse_all(&checks)?;
        catalogue.order();
        catalogue.inherit();
        let ids: Vec<&str> = catalogue.checks.iter().map(Check::id).collect();
        for check in &catalogue.checks {
            check.examine_after(&ids)?;
        }
        catalogue.refuse_circles()?;
        Ok(catalogue)
    }

    fn order(&mut self) {
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

    fn inherit(&mut self) {
        let bases = self.profiles.clone();
        for profile in self.profiles.values_mut() {
            let mut seen = vec![profile.name.clone()];
            let mut next = profile.extends.clone();
            while let Some(base) =
                next.take().filter(|name| !seen.contains(name)).and_then(|name| bases.get(&name))
            {
                seen.push(base.name.clone());
                profile.inherit(base);
                next.clone_from(&base.extends);
            }
        }
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

    /// All checks in ground-up order.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The check of that id, or of that earlier id.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks
            .iter()
            .find(|check| check.id() == id)
            .or_else(|| self.checks.iter().find(|check| check.file().aliases.iter().any(|alias| alias == id)))
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
            for parent in &check.file().after {
                if !found.contains(&&**parent) {
                    found.push(parent);
                    open.push(parent);
                }
            }
        }
        found
    }
}
