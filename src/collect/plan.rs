//! Which calls stand behind the facts that are needed.

use std::collections::BTreeSet;

use super::Call;
use crate::facts::{catalogue, overlaps};

/// The selected calls, in the order of the call table.
#[derive(Clone)]
pub struct Plan {
    calls: Vec<&'static Call>,
    needed: BTreeSet<String>,
}

impl Plan {
    /// The calls that yield a needed path, and those that must come before them.
    pub fn new(table: &[&'static Call], needed: &BTreeSet<String>) -> Self {
        let wants =
            |call: &Call| call.yields.iter().any(|path| needed.iter().any(|need| overlaps(path, need)));
        let mut names: Vec<&str> = table.iter().filter(|call| wants(call)).map(|call| call.name).collect();
        let mut next = 0;
        while let Some(name) = names.get(next).copied() {
            for call in table.iter().filter(|call| call.name == name) {
                for before in call.after {
                    if !names.contains(before) {
                        names.push(before);
                    }
                }
            }
            next += 1;
        }
        let calls = table.iter().copied().filter(|call| names.contains(&call.name)).collect();
        Self { calls, needed: leaves(needed) }
    }

    /// The selected calls.
    pub fn calls(&self) -> impl Iterator<Item = &'static Call> + '_ {
        self.calls.iter().copied()
    }

    /// A selected call.
    pub fn call(&self, name: &str) -> Option<&'static Call> {
        self.calls().find(|call| call.name == name)
    }

    /// The needed facts, up to the first list: what must be present or absent in the end.
    pub fn needed(&self) -> impl Iterator<Item = &str> {
        self.needed.iter().map(String::as_str)
    }
}

/// Every fact of the catalogue at or below the needed paths, cut at its first list.
fn leaves(needed: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for group in catalogue::GROUPS {
        for fact in group.facts {
            let path = format!("{}.{}", group.name, fact.path);
            if needed.iter().any(|need| overlaps(&path, need)) {
                let cut = path.find("[]").unwrap_or(path.len());
                found.insert(path[..cut].to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::{Access, Yield};
    use crate::facts::catalogue::Scope;

    const fn call(
        name: &'static str,
        yields: &'static [&'static str],
        after: &'static [&'static str],
    ) -> Call {
        Call {
            name,
            scope: Scope::Account,
            yields,
            after,
            access: Access::Anonymous,
            applies: |_| true,
            run: |_| Box::pin(async { Yield::new() }),
        }
    }

    static TABLE: [Call; 3] = [
        call("one", &["account.id"], &[]),
        call("two", &["mfa.policies"], &["one"]),
        call("three", &["license.skus"], &[]),
    ];

    #[test]
    fn a_call_brings_those_before_it_and_no_others() {
        let table: Vec<_> = TABLE.iter().collect();
        let plan = Plan::new(&table, &["mfa.policies[].name".to_owned()].into());
        let names: Vec<_> = plan.calls().map(|call| call.name).collect();
        assert_eq!(names, ["one", "two"]);
    }

    #[test]
    fn needed_facts_end_at_their_list() {
        let plan = Plan::new(&[], &["mfa.policies[].name".to_owned()].into());
        assert_eq!(plan.needed().collect::<Vec<_>>(), ["mfa.policies"]);
    }
}
