//! A change of one fact: what it would be, in words and in deed.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::facts::catalogue;

/// Most values that a sentence names one by one.
const NAMED: usize = 3;

/// Longest description of a fact that a sentence takes along.
const DOC: usize = 70;

/// How a fact changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// `to` joins the list at `path`.
    Add,
    /// The list at `path` loses everything.
    Empty,
    /// The entry at `path` leaves its list.
    Remove,
    /// The value at `path` becomes `to`.
    Set,
    /// The field at `path` becomes `to` in every entry of the list.
    SetEvery,
}

/// One single change of what was read that would let a failing check pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WouldPassIf {
    /// Path of the fact, for example `account.enabled` or `mfa.policies[0].state`.
    pub path: String,
    /// What happens to it.
    pub change: Change,
    /// What was read.
    pub from: Value,
    /// What would stand there instead; for `add`, the entries that join.
    pub to: Value,
    /// The change as a sentence fragment that completes "would pass if".
    pub text: String,
}

impl WouldPassIf {
    pub(super) fn new(path: impl Into<String>, change: Change, from: Value, to: Value) -> Self {
        Self { path: path.into(), change, from, to, text: String::new() }
    }

    /// Makes the change to facts by group.
    pub fn apply(&self, facts: &mut Map<String, Value>) {
        let mut root = Value::Object(std::mem::take(facts));
        let steps: Vec<Step> = steps(&self.path).collect();
        match (self.change, steps.as_slice()) {
            (Change::Remove, [above @ .., Step::At(index)]) => visit(&mut root, above, &mut |list| {
                if let Value::Array(items) = list
                    && *index < items.len()
                {
                    items.remove(*index);
                }
            }),
            (Change::Add, steps) => visit(&mut root, steps, &mut |list| {
                if let (Value::Array(items), Value::Array(more)) = (list, &self.to) {
                    items.extend(more.iter().cloned());
                }
            }),
            (_, steps) => visit(&mut root, steps, &mut |value| value.clone_from(&self.to)),
        }
        if let Value::Object(changed) = root {
            *facts = changed;
        }
    }

    /// Writes the sentence; `others` are further values that would do as well, `entry` names the entry
    /// that the fact belongs to.
    pub(super) fn say(&mut self, others: &[Value], entry: Option<&str>) {
        let (list, field) = self
            .path
            .rsplit_once("].")
            .map_or((None, ""), |(list, field)| (list.rsplit_once('[').map(|(list, _)| list), field));
        let whole = described(&self.path);
        self.text = match (self.change, list) {
            (Change::Add, _) => format!("{whole} held {} as well", held(&self.to)),
            (Change::Empty, _) => format!("{whole} were empty"),
            (Change::Remove, _) => {
                let list = described(self.path.rsplit_once('[').map_or(&self.path, |(list, _)| list));
                format!("{} were not in {list}", entry.map_or_else(|| "the entry".to_owned(), quoted))
            }
            (Change::SetEvery, Some(list)) => {
                format!("`{field}` of every entry of {} were {}", described(list), self.wanted(others))
            }
            (_, Some(list)) => {
                let entry = entry.map_or_else(|| "one entry".to_owned(), quoted);
                format!("`{field}` of {entry} in {} were {}", described(list), self.wanted(others))
            }
            _ => format!("{whole} were {}", self.wanted(others)),
        };
    }

    fn wanted(&self, others: &[Value]) -> String {
        let kind = catalogue::fact(&pattern(&self.path)).map(|fact| fact.kind);
        let wanted: Vec<String> = std::iter::once(&self.to).chain(others).take(NAMED).map(shown).collect();
        let wanted = wanted.join(" or ");
        let moved = match (kind, &self.from, &self.to) {
            (Some(catalogue::Kind::Int), Value::Number(from), Value::Number(to)) => {
                let (from, to) = (from.as_i64(), to.as_i64());
                if to > from { " or more" } else { " or less" }
            }
            (Some(catalogue::Kind::Time), Value::String(from), Value::String(to)) => {
                if to > from {
                    " or later"
                } else {
                    " or earlier"
                }
            }
            _ => "",
        };
        let moved = if others.is_empty() { moved } else { "" };
        match &self.from {
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => format!("{wanted}{moved}"),
            Value::Null if self.change == Change::SetEvery => format!("{wanted}{moved}"),
            from if self.to.is_null() => format!("{wanted} (now {})", shown(from)),
            from => format!("{wanted}{moved}, not {}", shown(from)),
        }
    }
}

/// A path with `[]` for every index.
pub(super) fn pattern(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => continue,
            _ => {}
        }
        pattern.push(c);
    }
    pattern
}

/// The fact with what it says, from the catalogue.
fn described(path: &str) -> String {
    let doc = catalogue::fact(&pattern(path))
        .map(|fact| fact.doc.split([':', ';', '(']).next().unwrap_or_default());
    match doc.map(str::trim).filter(|doc| !doc.is_empty() && doc.len() <= DOC && !doc.starts_with("as ")) {
        Some(doc) => format!("`{path}` ({doc})"),
        None => format!("`{path}`"),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "not set".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn held(items: &Value) -> String {
    let items = items.as_array().map_or(&[][..], Vec::as_slice);
    let names: Vec<String> = items.iter().map(|item| label(item).unwrap_or_else(|| shown(item))).collect();
    match names.as_slice() {
        [] => "more".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What an entry of a list is called.
pub(super) fn label(entry: &Value) -> Option<String> {
    if let Value::String(text) = entry {
        return Some(text.clone());
    }
    let keys = [
        "name",
        "display_name",
        "permission",
        "host",
        "target",
        "app_name",
        "sku",
        "role",
        "kind",
        "template_id",
        "id",
    ];
    keys.iter().find_map(|key| entry.get(*key)?.as_str()).map(ToOwned::to_owned)
}

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'p> {
    Key(&'p str),
    At(usize),
    Every,
}

fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    path.split('.').flat_map(|segment| {
        let (key, indices) = segment.split_once('[').unwrap_or((segment, ""));
        let indices = indices
            .split('[')
            .filter(|index| !index.is_empty())
            .map(|index| index.trim_end_matches(']').parse().map_or(Step::Every, Step::At));
        std::iter::once(Step::Key(key)).chain(indices)
    })
}

fn visit(value: &mut Value, steps: &[Step<'_>], change: &mut dyn FnMut(&mut Value)) {
    let Some((step, rest)) = steps.split_first() else { return change(value) };
    match (step, value) {
        (Step::Key(key), Value::Object(map)) => {
            if let Some(value) = map.get_mut(*key) {
                visit(value, rest, change);
            }
        }
        (Step::At(index), Value::Array(items)) => {
            if let Some(item) = items.get_mut(*index) {
                visit(item, rest, change);
            }
        }
        (Step::Every, Value::Array(items)) => items.iter_mut().for_each(|item| visit(item, rest, change)),
        _ => {}
    }
}

/// Every value at a path, `[]` for all elements of a list.
pub(super) fn values<'v>(root: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut found = vec![root];
    for step in steps(path) {
        found = match step {
            Step::Key(key) => found.into_iter().filter_map(|value| value.get(key)).collect(),
            Step::At(index) => found.into_iter().filter_map(|value| value.get(index)).collect(),
            Step::Every => found.into_iter().filter_map(Value::as_array).flatten().collect(),
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(path: &str, change: Change, to: Value) -> Value {
        let facts = json!({ "mfa": { "policies": [
            { "name": "A", "state": "enabled" }, { "name": "B", "state": "enabled" },
        ] } });
        let Value::Object(mut facts) = facts else { unreachable!("an object") };
        WouldPassIf::new(path, change, Value::Null, to).apply(&mut facts);
        facts["mfa"]["policies"].clone()
    }

    #[test]
    fn one_entry_changes_alone() {
        let policies = changed("mfa.policies[1].state", Change::Set, json!("disabled"));
        assert_eq!(
            policies,
            json!([{ "name": "A", "state": "enabled" }, { "name": "B", "state": "disabled" }])
        );
    }

    #[test]
    fn every_entry_changes_where_the_path_says_so() {
        let policies = changed("mfa.policies[].state", Change::SetEvery, json!("disabled"));
        assert!(policies.as_array().expect("a list").iter().all(|policy| policy["state"] == "disabled"));
    }

    #[test]
    fn an_entry_leaves_and_another_joins() {
        assert_eq!(changed("mfa.policies[0]", Change::Remove, Value::Null)[0]["name"], "B");
        let joined = changed("mfa.policies", Change::Add, json!([{ "name": "C" }]));
        assert_eq!(joined.as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn the_sentence_names_fact_entry_and_values() {
        let mut change =
            WouldPassIf::new("mfa.policies[0].state", Change::Set, json!("enabled"), json!("disabled"));
        change.say(&[], Some("Require MFA"));
        assert!(change.text.starts_with("`state` of \"Require MFA\" in `mfa.policies`"), "{}", change.text);
        assert!(change.text.ends_with("were disabled, not enabled"), "{}", change.text);
    }

    #[test]
    fn a_time_says_in_which_direction() {
        let path = "account.last_password_change";
        let mut change =
            WouldPassIf::new(path, Change::Set, json!("2026-01-01T00:00:00Z"), json!("2026-11-01T00:00:00Z"));
        change.say(&[], None);
        assert!(
            change.text.ends_with("2026-11-01T00:00:00Z or later, not 2026-01-01T00:00:00Z"),
            "{}",
            change.text
        );
    }
}
