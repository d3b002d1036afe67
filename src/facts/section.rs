//! A section: the facts, absences and evidence of one scope (a run, a tenant, an app, an account).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Absence, Exchange};

/// Facts of one scope, what is missing from them, and the exchanges behind them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Group name → facts.
    #[serde(default)]
    pub facts: Map<String, Value>,
    /// Fact path → why it is missing. An entry covers everything below its path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub absent: BTreeMap<String, Absence>,
    /// Evidence id → exchange.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, Exchange>,
}

impl Section {
    /// The fact at a dotted path, if it was read.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let mut segments = path.split('.');
        let mut value = self.facts.get(segments.next()?)?;
        for segment in segments {
            value = value.as_object()?.get(segment)?;
        }
        Some(value)
    }

    /// Writes a fact at a dotted path, making the objects on the way. Objects are merged.
    pub fn set(&mut self, path: &str, value: Value) {
        let mut map = &mut self.facts;
        let mut segments = path.split('.').peekable();
        while let Some(segment) = segments.next() {
            if segments.peek().is_none() {
                merge(map.entry(segment).or_insert(Value::Null), value);
                return;
            }
            let entry = map.entry(segment).or_insert_with(|| Value::Object(Map::new()));
            if !entry.is_object() {
                *entry = Value::Object(Map::new());
            }
            map = entry.as_object_mut().expect("made an object above");
        }
    }

    /// Writes down why a path is missing.
    pub fn set_absent(&mut self, path: &str, absence: Absence) {
        self.absent.insert(path.to_owned(), absence);
    }

    /// Why a path is missing: the entry of the path itself or of the nearest path above it.
    pub fn absence(&self, path: &str) -> Option<&Absence> {
        let mut path = path;
        loop {
            if let Some(absence) = self.absent.get(path) {
                return Some(absence);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

fn merge(target: &mut Value, value: Value) {
    match (target, value) {
        (Value::Object(target), Value::Object(value)) => {
            for (key, value) in value {
                merge(target.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, value) => *target = value,
    }
}

/// Whether `path` is `prefix` or lies below it.
pub fn covers(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Whether one of the paths lies below the other, or both are equal.
pub fn overlaps(a: &str, b: &str) -> bool {
    covers(a, b) || covers(b, a)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::facts::Reason;

    #[test]
    fn set_makes_the_way_and_merges_objects() {
        let mut section = Section::default();
        section.set("sso.realm.namespace", json!("managed"));
        section.set("sso.realm", json!({ "brand": null }));
        assert_eq!(section.get("sso.realm"), Some(&json!({ "namespace": "managed", "brand": null })));
    }

    #[test]
    fn an_absence_covers_everything_below_it() {
        let mut section = Section::default();
        section.set_absent("mfa.policies", Absence::new(Reason::Denied));
        assert_eq!(section.absence("mfa.policies[3].name").map(|a| a.reason), Some(Reason::Denied));
        assert_eq!(section.absence("mfa.per_user_state"), None);
    }

    #[test]
    fn names_that_only_begin_alike_do_not_overlap() {
        assert!(overlaps("mfa", "mfa.policies"));
        assert!(!overlaps("mfa.policies", "mfa.policies_other"));
    }
}
