//! From role assignments, groups and scopes of Exchange Server to facts about the account's right.
//!
//! Who is effectively a member and which mailbox is writable is taken from Exchange's own answers; the
//! groups only explain them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    lax::Text,
    shape::{Account, Assignment, Effective, File, Group, Reach, Scope},
};
use crate::facts::Section;

/// Role groups that get an assignment of the role when Exchange is set up.
const BUILT_IN: &[&str] = &["Organization Management", "Hygiene Management"];

/// Writes `rbac.*`, where the script could read the assignments and whom they reach.
pub fn facts(file: &File, account: &Account, section: &mut Section) {
    if !file.assignments.told || !(account.assignments.told || file.effective.told) {
        return;
    }
    let right = Right::new(file, account);
    section.set("rbac.server", json!(file.server.get()));
    section.set("rbac.roles", json!(file.roles.texts().collect::<Vec<_>>()));
    section.set("rbac.assignments", right.assignments());
    section.set("rbac.groups", right.groups());
    if file.scopes.told {
        section.set("rbac.scopes", right.scopes());
    }
    if account.reach.told {
        section.set("rbac.reach", right.reach());
    }
    section.set("rbac.changed_at", right.changed_at());
}

/// The account's right, put together.
struct Right<'a> {
    file: &'a File,
    account: &'a Account,
    /// Lower-case names under which the account may stand in a group.
    names: BTreeSet<String>,
    /// Lower-case identity or name → group.
    groups: BTreeMap<String, usize>,
    /// Group → groups that are direct members of it.
    nested: Vec<BTreeSet<usize>>,
    /// Groups of which the account is a direct member.
    direct: Vec<bool>,
    /// Groups that hold the account, through any groups.
    holds: Vec<bool>,
    /// Groups that hold the account by security groups alone.
    carries: Vec<bool>,
}

impl<'a> Right<'a> {
    fn new(file: &'a File, account: &'a Account) -> Self {
        let user = account.user.first();
        let known = user.map(|user| {
            [&user.identity, &user.distinguished_name, &user.user_principal_name, &user.sam_account_name]
        });
        let names = known.into_iter().flatten().chain([&account.address]).filter_map(lower).collect();
        let mut groups = BTreeMap::new();
        for (index, group) in file.groups.items.iter().enumerate() {
            for name in [lower(&group.name), lower(&group.identity)].into_iter().flatten() {
                groups.entry(name).or_insert(index);
            }
        }
        let (nested, direct) = (Vec::new(), Vec::new());
        let (holds, carries) = (Vec::new(), Vec::new());
        let mut right = Self { file, account, names, groups, nested, direct, holds, carries };
        for group in &file.groups.items {
            let members = group.members.items.iter().filter_map(lower);
            let inner = members.clone().filter_map(|member| right.groups.get(&member).copied()).collect();
            right.direct.push(members.clone().any(|member| right.names.contains(&member)));
            right.nested.push(inner);
        }
        right.holds = right.upwards(|_| true);
        right.carries = right.upwards(is_security);
        right
    }

    /// Groups from which a way leads down to the account, by groups of a kind alone.
    fn upwards(&self, passes: impl Fn(&Group) -> bool) -> Vec<bool> {
        let mut outer = vec![Vec::new(); self.nested.len()];
        for (index, inner) in self.nested.iter().enumerate() {
            for inner in inner {
                outer[*inner].push(index);
            }
        }
        let fits = |index: &usize| passes(&self.file.groups.items[*index]);
        let mut found = vec![false; self.nested.len()];
        let mut open: Vec<usize> =
            (0..self.nested.len()).filter(|index| self.direct[*index]).filter(fits).collect();
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut found[index], true) {
                open.extend(outer[index].iter().copied().filter(fits));
            }
        }
        found
    }

    fn group(&self, name: &str) -> Option<usize> {
        self.groups.get(&name.to_lowercase()).copied()
    }

    /// How an assignment reaches the account; `None`: not at all.
    fn effective(&self, assignment: &Assignment) -> Option<&'a Effective> {
        let name = assignment.name.get()?;
        let by_account = self.account.assignments.items.iter().find(|row| row.name.is(name));
        by_account.or_else(|| {
            let rows = self.file.effective.items.iter().filter(|row| row.name.is(name));
            rows.clone().find(|row| lower(&row.user).is_some_and(|user| self.names.contains(&user)))
        })
    }

    /// Whether it lets the account act: regular, enabled, and reaching it.
    fn counts(&self, assignment: &Assignment) -> bool {
        kind(assignment) == json!("regular")
            && assignment.enabled.0 == Some(true)
            && self.effective(assignment).is_some()
    }

    fn assignments(&self) -> Value {
        let row = |assignment: &Assignment| {
            let effective = self.effective(assignment);
            json!({
                "name": assignment.name.get(),
                "role": assignment.role.name(),
                "assignee": assignee(assignment),
                "assignee_type": assignment.role_assignee_type.get(),
                "kind": kind(assignment),
                "enabled": assignment.enabled.0,
                "builtin": assignee(assignment).is_some_and(|name| BUILT_IN.contains(&name)),
                "effective": effective.is_some(),
                "method": effective.map(method),
                "write_scope": assignment.recipient_write_scope.get(),
                "scope": scope(assignment),
                "changed_at": assignment.when_changed_utc.0,
            })
        };
        self.file.assignments.items.iter().map(row).collect()
    }

    fn groups(&self) -> Value {
        let assignees = self.file.assignments.items.iter().filter_map(assignee);
        let assigned: BTreeSet<usize> = assignees.filter_map(|name| self.group(name)).collect();
        let row = |index: usize| {
            let group = &self.file.groups.items[index];
            let owner =
                group.managed_by.items.iter().filter_map(lower).any(|name| self.names.contains(&name));
            let (through, dead_ends) = self.ways(index);
            json!({
                "name": group.name.get(),
                "members": group.members.items.len(),
                "member": self.direct[index],
                "owner": owner,
                "through": through,
                "dead_ends": dead_ends,
                "changed_at": group.when_changed_utc.0,
            })
        };
        assigned.into_iter().map(row).collect()
    }

    /// Security groups inside a group that lead to the account, and distribution groups that hold it.
    fn ways(&self, from: usize) -> (Vec<&'a str>, Vec<&'a str>) {
        let (mut through, mut dead_ends) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::from([from]);
        let mut open: Vec<usize> = self.nested[from].iter().copied().collect();
        while let Some(index) = open.pop() {
            if !seen.insert(index) {
                continue;
            }
            let group = &self.file.groups.items[index];
            let Some(name) = group.name.get() else { continue };
            if !is_security(group) {
                if self.holds[index] {
                    dead_ends.push(name);
                }
                continue;
            }
            if self.carries[index] {
                through.push(name);
            }
            open.extend(&self.nested[index]);
        }
        (through, dead_ends)
    }

    /// Whether an assignment that reaches the account uses a scope.
    fn uses(&self, name: &Text) -> bool {
        let used = |assignment: &&Assignment| scope(assignment).is_some_and(|used| name.is(used));
        let rows = &self.file.assignments.items;
        rows.iter().filter(used).any(|assignment| self.counts(assignment))
    }

    fn scopes(&self) -> Value {
        let row = |scope: &Scope| {
            json!({
                "name": scope.name.get(),
                "filter": scope.recipient_filter.get(),
                "root": scope.recipient_root.get(),
                "exclusive": scope.exclusive.0,
                "own": self.uses(&scope.name),
                "changed_at": scope.when_changed_utc.0,
            })
        };
        self.file.scopes.items.iter().map(row).collect()
    }

    fn reach(&self) -> Value {
        let holding: Vec<&str> = self
            .file
            .assignments
            .items
            .iter()
            .filter(|assignment| self.counts(assignment))
            .filter_map(|assignment| assignment.name.get())
            .collect();
        let row = |reach: &Reach| {
            let by: Vec<&str> = reach
                .assignments
                .texts()
                .filter(|name| holding.iter().any(|h| h.eq_ignore_ascii_case(name)))
                .collect();
            let foreign = self
                .file
                .scopes
                .items
                .iter()
                .filter(|scope| scope.exclusive.0 == Some(true) && !self.uses(&scope.name));
            let guarded: Vec<&str> = foreign
                .filter_map(|scope| scope.name.get())
                .filter(|name| reach.scopes.items.iter().any(|fits| fits.is(name)))
                .collect();
            json!({
                "target": reach.target.get(),
                "own": self.account.address.get().is_some_and(|own| reach.target.is(own)),
                "covered": reach.assignments.told.then_some(!by.is_empty()),
                "by": by,
                "scopes": reach.scopes.texts().collect::<Vec<_>>(),
                "guarded_by": guarded,
            })
        };
        self.account.reach.items.iter().map(row).collect()
    }

    /// The youngest change of anything by which the account holds the role.
    fn changed_at(&self) -> Value {
        let counting = self.file.assignments.items.iter().filter(|assignment| self.counts(assignment));
        let times = counting.flat_map(|assignment| {
            let group = assignee(assignment).and_then(|name| self.group(name));
            let groups = group.into_iter().flat_map(|index| self.below(index));
            let scopes = self.file.scopes.items.iter();
            let own = scopes.filter(|own| scope(assignment).is_some_and(|name| own.name.is(name)));
            [&assignment.when_changed_utc]
                .into_iter()
                .chain(groups.map(|index| &self.file.groups.items[index].when_changed_utc))
                .chain(own.map(|scope| &scope.when_changed_utc))
                .filter_map(|time| time.0.clone())
        });
        // Of one form and in UTC, so the order of texts is that of times.
        times.max().map_or(Value::Null, Value::from)
    }

    /// A group and those inside it that hold the account.
    fn below(&self, from: usize) -> BTreeSet<usize> {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(index) = open.pop() {
            if seen.insert(index) {
                open.extend(self.nested[index].iter().filter(|inner| self.carries[**inner]));
            }
        }
        seen
    }
}

fn lower(text: &Text) -> Option<String> {
    text.get().map(str::to_lowercase)
}

fn assignee(assignment: &Assignment) -> Option<&str> {
    assignment.role_assignee_name.get().or_else(|| assignment.role_assignee.name())
}

fn scope(assignment: &Assignment) -> Option<&str> {
    assignment.custom_recipient_write_scope.name().or_else(|| {
        // An organizational unit is known by its whole path.
        assignment.recipient_organizational_unit_scope.get()
    })
}

fn kind(assignment: &Assignment) -> Value {
    match assignment.role_assignment_delegation_type.get() {
        Some("Regular") => json!("regular"),
        Some(name) if name.starts_with("Delegating") => json!("delegating"),
        _ => Value::Null,
    }
}

fn method(row: &Effective) -> &'static str {
    match row.assignment_method.get() {
        Some("Direct") => "direct",
        Some("RoleGroup") => "role-group",
        Some("SecurityGroup") => "security-group",
        _ => "other",
    }
}

/// Whether rights pass through the group. Distribution groups carry none.
fn is_security(group: &Group) -> bool {
    let holds = |text: &Text, word: &str| text.get().is_some_and(|text| text.contains(word));
    holds(&group.group_type, "SecurityEnabled")
        || holds(&group.recipient_type_details, "SecurityGroup")
        || holds(&group.recipient_type_details, "RoleGroup")
}
