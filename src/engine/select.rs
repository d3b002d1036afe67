//! Which checks are asked for, and which facts they need.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Catalogue;
use super::catalogue::each;
use super::check::{Check, CheckError};
use super::profile::{Level, Profile};
use super::query::Query;
use crate::facts::overlaps;

/// A finding that somebody accepted for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Check.
    pub check: String,
    /// Account; `None`: all.
    pub account: Option<String>,
    /// Why it is accepted.
    pub reason: String,
    /// Last day, `YYYY-MM-DD`; `None`: for good.
    pub until: Option<String>,
}

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Ids or areas; empty: all.
    pub only: Vec<String>,
    /// Ids or areas to leave out.
    pub skip: Vec<String>,
    /// Areas that take no part as a rule, and do here.
    pub with: Vec<String>,
    /// Profile instead of the account's own.
    pub profile: Option<String>,
    /// Warnings and unknowns count.
    pub strict: bool,
    /// Accepted findings.
    pub waivers: Vec<Waiver>,
    /// How long before the run a change counts as lately; `None`: as usual.
    pub changed_within: Option<Duration>,
    /// Parameters over those of check and profile, by check.
    pub check_params: BTreeMap<String, toml::Table>,
    /// Parameters over all others, whatever the check.
    pub params: toml::Table,
}

/// The checks of a selection.
pub(super) struct Chosen {
    /// Those asked for.
    pub asked: BTreeSet<String>,
    /// Those and their prerequisites.
    pub judged: BTreeSet<String>,
    /// Those that nobody asked for, and that take part where the facts of a group are there, with it.
    pub dormant: BTreeMap<String, String>,
}

impl Chosen {
    /// The check is judged, if the facts that it takes part with are there.
    pub fn may_judge(&self, id: &str) -> bool {
        self.judged.contains(id) || self.dormant.contains_key(id)
    }
}

impl Selection {
    fn names(list: &[String], check: &Check) -> bool {
        let named =
            |name: &String| name == check.id() || name == check.area() || check.aliases().contains(name);
        list.iter().any(named)
    }

    pub(super) fn chosen(&self, catalogue: &Catalogue) -> Chosen {
        let skipped = |check: &&Check| Self::names(&self.skip, check);
        let (mut asked, mut dormant) = (BTreeSet::new(), BTreeMap::new());
        for check in catalogue.checks().iter().filter(|check| !skipped(check)) {
            let optional = catalogue.only_with(check);
            match optional {
                _ if Self::names(&self.only, check) => {}
                _ if optional.is_some() && self.with.iter().any(|area| area == check.area()) => {}
                _ if !self.only.is_empty() => continue,
                None => {}
                Some(group) => {
                    dormant.insert(check.id().to_owned(), group.to_owned());
                    continue;
                }
            }
            asked.insert(check.id().to_owned());
        }
        let mut judged = asked.clone();
        // Where all are asked for, so are the prerequisites of each.
        for id in asked.iter().filter(|_| !self.only.is_empty()) {
            judged.extend(catalogue.ancestors(id).into_iter().map(ToOwned::to_owned));
        }
        let left_out = catalogue.checks().iter().filter(skipped).map(Check::id);
        for id in left_out {
            judged.remove(id);
        }
        dormant.retain(|id, _| !judged.contains(id));
        Chosen { asked, judged, dormant }
    }

    /// Fact groups that are only collected when somebody asks for them, and that this selection asks for.
    pub fn optional_groups(&self, catalogue: &Catalogue) -> BTreeSet<String> {
        let chosen = self.chosen(catalogue);
        let wanted = catalogue.checks().iter().filter(|check| chosen.judged.contains(check.id()));
        wanted.filter_map(|check| catalogue.only_with(check)).map(str::to_owned).collect()
    }

    /// Whether a check is asked for; its prerequisites are not.
    pub fn asks_for(&self, check: &Check) -> bool {
        (self.only.is_empty() || Self::names(&self.only, check)) && !Self::names(&self.skip, check)
    }

    /// Names in `only` and `skip` that are neither a check nor an area.
    pub fn unknown_names<'a>(&'a self, catalogue: &Catalogue) -> Vec<&'a str> {
        let known = |name: &&String| {
            catalogue.check(name).is_some() || catalogue.areas().iter().any(|area| area.id == **name)
        };
        self.only.iter().chain(&self.skip).filter(|name| !known(name)).map(String::as_str).collect()
    }
}

/// The fact paths that the selected checks may read, `[]` for list elements; `profiles` are those of
/// the accounts: what all of them leave unwanted is not needed.
///
/// # Errors
///
/// When a check does not compile.
pub fn needs(
    catalogue: &Catalogue,
    selection: &Selection,
    profiles: &[&Profile],
) -> Result<BTreeSet<String>, CheckError> {
    let mut needs = BTreeSet::new();
    for check in wanted(catalogue, selection, profiles)? {
        needs.extend(check.reads()?);
    }
    let queries = queries(catalogue, selection, profiles)?;
    needs.extend(queries.into_iter().map(|query| format!("query.{}", query.key)));
    Ok(needs)
}

/// The queries of the selected checks, as far as their rules read the answers.
///
/// # Errors
///
/// When a check does not compile.
pub fn queries(
    catalogue: &Catalogue,
    selection: &Selection,
    profiles: &[&Profile],
) -> Result<Vec<Query>, CheckError> {
    let mut queries = Vec::new();
    for check in wanted(catalogue, selection, profiles)? {
        let asked = check.queries()?;
        if asked.is_empty() {
            continue;
        }
        let reads = check.reads()?;
        let read = |query: &&Query| reads.iter().any(|path| overlaps(path, &format!("query.{}", query.key)));
        queries.extend(asked.values().filter(read).cloned());
    }
    Ok(queries)
}

/// The checks that a selection judges under these profiles, compiled.
fn wanted<'c>(
    catalogue: &'c Catalogue,
    selection: &Selection,
    profiles: &[&Profile],
) -> Result<Vec<&'c Check>, CheckError> {
    let chosen = selection.chosen(catalogue);
    let wanted = |check: &&Check| {
        chosen.judged.contains(check.id())
            && (profiles.is_empty() || profiles.iter().any(|p| p.level(check.id()) != Level::Unwanted))
    };
    let checks: Vec<&Check> = catalogue.checks().iter().filter(wanted).collect();
    each(&checks, Check::compile)?;
    Ok(checks)
}
