//! "Would pass if": single changes of what a failing check read that would let it pass.
//!
//! Every fact that the rules read is given the other values that the rules, the fact catalogue or the
//! facts compared with it know, one at a time, and the rules are applied again. What was asked for or
//! configured stays as it is, and a change that makes the check pass by taking its object away is none.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::bench::{Bench, Ruling, rule};
use super::change::{Change, WouldPassIf, label, pattern, values};
use super::check::{Check, CheckError, Rules};
use super::finding::Word;
use super::hints::{Hint, Hints};
use super::value::to_val;
use super::view::params;
use crate::facts::catalogue::{self, Kind};
use crate::facts::meaning;

/// Most changes that are told.
const TOLD: usize = 3;

/// Most changes that are tried for one check: rules are small, what servers send may not be.
const TRIED: usize = 400;

/// Most entries of a list that are looked at one by one.
const ENTRIES: usize = 20;

/// The changes for a check that failed after reading these paths, the most telling first.
pub(super) fn would_pass_if(
    bench: &mut Bench<'_>,
    check: &Check,
    row: usize,
    read: &[String],
) -> Result<Vec<WouldPassIf>, CheckError> {
    // Sets the parameters of this check.
    if bench.place(check)?.is_break() {
        return Ok(Vec::new());
    }
    let rules = check.rules()?;
    let when = rules.rows.get(row).and_then(|row| row.when.as_ref());
    let decisive = when.map(|when| when.test(&bench.context).1.read).unwrap_or_default();
    let root = json!({
        "params": params(check, bench.profile, bench.selection),
        "profile": bench.profile.to_json(bench.view.text("world.protocol")),
        "run": { "started_at": bench.view.started_at() },
    });
    let mut search = Search { bench, check, rules, hints: check.hints()?, root, tried: 0, found: Vec::new() };
    for path in read {
        let group = path.split('.').next().unwrap_or_default();
        search.load(group);
        if catalogue::group(group).is_some() && !meaning::is_given(path) {
            search.explore(path, decisive.contains(path));
        }
    }
    Ok(search.chosen())
}

/// A change that works, with what speaks for it: the smallest comes first.
struct Found {
    rank: (bool, bool, u8, usize),
    change: WouldPassIf,
}

struct Search<'a, 'b> {
    bench: &'a Bench<'b>,
    check: &'a Check,
    rules: &'a Rules,
    hints: &'a Hints,
    /// Variables of rules as JSON; groups are added when they are needed.
    root: Value,
    tried: usize,
    found: Vec<Found>,
}

impl Search<'_, '_> {
    fn load(&mut self, group: &str) {
        if self.root.get(group).is_none()
            && let Some(facts) = self.bench.view.group(group)
        {
            self.root[group] = facts.clone();
        }
    }

    fn values(&mut self, path: &str) -> Vec<Value> {
        self.load(path.split(['.', '[']).next().unwrap_or_default());
        values(&self.root, path).into_iter().cloned().collect()
    }

    fn passes(&mut self, change: &WouldPassIf) -> bool {
        self.tried += 1;
        let group = change.path.split('.').next().unwrap_or_default();
        let Some(facts) = self.root.get(group).filter(|_| self.tried <= TRIED) else { return false };
        let mut facts = Map::from_iter([(group.to_owned(), facts.clone())]);
        change.apply(&mut facts);
        let mut context = self.bench.context.new_inner_scope();
        context.add_variable_as_val(group, to_val(&facts[group], group, true));
        let file = self.check.file();
        matches!(rule(self.rules, &context).0, Ruling::Row(row) if *file.outcome[row].result.get_ref() == Word::Pass)
    }

    /// Tries other values of one fact.
    fn explore(&mut self, path: &str, decisive: bool) {
        let pattern = pattern(path);
        let Some(fact) = catalogue::fact(&pattern) else { return };
        let Some(now) = values(&self.root, path).first().map(|value| (*value).clone()) else { return };
        if fact.kind == Kind::List {
            return self.explore_list(path, &pattern, decisive);
        }
        if meaning::is_name(&pattern) || meaning::is_derived(&pattern) {
            return;
        }
        let hints = self.hints;
        let hint = hints.get(&pattern);
        let others: Vec<Value> = match fact.kind {
            Kind::Bool => flips(path, &now),
            Kind::Int => self.numbers(hint, &now),
            Kind::Time => self.times(hint, &now),
            Kind::Text => self.texts(hint, fact.doc),
            Kind::List | Kind::Object => Vec::new(),
        };
        let others: Vec<Value> = others.into_iter().filter(|other| *other != now).collect();
        self.set(path, &now, &others, decisive);
        if let Some((list, field)) = pattern.rsplit_once("[].")
            && !list.contains("[]")
            && values(&self.root, list)
                .first()
                .and_then(|list| list.as_array())
                .is_some_and(|list| list.len() > 1)
        {
            let every = format!("{list}[].{field}");
            if !self.found.iter().any(|found| found.change.path == every) {
                let change = |to: &Value| WouldPassIf::new(&every, Change::SetEvery, Value::Null, to.clone());
                if let Some(change) = others.iter().map(change).find(|change| self.passes(change)) {
                    self.keep(change, &[], None, decisive, 4);
                }
            }
        }
    }

    /// Keeps the first value that works, and says which others would do as well.
    fn set(&mut self, path: &str, now: &Value, others: &[Value], decisive: bool) {
        let change = |to: &Value| WouldPassIf::new(path, Change::Set, now.clone(), to.clone());
        let ordered = matches!(now, Value::Number(_))
            || catalogue::fact(&pattern(path)).is_some_and(|f| f.kind == Kind::Time);
        let mut fitting: Vec<WouldPassIf> = Vec::new();
        for to in others {
            let change = change(to);
            if self.passes(&change) {
                fitting.push(change);
                if ordered {
                    break;
                }
            }
        }
        let mut fitting = fitting.into_iter();
        let Some(first) = fitting.next() else { return };
        let alternatives: Vec<Value> = fitting.map(|change| change.to).filter(|to| !to.is_null()).collect();
        let weight = match (&first.to, now) {
            (Value::Bool(_), _) => 0,
            (Value::Null, _) => 3,
            _ => 1,
        };
        let entry = self.entry(path);
        self.keep(first, &alternatives, entry.as_deref(), decisive, weight);
    }

    fn explore_list(&mut self, path: &str, pattern: &str, decisive: bool) {
        let found = values(&self.root, path).first().and_then(|list| list.as_array()).cloned();
        let Some(items) = found else { return };
        for more in self.entries(pattern, &items) {
            let change = WouldPassIf::new(path, Change::Add, Value::Null, Value::Array(more));
            if self.passes(&change) {
                self.keep(change, &[], None, decisive, 1);
                break;
            }
        }
        if meaning::is_measured(path) || items.is_empty() {
            return;
        }
        for (index, item) in items.iter().enumerate().take(ENTRIES) {
            let change =
                WouldPassIf::new(format!("{path}[{index}]"), Change::Remove, item.clone(), Value::Null);
            if self.passes(&change) {
                let entry = label(item);
                self.keep(change, &[], entry.as_deref(), decisive, 2);
            }
        }
        let change = WouldPassIf::new(path, Change::Empty, Value::Null, json!([]));
        if items.len() > 1 && self.passes(&change) {
            self.keep(change, &[], None, decisive, 5);
        }
    }

    /// Entries that the rules look for in a list: each alone, then all that are missing.
    fn entries(&mut self, pattern: &str, items: &[Value]) -> Vec<Vec<Value>> {
        let within = format!("{pattern}[].");
        let group = pattern.split('.').next().and_then(catalogue::group);
        let fields: Vec<&str> = group
            .into_iter()
            .flat_map(|group| group.facts.iter())
            .filter_map(|fact| {
                let path = pattern.split_once('.')?.1;
                fact.path.strip_prefix(path)?.strip_prefix("[].").filter(|field| !field.contains("[]"))
            })
            .collect();
        let missing = if fields.is_empty() {
            let hints = self.hints;
            let hint = [hints.get(pattern), hints.get(&format!("{pattern}[]"))];
            let mut texts = Vec::new();
            for hint in hint.into_iter().flatten() {
                texts.extend(self.compared(hint));
            }
            texts.into_iter().filter(|text| text.is_string() && !items.contains(text)).collect()
        } else {
            self.objects(&within, &fields, items)
        };
        let mut tries: Vec<Vec<Value>> =
            missing.iter().take(ENTRIES).map(|item| vec![item.clone()]).collect();
        if missing.len() > 1 {
            tries.push(missing);
        }
        tries
    }

    /// Objects whose fields have the values that the rules compare them with.
    fn objects(&mut self, within: &str, fields: &[&str], items: &[Value]) -> Vec<Value> {
        // An entry that counts by an outcome does so for other reasons than that it is there.
        if fields.iter().any(|field| meaning::is_derived(&format!("{within}{field}"))) {
            return Vec::new();
        }
        let hints = self.hints;
        let mut columns: Vec<(&str, Vec<Value>)> = Vec::new();
        for field in fields {
            let path = format!("{within}{field}");
            let mut choices = hints.get(&path).map(|hint| self.compared(hint)).unwrap_or_default();
            choices.retain(|value| !value.is_array() && !value.is_object());
            if choices.is_empty() {
                choices = match catalogue::fact(&path).map(|fact| fact.kind) {
                    Some(Kind::Bool) => vec![json!(true)],
                    Some(Kind::List) => vec![json!([])],
                    _ => vec![Value::Null],
                };
            }
            columns.push((field, choices));
        }
        let rounds = columns.iter().map(|(_, choices)| choices.len()).max().unwrap_or(0).min(ENTRIES);
        let object = |round: usize| -> Value {
            let fields = columns
                .iter()
                .map(|(field, choices)| ((*field).to_owned(), choices[round % choices.len()].clone()));
            Value::Object(fields.collect())
        };
        let mut objects: Vec<Value> = Vec::new();
        for object in (0..rounds).map(object) {
            if !objects.contains(&object) && !items.contains(&object) && label(&object).is_some() {
                objects.push(object);
            }
        }
        objects
    }

    /// Everything that a fact is compared with: literals, and the values of other facts.
    fn compared(&mut self, hint: &Hint) -> Vec<Value> {
        let mut all = Vec::new();
        for partner in &hint.partners {
            for value in self.values(partner) {
                match value {
                    Value::Array(items) => all.extend(items),
                    other => all.push(other),
                }
            }
        }
        all.extend(hint.literals.iter().cloned());
        all
    }

    fn texts(&mut self, hint: Option<&Hint>, doc: &str) -> Vec<Value> {
        let mut texts: Vec<Value> = choices(doc).into_iter().map(Value::from).collect();
        if texts.is_empty() {
            texts = hint.map(|hint| self.compared(hint)).unwrap_or_default();
        } else {
            texts.extend(hint.into_iter().flat_map(|hint| hint.literals.iter().cloned()));
        }
        texts.retain(|value| value.is_null() || value.as_str().is_some_and(|text| instant(text).is_none()));
        let mut seen = BTreeSet::new();
        texts.retain(|value| seen.insert(value.to_string()));
        // A value is more telling than none.
        texts.sort_by_key(Value::is_null);
        texts
    }

    fn numbers(&mut self, hint: Option<&Hint>, now: &Value) -> Vec<Value> {
        let Some(hint) = hint else { return Vec::new() };
        let bounds = self.compared(hint);
        let mut numbers: BTreeSet<i64> = bounds.iter().filter_map(Value::as_i64).collect();
        if hint.ordered {
            let near = |bound: &i64| [bound - 1, bound + 1, -bound, -bound - 1, 1 - bound];
            numbers = numbers.iter().flat_map(near).chain(numbers.iter().copied()).collect();
        }
        let mut numbers: Vec<i64> = numbers.into_iter().collect();
        let from = now.as_i64().unwrap_or_default();
        numbers.sort_by_key(|number| number.abs_diff(from));
        let null = bounds.contains(&Value::Null).then_some(Value::Null);
        numbers.into_iter().map(Value::from).chain(null).collect()
    }

    fn times(&mut self, hint: Option<&Hint>, now: &Value) -> Vec<Value> {
        let Some(hint) = hint else { return Vec::new() };
        let bounds = self.compared(hint);
        let mut spans: BTreeSet<i64> =
            bounds.iter().filter_map(Value::as_i64).map(|days| days * DAY).collect();
        spans.extend(bounds.iter().filter_map(Value::as_str).filter_map(seconds));
        spans.insert(0);
        let bases = bounds.iter().filter_map(Value::as_str).filter_map(instant);
        let bases: BTreeSet<i64> = bases.chain(instant(self.bench.view.started_at())).collect();
        let from = now.as_str().and_then(instant);
        let ends = |base: &i64| -> Vec<i64> {
            spans
                .iter()
                .flat_map(|span| [base - span - DAY, base - span + DAY, base + span - DAY, base + span + DAY])
                .collect()
        };
        let times: BTreeSet<i64> = bases.iter().flat_map(ends).collect();
        let mut times: Vec<i64> = times.into_iter().collect();
        times.sort_by_key(|time| from.map_or(0, |from| time.abs_diff(from)));
        let null = bounds.contains(&Value::Null).then_some(Value::Null);
        times.into_iter().filter_map(written).map(Value::from).chain(null).collect()
    }

    /// The name of the list entry that a path leads into.
    fn entry(&self, path: &str) -> Option<String> {
        let (entry, _) = path.rsplit_once("].")?;
        values(&self.root, &format!("{entry}]")).first().and_then(|entry| label(entry))
    }

    fn keep(
        &mut self,
        mut change: WouldPassIf,
        others: &[Value],
        entry: Option<&str>,
        decisive: bool,
        weight: u8,
    ) {
        change.say(others, entry);
        let rank = (meaning::is_measured(&change.path), !decisive, weight, self.found.len());
        self.found.push(Found { rank, change });
    }

    /// The best of what was found: one change an entry, no change of a whole list where one of a single
    /// entry does, and no other answer wished for where something can be set.
    fn chosen(mut self) -> Vec<WouldPassIf> {
        self.found.sort_by_key(|found| found.rank);
        if self.found.first().is_some_and(|best| !best.rank.0) {
            self.found.retain(|found| !found.rank.0);
        }
        let mut chosen: Vec<WouldPassIf> = Vec::new();
        for Found { change, .. } in self.found {
            let place = |change: &WouldPassIf| {
                change.path.rsplit_once(']').map_or(change.path.clone(), |(entry, _)| entry.to_owned())
            };
            let list = |path: &str| path.split('[').next().unwrap_or_default().to_owned();
            let whole = matches!(change.change, Change::Empty | Change::SetEvery);
            let covered = chosen.iter().any(|better| {
                place(better) == place(&change) || (whole && list(&better.path) == list(&change.path))
            });
            if !covered {
                chosen.push(change);
            }
        }
        chosen.truncate(TOLD);
        chosen
    }
}

const DAY: i64 = 24 * 60 * 60;

fn flips(path: &str, now: &Value) -> Vec<Value> {
    let both = [json!(true), json!(false)].into_iter();
    both.filter(|value| {
        value != now && value.as_bool().is_some_and(|wish| meaning::can_be_wished(path, wish))
    })
    .collect()
}

/// The values that a fact's description enumerates: `disabled, enabled or enforced`.
fn choices(doc: &str) -> Vec<&str> {
    let list = doc.split([':', ';', '(']).next().unwrap_or_default();
    let words = list.split(", ").flat_map(|part| part.split(" or ")).map(str::trim);
    let words: Vec<&str> = words.take_while(|word| !word.is_empty() && !word.contains(' ')).collect();
    let mut choices: Vec<&str> =
        words.into_iter().filter(|word| !matches!(*word, "null" | "none" | "unknown")).collect();
    if choices.len() < 2 {
        choices.clear();
    }
    choices
}

fn instant(text: &str) -> Option<i64> {
    Some(text.parse::<jiff::Timestamp>().ok()?.as_second())
}

fn written(second: i64) -> Option<String> {
    Some(jiff::Timestamp::from_second(second).ok()?.to_string())
}

/// A length of time as rules write it, `48h` or `30m`.
fn seconds(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok()?;
    match unit {
        "s" => Some(number),
        "m" => Some(number * 60),
        "h" => Some(number * 60 * 60),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enumerations_are_read_from_descriptions() {
        assert_eq!(choices("disabled, enabled or enforced"), ["disabled", "enabled", "enforced"]);
        assert_eq!(choices("managed or federated, as the directory says"), ["managed", "federated"]);
        assert!(choices("displayName").is_empty());
        assert!(choices("start of validity of the leaf certificate").is_empty());
    }

    #[test]
    fn existence_is_only_wished_for() {
        assert!(flips("account.exists", &json!(true)).is_empty());
        assert_eq!(flips("account.exists", &json!(false)), [json!(true)]);
    }
}
