//! One account's view of the facts: run, tenant, app and account merged, as variables of rules.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use cel::Context;
use cel::common::value::Val;
use serde_json::{Map, Value, json};

use super::check::Check;
use super::functions::ENV;
use super::profile::Profile;
use super::query::Query;
use super::select::Selection;
use super::value::{aliased, to_val};
use crate::facts::{Absence, Account, Reason, Run, Section, Tenant, catalogue, overlaps};

/// The group of answers to queries.
const QUERY: &str = "query";

/// Groups that no catalogue lists: what is in them is declared by the user's files.
const OWN: [&str; 2] = ["external", QUERY];

/// What a rule can see of one account.
pub(super) struct View<'a> {
    sections: Vec<&'a Section>,
    run: Value,
    groups: Vec<(&'static str, Cow<'a, Value>)>,
    /// Ids of all exchanges.
    exchanges: Vec<&'a str>,
    /// Group → (facts of it, places of the exchanges that yielded them).
    origins: HashMap<&'a str, Vec<(&'a str, usize)>>,
}

impl<'a> View<'a> {
    pub fn new(run: &'a Run, tenant: &'a Tenant, account: &'a Account) -> Self {
        let mut sections = vec![&account.section];
        sections.extend(account.app.as_ref().and_then(|id| tenant.apps.get(id)));
        sections.push(&tenant.section);
        let names = catalogue::GROUPS.iter().map(|group| group.name).chain(OWN);
        let groups = names.map(|name| {
            let all = sections.iter().rev().map(|section| &section.facts).filter_map(|facts| facts.get(name));
            (name, merged(run.facts.get(name).into_iter().chain(all)))
        });
        let groups = groups.collect();
        let run = json!({ "started_at": run.started_at });
        let (mut exchanges, mut places) = (Vec::new(), HashMap::new());
        let mut origins: HashMap<_, Vec<_>> = HashMap::new();
        for (id, exchange) in sections.iter().flat_map(|section| &section.evidence) {
            let place = *places.entry(id).or_insert_with(|| {
                exchanges.push(id.as_str());
                exchanges.len() - 1
            });
            for fact in &exchange.facts {
                origins.entry(group(fact)).or_default().push((fact.as_str(), place));
            }
        }
        Self { sections, run, groups, exchanges, origins }
    }

    /// The variables that every rule of this account sees; `params` is added for each check.
    pub fn context(&self, profile: &Profile) -> Context<'static, 'static> {
        let mut context = Context::with_env(ENV.clone());
        for (name, facts) in self.groups.iter().filter(|(name, _)| *name != QUERY) {
            context.add_variable_as_val(*name, to_val(facts, name, true));
        }
        context.add_variable_as_val("run", to_val(&self.run, "run", false));
        context.add_variable_as_val(
            "profile",
            to_val(&profile.to_json(self.text("world.protocol")), "profile", false),
        );
        context
    }

    /// The `query` variable of a check: its own queries under its own names.
    pub fn queries(&self, queries: &BTreeMap<String, Query>) -> Box<dyn Val> {
        let answers = self.group(QUERY);
        let answer = |key: &str| answers.and_then(|answers| answers.get(key));
        let entries =
            queries.iter().map(|(name, query)| (name.as_str(), query.key.as_str(), answer(&query.key)));
        aliased(QUERY, entries)
    }

    /// Why a fact is missing.
    pub fn absence(&self, path: &str) -> Absence {
        let known = self.sections.iter().find_map(|section| section.absence(path));
        known.cloned().unwrap_or_else(|| Absence::new(Reason::NotAsked))
    }

    /// What the view is made of, the nearest to the account first.
    pub fn sections(&self) -> impl Iterator<Item = &'a Section> {
        self.sections.iter().copied()
    }

    /// When the run started.
    pub fn started_at(&self) -> &str {
        self.run["started_at"].as_str().unwrap_or_default()
    }

    /// The facts of a group.
    pub fn group(&self, name: &str) -> Option<&Value> {
        self.groups.iter().find(|(known, _)| *known == name).map(|(_, facts)| &**facts)
    }

    /// Something is known of a group, even if only why its facts are missing.
    pub fn holds(&self, group: &str) -> bool {
        let below = |path: &String| path.split('.').next() == Some(group);
        self.sections
            .iter()
            .any(|section| section.facts.contains_key(group) || section.absent.keys().any(below))
    }

    /// A text fact.
    pub fn text(&self, path: &str) -> Option<&str> {
        let (group, rest) = path.split_once('.')?;
        let facts = self.group(group)?;
        rest.split('.').try_fold(facts, |value, key| value.get(key))?.as_str()
    }

    /// A fact that is true.
    pub fn flag(&self, path: &str) -> bool {
        self.sections.iter().find_map(|section| section.get(path)) == Some(&Value::Bool(true))
    }

    /// A list of texts.
    pub fn texts(&self, path: &str) -> Vec<String> {
        let found = self.sections.iter().find_map(|section| section.get(path)).and_then(Value::as_array);
        found.into_iter().flatten().filter_map(|item| item.as_str().map(ToOwned::to_owned)).collect()
    }

    /// Ids of the exchanges that yielded any of these facts.
    pub fn evidence(&self, paths: &BTreeSet<String>) -> Vec<String> {
        let mut used = vec![false; self.exchanges.len()];
        for path in paths {
            for (fact, place) in self.origins.get(group(path)).into_iter().flatten() {
                used[*place] = used[*place] || overlaps(fact, path);
            }
        }
        let used = self.exchanges.iter().zip(used).filter(|(_, used)| *used);
        used.map(|(id, _)| (*id).to_owned()).collect()
    }
}

/// A group that may be filled from several scopes, the nearest to the account last: it wins. Most are
/// filled from one, and are not copied.
fn merged<'a>(scopes: impl Iterator<Item = &'a Value>) -> Cow<'a, Value> {
    let mut filled = scopes.filter(|value| value.is_object());
    let Some(first) = filled.next() else { return Cow::Owned(Value::Object(Map::new())) };
    let mut group = Cow::Borrowed(first);
    for value in filled {
        if let (Value::Object(facts), Value::Object(value)) = (group.to_mut(), value) {
            facts.extend(value.clone());
        }
    }
    group
}

fn group(path: &str) -> &str {
    path.split('.').next().unwrap_or_default()
}

/// The `params` variable of a check under a profile.
pub(super) fn params(check: &Check, profile: &Profile, selection: &Selection) -> Value {
    let mut params: BTreeMap<&str, &toml::Value> = BTreeMap::new();
    let id = check.id();
    let configured = selection.check_params.get(id);
    let tables = [Some(&check.file().params), profile.params.get(id), configured, Some(&selection.params)];
    for table in tables.into_iter().flatten() {
        params.extend(table.iter().map(|(key, value)| (key.as_str(), value)));
    }
    serde_json::to_value(params).unwrap_or(Value::Null)
}
